//! Tensors from arrays, slices and numbers.

use std::sync::Arc;

use ndarray::{ArcArray, Array, ArrayView, ArrayViewMut, Dimension};

use crate::ground::memory::{self, Buffer};
use crate::number::Float;
use crate::tensor::Tensor;
use crate::tensor::tensor::{Repr, Stored};

/// The scalar 0.
impl<A: Float> Default for Tensor<A> {
    fn default() -> Self {
        Self::scalar(A::zero())
    }
}

impl<A: Float> Tensor<A> {
    /// A tensor of `shape` from its elements, the last axis fastest.
    ///
    /// # Panics
    /// If the shape holds another number of elements.
    pub(crate) fn from_buffer(shape: &[usize], elements: Buffer<A>) -> Self {
        if let ([], [value]) = (shape, &elements[..]) {
            return Self::scalar(*value);
        }
        Self::from(elements.into_array(shape))
    }
}

impl<A: Float, D: Dimension> From<Array<A, D>> for Tensor<A> {
    fn from(array: Array<A, D>) -> Self {
        Self::from(array.into_shared())
    }
}

impl<A: Float, D: Dimension> From<ArcArray<A, D>> for Tensor<A> {
    fn from(array: ArcArray<A, D>) -> Self {
        if array.ndim() == 0 {
            return Self::scalar(*array.first().expect("an array without axes has one element"));
        }
        Self(Repr::Array(Arc::new(Stored(Some(array.into_dyn())))))
    }
}

impl<A: Float, D: Dimension> From<ArrayView<'_, A, D>> for Tensor<A> {
    fn from(view: ArrayView<'_, A, D>) -> Self {
        let mut elements = memory::take(view.len());
        let target = ArrayViewMut::from_shape(view.raw_dim(), &mut elements);
        target.expect("as many elements").assign(&view);
        Self::from_buffer(view.shape(), elements)
    }
}

impl From<f32> for Tensor<f32> {
    fn from(value: f32) -> Self {
        Self::scalar(value)
    }
}
impl From<f64> for Tensor<f64> {
    fn from(value: f64) -> Self {
        Self::scalar(value)
    }
}
impl<A: Float> From<Vec<A>> for Tensor<A> {
    fn from(elements: Vec<A>) -> Self {
        Self::from(ndarray::Array1::from(elements))
    }
}
impl<A: Float> From<&[A]> for Tensor<A> {
    fn from(elements: &[A]) -> Self {
        Self::from(elements.to_vec())
    }
}
impl<A: Float, const N: usize> From<[A; N]> for Tensor<A> {
    fn from(elements: [A; N]) -> Self {
        Self::from(elements.to_vec())
    }
}
impl<A: Float, const N: usize, const M: usize> From<[[A; M]; N]> for Tensor<A> {
    fn from(rows: [[A; M]; N]) -> Self {
        Self::from(ndarray::Array2::from(rows.to_vec()))
    }
}
impl<A: Float, const N: usize, const M: usize, const K: usize> From<[[[A; K]; M]; N]>
    for Tensor<A>
{
    fn from(blocks: [[[A; K]; M]; N]) -> Self {
        Self::from(ndarray::Array3::from(blocks.to_vec()))
    }
}
impl<A: Float> From<&Tensor<A>> for Tensor<A> {
    fn from(tensor: &Tensor<A>) -> Self {
        tensor.clone()
    }
}
