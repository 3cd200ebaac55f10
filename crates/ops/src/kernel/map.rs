//! One pass over the elements of tensors that broadcast to one shape.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{ArrayViewD, ArrayViewMutD, IxDyn, SliceInfoElem};
use smallvec::{SmallVec, smallvec};

use super::{simd, threads};
use crate::ground::memory;
use crate::number::{Float, Number};
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
    fn at<R: Number>(self, x: [R; N], y: [R; M]) -> R;
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
        let order = first.iter().chain(&second).find_map(|x| other_order(x, shape));
        let order = order.unwrap_or_else(|| (0..shape.len()).collect());
        let mut nest = Nest::new(shape, &order);
        let first = packed_first.each_ref().map(|x| nest.operand(x, &order));
        let second = packed_second.each_ref().map(|x| nest.operand(x, &order));
        nest.coalesce();
        threads::divide(&mut out, nest.chunk(), PER_THREAD, |start, out| {
            nest.walk(start..start + out.len(), nest.chunk(), |at, index, from, count| {
                let mut buffers = ([[A::default(); CHUNK]; N], [[A::default(); CHUNK]; M]);
                let mut buffer = buffers.0.iter_mut();
                let a = first.map(|x| nest.row(x, index, from, count, buffer.next().unwrap()));
                let mut buffer = buffers.1.iter_mut();
                let b = second.map(|x| nest.row(x, index, from, count, buffer.next().unwrap()));
                simd::fill(point, a, b, &mut out[at..at + count]);
            });
        });
        return in_order(out, shape, &order);
    }
    Tensor::from_shape_vec(shape, out).expect("one element for each index")
}

/// The elements of a tensor as they lie along a shape that it broadcasts to.
pub struct Spread<'a, A: Float> {
    packed: Packed<'a, A>,
    nest: Nest,
}

impl<'a, A: Float> Spread<'a, A> {
    /// The elements of `x` along `shape`, which has at least one axis, in an order of its axes.
    pub fn new(x: &'a Tensor<A>, shape: &[usize], order: &[usize]) -> Self {
        let packed = Packed::new(x);
        let mut nest = Nest::new(shape, order);
        nest.operand(&packed, order);
        nest.coalesce();
        Self { packed, nest }
    }

    /// Writes those from place number `start` on.
    pub fn read(&self, start: usize, out: &mut [A]) {
        let walk = Walk { data: self.packed.data(), operand: 0 };
        self.nest.walk(start..start + out.len(), usize::MAX, |at, index, from, count| {
            let out = &mut out[at..at + count];
            match self.nest.straight(walk, index, from, count) {
                Some(row) => out.copy_from_slice(row),
                None => self.nest.read(walk, index, from, out),
            }
        });
    }
}

/// The order of axes in which a tensor of this shape lies in memory without gaps, if it is not that
/// of its axes. What is computed from it is laid out in the same way, so that neither has to be
/// walked in jumps.
fn other_order<A: Float>(x: &Tensor<A>, shape: &[usize]) -> Option<Order> {
    if x.shape() != shape || x.elements().is_some() {
        return None;
    }
    let (_, strides) = x.stored()?;
    let mut order: Order = (0..shape.len()).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse(strides[axis]));
    strides.iter().all(|&stride| stride > 0).then_some(order)
}

/// The order of axes in which a tensor lies in memory, the last fastest.
pub fn order_of<A: Float>(x: &Tensor<A>) -> Order {
    other_order(x, x.shape()).unwrap_or_else(|| (0..x.ndim()).collect())
}

/// The elements of a tensor in an order of axes, the last fastest: borrowed if they lie so.
pub fn elements_in<'x, A: Float>(x: &'x Tensor<A>, order: &[usize]) -> Cow<'x, [A]> {
    let view = x.view().permuted_axes(IxDyn(order));
    if let Some(elements) = view.to_slice() {
        return elements.into();
    }
    let mut elements = memory::take(x.len());
    let mut target =
        ArrayViewMutD::from_shape(view.shape(), &mut elements).expect("as many elements");
    target.assign(&view);
    elements.into()
}

/// The elements of a tensor of `shape` in an order of axes, the last fastest, to write all of them;
/// it is made anew if it has another shape or lies otherwise in memory.
pub fn elements_to_write<'x, A: Float>(
    x: &'x mut Tensor<A>,
    shape: &[usize],
    order: &[usize],
) -> &'x mut [A] {
    if x.shape() != shape || !x.view().permuted_axes(IxDyn(order)).is_standard_layout() {
        *x = in_order(memory::take(shape.iter().product()), shape, order);
    }
    let view = x.view_mut().permuted_axes(IxDyn(order));
    view.into_slice().expect("elements without gaps in this order")
}

