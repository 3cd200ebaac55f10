//! Windows over images, and the convolution through them.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use smallvec::SmallVec;

use super::{memory, ordered};
use crate::float::Float;
use crate::rules::window::{Conv, Part, Slide, Windows};
use crate::tensor::Tensor;

/// The geometry of windows over images; one dimension is an image of height 1.
pub(super) struct Grid {
    pub(super) size: [usize; 2],
    counts: [usize; 2],
    pub(super) slides: [Slide; 2],
    /// For each column of the kernel, the windows of a row whose element there is inside the image.
    inside: SmallVec<[Inside; 4]>,
}

/// The windows of a row whose element in one column of the kernel lies inside the image.
#[derive(Clone, Copy)]
pub(super) struct Inside {
    /// The first of them.
    pub(super) first: usize,
    /// One past the last.
    pub(super) past: usize,
    /// The column of the image that the first meets.
    pub(super) column: usize,
}

impl Inside {
    fn new(across: Slide, width: usize, count: usize, offset: usize) -> Self {
        let Slide { stride, padding: (before, _), .. } = across;
        let first = before.saturating_sub(offset).div_ceil(stride).min(count);
        let past = (width + before).saturating_sub(offset).div_ceil(stride);
        let column = (first * stride + offset).saturating_sub(before);
        Self { first, past: past.min(count).max(first), column }
    }
}

impl Grid {
    pub(super) fn new(slides: &[Slide], spatial: &[usize], counts: &[usize]) -> Self {
        let two = |values: &[usize]| match *values {
            [n] => [1, n],
            [h, w] => [h, w],
            _ => unreachable!("one or two spatial axes"),
        };
        let slides = match *slides {
            [s] => [Slide::new(1), s],
            [a, b] => [a, b],
            _ => unreachable!("one or two spatial axes"),
        };
        let (size, counts) = (two(spatial), two(counts));
        let across = slides[1];
        let inside = (0..across.kernel)
            .map(|k| Inside::new(across, size[1], counts[1], k * across.dilation))
            .collect();
        Self { size, counts, slides, inside }
    }

    pub(super) fn kernel(&self) -> usize {
        self.slides[0].kernel * self.slides[1].kernel
    }

    pub(super) fn windows(&self) -> usize {
        self.counts[0] * self.counts[1]
    }

    /// Calls `visit` with each stretch of one kernel element over one row of windows: the start
    /// of the row of windows, the start of the row of the image, if it is inside, and the windows
    /// whose element is.
    #[inline]
    pub(super) fn for_each_row(&self, mut visit: impl FnMut(usize, Option<usize>, Inside)) {
        let [down, across] = self.slides;
        for k in 0..self.kernel() {
            let (ky, inside) = (k / across.kernel, self.inside[k % across.kernel]);
            for row in 0..self.counts[0] {
                let y = (row * down.stride + ky * down.dilation).checked_sub(down.padding.0);
                let start = y.filter(|&y| y < self.size[0]).map(|y| y * self.size[1]);
                visit((k * self.counts[0] + row) * self.counts[1], start, inside);
            }
        }
    }

    /// Lays the windows of one image out as columns, `[kernel, windows]`.
    fn gather<A: Float>(&self, image: &[A], columns: &mut [A], fill: A) {
        let stride = self.slides[1].stride;
        self.for_each_row(|to, from, Inside { first, past, column }| {
            let row = &mut columns[to..to + self.counts[1]];
            let Some(from) = from else { return row.fill(fill) };
            row[..first].fill(fill);
            row[past..].fill(fill);
            if first == past {
                return;
            }
            let source = &image[from + column..];
            if stride == 1 {
                row[first..past].copy_from_slice(&source[..past - first]);
            } else {
                let source = source.iter().step_by(stride);
                row[first..past].iter_mut().zip(source).for_each(|(to, &from)| *to = from);
            }
        });
    }

    /// Adds columns back to the image they were laid out from: the adjoint of `gather`.
    fn scatter<A: Float>(&self, columns: &[A], image: &mut [A]) {
        let stride = self.slides[1].stride;
        self.for_each_row(|from, to, Inside { first, past, column }| {
            let Some(to) = to else { return };
            if first < past {
                let row = &columns[from + first..from + past];
                let target = image[to + column..].iter_mut().step_by(stride);
                target.zip(row).for_each(|(to, &from)| *to += from);
            }
        });
    }
}

