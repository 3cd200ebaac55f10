//! The loops under the rules: one pass over the data of an elementwise rule, and matrix
//! products. Everything about speed lives here.

use ndarray::{ArrayView2, ArrayViewD, Ix2, Zip};
use smallvec::SmallVec;

use crate::float::Float;
use crate::tensor::Tensor;

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
        ndarray::linalg::general_mat_mul(
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

/// The maximum of each lane along `axis`; NaN where the lane holds one.
pub fn max_axis<A: Float>(x: &ArrayViewD<'_, A>, axis: usize) -> ndarray::ArrayD<A> {
    let axis = ndarray::Axis(axis);
    let mut result = x.index_axis(axis, 0).to_owned();
    for layer in x.axis_iter(axis).skip(1) {
        Zip::from(&mut result).and(&layer).for_each(|most, &value| *most = most.maximum(value));
    }
    result
}
