//! The callbacks that people expect.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use ops::{Float, Tensor};
use tape::Var;

use super::callback::{Callback, Monitor, Run, StepView};
use crate::error::Error;
use crate::module::Module;
use crate::optim::{clip_norm, clip_value};
use crate::schedule::Schedule;
use crate::state::State;

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
/// By default the lowest `validation loss`, any improvement counts, one epoch without is enough,
/// and the model stays as it is at the end; [`restore_best`](EarlyStopping::restore_best) gives
/// back the parameters of the best epoch. Prechelt, *Early Stopping – But When?*, 1998.
#[derive(Clone, Debug)]
pub struct EarlyStopping<A: Float> {
    monitor: Monitor,
    patience: usize,
    least: f64,
    restore: bool,
    best: f64,
    best_epoch: usize,
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
            monitor,
            patience: 1,
            least: 0.0,
            restore: false,
            best_epoch: 0,
            waited: 0,
            values: Vec::new(),
        }
    }

    /// How many epochs without improvement to wait for one; training stops at the last of them.
    #[must_use]
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// By how much the value must improve to count.
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

    fn on_start(&mut self, run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        if run.epoch == 0 {
            (self.best, self.best_epoch, self.waited) = (self.monitor.worst(), 0, 0);
        }
        if self.patience == 0 {
            let (setting, allowed) = ("the patience of early stopping", "at least 1 epoch");
            return Err(Error::Setting { setting, given: "0".into(), allowed });
        }
        self.monitor.check(columns)
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let value = run.history.last().map_or(f64::NAN, |record| self.monitor.value(record));
        if self.monitor.improves(value, self.best, self.least) {
            (self.best, self.best_epoch, self.waited) = (value, run.epoch, 0);
            if self.restore {
                self.values = snapshot(run.model);
            }
            return Ok(());
        }
        self.waited += 1;
        if self.waited >= self.patience {
            run.stop(format!(
                "{} has not improved on {} (epoch {}) for {} epochs",
                self.monitor.name(),
                self.best,
                self.best_epoch,
                self.waited
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
        for (name, value) in [
            ("best", self.best),
            ("best_epoch", self.best_epoch as f64),
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
        let number = |name: &str| state.number(name);
        self.best = number("best")?;
        self.best_epoch = number("best_epoch")? as usize;
        self.waited = number("waited")? as usize;
        self.values = state.nested("values").tensors.into_values().collect();
        Ok(())
    }
}

/// Ends training, with the history so far, when the loss of a batch or a value of an epoch is NaN
/// or infinite. Without it [`Fit`](crate::Fit) returns such a loss as an error.
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
        let Some(record) = run.history.last() else { return Ok(()) };
        let bad = record.values.iter().find(|(_, value)| !value.is_finite()).cloned();
        if let Some((name, value)) = bad {
            run.stop(format!("{name} is {value} in epoch {}", run.epoch));
        }
        Ok(())
    }

    fn forgives_non_finite_loss(&self) -> bool {
        true
    }
}

/// Saves all of the run after every epoch, in one file that is written whole or not at all:
/// [`Fit::resume`](crate::Fit::resume) goes on from it.
///
/// An epoch whose loss is infinite or NaN is not saved, so that the last good one stays.
///
/// ```
/// use nn::prelude::*;
///
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("best.checkpoint");
/// let data = nn::data::xor::<f32>();
/// let mut model = Sequential::new().then(Dense::new(2, 1, &mut nn::rng(0)));
/// Fit::new()
///     .epochs(5)
///     .progress(false)
///     .callback(Checkpoint::new(&file).best(Monitor::lowest("loss")))
///     .run(&mut model, &data, &MeanSquaredError, &mut Sgd::new(0.1)?)?;
/// nn::save::Checkpoint::load(&file)?.weights.restore(&mut model)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    every: usize,
    best: Option<(Monitor, f64)>,
}

impl Checkpoint {
    /// To this file, after every epoch.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), every: 1, best: None }
    }

    /// After every so many epochs only.
    #[must_use]
    pub fn every(mut self, epochs: usize) -> Self {
        self.every = epochs;
        self
    }

    /// Only after an epoch that is better than all before by this value.
    #[must_use]
    pub fn best(mut self, monitor: Monitor) -> Self {
        let worst = monitor.worst();
        self.best = Some((monitor, worst));
        self
    }
}

