//! What a program runs, and where each value lives.

use ops::{Float, Formula, Shape, Tensor};
use petgraph::graph::NodeIndex;

use super::allocate::Holds;
use super::code::Slot;
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// The steps of a [`Program`](crate::Program), which ops share a pass over the data, and
/// where each value lives.
///
/// ```
/// use tape::{Tape, prelude::*};
///
/// let tape = Tape::new();
/// let x = tape.var([0.5, 1.0]).named("x");
/// let plan = tape.compile(&[(x.tanh() * x.sigmoid()).exp()]).plan().to_string();
/// assert!(plan.contains("4 ops in one pass over [2]"), "{plan}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Plan {
    steps: Vec<PlannedStep>,
    buffers: Vec<Shape>,
    buffer_bytes: usize,
    recorded_bytes: usize,
    pub(crate) numbers: usize,
    pub(crate) values: usize,
}

/// A step of a program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PlannedStep {
    /// Ops of scalars, in runs of equal ops: the name of each run's op, and the positions on the
    /// tape of what it computes.
    Scalars(Vec<(&'static str, Vec<u32>)>),
    /// Elementwise ops on tensors of one shape that share a pass over the data, and sums and means of
    /// what they compute: each row of elements goes through all of them before the next.
    Fused(Vec<PlannedValue>),
    /// One op.
    Single(PlannedValue),
    /// A copy of a value by rows, for ops that would each make one.
    Copy(PlannedValue),
}

/// A value of a program.
#[derive(Clone, Debug)]
pub struct PlannedValue {
    /// Its position on the tape; of a part of a composed op, such as softmax, that of the op.
    pub position: usize,
    /// Its name on the tape, or `#` and its position; of the parts of #7 #7.1, #7.2 and so on.
    pub label: String,
    /// The formula, in the labels of its operands.
    pub formula: String,
    /// Its shape.
    pub shape: Shape,
    /// The memory that it lives in.
    pub storage: Storage,
}

/// The memory that a value of a program lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Storage {
    /// A buffer, by its number. Values that do not live at the same time share one.
    Buffer(usize),
    /// A row, which never holds all of it: it is computed and used row by row.
    Row,
    /// The memory of another value, whose elements it has in another shape or order.
    View,
    /// The program's list of scalars.
    Number,
}

impl Plan {
    /// The steps, in order.
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// The shapes of the buffers that hold tensors, by number, without leaves.
    pub fn buffers(&self) -> &[Shape] {
        &self.buffers
    }

    /// The bytes of all buffers and scalars, without leaves.
    pub fn bytes(&self) -> usize {
        self.buffer_bytes
    }

    /// The bytes of the same values as the tape recorded them.
    pub fn recorded_bytes(&self) -> usize {
        self.recorded_bytes
    }

    pub(super) fn begin_step(&mut self) {
        self.steps.push(PlannedStep::Scalars(Vec::new()));
    }

    pub(super) fn begin_run(&mut self, op: &'static str) {
        if let Some(PlannedStep::Scalars(runs)) = self.steps.last_mut() {
            runs.push((op, Vec::new()));
        }
    }

    pub(super) fn scalar<A: Float>(&mut self, node: usize) {
        self.values += 1;
        self.recorded_bytes += size_of::<A>();
        if let Some(PlannedStep::Scalars(runs)) = self.steps.last_mut()
            && let Some((_, positions)) = runs.last_mut()
        {
            positions.push(node as u32);
        }
    }

    /// Adds a value of a fused step: a node, the first of the formula that it stands for, if any, and
    /// what the step reads in place of each node.
    pub(super) fn member<A: Float>(
        &mut self,
        tape: &Tape<A>,
        (node, first, reads): (usize, Option<usize>, &[usize]),
        slot: Option<Slot>,
    ) {
        let storage = slot.map_or(Storage::Row, Storage::from);
        let value = self.value(tape, (node, first, reads), storage);
        match self.steps.last_mut() {
            Some(PlannedStep::Fused(values)) => values.push(value),
            Some(step) => *step = PlannedStep::Fused(vec![value]),
            None => {}
        }
    }

    pub(super) fn single<A: Float>(
        &mut self,
        tape: &Tape<A>,
        node: usize,
        slot: Slot,
        is_view: bool,
    ) {
        let storage = if is_view { Storage::View } else { slot.into() };
        let value = self.value(tape, (node, None, &[]), storage);
        if let Some(step) = self.steps.last_mut() {
            *step = PlannedStep::Single(value);
        }
    }

