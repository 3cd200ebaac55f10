//! Training and using a model.

use ops::{Float, Tensor};
use tape::Tape;

use crate::data::{Batch, Dataset};
use crate::error::Error;
use crate::loss::Loss;
use crate::metrics::accuracy;
use crate::module::Module;
use crate::optim::Optimizer;
use crate::pass::Pass;

/// Rows that a model is evaluated on at a time, to bound the memory of a pass.
const EVALUATION_ROWS: usize = 1024;

/// The outputs of a model for inputs with the batch along the first axis.
///
/// # Errors
/// If the model cannot take inputs of this shape.
///
/// ```
/// use nn::prelude::*;
///
/// let model = Sequential::<f32>::new().then(Dense::new(3, 2, &mut nn::rng(0)));
/// assert_eq!(predict(&model, &Tensor::zeros(&[5, 3]))?, Tensor::zeros(&[5, 2]));
/// assert!(predict(&model, &Tensor::zeros(&[5, 4])).is_err());
/// # Ok::<(), nn::Error>(())
/// ```
pub fn predict<A: Float>(model: &impl Module<A>, inputs: &Tensor<A>) -> Result<Tensor<A>, Error> {
    model.output_shape(inputs.shape())?;
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    Ok(model.forward(&pass, pass.input(inputs)).value())
}

/// How good a model is on a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// The loss, averaged over samples.
    pub loss: f64,
    /// The fraction classified rightly; `None` if the targets are not classes.
    pub accuracy: Option<f64>,
}

/// How good a model is on a data set.
///
/// # Errors
/// If the model cannot take the inputs, or the loss cannot compare outputs with targets.
pub fn evaluate<A: Float>(
    model: &impl Module<A>,
    data: &Dataset<A>,
    loss: &impl Loss<A>,
) -> Result<Evaluation, Error> {
    check(model, data, loss)?;
    let mut total = Total::default();
    let mut tape = Tape::new();
    for batch in data.batches(EVALUATION_ROWS, None)? {
        tape.reset();
        let pass = Pass::evaluate(&tape);
        let output = model.forward(&pass, pass.input(&batch.inputs));
        let value = loss.loss(output, &batch.targets)?;
        total.add(&batch, value.item(), &output.value(), loss.threshold());
    }
    Ok(total.mean())
}

/// Refuses what cannot be trained or evaluated, before anything is computed.
fn check<A: Float>(
    model: &impl Module<A>,
    data: &Dataset<A>,
    loss: &impl Loss<A>,
) -> Result<(), Error> {
    let output = model.output_shape(data.inputs().shape())?;
    loss.check(&output, data.targets())
}

/// Loss and accuracy summed over batches.
#[derive(Default)]
struct Total {
    samples: usize,
    loss: f64,
    right: Option<f64>,
}

impl Total {
    fn add<A: Float>(&mut self, batch: &Batch<A>, loss: A, output: &Tensor<A>, threshold: f64) {
        let count = batch.len() as f64;
        let right = accuracy(output, &batch.targets, threshold).map(|accuracy| accuracy * count);
        self.right = match (self.samples, self.right, right) {
            (0, _, right) => right,
            (_, Some(sum), Some(right)) => Some(sum + right),
            _ => None,
        };
        self.samples += batch.len();
        self.loss += loss.to_f64() * count;
    }

    fn mean(&self) -> Evaluation {
        let samples = self.samples as f64;
        Evaluation { loss: self.loss / samples, accuracy: self.right.map(|right| right / samples) }
    }
}

/// What one epoch of training gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Loss and accuracy on the training data, averaged over the batches as they were trained on.
    pub training: Evaluation,
    /// Loss and accuracy on the validation data after the epoch, if there is any.
    pub validation: Option<Evaluation>,
}

impl std::fmt::Display for EpochRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "epoch {:>3}  loss {:.4}", self.epoch, self.training.loss)?;
        if let Some(accuracy) = self.training.accuracy {
            write!(f, "  accuracy {accuracy:.4}")?;
        }
        if let Some(validation) = &self.validation {
            write!(f, "  validation loss {:.4}", validation.loss)?;
            if let Some(accuracy) = validation.accuracy {
                write!(f, "  validation accuracy {accuracy:.4}")?;
            }
        }
        Ok(())
    }
}

/// What a training run gave, epoch by epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// One entry an epoch.
    pub epochs: Vec<EpochRecord>,
}

/// A training run: settings, then [`run`](Fit::run).
///
/// The same settings, model, data and seed give the same history, bit for bit.
#[derive(Clone, Debug)]
pub struct Fit<'d, A: Float> {
    epochs: usize,
    batch_size: usize,
    seed: u64,
    validation: Option<&'d Dataset<A>>,
    progress: bool,
}

