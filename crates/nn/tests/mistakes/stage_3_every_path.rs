//! Stage 3 with a mistake: a node is visited when it is first reached.

use super::stage_2::Var;

impl Var<'_> {
    pub fn order(self) -> Vec<usize> {
        let nodes = self.tape.nodes.borrow();
        let mut order = vec![];
        let mut todo = vec![self.index];
        while let Some(node) = todo.pop() {
            if !order.contains(&node) {
                order.push(node);
                todo.extend(&nodes[node].operands);
            }
        }
        order
    }
}
