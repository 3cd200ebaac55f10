//! The reverse sweep: backpropagation.

use ops::methods::LinearMethods;
use ops::{Call, Contributions, Float, Reading, Tensor};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use crate::graph::op::Op;
use crate::graph::tape::{Graph, Tape, operands};
use crate::graph::var::Var;

/// What happens in a sweep, for those who watch.
pub(crate) enum Event<'a, T> {
    /// The adjoint of a node is complete.
    Complete { node: NodeIndex, adjoint: &'a T },
    /// It passes a contribution to operand number `position`, in that operand's own shape.
    Pass { position: usize, contribution: &'a T, so_far: Option<&'a T> },
    /// The contribution has been added to the operand's adjoint so far.
    Added { position: usize, sum: &'a T },
}

/// Which adjoints a sweep returns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep<'k> {
    /// Those of all nodes.
    All,
    /// Those of the nodes that are marked, by position. Of others, some may be there too.
    Marked(&'k [bool]),
}

impl Keep<'_> {
    fn keeps(self, node: NodeIndex) -> bool {
        match self {
            Self::All => true,
            Self::Marked(marked) => marked[node.index()],
        }
    }
}

/// One who watches the sweep.
type Observer<'o, T> = dyn FnMut(Event<'_, T>) + 'o;

// ANCHOR: sweep
/// Walks the graph from `output` backwards. The order of recording is a topological order, so in
/// reverse every node is met after all its uses: its adjoint is complete, and is passed on to its
/// operands, multiplied by the local derivatives. Contributions are summed here and nowhere else.
/// Nodes before number `since` are not visited. Adjoints that are not to be kept are dropped as soon
/// as they have been passed on.
fn walk<'t, A: Float, T: Swept<'t, A>>(
    output: Var<'t, A>,
    since: usize,
    seed: T,
    keep: Keep<'_>,
    mut observe: Option<&mut Observer<'_, T>>,
) -> Vec<Option<T>> {
    let tape = output.tape();
    let mut adjoints: Vec<Option<T>> = vec![None; output.position() + 1];
    adjoints[output.position()] = Some(seed);
    for node in (since..adjoints.len()).rev().map(NodeIndex::new) {
        if observe.is_none() && T::pass_in_place(tape, node, &mut adjoints) {
            if !keep.keeps(node) {
                adjoints[node.index()] = None;
            }
            continue;
        }
        let adjoint = &mut adjoints[node.index()];
        let adjoint = if keep.keeps(node) { adjoint.clone() } else { adjoint.take() };
        let Some(adjoint) = adjoint else { continue };
        let operands = operands(&tape.graph(), node);
        let mut show = |event: Event<'_, T>| {
            if let Some(observe) = &mut observe {
                observe(event);
            }
        };
        show(Event::Complete { node, adjoint: &adjoint });
        let given = T::contributions(tape, node, &operands, &adjoint);
        for (position, (given, operand)) in given.into_iter().zip(operands).enumerate() {
            let Some(given) = given else { continue };
            let contribution = given.sum_to(&Var::new(tape, operand).shape());
            let sum = &mut adjoints[operand.index()];
            show(Event::Pass { position, contribution: &contribution, so_far: sum.as_ref() });
            show(Event::Added { position, sum: add(sum, contribution) });
        }
    }
    adjoints
}
// ANCHOR_END: sweep

/// The adjoint of everything that `output` was computed from, given its own.
pub(crate) fn sweep<'t, A: Float, T: Swept<'t, A>>(
    output: Var<'t, A>,
    since: usize,
    seed: T,
    keep: Keep<'_>,
) -> Vec<Option<T>> {
    walk(output, since, seed, keep, None)
}

