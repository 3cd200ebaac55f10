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
///
/// It knows whether such a function had a part in it, which the compiler knows, too, once all is
/// inlined: a loop of nothing but arithmetic has nothing to look for.
#[derive(Clone, Copy, Debug)]
pub struct Fast<A> {
    value: A,
    is_approximate: bool,
}

impl<A> Fast<A> {
    /// The float itself.
    #[inline(always)]
    pub fn new(value: A) -> Self {
        Self { value, is_approximate: false }
    }

    /// The float, and whether a function by polynomials had a part in it. Where none had, it is what
    /// the float's own operations give.
    #[inline(always)]
    pub fn into_parts(self) -> (A, bool) {
        (self.value, self.is_approximate)
    }
}

impl<A: Machine> Fast<A> {
    /// What an operation with `other` has come to.
    #[inline(always)]
    fn with(self, other: Self, value: A) -> Self {
        Self { value, is_approximate: self.is_approximate | other.is_approximate }
    }

    /// Whether it is NaN and the float's own functions might give a number.
    #[inline(always)]
    fn is_doubtful(self) -> bool {
        self.is_approximate & self.value.is_not_a_number()
    }

    /// The result of a comparison with `other`. Of NaN it would be a number, and nothing would tell that it
    /// is to be computed again.
    #[inline(always)]
    fn compared(self, other: Self, result: A) -> Self {
        let is_doubtful = self.is_doubtful() | other.is_doubtful();
        self.with(other, if is_doubtful { A::NOT_A_NUMBER } else { result })
    }
}

macro_rules! operator {
    ($Trait:ident, $method:ident, $op:tt) => {
        impl<A: Machine> $Trait for Fast<A> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.with(other, self.value $op other.value)
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
        Self { value: -self.value, ..self }
    }
}

/// Methods of one operand by the function of that name in [`functions`].
macro_rules! approximate {
    ($($method:ident)*) => {
        $(
            #[inline(always)]
            fn $method(self) -> Self {
                Self { value: functions::$method(self.value), is_approximate: true }
            }
        )*
    };
}

/// Methods of one operand that are the float's own.
macro_rules! one {
    ($($method:ident)*) => {
        $(
            #[inline(always)]
            fn $method(self) -> Self {
                Self { value: Number::$method(self.value), ..self }
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
                self.with(other, Number::$method(self.value, other.value))
            }
        )*
    };
}

impl<A: Machine> Number for Fast<A> {
    #[inline(always)]
    fn lit(value: f64) -> Self {
        Self::new(A::lit(value))
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
        let is_approximate = self.is_approximate | then.is_approximate | otherwise.is_approximate;
        let chosen = if self.value == A::lit(0.0) { otherwise.value } else { then.value };
        let value = if self.is_doubtful() { A::NOT_A_NUMBER } else { chosen };
        Self { value, is_approximate }
    }
    approximate! {
        exp exp2 exp_m1 ln log2 log10 ln_1p sin cos tan sinh cosh tanh erf
    }
    one! {
        sqrt abs square recip floor ceil round asin acos atan asinh acosh atanh
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        logistic(self)
    }
    two! { pow atan2 hypot maximum minimum }
    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        self.compared(other, Number::greater(self.value, other.value))
    }
    #[inline(always)]
    fn equal(self, other: Self) -> Self {
        self.compared(other, Number::equal(self.value, other.value))
    }
}
