//! In which order a program computes, and which ops share a pass over the data.

use std::any::TypeId;
use std::collections::HashMap;

use ops::fuse::Layout;
use ops::rules::{Add, BroadcastTo, Lift};
use ops::{Family, Float, Tensor};
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use super::slopes::joined;
use crate::graph::node::{Graph, Source, operands};
use crate::graph::op::{Op, Pointwise};
use crate::graph::slope::SlopeNote;
use crate::graph::tape::Tape;

/// The treatment of a node by a program.
#[derive(Debug)]
pub(super) enum Class<A: Float> {
    /// Does nothing: no output needs it, it is a second name of another node, or it is part of
    /// another node's step.
    Absent,
    Leaf,
    /// An elementwise op of scalars.
    Scalar(Box<dyn Pointwise<A>>),
    /// A pointwise op on tensors.
    Pointwise(Box<dyn Pointwise<A>>),
    /// The sum of a tensor and another op's value, added in place. Its operands are the tensor and
    /// those of the other op.
    Accumulate(NodeIndex),
    /// A sum of all elements of a pointwise op's value, or what is made of it: the end of a group.
    Ending,
    /// Any other op, on whole tensors.
    Whole,
}

/// Marks the nodes up to the last output that the outputs are computed from.
pub(super) fn needed<A: Float>(graph: &Graph<A>, outputs: &[usize]) -> Vec<bool> {
    let mut needed = vec![false; outputs.iter().max().map_or(0, |&last| last + 1)];
    for &output in outputs {
        needed[output] = true;
    }
    for node in (0..needed.len()).rev() {
        if needed[node] {
            graph.operands(NodeIndex::new(node)).for_each(|operand| needed[operand.index()] = true);
        }
    }
    needed
}

/// The nodes that the outputs need.
#[derive(Debug)]
pub(super) struct Nodes<A: Float> {
    pub class: Vec<Class<A>>,
    pub operands: Vec<SmallVec<[usize; 3]>>,
    /// The node that stands for each: for a detached value the one it was detached from.
    pub means: Vec<usize>,
    /// The node that elementwise ops read in place of each: for a broadcast the one that it repeats.
    pub repeats: Vec<usize>,
    /// The number of times that each node is an operand.
    pub uses: Vec<u32>,
    pub is_output: Vec<bool>,
    /// The first node of the formula that each of these stands for.
    pub formulas: HashMap<usize, usize>,
}

impl<A: Float> Nodes<A> {
    pub fn new(tape: &Tape<A>, graph: &Graph<A>, outputs: &[usize]) -> Self {
        let count = outputs.iter().max().map_or(0, |&last| last + 1);
        let mut nodes = Self {
            class: std::iter::repeat_with(|| Class::Absent).take(count).collect(),
            operands: vec![SmallVec::new(); count],
            means: (0..count).collect(),
            repeats: (0..count).collect(),
            uses: vec![0; count],
            is_output: vec![false; count],
            formulas: HashMap::new(),
        };
        let mut needed = needed(graph, outputs);
        let slopes = tape.slopes();
        let mut joined = joined(tape, &slopes, outputs, &mut needed).into_iter().peekable();
        for node in (0..count).filter(|&node| needed[node]) {
            match joined.next_if(|note| note.product.index() == node) {
                Some(note) => nodes.add_slope(graph, note),
                None => nodes.add(graph, node),
            }
        }
        for &output in outputs {
            nodes.is_output[nodes.means[output]] = true;
        }
        if !tape.stops_at_non_finite() {
            nodes.read_before_repetition();
        }
        for &operand in nodes.operands.iter().flatten() {
            nodes.uses[operand] += 1;
        }
        nodes.join_sums(graph);
        if !tape.stops_at_non_finite() {
            (0..count).for_each(|node| nodes.find_ending(graph, node));
        }
        nodes
    }

