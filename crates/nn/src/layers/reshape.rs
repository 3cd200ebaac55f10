//! The same elements in another shape.

use ops::methods::LinearMethods;
use ops::shape::count;
use ops::{Float, Shape};
use tape::Var;

use super::window::settled;
use crate::ground::Error;
use crate::ground::words::counted;
use crate::model::{Module, Pass};

/// Several axes as one: `[batch, 16, 5, 5] → [batch, 400]`, as a dense layer wants what
/// convolutions give.
///
/// ```
/// use nn::prelude::*;
///
/// let flat = Module::<f32>::output_shape(&Flatten::new(), &[64, 16, 5, 5])?;
/// assert_eq!(flat[..], [64, 400]);
/// let columns = Module::<f32>::output_shape(&Flatten::from_axis(2), &[64, 16, 5, 5])?;
/// assert_eq!(columns[..], [64, 16, 25]);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten {
    start_axis: usize,
}

impl Default for Flatten {
    fn default() -> Self {
        Self::new()
    }
}

impl Flatten {
    /// Flattens all axes but the batch.
    pub fn new() -> Self {
        Self::from_axis(1)
    }

    /// Flattens all axes from number `start_axis` on, 0 being the batch.
    pub fn from_axis(start_axis: usize) -> Self {
        Self { start_axis }
    }

    /// The shape, if there are enough axes.
    fn flat(self, input: &[usize]) -> Option<Shape> {
        let (kept, rest) = input.split_at_checked(self.start_axis)?;
        Some(kept.iter().copied().chain([count(rest, 1).ok()?]).collect())
    }
}

impl<A: Float> Module<A> for Flatten {
    #[track_caller]
    fn forward<'t>(&self, _pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        x.reshape(&settled(Module::<A>::output_shape(self, &x.shape()))[..])
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        self.flat(input).ok_or_else(|| {
            let wanted = format!("[batch, …] of at least {}", counted(self.start_axis, "axis"));
            Error::layer_input(Module::<A>::describe(self), wanted, input)
        })
    }
    fn describe(&self) -> String {
        match self.start_axis {
            1 => "Flatten".into(),
            axis => format!("Flatten(from axis {axis})"),
        }
    }
}

/// Each sample in another shape: `[batch, …] → [batch, …shape]`.
///
/// ```
/// use nn::prelude::*;
///
/// let image = Module::<f32>::output_shape(&Reshape::new([1, 28, -1]), &[64, 784])?;
/// assert_eq!(image[..], [64, 1, 28, 28]);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape {
    shape: Vec<isize>,
}

impl Reshape {
    /// Reshapes each sample to `shape`, in which one length may be −1: whatever is left.
    ///
    /// # Panics
    /// If a length is negative otherwise, or more than one is −1.
    #[track_caller]
    pub fn new<const N: usize>(shape: [isize; N]) -> Self {
        let inferred = shape.iter().filter(|&&length| length == -1).count();
        assert!(
            inferred <= 1 && shape.iter().all(|&length| length >= -1),
            "a reshape to {shape:?}: one length may be -1, and no other negative"
        );
        Self { shape: shape.to_vec() }
    }

    /// The shape with the batch, if it holds the same number of elements.
    fn resolved(&self, input: &[usize]) -> Option<Shape> {
        let (&batch, sample) = input.split_first()?;
        let elements = count(sample, 1).ok()?;
        let left = elements.checked_div(self.known()?).unwrap_or(0);
        let lengths = self.shape.iter().map(|&n| usize::try_from(n).unwrap_or(left));
        let shape: Shape = std::iter::once(batch).chain(lengths).collect();
        (count(&shape[1..], 1) == Ok(elements)).then_some(shape)
    }

    /// The product of the lengths that are given, if there is such a number.
    fn known(&self) -> Option<usize> {
        let mut known = self.shape.iter().filter_map(|&length| usize::try_from(length).ok());
        known.try_fold(1, usize::checked_mul)
    }
}

impl<A: Float> Module<A> for Reshape {
    #[track_caller]
    fn forward<'t>(&self, _pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        x.reshape(&settled(Module::<A>::output_shape(self, &x.shape()))[..])
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        self.resolved(input).ok_or_else(|| {
            let wanted = match (self.known(), self.shape.contains(&-1)) {
                (None, _) => "[batch, …] with more elements than can be counted".into(),
                (Some(1), true) => "[batch, …]".into(),
                (Some(known), true) => {
                    format!("[batch, …] with a multiple of {known} elements a sample")
                }
                (Some(known), false) => format!("[batch, …] with {known} elements a sample"),
            };
            Error::layer_input(Module::<A>::describe(self), wanted, input)
        })
    }
    fn describe(&self) -> String {
        format!("Reshape({:?})", self.shape)
    }
}

/// y = x.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity;

impl<A: Float> Module<A> for Identity {
    #[track_caller]
    fn forward<'t>(&self, _pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        x
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
}
