//! Whether numbers are finite.

use ops::{Float, Tensor};

/// How many numbers are looked at before it may end: a search that may end at each is many times
/// slower.
const CHUNK: usize = 4096;

/// Whether no element is infinite or NaN.
pub(crate) fn all_finite<A: Float>(tensor: &Tensor<A>) -> bool {
    let finite = |part: &[A]| part.iter().fold(true, |all, x| all & x.is_finite());
    match tensor.view().as_slice_memory_order() {
        Some(elements) => elements.chunks(CHUNK).all(finite),
        None => tensor.is_finite(),
    }
}
