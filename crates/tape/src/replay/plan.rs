//! Where each value of a program lives, and for how long.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::Location;

use ops::describe::Attributes;
use ops::{Float, Order, Shape, Tensor, elements_in, order_of};
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use super::expand::{Expanded, expand};
use super::schedule::{Batch, Kind, Nodes, schedule};
use super::show::Plan;
use super::{Leaf, Output, Program};
use crate::graph::error::Origin;
use crate::graph::op::{BoxedOp, Pointwise};
use crate::graph::tape::{Graph, Tape};
use crate::graph::var::Var;

/// Bytes that a group's rows may take: they and what is read beside them stay in the second-level
/// cache.
const ROWS: usize = 64 << 10;

/// The fewest and most elements of a row.
const ROW: (usize, usize) = (256, 1024);

/// Where a value lives that outlives its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// In the list of numbers.
    Number(u32),
    /// In the list of tensors.
    Tensor(u32),
}

/// What a program does at a time.
#[derive(Debug)]
pub(super) struct Step<A: Float> {
    pub work: Work<A>,
    /// Views that nothing needs any more; what they are views of may then be written again.
    pub release: Vec<u32>,
}

#[derive(Debug)]
pub(super) enum Work<A: Float> {
    Scalars(Scalars<A>),
    Group(Group<A>),
    Call(Call<A>),
    /// Adds an op's value to what is there.
    Accumulate {
        op: BoxedOp<A>,
        operands: SmallVec<[At; 3]>,
        to: u32,
    },
}

/// Where an op was recorded, and its operands.
#[derive(Debug)]
pub(super) struct Source {
    pub operands: Vec<Origin>,
    pub location: &'static Location<'static>,
}

/// One op on whole tensors.
#[derive(Debug)]
pub(super) struct Call<A: Float> {
    pub op: BoxedOp<A>,
    pub operands: SmallVec<[At; 3]>,
    pub to: At,
    pub shape: Shape,
    pub source: Source,
}

/// Ops of scalars.
#[derive(Debug)]
pub(super) struct Scalars<A: Float> {
    pub runs: Vec<Run<A>>,
    /// Where the operands live: those of each result together, in the order of the results.
    pub places: Vec<u32>,
    /// Where the first result lives, and for each where on the tape it is from.
    pub start: u32,
    pub origins: Vec<(&'static str, &'static Location<'static>)>,
}

/// One op of scalars, as often as `count` says: its results are next to each other.
#[derive(Debug)]
pub(super) struct Run<A: Float> {
    pub op: Box<dyn Pointwise<A>>,
    pub count: u32,
    /// How many operands it has.
    pub arity: u32,
}

/// Ops that work place by place, all run on a stretch of places before the next.
#[derive(Debug)]
pub(super) struct Group<A: Float> {
    pub shape: Shape,
    /// The order of the axes in which places follow one another, the last fastest.
    pub order: Order,
    pub externals: Vec<External>,
    pub code: Vec<Instruction<A>>,
    /// The rows that the group keeps for itself; those after them are of `outs`.
    pub rows: usize,
    /// The rows that hold a number at every place.
    pub uniform: Vec<(u32, At)>,
    /// The tensors that it writes.
    pub outs: Vec<u32>,
    /// The length of a row.
    pub row: usize,
}

/// A value that a group reads and did not compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct External {
    pub at: u32,
    /// Whether its elements lie as the group's places do; otherwise a row is read from it.
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
    /// Reads an external along the places.
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

/// Plans what is recorded, ops as they are.
fn compile_plain<A: Float>(tape: &Tape<A>, positions: &[usize]) -> Program<A> {
    let graph = tape.graph();
    let nodes = Nodes::new(&graph, positions);
    let batches = schedule(&graph, &nodes);
    let mut planner = Planner::new(tape, &graph, nodes, &batches);
    let steps =
        batches.into_iter().enumerate().map(|(at, batch)| planner.step(at, batch)).collect();
    planner.finish(steps, positions)
}

/// Gives values their homes, step by step.
struct Planner<'t, A: Float> {
    tape: &'t Tape<A>,
    graph: &'t Graph<A>,
    nodes: Nodes<A>,
    homes: Vec<Option<At>>,
    /// The step that computes each value.
    step_of: Vec<u32>,
    /// The step after which it is not needed any more.
    last_use: Vec<u32>,
    /// Whether it shows the elements of others.
    is_view: Vec<bool>,
    tensors: Vec<Tensor<A>>,
    /// What each tensor is for.
    uses: Vec<Place>,
    numbers: Vec<A>,
    leaves: HashMap<usize, Leaf>,
    /// Buffers that are free, by shape and strides.
    free: HashMap<Layout, Vec<u32>>,
    /// For each step, the buffers and views that are free after it.
    ends: HashMap<u32, Vec<(u32, Option<Layout>)>>,
    kept_views: Vec<u32>,
    plan: Plan,
}

