//! Who reads rules, and how: numbers, recorded values, dual numbers, text, terms.

mod as_number;
mod forward;
mod operators;
mod plain;
mod slope;
pub mod term;
mod text;
mod update;

pub use as_number::{AsNumber, times_slope};
pub use forward::{Dual, jvp, pushforward};
pub use slope::SlopeStep;
pub use text::{gradient_formulas, value_formula};
pub use update::{
    AnyUpdate, UpdateKind, UpdateLabels, UpdateLine, UpdateNumber, WriteNumber, any_update,
    update_lines,
};
