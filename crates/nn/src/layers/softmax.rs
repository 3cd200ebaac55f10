//! Softmax as a layer.

use ops::methods::SoftmaxMethods;
use ops::shape::resolve_axis;
use ops::{Float, Shape};
use tape::Var;

use crate::ground::Error;
use crate::model::{Module, Pass};

/// Softmax over the last axis, `[…, classes] → […, classes]`: probabilities from logits,
/// yᵢ = e^xᵢ / Σⱼ e^xⱼ. Over another axis: [`Softmax::over`].
///
/// Losses that take logits ([`CrossEntropy`](crate::loss::CrossEntropy)) contain it already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Softmax;

/// The logarithm of the softmax over the last axis: yᵢ = xᵢ − ln Σⱼ e^xⱼ, computed without
/// overflow. Over another axis: [`LogSoftmax::over`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSoftmax;

/// [`Softmax`] over any axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftmaxOver {
    axis: isize,
}

/// [`LogSoftmax`] over any axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSoftmaxOver {
    axis: isize,
}

impl Softmax {
    /// Softmax over an axis, from the end if negative.
    ///
    /// ```
    /// use nn::prelude::*;
    ///
    /// let y = predict(&Softmax::over(0), &Tensor::from([[1.0, 2.0], [1.0, 2.0]]))?;
    /// assert_eq!(y, Tensor::full(&[2, 2], 0.5));
    /// # Ok::<(), nn::Error>(())
    /// ```
    pub fn over(axis: isize) -> SoftmaxOver {
        SoftmaxOver { axis }
    }
}

impl LogSoftmax {
    /// The logarithm of the softmax over an axis, from the end if negative.
    pub fn over(axis: isize) -> LogSoftmaxOver {
        LogSoftmaxOver { axis }
    }
}

fn checked(layer: String, axis: isize, input: &[usize]) -> Result<Shape, Error> {
    match resolve_axis(axis, input.len()) {
        Ok(axis) if input[axis] > 0 => Ok(Shape::from_slice(input)),
        Ok(_) => Err(Error::layer_input(layer, "[…] with at least one class", input)),
        Err(_) if axis == -1 => Err(Error::layer_input(layer, "[…, classes]", input)),
        Err(_) => Err(Error::layer_input(layer, format!("[…] with an axis {axis}"), input)),
    }
}

impl<A: Float> Module<A> for Softmax {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        x.softmax(-1)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        checked(Module::<A>::describe(self), -1, input)
    }
}

impl<A: Float> Module<A> for LogSoftmax {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        x.log_softmax(-1)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        checked(Module::<A>::describe(self), -1, input)
    }
}

impl<A: Float> Module<A> for SoftmaxOver {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        x.softmax(self.axis)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        checked(Module::<A>::describe(self), self.axis, input)
    }
    fn describe(&self) -> String {
        format!("Softmax(axis {})", self.axis)
    }
}

impl<A: Float> Module<A> for LogSoftmaxOver {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        x.log_softmax(self.axis)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        checked(Module::<A>::describe(self), self.axis, input)
    }
    fn describe(&self) -> String {
        format!("LogSoftmax(axis {})", self.axis)
    }
}
