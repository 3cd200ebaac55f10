//! A schedule at work in a run.

use std::collections::BTreeMap;

use ops::Float;

use crate::ground::{Error, State};
use crate::model::Module;
use crate::schedule::Schedule;
use crate::train::callback::{Callback, Monitor, Run, StepView};

/// Sets the optimiser's learning rate by a [`Schedule`], whose base is the rate that the optimiser
/// has at the start, and has again at the end; logs it as `learning rate`.
///
/// ```
/// use nn::prelude::*;
/// use nn::schedule::{Cosine, Plateau};
///
/// let by_epoch = LearningRate::new(Cosine::new(10)?);
/// let by_step = LearningRate::new(Cosine::new(10 * 32)?).every_step();
/// let when_stuck = LearningRate::new(Plateau::new(0.5)?).watching("validation loss");
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug)]
pub struct LearningRate<S> {
    schedule: S,
    every_step: bool,
    watched: Option<String>,
    base: f64,
    /// What the schedule remembered when it was given: every run begins with it.
    fresh: BTreeMap<String, f64>,
}

impl<S: Schedule> LearningRate<S> {
    /// Time counts in epochs.
    pub fn new(schedule: S) -> Self {
        let fresh = schedule.state();
        Self { schedule, every_step: false, watched: None, base: 0.0, fresh }
    }

    /// Time counts in steps.
    #[must_use]
    pub fn every_step(mut self) -> Self {
        self.every_step = true;
        self
    }

    /// The value of every epoch that a schedule such as [`Plateau`](crate::schedule::Plateau)
    /// goes by.
    #[must_use]
    pub fn watching(mut self, name: impl Into<String>) -> Self {
        self.watched = Some(name.into());
        self
    }

    fn set<A: Float>(&self, run: &mut Run<'_, A>, time: usize) -> Result<(), Error> {
        run.optimizer.set_learning_rate(self.schedule.rate(self.base, time))
    }
}

impl<A: Float, S: Schedule> Callback<A> for LearningRate<S> {
    fn name(&self) -> &'static str {
        "learning rate"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn columns(&self, _model: &dyn Module<A>) -> Vec<String> {
        vec!["learning rate".into()]
    }

    fn watches(&self) -> Option<&str> {
        self.watched.as_deref()
    }

    fn on_start(&mut self, run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        if run.epoch == 0 {
            self.base = run.optimizer.learning_rate();
            self.schedule.load_state(&self.fresh)?;
        }
        match &self.watched {
            Some(name) => Monitor::lowest(name.clone()).check(columns),
            None if self.schedule.is_observer() => Err(Error::Setting {
                setting: "the value that the schedule goes by",
                given: "missing".into(),
                allowed: "named by LearningRate::watching",
            }),
            None => Ok(()),
        }
    }

    fn on_epoch_start(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        if self.every_step { Ok(()) } else { self.set(run, run.epoch - 1) }
    }

    fn on_gradients(
        &mut self,
        run: &mut Run<'_, A>,
        _step: &mut StepView<'_, '_, A>,
    ) -> Result<(), Error> {
        if self.every_step { self.set(run, run.step) } else { Ok(()) }
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let rate = run.optimizer.learning_rate();
        run.log("learning rate", rate);
        let watched = self.watched.as_ref().and_then(|name| run.history.last()?.value(name));
        if let Some(value) = watched {
            let times = if self.every_step { run.step } else { run.epoch };
            self.schedule.observe(times.saturating_sub(1), value);
        }
        Ok(())
    }

    fn on_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        run.optimizer.set_learning_rate(self.base)
    }

    fn state(&self) -> State<A> {
        let mut state = State::new();
        state.numbers.insert("base".into(), self.base);
        state.nest("schedule", State { numbers: self.schedule.state(), ..State::new() });
        state
    }

    fn load_state(&mut self, state: &State<A>) -> Result<(), Error> {
        self.schedule.load_state(&state.nested("schedule").numbers)?;
        self.base = state.number("base")?;
        Ok(())
    }
}
