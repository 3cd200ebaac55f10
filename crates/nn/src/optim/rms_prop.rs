//! RMSProp.

use ops::Float;

use super::driver::{Driver, Slots};
use crate::ground::Error;
use crate::ground::setting::check_decay;
use crate::model::{Gradients, Module};

/// RMSProp: each weight's steps are measured in the root mean square of its recent gradients.
///
/// s ← α s + (1 − α) g², w ← w − η g / (√s + ε).
///
/// Centred, the mean a ← α a + (1 − α) g is taken off, and √(s − a²), an estimate of the standard
/// deviation, is used instead of √s. With momentum μ, v ← μ v + g / (√s + ε) and w ← w − η v.
///
/// Tieleman & Hinton, *Neural Networks for Machine Learning*, lecture 6.5, 2012; centred: Graves,
/// *Generating Sequences With Recurrent Neural Networks*, 2013, equations 38 to 42, with ε
/// where PyTorch has it. Where rounding makes s − a² negative it counts as 0.
///
/// ```
/// use nn::prelude::*;
/// let optimizer = RmsProp::<f32>::new(0.001)?.alpha(0.9)?.momentum(0.9)?.centered();
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RmsProp<A: Float = f32> {
    driver: Driver<A>,
    alpha: f64,
    epsilon: f64,
    momentum: Option<f64>,
    centered: bool,
}

impl<A: Float> RmsProp<A> {
    /// With learning rate η (0.01 is PyTorch's default, 0.001 Keras's), α = 0.99 and ε = 10⁻⁸.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        let driver = Driver::new(rate)?;
        Ok(Self { driver, alpha: 0.99, epsilon: 1e-8, momentum: None, centered: false })
    }

    /// With this decay α of the running means: they reach back some 1/(1 − α) steps.
    ///
    /// # Errors
    /// If it is not in [0, 1).
    pub fn alpha(mut self, alpha: f64) -> Result<Self, Error> {
        check_decay("alpha", alpha)?;
        self.alpha = alpha;
        Ok(self)
    }

    setter! {
        /// With this ε.
        epsilon
    }

    /// With momentum μ.
    ///
    /// # Errors
    /// If μ is not in [0, 1).
    pub fn momentum(mut self, mu: f64) -> Result<Self, Error> {
        check_decay("the momentum", mu)?;
        self.momentum = Some(mu);
        Ok(self)
    }

    /// Centred: steps are measured in the standard deviation of the gradients.
    #[must_use]
    pub fn centered(mut self) -> Self {
        self.centered = true;
        self
    }

    setter! {
        /// With weight decay λ: g + λ w is used instead of g.
        weight_decay
    }

    fn own_settings(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("alpha", self.alpha),
            ("epsilon", self.epsilon),
            ("momentum", self.momentum.unwrap_or(0.0)),
            ("centered", f64::from(u8::from(self.centered))),
        ]
    }

    fn slots(&self) -> Slots {
        Slots::tensors(match (self.centered, self.momentum) {
            (false, None) => &["square_avg"],
            (false, Some(_)) => &["square_avg", "momentum_buffer"],
            (true, None) => &["square_avg", "grad_avg"],
            (true, Some(_)) => &["square_avg", "grad_avg", "momentum_buffer"],
        })
    }

    fn update(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let [alpha, rest, epsilon, mu] =
            [self.alpha, 1.0 - self.alpha, self.epsilon, self.momentum.unwrap_or(0.0)]
                .map(A::from_f64);
        let mean = move |mean, new| alpha * mean + rest * new;
        let spread = move |s: A, a: A| (s - a * a).maximum(A::zero()).sqrt() + epsilon;
        match (self.centered, self.momentum) {
            (false, None) => self.driver.step(model, gradients, |at| {
                let [rate, decay] = [at.rate, at.decay].map(A::from_f64);
                move |w, g, [s]| {
                    let g = g + decay * w;
                    let s = mean(s, g * g);
                    (w - rate * g / (s.sqrt() + epsilon), [s])
                }
            }),
            (false, Some(_)) => self.driver.step(model, gradients, |at| {
                let [rate, decay] = [at.rate, at.decay].map(A::from_f64);
                move |w, g, [s, v]| {
                    let g = g + decay * w;
                    let s = mean(s, g * g);
                    let v = mu * v + g / (s.sqrt() + epsilon);
                    (w - rate * v, [s, v])
                }
            }),
            (true, None) => self.driver.step(model, gradients, |at| {
                let [rate, decay] = [at.rate, at.decay].map(A::from_f64);
                move |w, g, [s, a]| {
                    let g = g + decay * w;
                    let (s, a) = (mean(s, g * g), mean(a, g));
                    (w - rate * g / spread(s, a), [s, a])
                }
            }),
            (true, Some(_)) => self.driver.step(model, gradients, |at| {
                let [rate, decay] = [at.rate, at.decay].map(A::from_f64);
                move |w, g, [s, a, v]| {
                    let g = g + decay * w;
                    let (s, a) = (mean(s, g * g), mean(a, g));
                    let v = mu * v + g / spread(s, a);
                    (w - rate * v, [s, a, v])
                }
            }),
        }
    }
}

optimizer!(RmsProp);
