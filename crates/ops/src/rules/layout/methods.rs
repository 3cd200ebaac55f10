//! The methods that rearrange, repeat and resample along axes.

use super::axis_map::rows_of;
use super::{AxisMap, Cumsum, Diagonal, ScatterAdd, TakeAlong, Triangle};
use crate::ground::resolve_axis;
use crate::rule::{Reading, or_panic};
use crate::rules::methods::{BinaryMethods, LinearMethods};
use crate::tensor::Indices;

/// How [`LayoutMethods::pad`] fills what it adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Padding {
    /// With a number.
    Constant(f64),
    /// With the nearest element.
    Edge,
    /// With the elements mirrored at the edge, which itself is not repeated.
    Reflect,
}

/// Methods that rearrange, repeat and resample along axes, for every reading of tensors. Axes may
/// be negative; every method panics with a sentence where an axis does not exist.
pub trait LayoutMethods: Reading {
    /// The length of an axis.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    fn length(&self, axis: isize) -> usize {
        let shape = self.shape();
        shape[or_panic(resolve_axis(axis, shape.len()))]
    }
    /// The elements along an axis in reverse.
    #[track_caller]
    fn flip(&self, axis: isize) -> Self {
        let length = self.length(axis);
        Self::apply(AxisMap::copy("flip", axis, length, (0..length).rev()), &[self])
    }
    /// The elements along an axis moved on by `shift` places, those at the end to the front.
    #[track_caller]
    fn roll(&self, axis: isize, shift: isize) -> Self {
        let length = self.length(axis);
        let back = length - shift.checked_rem_euclid(length as isize).unwrap_or(0) as usize;
        let from = (0..length).map(|o| (o + back) % length);
        Self::apply(AxisMap::copy("roll", axis, length, from), &[self])
    }
    /// Each element along an axis `times` times in a row.
    #[doc(alias = "repeat_interleave")]
    #[track_caller]
    fn repeat(&self, axis: isize, times: usize) -> Self {
        let length = self.length(axis);
        let total = or_panic(rows_of("repeat", length.saturating_mul(times)));
        let from = (0..total).map(|o| o / times);
        Self::apply(AxisMap::copy("repeat", axis, length, from), &[self])
    }
    /// The whole axis `times` times over.
    #[track_caller]
    fn tile(&self, axis: isize, times: usize) -> Self {
        let length = self.length(axis);
        let total = or_panic(rows_of("tile", length.saturating_mul(times)));
        let from = (0..total).map(|o| o % length);
        Self::apply(AxisMap::copy("tile", axis, length, from), &[self])
    }
    /// `before` and `after` more elements at the ends of an axis.
    ///
    /// # Panics
    /// If an empty axis is padded with its edge, or an axis is reflected by its length or more.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*, rules::Padding};
    /// let x = Tensor::from([1.0, 2.0, 3.0]);
    /// assert_eq!(x.pad(0, 1, 2, Padding::Constant(9.0)), Tensor::from([9.0, 1.0, 2.0, 3.0, 9.0, 9.0]));
    /// assert_eq!(x.pad(0, 1, 1, Padding::Edge), Tensor::from([1.0, 1.0, 2.0, 3.0, 3.0]));
    /// assert_eq!(x.pad(0, 2, 1, Padding::Reflect), Tensor::from([3.0, 2.0, 1.0, 2.0, 3.0, 2.0]));
    /// ```
    #[track_caller]
    fn pad(&self, axis: isize, before: usize, after: usize, padding: Padding) -> Self {
        let length = self.length(axis);
        let total = length.saturating_add(before).saturating_add(after);
        let total = or_panic(rows_of("pad", total));
        let inside = |o: usize| (before..before + length).contains(&o).then(|| o - before);
        match padding {
            Padding::Constant(value) => {
                let rows: Vec<_> =
                    (0..total).map(|o| inside(o).map_or(vec![], |i| vec![(i, 1.0)])).collect();
                let map = AxisMap::new("pad", axis, length, rows);
                let zeros = Self::apply(map.clone(), &[self]);
                if value == 0.0 {
                    return zeros;
                }
                // The number where nothing was, chosen and not added: it may be infinite.
                let ones = self.scalar(1.0).broadcast_to(&self.shape());
                Self::apply(map, &[&ones]).select(zeros, self.scalar(value))
            }
            Padding::Edge => {
                assert!(length > 0, "pad: an axis of length 0 has no edge to repeat");
                let from = (0..total).map(|o| o.saturating_sub(before).min(length - 1));
                Self::apply(AxisMap::copy("pad_edge", axis, length, from), &[self])
            }
            Padding::Reflect => {
                let most = before.max(after);
                assert!(
                    most < length,
                    "pad: an axis of length {length} can be reflected by {} at most, not by {most}",
                    length.saturating_sub(1)
                );
                let from = (0..total).map(|o| {
                    let i = (o as isize - before as isize).unsigned_abs();
                    if i < length { i } else { 2 * (length - 1) - i }
                });
                Self::apply(AxisMap::copy("pad_reflect", axis, length, from), &[self])
            }
        }
    }
    /// Cumulative sum along an axis.
    #[track_caller]
    fn cumsum(&self, axis: isize) -> Self {
        Self::apply(Cumsum { axis, reverse: false }, &[self])
    }
    /// NumPy's `take_along_axis`: one element for each index, along `axis`.
    #[doc(alias = "gather")]
    #[track_caller]
    fn take_along_axis(&self, axis: isize, indices: &Indices) -> Self {
        Self::apply(TakeAlong { axis, indices: indices.clone() }, &[self])
    }
    /// Zeros of `length` along `axis`, to which each element is added at its index.
    #[track_caller]
    fn scatter_add(&self, axis: isize, indices: &Indices, length: usize) -> Self {
        Self::apply(ScatterAdd { axis, indices: indices.clone(), length }, &[self])
    }
    /// The diagonal of the last two axes, `offset` above the main one.
    #[doc(alias = "diag")]
    #[track_caller]
    fn diagonal(&self, offset: isize) -> Self {
        Self::apply(Diagonal { offset }, &[self])
    }
    /// The upper triangle of the last two axes, from `offset` above the main diagonal.
    #[track_caller]
    fn triu(&self, offset: isize) -> Self {
        Self::apply(Triangle { upper: true, offset }, &[self])
    }
    /// The lower triangle of the last two axes, to `offset` above the main diagonal.
    #[track_caller]
    fn tril(&self, offset: isize) -> Self {
        Self::apply(Triangle { upper: false, offset }, &[self])
    }
    /// Parts of the given lengths along an axis.
    ///
    /// # Panics
    /// If the lengths do not sum to that of the axis.
    #[track_caller]
    fn split(&self, axis: isize, lengths: &[usize]) -> Vec<Self> {
        let length = self.length(axis);
        let sum = lengths.iter().fold(0, |sum: usize, &length| sum.saturating_add(length));
        assert!(
            length == sum,
            "split: parts of {lengths:?} sum to {sum}, but axis {axis} has length {length}"
        );
        let ndim = self.shape().len();
        let resolved = resolve_axis(axis, ndim).expect("an axis that exists");
        let mut start = 0;
        let mut parts = Vec::with_capacity(lengths.len());
        // A loop and not a closure, so that the parts are recorded at the caller's line.
        for &length in lengths {
            let all = ndarray::SliceInfoElem::Slice { start: 0, end: None, step: 1 };
            let mut part = vec![all; ndim];
            let end = Some(start + length as isize);
            part[resolved] = ndarray::SliceInfoElem::Slice { start, end, step: 1 };
            start += length as isize;
            parts.push(self.slice(part));
        }
        parts
    }
    /// Without an axis of length 1.
    ///
    /// # Panics
    /// If the axis has another length.
    #[track_caller]
    fn squeeze(&self, axis: isize) -> Self {
        let length = self.length(axis);
        assert!(length == 1, "squeeze: axis {axis} has length {length}, but only 1 can be removed");
        self.sum_axes(axis)
    }
    /// Every number of `self` times every number of `other`: shapes are put one after the other.
    #[track_caller]
    fn outer(&self, other: &Self) -> Self {
        let mut shape = self.shape();
        shape.extend(other.shape().iter().map(|_| 1));
        self.reshape(&shape[..]).mul(other)
    }
}
impl<T: Reading> LayoutMethods for T {}
