//! Adam, and the settings that its family shares.

use ops::{Float, Naming, Number, UpdateRule};

use super::driver::{At, Driver, Slots};
use crate::ground::Error;
use crate::model::{Gradients, Module};

/// Adam: steps scaled by running means of the gradient and of its square.
///
/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
/// w ← w − η · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε).
///
/// The divisors undo that m and v started at 0; t is the number of the step. Kingma & Ba, *Adam: A
/// Method for Stochastic Optimization*, 2015, algorithm 1.
///
/// With AMSGrad, the largest v so far is used instead of v, so that steps never grow again. Reddi,
/// Kale & Kumar, *On the Convergence of Adam and Beyond*, 2018, algorithm 2, with the divisor.
///
/// ```
/// use nn::prelude::*;
///
/// let usual = Adam::<f32>::new(0.001)?;
/// let longer_memory = Adam::<f32>::new(0.001)?.betas(0.95, 0.9999)?.amsgrad();
/// assert_eq!(
///     Adam::<f32>::new(0.001)?.betas(0.9, 1.0).unwrap_err().to_string(),
///     "beta2 is 1, but must be at least 0 and below 1"
/// );
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Adam<A: Float = f32> {
    driver: Driver<A>,
    moments: Moments,
    amsgrad: bool,
}

/// The settings of the running means of g and g².
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
}

impl Moments {
    /// β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
    pub(super) const USUAL: Self = Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

    /// Each under its name.
    pub(super) fn settings(self) -> Vec<(&'static str, f64)> {
        vec![("beta1", self.beta1), ("beta2", self.beta2), ("epsilon", self.epsilon)]
    }

    /// What the formulas call the settings and the number of the step.
    pub(super) fn symbols<R: Number>(
        self,
        names: &mut impl Naming<R>,
        at: At,
        decoupled: bool,
    ) -> Symbols<R> {
        let one = R::lit(1.0);
        let [t, rate] = [names.setting("t", at.step), names.setting("η", at.rate)];
        let [beta1, beta2] = [names.setting("β₁", self.beta1), names.setting("β₂", self.beta2)];
        let epsilon = names.setting("ε", self.epsilon);
        let (decay, keep) = match (decoupled, at.decay) {
            (false, decay) => (names.setting("λ", decay), one),
            (true, 0.0) => (R::lit(0.0), one),
            (true, decay) => (R::lit(0.0), one - rate * names.setting("λ", decay)),
        };
        Symbols { t, rate, beta1, beta2, epsilon, decay, keep }
    }
}

/// The settings of a step, as a formula has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbols<R> {
    pub(super) t: R,
    pub(super) rate: R,
    pub(super) beta1: R,
    pub(super) beta2: R,
    pub(super) epsilon: R,
    /// The weight decay in the gradient.
    pub(super) decay: R,
    /// The share of a weight that the weight decay apart from the gradient leaves.
    pub(super) keep: R,
}

impl<R: Number> Symbols<R> {
    /// β and 1 − β of both running means.
    pub(super) fn shares(self) -> [R; 4] {
        let (one, Self { beta1, beta2, .. }) = (R::lit(1.0), self);
        [beta1, one - beta1, beta2, one - beta2]
    }

    /// 1 − βᵗ, which undoes that a running mean started at 0.
    pub(super) fn bias(self, beta: R) -> R {
        R::lit(1.0) - beta.pow(self.t)
    }
}

/// m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g².
#[inline(always)]
pub(super) fn means<R: Number>(
    names: &mut impl Naming<R>,
    [b1, c1, b2, c2]: [R; 4],
    g: R,
    [m, v]: [R; 2],
) -> [R; 2] {
    let m = names.named("m", b1 * m + c1 * g);
    let v = names.named("v", b2 * v + c2 * g * g);
    [m, v]
}

/// Adam's step, with weight decay in the gradient or [apart from it](super::AdamW).
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) at: At,
    pub(super) moments: Moments,
    pub(super) decoupled: bool,
}

