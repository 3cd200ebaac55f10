//! The walks over the graph: the reverse sweep with its gradients, and forward mode.

pub(crate) mod adjoints;
mod backward;
pub(crate) mod forward;
pub(crate) mod gradients;
mod non_finite;
#[allow(clippy::module_inception)]
pub(crate) mod sweep;
pub(crate) mod swept;
pub(crate) mod watch;
mod way;
pub(crate) mod why;
