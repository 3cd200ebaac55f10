//! The weights of a recurrent layer.

use ops::Float;
use rand::Rng;

use crate::model::{Init, Parameter};

/// The weights of one layer in one direction. Each block of `hidden` rows belongs to one gate or
/// candidate of the cell.
#[derive(Clone, Debug)]
pub struct RecurrentWeights<A: Float> {
    /// `W_ih`, `[blocks · hidden, inputs]`.
    pub weight_ih: Parameter<A>,
    /// `W_hh`, `[blocks · hidden, hidden]`.
    pub weight_hh: Parameter<A>,
    /// `b_ih`, `[blocks · hidden]`.
    pub bias_ih: Parameter<A>,
    /// `b_hh`, `[blocks · hidden]`.
    pub bias_hh: Parameter<A>,
}

impl<A: Float> RecurrentWeights<A> {
    /// Uniform between ±1/√hidden, PyTorch's default.
    pub(super) fn new(rows: usize, inputs: usize, hidden: usize, rng: &mut impl Rng) -> Self {
        let bound = 1.0 / (hidden as f64).sqrt();
        let init = Init::Uniform { low: -bound, high: bound };
        let mut draw = |shape: &[usize]| {
            Parameter::new(init.tensor(shape, inputs, hidden, rng).expect("finite bounds in order"))
        };
        Self {
            weight_ih: draw(&[rows, inputs]),
            weight_hh: draw(&[rows, hidden]),
            bias_ih: draw(&[rows]),
            bias_hh: draw(&[rows]),
        }
    }

    pub(super) fn named(&self) -> [(&'static str, &Parameter<A>); 4] {
        let Self { weight_ih, weight_hh, bias_ih, bias_hh } = self;
        [
            ("weight_ih", weight_ih),
            ("weight_hh", weight_hh),
            ("bias_ih", bias_ih),
            ("bias_hh", bias_hh),
        ]
    }

    pub(super) fn named_mut(&mut self) -> [(&'static str, &mut Parameter<A>); 4] {
        let Self { weight_ih, weight_hh, bias_ih, bias_hh } = self;
        [
            ("weight_ih", weight_ih),
            ("weight_hh", weight_hh),
            ("bias_ih", bias_ih),
            ("bias_hh", bias_hh),
        ]
    }
}
