//! Stage 3: the order in which the way back visits the nodes.

use super::stage_2::Var;

impl Var<'_> {
    // ANCHOR: order
    /// The nodes that this one was computed from, and itself: each comes after all its uses.
    pub fn order(self) -> Vec<usize> {
        let nodes = self.tape.nodes.borrow();
        let mut needed = vec![false; self.index + 1];
        needed[self.index] = true;
        let mut order = vec![];
        for node in (0..=self.index).rev() {
            if needed[node] {
                order.push(node);
                for &operand in &nodes[node].operands {
                    needed[operand] = true;
                }
            }
        }
        order
    }
    // ANCHOR_END: order
}
