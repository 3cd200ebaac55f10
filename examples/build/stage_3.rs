//! Stage 3: the order in which the way back visits the nodes.

use super::stage_2::Var;

impl Var<'_> {
    // ANCHOR: order
    /// The nodes that this one was computed from, and itself: each comes after all its uses.
    pub fn order(self) -> Vec<usize> {
        let nodes = self.tape.nodes.borrow();
        // YOUR LINES: walk the list backwards, and keep what is needed. Whoever is
        // kept needs its operands.
        vec![self.index]
    }
    // ANCHOR_END: order
}
