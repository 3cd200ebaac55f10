//! The loops under the rules: one pass over the data of an elementwise rule, matrix products,
//! windows, groups. Everything about speed lives here.

use ndarray::{ArrayViewD, Zip};

use crate::ground::memory;
use crate::number::Float;
use crate::tensor::Tensor;

mod channels;
mod direct;
mod groups;
mod map;
mod pool;
mod product;
mod simd;
mod threads;
mod windows;

pub use groups::{normalize, normalize_slope, sum, sum_axes_into, variance};
pub use map::{
    Order, Point, Spread, accumulate, elements_in, elements_to_write, map, order_of, update,
};
pub use pool::{max_pool, max_pool_slope};
pub use product::{SUMMED_AT_ONCE, add_product, batched_into, product_into};
pub use simd::fill;
pub use threads::{count, each, with_threads};
use windows::{Grid, Inside};
pub use windows::{conv, windows};

/// The elements of a tensor in the order of its axes.
pub fn ordered<A: Float>(x: &Tensor<A>) -> std::borrow::Cow<'_, [A]> {
    let order: map::Order = (0..x.ndim()).collect();
    map::elements_in(x, &order)
}

/// The largest (or smallest) element of each row of a tensor that is stored row by row.
pub fn extreme_rows<A: Float>(x: &[A], length: usize, largest: bool, out: &mut [A]) {
    simd::extremes(x, length, largest, out);
}

/// The largest (or smallest) element of each lane along `axis`; NaN where the lane holds one.
pub fn extreme_axis<A: Float>(
    x: &ArrayViewD<'_, A>,
    axis: usize,
    largest: bool,
) -> ndarray::ArrayD<A> {
    if let (Some(elements), true) = (x.to_slice(), axis + 1 == x.ndim()) {
        let (&length, kept) = x.shape().split_last().expect("the axis");
        let mut most = memory::take(kept.iter().product());
        simd::extremes(elements, length, largest, &mut most);
        return ndarray::ArrayD::from_shape_vec(kept, most).expect("one element a row");
    }
    let axis = ndarray::Axis(axis);
    let pick = if largest { A::maximum } else { A::minimum };
    let mut result = x.index_axis(axis, 0).to_owned();
    for layer in x.axis_iter(axis).skip(1) {
        Zip::from(&mut result).and(&layer).for_each(|best, &value| *best = pick(*best, value));
    }
    result
}
