//! Stage 4: the sweep.

use super::stage_2::Var;

/// The derivatives of one number with respect to all that it was computed from.
#[derive(Debug)]
pub struct Gradients(Vec<f64>);

impl Gradients {
    pub fn wrt(&self, x: Var<'_>) -> f64 {
        self.0[x.index]
    }
}

impl Var<'_> {
    // ANCHOR: backward
    /// Backpropagation: one walk from this number back to the variables.
    pub fn backward(self) -> Gradients {
        let nodes = self.tape.nodes.borrow();
        let mut adjoints = vec![0.0; nodes.len()];
        // YOUR LINES: begin with the 1 at this number. Visit the nodes in their
        // order, ask the op of each for its contributions, and add each to the
        // adjoint of its operand.
        Gradients(adjoints)
    }
    // ANCHOR_END: backward
}
