//! The steps of the two passes.

use std::fmt::{self, Display};

use ops::{Call, Family, Float, Tensor};
use smallvec::SmallVec;

use super::formula::{self, Rounding, Written};
use crate::graph::node::Source;
use crate::graph::var::Var;
use crate::words::Language;

/// One step of a [`Trace`](super::Trace).
#[derive(Clone, Copy, Debug)]
pub enum Step<'a, 't, A: Float> {
    /// A value is computed from its operands, or given.
    Forward(Forward<'t, A>),
    /// A node whose adjoint is complete passes it on to its operands.
    Backward(&'a Backward<'t, A>),
}

impl<'t, A: Float> Step<'_, 't, A> {
    /// The node that the step is about.
    pub fn node(&self) -> Var<'t, A> {
        match self {
            Self::Forward(step) => step.node,
            Self::Backward(step) => step.node,
        }
    }
}

/// One step of the forward pass: a value is computed from its operands, or given.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'t, A: Float> {
    /// The node: its value, op, operands, name, line and scope.
    pub node: Var<'t, A>,
}

impl<A: Float> Forward<'_, A> {
    /// The formula of the value, in the labels of the operands and with their numbers. `None` for
    /// a value that was given.
    pub fn formula(&self, rounding: Rounding) -> Option<Written> {
        formula::value(self.node, rounding)
    }
}

/// One step of the reverse sweep: a node whose adjoint is complete passes it on to its operands.
#[derive(Clone, Debug)]
pub struct Backward<'t, A: Float> {
    /// The value that is differentiated.
    pub output: Var<'t, A>,
    /// The node.
    pub node: Var<'t, A>,
    /// Its adjoint: the derivative of the output with respect to it.
    pub adjoint: Tensor<A>,
    /// The uses of the node, in the order in which they reported: now that all have, it is the
    /// node's turn. The output has none.
    pub uses: Vec<Use<'t, A>>,
    /// The contributions that it passes on, one for each operand in order; none for a variable.
    pub contributions: Vec<Contribution<'t, A>>,
}

/// A use of a value: as which operand of which op.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Use<'t, A: Float> {
    /// The result of the op.
    pub node: Var<'t, A>,
    /// The number of the operand, from 0.
    pub position: usize,
}

/// The contribution to one operand in a step.
#[derive(Clone, Debug)]
pub struct Contribution<'t, A: Float> {
    /// The operand.
    pub operand: Var<'t, A>,
    /// The contribution, or the reason that there is none.
    pub received: Result<Received<A>, NothingFlows>,
}

/// A contribution, and the operand's adjoint before and after it.
#[derive(Clone, Debug)]
pub struct Received<A: Float> {
    /// The contribution in the shape of the operand.
    pub value: Tensor<A>,
    /// The operand's adjoint so far; `None` before the first contribution.
    pub before: Option<Tensor<A>>,
    /// The operand's adjoint with this contribution.
    pub after: Tensor<A>,
}

/// The reason that an operand receives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "json", serde(rename_all = "kebab-case"))]
pub enum NothingFlows {
    /// It is a constant.
    Constant,
    /// It is detached.
    Detached,
    /// It was computed from constants or detached values only.
    Untracked,
    /// Every path from it to the output passes a detached value.
    Cut,
    /// The derivative is zero everywhere: of a step, of rounding, of a comparison.
    ZeroSlope,
}

impl Display for NothingFlows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text(Language::ENGLISH))
    }
}

impl NothingFlows {
    /// The reason in words.
    pub fn text(self, language: Language) -> &'static str {
        let sentences = language.catalogue().sentences();
        match self {
            Self::Constant => sentences.reason_constant,
            Self::Detached => sentences.reason_detached,
            Self::Untracked => sentences.reason_untracked,
            Self::Cut => sentences.reason_cut,
            Self::ZeroSlope => sentences.reason_zero_slope,
        }
    }

    /// Finds why an operand got no contribution.
    pub(super) fn to<A: Float>(operand: Var<'_, A>) -> Self {
        match operand.tape().graph()[operand.index()].source {
            Source::Constant => Self::Constant,
            Source::Detached => Self::Detached,
            _ if !operand.is_tracked() => Self::Untracked,
            _ => Self::ZeroSlope,
        }
    }
}

impl<A: Float> Backward<'_, A> {
    /// The contribution to operand number `operand`: in the labels of the operands and of the node's
    /// adjoint, as `z̄ · x`, and with the numbers of all of them. `None` where that is nothing.
    ///
    /// It is the rule itself, read with formulas, and summed over the axes along which the operand
    /// was broadcast.
    pub fn formula(&self, operand: usize, rounding: Rounding) -> Option<Written> {
        self.contributions.get(operand)?.received.as_ref().ok()?;
        formula::contribution(self.node, &self.adjoint, operand, rounding)
    }

    /// The local derivative with respect to operand number `operand`, read from the rule: of an
    /// elementwise op the slope, `1 - y²`; of any other the linear map that takes the adjoint to
    /// the contribution, `z̄ ↦ z̄ @ bᵀ`. `None` where nothing flows.
    pub fn local_formula(&self, operand: usize, rounding: Rounding) -> Option<Written> {
        self.contributions.get(operand)?.received.as_ref().ok()?;
        formula::local(self.node, operand, rounding)
    }

    /// The local derivative of an elementwise op with respect to operand number `operand`: a number
    /// for each element of the node. `None` for other ops, and where nothing flows.
    pub fn local(&self, operand: usize) -> Option<Tensor<A>> {
        self.contributions.get(operand)?.received.as_ref().ok()?;
        let graph = self.node.tape().graph();
        let here = &graph[self.node.index()];
        let op = here.source.op().filter(|op| op.family() == Family::Elementwise)?;
        let values: SmallVec<[&Tensor<A>; 3]> =
            self.contributions.iter().map(|c| &graph[c.operand.index()].value).collect();
        let wanted: Vec<bool> = (0..values.len()).map(|i| i == operand).collect();
        let call = Call { operands: &values, output: &here.value, wanted: &wanted };
        // A cotangent of ones picks out the slope.
        op.vjp(&call, &Tensor::ones(here.value.shape())).get_mut(operand)?.take()
    }
}
