//! Linear algebra for small systems: inverse, solution, determinant, Cholesky factor, of a matrix
//! or a stack of matrices. Factorisations are nalgebra's, done in `f64`.
//!
//! Source of the gradients: Giles, *Collected matrix derivative results for forward and reverse
//! mode algorithmic differentiation*, 2008; for the Cholesky factor, Murray, *Differentiation of
//! the Cholesky decomposition*, 2016, equation 10.

use std::borrow::Borrow;

use nalgebra::{DMatrix, DMatrixView};

use crate::ground::{Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Call, Cases, Contributions, Example, Reading, Refusal, Rule, arity, example, refusal,
};
use crate::rules::matmul::transposed;
use crate::rules::methods::{
    BinaryMethods, LayoutMethods, LinearMethods, MatmulMethods, UnaryMethods,
};
use crate::tensor::Tensor;

/// The number of rows of a stack of square matrices.
fn square(shape: &[usize]) -> Result<usize, Problem> {
    match *shape {
        [.., rows, columns] if rows == columns => Ok(rows),
        [.., rows, columns] => Err(Problem::Square { rows, columns }),
        _ => Err(Problem::TooFewAxes { operand: 1, ndim: shape.len(), least: 2 }),
    }
}

/// Runs `f` on each matrix of a stack and joins what it gives.
fn for_each_matrix<A: Float>(
    x: &Tensor<A>,
    shape: &[usize],
    mut f: impl FnMut(usize, DMatrix<f64>) -> Result<Vec<f64>, Problem>,
) -> Result<Tensor<A>, Problem> {
    let n = square(x.shape())?;
    let elements: Vec<f64> = x.view().iter().map(|v| v.to_f64()).collect();
    let mut result = Vec::with_capacity(shape.iter().product());
    for (number, matrix) in elements.chunks_exact((n * n).max(1)).enumerate() {
        let matrix = DMatrixView::from_slice(matrix, n, n).transpose(); // rows come first here
        result.extend(f(number, matrix)?.into_iter().map(A::from_f64));
    }
    Ok(Tensor::from_shape_vec(shape, result).expect("as many elements as the shape holds"))
}

/// The elements of a matrix, rows first.
fn rows_first(matrix: &DMatrix<f64>) -> Vec<f64> {
    matrix.transpose().as_slice().to_vec()
}

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
    forward_or_panic!();
    fn try_forward<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
    ) -> Result<Tensor<A>, Problem> {
        for_each_matrix(operands[0], shape, |number, x| {
            let inverse = x.try_inverse().filter(|y| y.iter().all(|v| v.is_finite()));
            let what = "it has no inverse";
            inverse.map(|y| rows_first(&y)).ok_or(Problem::Singular { number, what })
        })
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let y = transposed(call.output);
        call.contributions([&|| y.matmul(cotangent).matmul(&y).neg()])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        Some(call.output.matmul(tangents[0]?).matmul(call.output).neg())
    }
}

/// A matrix that is far from singular, and not symmetric.
fn well_conditioned() -> Tensor<f64> {
    Tensor::from([[2.0, -0.5, 0.3], [0.4, 1.5, -0.7], [-0.2, 0.6, 1.8]])
}

fn stack_of_two() -> Tensor<f64> {
    Tensor::from([[[2.0, 0.5], [-0.3, 1.0]], [[1.0, -0.4], [0.7, 3.0]]])
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
            refusal(Self, &[&[3]], "has 1 axes but at least 2 are needed"),
            refusal(
                Self,
                &[&[2, 2]],
                "matrix 0 of the stack (from 0) is singular: it has no inverse",
            ),
        ]
    }
}

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
        let fits = b.len() == a.len() && b[..b.len() - 2] == a[..a.len() - 2];
        if !fits {
            return Err(Problem::AxisCount { operand: 2, ndim: b.len(), expected: a.len() });
        }
        if b[b.len() - 2] != n {
            let (axis, length) = (b.len() - 2, b[b.len() - 2]);
            return Err(Problem::AxisLength { axis, length, expected: n });
        }
        Ok(Shape::from_slice(b))
    }
    forward_or_panic!();
    fn try_forward<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
    ) -> Result<Tensor<A>, Problem> {
        let b: Vec<f64> = operands[1].view().iter().map(|v| v.to_f64()).collect();
        let [.., n, k] = *shape else { unreachable!("two axes") };
        for_each_matrix(operands[0], shape, |number, a| {
            let b = DMatrixView::from_slice(&b[number * n * k..][..n * k], k, n).transpose();
            let solution = a.lu().solve(&b).filter(|y| y.iter().all(|v| v.is_finite()));
            let what = "the equations have no unique solution";
            solution.map(|y| rows_first(&y)).ok_or(Problem::Singular { number, what })
        })
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let b_bar = || T::apply(Self, &[&transposed(call.operands[0]), cotangent]);
        call.contributions([&|| b_bar().matmul(transposed(call.output)).neg(), &b_bar])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        let from_a = tangents[0].map(|a_dot| a_dot.matmul(call.output).neg());
        let right = match (from_a, tangents[1]) {
            (Some(a), Some(b)) => a.add(b),
            (Some(a), None) => a,
            (None, b) => b?.clone(),
        };
        Some(T::apply(Self, &[call.operands[0], &right]))
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
            refusal(Self, &[&[2, 2], &[2]], "operand 2 has 1 axes, but 2 are needed"),
        ]
    }
}

