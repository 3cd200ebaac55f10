//! What can watch and steer a training run.

use std::path::Path;

use ops::{Float, visible};
use tape::Tape;

use super::non_finite::bad_parameter;
use super::resume::Settings;
use crate::data::Batch;
use crate::ground::{EpochLog, Error, History, State};
use crate::model::{Gradients, Module};
use crate::optim::Optimizer;
use crate::save::Checkpoint;

/// A training run, as callbacks see it.
pub struct Run<'r, A: Float> {
    /// The model, with the parameters as they are at this moment.
    pub model: &'r mut dyn Module<A>,
    /// The optimiser.
    pub optimizer: &'r mut dyn Optimizer<A>,
    /// The epochs so far; from the end of an epoch on, with that epoch.
    pub history: &'r mut History,
    /// The present epoch, from 1; 0 before the first.
    pub epoch: usize,
    /// How many epochs are planned.
    pub epochs: usize,
    /// How many batches an epoch has.
    pub batches: usize,
    /// The number of steps taken, over all epochs.
    pub step: usize,
    /// The seed of the run.
    pub seed: u64,
    /// The state of every callback of the run, for a checkpoint.
    pub(crate) callback_states: State<A>,
    /// What the run was begun with.
    pub(crate) settings: Settings<'r, A>,
}

impl<A: Float> Run<'_, A> {
    /// Ends training after the present batch or epoch, for a reason that
    /// [`History::stopped`] then gives.
    pub fn stop(&mut self, reason: impl Into<String>) {
        self.history.stopped.get_or_insert_with(|| reason.into());
    }

    /// Saves model, optimiser, callbacks and history, for [`Fit::resume`](crate::Fit::resume): in
    /// [`Callback::on_save`], when all callbacks have ended the epoch.
    ///
    /// # Errors
    /// If the file cannot be written, or a trained parameter is infinite or NaN; an old file then
    /// stays as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        if let Some(parameter) = bad_parameter(self.model) {
            let (epoch, history) = (self.epoch, Box::new(self.history.clone()));
            return Err(Error::ParameterNotFinite { parameter, epoch, history });
        }
        let mut state = State::new();
        state.texts.insert("seed".into(), self.seed.to_string());
        for (name, value) in [("epoch", self.epoch), ("step", self.step)] {
            state.numbers.insert(name.into(), value as f64);
        }
        state.nest("optimizer", self.optimizer.state(self.model));
        state.nest("callbacks", self.callback_states.clone());
        state.nest("history", self.history.state());
        state.nest("settings", self.settings.state(self.model, self.optimizer)?);
        Checkpoint::of(self.model, state)?.save(path)
    }

    /// Puts a value into the log of the epoch that has just ended.
    pub fn log(&mut self, name: &str, value: f64) {
        if let Some(log) = self.history.epochs.last_mut() {
            log.set(name, value);
        }
    }
}

/// One step of a training run, between the sweep and the optimiser.
pub struct StepView<'s, 't, A: Float> {
    /// What the forward pass recorded; empty if [`Callback::reads_tape`] is false for every
    /// callback of the run.
    pub tape: &'t Tape<A>,
    /// The batch.
    pub batch: &'s Batch<A>,
    /// The loss of the batch.
    pub loss: f64,
    /// The gradients, which the optimiser gets next. They may be changed.
    pub gradients: &'s mut Gradients<A>,
}

/// Watches and steers a training run: every method is called at its moment, and does nothing
/// by default. [`Fit`](crate::Fit) calls callbacks in the order they were given.
///
/// A closure that is to be called at the end of every epoch becomes one by [`on_epoch_end`].
pub trait Callback<A: Float> {
    /// The name, under which a checkpoint keeps what the callback remembers.
    fn name(&self) -> &'static str;

    /// The names of values that it logs, which callbacks behind it may then monitor.
    fn columns(&self, model: &dyn Module<A>) -> Vec<String> {
        let _ = model;
        Vec::new()
    }

