//! The contract of an optimiser's formula.

use std::fmt::Debug;

use crate::number::Number;

/// An optimiser's formula: what becomes of one number w of a parameter, given its gradient g and
/// what is kept for it between steps.
///
/// It is written once over [`Number`], as rules are. Read with a float it runs; read with
/// [formulas](crate::update_lines) it is the text that a learner sees.
///
/// ```
/// use ops::{Naming, Number, Unnamed, UpdateRule};
///
/// /// v ← μ v + g, w ← w − η v.
/// #[derive(Clone, Copy, Debug)]
/// struct Momentum { rate: f64, mu: f64 }
///
/// impl UpdateRule<2, 1> for Momentum {
///     const KEPT: [&'static str; 1] = ["v"];
///     fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 2] {
///         [names.setting("η", self.rate), names.setting("μ", self.mu)]
///     }
///     fn number<R: Number>(
///         self, names: &mut impl Naming<R>, [rate, mu]: [R; 2], w: R, g: R, [v]: [R; 1],
///     ) -> (R, [R; 1]) {
///         let v = names.named("v", mu * v + g);
///         (w - rate * v, [v])
///     }
/// }
///
/// let rule = Momentum { rate: 0.1, mu: 0.9 };
/// let constants = rule.constants::<f64>(&mut Unnamed);
/// assert_eq!(rule.number(&mut Unnamed, constants, 0.5, 2.0, [1.0]), (0.5 - 0.1 * 2.9, [2.9]));
/// ```
pub trait UpdateRule<const K: usize, const N: usize>: Copy + Debug + Send + Sync + 'static {
    /// The names of what is kept, in order.
    const KEPT: [&'static str; N];
    /// How the formula and that of the literature are the same, where they look different.
    const REMARK: &'static str = "";

    /// What is the same for all numbers of the parameter. It is computed in `f64`.
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; K];

    /// The new number, and what to keep for it.
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        constants: [R; K],
        w: R,
        g: R,
        kept: [R; N],
    ) -> (R, [R; N]);
}

/// Hears what an [`UpdateRule`] calls the numbers that it computes. Where it runs, [`Unnamed`]
/// hears nothing.
pub trait Naming<R: Number> {
    /// A setting: η, β₁, or t, the number of the step.
    #[inline(always)]
    fn setting(&mut self, symbol: &'static str, value: f64) -> R {
        let _ = symbol;
        R::lit(value)
    }

    /// A number that has a name from here on.
    #[inline(always)]
    fn named(&mut self, symbol: &'static str, value: R) -> R {
        let _ = symbol;
        value
    }

    /// x + factor · other under a name; where the factor is 0, a text has x alone.
    #[inline(always)]
    fn plus(&mut self, symbol: &'static str, x: R, factor: R, other: R) -> R {
        let _ = symbol;
        x + factor * other
    }

    /// A number that the literature has and the formula does not need. It is computed only where
    /// it is shown.
    #[inline(always)]
    fn aside(&mut self, symbol: &'static str, value: impl FnOnce() -> R) {
        let _ = (symbol, value);
    }
}

/// Hears no name: an [`UpdateRule`] that runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unnamed;

impl<R: Number> Naming<R> for Unnamed {}