/// Determinant: y = det X, X̄ = ȳ·y·X⁻ᵀ. The value of a singular matrix is 0; its gradient is
/// refused, since it is not given by the inverse.
#[derive(Clone, Copy, Debug)]
pub struct Det;

/// Logarithm of the absolute value of the determinant: y = ln |det X|, X̄ = ȳ·X⁻ᵀ.
#[derive(Clone, Copy, Debug)]
pub struct LogDet;

fn determinant_shape(operands: &[&[usize]]) -> Result<Shape, Problem> {
    arity(1, operands)?;
    square(operands[0])?;
    Ok(Shape::from_slice(&operands[0][..operands[0].len() - 2]))
}

/// A number for each matrix, over its elements.
fn spread<T: Reading>(number: &T) -> T {
    number.expand_dims(-1).expand_dims(-1)
}

impl Rule for Det {
    fn name(&self) -> &'static str {
        "det"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        determinant_shape(operands)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        for_each_matrix(operands[0], shape, |_, x| Ok(vec![x.determinant()]))
            .expect("every square matrix has a determinant")
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let inverse = T::apply(Inverse, &[call.operands[0]]);
            spread(&cotangent.mul(call.output)).mul(transposed(&inverse))
        }])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        Some(call.output.mul(trace_of_solution(call.operands[0], tangents[0]?)))
    }
}

impl Rule for LogDet {
    fn name(&self) -> &'static str {
        "logdet"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        determinant_shape(operands)
    }
    forward_or_panic!();
    fn try_forward<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
    ) -> Result<Tensor<A>, Problem> {
        for_each_matrix(operands[0], shape, |number, x| {
            let sum: f64 = x.lu().u().diagonal().iter().map(|v| v.abs().ln()).sum();
            let what = "the logarithm of its determinant is not finite";
            if sum.is_finite() { Ok(vec![sum]) } else { Err(Problem::Singular { number, what }) }
        })
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let inverse = T::apply(Inverse, &[call.operands[0]]);
            spread(cotangent).mul(transposed(&inverse))
        }])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        Some(trace_of_solution(call.operands[0], tangents[0]?))
    }
}

/// tr(X⁻¹ Ẋ).
fn trace_of_solution<T: Reading>(x: &T, tangent: &T) -> T {
    T::apply(Solve, &[x, tangent]).diagonal(0).sum_axes(-1)
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

/// The methods of linear algebra, for every algebra of tensors: on matrices, or stacks of them.
pub trait LinalgMethods: Reading {
    /// The inverse of a square matrix.
    ///
    /// # Panics
    /// If the matrix is not square or is singular.
    #[track_caller]
    fn inverse(&self) -> Self {
        Self::apply(Inverse, &[self])
    }
    /// The Y of `self` Y = B, B `[…, n, k]`.
    ///
    /// # Panics
    /// If the shapes do not fit or the matrix is singular.
    #[track_caller]
    fn solve(&self, right: impl Borrow<Self>) -> Self {
        Self::apply(Solve, &[self, right.borrow()])
    }
    /// The determinant.
    ///
    /// # Panics
    /// If the matrix is not square.
    #[track_caller]
    fn det(&self) -> Self {
        Self::apply(Det, &[self])
    }
    /// The logarithm of the absolute value of the determinant.
    ///
    /// # Panics
    /// If the matrix is not square or is singular.
    #[track_caller]
    fn logdet(&self) -> Self {
        Self::apply(LogDet, &[self])
    }
    /// The lower triangular Cholesky factor of a symmetric positive definite matrix, of which the
    /// lower triangle is read.
    ///
    /// # Panics
    /// If the matrix is not square or not positive definite.
    #[track_caller]
    fn cholesky(&self) -> Self {
        Self::apply(Cholesky, &[self])
    }
}
impl<T: Reading> LinalgMethods for T {}
