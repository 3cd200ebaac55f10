//! What is infinite or NaN in a training run, and where it first was.

use ops::{Float, visible};
use tape::error::TapeError;
use tape::{Tape, Var};

use crate::data::Batch;
use crate::ground::words::shown_scopes;
use crate::ground::{Error, all_finite};
use crate::loss::Loss;
use crate::model::{Gradients, Module, Pass};
use crate::optim::Penalty;

/// The first trained parameter that is infinite or NaN.
pub(super) fn bad_parameter<A: Float>(model: &dyn Module<A>) -> Option<String> {
    let mut bad = None;
    model.visit(&mut |path, parameter| {
        if bad.is_none() && parameter.is_trained() && !all_finite(&parameter.value) {
            bad = Some(path.to_owned());
        }
    });
    bad
}

/// What of a step would make the model infinite or NaN, in words: a gradient, or the new value of
/// a buffer that is finite now.
pub(super) fn bad_step<A: Float>(
    model: &dyn Module<A>,
    gradients: &Gradients<A>,
) -> Option<String> {
    let mut bad = None;
    model.visit(&mut |path, parameter| {
        if bad.is_some() {
        } else if gradients.of(parameter).is_some_and(|gradient| !all_finite(gradient)) {
            bad = Some(format!("the gradient of parameter {}", visible(path)));
        } else if gradients.update_of(parameter).is_some_and(|value| !all_finite(value))
            && all_finite(&parameter.value)
        {
            bad = Some(format!("the new value of buffer {}", visible(path)));
        }
    });
    bad
}

/// A step, to be recorded once more.
pub(super) struct Step<'s, A: Float> {
    pub model: &'s dyn Module<A>,
    pub batch: &'s Batch<A>,
    pub loss: &'s dyn Loss<A>,
    pub penalty: Option<&'s Penalty>,
    /// The seed of its pass.
    pub seed: u64,
}

impl<A: Float> Step<'_, A> {
    /// Where the step first has something infinite or NaN, in words. The loss is finite.
    pub fn origin(&self) -> String {
        let plain = Tape::new();
        let found = self.record(&plain).map(|(_, loss)| first_value(loss, self.model));
        if let Ok(Some(first)) = found {
            return first;
        }
        // No value is: a tape that stops does so in the sweep.
        let stopping = Tape::new().stop_at_non_finite();
        let swept = self.record(&stopping).map(|(pass, loss)| pass.gradients(loss));
        match swept {
            Ok(Err(TapeError::NonFinite(first))) => first.to_string(),
            _ => "the sweep itself gave finite gradients, so a callback has changed them".into(),
        }
    }

    /// Records the forward pass and the loss, with the penalty.
    fn record<'t>(&self, tape: &'t Tape<A>) -> Result<(Pass<'t, A>, Var<'t, A>), Error> {
        let pass = Pass::train(tape, self.seed);
        let output = self.model.forward(&pass, pass.input(&self.batch.inputs));
        let loss = self.loss.loss(output, &self.batch.targets)?;
        let penalty = self.penalty.map(|penalty| penalty.loss(&pass, self.model)).transpose()?;
        Ok((pass, penalty.map_or(loss, |penalty| loss + penalty)))
    }
}

/// The first recorded value that is infinite or NaN, in words.
pub(super) fn first_value<A: Float>(loss: Var<'_, A>, model: &dyn Module<A>) -> Option<String> {
    let first = loss.tape().vars().find(|var| !var.value().is_finite())?;
    let what = match first.op() {
        Some(op) => format!("op {op}"),
        None => leaf(first, model),
    };
    let scope = first.scope_path();
    let place = if scope.is_empty() {
        String::new()
    } else {
        format!(" in layer {}", shown_scopes(&scope))
    };
    let line = first.location();
    Some(format!("the first value that is not finite is that of {what}{place}, from {line}"))
}

/// What a value is that no op has computed.
fn leaf<A: Float>(leaf: Var<'_, A>, model: &dyn Module<A>) -> String {
    let mut path = None;
    model.visit(&mut |known, parameter| {
        if leaf.shares_memory_with(&parameter.value) {
            path = Some(format!("parameter {}, as the step before left it", visible(known)));
        }
    });
    path.unwrap_or_else(|| "a parameter or an input".to_owned())
}
