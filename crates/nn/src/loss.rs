//! Losses: how far outputs are from targets, as one number.

use ops::methods::{BinaryMethods, LinearMethods, SoftmaxMethods, UnaryMethods};
use ops::{Float, Tensor};
use tape::Var;

use crate::data::Targets;
use crate::error::Error;

/// A loss: one number for the outputs and targets of a batch, to be made small.
pub trait Loss<A: Float> {
    /// The name, for messages.
    fn name(&self) -> &'static str;

    /// Whether outputs of shape `output` can be compared with `targets`. Computes nothing.
    ///
    /// # Errors
    /// If they cannot, and what would fit; if a label is out of range, which row.
    fn check(&self, output: &[usize], targets: &Targets<A>) -> Result<(), Error>;

    /// Records the loss of a batch, a scalar.
    ///
    /// # Errors
    /// As [`check`](Loss::check).
    fn loss<'t>(&self, output: Var<'t, A>, targets: &Targets<A>) -> Result<Var<'t, A>, Error>;

    /// The output above which a unit that stands for one class by itself says yes.
    fn threshold(&self) -> f64 {
        0.5
    }
}

/// Mean squared error over all elements: Σ (y − t)² / n.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanSquaredError;

/// The textbooks' quadratic cost: ½ Σ |y − t|² / N, for N samples (rows).
///
/// Its gradient with respect to the output of a sample is (y − t)/N, without a factor 2 and
/// without the number of outputs. Nielsen, *Neural Networks and Deep Learning*, chapter 1, eq. 6.
#[derive(Clone, Copy, Debug, Default)]
pub struct HalfSquaredError;

/// Binary cross-entropy of probabilities: the mean of −t·ln y − (1 − t)·ln(1 − y).
///
/// Probabilities are kept ε (of the element type) away from 0 and 1, where the logarithm is
/// infinite. From logits use [`BinaryCrossEntropyWithLogits`], which needs no such bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct BinaryCrossEntropy;

/// Binary cross-entropy of logits: the mean of −t·ln σ(x) − (1 − t)·ln(1 − σ(x)), computed
/// without overflow.
#[derive(Clone, Copy, Debug, Default)]
pub struct BinaryCrossEntropyWithLogits;

/// Categorical cross-entropy of logits `[…, classes]`, averaged over samples: from integer labels
/// or from target probabilities (one-hot) of the logits' shape.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossEntropy;

impl MeanSquaredError {
    /// The loss between two variables of one shape.
    #[track_caller]
    pub fn between<'t, A: Float>(self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        (output - target).square().mean()
    }
}

impl HalfSquaredError {
    /// The loss between two variables of one shape, samples along the first axis.
    #[track_caller]
    pub fn between<'t, A: Float>(self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        let samples = output.shape().first().copied().unwrap_or(1);
        (output - target).square().sum().scale(0.5 / samples as f64)
    }
}

impl BinaryCrossEntropy {
    /// The loss between probabilities and targets of one shape.
    #[track_caller]
    pub fn between<'t, A: Float>(self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        let tape = output.tape();
        let [least, most] =
            [A::EPSILON, A::one() - A::EPSILON].map(|p| tape.constant(Tensor::scalar(p)));
        let p = output.maximum(least).minimum(most);
        let one = A::one();
        let yes = target * p.ln();
        let no = (-target + one) * (-p + one).ln();
        -(yes + no).mean()
    }
}

impl BinaryCrossEntropyWithLogits {
    /// The loss between logits and targets of one shape.
    #[track_caller]
    pub fn between<'t, A: Float>(self, logits: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        logits.sigmoid_cross_entropy(target).mean()
    }
}

impl CrossEntropy {
    /// The loss between logits `[…, classes]` and target probabilities of the same shape.
    #[track_caller]
    pub fn between<'t, A: Float>(self, logits: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        logits.softmax_cross_entropy(target).mean()
    }

    /// The loss between logits `[…, classes]` and one class label a sample.
    #[track_caller]
    pub fn with_labels<'t, A: Float>(self, logits: Var<'t, A>, labels: &[usize]) -> Var<'t, A> {
        logits.sparse_softmax_cross_entropy(labels).mean()
    }
}

/// The losses that compare an output with target values of the same shape.
macro_rules! loss_between_values {
    ($Loss:ident, $name:literal $(, threshold $threshold:literal)?) => {
        impl<A: Float> Loss<A> for $Loss {
            fn name(&self) -> &'static str {
                $name
            }
            fn check(&self, output: &[usize], targets: &Targets<A>) -> Result<(), Error> {
                same_shape($name, output, targets).map(|_| ())
            }
            fn loss<'t>(
                &self,
                output: Var<'t, A>,
                targets: &Targets<A>,
            ) -> Result<Var<'t, A>, Error> {
                let values = same_shape($name, &output.shape(), targets)?;
                Ok(self.between(output, output.tape().constant(values)))
            }
            $(fn threshold(&self) -> f64 {
                $threshold
            })?
        }
    };
}
loss_between_values!(MeanSquaredError, "mean squared error");
loss_between_values!(HalfSquaredError, "half squared error");
loss_between_values!(BinaryCrossEntropy, "binary cross-entropy");
loss_between_values!(BinaryCrossEntropyWithLogits, "binary cross-entropy", threshold 0.0);

fn same_shape<'d, A: Float>(
    loss: &'static str,
    output: &[usize],
    targets: &'d Targets<A>,
) -> Result<&'d Tensor<A>, Error> {
    let (targets, remedy) = match targets {
        Targets::Values(values) if values.shape() == output => return Ok(values),
        Targets::Values(values) => (
            format!("values of shape {:?}", values.shape()),
            "the two shapes must be equal".to_owned(),
        ),
        Targets::Labels(labels) => (
            format!("{} labels", labels.len()),
            "it needs target values; one_hot() of the data set makes them from labels".to_owned(),
        ),
    };
    Err(Error::Targets { loss, output: output.to_vec(), targets, remedy })
}

impl<A: Float> Loss<A> for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn check(&self, output: &[usize], targets: &Targets<A>) -> Result<(), Error> {
        let Targets::Labels(labels) = targets else {
            return same_shape("cross-entropy", output, targets).map(|_| ());
        };
        let Some((&classes, leading)) = output.split_last().filter(|(classes, _)| **classes > 0)
        else {
            return Err(Error::Targets {
                loss: "cross-entropy",
                output: output.to_vec(),
                targets: format!("{} labels", labels.len()),
                remedy: "the output needs a last axis of classes".into(),
            });
        };
        let rows: usize = leading.iter().product();
        if rows != labels.len() {
            return Err(Error::Targets {
                loss: "cross-entropy",
                output: output.to_vec(),
                targets: format!("{} labels", labels.len()),
                remedy: format!("it needs one label for each of {rows} rows"),
            });
        }
        match labels.iter().position(|&label| label >= classes) {
            Some(row) => Err(Error::Label { row, label: labels[row], classes }),
            None => Ok(()),
        }
    }

    fn loss<'t>(&self, output: Var<'t, A>, targets: &Targets<A>) -> Result<Var<'t, A>, Error> {
        Loss::<A>::check(self, &output.shape(), targets)?;
        Ok(match targets {
            Targets::Labels(labels) => self.with_labels(output, labels),
            Targets::Values(values) => self.between(output, output.tape().constant(values)),
        })
    }
}
