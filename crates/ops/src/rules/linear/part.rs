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

/// Tells whether parts lie side by side along one axis and are all of `shape` together.
pub(super) fn are_tiles(parts: &[Arc<[SliceInfoElem]>], shape: &[usize]) -> bool {
    // The start and end of each part, along the one axis that it has not all of.
    let mut ranges = Vec::with_capacity(parts.len());
    let mut cut = None;
    for part in parts {
        let (mut range, mut cuts) = (None, 0);
        for (axis, (elem, &length)) in part.iter().zip(shape).enumerate() {
            let from_end = |i: isize| if i < 0 { i + length as isize } else { i };
            let (start, end) = match *elem {
                SliceInfoElem::Slice { start, end, step: 1 } => {
                    (from_end(start), end.map_or(length as isize, from_end))
                }
                SliceInfoElem::Index(index) => (from_end(index), from_end(index) + 1),
                _ => return false,
            };
            if (start, end) != (0, length as isize) {
                (range, cuts) = (Some((start, end)), cuts + 1);
                if *cut.get_or_insert(axis) != axis {
                    return false;
                }
            }
        }
        match range {
            Some(range) if cuts == 1 => ranges.push(range),
            _ => return parts.len() == 1 && cuts == 0,
        }
    }
    let Some(axis) = cut else { return false };
    ranges.sort_unstable();
    let end = ranges.iter().try_fold(0, |at, &(start, end)| (start == at).then_some(end.max(at)));
    end == Some(shape[axis] as isize)
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

#[cfg(test)]
mod tests {
    use ndarray::s;

    use super::*;

    fn tiles<const N: usize>(parts: [&[SliceInfoElem]; N], shape: &[usize]) -> bool {
        are_tiles(&parts.map(Arc::from), shape)
    }

    #[test]
    fn tiles_leave_nothing_out_and_do_not_overlap() {
        let (a, b, c) = (s![.., 3..5], s![.., ..3], s![.., -1]);
        let parts = [a.as_ref(), b.as_ref(), c.as_ref()];
        assert!(tiles(parts, &[2, 6]));
        assert!(!tiles(parts, &[2, 7]), "a gap before the last");
        assert!(!tiles([a.as_ref(), c.as_ref()], &[2, 6]), "a gap in front");
        assert!(!tiles([a.as_ref(), b.as_ref(), b.as_ref(), c.as_ref()], &[2, 6]), "twice");
        assert!(!tiles([s![.., ..3].as_ref(), s![1.., ..].as_ref()], &[2, 3]), "two axes");
        assert!(!tiles([s![..;2].as_ref(), s![1..;2].as_ref()], &[4]), "steps");
        assert!(tiles([s![.., ..].as_ref()], &[2, 3]));
        assert!(!tiles([s![.., ..].as_ref(), s![.., ..].as_ref()], &[2, 3]), "all, twice");
        assert!(!tiles([], &[2]));
    }
}
