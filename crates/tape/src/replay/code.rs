//! What a compiled program consists of.

use std::panic::Location;

use ops::fuse::{Fused, Numbers};
use ops::{Float, Shape};
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
    /// Copies an operand, as the op and others that read the copy would do.
    Copy {
        op: BoxedOp<A>,
        from: u32,
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
    /// A copy of an operand, by the operand's number. The op reads it as long as it would make one: that
    /// also follows from how leaves lie, which may be set.
    pub copied: Option<(usize, u32)>,
    pub to: Slot,
    pub shape: Shape,
    pub site: CallSite,
}

/// The name of an op, and the line that called it.
pub(super) type CodeOrigin = (&'static str, &'static Location<'static>);

/// Ops of scalars.
#[derive(Debug)]
pub(super) struct Scalars<A: Float> {
    /// The ops, in runs of equal ones.
    pub steps: Numbers<Box<dyn Pointwise<A>>>,
    /// The origin of each result.
    pub origins: Vec<CodeOrigin>,
}

/// Pointwise ops on tensors of one layout that share a pass over the data.
#[derive(Debug)]
pub(super) struct Group<A: Float> {
    pub fused: Fused<Box<dyn Pointwise<A>>>,
    /// Slots of the values that it reads.
    pub inputs: Vec<Slot>,
    /// Slots of the tensors that it writes.
    pub outs: Vec<u32>,
    /// The ops that take the sum of a member, in the order of the kernel's sums.
    pub endings: Vec<Ending<A>>,
    /// The origin of each op.
    pub origins: Vec<CodeOrigin>,
}

/// An op that takes the sum over a member of a group.
#[derive(Debug)]
pub(super) struct Ending<A: Float> {
    pub op: BoxedOp<A>,
    /// The shape of the member.
    pub shape: Shape,
    /// Where its value goes in the list of numbers.
    pub to: u32,
}

/// An index as a program holds it.
pub(super) fn index(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2³² values")
}
