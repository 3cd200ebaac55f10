//! What is told of a large tensor.

use ndarray::{Axis, Slice};
use ops::{Float, Tensor};

/// The summary of a large tensor.
#[derive(Clone, Debug)]
pub(crate) struct Summary<A: Float> {
    pub shape: Vec<usize>,
    /// The first three indices along each of the last two axes, at index 0 of the others.
    pub corner: Tensor<A>,
    /// The smallest finite element.
    pub min: Option<A>,
    /// The mean of the finite elements.
    pub mean: Option<A>,
    /// The largest finite element.
    pub max: Option<A>,
    pub not_finite: usize,
}

impl<A: Float> Summary<A> {
    pub fn new(x: &Tensor<A>) -> Self {
        let view = x.view();
        let finite = || view.iter().copied().filter(|x| x.is_finite());
        let count = finite().count();
        let sum: f64 = finite().map(Float::to_f64).sum();
        Self {
            shape: x.shape().to_vec(),
            corner: corner(x),
            min: finite().reduce(|a, b| if b < a { b } else { a }),
            mean: (count > 0).then(|| A::from_f64(sum / count as f64)),
            max: finite().reduce(|a, b| if b > a { b } else { a }),
            not_finite: x.len() - count,
        }
    }
}

/// The first elements of a large tensor.
fn corner<A: Float>(x: &Tensor<A>) -> Tensor<A> {
    let mut view = x.view();
    while view.ndim() > 2 {
        view.index_axis_inplace(Axis(0), 0);
    }
    for axis in 0..view.ndim() {
        let length = view.len_of(Axis(axis)).min(3);
        view.slice_axis_inplace(Axis(axis), Slice::from(..length));
    }
    Tensor::from(view)
}
