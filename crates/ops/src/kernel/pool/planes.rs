//! Pooling channel by channel: each element of the kernel passes over whole rows of windows.

use std::ops::Range;

use super::{Geometry, share_of};
use crate::kernel::geometry::{Grid, Inside};
use crate::number::Float;

/// Finds the largest element of each window of some images.
pub fn maxima<A: Float>(geometry: &Geometry, images: &[A], result: &mut [A]) {
    let pairs = images.chunks_exact(geometry.image());
    for (image, maxima) in pairs.zip(result.chunks_exact_mut(geometry.pooled())) {
        geometry.grid.maxima(image, maxima);
    }
}

/// Computes the mean of `v` over the largest elements of each window.
pub fn slope<A: Float>(geometry: &Geometry, images: &[A], v: &[A], result: &mut [A]) {
    let Geometry { grid, .. } = geometry;
    let (stride, mut shares) = (grid.slides[1].stride, Shares::new(grid));
    let images = images.chunks_exact(geometry.image()).zip(v.chunks_exact(geometry.image()));
    for ((image, v), result) in images.zip(result.chunks_exact_mut(geometry.pooled())) {
        result.fill(A::zero());
        shares.find(grid, image);
        grid.for_each_meeting(|windows, from| {
            let elements = image[from..].iter().step_by(stride);
            let v = v[from..].iter().step_by(stride);
            let results = result[windows.clone()].iter_mut().zip(shares.of(windows));
            for (((result, (maximum, share)), &x), &v) in results.zip(elements).zip(v) {
                *result += v * share_of(x, maximum, share);
            }
        });
    }
}

/// Divides `v` among the largest elements of each window of some images.
pub fn adjoint<A: Float>(geometry: &Geometry, images: &[A], v: &[A], result: &mut [A]) {
    let Geometry { grid, .. } = geometry;
    let (stride, mut shares) = (grid.slides[1].stride, Shares::new(grid));
    let images = images.chunks_exact(geometry.image()).zip(v.chunks_exact(geometry.pooled()));
    for ((image, v), result) in images.zip(result.chunks_exact_mut(geometry.image())) {
        result.fill(A::zero());
        shares.find(grid, image);
        shares.shares.iter_mut().zip(v).for_each(|(share, &v)| *share *= v);
        grid.for_each_meeting(|windows, from| {
            let elements = image[from..].iter().step_by(stride);
            let results = result[from..].iter_mut().step_by(stride);
            for (((maximum, share), &x), result) in shares.of(windows).zip(elements).zip(results) {
                *result += share_of(x, maximum, share);
            }
        });
    }
}

/// The maximum of each window of an image, and the share that each element attaining it has.
struct Shares<A> {
    maxima: Vec<A>,
    shares: Vec<A>,
}

impl<A: Float> Shares<A> {
    fn new(grid: &Grid) -> Self {
        let zeros = || vec![A::zero(); grid.windows()];
        Self { maxima: zeros(), shares: zeros() }
    }

    /// Finds the maxima and shares, 1 over the number of elements that attain the maximum.
    ///
    /// Nothing attains a maximum that is NaN; its share is NaN, so that the gradient shows it.
    fn find(&mut self, grid: &Grid, image: &[A]) {
        let Self { maxima, shares } = self;
        grid.maxima(image, maxima);
        let stride = grid.slides[1].stride;
        shares.fill(A::zero());
        grid.for_each_meeting(|windows, from| {
            let elements = image[from..].iter().step_by(stride);
            let ties = shares[windows.clone()].iter_mut().zip(&maxima[windows]);
            ties.zip(elements).for_each(|((ties, &most), &x)| *ties += x.equal(most));
        });
        for (share, &most) in shares.iter_mut().zip(&*maxima) {
            *share = if most.is_nan() { most } else { A::one() / *share };
        }
    }

    /// Maximum and share of some windows.
    #[inline]
    fn of(&self, windows: Range<usize>) -> impl Iterator<Item = (A, A)> {
        let maxima = self.maxima[windows.clone()].iter();
        maxima.zip(&self.shares[windows]).map(|(&maximum, &share)| (maximum, share))
    }
}

impl Grid {
    /// Calls `visit` with each row of windows that meets the image under an element of the kernel.
    ///
    /// Its arguments are the windows and the offset of the first window's element; the next
    /// window's lies one stride further.
    #[inline]
    fn for_each_meeting(&self, mut visit: impl FnMut(Range<usize>, usize)) {
        let windows = self.windows();
        self.for_each_row(|to, from, Inside { first, past, column }| {
            let Some(from) = from else { return };
            if first < past {
                let row = to % windows;
                visit(row + first..row + past, from + column);
            }
        });
    }

    /// Finds the largest element of each window of one image.
    fn maxima<A: Float>(&self, image: &[A], maxima: &mut [A]) {
        let stride = self.slides[1].stride;
        maxima.fill(A::NEG_INFINITY);
        self.for_each_meeting(|windows, from| {
            let elements = image[from..].iter().step_by(stride);
            maxima[windows].iter_mut().zip(elements).for_each(|(most, &x)| *most = most.maximum(x));
        });
    }
}
