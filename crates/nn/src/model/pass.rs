//! One pass of a model over a batch.

use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::collections::HashMap;
use std::sync::Arc;

use chacha20::ChaCha8Rng;
use ops::{Float, Tensor};
use tape::error::TapeError;
use tape::{Tape, Var};

use super::{Gradients, Module, Parameter, ParameterId, on_behalf};
use crate::ground::rng;
use crate::ground::words::shown_scopes;

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Training: layers that act only then, such as dropout, act.
    Train {
        /// What dropout draws from. The same seed gives the same pass.
        seed: u64,
    },
    /// Evaluation: the model as it will be used.
    Evaluate,
}

/// One pass of a model over a batch, recorded on a tape. A forward pass reads the model and never
/// changes it.
#[derive(Debug)]
pub struct Pass<'t, A: Float> {
    pub(super) tape: &'t Tape<A>,
    mode: Mode,
    rng: OnceCell<RefCell<ChaCha8Rng>>,
    /// Each with whether it is a buffer.
    pub(super) parameters: RefCell<HashMap<ParameterId, (Var<'t, A>, bool)>>,
    updates: RefCell<HashMap<ParameterId, Var<'t, A>>>,
    /// What its parameters are called, each with the number of the last of that name.
    pub(super) paths: RefCell<HashMap<Arc<str>, usize>>,
    /// Whether a parameter was recorded that does not know its path.
    pub(super) is_path_missing: Cell<bool>,
    /// The number of layers whose forward passes have begun, one inside the other.
    pub(super) depth: Cell<usize>,
    /// Why a layer cannot be trained on the batch, in a pass that is only tried.
    trial: Option<RefCell<Option<String>>>,
}

impl<'t, A: Float> Pass<'t, A> {
    /// A pass for training, in which layers draw their random numbers from `seed`. Every step
    /// wants another seed: the number of the step will do.
    pub fn train(tape: &'t Tape<A>, seed: u64) -> Self {
        Self::new(tape, Mode::Train { seed })
    }

    /// A pass for evaluation.
    pub fn evaluate(tape: &'t Tape<A>) -> Self {
        Self::new(tape, Mode::Evaluate)
    }

    /// A pass for either.
    pub fn new(tape: &'t Tape<A>, mode: Mode) -> Self {
        Self {
            tape,
            mode,
            rng: OnceCell::new(),
            parameters: RefCell::default(),
            updates: RefCell::default(),
            paths: RefCell::default(),
            is_path_missing: Cell::default(),
            depth: Cell::default(),
            trial: None,
        }
    }

    /// A pass for training that is only tried: a layer that would panic may refuse instead.
    pub(crate) fn trial(tape: &'t Tape<A>) -> Self {
        Self { trial: Some(RefCell::default()), ..Self::train(tape, 0) }
    }

    /// Notes why a layer cannot be trained on the batch, if the pass is only tried; whether it is.
    pub(crate) fn refuse(&self, why: impl FnOnce() -> String) -> bool {
        let Some(refusal) = &self.trial else { return false };
        refusal.borrow_mut().get_or_insert_with(why);
        true
    }

    /// Why a layer refused, if one did.
    pub(crate) fn refusal(self) -> Option<String> {
        self.trial?.into_inner()
    }

    /// What the pass is for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether the pass is for training.
    pub fn is_training(&self) -> bool {
        self.mode != Mode::Evaluate
    }

