//! Softmax as a layer.

use ops::methods::SoftmaxMethods;
use ops::shape::resolve_axis;
use ops::{Float, Shape};
use tape::Var;

use crate::error::Error;
use crate::module::Module;
use crate::pass::Pass;

/// Softmax over the last axis: probabilities from logits, `[…, classes] → […, classes]`.
///
/// Losses that take logits ([`CrossEntropy`](crate::loss::CrossEntropy)) contain it already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Softmax;

impl<A: Float> Module<A> for Softmax {
    fn forward<'t>(&self, _pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        x.softmax(-1)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        match resolve_axis(-1, input.len()) {
            Ok(_) => Ok(Shape::from_slice(input)),
            Err(_) => Err(Error::layer_input("Softmax", "[…, classes]", input)),
        }
    }
}
