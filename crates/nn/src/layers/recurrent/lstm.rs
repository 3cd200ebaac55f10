//! Long short-term memory.

use ndarray::s;
use ops::Float;
use ops::methods::{LayoutMethods, UnaryMethods};
use tape::Var;

use super::{Cell, Recurrent, RecurrentState};

/// Long short-term memory (Hochreiter & Schmidhuber, 1997; with the forget gate of Gers,
/// Schmidhuber & Cummins, 2000): a cell state c that is carried from step to step by a product
/// and a sum, and three gates between 0 and 1 that decide what is forgotten, written and shown.
///
/// | | |
/// |---|---|
/// | input gate | `i = σ(W_ii x + b_ii + W_hi h + b_hi)` |
/// | forget gate | `f = σ(W_if x + b_if + W_hf h + b_hf)` |
/// | cell candidate | `g = tanh(W_ig x + b_ig + W_hg h + b_hg)` |
/// | output gate | `o = σ(W_io x + b_io + W_ho h + b_ho)` |
/// | cell state | `c' = f ⊙ c + i ⊙ g` |
/// | hidden state | `h' = o ⊙ tanh(c')` |
///
/// The blocks of rows of its weights are in the order i, f, g, o, as in PyTorch.
///
/// ```
/// use nn::prelude::*;
///
/// let mut rng = nn::rng(0);
/// let model = Sequential::<f32>::new()
///     .named("lstm", Lstm::new(28, 128, &mut rng).forget_bias(1.0).last())
///     .named("head", Dense::new(128, 10, &mut rng));
/// assert_eq!(model.output_shape(&[64, 28, 28])?[..], [64, 10]);
/// assert_eq!(model.parameters()[0].0, "lstm.weight_ih_l0");
/// # Ok::<(), nn::Error>(())
/// ```
pub type Lstm<A> = Recurrent<A, LstmCell>;

/// The cell of an [`Lstm`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LstmCell;

// ANCHOR: cell
impl Cell for LstmCell {
    const NAME: &'static str = "Lstm";
    const BLOCKS: usize = 4;
    const HAS_CELL_STATE: bool = true;

    fn step<'t, A: Float>(
        &self,
        from_input: Var<'t, A>,
        from_hidden: Var<'t, A>,
        before: RecurrentState<Var<'t, A>>,
    ) -> RecurrentState<Var<'t, A>> {
        let units = before.hidden.length(-1);
        let sums = (from_input + from_hidden).split(-1, &[units; Self::BLOCKS]);
        let input_gate = sums[0].sigmoid();
        let forget_gate = sums[1].sigmoid();
        let cell_candidate = sums[2].tanh();
        let output_gate = sums[3].sigmoid();

        let before = before.cell.expect("the state of an LSTM has a cell state");
        let cell = forget_gate * before + input_gate * cell_candidate;
        RecurrentState::with_cell(output_gate * cell.tanh(), cell)
    }
}
// ANCHOR_END: cell

impl<A: Float> Lstm<A> {
    /// The same, whose forget gates start with the bias given (`b_if` is set to it, `b_hf` to 0).
    /// With 1 they start open, and the memory lasts from the first step of training on:
    /// Jozefowicz, Zaremba & Sutskever, *An empirical exploration of recurrent network
    /// architectures*, 2015. Keras does so by default, PyTorch does not.
    #[must_use]
    pub fn forget_bias(mut self, bias: f64) -> Self {
        for weights in &mut self.weights {
            let units = weights.weight_hh.value.shape()[1];
            for (parameter, value) in [(&mut weights.bias_ih, bias), (&mut weights.bias_hh, 0.0)] {
                let mut view = parameter.value.view_mut();
                view.slice_mut(s![units..2 * units]).fill(A::from_f64(value));
            }
        }
        self
    }
}
