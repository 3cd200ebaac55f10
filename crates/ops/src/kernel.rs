//! The loops under the rules: one pass over the data of an elementwise rule, and matrix
//! products. Everything about speed lives here.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewD, ArrayViewMut2, Ix2, Zip};
use smallvec::SmallVec;

use crate::float::Float;
use crate::rules::window::{Conv, Part, Slide, Windows};
use crate::tensor::Tensor;

mod groups;
mod pool;

pub use groups::{normalize, normalize_slope, variance};
pub use pool::{max_pool, max_pool_slope};

/// Elements that an operand is gathered to at a time when it is broadcast or strided: small
/// enough for the first-level cache with all operands of a rule.
const CHUNK: usize = 256;

/// A new tensor of `shape`, each element of which is `f` of the elements of all inputs there.
/// Inputs broadcast to `shape`.
#[inline]
pub fn map<A: Float, const N: usize, const M: usize>(
    shape: &[usize],
    first: [&Tensor<A>; N],
    second: [&Tensor<A>; M],
    f: impl Fn([A; N], [A; M]) -> A,
) -> Tensor<A> {
    if shape.is_empty() {
        return Tensor::scalar(f(first.map(Tensor::item), second.map(Tensor::item)));
    }
    map_array(shape, first, second, f)
}

fn map_array<A: Float, const N: usize, const M: usize>(
    shape: &[usize],
    first: [&Tensor<A>; N],
    second: [&Tensor<A>; M],
    f: impl Fn([A; N], [A; M]) -> A,
) -> Tensor<A> {
    let total = shape.iter().product();
    if total == 0 {
        return Tensor::zeros(shape);
    }
    let packed_first = first.map(Packed::new);
    let packed_second = second.map(Packed::new);
    let mut nest = Nest::new(shape);
    let first = packed_first.each_ref().map(|x| nest.operand(x));
    let second = packed_second.each_ref().map(|x| nest.operand(x));
    nest.coalesce();

    let mut out = Vec::with_capacity(total);
    let mut buffers = ([[A::default(); CHUNK]; N], [[A::default(); CHUNK]; M]);
    let inner = nest.inner();
    let outer: usize = total / inner.length;
    let mut index = SmallVec::<[usize; 6]>::from_elem(0, nest.lengths.len());
    for _ in 0..outer {
        let mut start = 0;
        while start < inner.length {
            let count = CHUNK.min(inner.length - start);
            let mut buffer = buffers.0.iter_mut();
            let a = first.map(|x| nest.row(x, &index, start, count, buffer.next().unwrap()));
            let mut buffer = buffers.1.iter_mut();
            let b = second.map(|x| nest.row(x, &index, start, count, buffer.next().unwrap()));
            out.extend((0..count).map(|i| f(a.map(|row| row[i]), b.map(|row| row[i]))));
            start += count;
        }
        nest.advance(&mut index);
    }
    Tensor::from_shape_vec(shape, out).expect("one element for each index")
}

/// An operand's elements in memory order, copied only if they are not contiguous.
enum Packed<'a, A> {
    Scalar(A),
    View(ArrayViewD<'a, A>),
    Copy(ndarray::ArrayD<A>),
}

impl<'a, A: Float> Packed<'a, A> {
    fn new(x: &'a Tensor<A>) -> Self {
        if x.ndim() == 0 {
            return Self::Scalar(x.item());
        }
        let view = x.view();
        if view.strides().iter().all(|&stride| stride >= 0)
            && view.as_slice_memory_order().is_some()
        {
            Self::View(view)
        } else {
            Self::Copy(view.as_standard_layout().into_owned())
        }
    }

    fn data(&self) -> &[A] {
        let slice = match self {
            Self::Scalar(value) => return std::slice::from_ref(value),
            Self::View(view) => view.as_slice_memory_order(),
            Self::Copy(array) => array.as_slice_memory_order(),
        };
        slice.expect("contiguous, as checked when it was packed")
    }

