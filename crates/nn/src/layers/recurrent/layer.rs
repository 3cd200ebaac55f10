//! One loop over time, for every cell.

use ops::methods::{LayoutMethods, LinearMethods, MatmulMethods};
use ops::shape::room;
use ops::{Float, Shape, Tensor};
use rand::Rng;
use tape::Var;

use super::{Cell, Recurrence, RecurrentOutput, RecurrentState, RecurrentWeights, Returns};
use crate::ground::Error;
use crate::layers::dropout::Dropout;
use crate::layers::window::settled;
use crate::model::{Module, Parameter, Pass};

/// A recurrent layer over sequences, batch first:
/// `[N, T, inputs] → [N, T, directions · hidden]`, or `[N, directions · hidden]` with
/// [`Returns::Last`].
///
/// It is a cell, applied at each of T steps with the same weights. The part of the input is one
/// matrix product for all steps, the part of the hidden state one product a step. Parameters have
/// PyTorch's names, layouts and first values: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`,
/// `bias_hh_l0`, the next layer's with `l1`, the backward direction's with `_reverse` at
/// the end, all drawn uniformly between ±1/√hidden.
///
/// ```
/// use nn::layers::{Recurrence, Returns};
/// use nn::prelude::*;
///
/// let settings = Recurrence { layers: 2, bidirectional: true, dropout: 0.2, returns: Returns::Last };
/// let encoder = Lstm::<f32>::with_settings(28, 64, settings, &mut nn::rng(0))?;
/// assert_eq!(encoder.output_shape(&[32, 100, 28])?[..], [32, 128]);
/// let paths: Vec<String> = encoder.parameters().into_iter().map(|(path, _)| path).collect();
/// assert_eq!(paths[..2], ["weight_ih_l0", "weight_hh_l0"]);
/// assert_eq!(paths[15], "bias_hh_l1_reverse");
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recurrent<A: Float, C> {
    pub(super) cell: C,
    inputs: usize,
    hidden: usize,
    settings: Recurrence,
    dropout: Dropout,
    /// One for each layer and direction.
    pub(super) weights: Vec<RecurrentWeights<A>>,
}

impl<A: Float, C: Cell + Default> Recurrent<A, C> {
    /// One layer, forwards, that returns the whole sequence.
    ///
    /// # Panics
    /// If there are no inputs or no hidden units.
    #[track_caller]
    pub fn new(inputs: usize, hidden: usize, rng: &mut impl Rng) -> Self {
        settled(Self::with_settings(inputs, hidden, Recurrence::default(), rng))
    }

    /// Layers as given in the settings.
    ///
    /// # Errors
    /// If there are no inputs, hidden units or layers, or the dropout is not from 0 to 1, or there
    /// is dropout with a single layer, where it would do nothing.
    pub fn with_settings(
        inputs: usize,
        hidden: usize,
        settings: Recurrence,
        rng: &mut impl Rng,
    ) -> Result<Self, Error> {
        let dropout = settings.check(inputs, hidden)?;
        let directions = settings.directions();
        let rows = C::BLOCKS.saturating_mul(hidden);
        let columns = inputs.max(hidden.saturating_mul(directions)).saturating_add(hidden);
        // As if all were as large as the largest.
        room(&[settings.layers, directions, rows, columns], size_of::<A>())
            .map_err(|problem| Error::TooLarge { problem })?;
        let weights = (0..settings.layers * directions).map(|number| {
            let inputs = if number < directions { inputs } else { directions * hidden };
            RecurrentWeights::new(C::BLOCKS * hidden, inputs, hidden, rng)
        });
        let weights = weights.collect();
        Ok(Self { cell: C::default(), inputs, hidden, settings, dropout, weights })
    }
}

impl<A: Float, C: Cell> Recurrent<A, C> {
    /// The same, whose forward pass returns only the last hidden state: [`Returns::Last`].
    #[must_use]
    pub fn last(mut self) -> Self {
        self.settings.returns = Returns::Last;
        self
    }

    /// The settings.
    pub fn settings(&self) -> Recurrence {
        self.settings
    }

    /// The weights of each layer in each direction: layer 0 forwards, layer 0 backwards, layer 1
    /// forwards, and so on.
    pub fn weights(&self) -> &[RecurrentWeights<A>] {
        &self.weights
    }

    /// [`weights`](Recurrent::weights), to change them.
    pub fn weights_mut(&mut self) -> &mut [RecurrentWeights<A>] {
        &mut self.weights
    }

