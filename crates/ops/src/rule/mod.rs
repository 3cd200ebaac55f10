//! What a rule is: its contract, one screen a file.

mod apply;
pub mod batched;
mod call;
pub mod cases;
#[macro_use]
mod declare;
mod family;
mod lift;
mod out;
mod reading;
#[allow(clippy::module_inception)]
mod rule;
mod shortcuts;
mod update;
pub mod visit;

pub(crate) use apply::or_panic;
pub use apply::{apply, apply_again, apply_into, arity, checked_shape, forward_by_parts};
pub use batched::{Batched, Lead};
pub use call::{Call, Contributions};
pub use cases::{Cases, Example, Refusal, example, refusal, sample, samples};
pub use family::Family;
pub use lift::Lift;
pub use out::Out;
pub use reading::{ReadScalar, Reading, Scalar};
pub use rule::Rule;
pub use shortcuts::{AtNumbers, Shortcuts};
pub use update::{Naming, Unnamed, UpdateRule};
pub use visit::Visitor;
