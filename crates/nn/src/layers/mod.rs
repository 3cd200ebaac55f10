//! Layers. Every elementwise rule of one operand is a layer too: `Relu`, `Tanh`, your own.
//!
//! | | |
//! |---|---|
//! | dense | [`Dense`], [`Perceptron`], [`Embedding`] |
//! | convolution | [`Conv1d`], [`Conv2d`], [`ConvTranspose1d`], [`ConvTranspose2d`] |
//! | recurrence | [`SimpleRnn`], [`Lstm`], [`Gru`] |
//! | attention | [`MultiHeadAttention`], [`TransformerBlock`], [`SinusoidalPosition`], [`LearnedPosition`] |
//! | pooling | [`MaxPool1d`], [`MaxPool2d`], [`AvgPool1d`], [`AvgPool2d`], [`GlobalAvgPool`], [`GlobalMaxPool`] |
//! | normalisation | [`BatchNorm1d`], [`BatchNorm2d`], [`LayerNorm`], [`RmsNorm`], [`GroupNorm`] |
//! | regularisation | [`Dropout`], [`Dropout2d`] |
//! | activation | [`Relu`] and its kin, [`PRelu`], [`Softmax`], [`LogSoftmax`] |
//! | shape | [`Flatten`], [`Reshape`], [`Identity`] |
//! | structure | [`Sequential`], [`Residual`] |

mod attention;
mod conv;
mod dense;
mod dropout;
mod embedding;
mod norm;
mod perceptron;
mod pool;
mod position;
mod prelu;
mod recurrent;
mod reshape;
mod residual;
mod sequential;
mod softmax;
mod transformer;
mod window;

pub use attention::{Attention, AttentionMask, MultiHeadAttention};
pub use conv::{
    Conv, Conv1d, Conv2d, ConvSettings, ConvTranspose, ConvTranspose1d, ConvTranspose2d,
};
pub use dense::Dense;
pub use dropout::{Dropout, Dropout2d};
pub use embedding::Embedding;
pub use norm::{BatchNorm, BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RmsNorm};
pub use ops::rules::{
    Celu, Clamp, Elu, Gelu, GeluTanh, HardSigmoid, HardTanh, LeakyRelu, LogSigmoid, Mish, Relu,
    Selu, Sigmoid, Silu, Softplus, Softsign, Step, Tanh,
};
pub use perceptron::Perceptron;
pub use pool::{
    AvgPool, AvgPool1d, AvgPool2d, GlobalAvgPool, GlobalMaxPool, MaxPool, MaxPool1d, MaxPool2d,
};
pub use position::{LearnedPosition, SinusoidalPosition};
pub use prelu::PRelu;
pub use recurrent::{
    Cell, Gru, GruCell, Lstm, LstmCell, Nonlinearity, Recurrence, Recurrent, RecurrentOutput,
    RecurrentState, RecurrentWeights, Returns, SimpleCell, SimpleRnn,
};
pub use reshape::{Flatten, Identity, Reshape};
pub use residual::Residual;
pub use sequential::Sequential;
pub use softmax::{LogSoftmax, LogSoftmaxOver, Softmax, SoftmaxOver};
pub use transformer::TransformerBlock;
pub use window::{Padding, Sizes};
