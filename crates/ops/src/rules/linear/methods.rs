//! The methods of the linear rules.

use std::borrow::Borrow;

use ndarray::SliceInfoElem;
use smallvec::SmallVec;

use super::{BroadcastTo, Concat, IndexAdd, IndexSelect, Mean, Permute, Pick, Reshape, Slice, Sum};
use crate::ground::{Axes, Shape, resolve_axis, stretched_axes};
use crate::rule::{Reading, or_panic};

/// The methods of the linear rules, for every reading of tensors. Axes may be negative, as in
/// NumPy; every method panics with a sentence where its operands or axes do not fit.
pub trait LinearMethods: Reading {
    /// Zeros of the same shape.
    #[track_caller]
    fn zeros_like(&self) -> Self {
        self.scalar(0.0).stretch_to(&self.shape())
    }

    /// The value broadcast to `shape`, if it is not of that shape already.
    #[track_caller]
    fn stretch_to(self, shape: &[usize]) -> Self {
        if self.shape()[..] == *shape { self } else { self.broadcast_to(shape) }
    }

    // ANCHOR: sum_to
    /// Goes back through a broadcast: sums over every axis that was added to `shape` or stretched.
    /// This is the one place where a gradient is "un-broadcast".
    #[track_caller]
    fn sum_to(self, shape: &[usize]) -> Self {
        let from = self.shape();
        if from[..] == *shape {
            return self;
        }
        let axes = or_panic(stretched_axes(&from, shape).map_err(|p| format!("sum_to: {p}.")));
        let summed = self.sum_axes(Axes::from(&axes[..]));
        if summed.shape()[..] == *shape { summed } else { summed.reshape(shape) }
    }
    // ANCHOR_END: sum_to

