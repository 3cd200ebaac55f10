//! A nest of loops over a shape, and operands that are read along it.

use std::ops::Range;

use smallvec::SmallVec;

use crate::number::Float;
use crate::tensor::Tensor;

/// Elements that a broadcast or strided operand is gathered to at a time.
///
/// With all operands of a rule they fit the first-level cache.
pub const CHUNK: usize = 256;

/// A nest of loops over a shape, with the strides of every operand.
///
/// Axes that all operands pass without a jump are merged.
pub struct Nest {
    lengths: SmallVec<[usize; 6]>,
    strides: SmallVec<[SmallVec<[usize; 6]>; 5]>,
}

/// An operand's elements as they lie in memory, or a copy if one of its axes runs backwards.
pub enum Operand<'a, A: Float> {
    Scalar(A),
    Memory(&'a [A], &'a Tensor<A>),
    Copy(Tensor<A>),
}

/// An operand in a nest: its data and its number in the table of strides.
#[derive(Clone, Copy)]
pub struct Strided<'a, A> {
    data: &'a [A],
    operand: usize,
}

/// Some elements of a nest that follow one another along its innermost axes.
#[derive(Clone, Copy)]
pub struct Chunk<'i> {
    /// The index of the outer axes.
    index: &'i [usize],
    /// The offset of the first element along the innermost axes.
    start: usize,
    length: usize,
}

impl Chunk<'_> {
    /// The number of its elements.
    pub fn length(&self) -> usize {
        self.length
    }
}

impl<'a, A: Float> Operand<'a, A> {
    pub fn new(x: &'a Tensor<A>) -> Self {
        if x.ndim() == 0 {
            return Self::Scalar(x.item());
        }
        match span(x) {
            Some(elements) => Self::Memory(elements, x),
            None => Self::Copy(Tensor::from(x.view())),
        }
    }

    fn data(&self) -> &[A] {
        match self {
            Self::Scalar(value) => std::slice::from_ref(value),
            Self::Memory(elements, _) => elements,
            Self::Copy(tensor) => tensor.elements().expect("a copy in the order of its axes"),
        }
    }

    fn layout(&self) -> (&[usize], &[isize]) {
        match self {
            Self::Scalar(_) => (&[], &[]),
            Self::Memory(_, tensor) => (tensor.shape(), tensor.strides()),
            Self::Copy(tensor) => (tensor.shape(), tensor.strides()),
        }
    }
}

/// The memory from a tensor's first element to its last, with what lies between its elements.
///
/// `None` if it has no elements or an axis that runs backwards.
#[allow(unsafe_code)]
fn span<A: Float>(x: &Tensor<A>) -> Option<&[A]> {
    let view = x.view();
    if view.is_empty() || view.strides().iter().any(|&stride| stride < 0) {
        return None;
    }
    let axes = view.shape().iter().zip(view.strides());
    let last: usize = axes.map(|(&length, &stride)| (length - 1) * stride as usize).sum();
    // Safety: no stride is negative, so the element with all indices 0 is the first in memory and
    // that with the largest indices, `last` elements further, the last. Both are elements of the one
    // array, without uninitialised elements, that the tensor shows all or a part of. The tensor is
    // borrowed and so cannot change it; no other tensor that shares it can either, since each
    // copies what it shares before it changes it.
    Some(unsafe { std::slice::from_raw_parts(view.as_ptr(), last + 1) })
}

impl Nest {
    /// A nest over the axes of `shape` in an order, the last innermost.
    pub fn new(shape: &[usize], order: &[usize]) -> Self {
        let lengths = order.iter().map(|&axis| shape[axis]).collect();
        Self { lengths, strides: SmallVec::new() }
    }

