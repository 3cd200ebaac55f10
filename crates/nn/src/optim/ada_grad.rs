//! AdaGrad.

use ops::{Float, Naming, Number, UpdateRule};

use super::driver::{At, Driver, Slots};
use crate::ground::Error;
use crate::ground::setting::check_not_negative;
use crate::model::{Gradients, Module};

/// AdaGrad: each weight's steps shrink with the gradients that it has seen.
///
/// s ← s + g², w ← w − η g / (√s + ε).
///
/// A weight whose feature is rare keeps its large steps until the feature comes. Steps only ever
/// shrink, as 1/√t for gradients of one size.
///
/// Duchi, Hazan & Singer, *Adaptive Subgradient Methods for Online Learning and Stochastic
/// Optimization*, 2011.
///
/// ```
/// use nn::prelude::*;
/// let optimizer = AdaGrad::<f32>::new(0.01)?.rate_decay(1e-3)?;
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdaGrad<A: Float = f32> {
    driver: Driver<A>,
    rate_decay: f64,
    start: f64,
    epsilon: f64,
}

impl<A: Float> AdaGrad<A> {
    /// With learning rate η (0.01 is usual), and ε = 10⁻¹⁰.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        Ok(Self { driver: Driver::new(rate)?, rate_decay: 0.0, start: 0.0, epsilon: 1e-10 })
    }

    /// With a decay d of the learning rate: in step t, counted from 0, it is η/(1 + d t).
    ///
    /// # Errors
    /// If d is negative, infinite or NaN.
    pub fn rate_decay(mut self, decay: f64) -> Result<Self, Error> {
        check_not_negative("the decay of the learning rate", decay)?;
        self.rate_decay = decay;
        Ok(self)
    }

    /// With sums of squares that start at this and not at 0, for smaller first steps.
    ///
    /// # Errors
    /// If it is negative, infinite or NaN.
    pub fn initial_sum(mut self, start: f64) -> Result<Self, Error> {
        check_not_negative("the initial sum of squares", start)?;
        self.start = start;
        Ok(self)
    }

    setter! {
        /// With this ε.
        epsilon
    }

    setter! {
        /// With weight decay λ: g + λ w is used instead of g.
        weight_decay
    }

    fn own_settings(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("rate decay", self.rate_decay),
            ("initial sum", self.start),
            ("epsilon", self.epsilon),
        ]
    }

    #[expect(clippy::unused_self, reason = "other optimisers' slots depend on settings")]
    fn slots(&self) -> Slots {
        Slots::tensors(&["sum"])
    }

    fn update(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let Self { driver, rate_decay, start, epsilon } = self;
        let (rate_decay, start, epsilon) = (*rate_decay, *start, *epsilon);
        driver.step(model, gradients, |at, _| Step { at, rate_decay, start, epsilon })
    }
}

optimizer!(AdaGrad);

/// AdaGrad's step.
#[derive(Clone, Copy, Debug)]
struct Step {
    at: At,
    rate_decay: f64,
    start: f64,
    epsilon: f64,
}

impl UpdateRule<4, 1> for Step {
    const KEPT: [&'static str; 1] = ["s"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 4] {
        let Self { at, rate_decay, start, epsilon } = self;
        let one = R::lit(1.0);
        let [rate, decay] = [names.setting("η", at.rate), names.setting("λ", at.decay)];
        let rate = if rate_decay == 0.0 {
            rate
        } else {
            let [d, t] = [names.setting("d", rate_decay), names.setting("t", at.step)];
            names.named("ηₜ", rate / (one + d * (t - one)))
        };
        let start = if at.step == 1.0 { names.setting("s₀", start) } else { R::lit(0.0) };
        [rate, decay, start, names.setting("ε", epsilon)]
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay, start, epsilon]: [R; 4],
        w: R,
        g: R,
        [s]: [R; 1],
    ) -> (R, [R; 1]) {
        let g = names.plus("g", g, decay, w);
        let s = names.named("s", s + start + g * g);
        (w - rate * g / (s.sqrt() + epsilon), [s])
    }
}
