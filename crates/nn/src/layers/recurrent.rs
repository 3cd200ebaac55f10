//! Recurrent layers: one loop over time, whatever the cell.

use std::fmt::Debug;

use ops::methods::{LayoutMethods, LinearMethods, MatmulMethods};
use ops::{Float, Shape, Tensor};
use rand::Rng;
use tape::Var;

use super::accept;
use super::dropout::Dropout;
use super::window::settled;
use crate::error::Error;
use crate::init::Init;
use crate::module::Module;
use crate::parameter::Parameter;
use crate::pass::Pass;

/// One step of a recurrent layer: how its state follows from the one before.
///
/// [`SimpleRnn`](super::SimpleRnn), [`Lstm`](super::Lstm) and [`Gru`](super::Gru) are the one
/// layer [`Recurrent`] with different cells. So is a cell of one's own, which gets many steps,
/// layers and directions with it:
///
/// ```
/// use nn::layers::{Cell, Recurrent, RecurrentState};
/// use nn::ops::Float;
/// use nn::prelude::*;
///
/// /// A minimal gated unit: one gate f mixes the old state with a candidate.
/// #[derive(Clone, Debug, Default)]
/// struct Gated;
/// impl Cell for Gated {
///     const NAME: &'static str = "Gated";
///     const BLOCKS: usize = 2; // the gate and the candidate
///
///     fn step<'t, A: Float>(
///         &self,
///         from_input: Var<'t, A>,
///         from_hidden: Var<'t, A>,
///         before: RecurrentState<Var<'t, A>>,
///     ) -> RecurrentState<Var<'t, A>> {
///         let units = before.hidden.length(-1);
///         let sums = (from_input + from_hidden).split(-1, &[units, units]);
///         let (gate, candidate) = (sums[0].sigmoid(), sums[1].tanh());
///         RecurrentState::hidden(candidate + gate * (before.hidden - candidate))
///     }
/// }
/// let layer = Recurrent::<f32, Gated>::new(3, 8, &mut nn::rng(0)).last();
/// assert_eq!(layer.output_shape(&[5, 10, 3])?[..], [5, 8]);
/// # Ok::<(), nn::Error>(())
/// ```
pub trait Cell: Clone + Debug + 'static {
    /// What the layer is called in messages and summaries.
    const NAME: &'static str;
    /// The number of blocks of rows in each weight: one for each gate and each candidate.
    const BLOCKS: usize;
    /// Whether a cell state goes from step to step beside the hidden state.
    const HAS_CELL_STATE: bool = false;

    /// The state after a step, from the state before it.
    ///
    /// `from_input` is `W_ih x + b_ih` and `from_hidden` is `W_hh h + b_hh`, both
    /// `[N, BLOCKS · hidden]`; states are `[N, hidden]`.
    fn step<'t, A: Float>(
        &self,
        from_input: Var<'t, A>,
        from_hidden: Var<'t, A>,
        before: RecurrentState<Var<'t, A>>,
    ) -> RecurrentState<Var<'t, A>>;
}

/// What a recurrent layer remembers between steps: recorded (`T` is a variable), or as numbers
/// that outlive their tape (`T` is a tensor).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecurrentState<T> {
    /// The hidden state h, which is also the output of a step. For a whole layer
    /// `[layers · directions, N, hidden]`, in PyTorch's order: layer 0 forwards, layer 0
    /// backwards, layer 1 forwards, and so on.
    pub hidden: T,
    /// The cell state c of an LSTM, of the same shape.
    pub cell: Option<T>,
}

impl<T> RecurrentState<T> {
    /// The state of a layer that has a hidden state only.
    pub fn hidden(hidden: T) -> Self {
        Self { hidden, cell: None }
    }

    /// The state of an LSTM.
    pub fn with_cell(hidden: T, cell: T) -> Self {
        Self { hidden, cell: Some(cell) }
    }

    fn map<U>(self, f: impl Fn(T) -> U) -> RecurrentState<U> {
        RecurrentState { hidden: f(self.hidden), cell: self.cell.map(f) }
    }
}

impl<'t, A: Float> RecurrentState<Var<'t, A>> {
    /// The numbers, to go on from in another pass: no gradient flows back through them. That is
    /// truncated backpropagation through time, and how text is generated.
    pub fn values(self) -> RecurrentState<Tensor<A>> {
        self.map(Var::value)
    }

    /// The states of all layers and directions as one.
    fn stack(each: &[Self]) -> Self {
        let stack = |part: &dyn Fn(&Self) -> Option<Var<'t, A>>| {
            let parts: Option<Vec<Var<'t, A>>> = each.iter().map(part).collect();
            let parts = parts?;
            Some(parts[0].stack(&parts[1..], 0))
        };
        let hidden = stack(&|state| Some(state.hidden)).expect("every state has a hidden part");
        Self { hidden, cell: stack(&|state| state.cell) }
    }
}

impl<A: Float> RecurrentState<Tensor<A>> {
    /// The state on the tape of a pass, as a constant.
    pub fn on<'t>(&self, pass: &Pass<'t, A>) -> RecurrentState<Var<'t, A>> {
        let put = |value| pass.input(value);
        RecurrentState { hidden: put(&self.hidden), cell: self.cell.as_ref().map(put) }
    }
}

