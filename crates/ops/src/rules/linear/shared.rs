//! What several linear rules, and reductions elsewhere, share.

use crate::ground::{Axes, Problem, Shape, reduced};
use crate::rule::{Reading, arity};
use crate::rules::methods::LinearMethods;

/// Settings of a reduction as they stand in a formula: `axes 0, 1`, `axes 0 kept`, or nothing.
pub(crate) fn show_reduction(axes: &Axes, keepdims: bool) -> String {
    match (*axes == Axes::ALL, keepdims) {
        (true, false) => String::new(),
        (_, false) => format!("axes {axes}"),
        (_, true) => format!("axes {axes} kept"),
    }
}

/// The cotangent of a reduction, back in the shape of its operand.
pub(crate) fn spread<T: Reading>(value: &T, axes: &Axes, keepdims: bool, to: &[usize]) -> T {
    let axes = axes.resolve(to.len()).expect("axes that the rule has accepted");
    let kept = reduced(to, &axes, true);
    let shape = value.shape();
    // Broadcasting puts axes of length one in front by itself.
    let in_place =
        kept.ends_with(&shape) && kept[..kept.len() - shape.len()].iter().all(|&n| n == 1);
    if keepdims || in_place {
        return value.clone().stretch_to(to);
    }
    value.reshape(&kept[..]).stretch_to(to)
}

/// The shape of a reduction.
pub(crate) fn reduction_shape(
    operands: &[&[usize]],
    axes: &Axes,
    keepdims: bool,
) -> Result<Shape, Problem> {
    arity(1, operands)?;
    Ok(reduced(operands[0], &axes.resolve(operands[0].len())?, keepdims))
}

pub(super) fn check_indices(indices: &[usize], axis: usize, length: usize) -> Result<(), Problem> {
    match indices.iter().position(|&index| index >= length) {
        Some(position) => {
            Err(Problem::IndexOutOfRange { index: indices[position], position, axis, length })
        }
        None => Ok(()),
    }
}

/// A few indices in full, many by their number.
pub(super) fn show_indices(indices: &[usize]) -> String {
    if indices.len() <= 8 { format!("{indices:?}") } else { format!("{} indices", indices.len()) }
}

fn rows(shape: &[usize]) -> Result<(usize, &[usize]), Problem> {
    match shape.split_last() {
        Some((&columns, leading)) => Ok((columns, leading)),
        None => Err(Problem::TooFewAxes { operand: 1, ndim: 0, least: 1 }),
    }
}

/// Checks one label for each row of `shape` and gives the shape without its last axis.
pub(crate) fn labelled_rows(shape: &[usize], labels: &[usize]) -> Result<Shape, Problem> {
    let (columns, leading) = rows(shape)?;
    let count: usize = leading.iter().product();
    if count != labels.len() {
        return Err(Problem::LabelCount { labels: labels.len(), rows: count });
    }
    check_indices(labels, shape.len() - 1, columns)?;
    Ok(Shape::from_slice(leading))
}