    /// The name of the value that it goes by at the end of an epoch. A run in which a callback behind
    /// this one logs it is refused.
    fn watches(&self) -> Option<&str> {
        None
    }

    /// Before the first epoch, and before anything has changed. `columns` are the names of all
    /// values that an epoch will have.
    ///
    /// # Errors
    /// If the callback cannot do its work in this run; nothing is trained then.
    fn on_start(&mut self, run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        let _ = (run, columns);
        Ok(())
    }

    /// Before an epoch.
    ///
    /// # Errors
    /// Ends the run.
    fn on_epoch_start(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let _ = run;
        Ok(())
    }

    /// In every step, when the gradients are there and the parameters have not changed yet.
    ///
    /// # Errors
    /// Ends the run.
    fn on_gradients(
        &mut self,
        run: &mut Run<'_, A>,
        step: &mut StepView<'_, '_, A>,
    ) -> Result<(), Error> {
        let _ = (run, step);
        Ok(())
    }

    /// Whether [`on_gradients`](Callback::on_gradients) looks at [`StepView::tape`]. If no callback
    /// of a run does, [`Fit`](crate::Fit) can replay its steps.
    fn reads_tape(&self) -> bool {
        true
    }

    /// After an epoch, whose log is the last of the history.
    ///
    /// # Errors
    /// Ends the run.
    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let _ = run;
        Ok(())
    }

    /// After all callbacks have ended an epoch: the moment to save.
    ///
    /// # Errors
    /// Ends the run.
    fn on_save(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let _ = run;
        Ok(())
    }

    /// Whether a loss, a gradient or a parameter that is NaN or infinite ends training with the
    /// history so far rather than with an error.
    fn forgives_non_finite_loss(&self) -> bool {
        false
    }

    /// At the end of the run, for whatever reason.
    ///
    /// # Errors
    /// If the work at the end fails.
    fn on_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let _ = run;
        Ok(())
    }

    /// What it remembers from epoch to epoch.
    fn state(&self) -> State<A> {
        State::new()
    }

    /// Goes on from what was remembered.
    ///
    /// # Errors
    /// If the state does not fit this callback.
    fn load_state(&mut self, state: &State<A>) -> Result<(), Error> {
        let _ = state;
        Ok(())
    }
}

/// A callback borrowed for a run, to be looked at after it.
impl<A: Float, C: Callback<A> + ?Sized> Callback<A> for &mut C {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn columns(&self, model: &dyn Module<A>) -> Vec<String> {
        (**self).columns(model)
    }
    fn watches(&self) -> Option<&str> {
        (**self).watches()
    }
    fn on_start(&mut self, run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        (**self).on_start(run, columns)
    }
    fn on_epoch_start(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        (**self).on_epoch_start(run)
    }
    fn on_gradients(
        &mut self,
        run: &mut Run<'_, A>,
        step: &mut StepView<'_, '_, A>,
    ) -> Result<(), Error> {
        (**self).on_gradients(run, step)
    }
    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        (**self).on_epoch_end(run)
    }
    fn on_save(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        (**self).on_save(run)
    }
    fn reads_tape(&self) -> bool {
        (**self).reads_tape()
    }
    fn forgives_non_finite_loss(&self) -> bool {
        (**self).forgives_non_finite_loss()
    }
    fn on_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        (**self).on_end(run)
    }
    fn state(&self) -> State<A> {
        (**self).state()
    }
    fn load_state(&mut self, state: &State<A>) -> Result<(), Error> {
        (**self).load_state(state)
    }
}

