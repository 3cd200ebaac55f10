//! Infix operators, as rules of recorded values and of numbers.

use ops::rules::{Add, Div, Matmul, Mul, Pow, Sub};
use ops::{Binary, Lift, WithNumber};

use super::Infix;
use super::record::Value;
use crate::graph::error::TapeError;
use crate::graph::var::Var;

/// Does something with the elementwise rule of an operator.
macro_rules! with_rule {
    ($infix:expr, |$rule:ident| $body:expr, matmul $matmul:expr) => {
        match $infix {
            Infix::Add => with_rule!($rule = Add, $body),
            Infix::Sub => with_rule!($rule = Sub, $body),
            Infix::Mul => with_rule!($rule = Mul, $body),
            Infix::Div => with_rule!($rule = Div, $body),
            Infix::Pow => with_rule!($rule = Pow, $body),
            Infix::Matmul => $matmul,
        }
    };
    ($rule:ident = $Rule:ident, $body:expr) => {{
        let $rule = $Rule;
        $body
    }};
}

impl Infix {
    /// The value for two numbers; a matrix product has none.
    pub(super) fn of_numbers(self, a: f64, b: f64) -> Option<f64> {
        with_rule!(self, |rule| Some(Binary::value(rule, a, b)), matmul None)
    }

    pub(super) fn record<'t>(self, x: &[&Var<'t, f64>; 2]) -> Result<Var<'t, f64>, TapeError> {
        let matmul = || Var::try_apply(Matmul, x);
        with_rule!(self, |rule| Var::try_apply(Lift::binary(rule), x), matmul matmul())
    }

    /// Records with a number on one side, which becomes part of the op; a matrix product cannot.
    pub(super) fn record_with<'t>(
        self,
        a: &Value<'t>,
        b: &Value<'t>,
    ) -> Option<Result<Var<'t, f64>, TapeError>> {
        match (a, b) {
            (Value::Recorded(x), &Value::Number(number)) => {
                with_rule!(self, |rule| Some(Var::try_apply(Lift::unary(WithNumber::right(rule, number)), &[x])), matmul None)
            }
            (&Value::Number(number), Value::Recorded(x)) => {
                with_rule!(self, |rule| Some(Var::try_apply(Lift::unary(WithNumber::left(number, rule)), &[x])), matmul None)
            }
            _ => None,
        }
    }
}
