//! Gradients that are kept small.

use ops::Float;

use crate::ground::Error;
use crate::optim::{clip_norm, clip_value};
use crate::train::callback::{Callback, Run, StepView};

/// Keeps gradients from being too large: by the norm over all parameters, which leaves the
/// direction as it is, or number by number. Pascanu et al., *On the difficulty of training
/// recurrent neural networks*, 2013.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClipGradients {
    /// The norm over all parameters is at most this.
    Norm(f64),
    /// Each number is at most this, and at least its negative.
    Value(f64),
}

impl<A: Float> Callback<A> for ClipGradients {
    fn name(&self) -> &'static str {
        "gradient clipping"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn on_gradients(
        &mut self,
        run: &mut Run<'_, A>,
        step: &mut StepView<'_, '_, A>,
    ) -> Result<(), Error> {
        match *self {
            Self::Norm(most) => clip_norm(step.gradients, run.model, most).map(|_| ()),
            Self::Value(most) => clip_value(step.gradients, run.model, most),
        }
    }
}
