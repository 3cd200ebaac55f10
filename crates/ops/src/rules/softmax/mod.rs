//! Softmax and its kin: compositions that get a rule of their own because the composed form
//! overflows or hides a simple gradient. Forward mode is the composition read with dual numbers,
//! which is also what their gradients are tested against.

/// The parts that are the same for every composite rule: value and forward mode are readings of
/// its `compose`.
macro_rules! composite {
    () => {
        fn forward<A: Float>(&self, operands: &[&Tensor<A>], _shape: &[usize]) -> Tensor<A> {
            self.compose(operands)
        }
        fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
            composite_jvp(call, tangents, |operands| self.compose(operands))
        }
        fn expand<T: Reading>(&self, operands: &[&T]) -> Option<T> {
            Some(self.compose(operands))
        }
        fn is_composed(&self) -> bool {
            true
        }
    };
}

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
