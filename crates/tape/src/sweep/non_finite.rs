//! Stops a sweep at the first contribution that is infinite or NaN.

use ops::{Float, Remarks, Stops, Tensor};
use petgraph::graph::NodeIndex;

use super::watch::Watch;
use crate::graph::error::{NonFinite, TapeError};
use crate::graph::non_finite::{describe, element_at, first_non_finite, remedy};
use crate::graph::one_line::one_line;
use crate::graph::op::Op;
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// Watches a sweep for the first contribution that is not finite.
pub(crate) struct StopAtNonFinite<'t, A: Float> {
    tape: &'t Tape<A>,
    at: Option<(NodeIndex, Tensor<A>)>,
    pub first: Option<TapeError>,
}

impl<'t, A: Float> StopAtNonFinite<'t, A> {
    pub fn new(tape: &'t Tape<A>) -> Self {
        Self { tape, at: None, first: None }
    }
}

impl<A: Float> Watch<Tensor<A>> for StopAtNonFinite<'_, A> {
    fn complete(&mut self, node: NodeIndex, adjoint: &Tensor<A>) {
        self.at = Some((node, adjoint.clone()));
    }

    fn pass(
        &mut self,
        position: usize,
        contribution: impl FnOnce() -> Tensor<A>,
        _so_far: Option<&Tensor<A>>,
    ) {
        if let (Some((node, adjoint)), None) = (&self.at, &self.first) {
            let node = Var::new(self.tape, *node);
            self.first = non_finite_contribution(node, adjoint, position, &contribution());
        }
    }
}

pub(super) fn non_finite_contribution<A: Float>(
    node: Var<'_, A>,
    adjoint: &Tensor<A>,
    position: usize,
    contribution: &Tensor<A>,
) -> Option<TapeError> {
    let (index, value) = first_non_finite(contribution)?;
    let op = node.op().unwrap_or("leaf");
    let rule = node.tape().graph()[node.index()].source.op().map(Op::remarks);
    let remarks = rule.unwrap_or(Remarks::NONE);
    let mut operands = vec![
        describe(node.operands()[position], &index),
        format!("the incoming gradient: {}", one_line(adjoint, 6)),
    ];
    let mut instead = remedy(remarks, node.operands().into_iter());
    let nothing_arrives = element_at(adjoint, &index) == Some(A::zero());
    if let Some(choice) = choice_after(node, &index).filter(|_| nothing_arrives) {
        operands.push(format!(
            "a branch not taken: {} at {} gives it the gradient 0, and 0 times an infinite slope is \
             NaN",
            choice.op().unwrap_or("the mask"),
            choice.location()
        ));
        instead = Some(
            "choose the operand before the op, so that its slope is finite where it does not \
             count: mask.select(x, 1).sqrt()",
        );
    }
    Some(TapeError::NonFinite(Box::new(NonFinite {
        op,
        backward: true,
        value,
        operands,
        index,
        location: node.location(),
        remedy: instead,
    })))
}

/// The first choice that a value goes into, itself or what is computed from it: a `where`, or a
/// product with a mask that is 0 at `index`.
fn choice_after<'t, A: Float>(node: Var<'t, A>, index: &[usize]) -> Option<Var<'t, A>> {
    let mut reached = vec![node.position()];
    node.tape().vars().skip(node.position() + 1).find(|later| {
        let operands = later.operands();
        let reaches = |x: &Var<'t, A>| reached.contains(&x.position());
        if !operands.iter().any(reaches) {
            return false;
        }
        let is_mask = |x: &Var<'t, A>| element_at(&x.value(), index) == Some(A::zero());
        let masked = || operands.iter().filter(|&x| !reaches(x)).any(is_mask);
        let stops = later.described().and_then(|rule| rule.remarks().stops);
        let found = match stops {
            Some(Stops::Mask | Stops::Choice) => true,
            Some(Stops::Factor) => masked(),
            _ => false,
        };
        reached.push(later.position());
        found
    })
}
