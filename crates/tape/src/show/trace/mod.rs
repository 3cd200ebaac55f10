//! A program's two passes, step by step: every number, the formula it came from, and why it came
//! then.
//!
//! A [`Trace`] runs the sweep that [`Var::backward`] runs, watches it, and keeps what it saw; the
//! tensors are shared with the sweep and not copied. Its steps are first those of the forward pass,
//! in the order of recording, then those of the sweep:
//!
//! ```
//! use tape::{Tape, prelude::*};
//! use tape::trace::{Rounding, Step, Trace};
//!
//! let tape = Tape::new();
//! let (w, x) = (tape.var(-0.138).named("w"), tape.var(0.5).named("x"));
//! let y = (w * x).named("y");
//! let trace = Trace::of(y)?;
//! assert_eq!(trace.len(), 6);
//!
//! let Step::Backward(step) = trace.step(3).unwrap() else { unreachable!() };
//! let formula = step.formula(1, Rounding::default()).unwrap();
//! assert_eq!((step.node, &formula.names[..], &formula.numbers[..]), (y, "ȳ · w", "1 · (-0.138)"));
//! let received = step.contributions[1].received.as_ref().unwrap();
//! assert_eq!((received.before.as_ref(), received.after.item()), (None, -0.138));
//! # Ok::<(), tape::error::TapeError>(())
//! ```

#[cfg(feature = "color")]
mod color;
#[cfg(feature = "json")]
pub mod document;
mod formula;
mod narrate;
mod order;
mod paths;
mod record;
mod run;
mod step;
mod summary;
mod terms;
mod text;

use ops::{Float, Tensor};
use petgraph::graph::NodeIndex;

use crate::graph::error::{NoGradient, TapeError};
use crate::graph::node::operands;
use crate::graph::var::Var;
use crate::sweep::gradients::Gradients;

pub use crate::graph::one_line::one_line;
pub use formula::{Rounding, Written, short};
use order::Order;
pub use paths::{Path, Paths, PathsError};
#[cfg(feature = "terminal")]
pub(crate) use run::curve;
pub use run::{Change, Kept, Run, RunStep, Update};
pub use step::{Backward, Contribution, Forward, NothingFlows, Received, Step, Use};
pub(crate) use summary::Summary;
#[cfg(feature = "terminal")]
pub(crate) use terms::index_of;
pub use terms::{ElementError, Opened, Product, Sum, Term};
pub(crate) use text::visible;
pub use text::{Layout, Role, Span, Text, tensor_text};

/// Both passes of the computation of one value, step by step.
///
/// Only what the value was computed from takes part. The numbers are those of
/// [`backward`](Var::backward), bit for bit: it is the same sweep.
#[derive(Clone, Debug)]
pub struct Trace<'t, A: Float> {
    output: Var<'t, A>,
    nodes: Vec<Var<'t, A>>,
    backward: Vec<Backward<'t, A>>,
    /// The number in `backward` of the node at each position on the tape.
    turns: Vec<Option<u32>>,
    order: Order,
    gradients: Gradients<'t, A, Tensor<A>>,
}

/// A node whose turn has not come in the sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting<'t, A: Float> {
    /// The node.
    pub node: Var<'t, A>,
    /// Its uses that have reported, in that order.
    pub reported: Vec<Use<'t, A>>,
    /// Its uses that it waits for, in the order in which they will report.
    pub missing: Vec<Use<'t, A>>,
}

impl<'t, A: Float> Trace<'t, A> {
    /// Traces the computation of a scalar and its [`backward`](Var::backward).
    ///
    /// Where numbers are infinite or NaN the trace shows them, also on a tape that stops at such.
    ///
    /// # Errors
    /// If the value is not a scalar, or no variable went into it.
    pub fn of(output: Var<'t, A>) -> Result<Self, TapeError> {
        Ok(Self::run(output, output.scalar_seed()?))
    }

    /// Traces the computation of a value of any shape and its
    /// [`backward_with`](Var::backward_with) the cotangent `seed`.
    ///
    /// # Errors
    /// If the seed has another shape than the value, or no variable went into it.
    pub fn with_seed(output: Var<'t, A>, seed: impl Into<Tensor<A>>) -> Result<Self, TapeError> {
        let seed = seed.into();
        output.check_tracked()?;
        output.check_seed(seed.shape())?;
        Ok(Self::run(output, seed))
    }

    fn run(output: Var<'t, A>, seed: Tensor<A>) -> Self {
        let mut backward = Vec::new();
        let gradients = output.recorded_sweep(seed, |step| backward.push(step));
        let mut turns = vec![None; output.position() + 1];
        for (turn, step) in backward.iter().enumerate() {
            turns[step.node.position()] = Some(turn as u32);
        }
        let order = Order::new(&backward, &turns);
        Self { output, nodes: ancestors(output), backward, turns, order, gradients }
    }

