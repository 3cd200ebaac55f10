//! Fused groups of a program.

use std::collections::HashMap;

use ops::fuse::{Chain, Layout, Value};
use ops::{Float, Shape};
use smallvec::SmallVec;

use super::allocate::Planner;
use super::code::{Ending, Group, Slot};
use super::schedule::Class;

impl<A: Float> Planner<'_, A> {
    /// Compiles the members of a group, which runs in the given step.
    pub(super) fn group(&mut self, step: u32, members: &[usize]) -> Group<A> {
        let mut chain = Chain::new(Layout::of(self.value(members[0])));
        let (mut inputs, mut outs) = (Vec::new(), Vec::new());
        let (mut outputs, mut origins, mut endings) = (Vec::new(), Vec::new(), Vec::new());
        let mut values: HashMap<usize, Value> = HashMap::new();
        for &member in members {
            if matches!(self.nodes.class[member], Class::Ending) {
                chain.sum(values[&self.nodes.operands[member][0]]);
                endings.push(self.ending(member));
                continue;
            }
            let operands = self.nodes.operands[member].iter().map(|&x| {
                *values.entry(x).or_insert_with(|| {
                    inputs.push(self.slot(x));
                    chain.input(self.value(x))
                })
            });
            let operands: SmallVec<[Value; 3]> = operands.collect();
            let absent = std::mem::replace(&mut self.nodes.class[member], Class::Absent);
            let Class::Pointwise(op) = absent else { unreachable!("a member of a group") };
            // What is needed later is written where it stays.
            let slot = (self.last_use[member] > step).then(|| self.assign(member));
            origins.push((self.name(member), self.location(member)));
            let value = chain.step(op, &operands);
            values.insert(member, value);
            if let Some(Slot::Tensor(tensor)) = slot {
                outs.push(tensor);
                outputs.push(value);
            }
            let first = self.nodes.formulas.get(&member).copied();
            self.plan.member(self.tape, (member, first, &self.nodes.repeats), slot);
        }
        Group { fused: chain.compile::<A>(&outputs), inputs, outs, endings, origins }
    }

    /// The op of a node that takes the sum of a member.
    fn ending(&mut self, node: usize) -> Ending<A> {
        let slot = self.assign(node);
        let Slot::Number(to) = slot else { unreachable!("a sum of all elements is a number") };
        self.plan.member(self.tape, (node, None, &[]), Some(slot));
        let shape = Shape::from_slice(self.value(self.nodes.operands[node][0]).shape());
        Ending { op: self.op(node), shape, to }
    }
}
