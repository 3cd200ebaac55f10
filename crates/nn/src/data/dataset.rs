//! Samples with their targets, and how they are split and dealt out in batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use chacha20::ChaCha8Rng;
use ops::prelude::*;
use ops::{Float, Tensor};
use rand::SeedableRng;
use rand::seq::SliceRandom;

use super::DataError;

/// What a model should answer, for each sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets<A: Float> {
    /// A class of each sample, counted from 0.
    Labels(Vec<usize>),
    /// Numbers of each sample: a tensor whose first axis counts the samples.
    Values(Tensor<A>),
}

impl<A: Float> Targets<A> {
    /// The number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Labels(labels) => labels.len(),
            Self::Values(values) => values.shape().first().copied().unwrap_or(0),
        }
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn gather(&self, rows: &[usize]) -> Self {
        match self {
            Self::Labels(labels) => Self::Labels(rows.iter().map(|&row| labels[row]).collect()),
            Self::Values(values) => Self::Values(gather(values, rows)),
        }
    }
}

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

    /// The samples in two parts: for training and for testing, shuffled by `seed`.
    ///
    /// The same seed gives the same parts on every machine. The test part has `test_fraction` of
    /// the samples, rounded to the nearest whole number.
    ///
    /// # Errors
    /// If the fraction is not between 0 and 1 or a part would be empty.
    ///
    /// ```
    /// use nn::data::{DataError, digits};
    ///
    /// let (train, test) = digits::<f32>().split(0.25, 1)?;
    /// assert_eq!((train.len(), test.len()), (1348, 449));
    /// # Ok::<(), DataError>(())
    /// ```
    pub fn split(&self, test_fraction: f64, seed: u64) -> Result<(Self, Self), DataError> {
        let rows = self.len();
        // Negative fractions and NaN become 0 rows here, and are refused with the rest.
        let test = (rows as f64 * test_fraction).round() as usize;
        if test == 0 || test >= rows {
            return Err(DataError::Split { fraction: test_fraction, rows, test });
        }
        let order = shuffled(rows, seed);
        let (test, train) = order.split_at(test);
        Ok((self.gather(train), self.gather(test)))
    }

    /// The samples in three parts: for training, for validation (by which settings are chosen and
    /// training is stopped) and for testing, shuffled by `seed`.
    ///
    /// The fractions are of all the samples, each rounded to the nearest whole number.
    ///
    /// # Errors
    /// If a fraction is not between 0 and 1 or a part would be empty.
    ///
    /// ```
    /// use nn::data::{DataError, digits};
    ///
    /// let (train, validation, test) = digits::<f32>().split_three(0.1, 0.2, 1)?;
    /// assert_eq!((train.len(), validation.len(), test.len()), (1258, 180, 359));
    /// # Ok::<(), DataError>(())
    /// ```
    pub fn split_three(
        &self,
        validation_fraction: f64,
        test_fraction: f64,
        seed: u64,
    ) -> Result<(Self, Self, Self), DataError> {
        let rows = self.len();
        // Fractions that are none become 0 or too many rows, and are refused with the rest.
        let count = |fraction: f64| (rows as f64 * fraction).round() as usize;
        let (validation, test) = (count(validation_fraction), count(test_fraction));
        let train = rows.saturating_sub(validation.saturating_add(test));
        if train == 0 || validation == 0 || test == 0 {
            return Err(DataError::ThreeWaySplit {
                validation: validation_fraction,
                test: test_fraction,
                rows,
                parts: [train, validation, test],
            });
        }
        let order = shuffled(rows, seed);
        let (test, rest) = order.split_at(test);
        let (validation, train) = rest.split_at(validation);
        Ok((self.gather(train), self.gather(validation), self.gather(test)))
    }

    /// The samples in two parts, as [`split`](Self::split) makes them, but so that each class has
    /// the same share of both, as nearly as whole samples allow.
    ///
    /// The test part gets `test_fraction` of each class, rounded to the nearest whole number, but
    /// leaves at least one sample of the class in each part. Both parts are shuffled.
    ///
    /// # Errors
    /// If the targets are not labels, a class has only one sample, or the fraction is not between 0
    /// and 1. A class without samples is no error.
    ///
    /// ```
    /// use nn::data::{DataError, iris};
    ///
    /// let (train, test) = iris::<f32>().split_stratified(0.2, 1)?;
    /// let of_class = |class| test.labels().unwrap().iter().filter(|&&l| l == class).count();
    /// assert_eq!((train.len(), [of_class(0), of_class(1), of_class(2)]), (120, [10, 10, 10]));
    /// # Ok::<(), DataError>(())
    /// ```
    pub fn split_stratified(
        &self,
        test_fraction: f64,
        seed: u64,
    ) -> Result<(Self, Self), DataError> {
        let (labels, _) = self.labelled()?;
        if !(test_fraction > 0.0 && test_fraction < 1.0) {
            let (rows, fraction) = (self.len(), test_fraction);
            let test = (rows as f64 * fraction).round() as usize;
            return Err(DataError::Split { fraction, rows, test });
        }
        // In the order of the classes, so that the error names the first. The number of classes
        // may be far above that of samples.
        let mut counts = BTreeMap::<usize, usize>::new();
        for &label in labels {
            *counts.entry(label).or_default() += 1;
        }
        for (&class, count) in &mut counts {
            if *count == 1 {
                return Err(DataError::Stratum { class });
            }
            let share = (*count as f64 * test_fraction).round() as usize;
            *count = share.clamp(1, *count - 1);
        }
        let mut wanted = counts;
        let (test, train): (Vec<_>, Vec<_>) = shuffled(self.len(), seed)
            .into_iter()
            .partition(|&row| wanted.get_mut(&labels[row]).is_some_and(take_one));
        Ok((self.gather(&train), self.gather(&test)))
    }

    /// The samples before `row` (counted from 0) and those from it on, in their order: for series,
    /// whose future must not be trained on.
    ///
    /// # Errors
    /// If a part would be empty.
    ///
    /// ```
    /// use nn::data::{DataError, xor};
    ///
    /// let (first, last) = xor::<f64>().split_at(3)?;
    /// assert_eq!((first.len(), last.inputs().to_vec()), (3, vec![1.0, 1.0]));
    /// # Ok::<(), DataError>(())
    /// ```
    pub fn split_at(&self, row: usize) -> Result<(Self, Self), DataError> {
        let rows = self.len();
        if row == 0 || row >= rows {
            return Err(DataError::SplitAt { row, rows });
        }
        let order: Vec<_> = (0..rows).collect();
        Ok((self.gather(&order[..row]), self.gather(&order[row..])))
    }

    /// The same samples with inputs of shape `[samples, features]`.
    pub fn flatten(&self) -> Self {
        let mut flat = self.clone();
        let (samples, features) = (self.len(), self.sample_shape().iter().product());
        if self.inputs.shape() != [samples, features] {
            flat.inputs = self.inputs.reshape(&[samples, features][..]);
        }
        flat
    }

    /// The same samples, each input in another shape with as many numbers: images out of rows of
    /// pixels.
    ///
    /// # Errors
    /// If the shape holds another number of elements.
    ///
    /// ```
    /// use nn::data::{DataError, digits};
    ///
    /// let images = digits::<f32>().reshape_samples(&[1, 8, 8])?;
    /// assert_eq!(images.inputs().shape(), [1797, 1, 8, 8]);
    /// assert!(images.reshape_samples(&[3, 3]).is_err());
    /// # Ok::<(), DataError>(())
    /// ```
    pub fn reshape_samples(&self, shape: &[usize]) -> Result<Self, DataError> {
        let elements: usize = self.sample_shape().iter().product();
        let product = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        if product != Some(elements) {
            let (given, wanted) = (self.sample_shape().to_vec(), shape.to_vec());
            return Err(DataError::Reshape { given, wanted });
        }
        let whole: Vec<usize> = [&[self.len()], shape].concat();
        Ok(self.with_inputs(self.inputs.reshape(&whole[..])))
    }

    /// The same samples with the labels as values: rows of shape `[samples, classes]` that are 1
    /// at the label and 0 elsewhere.
    ///
    /// # Errors
    /// If the targets are not labels, or the rows do not fit into memory.
    ///
    /// ```
    /// use nn::data::{DataError, Dataset, Targets};
    /// use ops::Tensor;
    ///
    /// let data = Dataset::classification(Tensor::from([[0.5], [0.1]]), vec![2, 0], 3)?.one_hot()?;
    /// let rows = Tensor::from([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
    /// assert_eq!(data.targets(), &Targets::Values(rows));
    /// # Ok::<(), DataError>(())
    /// ```
    pub fn one_hot(&self) -> Result<Self, DataError> {
        let (labels, classes) = self.labelled()?;
        let rows = labels.len();
        let mut elements = Vec::new();
        let count = rows.checked_mul(classes).filter(|&n| elements.try_reserve_exact(n).is_ok());
        elements.resize(count.ok_or(DataError::OneHot { rows, classes })?, A::zero());
        for (row, &label) in labels.iter().enumerate() {
            elements[row * classes + label] = A::one();
        }
        let targets = Targets::Values(tensor(&[rows, classes], elements));
        Ok(Self { inputs: self.inputs.clone(), targets, classes: None, class_names: None })
    }

    /// The same samples, each number of the inputs under `f`.
    ///
    /// ```
    /// use nn::data::xor;
    ///
    /// let signs = xor::<f64>().map_inputs(|x| 2.0 * x - 1.0);
    /// assert_eq!(signs.inputs().to_vec()[..4], [-1.0, -1.0, -1.0, 1.0]);
    /// ```
    pub fn map_inputs(self, f: impl FnMut(A) -> A) -> Self {
        Self { inputs: self.inputs.map(f), ..self }
    }

    /// Every sample once, in batches of `batch_size`; the last batch has what is left.
    ///
    /// With a seed the samples are shuffled, in the same order for the same seed on every machine;
    /// without one they come in the dataset's order. For a new order in each pass over the data,
    /// give each pass another seed.
    ///
    /// # Errors
    /// If `batch_size` is 0.
    ///
    /// ```
    /// use nn::data::{DataError, digits};
    ///
    /// let data = digits::<f32>();
    /// for epoch in 0..2 {
    ///     let sizes: Vec<_> = data.batches(500, Some(epoch))?.map(|batch| batch.len()).collect();
    ///     assert_eq!(sizes, [500, 500, 500, 297]);
    /// }
    /// # Ok::<(), DataError>(())
    /// ```
    pub fn batches(
        &self,
        batch_size: usize,
        shuffle_seed: Option<u64>,
    ) -> Result<Batches<'_, A>, DataError> {
        if batch_size == 0 {
            return Err(DataError::BatchSize);
        }
        let order = match shuffle_seed {
            Some(seed) => shuffled(self.len(), seed),
            None => (0..self.len()).collect(),
        };
        Ok(Batches { dataset: self, order, next: 0, batch_size })
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

    /// The samples of rows that are there.
    pub(super) fn batch(&self, rows: &[usize]) -> Batch<A> {
        Batch {
            inputs: gather(&self.inputs, rows),
            targets: self.targets.gather(rows),
            indices: rows.to_vec(),
        }
    }

    fn gather(&self, rows: &[usize]) -> Self {
        Self {
            inputs: gather(&self.inputs, rows),
            targets: self.targets.gather(rows),
            classes: self.classes,
            class_names: self.class_names.clone(),
        }
    }
}

