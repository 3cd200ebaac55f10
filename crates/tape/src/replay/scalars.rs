//! Scalar ops of a program, in runs of equal ops.

use std::any::TypeId;
use std::cmp::Reverse;

use ops::Float;
use ops::describe::{Attribute, Attributes};
use ops::fuse::Numbers;

use super::allocate::Planner;
use super::code::{Scalars, Slot, index};
use super::schedule::Class;

impl<A: Float> Planner<'_, A> {
    /// Puts the ops of scalars of a step into runs.
    pub(super) fn scalars(&mut self, members: &[usize]) -> Scalars<A> {
        let steps = Numbers::new(self.numbers.len());
        let mut scalars = Scalars { steps, origins: Vec::with_capacity(members.len()) };
        let mut last = None;
        for (rule, node) in self.in_runs(members) {
            // An op that reads the result before its own gets it at once if it begins a run.
            let operands = &self.nodes.operands[node];
            if last.is_none_or(|(of, before)| of != rule || operands.contains(&before)) {
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
            last = Some((rule, node));
            self.assign(node);
            self.plan.scalar::<A>(node);
        }
        scalars
    }

    /// The ops in the order of their runs, each with the number of its rule.
    ///
    /// The op that the longest chain of ops waits for comes next, and with it all of its rule whose
    /// operands are there, if they are many: so chains are followed result by result, and what hangs on
    /// them is left until it is worth a run.
    fn in_runs(&mut self, members: &[usize]) -> Vec<(u32, usize)> {
        let rules = self.rules(members);
        let (mut waits, users) = self.dependences(members);
        let mut ready = Ready::new(&rules);
        (0..members.len()).filter(|&place| waits[place] == 0).for_each(|place| ready.add(place));
        let (mut order, mut run) = (Vec::with_capacity(members.len()), Vec::new());
        for first in users.longest_first() {
            ready.take_with(first, &mut run);
            for &place in &run {
                order.push((rules[place], members[place]));
                for &user in users.of(place) {
                    waits[user as usize] -= 1;
                    if waits[user as usize] == 0 {
                        ready.add(user as usize);
                    }
                }
            }
        }
        order
    }

    /// The number of each op's rule.
    fn rules(&self, members: &[usize]) -> Vec<u32> {
        let mut numbers = RuleNumbers::default();
        let rule = |&node: &usize| {
            let Class::Scalar(op) = &self.nodes.class[node] else { unreachable!("a scalar op") };
            numbers.of(op.identity(), self.nodes.operands[node].len())
        };
        members.iter().map(rule).collect()
    }

    /// For each op, by its place among the members: on how many results of the step it waits, and which
    /// ops read its own.
    fn dependences(&mut self, members: &[usize]) -> (Vec<u32>, Users) {
        for (place, &node) in members.iter().enumerate() {
            self.places[node] = index(place);
        }
        let within = |node: usize| {
            let operands = self.nodes.operands[node].iter();
            let place = |&x: &usize| (self.places[x] as usize, x);
            operands.map(place).filter(|&(place, x)| members.get(place) == Some(&x)).map(|at| at.0)
        };
        let mut waits = vec![0; members.len()];
        let mut starts = vec![0; members.len() + 1];
        for (waits, &node) in waits.iter_mut().zip(members) {
            for x in within(node) {
                *waits += 1;
                starts[x + 1] += 1;
            }
        }
        (0..members.len()).for_each(|place| starts[place + 1] += starts[place]);
        let mut next = starts.clone();
        let mut users = vec![0; starts[members.len()] as usize];
        for (place, &node) in members.iter().enumerate() {
            for x in within(node) {
                users[next[x] as usize] = index(place);
                next[x] += 1;
            }
        }
        (waits, Users { starts, users })
    }
}

/// Ops whose operands are there, in a list for each rule, the last first.
struct Ready<'r> {
    rules: &'r [u32],
    last: Vec<Option<u32>>,
    /// The op before each in its list. Ops that have been taken alone are still in theirs.
    before: Vec<Option<u32>>,
    is_taken: Vec<bool>,
    /// The number of ops of each rule that have not been taken.
    counts: Vec<u32>,
}

/// The fewest ops of a rule that are a run for the sake of their number.
const MANY: u32 = 8;

impl<'r> Ready<'r> {
    fn new(rules: &'r [u32]) -> Self {
        let count = rules.iter().max().map_or(0, |&last| last as usize + 1);
        Self {
            rules,
            last: vec![None; count],
            before: vec![None; rules.len()],
            is_taken: vec![false; rules.len()],
            counts: vec![0; count],
        }
    }

    fn add(&mut self, place: usize) {
        let rule = self.rules[place] as usize;
        self.before[place] = self.last[rule].replace(index(place));
        self.counts[rule] += 1;
    }

    /// Takes an op, unless it has been taken, behind all others of its rule if they are many.
    fn take_with(&mut self, first: usize, run: &mut Vec<usize>) {
        run.clear();
        if self.is_taken[first] {
            return;
        }
        let rule = self.rules[first] as usize;
        self.is_taken[first] = true;
        if self.counts[rule] >= MANY {
            let mut next = self.last[rule].take();
            while let Some(place) = next {
                next = self.before[place as usize];
                if !std::mem::replace(&mut self.is_taken[place as usize], true) {
                    run.push(place as usize);
                }
            }
            run.reverse();
        }
        run.push(first);
        self.counts[rule] -= index(run.len());
    }
}

/// Which ops read each result, as often as they read it.
struct Users {
    /// Where those of each op begin.
    starts: Vec<u32>,
    users: Vec<u32>,
}

impl Users {
    fn of(&self, place: usize) -> &[u32] {
        &self.users[self.starts[place] as usize..self.starts[place + 1] as usize]
    }

    /// All ops, those that the longest chains of ops wait for first.
    fn longest_first(&self) -> Vec<usize> {
        let count = self.starts.len() - 1;
        let mut behind = vec![0_u32; count];
        for place in (0..count).rev() {
            let users = self.of(place).iter();
            behind[place] = users.map(|&user| behind[user as usize] + 1).max().unwrap_or(0);
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|&place| Reverse(behind[place]));
        order
    }
}

/// Numbers given to rules; rules that have the same number compute the same.
#[derive(Default)]
struct RuleNumbers {
    /// With their numbers of operands; those met lately are the last.
    known: Vec<(TypeId, usize, Attributes, u32)>,
    count: u32,
}

/// Whether two rules of one type have the same settings, so that they compute the same bits.
fn are_identical(of: &Attributes, others: &Attributes) -> bool {
    let same = |((name, one), (other, two)): (&(_, Attribute), &(_, _))| {
        name == other && one.is_identical(two)
    };
    of.len() == others.len() && of.iter().zip(others).all(same)
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
            *known == rule && *known_arity == arity && are_identical(of, &attributes)
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
