//! What a run is validated on.

use ops::Float;

use crate::data::Dataset;

/// What a model is validated on.
pub(super) enum Validation<'d, A: Float> {
    None,
    Data(&'d Dataset<A>),
    /// A fraction of the training data, set aside.
    Split(f64),
}
