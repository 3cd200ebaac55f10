//! Dropout.

use ops::methods::BinaryMethods;
use ops::{Float, Shape, Tensor};
use rand::RngExt;
use tape::Var;

use crate::ground::Error;
use crate::model::{Module, Pass};

/// Dropout: in training each element is 0 with probability p, and otherwise divided by 1 − p, so
/// that its mean stays; in evaluation y = x. Any shape.
///
/// The elements to drop are drawn in each pass, from its seed ([`Pass::train`]). Srivastava et al.,
/// *Dropout*, 2014.
///
/// ```
/// use nn::prelude::*;
///
/// let layer = Dropout::new(0.25)?;
/// let tape = Tape::<f64>::new();
/// let pass = Pass::train(&tape, 1);
/// let y = layer.forward(&pass, pass.input(&Tensor::ones(&[100_000])));
/// assert!((y.mean().item() - 1.0).abs() < 0.01);
/// assert!(y.value().to_vec().iter().all(|&y| y == 0.0 || y == 1.0 / 0.75));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    p: f64,
}

/// Dropout of whole channels of `[batch, channels, …]`: neighbouring places of an image are
/// alike, so dropping one of them takes little away. Tompson et al., 2015.
///
/// Otherwise as [`Dropout`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout2d {
    p: f64,
}

fn probability(p: f64) -> Result<f64, Error> {
    if (0.0..=1.0).contains(&p) {
        return Ok(p);
    }
    let setting = "the probability of dropout";
    Err(Error::Setting { setting, given: p.to_string(), allowed: "from 0 to 1" })
}

impl Dropout {
    /// Dropout with probability `p`.
    ///
    /// # Errors
    /// If it is not from 0 to 1.
    pub fn new(p: f64) -> Result<Self, Error> {
        Ok(Self { p: probability(p)? })
    }
}

impl Dropout2d {
    /// Dropout of channels with probability `p`.
    ///
    /// # Errors
    /// If it is not from 0 to 1.
    pub fn new(p: f64) -> Result<Self, Error> {
        Ok(Self { p: probability(p)? })
    }
}

/// x times a mask of `shape`, which is 0 with probability p and 1/(1 − p) otherwise.
fn drop<'t, A: Float>(pass: &Pass<'t, A>, x: Var<'t, A>, p: f64, shape: &[usize]) -> Var<'t, A> {
    if !pass.is_training() || p == 0.0 {
        return x;
    }
    let kept = A::from_f64((1.0 - p).recip());
    let mut rng = pass.rng();
    let mask = (0..shape.iter().product::<usize>())
        .map(|_| if rng.random::<f64>() < p { A::zero() } else { kept })
        .collect();
    let mask = Tensor::from_shape_vec(shape, mask).expect("one number for each element");
    x.mul(pass.input(&mask))
}

impl<A: Float> Module<A> for Dropout {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        drop(pass, x, self.p, &x.shape())
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn describe(&self) -> String {
        format!("Dropout({})", self.p)
    }
}

impl<A: Float> Module<A> for Dropout2d {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        let mut shape = x.shape();
        shape.iter_mut().skip(2).for_each(|length| *length = 1);
        drop(pass, x, self.p, &shape)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        match input {
            [_, _, _, ..] => Ok(Shape::from_slice(input)),
            _ => Err(Error::layer_input(
                Module::<A>::describe(self),
                "[batch, channels, …] with at least one more axis",
                input,
            )),
        }
    }
    fn describe(&self) -> String {
        format!("Dropout2d({})", self.p)
    }
}
