//! The vocabulary that an elementwise rule may speak.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::rule::{Binary, Unary};
use crate::rules::elementwise as rules;

/// A number in some reading: `f32`, `f64`, a [`Probe`](crate::probe::Probe) or a
/// [`Reading`](crate::reading::Reading) of any [`Algebra`](crate::Algebra) (tensor, recorded
/// variable, dual number, formula).
///
/// An elementwise rule is written once, generic over this trait, and read many ways. All
/// readings are `Copy`, so a rule reads like its formula. Comparisons return masks, 1 or 0, of
/// the same type, and [`select`](Real::select) chooses by a mask, so that a rule has no branches
/// and every reading can follow both sides.
///
/// ```
/// use ops::Real;
///
/// fn logistic<R: Real>(x: R) -> R {
///     (R::lit(1.0) + (-x).exp()).recip()
/// }
/// assert_eq!(logistic(0.0_f64), 0.5);
/// ```
pub trait Real:
    Copy
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// A literal of the rule, the same for every element.
    fn lit(value: f64) -> Self;

    /// This number under a rule of one operand.
    fn unary<U: Unary>(self, rule: U) -> Self;

    /// This number and another under a rule of two operands.
    fn binary<B: Binary>(self, rule: B, other: Self) -> Self;

    /// Reads `self` as a mask: `then` where it is not 0, `otherwise` where it is 0.
    fn select(self, then: Self, otherwise: Self) -> Self;

    /// eˣ.
    fn exp(self) -> Self {
        self.unary(rules::Exp)
    }
    /// eˣ − 1, exact for small x.
    fn exp_m1(self) -> Self {
        self.unary(rules::Expm1)
    }
    /// Natural logarithm.
    fn ln(self) -> Self {
        self.unary(rules::Ln)
    }
    /// ln(1 + x), exact for small x.
    fn ln_1p(self) -> Self {
        self.unary(rules::Log1p)
    }
    /// Square root.
    fn sqrt(self) -> Self {
        self.unary(rules::Sqrt)
    }
    /// Sine of an angle in radians.
    fn sin(self) -> Self {
        self.unary(rules::Sin)
    }
    /// Cosine of an angle in radians.
    fn cos(self) -> Self {
        self.unary(rules::Cos)
    }
    /// Hyperbolic tangent.
    fn tanh(self) -> Self {
        self.unary(rules::Tanh)
    }
    /// Logistic sigmoid 1 / (1 + e⁻ˣ).
    fn sigmoid(self) -> Self {
        self.unary(rules::Sigmoid)
    }
    /// Absolute value.
    fn abs(self) -> Self {
        self.unary(rules::Abs)
    }
    /// x².
    fn square(self) -> Self {
        self.unary(rules::Square)
    }
    /// 1 / x.
    fn recip(self) -> Self {
        self.unary(rules::Reciprocal)
    }
    /// `self` to the power `exponent`.
    fn pow(self, exponent: Self) -> Self {
        self.binary(rules::Pow, exponent)
    }
    /// The larger of the two; NaN if either is NaN.
    fn maximum(self, other: Self) -> Self {
        self.binary(rules::Maximum, other)
    }
    /// The smaller of the two; NaN if either is NaN.
    fn minimum(self, other: Self) -> Self {
        self.binary(rules::Minimum, other)
    }
    /// The mask of `self > other`.
    fn greater(self, other: Self) -> Self {
        self.binary(rules::Greater, other)
    }
    /// The mask of `self == other`.
    fn equal(self, other: Self) -> Self {
        self.binary(rules::Equal, other)
    }
    /// −1, 0 or 1: the sign of the number, 0 at 0.
    fn sign(self) -> Self {
        self.greater(Self::lit(0.0)) - Self::lit(0.0).greater(self)
    }
}

macro_rules! real_float {
    ($float:ident) => {
        impl Real for $float {
            #[inline]
            fn lit(value: f64) -> Self {
                value as $float
            }
            #[inline]
            fn unary<U: Unary>(self, rule: U) -> Self {
                rule.value(self)
            }
            #[inline]
            fn binary<B: Binary>(self, rule: B, other: Self) -> Self {
                rule.value(self, other)
            }
            #[inline]
            fn select(self, then: Self, otherwise: Self) -> Self {
                if self != 0.0 { then } else { otherwise }
            }
            #[inline]
            fn exp(self) -> Self {
                $float::exp(self)
            }
            #[inline]
            fn exp_m1(self) -> Self {
                $float::exp_m1(self)
            }
            #[inline]
            fn ln(self) -> Self {
                $float::ln(self)
            }
            #[inline]
            fn ln_1p(self) -> Self {
                $float::ln_1p(self)
            }
            #[inline]
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            #[inline]
            fn sin(self) -> Self {
                $float::sin(self)
            }
            #[inline]
            fn cos(self) -> Self {
                $float::cos(self)
            }
            #[inline]
            fn tanh(self) -> Self {
                $float::tanh(self)
            }
            #[inline]
            fn abs(self) -> Self {
                $float::abs(self)
            }
            #[inline]
            fn pow(self, exponent: Self) -> Self {
                $float::powf(self, exponent)
            }
            #[inline]
            fn maximum(self, other: Self) -> Self {
                if self > other || self.is_nan() { self } else { other }
            }
            #[inline]
            fn minimum(self, other: Self) -> Self {
                if self < other || self.is_nan() { self } else { other }
            }
            #[inline]
            fn greater(self, other: Self) -> Self {
                if self > other { 1.0 } else { 0.0 }
            }
            #[inline]
            fn equal(self, other: Self) -> Self {
                if self == other { 1.0 } else { 0.0 }
            }
        }
    };
}
real_float!(f32);
real_float!(f64);
