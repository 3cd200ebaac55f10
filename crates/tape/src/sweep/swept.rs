//! The two readings of the graph in which it can be swept: numbers, and recorded variables.

use std::convert::Infallible;

use ops::{Call, Family, Float, Reading, Tensor};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use crate::graph::op::Op;
use crate::graph::tape::{Graph, Tape, operands};
use crate::graph::var::Var;

/// What a node gives to one of its operands.
pub(crate) struct Given<'t, A: Float, T: Swept<'t, A>> {
    pub operand: NodeIndex,
    /// The position of the operand among those of the node.
    pub position: usize,
    pub contribution: Contribution<T, T::Part>,
}

/// A contribution to an adjoint.
pub(crate) enum Contribution<T, P> {
    /// To all of it.
    Whole(T),
    /// To a part of it: zero elsewhere.
    Part(P, T),
}

impl<T, P: Copy> Contribution<T, P> {
    /// The contribution in the operand's own shape.
    pub fn whole<'t, A: Float>(&self, tape: &'t Tape<A>, operand: NodeIndex) -> T
    where
        T: Swept<'t, A, Part = P>,
    {
        match self {
            Self::Whole(value) => value.clone(),
            Self::Part(part, value) => T::add_part(tape, operand, None, *part, value),
        }
    }
}

