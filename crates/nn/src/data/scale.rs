//! Features brought to a common scale, as measured on the training data alone.
//!
//! The test set stands for data that is not there yet. Its mean must not be known in training, so
//! a scaler is fitted on the training set and then applied to all sets.

use ops::{Float, Tensor};

use super::dataset::{Dataset, check_finite, tensor};
use crate::ground::Targets;
use crate::ground::error::DataError;

/// Scaling to mean 0 and standard deviation 1: z = (x − μ) / σ.
///
/// μ and σ are computed from the samples given, σ² with the divisor N.
///
/// ```
/// use nn::data::{Dataset, DataError, Standardize};
/// use ops::Tensor;
///
/// let data = |inputs: [[f64; 2]; 2]| Dataset::classification(inputs.into(), vec![0, 1], 2);
/// let (train, test) = (data([[1.0, 7.0], [3.0, 7.0]])?, data([[4.0, 7.0], [2.0, 9.0]])?);
/// let scaler = Standardize::fit(&train)?;
/// assert_eq!(scaler.apply(&train)?.inputs(), &Tensor::from([[-1.0, 0.0], [1.0, 0.0]]));
/// assert_eq!(scaler.apply(&test)?.inputs(), &Tensor::from([[2.0, 0.0], [0.0, 2.0]]));
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standardize;

/// Scaling to the range from 0 to 1: z = (x − min) / (max − min).
///
/// Samples outside the range of the fitted data come out below 0 or above 1.
///
/// ```
/// use nn::data::{DataError, MinMax, iris};
///
/// let (train, test) = iris::<f64>().split(0.2, 0)?;
/// let scaler = MinMax::fit(&train)?;
/// let scaled = scaler.apply(&train)?;
/// assert!(scaled.inputs().view().iter().all(|x| (0.0..=1.0).contains(x)));
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinMax;

impl Standardize {
    /// A scaler of inputs, each feature on its own.
    ///
    /// # Errors
    /// If a number is infinite or NaN (with its row), or so large that the spread overflows.
    pub fn fit<A: Float>(train: &Dataset<A>) -> Result<Scaler, DataError> {
        Scaler::fit("inputs", train.inputs(), true, moments)
    }

    /// A scaler of inputs with one mean and one deviation for all features, as for images, whose
    /// pixels have a common scale already.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_global<A: Float>(train: &Dataset<A>) -> Result<Scaler, DataError> {
        Scaler::fit("inputs", train.inputs(), false, moments)
    }

    /// A scaler of the values that are to be predicted. [`Scaler::inverse`] turns a model's
    /// outputs back into the values' units.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and if the targets are labels.
    pub fn fit_values<A: Float>(train: &Dataset<A>) -> Result<Scaler, DataError> {
        Scaler::fit("values", values(train)?, true, moments)
    }
}

impl MinMax {
    /// A scaler of inputs, each feature on its own.
    ///
    /// # Errors
    /// If a number is infinite or NaN (with its row), or so large that the range overflows.
    pub fn fit<A: Float>(train: &Dataset<A>) -> Result<Scaler, DataError> {
        Scaler::fit("inputs", train.inputs(), true, range)
    }

    /// A scaler of inputs with one range for all features.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_global<A: Float>(train: &Dataset<A>) -> Result<Scaler, DataError> {
        Scaler::fit("inputs", train.inputs(), false, range)
    }

    /// A scaler of the values that are to be predicted. [`Scaler::inverse`] turns a model's
    /// outputs back into the values' units.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and if the targets are labels.
    pub fn fit_values<A: Float>(train: &Dataset<A>) -> Result<Scaler, DataError> {
        Scaler::fit("values", values(train)?, true, range)
    }
}

