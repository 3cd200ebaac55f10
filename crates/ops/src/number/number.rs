//! The vocabulary that an elementwise rule may speak.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::number::{Binary, Unary};

/// Declares the vocabulary: the trait [`Number`] from one list, and for the readings that apply a
/// rule for each word, those methods.
macro_rules! vocabulary {
    (
        $(#[$trait_doc:meta])*
        one { $($(#[$doc1:meta])* $one:ident = $Rule1:ident;)* }
        two { $($(#[$doc2:meta])* $two:ident $other:ident = $Rule2:ident;)* }
    ) => {
        $(#[$trait_doc])*
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

            $($(#[$doc1])* fn $one(self) -> Self;)*
            $($(#[$doc2])* fn $two(self, $other: Self) -> Self;)*

            /// −1, 0 or 1: the sign of the number, 0 at 0.
            #[inline(always)]
            fn sign(self) -> Self {
                self.greater(Self::lit(0.0)) - Self::lit(0.0).greater(self)
            }
        }

        /// Every word of the vocabulary as the rule of that name.
        macro_rules! spoken_by_rules {
            () => {
                $(fn $one(self) -> Self { self.unary(rules::$Rule1) })*
                $(fn $two(self, other: Self) -> Self { self.binary(rules::$Rule2, other) })*
            };
        }
        pub(crate) use spoken_by_rules;

        /// Every word of the vocabulary at literals, which fold.
        macro_rules! spoken_at_literals {
            () => {
                $(#[inline] fn $one(self) -> Self { self.fold(<f64 as Number>::$one) })*
                $(#[inline] fn $two(self, other: Self) -> Self {
                    self.merge(other, <f64 as Number>::$two)
                })*
            };
        }
        pub(crate) use spoken_at_literals;
    };
}

vocabulary! {
    /// A number in some reading: `f32`, `f64`, a [`Probe`](crate::probe::Probe) or a
    /// [`AsNumber`](crate::AsNumber) of any [`Reading`](crate::Reading) (tensor, recorded
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
    one {
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
        /// Absolute value.
        abs = Abs;
        /// x².
        square = Square;
        /// 1 / x.
        recip = Reciprocal;
    }
    two {
        /// `self` to the power `exponent`.
        pow exponent = Pow;
        /// The angle of the point (`x`, `self`) from the positive x-axis, in radians.
        atan2 x = Atan2;
        /// √(a² + b²) without overflow on the way.
        hypot other = Hypot;
        /// The larger of the two; NaN if either is NaN.
        maximum other = Maximum;
        /// The smaller of the two; NaN if either is NaN.
        minimum other = Minimum;
        /// The mask of `self > other`.
        greater other = Greater;
        /// The mask of `self == other`.
        equal other = Equal;
    }
}

/// The logistic function 1 / (1 + e⁻ˣ) in any reading.
#[inline(always)]
pub fn logistic<R: Number>(x: R) -> R {
    R::lit(1.0) / (R::lit(1.0) + (-x).exp())
}

/// Words of the vocabulary that are a float's own.
macro_rules! own {
    ($float:ident: $($method:ident = $own:ident)*) => {
        $(
            #[inline]
            fn $method(self) -> Self {
                $float::$own(self)
            }
        )*
    };
}

macro_rules! machine_float {
    ($float:ident: $erf:ident $asinh:ident $acosh:ident $atanh:ident) => {
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
            own! { $float:
                exp = exp exp2 = exp2 exp_m1 = exp_m1 ln = ln log2 = log2 log10 = log10
                ln_1p = ln_1p sqrt = sqrt sin = sin cos = cos tan = tan asin = asin acos = acos
                atan = atan sinh = sinh cosh = cosh tanh = tanh abs = abs floor = floor
                ceil = ceil round = round_ties_even
            }
            // The standard library's overflow for large x, and lose digits near 1 and −1.
            #[inline]
            fn asinh(self) -> Self {
                libm::$asinh(self)
            }
            #[inline]
            fn acosh(self) -> Self {
                libm::$acosh(self)
            }
            #[inline]
            fn atanh(self) -> Self {
                libm::$atanh(self)
            }
            #[inline]
            fn sigmoid(self) -> Self {
                logistic(self)
            }
            #[inline]
            fn square(self) -> Self {
                self * self
            }
            #[inline]
            fn recip(self) -> Self {
                1.0 / self
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
machine_float!(f32: erff asinhf acoshf atanhf);
machine_float!(f64: erf asinh acosh atanh);
