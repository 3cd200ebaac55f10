//! Stops a sweep at the first contribution that is infinite or NaN.

use ops::{Float, Tensor};
use petgraph::graph::NodeIndex;

use super::watch::Watch;
use crate::graph::error::{NonFinite, TapeError};
use crate::graph::non_finite::{describe, first_non_finite, remedy};
use crate::graph::one_line::one_line;
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
    Some(TapeError::NonFinite(Box::new(NonFinite {
        op,
        backward: true,
        value,
        operands: vec![
            describe(node.operands()[position], &index),
            format!("the incoming gradient: {}", one_line(adjoint, 6)),
        ],
        index,
        location: node.location(),
        remedy: remedy(op, node.operands().into_iter()),
    })))
}
