//! `+`, `-`, `·`, `/` for tensors, by value or by reference, and with a number on either side.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::number::{Float, WithNumber};
use crate::rule::{Lift, Reading};
use crate::rules::elementwise as rules;
use crate::tensor::Tensor;

macro_rules! operator {
    ($Trait:ident, $method:ident) => {
        operator!($Trait, $method, Tensor<A>, Tensor<A>);
        operator!($Trait, $method, &Tensor<A>, Tensor<A>);
        operator!($Trait, $method, Tensor<A>, &Tensor<A>);
        operator!($Trait, $method, &Tensor<A>, &Tensor<A>);
        operator_with_number!($Trait, $method, f32);
        operator_with_number!($Trait, $method, f64);
    };
    ($Trait:ident, $method:ident, $Left:ty, $Right:ty) => {
        impl<A: Float> $Trait<$Right> for $Left {
            type Output = Tensor<A>;
            #[track_caller]
            fn $method(self, other: $Right) -> Tensor<A> {
                Tensor::apply(Lift::binary(rules::$Trait), &[&self, &other])
            }
        }
    };
}

macro_rules! operator_with_number {
    ($Trait:ident, $method:ident, $float:ident) => {
        impl $Trait<$float> for &Tensor<$float> {
            type Output = Tensor<$float>;
            fn $method(self, number: $float) -> Tensor<$float> {
                let rule = WithNumber::right(rules::$Trait, f64::from(number));
                Tensor::apply(Lift::unary(rule), &[self])
            }
        }
        impl $Trait<$float> for Tensor<$float> {
            type Output = Tensor<$float>;
            fn $method(self, number: $float) -> Tensor<$float> {
                $Trait::$method(&self, number)
            }
        }
        impl $Trait<&Tensor<$float>> for $float {
            type Output = Tensor<$float>;
            fn $method(self, tensor: &Tensor<$float>) -> Tensor<$float> {
                let rule = WithNumber::left(f64::from(self), rules::$Trait);
                Tensor::apply(Lift::unary(rule), &[tensor])
            }
        }
        impl $Trait<Tensor<$float>> for $float {
            type Output = Tensor<$float>;
            fn $method(self, tensor: Tensor<$float>) -> Tensor<$float> {
                $Trait::$method(self, &tensor)
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl<A: Float> Neg for &Tensor<A> {
    type Output = Tensor<A>;
    fn neg(self) -> Tensor<A> {
        Tensor::apply(Lift::unary(rules::Neg), &[self])
    }
}
impl<A: Float> Neg for Tensor<A> {
    type Output = Self;
    fn neg(self) -> Self {
        -&self
    }
}