/// Adds the names of what callbacks log to those of an epoch's other values. Refuses a callback that goes by
/// a value which one behind it logs, and two values of one name.
pub(super) fn add_columns<A: Float>(
    callbacks: &[Box<dyn Callback<A> + '_>],
    model: &dyn Module<A>,
    columns: &mut Vec<String>,
) -> Result<(), Error> {
    for (i, callback) in callbacks.iter().enumerate() {
        columns.extend(callback.columns(model));
        let known = |name: &&str| columns.iter().any(|column| column == name);
        if let Some(name) = callback.watches().filter(|name| !known(name)) {
            let mut behind = callbacks[i + 1..].iter().flat_map(|other| other.columns(model));
            if behind.any(|column| column == name) {
                let (callback, name) = (callback.name(), name.to_owned());
                return Err(Error::WatchedTooEarly { callback, name });
            }
        }
    }
    let twice = |i: &usize| columns[..*i].contains(&columns[*i]);
    match (0..columns.len()).find(twice) {
        Some(i) => Err(Error::SameColumn { name: columns.swap_remove(i) }),
        None => Ok(()),
    }
}

/// A value to watch, and which way it is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Monitor {
    name: String,
    higher_is_better: bool,
}

impl Monitor {
    /// A value that is better when lower, such as `validation loss`.
    pub fn lowest(name: impl Into<String>) -> Self {
        Self { name: name.into(), higher_is_better: false }
    }

    /// A value that is better when higher, such as `validation accuracy`.
    pub fn highest(name: impl Into<String>) -> Self {
        Self { name: name.into(), higher_is_better: true }
    }

    /// The name of the value.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a checkpoint says of it.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", if self.higher_is_better { "highest" } else { "lowest" }, self.name)
    }

    /// Refuses the state of a callback, `whose`, that watched another value.
    pub(crate) fn check_state<A: Float>(&self, whose: &str, state: &State<A>) -> Result<(), Error> {
        // Checkpoints from before it was saved have none.
        let Some(before) = state.texts.get("monitor") else { return Ok(()) };
        let now = self.text();
        if *before == now {
            return Ok(());
        }
        let (before, now) = (visible(before), visible(&now));
        Err(Error::State { problem: format!("{whose} went by the {before}, not the {now}") })
    }

    /// The value in the log of an epoch; NaN if it is not there.
    pub fn value(&self, log: &EpochLog) -> f64 {
        log.value(&self.name).unwrap_or(f64::NAN)
    }

    /// Whether `value` is better than `best` by more than `least`.
    pub fn improves(&self, value: f64, best: f64, least: f64) -> bool {
        if self.higher_is_better { value > best + least } else { value < best - least }
    }

    /// The value that any other is better than.
    pub fn worst(&self) -> f64 {
        if self.higher_is_better { f64::NEG_INFINITY } else { f64::INFINITY }
    }

    /// Refuses a name that no epoch will have.
    ///
    /// # Errors
    /// If the name is not among `columns`: which there are.
    pub fn check(&self, columns: &[String]) -> Result<(), Error> {
        if columns.contains(&self.name) {
            return Ok(());
        }
        Err(Error::Monitor { name: self.name.clone(), known: columns.join(", ") })
    }
}

/// A closure that is called after every epoch.
///
/// ```
/// use nn::prelude::*;
///
/// let data = nn::data::xor::<f32>();
/// let mut model = Sequential::new().then(Dense::new(2, 1, &mut nn::rng(0)));
/// let history = Fit::new()
///     .epochs(50)
///     .progress(false)
///     .callback(on_epoch_end(|run| {
///         if run.epoch == 3 {
///             run.stop("three are enough");
///         }
///         Ok(())
///     }))
///     .run(&mut model, &data, &MeanSquaredError, &mut Sgd::new(0.1)?)?;
/// assert_eq!((history.epochs.len(), history.stopped.as_deref()), (3, Some("three are enough")));
/// # Ok::<(), nn::Error>(())
/// ```
pub fn on_epoch_end<A, F>(closure: F) -> impl Callback<A>
where
    A: Float,
    F: FnMut(&mut Run<'_, A>) -> Result<(), Error>,
{
    struct Closure<F>(F);
    impl<A: Float, F: FnMut(&mut Run<'_, A>) -> Result<(), Error>> Callback<A> for Closure<F> {
        fn name(&self) -> &'static str {
            "closure"
        }
        fn reads_tape(&self) -> bool {
            false
        }
        fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
            self.0(run)
        }
    }
    Closure(closure)
}