/// A scaling that has been fitted: z = (x − offset) / scale, for each feature or for all alike.
///
/// Made by [`Standardize`] and [`MinMax`]. A feature that was constant in the data of the fit has
/// its value as offset and the scale 1: it is 0 in the training data, and a later deviation keeps
/// its size.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaler {
    // The features' own shape, or None for one scale for samples of any shape.
    sample_shape: Option<Vec<usize>>,
    offset: Vec<f64>,
    scale: Vec<f64>,
}

impl Scaler {
    /// A scaler from its numbers, kept for instance with a trained model: an offset and a scale
    /// for each element of a sample of this shape, the last axis fastest.
    ///
    /// # Errors
    /// If there are not as many numbers as elements, an offset is not finite, or a scale is not
    /// finite and above 0.
    pub fn new(
        sample_shape: &[usize],
        offset: Vec<f64>,
        scale: Vec<f64>,
    ) -> Result<Self, DataError> {
        let refuse = |setting, given, expected: String| {
            Err(DataError::Setting { of: "Scaler", setting, given, expected })
        };
        let elements = sample_shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        for (setting, given) in [("offsets", offset.len()), ("scales", scale.len())] {
            if Some(given) != elements {
                let expected = format!("one for each element of the shape {sample_shape:?}");
                return refuse(setting, given as f64, expected);
            }
        }
        if let Some(&given) = offset.iter().find(|offset| !offset.is_finite()) {
            return refuse("offset", given, "a finite number".to_owned());
        }
        if let Some(&given) = scale.iter().find(|scale| !scale.is_finite() || **scale <= 0.0) {
            return refuse("scale", given, "a finite number above 0".to_owned());
        }
        Ok(Self { sample_shape: Some(sample_shape.to_vec()), offset, scale })
    }

    /// The mean or the minimum of each feature, or one for all.
    pub fn offset(&self) -> &[f64] {
        &self.offset
    }

    /// The standard deviation or the range of each feature, or one for all.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// The same samples with their inputs scaled.
    ///
    /// # Errors
    /// If the inputs have another shape than in the fit.
    pub fn apply<A: Float>(&self, data: &Dataset<A>) -> Result<Dataset<A>, DataError> {
        Ok(data.with_inputs(self.transform(data.inputs())?))
    }

    /// The same samples with their values scaled.
    ///
    /// # Errors
    /// If the targets are labels, or the values have another shape than in the fit.
    pub fn apply_values<A: Float>(&self, data: &Dataset<A>) -> Result<Dataset<A>, DataError> {
        Ok(data.with_values(self.transform(values(data)?)?))
    }

    /// Samples, one to a row, scaled: z = (x − offset) / scale.
    ///
    /// # Errors
    /// If they have another shape than in the fit.
    pub fn transform<A: Float>(&self, samples: &Tensor<A>) -> Result<Tensor<A>, DataError> {
        self.each(samples, |x, offset, scale| (x - offset) / scale)
    }

    /// Scaled samples, one to a row, in their own units again: x = offset + scale z.
    ///
    /// # Errors
    /// If they have another shape than in the fit.
    ///
    /// ```
    /// use nn::data::{Dataset, DataError, MinMax};
    /// use ops::Tensor;
    ///
    /// let prices = Tensor::from([[100.0], [300.0]]);
    /// let train = Dataset::regression(Tensor::from([[1.0], [2.0]]), prices)?;
    /// let scaler = MinMax::fit_values(&train)?;
    /// let predicted = Tensor::from([[0.5], [1.5]]);
    /// assert_eq!(scaler.inverse(&predicted)?, Tensor::from([[200.0], [400.0]]));
    /// # Ok::<(), DataError>(())
    /// ```
    pub fn inverse<A: Float>(&self, samples: &Tensor<A>) -> Result<Tensor<A>, DataError> {
        self.each(samples, |z, offset, scale| offset + scale * z)
    }

