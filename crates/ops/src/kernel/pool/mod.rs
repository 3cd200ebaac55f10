//! The maximum over windows, and its derivative both ways.

mod interleaved;
mod planes;

use super::geometry::{Grid, Slide};
use super::layout::{Order, channels_last, elements_in, in_order, is_channels_last};
use super::threads;
use crate::ground::memory;
use crate::number::Float;
use crate::tensor::Tensor;

/// The fewest elements of the result worth a thread of their own.
const PER_THREAD: usize = 16_384;

/// The sizes of a pooling, and how its windows slide.
struct Geometry {
    grid: Grid,
    /// Channels that are pooled side by side: 1 where each is an image of its own.
    channels: usize,
}

impl Geometry {
    /// Elements of an image.
    fn image(&self) -> usize {
        self.grid.area() * self.channels
    }

    /// Elements of its result.
    fn pooled(&self) -> usize {
        self.grid.windows() * self.channels
    }
}

/// An algorithm of pooling.
#[derive(Clone, Copy, PartialEq)]
enum Algorithm {
    /// Channel by channel: [`planes`].
    Planes,
    /// Channels side by side in vector registers: [`interleaved`].
    Interleaved,
}

impl Algorithm {
    /// The algorithm for the layout of `x`.
    fn of<A: Float>(x: &Tensor<A>) -> Self {
        let is_image = x.ndim() <= 4;
        if is_image && is_channels_last(x) { Self::Interleaved } else { Self::Planes }
    }

    fn geometry(self, slides: &[Slide], image: &[usize], windows: &[usize]) -> Geometry {
        let channels = if self == Self::Planes { 1 } else { image[1] };
        Geometry { grid: Grid::new(slides, &image[2..], &windows[2..]), channels }
    }

    /// The order of axes in which it reads and writes.
    fn order(self, ndim: usize) -> Order {
        if self == Self::Planes { (0..ndim).collect() } else { channels_last(ndim) }
    }
}

/// Finds the largest element of each window.
pub fn max_pool<A: Float>(x: &Tensor<A>, shape: &[usize], slides: &[Slide]) -> Tensor<A> {
    if x.is_empty() {
        return Tensor::full(shape, A::NEG_INFINITY);
    }
    let algorithm = Algorithm::of(x);
    let geometry = algorithm.geometry(slides, x.shape(), shape);
    let (image, pooled, order) = (geometry.image(), geometry.pooled(), algorithm.order(x.ndim()));
    let elements = elements_in(x, &order);
    let mut result = memory::take(shape.iter().product());
    threads::divide(&mut result, pooled, PER_THREAD, |start, result| {
        let images = &elements[start / pooled * image..];
        match algorithm {
            Algorithm::Planes => planes::maxima(&geometry, images, result),
            Algorithm::Interleaved => interleaved::maxima(&geometry, images, result),
        }
    });
    in_order(result, shape, &order)
}

/// Computes the derivative of [`max_pool`] at `x` along `v`.
pub fn max_pool_slope<A: Float>(
    x: &Tensor<A>,
    v: &Tensor<A>,
    shape: &[usize],
    slides: &[Slide],
) -> Tensor<A> {
    if x.is_empty() {
        return Tensor::zeros(shape);
    }
    let geometry = Algorithm::Planes.geometry(slides, x.shape(), shape);
    let (image, pooled, order) =
        (geometry.image(), geometry.pooled(), Algorithm::Planes.order(x.ndim()));
    let (x, v) = (elements_in(x, &order), elements_in(v, &order));
    let mut result = memory::take(shape.iter().product());
    threads::divide(&mut result, pooled, PER_THREAD, |start, result| {
        let first = start / pooled * image;
        planes::slope(&geometry, &x[first..], &v[first..], result);
    });
    in_order(result, shape, &order)
}

/// Divides `v` among the largest elements of each window: the adjoint of [`max_pool_slope`].
pub fn max_pool_adjoint<A: Float>(x: &Tensor<A>, v: &Tensor<A>, slides: &[Slide]) -> Tensor<A> {
    let shape = x.shape();
    if x.is_empty() || v.is_empty() {
        return Tensor::zeros(shape);
    }
    let algorithm = Algorithm::of(x);
    let geometry = algorithm.geometry(slides, shape, v.shape());
    let (image, pooled, order) = (geometry.image(), geometry.pooled(), algorithm.order(x.ndim()));
    let (x, v) = (elements_in(x, &order), elements_in(v, &order));
    let mut result = memory::take(x.len());
    threads::divide(&mut result, image, PER_THREAD, |start, result| {
        let (images, v) = (&x[start..], &v[start / image * pooled..]);
        match algorithm {
            Algorithm::Planes => planes::adjoint(&geometry, images, v, result),
            Algorithm::Interleaved => interleaved::adjoint(&geometry, images, v, result),
        }
    });
    in_order(result, shape, &order)
}

/// Gives an element `x` of a window its share if it attains the maximum.
///
/// No element is larger than the maximum, so that one not smaller is equal to it, or one of the
/// two is NaN.
#[inline(always)]
fn share_of<A: Float>(x: A, maximum: A, share: A) -> A {
    if x < maximum { A::zero() } else { share }
}
