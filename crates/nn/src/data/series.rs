//! Series cut into samples.

use ops::{Float, Tensor};

use super::dataset::{Dataset, tensor};
use crate::ground::error::DataError;

/// Each window of `length` steps of a series as an input, and the `horizon` steps that follow it
/// as its values.
///
/// A series of shape `[steps]` gives inputs `[windows, length, 1]` and values
/// `[windows, horizon]`; one of shape `[steps, features]` gives inputs `[windows, length,
/// features]` and values `[windows, horizon, features]`. The number of windows is steps − length −
/// horizon + 1.
///
/// The windows overlap and are in the order of time: divide them with
/// [`Dataset::split_at`], not with a shuffled split, which would put most numbers of the test set
/// into the training set too. (The `length + horizon − 1` windows before the border overlap the
/// windows behind it; to be strict, divide the series first.)
///
/// # Errors
/// If `length` or `horizon` is 0, the series has no or more than two axes, or is too short for one
/// window.
///
/// ```
/// use nn::data::{DataError, Targets, windows};
/// use ops::Tensor;
///
/// let data = windows(&Tensor::from([1.0, 2.0, 3.0, 4.0, 5.0]), 3, 1)?;
/// assert_eq!(data.inputs(), &Tensor::from([[[1.0], [2.0], [3.0]], [[2.0], [3.0], [4.0]]]));
/// assert_eq!(data.targets(), &Targets::Values(Tensor::from([[4.0], [5.0]])));
/// # Ok::<(), DataError>(())
/// ```
pub fn windows<A: Float>(
    series: &Tensor<A>,
    length: usize,
    horizon: usize,
) -> Result<Dataset<A>, DataError> {
    for (setting, given) in [("length", length), ("horizon", horizon)] {
        if given == 0 {
            let (of, given, expected) = ("windows", 0.0, "at least 1 step".to_owned());
            return Err(DataError::Setting { of, setting, given, expected });
        }
    }
    let (steps, features) = match *series.shape() {
        [steps] => (steps, 1),
        [steps, features] => (steps, features),
        _ => {
            let (what, given) = ("windows", series.shape().to_vec());
            let expected = "[steps] or [steps, features] as a whole".to_owned();
            return Err(DataError::SampleShape { what, expected, given });
        }
    };
    let needed = length.checked_add(horizon).filter(|&needed| needed <= steps);
    let Some(needed) = needed else {
        return Err(DataError::ShortSeries { steps, length, horizon });
    };
    let numbers = series.to_vec();
    let count = steps - needed + 1;
    let cut = |from: usize, steps: usize| {
        let pieces = (0..count).map(|window| (window + from) * features);
        pieces.flat_map(|start| &numbers[start..start + steps * features]).copied().collect()
    };
    let inputs = tensor(&[count, length, features], cut(0, length));
    let shape = [count, horizon, features];
    let values = tensor(&shape[..=series.ndim()], cut(length, horizon));
    Dataset::regression(inputs, values)
}
