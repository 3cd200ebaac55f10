//! Ending at a value that is not finite.

use ops::Float;

use crate::ground::Error;
use crate::train::callback::{Callback, Run};

/// Ends training, with the history so far, when the loss of a batch, a gradient, a parameter or a
/// value of an epoch is NaN or infinite. Without it [`Fit`](crate::Fit) returns an error for all
/// but the last.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNan;

impl<A: Float> Callback<A> for TerminateOnNan {
    fn name(&self) -> &'static str {
        "terminate on NaN"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let Some(log) = run.history.last() else { return Ok(()) };
        let bad = log.values.iter().find(|(_, value)| !value.is_finite()).cloned();
        if let Some((name, value)) = bad {
            run.stop(format!("{name} is {value} in epoch {}", run.epoch));
        }
        Ok(())
    }

    fn forgives_non_finite_loss(&self) -> bool {
        true
    }
}
