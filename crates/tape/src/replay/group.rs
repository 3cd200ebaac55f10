//! Fused groups of a program: which rows they need, and what each instruction reads and writes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ops::{Float, Shape, elements_in, order_of};

use super::allocate::Planner;
use super::code::{External, Group, Instruction, Operand, Slot, What, index};
use super::schedule::Class;

/// The number of bytes that a group's rows may take: they and what is read beside them stay in the
/// second-level cache.
const ROWS: usize = 64 << 10;

/// The smallest and the largest number of elements of a row.
const ROW: (usize, usize) = (256, 1024);

impl<A: Float> Planner<'_, A> {
    /// Compiles the members of a group, which runs in the given step.
    pub(super) fn group(&mut self, step: u32, members: &[usize]) -> Group<A> {
        let first = self.value(members[0]);
        let (shape, order) = (Shape::from_slice(first.shape()), order_of(first));
        let mut rows = Rows::default();
        let mut group = Group {
            shape,
            order,
            externals: Vec::new(),
            code: Vec::new(),
            rows: 0,
            uniform: Vec::new(),
            outs: Vec::new(),
            row: 0,
        };
        // The last member that reads each value, and the row or external that holds it now.
        let mut last_read: HashMap<usize, usize> = HashMap::new();
        for (number, &member) in members.iter().enumerate() {
            self.nodes.operands[member].iter().for_each(|&x| {
                last_read.insert(x, number);
            });
        }
        let mut held: HashMap<usize, Operand> = HashMap::new();
        for (number, &member) in members.iter().enumerate() {
            let reads = self.nodes.operands[member].clone();
            for &x in &reads {
                held.entry(x).or_insert_with(|| self.external(&mut group, &mut rows, x));
            }
            let operands = reads.iter().map(|x| held[x]).collect();
            let absent = std::mem::replace(&mut self.nodes.class[member], Class::Absent);
            let Class::Pointwise(op) = absent else { unreachable!("a member of a group") };
            // What is needed later is written where it stays, anything else to a row.
            let to = if self.last_use[member] > step {
                let slot = self.assign(member);
                let Slot::Tensor(tensor) = slot else { unreachable!("a tensor") };
                group.outs.push(tensor);
                self.plan.member(self.tape, member, Some(slot));
                OUT | index(group.outs.len() - 1)
            } else {
                self.plan.member(self.tape, member, None);
                rows.take()
            };
            held.insert(member, Operand::Row(to));
            let (name, location) = (self.name(member), self.location(member));
            group.code.push(Instruction { to, what: What::Op { op, operands, name, location } });
            let done = reads.iter().filter(|&x| last_read[x] == number);
            let own = (!last_read.contains_key(&member)).then_some(&member);
            for x in done.chain(own) {
                if let Some(&Operand::Row(row)) = held.get(x) {
                    held.remove(x);
                    rows.give(row);
                }
            }
        }
        group.finish(rows.count);
        group
    }

    /// Finds how a group reads a value from outside.
    fn external(&self, group: &mut Group<A>, rows: &mut Rows, x: usize) -> Operand {
        let slot = self.slot(x);
        let value = self.value(x);
        if value.len() == 1 {
            let row = rows.take_for_good();
            group.uniform.push((row, slot));
            return Operand::Row(row);
        }
        let Slot::Tensor(slot) = slot else { unreachable!("a tensor of several elements") };
        let straight = value.shape() == &group.shape[..]
            && matches!(elements_in(value, &group.order), Cow::Borrowed(_));
        let external = index(group.externals.len());
        group.externals.push(External { slot, straight });
        if straight {
            return Operand::External(external);
        }
        let row = rows.take();
        group.code.push(Instruction { to: row, what: What::Load(external) });
        Operand::Row(row)
    }
}

/// Marks the number of a row that is one of a group's outs.
const OUT: u32 = 1 << 31;

impl<A: Float> Group<A> {
    /// Numbers the outs after the group's own rows, and chooses the length of a row.
    fn finish(&mut self, rows: usize) {
        self.rows = rows;
        let number = |row: &mut u32| {
            if *row & OUT != 0 {
                *row = (*row & !OUT) + index(rows);
            }
        };
        for Instruction { to, what } in &mut self.code {
            number(to);
            if let What::Op { operands, .. } = what {
                for operand in operands {
                    if let Operand::Row(row) = operand {
                        number(row);
                    }
                }
            }
        }
        let all = rows + self.outs.len() + self.externals.len();
        let length: usize = self.shape.iter().product();
        self.row = (ROWS / size_of::<A>() / all.max(1)).clamp(ROW.0, ROW.1).min(length);
    }
}

/// The rows of a group, and which of them are free.
#[derive(Default)]
struct Rows {
    count: usize,
    free: Vec<u32>,
    kept: HashSet<u32>,
}

impl Rows {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| self.new_row())
    }
    /// Takes a row that nothing else is written to, before or after.
    fn take_for_good(&mut self) -> u32 {
        let row = self.new_row();
        self.kept.insert(row);
        row
    }
    fn new_row(&mut self) -> u32 {
        self.count += 1;
        index(self.count - 1)
    }
    fn give(&mut self, row: u32) {
        if row & OUT == 0 && !self.kept.contains(&row) {
            self.free.push(row);
        }
    }
}
