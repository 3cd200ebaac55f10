//! The gated recurrent unit.

use ops::Float;
use ops::methods::{LayoutMethods, UnaryMethods};
use tape::Var;

use super::{Cell, Recurrent, RecurrentState};

/// A gated recurrent unit (Cho et al., 2014): one state, and two gates between 0 and 1.
///
/// | | |
/// |---|---|
/// | reset gate | `r = σ(W_ir x + b_ir + W_hr h + b_hr)` |
/// | update gate | `z = σ(W_iz x + b_iz + W_hz h + b_hz)` |
/// | candidate | `n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn))` |
/// | hidden state | `h' = (1 − z) ⊙ n + z ⊙ h` |
///
/// The reset gate acts after the product with `W_hn`, as in PyTorch, cuDNN and Keras; in the first
/// version of the paper it acts on h before it. The blocks of rows of its weights are in the order
/// r, z, n.
///
/// ```
/// use nn::prelude::*;
///
/// let layer = Gru::<f32>::new(28, 128, &mut nn::rng(0)).last();
/// assert_eq!(layer.output_shape(&[64, 28, 28])?[..], [64, 128]);
/// # Ok::<(), nn::Error>(())
/// ```
pub type Gru<A> = Recurrent<A, GruCell>;

/// The cell of a [`Gru`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GruCell;

// ANCHOR: cell
impl Cell for GruCell {
    const NAME: &'static str = "Gru";
    const BLOCKS: usize = 3;

    fn step<'t, A: Float>(
        &self,
        from_input: Var<'t, A>,
        from_hidden: Var<'t, A>,
        before: RecurrentState<Var<'t, A>>,
    ) -> RecurrentState<Var<'t, A>> {
        let hidden = before.hidden;
        let blocks = [hidden.length(-1); Self::BLOCKS];
        let (x, h) = (from_input.split(-1, &blocks), from_hidden.split(-1, &blocks));
        let reset_gate = (x[0] + h[0]).sigmoid();
        let update_gate = (x[1] + h[1]).sigmoid();
        let candidate = (x[2] + reset_gate * h[2]).tanh();
        // (1 − z) ⊙ n + z ⊙ h
        RecurrentState::hidden(candidate + update_gate * (hidden - candidate))
    }
}
// ANCHOR_END: cell