    /// Lets pointwise ops read what a broadcast repeats, since they read any operand that broadcasts to
    /// their shape; a broadcast that nothing else needs is not computed. Where each value is looked at,
    /// it is.
    fn read_before_repetition(&mut self) {
        let repeats = |class: &Class<A>| match class {
            Class::Pointwise(op) => {
                op.identity().is_some_and(|(rule, _)| rule == TypeId::of::<BroadcastTo>())
            }
            _ => false,
        };
        for node in (0..self.class.len()).filter(|&node| repeats(&self.class[node])) {
            self.repeats[node] = self.repeats[self.operands[node][0]];
        }
        let mut is_read = self.is_output.clone();
        for node in (0..self.class.len()).rev() {
            if self.repeats[node] != node && !is_read[node] {
                self.class[node] = Class::Absent;
                self.operands[node].clear();
            }
            let is_pointwise = matches!(self.class[node], Class::Pointwise(_));
            for operand in &mut self.operands[node] {
                if is_pointwise {
                    *operand = self.repeats[*operand];
                }
                is_read[*operand] = true;
            }
        }
    }

    /// Finds out whether a node takes nothing but the sum of a pointwise op's value.
    fn find_ending(&mut self, graph: &Graph<A>, node: usize) {
        let at = &graph[NodeIndex::new(node)];
        let ([x], Class::Whole) = (&self.operands[node][..], &self.class[node]) else { return };
        let takes_sum = |op: &dyn Op<A>| {
            let shape = graph[NodeIndex::new(*x)].value.shape();
            op.shortcuts().is_some_and(|op| op.of_sum(shape, A::zero()).is_some())
        };
        let is_pointwise = matches!(self.class[*x], Class::Pointwise(_));
        if is_pointwise && at.value.ndim() == 0 && at.source.op().is_some_and(takes_sum) {
            self.class[node] = Class::Ending;
        }
    }

    fn add(&mut self, graph: &Graph<A>, node: usize) {
        let index = NodeIndex::new(node);
        let operands = graph.operands(index);
        let operands: SmallVec<[usize; 3]> = operands.map(|x| self.means[x.index()]).collect();
        let value = &graph[index].value;
        self.class[node] = match &graph[index].source {
            Source::Variable | Source::Constant => Class::Leaf,
            Source::Detached => {
                self.means[node] = operands[0];
                return;
            }
            Source::Op(op) => match op.pointwise() {
                Some(rule) if value.ndim() == 0 && op.family() == Family::Elementwise => {
                    Class::Scalar(rule)
                }
                Some(rule) if value.ndim() > 0 && !value.is_empty() => Class::Pointwise(rule),
                _ => Class::Whole,
            },
        };
        self.operands[node] = operands;
    }

    /// Adds a product that is computed in one step from what its formula reads.
    fn add_slope(&mut self, graph: &Graph<A>, note: &SlopeNote<A>) {
        let node = note.product.index();
        let is_scalar = graph[note.product].value.ndim() == 0;
        self.class[node] =
            if is_scalar { Class::Scalar(note.step()) } else { Class::Pointwise(note.step()) };
        self.operands[node] = note.operands.iter().map(|x| self.means[x.index()]).collect();
        self.formulas.insert(node, note.first.index());
    }

    /// Finds sums x + y in which nothing else needs x and y and the op of y can add its value in place.
    /// The gradient of a value that was used several times is such a sum; it is then summed in one
    /// buffer.
    fn join_sums(&mut self, graph: &Graph<A>) {
        let op = |node: usize| graph[NodeIndex::new(node)].source.op();
        let shape = |x: usize| graph[NodeIndex::new(x)].value.shape();
        for node in 0..self.class.len() {
            let [a, b] = self.operands[node][..] else { continue };
            if matches!(self.class[node], Class::Scalar(_)) {
                continue; // Numbers have no buffer.
            }
            let rule = op(node).and_then(Op::as_rule).map(|rule| rule.rule());
            if rule != Some(TypeId::of::<Lift<Add, 2>>()) {
                continue;
            }
            let once =
                |x: usize| self.uses[x] == 1 && !self.is_output[x] && shape(x) == shape(node);
            let is_own = |x: usize| {
                let own = matches!(
                    self.class[x],
                    Class::Whole | Class::Pointwise(_) | Class::Accumulate(_)
                );
                once(x) && own && is_own(graph, x)
            };
            let adds = |x: usize| {
                once(x) && matches!(self.class[x], Class::Whole) && self.adds_in_place(graph, x)
            };
            let (sum, added) = match () {
                () if is_own(a) && adds(b) => (a, b),
                () if is_own(b) && adds(a) => (b, a),
                () => continue,
            };
            self.class[node] = Class::Accumulate(NodeIndex::new(added));
            self.class[added] = Class::Absent;
            let operands = std::mem::take(&mut self.operands[added]);
            self.operands[node] = std::iter::once(sum).chain(operands).collect();
        }
    }

