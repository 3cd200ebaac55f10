//! The walks over the graph: the reverse sweep with its gradients, and forward mode.

mod backward;
pub(crate) mod forward;
pub(crate) mod gradients;
mod non_finite;
pub(crate) mod sweep;
mod why;
