//! Scalar rules: a value and its slopes, over any number.

use std::fmt::Debug;

use crate::ground::{Attributes, Formula, Notation};
use crate::number::{Number, Remarks, Samples};

/// An elementwise rule of one operand: y = f(x) with its slope dy/dx.
///
/// This is all there is to write for a new op. Broadcasting, gradients of any order, forward
/// mode, the formula shown to a reader and the generated tests are readings of these lines.
///
/// ```
/// use ops::{Number, Unary, Tensor, apply, rules::Lift};
///
/// /// Gaussian bump: y = e^(−x²), dy/dx = −2xy.
/// #[derive(Clone, Copy, Debug)]
/// struct Bump;
/// impl Unary for Bump {
///     const NAME: &'static str = "bump";
///     fn value<R: Number>(self, x: R) -> R {
///         (-x.square()).exp()
///     }
///     fn slope<R: Number>(self, x: R, y: R) -> R {
///         R::lit(-2.0) * x * y
///     }
/// }
/// assert_eq!(apply(&Lift::unary(Bump), &[&Tensor::scalar(0.0)])?, Tensor::scalar(1.0));
/// # Ok::<(), ops::OpError>(())
/// ```
// ANCHOR: unary
pub trait Unary: Copy + Debug + Send + Sync + 'static {
    /// The name in formulas and messages.
    const NAME: &'static str;
    /// How the op is written in a formula.
    const NOTATION: Notation = Notation::Call;
    /// Where to test the rule, and what is known of it.
    const DECLARED: Samples<1> = Samples::anywhere();
    /// What else is known of it.
    const REMARKS: Remarks = Remarks::NONE;

    /// y = f(x).
    fn value<R: Number>(self, x: R) -> R;
    /// dy/dx at `x`, where the output is `y`.
    fn slope<R: Number>(self, x: R, y: R) -> R;
    /// The op as text, around its operand.
    fn write(self, x: &Formula) -> Formula {
        Formula::notate(Self::NAME, Self::NOTATION, &[x])
    }
    /// The settings as data.
    fn settings(self) -> Attributes {
        Attributes::new()
    }
    /// The rule with other settings, in the order of [`settings`](Unary::settings); `None`
    /// if it has another number of them.
    fn with_settings(self, settings: &[f64]) -> Option<Self> {
        settings.is_empty().then_some(self)
    }
}
// ANCHOR_END: unary

/// An elementwise rule of two operands, broadcast by NumPy's rule: y = f(a, b).
pub trait Binary: Copy + Debug + Send + Sync + 'static {
    /// The name in formulas and messages.
    const NAME: &'static str;
    /// How the op is written in a formula.
    const NOTATION: Notation = Notation::Call;
    /// Where to test the rule, and what is known of it.
    const DECLARED: Samples<2> = Samples::anywhere();
    /// What else is known of it.
    const REMARKS: Remarks = Remarks::NONE;

    /// y = f(a, b).
    fn value<R: Number>(self, a: R, b: R) -> R;
    /// ∂y/∂a at `a` and `b`, where the output is `y`.
    fn slope_a<R: Number>(self, a: R, b: R, y: R) -> R;
    /// ∂y/∂b at `a` and `b`, where the output is `y`.
    fn slope_b<R: Number>(self, a: R, b: R, y: R) -> R;
}

/// An elementwise rule of `N` operands. Every [`Unary`] rule is one of 1, every [`Binary`] of 2.
pub trait Elementwise<const N: usize>: Copy + Debug + Send + Sync + 'static {
    /// The name in formulas and messages.
    const NAME: &'static str;
    /// Where to test the rule, and what is known of it.
    const DECLARED: Samples<N>;
    /// What else is known of it.
    const REMARKS: Remarks = Remarks::NONE;

    /// The value at `x`.
    fn value<R: Number>(self, x: [R; N]) -> R;
    /// The partial derivative with respect to operand number `operand`.
    fn slope<R: Number>(self, operand: usize, x: [R; N], y: R) -> R;
    /// v times that slope, where a slope of 0 is to give 0 of every v.
    #[inline(always)]
    fn times_slope<R: Number>(self, operand: usize, x: [R; N], y: R, v: R) -> R {
        v * self.slope(operand, x, y)
    }
    /// The op as text, around its operands.
    fn write(self, x: [&Formula; N]) -> Formula {
        Formula::notate(Self::NAME, Notation::Call, &x)
    }
    /// The settings as data.
    fn settings(self) -> Attributes {
        Attributes::new()
    }
    /// The rule with other settings, in the order of [`settings`](Elementwise::settings); `None`
    /// if it has another number of them.
    ///
    /// ```
    /// use ops::{Elementwise, rules::LeakyRelu};
    ///
    /// let leaky = LeakyRelu { alpha: 0.2 };
    /// assert_eq!(Elementwise::with_settings(leaky, &[0.5]).unwrap().alpha, 0.5);
    /// assert!(Elementwise::with_settings(leaky, &[]).is_none());
    /// ```
    fn with_settings(self, settings: &[f64]) -> Option<Self> {
        settings.is_empty().then_some(self)
    }
}

impl<U: Unary> Elementwise<1> for U {
    const NAME: &'static str = U::NAME;
    const DECLARED: Samples<1> = U::DECLARED;
    const REMARKS: Remarks = U::REMARKS;
    #[inline(always)]
    fn value<R: Number>(self, [x]: [R; 1]) -> R {
        self.value(x)
    }
    #[inline(always)]
    fn slope<R: Number>(self, _operand: usize, [x]: [R; 1], y: R) -> R {
        self.slope(x, y)
    }
    fn write(self, [x]: [&Formula; 1]) -> Formula {
        self.write(x)
    }
    fn settings(self) -> Attributes {
        Unary::settings(self)
    }
    fn with_settings(self, settings: &[f64]) -> Option<Self> {
        Unary::with_settings(self, settings)
    }
}

impl<B: Binary> Elementwise<2> for B {
    const NAME: &'static str = B::NAME;
    const DECLARED: Samples<2> = B::DECLARED;
    const REMARKS: Remarks = B::REMARKS;
    #[inline(always)]
    fn value<R: Number>(self, [a, b]: [R; 2]) -> R {
        self.value(a, b)
    }
    #[inline(always)]
    fn slope<R: Number>(self, operand: usize, [a, b]: [R; 2], y: R) -> R {
        if operand == 0 { self.slope_a(a, b, y) } else { self.slope_b(a, b, y) }
    }
    fn write(self, x: [&Formula; 2]) -> Formula {
        Formula::notate(B::NAME, B::NOTATION, &x)
    }
}
