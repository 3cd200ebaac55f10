//! The training loop.

use std::path::PathBuf;

use ops::{Float, Shape, Tensor, visible};
use tape::{Tape, Var};

use super::callback::{Callback, Run, StepView, add_columns};
use super::evaluate::{Total, check, check_last_batch, evaluate_checked};
use super::interrupt::Interruptible;
use super::non_finite::{Step, bad_parameter, bad_step, first_value};
use super::progress::Progress;
use super::replay::{Replays, StepResult};
use super::resume::{Before, Settings, resume};
use super::showing::{check_paths, check_shown, in_words};
use super::validation::Validation;
use crate::data::{Batch, DataLoader, Dataset, TrainingData};
use crate::ground::{EpochLog, Error, History, State, step_seed};
use crate::loss::Loss;
use crate::metrics::{Metric, accuracy_for};
use crate::model::{Module, Pass};
use crate::optim::{Optimizer, Penalty};

/// What the steps of a run work with.
struct Course<'c, A: Float> {
    data: &'c DataLoader<A>,
    /// The shape of the model's output for all samples.
    output: Shape,
    loss: &'c dyn Loss<A>,
    tape: Tape<A>,
    replays: Replays<A>,
    interruptible: Option<Interruptible>,
}

/// A training run: settings, then [`run`](Fit::run).
///
/// The same settings, model, data and seed give the same history and the same parameters, bit for
/// bit, on the same machine, whatever the number of threads.
///
/// ```
/// use nn::prelude::*;
///
/// let data = nn::data::digits::<f32>();
/// let mut rng = nn::rng(0);
/// let mut model = Sequential::new()
///     .then(Dense::new(64, 32, &mut rng))
///     .then(Relu)
///     .then(Dense::new(32, 10, &mut rng));
/// let history = Fit::new()
///     .epochs(30)
///     .batch_size(32)
///     .validation_split(0.2)
///     .callback(EarlyStopping::new().patience(2).restore_best())
///     .progress(false)
///     .run(&mut model, &data, &CrossEntropy, &mut Adam::new(0.01)?)?;
/// println!("{history}");
/// assert!(history.highest("validation accuracy").unwrap().accuracy() > Some(0.9));
/// # Ok::<(), nn::Error>(())
/// ```
#[allow(clippy::struct_excessive_bools)] // Settings.
pub struct Fit<'d, A: Float> {
    epochs: usize,
    batch_size: usize,
    drop_last: bool,
    seed: u64,
    validation: Validation<'d, A>,
    metrics: Vec<Box<dyn Metric<A> + 'd>>,
    callbacks: Vec<Box<dyn Callback<A> + 'd>>,
    progress: bool,
    interruptible: bool,
    penalty: Option<Penalty>,
    resume: Option<PathBuf>,
    replay: bool,
}

