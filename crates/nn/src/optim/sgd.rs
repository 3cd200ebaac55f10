//! Stochastic gradient descent, plain, with momentum, and with Nesterov's momentum.

use ops::{Float, Naming, Number, UpdateRule};

use super::driver::{At, Driver, Slots};
use crate::ground::Error;
use crate::ground::setting::check_decay;
use crate::model::{Gradients, Module};

/// Stochastic gradient descent: w ← w − η g.
///
/// With momentum μ, a velocity v rolls on where the gradients agree, and does not follow them where
/// they turn: v ← μ v + g, w ← w − η v. Steps in a constant direction grow to η/(1 − μ).
///
/// With Nesterov's momentum, w ← w − η (g + μ v): the gradient counts once more, as if taken where
/// the velocity leads.
///
/// Polyak, *Some methods of speeding up the convergence of iteration methods*, 1964; Sutskever,
/// Martens, Dahl & Hinton, *On the importance of initialization and momentum in deep learning*,
/// 2013, in the form of PyTorch, where η multiplies the velocity and not the gradient. The first
/// step sets v to g.
///
/// ```
/// use nn::prelude::*;
///
/// let plain = Sgd::<f32>::new(0.1)?;
/// let rolling = Sgd::<f32>::momentum(0.1, 0.9)?.weight_decay(1e-4)?;
/// let looking_ahead = Sgd::<f32>::nesterov(0.1, 0.9)?;
/// assert_eq!(
///     Sgd::<f32>::new(f64::NAN).unwrap_err().to_string(),
///     "the learning rate is NaN, but must be positive and finite"
/// );
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sgd<A: Float = f32> {
    driver: Driver<A>,
    velocity: Velocity,
}

#[derive(Clone, Copy, Debug)]
enum Velocity {
    None,
    Momentum { mu: f64, dampening: f64 },
    Nesterov { mu: f64 },
}

impl<A: Float> Sgd<A> {
    /// With learning rate η.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        Ok(Self { driver: Driver::new(rate)?, velocity: Velocity::None })
    }

    /// With momentum μ, usually 0.9.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite, or μ is not in [0, 1).
    pub fn momentum(rate: f64, mu: f64) -> Result<Self, Error> {
        check_decay("the momentum", mu)?;
        Ok(Self { velocity: Velocity::Momentum { mu, dampening: 0.0 }, ..Self::new(rate)? })
    }

    /// With Nesterov's momentum μ, usually 0.9.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite, or μ is not in [0, 1).
    pub fn nesterov(rate: f64, mu: f64) -> Result<Self, Error> {
        check_decay("the momentum", mu)?;
        Ok(Self { velocity: Velocity::Nesterov { mu }, ..Self::new(rate)? })
    }

    /// With a dampening d of what joins the velocity: v ← μ v + (1 − d) g. With d = μ the velocity
    /// is a running mean.
    ///
    /// # Errors
    /// If d is not in [0, 1), or the momentum is missing or Nesterov's.
    pub fn dampening(mut self, dampening: f64) -> Result<Self, Error> {
        check_decay("the dampening", dampening)?;
        let Velocity::Momentum { mu, .. } = self.velocity else {
            let (setting, given) = ("the dampening", dampening.to_string());
            return Err(Error::Setting {
                setting,
                given,
                allowed: "left out, except with Sgd::momentum",
            });
        };
        self.velocity = Velocity::Momentum { mu, dampening };
        Ok(self)
    }

    setter! {
        /// With weight decay λ: g + λ w is used instead of g, as if ½ λ Σ w² were added to the loss
        /// ([`Penalty::l2`](super::Penalty::l2)).
        weight_decay
    }

    fn own_settings(&self) -> Vec<(&'static str, f64)> {
        match self.velocity {
            Velocity::None => Vec::new(),
            Velocity::Momentum { mu, dampening } => {
                vec![("momentum", mu), ("dampening", dampening)]
            }
            Velocity::Nesterov { mu } => vec![("Nesterov momentum", mu)],
        }
    }

    fn slots(&self) -> Slots {
        match self.velocity {
            Velocity::None => Slots::default(),
            _ => Slots::tensors(&["momentum_buffer"]),
        }
    }

    fn update(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let driver = &mut self.driver;
        match self.velocity {
            Velocity::None => driver.step(model, gradients, |at, _| Descent { at }),
            Velocity::Momentum { mu, dampening } => {
                driver.step(model, gradients, |at, _| Momentum { at, mu, dampening })
            }
            Velocity::Nesterov { mu } => driver.step(model, gradients, |at, _| Nesterov { at, mu }),
        }
    }
}

optimizer!(Sgd);

/// w ← w − η g.
#[derive(Clone, Copy, Debug)]
struct Descent {
    at: At,
}

impl UpdateRule<2, 0> for Descent {
    const KEPT: [&'static str; 0] = [];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 2] {
        [names.setting("η", self.at.rate), names.setting("λ", self.at.decay)]
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay]: [R; 2],
        w: R,
        g: R,
        []: [R; 0],
    ) -> (R, [R; 0]) {
        let g = names.plus("g", g, decay, w);
        (w - rate * g, [])
    }
}

/// v ← μ v + (1 − d) g, w ← w − η v. The first step sets v to g.
#[derive(Clone, Copy, Debug)]
struct Momentum {
    at: At,
    mu: f64,
    dampening: f64,
}

impl UpdateRule<4, 1> for Momentum {
    const KEPT: [&'static str; 1] = ["v"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 4] {
        let Self { at, mu, dampening } = self;
        let one = R::lit(1.0);
        let share = if at.step == 1.0 || dampening == 0.0 {
            one
        } else {
            one - names.setting("d", dampening)
        };
        let [rate, decay] = [names.setting("η", at.rate), names.setting("λ", at.decay)];
        [rate, decay, names.setting("μ", mu), share]
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay, mu, share]: [R; 4],
        w: R,
        g: R,
        [v]: [R; 1],
    ) -> (R, [R; 1]) {
        let g = names.plus("g", g, decay, w);
        let v = names.named("v", mu * v + share * g);
        (w - rate * v, [v])
    }
}

/// v ← μ v + g, w ← w − η (g + μ v).
#[derive(Clone, Copy, Debug)]
struct Nesterov {
    at: At,
    mu: f64,
}

impl UpdateRule<3, 1> for Nesterov {
    const KEPT: [&'static str; 1] = ["v"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 3] {
        let Self { at, mu } = self;
        [names.setting("η", at.rate), names.setting("λ", at.decay), names.setting("μ", mu)]
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay, mu]: [R; 3],
        w: R,
        g: R,
        [v]: [R; 1],
    ) -> (R, [R; 1]) {
        let g = names.plus("g", g, decay, w);
        let v = names.named("v", mu * v + g);
        (w - rate * (g + mu * v), [v])
    }
}
