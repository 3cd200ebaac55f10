//! What can go wrong in building, training and using a model.

use thiserror::Error as ThisError;

use crate::data::DataError;

/// What can go wrong in building, training and using a model, in sentences.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The data set or its file.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The tape refused an op.
    #[error(transparent)]
    Tape(#[from] tape::error::TapeError),
    /// A layer cannot take an input of this shape.
    #[error("layer {layer} takes an input of shape {wanted}, but is given {given:?}")]
    LayerInput {
        /// The layer: its path in the model and its kind.
        layer: String,
        /// What it takes, in words: `[…, 784]`.
        wanted: String,
        /// The shape that reaches it.
        given: Vec<usize>,
    },
    /// The output of a model does not fit the targets under a loss.
    #[error("{loss} cannot compare an output of shape {output:?} with {targets}: {remedy}")]
    Targets {
        /// The loss.
        loss: &'static str,
        /// The shape of the output.
        output: Vec<usize>,
        /// The targets, in words.
        targets: String,
        /// What would fit.
        remedy: String,
    },
    /// A label that is no class of the model.
    #[error(
        "row {row} has label {label}, but the model's output has {classes} classes, so labels 0 \
         to {} are allowed", classes - 1
    )]
    Label {
        /// The row, from 0.
        row: usize,
        /// Its label.
        label: usize,
        /// How many classes the output has.
        classes: usize,
    },
    /// A setting out of its range.
    #[error("{setting} is {given}, but must be {allowed}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// The value given.
        given: String,
        /// What is allowed, in words.
        allowed: &'static str,
    },
    /// A loss that is infinite or NaN.
    #[error(
        "the loss is {loss} in epoch {epoch}, batch {batch} (both from 1); training stopped with \
         the parameters as they were before this batch. A smaller learning rate is the usual remedy"
    )]
    NotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in the epoch, from 1.
        batch: usize,
        /// The value of the loss.
        loss: f64,
    },
    /// A parameter and its gradient have different shapes.
    #[error("parameter {parameter} has shape {shape:?}, but its gradient has shape {gradient:?}")]
    GradientShape {
        /// The path of the parameter.
        parameter: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The shape of the gradient.
        gradient: Vec<usize>,
    },
}

impl Error {
    /// Puts `index` before the path of the layer, on the way out of a nested model.
    pub(crate) fn within(self, index: usize) -> Self {
        match self {
            Self::LayerInput { layer, wanted, given } => {
                let dot = if layer.starts_with(|c: char| c.is_ascii_digit()) { "." } else { " " };
                Self::LayerInput { layer: format!("{index}{dot}{layer}"), wanted, given }
            }
            other => other,
        }
    }
}