/// What a place among the tensors is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Leaf,
    Buffer,
    View,
}

type Layout = (Shape, SmallVec<[isize; 4]>);

/// The end of a value that outlives the run.
const NEVER: u32 = u32::MAX;

impl<'t, A: Float> Planner<'t, A> {
    fn new(tape: &'t Tape<A>, graph: &'t Graph<A>, nodes: Nodes<A>, batches: &[Batch]) -> Self {
        let count = nodes.kind.len();
        let mut step_of = vec![0; count];
        for (at, batch) in batches.iter().enumerate() {
            match batch {
                Batch::Scalars(members) | Batch::Group(members) => {
                    for &member in members {
                        step_of[member] = index(at);
                    }
                }
                Batch::Single(node) => step_of[*node] = index(at),
            }
        }
        let mut planner = Self {
            tape,
            graph,
            homes: vec![None; count],
            last_use: step_of.clone(),
            step_of,
            is_view: vec![false; count],
            nodes,
            tensors: Vec::new(),
            uses: Vec::new(),
            numbers: Vec::new(),
            leaves: HashMap::new(),
            free: HashMap::new(),
            ends: HashMap::new(),
            kept_views: Vec::new(),
            plan: Plan::default(),
        };
        planner.find_lives();
        (0..count).for_each(|node| planner.settle_leaf(node));
        planner
    }

