//! The settings of a recurrent layer.

use crate::ground::Error;
use crate::layers::dropout::Dropout;

/// What the forward pass of a recurrent layer returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// The hidden state of the last layer at every step, `[N, T, directions · hidden]`.
    Sequence,
    /// The hidden state of the last layer when it has seen the whole sequence,
    /// `[N, directions · hidden]`: forwards that is after the last element, backwards after the
    /// first, one beside the other. (Not the sequence at its last step, where the backward
    /// direction has seen one element only.)
    Last,
}

/// The settings of a recurrent layer. The default: one layer, forwards, no dropout, the whole
/// sequence returned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrence {
    /// The number of layers. Each reads the hidden states of the layer before.
    pub layers: usize,
    /// Whether each layer also reads the sequence backwards, with weights of its own.
    pub bidirectional: bool,
    /// The probability with which a hidden state is set to 0 on its way to the next layer, in
    /// training. Only with more than one layer.
    pub dropout: f64,
    /// What the forward pass returns.
    pub returns: Returns,
}

impl Default for Recurrence {
    fn default() -> Self {
        Self { layers: 1, bidirectional: false, dropout: 0.0, returns: Returns::Sequence }
    }
}

impl Recurrence {
    pub(super) fn directions(self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    pub(super) fn check(self, inputs: usize, hidden: usize) -> Result<Dropout, Error> {
        let counts = [
            ("the number of inputs of a recurrent layer", inputs),
            ("the number of hidden units of a recurrent layer", hidden),
            ("the number of layers of a recurrent layer", self.layers),
        ];
        if let Some((setting, _)) = counts.into_iter().find(|&(_, count)| count == 0) {
            return Err(Error::Setting { setting, given: "0".into(), allowed: "at least 1" });
        }
        let dropout = Dropout::new(self.dropout)?;
        if self.dropout > 0.0 && self.layers == 1 {
            return Err(Error::Setting {
                setting: "the dropout between the layers of a recurrent layer",
                given: self.dropout.to_string(),
                allowed: "0 where there is only one layer",
            });
        }
        Ok(dropout)
    }
}