    /// Tells whether the op of a node can add its value in place.
    fn adds_in_place(&self, graph: &Graph<A>, node: usize) -> bool {
        let shape = |&x: &usize| graph[NodeIndex::new(x)].value.shape();
        let shapes: SmallVec<[&[usize]; 3]> = self.operands[node].iter().map(shape).collect();
        let op = graph[NodeIndex::new(node)].source.op();
        op.and_then(Op::shortcuts).is_some_and(|rule| rule.accumulates(&shapes))
    }

    /// Orders the nodes as they were recorded, except for sums in place: each comes as soon as its
    /// summand is there, and not at the end, where a sweep recorded it.
    fn order(&self, graph: &Graph<A>) -> Vec<usize> {
        let mut keys: Vec<usize> = (0..self.class.len()).collect();
        for node in 0..keys.len() {
            let early = match self.class[node] {
                Class::Accumulate(_) => true,
                // The first summand.
                Class::Whole => self.adds_in_place(graph, node),
                _ => false,
            };
            if early {
                keys[node] = self.operands[node].iter().map(|&x| keys[x]).max().unwrap_or(node);
            }
        }
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_key(|&node| keys[node]);
        order
    }
}

/// Tells whether a value's elements are its own: it is no view of an operand.
pub(super) fn is_own<A: Float>(graph: &Graph<A>, node: usize) -> bool {
    let node = NodeIndex::new(node);
    let value = &graph[node].value;
    !operands(graph, node).iter().any(|&x| value.shares_memory_with(&graph[x].value))
}

/// Ops that run at a time.
#[derive(Debug, PartialEq)]
pub(super) enum Batch {
    /// Ops of scalars.
    Scalars(Vec<usize>),
    /// Pointwise ops on values of one shape.
    Group(Vec<usize>),
    /// One op.
    Single(usize),
}

/// The progress of the scheduler with a node.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Ready,
    /// A member of an open group, by the group's number.
    Open(usize),
    /// The end of an open group, by the group's number.
    Ends(usize),
    /// It waits for this number of open groups to close.
    Waits(usize),
}

/// A group that ops can still join.
struct Open {
    number: usize,
    layout: Layout,
    members: Vec<usize>,
    /// The nodes that wait for it to close, in the order of recording.
    waiting: Vec<usize>,
    /// The number of ops on whole tensors that ran since the last pointwise member joined.
    idle: usize,
}

/// The number of ops on whole tensors, since its last member joined, after which a group closes. Later
/// members would share little with it and would keep their operands alive until it runs: the
/// contributions to a weight from every step of a sequence, for example.
const MOST_IDLE: usize = 2;

/// Decides what runs when.
///
/// Nodes are taken in the order of recording. A pointwise one joins the open group of its shape and of
/// its order of axes in memory, and a sum that of its operand. Any other that needs a member of an open
/// group waits until something needs it in turn; only then does the group close. Open groups therefore
/// never depend on each other, nor on what waits.
struct Scheduler<'n, A: Float> {
    graph: &'n Graph<A>,
    nodes: &'n Nodes<A>,
    states: Vec<State>,
    /// The groups that each waiting node waits for.
    blocked_by: Vec<SmallVec<[usize; 2]>>,
    open: Vec<Open>,
    groups: usize,
    batches: Vec<Batch>,
}

/// Groups the nodes into batches, in the order in which they run.
pub(super) fn schedule<A: Float>(graph: &Graph<A>, nodes: &Nodes<A>) -> Vec<Batch> {
    let count = nodes.class.len();
    let mut scheduler = Scheduler {
        graph,
        nodes,
        states: vec![State::Ready; count],
        blocked_by: vec![SmallVec::new(); count],
        open: Vec::new(),
        groups: 0,
        batches: Vec::new(),
    };
    for node in nodes.order(graph) {
        match nodes.class[node] {
            Class::Absent | Class::Leaf => {}
            Class::Scalar(_) | Class::Pointwise(_) => {
                scheduler.join(node);
            }
            Class::Ending => scheduler.end(node),
            Class::Whole | Class::Accumulate(_) => scheduler.run_or_wait(node),
        }
    }
    while let Some(open) = scheduler.open.first() {
        scheduler.close(open.number);
    }
    scheduler.batches
}

