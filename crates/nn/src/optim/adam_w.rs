//! AdamW.

use ops::Float;

use super::adam::{self, Moments};
use super::driver::{Driver, Slots};
use crate::ground::Error;
use crate::model::{Gradients, Module};

/// AdamW: Adam with weight decay that is no part of the gradient.
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

    /// With these decays of the running means: of g, and of g².
    ///
    /// # Errors
    /// If one is not in [0, 1).
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Result<Self, Error> {
        self.moments.set_betas(beta1, beta2)?;
        Ok(self)
    }

    /// With this ε.
    ///
    /// # Errors
    /// If it is not positive and finite.
    pub fn epsilon(mut self, epsilon: f64) -> Result<Self, Error> {
        self.moments.set_epsilon(epsilon)?;
        Ok(self)
    }

    /// With AMSGrad: the largest v so far takes the place of v.
    #[must_use]
    pub fn amsgrad(mut self) -> Self {
        self.amsgrad = true;
        self
    }

    /// With weight decay λ, apart from the gradient: in each step a weight loses the share η λ.
    ///
    /// # Errors
    /// If λ is negative, infinite or NaN.
    pub fn weight_decay(mut self, decay: f64) -> Result<Self, Error> {
        self.driver.set_weight_decay(decay)?;
        Ok(self)
    }

    fn slots(&self) -> Slots {
        adam::slots(self.amsgrad)
    }

    fn update(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let moments = self.moments;
        let (mean, square) = (moments.mean(), moments.square());
        if self.amsgrad {
            return self.driver.step(model, gradients, |at| {
                let root = moments.root(at.step);
                let [rate, keep] =
                    [moments.rate(at.rate, at.step), 1.0 - at.rate * at.decay].map(A::from_f64);
                move |w, g, [m, v, largest]| {
                    let (m, v) = (mean(m, g), square(v, g));
                    let largest: A = v.maximum(largest);
                    (keep * w - rate * m / root(largest), [m, v, largest])
                }
            });
        }
        self.driver.step(model, gradients, |at| {
            let root = moments.root(at.step);
            let [rate, keep] =
                [moments.rate(at.rate, at.step), 1.0 - at.rate * at.decay].map(A::from_f64);
            move |w, g, [m, v]| {
                let (m, v) = (mean(m, g), square(v, g));
                (keep * w - rate * m / root(v), [m, v])
            }
        })
    }
}

optimizer!(AdamW);
