//! Checks that targets fit an output, before anything is computed.

use ops::{Float, Tensor};

use crate::ground::words::counted;
use crate::ground::{Error, Targets};

/// The numbers that a loss takes as targets.
#[derive(Clone, Copy)]
pub(crate) struct Allowed {
    /// In words.
    pub words: &'static str,
    /// Whether a number is one of them.
    pub holds: fn(f64) -> bool,
}

impl Allowed {
    /// Any number but infinities and NaN.
    pub const FINITE: Self = Self { words: "finite numbers", holds: f64::is_finite };
    /// Probabilities.
    pub const PROBABILITIES: Self =
        Self { words: "probabilities, from 0 to 1", holds: |t| (0.0..=1.0).contains(&t) };
}

/// The refusal of targets of a wrong kind or shape.
pub(crate) fn mismatch<A: Float>(
    measure: &str,
    output: &[usize],
    targets: &Targets<A>,
    remedy: impl Into<String>,
) -> Error {
    let targets = match targets {
        Targets::Values(values) => format!("values of shape {:?}", values.shape()),
        Targets::Labels(labels) => counted(labels.len(), "label"),
    };
    let (measure, remedy) = (measure.to_owned(), remedy.into());
    Error::Targets { measure, output: output.to_vec(), targets, remedy }
}

/// Target values of the output's shape.
pub(crate) fn values<A: Float>(
    measure: &str,
    output: &[usize],
    targets: &Targets<A>,
    allowed: Allowed,
) -> Result<Tensor<A>, Error> {
    let refuse = |remedy: &str| Err(mismatch(measure, output, targets, remedy));
    match targets {
        Targets::Labels(_) => {
            refuse("it needs target values; one_hot() of the data set makes them from labels")
        }
        Targets::Values(values) if values.shape() != output => {
            refuse("the two shapes must be equal")
        }
        Targets::Values(values) if values.is_empty() => refuse("there is nothing to compare"),
        Targets::Values(values) => {
            each(measure, values, allowed.words, |value| (allowed.holds)(value))?;
            Ok(values.clone())
        }
    }
}

/// Target values of the output's shape, or labels 0 and 1 where each sample has a single output.
pub(crate) fn binary<A: Float>(
    measure: &str,
    output: &[usize],
    targets: &Targets<A>,
    allowed: Allowed,
) -> Result<Tensor<A>, Error> {
    let Targets::Labels(labels) = targets else {
        return values(measure, output, targets, allowed);
    };
    if !is_single(output) || labels.len() != output.iter().product::<usize>() || labels.is_empty() {
        let remedy = "it takes labels where each sample has one output, and as many labels as \
                      samples; for several outputs, one_hot() of the data set makes target values";
        return Err(mismatch(measure, output, targets, remedy));
    }
    let numbers = labels.iter().map(|&label| A::from_f64(label as f64)).collect();
    let numbers = Tensor::from_shape_vec(output, numbers).expect("one label for each output");
    each(measure, &numbers, "labels 0 and 1", |label| label == 0.0 || label == 1.0)?;
    Ok(numbers)
}

/// Whether an output of this shape has a single number for each sample.
pub(crate) fn is_single(output: &[usize]) -> bool {
    output.len() == 1 || output.last() == Some(&1)
}

/// Labels, one for each row of an output `[…, classes]`, as whole numbers of shape `[…]`: given as
/// labels, or as values of that shape.
pub(crate) fn labels<A: Float>(
    measure: &str,
    output: &[usize],
    targets: &Targets<A>,
    ignored: Option<i64>,
) -> Result<Tensor<A>, Error> {
    let Some((&classes, leading)) = output.split_last().filter(|(classes, _)| **classes > 0) else {
        let remedy = "the output needs a last axis of classes";
        return Err(mismatch(measure, output, targets, remedy));
    };
    let rows: usize = leading.iter().product();
    let is_ignored = |label: f64| ignored.is_some_and(|ignored| label == ignored as f64);
    match targets {
        Targets::Labels(labels) if labels.len() == rows && rows > 0 => {
            for (row, &label) in labels.iter().enumerate() {
                if label >= classes && !is_ignored(label as f64) {
                    return Err(Error::Label { row, label, classes });
                }
            }
            let numbers = labels.iter().map(|&label| A::from_f64(label as f64)).collect();
            Ok(Tensor::from_shape_vec(leading, numbers).expect("one label for each row"))
        }
        Targets::Values(values) if values.shape() == leading && rows > 0 => {
            let or_ignored = ignored.map_or(String::new(), |label| format!(" or {label}"));
            let words = format!("labels, whole numbers from 0 to {}{or_ignored}", classes - 1);
            each(measure, values, &words, |label| {
                is_ignored(label) || (0.0..classes as f64).contains(&label) && label.fract() == 0.0
            })?;
            Ok(values.clone())
        }
        _ => {
            let shape = match leading {
                [_] => String::new(),
                _ => format!(", as values of shape {leading:?}"),
            };
            let remedy = format!("it needs one label for each of {}{shape}", counted(rows, "row"));
            Err(mismatch(measure, output, targets, remedy))
        }
    }
}

/// Target probabilities of the output's shape, which sum to 1 along the last axis.
pub(crate) fn distributions<A: Float>(
    measure: &str,
    output: &[usize],
    targets: &Targets<A>,
) -> Result<Tensor<A>, Error> {
    let values = values(measure, output, targets, Allowed::PROBABILITIES)?;
    let samples = values.shape().first().map_or(1, |&samples| samples.max(1));
    let view = values.view();
    let lanes = view.rows();
    let per_sample = (lanes.into_iter().len() / samples).max(1);
    for (lane, probabilities) in view.rows().into_iter().enumerate() {
        let sum: f64 = probabilities.iter().map(|p| p.to_f64()).sum();
        // Wide enough for probabilities rounded to three decimals or to half precision.
        if (sum - 1.0).abs() > 1e-2 {
            let (measure, row) = (measure.to_owned(), lane / per_sample);
            return Err(Error::TargetSum { measure, row, sum });
        }
    }
    Ok(values)
}

/// Refuses the first value that is not allowed, with its row and its index in the row.
fn each<A: Float>(
    measure: &str,
    values: &Tensor<A>,
    allowed: &str,
    holds: impl Fn(f64) -> bool,
) -> Result<(), Error> {
    let view = values.view();
    // Without the indices first: it is done for every batch.
    if view.iter().all(|value| holds(value.to_f64())) {
        return Ok(());
    }
    for (index, value) in view.indexed_iter() {
        let value = value.to_f64();
        if !holds(value) {
            let index = ndarray::Dimension::slice(&index);
            let (row, index) =
                index.split_first().map_or((0, &[][..]), |(&row, index)| (row, index));
            let (measure, allowed) = (measure.to_owned(), allowed.to_owned());
            return Err(Error::TargetValue { measure, row, index: index.to_vec(), value, allowed });
        }
    }
    Ok(())
}
