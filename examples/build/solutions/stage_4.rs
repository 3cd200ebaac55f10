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
        adjoints[self.index] = 1.0;
        for node in self.order() {
            let Some(op) = nodes[node].op else { continue };
            let operands = &nodes[node].operands;
            let x: Vec<f64> = operands.iter().map(|&operand| nodes[operand].value).collect();
            let contributions = op.vjp(&x, nodes[node].value, adjoints[node]);
            for (&operand, contribution) in operands.iter().zip(contributions) {
                adjoints[operand] += contribution;
            }
        }
        Gradients(adjoints)
    }
    // ANCHOR_END: backward
}
