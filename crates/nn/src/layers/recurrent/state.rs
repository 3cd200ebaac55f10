//! What a recurrent layer remembers, and what it gives.

use ops::methods::LinearMethods;
use ops::{Float, Tensor};
use tape::Var;

use crate::model::Pass;

/// What a recurrent layer remembers between steps: recorded (`T` is a variable), or as numbers
/// that outlive their tape (`T` is a tensor).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecurrentState<T> {
    /// The hidden state h, which is also the output of a step. For a whole layer
    /// `[layers · directions, N, hidden]`, in PyTorch's order: layer 0 forwards, layer 0
    /// backwards, layer 1 forwards, and so on.
    pub hidden: T,
    /// The cell state c of an LSTM, of the same shape.
    pub cell: Option<T>,
}

impl<T> RecurrentState<T> {
    /// The state of a layer that has a hidden state only.
    pub fn hidden(hidden: T) -> Self {
        Self { hidden, cell: None }
    }

    /// The state of an LSTM.
    pub fn with_cell(hidden: T, cell: T) -> Self {
        Self { hidden, cell: Some(cell) }
    }

    pub(super) fn map<U>(self, f: impl Fn(T) -> U) -> RecurrentState<U> {
        RecurrentState { hidden: f(self.hidden), cell: self.cell.map(f) }
    }
}

impl<'t, A: Float> RecurrentState<Var<'t, A>> {
    /// The numbers, to go on from in another pass: no gradient flows back through them. That is
    /// truncated backpropagation through time, and how text is generated.
    pub fn values(self) -> RecurrentState<Tensor<A>> {
        self.map(Var::value)
    }

    /// The states of all layers and directions as one.
    pub(super) fn stack(each: &[Self]) -> Self {
        let stack = |part: &dyn Fn(&Self) -> Option<Var<'t, A>>| {
            let parts: Option<Vec<Var<'t, A>>> = each.iter().map(part).collect();
            let parts = parts?;
            Some(parts[0].stack(&parts[1..], 0))
        };
        let hidden = stack(&|state| Some(state.hidden)).expect("every state has a hidden part");
        Self { hidden, cell: stack(&|state| state.cell) }
    }
}

impl<A: Float> RecurrentState<Tensor<A>> {
    /// The state on the tape of a pass, as a constant.
    pub fn on<'t>(&self, pass: &Pass<'t, A>) -> RecurrentState<Var<'t, A>> {
        let put = |value| pass.input(value);
        RecurrentState { hidden: put(&self.hidden), cell: self.cell.as_ref().map(put) }
    }
}

/// What a run over a sequence gives.
#[derive(Clone, Copy, Debug)]
pub struct RecurrentOutput<'t, A: Float> {
    /// The hidden states of the last layer at every step, `[N, T, directions · hidden]`: at each
    /// step first the forward direction, then the backward direction.
    pub sequence: Var<'t, A>,
    /// The state of every layer and direction after its last step. A backward direction's last
    /// step is at the beginning of the sequence.
    pub state: RecurrentState<Var<'t, A>>,
}
