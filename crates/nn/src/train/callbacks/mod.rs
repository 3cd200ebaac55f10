//! The usual callbacks.

mod clip_gradients;
mod csv_log;
mod dead_units;
mod early_stopping;
mod gradient_norms;
mod learning_rate;
mod save_checkpoint;
mod terminate_on_nan;

pub use clip_gradients::ClipGradients;
pub use csv_log::CsvLog;
pub use dead_units::DeadUnits;
pub use early_stopping::EarlyStopping;
pub use gradient_norms::GradientNorms;
pub use learning_rate::LearningRate;
pub use save_checkpoint::SaveCheckpoint;
pub use terminate_on_nan::TerminateOnNan;
