//! Positions: what tells attention the order of a sequence.

use ops::methods::LinearMethods;
use ops::shape::room;
use ops::{Float, Shape, Tensor};
use rand::Rng;
use tape::Var;

use super::window::settled;
use crate::ground::Error;
use crate::model::{Init, Module, Parameter, Pass};

/// Adds to each element of a sequence waves of its position: `[N, T, width] → [N, T, width]`, for
/// any T.
///
/// `PE(t, 2i) = sin(t / 10000^(2i / width))` and `PE(t, 2i + 1)` the cosine of the same: a clock
/// with a hand for each pair of numbers, each slower than the one before. Vaswani et al.,
/// *Attention is all you need*, 2017, section 3.5. Nothing is learned.
///
/// ```
/// use nn::prelude::*;
///
/// let y = predict(&SinusoidalPosition::new(4), &Tensor::<f64>::zeros(&[1, 3, 4]))?;
/// let second = [1.0_f64.sin(), 1.0_f64.cos(), 0.01_f64.sin(), 0.01_f64.cos()];
/// assert_eq!(y.to_vec()[..4], [0.0, 1.0, 0.0, 1.0]);
/// assert_eq!(y.to_vec()[4..8], second);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinusoidalPosition {
    width: usize,
}

impl SinusoidalPosition {
    /// Positions for elements of `width` numbers.
    pub fn new(width: usize) -> Self {
        Self { width }
    }

    /// The waves for `steps` positions, `[steps, width]`.
    ///
    /// # Panics
    /// If memory cannot hold it.
    #[track_caller]
    pub fn table<A: Float>(self, steps: usize) -> Tensor<A> {
        settled(
            room(&[steps, self.width], size_of::<A>())
                .map_err(|problem| Error::TooLarge { problem }),
        );
        Tensor::from(ndarray::Array2::from_shape_fn((steps, self.width), |(t, column)| {
            let even = column - column % 2;
            let angle = t as f64 / 10_000_f64.powf(even as f64 / self.width as f64);
            A::from_f64(if column == even { angle.sin() } else { angle.cos() })
        }))
    }
}

impl<A: Float> Module<A> for SinusoidalPosition {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        x + pass.input(&self.table(x.shape()[1]))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        match *input {
            [_, _, width] if width == self.width => Ok(Shape::from_slice(input)),
            _ => {
                let wanted = format!("[N, T, {}]", self.width);
                Err(Error::layer_input(Module::<A>::describe(self), wanted, input))
            }
        }
    }

    fn describe(&self) -> String {
        format!("SinusoidalPosition({})", self.width)
    }
}

/// Adds to each element of a sequence a learned vector for its position:
/// `[N, T, width] → [N, T, width]`, for T up to the number of positions it was made for.
///
/// The vectors start normal with σ = 0.02, as in BERT and GPT-2.
///
/// ```
/// use nn::prelude::*;
///
/// let layer = LearnedPosition::<f32>::new(100, 16, &mut nn::rng(0));
/// assert_eq!(layer.output_shape(&[8, 60, 16])?[..], [8, 60, 16]);
/// assert_eq!(
///     layer.output_shape(&[8, 101, 16]).unwrap_err().to_string(),
///     "layer LearnedPosition(100, 16) takes an input of shape [N, T, 16] with T up to 100, but is \
///      given [8, 101, 16]"
/// );
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LearnedPosition<A: Float> {
    /// A row for each position, `[positions, width]`.
    pub weight: Parameter<A>,
}

impl<A: Float> LearnedPosition<A> {
    /// Vectors of `width` numbers for each position.
    ///
    /// # Panics
    /// If memory cannot hold it.
    #[track_caller]
    pub fn new(positions: usize, width: usize, rng: &mut impl Rng) -> Self {
        let weight = Init::Normal { sigma: 0.02 }.tensor(&[positions, width], 1, width, rng);
        Self { weight: Parameter::new(settled(weight)) }
    }
}

impl<A: Float> Module<A> for LearnedPosition<A> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        x + pass.parameter(&self.weight).slice(ndarray::s![..x.shape()[1], ..])
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let [positions, wanted] = *self.weight.value.shape() else {
            unreachable!("a table has two axes")
        };
        match *input {
            [_, steps, width] if steps <= positions && width == wanted => {
                Ok(Shape::from_slice(input))
            }
            _ => {
                let wanted = format!("[N, T, {wanted}] with T up to {positions}");
                Err(Error::layer_input(self.describe(), wanted, input))
            }
        }
    }

    fn describe(&self) -> String {
        let shape = self.weight.value.shape();
        format!("LearnedPosition({}, {})", shape[0], shape[1])
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
    }
}
