//! The rules: every op's value and its local chain-rule gradient.
//!
//! | file | family |
//! |---|---|
//! | [`elementwise`] | one table line each: value and slope, generic over [`Real`](crate::Real) |
//! | [`linear`] | sums, layouts, slices and gathers, in adjoint pairs |
//! | [`matmul`] | the matrix product, whose gradients are matrix products |
//! | [`reduce`] | the maximum over axes |
//! | [`softmax`] | softmax, log-softmax and cross-entropy, with rules of their own for stability |

pub mod elementwise;
pub mod linear;
pub mod matmul;
pub mod reduce;
pub mod softmax;

#[doc(no_inline)]
pub use crate::rule::{Bound, Lift};
pub use elementwise::*;
pub use linear::*;
pub use matmul::*;
pub use reduce::*;
pub use softmax::*;
