//! Machine floats whose functions are polynomials without branches.

// A loop becomes vector instructions only if everything in it is inlined.
#![allow(clippy::inline_always)]

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::number::{Binary, Number, Unary, logistic};

mod constants_f32;
mod constants_f64;
#[macro_use]
mod functions;
#[cfg(test)]
#[allow(unsafe_code)]
mod tests;

/// A machine float whose functions are polynomials without branches, so that a loop over them
/// becomes vector instructions.
///
/// The functions are within 2 units in the last place; arithmetic, comparisons and roundings are
/// the float's own. A function may give NaN where the float has a number, as the sine of a very
/// large angle: whoever runs a loop computes those elements again with the float itself. It is
/// meant to be run where a fused multiply-add is an instruction; elsewhere it is right, but slow.
#[derive(Clone, Copy, Debug)]
pub struct Fast<A>(pub A);

/// The fast reading of a float: what numbers it is made of and gives back.
pub trait Reads<A>: Number {
    /// Reads a number.
    fn read(number: A) -> Self;
    /// The number.
    fn number(self) -> A;
    /// xy + z, rounded once.
    fn mul_add(x: A, y: A, z: A) -> A;
}

mod single {
    functions!(f32, u32, 23, 127, constants_f32);
}
mod double {
    functions!(f64, u64, 52, 1023, constants_f64);
}

macro_rules! operator {
    ($float:ident, $Trait:ident, $method:ident, $op:tt) => {
        impl $Trait for Fast<$float> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(self.0 $op other.0)
            }
        }
    };
}

/// Methods of one operand, each by `by` of the float.
macro_rules! methods {
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
macro_rules! own_binary {
    ($($method:ident)*) => {
        $(
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(Number::$method(self.0, other.0))
            }
        )*
    };
}

macro_rules! real_fast {
    ($float:ident, $module:ident) => {
        operator!($float, Add, add, +);
        operator!($float, Sub, sub, -);
        operator!($float, Mul, mul, *);
        operator!($float, Div, div, /);

        impl Reads<$float> for Fast<$float> {
            #[inline(always)]
            fn read(number: $float) -> Self {
                Self(number)
            }
            #[inline(always)]
            fn number(self) -> $float {
                self.0
            }
            #[inline(always)]
            fn mul_add(x: $float, y: $float, z: $float) -> $float {
                x.mul_add(y, z)
            }
        }

        impl Neg for Fast<$float> {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }

        impl Number for Fast<$float> {
            #[inline(always)]
            fn lit(value: f64) -> Self {
                Self(value as $float)
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
                if self.0 != 0.0 { then } else { otherwise }
            }
            methods! { $module:
                exp exp2 exp_m1 ln log2 log10 ln_1p sin cos tan sinh cosh tanh erf
            }
            methods! { Number:
                sqrt abs square recip floor ceil round asin acos atan asinh acosh atanh
            }
            #[inline(always)]
            fn sigmoid(self) -> Self {
                logistic(self)
            }
            own_binary! { pow atan2 hypot maximum minimum greater equal }
        }
    };
}
real_fast!(f32, single);
real_fast!(f64, double);
