//! Scalar ops of a program, in runs of equal ops.

use std::any::TypeId;

use ops::Float;
use ops::describe::Attributes;
use ops::fuse::Numbers;

use super::allocate::Planner;
use super::code::{Scalars, Slot, index};
use super::schedule::Class;

/// An op, and what it is ordered by.
#[derive(Clone, Copy, Default)]
struct Ranked {
    level: u32,
    rule: u32,
    node: u32,
}

impl<A: Float> Planner<'_, A> {
    /// Orders the ops of scalars of a step by level, so that a level needs only the levels before it,
    /// and within a level by rule.
    pub(super) fn scalars(&mut self, step: u32, members: &[usize]) -> Scalars<A> {
        let steps = Numbers::new(self.numbers.len());
        let mut scalars = Scalars { steps, origins: Vec::with_capacity(members.len()) };
        let mut last = None;
        for Ranked { level, rule, node } in self.ranked(step, members) {
            let node = node as usize;
            if last != Some((level, rule)) {
                last = Some((level, rule));
                let absent = std::mem::replace(&mut self.nodes.class[node], Class::Absent);
                let Class::Scalar(op) = absent else { unreachable!("a scalar op") };
                scalars.steps.begin(op, self.nodes.operands[node].len());
                self.plan.begin_run(self.name(node));
            }
            scalars.origins.push((self.name(node), self.location(node)));
            scalars.steps.result(self.nodes.operands[node].iter().map(|&x| match self.slot(x) {
                Slot::Number(number) => number,
                Slot::Tensor(_) => unreachable!("an operand of a scalar op is a scalar"),
            }));
            self.assign(node);
            self.plan.scalar::<A>(node);
        }
        scalars
    }

    fn ranked(&mut self, step: u32, members: &[usize]) -> Vec<Ranked> {
        let mut rules = RuleNumbers::default();
        let mut ranked = Vec::with_capacity(members.len());
        for &node in members {
            let operands = &self.nodes.operands[node];
            // Operands of earlier steps are there before the first level.
            let level = |&x: &usize| if self.step_of[x] == step { self.levels[x] + 1 } else { 0 };
            let level = operands.iter().map(level).max().unwrap_or(0);
            self.levels[node] = level;
            let Class::Scalar(op) = &self.nodes.class[node] else { unreachable!("a scalar op") };
            let rule = rules.of(op.identity(), operands.len());
            ranked.push(Ranked { level, rule, node: index(node) });
        }
        counted(&counted(&ranked, |ranked| ranked.rule), |ranked| ranked.level)
    }
}

/// Sorts by small numbers: by counting how often each occurs. What has the same number stays in order.
fn counted(from: &[Ranked], key: impl Fn(&Ranked) -> u32) -> Vec<Ranked> {
    let most = from.iter().map(&key).max().unwrap_or(0) as usize;
    let mut next = vec![0_u32; most + 2];
    for ranked in from {
        next[key(ranked) as usize + 1] += 1;
    }
    for number in 0..most {
        next[number + 1] += next[number];
    }
    let mut to = vec![Ranked::default(); from.len()];
    for ranked in from {
        let next = &mut next[key(ranked) as usize];
        to[*next as usize] = *ranked;
        *next += 1;
    }
    to
}

/// Numbers given to rules; rules that have the same number compute the same.
#[derive(Default)]
struct RuleNumbers {
    /// With their numbers of operands; those met lately are the last.
    known: Vec<(TypeId, usize, Attributes, u32)>,
    count: u32,
}

/// The number of rules among which one is looked for. A rule that is not found gets a number of its own,
/// which costs a run.
const MOST_KNOWN: usize = 64;

impl RuleNumbers {
    fn of(&mut self, identity: Option<(TypeId, Attributes)>, arity: usize) -> u32 {
        let new = self.count;
        let Some((rule, attributes)) = identity else {
            self.count += 1;
            return new;
        };
        let last = self.known.len();
        let lately = last.saturating_sub(MOST_KNOWN)..last;
        let is_it = |&at: &usize| {
            let (known, known_arity, of, _) = &self.known[at];
            *known == rule && *known_arity == arity && *of == attributes
        };
        if let Some(found) = lately.rev().find(is_it) {
            self.known.swap(found, last - 1);
            return self.known[last - 1].3;
        }
        self.known.push((rule, arity, attributes, new));
        self.count += 1;
        new
    }
}
