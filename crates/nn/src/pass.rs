//! One pass of a model over a batch.

use std::cell::RefCell;
use std::collections::HashMap;

use ops::{Float, Tensor};
use tape::error::TapeError;
use tape::{Tape, Var};

use crate::parameter::{Gradients, Parameter, ParameterId};

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Training: layers that act only then, such as dropout, act.
    Train,
    /// Evaluation: the model as it will be used.
    Evaluate,
}

/// One pass of a model over a batch, recorded on a tape. A forward pass reads the model and never
/// changes it.
#[derive(Debug)]
pub struct Pass<'t, A: Float> {
    tape: &'t Tape<A>,
    mode: Mode,
    parameters: RefCell<HashMap<ParameterId, Var<'t, A>>>,
}

impl<'t, A: Float> Pass<'t, A> {
    /// A pass for training.
    pub fn train(tape: &'t Tape<A>) -> Self {
        Self::new(tape, Mode::Train)
    }

    /// A pass for evaluation.
    pub fn evaluate(tape: &'t Tape<A>) -> Self {
        Self::new(tape, Mode::Evaluate)
    }

    /// A pass for either.
    pub fn new(tape: &'t Tape<A>, mode: Mode) -> Self {
        Self { tape, mode, parameters: RefCell::new(HashMap::new()) }
    }

    /// What the pass is for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The tape that the pass is recorded on.
    pub fn tape(&self) -> &'t Tape<A> {
        self.tape
    }

    /// Puts a batch of data on the tape, of which no gradient is wanted.
    #[track_caller]
    pub fn input(&self, data: &Tensor<A>) -> Var<'t, A> {
        self.tape.constant(data)
    }

    /// The variable that stands for a parameter in this pass: the same one each time, so that a
    /// parameter used in two places receives the contributions of both.
    #[track_caller]
    pub fn parameter(&self, parameter: &Parameter<A>) -> Var<'t, A> {
        if let Some(&var) = self.parameters.borrow().get(&parameter.id()) {
            return var;
        }
        let var = self.tape.var(&parameter.value);
        self.parameters.borrow_mut().insert(parameter.id(), var);
        var
    }

    /// Backpropagation from `loss`: the gradient with respect to every parameter of the pass
    /// that went into it.
    ///
    /// # Errors
    /// If the loss is not a scalar, or no parameter went into it.
    pub fn gradients(&self, loss: Var<'t, A>) -> Result<Gradients<A>, TapeError> {
        let gradients = loss.try_backward()?;
        let parameters = self.parameters.borrow();
        let by_id =
            parameters.iter().filter_map(|(&id, &x)| Some((id, gradients.try_wrt(x).ok()?)));
        Ok(Gradients::new(by_id.collect()))
    }
}
