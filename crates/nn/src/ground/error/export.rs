//! What can go wrong in exporting a model.

use std::panic::Location;

use ops::{visible, visible_lines};
use thiserror::Error as ThisError;

use crate::ground::words::{counted, shown_scopes};

/// Why a model cannot be exported.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ExportError {
    /// An op that cannot be written.
    #[error("{op}, recorded at {location}{}, cannot be exported: {why}", within(layer), op = visible(op), why = visible_lines(why))]
    Op {
        /// The op.
        op: String,
        /// The line of the program that recorded it.
        location: &'static Location<'static>,
        /// The layers that it belongs to, the outermost first.
        layer: Vec<String>,
        /// Why not.
        why: String,
    },
    /// A model that changes with the batch.
    #[error(
        "the model cannot be exported: it records {} for a batch of {} and {second} for \
         one of {}, or others. Export::batch exports it for one size of the batch",
        counted(*first, "op"),
        batches[0],
        batches[1]
    )]
    Structure {
        /// The sizes of the batch.
        batches: [usize; 2],
        /// What it records for the first.
        first: usize,
        /// What it records for the second.
        second: usize,
    },
    /// An output that is the same for any input.
    #[error(
        "the model cannot be exported: its output is not computed from its input by recorded ops"
    )]
    Independent,
    /// A number that the file cannot hold.
    #[error("the model cannot be exported: {tensor} holds {number:e}, too large for f32", tensor = visible(tensor))]
    Number {
        /// The path of the parameter, or what else it is.
        tensor: String,
        /// The number.
        number: f64,
    },
}

fn within(layer: &[String]) -> String {
    if layer.is_empty() { String::new() } else { format!(" in layer {}", shown_scopes(layer)) }
}
