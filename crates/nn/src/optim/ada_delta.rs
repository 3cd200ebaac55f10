//! AdaDelta.

use ops::{Float, Naming, Number, UpdateRule};

use super::driver::{At, Driver, Slots};
use crate::ground::Error;
use crate::ground::setting::check_decay;
use crate::model::{Gradients, Module};

/// AdaDelta: steps in the unit of the weight itself, which need no learning rate.
///
/// s ← ρ s + (1 − ρ) g², Δ = √(d + ε) / √(s + ε) · g, d ← ρ d + (1 − ρ) Δ², w ← w − η Δ.
///
/// d is the running mean of the squared steps, s of the squared gradients. The paper has η = 1.
/// The first steps are of about √ε, and grow from there.
///
/// Zeiler, *ADADELTA: An Adaptive Learning Rate Method*, 2012, algorithm 1.
///
/// ```
/// use nn::prelude::*;
/// let optimizer = AdaDelta::<f32>::new(1.0)?.rho(0.95)?;
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdaDelta<A: Float = f32> {
    driver: Driver<A>,
    rho: f64,
    epsilon: f64,
}

impl<A: Float> AdaDelta<A> {
    /// With learning rate η (1 is usual), ρ = 0.9 and ε = 10⁻⁶.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        Ok(Self { driver: Driver::new(rate)?, rho: 0.9, epsilon: 1e-6 })
    }

    /// With this decay ρ of the running means.
    ///
    /// # Errors
    /// If it is not in [0, 1).
    pub fn rho(mut self, rho: f64) -> Result<Self, Error> {
        check_decay("rho", rho)?;
        self.rho = rho;
        Ok(self)
    }

    setter! {
        /// With this ε, whose root is the size of the first steps.
        epsilon
    }

    setter! {
        /// With weight decay λ: g + λ w is used instead of g.
        weight_decay
    }

    fn own_settings(&self) -> Vec<(&'static str, f64)> {
        vec![("rho", self.rho), ("epsilon", self.epsilon)]
    }

    #[expect(clippy::unused_self, reason = "other optimisers' slots depend on settings")]
    fn slots(&self) -> Slots {
        Slots::tensors(&["square_avg", "acc_delta"])
    }

    fn update(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let (rho, epsilon) = (self.rho, self.epsilon);
        self.driver.step(model, gradients, |at, _| Step { at, rho, epsilon })
    }
}

optimizer!(AdaDelta);

/// AdaDelta's step.
#[derive(Clone, Copy, Debug)]
struct Step {
    at: At,
    rho: f64,
    epsilon: f64,
}

impl UpdateRule<5, 2> for Step {
    const KEPT: [&'static str; 2] = ["s", "d"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 5] {
        let Self { at, rho, epsilon } = self;
        let [rate, decay] = [names.setting("η", at.rate), names.setting("λ", at.decay)];
        let rho = names.setting("ρ", rho);
        [rate, decay, rho, R::lit(1.0) - rho, names.setting("ε", epsilon)]
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay, rho, rest, epsilon]: [R; 5],
        w: R,
        g: R,
        [s, d]: [R; 2],
    ) -> (R, [R; 2]) {
        let g = names.plus("g", g, decay, w);
        let s = names.named("s", rho * s + rest * g * g);
        let delta = names.named("Δ", (d + epsilon).sqrt() / (s + epsilon).sqrt() * g);
        let d = names.named("d", rho * d + rest * delta * delta);
        (w - rate * delta, [s, d])
    }
}
