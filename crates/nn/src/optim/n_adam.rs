//! NAdam.

use ops::{Float, Naming, Number, UpdateRule};

use super::adam::{Moments, Symbols, means};
use super::driver::{At, Driver, Slots};
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
        let (moments, psi, decoupled) = (*moments, *momentum_decay, *decoupled);
        driver.step(model, gradients, |at, product| {
            let before = *product;
            *product *= momentum(moments.beta1, at.step, psi);
            Step { at, moments, psi, before, decoupled }
        })
    }
}

optimizer!(NAdam);

/// μₜ = β₁ (1 − ½ · 0.96^(t ψ)).
fn momentum<R: Number>(beta1: R, t: R, psi: R) -> R {
    beta1 * (R::lit(1.0) - R::lit(0.5) * R::lit(0.96).pow(t * psi))
}

/// NAdam's step.
#[derive(Clone, Copy, Debug)]
struct Step {
    at: At,
    moments: Moments,
    psi: f64,
    /// Π μ₁…μₜ₋₁.
    before: f64,
    decoupled: bool,
}

impl UpdateRule<10, 2> for Step {
    const KEPT: [&'static str; 2] = ["m", "v"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 10] {
        let Self { at, moments, psi, before, decoupled } = self;
        let one = R::lit(1.0);
        let symbols = moments.symbols(names, at, decoupled);
        let [psi, before] = [names.setting("ψ", psi), names.setting("Πₜ₋₁", before)];
        let Symbols { t, rate, beta1, beta2, epsilon, decay, keep } = symbols;
        let now = names.named("μₜ", momentum(beta1, t, psi));
        let next = names.named("μₜ₊₁", momentum(beta1, t + one, psi));
        let product = names.named("Πₜ", before * now);
        let of_g = names.named("a", rate * (one - now) / (one - product));
        let of_m = names.named("b", rate * next / (one - product * next));
        let correction = names.named("cₜ", symbols.bias(beta2).sqrt().recip());
        let [b1, c1, b2, c2] = symbols.shares();
        [b1, c1, b2, c2, of_g, of_m, decay, keep, correction, epsilon]
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [b1, c1, b2, c2, of_g, of_m, decay, keep, correction, epsilon]: [R; 10],
        w: R,
        g: R,
        kept: [R; 2],
    ) -> (R, [R; 2]) {
        let g = if self.decoupled { g } else { names.plus("g", g, decay, w) };
        let [m, v] = means(names, [b1, c1, b2, c2], g, kept);
        let w = if self.decoupled { keep * w } else { w };
        (w - (of_g * g + of_m * m) / (v.sqrt() * correction + epsilon), [m, v])
    }
}
