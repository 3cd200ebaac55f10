//! Where a computation first turned infinite or NaN, and what would have been stable.

use std::panic::Location;

use ops::{Float, Remarks, Tensor};

use super::error::{NonFinite, Origin, TapeError};
use super::one_line::one_line;
use super::var::Var;

/// The index and value of the first element that is not finite.
pub(crate) fn first_non_finite<A: Float>(x: &Tensor<A>) -> Option<(Vec<usize>, f64)> {
    let view = x.view();
    let (index, value) = view.indexed_iter().find(|(_, value)| !value.is_finite())?;
    Some((ndarray::Dimension::slice(&index).to_vec(), value.to_f64()))
}

/// The operand's element that goes with `index` of the result, if it broadcasts to it.
pub(crate) fn element_at<A: Float>(x: &Tensor<A>, index: &[usize]) -> Option<A> {
    let shape = x.shape();
    let added = index.len().checked_sub(shape.len())?;
    let own: Vec<usize> =
        shape.iter().zip(&index[added..]).map(|(&n, &i)| if n == 1 { 0 } else { i }).collect();
    x.view().get(&own[..]).copied()
}

pub(crate) fn describe<A: Float>(x: Var<'_, A>, index: &[usize]) -> String {
    let value = x.value();
    let numbers = match element_at(&value, index) {
        Some(element) => format!("{element:e} there"),
        None => one_line(&value, 6),
    };
    format!("{}: {numbers}", Origin::of(x))
}

pub(crate) fn non_finite_value<A: Float>(
    (op, remarks): (&'static str, Remarks),
    value: &Tensor<A>,
    operands: &[&Var<'_, A>],
    location: &'static Location<'static>,
) -> TapeError {
    let (index, number) = first_non_finite(value).expect("an element that is not finite");
    let remedy = remedy(remarks, operands.iter().map(|x| **x));
    TapeError::NonFinite(Box::new(NonFinite {
        op,
        backward: false,
        value: number,
        operands: operands.iter().map(|x| describe(**x, &index)).collect(),
        index,
        location,
        remedy,
    }))
}

/// The numerically stable alternative to an op on such operands, if one is known.
pub(crate) fn remedy<'t, A: Float>(
    remarks: Remarks,
    mut operands: impl Iterator<Item = Var<'t, A>>,
) -> Option<&'static str> {
    remarks.advice(operands.next()?.op())
}