/// Windows laid out side by side, or added back.
pub fn windows<A: Float>(x: &Tensor<A>, shape: &[usize], rule: &Windows) -> Tensor<A> {
    let spatial = rule.adjoint.as_deref().unwrap_or(&x.shape()[2..]);
    let counts = if rule.adjoint.is_some() { &x.shape()[3..] } else { &shape[3..] };
    let grid = Grid::new(&rule.slides, spatial, counts);
    let mut result = memory::filled(shape.iter().product(), A::zero());
    let data = ordered(x);
    let (image, columns) = (grid.size[0] * grid.size[1], grid.kernel() * grid.windows());
    if image > 0 && columns > 0 {
        if rule.adjoint.is_some() {
            let pairs = data.chunks_exact(columns).zip(result.chunks_exact_mut(image));
            pairs.for_each(|(from, to)| grid.scatter(from, to));
        } else {
            let fill = A::from_f64(rule.fill);
            let pairs = data.chunks_exact(image).zip(result.chunks_exact_mut(columns));
            pairs.for_each(|(from, to)| grid.gather(from, to, fill));
        }
    }
    Tensor::from_shape_vec(shape, result).expect("as many elements as the shape holds")
}

/// Matrix number `index` of a stack of matrices in one slice.
fn block<A>(stack: &[A], index: usize, rows: usize, columns: usize) -> ArrayView2<'_, A> {
    let data = &stack[index * rows * columns..][..rows * columns];
    ArrayView2::from_shape((rows, columns), data).expect("as many elements as the matrix holds")
}

/// Matrix number `index` of a stack of matrices in one slice, to be written.
fn block_mut<A>(
    stack: &mut [A],
    index: usize,
    rows: usize,
    columns: usize,
) -> ArrayViewMut2<'_, A> {
    let data = &mut stack[index * rows * columns..][..rows * columns];
    ArrayViewMut2::from_shape((rows, columns), data).expect("as many elements as the matrix holds")
}

/// One part of a convolution from the two others, an image at a time: windows as columns, then
/// one matrix product a group.
pub fn conv<A: Float>(a: &Tensor<A>, b: &Tensor<A>, shape: &[usize], rule: &Conv) -> Tensor<A> {
    let (input, weight, output) = match rule.part {
        Part::Output => (a.shape(), b.shape(), shape),
        Part::Input(_) => (shape, b.shape(), a.shape()),
        Part::Weight => (a.shape(), shape, b.shape()),
    };
    let grid = Grid::new(&rule.slides, &input[2..], &output[2..]);
    let (groups, windows) = (rule.groups, grid.windows());
    let image = input[1] * grid.size[0] * grid.size[1];
    let depth = weight[1] * grid.kernel(); // rows of a group's columns
    let rows = output[1] / groups;
    let channel = (grid.size[0] * grid.size[1], grid.kernel() * windows);
    let mut result = memory::filled(shape.iter().product(), A::zero());
    let (a, b) = (ordered(a), ordered(b));
    let mut columns = memory::take(depth * groups * windows);
    let (one, zero) = (A::one(), A::zero());
    if result.is_empty() || image == 0 || columns.is_empty() {
        return Tensor::from_shape_vec(shape, result).expect("no elements");
    }
    for n in 0..input[0] {
        if !matches!(rule.part, Part::Input(_)) {
            let images = a[n * image..][..image].chunks_exact(channel.0);
            let pairs = images.zip(columns.chunks_exact_mut(channel.1));
            pairs.for_each(|(from, to)| grid.gather(from, to, zero));
        }
        for g in 0..groups {
            let of_batch = n * groups + g;
            match rule.part {
                Part::Output => {
                    let (w, x) = (block(&b, g, rows, depth), block(&columns, g, depth, windows));
                    let mut y = block_mut(&mut result, of_batch, rows, windows);
                    general_mat_mul(one, &w, &x, zero, &mut y);
                }
                Part::Input(_) => {
                    let (w, y) = (block(&b, g, rows, depth), block(&a, of_batch, rows, windows));
                    let mut x = block_mut(&mut columns, g, depth, windows);
                    general_mat_mul(one, &w.t(), &y, zero, &mut x);
                }
                Part::Weight => {
                    let y = block(&b, of_batch, rows, windows);
                    let x = block(&columns, g, depth, windows);
                    let mut w = block_mut(&mut result, g, rows, depth);
                    general_mat_mul(one, &y, &x.t(), one, &mut w);
                }
            }
        }
        if matches!(rule.part, Part::Input(_)) {
            let images = result[n * image..][..image].chunks_exact_mut(channel.0);
            let pairs = columns.chunks_exact(channel.1).zip(images);
            pairs.for_each(|(from, to)| grid.scatter(from, to));
        }
    }
    Tensor::from_shape_vec(shape, result).expect("as many elements as the shape holds")
}
