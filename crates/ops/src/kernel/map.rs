//! One pass over the elements of tensors that broadcast to one shape.

use std::ops::Range;

use ndarray::ArrayViewD;
use smallvec::SmallVec;

use super::{memory, simd, threads};
use crate::float::Float;
use crate::real::Real;
use crate::tensor::Tensor;

/// Elements that an operand is gathered to at a time when it is broadcast or strided: small
/// enough for the first-level cache with all operands of a rule.
const CHUNK: usize = 256;

/// As many elements make it worth a second thread's while.
const PER_THREAD: usize = 32_768;

/// A function of the elements at one place, in any reading of numbers: the value of a rule, or its
/// slope times a cotangent.
pub trait Point<const N: usize, const M: usize>: Copy + Sync {
    /// The result where the elements are `x` and `y`.
    fn at<R: Real>(self, x: [R; N], y: [R; M]) -> R;
}

/// A new tensor of `shape`, each element of which is the function `point` of the elements of all
/// inputs there. Inputs broadcast to `shape`.
#[inline]
pub fn map<A: Float, const N: usize, const M: usize>(
    shape: &[usize],
    first: [&Tensor<A>; N],
    second: [&Tensor<A>; M],
    point: impl Point<N, M>,
) -> Tensor<A> {
    if shape.is_empty() {
        return Tensor::scalar(point.at(first.map(Tensor::item), second.map(Tensor::item)));
    }
    map_array(shape, first, second, point)
}

fn map_array<A: Float, const N: usize, const M: usize>(
    shape: &[usize],
    first: [&Tensor<A>; N],
    second: [&Tensor<A>; M],
    point: impl Point<N, M>,
) -> Tensor<A> {
    let total = shape.iter().product();
    let mut out = memory::take(total);
    let straight = |x: &Tensor<A>| x.shape() == shape && x.elements().is_some();
    if first.iter().chain(&second).all(|x| straight(x)) {
        let first = first.map(|x| x.elements().expect("elements in order"));
        let second = second.map(|x| x.elements().expect("elements in order"));
        threads::divide(&mut out, CHUNK, PER_THREAD, |start, out| {
            let places = start..start + out.len();
            let first = first.map(|x| &x[places.clone()]);
            simd::fill(point, first, second.map(|x| &x[places.clone()]), out);
        });
    } else if total > 0 {
        let packed_first = first.map(Packed::new);
        let packed_second = second.map(Packed::new);
        let mut nest = Nest::new(shape);
        let first = packed_first.each_ref().map(|x| nest.operand(x));
        let second = packed_second.each_ref().map(|x| nest.operand(x));
        nest.coalesce();
        threads::divide(&mut out, CHUNK, PER_THREAD, |start, out| {
            nest.walk(start..start + out.len(), CHUNK, |at, index, from, count| {
                let mut buffers = ([[A::default(); CHUNK]; N], [[A::default(); CHUNK]; M]);
                let mut buffer = buffers.0.iter_mut();
                let a = first.map(|x| nest.row(x, index, from, count, buffer.next().unwrap()));
                let mut buffer = buffers.1.iter_mut();
                let b = second.map(|x| nest.row(x, index, from, count, buffer.next().unwrap()));
                simd::fill(point, a, b, &mut out[at..at + count]);
            });
        });
    }
    Tensor::from_shape_vec(shape, out).expect("one element for each index")
}

/// The elements of a tensor as they lie along a shape that it broadcasts to.
pub struct Spread<'a, A> {
    packed: Packed<'a, A>,
    nest: Nest,
}

impl<'a, A: Float> Spread<'a, A> {
    /// The elements of `x` along `shape`, which has at least one axis.
    pub fn new(x: &'a Tensor<A>, shape: &[usize]) -> Self {
        let packed = Packed::new(x);
        let mut nest = Nest::new(shape);
        nest.operand(&packed);
        nest.coalesce();
        Self { packed, nest }
    }

    /// Writes those from place number `start` on.
    pub fn read(&self, start: usize, out: &mut [A]) {
        let walk = Walk { data: self.packed.data(), operand: 0 };
        self.nest.walk(start..start + out.len(), usize::MAX, |at, index, from, count| {
            self.nest.read(walk, index, from, &mut out[at..at + count]);
        });
    }
}

/// Adds to each element of `to` that of `other`, a tensor of the same shape.
pub fn accumulate<A: Float>(to: &mut Tensor<A>, other: &Tensor<A>) {
    if let (Some((to, steps)), Some((other, other_steps))) = (to.stored_mut(), other.stored())
        && &steps[..] == other_steps
    {
        return threads::divide(to, CHUNK, PER_THREAD, |start, to| {
            simd::add(to, &other[start..][..to.len()]);
        });
    }
    ndarray::Zip::from(to.view_mut()).and(&other.view()).for_each(|a, &b| *a += b);
}

/// One pass over the numbers `w` of a parameter, their gradients `g`, and what an optimiser keeps for
/// each: `update` gives the new number and what to keep.
///
/// # Panics
/// If the slices are of different lengths.
pub fn update<A: Float, const N: usize>(
    w: &mut [A],
    g: &[A],
    kept: [&mut [A]; N],
    update: impl Fn(A, A, [A; N]) -> (A, [A; N]) + Sync,
) {
    let n = w.len();
    assert!(g.len() == n && kept.iter().all(|kept| kept.len() == n), "slices of one length");
    threads::divide_all(w, kept, PER_THREAD, |start, w, kept| {
        simd::update(w, &g[start..][..w.len()], kept, &update);
    });
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

    /// Calls `visit` with each stretch of at most `most` elements along the innermost axis within
    /// a range of places: where it begins in the range, the index of the outer axes, where it begins
    /// along the innermost, and how long it is.
    fn walk(
        &self,
        places: Range<usize>,
        most: usize,
        mut visit: impl FnMut(usize, &[usize], usize, usize),
    ) {
        let inner = self.lengths[self.lengths.len() - 1];
        let mut index = SmallVec::<[usize; 6]>::from_elem(0, self.lengths.len());
        let mut outer = places.start / inner;
        for axis in (0..self.lengths.len() - 1).rev() {
            index[axis] = outer % self.lengths[axis];
            outer /= self.lengths[axis];
        }
        let (mut at, mut from) = (0, places.start % inner);
        while at < places.len() {
            let count = most.min(inner - from).min(places.len() - at);
            visit(at, &index, from, count);
            at += count;
            from += count;
            if from == inner {
                from = 0;
                self.advance(&mut index);
            }
        }
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
        if let (offset, 1) = self.place(walk.operand, index) {
            return &walk.data[offset + start..][..count];
        }
        self.read(walk, index, start, &mut buffer[..count]);
        &buffer[..count]
    }

    /// The same, copied.
    #[inline]
    fn read<A: Float>(&self, walk: Walk<'_, A>, index: &[usize], start: usize, out: &mut [A]) {
        match self.place(walk.operand, index) {
            (offset, 1) => out.copy_from_slice(&walk.data[offset + start..][..out.len()]),
            (offset, 0) => out.fill(walk.data[offset]),
            (offset, stride) => {
                let from = walk.data[offset + start * stride..].iter().step_by(stride);
                out.iter_mut().zip(from).for_each(|(to, &value)| *to = value);
            }
        }
    }

    /// Where an operand's row begins, and its step along the innermost axis.
    #[inline]
    fn place(&self, operand: usize, index: &[usize]) -> (usize, usize) {
        let (&last, outer) = self.strides[operand].split_last().expect("at least one axis");
        (index.iter().zip(outer).map(|(&i, &stride)| i * stride).sum(), last)
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
