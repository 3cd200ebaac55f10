//! What a document must satisfy to be read.

use ops::{Float, visible, visible_whole};
use serde::Deserialize;
use thiserror::Error;

use super::{Document, FORMAT, Step, VERSION};

/// A document that cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// No JSON, or fields missing or of another type.
    #[error("this is no trace: {}", visible_whole(&.0.to_string()))]
    Json(#[from] serde_json::Error),
    /// JSON of another kind.
    #[error("this is no trace: its format is {found:?}, but {FORMAT:?} is read")]
    Format {
        /// Its `format`.
        found: String,
    },
    /// Another version.
    #[error("the trace has version {found} of the schema, but version {VERSION} is read")]
    Version {
        /// Its version.
        found: u32,
    },
    /// Another element type.
    #[error("the trace holds numbers of type {}, but {wanted} were asked for", visible(found))]
    Element {
        /// Its element type.
        found: String,
        /// The one asked for.
        wanted: &'static str,
    },
    /// An index that leads nowhere.
    #[error("the trace refers to number {index} of its {list}, where only {length} are allowed")]
    Index {
        /// The list.
        list: &'static str,
        /// The index.
        index: usize,
        /// The number of entries that it may refer to.
        length: usize,
    },
}

/// The fields that are read first.
#[derive(Deserialize)]
pub(super) struct Header {
    format: String,
    version: u32,
    element: String,
}

impl Header {
    pub fn check<A: Float>(self) -> Result<(), DocumentError> {
        if self.format != FORMAT {
            return Err(DocumentError::Format { found: self.format });
        }
        if self.version != VERSION {
            return Err(DocumentError::Version { found: self.version });
        }
        if self.element != A::NAME {
            return Err(DocumentError::Element { found: self.element, wanted: A::NAME });
        }
        Ok(())
    }
}

impl<A: Float> Document<A> {
    /// Refuses indices that lead nowhere.
    pub(super) fn check(&self) -> Result<(), DocumentError> {
        let (values, nodes) =
            (Range::new("values", &self.values), Range::new("nodes", &self.nodes));
        let (files, scopes) =
            (Range::new("files", &self.files), Range::new("scopes", &self.scopes));
        nodes.check([self.output])?;
        for (i, scope) in self.scopes.iter().enumerate() {
            // A scope is entered after the one around it.
            Range { list: "scopes", length: i }.check(scope.parent)?;
        }
        for (i, node) in self.nodes.iter().enumerate() {
            files.check([node.at[0] as usize])?;
            scopes.check(node.scope)?;
            Range { list: "nodes", length: i }.check(node.operands.iter().copied())?;
            nodes.check(node.uses.iter().map(|u| u[0]))?;
            values.check([node.value].into_iter().chain(node.gradient))?;
            Range::new("steps", &self.steps).check(node.backward)?;
            nodes.check(node.why.iter().flat_map(|why| &why.stops).map(|stop| stop.node))?;
        }
        values.check(self.loss_after)?;
        for update in &self.updates {
            nodes.check([update.node])?;
            values.check([update.before, update.after])?;
            values.check(update.largest.iter().map(|largest| largest.value))?;
            values.check(update.lines.iter().filter_map(|line| line.value))?;
        }
        for step in &self.steps {
            match step {
                Step::Forward { node } => nodes.check([*node])?,
                Step::Backward { node, adjoint, contributions } => {
                    nodes.check([*node])?;
                    values.check([*adjoint])?;
                    for c in contributions {
                        nodes.check([c.operand])?;
                        values.check(
                            [c.local_value, c.value, c.before, c.after].into_iter().flatten(),
                        )?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A list that indices point into.
#[derive(Clone, Copy)]
struct Range {
    list: &'static str,
    length: usize,
}

impl Range {
    fn new<T>(list: &'static str, of: &[T]) -> Self {
        Self { list, length: of.len() }
    }

    fn check(self, indices: impl IntoIterator<Item = usize>) -> Result<(), DocumentError> {
        let Self { list, length } = self;
        match indices.into_iter().find(|&index| index >= length) {
            Some(index) => Err(DocumentError::Index { list, index, length }),
            None => Ok(()),
        }
    }
}
