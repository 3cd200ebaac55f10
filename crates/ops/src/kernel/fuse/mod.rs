//! Chains of pointwise steps that share one pass over the data, and steps on single numbers.
//!
//! A [`Chain`] is built from inputs and steps and compiled to a [`Fused`] kernel: a chunk of
//! elements goes through all steps before the next, so that what lies between two steps stays in
//! the cache. [`Numbers`] are the same for graphs of scalars: a list of numbers, and runs of equal
//! steps that write one after another.
//!
//! ```
//! use ops::Tensor;
//! use ops::fuse::{Chain, Input, Layout, Step};
//!
//! /// The product of two operands.
//! struct Product;
//! impl Step<f64> for Product {
//!     fn fill(&self, operands: &[&[f64]], out: &mut [f64]) {
//!         let pairs = operands[0].iter().zip(operands[1]);
//!         out.iter_mut().zip(pairs).for_each(|(out, (a, b))| *out = a * b);
//!     }
//!     fn fill_at(&self, numbers: &mut [f64], to: usize, last: f64, indices: &[u32]) -> f64 {
//!         ops::fuse::fill_at(numbers, to, last, indices, |[a, b]| a * b)
//!     }
//! }
//!
//! let (matrix, row) = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([10.0, 100.0]));
//! let mut chain = Chain::new(Layout::of(&matrix));
//! let (x, w) = (chain.input(&matrix), chain.input(&row));
//! let product = chain.step(Product, &[x, w]);
//! let scaled = chain.step(Product, &[product, product]);
//! let fused = chain.compile::<f64>(&[scaled]);
//!
//! let mut out = [Tensor::zeros(&[2, 2])];
//! fused.run(&[Input::Tensor(&matrix), Input::Tensor(&row)], &mut out, &mut Vec::new());
//! assert_eq!(out[0], Tensor::from([[100.0, 40_000.0], [900.0, 160_000.0]]));
//! ```

mod chain;
mod fused;
mod numbers;

use super::layout::{Order, order_of};
use crate::ground::Shape;
use crate::number::Float;
use crate::tensor::Tensor;

pub use chain::{Chain, Value};
pub use fused::{Fused, Input, NonFinite};
pub(crate) use numbers::number_at;
pub use numbers::{Numbers, fill_at};

/// An op whose result at an index depends on its operands at that index only.
pub trait Step<A: Float>: Send + Sync {
    /// Computes the results for operands of the length of `out`.
    fn fill(&self, operands: &[&[A]], out: &mut [A]);

    /// Computes numbers one after another, writes them from the index `to` on and gives the last.
    ///
    /// `indices` holds the indices of the operands, number by number: any of `numbers` before the one that is
    /// computed. `last` is the number before `to`, for which nothing needs to wait until it is written; what
    /// is given is the next call's `last`. [`fill_at`] does the rest for a fixed number of operands.
    ///
    /// # Panics
    /// If an index is beyond the end of `numbers`.
    fn fill_at(&self, numbers: &mut [A], to: usize, last: A, indices: &[u32]) -> A;
}

/// The shape of a tensor and the order of its axes in memory.
///
/// Steps whose results have the same layout can share a chain.
///
/// ```
/// use ops::{Tensor, fuse::Layout, prelude::*};
///
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(Layout::of(&x), Layout::of(&x.tanh()));
/// assert_ne!(Layout::of(&x), Layout::of(&x.t()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    shape: Shape,
    order: Order,
}

impl Layout {
    /// The layout of `x`.
    pub fn of<A: Float>(x: &Tensor<A>) -> Self {
        if x.ndim() == 0 {
            return Self { shape: Shape::new(), order: Order::new() };
        }
        Self { shape: Shape::from_slice(x.shape()), order: order_of(x) }
    }

    /// The lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}
