//! The dense (fully connected) layer.

use ops::methods::{LinearMethods, MatmulMethods};
use ops::{Float, Shape};
use rand::Rng;
use tape::Var;

use super::window::settled;
use crate::ground::Error;
use crate::model::{Init, Module, Parameter, Pass};

/// A dense layer: y = x Wᵀ + b, `[…, inputs] → […, outputs]`.
///
/// Each row of W holds the weights of one unit, as in the textbook's z = W x + b; rows of x are
/// samples, hence the transpose.
///
/// ```
/// use nn::prelude::*;
///
/// let layer = Dense::<f32>::new(3, 2, &mut nn::rng(0));
/// assert_eq!(layer.weight.value.shape(), [2, 3]);
/// assert_eq!(layer.bias.value, Tensor::zeros(&[2]));
/// assert_eq!(layer.output_shape(&[64, 3])?[..], [64, 2]);
/// # Ok::<(), nn::Error>(())
/// ```
#[doc(alias = "Linear")]
#[derive(Clone, Debug)]
pub struct Dense<A: Float> {
    /// W, `[outputs, inputs]`.
    pub weight: Parameter<A>,
    /// b, `[outputs]`.
    pub bias: Parameter<A>,
}

impl<A: Float> Dense<A> {
    /// A layer with Xavier-uniform weights and zero biases.
    ///
    /// # Panics
    /// If memory cannot hold them.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, rng: &mut impl Rng) -> Self {
        settled(Self::with_init(inputs, outputs, Init::XavierUniform, Init::Zeros, rng))
    }

    /// A layer whose weights and biases start as given.
    ///
    /// # Errors
    /// If an initialiser's settings are out of range.
    pub fn with_init(
        inputs: usize,
        outputs: usize,
        weight: Init,
        bias: Init,
        rng: &mut impl Rng,
    ) -> Result<Self, Error> {
        Ok(Self {
            weight: Parameter::new(weight.tensor(&[outputs, inputs], inputs, outputs, rng)?),
            bias: Parameter::new(bias.tensor(&[outputs], inputs, outputs, rng)?),
        })
    }
}

impl<A: Float> Module<A> for Dense<A> {
    // ANCHOR: forward
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        x.matmul(pass.parameter(&self.weight).t()) + pass.parameter(&self.bias)
    }
    // ANCHOR_END: forward

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let [outputs, inputs] = *self.weight.value.shape() else {
            unreachable!("a weight has two axes")
        };
        let mut shape = Shape::from_slice(input);
        match shape.last_mut() {
            Some(last) if *last == inputs => {
                *last = outputs;
                Ok(shape)
            }
            _ => Err(Error::layer_input(self.describe(), format!("[…, {inputs}]"), input)),
        }
    }

    fn describe(&self) -> String {
        let shape = self.weight.value.shape();
        format!("Dense({} → {})", shape[1], shape[0])
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
        visit("bias", &self.bias);
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
        visit("bias", &mut self.bias);
    }
}
