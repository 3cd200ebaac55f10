//! The same samples in another shape.

use ops::Float;
use ops::prelude::*;

use super::Dataset;
use super::rows::tensor;
use crate::ground::Targets;
use crate::ground::error::DataError;

impl<A: Float> Dataset<A> {
    /// The same samples with inputs of shape `[samples, features]`.
    pub fn flatten(&self) -> Self {
        let mut flat = self.clone();
        let (samples, features) = (self.len(), self.sample_shape().iter().product());
        if self.inputs.shape() != [samples, features] {
            flat.inputs = self.inputs.reshape(&[samples, features][..]);
        }
        flat
    }

    /// The same samples, each input in another shape of equal size: images out of rows of
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
}
