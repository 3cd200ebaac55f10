//! The largest or smallest elements along an axis.

use ndarray::{ArrayD, ArrayViewD, Axis, Zip};

use super::simd;
use crate::ground::memory;
use crate::number::Float;

/// Finds the largest (or smallest) element of each row of `length` elements.
pub fn extreme_rows<A: Float>(x: &[A], length: usize, largest: bool, out: &mut [A]) {
    simd::extremes(x, length, largest, out);
}

/// Finds the largest (or smallest) element of each lane along `axis`; NaN where the lane holds one.
pub fn extreme_axis<A: Float>(x: &ArrayViewD<'_, A>, axis: usize, largest: bool) -> ArrayD<A> {
    if let (Some(elements), true) = (x.to_slice(), axis + 1 == x.ndim()) {
        let (&length, kept) = x.shape().split_last().expect("the axis");
        let mut most = memory::take(kept.iter().product());
        simd::extremes(elements, length, largest, &mut most);
        return most.into_array(kept);
    }
    let axis = Axis(axis);
    let pick = if largest { A::maximum } else { A::minimum };
    let mut result = x.index_axis(axis, 0).to_owned();
    for layer in x.axis_iter(axis).skip(1) {
        Zip::from(&mut result).and(&layer).for_each(|best, &value| *best = pick(*best, value));
    }
    result
}
