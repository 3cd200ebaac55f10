//! Convolution and pooling of images whose channels lie side by side in memory: a place of an image
//! is then a vector of its channels, and loops over channels become vector instructions. Results
//! are laid out in the same way, so that one such layer hands on to the next.

use std::borrow::Cow;

use multiversion::multiversion;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::map::{Order, elements_in, in_order, order_of};
use super::windows::{Grid, PER_THREAD};
use super::{memory, ordered, simd, threads};
use crate::float::Float;
use crate::rules::window::{Conv, MaxPool, MaxPoolSlope, Part, Slide};
use crate::tensor::Tensor;

/// The order of axes of `[batch, channels, …]` with the channels last.
fn last(ndim: usize) -> Order {
    std::iter::once(0).chain(2..ndim).chain(std::iter::once(1)).collect()
}

/// The elements of a tensor with the channels last.
fn channels_last<A: Float>(x: &Tensor<A>) -> Cow<'_, [A]> {
    elements_in(x, &last(x.ndim()))
}

/// Gives back the buffer of elements that had to be copied.
fn done<A: Float>(elements: Cow<'_, [A]>) {
    if let Cow::Owned(elements) = elements {
        memory::give(elements);
    }
}

/// The sizes of a convolution of images with their channels last.
struct Sizes {
    grid: Grid,
    channels: usize,
    outputs: usize,
    /// Elements of an image.
    image: usize,
    /// Elements that a window meets.
    depth: usize,
    /// Windows of an image.
    windows: usize,
    /// Images whose windows are laid out at a time.
    block: usize,
}

impl Sizes {
    fn new(input: &[usize], outputs: usize, counts: &[usize], rule: &Conv) -> Self {
        /// Elements of windows laid out at a time, which the second-level cache holds.
        const BLOCK: usize = 1 << 16;
        let grid = Grid::new(&rule.slides, &input[2..], counts);
        let (channels, windows) = (input[1], grid.windows());
        let depth = grid.kernel() * channels;
        let block = (BLOCK / (windows * depth).max(1)).clamp(1, input[0].max(1));
        let image = channels * grid.size[0] * grid.size[1];
        Self { grid, channels, outputs, image, depth, windows, block }
    }

    /// Calls `visit` for each row of the kernel in each window of an image: with where it begins
    /// among the windows, and, of what is inside the image, where it begins in the row of the
    /// kernel, where it begins in the image, and its length.
    #[inline]
    fn for_each_run(&self, mut visit: impl FnMut(usize, usize, usize, usize)) {
        let ([down, across], [height, width]) = (self.grid.slides, self.grid.size);
        let row = across.kernel * self.channels;
        let mut to = 0;
        for window in 0..self.windows {
            let (oy, ox) = (window / self.grid.counts[1], window % self.grid.counts[1]);
            for ky in 0..down.kernel {
                let y = (oy * down.stride + ky * down.dilation).wrapping_sub(down.padding.0);
                if y < height && across.dilation == 1 {
                    // The elements of the row lie side by side.
                    let left = ox * across.stride;
                    let before = across.padding.0.saturating_sub(left).min(across.kernel);
                    let start = (left + before).saturating_sub(across.padding.0);
                    let count = (across.kernel - before).min(width.saturating_sub(start));
                    let [before, start, count] =
                        [before, y * width + start, count].map(|n| n * self.channels);
                    if count > 0 {
                        visit(to, before, start, count);
                    }
                } else if y < height {
                    for kx in 0..across.kernel {
                        let x = (ox * across.stride + kx * across.dilation)
                            .wrapping_sub(across.padding.0);
                        if x < width {
                            let start = (y * width + x) * self.channels;
                            visit(to, kx * self.channels, start, self.channels);
                        }
                    }
                }
                to += row;
            }
        }
    }

    /// Whether the windows of an image are the image itself.
    fn is_pointwise(&self) -> bool {
        let point =
            |slide: &Slide| slide.kernel == 1 && slide.stride == 1 && slide.padding == (0, 0);
        self.grid.slides.iter().all(point)
    }

    /// Lays the windows of images out as rows.
    fn lay_out<'c, A: Float>(&self, images: &'c [A], rows: &'c mut [A]) -> &'c [A] {
        if self.is_pointwise() {
            return images;
        }
        let rows = &mut rows[..images.len() / self.image * self.windows * self.depth];
        let whole = self.grid.slides.iter().all(|slide| slide.padding == (0, 0));
        if !whole {
            rows.fill(A::zero());
        }
        let pairs = images.chunks_exact(self.image);
        for (image, rows) in pairs.zip(rows.chunks_exact_mut(self.windows * self.depth)) {
            self.for_each_run(|to, before, start, count| {
                rows[to + before..][..count].copy_from_slice(&image[start..][..count]);
            });
        }
        rows
    }

    /// Adds rows back to the images that they were laid out from.
    fn add_back<A: Float>(&self, rows: &[A], images: &mut [A]) {
        let pairs = rows.chunks_exact(self.windows * self.depth);
        for (rows, image) in pairs.zip(images.chunks_exact_mut(self.image)) {
            self.for_each_run(|from, before, start, count| {
                simd::add(&mut image[start..][..count], &rows[from + before..][..count]);
            });
        }
    }
}

