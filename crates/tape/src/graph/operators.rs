//! `+`, `-`, `*`, `/` for variables, and with a number of the host's on either side.

use std::ops::{Add, Div, Mul, Neg, Sub};

use ops::{Float, Lift, Reading, WithNumber, rules};

use crate::graph::var::Var;

macro_rules! operator {
    ($Trait:ident, $method:ident) => {
        impl<'t, A: Float> $Trait for Var<'t, A> {
            type Output = Self;
            #[track_caller]
            #[inline]
            fn $method(self, other: Self) -> Self {
                Self::apply(Lift::binary(rules::$Trait), &[&self, &other])
            }
        }
        impl<'t, A: Float> $Trait<A> for Var<'t, A> {
            type Output = Self;
            #[track_caller]
            #[inline]
            fn $method(self, number: A) -> Self {
                self.unary(WithNumber::right(rules::$Trait, number.to_f64()))
            }
        }
        // The host's types are foreign, so a number on the left needs an impl for each.
        operator!($Trait, $method, f32);
        operator!($Trait, $method, f64);
    };
    ($Trait:ident, $method:ident, $float:ident) => {
        impl<'t> $Trait<Var<'t, $float>> for $float {
            type Output = Var<'t, $float>;
            #[track_caller]
            #[inline]
            fn $method(self, x: Var<'t, $float>) -> Var<'t, $float> {
                x.unary(WithNumber::left(f64::from(self), rules::$Trait))
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl<A: Float> Neg for Var<'_, A> {
    type Output = Self;
    #[track_caller]
    fn neg(self) -> Self {
        self.unary(rules::Neg)
    }
}
