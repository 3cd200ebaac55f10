//! Makes steps of what happens in a sweep.

use ops::{Float, Tensor};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::step::{Backward, Contribution, NothingFlows, Received, Use};
use crate::graph::var::Var;
use crate::sweep::adjoints::Reach;
use crate::sweep::gradients::Gradients;
use crate::sweep::sweep::sweep;
use crate::sweep::watch::Watch;

impl<'t, A: Float> Var<'t, A> {
    /// [`backward`](Var::backward), showing each step of the sweep to `observe` as it is done.
    /// The sweep is the same code, and gives the same numbers.
    ///
    /// # Panics
    /// If the value is not a scalar, or no variable went into it.
    #[track_caller]
    pub fn backward_observed(
        self,
        observe: impl FnMut(Backward<'t, A>),
    ) -> Gradients<'t, A, Tensor<A>> {
        let seed = match self.scalar_seed() {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        };
        self.recorded_sweep(seed, observe)
    }

    pub(super) fn recorded_sweep(
        self,
        seed: Tensor<A>,
        observe: impl FnMut(Backward<'t, A>),
    ) -> Gradients<'t, A, Tensor<A>> {
        let mut recorder = Recorder::new(self, observe);
        let adjoints = sweep(self, seed, Reach::All, &mut recorder);
        recorder.finish();
        Gradients::new(self, adjoints)
    }
}

/// Makes steps of what happens in a sweep, and hands each on when it is complete.
struct Recorder<'t, A: Float, F> {
    output: Var<'t, A>,
    visited: Vec<bool>,
    step: Option<Backward<'t, A>>,
    hand_on: F,
}

impl<'t, A: Float, F: FnMut(Backward<'t, A>)> Recorder<'t, A, F> {
    fn new(output: Var<'t, A>, hand_on: F) -> Self {
        let visited = vec![false; output.position() + 1];
        Self { output, visited, step: None, hand_on }
    }

    /// The end of the sweep.
    fn finish(&mut self) {
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
            .edges()
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

impl<'t, A: Float, F: FnMut(Backward<'t, A>)> Watch<Tensor<A>> for Recorder<'t, A, F> {
    fn complete(&mut self, node: NodeIndex, adjoint: &Tensor<A>) {
        self.finish();
        self.visited[node.index()] = true;
        self.step = Some(self.begin(node, adjoint));
    }

    fn pass(
        &mut self,
        position: usize,
        contribution: impl FnOnce() -> Tensor<A>,
        so_far: Option<&Tensor<A>>,
    ) {
        let (value, before) = (contribution(), so_far.cloned());
        let after = value.clone(); // Until the sum is known.
        self.received(position).received = Ok(Received { value, before, after });
    }

    fn added(&mut self, position: usize, sum: Option<&Tensor<A>>) {
        if let (Ok(received), Some(sum)) = (&mut self.received(position).received, sum) {
            received.after = sum.clone();
        }
    }
}
