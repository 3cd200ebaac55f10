//! Losses of units that each say yes or no.

use std::sync::Arc;

use ops::describe::AnyRule;
use ops::methods::{BinaryMethods, LinearMethods, UnaryMethods};
use ops::rules::Sigmoid;
use ops::{Float, Lift, Reading, Tensor};
use tape::Var;

use super::Loss;
use super::classes::{checked_weights, weights_fit};
use super::targets::{Allowed, binary};
use crate::ground::{Error, Targets};

/// Binary cross-entropy of probabilities: the mean of −t·ln y − (1 − t)·ln(1 − y).
///
/// Targets are values from 0 to 1 of the output's shape, or labels 0 and 1 for a single output.
/// Of an output that is a sigmoid the loss is computed from what the sigmoid was applied to, as
/// [`BinaryCrossEntropyWithLogits`] does: its gradient there is (σ(x) − t)/n, also where σ(x) rounds
/// to 0 or 1. Other probabilities count as ε (of the element type) away from 0 and 1, where the
/// logarithm is infinite, with the slope that they have at that distance.
#[doc(alias = "BCELoss")]
#[derive(Clone, Copy, Debug, Default)]
pub struct BinaryCrossEntropy;

impl<A: Float> Loss<A> for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary cross-entropy"
    }
    #[inline(never)] // Compiled once, in this crate.
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        binary(Loss::<A>::name(self), output, targets, Allowed::PROBABILITIES)
    }
    #[inline(never)] // Compiled once, in this crate.
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        let sigmoid = Lift::unary(Sigmoid).rule();
        if output.described().is_some_and(|op| op.rule() == sigmoid) {
            return output.operands()[0].sigmoid_cross_entropy(target).mean();
        }
        let [least, most] =
            [A::EPSILON, A::one() - A::EPSILON].map(|p| output.tape().constant(Tensor::scalar(p)));
        // The bound moves the value and leaves the slope, which would be 0 beyond it.
        let p = output + (output.maximum(least).minimum(most) - output).detach();
        let one = A::one();
        let yes = target * p.ln();
        let no = (-target + one) * (-p + one).ln();
        -(yes + no).mean()
    }
}

/// Binary cross-entropy of logits: the mean of −t·ln σ(x) − (1 − t)·ln(1 − σ(x)), computed
/// without overflow. Its gradient with respect to x is (σ(x) − t)/n.
///
/// Targets are values from 0 to 1 of the output's shape, or labels 0 and 1 for a single output.
#[doc(alias = "BCEWithLogitsLoss")]
#[derive(Clone, Copy, Debug, Default)]
pub struct BinaryCrossEntropyWithLogits;

impl BinaryCrossEntropyWithLogits {
    /// The same with the term of a *yes* multiplied by a weight, one for each output or one for
    /// all: the mean of −w·t·ln σ(x) − (1 − t)·ln(1 − σ(x)).
    ///
    /// Where a *yes* is rare, a weight of (number of *no*)/(number of *yes*) makes both count
    /// alike.
    ///
    /// # Errors
    /// If weights are missing, negative or not finite, or all are 0.
    ///
    /// ```
    /// use nn::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([[0.0], [0.0]]);
    /// let loss = BinaryCrossEntropyWithLogits.positive_weights(&[3.0])?;
    /// let value = loss.loss(x, &Targets::Labels(vec![1, 0]))?;
    /// assert_eq!(value.item(), (3.0 + 1.0) * 2.0_f64.ln() / 2.0);
    /// assert_eq!(value.backward().wrt(x), Tensor::from([[-0.75], [0.25]]));
    /// # Ok::<(), nn::Error>(())
    /// ```
    pub fn positive_weights(self, weights: &[f64]) -> Result<WeightedBinaryCrossEntropy, Error> {
        Ok(WeightedBinaryCrossEntropy { weights: checked_weights("a positive weight", weights)? })
    }
}

impl<A: Float> Loss<A> for BinaryCrossEntropyWithLogits {
    fn name(&self) -> &'static str {
        "binary cross-entropy"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        binary(Loss::<A>::name(self), output, targets, Allowed::PROBABILITIES)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        output.sigmoid_cross_entropy(target).mean()
    }
    fn threshold(&self) -> f64 {
        0.0
    }
}

/// [`BinaryCrossEntropyWithLogits`] in which a *yes* has a weight; made by
/// [`positive_weights`](BinaryCrossEntropyWithLogits::positive_weights).
#[derive(Clone, Debug)]
pub struct WeightedBinaryCrossEntropy {
    weights: Arc<[f64]>,
}

impl<A: Float> Loss<A> for WeightedBinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "weighted binary cross-entropy"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        if self.weights.len() > 1 {
            weights_fit(&self.weights, output)?;
        }
        binary(Loss::<A>::name(self), output, targets, Allowed::PROBABILITIES)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        let weights = output.tape().constant(Tensor::from(self.weights.to_vec()).cast::<A>());
        // −ln σ(x) = softplus(−x) and −ln(1 − σ(x)) = softplus(x): no logarithm of 0 arises.
        let yes = target * weights * (-output).softplus();
        let no = (-target + A::one()) * output.softplus();
        (yes + no).mean()
    }
    fn threshold(&self) -> f64 {
        0.0
    }
}

/// The hinge loss of support vector machines: the mean of max(0, 1 − s·y), where s is 1 for a
/// *yes* and −1 for a *no*.
///
/// A *yes* is a target of 1, a *no* is a target of −1 or 0, but not both in one data set; for a
/// single output they may also be labels 1 and 0. The gradient is −s/n for an output that is not
/// right by 1, and 0 for any other. Cortes & Vapnik, *Support-Vector Networks*, 1995.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hinge;

impl<A: Float> Loss<A> for Hinge {
    fn name(&self) -> &'static str {
        "hinge loss"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        signs(Loss::<A>::name(self), output, targets)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        shortfall(output, target).mean()
    }
    fn threshold(&self) -> f64 {
        0.0
    }
}

/// The mean of max(0, 1 − s·y)², with targets as [`Hinge`] takes them: smooth where it reaches 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct SquaredHinge;

impl<A: Float> Loss<A> for SquaredHinge {
    fn name(&self) -> &'static str {
        "squared hinge loss"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        signs(Loss::<A>::name(self), output, targets)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        shortfall(output, target).square().mean()
    }
    fn threshold(&self) -> f64 {
        0.0
    }
}

/// By how much each output misses the margin of 1.
fn shortfall<'t, A: Float>(output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
    let (yes, no) = (output.scalar(1.0), output.scalar(-1.0));
    let sign = target.greater(output.scalar(0.0)).select(yes, no);
    (-(sign * output) + A::one()).relu()
}

/// Targets of 1 for *yes*, and −1 or 0 for *no*.
fn signs<A: Float>(
    measure: &str,
    output: &[usize],
    targets: &Targets<A>,
) -> Result<Tensor<A>, Error> {
    let with_no =
        |words, holds: fn(f64) -> bool| binary(measure, output, targets, Allowed { words, holds });
    let uses = |number: f64| match targets {
        Targets::Values(values) => values.view().iter().any(|t| t.to_f64() == number),
        Targets::Labels(_) => false,
    };
    match (uses(-1.0), uses(0.0)) {
        (true, true) => with_no("1 and either 0 or -1, not both", |t| t == 1.0 || t == -1.0),
        (true, false) => with_no("1 and -1", |t| t == 1.0 || t == -1.0),
        _ => with_no("1 and 0, or 1 and -1", |t| t == 1.0 || t == 0.0),
    }
}
