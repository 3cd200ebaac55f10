//! The values that a rule over whole tensors is read with.

use std::fmt::Debug;

use crate::ground::Shape;
use crate::number::Elementwise;
use crate::rule::Rule;

/// A tensor in some reading: plain ([`Tensor`](crate::Tensor)), recorded (the tape's variable),
/// [dual](crate::Dual), [formula](crate::Formula) or [term](crate::describe::Term).
///
/// Only these few methods differ from reading to reading; every method of
/// [`methods`](crate::methods) follows from [`apply`](Reading::apply).
pub trait Reading: ReadScalar + Clone + Debug {
    /// The lengths of the axes.
    fn shape(&self) -> Shape;

    /// The result of a rule.
    ///
    /// # Panics
    /// If the rule refuses the operands, in a sentence with the shapes.
    #[track_caller]
    fn apply<R: Rule>(rule: R, operands: &[&Self]) -> Self;

    /// A scalar constant in the same context (the same tape) as `self`.
    #[track_caller]
    fn scalar(&self, value: f64) -> Self;

    /// The same value as a constant, through which no gradient flows.
    #[track_caller]
    fn stop_gradient(&self) -> Self;

    /// Adds another value of the same shape; the engine's way of accumulating contributions.
    #[track_caller]
    fn accumulate(&mut self, other: Self);

    /// `v` times the slope of an elementwise rule with respect to one operand, or `None` if that
    /// slope is zero everywhere. Both sweeps are made of this: `v` is the cotangent of the output
    /// in reverse, the tangent of the operand forwards.
    ///
    /// A reading that has no quicker way calls [`times_slope`](crate::times_slope).
    #[track_caller]
    fn times_slope<E: Elementwise<N>, const N: usize>(
        rule: E,
        operand: usize,
        operands: [&Self; N],
        output: &Self,
        v: &Self,
    ) -> Option<Self>;
}

/// What a scalar rule gives when it is read with whole values.
#[derive(Clone, Debug)]
pub enum Scalar<T> {
    /// The same number for every element.
    Literal(f64),
    /// A value.
    Value(T),
}

/// Reads scalar rules with whole values for numbers. Every [`Reading`] can.
pub trait ReadScalar: Sized {
    /// The value of a rule, computed with the rules that it is written in.
    #[track_caller]
    fn value_of<E: Elementwise<N>, const N: usize>(rule: E, operands: [&Self; N]) -> Scalar<Self>;

    /// The slope of a rule with respect to one operand.
    #[track_caller]
    fn slope_of<E: Elementwise<N>, const N: usize>(
        rule: E,
        operand: usize,
        operands: [&Self; N],
        output: &Self,
    ) -> Scalar<Self>;
}
