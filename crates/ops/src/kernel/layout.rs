//! The order of a tensor's axes in memory.
//!
//! A kernel reads an operand in the order in which it lies and lays its result out alike, so that
//! neither is read in jumps. Images are laid out with the channels last.

use std::ops::Deref;

use ndarray::{ArrayViewMutD, IxDyn};
use smallvec::{SmallVec, smallvec};

use crate::ground::memory::{self, Buffer};
use crate::number::Float;
use crate::tensor::Tensor;

/// Axes in an order, the last one fastest.
pub type Order = SmallVec<[usize; 6]>;

/// The axes in the order in which a tensor lies in memory.
pub fn order_of<A: Float>(x: &Tensor<A>) -> Order {
    permuted_order(x, x.shape()).unwrap_or_else(|| (0..x.ndim()).collect())
}

/// The order in which a tensor of this shape lies in memory without gaps, unless it is 0, 1, 2, ….
pub fn permuted_order<A: Float>(x: &Tensor<A>, shape: &[usize]) -> Option<Order> {
    if x.shape() != shape || x.elements().is_some() {
        return None;
    }
    let (_, strides) = x.stored()?;
    let mut order: Order = (0..shape.len()).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse(strides[axis]));
    strides.iter().all(|&stride| stride > 0).then_some(order)
}

/// Elements of a tensor, one after another.
#[derive(Debug)]
pub enum Elements<'x, A: Float> {
    /// They lie so.
    Borrowed(&'x [A]),
    /// They had to be copied.
    Copied(Buffer<A>),
}

impl<A: Float> Elements<'_, A> {
    /// The elements in memory of their own.
    pub fn into_buffer(self) -> Buffer<A> {
        match self {
            Self::Borrowed(elements) => {
                let mut buffer = memory::take(elements.len());
                buffer.copy_from_slice(elements);
                buffer
            }
            Self::Copied(buffer) => buffer,
        }
    }
}

impl<A: Float> Deref for Elements<'_, A> {
    type Target = [A];
    #[inline]
    fn deref(&self) -> &[A] {
        match self {
            Self::Borrowed(elements) => elements,
            Self::Copied(buffer) => buffer,
        }
    }
}

/// The elements of a tensor in the order 0, 1, 2, … of its axes.
pub fn ordered<A: Float>(x: &Tensor<A>) -> Elements<'_, A> {
    let order: Order = (0..x.ndim()).collect();
    elements_in(x, &order)
}

/// The elements of a tensor in an order of its axes: borrowed if they lie so, else copied.
pub fn elements_in<'x, A: Float>(x: &'x Tensor<A>, order: &[usize]) -> Elements<'x, A> {
    // Nearly always, and without a view of another order.
    if order.is_sorted()
        && let Some(elements) = x.elements()
    {
        return Elements::Borrowed(elements);
    }
    let view = x.view().permuted_axes(IxDyn(order));
    if let Some(elements) = view.to_slice() {
        return Elements::Borrowed(elements);
    }
    let mut elements = memory::take(x.len());
    let mut target =
        ArrayViewMutD::from_shape(view.shape(), &mut elements).expect("as many elements");
    target.assign(&view);
    Elements::Copied(elements)
}

/// The elements of a tensor of `shape` in an order of its axes, to overwrite all of them.
///
/// A tensor of another shape or layout is replaced by a new one.
pub fn elements_to_write<'x, A: Float>(
    x: &'x mut Tensor<A>,
    shape: &[usize],
    order: &[usize],
) -> &'x mut [A] {
    if order.is_sorted() {
        if x.shape() != shape || x.elements().is_none() {
            *x = unset(shape, order);
        }
        return x.elements_mut().expect("elements in the order of the axes");
    }
    if x.shape() != shape || !x.view().permuted_axes(IxDyn(order)).is_standard_layout() {
        *x = unset(shape, order);
    }
    let view = x.view_mut().permuted_axes(IxDyn(order));
    view.into_slice().expect("elements without gaps in this order")
}

/// A tensor of `shape` in an order of its axes, every element of which is to be written.
pub fn unset<A: Float>(shape: &[usize], order: &[usize]) -> Tensor<A> {
    in_order(memory::take(shape.iter().product()), shape, order)
}

/// Whether a tensor lies in memory without gaps in an order of its axes.
pub fn is_in_order<A: Float>(x: &Tensor<A>, order: &[usize]) -> bool {
    let Some((_, strides)) = x.stored() else { return false };
    let mut apart = 1;
    order.iter().rev().all(|&axis| {
        let length = x.shape()[axis];
        let fits = length == 1 || strides[axis] == apart;
        apart *= length as isize;
        fits
    })
}

/// A tensor of `shape` from its elements in an order of its axes.
pub fn in_order<A: Float>(elements: Buffer<A>, shape: &[usize], order: &[usize]) -> Tensor<A> {
    if order.is_sorted() {
        return Tensor::from_buffer(shape, elements);
    }
    let lengths: Order = order.iter().map(|&axis| shape[axis]).collect();
    let mut back: Order = smallvec![0; order.len()];
    order.iter().enumerate().for_each(|(i, &axis)| back[axis] = i);
    Tensor::from(elements.into_array(&lengths).permuted_axes(IxDyn(&back)))
}

/// The order of the axes `[batch, channels, …]` with the channels last.
pub fn channels_last(ndim: usize) -> Order {
    std::iter::once(0).chain(2..ndim).chain(std::iter::once(1)).collect()
}

/// Whether a tensor lies in memory with the channels last.
pub fn is_channels_last<A: Float>(x: &Tensor<A>) -> bool {
    x.elements().is_none() && order_of(x) == channels_last(x.ndim())
}
