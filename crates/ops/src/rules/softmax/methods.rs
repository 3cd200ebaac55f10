//! The methods of softmax and its kin.

use std::borrow::Borrow;

use super::{
    LabelCrossEntropy, LogSoftmax, OneHot, Softmax, SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy,
};
use crate::rule::Reading;

/// The methods of softmax and its kin, for every reading of tensors.
pub trait SoftmaxMethods: Reading {
    /// Softmax along `axis`.
    ///
    /// # Panics
    /// If the axis does not exist or is empty.
    #[track_caller]
    fn softmax(&self, axis: isize) -> Self {
        Self::apply(Softmax { axis }, &[self])
    }
    /// Logarithm of the softmax along `axis`, finite where `softmax(…).ln()` is not.
    ///
    /// # Panics
    /// If the axis does not exist or is empty.
    #[track_caller]
    fn log_softmax(&self, axis: isize) -> Self {
        Self::apply(LogSoftmax { axis }, &[self])
    }
    /// Cross-entropy of these logits `[…, classes]` against target probabilities of the same
    /// shape: one number a lane, `[…]`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    fn softmax_cross_entropy(&self, targets: impl Borrow<Self>) -> Self {
        Self::apply(SoftmaxCrossEntropy, &[self, targets.borrow()])
    }
    /// Cross-entropy of these logits `[…, classes]` against one class label a lane: `[…]`.
    ///
    /// # Panics
    /// If there is not one label for each lane, or a label is not a class.
    #[track_caller]
    fn sparse_softmax_cross_entropy(&self, labels: &[usize]) -> Self {
        Self::apply(SparseSoftmaxCrossEntropy { labels: labels.into() }, &[self])
    }
    /// Cross-entropy of these logits `[…, classes]` against one label a lane: `[…]`, as are the
    /// labels, a tensor of whole numbers.
    ///
    /// # Panics
    /// If the shapes do not fit, or a label is not a class.
    #[track_caller]
    fn label_cross_entropy(&self, labels: impl Borrow<Self>) -> Self {
        Self::apply(LabelCrossEntropy, &[self, labels.borrow()])
    }
    /// For each of these labels, a row of zeros with a 1 at its place: `[…, classes]`.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    /// let labels = Tensor::from([1.0, 0.0]);
    /// assert_eq!(labels.one_hot(2), Tensor::from([[0.0, 1.0], [1.0, 0.0]]));
    /// ```
    ///
    /// # Panics
    /// If a label is not a class.
    #[track_caller]
    fn one_hot(&self, classes: usize) -> Self {
        Self::apply(OneHot { classes }, &[self])
    }
}
impl<T: Reading> SoftmaxMethods for T {}
