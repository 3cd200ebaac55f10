//! Adam, and the settings that its family shares.

use ops::Float;

use super::driver::{Driver, Slots};
use crate::ground::Error;
use crate::model::{Gradients, Module};

/// Adam: steps scaled by running means of the gradient and of its square.
///
/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
/// w ← w − η · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε).
///
/// The divisors undo that m and v started at 0; t is the number of the step. Kingma & Ba, *Adam: A
/// Method for Stochastic Optimization*, 2015, algorithm 1.
///
/// With AMSGrad, the largest v so far is used instead of v, so that steps never grow again. Reddi,
/// Kale & Kumar, *On the Convergence of Adam and Beyond*, 2018, algorithm 2, with the divisor.
///
/// ```
/// use nn::prelude::*;
///
/// let usual = Adam::<f32>::new(0.001)?;
/// let longer_memory = Adam::<f32>::new(0.001)?.betas(0.95, 0.9999)?.amsgrad();
/// assert_eq!(
///     Adam::<f32>::new(0.001)?.betas(0.9, 1.0).unwrap_err().to_string(),
///     "beta2 is 1, but must be at least 0 and below 1"
/// );
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Adam<A: Float = f32> {
    driver: Driver<A>,
    moments: Moments,
    amsgrad: bool,
}

/// The settings of the running means of g and g².
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
}

impl Moments {
    /// β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
    pub(super) const USUAL: Self = Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

    /// Each under its name.
    pub(super) fn settings(self) -> Vec<(&'static str, f64)> {
        vec![("beta1", self.beta1), ("beta2", self.beta2), ("epsilon", self.epsilon)]
    }

    /// m ← β₁ m + (1 − β₁) g.
    pub(super) fn mean<A: Float>(self) -> impl Fn(A, A) -> A + Copy {
        let [b, rest] = [self.beta1, 1.0 - self.beta1].map(A::from_f64);
        move |m, g| b * m + rest * g
    }

    /// v ← β₂ v + (1 − β₂) g².
    pub(super) fn square<A: Float>(self) -> impl Fn(A, A) -> A + Copy {
        let [b, rest] = [self.beta2, 1.0 - self.beta2].map(A::from_f64);
        move |v, g| b * v + rest * g * g
    }

    /// √(v/(1 − β₂ᵗ)) + ε, in step t.
    pub(super) fn root<A: Float>(self, step: f64) -> impl Fn(A) -> A + Copy {
        let correction = (1.0 - self.beta2.powf(step)).sqrt();
        let [correction, epsilon] = [correction.recip(), self.epsilon].map(A::from_f64);
        move |v| v.sqrt() * correction + epsilon
    }

    /// η/(1 − β₁ᵗ), in step t.
    pub(super) fn rate(self, rate: f64, step: f64) -> f64 {
        rate / (1.0 - self.beta1.powf(step))
    }
}

/// What Adam and AdamW keep.
pub(super) const fn slots(amsgrad: bool) -> Slots {
    Slots::tensors(if amsgrad {
        &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    } else {
        &["exp_avg", "exp_avg_sq"]
    })
}

impl<A: Float> Adam<A> {
    /// With learning rate η (0.001 is usual), β₁ = 0.9, β₂ = 0.999 and ε = 10⁻⁸.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        Ok(Self { driver: Driver::new(rate)?, moments: Moments::USUAL, amsgrad: false })
    }

    setter! {
        /// With these decays of the running means: of g, and of g². They reach back some 1/(1 − β)
        /// steps.
        betas
    }

    setter! {
        /// With this ε, which bounds the steps of a weight whose gradients are tiny.
        epsilon in moments
    }

    setter! {
        /// With AMSGrad.
        amsgrad
    }

    setter! {
        /// With weight decay λ in the gradient: g + λ w is used instead of g, and scaled like it,
        /// so that weights with large gradients decay less. [`AdamW`](super::AdamW) decays all
        /// alike.
        weight_decay
    }

    fn own_settings(&self) -> Vec<(&'static str, f64)> {
        let mut all = self.moments.settings();
        all.push(("amsgrad", f64::from(u8::from(self.amsgrad))));
        all
    }

    fn slots(&self) -> Slots {
        slots(self.amsgrad)
    }

    fn update(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let moments = self.moments;
        let (mean, square) = (moments.mean(), moments.square());
        if self.amsgrad {
            return self.driver.step(model, gradients, |at| {
                let root = moments.root(at.step);
                let [rate, decay] = [moments.rate(at.rate, at.step), at.decay].map(A::from_f64);
                move |w, g, [m, v, largest]| {
                    let g = g + decay * w;
                    let (m, v) = (mean(m, g), square(v, g));
                    let largest: A = v.maximum(largest);
                    (w - rate * m / root(largest), [m, v, largest])
                }
            });
        }
        self.driver.step(model, gradients, |at| {
            let root = moments.root(at.step);
            let [rate, decay] = [moments.rate(at.rate, at.step), at.decay].map(A::from_f64);
            move |w, g, [m, v]| {
                let g = g + decay * w;
                let (m, v) = (mean(m, g), square(v, g));
                (w - rate * m / root(v), [m, v])
            }
        })
    }
}

optimizer!(Adam);