impl<A: Float> Callback<A> for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn on_start(&mut self, run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        if self.every == 0 {
            let (setting, allowed) = ("the number of epochs between checkpoints", "at least 1");
            return Err(Error::Setting { setting, given: "0".into(), allowed });
        }
        let Some((monitor, best)) = &mut self.best else { return Ok(()) };
        if run.epoch == 0 {
            *best = monitor.worst();
        }
        monitor.check(columns)
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let (Some((monitor, best)), Some(record)) = (&mut self.best, run.history.last()) else {
            return Ok(());
        };
        let value = monitor.value(record);
        run.saved = monitor.improves(value, *best, 0.0);
        if run.saved {
            *best = value;
        }
        Ok(())
    }

    fn on_save(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let good = run.history.last().is_some_and(|record| record.loss().is_finite());
        let due =
            if self.best.is_some() { run.saved } else { run.epoch.is_multiple_of(self.every) };
        if good && due { run.save(&self.path) } else { Ok(()) }
    }

    fn state(&self) -> State<A> {
        let mut state = State::new();
        if let Some((_, best)) = &self.best {
            state.numbers.insert("best".into(), *best);
        }
        state
    }

    fn load_state(&mut self, state: &State<A>) -> Result<(), Error> {
        if let Some((_, best)) = &mut self.best {
            *best = state.number("best")?;
        }
        Ok(())
    }
}

/// Sets the optimiser's learning rate by a [`Schedule`], whose base is the rate that the optimiser
/// has at the start; records it as `learning rate`.
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
}

impl<S: Schedule> LearningRate<S> {
    /// Time counts in epochs.
    pub fn new(schedule: S) -> Self {
        Self { schedule, every_step: false, watched: None, base: 0.0 }
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

    fn columns(&self) -> Vec<String> {
        vec!["learning rate".into()]
    }

    fn on_start(&mut self, run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        if run.epoch == 0 {
            self.base = run.optimizer.learning_rate();
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
        run.record("learning rate", rate);
        let watched = self.watched.as_ref().and_then(|name| run.history.last()?.value(name));
        if let Some(value) = watched {
            let time = if self.every_step { run.step } else { run.epoch };
            self.schedule.observe(time - 1, value);
        }
        Ok(())
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

/// Writes a line of comma-separated values for every epoch, as soon as it ends.
#[derive(Debug)]
pub struct CsvLog {
    path: PathBuf,
    file: Option<csv::Writer<File>>,
    columns: Vec<String>,
}

impl CsvLog {
    /// To a file that is made anew at the start of the run; a run that is resumed adds to it.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), file: None, columns: Vec::new() }
    }

    fn line(&mut self, fields: &[String]) -> Result<(), Error> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_record(fields).map_err(std::io::Error::from);
        written
            .and_then(|()| file.flush())
            .map_err(|error| Error::file("write", &self.path, &error))
    }
}

impl<A: Float> Callback<A> for CsvLog {
    fn name(&self) -> &'static str {
        "CSV log"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn on_start(&mut self, run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        let resumed = !run.history.epochs.is_empty() && self.path.exists();
        let file = if resumed {
            File::options().append(true).open(&self.path)
        } else {
            File::create(&self.path)
        };
        let file = file.map_err(|error| Error::file("write", &self.path, &error))?;
        self.file = Some(csv::Writer::from_writer(file));
        self.columns = columns.to_vec();
        if resumed {
            return Ok(());
        }
        let header: Vec<String> =
            std::iter::once("epoch".to_owned()).chain(columns.iter().cloned()).collect();
        self.line(&header)
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let Some(record) = run.history.last() else { return Ok(()) };
        let value = |name: &String| record.value(name).map(|v| v.to_string()).unwrap_or_default();
        let fields: Vec<String> = std::iter::once(record.epoch.to_string())
            .chain(self.columns.iter().map(value))
            .collect();
        self.line(&fields)
    }
}

/// Records the norm of the gradient over all parameters, averaged over the steps of an epoch, as
/// `gradient norm`; and with [`by_parameter`](GradientNorms::by_parameter) that of each parameter
/// too, as `gradient norm 0.weight`: the first place to look when deep layers do not learn.
#[derive(Clone, Debug, Default)]
pub struct GradientNorms {
    by_parameter: bool,
    steps: usize,
    sums: Vec<(String, f64)>,
}

impl GradientNorms {
    /// The norm over all parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of each parameter too.
    #[must_use]
    pub fn by_parameter(mut self) -> Self {
        self.by_parameter = true;
        self
    }

    fn add(&mut self, name: &str, norm: f64) {
        match self.sums.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += norm,
            None => self.sums.push((name.to_owned(), norm)),
        }
    }
}

impl<A: Float> Callback<A> for GradientNorms {
    fn name(&self) -> &'static str {
        "gradient norms"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<String> {
        vec!["gradient norm".into()]
    }

