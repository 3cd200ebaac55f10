//! Determinant, and the logarithm of its absolute value.

use super::shared::{for_each_matrix, square, stack_of_two, well_conditioned};
use super::{Cofactor, Inverse};
use crate::ground::{Axes, Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal,
};
use crate::rules::matmul::transposed;
use crate::rules::methods::{BinaryMethods, LinearMethods};
use crate::tensor::Tensor;

/// Determinant: y = det X, X̄ = ȳ times the cofactors of X, which is ȳ·y·X⁻ᵀ where X has an
/// inverse. A polynomial, it has a gradient at a singular matrix too.
#[derive(Clone, Copy, Debug)]
pub struct Det;

/// Logarithm of the absolute value of the determinant: y = ln |det X|, X̄ = ȳ·X⁻ᵀ.
#[derive(Clone, Copy, Debug)]
pub struct LogDet;

/// Whether the matrices have neither rows nor columns.
fn is_stack_of_empty<A: Float>(x: &Tensor<A>) -> bool {
    x.shape().last() == Some(&0)
}

fn determinant_shape(operands: &[&[usize]]) -> Result<Shape, Problem> {
    arity(1, operands)?;
    square(operands[0])?;
    Ok(Shape::from_slice(&operands[0][..operands[0].len() - 2]))
}

/// A number for each matrix, over its elements.
fn spread<T: Reading>(number: &T) -> T {
    number.expand_dims(-1).expand_dims(-1)
}

/// A number for each matrix of a stack.
fn matrix_by_matrix() -> Family<'static> {
    Family::Reduction(Axes::from([-2, -1]), false)
}

impl Rule for Det {
    fn name(&self) -> &'static str {
        "det"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        determinant_shape(operands)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        if is_stack_of_empty(operands[0]) {
            let shape = out.shape();
            return out.set(Tensor::ones(shape)); // The product of no factors.
        }
        let value = for_each_matrix(operands[0], out.shape(), |_, x| Ok(vec![x.determinant()]))?;
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| spread(cotangent).mul(T::apply(Cofactor, &[call.operands[0]]))])
    }
    fn family(&self) -> Family<'_> {
        matrix_by_matrix()
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
}

impl Rule for LogDet {
    fn name(&self) -> &'static str {
        "logdet"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        determinant_shape(operands)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        if is_stack_of_empty(operands[0]) {
            let shape = out.shape();
            return out.set(Tensor::zeros(shape));
        }
        let value = for_each_matrix(operands[0], out.shape(), |number, x| {
            let sum: f64 = x.lu().u().diagonal().iter().map(|v| v.abs().ln()).sum();
            let what = "the logarithm of its determinant is not finite";
            if sum.is_finite() { Ok(vec![sum]) } else { Err(Problem::Singular { number, what }) }
        })?;
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let inverse = T::apply(Inverse, &[call.operands[0]]);
            spread(cotangent).mul(transposed(&inverse))
        }])
    }
    fn family(&self) -> Family<'_> {
        matrix_by_matrix()
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
}

impl Cases for Det {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self, [Tensor::from([[4.0, 7.0], [2.0, 6.0]])]).gives(10.0),
            example(Self, [well_conditioned()]),
            example(Self, [stack_of_two()]),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self, &[&[2, 3]], "a square matrix is needed")]
    }
}

impl Cases for LogDet {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self, [Tensor::from([[4.0, 7.0], [2.0, 6.0]])]).gives(std::f64::consts::LN_10),
            example(Self, [well_conditioned()]),
            example(Self, [stack_of_two()]),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self, &[&[2, 2]], "the logarithm of its determinant is not finite")]
    }
}
