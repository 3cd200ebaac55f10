//! The reverse sweep: backpropagation.

use ops::{Algebra, Call, Contributions, Float, Tensor};
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use crate::op::Op;
use crate::tape::{Tape, operands};
use crate::var::Var;

/// What happens in a sweep, for those who watch.
pub(crate) enum Event<'a, T> {
    /// The adjoint of a node is complete.
    Complete { node: NodeIndex, adjoint: &'a T },
    /// It passes a contribution to operand number `position`, in that operand's own shape.
    Pass { position: usize, contribution: &'a T, so_far: Option<&'a T> },
    /// The contribution has been added to the operand's adjoint so far.
    Added { position: usize, sum: &'a T },
}

// ANCHOR: sweep
/// Walks the graph from `output` backwards. The order of recording is a topological order, so in
/// reverse every node is met after all its uses: its adjoint is complete, and is passed on to its
/// operands, multiplied by the local derivatives. Contributions are summed here and nowhere else.
/// Nodes before number `since` are not visited.
pub(crate) fn sweep<'t, A: Float, T: Swept<'t, A>>(
    output: Var<'t, A>,
    since: usize,
    seed: T,
    mut observe: impl FnMut(Event<'_, T>),
) -> Vec<Option<T>> {
    let tape = output.tape();
    let mut adjoints: Vec<Option<T>> = vec![None; output.position() + 1];
    adjoints[output.position()] = Some(seed);
    for node in (since..adjoints.len()).rev().map(NodeIndex::new) {
        let Some(adjoint) = adjoints[node.index()].clone() else { continue };
        observe(Event::Complete { node, adjoint: &adjoint });
        let operands = operands(&tape.graph(), node);
        let given = T::contributions(tape, node, &operands, &adjoint);
        for (position, (given, operand)) in given.into_iter().zip(operands).enumerate() {
            let Some(given) = given else { continue };
            let contribution = given.sum_to(&Var::new(tape, operand).shape());
            let sum = &mut adjoints[operand.index()];
            observe(Event::Pass { position, contribution: &contribution, so_far: sum.as_ref() });
            observe(Event::Added { position, sum: add(sum, contribution) });
        }
    }
    adjoints
}
// ANCHOR_END: sweep

/// Adds to a sum that may not have begun.
pub(crate) fn add<T: Algebra>(sum: &mut Option<T>, value: T) -> &T {
    let total = match sum.take() {
        None => value,
        Some(sum) => sum.accumulate(value),
    };
    sum.insert(total)
}

/// A reading of the graph in which it can be swept: plain tensors, or recorded variables, whose
/// sweep is recorded in turn.
pub(crate) trait Swept<'t, A: Float>: Algebra {
    /// What the op at `node` contributes to each operand; nothing at a leaf.
    fn contributions(
        tape: &'t Tape<A>,
        node: NodeIndex,
        operands: &[NodeIndex],
        adjoint: &Self,
    ) -> Contributions<Self>;

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
