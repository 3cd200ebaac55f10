//! Who reads rules, and how: numbers, recorded values, dual numbers, text, terms.

mod as_number;
mod forward;
mod operators;
mod plain;
mod slope;
pub mod term;
mod text;

pub use as_number::{AsNumber, times_slope};
pub use forward::{Dual, jvp, pushforward};
pub use slope::SlopeStep;
pub use text::{gradient_formulas, value_formula};
