//! The walks over the graph: the reverse sweep with its gradients, and forward mode.

pub(crate) mod forward;
pub(crate) mod gradients;
pub(crate) mod sweep;