impl<A: Float> Default for Fit<'_, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'d, A: Float> Fit<'d, A> {
    /// 10 epochs in batches of 32, shuffled with seed 0, with progress shown.
    pub fn new() -> Self {
        Self {
            epochs: 10,
            batch_size: 32,
            drop_last: false,
            seed: 0,
            validation: Validation::None,
            metrics: Vec::new(),
            callbacks: Vec::new(),
            progress: true,
            interruptible: false,
            penalty: None,
            resume: None,
            replay: true,
        }
    }

    /// How many times to go through the data.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// How many samples to a step.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Leaves out the last batch of an epoch if it is incomplete: batch normalisation, for one, has
    /// no variance in a batch of one sample.
    #[must_use]
    pub fn drop_last(mut self) -> Self {
        self.drop_last = true;
        self
    }

    /// The seed of all that is random: the order of samples, dropout, the validation split.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Data to evaluate the model on after every epoch.
    #[must_use]
    pub fn validation(mut self, data: &'d Dataset<A>) -> Self {
        self.validation = Validation::Data(data);
        self
    }

    /// Sets a fraction of the training data aside, drawn by the seed, to evaluate the model on
    /// after every epoch. A loader deals out the rest with its own settings; what is set aside is
    /// not augmented.
    #[must_use]
    pub fn validation_split(mut self, fraction: f64) -> Self {
        self.validation = Validation::Split(fraction);
        self
    }

    /// A metric to log in every epoch, on training and validation data, besides the loss and
    /// (where the targets are classes) the accuracy.
    #[must_use]
    pub fn metric(mut self, metric: impl Metric<A> + 'd) -> Self {
        self.metrics.push(Box::new(metric));
        self
    }

    /// A callback. Callbacks are called in the order in which they are given; one that is to be
    /// looked at after the run is given as `&mut callback`.
    #[must_use]
    pub fn callback(mut self, callback: impl Callback<A> + 'd) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Whether to show a progress bar and a line for every epoch, on standard error. The bar is
    /// there only on a terminal and with the feature `progress`.
    #[must_use]
    pub fn progress(mut self, progress: bool) -> Self {
        self.progress = progress;
        self
    }

    /// Lets Ctrl-C end the run after the present batch, with the history so far; a second Ctrl-C
    /// ends the process. It needs the feature `interrupt`, and no other handler of that signal in
    /// the process.
    #[must_use]
    pub fn stop_on_ctrl_c(mut self) -> Self {
        self.interruptible = true;
        self
    }

    /// A penalty on large weights, added to the loss of every batch. The logged losses are
    /// without it.
    #[must_use]
    pub fn penalty(mut self, penalty: Penalty) -> Self {
        self.penalty = Some(penalty);
        self
    }

    /// Goes on from a checkpoint that [`SaveCheckpoint`](crate::train::callbacks::SaveCheckpoint)
    /// wrote, after its epoch: model, optimiser, callbacks and history are as they were then, and
    /// the rest of the run gives the same numbers as if it had never been interrupted. A run that
    /// was stopped, by early stopping or another callback, stays so.
    ///
    /// What differs from the run that was begun, but for the number of epochs and what callbacks are
    /// set to, is refused. To go on
    /// with something else, begin a new run with the [`Checkpoint`](crate::save::Checkpoint)'s weights.
    #[must_use]
    pub fn resume(mut self, checkpoint: impl Into<PathBuf>) -> Self {
        self.resume = Some(checkpoint.into());
        self
    }

    /// Whether to record a step once and replay it ([`Tape::compile`]) on later batches of the same
    /// shape, which is the default. A replayed step computes the same numbers in less
    /// time. Each step is still recorded if the forward pass draws random numbers (dropout),
    /// looks at a value, has a function of your own as one node, or puts a parameter on the tape
    /// without [`Pass::parameter`], and if a callback [reads the tape](Callback::reads_tape). Batches
    /// of more than eight shapes are recorded from the ninth shape on.
    ///
    /// A module whose forward pass depends on something else that changes, such as a counter of its
    /// own in a `Cell`, has to be trained with `replay(false)`.
    #[must_use]
    pub fn replay(mut self, replay: bool) -> Self {
        self.replay = replay;
        self
    }

    /// Trains `model` on `data`.
    ///
    /// # Errors
    /// Before anything changes: if the batch size is 0, if a number of the data is infinite or NaN,
    /// if the model cannot take the data or be trained on the last batch, if it shows its parameters
    /// wrongly, if the loss cannot compare its output with the targets, a metric cannot measure them,
    /// or a callback refuses. On the way: if the loss or a gradient is
    /// infinite or NaN; the model keeps the parameters of the step before, and the error has the
    /// history of the epochs before. After an epoch: if a step has made a parameter so.
    pub fn run(
        &mut self,
        model: &mut impl Module<A>,
        data: &impl TrainingData<A>,
        loss: &impl Loss<A>,
        optimizer: &mut impl Optimizer<A>,
    ) -> Result<History, Error> {
        let mut loader = data.loader(self.batch_size, self.seed)?;
        let set_aside;
        let validation = match self.validation {
            Validation::None => None,
            Validation::Data(validation) => Some(validation),
            Validation::Split(fraction) => {
                let (training, validation) = loader.dataset().split(fraction, self.seed)?;
                loader = loader.with_data(training)?;
                set_aside = validation;
                Some(&set_aside)
            }
        };
        if self.drop_last {
            loader = loader.drop_last()?;
        }
        self.run_on(model, (&loader, validation), loss, optimizer)
    }

    #[inline(never)] // Compiled once, in this crate.
    pub(crate) fn run_on(
        &mut self,
        model: &mut dyn Module<A>,
        (data, validation): (&DataLoader<A>, Option<&Dataset<A>>),
        loss: &dyn Loss<A>,
        optimizer: &mut dyn Optimizer<A>,
    ) -> Result<History, Error> {
        for data in std::iter::once(data.dataset()).chain(validation) {
            data.check_finite()?;
            check(model, data, loss, self.metrics.iter().map(|metric| &**metric))?;
        }
        check_paths(model)?;
        check_last_batch(model, data)?;
        let interruptible = self.interruptible.then(Interruptible::enter).transpose()?;
        let mut history = History::default();
        let mut run = Run {
            model,
            optimizer,
            history: &mut history,
            epoch: 0,
            epochs: self.epochs,
            batches: data.batches_per_epoch(),
            step: 0,
            seed: self.seed,
            callback_states: State::new(),
            settings: Settings::new(data, validation, loss, self.penalty.clone()),
        };
        run.settings.rate = run.optimizer.learning_rate();
        self.begin(&mut run, (data.dataset(), validation), loss)?;
        let reads_tape = self.callbacks.iter().any(|callback| callback.reads_tape());
        let replays = Replays::new(self.replay && !reads_tape);
        let output = run.model.output_shape(data.dataset().inputs().shape())?;
        let mut course = Course { data, output, loss, tape: Tape::new(), replays, interruptible };
        let ended = self.epochs_of(&mut run, &mut course, validation);
        // However the run has ended: early stopping gives back the best parameters here.
        let mut at_end = Ok(());
        for callback in &mut self.callbacks {
            at_end = at_end.and(callback.on_end(&mut run));
        }
        ended.and(at_end).map(|()| history)
    }

    /// Resumes, if asked to, and starts the run; puts all back if either is refused.
    fn begin(
        &mut self,
        run: &mut Run<'_, A>,
        data: (&Dataset<A>, Option<&Dataset<A>>),
        loss: &dyn Loss<A>,
    ) -> Result<(), Error> {
        let Some(path) = self.resume.clone() else { return self.start(run, data, loss) };
        let before = Before::of(run, &self.callbacks)?;
        let begun =
            resume(&path, run, &mut self.callbacks).and_then(|()| self.start(run, data, loss));
        if begun.is_err() {
            before.restore(run, &mut self.callbacks)?;
        }
        begun
    }

    /// Tells the callbacks that the run begins, and what values an epoch will have.
    fn start(
        &mut self,
        run: &mut Run<'_, A>,
        (data, validation): (&Dataset<A>, Option<&Dataset<A>>),
        loss: &dyn Loss<A>,
    ) -> Result<(), Error> {
        let outputs = Tensor::zeros(&run.model.output_shape(data.inputs().shape())?);
        let classes = accuracy_for(loss, &outputs, data.targets()).is_some();
        // A metric takes the place of the accuracy that has its name.
        let own = classes && self.metrics.iter().all(|metric| metric.name() != "accuracy");
        let names = || {
            let own = std::iter::once("loss".to_owned()).chain(own.then(|| "accuracy".into()));
            own.chain(self.metrics.iter().map(|metric| metric.name()))
        };
        let mut columns: Vec<String> = names().collect();
        if validation.is_some() {
            columns.extend(names().map(|name| format!("validation {name}")));
        }
        add_columns(&self.callbacks, run.model, &mut columns)?;
        self.callbacks.iter_mut().try_for_each(|callback| callback.on_start(run, &columns))
    }

    fn epochs_of(
        &mut self,
        run: &mut Run<'_, A>,
        course: &mut Course<'_, A>,
        validation: Option<&Dataset<A>>,
    ) -> Result<(), Error> {
        while run.epoch < self.epochs && run.history.stopped.is_none() {
            run.epoch += 1;
            self.callbacks.iter_mut().try_for_each(|callback| callback.on_epoch_start(run))?;
            let progress = Progress::new(self.progress, run.epoch, self.epochs, run.batches);
            let Some(total) = self.steps_of(run, course, &progress)? else { return Ok(()) };
            if let Some(parameter) = bad_parameter(run.model) {
                let (epoch, history) = (run.epoch, Box::new(run.history.clone()));
                return self.end_for(run, Error::ParameterNotFinite { parameter, epoch, history });
            }
            let mut log = EpochLog { epoch: run.epoch, values: total.mean().values("") };
            if let Some(validation) = validation {
                let metrics: Vec<_> = self.metrics.iter().map(|metric| &**metric).collect();
                let evaluation = evaluate_checked(run.model, validation, course.loss, &metrics)?;
                log.values.extend(evaluation.values("validation "));
            }
            run.history.epochs.push(log);
            self.end_epoch(run)?;
            progress.finish(run.history.last());
        }
        Ok(())
    }

    /// Trains on every batch of an epoch. `None` if the run ends before the epoch does.
    fn steps_of<'c>(
        &mut self,
        run: &mut Run<'_, A>,
        course: &mut Course<'c, A>,
        progress: &Progress,
    ) -> Result<Option<Total<'c, A>>, Error> {
        let Course { data, output, loss, tape, replays, interruptible } = course;
        let metrics = self.metrics.iter().map(|metric| &**metric);
        let mut total = Total::new(*loss, metrics);
        // ANCHOR: loop
        for (i, batch) in data.epoch(run.epoch).enumerate() {
            output[0] = batch.len();
            if loss.counted(output, &batch.targets) <= 0.0 {
                continue;
            }
            let mut step = if let Some(step) = replays.step(run.model, &batch, *loss) {
                step
            } else {
                let pass = Pass::train(tape, step_seed(self.seed, run.epoch, i));
                let output = run.model.forward(&pass, pass.input(&batch.inputs));
                let value = loss.loss(output, &batch.targets)?;
                check_shown(&pass, run.model)?;
                if !value.item().is_finite() {
                    self.not_finite(run, value, i + 1)?;
                    return Ok(None);
                }
                let penalty = self.penalty.as_ref().map(|p| p.loss(&pass, run.model));
                let penalized = penalty.transpose()?.map_or(value, |penalty| value + penalty);
                let gradients =
                    pass.gradients(penalized).map_err(|error| in_words(error, run.model))?;
                let step = StepResult { loss: value.item(), output: output.value(), gradients };
                // For the next batches of this shape.
                replays.add(run.model, &batch, (*loss, self.penalty.as_ref()), step)
            };
            total.add(&batch, step.loss, &step.output);
            let shown = self.show_step(run, &batch, tape, &mut step);
            if let Some(what) = bad(run.model, &step, shown)? {
                self.step_not_finite(run, (&batch, i), *loss, (what, step.loss))?;
                return Ok(None);
            }
            // Before the step, so that parameters are not shared and can change in place.
            tape.reset();
            run.optimizer.step(run.model, &step.gradients)?;
            run.step += 1;
            progress.advance(total.loss());
            // ANCHOR_END: loop
            if interruptible.as_ref().is_some_and(Interruptible::asked) {
                run.stop(format!("interrupted in epoch {}, batch {}", run.epoch, i + 1));
                progress.clear();
                return Ok(None);
            }
        }
        Ok(Some(total.checked(data.samples_per_epoch())?))
    }

    /// Shows a step to the callbacks.
    fn show_step(
        &mut self,
        run: &mut Run<'_, A>,
        batch: &Batch<A>,
        tape: &Tape<A>,
        step: &mut StepResult<A>,
    ) -> Result<(), Error> {
        let (loss, gradients) = (step.loss.to_f64(), &mut step.gradients);
        let mut step = StepView { tape, batch, loss, gradients };
        self.callbacks.iter_mut().try_for_each(|callback| callback.on_gradients(run, &mut step))
    }

    fn end_epoch(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        self.callbacks.iter_mut().try_for_each(|callback| callback.on_epoch_end(run))?;
        run.callback_states = State::new();
        for (i, callback) in self.callbacks.iter().enumerate() {
            run.callback_states.nest(&format!("{i} {}", callback.name()), callback.state());
        }
        self.callbacks.iter_mut().try_for_each(|callback| callback.on_save(run))
    }

    /// Handles a loss that is infinite or NaN.
    fn not_finite(
        &self,
        run: &mut Run<'_, A>,
        loss: Var<'_, A>,
        batch: usize,
    ) -> Result<(), Error> {
        let first = first_value(loss, run.model)
            .unwrap_or_else(|| "nothing recorded is infinite or NaN".to_owned());
        let (epoch, history) = (run.epoch, Box::new(run.history.clone()));
        let loss = loss.item().to_f64();
        self.end_for(run, Error::NotFinite { epoch, batch, loss, first, history })
    }

    /// Handles a step with a finite loss in which `what` is infinite or NaN.
    fn step_not_finite(
        &self,
        run: &mut Run<'_, A>,
        (batch, i): (&Batch<A>, usize),
        of: &dyn Loss<A>,
        (what, loss): (String, A),
    ) -> Result<(), Error> {
        let seed = step_seed(self.seed, run.epoch, i);
        let penalty = self.penalty.as_ref();
        let first = Step { model: run.model, batch, loss: of, penalty, seed }.origin();
        let (epoch, batch, loss) = (run.epoch, i + 1, loss.to_f64());
        let history = Box::new(run.history.clone());
        self.end_for(run, Error::StepNotFinite { what, epoch, batch, loss, first, history })
    }

    /// Ends the run: with the error, unless a callback forgives it.
    fn end_for(&self, run: &mut Run<'_, A>, error: Error) -> Result<(), Error> {
        if !self.callbacks.iter().any(|callback| callback.forgives_non_finite_loss()) {
            return Err(error);
        }
        run.stop(match &error {
            Error::NotFinite { epoch, batch, loss, first, .. } => {
                format!("the loss is {loss} in epoch {epoch}, batch {batch}: {first}")
            }
            Error::StepNotFinite { what, epoch, batch, first, .. } => {
                format!("{what} is infinite or NaN in epoch {epoch}, batch {batch}: {first}")
            }
            other => other.to_string(),
        });
        Ok(())
    }
}

/// What of a step is infinite or NaN, after the callbacks have seen it: clipping may have mended
/// it, or refused it.
fn bad<A: Float>(
    model: &dyn Module<A>,
    step: &StepResult<A>,
    shown: Result<(), Error>,
) -> Result<Option<String>, Error> {
    match shown {
        Err(Error::GradientNotFinite { parameter }) => {
            Ok(Some(format!("the gradient of parameter {}", visible(&parameter))))
        }
        shown => shown.map(|()| bad_step(model, &step.gradients)),
    }
}
