//! Linear rules that rearrange, repeat, resample or accumulate along axes, in adjoint pairs.
//!
//! Flipping, rolling, repeating, tiling, padding, nearest and bilinear resizing and adaptive
//! averaging are one rule, [`AxisMap`]: each index of the result is a weighted sum of indices of
//! the operand, along one axis.

mod axis_map;
mod cumsum;
mod diagonal;
mod methods;
mod shared;
mod take_along;
mod triangle;

pub use axis_map::AxisMap;
pub(super) use axis_map::rows_of;
pub use cumsum::Cumsum;
pub use diagonal::{Diagonal, DiagonalAdjoint};
pub use methods::{LayoutMethods, Padding};
pub use take_along::{ScatterAdd, TakeAlong};
pub use triangle::Triangle;