    fn value(&self, node: usize) -> &'t Tensor<A> {
        &self.graph[NodeIndex::new(node)].value
    }

    fn location(&self, node: usize) -> &'static Location<'static> {
        self.graph[NodeIndex::new(node)].location
    }

    fn name(&self, node: usize) -> &'static str {
        self.graph[NodeIndex::new(node)].source.op().map_or("leaf", |op| op.name())
    }

    /// How long each value is needed: until its last use, and as long as what shows its elements.
    fn find_lives(&mut self) {
        for node in 0..self.homes.len() {
            for &operand in &self.nodes.operands[node] {
                self.last_use[operand] = self.last_use[operand].max(self.step_of[node]);
            }
            if self.nodes.is_output[node] {
                self.last_use[node] = NEVER;
            }
        }
        for node in (0..self.homes.len()).rev() {
            match self.nodes.kind[node] {
                Kind::Call => {
                    for i in 0..self.nodes.operands[node].len() {
                        let operand = self.nodes.operands[node][i];
                        if self.value(node).shares_memory_with(self.value(operand)) {
                            self.is_view[node] = true;
                            self.outlive(operand, node);
                        }
                    }
                }
                Kind::Accumulate(_) => self.outlive(self.nodes.operands[node][0], node),
                _ => {}
            }
        }
    }

    fn outlive(&mut self, base: usize, view: usize) {
        self.last_use[base] = self.last_use[base].max(self.last_use[view]);
    }

    fn settle_leaf(&mut self, node: usize) {
        if !matches!(self.nodes.kind[node], Kind::Leaf) {
            return;
        }
        let value = self.value(node);
        let home = match value.as_scalar() {
            Some(number) => self.number(number),
            None => At::Tensor(self.place(value, Place::Leaf)),
        };
        self.homes[node] = Some(home);
        let label = Var::new(self.tape, NodeIndex::new(node)).label();
        self.leaves.insert(node, Leaf { home, shape: Shape::from_slice(value.shape()), label });
    }

    fn number(&mut self, number: A) -> At {
        self.numbers.push(number);
        At::Number(index(self.numbers.len() - 1))
    }

    /// A new place among the tensors.
    fn place(&mut self, value: &Tensor<A>, place: Place) -> u32 {
        self.tensors.push(value.clone());
        self.uses.push(place);
        index(self.tensors.len() - 1)
    }

    /// A home for a value computed in step `at`: a number, a view of another, or a buffer, one that
    /// is free if one is.
    fn settle(&mut self, node: usize) -> At {
        let value = self.value(node);
        let home = match value.as_scalar() {
            Some(number) => self.number(number),
            None => At::Tensor(self.settle_tensor(node, value)),
        };
        self.homes[node] = Some(home);
        home
    }

    fn settle_tensor(&mut self, node: usize, value: &Tensor<A>) -> u32 {
        let end = self.last_use[node];
        if self.is_view[node] {
            let at = self.place(value, Place::View);
            if end == NEVER {
                self.kept_views.push(at);
            } else {
                self.ends.entry(end).or_default().push((at, None));
            }
            return at;
        }
        let layout =
            (Shape::from_slice(value.shape()), SmallVec::from_slice(value.view().strides()));
        let at = match self.free.get_mut(&layout).and_then(Vec::pop) {
            Some(at) => {
                // So that an output shows what was recorded until the program runs.
                self.tensors[at as usize] = value.clone();
                at
            }
            None => self.place(value, Place::Buffer),
        };
        if end != NEVER {
            self.ends.entry(end).or_default().push((at, Some(layout)));
        }
        at
    }

    fn home(&self, node: usize) -> At {
        self.homes[node].expect("operands have their homes before what uses them")
    }

    fn operand_homes(&self, node: usize) -> SmallVec<[At; 3]> {
        self.nodes.operands[node].iter().map(|&operand| self.home(operand)).collect()
    }

    fn step(&mut self, at: usize, batch: Batch) -> Step<A> {
        let at = index(at);
        self.plan.begin_step();
        let work = match batch {
            Batch::Scalars(members) => Work::Scalars(self.scalars(members)),
            Batch::Group(members) => Work::Group(self.group(at, &members)),
            Batch::Single(node) => self.single(node),
        };
        let mut release = Vec::new();
        for (at, layout) in self.ends.remove(&at).unwrap_or_default() {
            match layout {
                Some(layout) => self.free.entry(layout).or_default().push(at),
                None => release.push(at),
            }
        }
        Step { work, release }
    }

    fn single(&mut self, node: usize) -> Work<A> {
        let clone =
            |node: NodeIndex| self.graph[node].source.op().expect("only ops are run").clone_box();
        let mut operands = self.operand_homes(node);
        if let Kind::Accumulate(added) = self.nodes.kind[node] {
            let (op, home) = (clone(added), operands.remove(0));
            let At::Tensor(to) = home else { unreachable!("a tensor is added to") };
            self.homes[node] = Some(home);
            if self.last_use[node] == NEVER {
                // The buffer is the one that shows it until the program runs.
                self.tensors[to as usize] = self.value(node).clone();
            }
            let summands = [self.nodes.operands[node][0], added.index()];
            self.plan.accumulate(self.tape, node, summands, home);
            return Work::Accumulate { op, operands, to };
        }
        let op = clone(NodeIndex::new(node));
        let origin = |&node: &usize| Origin::of(Var::new(self.tape, NodeIndex::new(node)));
        let origins = self.nodes.operands[node].iter().map(origin).collect();
        let source = Source { operands: origins, location: self.location(node) };
        let to = self.settle(node);
        self.plan.single(self.tape, node, to, self.is_view[node]);
        let shape = Shape::from_slice(self.value(node).shape());
        Work::Call(Call { op, operands, to, shape, source })
    }

    /// Ops of scalars, in rounds: each round needs only the ones before, and in a round equal ops
    /// stand side by side.
    fn scalars(&mut self, members: Vec<usize>) -> Scalars<A> {
        let (mut rounds, mut kinds) = (HashMap::new(), Kinds::default());
        let mut order: Vec<(u32, u32, usize)> = Vec::with_capacity(members.len());
        for node in members {
            let round = |operand: &usize| rounds.get(operand).map_or(0, |round| round + 1);
            let round = self.nodes.operands[node].iter().map(round).max().unwrap_or(0);
            rounds.insert(node, round);
            let Kind::Scalar(op) = &self.nodes.kind[node] else { unreachable!("a scalar op") };
            order.push((round, kinds.of(op.identity(), self.nodes.operands[node].len()), node));
        }
        order.sort_unstable();
        let start = index(self.numbers.len());
        let mut scalars =
            Scalars { runs: Vec::new(), places: Vec::new(), start, origins: Vec::new() };
        let mut last = None;
        for (round, kind, node) in order {
            let operands = self.operand_homes(node);
            self.settle(node);
            if last != Some((round, kind)) {
                last = Some((round, kind));
                let absent = std::mem::replace(&mut self.nodes.kind[node], Kind::Absent);
                let Kind::Scalar(op) = absent else { unreachable!("a scalar op") };
                scalars.runs.push(Run { op, count: 0, arity: index(operands.len()) });
                self.plan.begin_run(self.name(node));
            }
            scalars.runs.last_mut().expect("a run was begun").count += 1;
            scalars.origins.push((self.name(node), self.location(node)));
            scalars.places.extend(operands.iter().map(|at| match at {
                At::Number(at) => *at,
                At::Tensor(_) => unreachable!("an operand of a scalar op is a scalar"),
            }));
            self.plan.scalar::<A>(node);
        }
        scalars
    }

    fn group(&mut self, at: u32, members: &[usize]) -> Group<A> {
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
            let absent = std::mem::replace(&mut self.nodes.kind[member], Kind::Absent);
            let Kind::Places(op) = absent else { unreachable!("a member of a group") };
            // What is needed later is written where it stays, anything else to a row.
            let to = if self.last_use[member] > at {
                let home = self.settle(member);
                let At::Tensor(tensor) = home else { unreachable!("a tensor") };
                group.outs.push(tensor);
                self.plan.member(self.tape, member, Some(home));
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

    /// How a group reads a value from outside.
    fn external(&self, group: &mut Group<A>, rows: &mut Rows, x: usize) -> Operand {
        let home = self.home(x);
        let value = self.value(x);
        if value.len() == 1 {
            let row = rows.take_for_good();
            group.uniform.push((row, home));
            return Operand::Row(row);
        }
        let At::Tensor(at) = home else { unreachable!("a tensor of several elements") };
        let straight = value.shape() == &group.shape[..]
            && matches!(elements_in(value, &group.order), Cow::Borrowed(_));
        let external = index(group.externals.len());
        group.externals.push(External { at, straight });
        if straight {
            return Operand::External(external);
        }
        let row = rows.take();
        group.code.push(Instruction { to: row, what: What::Load(external) });
        Operand::Row(row)
    }

    fn finish(mut self, steps: Vec<Step<A>>, outputs: &[usize]) -> Program<A> {
        self.plan.finish(&self.tensors, &self.uses, self.numbers.len());
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
        match self.home(node) {
            At::Tensor(at) if self.uses[at as usize] != Place::Leaf => Output::Tensor(at),
            home => Output::Copy(home, self.value(node).clone()),
        }
    }
}

/// Set in the number of a row that is one of a group's outs.
const OUT: u32 = 1 << 31;

impl<A: Float> Group<A> {
    /// Numbers the outs after the group's own rows, and chooses how long a row is.
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

/// The rows of a group: which are free.
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
    /// A row that nothing else is written to, before or after.
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

/// Numbers for rules: equal ones compute the same.
#[derive(Default)]
struct Kinds {
    known: HashMap<(TypeId, usize), Vec<(Attributes, u32)>>,
    count: u32,
}

impl Kinds {
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

fn index(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2³² values")
}
