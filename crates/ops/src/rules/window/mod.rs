//! Sliding windows: convolution, its transpose, and pooling, in one to three dimensions.
//!
//! Convolution is bilinear, and its derivatives are of the same family: for the trilinear form
//! ⟨g, conv(x, w)⟩ each of output, input and weight is given by the two others. One rule,
//! [`Conv`], is all three, and so closed under differentiation to any order. Average pooling is a
//! reduction of [`Windows`], the linear rule that lays every window out side by side; the maximum
//! has a rule of its own, [`MaxPool`], which lays out nothing.

mod conv;
mod max_pool;
mod methods;
mod shared;
mod windows;

pub use conv::Conv;
pub use max_pool::{MaxPool, MaxPoolSlope};
pub use methods::WindowMethods;
pub use windows::Windows;

pub use crate::kernel::{Part, Slide, Slides};
