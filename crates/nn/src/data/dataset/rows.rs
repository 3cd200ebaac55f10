//! The rows of tensors, which count samples.

use chacha20::ChaCha8Rng;
use ops::{Float, Tensor};
use rand::SeedableRng;
use rand::seq::SliceRandom;

use crate::ground::Targets;
use crate::ground::error::DataError;

/// A tensor whose elements are known to fill the shape.
pub(in crate::data) fn tensor<A: Float>(shape: &[usize], elements: Vec<A>) -> Tensor<A> {
    Tensor::from_shape_vec(shape, elements).expect("as many elements as the shape holds")
}

/// The tensor, its elements in one piece, if its first axis counts something.
pub(super) fn rows<A: Float>(
    what: &'static str,
    values: Tensor<A>,
) -> Result<Tensor<A>, DataError> {
    if values.ndim() == 0 {
        return Err(DataError::NoAxes { what });
    }
    if values.is_empty() {
        return Err(DataError::Empty { shape: values.shape().to_vec() });
    }
    // A transposed tensor is a view of the original, in the original's order.
    let in_order = values.view().is_standard_layout();
    Ok(if in_order { values } else { tensor(values.shape(), values.to_vec()) })
}

pub(in crate::data) fn check_finite<A: Float>(
    what: &'static str,
    values: &Tensor<A>,
) -> Result<(), DataError> {
    // The whole slice first: a search that may end at each element is many times slower.
    let finite = |part: &[A]| part.iter().fold(true, |all, value| all & value.is_finite());
    if values.view().as_slice().is_some_and(finite) {
        return Ok(());
    }
    let Some(position) = values.view().iter().position(|value| !value.is_finite()) else {
        return Ok(());
    };
    let mut at = unravel(position, values.shape());
    let value = values.view()[at.as_slice()].to_f64();
    Err(DataError::NotFinite { what, row: at.remove(0), at, value })
}

/// The index of the element at a position, the last axis fastest.
fn unravel(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (at, length) in index.iter_mut().zip(shape).rev() {
        *at = position % length;
        position /= length;
    }
    index
}

/// The targets of the given rows, which must exist.
pub(super) fn gather_targets<A: Float>(targets: &Targets<A>, rows: &[usize]) -> Targets<A> {
    match targets {
        Targets::Labels(labels) => Targets::Labels(rows.iter().map(|&row| labels[row]).collect()),
        Targets::Values(values) => Targets::Values(gather(values, rows)),
    }
}

pub(super) fn gather<A: Float>(values: &Tensor<A>, rows: &[usize]) -> Tensor<A> {
    let mut shape = values.shape().to_vec();
    let width: usize = shape[1..].iter().product();
    shape[0] = rows.len();
    let view = values.view();
    let elements = view.as_slice().expect("the elements of a dataset are in one piece");
    let mut gathered = Tensor::zeros(&shape);
    let mut to = gathered.view_mut();
    let to = to.as_slice_mut().expect("a new tensor is in one piece");
    for (&row, to) in rows.iter().zip(to.chunks_exact_mut(width.max(1))) {
        to.copy_from_slice(&elements[row * width..(row + 1) * width]);
    }
    gathered
}

// The generator's algorithm is fixed, so that a seed means the same order on every machine and
// with every version.
pub(in crate::data) fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order
}