    // ANCHOR: run
    /// Reads the sequences `x`, `[N, T, inputs]`, from an initial state or from zeros.
    ///
    /// # Panics
    /// If `x` or the state has another shape than the layer takes, or there are no steps.
    ///
    /// ```
    /// use nn::prelude::*;
    ///
    /// let (tape, layer) = (Tape::<f32>::new(), Lstm::new(3, 8, &mut nn::rng(0)));
    /// let pass = Pass::evaluate(&tape);
    /// let first = layer.run(&pass, pass.input(&Tensor::ones(&[2, 5, 3])), None);
    /// let second = layer.run(&pass, pass.input(&Tensor::ones(&[2, 4, 3])), Some(first.state));
    /// assert_eq!(second.sequence.shape()[..], [2, 4, 8]);
    /// assert_eq!(second.state.hidden.shape()[..], [1, 2, 8]);
    /// assert_eq!(second.state.cell.unwrap().shape()[..], [1, 2, 8]);
    /// ```
    #[track_caller]
    pub fn run<'t>(
        &self,
        pass: &Pass<'t, A>,
        x: Var<'t, A>,
        initial: Option<RecurrentState<Var<'t, A>>>,
    ) -> RecurrentOutput<'t, A> {
        let _inside = pass.enter(self, x);
        let (batch, steps) = (x.shape()[0], x.shape()[1]);
        let initial = self.initial_states(pass, batch, initial);
        // The rows of the first step, of the second, ...: each step is a part without a gap.
        let mut rows = x.permute(&[1, 0, 2]).reshape(&[steps * batch, self.inputs][..]);
        let mut last = Vec::with_capacity(self.weights.len());
        for layer in self.weights.chunks(self.settings.directions()) {
            if !last.is_empty() {
                rows = self.dropout.forward(pass, rows);
            }
            let mut outputs = Vec::with_capacity(layer.len());
            for (direction, weights) in layer.iter().enumerate() {
                let (order, before) = (Order::of(direction), initial[last.len()]);
                let (output, after) = self.over_time(pass, weights, (rows, steps), before, order);
                outputs.push(output);
                last.push(after);
            }
            rows = outputs[0].concat(&outputs[1..], -1);
        }
        let sequence = rows.reshape(&[steps, batch, self.width()][..]).permute(&[1, 0, 2]);
        RecurrentOutput { sequence, state: RecurrentState::stack(&last) }
    }

    /// One layer in one direction: the hidden states of all steps, as rows in the order of the
    /// sequence, and the state after the last step taken.
    fn over_time<'t>(
        &self,
        pass: &Pass<'t, A>,
        weights: &RecurrentWeights<A>,
        (rows, steps): (Var<'t, A>, usize),
        before: RecurrentState<Var<'t, A>>,
        order: Order,
    ) -> (Var<'t, A>, RecurrentState<Var<'t, A>>) {
        let [w_ih, w_hh, b_ih, b_hh] = weights.named().map(|(_, weight)| pass.parameter(weight));
        let (w_ih, w_hh) = (w_ih.t(), w_hh.t());
        let batch = before.hidden.length(0);
        let from_input = (rows.matmul(w_ih) + b_ih).split(0, &vec![batch; steps]);
        let mut hidden = from_input.clone();
        let mut state = before;
        for step in order.steps(steps) {
            let from_hidden = state.hidden.matmul(w_hh) + b_hh;
            state = self.cell.step(from_input[step], from_hidden, state);
            hidden[step] = state.hidden;
        }
        (hidden[0].concat(&hidden[1..], 0), state)
    }
    // ANCHOR_END: run

    /// One step, for sequences that come element by element, as in generating text: from `x`,
    /// `[N, inputs]`, and the state before it, the output `[N, hidden]` and the state after it.
    ///
    /// # Panics
    /// If the layer is bidirectional: it cannot begin before the sequence has ended. If `x` or
    /// the state has another shape than the layer takes.
    ///
    /// ```
    /// use nn::prelude::*;
    ///
    /// let layer = Gru::<f32>::new(3, 8, &mut nn::rng(0));
    /// let mut state = None;
    /// for _ in 0..4 {
    ///     let tape = Tape::new();
    ///     let pass = Pass::evaluate(&tape);
    ///     let before = state.map(|state: nn::layers::RecurrentState<Tensor<f32>>| state.on(&pass));
    ///     let (output, after) = layer.step(&pass, pass.input(&Tensor::ones(&[1, 3])), before);
    ///     assert_eq!(output.shape()[..], [1, 8]);
    ///     state = Some(after.values());
    /// }
    /// ```
    #[track_caller]
    pub fn step<'t>(
        &self,
        pass: &Pass<'t, A>,
        x: Var<'t, A>,
        state: Option<RecurrentState<Var<'t, A>>>,
    ) -> (Var<'t, A>, RecurrentState<Var<'t, A>>) {
        let name = self.describe();
        assert!(
            !self.settings.bidirectional,
            "{name} cannot go step by step: its backward direction begins at the end of the sequence"
        );
        let RecurrentOutput { sequence, state } = match x.shape()[..] {
            [_, _] => self.run(pass, x.expand_dims(1), state),
            ref given => panic!("{}", Error::layer_input(name, self.wanted("[N, ", "]"), given)),
        };
        (sequence.squeeze(1), state)
    }

    /// The states that each layer and direction begins with.
    #[track_caller]
    fn initial_states<'t>(
        &self,
        pass: &Pass<'t, A>,
        batch: usize,
        given: Option<RecurrentState<Var<'t, A>>>,
    ) -> Vec<RecurrentState<Var<'t, A>>> {
        let Some(given) = given else {
            let zeros = pass.tape().constant(Tensor::zeros(&[batch, self.hidden]));
            let cell = C::HAS_CELL_STATE.then_some(zeros);
            return vec![RecurrentState { hidden: zeros, cell }; self.weights.len()];
        };
        let (name, wanted) = (self.describe(), [self.weights.len(), batch, self.hidden]);
        let has = |has: bool| if has { "a" } else { "no" };
        assert!(
            given.cell.is_some() == C::HAS_CELL_STATE,
            "{name} has {} cell state, but is given a state with {} cell state",
            has(C::HAS_CELL_STATE),
            has(given.cell.is_some()),
        );
        for (part, of) in [(Some(given.hidden), "hidden"), (given.cell, "cell")] {
            let shape = part.map_or_else(|| Shape::from_slice(&wanted), Var::shape);
            assert!(
                shape[..] == wanted,
                "{name} takes an initial {of} state of shape {wanted:?} for {batch} sequences, but \
                 is given {shape:?}"
            );
        }
        let each = |x: Var<'t, A>, number| x.slice(ndarray::s![number, .., ..]);
        (0..self.weights.len()).map(|number| given.map(|x| each(x, number))).collect()
    }

    /// The last axis of the output.
    fn width(&self) -> usize {
        self.settings.directions() * self.hidden
    }

    fn wanted(&self, before: &str, after: &str) -> String {
        format!("{before}{}{after}", self.inputs)
    }

    /// The suffix of the parameters' names of a layer and direction.
    fn suffix(&self, number: usize) -> String {
        let (layer, direction) =
            (number / self.settings.directions(), number % self.settings.directions());
        format!("l{layer}{}", if direction == 1 { "_reverse" } else { "" })
    }
}

