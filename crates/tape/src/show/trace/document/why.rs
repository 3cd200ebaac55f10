//! Why gradients are zero or missing.

use ops::{Float, visible_whole};
use serde::{Deserialize, Serialize};

use super::is_default;
use crate::graph::var::Var;
use crate::show::trace::Trace;
use crate::show::trace::terms::indices;
use crate::sweep::why::Reason;
use crate::words::Language;

/// The elements that are looked at to find reasons: of a larger graph the first are found.
const LOOKS: usize = 500_000;

/// Why the gradient with respect to a node is zero or missing, all of it or some elements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The elements, by their numbers in the order of the axes; none if it is all of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub elements: Vec<usize>,
    /// The reason, in a sentence.
    pub reason: String,
    /// The places that it speaks of.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stops: Vec<Stop>,
}

/// A place that a gradient does not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The node.
    pub node: usize,
    /// The operand that its op keeps the gradient from; none of a value that is detached itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub operand: Option<usize>,
}

/// Finds reasons, as long as there is room for it.
pub(super) struct Reasons {
    language: Language,
    /// The elements of all nodes: what one look costs.
    elements: usize,
    room: usize,
}

impl Reasons {
    pub fn new<A: Float>(trace: &Trace<'_, A>, language: Language) -> Self {
        let elements = trace.nodes().iter().map(|x| x.value().len()).sum();
        Self { language, elements, room: LOOKS }
    }

    /// Why the gradient of a node is missing or zero, in all elements or, if it has few, in some.
    /// `number` gives the number of a node in the document, if it is there.
    pub fn of<A: Float>(
        &mut self,
        trace: &Trace<'_, A>,
        x: Var<'_, A>,
        few: usize,
        number: impl Fn(usize) -> Option<usize>,
    ) -> Vec<Why> {
        let node = trace.nodes().iter().find(|node| node.position() == x.position());
        let Some(&node) = node else { return Vec::new() };
        let mut found: Vec<Why> = Vec::new();
        let mut put = |element: Option<usize>, index: &[usize]| {
            let Some(room) = self.room.checked_sub(self.elements) else { return };
            self.room = room;
            let how = self.language.why_ask_of_one();
            let reason = trace.gradients().reason(self.language, node, index, how);
            let Reason { text, because, places } = reason;
            let reason = if because.is_empty() { text } else { because };
            let reason = visible_whole(&reason).into_owned();
            if let Some(same) = found.iter_mut().find(|why| why.reason == reason) {
                return same.elements.extend(element);
            }
            let stops = places.into_iter().filter_map(|(node, operand)| {
                Some(Stop { node: number(node.position())?, operand })
            });
            let stops = stops.collect();
            found.push(Why { elements: element.into_iter().collect(), reason, stops });
        };
        match trace.gradient(node) {
            Err(_) => put(None, &[]),
            Ok(gradient) if gradient.view().iter().all(|&g| g == A::zero()) => put(None, &[]),
            Ok(gradient) if gradient.len() <= few => {
                for (element, index) in indices(gradient.shape()).enumerate() {
                    if gradient.view()[&index[..]] == A::zero() {
                        put(Some(element), &index);
                    }
                }
            }
            Ok(_) => {}
        }
        found
    }
}