    /// The value that is traced.
    pub fn output(&self) -> Var<'t, A> {
        self.output
    }

    /// The values that take part, in the order of recording; the output is the last.
    pub fn nodes(&self) -> &[Var<'t, A>] {
        &self.nodes
    }

    /// The gradients that the sweep gave.
    pub fn gradients(&self) -> &Gradients<'t, A, Tensor<A>> {
        &self.gradients
    }

    /// The gradient with respect to a node, in its shape, or why there is none.
    ///
    /// # Errors
    /// If the node is a constant or detached, or every path from it to the output passes such.
    pub fn gradient(&self, node: Var<'t, A>) -> Result<Tensor<A>, NothingFlows> {
        self.gradients.try_wrt(node).map_err(|reason| match reason {
            NoGradient::Constant { .. } => NothingFlows::Constant,
            NoGradient::Detached { .. } => NothingFlows::Detached,
            NoGradient::FromConstants { .. } => NothingFlows::Untracked,
            _ => NothingFlows::Cut,
        })
    }

    /// All steps: first of the forward pass, then of the sweep.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = Step<'_, 't, A>> {
        let forward = self.nodes.iter().map(|&node| Step::Forward(Forward { node }));
        forward.chain(self.backward.iter().map(Step::Backward))
    }

    /// The number of steps.
    #[allow(clippy::len_without_is_empty)] // There is always the output.
    pub fn len(&self) -> usize {
        self.nodes.len() + self.backward.len()
    }

    /// Step number `n`, from 0.
    pub fn step(&self, n: usize) -> Option<Step<'_, 't, A>> {
        match n.checked_sub(self.nodes.len()) {
            None => Some(Step::Forward(Forward { node: self.nodes[n] })),
            Some(turn) => self.backward.get(turn).map(Step::Backward),
        }
    }

    /// The steps of the sweep.
    pub fn backward(&self) -> &[Backward<'t, A>] {
        &self.backward
    }

    /// The number of the step in which a node is computed or given.
    pub fn forward_step_of(&self, node: Var<'t, A>) -> Option<usize> {
        self.nodes.binary_search_by_key(&node.position(), |node| node.position()).ok()
    }

    /// The number of the step in which a node passes its adjoint on; `None` if no gradient reaches
    /// it.
    pub fn backward_step_of(&self, node: Var<'t, A>) -> Option<usize> {
        let turn = (*self.turns.get(node.position())?)?;
        Some(self.nodes.len() + turn as usize)
    }

    /// The nodes that could have taken step number `n` of the sweep, since all their uses have
    /// reported: the one that did is the first. The gradients are the same whichever is next; the
    /// sweep takes the last recorded. Empty for a step of the forward pass.
    ///
    /// ```
    /// use tape::{Tape, Trace, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var(3.0).named("a"), tape.var(2.0).named("b"));
    /// let trace = Trace::of((a * b).named("c"))?;
    /// assert_eq!(trace.ready(trace.backward_step_of(b).unwrap()), [b, a]);
    /// # Ok::<(), tape::error::TapeError>(())
    /// ```
    pub fn ready(&self, n: usize) -> Vec<Var<'t, A>> {
        let Some(turn) = n.checked_sub(self.nodes.len()) else { return Vec::new() };
        let own = self.backward.get(turn).map(|step| step.node);
        own.into_iter().chain(self.ready_beside(turn, usize::MAX)).collect()
    }

    /// The others that could have been next at a turn of the sweep, up to `most` of them.
    fn ready_beside(&self, turn: usize, most: usize) -> Vec<Var<'t, A>> {
        self.order.ready_beside(turn, most).map(|turn| self.backward[turn].node).collect()
    }

    /// The nodes whose turn in the sweep comes after step number `n`, the next first: which of
    /// their uses have reported by then, and which they wait for. The next one misses none.
    ///
    /// ```
    /// use tape::{Tape, Trace, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let a = tape.var(3.0).named("a");
    /// let b = (a + a).named("b");
    /// let c = (b + b).named("c");
    /// let trace = Trace::of(c)?;
    /// let after_c = trace.waiting(trace.backward_step_of(c).unwrap());
    /// assert_eq!((after_c[0].node, after_c[0].missing.len()), (b, 0));
    /// assert_eq!((after_c[1].node, after_c[1].missing.len()), (a, 2)); // both operands of b
    /// # Ok::<(), tape::error::TapeError>(())
    /// ```
    pub fn waiting(&self, n: usize) -> Vec<Waiting<'t, A>> {
        let done = (n + 1).saturating_sub(self.nodes.len()).min(self.backward.len());
        let reported = |u: &Use<'t, A>| {
            self.turns[u.node.position()].is_some_and(|turn| (turn as usize) < done)
        };
        let waiting = self.backward[done..].iter().map(|step| {
            let (reported, missing) = step.uses.iter().copied().partition(reported);
            Waiting { node: step.node, reported, missing }
        });
        waiting.collect()
    }
}

/// The nodes that a value was computed from, itself last, in the order of recording.
fn ancestors<A: Float>(output: Var<'_, A>) -> Vec<Var<'_, A>> {
    let graph = output.tape().graph();
    let mut among = vec![false; output.position() + 1];
    among[output.position()] = true;
    for position in (0..among.len()).rev() {
        if among[position] {
            for operand in operands(&graph, NodeIndex::new(position)) {
                among[operand.index()] = true;
            }
        }
    }
    let positions = among.iter().enumerate().filter(|(_, among)| **among);
    positions.map(|(position, _)| Var::new(output.tape(), NodeIndex::new(position))).collect()
}
