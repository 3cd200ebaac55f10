//! Scalar ops of a program, in runs of equal ops.

use std::any::TypeId;
use std::collections::HashMap;

use ops::Float;
use ops::describe::Attributes;
use ops::fuse::Numbers;

use super::allocate::Planner;
use super::code::{Scalars, Slot};
use super::schedule::Class;

impl<A: Float> Planner<'_, A> {
    /// Orders ops of scalars by level, so that a level needs only the levels before it, and within a
    /// level by rule.
    pub(super) fn scalars(&mut self, members: Vec<usize>) -> Scalars<A> {
        let (mut levels, mut rules) = (HashMap::new(), RuleNumbers::default());
        let mut order: Vec<(u32, u32, usize)> = Vec::with_capacity(members.len());
        for node in members {
            let level = |operand: &usize| levels.get(operand).map_or(0, |level| level + 1);
            let level = self.nodes.operands[node].iter().map(level).max().unwrap_or(0);
            levels.insert(node, level);
            let Class::Scalar(op) = &self.nodes.class[node] else { unreachable!("a scalar op") };
            order.push((level, rules.of(op.identity(), self.nodes.operands[node].len()), node));
        }
        order.sort_unstable();
        let steps = Numbers::new(self.numbers.len());
        let mut scalars = Scalars { steps, origins: Vec::new() };
        let mut last = None;
        for (level, rule, node) in order {
            let operands = self.operand_slots(node);
            self.assign(node);
            if last != Some((level, rule)) {
                last = Some((level, rule));
                let absent = std::mem::replace(&mut self.nodes.class[node], Class::Absent);
                let Class::Scalar(op) = absent else { unreachable!("a scalar op") };
                scalars.steps.begin(op, operands.len());
                self.plan.begin_run(self.name(node));
            }
            scalars.origins.push((self.name(node), self.location(node)));
            scalars.steps.result(operands.iter().map(|slot| match slot {
                Slot::Number(number) => *number,
                Slot::Tensor(_) => unreachable!("an operand of a scalar op is a scalar"),
            }));
            self.plan.scalar::<A>(node);
        }
        scalars
    }
}

/// Numbers given to rules; rules that compute the same have the same number.
#[derive(Default)]
struct RuleNumbers {
    known: HashMap<(TypeId, usize), Vec<(Attributes, u32)>>,
    count: u32,
}

impl RuleNumbers {
    fn of(&mut self, identity: Option<(TypeId, Attributes)>, arity: usize) -> u32 {
        let new = self.count;
        let Some((rule, attributes)) = identity else {
            self.count += 1;
            return new;
        };
        let known = self.known.entry((rule, arity)).or_default();
        if let Some((_, number)) = known.iter().find(|(other, _)| *other == attributes) {
            return *number;
        }
        known.push((attributes, new));
        self.count += 1;
        new
    }
}
