//! Where each value of a program lives, and for how long.

use std::collections::HashMap;
use std::panic::Location;

use ops::{Float, Shape, Tensor};
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use super::code::{CallSite, ProgramStep, Single, Slot, Work, index};
use super::copies::SharedCopy;
use super::expand::{Expanded, expand};
use super::plan::Plan;
use super::schedule::{Batch, Class, Nodes, schedule};
use super::{Leaf, Output, Program};
use crate::graph::error::Origin;
use crate::graph::node::Graph;
use crate::graph::op::BoxedOp;
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// Compiles what is recorded, composed ops as their parts.
pub(super) fn compile<A: Float>(tape: &Tape<A>, outputs: &[Var<'_, A>]) -> Program<A> {
    let positions: Vec<usize> = outputs.iter().map(|output| output.position()).collect();
    let Some(Expanded { tape: expanded, new_of, old_of }) = expand(tape, &positions) else {
        return compile_plain(tape, &positions);
    };
    let new = |&old: &usize| new_of[old].expect("an output is needed").index();
    let mut program = compile_plain(&expanded, &positions.iter().map(new).collect::<Vec<_>>());
    program.recorded = tape.len();
    let leaves = std::mem::take(&mut program.leaves).into_iter();
    program.leaves = leaves.map(|(position, leaf)| (old_of[position], leaf)).collect();
    program.plan.take_positions(&old_of);
    program
}

/// Compiles what is recorded, composed ops as they are.
fn compile_plain<A: Float>(tape: &Tape<A>, positions: &[usize]) -> Program<A> {
    let graph = tape.graph();
    let nodes = Nodes::new(tape, &graph, positions);
    let batches = schedule(&graph, &nodes);
    let mut planner = Planner::new(tape, &graph, nodes, &batches);
    planner.find_copies();
    let mut steps = Vec::with_capacity(batches.len());
    for (step, batch) in batches.into_iter().enumerate() {
        if let Batch::Single(node) = batch {
            steps.extend(planner.copy_before(node));
        }
        steps.push(planner.step(step, batch));
    }
    planner.finish(steps, positions)
}

/// Assigns slots to values, step by step.
pub(super) struct Planner<'t, A: Float> {
    pub(super) tape: &'t Tape<A>,
    pub(super) graph: &'t Graph<A>,
    pub(super) nodes: Nodes<A>,
    slots: Vec<Option<Slot>>,
    /// The step that computes each value.
    pub(super) step_of: Vec<u32>,
    /// The place of each scalar op among those of its step.
    pub(super) places: Vec<u32>,
    /// The last step that needs each value.
    pub(super) last_use: Vec<u32>,
    /// Marks values that share the elements of an operand.
    is_view: Vec<bool>,
    tensors: Vec<Tensor<A>>,
    /// The contents of each slot of a tensor.
    holds: Vec<Holds>,
    pub(super) numbers: Vec<A>,
    leaves: HashMap<usize, Leaf>,
    /// Slots of free buffers, by shape and strides.
    free: HashMap<Layout, Vec<u32>>,
    /// The slots of buffers and views that are free after each step.
    ends: HashMap<u32, Vec<(u32, Option<Layout>)>>,
    kept_views: Vec<u32>,
    /// Copies that several ops read, by what they are copies of.
    pub(super) copies: HashMap<usize, SharedCopy>,
    pub(super) plan: Plan,
}

/// The contents of a slot of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Leaf,
    Buffer,
    View,
}

type Layout = (Shape, SmallVec<[isize; 4]>);

/// The last use of a value that outlives the run.
const NEVER: u32 = u32::MAX;

