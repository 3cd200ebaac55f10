//! The two readings of the graph in which it can be swept: numbers, and recorded variables.

use std::sync::Arc;

use ndarray::SliceInfoElem;
use ops::rules::{Assemble, SliceAdjoint};
use ops::{Call, Family, Float, Reading, Shape, Tensor};
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use super::adjoints::{Adjoints, Parts};
use super::watch::Watch;
use crate::graph::node::{Graph, operands};
use crate::graph::op::Op;
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// A contribution to the adjoint of an operand.
pub(crate) struct Contribution<T> {
    pub operand: NodeIndex,
    /// The position of the operand among those of the node.
    pub position: usize,
    pub value: T,
    /// The node that is the part of the operand it is for, if not for all of it: it is zero
    /// elsewhere.
    pub part: Option<NodeIndex>,
}

/// A reading of the graph in which it can be swept: plain tensors, or recorded variables, whose
/// sweep is recorded in turn.
pub(crate) trait Swept<'t, A: Float>: Reading {
    /// Adds what the op at `node` contributes to the adjoint of each operand; nothing at a leaf.
    fn contribute(
        tape: &'t Tape<A>,
        node: NodeIndex,
        adjoint: &Self,
        to: &mut Adjoints<Self>,
        watch: &mut impl Watch<Self>,
    );

    /// Whether the value has the shape of a node.
    fn fits(&self, tape: &'t Tape<A>, node: NodeIndex) -> bool;

    /// Adds a value to a part of the adjoint of `operand`, of which nothing may be known yet; or to
    /// its parts, to be put together when they are complete.
    fn add_part(
        tape: &'t Tape<A>,
        operand: NodeIndex,
        sum: &mut Option<Self>,
        parts: &mut Parts<Self>,
        part: NodeIndex,
        value: Self,
    );

    /// The adjoint of `operand` from what is known of the whole and of its parts: each a node that is
    /// a part, and its adjoint.
    fn assemble(
        tape: &'t Tape<A>,
        operand: NodeIndex,
        whole: Option<Self>,
        parts: &[(NodeIndex, Self)],
    ) -> Self;

    /// The tangent of the op's result at `node`, from those of its operands.
    fn pushforward(
        tape: &'t Tape<A>,
        node: NodeIndex,
        operands: &[NodeIndex],
        tangents: &[Option<&Self>],
    ) -> Option<Self>;
}

/// Adds contributions to whole adjoints, in the order of the operands.
#[inline(always)] // A scalar's contribution stays in registers.
fn add_all<'t, A: Float, T: Swept<'t, A>>(
    tape: &'t Tape<A>,
    operands: &[NodeIndex],
    given: impl IntoIterator<Item = Option<T>>,
    to: &mut Adjoints<T>,
    watch: &mut impl Watch<T>,
) {
    for (position, (&operand, given)) in operands.iter().zip(given).enumerate() {
        if let Some(value) = given {
            to.add(tape, Contribution { operand, position, value, part: None }, watch);
        }
    }
}

impl<'t, A: Float> Swept<'t, A> for Tensor<A> {
    #[inline]
    fn contribute(
        tape: &'t Tape<A>,
        node: NodeIndex,
        adjoint: &Self,
        to: &mut Adjoints<Self>,
        watch: &mut impl Watch<Self>,
    ) {
        let graph = tape.graph();
        let Some(op) = graph[node].source.op() else { return };
        let mut scalars = Scalars::at(node);
        if let Some(cotangent) = adjoint.as_scalar()
            && scalars.read(&graph, node).is_some()
            && let Some(given) = &scalars.contributions(op, cotangent)
        {
            let given = given.iter().zip(scalars.operands());
            let tracked = |operand: NodeIndex| graph[operand].tracked;
            let given = given.map(|(given, &x)| given.filter(|_| tracked(x)).map(Self::scalar));
            return add_all(tape, scalars.operands(), given, to, watch);
        }
        let operands = operands(&graph, node);
        let wanted: SmallVec<[bool; 4]> = operands.iter().map(|&x| graph[x].tracked).collect();
        if matches!(op.family(), Family::Part(_)) && wanted[0] {
            let (operand, value, part) = (operands[0], adjoint.clone(), Some(node));
            return to.add(tape, Contribution { operand, position: 0, value, part }, watch);
        }
        let values: SmallVec<[&Self; 3]> = operands.iter().map(|&x| &graph[x].value).collect();
        let call = Call { operands: &values, output: &graph[node].value, wanted: &wanted };
        add_all(tape, &operands, op.vjp(&call, adjoint), to, watch);
    }

    #[inline]
    fn fits(&self, tape: &'t Tape<A>, node: NodeIndex) -> bool {
        let graph = tape.graph();
        let value = &graph[node].value;
        // Not by their shapes: to compare nothing with nothing can be slow.
        (self.as_scalar().is_some() && value.as_scalar().is_some()) || self.shape() == value.shape()
    }