impl<A: Float> Default for Fit<'_, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'d, A: Float> Fit<'d, A> {
    /// 10 epochs in batches of 32, shuffled with seed 0, with progress shown.
    pub fn new() -> Self {
        Self { epochs: 10, batch_size: 32, seed: 0, validation: None, progress: true }
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

    /// The seed of the order of samples.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Data to evaluate the model on after every epoch.
    #[must_use]
    pub fn validation(mut self, data: &'d Dataset<A>) -> Self {
        self.validation = Some(data);
        self
    }

    /// Whether to show a progress bar and a line for every epoch, on standard error. The bar is
    /// there only on a terminal and with the feature `progress`.
    #[must_use]
    pub fn progress(mut self, progress: bool) -> Self {
        self.progress = progress;
        self
    }

    /// Trains `model` on `data`.
    ///
    /// # Errors
    /// Before anything changes: if the batch size is 0, if the model cannot take the data, or the
    /// loss cannot compare its output with the targets. On the way: if the loss is infinite or
    /// NaN; the model keeps the parameters of the step before.
    pub fn run(
        &self,
        model: &mut impl Module<A>,
        data: &Dataset<A>,
        loss: &impl Loss<A>,
        optimizer: &mut impl Optimizer<A>,
    ) -> Result<History, Error> {
        check(model, data, loss)?;
        if let Some(validation) = self.validation {
            check(model, validation, loss)?;
        }
        let mut history = History::default();
        let mut tape = Tape::new();
        for epoch in 1..=self.epochs {
            let batches = data.batches(self.batch_size, Some(epoch_seed(self.seed, epoch)))?;
            let progress =
                Progress::new(self.progress, epoch, data.len().div_ceil(self.batch_size));
            let mut total = Total::default();
            for (i, batch) in batches.enumerate() {
                let gradients = {
                    let pass = Pass::train(&tape, step_seed(self.seed, epoch, i));
                    let output = model.forward(&pass, pass.input(&batch.inputs));
                    let value = loss.loss(output, &batch.targets)?;
                    if !value.item().is_finite() {
                        let loss = value.item().to_f64();
                        return Err(Error::NotFinite { epoch, batch: i + 1, loss });
                    }
                    total.add(&batch, value.item(), &output.value(), loss.threshold());
                    pass.gradients(value)?
                };
                // Before the step, so that parameters are not shared and can change in place.
                tape.reset();
                optimizer.step(model, &gradients)?;
                progress.advance();
            }
            let validation = self.validation.map(|data| evaluate(model, data, loss)).transpose()?;
            let record = EpochRecord { epoch, training: total.mean(), validation };
            progress.finish(&record);
            history.epochs.push(record);
        }
        Ok(history)
    }
}

/// The seed with which [`Fit`] shuffles the data in an epoch (from 1) of a run with seed `seed`:
/// far from those of the neighbouring epochs and runs.
pub fn epoch_seed(seed: u64, epoch: usize) -> u64 {
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(epoch as u64)
}

/// The seed from which [`Fit`] draws what is random in the step on batch number `batch` (from 0) of
/// an epoch (from 1), such as dropout.
pub fn step_seed(seed: u64, epoch: usize, batch: usize) -> u64 {
    epoch_seed(epoch_seed(seed, epoch), batch)
}

/// A bar for the batches of an epoch and a line at its end.
struct Progress {
    shown: bool,
    #[cfg(feature = "progress")]
    bar: indicatif::ProgressBar,
}

impl Progress {
    #[cfg(feature = "progress")]
    fn new(shown: bool, epoch: usize, batches: usize) -> Self {
        let bar = if shown {
            indicatif::ProgressBar::new(batches as u64)
        } else {
            indicatif::ProgressBar::hidden()
        };
        bar.set_style(
            indicatif::ProgressStyle::with_template(
                "{msg} {bar:40} {pos}/{len} batches, {eta} left",
            )
            .expect("a template that parses"),
        );
        bar.set_message(format!("epoch {epoch:>3}"));
        Self { shown, bar }
    }

    #[cfg(not(feature = "progress"))]
    fn new(shown: bool, _epoch: usize, _batches: usize) -> Self {
        Self { shown }
    }

    #[cfg_attr(not(feature = "progress"), allow(clippy::unused_self))]
    fn advance(&self) {
        #[cfg(feature = "progress")]
        self.bar.inc(1);
    }

    fn finish(&self, record: &EpochRecord) {
        #[cfg(feature = "progress")]
        self.bar.finish_and_clear();
        if self.shown {
            eprintln!("{record}");
        }
    }
}
