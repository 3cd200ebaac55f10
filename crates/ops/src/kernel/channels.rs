//! Convolution and pooling of images whose channels lie side by side in memory: a place of an image
//! is then a vector of its channels, and loops over channels become vector instructions. Results
//! are laid out in the same way, so that one such layer hands on to the next.

use std::borrow::Cow;
use std::ops::Range;

use multiversion::multiversion;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::direct::{self, Images};
use super::map::{Order, elements_in, in_order, order_of};
use super::windows::{Grid, PER_THREAD};
use super::{ordered, simd, threads};
use crate::ground::memory;
use crate::number::Float;
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

/// A convolution that is computed straight from the images.
struct Direct {
    images: Images,
    outputs: usize,
}

impl Direct {
    /// The convolution as it is computed fastest: `None` if that is by laying windows out.
    fn of(sizes: &Sizes, part: &Part) -> Option<Self> {
        /// More outputs are left to the general product.
        const MOST_OUTPUTS: usize = 64;
        // The gradient of the input would have to multiply the zeros around that of the output.
        let Sizes { grid: Grid { slides, size, counts, .. }, channels, outputs, .. } = *sizes;
        (outputs <= MOST_OUTPUTS && !matches!(part, Part::Input(_)))
            .then(|| Self { images: Images::new(slides, size, counts, channels), outputs })
    }

    /// The part of the convolution from its two operands.
    fn part<A: Float>(&self, part: &Part, a: &[A], b: &[A], result: &mut [A]) {
        // A row of a tile is two vectors, or one where so many outputs leave the second empty.
        let long = direct::has_long_vectors();
        match (size_of::<A>(), self.outputs) {
            (4, 17..) if long => self.part_by::<A, 32>(part, a, b, result),
            (4, _) => self.part_by::<A, 16>(part, a, b, result),
            (_, 9..) if long => self.part_by::<A, 16>(part, a, b, result),
            (_, _) => self.part_by::<A, 8>(part, a, b, result),
        }
    }

    fn part_by<A: Float, const COLUMNS: usize>(
        &self,
        part: &Part,
        a: &[A],
        b: &[A],
        result: &mut [A],
    ) {
        let Self { images, outputs } = self;
        let (outputs, depth) = (*outputs, images.depth());
        if *part == Part::Weight {
            return self.weight::<A, COLUMNS>(a, b, result);
        }
        let weights = direct::in_blocks::<A, COLUMNS>(depth, outputs, |i, o| b[o * depth + i]);
        let size = images.windows() * outputs;
        let least = (PER_THREAD * size).div_ceil(size * depth);
        threads::divide(result, size, least, |start, result| {
            let mut room = images.room();
            let inputs = a[start / size * images.image()..].chunks_exact(images.image());
            for (image, result) in inputs.zip(result.chunks_exact_mut(size)) {
                let image = images.pad(image, &mut room);
                direct::products::<A, COLUMNS>(images, image, &weights, outputs, result);
            }
            memory::give(room);
        });
        memory::give(weights);
    }

    /// The gradient of the weight.
    fn weight<A: Float, const COLUMNS: usize>(&self, a: &[A], b: &[A], result: &mut [A]) {
        let Self { images, outputs } = self;
        let (image, output) = (images.image(), images.windows() * outputs);
        let (count, depth) = (a.len() / image, images.depth());
        let size = outputs.next_multiple_of(COLUMNS) * depth;
        let sums = sums_of_parts(count, size, output * depth, |range, sum| {
            let mut room = images.room();
            let inputs = a[range.start * image..range.end * image].chunks_exact(image);
            for (image, slopes) in inputs.zip(b[range.start * output..].chunks_exact(output)) {
                let image = images.pad(image, &mut room);
                direct::add_slopes::<A, COLUMNS>(images, image, slopes, *outputs, sum);
            }
            memory::give(room);
        });
        for (o, result) in result.chunks_exact_mut(depth).enumerate() {
            let block = &sums[o / COLUMNS * depth * COLUMNS..];
            for (result, sums) in result.iter_mut().zip(block.chunks_exact(COLUMNS)) {
                *result = sums[o % COLUMNS];
            }
        }
        memory::give(sums);
    }
}