/// Some samples of a dataset, for one step of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch<A: Float> {
    /// The inputs, of shape `[samples, ...features]`.
    pub inputs: Tensor<A>,
    /// The targets, one for each input.
    pub targets: Targets<A>,
    /// The row of each sample in the dataset, counted from 0.
    pub indices: Vec<usize>,
}

impl<A: Float> Batch<A> {
    /// The number of samples, at least 1.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.indices.len()
    }
}

/// The batches of one pass over a dataset, made by [`Dataset::batches`].
#[derive(Clone, Debug)]
pub struct Batches<'a, A: Float> {
    dataset: &'a Dataset<A>,
    order: Vec<usize>,
    next: usize,
    batch_size: usize,
}

impl<A: Float> Iterator for Batches<'_, A> {
    type Item = Batch<A>;

    fn next(&mut self) -> Option<Batch<A>> {
        let rest = &self.order[self.next..];
        let rows = &rest[..rest.len().min(self.batch_size)];
        if rows.is_empty() {
            return None;
        }
        self.next += rows.len();
        Some(self.dataset.batch(rows))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.order.len() - self.next).div_ceil(self.batch_size);
        (left, Some(left))
    }
}

impl<A: Float> ExactSizeIterator for Batches<'_, A> {}

/// A tensor whose elements are known to fill the shape.
pub(super) fn tensor<A: Float>(shape: &[usize], elements: Vec<A>) -> Tensor<A> {
    Tensor::from_shape_vec(shape, elements).expect("as many elements as the shape holds")
}

