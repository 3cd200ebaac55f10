//! The reading that asks what a rule looks at.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::number::number::spoken_at_literals;
use crate::number::{Binary, Elementwise, Number, Unary};

/// A number that knows three things only: whether it is a literal, which of the rule's numbers went
/// into it, and how many ops.
///
/// Reading a slope with probes tells, without declaring it anywhere, that the slope of `a + b`
/// is the literal 1 (so no pass over the data is needed), and that the slope of `tanh` reads the
/// output but not the operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    literal: Option<f64>,
    reads: u32,
    ops: u32,
}

impl Probe {
    const fn unknown(bit: usize) -> Self {
        Self { literal: None, reads: 1 << bit, ops: 0 }
    }

    #[inline]
    fn fold(self, fold: impl FnOnce(f64) -> f64) -> Self {
        match self.literal {
            Some(literal) => Self::lit(fold(literal)),
            None => Self { ops: self.ops.saturating_add(1), ..self },
        }
    }

    #[inline]
    fn merge(self, other: Self, fold: impl FnOnce(f64, f64) -> f64) -> Self {
        if let (Some(a), Some(b)) = (self.literal, other.literal) {
            return Self::lit(fold(a, b));
        }
        let ops = self.ops.saturating_add(other.ops).saturating_add(1);
        Self { literal: None, reads: self.reads | other.reads, ops }
    }
}

/// What the slope of a rule with respect to one operand looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlopeReads {
    probe: Probe,
    operands: usize,
}

impl SlopeReads {
    /// Reads the slope of `rule` with respect to `operand`.
    #[inline]
    pub fn of<E: Elementwise<N>, const N: usize>(rule: E, operand: usize) -> Self {
        let operands = std::array::from_fn(Probe::unknown);
        Self { probe: rule.slope(operand, operands, Probe::unknown(N)), operands: N }
    }

    /// Counts the ops that v times the slope of `rule` is written in, one that is written once and
    /// read twice as two.
    pub fn ops_times_slope<E: Elementwise<N>, const N: usize>(rule: E, operand: usize) -> u32 {
        let (operands, y, v) =
            (std::array::from_fn(Probe::unknown), Probe::unknown(N), Probe::unknown(N + 1));
        rule.times_slope(operand, operands, y, v).ops
    }

    /// The slope as a number, if it is the same everywhere (1 for either operand of `a + b`).
    #[inline]
    pub fn literal(self) -> Option<f64> {
        self.probe.literal
    }

    /// Whether the slope reads operand number `index`.
    #[inline]
    pub fn operand(self, index: usize) -> bool {
        self.probe.reads & (1 << index) != 0
    }

    /// Whether the slope reads the output.
    #[inline]
    pub fn output(self) -> bool {
        self.operand(self.operands)
    }
}

impl Number for Probe {
    #[inline]
    fn lit(value: f64) -> Self {
        Self { literal: Some(value), reads: 0, ops: 0 }
    }
    #[inline]
    fn unary<U: Unary>(self, rule: U) -> Self {
        self.fold(|x| rule.value(x))
    }
    #[inline]
    fn binary<B: Binary>(self, rule: B, other: Self) -> Self {
        self.merge(other, |a, b| rule.value(a, b))
    }
    #[inline]
    fn select(self, then: Self, otherwise: Self) -> Self {
        match self.literal {
            Some(0.0) => return otherwise,
            Some(_) => return then,
            None => {}
        }
        let reads = self.reads | then.reads | otherwise.reads;
        let ops = [then.ops, otherwise.ops, 1].into_iter().fold(self.ops, u32::saturating_add);
        Self { literal: None, reads, ops }
    }
    spoken_at_literals!();
}

macro_rules! probe_operator {
    ($Trait:ident, $method:ident, $op:tt) => {
        impl $Trait for Probe {
            type Output = Self;
            #[inline]
            fn $method(self, other: Self) -> Self {
                self.merge(other, |a, b| a $op b)
            }
        }
    };
}
probe_operator!(Add, add, +);
probe_operator!(Sub, sub, -);
probe_operator!(Mul, mul, *);
probe_operator!(Div, div, /);

impl Neg for Probe {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        self.fold(|x| -x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::elementwise::{Add as AddRule, Mul as MulRule, Silu, Step, Tanh};

    #[test]
    fn slopes_tell_what_they_read() {
        let tanh = SlopeReads::of(Tanh, 0);
        assert!(tanh.output() && !tanh.operand(0) && tanh.literal().is_none());
        assert_eq!(SlopeReads::of(AddRule, 1).literal(), Some(1.0));
        assert_eq!(SlopeReads::of(Step, 0).literal(), Some(0.0));
        let mul = SlopeReads::of(MulRule, 0);
        assert!(mul.operand(1) && !mul.operand(0) && !mul.output());
    }

    #[test]
    fn slopes_tell_how_many_ops_they_are() {
        assert_eq!(SlopeReads::ops_times_slope(MulRule, 0), 1); // v · b
        assert_eq!(SlopeReads::ops_times_slope(Tanh, 0), 3); // v · (1 − y²)
        assert_eq!(SlopeReads::ops_times_slope(Silu, 0), 6); // v · (s + y · (1 − s)), s = σ(x)
    }
}
