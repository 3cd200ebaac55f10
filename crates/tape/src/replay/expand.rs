//! Replaces composed ops by their parts, which can then share a pass with the ops around them.

use ops::{Family, Float};
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use super::schedule::needed;
use crate::graph::node::{Graph, Source, operands};
use crate::graph::scope::ScopeId;
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// A recording without composed ops.
#[derive(Debug)]
pub(super) struct Expanded<A: Float> {
    pub tape: Tape<A>,
    /// The new value of each value of the old recording.
    pub new_of: Vec<Option<NodeIndex>>,
    /// The old value that each new one is part of.
    pub old_of: Vec<usize>,
}

/// Records the values that `outputs` need once more, with every composed op as its parts. Names are
/// kept; the parts of #7 are named #7.1, #7.2 and so on. `None` if no op is composed.
pub(super) fn expand<A: Float>(tape: &Tape<A>, outputs: &[usize]) -> Option<Expanded<A>> {
    let graph = tape.graph();
    let needed = needed(&graph, outputs);
    let is_composed = |node: &usize| {
        let op = graph[NodeIndex::new(*node)].source.op();
        needed[*node] && op.is_some_and(|op| op.family() == Family::Composed)
    };
    (0..needed.len()).find(is_composed)?;
    let mut expanded = Expanded {
        tape: if tape.stops_at_non_finite() {
            Tape::new().stop_at_non_finite()
        } else {
            Tape::new()
        },
        new_of: vec![None; needed.len()],
        old_of: Vec::new(),
    };
    for node in (0..needed.len()).filter(|&node| needed[node]) {
        expanded.add(tape, &graph, node);
    }
    expanded.take_slopes(tape);
    Some(expanded)
}

impl<A: Float> Expanded<A> {
    fn add(&mut self, old: &Tape<A>, graph: &Graph<A>, node: usize) {
        let Self { tape, new_of, old_of } = self;
        let before = old_of.len();
        let index = NodeIndex::new(node);
        let operands = operands(graph, index);
        let operands = operands.iter().map(|x| new_of[x.index()].expect("operands come before"));
        let operands: SmallVec<[Var<'_, A>; 3]> =
            operands.map(|index| Var::new(tape, index)).collect();
        let operands: SmallVec<[&Var<'_, A>; 3]> = operands.iter().collect();
        let (value, location) = (&graph[index].value, graph[index].location);
        let var = match &graph[index].source {
            Source::Variable => tape.var(value),
            Source::Constant => tape.constant(value),
            Source::Detached => *operands[0],
            Source::Op(op) if op.family() == Family::Composed => {
                let composed = tape.at((location, ScopeId::default()), || op.compose(&operands));
                composed.expect("a composed rule has parts")
            }
            Source::Op(op) => tape.push_value(value, op.boxed(), &operands, location),
        };
        new_of[node] = Some(var.index());
        let label = Var::new(old, index).short_label();
        for part in before..tape.len() {
            old_of.push(node);
            let index = NodeIndex::new(part);
            let name = if index == var.index() {
                label.clone()
            } else {
                format!("{label}.{}", part - before + 1)
            };
            tape.set_name(index, name);
        }
    }

    /// Takes over the notes on formulas of which something is needed.
    fn take_slopes(&self, old: &Tape<A>) {
        let Self { tape, new_of, .. } = self;
        let new = |old: usize| new_of.get(old).copied().flatten();
        let notes = old.slopes();
        notes.iter().filter_map(|note| note.moved(new)).for_each(|note| tape.add_slope(note));
    }
}