    fn fit<A: Float>(
        what: &'static str,
        samples: &Tensor<A>,
        per_feature: bool,
        measure: impl Fn(&Summary) -> (f64, f64),
    ) -> Result<Self, DataError> {
        check_finite(what, samples)?;
        let sample_shape = &samples.shape()[1..];
        let features = if per_feature { sample_shape.iter().product() } else { 1 };
        let (mut offset, mut scale) = (Vec::with_capacity(features), Vec::with_capacity(features));
        for (feature, summary) in summaries(samples, features).iter().enumerate() {
            let constant = summary.least == summary.most;
            let (from, spread) = if constant { (summary.least, 1.0) } else { measure(summary) };
            if !from.is_finite() || !spread.is_normal() {
                return Err(DataError::Overflow { feature });
            }
            offset.push(from);
            scale.push(spread);
        }
        let sample_shape = per_feature.then(|| sample_shape.to_vec());
        Ok(Self { sample_shape, offset, scale })
    }

    fn each<A: Float>(
        &self,
        samples: &Tensor<A>,
        f: impl Fn(f64, f64, f64) -> f64,
    ) -> Result<Tensor<A>, DataError> {
        let Some(given) = samples.shape().get(1..) else {
            return Err(DataError::NoAxes { what: "samples" });
        };
        if let Some(shape) = self.sample_shape.as_deref().filter(|shape| *shape != given) {
            let (what, expected) = ("the scaler", format!("{shape:?}"));
            return Err(DataError::SampleShape { what, expected, given: given.to_vec() });
        }
        let features = self.offset.iter().zip(&self.scale).cycle();
        let view = samples.view();
        let scaled = view.iter().zip(features);
        let scaled = scaled.map(|(x, (&offset, &scale))| A::from_f64(f(x.to_f64(), offset, scale)));
        Ok(tensor(samples.shape(), scaled.collect()))
    }
}

fn values<A: Float>(data: &Dataset<A>) -> Result<&Tensor<A>, DataError> {
    match data.targets() {
        Targets::Values(values) => Ok(values),
        Targets::Labels(_) => Err(DataError::NotValues),
    }
}

/// Summary statistics of one feature.
#[derive(Clone)]
struct Summary {
    least: f64,
    most: f64,
    mean: f64,
    deviation: f64,
}

impl Summary {
    /// The unit in which deviations are summed, as their squares may overflow or vanish.
    fn largest_deviation(&self) -> f64 {
        (self.most - self.mean).max(self.mean - self.least)
    }
}

/// Mean and standard deviation.
fn moments(summary: &Summary) -> (f64, f64) {
    (summary.mean, summary.deviation)
}

/// Minimum and range.
fn range(summary: &Summary) -> (f64, f64) {
    (summary.least, summary.most - summary.least)
}

/// A summary of each feature, in two passes: the deviation from a mean that is known loses no
/// digits, where a mean of squares minus a square of the mean may lose all.
fn summaries<A: Float>(samples: &Tensor<A>, features: usize) -> Vec<Summary> {
    let none = Summary { least: f64::INFINITY, most: f64::NEG_INFINITY, mean: 0.0, deviation: 0.0 };
    let mut all = vec![none; features];
    let rows = samples.len() / features;
    let each = |all: &mut [Summary], f: fn(&mut Summary, f64)| {
        let view = samples.view();
        let mut numbers = view.iter();
        for _ in 0..rows {
            all.iter_mut().zip(&mut numbers).for_each(|(summary, x)| f(summary, x.to_f64()));
        }
    };
    each(&mut all, |summary, x| {
        summary.least = summary.least.min(x);
        summary.most = summary.most.max(x);
        summary.mean += x;
    });
    for summary in &mut all {
        summary.mean /= rows as f64;
    }
    each(&mut all, |summary, x| {
        summary.deviation += ((x - summary.mean) / summary.largest_deviation()).powi(2);
    });
    for summary in &mut all {
        let variance = summary.deviation / rows as f64;
        summary.deviation = summary.largest_deviation() * variance.sqrt();
    }
    all
}