/// A tensor of `shape` from its elements in an order of axes, the last fastest.
pub(super) fn in_order<A: Float>(elements: Vec<A>, shape: &[usize], order: &[usize]) -> Tensor<A> {
    let lengths: Order = order.iter().map(|&axis| shape[axis]).collect();
    let fits = "one element for each index";
    if order.is_sorted() {
        return Tensor::from_shape_vec(shape, elements).expect(fits);
    }
    let mut back: Order = smallvec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &axis)| back[axis] = place);
    let array = ndarray::ArrayD::from_shape_vec(IxDyn(&lengths), elements).expect(fits);
    Tensor::from(array.permuted_axes(IxDyn(&back)))
}

/// Axes in some order.
pub type Order = SmallVec<[usize; 6]>;

/// Adds to each element of `to` that of `other`, a tensor of the same shape.
pub fn accumulate<A: Float>(to: &mut Tensor<A>, other: &Tensor<A>) {
    if let (Some((to, steps)), Some((other, other_steps))) = (to.stored_mut(), other.stored())
        && &steps[..] == other_steps
    {
        return threads::divide(to, CHUNK, PER_THREAD, |start, to| {
            simd::add(to, &other[start..][..to.len()]);
        });
    }
    add_rows(to.view_mut(), &other.view());
}

/// Adds to each element of an array that of another of the same shape, row by row.
pub fn add_rows<A: Float>(mut to: ArrayViewMutD<'_, A>, other: &ArrayViewD<'_, A>) {
    for (mut to, other) in to.rows_mut().into_iter().zip(other.rows()) {
        match (to.as_slice_mut(), other.to_slice()) {
            (Some(to), Some(other)) => simd::add(to, other),
            _ => ndarray::Zip::from(to).and(other).for_each(|a, &b| *a += b),
        }
    }
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

impl<A: Float> Tensor<A> {
    /// Adds `other` to a part of the tensor, in place if its elements are not shared.
    ///
    /// # Panics
    /// If the part is outside the tensor, or `other` has another shape than it.
    ///
    /// ```
    /// use ndarray::s;
    /// use ops::Tensor;
    ///
    /// let mut x = Tensor::from([1.0, 2.0, 3.0]);
    /// x.add_to_part(s![1..], &Tensor::from([10.0, 20.0]));
    /// assert_eq!(x, Tensor::from([1.0, 12.0, 23.0]));
    /// ```
    pub fn add_to_part(&mut self, part: impl AsRef<[SliceInfoElem]>, other: &Self) {
        let mut whole = self.view_mut();
        let part: ArrayViewMutD<'_, A> = whole.slice_mut(part.as_ref());
        assert_eq!(part.shape(), other.shape(), "the part and what is added to it have one shape");
        add_rows(part, &other.view());
    }
}

/// An operand's elements as they lie in memory; they are copied only if an axis is walked backwards.
enum Packed<'a, A: Float> {
    Scalar(A),
    Memory(&'a [A], &'a Tensor<A>),
    Copy(Tensor<A>),
}

