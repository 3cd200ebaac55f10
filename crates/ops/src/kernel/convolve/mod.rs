//! Convolution: output, gradient of the input, gradient of the weight, each from the two others.

mod planes;
mod rows;
mod shifted;
mod straight;
mod taps;
mod tile;

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::geometry::{Grid, Part, Slide};
use super::layout::{channels_last, elements_in, in_order, ordered};
use super::{simd, threads};
use crate::ground::memory::{self, Buffer};
use crate::number::Float;
use crate::tensor::Tensor;

/// The fewest multiply-adds worth a thread of their own.
const PER_THREAD: usize = 1 << 20;

/// The most pairs of a channel and an output of a group that [`taps`] computes faster than a product
/// does.
const FEW_PAIRS: usize = 4;

/// The most outputs that [`straight`] computes faster than one large product does.
const FEW_OUTPUTS: usize = 64;

/// The sizes of a convolution, and how its windows slide.
struct Geometry {
    grid: Grid,
    groups: usize,
    /// Images of a batch.
    images: usize,
    /// Channels of an image.
    channels: usize,
    /// Channels of its output.
    outputs: usize,
}

impl Geometry {
    fn new(input: &[usize], output: &[usize], slides: &[Slide], groups: usize) -> Self {
        let grid = Grid::new(slides, &input[2..], &output[2..]);
        Self { grid, groups, images: input[0], channels: input[1], outputs: output[1] }
    }

    /// Elements of an image.
    fn image(&self) -> usize {
        self.channels * self.grid.area()
    }

    /// Elements of an image's output.
    fn output(&self) -> usize {
        self.outputs * self.windows()
    }

    /// Windows of an image.
    fn windows(&self) -> usize {
        self.grid.windows()
    }

    /// Elements that a window meets: the channels of a group times the elements of the kernel.
    fn depth(&self) -> usize {
        self.channels / self.groups * self.grid.kernel()
    }

    /// Elements of the weight.
    fn weight(&self) -> usize {
        self.outputs * self.depth()
    }

    /// Multiply-adds of an image.
    fn mult_adds(&self) -> usize {
        self.weight() * self.windows()
    }

    /// Computes `result`, `size` elements an image, with images divided among threads.
    ///
    /// `work` gets some images of the result and the number of the first.
    fn by_image<A: Float>(
        &self,
        result: &mut [A],
        size: usize,
        work: impl Fn(usize, &mut [A]) + Sync,
    ) {
        let least = (PER_THREAD * size).div_ceil(self.mult_adds());
        threads::divide(result, size, least, |start, result| work(start / size, result));
    }

    /// Sums `size` elements over all images; `add` adds a range of images to such a sum.
    ///
    /// The batch is cut into pieces whose number does not depend on that of the threads, so that
    /// the result does not either.
    fn sum_over_images<A: Float>(
        &self,
        size: usize,
        add: impl Fn(Range<usize>, &mut [A]) + Sync,
    ) -> Buffer<A> {
        let (pieces, length) = pieces(self.images, size);
        let mut sums = memory::filled(pieces * size, A::zero());
        let least = (PER_THREAD * size).div_ceil(length * self.mult_adds());
        threads::divide(&mut sums, size, least, |start, sums| {
            for (i, sum) in sums.chunks_exact_mut(size).enumerate() {
                let first = (start / size + i) * length;
                add(first..(first + length).min(self.images), sum);
            }
        });
        let (total, others) = sums.split_at_mut(size);
        others.chunks_exact(size).for_each(|sum| simd::add(total, sum));
        sums.truncate(size);
        sums
    }
}

/// The number of pieces into which a sum of `size` elements over images is cut, and the most images of
/// one. None is without images, as a thread may be given those alone.
fn pieces(images: usize, size: usize) -> (usize, usize) {
    let length = images.div_ceil((PER_THREAD / size).clamp(1, 16).min(images));
    (images.div_ceil(length), length)
}

/// An algorithm of convolution; `kernel/README.md` says what each is for and where it was measured.
#[derive(Clone, Copy, PartialEq)]
enum Algorithm {
    /// Channel by channel, windows as columns: [`planes`].
    Planes,
    /// Channel by channel, each element of the kernel over rows of windows: [`taps`].
    Taps,
    /// Channels last, windows as rows of one product: [`rows`].
    Rows,
    /// Channels last, straight from the images: [`straight`].
    Straight,
}

