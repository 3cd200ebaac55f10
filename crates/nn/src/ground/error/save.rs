//! What can go wrong in saving and loading.

use std::fmt;
use std::io;

use ops::{visible, visible_lines, visible_whole};
use thiserror::Error as ThisError;

/// What can go wrong in saving and loading, in sentences.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum SaveError {
    /// The operating system refused.
    #[error("cannot {action} {origin}: {source}", origin = visible_whole(origin))]
    Io {
        /// What was attempted: `"read"`, `"write"`.
        action: &'static str,
        /// The file, or what else was read from.
        origin: String,
        /// Why not.
        source: io::Error,
    },
    /// A file of the wrong kind, damaged or cut short.
    #[error("{origin} cannot be read: {problem}", origin = visible_whole(origin), problem = visible_lines(problem))]
    Format {
        /// The file, or what else was read from.
        origin: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The tensors do not fit the model.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// A model whose parameters cannot be saved as it shows them.
    #[error("the model cannot be saved or loaded: {problem}", problem = visible_lines(problem))]
    Model {
        /// What is wrong with it.
        problem: String,
    },
    /// A model that cannot be exported.
    #[cfg(feature = "onnx")]
    #[error(transparent)]
    Export(#[from] super::export::ExportError),
}

impl SaveError {
    pub(crate) fn format(origin: &str, problem: impl Into<String>) -> Self {
        Self::Format { origin: origin.to_owned(), problem: problem.into() }
    }

    pub(crate) fn io(action: &'static str, origin: &str) -> impl FnOnce(io::Error) -> Self {
        let origin = origin.to_owned();
        move |source| Self::Io { action, origin, source }
    }
}

/// All differences between tensors and what a model needs. The model was not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misfit {
    /// Where the tensors are from.
    pub origin: String,
    /// Parameters and buffers of the model without a tensor, with their shapes.
    pub missing: Vec<(String, Vec<usize>)>,
    /// Tensors that the model does not have, with their shapes.
    pub unexpected: Vec<(String, Vec<usize>)>,
    /// Tensors of another shape than the model's: path, the model's shape, the shape found.
    pub misshapen: Vec<(String, Vec<usize>, Vec<usize>)>,
    /// Tensors whose numbers the model cannot hold, and why.
    pub unfit: Vec<(String, String)>,
}

impl Misfit {
    /// Whether all fits.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
            && self.unexpected.is_empty()
            && self.misshapen.is_empty()
            && self.unfit.is_empty()
    }
}

impl std::error::Error for Misfit {}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = visible_whole(&self.origin);
        write!(f, "{origin} does not fit the model, which stays as it was:")?;
        let mut part = |title: &str, lines: Vec<String>| -> fmt::Result {
            if lines.is_empty() {
                return Ok(());
            }
            write!(f, "\n  {title} ({})", lines.len())?;
            lines.iter().try_for_each(|line| write!(f, "\n    {line}"))
        };
        let named = |(name, shape): &(String, Vec<usize>)| format!("{} {shape:?}", visible(name));
        part("missing", self.missing.iter().map(named).collect())?;
        part("unexpected", self.unexpected.iter().map(named).collect())?;
        let misshapen = self.misshapen.iter().map(|(name, model, found)| {
            format!("{} is {model:?} in the model, but {found:?} there", visible(name))
        });
        part("of another shape", misshapen.collect())?;
        let unfit = self
            .unfit
            .iter()
            .map(|(name, why)| format!("{}: {}", visible(name), visible_whole(why)));
        part("with unfit numbers", unfit.collect())
    }
}