impl<'n, A: Float> Scheduler<'n, A> {
    /// Adds a node to the group of its shape.
    fn join(&mut self, node: usize) {
        let value = self.value(node);
        let layout = Layout::of(value);
        let is_its = |open: &Open| open.layout == layout;
        for &operand in &self.nodes.operands[node] {
            match self.states[operand] {
                State::Ready => {}
                State::Open(number) => {
                    if self.open.iter().any(|open| open.number == number && !is_its(open)) {
                        self.close(number);
                    }
                }
                State::Ends(number) => self.close(number),
                State::Waits(_) => {
                    for number in std::mem::take(&mut self.blocked_by[operand]) {
                        self.close(number);
                    }
                }
            }
        }
        let found = self.open.iter().position(is_its);
        let at = found.unwrap_or_else(|| {
            self.groups += 1;
            let (number, members, waiting) = (self.groups, Vec::new(), Vec::new());
            self.open.push(Open { number, layout: layout.clone(), members, waiting, idle: 0 });
            self.open.len() - 1
        });
        self.open[at].members.push(node);
        self.open[at].idle = 0;
        self.states[node] = State::Open(self.open[at].number);
    }

    /// Adds a node to the group that its operand is a member of, if it is still open.
    fn end(&mut self, node: usize) {
        let State::Open(number) = self.states[self.nodes.operands[node][0]] else {
            return self.run_or_wait(node);
        };
        let open = self.open.iter_mut().find(|open| open.number == number);
        open.expect("a group that has not closed").members.push(node);
        self.states[node] = State::Ends(number);
    }

    /// Runs an op on its own, once its operands are there.
    fn run_or_wait(&mut self, node: usize) {
        let mut groups = SmallVec::<[usize; 2]>::new();
        for &operand in &self.nodes.operands[node] {
            match self.states[operand] {
                State::Ready => {}
                State::Open(number) | State::Ends(number) => groups.push(number),
                State::Waits(_) => groups.extend(self.blocked_by[operand].iter().copied()),
            }
        }
        groups.sort_unstable();
        groups.dedup();
        groups.retain(|number| self.open.iter().any(|open| open.number == *number));
        if groups.is_empty() {
            self.batches.push(Batch::Single(node));
            if is_own(self.graph, node) && self.value(node).len() > 1 {
                self.close_idle();
            }
            return;
        }
        for open in self.open.iter_mut().filter(|open| groups.contains(&open.number)) {
            open.waiting.push(node);
        }
        self.states[node] = State::Waits(groups.len());
        self.blocked_by[node] = groups;
    }

    fn value(&self, node: usize) -> &'n Tensor<A> {
        &self.graph[NodeIndex::new(node)].value
    }

    /// Runs the groups of tensors that nothing has joined lately.
    fn close_idle(&mut self) {
        self.open.iter_mut().for_each(|open| open.idle += 1);
        let idle = |open: &Open| open.idle >= MOST_IDLE && !open.layout.shape().is_empty();
        while let Some(open) = self.open.iter().find(|open| idle(open)) {
            self.close(open.number);
        }
    }

    /// Runs a group, if it is open, and the nodes that waited for it alone.
    fn close(&mut self, number: usize) {
        let Some(at) = self.open.iter().position(|open| open.number == number) else { return };
        let Open { layout, members, waiting, .. } = self.open.remove(at);
        for &member in &members {
            self.states[member] = State::Ready;
        }
        let is_scalar = layout.shape().is_empty();
        self.batches.push(if is_scalar { Batch::Scalars(members) } else { Batch::Group(members) });
        for node in waiting {
            match self.states[node] {
                State::Waits(1) => {
                    self.states[node] = State::Ready;
                    self.batches.push(Batch::Single(node));
                }
                State::Waits(groups) => self.states[node] = State::Waits(groups - 1),
                _ => {}
            }
        }
    }
}
