//! Softmax and its kin: compositions that get a rule of their own because the composed form
//! overflows or hides a simple gradient. Forward mode is the composition read with dual numbers,
//! which is also what their gradients are tested against.

mod cross_entropy;
mod label_cross_entropy;
mod log_softmax;
mod methods;
mod one_hot;
mod shared;
#[allow(clippy::module_inception)]
mod softmax;
mod sparse_cross_entropy;

pub use cross_entropy::SoftmaxCrossEntropy;
pub use label_cross_entropy::LabelCrossEntropy;
pub use log_softmax::LogSoftmax;
pub use methods::SoftmaxMethods;
pub use one_hot::OneHot;
pub use softmax::Softmax;
pub use sparse_cross_entropy::SparseSoftmaxCrossEntropy;