/// The order in which the steps of a sequence are taken.
#[derive(Clone, Copy)]
enum Order {
    Forward,
    Backward,
}

impl Order {
    fn of(direction: usize) -> Self {
        if direction == 0 { Self::Forward } else { Self::Backward }
    }

    fn steps(self, count: usize) -> impl Iterator<Item = usize> {
        (0..count).map(move |step| match self {
            Self::Forward => step,
            Self::Backward => count - 1 - step,
        })
    }
}

impl<A: Float, C: Cell> Module<A> for Recurrent<A, C> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.begin(self);
        let RecurrentOutput { sequence, state } = self.run(pass, x, None);
        match self.settings.returns {
            Returns::Sequence => sequence,
            Returns::Last => {
                let first = self.weights.len() - self.settings.directions();
                let of_direction = |number| state.hidden.slice(ndarray::s![number, .., ..]);
                let last: Vec<_> = (first..self.weights.len()).map(of_direction).collect();
                last[0].concat(&last[1..], -1)
            }
        }
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        match *input {
            [batch, steps, inputs] if steps > 0 && inputs == self.inputs => {
                Ok(match self.settings.returns {
                    Returns::Sequence => Shape::from_slice(&[batch, steps, self.width()]),
                    Returns::Last => Shape::from_slice(&[batch, self.width()]),
                })
            }
            _ => {
                let wanted = self.wanted("[N, T, ", "] with at least one step");
                Err(Error::layer_input(self.describe(), wanted, input))
            }
        }
    }

    fn describe(&self) -> String {
        let Self { inputs, hidden, .. } = self;
        let Recurrence { layers, bidirectional, .. } = self.settings;
        let layers = if layers > 1 { format!(", {layers} layers") } else { String::new() };
        let both = if bidirectional { ", both directions" } else { "" };
        format!("{}({inputs} → {hidden}{layers}{both})", C::NAME)
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        for (number, weights) in self.weights.iter().enumerate() {
            let suffix = self.suffix(number);
            for (name, weight) in weights.named() {
                visit(&format!("{name}_{suffix}"), weight);
            }
        }
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        let suffixes: Vec<String> = (0..self.weights.len()).map(|n| self.suffix(n)).collect();
        for (weights, suffix) in self.weights.iter_mut().zip(suffixes) {
            for (name, weight) in weights.named_mut() {
                visit(&format!("{name}_{suffix}"), weight);
            }
        }
    }
}
