//! Machine floats whose functions are polynomials without branches.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::number::{Binary, Number, Unary, logistic};

mod constants_f32;
mod constants_f64;
mod functions;
mod machine;

pub use machine::Machine;

/// A machine float whose functions are polynomials without branches.
///
/// A loop over them becomes vector instructions. The functions are within 2 units in the last
/// place; arithmetic, comparisons and roundings are the float's own. A function may give NaN where
/// the float has a number, as the sine of a very large angle: the loop computes those elements again
/// with the float itself. It is meant for machines where a fused multiply-add is an instruction;
/// elsewhere it is right, but slow.
#[derive(Clone, Copy, Debug)]
pub struct Fast<A>(pub A);

macro_rules! operator {
    ($Trait:ident, $method:ident, $op:tt) => {
        impl<A: Machine> $Trait for Fast<A> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(self.0 $op other.0)
            }
        }
    };
}
operator!(Add, add, +);
operator!(Sub, sub, -);
operator!(Mul, mul, *);
operator!(Div, div, /);

impl<A: Machine> Neg for Fast<A> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

/// Methods of one operand, each by the function of that name in `$by`.
macro_rules! one {
    ($by:ident: $($method:ident)*) => {
        $(
            #[inline(always)]
            fn $method(self) -> Self {
                Self($by::$method(self.0))
            }
        )*
    };
}

/// Methods of two operands that are the float's own.
macro_rules! two {
    ($($method:ident)*) => {
        $(
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(Number::$method(self.0, other.0))
            }
        )*
    };
}

impl<A: Machine> Number for Fast<A> {
    #[inline(always)]
    fn lit(value: f64) -> Self {
        Self(A::lit(value))
    }
    #[inline(always)]
    fn unary<U: Unary>(self, rule: U) -> Self {
        rule.value(self)
    }
    #[inline(always)]
    fn binary<B: Binary>(self, rule: B, other: Self) -> Self {
        rule.value(self, other)
    }
    #[inline(always)]
    fn select(self, then: Self, otherwise: Self) -> Self {
        if self.0 == A::lit(0.0) { otherwise } else { then }
    }
    one! { functions:
        exp exp2 exp_m1 ln log2 log10 ln_1p sin cos tan sinh cosh tanh erf
    }
    one! { Number:
        sqrt abs square recip floor ceil round asin acos atan asinh acosh atanh
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        logistic(self)
    }
    two! { pow atan2 hypot maximum minimum greater equal }
}
