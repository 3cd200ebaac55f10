//! Storage: an n-dimensional array that is cheap to clone.

mod convert;
mod indices;
mod rank;
#[allow(clippy::module_inception)]
mod tensor;

pub use indices::Indices;
pub use tensor::{Tensor, TensorError};