    /// In place: the sum is complete at any time.
    fn add_part(
        tape: &'t Tape<A>,
        operand: NodeIndex,
        sum: &mut Option<Self>,
        _parts: &mut Parts<Self>,
        part: NodeIndex,
        value: Self,
    ) {
        let graph = tape.graph();
        let sum = sum.get_or_insert_with(|| Self::zeros(graph[operand].value.shape()));
        if let Some(Family::Part(part)) = graph[part].source.op().map(Op::family) {
            sum.add_to_part(part, &value);
        }
    }

    fn assemble(
        tape: &'t Tape<A>,
        operand: NodeIndex,
        mut whole: Option<Self>,
        parts: &[(NodeIndex, Self)],
    ) -> Self {
        for (part, value) in parts {
            Self::add_part(tape, operand, &mut whole, &mut Parts::new(), *part, value.clone());
        }
        whole.unwrap_or_else(|| Self::zeros(tape.graph()[operand].value.shape()))
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
}

/// A node of a scalar and its up to three operands, scalars too: read without an allocation.
struct Scalars<A> {
    output: A,
    operands: [NodeIndex; 3],
    numbers: [A; 3],
    count: usize,
}

impl<A: Float> Scalars<A> {
    #[inline(always)]
    fn at(node: NodeIndex) -> Self {
        let (output, numbers) = (A::default(), [A::default(); 3]);
        Self { output, operands: [node; 3], numbers, count: 0 }
    }

    /// Reads the node and its operands in place, unless one of them has axes.
    #[inline(always)]
    fn read(&mut self, graph: &Graph<A>, node: NodeIndex) -> Option<()> {
        self.output = graph[node].value.as_scalar()?;
        for operand in graph.operands(node) {
            *self.numbers.get_mut(self.count)? = graph[operand].value.as_scalar()?;
            self.operands[self.count] = operand;
            self.count += 1;
        }
        Some(())
    }

    #[inline(always)]
    fn operands(&self) -> &[NodeIndex] {
        &self.operands[..self.count]
    }

    #[inline(always)]
    fn contributions(&self, op: &dyn Op<A>, cotangent: A) -> Option<[Option<A>; 3]> {
        op.contributions_at(&self.numbers[..self.count], self.output, cotangent)
    }
}

impl<'t, A: Float> Swept<'t, A> for Var<'t, A> {
    fn contribute(
        tape: &'t Tape<A>,
        node: NodeIndex,
        adjoint: &Self,
        to: &mut Adjoints<Self>,
        watch: &mut impl Watch<Self>,
    ) {
        // The rule records while it is read, so the graph must not stay borrowed: copy the op.
        let graph = tape.graph();
        let Some(op) = graph[node].source.op().map(Op::boxed) else { return };
        let operands = operands(&graph, node);
        let wanted: SmallVec<[bool; 4]> = operands.iter().map(|&x| graph[x].tracked).collect();
        if matches!(op.family(), Family::Part(_)) && wanted[0] {
            let (operand, value, part) = (operands[0], *adjoint, Some(node));
            return to.add(tape, Contribution { operand, position: 0, value, part }, watch);
        }
        let origin = (graph[node].location, graph[node].scope);
        drop(graph);
        // What is recorded here, the sums among it, carries the line of the op.
        tape.at(origin, || {
            let given = call(tape, node, &operands, &wanted, |call| op.vjp_recorded(call, adjoint));
            add_all(tape, &operands, given, to, watch);
        });
    }

    fn fits(&self, tape: &'t Tape<A>, node: NodeIndex) -> bool {
        let graph = tape.graph();
        graph[self.index()].value.shape() == graph[node].value.shape()
    }

    /// No node adds in place: the parts wait for each other, and are one node then.
    fn add_part(
        _tape: &'t Tape<A>,
        operand: NodeIndex,
        _sum: &mut Option<Self>,
        parts: &mut Parts<Self>,
        part: NodeIndex,
        value: Self,
    ) {
        parts.entry(operand).or_default().push((part, value));
    }

    fn assemble(
        tape: &'t Tape<A>,
        operand: NodeIndex,
        whole: Option<Self>,
        parts: &[(NodeIndex, Self)],
    ) -> Self {
        let graph = tape.graph();
        let shape = Shape::from_slice(graph[operand].value.shape());
        let part_of = |node: NodeIndex| match graph[node].source.op().map(Op::family) {
            Some(Family::Part(part)) => part.into(),
            _ => unreachable!("only a part contributes to a part"),
        };
        let all = SliceInfoElem::Slice { start: 0, end: None, step: 1 };
        let all = whole.iter().map(|_| std::iter::repeat_n(all, shape.len()).collect());
        let of: Arc<[Arc<[SliceInfoElem]>]> =
            all.chain(parts.iter().map(|&(node, _)| part_of(node))).collect();
        // The line that took the first of them, which is the last here.
        let origin = parts.last().map(|&(node, _)| (graph[node].location, graph[node].scope));
        drop(graph);
        let values: Vec<&Self> = whole.iter().chain(parts.iter().map(|(_, value)| value)).collect();
        let assemble = || match (&*of, &values[..]) {
            ([part], [value]) => Self::apply(SliceAdjoint { part: part.clone(), shape }, &[value]),
            _ => Self::apply(Assemble { parts: of, shape }, &values),
        };
        match origin {
            Some(origin) => tape.at(origin, assemble),
            None => assemble(),
        }
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