    /// Adds a sum in place, whose second summand has no slot of its own.
    pub(super) fn accumulate<A: Float>(
        &mut self,
        tape: &Tape<A>,
        node: usize,
        [sum, added]: [usize; 2],
        slot: Slot,
    ) {
        self.single(tape, node, slot, false);
        let var = |node| Var::new(tape, NodeIndex::new(node));
        let added = formula(var(added), None, &[]);
        if let Some(PlannedStep::Single(value)) = self.steps.last_mut() {
            value.formula = format!("{} + {added}", var(sum).short_label());
        }
    }

    /// Adds a copy of a value, which several ops read.
    pub(super) fn copy<A: Float>(&mut self, tape: &Tape<A>, node: usize, slot: Slot) {
        let var = Var::new(tape, NodeIndex::new(node));
        let label = var.short_label();
        let value = PlannedValue {
            position: node,
            formula: label.clone(),
            label,
            shape: var.shape(),
            storage: slot.into(),
        };
        if let Some(step) = self.steps.last_mut() {
            *step = PlannedStep::Copy(value);
        }
    }

    fn value<A: Float>(
        &mut self,
        tape: &Tape<A>,
        (node, first, reads): (usize, Option<usize>, &[usize]),
        storage: Storage,
    ) -> PlannedValue {
        let var = Var::new(tape, NodeIndex::new(node));
        let shape = var.shape();
        self.values += 1;
        if storage != Storage::View {
            self.recorded_bytes += shape.iter().product::<usize>() * size_of::<A>();
        }
        let formula = formula(var, first, reads);
        PlannedValue { position: node, label: var.short_label(), formula, shape, storage }
    }

    /// Gives each value its position on the tape.
    pub(super) fn take_positions(&mut self, positions: &[usize]) {
        for step in &mut self.steps {
            match step {
                PlannedStep::Scalars(runs) => {
                    for number in runs.iter_mut().flat_map(|(_, numbers)| numbers) {
                        *number = positions[*number as usize] as u32;
                    }
                }
                PlannedStep::Fused(values) => {
                    for value in values {
                        value.position = positions[value.position];
                    }
                }
                PlannedStep::Single(value) | PlannedStep::Copy(value) => {
                    value.position = positions[value.position];
                }
            }
        }
    }

    /// Numbers the buffers, which are some of the program's tensors.
    pub(super) fn finish<A: Float>(
        &mut self,
        tensors: &[Tensor<A>],
        holds: &[Holds],
        numbers: usize,
    ) {
        let mut number_of = vec![0; tensors.len()];
        for ((number, tensor), holds) in number_of.iter_mut().zip(tensors).zip(holds) {
            if *holds == Holds::Buffer {
                *number = self.buffers.len();
                self.buffers.push(Shape::from_slice(tensor.shape()));
                self.buffer_bytes += tensor.len() * size_of::<A>();
            }
        }
        self.numbers = numbers;
        self.buffer_bytes += numbers * size_of::<A>();
        for step in &mut self.steps {
            let values = match step {
                PlannedStep::Scalars(_) => continue,
                PlannedStep::Fused(values) => &mut values[..],
                PlannedStep::Single(value) | PlannedStep::Copy(value) => {
                    std::slice::from_mut(value)
                }
            };
            for value in values {
                if let Storage::Buffer(number) = &mut value.storage {
                    *number = number_of[*number];
                }
            }
        }
    }
}

impl From<Slot> for Storage {
    /// Until the plan is finished, the number of a buffer is its number among all tensors.
    fn from(slot: Slot) -> Self {
        match slot {
            Slot::Number(_) => Self::Number,
            Slot::Tensor(tensor) => Self::Buffer(tensor as usize),
        }
    }
}

/// How a value is computed from others, by the names that these have in the plan. What was recorded
/// from position `first` on has none, and is written out; in place of each node the one in `reads` is
/// named, if there is any.
fn formula<A: Float>(x: Var<'_, A>, first: Option<usize>, reads: &[usize]) -> String {
    let formula = written(x, first.unwrap_or(usize::MAX), reads);
    formula.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn written<A: Float>(x: Var<'_, A>, first: usize, reads: &[usize]) -> Option<Formula> {
    x.written_in(|operand| {
        let node =
            reads.get(operand.position()).map_or(operand.index(), |&read| NodeIndex::new(read));
        let operand = Var::new(operand.tape(), node);
        if operand.position() < first {
            return Formula::symbol(operand.short_label(), &operand.shape());
        }
        written(operand, first, reads).unwrap_or_else(|| {
            let literal = operand.tape().graph()[operand.index()].value.as_scalar();
            literal.map_or_else(Formula::unwritten, |literal| Formula::number(literal.to_f64()))
        })
    })
}
