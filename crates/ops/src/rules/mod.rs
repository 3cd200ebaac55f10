//! The rules: every op's value and its local chain-rule gradient.
//!
//! | file | family |
//! |---|---|
//! | [`elementwise`] | one table entry each: value and slope, generic over [`Number`](crate::Number) |
//! | [`linear`] | sums, layouts, slices and gathers, in adjoint pairs |
//! | [`layout`] | linear maps along axes: flip, roll, pad, resize, triangles |
//! | [`gather`] | rows of a table, by indices that are an operand |
//! | [`matmul`] | the matrix product, whose gradients are matrix products |
//! | [`weighted_sum`] | the same of weights, of which 0 is an absence |
//! | [`reduce`] | the maximum over axes, logsumexp, the norm |
//! | [`composed`] | functions composed of other rules: products, variances, norms, einsum |
//! | [`softmax`] | softmax, log-softmax and cross-entropy, with rules of their own for stability |
//! | [`normalize`] | variance; batch, layer, group and root-mean-square normalisation |
//! | `linalg` | inverse, solution, determinant, Cholesky factor; feature `linalg` |
//! | [`window`] | convolution and pooling |

pub mod composed;
mod deviation;
mod einsum;
pub mod elementwise;
mod extreme;
pub mod gather;
pub mod layout;
#[cfg(feature = "linalg")]
pub mod linalg;
pub mod linear;
mod log_sum_exp;
pub mod matmul;
pub mod methods;
mod norm;
pub mod normalize;
pub mod reduce;
pub(crate) mod registry;
pub mod softmax;
pub mod weighted_sum;
pub mod window;

pub use crate::number::WithNumber;
#[doc(no_inline)]
pub use crate::rule::Lift;
pub use crate::tensor::Indices;
pub use elementwise::*;
pub use gather::*;
pub use layout::*;
#[cfg(feature = "linalg")]
pub use linalg::*;
pub use linear::*;
pub use matmul::*;
pub use normalize::*;
pub use reduce::*;
pub use softmax::*;
pub use weighted_sum::*;
pub use window::*;
