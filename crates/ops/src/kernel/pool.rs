//! Loops of the maximum over windows.

use std::ops::Range;

use crate::number::Float;
use crate::rules::window::{MaxPool, MaxPoolSlope};
use crate::tensor::Tensor;

use super::{Grid, Inside, channels, ordered, threads};
use crate::ground::memory;

/// As many elements of the result make it worth a second thread's while.
const PER_THREAD: usize = 16_384;

impl Grid {
    /// Calls `visit` with each row of windows and the image elements that one place of the kernel
    /// meets there: the range of windows, and where the first window's element lies. The next
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

    /// The largest of `most` and the elements of each window of one image.
    fn most<A: Float>(&self, image: &[A], most: &mut [A]) {
        let stride = self.slides[1].stride;
        self.for_each_meeting(|windows, from| {
            let elements = image[from..].iter().step_by(stride);
            most[windows].iter_mut().zip(elements).for_each(|(most, &x)| *most = most.maximum(x));
        });
    }

    /// The share of each largest element in the maximum of its window: 1 over the number of
    /// elements that attain it. Nothing attains a maximum that is NaN; the share is NaN there, so
    /// that the gradient does not hide it.
    fn shares<A: Float>(&self, image: &[A], most: &[A], shares: &mut [A]) {
        let stride = self.slides[1].stride;
        shares.fill(A::zero());
        self.for_each_meeting(|windows, from| {
            let elements = image[from..].iter().step_by(stride);
            let ties = shares[windows.clone()].iter_mut().zip(&most[windows]);
            ties.zip(elements).for_each(|((ties, &most), &x)| *ties += x.equal(most));
        });
        for (share, &most) in shares.iter_mut().zip(most) {
            *share = if most.is_nan() { most } else { A::one() / *share };
        }
    }
}

fn grid(slides: &[crate::rules::window::Slide], image: &[usize], windows: &[usize]) -> Grid {
    Grid::new(slides, &image[2..], &windows[2..])
}

/// The largest element of each window.
pub fn max_pool<A: Float>(x: &Tensor<A>, shape: &[usize], rule: &MaxPool) -> Tensor<A> {
    if channels::are_last(x) {
        return channels::max_pool(x, shape, rule);
    }
    let grid = grid(&rule.slides, x.shape(), shape);
    let x = ordered(x);
    let mut result = memory::filled(shape.iter().product(), A::NEG_INFINITY);
    let (image, windows) = (grid.size[0] * grid.size[1], grid.windows());
    if !x.is_empty() && !result.is_empty() {
        threads::divide(&mut result, windows, PER_THREAD, |start, result| {
            let images = x[start / windows * image..].chunks_exact(image);
            let pairs = images.zip(result.chunks_exact_mut(windows));
            pairs.for_each(|(image, most)| grid.most(image, most));
        });
    }
    Tensor::from_shape_vec(shape, result).expect("one element a window")
}

/// The derivative of [`max_pool`] at x along v, or its adjoint.
pub fn max_pool_slope<A: Float>(
    x: &Tensor<A>,
    v: &Tensor<A>,
    shape: &[usize],
    rule: &MaxPoolSlope,
) -> Tensor<A> {
    if rule.adjoint && channels::are_last(x) {
        return channels::max_pool_adjoint(x, v, rule);
    }
    let grid = grid(&rule.slides, x.shape(), if rule.adjoint { v.shape() } else { shape });
    let (x, v) = (ordered(x), ordered(v));
    let mut result = memory::filled(shape.iter().product(), A::zero());
    let (size, windows) = (grid.size[0] * grid.size[1], grid.windows());
    if x.is_empty() || windows == 0 {
        return Tensor::from_shape_vec(shape, result).expect("no elements");
    }
    let (from, to) = if rule.adjoint { (windows, size) } else { (size, windows) };
    threads::divide(&mut result, to, PER_THREAD, |start, result| {
        let (mut most, mut shares) = (vec![A::zero(); windows], vec![A::zero(); windows]);
        let stride = grid.slides[1].stride;
        let first = start / to;
        let images = x[first * size..].chunks_exact(size).zip(v[first * from..].chunks_exact(from));
        let images = images.zip(result.chunks_exact_mut(to));
        for ((image, v), result) in images {
            most.fill(A::NEG_INFINITY);
            grid.most(image, &mut most);
            grid.shares(image, &most, &mut shares);
            if rule.adjoint {
                shares.iter_mut().zip(v).for_each(|(share, &v)| *share *= v);
            }
            // No element is larger than the maximum, so this is equality, and NaN of a NaN.
            let part = |x: A, most: A, share: A| if x < most { A::zero() } else { share };
            grid.for_each_meeting(|windows, from| {
                let of = most[windows.clone()].iter().zip(&shares[windows.clone()]);
                if rule.adjoint {
                    let elements = image[from..].iter().step_by(stride);
                    let results = result[from..].iter_mut().step_by(stride);
                    for (((&most, &share), &x), result) in of.zip(elements).zip(results) {
                        *result += part(x, most, share);
                    }
                } else {
                    let elements = image[from..].iter().step_by(stride);
                    let v = v[from..].iter().step_by(stride);
                    let results = result[windows].iter_mut().zip(of);
                    for (((result, (&most, &share)), &x), &v) in results.zip(elements).zip(v) {
                        *result += v * part(x, most, share);
                    }
                }
            });
        }
    });
    Tensor::from_shape_vec(shape, result).expect("as many elements as the shape holds")
}
