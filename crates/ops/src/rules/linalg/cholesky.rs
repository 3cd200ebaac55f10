//! Cholesky factor of a symmetric positive definite matrix.

use std::ops::Range;

use ndarray::SliceInfoElem;

use super::Inverse;
use super::shared::{for_each_matrix, rows_first};
use crate::ground::{Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, example,
    refusal,
};
use crate::rules::matmul::transposed;
use crate::rules::methods::{
    BinaryMethods, LayoutMethods, LinearMethods, MatmulMethods, UnaryMethods,
};
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

/// Rows `from` to `to` of a range of columns, of a stack of matrices.
fn block<T: Reading>(x: &T, rows: Range<usize>, columns: Range<usize>) -> T {
    let range = |range: Range<usize>| SliceInfoElem::Slice {
        start: range.start as isize,
        end: Some(range.end as isize),
        step: 1,
    };
    let all = SliceInfoElem::Slice { start: 0, end: None, step: 1 };
    let mut part = vec![all; x.shape().len() - 2];
    part.extend([range(rows), range(columns)]);
    x.slice(part)
}

impl Rule for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        Inverse.shape(operands)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let value = for_each_matrix(operands[0], out.shape(), |number, x| {
            let what = "it is not positive definite, so it has no Cholesky factor";
            let factor = x.cholesky().ok_or(Problem::Singular { number, what })?;
            Ok(rows_first(&factor.l()))
        })?;
        out.set(value)
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
    fn family(&self) -> Family<'_> {
        Family::Own
    }
    /// Column by column (Banachiewicz): lⱼⱼ = √(aⱼⱼ − Σ lⱼₖ²), lᵢⱼ = (aᵢⱼ − Σ lᵢₖ lⱼₖ)/lⱼⱼ.
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let a = operands[0];
        let n = a.length(-1);
        let mut columns: Vec<T> = Vec::with_capacity(n);
        for j in 0..n {
            let mut rest = block(a, j..n, j..j + 1);
            for column in &columns {
                let (below, here) = (block(column, j..n, 0..1), block(column, j..j + 1, 0..1));
                rest = rest.sub(below.mul(here));
            }
            let column = rest.div(block(&rest, 0..1, 0..1).sqrt());
            let mut padding = Shape::from_slice(&a.shape()[..a.shape().len() - 2]);
            padding.extend([j, 1]);
            let zeros = a.scalar(0.0).broadcast_to(&padding);
            columns.push(zeros.concat(&[column], -2));
        }
        let (first, rest) = columns.split_first()?;
        Some(first.concat(rest, -1))
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
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