    /// Adds an operand, which broadcasts to the nest's shape.
    pub fn add<'a, A: Float>(
        &mut self,
        operand: &'a Operand<'_, A>,
        order: &[usize],
    ) -> Strided<'a, A> {
        let (shape, strides) = operand.layout();
        let added = self.lengths.len() - shape.len();
        let mut row: SmallVec<[usize; 6]> = SmallVec::from_elem(0, added);
        row.extend(shape.iter().zip(strides).map(
            |(&length, &stride)| {
                if length == 1 { 0 } else { stride as usize }
            },
        ));
        self.strides.push(order.iter().map(|&axis| row[axis]).collect());
        Strided { data: operand.data(), operand: self.strides.len() - 1 }
    }

    /// Merges the axes that all operands pass without a jump.
    pub fn coalesce(&mut self) {
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

    /// How many of the innermost axes make up a chunk: two if the last is short.
    fn inner_axes(&self) -> usize {
        let (axes, last) = (self.lengths.len(), self.lengths[self.lengths.len() - 1]);
        if axes > 1 && last <= CHUNK / 2 { 2 } else { 1 }
    }

    /// The length of a chunk: whole rows, if rows are short.
    pub fn chunk_length(&self) -> usize {
        let last = self.lengths[self.lengths.len() - 1];
        if self.inner_axes() == 2 { CHUNK / last * last } else { CHUNK }
    }

    /// Calls `visit` with the chunks, of at most `most` elements, that make up some elements.
    ///
    /// Its first argument is the offset of the chunk among those elements.
    pub fn for_each_chunk(
        &self,
        elements: Range<usize>,
        most: usize,
        mut visit: impl FnMut(usize, Chunk<'_>),
    ) {
        let outer = self.lengths.len() - self.inner_axes();
        let inner: usize = self.lengths[outer..].iter().product();
        let mut index = SmallVec::<[usize; 6]>::from_elem(0, outer);
        let mut row = elements.start / inner;
        for axis in (0..outer).rev() {
            index[axis] = row % self.lengths[axis];
            row /= self.lengths[axis];
        }
        let (mut at, mut start) = (0, elements.start % inner);
        while at < elements.len() {
            let length = most.min(inner - start).min(elements.len() - at);
            visit(at, Chunk { index: &index, start, length });
            at += length;
            start += length;
            if start == inner {
                start = 0;
                self.advance(&mut index);
            }
        }
    }

    /// Steps the index of the outer axes, the last of them fastest.
    fn advance(&self, index: &mut [usize]) {
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            if index[axis] < self.lengths[axis] {
                return;
            }
            index[axis] = 0;
        }
    }

    /// The elements of an operand in a chunk, in `buffer` if they do not lie side by side.
    #[inline]
    pub fn chunk<'a, A: Float>(
        &self,
        x: Strided<'a, A>,
        chunk: Chunk<'_>,
        buffer: &'a mut [A; CHUNK],
    ) -> &'a [A] {
        if let Some(elements) = self.contiguous(x, chunk) {
            return elements;
        }
        let elements = &mut buffer[..chunk.length];
        self.gather(x, chunk, elements);
        elements
    }

    /// The elements of an operand in a chunk, if they lie side by side.
    #[inline]
    fn contiguous<'a, A: Float>(&self, x: Strided<'a, A>, chunk: Chunk<'_>) -> Option<&'a [A]> {
        let strides = &self.strides[x.operand];
        let last = strides.len() - 1;
        let rows = self.inner_axes() == 1 || strides[last - 1] == self.lengths[last];
        let from = self.offset(x.operand, chunk.index) + chunk.start;
        (strides[last] == 1 && rows).then(|| &x.data[from..][..chunk.length])
    }

    /// The offset of an operand's first element at an index of the outer axes.
    #[inline]
    fn offset(&self, operand: usize, index: &[usize]) -> usize {
        index.iter().zip(&self.strides[operand]).map(|(&i, &stride)| i * stride).sum()
    }

    /// Copies the elements of an operand in a chunk.
    fn gather<A: Float>(&self, x: Strided<'_, A>, chunk: Chunk<'_>, out: &mut [A]) {
        let strides = &self.strides[x.operand];
        let last = strides.len() - 1;
        let (data, stride) = (&x.data[self.offset(x.operand, chunk.index)..], strides[last]);
        if self.inner_axes() == 1 {
            return gather_row(out, &data[chunk.start * stride..], stride);
        }
        let (length, jump) = (self.lengths[last], strides[last - 1]);
        let (mut row, mut from, mut at) = (chunk.start / length, chunk.start % length, 0);
        // A row that repeats is read once.
        let end = if jump == 0 { length.min(out.len()) } else { out.len() };
        while at < end {
            let count = (length - from).min(end - at);
            gather_row(&mut out[at..at + count], &data[row * jump + from * stride..], stride);
            (row, from, at) = (row + 1, 0, at + count);
        }
        while at < out.len() {
            let more = at.min(out.len() - at);
            out.copy_within(..more, at);
            at += more;
        }
    }
}

