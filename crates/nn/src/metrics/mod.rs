//! How good outputs are, as people say it.
//!
//! | targets | metrics |
//! |---|---|
//! | classes | [`Accuracy`], [`TopK`], [`Precision`], [`Recall`], [`F1`]; [`ConfusionMatrix`] |
//! | classes, of a model that gives logits | [`Perplexity`], [`BitsPerSymbol`] |
//! | numbers | [`R2`], [`MeanAbsolute`], [`RootMeanSquared`] |
//!
//! A metric counts over a whole data set; the mean of its values over batches would be another
//! number wherever it is not itself a mean over samples.
//!
//! ```
//! use nn::data::Targets;
//! use nn::metrics::{Accuracy, Metric, R2};
//! use nn::ops::Tensor;
//!
//! let outputs = Tensor::from([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]);
//! let targets = Targets::Labels(vec![1, 0, 0]);
//! let accuracy = Accuracy::new();
//! accuracy.check(outputs.shape(), &targets)?;
//! let mut count = accuracy.start();
//! count.add(&outputs, &targets); // A call for every batch.
//! assert_eq!(count.value(), 2.0 / 3.0);
//!
//! let error = R2.check(outputs.shape(), &targets).unwrap_err().to_string();
//! assert!(error.starts_with("R² cannot compare an output of shape [3, 2] with 3 labels"));
//! # Ok::<(), nn::Error>(())
//! ```

use ndarray::ArrayView1;
use ops::{Float, Tensor};

use crate::ground::{Error, Targets};
use crate::loss::Loss;

mod classification;
mod confusion;
mod decisions;
mod likelihood;
mod regression;

pub use classification::{Accuracy, F1, Precision, Recall, TopK};
pub use confusion::{Average, ConfusionMatrix};
use decisions::Decisions;
pub use likelihood::{BitsPerSymbol, Perplexity};
pub use regression::{MeanAbsolute, R2, RootMeanSquared};

/// A measure of outputs against targets, as people say it, over a whole data set.
pub trait Metric<A: Float> {
    /// The name, for tables and plots: `accuracy`.
    fn name(&self) -> String;

    /// Whether outputs of shape `output` can be measured against `targets`.
    ///
    /// # Errors
    /// If they cannot, and what would fit.
    fn check(&self, output: &[usize], targets: &Targets<A>) -> Result<(), Error>;

    /// A fresh count, to which batches are added.
    fn start(&self) -> Box<dyn Count<A>>;
}

/// What a [`Metric`] has counted so far.
pub trait Count<A: Float> {
    /// Adds a batch.
    ///
    /// # Panics
    /// If the metric's [`check`](Metric::check) refuses these outputs and targets.
    fn add(&mut self, outputs: &Tensor<A>, targets: &Targets<A>);

    /// The measure over all that was added; NaN if nothing was, or if an output was NaN.
    fn value(&self) -> f64;
}

/// The result for targets that have been checked.
#[track_caller]
fn checked<T>(result: Result<T, Error>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// The index of the largest element of each row, rows being the lanes of the last axis; the first
/// of equals.
///
/// ```
/// use nn::ops::Tensor;
/// assert_eq!(nn::metrics::argmax_rows(&Tensor::from([[1.0, 3.0], [5.0, 2.0]])), [1, 0]);
/// ```
pub fn argmax_rows<A: Float>(x: &Tensor<A>) -> Vec<usize> {
    x.view().rows().into_iter().map(|row| argmax(&row)).collect()
}

fn argmax<A: Float>(row: &ArrayView1<'_, A>) -> usize {
    row.iter().enumerate().fold(0, |best, (i, value)| if *value > row[best] { i } else { best })
}

/// [`Accuracy`] with the given threshold over one batch; `None` if the targets are not classes or
/// do not fit the outputs.
///
/// ```
/// use nn::data::Targets;
/// use nn::ops::Tensor;
/// use nn::metrics::accuracy;
///
/// let outputs = Tensor::from([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]);
/// assert_eq!(accuracy(&outputs, &Targets::Labels(vec![1, 0, 0]), 0.5), Some(2.0 / 3.0));
/// ```
pub fn accuracy<A: Float>(
    outputs: &Tensor<A>,
    targets: &Targets<A>,
    threshold: f64,
) -> Option<f64> {
    rows_right(outputs, targets, Decisions { threshold, ignored: None })
        .map(|tally| tally.fraction())
}

/// [`accuracy`] of the rows that count for a loss, and how many there are.
pub(crate) fn accuracy_for<A: Float>(
    loss: &dyn Loss<A>,
    outputs: &Tensor<A>,
    targets: &Targets<A>,
) -> Option<(f64, u64)> {
    let decisions = Decisions { threshold: loss.threshold(), ignored: loss.ignored() };
    rows_right(outputs, targets, decisions).map(|tally| (tally.fraction(), tally.rows()))
}

fn rows_right<A: Float>(
    outputs: &Tensor<A>,
    targets: &Targets<A>,
    decisions: Decisions,
) -> Option<classification::Tally> {
    let truths = decisions.truths("accuracy", outputs.shape(), targets).ok()?;
    let mut tally = classification::Tally::default();
    tally.add(&truths, &decisions.predictions(outputs));
    Some(tally)
}
