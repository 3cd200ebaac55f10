//! Samples with their targets, and how they are split and dealt out in batches.

use std::sync::Arc;

use ops::{Float, Tensor};

use crate::ground::error::DataError;
use crate::ground::{Checksum, Targets};

mod batches;
mod change;
mod rows;
mod split;
#[cfg(test)]
mod tests;

pub use batches::{Batch, Batches};
pub(super) use rows::{check_finite, shuffled, tensor};
use rows::{gather, gather_targets, rows};

/// Samples and their targets: at least one sample, and as many targets as inputs.
///
/// Cloning is cheap where the targets are values; labels are copied.
///
/// ```
/// use nn::data::{DataError, Dataset};
/// use ops::Tensor;
///
/// let inputs = Tensor::from([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]);
/// let data = Dataset::classification(inputs, vec![0, 1, 0], 2)?;
/// assert_eq!(data.select(&[2, 0])?.inputs(), &Tensor::from([[4.0, 5.0], [0.0, 1.0]]));
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset<A: Float> {
    // Invariant: both tensors have their elements in one piece, the last axis fastest, so that a
    // row is a slice; neither is empty.
    inputs: Tensor<A>,
    targets: Targets<A>,
    classes: Option<usize>,
    // One for each class, if there are any.
    class_names: Option<Arc<[String]>>,
}

impl<A: Float> Dataset<A> {
    /// Inputs of shape `[samples, ...features]` with a label for each, below `classes`.
    ///
    /// # Errors
    /// If there are no samples, not as many labels as inputs, or a label is not below `classes`.
    pub fn classification(
        inputs: Tensor<A>,
        labels: Vec<usize>,
        classes: usize,
    ) -> Result<Self, DataError> {
        let inputs = rows("inputs", inputs)?;
        if let Some((row, &label)) = labels.iter().enumerate().find(|&(_, &label)| label >= classes)
        {
            return Err(DataError::Label { row, label, classes });
        }
        Self::paired(inputs, Targets::Labels(labels), Some(classes))
    }

    /// Inputs of shape `[samples, ...features]` with values of shape `[samples, ...]`.
    ///
    /// # Errors
    /// If there are no samples, or not as many values as inputs along the first axis.
    ///
    /// ```
    /// use nn::data::Dataset;
    /// use ops::Tensor;
    ///
    /// let (inputs, values) = (Tensor::from([[0.0], [1.0]]), Tensor::from([[1.0]]));
    /// let error = Dataset::regression(inputs, values).unwrap_err();
    /// let text = "the inputs number 2 but the targets 1; each input needs one";
    /// assert_eq!(error.to_string(), text);
    /// ```
    pub fn regression(inputs: Tensor<A>, values: Tensor<A>) -> Result<Self, DataError> {
        Self::paired(rows("inputs", inputs)?, Targets::Values(rows("values", values)?), None)
    }

    fn paired(
        inputs: Tensor<A>,
        targets: Targets<A>,
        classes: Option<usize>,
    ) -> Result<Self, DataError> {
        let (samples, given) = (inputs.shape()[0], targets.len());
        if samples != given {
            return Err(DataError::Counts { inputs: samples, targets: given });
        }
        Ok(Self { inputs, targets, classes, class_names: None })
    }

