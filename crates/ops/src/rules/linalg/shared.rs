//! What the rules of square matrices share, and the matrices of their cases.

use nalgebra::{DMatrix, DMatrixView};

use crate::ground::Problem;
use crate::kernel;
use crate::number::Float;
use crate::tensor::Tensor;

/// The number of rows of a stack of square matrices.
pub(super) fn square(shape: &[usize]) -> Result<usize, Problem> {
    match *shape {
        [.., rows, columns] if rows == columns => Ok(rows),
        [.., rows, columns] => Err(Problem::Square { rows, columns }),
        _ => Err(Problem::TooFewAxes { operand: 1, ndim: shape.len(), least: 2 }),
    }
}

/// Runs `f` on each matrix of a stack and joins what it gives.
pub(super) fn for_each_matrix<A: Float>(
    x: &Tensor<A>,
    shape: &[usize],
    mut f: impl FnMut(usize, DMatrix<f64>) -> Result<Vec<f64>, Problem>,
) -> Result<Tensor<A>, Problem> {
    let n = square(x.shape())?;
    let elements: Vec<f64> = kernel::ordered(x).iter().map(|x| x.to_f64()).collect();
    let mut result = Vec::with_capacity(shape.iter().product());
    for (number, matrix) in elements.chunks_exact((n * n).max(1)).enumerate() {
        let matrix = DMatrixView::from_slice(matrix, n, n).transpose(); // rows come first here
        result.extend(f(number, matrix)?.into_iter().map(A::from_f64));
    }
    Ok(Tensor::from_shape_vec(shape, result).expect("as many elements as the shape holds"))
}

/// The elements of a matrix, rows first.
pub(super) fn rows_first(matrix: &DMatrix<f64>) -> Vec<f64> {
    matrix.transpose().as_slice().to_vec()
}

/// A matrix that is far from singular, and not symmetric.
pub(super) fn well_conditioned() -> Tensor<f64> {
    Tensor::from([[2.0, -0.5, 0.3], [0.4, 1.5, -0.7], [-0.2, 0.6, 1.8]])
}

pub(super) fn stack_of_two() -> Tensor<f64> {
    Tensor::from([[[2.0, 0.5], [-0.3, 1.0]], [[1.0, -0.4], [0.7, 3.0]]])
}
