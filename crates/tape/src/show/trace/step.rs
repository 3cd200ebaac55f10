//! The steps of the two passes.

use std::fmt::{self, Display};

use ops::{Call, Float, Tensor};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use smallvec::SmallVec;

use super::formula::{self, Rounding, Written};
use crate::graph::tape::Source;
use crate::graph::var::Var;
use crate::sweep::sweep::Event;

/// One step of a [`Trace`](super::Trace).
#[derive(Clone, Copy, Debug)]
pub enum Step<'a, 't, A: Float> {
    /// A value is computed from its operands, or given.
    Forward(Forward<'t, A>),
    /// A node whose adjoint is complete passes it on to its operands.
    Backward(&'a Backward<'t, A>),
}

impl<'t, A: Float> Step<'_, 't, A> {
    /// The node that the step is about.
    pub fn node(&self) -> Var<'t, A> {
        match self {
            Self::Forward(step) => step.node,
            Self::Backward(step) => step.node,
        }
    }
}

/// One step of the forward pass: a value is computed from its operands, or given.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'t, A: Float> {
    /// The node: its value, op, operands, name, line and scope.
    pub node: Var<'t, A>,
}

impl<A: Float> Forward<'_, A> {
    /// How the value was computed: in the labels of the operands and with their numbers. `None` for
    /// a value that was given.
    pub fn formula(&self, rounding: Rounding) -> Option<Written> {
        formula::value(self.node, rounding)
    }
}

/// One step of the reverse sweep: a node whose adjoint is complete passes it on to its operands.
#[derive(Clone, Debug)]
pub struct Backward<'t, A: Float> {
    /// The value that is differentiated.
    pub output: Var<'t, A>,
    /// The node.
    pub node: Var<'t, A>,
    /// Its adjoint: the derivative of the output with respect to it.
    pub adjoint: Tensor<A>,
    /// Why it is the node's turn: its uses, all of which have reported, in that order. The output
    /// has none.
    pub uses: Vec<Use<'t, A>>,
    /// What it passes on, one entry for each operand in order; none for a variable.
    pub contributions: Vec<Contribution<'t, A>>,
}

/// A use of a value: as which operand of which op.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Use<'t, A: Float> {
    /// The result of the op.
    pub node: Var<'t, A>,
    /// The number of the operand, from 0.
    pub position: usize,
}

/// What one operand receives in a step.
#[derive(Clone, Debug)]
pub struct Contribution<'t, A: Float> {
    /// The operand.
    pub operand: Var<'t, A>,
    /// What it receives, or why nothing.
    pub received: Result<Received<A>, NothingFlows>,
}

/// A contribution, and the operand's adjoint before and after it.
#[derive(Clone, Debug)]
pub struct Received<A: Float> {
    /// The contribution in the shape of the operand.
    pub value: Tensor<A>,
    /// The operand's adjoint so far; `None` before the first contribution.
    pub before: Option<Tensor<A>>,
    /// The same with this contribution.
    pub after: Tensor<A>,
}

/// Why an operand receives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "json", serde(rename_all = "kebab-case"))]
pub enum NothingFlows {
    /// It is a constant.
    Constant,
    /// It is detached.
    Detached,
    /// It was computed from constants or detached values only.
    Untracked,
    /// Every path from it to the output passes a detached value.
    Cut,
    /// The derivative is zero everywhere: of a step, of rounding, of a comparison.
    ZeroSlope,
}

impl Display for NothingFlows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Constant => "a constant",
            Self::Detached => "detached: gradients stop there",
            Self::Untracked => "computed from constants or detached values only",
            Self::Cut => "every path to the output passes a detached value",
            Self::ZeroSlope => "the derivative is 0 everywhere",
        })
    }
}

impl NothingFlows {
    /// Why an operand got no contribution.
    fn to<A: Float>(operand: Var<'_, A>) -> Self {
        match operand.tape().graph()[operand.index()].source {
            Source::Constant => Self::Constant,
            Source::Detached => Self::Detached,
            _ if !operand.is_tracked() => Self::Untracked,
            _ => Self::ZeroSlope,
        }
    }
}

