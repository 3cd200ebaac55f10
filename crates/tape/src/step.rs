//! The steps of a sweep, for those who want to see every number of it.

use std::fmt::{self, Display};

use ops::{Algebra, Call, Float, Tensor};
use smallvec::SmallVec;

use crate::sweep::Visit;
use crate::tape::Tape;
use crate::var::Var;

/// One step of the reverse sweep: a node whose adjoint is complete passes it on to its operands.
#[derive(Clone, Debug)]
pub struct Step<'t, A: Float> {
    /// The node.
    pub node: Var<'t, A>,
    /// Its adjoint: the derivative of the output with respect to it.
    pub adjoint: Tensor<A>,
    /// What it passes on, one entry an operand; empty for a variable.
    pub contributions: Vec<Contribution<'t, A>>,
}

/// What one operand receives in a step.
#[derive(Clone, Debug)]
pub struct Contribution<'t, A: Float> {
    /// The operand.
    pub operand: Var<'t, A>,
    /// The contribution as a formula, read from the rule; `None` if there is none.
    pub formula: Option<String>,
    /// The local derivative, for elementwise ops: a number for each element of the node.
    pub local: Option<Tensor<A>>,
    /// The contribution in the shape of the operand; `None` if there is none.
    pub value: Option<Tensor<A>>,
    /// The operand's adjoint so far, with this contribution.
    pub total: Option<Tensor<A>>,
}

impl<'t, A: Float> Step<'t, A> {
    pub(crate) fn new(tape: &'t Tape<A>, visit: &Visit<'_, Tensor<A>>) -> Self {
        let node = Var::new(tape, visit.node);
        let formulas = node.gradient_formulas();
        let slopes = local_derivatives(node);
        let mut contributions: Vec<Contribution<'t, A>> = Vec::new();
        for (i, &operand) in visit.operands.iter().enumerate() {
            let value = visit.contributions.get(i).cloned().flatten();
            // An operand that comes twice (x · x) is added to twice within the step.
            let before = contributions
                .iter()
                .rev()
                .find(|earlier| earlier.operand.index() == operand)
                .map_or_else(|| visit.adjoints[operand.index()].clone(), |c| c.total.clone());
            let total = match (before, value.clone()) {
                (Some(sum), Some(value)) => Some(sum.accumulate(value)),
                (one, other) => one.or(other),
            };
            contributions.push(Contribution {
                operand: Var::new(tape, operand),
                formula: formulas.get(i).cloned().flatten(),
                local: slopes.get(i).cloned().flatten(),
                value,
                total,
            });
        }
        Self { node, adjoint: visit.adjoint.clone(), contributions }
    }
}

/// The slope of an elementwise op with respect to each operand: its contribution for a cotangent
/// of ones.
fn local_derivatives<A: Float>(node: Var<'_, A>) -> Vec<Option<Tensor<A>>> {
    let graph = node.tape().graph();
    let here = &graph[node.index()];
    let Some(op) = here.source.op().filter(|op| op.is_elementwise()) else { return Vec::new() };
    let operands = node.operands();
    let values: SmallVec<[&Tensor<A>; 3]> =
        operands.iter().map(|x| &graph[x.index()].value).collect();
    let wanted = vec![true; values.len()];
    let call = Call { operands: &values, output: &here.value, wanted: &wanted };
    op.vjp(&call, &Tensor::ones(here.value.shape())).into_vec()
}

impl<A: Float> Display for Step<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.node.label();
        match self.node.formula() {
            Some(formula) => writeln!(f, "{label} = {formula}")?,
            None => writeln!(f, "{label}, a variable: its gradient is complete")?,
        }
        writeln!(f, "    incoming ȳ = {}", one_line(&self.adjoint, 6))?;
        for contribution in &self.contributions {
            let operand = contribution.operand.label();
            let (Some(formula), Some(value)) = (&contribution.formula, &contribution.value) else {
                writeln!(f, "    to {operand}: nothing (no gradient flows there)")?;
                continue;
            };
            writeln!(f, "    to {operand}: {formula}")?;
            if let Some(local) = &contribution.local {
                writeln!(f, "        local ∂y/∂{operand} = {}", one_line(local, 6))?;
            }
            writeln!(f, "        contribution = {}", one_line(value, 6))?;
            if let Some(total) = &contribution.total {
                writeln!(f, "        adjoint of {operand} so far = {}", one_line(total, 6))?;
            }
        }
        Ok(())
    }
}

/// A small tensor in full on one line, with the given number of decimals; a large one by its shape
/// and range.
///
/// ```
/// let x = ops::Tensor::from([[1.0, 2.5], [3.0, 4.0]]);
/// assert_eq!(tape::one_line(&x, 1), "[[1.0, 2.5], [3.0, 4.0]]");
/// ```
pub fn one_line<A: Float>(x: &Tensor<A>, decimals: usize) -> String {
    if x.len() <= 12 {
        let text = format!("{:.decimals$}", x.view()).replace('\n', " ");
        return text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let elements = x.to_vec();
    let (low, high) = elements.iter().fold((elements[0], elements[0]), |(low, high), &v| {
        (if v < low { v } else { low }, if v > high { v } else { high })
    });
    format!("tensor of shape {:?}, {low:.decimals$} to {high:.decimals$}", x.shape())
}
