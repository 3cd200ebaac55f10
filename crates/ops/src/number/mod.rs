//! What a scalar rule may say, and the numbers it is read with.

pub(crate) mod fast;
mod float;
#[allow(clippy::module_inception)]
mod number;
pub mod probe;
mod remarks;
pub mod samples;
mod scalar;
mod with_number;

pub use float::Float;
pub(crate) use number::spoken_by_rules;
pub use number::{Number, logistic};
pub use probe::SlopeReads;
pub use remarks::{Remarks, Stops};
pub use samples::{ABOVE_ONE, ANY, ANY_OTHER, INSIDE_ONE, Kink, POSITIVE, Samples};
pub use scalar::{Binary, Elementwise, Unary};
pub use with_number::WithNumber;
