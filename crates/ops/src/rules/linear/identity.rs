//! The value itself.

use crate::ground::{Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::tensor::Tensor;

/// The value itself: y = x. It gives a value a second node of its own, with respect to which
/// derivatives can be taken apart from the first.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl Rule for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        out.set(operands[0].clone())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| cotangent.clone()])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
}

impl Cases for Identity {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self, [Tensor::from([1.5, -2.0])]).gives([1.5, -2.0]),
            example(Self, samples(&[&[]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self, &[&[2], &[2]], "takes 1 operand but was given 2")]
    }
}
