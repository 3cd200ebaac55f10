//! Plain data that everything above speaks of: shapes, problems, settings, formulas as text.

pub mod attribute;
pub(crate) mod memory;
pub mod notation;
pub mod problem;
pub mod shape;
mod visible;

pub(crate) use attribute::reduction_attributes;
pub use attribute::{Attribute, Attributes};
pub use notation::{Binding, Formula, Notation};
pub use problem::{OpError, Problem, show};
pub use shape::{Axes, Shape, broadcast, reduced, resolve_axis, stretched_axes};
pub use visible::{visible, visible_lines, visible_whole};
