//! Recorded values, and the graph that they are the nodes of.

use std::ops::Index;
use std::panic::Location;

use ops::{Float, Tensor};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use smallvec::SmallVec;

use crate::graph::op::{BoxedOp, Op};
use crate::graph::scope::ScopeId;

/// One recorded value.
#[derive(Debug)]
pub(crate) struct Node<A: Float> {
    pub value: Tensor<A>,
    pub source: Source<A>,
    /// The line of the user's program that recorded it.
    pub location: &'static Location<'static>,
    /// The scope that was open when it was recorded.
    pub scope: ScopeId,
    /// Whether a gradient flows through it: it is a variable, or computed from one.
    pub tracked: bool,
}

/// Where a value comes from.
#[derive(Debug)]
pub(crate) enum Source<A: Float> {
    Variable,
    Constant,
    /// A copy of its one operand, which gradients do not pass.
    Detached,
    Op(BoxedOp<A>),
}

impl<A: Float> Source<A> {
    pub fn op(&self) -> Option<&dyn Op<A>> {
        match self {
            Self::Op(op) => Some(&**op),
            _ => None,
        }
    }
}

/// The graph: an edge runs from an operand to a result and carries the operand's position, so `x * x`
/// has two parallel edges.
///
/// petgraph holds the edges; the nodes lie beside it, in the order of recording.
#[derive(Debug)]
pub(crate) struct Graph<A: Float> {
    edges: DiGraph<(), u32>,
    nodes: Vec<Node<A>>,
}

impl<A: Float> Default for Graph<A> {
    fn default() -> Self {
        Self { edges: DiGraph::new(), nodes: Vec::new() }
    }
}

impl<A: Float> Index<NodeIndex> for Graph<A> {
    type Output = Node<A>;

    #[inline]
    fn index(&self, node: NodeIndex) -> &Node<A> {
        &self.nodes[node.index()]
    }
}

impl<A: Float> Graph<A> {
    /// Adds a node with its operands, in order.
    ///
    /// The node is made when there is room for it, so that the compiler writes its parts where they
    /// stay. A node that is copied as a whole just after it was written in parts makes the processor
    /// wait for the parts.
    #[inline(always)]
    pub fn add(
        &mut self,
        operands: impl DoubleEndedIterator<Item = NodeIndex> + ExactSizeIterator,
        node: impl FnOnce() -> Node<A>,
    ) -> NodeIndex {
        self.nodes.extend(std::iter::once_with(node));
        let index = self.edges.add_node(());
        // petgraph hands out incoming edges last first; added in reverse they come in order.
        for (position, operand) in operands.enumerate().rev() {
            self.edges.add_edge(operand, index, position as u32);
        }
        index
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.edges.clear();
        self.nodes.clear();
    }

    /// Makes gradients flow through a node whatever it was computed from.
    pub fn track(&mut self, node: NodeIndex) {
        self.nodes[node.index()].tracked = true;
    }

    /// The nodes, in the order of recording.
    pub fn nodes(&self) -> &[Node<A>] {
        &self.nodes
    }

    /// The indices of the nodes, in the order of recording.
    pub fn node_indices(&self) -> impl DoubleEndedIterator<Item = NodeIndex> + use<A> {
        (0..self.nodes.len()).map(NodeIndex::new)
    }

    /// The operands of a node, in order.
    #[inline]
    pub fn operands(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> {
        self.edges.neighbors_directed(node, Direction::Incoming)
    }

    /// petgraph's graph, for its algorithms.
    pub fn edges(&self) -> &DiGraph<(), u32> {
        &self.edges
    }
}

/// The operands of a node, in order.
pub(crate) fn operands<A: Float>(graph: &Graph<A>, node: NodeIndex) -> SmallVec<[NodeIndex; 3]> {
    graph.operands(node).collect()
}
