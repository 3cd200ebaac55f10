//! The buffer that a rule computes its value into.

use ndarray::{ArcArray, IxDyn};

use crate::ground::Problem;
use crate::kernel;
use crate::number::Float;
use crate::tensor::Tensor;

/// A buffer for a value: a tensor that is replaced, or whose memory is used again if it has the
/// value's shape and lies in memory as a new one would: sums over the value, which go by its layout, then have
/// the same bits in either. A rule computes into either with the same lines.
#[derive(Debug)]
pub struct Out<'a, A: Float> {
    shape: &'a [usize],
    tensor: &'a mut Tensor<A>,
}

impl<'a, A: Float> Out<'a, A> {
    /// A buffer for a value of `shape`, which is what the rule's [`shape`](crate::Rule::shape) gave.
    pub fn new(shape: &'a [usize], tensor: &'a mut Tensor<A>) -> Self {
        Self { shape, tensor }
    }

    /// The shape of the value.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The same buffer, to be written in two steps.
    pub fn again(&mut self) -> Out<'_, A> {
        Out { shape: self.shape, tensor: self.tensor }
    }

    /// Takes a tensor of the value's shape as the value.
    ///
    /// # Errors
    /// None: a rule ends with this.
    #[inline]
    pub fn set(self, value: Tensor<A>) -> Result<(), Problem> {
        debug_assert_eq!(value.shape(), self.shape);
        *self.tensor = value;
        Ok(())
    }

    /// Shares the elements of an array as the value.
    ///
    /// # Errors
    /// None: a rule ends with this.
    #[allow(clippy::unnecessary_wraps)] // As for `set`.
    pub(crate) fn share(self, array: ArcArray<A, IxDyn>) -> Result<(), Problem> {
        self.tensor.share_array(array);
        Ok(())
    }

    /// A tensor of the value's shape. The rule has to write every element.
    pub fn tensor(self) -> &'a mut Tensor<A> {
        if self.tensor.shape() != self.shape || self.tensor.elements().is_none() {
            *self.tensor = Tensor::unset(self.shape);
        }
        self.tensor
    }

    /// A tensor of the value's shape, with its axes in this order in memory, every element of which is to
    /// be written.
    pub(crate) fn tensor_in(self, order: &[usize]) -> &'a mut Tensor<A> {
        if self.tensor.shape() != self.shape || !kernel::is_in_order(self.tensor, order) {
            *self.tensor = kernel::unset(self.shape, order);
        }
        self.tensor
    }

    /// The elements in the order of the axes. The rule has to write every one.
    pub fn elements(self) -> &'a mut [A] {
        if self.tensor.shape() != self.shape || self.tensor.elements().is_none() {
            *self.tensor = Tensor::unset(self.shape);
        }
        self.tensor.elements_mut().expect("elements in the order of the axes")
    }
}
