//! What a rule is: its contract, one screen a file.

mod apply;
pub mod cases;
#[macro_use]
mod declare;
mod lift;
mod reading;
#[allow(clippy::module_inception)]
mod rule;
pub mod visit;

pub use apply::{apply, apply_into, arity, checked_shape};
pub use cases::{Cases, Example, Refusal, example, refusal, sample, samples};
pub use lift::Lift;
pub use reading::{ReadScalar, Reading, Scalar};
pub use rule::{Call, Contributions, Rule, bilinear_jvp, linear_jvp};
pub use visit::Visitor;
