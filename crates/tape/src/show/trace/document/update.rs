//! The optimiser's step as data.

use ops::{Float, Tensor, UpdateKind, UpdateLine, UpdateNumber};
use serde::{Deserialize, Serialize};

use super::open::{fits, take};
use super::{Opening, Settings, is_default};
use crate::show::trace::terms::indices;
use crate::show::trace::{Rounding, Update as Traced};

/// The optimiser's step for a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The node of the parameter.
    pub node: usize,
    /// The parameter before the step.
    pub before: usize,
    /// The parameter after it.
    pub after: usize,
    /// The steps of the formula, in the order in which they are computed: settings first, the
    /// parameter last. None if the optimiser does not tell its formula.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lines: Vec<Line>,
    /// How the formula and that of the literature are the same, where they look different.
    #[serde(default, skip_serializing_if = "is_default")]
    pub remark: String,
    /// How each element of a tensor came about.
    #[serde(default, skip_serializing_if = "is_default")]
    pub opened: Vec<Opening>,
    /// Of a tensor that is not opened whole, the element with the largest gradient.
    #[serde(default, skip_serializing_if = "is_default")]
    pub largest: Option<Largest>,
}

/// The element with the largest gradient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Largest {
    /// Its index along each axis.
    pub index: Vec<usize>,
    /// How it came about.
    pub opened: Opening,
    /// Its new value.
    pub value: usize,
}

/// A line of an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is about.
    pub kind: LineKind,
    /// What is computed.
    pub symbol: String,
    /// How, in symbols; none of a setting.
    #[serde(default, skip_serializing_if = "is_default")]
    pub formula: Option<String>,
    /// How, in rounded numbers; none of a tensor.
    #[serde(default, skip_serializing_if = "is_default")]
    pub numbers: Option<String>,
    /// The result; none of a number that each element of a tensor has of its own on the way.
    #[serde(default, skip_serializing_if = "is_default")]
    pub value: Option<usize>,
}

/// What a line of an update is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    /// A setting, or the number of the step.
    Setting,
    /// A number that is the same for the whole parameter.
    Once,
    /// A number on the way.
    Between,
    /// A number that the literature has and the formula does not need.
    Aside,
    /// What is kept for the next step.
    Kept,
    /// The parameter.
    Parameter,
}

impl From<UpdateKind> for LineKind {
    fn from(kind: UpdateKind) -> Self {
        match kind {
            UpdateKind::Setting => Self::Setting,
            UpdateKind::Once => Self::Once,
            UpdateKind::Between => Self::Between,
            UpdateKind::Aside => Self::Aside,
            UpdateKind::Kept => Self::Kept,
            UpdateKind::Parameter => Self::Parameter,
        }
    }
}

/// The lines of an update, given what numbers a value.
pub(super) fn lines<A: Float>(
    update: &Traced<'_, A>,
    rounding: Rounding,
    mut number: impl FnMut(&Tensor<A>) -> usize,
) -> Vec<Line> {
    let is_scalar = update.change().before.ndim() == 0;
    let written =
        if is_scalar { update.lines(&[], rounding) } else { Some(update.formulas(rounding)) };
    let mut line = |line: UpdateLine<A>| {
        let tensor = update.tensor_of(&line);
        let of_all = matches!(line.value, UpdateNumber::Same(_));
        let value = match (tensor, line.value) {
            (Some(tensor), _) => Some(number(tensor)),
            (None, UpdateNumber::Same(x)) => Some(number(&Tensor::scalar(A::from_f64(x)))),
            (None, UpdateNumber::Element(x)) => is_scalar.then(|| number(&Tensor::scalar(x))),
        };
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        let numbers = text(line.numbers).filter(|_| is_scalar || of_all);
        let formula = text(line.names);
        Line {
            kind: line.kind.into(),
            symbol: line.symbol,
            numbers: numbers.filter(|numbers| Some(numbers) != formula.as_ref()),
            formula,
            value,
        }
    };
    written.unwrap_or_default().into_iter().map(&mut line).collect()
}

/// How each element of a small parameter came about; none if there is no room.
pub(super) fn openings<A: Float>(
    update: &Traced<'_, A>,
    settings: &Settings,
    room: &mut usize,
) -> Vec<Opening> {
    let shape = update.change().before.shape();
    if shape.is_empty() || update.change().before.len() > settings.elements {
        return Vec::new();
    }
    let mut all = Vec::new();
    for index in indices(shape) {
        let Some(opened) = opening(update, &index, settings.rounding) else { return Vec::new() };
        all.push(opened);
        if !fits(&all, *room) {
            return Vec::new();
        }
    }
    take(all, room)
}

/// The element with the largest gradient, given what numbers a value.
pub(super) fn largest<A: Float>(
    update: &Traced<'_, A>,
    rounding: Rounding,
    number: impl FnOnce(&Tensor<A>) -> usize,
) -> Option<Largest> {
    let after = &update.change().after;
    if after.ndim() == 0 || after.is_empty() {
        return None;
    }
    let index = update.largest();
    let opened = opening(update, &index, rounding)?;
    let value = number(&Tensor::scalar(after.view()[&index[..]]));
    Some(Largest { index, opened, value })
}

/// How an element came about.
fn opening<A: Float>(
    update: &Traced<'_, A>,
    index: &[usize],
    rounding: Rounding,
) -> Option<Opening> {
    let mut lines = update.lines(index, rounding)?;
    let last = lines.pop()?;
    let own = lines.iter().filter(|line| matches!(line.value, UpdateNumber::Element(_)));
    let parts = own.map(|line| {
        let sign = if line.kind == UpdateKind::Kept { "←" } else { "=" };
        let value = match line.value {
            UpdateNumber::Element(x) => rounding.number(x),
            UpdateNumber::Same(x) => rounding.number(x),
        };
        format!("{} {sign} {} = {} = {value}", line.symbol, line.names, line.numbers)
    });
    let parts = parts.collect();
    Some(Opening { names: last.names, numbers: last.numbers, parts })
}
