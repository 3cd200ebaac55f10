//! The simple recurrent network.

use ops::Float;
use ops::methods::UnaryMethods;
use tape::Var;

use super::{Cell, Recurrent, RecurrentState};

/// A simple recurrent layer (Elman, *Finding structure in time*, 1990): the state is a dense
/// layer of the input and of the state before it.
///
/// `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`
///
/// ```
/// use nn::layers::Nonlinearity;
/// use nn::prelude::*;
///
/// let layer = SimpleRnn::<f32>::new(10, 32, &mut nn::rng(0)).nonlinearity(Nonlinearity::Relu);
/// assert_eq!(layer.output_shape(&[8, 50, 10])?[..], [8, 50, 32]);
/// # Ok::<(), nn::Error>(())
/// ```
pub type SimpleRnn<A> = Recurrent<A, SimpleCell>;

/// The cell of a [`SimpleRnn`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SimpleCell {
    /// What is applied to the sum.
    pub nonlinearity: Nonlinearity,
}

/// The function that a [`SimpleRnn`] applies at each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nonlinearity {
    /// The hyperbolic tangent, which keeps the state between −1 and 1.
    #[default]
    Tanh,
    /// max(x, 0), under which the state may grow from step to step. It remembers long where `W_hh`
    /// starts as the identity (Le, Jaitly & Hinton, 2015).
    Relu,
}

impl Cell for SimpleCell {
    const NAME: &'static str = "SimpleRnn";
    const BLOCKS: usize = 1;

    fn step<'t, A: Float>(
        &self,
        from_input: Var<'t, A>,
        from_hidden: Var<'t, A>,
        _before: RecurrentState<Var<'t, A>>,
    ) -> RecurrentState<Var<'t, A>> {
        let sum = from_input + from_hidden;
        RecurrentState::hidden(match self.nonlinearity {
            Nonlinearity::Tanh => sum.tanh(),
            Nonlinearity::Relu => sum.relu(),
        })
    }
}

impl<A: Float> SimpleRnn<A> {
    /// The same with another nonlinearity.
    #[must_use]
    pub fn nonlinearity(mut self, nonlinearity: Nonlinearity) -> Self {
        self.cell.nonlinearity = nonlinearity;
        self
    }
}
