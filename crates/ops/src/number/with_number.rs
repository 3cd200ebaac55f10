//! A binary rule with a number for one operand.

use crate::ground::{Attributes, Binding, Formula, Notation};
use crate::number::{Binary, Number, Remarks, Unary};

/// A binary rule with a number for one operand: `2.0 * x`, `x + 1.0`, x³.
#[derive(Clone, Copy, Debug)]
pub struct WithNumber<B> {
    rule: B,
    number: f64,
    number_is_left: bool,
}

impl<B: Binary> WithNumber<B> {
    /// f(number, x).
    pub fn left(number: f64, rule: B) -> Self {
        Self { rule, number, number_is_left: true }
    }
    /// f(x, number).
    pub fn right(rule: B, number: f64) -> Self {
        Self { rule, number, number_is_left: false }
    }
}

impl<B: Binary> Unary for WithNumber<B> {
    const NAME: &'static str = B::NAME;
    const REMARKS: Remarks = B::REMARKS;
    #[inline(always)]
    fn value<R: Number>(self, x: R) -> R {
        let number = R::lit(self.number);
        if self.number_is_left { self.rule.value(number, x) } else { self.rule.value(x, number) }
    }
    #[inline(always)]
    fn slope<R: Number>(self, x: R, y: R) -> R {
        let number = R::lit(self.number);
        if self.number_is_left {
            self.rule.slope_b(number, x, y)
        } else {
            self.rule.slope_a(x, number, y)
        }
    }
    fn write(self, x: &Formula) -> Formula {
        let is_power = matches!(B::NOTATION, Notation::Infix(_, Binding::Power));
        if is_power && !self.number_is_left {
            match self.number {
                1.0 => return x.clone(),
                2.0 => return Formula::notate(B::NAME, Notation::Postfix("²"), &[x]),
                3.0 => return Formula::notate(B::NAME, Notation::Postfix("³"), &[x]),
                -1.0 => return Formula::notate(B::NAME, Notation::Prefix("1/"), &[x]),
                _ => {}
            }
        }
        let number = Formula::number(self.number);
        let operands = if self.number_is_left { [&number, x] } else { [x, &number] };
        Formula::notate(B::NAME, B::NOTATION, &operands)
    }
    fn settings(self) -> Attributes {
        let side = if self.number_is_left { "left" } else { "right" };
        vec![(side, self.number.into())]
    }
}
