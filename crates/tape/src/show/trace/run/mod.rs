//! A trace of a run: steps of training one after the other, each with both passes, the optimiser's
//! step for every parameter, and the loss after it.
//!
//! The crate `nn` traces runs of a model, with `Trace::of_run`. What it puts together here is for any
//! loop that changes variables:
//!
//! ```
//! use tape::{Tape, Trace, prelude::*};
//! use tape::trace::{Change, Layout, Run, RunStep, Update};
//!
//! let tape = Tape::new();
//! let mut value = 3.0_f64;
//! let mut run = Run::default();
//! for _ in 0..5 {
//!     let w = tape.var(value).named("w");
//!     let trace = Trace::of((w * w).named("L"))?;
//!     let gradient = trace.gradient(w).unwrap();
//!     let after = value - 0.1 * gradient.item();
//!     let (before, kept, rule) = (value.into(), Vec::new(), None);
//!     let update = Update::new(w, Change { before, gradient, after: after.into(), kept, rule });
//!     run.push(RunStep::new(trace, vec![update], after * after));
//!     value = after;
//! }
//! assert!(run.losses().windows(2).all(|pair| pair[1] < pair[0]));
//! assert!(run.steps()[0].text(Layout::default()).to_string().contains("w ← 2.4"));
//! # Ok::<(), tape::error::TapeError>(())
//! ```

mod text;
mod update;

use ops::Float;

use super::Trace;

pub use update::{Change, Kept, Update};

#[cfg(feature = "terminal")]
pub(crate) use text::curve;

/// A run of training, step by step.
#[derive(Clone, Debug)]
pub struct Run<'t, A: Float> {
    steps: Vec<RunStep<'t, A>>,
}

/// A step of training: both passes, the update of each parameter, and the loss after it.
#[derive(Clone, Debug)]
pub struct RunStep<'t, A: Float> {
    trace: Trace<'t, A>,
    updates: Vec<Update<'t, A>>,
    loss_after: A,
}

impl<A: Float> Default for Run<'_, A> {
    fn default() -> Self {
        Self { steps: Vec::new() }
    }
}

impl<'t, A: Float> Run<'t, A> {
    /// Adds the step that comes next.
    pub fn push(&mut self, step: RunStep<'t, A>) {
        self.steps.push(step);
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[RunStep<'t, A>] {
        &self.steps
    }

    /// The loss in each step, before its update.
    pub fn losses(&self) -> Vec<A> {
        self.steps.iter().map(RunStep::loss).collect()
    }
}

impl<'t, A: Float> RunStep<'t, A> {
    /// A step whose passes are traced: how the optimiser changed each parameter, and the same loss
    /// with the new parameters.
    pub fn new(trace: Trace<'t, A>, updates: Vec<Update<'t, A>>, loss_after: A) -> Self {
        Self { trace, updates, loss_after }
    }

    /// Both passes.
    pub fn trace(&self) -> &Trace<'t, A> {
        &self.trace
    }

    /// What the optimiser did with each parameter.
    pub fn updates(&self) -> &[Update<'t, A>] {
        &self.updates
    }

    /// The loss before the update: the first element of the output.
    pub fn loss(&self) -> A {
        self.trace.output().value().view().iter().copied().next().unwrap_or_default()
    }

    /// The loss of the same data with the new parameters.
    pub fn loss_after(&self) -> A {
        self.loss_after
    }
}
