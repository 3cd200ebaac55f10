//! One pass over the elements of tensors that broadcast to one shape.

use ndarray::{
    ArrayView1, ArrayView2, ArrayViewD, ArrayViewMut1, ArrayViewMut2, ArrayViewMutD, SliceInfoElem,
};

use super::layout::{in_order, permuted_order};
use super::nest::{CHUNK, Nest, Operand};
use super::{Point, simd, threads};
use crate::ground::memory;
use crate::ground::shape::same;
use crate::number::Float;
use crate::tensor::Tensor;

/// The fewest elements worth a thread of their own.
const PER_THREAD: usize = 32_768;

/// Computes elements of the result from those of the operands.
type Fill<'f, A, const N: usize, const M: usize> =
    &'f (dyn Fn([&[A]; N], [&[A]; M], &mut [A]) + Sync);

/// Computes `point` at each index of `shape`, to which all operands broadcast.
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
    map_with(shape, first, second, &|x, y, out| simd::fill(point, x, y, out))
}

/// [`map`] for results of at least one axis, by a loop whose function is not known here.
fn map_with<A: Float, const N: usize, const M: usize>(
    shape: &[usize],
    first: [&Tensor<A>; N],
    second: [&Tensor<A>; M],
    fill: Fill<'_, A, N, M>,
) -> Tensor<A> {
    let (in_first, in_second) = (in_order_of(shape, first), in_order_of(shape, second));
    match in_first.zip(in_second) {
        Some((first, second)) => map_in_order(shape, first, second, fill),
        None => map_strided(shape, first, second, fill),
    }
}

/// The elements of operands that all have `shape` and lie in the order of its axes.
#[inline]
fn in_order_of<'a, A: Float, const N: usize>(
    shape: &[usize],
    x: [&'a Tensor<A>; N],
) -> Option<[&'a [A]; N]> {
    let mut elements: [&[A]; N] = [&[]; N];
    for (to, x) in elements.iter_mut().zip(x) {
        *to = x.elements().filter(|_| same(x.shape(), shape))?;
    }
    Some(elements)
}

/// [`map_with`] operands that all have `shape` and lie in the order of its axes.
fn map_in_order<A: Float, const N: usize, const M: usize>(
    shape: &[usize],
    first: [&[A]; N],
    second: [&[A]; M],
    fill: Fill<'_, A, N, M>,
) -> Tensor<A> {
    let mut out = memory::take(shape.iter().product());
    threads::divide(&mut out, CHUNK, PER_THREAD, |start, out| {
        let chunk = start..start + out.len();
        fill(simd::within(first, chunk.clone()), simd::within(second, chunk), out);
    });
    Tensor::from_buffer(shape, out)
}

/// [`map_with`] operands that broadcast, or lie in memory in any way.
///
/// The result is laid out as the first operand of its shape without gaps is.
fn map_strided<A: Float, const N: usize, const M: usize>(
    shape: &[usize],
    first: [&Tensor<A>; N],
    second: [&Tensor<A>; M],
    fill: Fill<'_, A, N, M>,
) -> Tensor<A> {
    let total = shape.iter().product();
    let mut out = memory::take(total);
    if total == 0 {
        return Tensor::from_buffer(shape, out);
    }
    let order = first.iter().chain(&second).find_map(|x| permuted_order(x, shape));
    let order = order.unwrap_or_else(|| (0..shape.len()).collect());
    let (first, second) = (first.map(Operand::new), second.map(Operand::new));
    let mut nest = Nest::new(shape, &order);
    let first = first.each_ref().map(|x| nest.add(x, &order));
    let second = second.each_ref().map(|x| nest.add(x, &order));
    nest.coalesce();
    let most = nest.chunk_length();
    threads::divide(&mut out, most, PER_THREAD, |start, out| {
        nest.for_each_chunk(start..start + out.len(), most, |at, chunk| {
            let mut buffers = ([[A::default(); CHUNK]; N], [[A::default(); CHUNK]; M]);
            let mut buffer = buffers.0.iter_mut();
            let x = first.map(|x| nest.chunk(x, chunk, buffer.next().unwrap()));
            let mut buffer = buffers.1.iter_mut();
            let y = second.map(|y| nest.chunk(y, chunk, buffer.next().unwrap()));
            fill(x, y, &mut out[at..at + chunk.length()]);
        });
    });
    in_order(out, shape, &order)
}

/// Adds to each element of `to` that of `other`, a tensor of the same shape.
pub fn accumulate<A: Float>(to: &mut Tensor<A>, other: &Tensor<A>) {
    if let (Some((to, strides)), Some((other, other_strides))) = (to.stored_mut(), other.stored())
        && &strides[..] == other_strides
    {
        return threads::divide(to, CHUNK, PER_THREAD, |start, to| {
            simd::add(to, &other[start..][..to.len()]);
        });
    }
    add_rows(to.view_mut(), &other.view());
}

/// Copies an array to another of the same shape.
pub fn copy_to<A: Float>(mut to: ArrayViewMutD<'_, A>, from: &ArrayViewD<'_, A>) {
    if let (Some(to), Some(from)) = (to.as_slice_mut(), from.to_slice()) {
        return to.copy_from_slice(from);
    }
    by_rows(to, from, &|mut to, from| match (to.as_slice_mut(), from.to_slice()) {
        (Some(to), Some(from)) => to.copy_from_slice(from),
        _ => to.assign(&from),
    });
}

/// Adds to each element of an array that of another of the same shape.
fn add_rows<A: Float>(to: ArrayViewMutD<'_, A>, other: &ArrayViewD<'_, A>) {
    by_rows(to, other, &|mut to, other| match (to.as_slice_mut(), other.to_slice()) {
        (Some(to), Some(other)) => simd::add(to, other),
        _ => ndarray::Zip::from(to).and(other).for_each(|a, &b| *a += b),
    });
}

/// Calls `work` with each row of an array and that of another of the same shape.
fn by_rows<A: Float>(
    mut to: ArrayViewMutD<'_, A>,
    other: &ArrayViewD<'_, A>,
    work: &impl Fn(ArrayViewMut1<'_, A>, ArrayView1<'_, A>),
) {
    if to.ndim() > 2 {
        let parts = to.outer_iter_mut().zip(other.outer_iter());
        return parts.for_each(|(to, other)| by_rows(to, &other, work));
    }
    // Of a known number of axes, as a loop over any number takes as long as a short row.
    let matrices = (to.view_mut().into_dimensionality(), other.view().into_dimensionality());
    if let (Ok::<ArrayViewMut2<'_, A>, _>(mut to), Ok::<ArrayView2<'_, A>, _>(other)) = matrices {
        let rows = to.outer_iter_mut().zip(other.outer_iter());
        return rows.for_each(|(to, other)| work(to, other));
    }
    let rows = to.rows_mut().into_iter().zip(other.rows());
    rows.for_each(|(to, other)| work(to, other));
}

/// Replaces each number of a parameter `w`, and what an optimiser keeps for it, in one pass.
///
/// `update` gets a number of `w`, its gradient from `g`, and what is kept for it; it gives the new
/// number and what to keep.
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
