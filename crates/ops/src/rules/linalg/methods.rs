//! The methods of linear algebra.

use std::borrow::Borrow;

use super::{Cholesky, Det, Inverse, LogDet, Solve};
use crate::rule::Reading;

/// The methods of linear algebra, for every reading of tensors: on matrices, or stacks of them.
pub trait LinalgMethods: Reading {
    /// The inverse of a square matrix.
    ///
    /// # Panics
    /// If the matrix is not square or is singular.
    #[doc(alias = "inv")]
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
    #[doc(alias = "slogdet")]
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
