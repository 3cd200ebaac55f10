//! AdamW.

use ops::Float;

use super::adam::{self, LargestStep, Moments, Step};
use super::driver::{At, Driver, Slots};
use crate::ground::Error;
use crate::model::{Gradients, Module};

/// AdamW: Adam with weight decay apart from the gradient.
///
/// w ← w − η λ w, then the step of [`Adam`](super::Adam) with the plain g.
///
/// Every weight shrinks by the same share, whatever its gradients; in `Adam` those with large
/// gradients would shrink less. Loshchilov & Hutter, *Decoupled Weight Decay Regularization*, 2019,
/// algorithm 2, with the decay scaled by η as in PyTorch.
///
/// ```
/// use nn::prelude::*;
///
/// // As transformers are trained: no decay of biases and gains.
/// let optimizer = AdamW::<f32>::new(3e-4)?
///     .betas(0.9, 0.95)?
///     .weight_decay(0.1)?
///     .group(|path| path.ends_with("bias"), Group::new().weight_decay(0.0))?;
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdamW<A: Float = f32> {
    driver: Driver<A>,
    moments: Moments,
    amsgrad: bool,
}

impl<A: Float> AdamW<A> {
    /// With learning rate η (0.001 is usual), λ = 0.01, β₁ = 0.9, β₂ = 0.999 and ε = 10⁻⁸.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        let mut driver = Driver::new(rate)?;
        driver.set_weight_decay(0.01)?;
        Ok(Self { driver, moments: Moments::USUAL, amsgrad: false })
    }

    setter! {
        /// With these decays of the running means: of g, and of g².
        betas
    }

    setter! {
        /// With this ε.
        epsilon in moments
    }

    setter! {
        /// With AMSGrad: the largest v so far is used instead of v.
        amsgrad
    }

    setter! {
        /// With weight decay λ, apart from the gradient: in each step a weight loses the share η λ.
        weight_decay
    }

    fn own_settings(&self) -> Vec<(&'static str, f64)> {
        let mut all = self.moments.settings();
        all.push(("amsgrad", f64::from(u8::from(self.amsgrad))));
        all
    }

    fn slots(&self) -> Slots {
        adam::slots(self.amsgrad)
    }

    fn update(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let moments = self.moments;
        let step = |at: At, _: &mut f64| Step { at, moments, decoupled: true };
        if self.amsgrad {
            return self
                .driver
                .step(model, gradients, |at, product| LargestStep(step(at, product)));
        }
        self.driver.step(model, gradients, step)
    }
}

optimizer!(AdamW);