impl<'a, A: Float> Packed<'a, A> {
    fn new(x: &'a Tensor<A>) -> Self {
        if x.ndim() == 0 {
            return Self::Scalar(x.item());
        }
        match span(x) {
            Some(elements) => Self::Memory(elements, x),
            // Into a buffer that is used again.
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

/// What lies in memory from a tensor's first element to its last, those that it leaves out among
/// them; `None` if it has no elements or walks an axis backwards.
#[allow(unsafe_code)]
fn span<A: Float>(x: &Tensor<A>) -> Option<&[A]> {
    let view = x.view();
    if view.is_empty() || view.strides().iter().any(|&stride| stride < 0) {
        return None;
    }
    let steps = view.shape().iter().zip(view.strides());
    let last: usize = steps.map(|(&length, &stride)| (length - 1) * stride as usize).sum();
    // Safety: no stride is negative, so the element with all indices 0 is the first in memory and
    // that with the largest indices, `last` elements further, the last. Both are elements of the one
    // array, without uninitialised elements, that the tensor shows all or a part of. The tensor is
    // borrowed and so cannot change it; no other tensor that shares it can either, since each
    // copies what it shares before it changes it.
    Some(unsafe { std::slice::from_raw_parts(view.as_ptr(), last + 1) })
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
    /// A nest over the axes of `shape` in an order, the last innermost.
    fn new(shape: &[usize], order: &[usize]) -> Self {
        let lengths = order.iter().map(|&axis| shape[axis]).collect();
        Self { lengths, strides: SmallVec::new() }
    }

    fn operand<'a, A: Float>(&mut self, packed: &'a Packed<'_, A>, order: &[usize]) -> Walk<'a, A> {
        let (shape, strides) = packed.layout();
        let added = self.lengths.len() - shape.len();
        let mut row: SmallVec<[usize; 6]> = SmallVec::from_elem(0, added);
        row.extend(shape.iter().zip(strides).map(
            |(&length, &stride)| {
                if length == 1 { 0 } else { stride as usize }
            },
        ));
        self.strides.push(order.iter().map(|&axis| row[axis]).collect());
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

    /// How many of the innermost axes are walked together: two if the last is short.
    fn together(&self) -> usize {
        let (axes, last) = (self.lengths.len(), self.lengths[self.lengths.len() - 1]);
        if axes > 1 && last <= CHUNK / 2 { 2 } else { 1 }
    }

    /// The length of the stretches in which the elements are walked: whole rows, if rows are short.
    fn chunk(&self) -> usize {
        let last = self.lengths[self.lengths.len() - 1];
        if self.together() == 2 { CHUNK / last * last } else { CHUNK }
    }

    /// Calls `visit` with each stretch of at most `most` elements along the innermost axes within a
    /// range of places: where it begins in the range, the index of the outer axes, where it begins
    /// along the innermost, and how long it is.
    fn walk(
        &self,
        places: Range<usize>,
        most: usize,
        mut visit: impl FnMut(usize, &[usize], usize, usize),
    ) {
        let outer = self.lengths.len() - self.together();
        let inner: usize = self.lengths[outer..].iter().product();
        let mut index = SmallVec::<[usize; 6]>::from_elem(0, outer);
        let mut turn = places.start / inner;
        for axis in (0..outer).rev() {
            index[axis] = turn % self.lengths[axis];
            turn /= self.lengths[axis];
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

    /// `count` elements of an operand along the innermost axes, from `start`.
    #[inline]
    fn row<'a, A: Float>(
        &self,
        walk: Walk<'a, A>,
        index: &[usize],
        start: usize,
        count: usize,
        buffer: &'a mut [A; CHUNK],
    ) -> &'a [A] {
        if let Some(row) = self.straight(walk, index, start, count) {
            return row;
        }
        let row = &mut buffer[..count];
        self.read(walk, index, start, row);
        row
    }

    /// The same, if they lie side by side.
    #[inline]
    fn straight<'a, A: Float>(
        &self,
        walk: Walk<'a, A>,
        index: &[usize],
        start: usize,
        count: usize,
    ) -> Option<&'a [A]> {
        let strides = &self.strides[walk.operand];
        let last = strides.len() - 1;
        let rows = self.together() == 1 || strides[last - 1] == self.lengths[last];
        let from = self.offset(walk.operand, index) + start;
        (strides[last] == 1 && rows).then(|| &walk.data[from..][..count])
    }

    /// Where the rows of an operand begin at an index of the outer axes.
    #[inline]
    fn offset(&self, operand: usize, index: &[usize]) -> usize {
        index.iter().zip(&self.strides[operand]).map(|(&i, &stride)| i * stride).sum()
    }

    /// Copies the elements of an operand along the innermost axes, from `start`.
    fn read<A: Float>(&self, walk: Walk<'_, A>, index: &[usize], start: usize, out: &mut [A]) {
        let strides = &self.strides[walk.operand];
        let last = strides.len() - 1;
        let (data, step) = (&walk.data[self.offset(walk.operand, index)..], strides[last]);
        if self.together() == 1 {
            return gather(out, &data[start * step..], step);
        }
        let (length, jump) = (self.lengths[last], strides[last - 1]);
        let (mut row, mut from, mut at) = (start / length, start % length, 0);
        // The same row again and again is read once.
        let end = if jump == 0 { length.min(out.len()) } else { out.len() };
        while at < end {
            let count = (length - from).min(end - at);
            gather(&mut out[at..at + count], &data[row * jump + from * step..], step);
            (row, from, at) = (row + 1, 0, at + count);
        }
        while at < out.len() {
            let more = at.min(out.len() - at);
            out.copy_within(..more, at);
            at += more;
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
}

/// Every `step`-th element.
#[inline]
fn gather<A: Float>(to: &mut [A], from: &[A], step: usize) {
    match step {
        0 => to.fill(from[0]),
        1 => to.copy_from_slice(&from[..to.len()]),
        _ => to.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, &from)| *to = from),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::s;

    use super::*;
    use crate::rules::methods::LinearMethods;

    #[test]
    fn a_part_is_read_where_it_lies() {
        let x =
            Tensor::<f64>::from_shape_vec(&[3, 4, 5], (0..60).map(f64::from).collect()).unwrap();
        let part = x.slice(s![1.., ..;2, 1..4]);
        let elements = span(&part).expect("no axis is walked backwards");
        assert_eq!((elements[0], elements[elements.len() - 1]), (21.0, 53.0));
        assert_eq!(elements.len(), 33);
        let twice = map(&[2, 2, 3], [&part, &part.slice(s![.., ..1, ..])], [], Sum);
        let wanted = part.to_vec().into_iter().enumerate();
        let wanted: Vec<f64> =
            wanted.map(|(i, x)| x + f64::from(21 + 20 * (i as i32 / 6) + i as i32 % 3)).collect();
        assert_eq!(twice.to_vec(), wanted);
        assert!(span(&x.slice(s![.., ..;-1, ..])).is_none());
        assert!(span(&x.slice(s![..0, .., ..])).is_none());
    }

    #[derive(Clone, Copy)]
    struct Sum;

    impl Point<2, 0> for Sum {
        fn at<R: Number>(self, [x, y]: [R; 2], []: [R; 0]) -> R {
            x + y
        }
    }
}