impl<A: Float> Backward<'_, A> {
    /// What operand number `operand` receives: in the labels of the operands, with `ȳ` for the
    /// adjoint of the node, and with the numbers of all of them. `None` where that is nothing.
    ///
    /// It is the rule itself, read with formulas, and summed over the axes along which the operand
    /// was broadcast.
    pub fn formula(&self, operand: usize, rounding: Rounding) -> Option<Written> {
        self.contributions.get(operand)?.received.as_ref().ok()?;
        formula::contribution(self.node, &self.adjoint, operand, rounding)
    }

    /// The local derivative with respect to operand number `operand`, read from the rule: of an
    /// elementwise op the slope, `1 - y²`; of any other the linear map that takes the adjoint to
    /// the contribution, `ȳ ↦ ȳ @ bᵀ`. `None` where nothing flows.
    pub fn local_formula(&self, operand: usize, rounding: Rounding) -> Option<Written> {
        self.contributions.get(operand)?.received.as_ref().ok()?;
        formula::local(self.node, operand, rounding)
    }

    /// The local derivative of an elementwise op with respect to operand number `operand`: a number
    /// for each element of the node. `None` for other ops, and where nothing flows.
    pub fn local(&self, operand: usize) -> Option<Tensor<A>> {
        self.contributions.get(operand)?.received.as_ref().ok()?;
        let graph = self.node.tape().graph();
        let here = &graph[self.node.index()];
        let op = here.source.op().filter(|op| op.is_elementwise())?;
        let values: SmallVec<[&Tensor<A>; 3]> =
            self.contributions.iter().map(|c| &graph[c.operand.index()].value).collect();
        let wanted: Vec<bool> = (0..values.len()).map(|i| i == operand).collect();
        let call = Call { operands: &values, output: &here.value, wanted: &wanted };
        // A cotangent of ones picks out the slope.
        op.vjp(&call, &Tensor::ones(here.value.shape())).get_mut(operand)?.take()
    }
}

/// Makes steps of what happens in a sweep, and hands each on when it is complete.
pub(crate) struct Recorder<'t, A: Float, F> {
    output: Var<'t, A>,
    visited: Vec<bool>,
    step: Option<Backward<'t, A>>,
    hand_on: F,
}

impl<'t, A: Float, F: FnMut(Backward<'t, A>)> Recorder<'t, A, F> {
    pub fn new(output: Var<'t, A>, hand_on: F) -> Self {
        let visited = vec![false; output.position() + 1];
        Self { output, visited, step: None, hand_on }
    }

    pub fn observe(&mut self, event: &Event<'_, Tensor<A>>) {
        match *event {
            Event::Complete { node, adjoint } => {
                self.finish();
                self.visited[node.index()] = true;
                self.step = Some(self.begin(node, adjoint));
            }
            Event::Pass { position, contribution, so_far } => {
                let (value, before) = (contribution.clone(), so_far.cloned());
                let after = value.clone(); // Until the sum is known.
                self.received(position).received = Ok(Received { value, before, after });
            }
            Event::Added { position, sum } => {
                if let Ok(received) = &mut self.received(position).received {
                    received.after = sum.clone();
                }
            }
        }
    }

    /// The end of the sweep.
    pub fn finish(&mut self) {
        if let Some(step) = self.step.take() {
            (self.hand_on)(step);
        }
    }

    fn received(&mut self, position: usize) -> &mut Contribution<'t, A> {
        let step = self.step.as_mut().expect("a node passes on after it is complete");
        &mut step.contributions[position]
    }

    fn begin(&self, node: NodeIndex, adjoint: &Tensor<A>) -> Backward<'t, A> {
        let node = Var::new(self.output.tape(), node);
        let nothing = |operand| Contribution { operand, received: Err(NothingFlows::to(operand)) };
        Backward {
            output: self.output,
            node,
            adjoint: adjoint.clone(),
            uses: self.uses(node),
            contributions: node.operands().into_iter().map(nothing).collect(),
        }
    }

    /// The uses of a node that have reported: the sweep meets the last recorded first.
    fn uses(&self, node: Var<'t, A>) -> Vec<Use<'t, A>> {
        let graph = node.tape().graph();
        let mut uses: Vec<Use<'t, A>> = graph
            .edges_directed(node.index(), Direction::Outgoing)
            .filter(|edge| self.visited.get(edge.target().index()) == Some(&true))
            .map(|edge| Use {
                node: Var::new(node.tape(), edge.target()),
                position: *edge.weight() as usize,
            })
            .collect();
        uses.sort_by_key(|u| (std::cmp::Reverse(u.node.position()), u.position));
        uses
    }
}

/// A small tensor in full on one line, with the given number of decimals; a large one by its shape
/// and range.
///
/// ```
/// let x = ops::Tensor::from([[1.0, 2.5], [3.0, 4.0]]);
/// assert_eq!(tape::one_line(&x, 1), "[[1.0, 2.5], [3.0, 4.0]]");
/// ```
pub fn one_line<A: Float>(x: &Tensor<A>, decimals: usize) -> String {
    if x.len() <= 12 {
        let text = format!("{:.decimals$}", x.view()).replace('\n', " ");
        return text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let elements = x.to_vec();
    let (low, high) = elements.iter().fold((elements[0], elements[0]), |(low, high), &v| {
        (if v < low { v } else { low }, if v > high { v } else { high })
    });
    format!("tensor of shape {:?}, {low:.decimals$} to {high:.decimals$}", x.shape())
}