    fn layout(&self) -> (&[usize], &[isize]) {
        match self {
            Self::Scalar(_) => (&[], &[]),
            Self::View(view) => (view.shape(), view.strides()),
            Self::Copy(array) => (array.shape(), array.strides()),
        }
    }
}

/// A nest of loops over a shape, with the strides of every operand; axes that all operands walk
/// without a jump are merged.
struct Nest {
    lengths: SmallVec<[usize; 6]>,
    strides: SmallVec<[SmallVec<[usize; 6]>; 5]>,
}

/// An operand of a nest: its data and its row in the table of strides.
#[derive(Clone, Copy)]
struct Walk<'a, A> {
    data: &'a [A],
    operand: usize,
}

struct Inner {
    length: usize,
}

impl Nest {
    fn new(shape: &[usize]) -> Self {
        Self { lengths: SmallVec::from_slice(shape), strides: SmallVec::new() }
    }

    fn operand<'a, A: Float>(&mut self, packed: &'a Packed<'_, A>) -> Walk<'a, A> {
        let (shape, strides) = packed.layout();
        let added = self.lengths.len() - shape.len();
        let mut row: SmallVec<[usize; 6]> = SmallVec::from_elem(0, added);
        row.extend(shape.iter().zip(strides).map(
            |(&length, &stride)| {
                if length == 1 { 0 } else { stride as usize }
            },
        ));
        self.strides.push(row);
        Walk { data: packed.data(), operand: self.strides.len() - 1 }
    }

    fn coalesce(&mut self) {
        let mut axis = self.lengths.len() - 1;
        while axis > 0 {
            let length = self.lengths[axis];
            let mergeable = length == 1
                || self.lengths[axis - 1] == 1
                || self.strides.iter().all(|row| row[axis - 1] == row[axis] * length);
            if mergeable {
                // An axis of length 1 has stride 0; the other axis's stride is the one to keep.
                for row in &mut self.strides {
                    if length == 1 {
                        row[axis] = row[axis - 1];
                    }
                    row.remove(axis - 1);
                }
                self.lengths[axis] *= self.lengths[axis - 1];
                self.lengths.remove(axis - 1);
            }
            axis -= 1;
        }
    }

    fn inner(&self) -> Inner {
        Inner { length: self.lengths[self.lengths.len() - 1] }
    }

    /// `count` elements of an operand along the innermost axis, from `start`.
    #[inline]
    fn row<'a, A: Float>(
        &self,
        walk: Walk<'a, A>,
        index: &[usize],
        start: usize,
        count: usize,
        buffer: &'a mut [A; CHUNK],
    ) -> &'a [A] {
        let strides = &self.strides[walk.operand];
        let last = strides.len() - 1;
        let offset: usize = index[..last].iter().zip(strides).map(|(&i, &stride)| i * stride).sum();
        match strides[last] {
            1 => &walk.data[offset + start..][..count],
            0 => {
                buffer[..count].fill(walk.data[offset]);
                &buffer[..count]
            }
            stride => {
                let from = walk.data[offset + start * stride..].iter().step_by(stride);
                for (to, &value) in buffer[..count].iter_mut().zip(from) {
                    *to = value;
                }
                &buffer[..count]
            }
        }
    }

    /// Steps the index of the outer axes, the last of them fastest.
    fn advance(&self, index: &mut [usize]) {
        for axis in (0..self.lengths.len() - 1).rev() {
            index[axis] += 1;
            if index[axis] < self.lengths[axis] {
                return;
            }
            index[axis] = 0;
        }
    }
}

/// The product of two matrices, whatever their strides.
pub fn matrix_product<A: Float>(
    a: &ArrayView2<'_, A>,
    b: &ArrayView2<'_, A>,
) -> ndarray::Array2<A> {
    a.dot(b)
}