impl Algorithm {
    /// The fastest algorithm for a part of a convolution.
    fn of(geometry: &Geometry, part: &Part) -> Self {
        // The gradient of the input would multiply the zeros around that of the output.
        let straight = geometry.outputs <= FEW_OUTPUTS
            && !matches!(part, Part::Input(_))
            && !geometry.grid.is_pointwise();
        let (channels, outputs) =
            (geometry.channels / geometry.groups, geometry.outputs / geometry.groups);
        match geometry.groups {
            _ if channels * outputs <= FEW_PAIRS && geometry.groups > 1 => Self::Taps,
            _ if !geometry.grid.is_flat() => Self::Planes,
            1 if straight => Self::Straight,
            1 => Self::Rows,
            _ => Self::Planes,
        }
    }

    /// Computes a part, of `length` elements, from the two others.
    fn run<A: Float>(
        self,
        geometry: &Geometry,
        part: &Part,
        a: &[A],
        b: &[A],
        length: usize,
    ) -> Buffer<A> {
        if self == Self::Straight {
            return straight::run(geometry, part, a, b, length);
        }
        let mut result = memory::take(length);
        match (self, part) {
            (Self::Planes, Part::Output) => planes::output(geometry, a, b, &mut result),
            (Self::Planes, Part::Input(_)) => planes::input(geometry, a, b, &mut result),
            (Self::Planes, Part::Weight) => return planes::weight(geometry, a, b),
            (Self::Taps, Part::Output) => taps::output(geometry, a, b, &mut result),
            (Self::Taps, Part::Input(_)) => taps::input(geometry, a, b, &mut result),
            (Self::Taps, Part::Weight) => return taps::weight(geometry, a, b),
            (_, Part::Output) => rows::output(geometry, a, b, &mut result),
            (_, Part::Input(_)) => rows::input(geometry, a, b, &mut result),
            (_, Part::Weight) => return rows::weight(geometry, a, b),
        }
        result
    }
}

/// Computes one part of a convolution, of `shape`, from the two others.
///
/// Input and weight give the output, the output's gradient and the weight that of the input, the
/// input and the output's gradient that of the weight.
pub fn convolve<A: Float>(
    a: &Tensor<A>,
    b: &Tensor<A>,
    shape: &[usize],
    slides: &[Slide],
    groups: usize,
    part: &Part,
) -> Tensor<A> {
    let (input, output) = match part {
        Part::Output => (a.shape(), shape),
        Part::Input(_) => (shape, a.shape()),
        Part::Weight => (a.shape(), b.shape()),
    };
    let length: usize = shape.iter().product();
    if length == 0 || a.is_empty() || b.is_empty() {
        return Tensor::zeros(shape);
    }
    let geometry = Geometry::new(input, output, slides, groups);
    let algorithm = Algorithm::of(&geometry, part);
    if matches!(algorithm, Algorithm::Planes | Algorithm::Taps) {
        let result = algorithm.run(&geometry, part, &ordered(a), &ordered(b), length);
        return Tensor::from_buffer(shape, result);
    }
    let order = channels_last(shape.len());
    let (a, b) = (elements_in(a, &order), elements_in(b, &order));
    let result = algorithm.run(&geometry, part, &a, &b, length);
    let tensor = in_order(result, shape, &order);
    if *part != Part::Weight {
        return tensor;
    }
    // A weight is stored in the order of its axes, and so is its gradient.
    Tensor::from_buffer(shape, ordered(&tensor).into_buffer())
}

/// The elements of a matrix, row by row, as a matrix.
fn matrix<A>(elements: &[A], columns: usize) -> ArrayView2<'_, A> {
    ArrayView2::from_shape((elements.len() / columns, columns), elements).expect("whole rows")
}

/// The elements of a matrix, row by row, as a matrix to write.
fn matrix_mut<A>(elements: &mut [A], columns: usize) -> ArrayViewMut2<'_, A> {
    let rows = elements.len() / columns;
    ArrayViewMut2::from_shape((rows, columns), elements).expect("whole rows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_of_a_sum_has_images() {
        for size in [1, 9, 1_000, 73_728, 200_000, 1 << 20, 1 << 22] {
            for images in 1..200 {
                let (pieces, length) = pieces(images, size);
                assert!((1..=16).contains(&pieces), "{pieces} pieces of {images} images");
                assert!(pieces * length >= images, "{pieces} × {length} of {images} images");
                assert!((pieces - 1) * length < images, "{pieces} × {length} of {images} images");
            }
        }
    }
}
