//! What a recurrent layer does at each step.

use std::fmt::Debug;

use ops::Float;
use tape::Var;

use super::RecurrentState;

/// One step of a recurrent layer: how its state follows from the one before.
///
/// [`SimpleRnn`](super::SimpleRnn), [`Lstm`](super::Lstm) and [`Gru`](super::Gru) are the one
/// layer [`Recurrent`](super::Recurrent) with different cells. A cell of your own gets many steps,
/// layers and directions with it:
///
/// ```
/// use nn::layers::{Cell, Recurrent, RecurrentState};
/// use nn::ops::Float;
/// use nn::prelude::*;
///
/// /// A minimal gated unit: one gate f mixes the old state with a candidate.
/// #[derive(Clone, Debug, Default)]
/// struct Gated;
/// impl Cell for Gated {
///     const NAME: &'static str = "Gated";
///     const BLOCKS: usize = 2; // the gate and the candidate
///
///     fn step<'t, A: Float>(
///         &self,
///         from_input: Var<'t, A>,
///         from_hidden: Var<'t, A>,
///         before: RecurrentState<Var<'t, A>>,
///     ) -> RecurrentState<Var<'t, A>> {
///         let units = before.hidden.length(-1);
///         let sums = (from_input + from_hidden).split(-1, &[units, units]);
///         let (gate, candidate) = (sums[0].sigmoid(), sums[1].tanh());
///         RecurrentState::hidden(candidate + gate * (before.hidden - candidate))
///     }
/// }
/// let layer = Recurrent::<f32, Gated>::new(3, 8, &mut nn::rng(0)).last();
/// assert_eq!(layer.output_shape(&[5, 10, 3])?[..], [5, 8]);
/// # Ok::<(), nn::Error>(())
/// ```
pub trait Cell: Clone + Debug + Send + Sync + 'static {
    /// What the layer is called in messages and summaries.
    const NAME: &'static str;
    /// The number of blocks of rows in each weight: one for each gate and each candidate.
    const BLOCKS: usize;
    /// Whether a cell state goes from step to step beside the hidden state.
    const HAS_CELL_STATE: bool = false;

    /// The state after a step, from the state before it.
    ///
    /// `from_input` is `W_ih x + b_ih` and `from_hidden` is `W_hh h + b_hh`, both
    /// `[N, BLOCKS · hidden]`; states are `[N, hidden]`.
    fn step<'t, A: Float>(
        &self,
        from_input: Var<'t, A>,
        from_hidden: Var<'t, A>,
        before: RecurrentState<Var<'t, A>>,
    ) -> RecurrentState<Var<'t, A>>;
}