    fn on_epoch_start(&mut self, _run: &mut Run<'_, A>) -> Result<(), Error> {
        self.steps = 0;
        self.sums.clear();
        Ok(())
    }

    fn on_gradients(
        &mut self,
        run: &mut Run<'_, A>,
        step: &mut StepView<'_, '_, A>,
    ) -> Result<(), Error> {
        let mut total = 0.0;
        let mut each = Vec::new();
        for (path, parameter) in run.model.parameters() {
            let Some(gradient) = step.gradients.of(parameter) else { continue };
            let square: f64 = gradient.view().iter().map(|g| g.to_f64().powi(2)).sum();
            total += square;
            if self.by_parameter {
                each.push((format!("gradient norm {path}"), square.sqrt()));
            }
        }
        self.steps += 1;
        self.add("gradient norm", total.sqrt());
        for (name, norm) in each {
            self.add(&name, norm);
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        for (name, sum) in &self.sums {
            run.record(name, sum / self.steps.max(1) as f64);
        }
        Ok(())
    }
}

/// Records how many rectified units were 0 for every sample of an epoch, as `dead units`: they
/// have no gradient and never come back by themselves. A unit is an element of a sample, or a
/// channel of an image.
#[derive(Clone, Debug, Default)]
pub struct DeadUnits {
    /// For each relu, by its position on the tape: where it is, and which units were alive.
    layers: Vec<(usize, String, Vec<bool>)>,
}

impl DeadUnits {
    /// Counts the units of every `relu`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The layers of the last epoch, with the numbers of their dead units and of all.
    pub fn by_layer(&self) -> Vec<(String, usize, usize)> {
        let count = |alive: &[bool]| alive.iter().filter(|alive| !**alive).count();
        self.layers
            .iter()
            .map(|(_, name, alive)| (name.clone(), count(alive), alive.len()))
            .collect()
    }

    fn look<A: Float>(&mut self, relu: Var<'_, A>) {
        let value = relu.value();
        let shape = value.shape();
        // [N, units], or [N, channels, …] with the positions of a channel taken together.
        let (units, positions) = match shape {
            [_, units] => (*units, 1),
            [_, channels, rest @ ..] => (*channels, rest.iter().product()),
            _ => return,
        };
        let position = relu.position();
        let known = self.layers.iter().position(|layer| layer.0 == position);
        let layer = known.unwrap_or_else(|| {
            let path = relu.scope_path().join(" / ");
            let name = if path.is_empty() { format!("relu {position}") } else { path };
            self.layers.push((position, name, vec![false; units]));
            self.layers.len() - 1
        });
        let alive = &mut self.layers[layer].2;
        for (i, &y) in value.view().iter().enumerate() {
            if y > A::zero() {
                alive[i / positions % units] = true;
            }
        }
    }
}

impl<A: Float> Callback<A> for DeadUnits {
    fn name(&self) -> &'static str {
        "dead units"
    }

    fn columns(&self) -> Vec<String> {
        vec!["dead units".into()]
    }

    fn on_epoch_start(&mut self, _run: &mut Run<'_, A>) -> Result<(), Error> {
        self.layers.clear();
        Ok(())
    }

    fn on_gradients(
        &mut self,
        _run: &mut Run<'_, A>,
        step: &mut StepView<'_, '_, A>,
    ) -> Result<(), Error> {
        for var in step.tape.vars().filter(|var| var.op() == Some("relu")) {
            self.look(var);
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let dead: usize = self.by_layer().iter().map(|(_, dead, _)| dead).sum();
        run.record("dead units", dead as f64);
        Ok(())
    }
}

/// The dead units of each layer, a line a layer.
impl std::fmt::Display for DeadUnits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        for (name, dead, units) in self.by_layer() {
            writeln!(text, "{name}: {dead} of {units} units are dead")?;
        }
        f.write_str(&text)
    }
}
