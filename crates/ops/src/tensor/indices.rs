//! Indices as an operand of layout rules.

use std::sync::Arc;

use crate::ground::shape::count;
use crate::ground::{Problem, Shape, resolve_axis};
use crate::tensor::TensorError;

/// Indices in the shape of a tensor, for a gather along an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indices {
    shape: Shape,
    elements: Arc<[usize]>,
}

impl Indices {
    /// Indices of `shape`, the last axis fastest.
    ///
    /// # Errors
    /// If the shape holds another number of elements.
    pub fn new(shape: &[usize], elements: Vec<usize>) -> Result<Self, TensorError> {
        let given = elements.len();
        if count(shape, size_of::<usize>()) != Ok(given) {
            return Err(TensorError::Elements { shape: shape.to_vec(), given });
        }
        Ok(Self { shape: Shape::from_slice(shape), elements: elements.into() })
    }

    /// The lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The indices, the last axis fastest.
    pub fn elements(&self) -> &[usize] {
        &self.elements
    }

    /// The same indices without an axis of length 1.
    pub(crate) fn without_axis(mut self, axis: isize) -> Result<Self, Problem> {
        let axis = resolve_axis(axis, self.shape.len())?;
        self.shape.remove(axis);
        Ok(self)
    }

    /// The same indices for each of so many rows, along an axis in front.
    pub(crate) fn repeated(&self, rows: usize) -> Self {
        let shape = std::iter::once(rows).chain(self.shape.iter().copied()).collect();
        Self { shape, elements: self.elements.repeat(rows).into() }
    }

    /// Calls `visit` with the number of each index, in the order of the axes, and with that of the
    /// element that it names in a tensor of these lengths but for `length` along `axis`.
    pub(crate) fn for_each(&self, axis: usize, length: usize, mut visit: impl FnMut(usize, usize)) {
        let inner: usize = self.shape[axis + 1..].iter().product();
        let blocks = self.elements.chunks((self.shape[axis] * inner).max(1));
        let mut number = 0;
        for (outer, block) in blocks.enumerate() {
            for row in block.chunks(inner.max(1)) {
                for (column, &index) in row.iter().enumerate() {
                    visit(number, (outer * length + index) * inner + column);
                    number += 1;
                }
            }
        }
    }
}