impl Step {
    /// The step, given the settings and the number that v is replaced by.
    #[inline(always)]
    fn advance<R: Number, N: Naming<R>>(
        self,
        names: &mut N,
        constants: [R; 11],
        [w, g]: [R; 2],
        kept: [R; 2],
        scale: impl FnOnce(&mut N, R) -> R,
    ) -> (R, [R; 2], R) {
        let [b1, c1, b2, c2, rate, decay, keep, correction, epsilon, bias1, bias2] = constants;
        let g = if self.decoupled { g } else { names.plus("g", g, decay, w) };
        let [m, v] = means(names, [b1, c1, b2, c2], g, kept);
        let scale = scale(names, v);
        names.aside("m̂", || m / bias1);
        names.aside("v̂", || scale / bias2);
        let w = if self.decoupled { keep * w } else { w };
        (w - rate * m / (scale.sqrt() * correction + epsilon), [m, v], scale)
    }
}

impl UpdateRule<11, 2> for Step {
    const KEPT: [&'static str; 2] = ["m", "v"];
    const REMARK: &'static str = "ηₜ · m is η · m̂, and sqrt(v) · cₜ is the root of v̂: \
                                  ηₜ and cₜ are computed once for all weights";
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 11] {
        let symbols = self.moments.symbols(names, self.at, self.decoupled);
        let bias = [symbols.bias(symbols.beta1), symbols.bias(symbols.beta2)];
        let rate = names.named("ηₜ", symbols.rate / bias[0]);
        let correction = names.named("cₜ", bias[1].sqrt().recip());
        let ([b1, c1, b2, c2], Symbols { epsilon, decay, keep, .. }) = (symbols.shares(), symbols);
        [b1, c1, b2, c2, rate, decay, keep, correction, epsilon, bias[0], bias[1]]
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        constants: [R; 11],
        w: R,
        g: R,
        kept: [R; 2],
    ) -> (R, [R; 2]) {
        let (w, kept, _) = self.advance(names, constants, [w, g], kept, |_, v| v);
        (w, kept)
    }
}

/// The same with AMSGrad.
#[derive(Clone, Copy, Debug)]
pub(super) struct LargestStep(pub(super) Step);

impl UpdateRule<11, 3> for LargestStep {
    const KEPT: [&'static str; 3] = ["m", "v", "vₘₐₓ"];
    const REMARK: &'static str = <Step as UpdateRule<11, 2>>::REMARK;
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 11] {
        self.0.constants(names)
    }
    #[inline(always)]
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        constants: [R; 11],
        w: R,
        g: R,
        [m, v, largest]: [R; 3],
    ) -> (R, [R; 3]) {
        let (w, [m, v], largest) = self.0.advance(names, constants, [w, g], [m, v], |names, v| {
            names.named("vₘₐₓ", v.maximum(largest))
        });
        (w, [m, v, largest])
    }
}

/// What Adam and AdamW keep.
pub(super) const fn slots(amsgrad: bool) -> Slots {
    Slots::tensors(if amsgrad {
        &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    } else {
        &["exp_avg", "exp_avg_sq"]
    })
}

impl<A: Float> Adam<A> {
    /// With learning rate η (0.001 is usual), β₁ = 0.9, β₂ = 0.999 and ε = 10⁻⁸.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        Ok(Self { driver: Driver::new(rate)?, moments: Moments::USUAL, amsgrad: false })
    }

    setter! {
        /// With these decays of the running means: of g, and of g². They reach back some 1/(1 − β)
        /// steps.
        betas
    }

    setter! {
        /// With this ε, which bounds the steps of a weight whose gradients are tiny.
        epsilon in moments
    }

    setter! {
        /// With AMSGrad.
        amsgrad
    }

    setter! {
        /// With weight decay λ in the gradient: g + λ w is used instead of g, and scaled like it,
        /// so that weights with large gradients decay less. [`AdamW`](super::AdamW) decays all
        /// alike.
        weight_decay
    }

    fn own_settings(&self) -> Vec<(&'static str, f64)> {
        let mut all = self.moments.settings();
        all.push(("amsgrad", f64::from(u8::from(self.amsgrad))));
        all
    }

    fn slots(&self) -> Slots {
        slots(self.amsgrad)
    }

    fn update(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let moments = self.moments;
        let step = |at: At, _: &mut f64| Step { at, moments, decoupled: false };
        if self.amsgrad {
            return self
                .driver
                .step(model, gradients, |at, product| LargestStep(step(at, product)));
        }
        self.driver.step(model, gradients, step)
    }
}

optimizer!(Adam);
