//! Solution of linear equations.

use nalgebra::DMatrixView;

use super::shared::{for_each_matrix, rows_first, square, stack_of_two, well_conditioned};
use crate::ground::{Problem, Shape};
use crate::kernel;
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal,
};
use crate::rules::matmul::transposed;
use crate::rules::methods::{MatmulMethods, UnaryMethods};
use crate::tensor::Tensor;

/// Solution of linear equations: Y with A Y = B; B̄ = A⁻ᵀ Ȳ, Ā = −B̄ Yᵀ. A `[…, n, n]`, B and Y
/// `[…, n, k]` with the same leading axes.
#[derive(Clone, Copy, Debug)]
pub struct Solve;

impl Rule for Solve {
    fn name(&self) -> &'static str {
        "solve"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let (a, b) = (operands[0], operands[1]);
        let n = square(a)?;
        if b.len() != a.len() {
            return Err(Problem::AxisCount { operand: 2, ndim: b.len(), expected: a.len() });
        }
        if b[..b.len() - 2] != a[..a.len() - 2] {
            let mut expected = Shape::from_slice(&a[..a.len() - 1]);
            expected.push(b[b.len() - 1]);
            let of = "a stack of as many matrices as operand 1";
            return Err(Problem::OperandShape { operand: 2, expected, of });
        }
        if b[b.len() - 2] != n {
            let (axis, length) = (b.len() - 2, b[b.len() - 2]);
            return Err(Problem::AxisLength { axis, length, expected: n });
        }
        Ok(Shape::from_slice(b))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let b: Vec<f64> = kernel::ordered(operands[1]).iter().map(|x| x.to_f64()).collect();
        let [.., n, k] = *out.shape() else { unreachable!("two axes") };
        let value = for_each_matrix(operands[0], out.shape(), |number, a| {
            let b = DMatrixView::from_slice(&b[number * n * k..][..n * k], k, n).transpose();
            let solution = a.lu().solve(&b).filter(|y| y.iter().all(|v| v.is_finite()));
            let what = "the equations have no unique solution";
            solution.map(|y| rows_first(&y)).ok_or(Problem::Singular { number, what })
        })?;
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let b_bar = || T::apply(Self, &[&transposed(call.operands[0]), cotangent]);
        call.contributions([&|| b_bar().matmul(transposed(call.output)).neg(), &b_bar])
    }
    fn family(&self) -> Family<'_> {
        Family::Quotient
    }
    fn batched(&self, _: usize, operands: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        // A vector on the right would be read as a matrix.
        if operands[1].len() > 1 { Batched::repeated(*self) } else { None }
    }
}

impl Cases for Solve {
    fn examples() -> Vec<Example<Self>> {
        let b = Tensor::from([[1.0, -2.0], [0.5, 3.0], [-1.5, 0.7]]);
        vec![
            example(Self, [Tensor::from([[4.0, 7.0], [2.0, 6.0]]), Tensor::from([[1.0], [2.0]])])
                .gives([[-0.8], [0.6]]),
            example(Self, [well_conditioned(), b]),
            example(Self, [stack_of_two(), Tensor::from([[[1.0], [2.0]], [[-0.5], [0.3]]])]),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self, &[&[2, 2], &[2, 1]], "the equations have no unique solution"),
            refusal(Self, &[&[2, 2], &[3, 1]], "axis 0 has length 3, but 2 is needed"),
            refusal(Self, &[&[2, 2], &[2]], "operand 2 has 1 axis, but 2 are needed"),
        ]
    }
}
