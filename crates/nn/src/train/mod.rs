//! Training and using a model.

mod callback;
pub mod callbacks;
mod evaluate;
mod fit;
mod history;
#[doc(hidden)] // For no one to call: it only says what is compiled here.
pub mod instances;
mod interrupt;
mod non_finite;
#[cfg(feature = "plot")]
mod plot;
mod progress;
mod replay;
mod resume;
mod showing;
mod trace_run;
mod validation;

pub use callback::{Callback, Monitor, Run, StepView, on_epoch_end};
pub use evaluate::{Evaluation, evaluate, evaluate_with, predict};
pub use fit::Fit;
pub use trace_run::TraceRun;

pub use crate::ground::{EpochLog, History, epoch_seed, step_seed};
