//! What a model should answer.

use ops::{Float, Tensor};

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
}