    /// The sum of all elements, a scalar.
    #[track_caller]
    fn sum(&self) -> Self {
        self.sum_axes(..)
    }
    /// Sum over `axes`, which are removed.
    #[track_caller]
    fn sum_axes(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Sum { axes: axes.into(), keepdims: false }, &[self])
    }
    /// Sum over `axes`, which stay with length 1.
    #[track_caller]
    fn sum_keepdims(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Sum { axes: axes.into(), keepdims: true }, &[self])
    }
    /// The mean of all elements, a scalar.
    #[track_caller]
    fn mean(&self) -> Self {
        self.mean_axes(..)
    }
    /// Mean over `axes`, which are removed.
    #[track_caller]
    fn mean_axes(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Mean { axes: axes.into(), keepdims: false }, &[self])
    }
    /// Mean over `axes`, which stay with length 1.
    #[track_caller]
    fn mean_keepdims(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Mean { axes: axes.into(), keepdims: true }, &[self])
    }
    /// The value repeated to `shape`, by NumPy's broadcasting.
    #[doc(alias = "expand")]
    #[track_caller]
    fn broadcast_to(&self, shape: &[usize]) -> Self {
        Self::apply(BroadcastTo { shape: Shape::from_slice(shape) }, &[self])
    }
    /// The same elements in another shape, of which one length may be −1, to be inferred.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    /// let x = Tensor::from([1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(x.reshape([2, -1]), Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// ```
    #[doc(alias = "view")]
    #[track_caller]
    fn reshape(&self, shape: impl Into<NewShape>) -> Self {
        Self::apply(Reshape { shape: shape.into().0 }, &[self])
    }
    /// One more axis of length 1, before `axis` (from the end if negative: −1 is after the last).
    #[doc(alias = "unsqueeze")]
    #[doc(alias = "newaxis")]
    #[track_caller]
    fn expand_dims(&self, axis: isize) -> Self {
        let mut shape = self.shape();
        let position = resolve_axis(axis, shape.len() + 1);
        let position = or_panic(position.map_err(|problem| format!("expand_dims: {problem}.")));
        shape.insert(position, 1);
        self.reshape(&shape[..])
    }
    /// The axes in the given order.
    #[doc(alias = "transpose")]
    #[track_caller]
    fn permute(&self, axes: &[isize]) -> Self {
        Self::apply(Permute { axes: Some(SmallVec::from_slice(axes)) }, &[self])
    }
    /// The transpose: all axes in reverse order. Shares the elements, copies nothing.
    #[doc(alias = "transpose")]
    #[track_caller]
    fn t(&self) -> Self {
        Self::apply(Permute { axes: None }, &[self])
    }
    /// Part of each axis, given with ndarray's `s![]`.
    ///
    /// ```
    /// use ndarray::s;
    /// use ops::{Tensor, prelude::*};
    /// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(x.slice(s![.., 1..]), Tensor::from([[2.0, 3.0], [5.0, 6.0]]));
    /// assert_eq!(x.slice(s![0, ..;-1]), Tensor::from([3.0, 2.0, 1.0]));
    /// ```
    #[track_caller]
    fn slice(&self, part: impl AsRef<[SliceInfoElem]>) -> Self {
        Self::apply(Slice { part: part.as_ref().into() }, &[self])
    }
    /// This value and others joined end to end along `axis`.
    #[doc(alias = "cat")]
    #[doc(alias = "concatenate")]
    #[track_caller]
    fn concat<T: Borrow<Self>>(&self, others: &[T], axis: isize) -> Self {
        let operands: Vec<&Self> =
            std::iter::once(self).chain(others.iter().map(T::borrow)).collect();
        Self::apply(Concat { axis }, &operands)
    }
    /// This value and others of the same shape, along a new axis.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    /// let (a, b) = (Tensor::from([1.0, 2.0]), Tensor::from([3.0, 4.0]));
    /// assert_eq!(a.stack(&[b], 1), Tensor::from([[1.0, 3.0], [2.0, 4.0]]));
    /// ```
    #[track_caller]
    fn stack<T: Borrow<Self>>(&self, others: &[T], axis: isize) -> Self {
        // The first in front: where the axis does not exist, the panic is at the caller's line.
        let first = self.expand_dims(axis);
        let mut rest = Vec::with_capacity(others.len());
        for x in others {
            rest.push(x.borrow().expand_dims(axis));
        }
        first.concat(&rest, axis)
    }
    /// Slices along `axis` chosen by their indices (rows of a table for axis 0).
    #[doc(alias = "take")]
    #[track_caller]
    fn index_select(&self, axis: isize, indices: &[usize]) -> Self {
        Self::apply(IndexSelect { axis, indices: indices.into() }, &[self])
    }
    /// Zeros of `length` along `axis`, to which each slice is added at its index.
    #[track_caller]
    fn index_add(&self, axis: isize, indices: &[usize], length: usize) -> Self {
        Self::apply(IndexAdd { axis, indices: indices.into(), length }, &[self])
    }
    /// One element of each row, rows being the lanes of the last axis.
    #[track_caller]
    fn pick(&self, indices: &[usize]) -> Self {
        Self::apply(Pick { indices: indices.into() }, &[self])
    }
}
impl<T: Reading> LinearMethods for T {}

/// A shape asked of `reshape`: lengths, one of which may be −1.
#[derive(Clone, Debug)]
pub struct NewShape(SmallVec<[isize; 4]>);

impl<const N: usize> From<[isize; N]> for NewShape {
    fn from(shape: [isize; N]) -> Self {
        Self(SmallVec::from_slice(&shape))
    }
}
impl From<&[usize]> for NewShape {
    fn from(shape: &[usize]) -> Self {
        // A length beyond all that memory holds stays one, and is refused.
        let length = |&length: &usize| isize::try_from(length).unwrap_or(isize::MAX);
        Self(shape.iter().map(length).collect())
    }
}
impl From<&[isize]> for NewShape {
    fn from(shape: &[isize]) -> Self {
        Self(SmallVec::from_slice(shape))
    }
}
