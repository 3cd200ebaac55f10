//! The adjoints of a sweep: where contributions are added up, and nowhere else.

use ops::methods::LinearMethods;
use ops::{Float, Reading};
use petgraph::graph::NodeIndex;

use super::swept::{Contribution, Given, Swept};
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
}

impl<T: Reading> Adjoints<T> {
    /// Those of everything up to `output`, whose own is the seed.
    pub fn seeded<A: Float>(output: Var<'_, A>, reach: Reach<'_>, seed: T) -> Self {
        let end = output.position() + 1;
        let first = if let Reach::Since(first) = reach { first.min(end) } else { 0 };
        let mut sums = vec![None; end - first];
        if let Some(last) = sums.last_mut() {
            *last = Some(seed);
        }
        Self { first, sums }
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
    #[inline]
    pub fn complete(&mut self, node: NodeIndex, reach: Reach<'_>) -> Option<T> {
        let sum = &mut self.sums[node.index() - self.first];
        match reach {
            Reach::Marked(marked) if !marked[node.index()] => sum.take(),
            _ => sum.clone(),
        }
    }

    // ANCHOR: add
    /// Adds a contribution to the adjoint of its operand: summed back where the operand was
    /// broadcast, and to a part of the adjoint where the operand was sliced.
    #[inline(always)] // Into the walk.
    pub fn add<'t, A: Float>(
        &mut self,
        tape: &'t Tape<A>,
        Given { operand, position, contribution }: Given<'t, A, T>,
        watch: &mut impl Watch<T>,
    ) where
        T: Swept<'t, A>,
    {
        let Some(index) = operand.index().checked_sub(self.first) else { return };
        let sum = &mut self.sums[index];
        let contribution = match contribution {
            Contribution::Whole(value) if !value.fits(tape, operand) => {
                Contribution::Whole(value.sum_to(&Var::new(tape, operand).shape()))
            }
            fitting => fitting,
        };
        watch.pass(position, || contribution.whole(tape, operand), sum.as_ref());
        let total = match contribution {
            Contribution::Whole(value) => plus(sum.take(), value),
            Contribution::Part(part, value) => T::add_part(tape, operand, sum.take(), part, &value),
        };
        watch.added(position, sum.insert(total));
    }
    // ANCHOR_END: add
}

/// A value added to a sum that may not have begun.
#[inline]
pub(crate) fn plus<T: Reading>(sum: Option<T>, value: T) -> T {
    match sum {
        None => value,
        Some(sum) => sum.accumulate(value),
    }
}
