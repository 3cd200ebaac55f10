//! Scalar rules over whole tensors.

use crate::ground::{Attributes, Formula, Problem, Shape, broadcast};
use crate::kernel::{self, Point};
use crate::number::{Binary, Elementwise, Float, Number, Remarks, SlopeReads, Unary};
use crate::rule::{
    AtNumbers, Batched, Call, Contributions, Family, Lead, Out, Reading, Rule, Scalar, Shortcuts,
    arity,
};
use crate::tensor::Tensor;

/// An elementwise rule, lifted to tensors: broadcasting forwards, one pass over the data.
#[derive(Clone, Copy, Debug)]
pub struct Lift<E, const N: usize>(pub E);

impl<U: Unary> Lift<U, 1> {
    /// Lifts a rule of one operand.
    pub fn unary(rule: U) -> Self {
        Self(rule)
    }
}

impl<B: Binary> Lift<B, 2> {
    /// Lifts a rule of two operands.
    pub fn binary(rule: B) -> Self {
        Self(rule)
    }
}

impl<E: Elementwise<N>, const N: usize> Rule for Lift<E, N> {
    fn name(&self) -> &'static str {
        E::NAME
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(N, operands)?;
        broadcast(operands)
    }
    #[inline]
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let x: [&Tensor<A>; N] = array(operands);
        let value = kernel::map(out.shape(), x, [], Value(self.0));
        out.set(value)
    }
    #[inline]
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x: [&T; N] = array(call.operands);
        call.contributions_of(&|i| T::times_slope(self.0, i, x, call.output, cotangent))
    }
    fn family(&self) -> Family<'_> {
        Family::Elementwise
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        match T::value_of(self.0, array(operands)) {
            Scalar::Literal(_) => None, // The same number everywhere has no shape of its own.
            Scalar::Value(value) => Some(value),
        }
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::with(*self, Lead::Aligned)
    }
    fn settings(&self) -> Attributes {
        self.0.settings()
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        self.0.write(array(operands))
    }
    fn remarks(&self) -> Remarks {
        E::REMARKS
    }
    #[inline]
    fn shortcuts<A: Float>(&self) -> Option<&dyn Shortcuts<A>> {
        Some(self)
    }
}

impl<A: Float, E: Elementwise<N>, const N: usize> Shortcuts<A> for Lift<E, N> {
    #[inline]
    fn at_numbers(&self) -> Option<&dyn AtNumbers<A>> {
        Some(self)
    }
}

impl<A: Float, E: Elementwise<N>, const N: usize> AtNumbers<A> for Lift<E, N> {
    #[inline]
    fn value(&self, operands: &[A]) -> Option<A> {
        let x: [A; N] = operands.try_into().ok()?;
        Some(self.0.value(x))
    }
    #[inline]
    fn contributions(&self, operands: &[A], output: A, cotangent: A) -> Option<[Option<A>; 3]> {
        let x: [A; N] = operands.try_into().ok()?;
        let mut given = [None; 3];
        for (i, given) in given.get_mut(..N)?.iter_mut().enumerate() {
            *given = match SlopeReads::of(self.0, i).literal() {
                Some(0.0) => None,
                Some(1.0) => Some(cotangent),
                _ => Some(self.0.times_slope(i, x, output, cotangent)),
            };
        }
        Some(given)
    }
    #[inline]
    fn fill(&self, operands: &[&[A]], out: &mut [A]) {
        kernel::fill(Value(self.0), array(operands), [], out);
    }
    #[inline]
    fn fill_at(&self, numbers: &mut [A], to: usize, last: A, indices: &[u32]) -> A {
        kernel::fuse::fill_at(numbers, to, last, indices, |x| self.0.value::<A>(x))
    }
}

/// The value of a rule, element by element.
#[derive(Clone, Copy)]
struct Value<E>(E);

impl<E: Elementwise<N>, const N: usize> Point<N, 0> for Value<E> {
    #[inline(always)]
    fn at<R: Number>(self, x: [R; N], []: [R; 0]) -> R {
        self.0.value(x)
    }
}

/// The first `N` of `operands`, whose number the rule's `shape` has checked.
fn array<T: Copy, const N: usize>(operands: &[T]) -> [T; N] {
    std::array::from_fn(|i| operands[i])
}
