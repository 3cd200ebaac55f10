//! The methods of the reductions that are not linear: maximum, minimum, logsumexp, norm, standard deviation.

pub use super::deviation::Deviation;
pub use super::extreme::Extreme;
pub use super::log_sum_exp::LogSumExp;
pub use super::norm::Norm;
use crate::ground::Axes;
use crate::rule::Reading;

/// The methods of the reductions that are not linear, for every reading of tensors.
pub trait ReduceMethods: Reading {
    /// The largest element, a scalar.
    ///
    /// # Panics
    /// If there are no elements.
    #[track_caller]
    fn max(&self) -> Self {
        self.max_axes(..)
    }
    /// Maximum over `axes`, which are removed.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    #[doc(alias = "amax")]
    #[track_caller]
    fn max_axes(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Extreme { largest: true, axes: axes.into(), keepdims: false }, &[self])
    }
    /// Maximum over `axes`, which stay with length 1.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    #[track_caller]
    fn max_keepdims(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Extreme { largest: true, axes: axes.into(), keepdims: true }, &[self])
    }
    /// The smallest element, a scalar.
    ///
    /// # Panics
    /// If there are no elements.
    #[track_caller]
    fn min(&self) -> Self {
        self.min_axes(..)
    }
    /// Minimum over `axes`, which are removed.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    #[doc(alias = "amin")]
    #[track_caller]
    fn min_axes(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Extreme { largest: false, axes: axes.into(), keepdims: false }, &[self])
    }
    /// ln Σ eˣ over `axes`, which are removed, without overflow.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    #[track_caller]
    fn logsumexp(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(LogSumExp { axes: axes.into(), keepdims: false }, &[self])
    }
    /// Euclidean norm over `axes`, which are removed; its gradient at 0 is 0.
    ///
    /// # Panics
    /// If an axis does not exist.
    #[track_caller]
    fn norm(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Norm { axes: axes.into(), keepdims: false }, &[self])
    }
}
impl<T: Reading> ReduceMethods for T {}
