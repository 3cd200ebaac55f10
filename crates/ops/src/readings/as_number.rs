//! The value of any reading, as a number.

use std::any::TypeId;
use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

use typed_arena::Arena;

use crate::number::{Binary, Elementwise, Number, SlopeReads, Unary, WithNumber, spoken_by_rules};
use crate::rule::{Lift, ReadScalar, Reading, Scalar};
use crate::rules::elementwise as rules;
use crate::rules::methods::BinaryMethods;

/// A `Copy` number that stands for a whole value of some [`Reading`]: a recorded variable, a
/// dual number, a formula.
///
/// Values live in an arena for as long as the rule is being read; literals stay literals until
/// they meet a value, so `1 − y²` becomes one recorded op on `y²`, not a constant node.
pub enum AsNumber<'a, T> {
    /// A number written in the rule.
    Lit(f64),
    /// A value, in the arena where the results of operations on it are put too.
    Value(&'a Arena<T>, &'a T),
}

impl<T> Clone for AsNumber<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for AsNumber<'_, T> {}

impl<T: Debug> Debug for AsNumber<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lit(value) => write!(f, "{value}"),
            Self::Value(_, value) => value.fmt(f),
        }
    }
}

impl<'a, T: Reading> AsNumber<'a, T> {
    /// Reads a value.
    pub fn new(arena: &'a Arena<T>, value: &T) -> Self {
        Self::put(arena, value.clone())
    }

    fn put(arena: &'a Arena<T>, value: T) -> Self {
        Self::Value(arena, arena.alloc(value))
    }

    /// Reads each of some values.
    fn each<const N: usize>(arena: &'a Arena<T>, values: [&T; N]) -> [Self; N] {
        values.map(|value| Self::new(arena, value))
    }

    /// What it stands for.
    fn read(self) -> Scalar<T> {
        match self {
            Self::Lit(number) => Scalar::Literal(number),
            Self::Value(_, value) => Scalar::Value(value.clone()),
        }
    }

    /// The value, a literal being made a scalar in the context of `like`.
    fn promote(self, arena: &'a Arena<T>, like: &T) -> &'a T {
        match self {
            Self::Lit(value) => arena.alloc(like.scalar(value)),
            Self::Value(_, value) => value,
        }
    }
}

impl<T: Reading> Number for AsNumber<'_, T> {
    fn lit(value: f64) -> Self {
        Self::Lit(value)
    }

    fn unary<U: Unary>(self, rule: U) -> Self {
        match self {
            Self::Lit(x) => Self::Lit(rule.value(x)),
            Self::Value(arena, x) => Self::put(arena, T::apply(Lift::unary(rule), &[x])),
        }
    }

    fn binary<B: Binary>(self, rule: B, other: Self) -> Self {
        match (self, other) {
            // x¹ and x⁰, as they come of the slope of a power.
            (x, Self::Lit(1.0)) if is_power::<B>() => x,
            (_, Self::Lit(0.0)) if is_power::<B>() => Self::Lit(1.0),
            (Self::Lit(a), Self::Lit(b)) => Self::Lit(rule.value(a, b)),
            (Self::Value(arena, a), Self::Lit(b)) => {
                Self::put(arena, T::apply(Lift::unary(WithNumber::right(rule, b)), &[a]))
            }
            (Self::Lit(a), Self::Value(arena, b)) => {
                Self::put(arena, T::apply(Lift::unary(WithNumber::left(a, rule)), &[b]))
            }
            (Self::Value(arena, a), Self::Value(_, b)) => {
                Self::put(arena, T::apply(Lift::binary(rule), &[a, b]))
            }
        }
    }

    spoken_by_rules!();

    fn select(self, then: Self, otherwise: Self) -> Self {
        match self {
            Self::Lit(mask) => {
                if mask == 0.0 {
                    otherwise
                } else {
                    then
                }
            }
            Self::Value(arena, mask) => {
                if let (Self::Lit(a), Self::Lit(b)) = (then, otherwise)
                    && a == b
                {
                    return then;
                }
                let (then, otherwise) = (then.promote(arena, mask), otherwise.promote(arena, mask));
                Self::put(arena, T::apply(Lift::<_, 3>(rules::Where), &[mask, then, otherwise]))
            }
        }
    }
}

fn is_power<B: Binary>() -> bool {
    TypeId::of::<B>() == TypeId::of::<rules::Pow>()
}

impl<T: Reading> ReadScalar for T {
    fn value_of<E: Elementwise<N>, const N: usize>(rule: E, operands: [&Self; N]) -> Scalar<Self> {
        let arena = Arena::new();
        rule.value(AsNumber::each(&arena, operands)).read()
    }

    fn slope_of<E: Elementwise<N>, const N: usize>(
        rule: E,
        operand: usize,
        operands: [&Self; N],
        output: &Self,
    ) -> Scalar<Self> {
        let arena = Arena::new();
        let x = AsNumber::each(&arena, operands);
        rule.slope(operand, x, AsNumber::new(&arena, output)).read()
    }
}

/// [`Reading::times_slope`] by the slope itself, read with whole values, and a product.
#[track_caller]
pub fn times_slope<T: Reading, E: Elementwise<N>, const N: usize>(
    rule: E,
    operand: usize,
    operands: [&T; N],
    output: &T,
    v: &T,
) -> Option<T> {
    match SlopeReads::of(rule, operand).literal() {
        Some(0.0) => return None,
        Some(1.0) => return Some(v.clone()),
        Some(-1.0) => return Some(T::apply(Lift::unary(rules::Neg), &[v])),
        Some(slope) => return Some(v.scale(slope)),
        None => {}
    }
    let arena = Arena::new();
    let [y, v] = AsNumber::each(&arena, [output, v]);
    match rule.times_slope(operand, AsNumber::each(&arena, operands), y, v).read() {
        Scalar::Literal(_) => None,
        Scalar::Value(product) => Some(product),
    }
}

// The neutral elements are dropped here, once: they would otherwise show in every formula and
// cost a node in every recorded gradient.
impl<T: Reading> Add for AsNumber<'_, T> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Lit(0.0), x) | (x, Self::Lit(0.0)) => x,
            _ => self.binary(rules::Add, other),
        }
    }
}

impl<T: Reading> Sub for AsNumber<'_, T> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        match (self, other) {
            (Self::Lit(0.0), x) => -x,
            (x, Self::Lit(0.0)) => x,
            _ => self.binary(rules::Sub, other),
        }
    }
}

impl<T: Reading> Mul for AsNumber<'_, T> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        match (self, other) {
            (Self::Lit(1.0), x) | (x, Self::Lit(1.0)) => x,
            (Self::Lit(-1.0), x) | (x, Self::Lit(-1.0)) => -x,
            _ => self.binary(rules::Mul, other),
        }
    }
}

impl<T: Reading> Div for AsNumber<'_, T> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        match (self, other) {
            (x, Self::Lit(1.0)) => x,
            _ => self.binary(rules::Div, other),
        }
    }
}

impl<T: Reading> Neg for AsNumber<'_, T> {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(rules::Neg)
    }
}
