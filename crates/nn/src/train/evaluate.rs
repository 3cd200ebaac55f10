//! Using a model, and measuring it.

use ndarray::Axis;
use ops::{Float, Tensor};
use tape::Tape;

use crate::data::{Batch, DataLoader, Dataset};
use crate::ground::Error;
use crate::loss::Loss;
use crate::metrics::{Count, Metric, accuracy_for};
use crate::model::{Module, Pass};

/// Rows that a model is evaluated on at a time, to bound the memory of a pass.
const EVALUATION_ROWS: usize = 1024;

/// The outputs of a model for inputs with the batch along the first axis. They are computed in
/// parts of 1,024 samples, so that the memory of a pass does not grow with the number of samples.
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
    model.check_input(inputs)?;
    let shape = model.output_shape(inputs.shape())?;
    let rows = inputs.shape().first().copied().unwrap_or(0);
    let mut tape = Tape::new();
    // An output whose first axis does not count samples cannot be put together from parts.
    if rows > EVALUATION_ROWS && shape.first() == Some(&rows) {
        let mut outputs = Vec::with_capacity(shape.iter().product());
        for start in (0..rows).step_by(EVALUATION_ROWS) {
            tape.reset();
            let part = start..rows.min(start + EVALUATION_ROWS);
            let part = Tensor::from(inputs.view().slice_axis(Axis(0), part.into()));
            outputs.extend(output_of(model, &tape, &part).to_vec());
        }
        if let Ok(outputs) = Tensor::from_shape_vec(&shape, outputs) {
            return Ok(outputs);
        }
        tape.reset();
    }
    Ok(output_of(model, &tape, inputs))
}

fn output_of<A: Float>(model: &impl Module<A>, tape: &Tape<A>, inputs: &Tensor<A>) -> Tensor<A> {
    let pass = Pass::evaluate(tape);
    model.forward(&pass, pass.input(inputs)).value()
}

/// How good a model is on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The loss, averaged over what [counts](Loss::counted): over samples, unless the loss weighs
    /// them or leaves some out.
    pub loss: f64,
    /// The fraction classified rightly, of the rows that the loss does not
    /// [ignore](Loss::ignored); `None` if the targets are not classes.
    pub accuracy: Option<f64>,
    /// The metrics that were asked for, with their names.
    pub metrics: Vec<(String, f64)>,
}

impl Evaluation {
    /// All values with their names, each name after `prefix`. A metric takes the place of the accuracy
    /// that has its name.
    pub(crate) fn values(&self, prefix: &str) -> Vec<(String, f64)> {
        let loss = std::iter::once(("loss", self.loss));
        let is_own = self.metrics.iter().all(|(name, _)| name != "accuracy");
        let accuracy = self.accuracy.filter(|_| is_own).map(|accuracy| ("accuracy", accuracy));
        let metrics = self.metrics.iter().map(|(name, value)| (name.as_str(), *value));
        loss.chain(accuracy)
            .chain(metrics)
            .map(|(name, value)| (format!("{prefix}{name}"), value))
            .collect()
    }
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
    evaluate_with(model, data, loss, &[])
}

/// [`evaluate`], with metrics, each over the whole data set.
///
/// # Errors
/// As [`evaluate`], or if a metric cannot measure outputs against such targets.
pub fn evaluate_with<A: Float>(
    model: &impl Module<A>,
    data: &Dataset<A>,
    loss: &impl Loss<A>,
    metrics: &[&dyn Metric<A>],
) -> Result<Evaluation, Error> {
    check(model, data, loss, metrics.iter().copied())?;
    evaluate_checked(model, data, loss, metrics)
}

/// Refuses what cannot be trained or evaluated, before anything is computed.
pub(super) fn check<'m, A: Float>(
    model: &dyn Module<A>,
    data: &Dataset<A>,
    loss: &dyn Loss<A>,
    metrics: impl Iterator<Item = &'m dyn Metric<A>>,
) -> Result<(), Error> {
    model.check_input(data.inputs())?;
    let output = model.output_shape(data.inputs().shape())?;
    loss.check(&output, data.targets())?;
    for metric in metrics {
        metric.check(&output, data.targets())?;
    }
    Ok(())
}

