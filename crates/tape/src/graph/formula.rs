//! How a value was computed, and what its operands receive, as text read from the rule.

use ops::{Call, Float, Formula};

use super::var::Var;

impl<A: Float> Var<'_, A> {
    /// The formula of the value, in the labels of its operands: `w · x`.
    pub fn formula(self) -> Option<String> {
        self.formula_in(Var::symbol)
    }

    /// The formula of the value, with the symbols that `symbol` gives its operands.
    pub(crate) fn formula_in(self, symbol: impl Fn(Self) -> Formula) -> Option<String> {
        self.written_in(symbol).map(|formula| formula.to_string())
    }

    /// The same, to be part of another formula.
    pub(crate) fn written_in(self, symbol: impl Fn(Self) -> Formula) -> Option<Formula> {
        let symbols: Vec<Formula> = self.operands().into_iter().map(symbol).collect();
        let graph = self.tape().graph();
        let op = graph[self.index()].source.op()?;
        Some(op.write(&symbols.iter().collect::<Vec<_>>()))
    }

    /// The contribution to each operand in the sweep, as text read from the rule: in the labels of
    /// the operands, of this value and of its [adjoint](Var::adjoint_label); `None` where that is
    /// nothing.
    pub fn gradient_formulas(self) -> Vec<Option<String>> {
        let symbols: Vec<Formula> = self.operands().into_iter().map(Var::symbol).collect();
        let call = Call {
            operands: &symbols.iter().collect::<Vec<_>>(),
            output: &self.symbol(),
            wanted: &vec![true; symbols.len()],
        };
        let graph = self.tape().graph();
        let Some(op) = graph[self.index()].source.op() else { return Vec::new() };
        let adjoint = Formula::symbol(self.adjoint_label(), &self.shape());
        let formulas = op.vjp_formulas(&call, &adjoint);
        formulas.iter().map(|f| f.as_ref().map(Formula::to_string)).collect()
    }
}