/// The tensor, its elements in one piece, if its first axis counts something.
fn rows<A: Float>(what: &'static str, values: Tensor<A>) -> Result<Tensor<A>, DataError> {
    if values.ndim() == 0 {
        return Err(DataError::NoAxes { what });
    }
    if values.is_empty() {
        return Err(DataError::Empty { shape: values.shape().to_vec() });
    }
    // A transposed tensor is a view of the original, in the original's order.
    let in_order = values.view().is_standard_layout();
    Ok(if in_order { values } else { tensor(values.shape(), values.to_vec()) })
}

/// Whether there was one left to take.
fn take_one(left: &mut usize) -> bool {
    let some = *left > 0;
    *left -= usize::from(some);
    some
}

pub(super) fn check_finite<A: Float>(
    what: &'static str,
    values: &Tensor<A>,
) -> Result<(), DataError> {
    // All of a piece first: a search that may end at each element is many times slower.
    let finite = |part: &[A]| part.iter().fold(true, |all, value| all & value.is_finite());
    if values.view().as_slice().is_some_and(finite) {
        return Ok(());
    }
    let Some(position) = values.view().iter().position(|value| !value.is_finite()) else {
        return Ok(());
    };
    let mut at = unravel(position, values.shape());
    let value = values.view()[at.as_slice()].to_f64();
    Err(DataError::NotFinite { what, row: at.remove(0), at, value })
}

