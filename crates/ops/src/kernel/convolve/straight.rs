//! Convolution with the channels last, straight from the images.
//!
//! An element of a window is read where it lies in the image, with zeros around it if need be.
//! Nothing is laid out for the general product and packed by it, which costs more than the
//! multiply-adds where there are few outputs.

use super::Geometry;
use super::tile;
use crate::ground::memory::{self, Buffer};
use crate::kernel::geometry::{Grid, Part};
use crate::number::Float;

/// Computes the output or the gradient of the weight, of `length` elements.
pub fn run<A: Float>(
    geometry: &Geometry,
    part: &Part,
    a: &[A],
    b: &[A],
    length: usize,
) -> Buffer<A> {
    // A row of a tile is two vectors, or one where the outputs would leave the second empty.
    let long = tile::has_long_vectors();
    match (size_of::<A>(), geometry.outputs) {
        (4, 17..) if long => by_tiles::<A, 32>(geometry, part, a, b, length),
        (4, _) => by_tiles::<A, 16>(geometry, part, a, b, length),
        (_, 9..) if long => by_tiles::<A, 16>(geometry, part, a, b, length),
        (_, _) => by_tiles::<A, 8>(geometry, part, a, b, length),
    }
}

fn by_tiles<A: Float, const COLUMNS: usize>(
    geometry: &Geometry,
    part: &Part,
    a: &[A],
    b: &[A],
    length: usize,
) -> Buffer<A> {
    let padded = Padded::new(&geometry.grid, geometry.channels);
    match part {
        Part::Weight => weight::<A, COLUMNS>(geometry, &padded, a, b, length),
        _ => output::<A, COLUMNS>(geometry, &padded, a, b, length),
    }
}

/// Computes the output.
fn output<A: Float, const COLUMNS: usize>(
    geometry: &Geometry,
    padded: &Padded,
    input: &[A],
    weight: &[A],
    length: usize,
) -> Buffer<A> {
    let (outputs, depth) = (geometry.outputs, geometry.depth());
    let weights = in_blocks::<A, COLUMNS>(depth, outputs, |i, o| weight[o * depth + i]);
    let mut result = memory::take(length);
    geometry.by_image(&mut result, geometry.output(), |first, result| {
        let mut room = padded.room();
        let images = input[first * geometry.image()..].chunks_exact(geometry.image());
        for (image, result) in images.zip(result.chunks_exact_mut(geometry.output())) {
            let image = padded.pad(image, &mut room);
            tile::products::<A, COLUMNS>(padded, image, &weights, outputs, result);
        }
    });
    result
}

/// Computes the gradient of the weight.
fn weight<A: Float, const COLUMNS: usize>(
    geometry: &Geometry,
    padded: &Padded,
    input: &[A],
    slopes: &[A],
    length: usize,
) -> Buffer<A> {
    let (image, output, depth) = (geometry.image(), geometry.output(), geometry.depth());
    let size = geometry.outputs.next_multiple_of(COLUMNS) * depth;
    let sums = geometry.sum_over_images(size, |range, sum| {
        let mut room = padded.room();
        let images = input[range.start * image..range.end * image].chunks_exact(image);
        for (image, slopes) in images.zip(slopes[range.start * output..].chunks_exact(output)) {
            let image = padded.pad(image, &mut room);
            tile::add_slopes::<A, COLUMNS>(padded, image, slopes, geometry.outputs, sum);
        }
    });
    let mut result = memory::take(length);
    for (o, result) in result.chunks_exact_mut(depth).enumerate() {
        let block = &sums[o / COLUMNS * depth * COLUMNS..];
        for (result, sums) in result.iter_mut().zip(block.chunks_exact(COLUMNS)) {
            *result = sums[o % COLUMNS];
        }
    }
    result
}

/// Images with zeros around them, channels last, and where their windows lie.
pub(super) struct Padded {
    channels: usize,
    /// Height and width of an image.
    size: [usize; 2],
    /// Rows of zeros above an image and columns left of it.
    before: [usize; 2],
    /// Height and width with the zeros.
    whole: [usize; 2],
    /// The offset of each window.
    pub windows: Vec<usize>,
    /// The offsets, from that of the window, of the runs of elements that lie side by side.
    pub runs: Vec<usize>,
    /// The length of a run.
    pub run: usize,
}

impl Padded {
    fn new(grid: &Grid, channels: usize) -> Self {
        let Grid { slides, size, counts, .. } = *grid;
        let [down, across] = slides;
        let before = slides.map(|slide| slide.padding.0);
        let whole = [0, 1].map(|i| size[i] + slides[i].padding.0 + slides[i].padding.1);
        let offset = move |y: usize, x: usize| (y * whole[1] + x) * channels;
        let window = |i| offset(i / counts[1] * down.stride, i % counts[1] * across.stride);
        // A row of the kernel is one run unless it is dilated.
        let (in_row, run) = match across.dilation {
            1 => (1, across.kernel * channels),
            _ => (across.kernel, channels),
        };
        let begin = |i| offset(i / in_row * down.dilation, i % in_row * across.dilation);
        let windows = (0..grid.windows()).map(window).collect();
        let runs = (0..down.kernel * in_row).map(begin).collect();
        Self { channels, size, before, whole, windows, runs, run }
    }

    /// Elements of a window.
    pub fn depth(&self) -> usize {
        self.runs.len() * self.run
    }

    /// Zeros for an image and what is around it.
    fn room<A: Float>(&self) -> Buffer<A> {
        memory::filled(self.whole[0] * self.whole[1] * self.channels, A::zero())
    }

    /// Puts an image between the zeros of `room`, if it has any around it.
    fn pad<'x, A: Float>(&self, image: &'x [A], room: &'x mut [A]) -> &'x [A] {
        if self.whole == self.size {
            return image;
        }
        let [row, whole_row] = [self.size[1], self.whole[1]].map(|width| width * self.channels);
        let left = self.before[1] * self.channels;
        let rows = room.chunks_exact_mut(whole_row).skip(self.before[0]);
        for (row, to) in image.chunks_exact(row).zip(rows) {
            to[left..][..row.len()].copy_from_slice(row);
        }
        room
    }
}

/// Packs a matrix, whose elements `at` gives, in blocks of `COLUMNS` columns.
///
/// The rows of a block follow one another; the last block is filled up with zeros.
fn in_blocks<A: Float, const COLUMNS: usize>(
    rows: usize,
    columns: usize,
    at: impl Fn(usize, usize) -> A,
) -> Buffer<A> {
    let blocks = columns.div_ceil(COLUMNS);
    let mut packed = memory::filled(blocks * rows * COLUMNS, A::zero());
    for (i, packed) in packed.chunks_exact_mut(COLUMNS).enumerate() {
        let (row, first) = (i % rows, i / rows * COLUMNS);
        for (column, to) in (first..columns).zip(packed) {
            *to = at(row, column);
        }
    }
    packed
}