    /// The number of samples, at least 1.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.inputs.shape()[0]
    }

    /// The inputs, of shape `[samples, ...features]`.
    pub fn inputs(&self) -> &Tensor<A> {
        &self.inputs
    }

    /// The targets, one for each sample.
    pub fn targets(&self) -> &Targets<A> {
        &self.targets
    }

    /// The labels, if the targets are labels.
    pub fn labels(&self) -> Option<&[usize]> {
        match &self.targets {
            Targets::Labels(labels) => Some(labels),
            Targets::Values(_) => None,
        }
    }

    /// The number of classes, if the targets are labels.
    pub fn classes(&self) -> Option<usize> {
        self.classes
    }

    /// The names of the classes, in the order of their labels, if they have been given.
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref()
    }

    /// The same samples, with a name for each class.
    ///
    /// # Errors
    /// If the targets are not labels, or there are not as many names as classes.
    ///
    /// ```
    /// use nn::data::{DataError, Dataset};
    /// use ops::Tensor;
    ///
    /// let data = Dataset::classification(Tensor::from([[0.5], [0.1]]), vec![1, 0], 2)?;
    /// let data = data.with_class_names(["cat", "dog"])?;
    /// assert_eq!(data.class_names().unwrap()[data.labels().unwrap()[0]], "dog");
    /// # Ok::<(), DataError>(())
    /// ```
    pub fn with_class_names<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, DataError> {
        let names: Arc<[String]> = names.into_iter().map(Into::into).collect();
        let (_, classes) = self.labelled()?;
        if names.len() != classes {
            return Err(DataError::ClassNames { names: names.len(), classes });
        }
        self.class_names = Some(names);
        Ok(self)
    }

    /// Whether every number of the inputs and values is finite; a model trained on a NaN answers
    /// NaN to everything.
    ///
    /// # Errors
    /// If a number is infinite or NaN, with its row.
    ///
    /// ```
    /// use nn::data::Dataset;
    /// use ops::Tensor;
    ///
    /// let data = Dataset::classification(Tensor::from([[0.5], [f64::NAN]]), vec![1, 0], 2)?;
    /// let error = data.check_finite().unwrap_err().to_string();
    /// let text = "row 1 of the inputs holds NaN at [0]; every number must be finite";
    /// assert_eq!(error, text);
    /// # Ok::<(), nn::data::DataError>(())
    /// ```
    pub fn check_finite(&self) -> Result<(), DataError> {
        check_finite("inputs", &self.inputs)?;
        match &self.targets {
            Targets::Labels(_) => Ok(()),
            Targets::Values(values) => check_finite("values", values),
        }
    }

    /// A few digits that are others for almost any other data.
    pub(crate) fn fingerprint(&self) -> String {
        let mut sum = Checksum::new();
        sum.tensor(&self.inputs);
        match &self.targets {
            Targets::Labels(labels) => sum.counts(labels),
            Targets::Values(values) => sum.tensor(values),
        }
        sum.counts(&[self.classes.unwrap_or(0)]);
        sum.digits()
    }

    /// The labels and the number of classes.
    fn labelled(&self) -> Result<(&[usize], usize), DataError> {
        match (&self.targets, self.classes) {
            (Targets::Labels(labels), Some(classes)) => Ok((labels, classes)),
            (Targets::Values(values), _) => {
                Err(DataError::NotLabels { shape: values.shape().to_vec() })
            }
            (Targets::Labels(_), None) => unreachable!("labels come with their classes"),
        }
    }

    /// The shape of one input: the lengths of the axes after the first.
    pub fn sample_shape(&self) -> &[usize] {
        &self.inputs.shape()[1..]
    }

    /// The samples of the given rows, counted from 0, in the order given. A row may be repeated.
    ///
    /// # Errors
    /// If a row is not in the dataset, or none is given.
    pub fn select(&self, rows: &[usize]) -> Result<Self, DataError> {
        if let Some(&row) = rows.iter().find(|&&row| row >= self.len()) {
            return Err(DataError::Row { row, rows: self.len() });
        }
        if rows.is_empty() {
            let mut shape = self.inputs.shape().to_vec();
            shape[0] = 0;
            return Err(DataError::Empty { shape });
        }
        Ok(self.gather(rows))
    }

    /// The first `count` samples.
    ///
    /// # Errors
    /// If `count` is 0 or above the number of samples.
    pub fn first_rows(&self, count: usize) -> Result<Self, DataError> {
        if count == 0 || count > self.len() {
            return Err(DataError::FirstRows { wanted: count, rows: self.len() });
        }
        Ok(self.gather(&(0..count).collect::<Vec<_>>()))
    }

    /// The same samples with other inputs: one for each, and not empty.
    pub(super) fn with_inputs(&self, inputs: Tensor<A>) -> Self {
        debug_assert_eq!(inputs.shape()[0], self.len());
        Self { inputs, ..self.clone() }
    }

    /// The same samples with values as targets: one for each, and not empty.
    pub(super) fn with_values(&self, values: Tensor<A>) -> Self {
        debug_assert_eq!(values.shape()[0], self.len());
        let targets = Targets::Values(values);
        Self { inputs: self.inputs.clone(), targets, classes: None, class_names: None }
    }

    fn gather(&self, rows: &[usize]) -> Self {
        Self {
            inputs: gather(&self.inputs, rows),
            targets: gather_targets(&self.targets, rows),
            classes: self.classes,
            class_names: self.class_names.clone(),
        }
    }
}
