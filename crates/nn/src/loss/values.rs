//! Losses between an output and target values of its shape.

use ops::methods::{BinaryMethods, LinearMethods, UnaryMethods};
use ops::{Float, Reading, Tensor};
use tape::Var;

use super::Loss;
use super::targets::{Allowed, values};
use crate::ground::{Error, Targets};

/// Mean squared error over all elements: Σ (y − t)² / n.
#[doc(alias = "MSELoss")]
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanSquaredError;

impl<A: Float> Loss<A> for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mean squared error"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        values(Loss::<A>::name(self), output, targets, Allowed::FINITE)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        (output - target).square().mean()
    }
}

/// The textbooks' quadratic cost: ½ Σ |y − t|² / N, for N samples (rows).
///
/// Its gradient with respect to the output of a sample is (y − t)/N, without a factor 2 and
/// without the number of outputs. Nielsen, *Neural Networks and Deep Learning*, chapter 1, eq. 6.
#[derive(Clone, Copy, Debug, Default)]
pub struct HalfSquaredError;

impl<A: Float> Loss<A> for HalfSquaredError {
    fn name(&self) -> &'static str {
        "half squared error"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        values(Loss::<A>::name(self), output, targets, Allowed::FINITE)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        (output - target).square().sum().scale(0.5 / samples(output))
    }
}

/// The number of samples, which lie along the first axis.
fn samples<A: Float>(output: Var<'_, A>) -> f64 {
    output.shape().first().copied().unwrap_or(1) as f64
}

/// Mean absolute error over all elements: Σ |y − t| / n.
///
/// Its gradient is ±1/n however large the error, so that an outlier pulls no harder than any other
/// sample; at y = t it is taken as 0.
#[doc(alias = "L1Loss")]
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanAbsoluteError;

impl<A: Float> Loss<A> for MeanAbsoluteError {
    fn name(&self) -> &'static str {
        "mean absolute error"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        values(Loss::<A>::name(self), output, targets, Allowed::FINITE)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        (output - target).abs().mean()
    }
}

/// Huber's loss, squared for small errors and absolute for large ones: the mean of ½d² for
/// |d| ≤ δ and δ(|d| − ½δ) beyond, d = y − t.
///
/// Its gradient is d, cut off at ±δ, over n. Huber, *Robust Estimation of a Location Parameter*,
/// 1964.
#[derive(Clone, Copy, Debug)]
pub struct Huber {
    delta: f64,
}

impl Huber {
    /// Squared up to errors of size `delta`, in the units of the targets.
    ///
    /// # Errors
    /// If `delta` is not positive and finite.
    ///
    /// ```
    /// use nn::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let y = tape.var([0.5, 3.0]);
    /// let loss = Huber::new(1.0)?.loss(y, &Targets::Values(Tensor::from([0.0, 0.0])))?;
    /// assert_eq!(loss.item(), (0.5 * 0.5 * 0.5 + 1.0 * (3.0 - 0.5)) / 2.0);
    /// assert_eq!(loss.backward().wrt(y), Tensor::from([0.25, 0.5]));
    /// # Ok::<(), nn::Error>(())
    /// ```
    pub fn new(delta: f64) -> Result<Self, Error> {
        Ok(Self { delta: positive("the delta of Huber's loss", delta)? })
    }
}

impl<A: Float> Loss<A> for Huber {
    fn name(&self) -> &'static str {
        "Huber loss"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        values(Loss::<A>::name(self), output, targets, Allowed::FINITE)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        let error = output - target;
        // c(d − ½c) with c = d cut off at ±δ: ½d² inside, δ(|d| − ½δ) outside.
        let cut = error.clamp(-self.delta, self.delta);
        (cut * (error - cut.scale(0.5))).mean()
    }
}

/// Smooth L1: [`Huber`]'s loss with δ = β, divided by β, so that beyond β it is the absolute error
/// less ½β.
///
/// Girshick, *Fast R-CNN*, 2015, with β = 1.
#[derive(Clone, Copy, Debug)]
pub struct SmoothL1 {
    huber: Huber,
}

impl SmoothL1 {
    /// Squared up to errors of size `beta`, in the units of the targets.
    ///
    /// # Errors
    /// If `beta` is not positive and finite.
    pub fn new(beta: f64) -> Result<Self, Error> {
        Ok(Self { huber: Huber { delta: positive("the beta of smooth L1", beta)? } })
    }
}

impl<A: Float> Loss<A> for SmoothL1 {
    fn name(&self) -> &'static str {
        "smooth L1"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        values(Loss::<A>::name(self), output, targets, Allowed::FINITE)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        self.huber.between(output, target).scale(self.huber.delta.recip())
    }
}

fn positive(setting: &'static str, given: f64) -> Result<f64, Error> {
    if given > 0.0 && given.is_finite() {
        return Ok(given);
    }
    Err(Error::Setting { setting, given: given.to_string(), allowed: "positive and finite" })
}

/// The divergence of Kullback and Leibler of the model's distribution from the target's:
/// Σ t (ln t − y) / N, for N samples (rows) and outputs y that are **logarithms** of probabilities,
/// as `log_softmax` gives them.
///
/// It is the cross-entropy less the entropy of the targets, which no training changes: its gradient
/// is the same as for cross-entropy, and it is 0 where the two distributions are equal. A target of
/// 0 contributes 0. Kullback & Leibler, *On Information and Sufficiency*, 1951.
///
/// ```
/// use nn::prelude::*;
///
/// let tape = Tape::new();
/// let y = tape.var([[0.5_f64.ln(), 0.5_f64.ln()]]);
/// let t = Targets::Values(Tensor::from([[1.0, 0.0]]));
/// assert_eq!(KlDivergence::default().loss(y, &t)?.item(), 2.0_f64.ln());
/// # Ok::<(), nn::Error>(())
/// ```
#[doc(alias = "KLDivLoss")]
#[derive(Clone, Copy, Debug, Default)]
pub struct KlDivergence {
    /// Whether the targets are logarithms of probabilities too.
    pub log_targets: bool,
}

impl<A: Float> Loss<A> for KlDivergence {
    fn name(&self) -> &'static str {
        "KL divergence"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        // A little above 0 is the rounding of a computed logarithm.
        let logarithms =
            Allowed { words: "logarithms of probabilities, at most 0", holds: |t| t <= 1e-5 };
        let allowed = if self.log_targets { logarithms } else { Allowed::PROBABILITIES };
        values(Loss::<A>::name(self), output, targets, allowed)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        // Where the target is impossible, any finite number will do: the term is left out.
        let zero = output.scalar(0.0);
        let (possible, probability, logarithm) = if self.log_targets {
            let possible = target.greater(output.scalar(f64::NEG_INFINITY));
            (possible, target.exp(), possible.select(target, zero))
        } else {
            let possible = target.greater(zero);
            (possible, target, possible.select(target, output.scalar(1.0)).ln())
        };
        let terms = probability * (logarithm - output);
        possible.select(terms, zero).sum().scale(samples(output).recip())
    }
}