/// Refuses a last batch of one sample if a layer cannot be trained on it: tries it before anything
/// is trained.
pub(super) fn check_last_batch<A: Float>(
    model: &dyn Module<A>,
    data: &DataLoader<A>,
) -> Result<(), Error> {
    let (samples, batch_size) = (data.samples_per_epoch(), data.batch_size());
    if samples % batch_size != 1 % batch_size {
        return Ok(());
    }
    let tape = Tape::new();
    let pass = Pass::trial(&tape);
    let one = data.dataset().first_rows(1)?;
    model.forward(&pass, pass.input(one.inputs()));
    match pass.refusal() {
        None => Ok(()),
        Some(problem) => Err(Error::LastBatch { samples, batch_size, problem }),
    }
}

/// [`evaluate_with`], without the check.
#[inline(never)] // Compiled once, in this crate.
pub(super) fn evaluate_checked<A: Float>(
    model: &dyn Module<A>,
    data: &Dataset<A>,
    loss: &dyn Loss<A>,
    metrics: &[&dyn Metric<A>],
) -> Result<Evaluation, Error> {
    let mut total = Total::new(loss, metrics.iter().copied());
    let mut tape = Tape::new();
    for batch in data.batches(EVALUATION_ROWS, None)? {
        tape.reset();
        let pass = Pass::evaluate(&tape);
        let output = model.forward(&pass, pass.input(&batch.inputs));
        let counts = loss.counted(&output.shape(), &batch.targets) > 0.0;
        let value = if counts { loss.loss(output, &batch.targets)?.item() } else { A::zero() };
        total.add(&batch, value, &output.value());
    }
    Ok(total.mean())
}

/// Loss, accuracy and metrics over the batches so far.
pub(super) struct Total<'l, A: Float> {
    of: &'l dyn Loss<A>,
    /// The rows that the accuracy is of.
    rows: u64,
    /// What the batches count for the loss.
    counted: f64,
    /// The sum of the losses, each times what its batch counts.
    loss: f64,
    right: Option<f64>,
    counts: Vec<(String, Box<dyn Count<A>>)>,
}

impl<'l, A: Float> Total<'l, A> {
    pub fn new<'m>(of: &'l dyn Loss<A>, metrics: impl Iterator<Item = &'m dyn Metric<A>>) -> Self {
        let counts = metrics.map(|metric| (metric.name(), metric.start())).collect();
        Self { of, rows: 0, counted: 0.0, loss: 0.0, right: Some(0.0), counts }
    }

    pub fn add(&mut self, batch: &Batch<A>, loss: A, outputs: &Tensor<A>) {
        let targets = &batch.targets;
        let accuracy = accuracy_for(self.of, outputs, targets);
        self.right = self.right.zip(accuracy).map(|(sum, (accuracy, rows))| {
            self.rows += rows;
            if rows == 0 { sum } else { sum + accuracy * rows as f64 }
        });
        let counted = self.of.counted(outputs.shape(), targets);
        self.counted += counted;
        self.loss += loss.to_f64() * counted;
        for (_, metric) in &mut self.counts {
            metric.add(outputs, targets);
        }
    }

    /// Refuses an epoch of `rows` in which no batch counted.
    pub fn checked(self, rows: usize) -> Result<Self, Error> {
        if self.counted <= 0.0 {
            return Err(Error::NothingCounts { measure: self.of.name().to_owned(), rows });
        }
        Ok(self)
    }

    /// The mean loss so far.
    pub fn loss(&self) -> f64 {
        self.loss / self.counted
    }

    pub fn mean(&self) -> Evaluation {
        Evaluation {
            loss: self.loss(),
            accuracy: self.right.map(|right| right / self.rows as f64),
            metrics: self
                .counts
                .iter()
                .map(|(name, count)| (name.clone(), count.value()))
                .collect(),
        }
    }
}
