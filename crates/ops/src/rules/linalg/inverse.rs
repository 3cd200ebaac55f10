//! Inverse of a matrix.

use super::shared::{for_each_matrix, rows_first, square, stack_of_two, well_conditioned};
use crate::ground::{Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal,
};
use crate::rules::matmul::transposed;
use crate::rules::methods::{MatmulMethods, UnaryMethods};
use crate::tensor::Tensor;

/// Inverse of a matrix: Y = X⁻¹, X̄ = −Yᵀ Ȳ Yᵀ.
#[derive(Clone, Copy, Debug)]
pub struct Inverse;

impl Rule for Inverse {
    fn name(&self) -> &'static str {
        "inverse"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        square(operands[0])?;
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let value = for_each_matrix(operands[0], out.shape(), |number, x| {
            let inverse = x.try_inverse().filter(|y| y.iter().all(|v| v.is_finite()));
            let what = "it has no inverse";
            inverse.map(|y| rows_first(&y)).ok_or(Problem::Singular { number, what })
        })?;
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let y = transposed(call.output);
        call.contributions([&|| y.matmul(cotangent).matmul(&y).neg()])
    }
    fn family(&self) -> Family<'_> {
        Family::MatrixFunction
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
}

impl Cases for Inverse {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self, [Tensor::from([[4.0, 7.0], [2.0, 6.0]])])
                .gives([[0.6, -0.7], [-0.2, 0.4]]),
            example(Self, [well_conditioned()]),
            example(Self, [stack_of_two()]),
            example(Self, [Tensor::from([[0.5]])]).gives([[2.0]]),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self, &[&[2, 3]], "lengths 2 and 3, but a square matrix is needed"),
            refusal(Self, &[&[3]], "has 1 axis but at least 2 are needed"),
            refusal(
                Self,
                &[&[2, 2]],
                "matrix 0 of the stack (from 0) is singular: it has no inverse",
            ),
        ]
    }
}
