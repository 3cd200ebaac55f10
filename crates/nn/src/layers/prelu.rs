//! The leaky relu with a learned slope.

use ops::methods::{BinaryMethods, LinearMethods};
use ops::{Float, Shape, Tensor};
use tape::Var;

use super::conv::per_channel;
use crate::ground::Error;
use crate::model::{Module, Parameter, Pass};

/// Leaky relu with a learned slope: y = x for x > 0, a·x otherwise. Any shape, with one slope, or
/// `[batch, channels, …]`, with one for each channel. He et al., *Delving deep into rectifiers*,
/// 2015.
///
/// ```
/// use nn::prelude::*;
///
/// let y = predict(&PRelu::<f64>::new(), &Tensor::from([2.0, -2.0]))?;
/// assert_eq!(y, Tensor::from([2.0, -0.5]));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PRelu<A: Float> {
    /// a, `[1]` or `[channels]`.
    pub weight: Parameter<A>,
}

impl<A: Float> Default for PRelu<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Float> PRelu<A> {
    /// One slope for all, which starts at 0.25.
    pub fn new() -> Self {
        Self::per_channel(1)
    }

    /// A slope for each channel, starting at 0.25.
    ///
    /// # Panics
    /// If memory cannot hold a number for each.
    #[track_caller]
    pub fn per_channel(channels: usize) -> Self {
        Self { weight: Parameter::new(Tensor::full(&[channels], A::from_f64(0.25))) }
    }
}

impl<A: Float> Module<A> for PRelu<A> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        let slope = pass.parameter(&self.weight);
        let one = self.weight.value.len() == 1;
        x.prelu(if one { slope.reshape([]) } else { per_channel(slope, x.shape().len()) })
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let slopes = self.weight.value.len();
        if slopes == 1 || input.get(1) == Some(&slopes) {
            return Ok(Shape::from_slice(input));
        }
        let wanted = format!("[batch, {slopes}, …]");
        Err(Error::layer_input(Module::<A>::describe(self), wanted, input))
    }

    fn describe(&self) -> String {
        match self.weight.value.len() {
            1 => "PRelu".into(),
            channels => format!("PRelu({channels})"),
        }
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
    }
}
