//! Embeddings: a learned vector for each of a number of things.

use ops::methods::{BinaryMethods, GatherMethods, LinearMethods};
use ops::rules::Where;
use ops::{Float, Lift, Reading, Shape, Tensor};
use rand::Rng;
use tape::Var;

use super::window::settled;
use crate::ground::Error;
use crate::model::{Init, Module, Parameter, Pass};

/// A learned vector for each of a number of tokens: `[…] → […, width]`, y\[i\] = W\[x\[i\]\].
///
/// The input holds the numbers of tokens: whole numbers from 0, in the element type of the model.
/// It is the matrix product of W with one-hot rows, computed by looking up (Bengio et al., *A
/// neural probabilistic language model*, 2003). The numbers are an operand of the recorded op; they
/// have no gradient.
///
/// ```
/// use nn::prelude::*;
///
/// let layer = Embedding::<f32>::new(27, 8, &mut nn::rng(0));
/// assert_eq!(layer.weight.value.shape(), [27, 8]);
/// let tokens = Tensor::from([[0.0, 5.0, 26.0], [1.0, 1.0, 0.0]]);
/// layer.check(&tokens)?;
/// assert_eq!(predict(&layer, &tokens)?.shape(), [2, 3, 8]);
///
/// let error = layer.check(&Tensor::from([[0.0, 27.0]])).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the input of Embedding(27 → 8) is 27 at [0, 1], but must be a whole number from 0 to 26"
/// );
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Embedding<A: Float> {
    /// W, `[count, width]`.
    pub weight: Parameter<A>,
    padding_index: Option<usize>,
}

impl<A: Float> Embedding<A> {
    /// Vectors of `width` numbers for `count` tokens, drawn from the normal distribution with
    /// mean 0 and deviation 1.
    ///
    /// # Panics
    /// If memory cannot hold them.
    #[track_caller]
    pub fn new(count: usize, width: usize, rng: &mut impl Rng) -> Self {
        settled(Self::with_init(count, width, Init::Normal { sigma: 1.0 }, rng))
    }

    /// Vectors that start as given, their fan-in being 1: a token selects one.
    ///
    /// # Errors
    /// If the initialiser's settings are out of range.
    pub fn with_init(
        count: usize,
        width: usize,
        weight: Init,
        rng: &mut impl Rng,
    ) -> Result<Self, Error> {
        let weight = Parameter::new(weight.tensor(&[count, width], 1, width, rng)?);
        Ok(Self { weight, padding_index: None })
    }

    /// The same with a token that stands for padding: its vector is zeros, gets no gradient, and
    /// stays so when weights are loaded, whatever they hold there.
    ///
    /// # Panics
    /// If the token does not exist.
    #[must_use]
    #[track_caller]
    pub fn padding_index(mut self, index: usize) -> Self {
        let count = self.count();
        let has = match count {
            0 => "none".to_owned(),
            1 => "0 alone".to_owned(),
            _ => format!("0 to {}", count - 1),
        };
        assert!(
            index < count,
            "the padding index is {index}, but an embedding of {count} tokens has {has}"
        );
        self.weight.keep_row_zero(index);
        self.padding_index = Some(index);
        self
    }

    /// Refuses tokens that the layer does not have. `forward` panics on them.
    ///
    /// # Errors
    /// If a number is not a whole number below the number of tokens: where, and which.
    pub fn check(&self, tokens: &Tensor<A>) -> Result<(), Error> {
        let count = self.count() as f64;
        let wrong = tokens.view().indexed_iter().find_map(|(position, token)| {
            let token = token.to_f64();
            let known = token >= 0.0 && token < count && token.fract() == 0.0;
            (!known).then(|| (ndarray::Dimension::slice(&position).to_vec(), token))
        });
        match wrong {
            None => Ok(()),
            Some((position, given)) => {
                let layer = Module::<A>::describe(self);
                Err(Error::Token { layer, position, given, count: self.count() })
            }
        }
    }

    fn count(&self) -> usize {
        self.weight.value.shape()[0]
    }
}

impl<A: Float> Module<A> for Embedding<A> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.begin(self);
        let rows = pass.parameter(&self.weight).gather(&x);
        let Some(padding) = self.padding_index else { return rows };
        let is_padding = x.equal(x.scalar(padding as f64)).expand_dims(-1);
        Var::apply(Lift(Where), &[&is_padding, &rows.stop_gradient(), &rows])
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let width = self.weight.value.shape()[1];
        Ok(input.iter().copied().chain([width]).collect())
    }

    fn check_input(&self, input: &Tensor<A>) -> Result<(), Error> {
        self.check(input)
    }

    fn describe(&self) -> String {
        let shape = self.weight.value.shape();
        format!("Embedding({} → {})", shape[0], shape[1])
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
    }
}
