//! Missing inputs, filled by what the training data have.

use ops::Float;

use super::dataset::{Dataset, tensor};
use crate::ground::error::DataError;

/// The mean of each feature over the samples that have it, to stand where it is missing.
///
/// A missing input is a NaN, as [`Missing::Keep`](super::Missing::Keep) leaves it. The means are
/// those of the training set, for all sets: the test set stands for data that is not there yet.
///
/// ```
/// use nn::data::{CsvOptions, DataError, FillMeans, Missing, read_csv_from};
///
/// let table = "height,kind\n1,0\n,1\n3,0\n9,1\n,0\n";
/// let options = CsvOptions { missing: Missing::Keep, ..CsvOptions::labels("kind") };
/// let (train, test) = read_csv_from::<f64>(table.as_bytes(), options)?.split_at(3)?;
/// let means = FillMeans::fit(&train)?;
/// assert_eq!(means.apply(&train)?.inputs().to_vec(), [1.0, 2.0, 3.0]);
/// assert_eq!(means.apply(&test)?.inputs().to_vec(), [9.0, 2.0]); // 9 is not in the mean.
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FillMeans {
    sample_shape: Vec<usize>,
    means: Vec<f64>,
}

impl FillMeans {
    /// The means of the features of a training set, without what is missing.
    ///
    /// # Errors
    /// If a feature is missing in every sample, or a number is infinite.
    pub fn fit<A: Float>(train: &Dataset<A>) -> Result<Self, DataError> {
        let sample_shape = train.sample_shape().to_vec();
        let features = sample_shape.iter().product();
        let (mut means, mut counts) = (vec![0.0; features], vec![0.0; features]);
        for (i, x) in train.inputs().view().iter().enumerate() {
            let (x, feature) = (x.to_f64(), i % features);
            if x.is_nan() {
                continue;
            }
            let count: &mut f64 = &mut counts[feature];
            *count += 1.0;
            // Divided before they are added, as a sum may overflow.
            means[feature] += x / *count - means[feature] / *count;
        }
        for (feature, (&mean, &count)) in means.iter().zip(&counts).enumerate() {
            if count == 0.0 {
                return Err(DataError::NoMean { feature });
            }
            if !mean.is_finite() {
                return Err(DataError::Overflow { feature });
            }
        }
        Ok(Self { sample_shape, means })
    }

    /// The mean of each feature.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The same samples with the means where an input is missing.
    ///
    /// # Errors
    /// If the inputs have another shape than in the fit.
    pub fn apply<A: Float>(&self, data: &Dataset<A>) -> Result<Dataset<A>, DataError> {
        let given = data.sample_shape();
        if given != self.sample_shape {
            let (what, expected) = ("what fills means in", format!("{:?}", self.sample_shape));
            return Err(DataError::SampleShape { what, expected, given: given.to_vec() });
        }
        let view = data.inputs().view();
        let filled = view.iter().zip(self.means.iter().cycle());
        let filled = filled.map(|(&x, &mean)| if x.is_nan() { A::from_f64(mean) } else { x });
        Ok(data.with_inputs(tensor(data.inputs().shape(), filled.collect())))
    }
}
