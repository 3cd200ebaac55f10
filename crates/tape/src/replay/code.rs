//! What a compiled program consists of.

use std::panic::Location;

use ops::{Float, Order, Shape};
use smallvec::SmallVec;

use crate::graph::error::Origin;
use crate::graph::op::{BoxedOp, Pointwise};

/// The slot of a value that outlives the step that computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// An index into the list of numbers.
    Number(u32),
    /// An index into the list of tensors.
    Tensor(u32),
}

/// A step of a program.
#[derive(Debug)]
pub(super) struct ProgramStep<A: Float> {
    pub work: Work<A>,
    /// Slots of views that nothing needs after the step; what they are views of may then be
    /// written again.
    pub release: Vec<u32>,
}

#[derive(Debug)]
pub(super) enum Work<A: Float> {
    Scalars(Scalars<A>),
    Group(Group<A>),
    Single(Single<A>),
    /// Adds an op's value to what is there.
    Accumulate {
        op: BoxedOp<A>,
        operands: SmallVec<[Slot; 3]>,
        to: u32,
    },
}

/// The origins of an op: of its operands, and the line that called it.
#[derive(Debug)]
pub(super) struct CallSite {
    pub operands: Vec<Origin>,
    pub location: &'static Location<'static>,
}

/// One op on whole tensors.
#[derive(Debug)]
pub(super) struct Single<A: Float> {
    pub op: BoxedOp<A>,
    pub operands: SmallVec<[Slot; 3]>,
    pub to: Slot,
    pub shape: Shape,
    pub site: CallSite,
}

/// Ops of scalars.
#[derive(Debug)]
pub(super) struct Scalars<A: Float> {
    pub runs: Vec<Run<A>>,
    /// Indices of the operands among the numbers: those of each result together, in the order of
    /// the results.
    pub operands: Vec<u32>,
    /// The index of the first result; the others follow.
    pub start: u32,
    /// The op of each result, and the line that called it.
    pub origins: Vec<(&'static str, &'static Location<'static>)>,
}

/// Equal ops of scalars, whose results are next to each other.
#[derive(Debug)]
pub(super) struct Run<A: Float> {
    pub op: Box<dyn Pointwise<A>>,
    /// The number of results.
    pub count: u32,
    /// The number of operands of each.
    pub arity: u32,
}

/// Pointwise ops on tensors of one shape, all run on one row of elements before the next.
#[derive(Debug)]
pub(super) struct Group<A: Float> {
    pub shape: Shape,
    /// The order of the axes in which elements follow one another, the last fastest.
    pub order: Order,
    pub externals: Vec<External>,
    pub code: Vec<Instruction<A>>,
    /// The number of rows that the group keeps for itself; the rows after them belong to `outs`.
    pub rows: usize,
    /// Rows that repeat one number.
    pub uniform: Vec<(u32, Slot)>,
    /// Slots of the tensors that it writes.
    pub outs: Vec<u32>,
    /// The length of a row.
    pub row: usize,
}

/// A tensor that a group reads and did not compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct External {
    pub slot: u32,
    /// True if its elements lie in the group's order; otherwise a row is gathered from it.
    pub straight: bool,
}

#[derive(Debug)]
pub(super) struct Instruction<A: Float> {
    /// The row that it writes.
    pub to: u32,
    pub what: What<A>,
}

#[derive(Debug)]
pub(super) enum What<A: Float> {
    /// Gathers a row of an external.
    Load(u32),
    Op {
        op: Box<dyn Pointwise<A>>,
        operands: SmallVec<[Operand; 3]>,
        name: &'static str,
        location: &'static Location<'static>,
    },
}

/// An operand in a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operand {
    Row(u32),
    /// A straight external.
    External(u32),
}

/// An index as instructions hold it.
pub(super) fn index(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2³² values")
}
