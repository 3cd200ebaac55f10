//! Lion.

use ops::{Float, Naming, Number, Unary, UpdateRule};

use super::adam::Moments;
use super::driver::{At, Driver, Slots};
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
        let moments = self.moments;
        self.driver.step(model, gradients, |at, _| Step { at, moments })
    }
}

optimizer!(Lion);

/// The sign of a number; a NaN is to show, and not to be a direction that is neither up nor down.
#[derive(Clone, Copy, Debug)]
struct Sign;

impl Unary for Sign {
    const NAME: &'static str = "sign";
    #[inline(always)]
    fn value<R: Number>(self, x: R) -> R {
        x.equal(x).select(x.sign(), x)
    }
    fn slope<R: Number>(self, _: R, _: R) -> R {
        R::lit(0.0)
    }
}

/// Lion's step.
#[derive(Clone, Copy, Debug)]
struct Step {
    at: At,
    moments: Moments,
}

impl UpdateRule<6, 1> for Step {
    const KEPT: [&'static str; 1] = ["m"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 6] {
        let Self { at, moments } = self;
        let one = R::lit(1.0);
        let [rate, decay] = [names.setting("η", at.rate), names.setting("λ", at.decay)];
        let [b1, b2] = [names.setting("β₁", moments.beta1), names.setting("β₂", moments.beta2)];
        [rate, decay, b1, one - b1, b2, one - b2]
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay, b1, c1, b2, c2]: [R; 6],
        w: R,
        g: R,
        [m]: [R; 1],
    ) -> (R, [R; 1]) {
        let c = names.named("c", b1 * m + c1 * g);
        let step = names.plus("s", c.unary(Sign), decay, w);
        let m = names.named("m", b2 * m + c2 * g);
        (w - rate * step, [m])
    }
}
