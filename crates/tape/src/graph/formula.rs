//! How a value was computed, and what its operands receive, as text read from the rule.

use ops::{Call, Float, Formula};

use super::var::Var;

impl<A: Float> Var<'_, A> {
    /// The formula of the value, in the labels of its operands: `w · x`.
    pub fn formula(self) -> Option<String> {
        let symbols = self.operand_symbols();
        let graph = self.tape().graph();
        let op = graph[self.index()].source.op()?;
        Some(op.write(&symbols.iter().collect::<Vec<_>>()).to_string())
    }

    /// The contribution to each operand in the sweep, as text read from the rule: in the labels
    /// of the operands, `y` for this value and `ȳ` for its adjoint; `None` where that is nothing.
    pub fn gradient_formulas(self) -> Vec<Option<String>> {
        let symbols = self.operand_symbols();
        let shape = self.shape();
        let call = Call {
            operands: &symbols.iter().collect::<Vec<_>>(),
            output: &Formula::symbol("y", &shape),
            wanted: &vec![true; symbols.len()],
        };
        let graph = self.tape().graph();
        let Some(op) = graph[self.index()].source.op() else { return Vec::new() };
        let formulas = op.vjp_formulas(&call, &Formula::symbol("ȳ", &shape));
        formulas.iter().map(|f| f.as_ref().map(Formula::to_string)).collect()
    }

    fn operand_symbols(self) -> Vec<Formula> {
        self.operands().iter().map(|x| Formula::symbol(x.label(), &x.shape())).collect()
    }
}
