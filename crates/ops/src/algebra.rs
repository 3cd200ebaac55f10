//! The vocabulary that a rule over whole tensors may speak.

use std::fmt::Debug;

use typed_arena::Arena;

use crate::methods::{BinaryMethods, LinearMethods};
use crate::reading::AsNumber;
use crate::rule::{Elementwise, Lift, Rule};
use crate::rules::elementwise as rules;
use crate::shape::{Axes, Shape, stretched_axes};

/// A tensor in some reading: plain ([`Tensor`](crate::Tensor)), recorded (the tape's variable),
/// [dual](crate::Dual) or [formula](crate::Formula).
///
/// Only how to apply a rule differs from reading to reading; every method of
/// [`methods`](crate::methods) follows from [`apply`](Reading::apply).
pub trait Reading: Clone + Debug {
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

    /// The same value, of which nothing is differentiated.
    #[track_caller]
    fn stop_gradient(&self) -> Self;

    /// `v` times the slope of an elementwise rule with respect to one operand, or `None` if that
    /// slope is zero everywhere. Both sweeps are made of this: `v` is the cotangent of the output
    /// in reverse, the tangent of the operand forwards.
    #[track_caller]
    fn times_slope<E: Elementwise<N>, const N: usize>(
        rule: E,
        operand: usize,
        operands: [&Self; N],
        output: &Self,
        v: &Self,
    ) -> Option<Self> {
        let arena = Arena::new();
        let x = operands.map(|x| AsNumber::new(&arena, x));
        match rule.slope(operand, x, AsNumber::new(&arena, output)) {
            AsNumber::Lit(0.0) => None,
            AsNumber::Lit(1.0) => Some(v.clone()),
            AsNumber::Lit(-1.0) => Some(Self::apply(Lift::unary(rules::Neg), &[v])),
            AsNumber::Lit(slope) => Some(v.scale(slope)),
            AsNumber::Value(_, slope) => Some(v.mul(slope)),
        }
    }

    /// The sum of two contributions of one shape; the engine's way of accumulating.
    #[track_caller]
    fn accumulate(self, other: Self) -> Self {
        self.add(&other)
    }

    /// Zeros of the same shape.
    #[track_caller]
    fn zeros_like(&self) -> Self {
        self.scalar(0.0).stretch_to(&self.shape())
    }

    /// The value broadcast to `shape`, if it is not of that shape already.
    #[track_caller]
    fn stretch_to(self, shape: &[usize]) -> Self {
        if self.shape()[..] == *shape { self } else { self.broadcast_to(shape) }
    }

    // ANCHOR: sum_to
    /// The adjoint of broadcasting: sums over every axis that was added to `shape` or stretched.
    /// This is the one place where a gradient is "un-broadcast".
    #[track_caller]
    fn sum_to(self, shape: &[usize]) -> Self {
        let from = self.shape();
        if from[..] == *shape {
            return self;
        }
        let axes = stretched_axes(&from, shape);
        let summed = self.sum_axes(Axes::from(&axes[..]));
        if summed.shape()[..] == *shape { summed } else { summed.reshape(shape) }
    }
    // ANCHOR_END: sum_to
}
