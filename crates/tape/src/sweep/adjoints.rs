//! The adjoints of a sweep: where contributions are added up, and nowhere else.

use std::collections::HashMap;

use ops::methods::LinearMethods;
use ops::{Float, Reading};
use petgraph::graph::NodeIndex;

use super::swept::{Contribution, Swept};
use super::watch::Watch;
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// How far back a sweep goes, and which adjoints it keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reach<'k> {
    /// All nodes; all adjoints are kept.
    All,
    /// The nodes from this number on; all their adjoints are kept.
    Since(usize),
    /// All nodes; adjoints that are not marked are dropped as soon as they have been passed on.
    Marked(&'k [bool]),
}

/// The adjoint of each node that a sweep has reached.
#[derive(Clone, Debug)]
pub(crate) struct Adjoints<T> {
    /// The number of the first node.
    first: usize,
    sums: Vec<Option<T>>,
    /// What is to be put together when all uses of the node have been visited.
    parts: Parts<T>,
}

/// Contributions to parts of adjoints, by the node of the whole: each a node that is a part of it,
/// and the adjoint of that.
pub(crate) type Parts<T> = HashMap<NodeIndex, Vec<(NodeIndex, T)>>;

impl<T: Reading> Adjoints<T> {
    /// Those of everything up to `output`, whose own is the seed.
    pub fn seeded<A: Float>(output: Var<'_, A>, reach: Reach<'_>, seed: T) -> Self {
        let end = output.position() + 1;
        let first = if let Reach::Since(first) = reach { first.min(end) } else { 0 };
        let mut sums = vec![None; end - first];
        if let Some(last) = sums.last_mut() {
            *last = Some(seed);
        }
        Self { first, sums, parts: Parts::new() }
    }

    /// The nodes, in the order of recording.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeIndex> + use<T> {
        (self.first..self.first + self.sums.len()).map(NodeIndex::new)
    }

    /// The adjoint of a node, if anything reached it.
    pub fn get(&self, position: usize) -> Option<&T> {
        self.sums.get(position.checked_sub(self.first)?)?.as_ref()
    }

    /// The adjoint of a node all of whose uses have been visited, to be passed on.
    #[inline(always)] // Into the walk.
    pub fn complete<'t, A: Float>(
        &mut self,
        tape: &'t Tape<A>,
        node: NodeIndex,
        reach: Reach<'_>,
    ) -> Option<T>
    where
        T: Swept<'t, A>,
    {
        let sum = &mut self.sums[node.index() - self.first];
        if !self.parts.is_empty()
            && let Some(parts) = self.parts.remove(&node)
        {
            *sum = Some(T::assemble(tape, node, sum.take(), &parts));
        }
        // Not taken: to move what was just written in parts is slow.
        if let Reach::Marked(marked) = reach
            && !marked[node.index()]
        {
            let adjoint = sum.clone();
            *sum = None;
            return adjoint;
        }
        sum.clone()
    }

    // ANCHOR: add
    /// Adds a contribution to the adjoint of its operand: summed back where the operand was
    /// broadcast, and to a part of the adjoint where the operand was sliced.
    #[inline(always)] // A scalar's contribution stays in registers.
    pub fn add<'t, A: Float>(
        &mut self,
        tape: &'t Tape<A>,
        Contribution { operand, position, value, part }: Contribution<T>,
        watch: &mut impl Watch<T>,
    ) where
        T: Swept<'t, A>,
    {
        let Some(index) = operand.index().checked_sub(self.first) else { return };
        let sum = &mut self.sums[index];
        if let Some(part) = part {
            let whole = || T::assemble(tape, operand, None, &[(part, value.clone())]);
            watch.pass(position, whole, sum.as_ref());
            T::add_part(tape, operand, sum, &mut self.parts, part, value);
        } else if value.fits(tape, operand) {
            watch.pass(position, || value.clone(), sum.as_ref());
            plus(sum, value);
        } else {
            let value = value.sum_to(&Var::new(tape, operand).shape());
            watch.pass(position, || value.clone(), sum.as_ref());
            plus(sum, value);
        }
        watch.added(position, sum.as_ref());
    }
    // ANCHOR_END: add
}

/// Adds a value to a sum that may not have begun.
#[inline(always)]
pub(crate) fn plus<T: Reading>(sum: &mut Option<T>, value: T) {
    match sum {
        Some(sum) => sum.accumulate(value),
        None => *sum = Some(value),
    }
}
