//! NAdam.

use ops::Float;

use super::adam::Moments;
use super::driver::{Driver, Slots};
use crate::ground::Error;
use crate::ground::setting::check_not_negative;
use crate::model::{Gradients, Module};

/// NAdam: Adam with Nesterov's look ahead.
///
/// With μₜ = β₁ (1 − ½ · 0.96^(t ψ)), and m and v as in [`Adam`](super::Adam),
/// w ← w − η · ((1 − μₜ) g / (1 − Π μ₁…μₜ) + μₜ₊₁ m / (1 − Π μ₁…μₜ₊₁)) / (√(v/(1 − β₂ᵗ)) + ε).
///
/// Dozat, *Incorporating Nesterov Momentum into Adam*, 2016, algorithm 2, with ψ = 0.004.
///
/// ```
/// use nn::prelude::*;
/// let optimizer = NAdam::<f32>::new(0.002)?;
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NAdam<A: Float = f32> {
    driver: Driver<A>,
    moments: Moments,
    momentum_decay: f64,
    decoupled: bool,
}

impl<A: Float> NAdam<A> {
    /// With learning rate η (0.002 is usual), β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸ and ψ = 0.004.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        let (moments, momentum_decay) = (Moments::USUAL, 0.004);
        Ok(Self { driver: Driver::new(rate)?, moments, momentum_decay, decoupled: false })
    }

    setter! {
        /// With these decays of the running means: of g, and of g².
        betas
    }

    setter! {
        /// With this ε.
        epsilon in moments
    }

    /// With this ψ, with which the momentum grows from β₁/2 to β₁.
    ///
    /// # Errors
    /// If it is negative, infinite or NaN.
    pub fn momentum_decay(mut self, decay: f64) -> Result<Self, Error> {
        check_not_negative("the momentum decay", decay)?;
        self.momentum_decay = decay;
        Ok(self)
    }

    setter! {
        /// With weight decay λ in the gradient: g + λ w is used instead of g.
        weight_decay
    }

    /// With the weight decay apart from the gradient, as in [`AdamW`](super::AdamW).
    #[must_use]
    pub fn decoupled_weight_decay(mut self) -> Self {
        self.decoupled = true;
        self
    }

    fn own_settings(&self) -> Vec<(&'static str, f64)> {
        let mut all = self.moments.settings();
        let decoupled = f64::from(u8::from(self.decoupled));
        all.extend([("momentum decay", self.momentum_decay), ("decoupled decay", decoupled)]);
        all
    }

    #[expect(clippy::unused_self, reason = "other optimisers' slots depend on settings")]
    fn slots(&self) -> Slots {
        Slots { tensors: &["exp_avg", "exp_avg_sq"], product: Some("mu_product") }
    }

    fn update(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let Self { driver, moments, momentum_decay, decoupled } = self;
        let (mean, square) = (moments.mean(), moments.square());
        let mu = |t: f64| moments.beta1 * (1.0 - 0.5 * 0.96_f64.powf(t * *momentum_decay));
        driver.step(model, gradients, |at| {
            let root = moments.root(at.step);
            let (now, next) = (mu(at.step), mu(at.step + 1.0));
            *at.product *= now;
            let of_g = at.rate * (1.0 - now) / (1.0 - *at.product);
            let of_m = at.rate * next / (1.0 - *at.product * next);
            let (keep, decay) =
                if *decoupled { (1.0 - at.rate * at.decay, 0.0) } else { (1.0, at.decay) };
            let [of_g, of_m, keep, decay] = [of_g, of_m, keep, decay].map(A::from_f64);
            move |w, g, [m, v]| {
                let g = g + decay * w;
                let (m, v) = (mean(m, g), square(v, g));
                (keep * w - (of_g * g + of_m * m) / root(v), [m, v])
            }
        })
    }
}

optimizer!(NAdam);
