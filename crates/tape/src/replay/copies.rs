//! Copies that several ops would make of the same value, made once.

use std::collections::HashMap;

use ops::{Float, Tensor};
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use super::allocate::Planner;
use super::code::{ProgramStep, Slot, Work};
use super::schedule::Class;

/// The copy of a value for the ops that would each begin with one.
#[derive(Debug)]
pub(super) struct SharedCopy {
    uses: u32,
    /// The last step that reads it.
    last: u32,
    slot: Option<u32>,
}

impl<A: Float> Planner<'_, A> {
    /// Finds values that several ops copy, as products copy a transposed weight: that of a recurrent
    /// network in each of its steps.
    pub(super) fn find_copies(&mut self) {
        let mut copies = HashMap::new();
        for node in 0..self.nodes.class.len() {
            if let Some((_, operand)) = self.copied_operand(node) {
                let new = || SharedCopy { uses: 0, last: 0, slot: None };
                let copy = copies.entry(operand).or_insert_with(new);
                copy.uses += 1;
                copy.last = copy.last.max(self.step_of[node]);
            }
        }
        copies.retain(|_, copy| copy.uses > 1);
        self.copies = copies;
    }

    /// The operand that the op of a node copies: its number, and the node.
    fn copied_operand(&self, node: usize) -> Option<(usize, usize)> {
        if !matches!(self.nodes.class[node], Class::Whole) {
            return None;
        }
        let operands = &self.nodes.operands[node];
        let op = self.graph[NodeIndex::new(node)].source.op()?.shortcuts()?;
        let values: SmallVec<[&Tensor<A>; 3]> = operands.iter().map(|&x| self.value(x)).collect();
        op.copies(&values).map(|number| (number, operands[number]))
    }

    /// The step that makes the copy which the op of a node reads, if it is the first to read it.
    pub(super) fn copy_before(&mut self, node: usize) -> Option<ProgramStep<A>> {
        let (_, operand) = self.copied_operand(node)?;
        let last = self.copies.get(&operand).filter(|copy| copy.slot.is_none())?.last;
        let to = self.buffer(&Tensor::zeros(self.value(operand).shape()), last);
        self.copies.get_mut(&operand)?.slot = Some(to);
        self.plan.begin_step();
        self.plan.copy(self.tape, operand, Slot::Tensor(to));
        let (op, from) = (self.op(node), self.slot(operand));
        let Slot::Tensor(from) = from else { unreachable!("numbers are not copied") };
        Some(ProgramStep { work: Work::Copy { op, from, to }, release: Vec::new() })
    }

    /// The number of the operand of which there is a copy, and the copy.
    pub(super) fn copied(&self, node: usize) -> Option<(usize, u32)> {
        let (number, operand) = self.copied_operand(node)?;
        Some((number, self.copies.get(&operand)?.slot?))
    }
}
