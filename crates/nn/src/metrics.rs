//! How good outputs are, as people say it.

use ndarray::ArrayView1;
use ops::{Float, Tensor};

use crate::data::Targets;
use crate::error::Error;

/// A measure of outputs against targets, as people say it, over a whole data set.
pub trait Metric<A: Float> {
    /// The name, for tables and plots: `accuracy`.
    fn name(&self) -> String;

    /// Whether outputs of shape `output` can be measured against `targets`. Computes nothing.
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
    fn add(&mut self, outputs: &Tensor<A>, targets: &Targets<A>);

    /// The measure over all that was added.
    fn value(&self) -> f64;
}

/// The index of the largest element of each row, rows being the lanes of the last axis; the first
/// of equals.
///
/// ```
/// use nn::ops::Tensor;
/// assert_eq!(nn::metrics::argmax_rows(&Tensor::from([[1.0, 3.0], [5.0, 2.0]])), [1, 0]);
/// ```
pub fn argmax_rows<A: Float>(x: &Tensor<A>) -> Vec<usize> {
    let best = |row: ArrayView1<'_, A>| {
        row.iter().enumerate().fold(0, |best, (i, value)| if *value > row[best] { i } else { best })
    };
    x.view().rows().into_iter().map(best).collect()
}

/// The fraction of samples that are classified rightly: the largest output against the label (or
/// against the largest target value), or, for a single output, whether it lies above `threshold`
/// against a target of 0 or 1. `None` if the targets are not classes (other values than 0 and 1),
/// or the shapes do not fit.
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
    let &columns = outputs.shape().last()?;
    if columns == 0 || outputs.is_empty() {
        return None;
    }
    let decide = |x: &Tensor<A>, threshold: f64| -> Vec<usize> {
        if columns > 1 {
            return argmax_rows(x);
        }
        x.view().iter().map(|&v| usize::from(v.to_f64() > threshold)).collect()
    };
    let predicted = decide(outputs, threshold);
    let right = match targets {
        Targets::Labels(labels) => labels.clone(),
        Targets::Values(values) => {
            let classes = values.view().iter().all(|&v| v == A::zero() || v == A::one());
            if !classes || values.shape() != outputs.shape() {
                return None;
            }
            decide(values, 0.5)
        }
    };
    let hits = predicted.iter().zip(&right).filter(|(a, b)| a == b).count();
    (predicted.len() == right.len()).then(|| hits as f64 / right.len() as f64)
}
