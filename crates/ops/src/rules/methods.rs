//! The methods that every reading of tensors has: plain, recorded, dual or formula.
//!
//! Bring them into scope with `use ops::prelude::*;`.

pub use crate::rules::composed::ComposedMethods;
pub use crate::rules::elementwise::{BinaryMethods, UnaryMethods};
pub use crate::rules::gather::GatherMethods;
pub use crate::rules::layout::LayoutMethods;
#[cfg(feature = "linalg")]
pub use crate::rules::linalg::LinalgMethods;
pub use crate::rules::linear::LinearMethods;
pub use crate::rules::matmul::MatmulMethods;
pub use crate::rules::normalize::NormalizeMethods;
pub use crate::rules::reduce::ReduceMethods;
pub use crate::rules::softmax::SoftmaxMethods;
pub use crate::rules::window::WindowMethods;
