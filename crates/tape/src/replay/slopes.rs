//! Finds products v · slope that a program computes in one step, instead of op by op as they were
//! recorded.

use ops::Float;
use petgraph::graph::NodeIndex;

use crate::graph::node::Graph;
use crate::graph::slope::SlopeNote;
use crate::graph::tape::Tape;

/// Picks the notes whose step computes what the formula computes, bit for bit, and saves something.
/// The nodes of those formulas but for the product are no longer needed.
///
/// A formula is left as it is if another value reads a part of it; if an op fell away when it was
/// recorded, as a factor of 1 does; or if a part of it has fewer elements than the product, and so is
/// cheaper on its own. So is every formula of a tape that stops at the first value that is not
/// finite, which may be within.
pub(super) fn joined<'n, A: Float>(
    tape: &Tape<A>,
    notes: &'n [SlopeNote<A>],
    outputs: &[usize],
    needed: &mut [bool],
) -> Vec<&'n SlopeNote<A>> {
    let is_needed =
        |note: &&SlopeNote<A>| needed.get(note.product.index()).is_some_and(|&needed| needed);
    if tape.stops_at_non_finite() || notes.is_empty() {
        return Vec::new();
    }
    let graph = tape.graph();
    let notes: Vec<_> = notes.iter().filter(is_needed).collect();
    let is_read = read_elsewhere(&graph, &notes, outputs, needed);
    let joined: Vec<_> = notes
        .into_iter()
        .filter(|note| {
            let parts = note.first.index()..note.product.index();
            !parts.clone().any(|part| is_read[part])
                && parts.clone().any(|part| graph[NodeIndex::new(part)].source.op().is_some())
                && has_all_ops(&graph, note)
        })
        .collect();
    for note in &joined {
        needed[note.first.index()..note.product.index()].fill(false);
    }
    joined
}

/// Marks the nodes of formulas that are outputs, or that a needed node of no part of the formula reads.
fn read_elsewhere<A: Float>(
    graph: &Graph<A>,
    notes: &[&SlopeNote<A>],
    outputs: &[usize],
    needed: &[bool],
) -> Vec<bool> {
    // The number of the formula, from 1, that each node is part of.
    let mut formula = vec![0_u32; needed.len()];
    for (number, note) in (1..).zip(notes) {
        formula[note.first.index()..=note.product.index()].fill(number);
    }
    let mut is_read = vec![false; needed.len()];
    for &output in outputs {
        is_read[output] = true;
    }
    for node in (0..needed.len()).filter(|&node| needed[node]) {
        for operand in graph.operands(NodeIndex::new(node)) {
            is_read[operand.index()] |= formula[operand.index()] != formula[node];
        }
    }
    is_read
}

/// Tells whether the formula has all ops of the step, each on as many elements as the product has,
/// which are some.
fn has_all_ops<A: Float>(graph: &Graph<A>, note: &SlopeNote<A>) -> bool {
    let (first, product) = (note.first.index(), note.product.index());
    let value = &graph[note.product].value;
    let shape = value.shape();
    if value.is_empty() {
        return false;
    }
    let mut ops = Vec::with_capacity(product + 1 - first);
    for part in (first..=product).map(NodeIndex::new) {
        let is_op = graph[part].source.op().is_some();
        if is_op && graph[part].value.shape() != shape {
            return false;
        }
        let inner = graph.operands(part);
        let inner = inner.filter_map(|x| x.index().checked_sub(first));
        let inner = inner.fold(u32::from(is_op), |sum, x| sum.saturating_add(ops[x]));
        ops.push(inner);
    }
    ops.last() == Some(&note.ops)
}
