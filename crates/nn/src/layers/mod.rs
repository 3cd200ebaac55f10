//! Layers. Every elementwise rule of one operand is a layer too: `Relu`, `Tanh`, one's own.

mod dense;
mod gru;
mod lstm;
mod perceptron;
mod recurrent;
mod rnn;
mod sequential;
mod softmax;

pub use dense::Dense;
pub use gru::{Gru, GruCell};
pub use lstm::{Lstm, LstmCell};
pub use ops::rules::{LeakyRelu, Relu, Sigmoid, Softplus, Step, Tanh};
pub use perceptron::Perceptron;
pub use recurrent::{
    Cell, Recurrence, Recurrent, RecurrentOutput, RecurrentState, RecurrentWeights, Returns,
};
pub use rnn::{Nonlinearity, SimpleCell, SimpleRnn};
pub use sequential::Sequential;
pub use softmax::Softmax;
