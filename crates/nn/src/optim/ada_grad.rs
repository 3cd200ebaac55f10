//! AdaGrad.

use ops::Float;

use super::driver::{Driver, Slots};
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
        driver.step(model, gradients, |at| {
            let rate = at.rate / (1.0 + *rate_decay * (at.step - 1.0));
            let start = if at.step == 1.0 { *start } else { 0.0 };
            let [rate, decay, start, epsilon] = [rate, at.decay, start, *epsilon].map(A::from_f64);
            move |w, g, [s]| {
                let g = g + decay * w;
                let s = s + start + g * g;
                (w - rate * g / (s.sqrt() + epsilon), [s])
            }
        })
    }
}

optimizer!(AdaGrad);
