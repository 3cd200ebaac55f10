//! RMSProp.

use ops::{Float, Naming, Number, UpdateRule};

use super::driver::{At, Driver, Slots};
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
        let Self { driver, alpha, epsilon, momentum: mu, centered } = self;
        let (alpha, epsilon, mu) = (*alpha, *epsilon, *mu);
        let settings = |at| Settings { at, alpha, epsilon, mu };
        match (*centered, mu) {
            (false, None) => driver.step(model, gradients, |at, _| Plain(settings(at))),
            (false, Some(_)) => driver.step(model, gradients, |at, _| Rolling(settings(at))),
            (true, None) => driver.step(model, gradients, |at, _| Centered(settings(at))),
            (true, Some(_)) => driver.step(model, gradients, |at, _| CenteredRolling(settings(at))),
        }
    }
}

optimizer!(RmsProp);

/// The settings of a step.
#[derive(Clone, Copy, Debug)]
struct Settings {
    at: At,
    alpha: f64,
    epsilon: f64,
    mu: Option<f64>,
}

impl Settings {
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 6] {
        let Self { at, alpha, epsilon, mu } = self;
        let [rate, decay] = [names.setting("η", at.rate), names.setting("λ", at.decay)];
        let alpha = names.setting("α", alpha);
        let epsilon = names.setting("ε", epsilon);
        let mu = mu.map_or(R::lit(0.0), |mu| names.setting("μ", mu));
        [rate, decay, alpha, R::lit(1.0) - alpha, epsilon, mu]
    }
}

/// √(s − a²), which is 0 where rounding makes s − a² negative.
#[inline(always)]
fn spread<R: Number>(s: R, a: R) -> R {
    (s - a * a).maximum(R::lit(0.0)).sqrt()
}

/// w ← w − η g / (√s + ε).
#[derive(Clone, Copy, Debug)]
struct Plain(Settings);

impl UpdateRule<6, 1> for Plain {
    const KEPT: [&'static str; 1] = ["s"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 6] {
        self.0.constants(names)
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay, alpha, rest, epsilon, _]: [R; 6],
        w: R,
        g: R,
        [s]: [R; 1],
    ) -> (R, [R; 1]) {
        let mean = |mean, new| alpha * mean + rest * new;
        let g = names.plus("g", g, decay, w);
        let s = names.named("s", mean(s, g * g));
        (w - rate * g / (s.sqrt() + epsilon), [s])
    }
}

/// v ← μ v + g / (√s + ε), w ← w − η v.
#[derive(Clone, Copy, Debug)]
struct Rolling(Settings);

impl UpdateRule<6, 2> for Rolling {
    const KEPT: [&'static str; 2] = ["s", "v"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 6] {
        self.0.constants(names)
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay, alpha, rest, epsilon, mu]: [R; 6],
        w: R,
        g: R,
        [s, v]: [R; 2],
    ) -> (R, [R; 2]) {
        let mean = |mean, new| alpha * mean + rest * new;
        let g = names.plus("g", g, decay, w);
        let s = names.named("s", mean(s, g * g));
        let v = names.named("v", mu * v + g / (s.sqrt() + epsilon));
        (w - rate * v, [s, v])
    }
}

/// w ← w − η g / (√(s − a²) + ε).
#[derive(Clone, Copy, Debug)]
struct Centered(Settings);

impl UpdateRule<6, 2> for Centered {
    const KEPT: [&'static str; 2] = ["s", "a"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 6] {
        self.0.constants(names)
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay, alpha, rest, epsilon, _]: [R; 6],
        w: R,
        g: R,
        [s, a]: [R; 2],
    ) -> (R, [R; 2]) {
        let mean = |mean, new| alpha * mean + rest * new;
        let g = names.plus("g", g, decay, w);
        let [s, a] = [names.named("s", mean(s, g * g)), names.named("a", mean(a, g))];
        (w - rate * g / (spread(s, a) + epsilon), [s, a])
    }
}

/// v ← μ v + g / (√(s − a²) + ε), w ← w − η v.
#[derive(Clone, Copy, Debug)]
struct CenteredRolling(Settings);

impl UpdateRule<6, 3> for CenteredRolling {
    const KEPT: [&'static str; 3] = ["s", "a", "v"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 6] {
        self.0.constants(names)
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay, alpha, rest, epsilon, mu]: [R; 6],
        w: R,
        g: R,
        [s, a, v]: [R; 3],
    ) -> (R, [R; 3]) {
        let mean = |mean, new| alpha * mean + rest * new;
        let g = names.plus("g", g, decay, w);
        let [s, a] = [names.named("s", mean(s, g * g)), names.named("a", mean(a, g))];
        let v = names.named("v", mu * v + g / (spread(s, a) + epsilon));
        (w - rate * v, [s, a, v])
    }
}
