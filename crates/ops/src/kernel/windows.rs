//! Windows over images, and the convolution through them.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use smallvec::SmallVec;

use super::{channels, ordered, simd, threads};
use crate::ground::memory;
use crate::number::Float;
use crate::rules::window::{Conv, Part, Slide, Windows};
use crate::tensor::Tensor;

/// The geometry of windows over images; one dimension is an image of height 1.
pub(super) struct Grid {
    pub(super) size: [usize; 2],
    pub(super) counts: [usize; 2],
    pub(super) slides: [Slide; 2],
    /// For each column of the kernel, the windows of a row whose element there is inside the image.
    pub(super) inside: SmallVec<[Inside; 4]>,
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
    fn gather<A: Float>(&self, image: &[A], columns: &mut [A]) {
        let stride = self.slides[1].stride;
        self.for_each_row(|to, from, Inside { first, past, column }| {
            let row = &mut columns[to..to + self.counts[1]];
            let Some(from) = from else { return row.fill(A::zero()) };
            row[..first].fill(A::zero());
            row[past..].fill(A::zero());
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
                let target = &mut image[to + column..];
                if stride == 1 {
                    for (to, &from) in target.iter_mut().zip(row) {
                        *to += from;
                    }
                } else {
                    let target = target.iter_mut().step_by(stride);
                    target.zip(row).for_each(|(to, &from)| *to += from);
                }
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
            let pairs = data.chunks_exact(image).zip(result.chunks_exact_mut(columns));
            pairs.for_each(|(from, to)| grid.gather(from, to));
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

/// The sizes of a convolution: of one image in each of its forms.
struct Sizes {
    grid: Grid,
    groups: usize,
    /// Elements of an image, and of one of its channels.
    image: usize,
    channel: usize,
    /// Rows of a group's columns: channels of the group times elements of the kernel.
    depth: usize,
    /// Outputs of a group.
    rows: usize,
    /// Windows of an image.
    windows: usize,
}

impl Sizes {
    fn new(input: &[usize], weight: &[usize], output: &[usize], rule: &Conv) -> Self {
        let grid = Grid::new(&rule.slides, &input[2..], &output[2..]);
        let channel = grid.size[0] * grid.size[1];
        Self {
            groups: rule.groups,
            image: input[1] * channel,
            channel,
            depth: weight[1] * grid.kernel(),
            rows: output[1] / rule.groups,
            windows: grid.windows(),
            grid,
        }
    }

    /// Elements of an image's columns.
    fn columns(&self) -> usize {
        self.depth * self.groups * self.windows
    }

    /// Elements of an image's output.
    fn output(&self) -> usize {
        self.groups * self.rows * self.windows
    }

    fn lay_out<A: Float>(&self, image: &[A], columns: &mut [A]) {
        let channels = image.chunks_exact(self.channel);
        let pairs = channels.zip(columns.chunks_exact_mut(self.grid.kernel() * self.windows));
        pairs.for_each(|(from, to)| self.grid.gather(from, to));
    }

    /// y = w · columns, group by group.
    fn outputs<A: Float>(&self, weight: &[A], columns: &[A], output: &mut [A]) {
        for g in 0..self.groups {
            let w = block(weight, g, self.rows, self.depth);
            let x = block(columns, g, self.depth, self.windows);
            let mut y = block_mut(output, g, self.rows, self.windows);
            general_mat_mul(A::one(), &w, &x, A::zero(), &mut y);
        }
    }

    /// The gradient of an image: wᵀ · ȳ, added back to where the columns came from.
    fn inputs<A: Float>(&self, weight: &[A], output: &[A], columns: &mut [A], image: &mut [A]) {
        for g in 0..self.groups {
            let w = block(weight, g, self.rows, self.depth);
            let y = block(output, g, self.rows, self.windows);
            let mut x = block_mut(columns, g, self.depth, self.windows);
            general_mat_mul(A::one(), &w.t(), &y, A::zero(), &mut x);
        }
        let channels = image.chunks_exact_mut(self.channel);
        let pairs = columns.chunks_exact(self.grid.kernel() * self.windows).zip(channels);
        pairs.for_each(|(from, to)| self.grid.scatter(from, to));
    }

    /// Adds ȳ · columnsᵀ to the gradient of the weight.
    fn weights<A: Float>(&self, output: &[A], columns: &[A], weight: &mut [A]) {
        for g in 0..self.groups {
            let y = block(output, g, self.rows, self.windows);
            let x = block(columns, g, self.depth, self.windows);
            let mut w = block_mut(weight, g, self.rows, self.depth);
            general_mat_mul(A::one(), &y, &x.t(), A::one(), &mut w);
        }
    }
}

/// As many multiply-adds make it worth a second thread's while.
pub(super) const PER_THREAD: usize = 1 << 20;

/// One part of a convolution from the two others, an image at a time: windows as columns, then
/// one matrix product a group. Images are divided among threads.
pub fn conv<A: Float>(a: &Tensor<A>, b: &Tensor<A>, shape: &[usize], rule: &Conv) -> Tensor<A> {
    let (input, weight, output) = match rule.part {
        Part::Output => (a.shape(), b.shape(), shape),
        Part::Input(_) => (shape, b.shape(), a.shape()),
        Part::Weight => (a.shape(), shape, b.shape()),
    };
    if rule.groups == 1 {
        return channels::conv(a, b, shape, rule);
    }
    let sizes = Sizes::new(input, weight, output, rule);
    let mut result = memory::filled(shape.iter().product(), A::zero());
    let (columns, images) = (sizes.columns(), input[0]);
    if result.is_empty() || images * sizes.image == 0 || columns == 0 {
        return Tensor::from_shape_vec(shape, result).expect("no elements");
    }
    let (a, b) = (ordered(a), ordered(b));
    // How many of the elements of the result make up so much work.
    let least = |size: usize| (PER_THREAD * size).div_ceil(columns * sizes.rows).max(1);
    match rule.part {
        Part::Output => {
            let size = sizes.output();
            threads::divide(&mut result, size, least(size), |start, result| {
                let mut columns = memory::take(columns);
                let images = a[start / size * sizes.image..].chunks_exact(sizes.image);
                for (image, output) in images.zip(result.chunks_exact_mut(size)) {
                    sizes.lay_out(image, &mut columns);
                    sizes.outputs(&b, &columns, output);
                }
                memory::give(columns);
            });
        }
        Part::Input(_) => {
            let size = sizes.image;
            threads::divide(&mut result, size, least(size), |start, result| {
                let mut columns = memory::take(columns);
                let outputs = a[start / size * sizes.output()..].chunks_exact(sizes.output());
                for (output, image) in outputs.zip(result.chunks_exact_mut(size)) {
                    sizes.inputs(&b, output, &mut columns, image);
                }
                memory::give(columns);
            });
        }
        Part::Weight => {
            // Sums over blocks of images, whose number does not depend on that of the threads.
            let size = result.len();
            let blocks = (PER_THREAD / size).clamp(1, 16).min(images);
            let in_block = images.div_ceil(blocks);
            let mut sums = memory::filled(blocks * size, A::zero());
            threads::divide(&mut sums, size, least(size) / in_block, |start, sums| {
                let mut columns = memory::take(columns);
                for (i, sum) in sums.chunks_exact_mut(size).enumerate() {
                    let first = ((start / size + i) * in_block).min(images);
                    for n in first..(first + in_block).min(images) {
                        sizes.lay_out(&a[n * sizes.image..][..sizes.image], &mut columns);
                        sizes.weights(&b[n * sizes.output()..][..sizes.output()], &columns, sum);
                    }
                }
                memory::give(columns);
            });
            sums.chunks_exact(size).for_each(|sum| simd::add(&mut result, sum));
            memory::give(sums);
        }
    }
    Tensor::from_shape_vec(shape, result).expect("as many elements as the shape holds")
}
