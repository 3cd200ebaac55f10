//! Layers. Every elementwise rule of one operand is a layer too: `Relu`, `Tanh`, one's own.

mod dense;
mod perceptron;
mod sequential;
mod softmax;

pub use dense::Dense;
pub use ops::rules::{LeakyRelu, Relu, Sigmoid, Softplus, Step, Tanh};
pub use perceptron::Perceptron;
pub use sequential::Sequential;
pub use softmax::Softmax;
