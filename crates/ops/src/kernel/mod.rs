//! The loops under the rules. Everything about speed is here; README.md says what runs when.
//!
//! A kernel knows elements and geometry, and no rule.

#[cfg(test)]
mod accuracy;
mod along;
mod convolve;
#[cfg(feature = "threads")]
mod crew;
mod extremes;
pub mod fuse;
mod geometry;
mod layout;
mod map;
mod moments;
mod nest;
mod point;
mod pool;
mod product;
mod reduction;
mod simd;
mod sums;
mod threads;
mod windows;

pub use along::{SparseMap, cumulate};
pub use convolve::convolve;
pub use extremes::extreme_into;
pub use geometry::{Part, Slide, Slides};
pub use layout::{is_in_order, ordered, unset};
pub use map::{accumulate, copy_to, map, update};
pub use moments::{Normalization, deviation, norm, normalize, normalize_slope, variance};
pub use point::Point;
pub use pool::{max_pool, max_pool_adjoint, max_pool_slope};
pub use product::{
    SUMMED_AT_ONCE, add_product, batched_into, copies_second, copy_second, product_into,
};
pub use simd::fill;
pub use sums::{sum, sum_axes_into};
pub use threads::with_threads;
pub use windows::{windows, windows_adjoint};