impl<'t, A: Float> Planner<'t, A> {
    fn new(tape: &'t Tape<A>, graph: &'t Graph<A>, nodes: Nodes<A>, batches: &[Batch]) -> Self {
        let count = nodes.class.len();
        let mut step_of = vec![0; count];
        for (step, batch) in batches.iter().enumerate() {
            match batch {
                Batch::Scalars(members) | Batch::Group(members) => {
                    for &member in members {
                        step_of[member] = index(step);
                    }
                }
                Batch::Single(node) => step_of[*node] = index(step),
            }
        }
        let mut planner = Self {
            tape,
            graph,
            slots: vec![None; count],
            last_use: step_of.clone(),
            step_of,
            places: vec![0; count],
            is_view: vec![false; count],
            nodes,
            tensors: Vec::new(),
            holds: Vec::new(),
            numbers: Vec::new(),
            leaves: HashMap::new(),
            free: HashMap::new(),
            ends: HashMap::new(),
            kept_views: Vec::new(),
            copies: HashMap::new(),
            plan: Plan::default(),
        };
        planner.find_lives();
        (0..count).for_each(|node| planner.assign_leaf(node));
        planner
    }

    pub(super) fn value(&self, node: usize) -> &'t Tensor<A> {
        &self.graph[NodeIndex::new(node)].value
    }

    pub(super) fn location(&self, node: usize) -> &'static Location<'static> {
        self.graph[NodeIndex::new(node)].location
    }

    pub(super) fn name(&self, node: usize) -> &'static str {
        if self.nodes.formulas.contains_key(&node) {
            return "slope";
        }
        self.graph[NodeIndex::new(node)].source.op().map_or("leaf", |op| op.name())
    }

    /// Finds how long each value is needed: until its last use, and as long as its views.
    fn find_lives(&mut self) {
        for node in 0..self.slots.len() {
            for &operand in &self.nodes.operands[node] {
                self.last_use[operand] = self.last_use[operand].max(self.step_of[node]);
            }
            if self.nodes.is_output[node] {
                self.last_use[node] = NEVER;
            }
        }
        for node in (0..self.slots.len()).rev() {
            match self.nodes.class[node] {
                Class::Whole => {
                    for i in 0..self.nodes.operands[node].len() {
                        let operand = self.nodes.operands[node][i];
                        if self.value(node).shares_memory_with(self.value(operand)) {
                            self.is_view[node] = true;
                            self.outlive(operand, node);
                        }
                    }
                }
                Class::Accumulate(_) => self.outlive(self.nodes.operands[node][0], node),
                _ => {}
            }
        }
    }

    fn outlive(&mut self, base: usize, view: usize) {
        self.last_use[base] = self.last_use[base].max(self.last_use[view]);
    }

    fn assign_leaf(&mut self, node: usize) {
        if !matches!(self.nodes.class[node], Class::Leaf) {
            return;
        }
        let value = self.value(node);
        let slot = match value.as_scalar() {
            Some(number) => self.number(number),
            None => Slot::Tensor(self.new_slot(value, Holds::Leaf)),
        };
        self.slots[node] = Some(slot);
        let label = Var::new(self.tape, NodeIndex::new(node)).short_label();
        self.leaves.insert(node, Leaf { slot, shape: Shape::from_slice(value.shape()), label });
    }

    fn number(&mut self, number: A) -> Slot {
        self.numbers.push(number);
        Slot::Number(index(self.numbers.len() - 1))
    }

    /// Adds a tensor to the list.
    fn new_slot(&mut self, value: &Tensor<A>, holds: Holds) -> u32 {
        self.tensors.push(value.clone());
        self.holds.push(holds);
        index(self.tensors.len() - 1)
    }

    /// Assigns a slot to a computed value: a number, a view of another value, or a buffer, if possible
    /// a free one.
    pub(super) fn assign(&mut self, node: usize) -> Slot {
        let value = self.value(node);
        let slot = match value.as_scalar() {
            Some(number) => self.number(number),
            None => Slot::Tensor(self.assign_tensor(node, value)),
        };
        self.slots[node] = Some(slot);
        slot
    }

    fn assign_tensor(&mut self, node: usize, value: &Tensor<A>) -> u32 {
        let end = self.last_use[node];
        if self.is_view[node] {
            let tensor = self.new_slot(value, Holds::View);
            if end == NEVER {
                self.kept_views.push(tensor);
            } else {
                self.ends.entry(end).or_default().push((tensor, None));
            }
            return tensor;
        }
        self.buffer(value, end)
    }

    /// Assigns a buffer that lies as a value does, until after the step `end`.
    pub(super) fn buffer(&mut self, value: &Tensor<A>, end: u32) -> u32 {
        let layout =
            (Shape::from_slice(value.shape()), SmallVec::from_slice(value.view().strides()));
        let tensor = match self.free.get_mut(&layout).and_then(Vec::pop) {
            Some(tensor) => {
                // An output has the recorded value until the program runs.
                self.tensors[tensor as usize] = value.clone();
                tensor
            }
            None => self.new_slot(value, Holds::Buffer),
        };
        if end != NEVER {
            self.ends.entry(end).or_default().push((tensor, Some(layout)));
        }
        tensor
    }

    pub(super) fn slot(&self, node: usize) -> Slot {
        self.slots[node].expect("operands have their slots before what uses them")
    }

    pub(super) fn operand_slots(&self, node: usize) -> SmallVec<[Slot; 3]> {
        self.nodes.operands[node].iter().map(|&operand| self.slot(operand)).collect()
    }

    fn step(&mut self, step: usize, batch: Batch) -> ProgramStep<A> {
        let step = index(step);
        self.plan.begin_step();
        let work = match batch {
            Batch::Scalars(members) => Work::Scalars(self.scalars(&members)),
            Batch::Group(members) => Work::Group(self.group(step, &members)),
            Batch::Single(node) => self.single(node),
        };
        let mut release = Vec::new();
        for (tensor, layout) in self.ends.remove(&step).unwrap_or_default() {
            match layout {
                Some(layout) => self.free.entry(layout).or_default().push(tensor),
                None => release.push(tensor),
            }
        }
        ProgramStep { work, release }
    }

    /// A copy of a node's op.
    pub(super) fn op(&self, node: usize) -> BoxedOp<A> {
        self.graph[NodeIndex::new(node)].source.op().expect("only ops are run").boxed()
    }

    fn single(&mut self, node: usize) -> Work<A> {
        let mut operands = self.operand_slots(node);
        if let Class::Accumulate(added) = self.nodes.class[node] {
            let (op, slot) = (self.op(added.index()), operands.remove(0));
            let Slot::Tensor(to) = slot else { unreachable!("a tensor is added to") };
            self.slots[node] = Some(slot);
            if self.last_use[node] == NEVER {
                // The output has the recorded value until the program runs.
                self.tensors[to as usize] = self.value(node).clone();
            }
            let summands = [self.nodes.operands[node][0], added.index()];
            self.plan.accumulate(self.tape, node, summands, slot);
            return Work::Accumulate { op, operands, to };
        }
        let op = self.op(node);
        let origin = |&node: &usize| Origin::of(Var::new(self.tape, NodeIndex::new(node)));
        let origins = self.nodes.operands[node].iter().map(origin).collect();
        let site = CallSite { operands: origins, location: self.location(node) };
        let to = self.assign(node);
        self.plan.single(self.tape, node, to, self.is_view[node]);
        let shape = Shape::from_slice(self.value(node).shape());
        Work::Single(Single { op, operands, copied: self.copied(node), to, shape, site })
    }

    fn finish(mut self, steps: Vec<ProgramStep<A>>, outputs: &[usize]) -> Program<A> {
        self.plan.finish(&self.tensors, &self.holds, self.numbers.len());
        let outputs = outputs.iter().map(|&output| self.output(output)).collect();
        Program {
            steps,
            tensors: self.tensors,
            numbers: self.numbers,
            leaves: self.leaves,
            recorded: self.tape.len(),
            outputs,
            kept_views: self.kept_views,
            scratch: Vec::new(),
            nothing: Tensor::zeros(&[0]),
            stop_at_non_finite: self.tape.stops_at_non_finite(),
            plan: self.plan,
        }
    }

    fn output(&self, node: usize) -> Output<A> {
        let node = self.nodes.means[node];
        match self.slot(node) {
            Slot::Tensor(tensor) if self.holds[tensor as usize] != Holds::Leaf => {
                Output::Tensor(tensor)
            }
            slot => Output::Copy(slot, self.value(node).clone()),
        }
    }
}
