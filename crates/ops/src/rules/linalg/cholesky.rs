//! Cholesky factor of a symmetric positive definite matrix.

use super::Inverse;
use super::shared::{for_each_matrix, rows_first};
use crate::ground::{Problem, Shape};
use crate::number::Float;
use crate::rule::{Call, Cases, Contributions, Example, Reading, Refusal, Rule, example, refusal};
use crate::rules::matmul::transposed;
use crate::rules::methods::{BinaryMethods, LayoutMethods, MatmulMethods};
use crate::tensor::Tensor;

/// Cholesky factor: the lower triangular L with L Lᵀ = X, for a symmetric positive definite X, of
/// which the lower triangle is read. With Φ halving the diagonal of the lower triangle,
/// X̄ = ½(S + Sᵀ), S = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹.
#[derive(Clone, Copy, Debug)]
pub struct Cholesky;

/// The lower triangle with its diagonal halved.
fn phi<T: Reading>(x: &T) -> T {
    x.tril(0).add(x.tril(-1)).scale(0.5)
}

/// The symmetric matrix with the lower triangle of `x`.
fn symmetric<T: Reading>(x: &T) -> T {
    x.tril(0).add(transposed(&x.tril(-1)))
}

impl Rule for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        Inverse.shape(operands)
    }
    forward_or_panic!();
    fn try_forward<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
    ) -> Result<Tensor<A>, Problem> {
        for_each_matrix(operands[0], shape, |number, x| {
            let what = "it is not positive definite, so it has no Cholesky factor";
            let factor = x.cholesky().ok_or(Problem::Singular { number, what })?;
            Ok(rows_first(&factor.l()))
        })
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let l = call.output;
        call.contributions([&|| {
            let inverse = T::apply(Inverse, &[l]);
            let inner = phi(&transposed(l).matmul(cotangent));
            let s = transposed(&inverse).matmul(inner).matmul(&inverse);
            // Only the lower triangle is read, so the upper one's share belongs to it.
            phi(&s.add(transposed(&s)))
        }])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        let l = call.output;
        let inverse = T::apply(Inverse, &[l]);
        let inner = inverse.matmul(symmetric(tangents[0]?)).matmul(transposed(&inverse));
        Some(l.matmul(phi(&inner)))
    }
}

impl Cases for Cholesky {
    fn examples() -> Vec<Example<Self>> {
        let spd = Tensor::from([[4.0, 0.6, -0.2], [0.6, 2.0, 0.5], [-0.2, 0.5, 3.0]]);
        vec![
            example(Self, [Tensor::from([[4.0, 2.0], [2.0, 10.0]])])
                .gives([[2.0, 0.0], [1.0, 3.0]]),
            example(Self, [spd]),
            example(Self, [Tensor::from([[[2.0, 0.3], [0.3, 1.0]], [[1.0, -0.4], [-0.4, 3.0]]])]),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self, &[&[2, 2]], "is not positive definite"),
            refusal(Self, &[&[2, 3]], "a square matrix is needed"),
        ]
    }
}
