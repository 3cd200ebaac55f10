//! Stopping when nothing improves any more.

use ops::{Float, Tensor};

use crate::ground::setting::check;
use crate::ground::words::counted;
use crate::ground::{Error, State};
use crate::model::Module;
use crate::train::callback::{Callback, Monitor, Run};

/// The values of all parameters and buffers of a model, in the order of `visit`.
fn snapshot<A: Float>(model: &dyn Module<A>) -> Vec<Tensor<A>> {
    let mut values = Vec::new();
    model.visit(&mut |_, parameter| values.push(parameter.value.clone()));
    values
}

fn restore<A: Float>(model: &mut dyn Module<A>, values: &[Tensor<A>]) {
    let mut values = values.iter();
    model.visit_mut(&mut |_, parameter| {
        if let Some(value) = values.next() {
            parameter.value = value.clone();
        }
    });
}

/// Stops when a value has not improved for some epochs.
///
/// By default the lowest `validation loss`, any improvement counts, one epoch without improvement
/// is enough, and the model stays as it is at the end;
/// [`restore_best`](EarlyStopping::restore_best) gives back the parameters of the best epoch.
/// Prechelt, *Early Stopping – But When?*, 1998.
#[derive(Clone, Debug)]
pub struct EarlyStopping<A: Float> {
    monitor: Monitor,
    patience: usize,
    least: f64,
    restore: bool,
    best: f64,
    best_epoch: usize,
    /// The last value that improved on the one before it here by enough, and its epoch.
    mark: f64,
    mark_epoch: usize,
    waited: usize,
    values: Vec<Tensor<A>>,
}

impl<A: Float> Default for EarlyStopping<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Float> EarlyStopping<A> {
    /// Watches the validation loss.
    pub fn new() -> Self {
        Self::watching(Monitor::lowest("validation loss"))
    }

    /// Watches another value.
    pub fn watching(monitor: Monitor) -> Self {
        Self {
            best: monitor.worst(),
            mark: monitor.worst(),
            mark_epoch: 0,
            monitor,
            patience: 1,
            least: 0.0,
            restore: false,
            best_epoch: 0,
            waited: 0,
            values: Vec::new(),
        }
    }

    /// The number of epochs without improvement after which training stops.
    #[must_use]
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// By how much the value must improve for training to go on. The best epoch is that of the best
    /// value, by however little it is better.
    #[must_use]
    pub fn least_improvement(mut self, least: f64) -> Self {
        self.least = least;
        self
    }

    /// At the end, gives the model the parameters of the best epoch, however training ended.
    #[must_use]
    pub fn restore_best(mut self) -> Self {
        self.restore = true;
        self
    }

    /// The best epoch so far, from 1; 0 before the first.
    pub fn best_epoch(&self) -> usize {
        self.best_epoch
    }
}

impl<A: Float> Callback<A> for EarlyStopping<A> {
    fn name(&self) -> &'static str {
        "early stopping"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn watches(&self) -> Option<&str> {
        Some(self.monitor.name())
    }

    fn on_start(&mut self, run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        if run.epoch == 0 {
            (self.best, self.best_epoch, self.waited) = (self.monitor.worst(), 0, 0);
            (self.mark, self.mark_epoch) = (self.best, 0);
        }
        if self.patience == 0 {
            let (setting, allowed) = ("the patience of early stopping", "at least 1 epoch");
            return Err(Error::Setting { setting, given: "0".into(), allowed });
        }
        let least = self.least;
        let allowed = "finite and not negative";
        let is_allowed = least.is_finite() && least >= 0.0;
        check("the least improvement of early stopping", least, is_allowed, allowed)?;
        self.monitor.check(columns)
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let value = run.history.last().map_or(f64::NAN, |log| self.monitor.value(log));
        if self.monitor.improves(value, self.best, 0.0) {
            (self.best, self.best_epoch) = (value, run.epoch);
            if self.restore {
                self.values = snapshot(run.model);
            }
        }
        if self.monitor.improves(value, self.mark, self.least) {
            (self.mark, self.mark_epoch, self.waited) = (value, run.epoch, 0);
            return Ok(());
        }
        self.waited += 1;
        if self.waited >= self.patience {
            let by = match self.least {
                0.0 => String::new(),
                least => format!(" by more than {least}"),
            };
            run.stop(format!(
                "{} has not improved on {} (epoch {}){by} for {}",
                self.monitor.name(),
                self.mark,
                self.mark_epoch,
                counted(self.waited, "epoch")
            ));
        }
        Ok(())
    }

    fn on_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        if self.restore && self.best_epoch > 0 {
            restore(run.model, &self.values);
        }
        Ok(())
    }

    fn state(&self) -> State<A> {
        let mut state = State::new();
        state.texts.insert("monitor".into(), self.monitor.text());
        for (name, value) in [
            ("best", self.best),
            ("best_epoch", self.best_epoch as f64),
            ("mark", self.mark),
            ("mark_epoch", self.mark_epoch as f64),
            ("waited", self.waited as f64),
        ] {
            state.numbers.insert(name.into(), value);
        }
        for (i, value) in self.values.iter().enumerate() {
            state.tensors.insert(format!("values.{i:06}"), value.clone());
        }
        state
    }

    fn load_state(&mut self, state: &State<A>) -> Result<(), Error> {
        self.monitor.check_state("early stopping", state)?;
        let number = |name: &str| state.number(name);
        let values: Vec<_> = state.nested("values").tensors.into_values().collect();
        let best = number("best")?;
        let best_epoch = number("best_epoch")? as usize;
        if self.restore && best_epoch > 0 && values.is_empty() {
            let problem = format!(
                "early stopping is to restore the parameters of epoch {best_epoch}, the best so far, \
                 which the checkpoint does not have: the run was begun without `restore_best`"
            );
            return Err(Error::State { problem });
        }
        (self.best, self.best_epoch, self.values) = (best, best_epoch, values);
        // Checkpoints from before there was a difference have no mark.
        self.mark = number("mark").unwrap_or(self.best);
        self.mark_epoch = number("mark_epoch").map_or(self.best_epoch, |epoch| epoch as usize);
        self.waited = number("waited")? as usize;
        Ok(())
    }
}
