//! Lion.

use ops::Float;

use super::adam::Moments;
use super::driver::{Driver, Slots};
use crate::ground::Error;
use crate::model::{Gradients, Module};

/// Lion: every weight moves by η, in the direction of a running mean.
///
/// c = β₁ m + (1 − β₁) g, w ← w − η (sign(c) + λ w), m ← β₂ m + (1 − β₂) g.
///
/// It keeps one number a weight, where Adam keeps two. As the sign makes steps larger than Adam's,
/// η is chosen 3 to 10 times smaller than for it, and λ as much larger. Chen et al., *Symbolic
/// Discovery of Optimization Algorithms*, 2023, algorithm 2.
///
/// ```
/// use nn::prelude::*;
/// let optimizer = Lion::<f32>::new(1e-4)?.weight_decay(0.1)?;
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lion<A: Float = f32> {
    driver: Driver<A>,
    moments: Moments,
}

impl<A: Float> Lion<A> {
    /// With learning rate η (0.0001 is usual), β₁ = 0.9 and β₂ = 0.99.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        let moments = Moments { beta2: 0.99, ..Moments::USUAL };
        Ok(Self { driver: Driver::new(rate)?, moments })
    }

    setter! {
        /// With these decays: of the direction, and of the running mean.
        betas
    }

    setter! {
        /// With weight decay λ, apart from the gradient: in each step a weight loses the share η λ.
        weight_decay
    }

    fn own_settings(&self) -> Vec<(&'static str, f64)> {
        self.moments.settings()
    }

    #[expect(clippy::unused_self, reason = "other optimisers' slots depend on settings")]
    fn slots(&self) -> Slots {
        Slots::tensors(&["exp_avg"])
    }

    fn update(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let Moments { beta1, beta2, .. } = self.moments;
        let [b1, c1, b2, c2] = [beta1, 1.0 - beta1, beta2, 1.0 - beta2].map(A::from_f64);
        self.driver.step(model, gradients, |at| {
            let [rate, decay] = [at.rate, at.decay].map(A::from_f64);
            move |w, g, [m]| {
                let c = b1 * m + c1 * g;
                // A NaN is to show, and not to be a direction that is neither up nor down.
                let direction = if c.is_nan() { c } else { c.sign() };
                (w - rate * (direction + decay * w), [b2 * m + c2 * g])
            }
        })
    }
}

optimizer!(Lion);
