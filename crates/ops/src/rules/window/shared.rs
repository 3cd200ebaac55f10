//! What the rules of windows share.

use crate::ground::shape::room;
use crate::ground::{Attributes, Problem, Shape};
use crate::kernel::Slide;

/// Slides as data: one number for each spatial axis.
pub(super) fn slide_attributes(slides: &[Slide]) -> Attributes {
    let all = |of: fn(&Slide) -> usize| slides.iter().map(of).collect::<Vec<_>>()[..].into();
    vec![
        ("kernel", all(|s| s.kernel)),
        ("stride", all(|s| s.stride)),
        ("padding_before", all(|s| s.padding.0)),
        ("padding_after", all(|s| s.padding.1)),
        ("dilation", all(|s| s.dilation)),
    ]
}

pub(super) fn windows_shape(slides: &[Slide], spatial: &[usize]) -> Result<Shape, Problem> {
    kernel_size(slides)?;
    slides.iter().zip(spatial).enumerate().map(|(i, (s, &n))| s.count(i + 2, n)).collect()
}

/// The bytes that a loop over windows keeps for a column of the kernel.
const OF_A_COLUMN: usize = 3 * size_of::<usize>();

/// The number of elements of a window.
pub(super) fn kernel_size(slides: &[Slide]) -> Result<usize, Problem> {
    let kernel: Shape = slides.iter().map(|s| s.kernel).collect();
    room(&kernel, OF_A_COLUMN)
}

pub(super) fn spatial<'s>(
    operand: usize,
    shape: &'s [usize],
    slides: &[Slide],
) -> Result<&'s [usize], Problem> {
    let expected = slides.len() + 2;
    if !(1..=3).contains(&slides.len()) {
        let (given, allowed) = (slides.len().to_string(), "1, 2 or 3".into());
        return Err(Problem::Setting { setting: "the number of spatial axes", given, allowed });
    }
    if shape.len() == expected {
        Ok(&shape[2..])
    } else {
        Err(Problem::AxisCount { operand, ndim: shape.len(), expected })
    }
}

pub(super) fn show_kernel(slides: &[Slide]) -> String {
    slides.iter().map(|s| s.kernel.to_string()).collect::<Vec<_>>().join("×")
}
