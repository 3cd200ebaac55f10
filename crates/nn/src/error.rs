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
    #[error("layer {layer} takes an input of shape {wanted}, but is given {given:?}{}", by(from.as_ref()))]
    LayerInput {
        /// The layer: its path in the model and its kind.
        layer: String,
        /// What it takes, in words: `[…, 784]`.
        wanted: String,
        /// The shape that reaches it.
        given: Vec<usize>,
        /// The layer whose output that is, if it is not the input of the model.
        from: Option<String>,
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
    /// The number of a token that an embedding does not have.
    #[error(
        "the input of {layer} is {given} at {position:?}, but must be a whole number from 0 to {}",
        *count as isize - 1
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

/// The layer that an input comes from, in words.
fn by(from: Option<&String>) -> String {
    from.map_or_else(String::new, |layer| format!(" by layer {layer}"))
}

impl Error {
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
