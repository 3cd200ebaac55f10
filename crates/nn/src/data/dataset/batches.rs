//! A dataset in batches.

use ops::{Float, Tensor};

use super::Dataset;
use super::rows::{gather, gather_targets, shuffled};
use crate::ground::Targets;
use crate::ground::error::DataError;

impl<A: Float> Dataset<A> {
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

    /// The samples of the given rows, which must exist.
    pub(in crate::data) fn batch(&self, rows: &[usize]) -> Batch<A> {
        Batch {
            inputs: gather(&self.inputs, rows),
            targets: gather_targets(&self.targets, rows),
            indices: rows.to_vec(),
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