/// What a run over a sequence gives.
#[derive(Clone, Copy, Debug)]
pub struct RecurrentOutput<'t, A: Float> {
    /// The hidden states of the last layer at every step, `[N, T, directions · hidden]`: at each
    /// step those of the forward direction, then those of the backward direction.
    pub sequence: Var<'t, A>,
    /// The state of every layer and direction after its last step. A backward direction's last
    /// step is at the beginning of the sequence.
    pub state: RecurrentState<Var<'t, A>>,
}

/// What the forward pass of a recurrent layer returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// The hidden state of the last layer at every step, `[N, T, directions · hidden]`.
    Sequence,
    /// The hidden state of the last layer when it has seen the whole sequence,
    /// `[N, directions · hidden]`: forwards that is after the last element, backwards after the
    /// first, one beside the other. (Not the sequence at its last step, where the backward
    /// direction has seen one element only.)
    Last,
}

/// The settings of a recurrent layer. The default: one layer, forwards, no dropout, the whole
/// sequence returned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrence {
    /// How many layers, each of which reads the hidden states of the one before.
    pub layers: usize,
    /// Whether each layer also reads the sequence backwards, with weights of its own.
    pub bidirectional: bool,
    /// The probability with which a hidden state is set to 0 on its way to the next layer, in
    /// training. Only with more than one layer.
    pub dropout: f64,
    /// What the forward pass returns.
    pub returns: Returns,
}

impl Default for Recurrence {
    fn default() -> Self {
        Self { layers: 1, bidirectional: false, dropout: 0.0, returns: Returns::Sequence }
    }
}

impl Recurrence {
    fn directions(self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    fn check(self, inputs: usize, hidden: usize) -> Result<Dropout, Error> {
        let counts = [
            ("the number of inputs of a recurrent layer", inputs),
            ("the number of hidden units of a recurrent layer", hidden),
            ("the number of layers of a recurrent layer", self.layers),
        ];
        if let Some((setting, _)) = counts.into_iter().find(|&(_, count)| count == 0) {
            return Err(Error::Setting { setting, given: "0".into(), allowed: "at least 1" });
        }
        let dropout = Dropout::new(self.dropout)?;
        if self.dropout > 0.0 && self.layers == 1 {
            return Err(Error::Setting {
                setting: "the dropout between the layers of a recurrent layer",
                given: self.dropout.to_string(),
                allowed: "0 where there is only one layer",
            });
        }
        Ok(dropout)
    }
}

/// The weights of one layer in one direction. Each block of `hidden` rows belongs to one gate or
/// candidate of the cell.
#[derive(Clone, Debug)]
pub struct RecurrentWeights<A: Float> {
    /// `W_ih`, `[blocks · hidden, inputs]`.
    pub weight_ih: Parameter<A>,
    /// `W_hh`, `[blocks · hidden, hidden]`.
    pub weight_hh: Parameter<A>,
    /// `b_ih`, `[blocks · hidden]`.
    pub bias_ih: Parameter<A>,
    /// `b_hh`, `[blocks · hidden]`.
    pub bias_hh: Parameter<A>,
}

impl<A: Float> RecurrentWeights<A> {
    /// Uniform between ±1/√hidden, PyTorch's default.
    fn new(rows: usize, inputs: usize, hidden: usize, rng: &mut impl Rng) -> Self {
        let bound = 1.0 / (hidden as f64).sqrt();
        let init = Init::Uniform { low: -bound, high: bound };
        let mut draw = |shape: &[usize]| {
            Parameter::new(init.tensor(shape, inputs, hidden, rng).expect("finite bounds in order"))
        };
        Self {
            weight_ih: draw(&[rows, inputs]),
            weight_hh: draw(&[rows, hidden]),
            bias_ih: draw(&[rows]),
            bias_hh: draw(&[rows]),
        }
    }

    fn named(&self) -> [(&'static str, &Parameter<A>); 4] {
        let Self { weight_ih, weight_hh, bias_ih, bias_hh } = self;
        [
            ("weight_ih", weight_ih),
            ("weight_hh", weight_hh),
            ("bias_ih", bias_ih),
            ("bias_hh", bias_hh),
        ]
    }

    fn named_mut(&mut self) -> [(&'static str, &mut Parameter<A>); 4] {
        let Self { weight_ih, weight_hh, bias_ih, bias_hh } = self;
        [
            ("weight_ih", weight_ih),
            ("weight_hh", weight_hh),
            ("bias_ih", bias_ih),
            ("bias_hh", bias_hh),
        ]
    }
}

/// A recurrent layer over sequences, batch first:
/// `[N, T, inputs] → [N, T, directions · hidden]`, or `[N, directions · hidden]` with
/// [`Returns::Last`].
///
/// It is a cell, applied at each of T steps with the same weights. The part of the input is one
/// matrix product for all steps, the part of the hidden state one product a step. Parameters have
/// PyTorch's names, layouts and first values: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`,
/// `bias_hh_l0`, the next layer's with `l1`, those of the backward direction with `_reverse` after
/// them, all drawn uniformly between ±1/√hidden.
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
    /// For each layer, those of its directions.
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
    /// If there are no inputs, hidden units or layers, or the dropout is not from 0 to 1, or there is
    /// dropout with a single layer, where it would do nothing.
    pub fn with_settings(
        inputs: usize,
        hidden: usize,
        settings: Recurrence,
        rng: &mut impl Rng,
    ) -> Result<Self, Error> {
        let dropout = settings.check(inputs, hidden)?;
        let directions = settings.directions();
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
        accept(self, x);
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

    /// What a layer and direction is called at the end of its parameters' names.
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
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
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
