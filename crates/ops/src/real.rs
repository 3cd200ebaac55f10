//! The vocabulary that an elementwise rule may speak.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::rule::{Binary, Unary};
use crate::rules::elementwise as rules;

/// Methods of [`Number`] that stand for a rule of one operand; the machine floats override them.
macro_rules! primitives {
    ($($(#[$doc:meta])* $method:ident = $Rule:ident;)*) => {
        $(
            $(#[$doc])*
            fn $method(self) -> Self {
                self.unary(rules::$Rule)
            }
        )*
    };
}

/// Overrides of those methods by a float's own.
macro_rules! float_primitives {
    ($float:ident: $($method:ident = $own:ident)*) => {
        $(
            #[inline]
            fn $method(self) -> Self {
                $float::$own(self)
            }
        )*
    };
}

/// A number in some reading: `f32`, `f64`, a [`Probe`](crate::probe::Probe) or a
/// [`AsNumber`](crate::reading::AsNumber) of any [`Reading`](crate::Reading) (tensor, recorded
/// variable, dual number, formula).
///
/// An elementwise rule is written once, generic over this trait, and read many ways. All
/// readings are `Copy`, so a rule reads like its formula. Comparisons return masks, 1 or 0, of
/// the same type, and [`select`](Number::select) chooses by a mask, so that a rule has no branches
/// and every reading can follow both sides.
///
/// ```
/// use ops::Number;
///
/// fn logistic<R: Number>(x: R) -> R {
///     (R::lit(1.0) + (-x).exp()).recip()
/// }
/// assert_eq!(logistic(0.0_f64), 0.5);
/// ```
pub trait Number:
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

    primitives! {
        /// eˣ.
        exp = Exp;
        /// 2ˣ.
        exp2 = Exp2;
        /// eˣ − 1, exact for small x.
        exp_m1 = Expm1;
        /// Natural logarithm.
        ln = Ln;
        /// Logarithm to base 2.
        log2 = Log2;
        /// Logarithm to base 10.
        log10 = Log10;
        /// ln(1 + x), exact for small x.
        ln_1p = Log1p;
        /// Square root.
        sqrt = Sqrt;
        /// Sine of an angle in radians.
        sin = Sin;
        /// Cosine of an angle in radians.
        cos = Cos;
        /// Tangent of an angle in radians.
        tan = Tan;
        /// Arc sine, in radians.
        asin = Asin;
        /// Arc cosine, in radians.
        acos = Acos;
        /// Arc tangent, in radians.
        atan = Atan;
        /// Hyperbolic sine.
        sinh = Sinh;
        /// Hyperbolic cosine.
        cosh = Cosh;
        /// Hyperbolic tangent.
        tanh = Tanh;
        /// Inverse hyperbolic sine.
        asinh = Asinh;
        /// Inverse hyperbolic cosine.
        acosh = Acosh;
        /// Inverse hyperbolic tangent.
        atanh = Atanh;
        /// Error function (2/√π) ∫₀ˣ e^(−t²) dt.
        erf = Erf;
        /// The largest integer that is not larger.
        floor = Floor;
        /// The smallest integer that is not smaller.
        ceil = Ceil;
        /// The nearest integer, the even one of two.
        round = Round;
        /// Logistic sigmoid 1 / (1 + e⁻ˣ).
        sigmoid = Sigmoid;
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
    /// The angle of the point (`x`, `self`) from the positive x-axis, in radians.
    fn atan2(self, x: Self) -> Self {
        self.binary(rules::Atan2, x)
    }
    /// √(a² + b²) without overflow on the way.
    fn hypot(self, other: Self) -> Self {
        self.binary(rules::Hypot, other)
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
    ($float:ident, $erf:ident) => {
        impl Number for $float {
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
            float_primitives! { $float:
                exp = exp exp2 = exp2 exp_m1 = exp_m1 ln = ln log2 = log2 log10 = log10
                ln_1p = ln_1p sqrt = sqrt sin = sin cos = cos tan = tan asin = asin acos = acos
                atan = atan sinh = sinh cosh = cosh tanh = tanh asinh = asinh acosh = acosh
                atanh = atanh abs = abs floor = floor ceil = ceil round = round_ties_even
            }
            #[inline]
            fn erf(self) -> Self {
                libm::$erf(self)
            }
            #[inline]
            fn atan2(self, x: Self) -> Self {
                $float::atan2(self, x)
            }
            #[inline]
            fn hypot(self, other: Self) -> Self {
                $float::hypot(self, other)
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
real_float!(f32, erff);
real_float!(f64, erf);
