//! Which element a text asks for.

use std::fmt::{self, Display};

use ops::{Float, Shape};

use crate::graph::label::{adjoint_of, plain, typed};
use crate::graph::var::Var;
use crate::show::trace::{Trace, visible};
use crate::words::Language;

/// The reason that there is no element to open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ElementError {
    /// No value is called so.
    NoValue {
        /// The name that was given.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The value does not take part in the trace.
    NoPart {
        /// The name of the value.
        name: String,
    },
    /// The value has no element of that index.
    NoElement {
        /// The name of the value.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The index that was given.
        index: Vec<usize>,
    },
}

impl ElementError {
    /// The reason in words.
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::NoValue { name, known } => language.element_no_value(name, known),
            Self::NoPart { name } => language.element_no_part(name),
            Self::NoElement { name, shape, index } => {
                let [lengths, asked] = [shape, index].map(|numbers| format!("{numbers:?}"));
                if shape.is_empty() {
                    return language.element_of_number(name, lengths, asked);
                }
                if shape.contains(&0) {
                    return language.element_no_index(name, lengths, asked);
                }
                let first = format!("{name}[{}]", vec!["0"; shape.len()].join(","));
                language.element_first(name, lengths, asked, first)
            }
        }
    }
}

impl Display for ElementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::ENGLISH))
    }
}

impl std::error::Error for ElementError {}

/// The element that a text asks for.
pub(super) struct Wanted<'t, A: Float> {
    pub node: Var<'t, A>,
    pub adjoint: bool,
    pub index: Shape,
}

impl<'t, A: Float> Trace<'t, A> {
    pub(super) fn check_element(
        &self,
        node: Var<'t, A>,
        index: &[usize],
    ) -> Result<(), ElementError> {
        let name = visible(&node.label());
        if self.forward_step_of(node).is_none() || node.tape().len() <= node.position() {
            return Err(ElementError::NoPart { name });
        }
        let shape = node.shape();
        if shape.len() == index.len() && index.iter().zip(&shape).all(|(i, length)| i < length) {
            return Ok(());
        }
        Err(ElementError::NoElement { name, shape: shape.to_vec(), index: index.to_vec() })
    }

    pub(super) fn wanted(&self, request: &str) -> Result<Wanted<'t, A>, ElementError> {
        let (text, asked_adjoint) = ["grad ", "adjoint "]
            .iter()
            .find_map(|word| request.trim().strip_prefix(word))
            .map_or((request.trim(), false), |rest| (rest, true));
        // A name may have brackets in it too: the whole text is tried first.
        for (name, index) in [(text, Shape::new())].into_iter().chain(with_index(text)) {
            if let Some((node, adjoint)) = self.called(name) {
                return Ok(Wanted { node, adjoint: adjoint || asked_adjoint, index });
            }
        }
        let known: Vec<String> = self.nodes.iter().map(|x| visible(&x.label())).take(40).collect();
        let name = with_index(text).map_or(text, |(name, _)| name);
        Err(ElementError::NoValue { name: visible(name), known: known.join(", ") })
    }

    /// The last value of that name, or of whose adjoint it is the name.
    fn called(&self, name: &str) -> Option<(Var<'t, A>, bool)> {
        let value = self.nodes.iter().rfind(|x| x.is_called(name));
        let is_adjoint =
            |x: &&Var<'t, A>| plain(&typed(&adjoint_of(&x.label()))) == plain(&typed(name));
        let adjoint = || self.nodes.iter().rfind(is_adjoint).map(|x| (*x, true));
        value.map(|x| (*x, false)).or_else(adjoint)
    }
}

/// A name and the index behind it: `W[1,0]`.
fn with_index(text: &str) -> Option<(&str, Shape)> {
    let (name, index) = text.strip_suffix(']')?.rsplit_once('[')?;
    let index: Option<Shape> = index.split(',').map(|i| i.trim().parse().ok()).collect();
    Some((name.trim_end(), index?))
}
