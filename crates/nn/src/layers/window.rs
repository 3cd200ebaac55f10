//! What convolutions and pooling share: a window that slides along one or two axes.

use ops::Shape;
use ops::rules::{Slide, Slides};

use crate::ground::Error;

/// One number for each of `D` spatial axes: `3` for all of them, `[3, 5]` for each its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes<const D: usize>(pub [usize; D]);

impl<const D: usize> From<usize> for Sizes<D> {
    fn from(size: usize) -> Self {
        Self([size; D])
    }
}
impl<const D: usize> From<[usize; D]> for Sizes<D> {
    fn from(sizes: [usize; D]) -> Self {
        Self(sizes)
    }
}

impl<const D: usize> std::fmt::Display for Sizes<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.map(|size| size.to_string()).join("×"))
    }
}

/// How many elements are added at the ends of each spatial axis before a window slides along it.
///
/// A number or an array of numbers, one for each axis, is padding on both sides:
/// `.padding(1)`, `.padding([1, 2])`, `.padding(Padding::Same)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Padding<const D: usize> {
    /// None: windows lie inside the input.
    #[default]
    Valid,
    /// Enough for an output of length ⌈input / stride⌉, so that with stride 1 the output is as long
    /// as the input; where their number is odd, one more after than before.
    Same,
    /// Numbers of elements before and after each axis.
    Sides([(usize, usize); D]),
}

impl<const D: usize> From<usize> for Padding<D> {
    fn from(both: usize) -> Self {
        Self::Sides([(both, both); D])
    }
}
impl<const D: usize> From<[usize; D]> for Padding<D> {
    fn from(both: [usize; D]) -> Self {
        Self::Sides(both.map(|both| (both, both)))
    }
}
impl<const D: usize> From<[(usize, usize); D]> for Padding<D> {
    fn from(sides: [(usize, usize); D]) -> Self {
        Self::Sides(sides)
    }
}

/// A window and how it slides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window<const D: usize> {
    pub kernel: Sizes<D>,
    pub stride: Sizes<D>,
    pub padding: Padding<D>,
    pub dilation: Sizes<D>,
}

/// Refuses a number of 0.
pub(super) fn at_least_one(setting: &'static str, numbers: &[usize]) -> Result<(), Error> {
    if numbers.contains(&0) {
        let given = if numbers.len() == 1 { "0".into() } else { format!("{numbers:?}") };
        return Err(Error::Setting { setting, given, allowed: "at least 1" });
    }
    Ok(())
}

impl<const D: usize> Window<D> {
    pub fn check(&self) -> Result<(), Error> {
        at_least_one("the kernel", &self.kernel.0)?;
        at_least_one("the stride", &self.stride.0)?;
        at_least_one("the dilation", &self.dilation.0)
    }

    /// The distance from the first to one past the last element of the window along an axis.
    pub fn span(&self, axis: usize) -> usize {
        Slide::new(self.kernel.0[axis]).dilation(self.dilation.0[axis]).span()
    }

    /// The padding of an axis of `length` elements.
    pub fn sides(&self, axis: usize, length: usize) -> (usize, usize) {
        match self.padding {
            Padding::Valid => (0, 0),
            Padding::Sides(sides) => sides[axis],
            Padding::Same => {
                let stride = self.stride.0[axis];
                let last = length.div_ceil(stride).saturating_sub(1) * stride;
                let total = last.saturating_add(self.span(axis)).saturating_sub(length);
                (total / 2, total - total / 2)
            }
        }
    }

    /// How the window slides along axes of the given lengths.
    pub fn slides(&self, spatial: &[usize]) -> Slides {
        let slide = |(axis, &length): (usize, &usize)| Slide {
            kernel: self.kernel.0[axis],
            stride: self.stride.0[axis],
            padding: self.sides(axis, length),
            dilation: self.dilation.0[axis],
        };
        spatial.iter().take(D).enumerate().map(slide).collect()
    }

    /// How many windows fit axes of the given lengths, if one fits at all.
    pub fn counts(&self, spatial: &[usize]) -> Option<Shape> {
        if spatial.len() != D || spatial.contains(&0) {
            return None;
        }
        let slides = self.slides(spatial);
        let counts = slides.iter().zip(spatial).map(|(slide, &length)| slide.count(0, length).ok());
        counts.collect()
    }

    /// The fewest elements that an axis must have.
    pub fn least(&self, axis: usize) -> usize {
        if self.padding == Padding::Same {
            return 1;
        }
        let (before, after) = self.sides(axis, 0);
        self.span(axis).saturating_sub(before).saturating_sub(after).max(1)
    }

    /// The kernel and the settings other than the default, for a description: `3×3`, `stride 2×2`,
    /// `padding same`.
    pub fn describe(&self, default_stride: Sizes<D>) -> Vec<String> {
        let mut parts = vec![self.kernel.to_string()];
        if self.stride != default_stride {
            parts.push(format!("stride {}", self.stride));
        }
        match self.padding {
            Padding::Same => parts.push("padding same".into()),
            Padding::Sides(sides) if self.padding != Padding::from(0) => {
                let both = sides.map(|(before, _)| before);
                let same = sides.iter().all(|(before, after)| before == after);
                let shown = if same { Sizes(both).to_string() } else { format!("{sides:?}") };
                parts.push(format!("padding {shown}"));
            }
            Padding::Sides(_) | Padding::Valid => {}
        }
        if self.dilation != Sizes::from(1) {
            parts.push(format!("dilation {}", self.dilation));
        }
        parts
    }
}

/// An input shape in words: `[batch, 3, height ≥ 5, width]`.
pub(super) fn wanted<const D: usize>(channels: &str, least: impl Fn(usize) -> usize) -> String {
    let names = if D == 1 { &["length"][..] } else { &["height", "width"] };
    let lengths = names.iter().enumerate().map(|(axis, name)| match least(axis) {
        ..=1 => format!(", {name}"),
        least => format!(", {name} ≥ {least}"),
    });
    format!("[batch, {channels}{}]", lengths.collect::<String>())
}

/// The value, or a panic at the caller's line with the refusal.
#[track_caller]
pub(super) fn settled<T>(result: Result<T, Error>) -> T {
    match result {
        Ok(value) => value,
        Err(refusal) => panic!("{refusal}"),
    }
}