/// A sum of `size` elements over images, as the sum of those over parts of the batch, whose number
/// does not depend on that of the threads. `add` adds that over a range of images, for each of
/// which it does so much `work`.
fn sums_of_parts<A: Float>(
    images: usize,
    size: usize,
    work: usize,
    add: impl Fn(Range<usize>, &mut [A]) + Sync,
) -> Vec<A> {
    let parts = (PER_THREAD / size).clamp(1, 16).min(images);
    let in_part = images.div_ceil(parts);
    let mut sums = memory::filled(parts * size, A::zero());
    let least = (PER_THREAD * size).div_ceil(in_part * work);
    threads::divide(&mut sums, size, least, |start, sums| {
        for (i, sum) in sums.chunks_exact_mut(size).enumerate() {
            let first = ((start / size + i) * in_part).min(images);
            add(first..(first + in_part).min(images), sum);
        }
    });
    let (total, others) = sums.split_at_mut(size);
    others.chunks_exact(size).for_each(|sum| simd::add(total, sum));
    sums.truncate(size);
    sums
}

/// One part of a convolution without groups from the two others: straight from the images, or with
/// windows as rows, some images at a time, and one matrix product.
pub fn conv<A: Float>(a: &Tensor<A>, b: &Tensor<A>, shape: &[usize], rule: &Conv) -> Tensor<A> {
    let (input, outputs, counts) = match rule.part {
        Part::Output => (a.shape(), shape[1], &shape[2..]),
        Part::Input(_) => (shape, a.shape()[1], &a.shape()[2..]),
        Part::Weight => (a.shape(), b.shape()[1], &b.shape()[2..]),
    };
    let sizes = Sizes::new(input, outputs, counts, rule);
    let Sizes { image, depth, windows, block, .. } = sizes;
    let (images, output) = (input[0], windows * outputs);
    let length = shape.iter().product();
    if length == 0 || images * image == 0 || windows * depth * outputs == 0 {
        return Tensor::zeros(shape);
    }
    let mut result = memory::take(length);
    let (a, b) = (channels_last(a), channels_last(b));
    let room = || memory::take(block * windows * depth);
    // How many elements of the result, of which an image has `size`, make up so much work.
    let least = |size: usize| (PER_THREAD * size).div_ceil(windows * depth * outputs);
    let direct = Direct::of(&sizes, &rule.part);
    if let Some(direct) = &direct {
        direct.part(&rule.part, &a, &b, &mut result);
    }
    match rule.part {
        _ if direct.is_some() => {}
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
                    inputs.fill(A::zero());
                    sizes.add_back(rows, inputs);
                }
                memory::give(rows);
            });
        }
        Part::Weight => {
            let sums = sums_of_parts(images, depth * outputs, output * depth, |range, sum| {
                let mut rows = room();
                let inputs = a[range.start * image..range.end * image].chunks(block * image);
                let slopes = b[range.start * output..range.end * output].chunks(block * output);
                for (inputs, slopes) in inputs.zip(slopes) {
                    let rows = matrix(sizes.lay_out(inputs, &mut rows), depth);
                    let y = matrix(slopes, sizes.outputs);
                    let mut w = matrix_mut(sum, depth);
                    general_mat_mul(A::one(), &y.t(), &rows, A::one(), &mut w);
                }
                memory::give(rows);
            });
            result.copy_from_slice(&sums);
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
    fn meet(&self, window: usize, places: &mut Vec<usize>) {
        let ([down, across], [height, width]) = (self.grid.slides, self.grid.size);
        let top = window / self.grid.counts[1] * down.stride;
        let left = window % self.grid.counts[1] * across.stride;
        places.clear();
        for ky in 0..down.kernel {
            let y = (top + ky * down.dilation).wrapping_sub(down.padding.0);
            for kx in 0..across.kernel {
                let x = (left + kx * across.dilation).wrapping_sub(across.padding.0);
                if y < height && x < width {
                    places.push((y * width + x) * self.channels);
                }
            }
        }
    }
}

/// Channels that are looked at together, in vector registers.
const LANES: usize = 16;

