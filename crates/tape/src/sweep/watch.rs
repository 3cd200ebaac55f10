//! What a sweep shows to those who watch it.

use petgraph::graph::NodeIndex;

/// An observer of a sweep. The observer `()` sees nothing and costs nothing.
pub(crate) trait Watch<T> {
    /// The adjoint of a node is complete.
    fn complete(&mut self, _node: NodeIndex, _adjoint: &T) {}

    /// The node passes a contribution to operand number `position`, whose adjoint so far is
    /// `so_far`; `contribution` gives it in the operand's own shape.
    fn pass(&mut self, _position: usize, _contribution: impl FnOnce() -> T, _so_far: Option<&T>) {}

    /// The contribution has been added to the operand's adjoint.
    fn added(&mut self, _position: usize, _sum: Option<&T>) {}
}

impl<T> Watch<T> for () {}