    /// The tape that the pass is recorded on.
    pub fn tape(&self) -> &'t Tape<A> {
        self.tape
    }

    /// The random numbers of a training pass, for a layer that acts at random in training.
    ///
    /// # Panics
    /// In evaluation, where a model gives the same output each time; or if numbers are drawn
    /// while others are being drawn.
    #[track_caller]
    pub fn rng(&self) -> RefMut<'_, ChaCha8Rng> {
        let Mode::Train { seed } = self.mode else {
            panic!("a layer asked for random numbers in evaluation, where nothing is random");
        };
        self.rng.get_or_init(|| RefCell::new(rng(seed))).borrow_mut()
    }

    /// Puts a batch of data on the tape, for which no gradient is computed.
    #[track_caller]
    pub fn input(&self, data: &Tensor<A>) -> Var<'t, A> {
        self.tape.constant(data)
    }

    /// The variable that stands for a parameter in this pass: the same one each time, so that a
    /// parameter used in two places receives the contributions of both. A buffer or a frozen
    /// parameter is a constant.
    #[track_caller]
    pub fn parameter(&self, parameter: &Parameter<A>) -> Var<'t, A> {
        if let Some(&(var, _)) = self.parameters.borrow().get(&parameter.id()) {
            return var;
        }
        let var = if parameter.is_trained() {
            self.tape.var(&parameter.value)
        } else {
            self.tape.constant(&parameter.value)
        };
        self.parameters.borrow_mut().insert(parameter.id(), (var, parameter.is_buffer()));
        self.name(parameter, var);
        var
    }

    /// The first parameter of the pass that training would change if the model showed it, in words.
    pub(crate) fn hidden(&self, model: &dyn Module<A>) -> Option<String> {
        let (parameters, updates) = (self.parameters.borrow(), self.updates.borrow());
        let mut hidden = parameters.clone();
        hidden.retain(|id, (var, _)| var.is_tracked() || updates.contains_key(id));
        model.visit(&mut |_, parameter| {
            hidden.remove(&parameter.id());
        });
        let (var, buffer) = hidden.into_values().min_by_key(|(var, _)| var.position())?;
        let kind = if buffer { "buffer" } else { "parameter" };
        let (shape, line) = (var.shape(), var.location());
        let scope = shown_scopes(&var.scope_path());
        let layer = if scope.is_empty() { scope } else { format!(" in layer {scope}") };
        Some(format!("a {kind} of shape {:?}{layer}, at {line},", &shape[..]))
    }

    /// Whether a layer drew random numbers.
    pub(crate) fn is_random(&self) -> bool {
        self.rng.get().is_some()
    }

    /// The variables and constants that stand for parameters and buffers, in the order of
    /// recording.
    pub(crate) fn leaves(&self) -> Vec<(ParameterId, Var<'t, A>)> {
        let parameters = self.parameters.borrow();
        let mut leaves: Vec<_> = parameters.iter().map(|(&id, &(var, _))| (id, var)).collect();
        leaves.retain(|(_, var)| var.op().is_none());
        leaves.sort_by_key(|(_, var)| var.position());
        leaves
    }

    /// The new values of buffers.
    pub(crate) fn updates(&self) -> Vec<(ParameterId, Var<'t, A>)> {
        self.updates.borrow().iter().map(|(&id, &value)| (id, value)).collect()
    }

    /// The parameters of the pass by their position on the tape: whether each is a parameter
    /// rather than a buffer.
    pub(crate) fn parameter_vars(&self) -> HashMap<usize, bool> {
        let parameters = self.parameters.borrow();
        parameters.values().map(|(var, buffer)| (var.position(), !buffer)).collect()
    }

    /// Uses `value` instead of a parameter in this pass: the result of an inner step of
    /// optimisation, or a variable with respect to which the whole model is differentiated. The
    /// pass then gives the gradient with respect to it under the parameter's name.
    ///
    /// ```
    /// use nn::prelude::*;
    ///
    /// let layer = Dense::<f64>::new(2, 1, &mut nn::rng(0));
    /// let tape = Tape::new();
    /// let pass = Pass::evaluate(&tape);
    /// let w = tape.var([[3.0, 4.0]]);
    /// pass.substitute(&layer.weight, w);
    /// assert_eq!(layer.forward(&pass, tape.constant([[1.0, 2.0]])).item(), 11.0);
    /// ```
    ///
    /// # Panics
    /// If the parameter is in use in this pass already, or `value` has another shape.
    #[track_caller]
    pub fn substitute(&self, parameter: &Parameter<A>, value: Var<'t, A>) {
        let (wanted, given) = (parameter.value.shape(), value.shape());
        assert!(
            wanted == &given[..],
            "a value of shape {given:?} cannot replace a parameter of shape {wanted:?}"
        );
        let before =
            self.parameters.borrow_mut().insert(parameter.id(), (value, parameter.is_buffer()));
        assert!(before.is_none(), "a parameter was substituted after its first use in the pass");
    }

    /// Says what value a buffer is to have after this pass. It takes it at the optimiser's next
    /// step; the pass itself changes nothing.
    pub fn update(&self, buffer: &Parameter<A>, value: Var<'t, A>) {
        self.updates.borrow_mut().insert(buffer.id(), value);
    }

    /// Records a part of the model under a name, which messages, summaries and pictures show.
    #[track_caller]
    pub fn scope<T>(&self, name: impl Into<Arc<str>>, record: impl FnOnce() -> T) -> T {
        let _line = on_behalf(self.tape);
        self.tape.scope(name, record)
    }

    /// Backpropagation from `loss`: the gradient with respect to every trained parameter of the
    /// pass that went into it, and the new values of buffers.
    ///
    /// # Errors
    /// If the loss is not a scalar, or no trained parameter went into it.
    pub fn gradients(&self, loss: Var<'t, A>) -> Result<Gradients<A>, TapeError> {
        let parameters = self.parameters.borrow();
        let vars: Vec<Var<'t, A>> = parameters.values().map(|&(var, _)| var).collect();
        let gradients = loss.backward_wrt(&vars)?;
        let by_id =
            parameters.iter().filter_map(|(&id, &(x, _))| Some((id, gradients.try_wrt(x).ok()?)));
        let updates = self.updates().into_iter().map(|(id, x)| (id, x.value())).collect();
        Ok(Gradients::new(by_id.collect(), updates))
    }
}