/// The index of the element at a position, the last axis fastest.
fn unravel(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (at, length) in index.iter_mut().zip(shape).rev() {
        *at = position % length;
        position /= length;
    }
    index
}

fn gather<A: Float>(values: &Tensor<A>, rows: &[usize]) -> Tensor<A> {
    let mut shape = values.shape().to_vec();
    let width: usize = shape[1..].iter().product();
    shape[0] = rows.len();
    let view = values.view();
    let elements = view.as_slice().expect("the elements of a dataset are in one piece");
    let mut gathered = Vec::with_capacity(rows.len() * width);
    for &row in rows {
        gathered.extend_from_slice(&elements[row * width..(row + 1) * width]);
    }
    tensor(&shape, gathered)
}

// The generator's algorithm is fixed, so that a seed means the same order on every machine and
// with every version.
pub(super) fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(samples: usize) -> Dataset<f64> {
        let inputs = tensor(&[samples, 2, 2], (0..samples * 4).map(|i| i as f64).collect());
        Dataset::classification(inputs, (0..samples).map(|i| i % 3).collect(), 3).unwrap()
    }

    #[test]
    fn rows_keep_their_targets() {
        let data = counting(5);
        let some = data.select(&[4, 0, 4]).unwrap();
        assert_eq!(some.inputs().shape(), [3, 2, 2]);
        assert_eq!(some.inputs().to_vec()[..5], [16.0, 17.0, 18.0, 19.0, 0.0]);
        assert_eq!(some.labels(), Some(&[1, 0, 1][..]));
        assert_eq!((some.classes(), some.sample_shape()), (Some(3), &[2, 2][..]));
        assert_eq!(data.first_rows(2).unwrap(), data.select(&[0, 1]).unwrap());
    }

    #[test]
    fn a_transposed_tensor_is_put_in_order() {
        let inputs = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        let inputs = Tensor::from(inputs.view().reversed_axes());
        let data = Dataset::regression(inputs.clone(), inputs).unwrap();
        assert_eq!(data.select(&[1]).unwrap().inputs(), &Tensor::from([[2.0, 5.0]]));
        assert_eq!(data.map_inputs(|x| x * 2.0).select(&[2]).unwrap().inputs().to_vec(), [6., 12.]);
    }

    #[test]
    fn what_does_not_make_a_dataset_is_refused() {
        let inputs = || Tensor::from([[1.0], [2.0]]);
        let text = |result: Result<Dataset<f64>, DataError>| result.unwrap_err().to_string();
        assert_eq!(
            text(Dataset::classification(inputs(), vec![0], 2)),
            "the inputs number 2 but the targets 1; each input needs one"
        );
        assert_eq!(
            text(Dataset::classification(inputs(), vec![0, 2], 2)),
            "the label of row 1 is 2, but with 2 classes labels are 0 to 1"
        );
        assert_eq!(
            text(Dataset::classification(inputs(), vec![0, 2], 0)),
            "the label of row 0 is 0, but with 0 classes no label is allowed"
        );
        assert!(text(Dataset::regression(Tensor::scalar(1.0), inputs())).contains("without axes"));
        assert!(text(Dataset::regression(inputs(), Tensor::scalar(1.0))).contains("the values"));
        assert!(text(Dataset::regression(Tensor::zeros(&[0, 3]), inputs())).contains("[0, 3]"));
        assert!(text(Dataset::regression(Tensor::zeros(&[2, 0]), inputs())).contains("[2, 0]"));
    }

    #[test]
    fn rows_that_are_not_there_are_refused() {
        let data = counting(3);
        let text = |result: Result<Dataset<f64>, DataError>| result.unwrap_err().to_string();
        let asked = "row 3 was asked for, but only rows 0 to 2 are there";
        assert_eq!(text(data.select(&[0, 3])), asked);
        assert!(text(data.select(&[])).contains("[0, 2, 2]"));
        assert!(text(data.first_rows(4)).contains("first 4 rows"));
        assert!(text(data.first_rows(0)).contains("from 1 to 3"));
        assert!(data.batches(0, None).unwrap_err().to_string().contains("at least 1"));
    }

    #[test]
    fn a_split_deals_out_every_row_once() {
        let data = counting(10);
        let (train, test) = data.split(0.3, 5).unwrap();
        assert_eq!((train.len(), test.len()), (7, 3));
        let first = |data: &Dataset<f64>| data.inputs().to_vec().into_iter().step_by(4);
        let mut rows: Vec<_> = first(&train).chain(first(&test)).map(|x| x as usize / 4).collect();
        rows.sort_unstable();
        assert_eq!(rows, (0..10).collect::<Vec<_>>());
        assert_eq!(data.split(0.3, 5).unwrap(), (train.clone(), test));
        assert_ne!(data.split(0.3, 6).unwrap().0, train);
        for fraction in [0.0, 1.0, -0.5, 1.5, 0.01, 0.99, f64::NAN, f64::INFINITY] {
            let error = data.split(fraction, 0).unwrap_err();
            assert!(matches!(error, DataError::Split { .. }), "{error}");
        }
    }

    #[test]
    fn batches_hold_every_row_once() {
        let data = counting(7);
        let indices = |seed| {
            let batches = data.batches(3, seed).unwrap();
            assert_eq!(batches.len(), 3);
            batches.map(|batch| batch.indices).collect::<Vec<_>>()
        };
        assert_eq!(indices(None), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        assert_eq!(indices(Some(1)), indices(Some(1)));
        assert_ne!(indices(Some(1)), indices(Some(2)));
        let mut all = indices(Some(1)).concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5, 6]);
        for batch in data.batches(3, Some(4)).unwrap() {
            let rows = data.select(&batch.indices).unwrap();
            assert_eq!((&batch.inputs, &batch.targets), (rows.inputs(), rows.targets()));
            assert_eq!(batch.len(), batch.targets.len());
        }
        assert_eq!(data.batches(usize::MAX, None).unwrap().count(), 1);
    }

    // Pins the generator: an update that changed it would change every published run.
    #[test]
    fn a_seed_means_the_same_order_everywhere() {
        assert_eq!(shuffled(8, 0), [2, 0, 6, 1, 3, 5, 7, 4]);
    }

    #[test]
    fn flat_inputs_keep_their_rows() {
        let data = counting(4);
        let flat = data.flatten();
        assert_eq!(flat.inputs().shape(), [4, 4]);
        assert_eq!(flat.inputs().to_vec(), data.inputs().to_vec());
        assert_eq!(flat.targets(), data.targets());
        assert_eq!(flat.flatten(), flat);
    }

    #[test]
    fn one_hot_needs_labels_and_room() {
        let data = counting(4);
        let hot = data.one_hot().unwrap();
        let Targets::Values(values) = hot.targets() else { panic!("values") };
        assert_eq!(values.to_vec(), [1., 0., 0., 0., 1., 0., 0., 0., 1., 1., 0., 0.]);
        assert!(hot.one_hot().unwrap_err().to_string().contains("[4, 3]"));
        for classes in [usize::MAX, usize::MAX / 16] {
            let wide = Dataset::classification(data.inputs().clone(), vec![0; 4], classes).unwrap();
            assert!(matches!(wide.one_hot(), Err(DataError::OneHot { rows: 4, .. })));
        }
    }
}
