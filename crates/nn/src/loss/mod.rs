//! Losses: how far outputs are from targets, as one number.
//!
//! | targets | losses |
//! |---|---|
//! | numbers | [`MeanSquaredError`], [`HalfSquaredError`], [`MeanAbsoluteError`], [`Huber`], [`SmoothL1`] |
//! | yes or no | [`BinaryCrossEntropyWithLogits`], [`BinaryCrossEntropy`], [`Hinge`], [`SquaredHinge`] |
//! | one of several classes | [`CrossEntropy`], [`NegativeLogLikelihood`], [`MultiMargin`] |
//! | a distribution | [`CrossEntropy`], [`KlDivergence`] |
//!
//! Every loss is a mean, so that its size does not depend on the size of the batch. It says what a
//! batch [counts](Loss::counted), so that the mean over batches is that over all data.

use ops::{Float, Tensor};
use tape::Var;

use crate::ground::{Error, Targets};
use crate::model::on_behalf;

mod binary;
mod classes;
pub(crate) mod targets;
mod values;

pub use binary::{
    BinaryCrossEntropy, BinaryCrossEntropyWithLogits, Hinge, SquaredHinge,
    WeightedBinaryCrossEntropy,
};
pub use classes::{CrossEntropy, CrossEntropyWith, MultiMargin, NegativeLogLikelihood};
pub use values::{
    HalfSquaredError, Huber, KlDivergence, MeanAbsoluteError, MeanSquaredError, SmoothL1,
};

/// A loss: one number for the outputs and targets of a batch, to be made small.
///
/// A loss of your own says which targets it takes, and what it computes from them:
///
/// ```
/// use nn::prelude::*;
///
/// /// ln cosh of the error, averaged over all elements.
/// struct LogCosh;
/// impl Loss<f64> for LogCosh {
///     fn name(&self) -> &'static str {
///         "log cosh"
///     }
///     fn target(
///         &self,
///         output: &[usize],
///         targets: &Targets<f64>,
///     ) -> Result<Tensor<f64>, nn::Error> {
///         MeanSquaredError.target(output, targets) // Numbers, one for each output.
///     }
///     fn between<'t>(&self, output: Var<'t, f64>, target: Var<'t, f64>) -> Var<'t, f64> {
///         (output - target).cosh().ln().mean()
///     }
/// }
/// let tape = Tape::new();
/// let y = tape.var([[0.5], [2.0]]);
/// let loss = LogCosh.loss(y, &Targets::Values(Tensor::from([[0.5], [1.0]])))?;
/// assert!((loss.item() - 1.0_f64.cosh().ln() / 2.0).abs() < 1e-15);
/// # Ok::<(), nn::Error>(())
/// ```
pub trait Loss<A: Float> {
    /// The name, for messages.
    fn name(&self) -> &'static str;

    /// The targets as the tensor that [`between`](Loss::between) takes, if outputs of shape
    /// `output` can be compared with them.
    ///
    /// # Errors
    /// If they cannot, and what would fit; if a label is out of range or a target is not a number
    /// that the loss takes, in which row.
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error>;

    /// Records the loss between an output and a target that [`target`](Loss::target) gave for its
    /// shape: a scalar.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A>;

    /// Whether outputs of shape `output` can be compared with `targets`.
    ///
    /// # Errors
    /// As [`target`](Loss::target).
    fn check(&self, output: &[usize], targets: &Targets<A>) -> Result<(), Error> {
        self.target(output, targets).map(|_| ())
    }

    /// Records the loss of a batch, a scalar.
    ///
    /// # Errors
    /// As [`target`](Loss::target).
    #[track_caller]
    fn loss<'t>(&self, output: Var<'t, A>, targets: &Targets<A>) -> Result<Var<'t, A>, Error> {
        let _line = on_behalf(output.tape());
        let target = self.target(&output.shape(), targets)?;
        Ok(self.between(output, output.tape().constant(target)))
    }

    /// How much the targets of a batch count: what the mean of its loss was divided by, but for a
    /// factor that is the same for all batches. The mean over batches weighs each by it, and a
    /// batch that counts 0 is neither trained on nor in the mean.
    ///
    /// By default the number of samples, as is right for a mean in which all rows are alike. A
    /// loss that leaves rows out, or weighs them, gives the number of the others, or the sum of
    /// the weights. Targets that do not fit count 0.
    fn counted(&self, output: &[usize], targets: &Targets<A>) -> f64 {
        let _ = output;
        targets.len() as f64
    }

    /// The label of rows that do not count, which are then not in the accuracy either.
    fn ignored(&self) -> Option<i64> {
        None
    }

    /// The output above which a unit that stands for one class by itself says yes.
    fn threshold(&self) -> f64 {
        0.5
    }
}
