//! What rules of matrices share.

use crate::ground::Problem;

/// The leading axes, rows and columns of a stack of matrices.
pub(super) fn matrix_size(shape: &[usize]) -> Result<(&[usize], [usize; 2]), Problem> {
    match shape {
        [leading @ .., rows, columns] => Ok((leading, [*rows, *columns])),
        _ => Err(Problem::TooFewAxes { operand: 1, ndim: shape.len(), least: 2 }),
    }
}