/// The same, showing each step to `observe`.
pub(crate) fn sweep_observed<'t, A: Float, T: Swept<'t, A>>(
    output: Var<'t, A>,
    since: usize,
    seed: T,
    mut observe: impl FnMut(Event<'_, T>),
) -> Vec<Option<T>> {
    walk(output, since, seed, Keep::All, Some(&mut observe))
}

/// Adds to a sum that may not have begun.
pub(crate) fn add<T: Reading>(sum: &mut Option<T>, value: T) -> &T {
    let total = match sum.take() {
        None => value,
        Some(sum) => sum.accumulate(value),
    };
    sum.insert(total)
}

/// A reading of the graph in which it can be swept: plain tensors, or recorded variables, whose
/// sweep is recorded in turn.
pub(crate) trait Swept<'t, A: Float>: Reading {
    /// What the op at `node` contributes to each operand; nothing at a leaf.
    fn contributions(
        tape: &'t Tape<A>,
        node: NodeIndex,
        operands: &[NodeIndex],
        adjoint: &Self,
    ) -> Contributions<Self>;

    /// Adds what the op at `node` contributes in place, where that is quicker and gives the same:
    /// among scalars, and if the result is a part of its one operand, so that n parts of a sequence
    /// cost as much as the sequence, not n times as much. Whether it did; if not,
    /// [`contributions`](Swept::contributions) are to be summed.
    fn pass_in_place(tape: &'t Tape<A>, node: NodeIndex, adjoints: &mut [Option<Self>]) -> bool {
        let _ = (tape, node, adjoints);
        false
    }

    /// The tangent of the op's result at `node`, from those of its operands.
    fn pushforward(
        tape: &'t Tape<A>,
        node: NodeIndex,
        operands: &[NodeIndex],
        tangents: &[Option<&Self>],
    ) -> Option<Self>;

    /// A constant on the tape.
    fn constant(tape: &'t Tape<A>, value: Tensor<A>) -> Self;
}

impl<'t, A: Float> Swept<'t, A> for Tensor<A> {
    fn contributions(
        tape: &'t Tape<A>,
        node: NodeIndex,
        operands: &[NodeIndex],
        adjoint: &Self,
    ) -> Contributions<Self> {
        let graph = tape.graph();
        let Some(op) = graph[node].source.op() else { return Contributions::new() };
        let wanted: SmallVec<[bool; 4]> = operands.iter().map(|&x| graph[x].tracked).collect();
        let operands: SmallVec<[&Self; 3]> = operands.iter().map(|&x| &graph[x].value).collect();
        let call = Call { operands: &operands, output: &graph[node].value, wanted: &wanted };
        op.vjp(&call, adjoint)
    }

    #[inline]
    fn pass_in_place(tape: &'t Tape<A>, node: NodeIndex, adjoints: &mut [Option<Self>]) -> bool {
        let graph = tape.graph();
        let (Some(op), Some(adjoint)) = (graph[node].source.op(), &adjoints[node.index()]) else {
            return true; // It has nothing to pass on.
        };
        if let Some(cotangent) = adjoint.as_scalar() {
            return pass_scalar(&graph, node, op, cotangent, adjoints);
        }
        let Some(part) = op.part() else { return false };
        let operand = operands(&graph, node)[0];
        if graph[operand].tracked {
            let adjoint = adjoint.clone();
            let zeros = || Self::zeros(graph[operand].value.shape());
            let sum = adjoints[operand.index()].get_or_insert_with(zeros);
            sum.add_to_part(part, &adjoint);
        }
        true
    }

    fn pushforward(
        tape: &'t Tape<A>,
        node: NodeIndex,
        operands: &[NodeIndex],
        tangents: &[Option<&Self>],
    ) -> Option<Self> {
        let graph = tape.graph();
        let op = graph[node].source.op()?;
        let wanted: SmallVec<[bool; 4]> = tangents.iter().map(Option::is_some).collect();
        let operands: SmallVec<[&Self; 3]> = operands.iter().map(|&x| &graph[x].value).collect();
        let call = Call { operands: &operands, output: &graph[node].value, wanted: &wanted };
        op.jvp(&call, tangents)
    }

    fn constant(_tape: &'t Tape<A>, value: Tensor<A>) -> Self {
        value
    }
}

/// Adds what an op of scalars contributes, if it is one.
#[inline]
fn pass_scalar<A: Float>(
    graph: &Graph<A>,
    node: NodeIndex,
    op: &dyn Op<A>,
    cotangent: A,
    adjoints: &mut [Option<Tensor<A>>],
) -> bool {
    let (Some(output), mut count) = (graph[node].value.as_scalar(), 0) else { return false };
    let (mut indices, mut numbers) = ([node; 3], [A::default(); 3]);
    for operand in graph.neighbors_directed(node, Direction::Incoming) {
        let (Some(number), true) = (graph[operand].value.as_scalar(), count < 3) else {
            return false;
        };
        (indices[count], numbers[count]) = (operand, number);
        count += 1;
    }
    let Some(given) = op.vjp_at(&numbers[..count], output, cotangent) else { return false };
    for (&operand, given) in indices[..count].iter().zip(given) {
        let Some(given) = given.filter(|_| graph[operand].tracked) else { continue };
        let sum = &mut adjoints[operand.index()];
        let before = sum.as_ref().and_then(Tensor::as_scalar);
        *sum = Some(Tensor::scalar(before.map_or(given, |before| before + given)));
    }
    true
}

impl<'t, A: Float> Swept<'t, A> for Var<'t, A> {
    fn contributions(
        tape: &'t Tape<A>,
        node: NodeIndex,
        operands: &[NodeIndex],
        adjoint: &Self,
    ) -> Contributions<Self> {
        // The rule records while it is read, so the graph must not stay borrowed: copy the op.
        let graph = tape.graph();
        let Some(op) = graph[node].source.op().map(Op::clone_box) else {
            return Contributions::new();
        };
        let wanted: SmallVec<[bool; 4]> = operands.iter().map(|&x| graph[x].tracked).collect();
        let place = (graph[node].location, graph[node].scope);
        drop(graph);
        let operands: SmallVec<[Self; 3]> = operands.iter().map(|&x| Self::new(tape, x)).collect();
        let operands: SmallVec<[&Self; 3]> = operands.iter().collect();
        let call = Call { operands: &operands, output: &Self::new(tape, node), wanted: &wanted };
        tape.at(place, || op.vjp_recorded(&call, adjoint))
    }

    fn pushforward(
        tape: &'t Tape<A>,
        node: NodeIndex,
        operands: &[NodeIndex],
        tangents: &[Option<&Self>],
    ) -> Option<Self> {
        let graph = tape.graph();
        let op = graph[node].source.op()?.clone_box();
        let place = (graph[node].location, graph[node].scope);
        drop(graph);
        let wanted: SmallVec<[bool; 4]> = tangents.iter().map(Option::is_some).collect();
        let operands: SmallVec<[Self; 3]> = operands.iter().map(|&x| Self::new(tape, x)).collect();
        let operands: SmallVec<[&Self; 3]> = operands.iter().collect();
        let call = Call { operands: &operands, output: &Self::new(tape, node), wanted: &wanted };
        tape.at(place, || op.jvp_recorded(&call, tangents))
    }

    fn constant(tape: &'t Tape<A>, value: Tensor<A>) -> Self {
        tape.constant(value)
    }
}