fn matrix<A>(elements: &[A], columns: usize) -> ArrayView2<'_, A> {
    ArrayView2::from_shape((elements.len() / columns, columns), elements).expect("whole rows")
}

fn matrix_mut<A>(elements: &mut [A], columns: usize) -> ArrayViewMut2<'_, A> {
    let rows = elements.len() / columns;
    ArrayViewMut2::from_shape((rows, columns), elements).expect("whole rows")
}

/// One part of a convolution without groups from the two others: windows as rows, some images at a
/// time, and one matrix product.
pub fn conv<A: Float>(a: &Tensor<A>, b: &Tensor<A>, shape: &[usize], rule: &Conv) -> Tensor<A> {
    let (input, outputs, counts) = match rule.part {
        Part::Output => (a.shape(), shape[1], &shape[2..]),
        Part::Input(_) => (shape, a.shape()[1], &a.shape()[2..]),
        Part::Weight => (a.shape(), b.shape()[1], &b.shape()[2..]),
    };
    let sizes = Sizes::new(input, outputs, counts, rule);
    let Sizes { image, depth, windows, block, .. } = sizes;
    let (images, output) = (input[0], windows * outputs);
    let mut result = memory::filled(shape.iter().product(), A::zero());
    if result.is_empty() || images * image == 0 || windows * depth * outputs == 0 {
        return Tensor::from_shape_vec(shape, result).expect("as many elements as the shape holds");
    }
    let (a, b) = (channels_last(a), channels_last(b));
    let room = || memory::take(block * windows * depth);
    // How many elements of the result, of which an image has `size`, make up so much work.
    let least = |size: usize| (PER_THREAD * size).div_ceil(windows * depth * outputs);
    match rule.part {
        Part::Output => {
            let weight = matrix(&b, depth);
            threads::divide(&mut result, output, least(output), |start, result| {
                let mut rows = room();
                let inputs = a[start / output * image..].chunks(block * image);
                for (inputs, outputs) in inputs.zip(result.chunks_mut(block * output)) {
                    let inputs = &inputs[..outputs.len() / output * image];
                    let rows = matrix(sizes.lay_out(inputs, &mut rows), depth);
                    let mut y = matrix_mut(outputs, sizes.outputs);
                    general_mat_mul(A::one(), &rows, &weight.t(), A::zero(), &mut y);
                }
                memory::give(rows);
            });
        }
        Part::Input(_) => {
            let weight = matrix(&b, depth);
            threads::divide(&mut result, image, least(image), |start, result| {
                let mut rows = room();
                let outputs = a[start / image * output..].chunks(block * output);
                for (outputs, inputs) in outputs.zip(result.chunks_mut(block * image)) {
                    let outputs = &outputs[..inputs.len() / image * output];
                    let rows = &mut rows[..inputs.len() / image * windows * depth];
                    let y = matrix(outputs, sizes.outputs);
                    general_mat_mul(A::one(), &y, &weight, A::zero(), &mut matrix_mut(rows, depth));
                    sizes.add_back(rows, inputs);
                }
                memory::give(rows);
            });
        }
        Part::Weight => {
            // Sums over parts of the batch, whose number does not depend on that of the threads.
            let size = result.len();
            let parts = (PER_THREAD / size).clamp(1, 16).min(images);
            let in_part = images.div_ceil(parts);
            let mut sums = memory::filled(parts * size, A::zero());
            let least = (PER_THREAD * size).div_ceil(in_part * windows * depth * outputs);
            threads::divide(&mut sums, size, least, |start, sums| {
                let mut rows = room();
                for (i, sum) in sums.chunks_exact_mut(size).enumerate() {
                    let first = ((start / size + i) * in_part).min(images);
                    let past = (first + in_part).min(images);
                    let inputs = a[first * image..past * image].chunks(block * image);
                    let outputs = b[first * output..past * output].chunks(block * output);
                    for (inputs, outputs) in inputs.zip(outputs) {
                        let rows = matrix(sizes.lay_out(inputs, &mut rows), depth);
                        let y = matrix(outputs, sizes.outputs);
                        let mut w = matrix_mut(sum, depth);
                        general_mat_mul(A::one(), &y.t(), &rows, A::one(), &mut w);
                    }
                }
                memory::give(rows);
            });
            sums.chunks_exact(size).for_each(|sum| simd::add(&mut result, sum));
            memory::give(sums);
        }
    }
    done(a);
    done(b);
    let tensor = in_order(result, shape, &last(shape.len()));
    // A weight is stored in the order of its axes, and so is its gradient.
    if rule.part == Part::Weight {
        let elements = ordered(&tensor).into_owned();
        return Tensor::from_shape_vec(shape, elements)
            .expect("as many elements as the shape holds");
    }
    tensor
}

