//! Schedules: how the learning rate goes with time.
//!
//! Time t is a number of steps or of epochs, from 0: whichever the program counts in.
//!
//! ```
//! use nn::prelude::*;
//! use nn::schedule::{Chain, Cosine, Linear};
//!
//! let mut optimizer = AdamW::<f32>::new(3e-4)?;
//! // 100 steps of warm-up, then 900 along a cosine to a hundredth.
//! let schedule =
//!     Chain::new(Linear::warm_up(100)?).then(100, Cosine::new(900)?.to(3e-6)?)?;
//! let base = optimizer.learning_rate();
//! for step in 0..1000 {
//!     Optimizer::<f32>::set_learning_rate(&mut optimizer, schedule.rate(base, step))?;
//!     // … pass, gradients, step
//! }
//! assert!(Optimizer::<f32>::learning_rate(&optimizer) < 3.01e-6);
//! # Ok::<(), nn::Error>(())
//! ```
//!
//! | schedule | rate at t for the base rate η₀ |
//! |---|---|
//! | [`Constant`] | f η₀ |
//! | [`StepDecay`] | η₀ γ^⌊t/n⌋ |
//! | [`MultiStep`] | η₀ γ^k after k milestones |
//! | [`Exponential`] | η₀ γᵗ |
//! | [`Linear`] | from one factor to another, then constant |
//! | [`Cosine`] | ηₘ + ½ (η₀ − ηₘ)(1 + cos πt/n) |
//! | [`CosineRestarts`] | the same, begun again after each cycle |
//! | [`OneCycle`] | up to η₀ and down to next to nothing |
//! | [`Chain`] | one after another |
//! | [`Plateau`] | falls when a watched value no longer improves |

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::ground::{Error, State, StateReader};

mod chain;
mod cosine;
mod decay;
mod one_cycle;
mod plateau;

use crate::ground::setting::check;
pub use chain::Chain;
pub use cosine::{Cosine, CosineRestarts};
pub use decay::{Constant, Exponential, Linear, MultiStep, StepDecay};
pub use one_cycle::OneCycle;
pub use plateau::Plateau;

/// How the learning rate goes with time. A schedule that is only a function of time implements
/// [`rate`](Schedule::rate) and nothing else.
pub trait Schedule: Debug {
    /// The learning rate at time t, a number of steps or epochs from 0, for an optimiser that was
    /// given the rate `base`.
    fn rate(&self, base: f64, t: usize) -> f64;

    /// Tells it the watched value, such as the validation loss, that was reached at time t. To be
    /// called in order of time, once for each. Most schedules do nothing with it.
    fn observe(&mut self, t: usize, value: f64) {
        let _ = (t, value);
    }

    /// Whether it goes by the values that it observes.
    fn is_observer(&self) -> bool {
        false
    }

    /// All that it remembers, to be put in [`State::numbers`](crate::State::numbers). Nothing, if
    /// it is a function of time.
    fn state(&self) -> BTreeMap<String, f64> {
        BTreeMap::new()
    }

    /// Goes back to what [`state`](Schedule::state) gave.
    ///
    /// # Errors
    /// If something is missing, unexpected or not a number; nothing is changed then.
    fn load_state(&mut self, state: &BTreeMap<String, f64>) -> Result<(), Error> {
        read(state, "the schedule", |_| ())
    }
}

/// Reads the numbers of a state and refuses what was not read.
fn read<T>(
    state: &BTreeMap<String, f64>,
    of: &str,
    all: impl FnOnce(&mut StateReader<'_, f64>) -> T,
) -> Result<T, Error> {
    let state = State::<f64> { numbers: state.clone(), ..State::new() };
    let mut reader = StateReader::new(&state);
    let result = all(&mut reader);
    reader.finish(of)?;
    Ok(result)
}

impl<S: Schedule + ?Sized> Schedule for Box<S> {
    fn rate(&self, base: f64, t: usize) -> f64 {
        (**self).rate(base, t)
    }
    fn observe(&mut self, t: usize, value: f64) {
        (**self).observe(t, value);
    }
    fn is_observer(&self) -> bool {
        (**self).is_observer()
    }
    fn state(&self) -> BTreeMap<String, f64> {
        (**self).state()
    }
    fn load_state(&mut self, state: &BTreeMap<String, f64>) -> Result<(), Error> {
        (**self).load_state(state)
    }
}

/// Refuses a factor that is not above 0 and at most 1.
fn check_gamma(gamma: f64) -> Result<(), Error> {
    check("gamma", gamma, gamma > 0.0 && gamma <= 1.0, "above 0 and at most 1")
}

/// Refuses a length of 0.
fn check_length(setting: &'static str, length: usize) -> Result<(), Error> {
    check(setting, length, length > 0, "at least 1")
}
