//! What softmax and its kin share.

use crate::ground::{Problem, Shape, resolve_axis};
use crate::kernel;
use crate::number::Float;
use crate::rule::{Reading, arity};
use crate::rules::methods::{BinaryMethods, LinearMethods, ReduceMethods, UnaryMethods};
use crate::tensor::Tensor;

/// x less the largest element along `axis`, and ln Σ of the exponentials of that, which stays with
/// length 1: their difference is ln softmax(x).
///
/// Nothing overflows, and nothing as large as the elements of x is added, which would round away
/// the digits of their differences.
pub(super) fn shifted<T: Reading>(x: &T, axis: isize) -> (T, T) {
    let shifted = x.sub(x.max_keepdims(axis));
    let log = shifted.exp().sum_keepdims(axis).ln();
    (shifted, log)
}

/// The shape of a softmax: that of its operand, which must have something along the axis.
pub(super) fn softmax_shape(operands: &[&[usize]], axis: isize) -> Result<Shape, Problem> {
    arity(1, operands)?;
    let resolved = resolve_axis(axis, operands[0].len())?;
    if operands[0][resolved] == 0 {
        return Err(Problem::EmptyReduction { axis: resolved, of: "softmax" });
    }
    Ok(Shape::from_slice(operands[0]))
}

/// The labels as indices, or which of them is no class.
pub(super) fn class_indices<A: Float>(
    labels: &Tensor<A>,
    classes: usize,
) -> impl Iterator<Item = Result<usize, Problem>> {
    let labels = kernel::ordered(labels);
    (0..labels.len()).map(move |position| {
        let label = labels[position];
        let class = label.to_f64().round();
        // A NaN is in no range.
        if (0.0..classes as f64).contains(&class) {
            return Ok(class as usize);
        }
        let allowed = match classes {
            0 => "there are none".to_owned(),
            n => format!("they are 0 to {}", n - 1),
        };
        Err(Problem::Other(format!("label {label} (number {position}) is no class: {allowed}")))
    })
}

/// The probabilities e^x / Σ e^x of x = (0.5, −1, 2), from an independent program.
pub(super) const SOFTMAX_OF_SAMPLE: [f64; 3] =
    [0.1752903921400367, 0.03911257327068745, 0.7855970345892759];
pub(super) const SAMPLE: [f64; 3] = [0.5, -1.0, 2.0];