/// Whether a tensor lies in memory with the channels last.
pub fn are_last<A: Float>(x: &Tensor<A>) -> bool {
    x.elements().is_none() && order_of(x) == last(x.ndim())
}

/// As many elements make it worth a second thread's while.
const PER_THREAD_POOL: usize = 16_384;

/// The images of a pooling with their channels last.
struct Pool {
    grid: Grid,
    channels: usize,
}

impl Pool {
    fn new(slides: &[Slide], image: &[usize], windows: &[usize]) -> Self {
        Self { grid: Grid::new(slides, &image[2..], &windows[2..]), channels: image[1] }
    }

    fn image(&self) -> usize {
        self.grid.size[0] * self.grid.size[1] * self.channels
    }

    fn output(&self) -> usize {
        self.grid.windows() * self.channels
    }

    /// Where the places of the image lie that a window meets.
    #[inline(always)]
    fn places(&self, window: usize) -> impl Iterator<Item = usize> {
        let ([down, across], [height, width]) = (self.grid.slides, self.grid.size);
        let (oy, ox) = (window / self.grid.counts[1], window % self.grid.counts[1]);
        let channels = self.channels;
        (0..down.kernel * across.kernel).filter_map(move |k| {
            let (ky, kx) = (k / across.kernel, k % across.kernel);
            let y = (oy * down.stride + ky * down.dilation).wrapping_sub(down.padding.0);
            let x = (ox * across.stride + kx * across.dilation).wrapping_sub(across.padding.0);
            (y < height && x < width).then(|| (y * width + x) * channels)
        })
    }
}

/// The largest elements of each window of one image.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn find_most<A: Float>(pool: &Pool, image: &[A], most: &mut [A]) {
    for (window, most) in most.chunks_exact_mut(pool.channels).enumerate() {
        for (i, at) in pool.places(window).enumerate() {
            let x = &image[at..][..most.len()];
            if i == 0 {
                most.copy_from_slice(x);
                continue;
            }
            for c in 0..most.len() {
                most[c] = most[c].maximum(x[c]);
            }
        }
    }
}

/// Divides `v` among the largest elements of each window of one image.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn share_out<A: Float>(pool: &Pool, image: &[A], v: &[A], work: &mut [A], result: &mut [A]) {
    let channels = pool.channels;
    let (most, shares) = work.split_at_mut(channels);
    let shares = &mut shares[..channels];
    for (window, v) in v.chunks_exact(channels).enumerate() {
        most.fill(A::NEG_INFINITY);
        for at in pool.places(window) {
            let x = &image[at..][..channels];
            for c in 0..channels {
                most[c] = most[c].maximum(x[c]);
            }
        }
        shares.fill(A::zero());
        for at in pool.places(window) {
            let x = &image[at..][..channels];
            for c in 0..channels {
                shares[c] += x[c].equal(most[c]);
            }
        }
        // Nothing attains a maximum that is NaN; the gradient does not hide it.
        for c in 0..channels {
            shares[c] = if most[c].is_nan() { most[c] } else { A::one() / shares[c] } * v[c];
        }
        // No element is larger than the maximum, so this is equality, and NaN of a NaN.
        for at in pool.places(window) {
            let (x, result) = (&image[at..][..channels], &mut result[at..][..channels]);
            for c in 0..channels {
                result[c] += if x[c] < most[c] { A::zero() } else { shares[c] };
            }
        }
    }
}

/// The largest element of each window.
pub fn max_pool<A: Float>(x: &Tensor<A>, shape: &[usize], rule: &MaxPool) -> Tensor<A> {
    let pool = Pool::new(&rule.slides, x.shape(), shape);
    let mut result = memory::filled(shape.iter().product(), A::NEG_INFINITY);
    let x = channels_last(x);
    let (image, output) = (pool.image(), pool.output());
    threads::divide(&mut result, output, PER_THREAD_POOL, |start, result| {
        let images = x[start / output * image..].chunks_exact(image);
        for (image, most) in images.zip(result.chunks_exact_mut(output)) {
            find_most(&pool, image, most);
        }
    });
    in_order(result, shape, &last(shape.len()))
}

/// The adjoint of the derivative of [`max_pool`] at x.
pub fn max_pool_adjoint<A: Float>(x: &Tensor<A>, v: &Tensor<A>, rule: &MaxPoolSlope) -> Tensor<A> {
    let pool = Pool::new(&rule.slides, x.shape(), v.shape());
    let mut result = memory::filled(x.len(), A::zero());
    let shape = x.shape();
    let (x, v) = (channels_last(x), channels_last(v));
    let (image, output) = (pool.image(), pool.output());
    threads::divide(&mut result, image, PER_THREAD_POOL, |start, result| {
        let images = x[start..].chunks_exact(image);
        let pairs = images.zip(v[start / image * output..].chunks_exact(output));
        let mut work = vec![A::zero(); 2 * pool.channels];
        for ((image, v), result) in pairs.zip(result.chunks_exact_mut(image)) {
            share_out(&pool, image, v, &mut work, result);
        }
    });
    done(x);
    done(v);
    in_order(result, shape, &last(shape.len()))
}