/// The products of two stacks of matrices, `[…, m, k]` and `[…, k, n]` with equal leading axes.
pub fn batched_product<A: Float>(
    a: &ArrayViewD<'_, A>,
    b: &ArrayViewD<'_, A>,
    shape: &[usize],
) -> Tensor<A> {
    let mut out = ndarray::ArrayD::<A>::zeros(shape);
    let batch = shape[..shape.len() - 2].iter().product::<usize>();
    let mut index = SmallVec::<[usize; 4]>::from_elem(0, shape.len() - 2);
    for _ in 0..batch {
        let (mut a, mut b, mut c) = (a.view(), b.view(), out.view_mut());
        for &i in &index {
            a.index_axis_inplace(ndarray::Axis(0), i);
            b.index_axis_inplace(ndarray::Axis(0), i);
            c.collapse_axis(ndarray::Axis(0), i);
            c = c.index_axis_move(ndarray::Axis(0), 0);
        }
        let two = "the leading axes were indexed away";
        general_mat_mul(
            A::one(),
            &a.into_dimensionality::<Ix2>().expect(two),
            &b.into_dimensionality::<Ix2>().expect(two),
            A::zero(),
            &mut c.into_dimensionality::<Ix2>().expect(two),
        );
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Tensor::from(out)
}

/// The largest (or smallest) element of each lane along `axis`; NaN where the lane holds one.
pub fn extreme_axis<A: Float>(
    x: &ArrayViewD<'_, A>,
    axis: usize,
    largest: bool,
) -> ndarray::ArrayD<A> {
    let axis = ndarray::Axis(axis);
    let pick = if largest { A::maximum } else { A::minimum };
    let mut result = x.index_axis(axis, 0).to_owned();
    for layer in x.axis_iter(axis).skip(1) {
        Zip::from(&mut result).and(&layer).for_each(|best, &value| *best = pick(*best, value));
    }
    result
}

/// The geometry of windows over images; one dimension is an image of height 1.
struct Grid {
    size: [usize; 2],
    counts: [usize; 2],
    slides: [Slide; 2],
    /// For each column of the kernel, the windows of a row whose element there is inside the image.
    inside: SmallVec<[Inside; 4]>,
}

/// The windows of a row whose element in one column of the kernel lies inside the image.
#[derive(Clone, Copy)]
struct Inside {
    /// The first of them.
    first: usize,
    /// One past the last.
    past: usize,
    /// The column of the image that the first meets.
    column: usize,
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
    fn new(slides: &[Slide], spatial: &[usize], counts: &[usize]) -> Self {
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

    fn kernel(&self) -> usize {
        self.slides[0].kernel * self.slides[1].kernel
    }

    fn windows(&self) -> usize {
        self.counts[0] * self.counts[1]
    }

    /// Calls `visit` with each stretch of one kernel element over one row of windows: the start
    /// of the row of windows, the start of the row of the image, if it is inside, and the windows
    /// whose element is.
    #[inline]
    fn for_each_row(&self, mut visit: impl FnMut(usize, Option<usize>, Inside)) {
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

/// The elements of a tensor in the order of its axes.
fn ordered<A: Float>(x: &Tensor<A>) -> std::borrow::Cow<'_, [A]> {
    let elements = x.view().to_slice().map(std::borrow::Cow::Borrowed);
    elements.unwrap_or_else(|| x.to_vec().into())
}

/// Windows laid out side by side, or added back.
pub fn windows<A: Float>(x: &Tensor<A>, shape: &[usize], rule: &Windows) -> Tensor<A> {
    let spatial = rule.adjoint.as_deref().unwrap_or(&x.shape()[2..]);
    let counts = if rule.adjoint.is_some() { &x.shape()[3..] } else { &shape[3..] };
    let grid = Grid::new(&rule.slides, spatial, counts);
    let mut result = vec![A::zero(); shape.iter().product()];
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
    let mut result = vec![A::zero(); shape.iter().product()];
    let (a, b) = (ordered(a), ordered(b));
    let mut columns = vec![A::zero(); depth * groups * windows];
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