/// Copies every `stride`-th element.
#[inline]
fn gather_row<A: Float>(to: &mut [A], from: &[A], stride: usize) {
    match stride {
        0 => to.fill(from[0]),
        1 => to.copy_from_slice(&from[..to.len()]),
        _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, &from)| *to = from),
    }
}

/// A tensor as it is read along a shape that it broadcasts to.
pub struct Broadcast<'a, A: Float> {
    operand: Operand<'a, A>,
    nest: Nest,
}

impl<'a, A: Float> Broadcast<'a, A> {
    /// Reads `x` along `shape`, which has at least one axis, in an order of its axes.
    pub fn new(x: &'a Tensor<A>, shape: &[usize], order: &[usize]) -> Self {
        let operand = Operand::new(x);
        let mut nest = Nest::new(shape, order);
        nest.add(&operand, order);
        nest.coalesce();
        Self { operand, nest }
    }

    /// Copies the elements from number `start` on.
    pub fn read(&self, start: usize, out: &mut [A]) {
        let x = Strided { data: self.operand.data(), operand: 0 };
        self.nest.for_each_chunk(start..start + out.len(), usize::MAX, |at, chunk| {
            let out = &mut out[at..at + chunk.length];
            match self.nest.contiguous(x, chunk) {
                Some(elements) => out.copy_from_slice(elements),
                None => self.nest.gather(x, chunk, out),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArcArray, IxDyn, s};

    use super::*;
    use crate::kernel::{Point, map};
    use crate::number::Number;

    #[test]
    fn a_part_is_read_where_it_lies() {
        let elements = (0..60).map(f64::from).collect();
        let x = ArcArray::<f64, _>::from_shape_vec(IxDyn(&[3, 4, 5]), elements).unwrap();
        let part = Tensor::from(x.clone().slice_move(s![1.., ..;2, 1..4]));
        let elements = span(&part).expect("no axis runs backwards");
        assert_eq!((elements[0], elements[elements.len() - 1]), (21.0, 53.0));
        assert_eq!(elements.len(), 33);
        let row = Tensor::from(x.clone().slice_move(s![1.., ..1, 1..4]));
        let sum = map(&[2, 2, 3], [&part, &row], [], Sum);
        let wanted = part.to_vec().into_iter().enumerate();
        let wanted: Vec<f64> =
            wanted.map(|(i, x)| x + f64::from(21 + 20 * (i as i32 / 6) + i as i32 % 3)).collect();
        assert_eq!(sum.to_vec(), wanted);
        assert!(span(&Tensor::from(x.clone().slice_move(s![.., ..;-1, ..]))).is_none());
        assert!(span(&Tensor::from(x.slice_move(s![..0, .., ..]))).is_none());
    }

    #[derive(Clone, Copy)]
    struct Sum;

    impl Point<2, 0> for Sum {
        fn at<R: Number>(self, [x, y]: [R; 2], []: [R; 0]) -> R {
            x + y
        }
    }
}