/// The first elements; beyond the end of all, zeros. What lies beyond the channels of a place is
/// read, but not used.
#[inline(always)]
fn lanes<A: Float>(x: &[A]) -> [A; LANES] {
    x.first_chunk().copied().unwrap_or_else(|| {
        let mut lanes = [A::zero(); LANES];
        lanes[..x.len()].copy_from_slice(x);
        lanes
    })
}

/// For each of the first elements, `f` of it and its lane.
#[inline(always)]
fn set_lanes<A: Float>(to: &mut [A], lanes: [A; LANES], f: impl Fn(A, A) -> A) {
    if let Some(to) = to.first_chunk_mut::<LANES>() {
        to.iter_mut().zip(lanes).for_each(|(to, lane)| *to = f(*to, lane));
    } else {
        to.iter_mut().zip(lanes).for_each(|(to, lane)| *to = f(*to, lane));
    }
}

/// The largest elements of some channels at the places that a window meets.
#[inline(always)]
fn most_at<A: Float>(image: &[A], places: &[usize], channel: usize) -> [A; LANES] {
    let mut most = [A::NEG_INFINITY; LANES];
    for place in places {
        let x = lanes(&image[place + channel..]);
        most.iter_mut().zip(x).for_each(|(most, x)| *most = most.maximum(x));
    }
    most
}

/// The largest elements of each window of one image.
#[multiversion(targets(
    "x86_64+avx2+fma+avx512f+avx512vl+avx512dq+avx512bw",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn find_most<A: Float>(pool: &Pool, image: &[A], result: &mut [A]) {
    let mut places = Vec::new();
    for (window, result) in result.chunks_exact_mut(pool.channels).enumerate() {
        pool.meet(window, &mut places);
        for (i, result) in result.chunks_mut(LANES).enumerate() {
            set_lanes(result, most_at(image, &places, i * LANES), |_, most| most);
        }
    }
}

/// Divides `v` among the largest elements of each window of one image.
#[multiversion(targets(
    "x86_64+avx2+fma+avx512f+avx512vl+avx512dq+avx512bw",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn share_out<A: Float>(pool: &Pool, image: &[A], v: &[A], result: &mut [A]) {
    let (channels, mut places) = (pool.channels, Vec::new());
    result.fill(A::zero());
    for (window, v) in v.chunks_exact(channels).enumerate() {
        pool.meet(window, &mut places);
        for channel in (0..channels).step_by(LANES) {
            let most = most_at(image, &places, channel);
            let mut ties = [A::zero(); LANES];
            for place in &places {
                let x = lanes(&image[place + channel..]);
                ties.iter_mut().zip(x).zip(most).for_each(|((n, x), most)| *n += x.equal(most));
            }
            // Nothing attains a maximum that is NaN; the gradient does not hide it.
            let mut shares = lanes(&v[channel..]);
            for ((share, ties), most) in shares.iter_mut().zip(ties).zip(most) {
                *share *= if most.is_nan() { most } else { A::one() / ties };
            }
            // No element is larger than the maximum, so this is equality, and NaN of a NaN.
            let count = LANES.min(channels - channel);
            for place in &places {
                let mut parts = lanes(&image[place + channel..]);
                for ((x, most), share) in parts.iter_mut().zip(most).zip(shares) {
                    *x = if *x < most { A::zero() } else { share };
                }
                let result = &mut result[place + channel..][..count];
                set_lanes(result, parts, |sum, part| sum + part);
            }
        }
    }
}

/// The largest element of each window.
pub fn max_pool<A: Float>(x: &Tensor<A>, shape: &[usize], rule: &MaxPool) -> Tensor<A> {
    let pool = Pool::new(&rule.slides, x.shape(), shape);
    let mut result = memory::take(shape.iter().product());
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
    let mut result = memory::take(x.len());
    let shape = x.shape();
    let (x, v) = (channels_last(x), channels_last(v));
    let (image, output) = (pool.image(), pool.output());
    threads::divide(&mut result, image, PER_THREAD_POOL, |start, result| {
        let images = x[start..].chunks_exact(image);
        let pairs = images.zip(v[start / image * output..].chunks_exact(output));
        for ((image, v), result) in pairs.zip(result.chunks_exact_mut(image)) {
            share_out(&pool, image, v, result);
        }
    });
    done(x);
    done(v);
    in_order(result, shape, &last(shape.len()))
}
