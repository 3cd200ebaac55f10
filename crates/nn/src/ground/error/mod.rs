//! What can go wrong in building, training and using a model.

use std::path::{Path, PathBuf};

use ops::{visible, visible_lines};
use thiserror::Error as ThisError;

use super::history::History;
use super::words::{counted, shown_list, shown_path};

mod data;
#[cfg(feature = "onnx")]
mod export;
pub(crate) mod idx;
mod images;
mod save;
mod table;

pub use data::DataError;
#[cfg(feature = "onnx")]
pub use export::ExportError;
pub use images::ImageError;
pub use save::{Misfit, SaveError};
pub use table::TableError;

/// What can go wrong in building, training and using a model, in sentences.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The data set or its file.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Saving or loading.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The tape refused an op.
    #[error(transparent)]
    Tape(#[from] tape::error::TapeError),
    /// A layer cannot take an input of this shape.
    #[error("layer {layer} takes an input of shape {wanted}, but is given {given:?}{}", by(from.as_ref()), layer = visible(layer), wanted = visible(wanted))]
    LayerInput {
        /// The layer: its path in the model and its kind.
        layer: String,
        /// What it takes, in words: `[…, 784]`.
        wanted: String,
        /// The shape that reaches it.
        given: Vec<usize>,
        /// The layer that gives it, unless it is the input of the model.
        from: Option<String>,
    },
    /// The output of a model does not fit the targets under a loss or a metric.
    #[error("{measure} cannot compare an output of shape {output:?} with {targets}: {remedy}", measure = visible(measure), targets = visible(targets), remedy = visible_lines(remedy))]
    Targets {
        /// The loss or metric.
        measure: String,
        /// The shape of the output.
        output: Vec<usize>,
        /// The targets, in words.
        targets: String,
        /// What would fit.
        remedy: String,
    },
    /// A target that a loss or a metric cannot take.
    #[error(
        "row {row} of the targets holds {value}{}, but {measure} takes {allowed}",
        in_row(index),
        measure = visible(measure), allowed = visible(allowed)
    )]
    TargetValue {
        /// The loss or metric.
        measure: String,
        /// The row, from 0.
        row: usize,
        /// Where in the row, if it holds more than one number.
        index: Vec<usize>,
        /// What is there.
        value: f64,
        /// What may be, in words.
        allowed: String,
    },
    /// Target probabilities that do not sum to 1.
    #[error(
        "row {row} of the targets sums to {sum}, but {measure} takes probabilities that sum to 1 \
         along the last axis",
        measure = visible(measure)
    )]
    TargetSum {
        /// The loss or metric.
        measure: String,
        /// The row, from 0.
        row: usize,
        /// The sum.
        sum: f64,
    },
    /// Rows that are all left out.
    #[error(
        "none of {} counts for {measure}: each is ignored or of a class with weight 0",
        counted(*rows, "row"),
        measure = visible(measure)
    )]
    NothingCounts {
        /// The loss or metric.
        measure: String,
        /// How many rows there are.
        rows: usize,
    },
    /// A last batch of one sample that a layer cannot be trained on.
    #[error(
        "the last batch of an epoch has 1 row ({samples} in batches of {batch_size}), and {problem}. \
         Fit::drop_last leaves such a batch out; another batch size makes none",
        problem = visible_lines(problem)
    )]
    LastBatch {
        /// How many samples an epoch has.
        samples: usize,
        /// How many of them a batch has.
        batch_size: usize,
        /// Which layer, and why not, in words.
        problem: String,
    },
    /// An output that is NaN.
    #[error("row {row} of the outputs holds NaN, which says no class")]
    OutputNotANumber {
        /// The row, from 0.
        row: usize,
    },
    /// Weights that do not match the classes.
    #[error(
        "there {} {}, but the output has {}; each needs one",
        if *weights == 1 { "is" } else { "are" },
        counted(*weights, "weight"),
        counted(*classes, "class")
    )]
    ClassWeights {
        /// How many weights there are.
        weights: usize,
        /// How many classes the output has.
        classes: usize,
    },
    /// A label beyond the classes of the model.
    #[error(
        "row {row} has label {label}, but the model's output has {}",
        allowed_labels(*classes)
    )]
    Label {
        /// The row, from 0.
        row: usize,
        /// Its label.
        label: usize,
        /// How many classes the output has.
        classes: usize,
    },
    /// The number of a token that an embedding does not have.
    #[error(
        "the input of {layer} is {given} at {position:?}, but {}",
        allowed_tokens(*count),
        layer = visible(layer)
    )]
    Token {
        /// The embedding.
        layer: String,
        /// Where in the input.
        position: Vec<usize>,
        /// The number given.
        given: f64,
        /// How many tokens there are.
        count: usize,
    },
    /// A setting out of its range.
    #[error("{setting} is {given}, but must be {allowed}", given = visible(given))]
    Setting {
        /// The setting.
        setting: &'static str,
        /// The value given.
        given: String,
        /// What is allowed, in words.
        allowed: &'static str,
    },
    /// A parameter that memory cannot hold.
    #[error("a parameter cannot be made: {problem}")]
    TooLarge {
        /// Its shape and size, in words.
        problem: ops::Problem,
    },
    /// A loss that is infinite or NaN.
    #[error(
        "the loss is {loss} in epoch {epoch}, batch {batch} (both from 1): {first}. Training \
         stopped with the parameters as they were before this batch. A smaller learning rate is \
         the usual remedy",
        first = visible_lines(first)
    )]
    NotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in the epoch, from 1.
        batch: usize,
        /// The value of the loss.
        loss: f64,
        /// The first recorded value that is not finite, in words: which op, in which layer, from
        /// which line.
        first: String,
        /// The epochs that were finished.
        history: Box<History>,
    },
    /// A gradient that is infinite or NaN in a training run, though the loss is finite.
    #[error(
        "{what} is infinite or NaN in epoch {epoch}, batch {batch} (both from 1), though the loss \
         is {loss}: {first}. Training stopped with the parameters as they were before this batch",
        what = visible_lines(what), first = visible_lines(first)
    )]
    StepNotFinite {
        /// `the gradient of parameter 0.weight`, `the new value of buffer 1.running_var`.
        what: String,
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in the epoch, from 1.
        batch: usize,
        /// The value of the loss.
        loss: f64,
        /// Where the step first has such a value, in words: which op, from which line.
        first: String,
        /// The epochs that were finished.
        history: Box<History>,
    },
    /// A parameter that the steps of an epoch have made infinite or NaN.
    #[error(
        "parameter {parameter} is infinite or NaN after epoch {epoch}: a step was too large. A \
         smaller learning rate is the usual remedy; what was learned is in the last checkpoint, if \
         there is one",
        parameter = visible(parameter)
    )]
    ParameterNotFinite {
        /// The path of the parameter.
        parameter: String,
        /// The epoch, from 1.
        epoch: usize,
        /// The epochs that were finished.
        history: Box<History>,
    },
    /// A value to be monitored that no epoch has.
    #[error("there is no value {name:?} to monitor; an epoch of this run has: {known}", known = visible_lines(known))]
    Monitor {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A value that a callback goes by before it is logged.
    #[error(
        "the callback {callback:?} watches {name:?}, which a callback behind it logs: give it after \
         that one"
    )]
    WatchedTooEarly {
        /// The name of the callback that watches.
        callback: &'static str,
        /// The name of the value.
        name: String,
    },
    /// Two values of an epoch that have one name.
    #[error(
        "two values of an epoch have the name {name:?}, so that neither could be told from the other: \
         leave out one of the two metrics or callbacks"
    )]
    SameColumn {
        /// The name.
        name: String,
    },
    /// Ctrl-C cannot be listened to.
    #[error("cannot listen to Ctrl-C: {reason}", reason = visible_lines(reason))]
    Interrupt {
        /// What the operating system says.
        reason: String,
    },
    /// Remembered state that does not fit what it is given to.
    #[error("the state does not fit: {problem}", problem = visible_lines(problem))]
    State {
        /// What is missing, unexpected or misshapen.
        problem: String,
    },
    /// A file that cannot be read or written.
    #[error("cannot {action} {}: {reason}", shown_path(path), reason = visible_lines(reason))]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// A parameter and its gradient have different shapes.
    #[error("parameter {parameter} has shape {shape:?}, but its gradient has shape {gradient:?}", parameter = visible(parameter))]
    GradientShape {
        /// The path of the parameter.
        parameter: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The shape of the gradient.
        gradient: Vec<usize>,
    },
    /// A model that does not show its parameters as training needs them.
    #[error("the model cannot be trained as it shows itself: {problem}", problem = visible_lines(problem))]
    Model {
        /// What is wrong with it.
        problem: String,
    },
    /// A model in which no parameter can be trained.
    #[error("there is nothing to train: {problem}", problem = visible_lines(problem))]
    NothingToTrain {
        /// Why.
        problem: String,
    },
    /// Gradients of which none belongs to the model that they are to change.
    #[error(
        "none of the {} is of a parameter of this model: they are of another model, or of one that \
         this was cloned from (a clone's parameters are its own)",
        counted(*gradients, "gradient")
    )]
    ForeignGradients {
        /// How many gradients there are.
        gradients: usize,
    },
    /// A gradient that is infinite or NaN.
    #[error("the gradient of parameter {parameter} is infinite or NaN", parameter = visible(parameter))]
    GradientNotFinite {
        /// The path of the parameter.
        parameter: String,
    },
    /// A loss that is infinite or NaN where an optimiser evaluates it.
    #[error(
        "the loss is {loss}; the parameters are as they were at the last point where it was \
         finite. A smaller learning rate is the usual remedy, with L-BFGS a line search"
    )]
    LossNotFinite {
        /// The value of the loss.
        loss: f64,
    },
    /// A choice of parameters by their paths that matches nothing.
    #[error(
        "{choice} matches no parameter; there are: {}",
        shown_list(parameters),
        choice = visible(choice)
    )]
    Unmatched {
        /// What chose.
        choice: String,
        /// The paths of all parameters.
        parameters: Vec<String>,
    },
}