/// A reading of the graph in which it can be swept: plain tensors, or recorded variables, whose
/// sweep is recorded in turn.
pub(crate) trait Swept<'t, A: Float>: Reading {
    /// What says which part of an operand a node is.
    type Part: Copy;

    /// Hands on what the op at `node` contributes to each operand; nothing at a leaf.
    fn contributions(
        tape: &'t Tape<A>,
        node: NodeIndex,
        adjoint: &Self,
        give: impl FnMut(Given<'t, A, Self>),
    );

    /// Whether the value has the shape of a node.
    fn fits(&self, tape: &'t Tape<A>, node: NodeIndex) -> bool;

    /// Adds a value to a part of the adjoint of `operand`, of which nothing may be known yet.
    fn add_part(
        tape: &'t Tape<A>,
        operand: NodeIndex,
        sum: Option<Self>,
        part: Self::Part,
        value: &Self,
    ) -> Self;

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

/// Contributions to whole adjoints, in the order of the operands.
#[inline(always)] // With what it is given to: a scalar's contribution costs a few instructions.
fn hand_on<'t, A: Float, T: Swept<'t, A>>(
    operands: impl IntoIterator<Item = NodeIndex>,
    given: impl IntoIterator<Item = Option<T>>,
    mut give: impl FnMut(Given<'t, A, T>),
) {
    for (position, (operand, given)) in operands.into_iter().zip(given).enumerate() {
        if let Some(value) = given {
            give(Given { operand, position, contribution: Contribution::Whole(value) });
        }
    }
}

impl<'t, A: Float> Swept<'t, A> for Tensor<A> {
    /// The node that is the part.
    type Part = NodeIndex;

    #[inline]
    fn contributions(
        tape: &'t Tape<A>,
        node: NodeIndex,
        adjoint: &Self,
        mut give: impl FnMut(Given<'t, A, Self>),
    ) {
        let graph = tape.graph();
        let Some(op) = graph[node].source.op() else { return };
        if let Some(cotangent) = adjoint.as_scalar()
            && let Some((operands, given)) = scalar_contributions(&graph, node, op, cotangent)
        {
            return hand_on(operands, given.map(|given| given.map(Self::scalar)), give);
        }
        let operands = operands(&graph, node);
        let wanted: SmallVec<[bool; 4]> = operands.iter().map(|&x| graph[x].tracked).collect();
        if matches!(op.family(), Family::Part(_)) && wanted[0] {
            let contribution = Contribution::Part(node, adjoint.clone());
            return give(Given { operand: operands[0], position: 0, contribution });
        }
        let values: SmallVec<[&Self; 3]> = operands.iter().map(|&x| &graph[x].value).collect();
        let call = Call { operands: &values, output: &graph[node].value, wanted: &wanted };
        hand_on(operands.iter().copied(), op.vjp(&call, adjoint), give);
    }

    #[inline]
    fn fits(&self, tape: &'t Tape<A>, node: NodeIndex) -> bool {
        let graph = tape.graph();
        let value = &graph[node].value;
        // Not by their shapes: to compare nothing with nothing can be slow.
        (self.as_scalar().is_some() && value.as_scalar().is_some()) || self.shape() == value.shape()
    }

    fn add_part(
        tape: &'t Tape<A>,
        operand: NodeIndex,
        sum: Option<Self>,
        part: NodeIndex,
        value: &Self,
    ) -> Self {
        let graph = tape.graph();
        let mut sum = sum.unwrap_or_else(|| Self::zeros(graph[operand].value.shape()));
        if let Some(Family::Part(part)) = graph[part].source.op().map(Op::family) {
            sum.add_to_part(part, value);
        }
        sum
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

/// The operands of an op of scalars and what each contribution is as a number, without an
/// allocation; `None` where a value has axes.
#[inline]
#[allow(clippy::type_complexity)]
fn scalar_contributions<A: Float>(
    graph: &Graph<A>,
    node: NodeIndex,
    op: &dyn Op<A>,
    cotangent: A,
) -> Option<([NodeIndex; 3], [Option<A>; 3])> {
    let output = graph[node].value.as_scalar()?;
    let (mut operands, mut numbers, mut count) = ([node; 3], [A::default(); 3], 0);
    for operand in graph.neighbors_directed(node, Direction::Incoming) {
        *numbers.get_mut(count)? = graph[operand].value.as_scalar()?;
        operands[count] = operand;
        count += 1;
    }
    let mut given = op.contributions_at(&numbers[..count], output, cotangent)?;
    for (given, &operand) in given.iter_mut().zip(&operands[..count]) {
        *given = given.filter(|_| graph[operand].tracked);
    }
    Some((operands, given))
}

impl<'t, A: Float> Swept<'t, A> for Var<'t, A> {
    /// A recorded part is written out by the rule: no node adds in place.
    type Part = Infallible;

    fn contributions(
        tape: &'t Tape<A>,
        node: NodeIndex,
        adjoint: &Self,
        give: impl FnMut(Given<'t, A, Self>),
    ) {
        // The rule records while it is read, so the graph must not stay borrowed: copy the op.
        let graph = tape.graph();
        let Some(op) = graph[node].source.op().map(Op::boxed) else { return };
        let operands = operands(&graph, node);
        let wanted: SmallVec<[bool; 4]> = operands.iter().map(|&x| graph[x].tracked).collect();
        let origin = (graph[node].location, graph[node].scope);
        drop(graph);
        let given = call(tape, node, &operands, &wanted, |call| {
            tape.at(origin, || op.vjp_recorded(call, adjoint))
        });
        hand_on(operands, given, give);
    }

    fn fits(&self, tape: &'t Tape<A>, node: NodeIndex) -> bool {
        let graph = tape.graph();
        graph[self.index()].value.shape() == graph[node].value.shape()
    }

    fn add_part(
        _tape: &'t Tape<A>,
        _operand: NodeIndex,
        _sum: Option<Self>,
        part: Infallible,
        _value: &Self,
    ) -> Self {
        match part {}
    }

    fn pushforward(
        tape: &'t Tape<A>,
        node: NodeIndex,
        operands: &[NodeIndex],
        tangents: &[Option<&Self>],
    ) -> Option<Self> {
        let graph = tape.graph();
        let op = graph[node].source.op()?.boxed();
        let origin = (graph[node].location, graph[node].scope);
        drop(graph);
        let wanted: SmallVec<[bool; 4]> = tangents.iter().map(Option::is_some).collect();
        call(tape, node, operands, &wanted, |call| {
            tape.at(origin, || op.jvp_recorded(call, tangents))
        })
    }

    fn constant(tape: &'t Tape<A>, value: Tensor<A>) -> Self {
        tape.constant(value)
    }
}

/// Reads the op at `node` with recorded variables.
fn call<'t, A: Float, R>(
    tape: &'t Tape<A>,
    node: NodeIndex,
    operands: &[NodeIndex],
    wanted: &[bool],
    read: impl FnOnce(&Call<'_, Var<'t, A>>) -> R,
) -> R {
    let operands: SmallVec<[Var<'t, A>; 3]> = operands.iter().map(|&x| Var::new(tape, x)).collect();
    let operands: SmallVec<[&Var<'t, A>; 3]> = operands.iter().collect();
    read(&Call { operands: &operands, output: &Var::new(tape, node), wanted })
}
