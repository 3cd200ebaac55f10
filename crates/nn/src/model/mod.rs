//! What a model is: parameters, modules that use them in a pass, their initialisers, summaries,
//! checks.

pub mod check;
pub mod init;
mod inside;
mod module;
mod parameter;
mod pass;
mod summary;

pub use init::Init;
pub(crate) use inside::on_behalf;
pub use module::Module;
pub use parameter::{Gradients, Parameter, ParameterId};
pub use pass::{Mode, Pass};
pub use summary::{LayerSummary, Summary, summary};
