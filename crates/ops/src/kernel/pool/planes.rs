//! Pooling channel by channel: each element of the kernel passes over whole rows of windows.

use super::{Geometry, share_of};
use crate::kernel::geometry::Grid;
use crate::kernel::simd::{for_each_in_blocks, vectorised};
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
    let mut shares = Shares::new(grid);
    let images = images.chunks_exact(geometry.image()).zip(v.chunks_exact(geometry.image()));
    for ((image, v), result) in images.zip(result.chunks_exact_mut(geometry.pooled())) {
        result.fill(A::zero());
        shares.find(grid, image);
        add_means(grid, image, v, &shares, result);
    }
}

/// Divides `v` among the largest elements of each window of some images.
pub fn adjoint<A: Float>(geometry: &Geometry, images: &[A], v: &[A], result: &mut [A]) {
    let Geometry { grid, .. } = geometry;
    let mut shares = Shares::new(grid);
    let images = images.chunks_exact(geometry.image()).zip(v.chunks_exact(geometry.pooled()));
    for ((image, v), result) in images.zip(result.chunks_exact_mut(geometry.image())) {
        result.fill(A::zero());
        shares.find(grid, image);
        shares.shares.iter_mut().zip(v).for_each(|(share, &v)| *share *= v);
        add_shares(grid, image, &shares, result);
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
        shares.fill(A::zero());
        add_ties(grid, image, maxima, shares);
        for (share, &most) in shares.iter_mut().zip(&*maxima) {
            *share = if most.is_nan() { most } else { A::one() / *share };
        }
    }
}

impl Grid {
    /// Finds the largest element of each window of one image.
    fn maxima<A: Float>(&self, image: &[A], maxima: &mut [A]) {
        maxima.fill(A::NEG_INFINITY);
        pick_maxima(self, image, maxima);
    }
}

vectorised! {
    fn pick_maxima<A: Float>(grid: &Grid, image: &[A], maxima: &mut [A]) {
        let stride = grid.slides[1].stride;
        let pick = |most: &mut A, [x]: [A; 1]| *most = most.maximum(x);
        grid.for_each_meeting(|_, windows, from| {
            let (maxima, x) = (&mut maxima[windows], &image[from..]);
            if stride == 1 {
                return for_each_in_blocks(maxima, [x], pick);
            }
            let pairs = maxima.iter_mut().zip(x.iter().step_by(stride));
            pairs.for_each(|(most, &x)| pick(most, [x]));
        });
    }
}

vectorised! {
    /// Adds 1 for each element that attains the maximum of its window.
    fn add_ties<A: Float>(grid: &Grid, image: &[A], maxima: &[A], ties: &mut [A]) {
        let stride = grid.slides[1].stride;
        let add = |ties: &mut A, [most, x]: [A; 2]| *ties += x.equal(most);
        grid.for_each_meeting(|_, windows, from| {
            let (ties, most, x) = (&mut ties[windows.clone()], &maxima[windows], &image[from..]);
            if stride == 1 {
                return for_each_in_blocks(ties, [most, x], add);
            }
            let pairs = ties.iter_mut().zip(most).zip(x.iter().step_by(stride));
            pairs.for_each(|((ties, &most), &x)| add(ties, [most, x]));
        });
    }
}

vectorised! {
    /// Adds to each window the share of `v` at the elements that attain its maximum.
    fn add_means<A: Float>(grid: &Grid, image: &[A], v: &[A], by: &Shares<A>, means: &mut [A]) {
        let stride = grid.slides[1].stride;
        let add = |mean: &mut A, [most, share, x, v]: [A; 4]| *mean += v * share_of(x, most, share);
        grid.for_each_meeting(|_, windows, from| {
            let (most, shares) = (&by.maxima[windows.clone()], &by.shares[windows.clone()]);
            let (means, x, v) = (&mut means[windows], &image[from..], &v[from..]);
            if stride == 1 {
                return for_each_in_blocks(means, [most, shares, x, v], add);
            }
            let elements = x.iter().step_by(stride).zip(v.iter().step_by(stride));
            let pairs = means.iter_mut().zip(most).zip(shares).zip(elements);
            pairs.for_each(|(((mean, &most), &share), (&x, &v))| add(mean, [most, share, x, v]));
        });
    }
}

vectorised! {
    /// Adds to each element that attains the maximum of a window its share.
    fn add_shares<A: Float>(grid: &Grid, image: &[A], by: &Shares<A>, sums: &mut [A]) {
        let stride = grid.slides[1].stride;
        let add = |sum: &mut A, [most, share, x]: [A; 3]| *sum += share_of(x, most, share);
        grid.for_each_meeting(|_, windows, from| {
            let (most, shares) = (&by.maxima[windows.clone()], &by.shares[windows]);
            let (sums, x) = (&mut sums[from..], &image[from..]);
            if stride == 1 {
                return for_each_in_blocks(&mut sums[..most.len()], [most, shares, x], add);
            }
            let elements = sums.iter_mut().step_by(stride).zip(x.iter().step_by(stride));
            let pairs = most.iter().zip(shares).zip(elements);
            pairs.for_each(|((&most, &share), (sum, &x))| add(sum, [most, share, x]));
        });
    }
}
