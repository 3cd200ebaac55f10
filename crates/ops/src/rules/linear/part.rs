//! A part of each axis: the shape that it cuts out, its text and its attributes.

use std::sync::Arc;

use ndarray::SliceInfoElem;

use crate::ground::{Attributes, Problem, Shape};

/// The shape that `part` cuts out of `shape`.
pub(super) fn sliced_shape(part: &[SliceInfoElem], shape: &[usize]) -> Result<Shape, Problem> {
    if part.len() != shape.len() {
        return Err(Problem::SliceCount { given: part.len(), ndim: shape.len() });
    }
    let mut result = Shape::new();
    for (axis, (elem, &length)) in part.iter().zip(shape).enumerate() {
        let from_end = |i: isize| if i < 0 { i + length as isize } else { i };
        let outside = || Problem::SliceOutOfRange { axis, length, slice: show_part(elem) };
        match *elem {
            SliceInfoElem::NewAxis => return Err(Problem::SliceNewAxis),
            SliceInfoElem::Index(index) => {
                if !(0..length as isize).contains(&from_end(index)) {
                    return Err(outside());
                }
            }
            SliceInfoElem::Slice { start, end, step } => {
                let (start, end) = (from_end(start), end.map_or(length as isize, from_end));
                let allowed = 0..=length as isize;
                if step == 0 || !allowed.contains(&start) || !allowed.contains(&end) {
                    return Err(outside());
                }
                let count = (end - start).max(0) as usize;
                result.push(count.div_ceil(step.unsigned_abs()));
            }
        }
    }
    Ok(result)
}

/// The part behind one more axis in front, of which all is taken.
pub(super) fn part_behind(part: &[SliceInfoElem]) -> Arc<[SliceInfoElem]> {
    let all = SliceInfoElem::Slice { start: 0, end: None, step: 1 };
    std::iter::once(all).chain(part.iter().copied()).collect()
}

fn show_part(elem: &SliceInfoElem) -> String {
    match elem {
        SliceInfoElem::Index(index) => index.to_string(),
        SliceInfoElem::NewAxis => "new axis".into(),
        SliceInfoElem::Slice { start, end, step } => {
            let start = if *start == 0 { String::new() } else { start.to_string() };
            let end = end.map_or(String::new(), |end| end.to_string());
            let step = if *step == 1 { String::new() } else { format!(";{step}") };
            format!("{start}..{end}{step}")
        }
    }
}

pub(super) fn show_parts(part: &[SliceInfoElem]) -> String {
    format!("[{}]", part.iter().map(show_part).collect::<Vec<_>>().join(", "))
}

/// A part as data: `starts`, `ends` (the largest integer for the end of the axis) and `steps`, one
/// for each axis, and which axes are `removed`, because one index of them was taken.
pub(super) fn part_attributes(part: &[SliceInfoElem]) -> Attributes {
    let (mut starts, mut ends, mut steps, mut removed) = (vec![], vec![], vec![], vec![]);
    for (axis, elem) in part.iter().enumerate() {
        let (start, end, step) = match *elem {
            SliceInfoElem::Slice { start, end, step } => (start, end, step),
            SliceInfoElem::Index(index) => {
                removed.push(axis);
                (index, (index != -1).then_some(index + 1), 1)
            }
            SliceInfoElem::NewAxis => (0, None, 1), // Refused by the rule.
        };
        starts.push(start);
        ends.push(end.unwrap_or(isize::MAX));
        steps.push(step);
    }
    vec![
        ("starts", starts[..].into()),
        ("ends", ends[..].into()),
        ("steps", steps[..].into()),
        ("removed", removed[..].into()),
    ]
}
