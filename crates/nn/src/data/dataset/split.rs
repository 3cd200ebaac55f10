//! Datasets in parts.

use std::collections::BTreeMap;

use ops::Float;

use super::Dataset;
use super::rows::shuffled;
use crate::ground::error::DataError;

impl<A: Float> Dataset<A> {
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
        // What is not a fraction becomes 0 or too many rows, and is refused with the rest.
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

    /// The samples in two parts, as [`split`](Self::split) makes them, but with the same share of
    /// each class in both, as nearly as whole samples allow.
    ///
    /// The test part gets `test_fraction` of each class, rounded to the nearest whole number, but
    /// leaves at least one sample of the class in each part. Both parts are shuffled.
    ///
    /// # Errors
    /// If the targets are not labels, a class has only one sample, or the fraction is not between 0
    /// and 1. A class without samples is allowed.
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
        // may be far above the number of samples.
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
}

/// Takes one, if any is left.
fn take_one(left: &mut usize) -> bool {
    let some = *left > 0;
    *left -= usize::from(some);
    some
}