/// The classes of an output, and the labels that they allow.
fn allowed_tokens(count: usize) -> String {
    match count {
        0 => "it has no tokens".to_owned(),
        1 => "its only token is 0".to_owned(),
        _ => format!("must be a whole number from 0 to {}", count - 1),
    }
}

fn allowed_labels(classes: usize) -> String {
    match classes {
        0 => "no classes".to_owned(),
        1 => "1 class, so only label 0 is allowed".to_owned(),
        _ => format!("{classes} classes, so labels 0 to {} are allowed", classes - 1),
    }
}

/// The layer that an input comes from, in words.
fn by(from: Option<&String>) -> String {
    from.map_or_else(String::new, |layer| format!(" by layer {}", visible(layer)))
}

/// An index in a row, in words.
fn in_row(index: &[usize]) -> String {
    if index.is_empty() { String::new() } else { format!(" at {index:?}") }
}

impl Error {
    /// A file that cannot be read or written.
    pub(crate) fn file(action: &'static str, path: &Path, error: &std::io::Error) -> Self {
        Self::File { action, path: path.to_owned(), reason: error.to_string() }
    }

    /// A layer's refusal of an input of shape `given`: what it is, and what it takes.
    pub fn layer_input(
        layer: impl Into<String>,
        wanted: impl Into<String>,
        given: &[usize],
    ) -> Self {
        let (layer, wanted) = (layer.into(), wanted.into());
        Self::LayerInput { layer, wanted, given: given.to_vec(), from: None }
    }

    /// Puts the name of a layer before the path in the message, on the way out of a nested model.
    /// `before` describes the layer that gave the input.
    pub(crate) fn within(self, name: &str, before: Option<&str>) -> Self {
        match self {
            Self::LayerInput { layer, wanted, given, from } => Self::LayerInput {
                // A path within a nested model goes on; a mere description comes after a space.
                layer: match layer.split_once(' ') {
                    Some((path, _)) if is_path(path) => format!("{name}.{layer}"),
                    _ => format!("{name} {layer}"),
                },
                wanted,
                given,
                from: match from {
                    Some(from) => Some(format!("{name}.{from}")),
                    None => before.map(ToOwned::to_owned),
                },
            },
            other => other,
        }
    }
}

/// Whether a word of a message is the path of a layer rather than its description.
fn is_path(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit() || c.is_lowercase()) && !word.contains('(')
}
