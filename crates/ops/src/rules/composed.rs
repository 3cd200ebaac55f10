//! Functions composed of other rules: their gradients, to any order, are those of their parts.

use super::einsum::einsum;
use crate::ground::Axes;
use crate::rule::{Reading, or_panic};
use crate::rules::layout::{AxisMap, rows_of};
use crate::rules::methods::{
    BinaryMethods, LayoutMethods, LinearMethods, NormalizeMethods, ReduceMethods, UnaryMethods,
};
use crate::rules::normalize::Variance;
use crate::rules::reduce::Deviation;

/// The axes as sorted positions.
#[track_caller]
fn resolve<T: Reading>(x: &T, axes: &Axes) -> smallvec::SmallVec<[usize; 4]> {
    or_panic(axes.resolve(x.shape().len()))
}

/// o·from/length, rounded down, where the product may be larger than any number of the machine.
fn share(o: usize, from: usize, length: usize) -> usize {
    (o as u128 * from as u128 / length as u128) as usize
}

/// Methods composed of other rules, for every reading of tensors. Axes may be negative; every
/// method panics with a sentence where its operands or axes do not fit.
pub trait ComposedMethods: Reading {
    /// The product over `axes`, which are removed; 1 over an empty axis.
    ///
    /// Numbers are multiplied in pairs, pairs of pairs, and so on; nothing is divided, so the
    /// gradient is right where factors are 0.
    #[track_caller]
    fn prod(&self, axes: impl Into<Axes>) -> Self {
        let mut x = self.clone();
        // Loops and not closures, so that every step is recorded at the caller's line.
        for &axis in resolve(self, &axes.into()).iter().rev() {
            let axis = axis as isize;
            while x.length(axis) > 1 {
                let length = x.length(axis);
                let (half, odd) = (length / 2, length % 2);
                let parts = x.split(axis, &[half, half, odd]);
                let product = parts[0].mul(&parts[1]);
                x = if odd == 0 { product } else { product.concat(&parts[2..], axis) };
            }
            x = if x.length(axis) == 0 {
                x.sum_axes(axis).add(x.scalar(1.0))
            } else {
                x.squeeze(axis)
            };
        }
        x
    }
    /// The variance over `axes`, which are removed: Σ(x − mean)²/(n − correction). A correction
    /// of 0 gives the variance of these numbers, 1 the unbiased estimate from a sample.
    ///
    /// # Panics
    /// If an axis does not exist, or n is not above the correction.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    /// let x = Tensor::from([1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(x.var(.., 0.0), Tensor::scalar(1.25));
    /// assert_eq!(x.std(.., 1.0), Tensor::scalar((5.0_f64 / 3.0).sqrt()));
    /// ```
    #[track_caller]
    fn var(&self, axes: impl Into<Axes>, correction: f64) -> Self {
        Self::apply(Variance { axes: axes.into(), correction }, &[self])
    }
    /// The standard deviation over `axes`, the root of [`var`](ComposedMethods::var); its gradient
    /// is 0 where the numbers are equal.
    #[track_caller]
    fn std(&self, axes: impl Into<Axes>, correction: f64) -> Self {
        Self::apply(Deviation { axes: axes.into(), correction }, &[self])
    }
    /// Σ|x| over `axes`, which are removed.
    #[track_caller]
    fn norm_l1(&self, axes: impl Into<Axes>) -> Self {
        self.abs().sum_axes(axes)
    }
    /// max|x| over `axes`, which are removed.
    #[track_caller]
    fn norm_max(&self, axes: impl Into<Axes>) -> Self {
        self.abs().max_axes(axes)
    }
    /// (Σ|x|ᵖ)^(1/p) over `axes`, which are removed; its gradient at 0 is 0. The largest |x| is
    /// taken out first, so that no power of it overflows.
    ///
    /// # Panics
    /// If p is not at least 1 and finite.
    #[track_caller]
    fn norm_lp(&self, p: f64, axes: impl Into<Axes>) -> Self {
        assert!(p >= 1.0 && p.is_finite(), "norm_lp: p is {p}, but must be at least 1 and finite");
        let (axes, size) = (axes.into(), self.abs());
        let resolved = resolve(self, &axes);
        let shape = self.shape();
        if resolved.iter().any(|&axis| shape[axis] == 0) {
            return size.sum_axes(axes);
        }
        // A factor and its inverse: as constants, they change no derivative.
        let most = size.max_keepdims(axes.clone()).stop_gradient();
        let (zero, one) = (most.scalar(0.0), most.scalar(1.0));
        let usable = most.sub(&most).equal(&zero).mul(most.greater(&zero));
        let divisor = usable.select(&most, &one);
        // Of no size there is no direction: constants take the place of the elements.
        let parts = usable.select(size.div(divisor), one);
        let root = parts.powf(p).sum_keepdims(axes.clone()).powf(p.recip());
        root.mul(most).sum_axes(axes)
    }
    /// Layer normalisation over the last axis: (x − mean)/√(var + ε)·gain + shift.
    ///
    /// Ba, Kiros & Hinton, 2016. Gain and shift have the length of the last axis.
    #[track_caller]
    fn layer_norm(&self, gain: &Self, shift: &Self, epsilon: f64) -> Self {
        self.normalize(-1, epsilon).mul(gain).add(shift)
    }
    /// Root-mean-square normalisation over the last axis: x/√(mean x² + ε)·gain.
    ///
    /// Zhang & Sennrich, 2019.
    #[track_caller]
    fn rms_norm(&self, gain: &Self, epsilon: f64) -> Self {
        self.rms_normalize(-1, epsilon).mul(gain)
    }
    /// One axis to `length` by repeating the nearest element.
    #[track_caller]
    fn upsample_nearest(&self, axis: isize, length: usize) -> Self {
        let from = self.length(axis);
        let length = or_panic(rows_of("upsample_nearest", length));
        let rows = (0..length).map(|o| share(o, from, length));
        Self::apply(AxisMap::copy("upsample_nearest", axis, from, rows), &[self])
    }
    /// One axis to `length` by linear interpolation between the centres of its elements; for
    /// images, along both axes in turn (bilinear).
    ///
    /// # Panics
    /// If the axis is empty.
    #[track_caller]
    fn upsample_linear(&self, axis: isize, length: usize) -> Self {
        let from = self.length(axis);
        assert!(from > 0, "upsample_linear: an axis of length 0 cannot be interpolated");
        let length = or_panic(rows_of("upsample_linear", length));
        let rows = (0..length).map(|o| {
            // The centre of output o, in the operand's coordinates.
            let centre = ((o as f64 + 0.5) * from as f64 / length as f64 - 0.5).max(0.0);
            let left = (centre.floor() as usize).min(from - 1);
            let right = (left + 1).min(from - 1);
            let weight = centre - left as f64;
            if right == left {
                vec![(left, 1.0)]
            } else {
                vec![(left, 1.0 - weight), (right, weight)]
            }
        });
        Self::apply(AxisMap::new("upsample_linear", axis, from, rows), &[self])
    }
    /// One axis to `length` by averaging over as many nearly equal stretches (adaptive average
    /// pooling); for images, along both axes in turn.
    ///
    /// # Panics
    /// If the axis is empty.
    #[track_caller]
    fn adaptive_avg_pool(&self, axis: isize, length: usize) -> Self {
        let from = self.length(axis);
        assert!(from > 0, "adaptive_avg_pool: an axis of length 0 cannot be averaged");
        let length = or_panic(rows_of("adaptive_avg_pool", length));
        let rows = (0..length).map(|o| {
            // The end is rounded up.
            let (start, end) = (share(o, from, length), from - share(length - o - 1, from, length));
            (start..end).map(|i| (i, 1.0 / (end - start) as f64)).collect()
        });
        Self::apply(AxisMap::new("adaptive_avg_pool", axis, from, rows), &[self])
    }
    /// Einstein summation: `"ij,jk->ik"` is the matrix product. Letters name axes; a letter that
    /// is not in the result is summed over, one that an operand has twice takes the diagonal.
    /// Without `->` the result has the letters that come once, in alphabetical order.
    ///
    /// # Panics
    /// If the text does not parse (with a caret under the place), if it names another number of
    /// operands or axes, or a letter stands for two lengths.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    /// let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// let b = Tensor::from([[5.0, 6.0], [7.0, 8.0]]);
    /// assert_eq!(Tensor::einsum("ij,jk->ik", &[&a, &b]), a.matmul(&b));
    /// assert_eq!(Tensor::einsum("ii", &[&a]), Tensor::scalar(5.0));
    /// ```
    #[track_caller]
    fn einsum(text: &str, operands: &[&Self]) -> Self {
        or_panic(einsum(text, operands).map_err(|problem| format!("einsum: {problem}")))
    }
}
impl<T: Reading> ComposedMethods for T {}
