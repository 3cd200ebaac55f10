//! Losses of outputs `[…, classes]` with one right class, or a distribution.

use std::sync::Arc;

use ops::methods::{BinaryMethods, LayoutMethods, LinearMethods, SoftmaxMethods, UnaryMethods};
use ops::{Float, Reading, Tensor};
use tape::Var;

use super::Loss;
use super::targets::{distributions, labels, mismatch};
use crate::ground::{Error, Targets};

/// Categorical cross-entropy of logits `[…, classes]`, averaged over rows: −ln softmax(x)ₗ for a
/// label l, −Σ t·ln softmax(x) for target probabilities t. Its gradient with respect to the logits
/// of a row is (softmax(x) − t)/N, with t the one-hot row of a label.
///
/// Targets are
///
/// - labels, one for each row;
/// - values of the logits' shape: probabilities, which sum to 1 along the last axis (where several
///   classes may be right at once, use
///   [`BinaryCrossEntropyWithLogits`](super::BinaryCrossEntropyWithLogits));
/// - for sequences, logits `[samples, steps, classes]` and values `[samples, steps]`, which are
///   labels, whole numbers.
///
/// The classes are along the **last** axis. PyTorch has them along the second, `[samples, classes,
/// steps]`; a `permute` of the logits goes from one to the other.
///
/// Goodfellow, Bengio & Courville, *Deep Learning*, section 6.2.2.3.
///
/// ```
/// use nn::prelude::*;
///
/// let tape = Tape::new();
/// let x = tape.var([[0.0, 0.0], [0.0, 3.0_f64.ln()]]); // Softmax: ½ ½ and ¼ ¾.
/// let loss = CrossEntropy.loss(x, &Targets::Labels(vec![0, 0]))?;
/// assert!((loss.item() - (2.0_f64.ln() + 4.0_f64.ln()) / 2.0).abs() < 1e-15);
///
/// // Three times the weight for class 1, labels softened by 0.1, and rows labelled 7 left out:
/// let loss = CrossEntropy.class_weights(&[1.0, 3.0])?.label_smoothing(0.1)?.ignore(7);
/// assert!(loss.loss(x, &Targets::Labels(vec![0, 7]))?.item().is_finite());
/// # Ok::<(), nn::Error>(())
/// ```
#[doc(alias = "CrossEntropyLoss")]
#[doc(alias = "SparseCategoricalCrossentropy")]
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossEntropy;

impl CrossEntropy {
    /// The same with a weight for each class; see [`CrossEntropyWith::class_weights`].
    ///
    /// # Errors
    /// If weights are missing, negative or not finite, or all are 0.
    pub fn class_weights(self, weights: &[f64]) -> Result<CrossEntropyWith, Error> {
        CrossEntropyWith::default().class_weights(weights)
    }

    /// The same with softened targets; see [`CrossEntropyWith::label_smoothing`].
    ///
    /// # Errors
    /// If `share` is not from 0 to 1.
    pub fn label_smoothing(self, share: f64) -> Result<CrossEntropyWith, Error> {
        CrossEntropyWith::default().label_smoothing(share)
    }

    /// The same without the rows that have this label; see [`CrossEntropyWith::ignore`].
    pub fn ignore(self, label: i64) -> CrossEntropyWith {
        CrossEntropyWith::default().ignore(label)
    }
}

impl<A: Float> Loss<A> for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        CrossEntropyWith::default().target(output, targets)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        if target.shape() == output.shape() {
            output.softmax_cross_entropy(target).mean()
        } else {
            output.label_cross_entropy(target).mean()
        }
    }
}

/// [`CrossEntropy`] with class weights, softened targets or rows left out, in any combination.
///
/// With weights w, a share ε of smoothing and labels l, the loss is PyTorch's
/// `CrossEntropyLoss`: over the rows that are not ignored,
///
/// Σ ((1 − ε)·wₗ·(−ln pₗ) + ε/C·Σⱼ wⱼ·(−ln pⱼ)) / Σ wₗ,
///
/// with p the softmax of a row of C logits. For target probabilities t it is the mean over rows of
/// −Σⱼ wⱼ·((1 − ε)·tⱼ + ε/C)·ln pⱼ.
#[derive(Clone, Debug, Default)]
pub struct CrossEntropyWith {
    counting: Counting,
    smoothing: f64,
}

impl CrossEntropyWith {
    /// A weight for each class, by which the rows of that class count in the mean. For classes of
    /// very different sizes, weights of 1/(size of the class) make each class count alike.
    ///
    /// # Errors
    /// If weights are missing, negative or not finite, or all are 0.
    pub fn class_weights(mut self, weights: &[f64]) -> Result<Self, Error> {
        self.counting.weights = Some(checked_weights("a class weight", weights)?);
        Ok(self)
    }

    /// Softened targets: `share` of the probability is taken from the target and spread evenly
    /// over all classes, which keeps a network from being surer than it should. Usual is 0.1.
    /// Szegedy et al., *Rethinking the Inception Architecture*, 2015, section 7.
    ///
    /// # Errors
    /// If `share` is not from 0 to 1.
    pub fn label_smoothing(mut self, share: f64) -> Result<Self, Error> {
        if !(0.0..=1.0).contains(&share) {
            let (setting, given) = ("the share of label smoothing", share.to_string());
            return Err(Error::Setting { setting, given, allowed: "from 0 to 1" });
        }
        self.smoothing = share;
        Ok(self)
    }

    /// Leaves out the rows that have this label, such as the padding of short sequences. It need
    /// not be a class: −1 or −100 will do in labels given as values. Target probabilities have no
    /// label, so none of them are left out.
    pub fn ignore(mut self, label: i64) -> Self {
        self.counting.ignored = Some(label);
        self
    }
}

impl<A: Float> Loss<A> for CrossEntropyWith {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        let name = Loss::<A>::name(self);
        match targets {
            Targets::Values(values) if values.shape() == output && !output.is_empty() => {
                self.counting.weights_fit(output)?;
                distributions(name, output, targets)
            }
            Targets::Values(values) if Some(values.shape()) != leading(output) => {
                let leading = leading(output).unwrap_or_default();
                let remedy = format!(
                    "it needs labels of shape {leading:?} or probabilities of shape {output:?}"
                );
                Err(mismatch(name, output, targets, remedy))
            }
            _ => self.counting.target(name, output, targets),
        }
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        let classes = output.length(-1);
        let (kept, spread) = (1.0 - self.smoothing, self.smoothing / classes as f64);
        if target.shape() == output.shape() {
            let mut softened = target.scale(kept) + A::from_f64(spread);
            if let Some(weights) = self.counting.weights(output) {
                softened = softened * weights;
            }
            return output.softmax_cross_entropy(softened).mean();
        }
        let Counted { labels, counts, weight } = self.counting.of(target, output);
        let zero = output.scalar(0.0);
        let mut rows = weight.scale(kept) * output.label_cross_entropy(labels);
        if spread > 0.0 {
            let ones = || output.tape().constant(Tensor::scalar(A::one()));
            let weights = self.counting.weights(output).unwrap_or_else(ones);
            let even = weights.broadcast_to(&output.shape());
            rows = rows + output.softmax_cross_entropy(even).scale(spread);
        }
        counts.map_or(rows, |counts| counts.select(rows, zero)).sum() / weight.sum()
    }
    fn counted(&self, output: &[usize], targets: &Targets<A>) -> f64 {
        match targets {
            Targets::Values(values) if values.shape() == output => targets.len() as f64,
            _ => self.counting.counted(targets),
        }
    }
    fn ignored(&self) -> Option<i64> {
        self.counting.ignored
    }
}

/// The lengths of all axes but the last.
fn leading(output: &[usize]) -> Option<&[usize]> {
    output.split_last().map(|(_, leading)| leading)
}

/// Negative log-likelihood: the mean of −yₗ over rows `[…, classes]` of **logarithms** of
/// probabilities, l the label. After `log_softmax` it is [`CrossEntropy`], which is the better
/// choice for logits.
///
/// Labels are given as to [`CrossEntropy`]. With weights it is Σ wₗ·(−yₗ) / Σ wₗ.
#[doc(alias = "NLLLoss")]
#[derive(Clone, Debug, Default)]
pub struct NegativeLogLikelihood {
    counting: Counting,
}

impl NegativeLogLikelihood {
    /// Every row counts alike.
    pub fn new() -> Self {
        Self::default()
    }

    /// A weight for each class, by which the rows of that class count in the mean.
    ///
    /// # Errors
    /// If weights are missing, negative or not finite, or all are 0.
    pub fn class_weights(mut self, weights: &[f64]) -> Result<Self, Error> {
        self.counting.weights = Some(checked_weights("a class weight", weights)?);
        Ok(self)
    }

    /// Leaves out the rows that have this label, which need not be a class.
    pub fn ignore(mut self, label: i64) -> Self {
        self.counting.ignored = Some(label);
        self
    }
}

impl<A: Float> Loss<A> for NegativeLogLikelihood {
    fn name(&self) -> &'static str {
        "negative log-likelihood"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        self.counting.target(Loss::<A>::name(self), output, targets)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        let Counted { labels, counts, weight } = self.counting.of(target, output);
        let zero = output.scalar(0.0);
        let rows = -(weight * picked(labels.one_hot(output.length(-1)), output));
        counts.map_or(rows, |counts| counts.select(rows, zero)).sum() / weight.sum()
    }
    fn counted(&self, _output: &[usize], targets: &Targets<A>) -> f64 {
        self.counting.counted(targets)
    }
    fn ignored(&self) -> Option<i64> {
        self.counting.ignored
    }
}

/// The output of each row where the mask is 1.
fn picked<'t, A: Float>(here: Var<'t, A>, output: Var<'t, A>) -> Var<'t, A> {
    here.select(output, output.scalar(0.0)).sum_axes(-1)
}

/// The hinge loss of several classes: the mean over rows `[…, classes]` of
/// Σⱼ max(0, m − yₗ + yⱼ)ᵖ / C over j ≠ l, l the label, with the margin m = 1 and p = 1.
///
/// The output of the right class is to lie above every other by the margin. Labels are given as to
/// [`CrossEntropy`](super::CrossEntropy). Weston & Watkins, *Support Vector Machines for
/// Multi-Class Pattern Recognition*, 1999.
///
/// ```
/// use nn::prelude::*;
///
/// let tape = Tape::new();
/// let y = tape.var([[2.0, 1.5, -1.0]]); // Class 1 comes within 1 of class 0, by ½.
/// let loss = MultiMargin::new().loss(y, &Targets::Labels(vec![0]))?;
/// assert_eq!(loss.item(), 0.5 / 3.0);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MultiMargin {
    margin: f64,
    squared: bool,
    counting: Counting,
}

impl Default for MultiMargin {
    fn default() -> Self {
        Self::new()
    }
}

impl MultiMargin {
    /// A margin of 1, not squared, all classes alike.
    pub fn new() -> Self {
        Self { margin: 1.0, squared: false, counting: Counting::default() }
    }

    /// By how much the right class is to lie above every other.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn margin(mut self, margin: f64) -> Result<Self, Error> {
        if !margin.is_finite() {
            let (setting, given) = ("the margin", margin.to_string());
            return Err(Error::Setting { setting, given, allowed: "finite" });
        }
        self.margin = margin;
        Ok(self)
    }

    /// Squares what is missing from the margin: p = 2.
    pub fn squared(mut self) -> Self {
        self.squared = true;
        self
    }

    /// A weight for each class, by which the terms of its rows are multiplied. Unlike for
    /// [`CrossEntropy`](super::CrossEntropy), the mean is over the number of rows, as in PyTorch.
    ///
    /// # Errors
    /// If weights are missing, negative or not finite, or all are 0.
    pub fn class_weights(mut self, weights: &[f64]) -> Result<Self, Error> {
        self.counting.weights = Some(checked_weights("a class weight", weights)?);
        Ok(self)
    }
}

impl<A: Float> Loss<A> for MultiMargin {
    fn name(&self) -> &'static str {
        "multi-class margin loss"
    }
    fn target(&self, output: &[usize], targets: &Targets<A>) -> Result<Tensor<A>, Error> {
        self.counting.weights_fit(output)?;
        labels(Loss::<A>::name(self), output, targets, None)
    }
    fn between<'t>(&self, output: Var<'t, A>, target: Var<'t, A>) -> Var<'t, A> {
        let Counted { labels, weight, .. } = self.counting.of(target, output);
        let here = labels.one_hot(output.length(-1));
        let right = picked(here, output).expand_dims(-1);
        let missing = (output - right + A::from_f64(self.margin)).relu();
        let missing = here.select(output.scalar(0.0), missing);
        let terms = if self.squared { missing.square() } else { missing };
        (weight * terms.mean_axes(-1)).mean()
    }
}

/// By how much each label counts: by the weight of its class, or not at all if it is ignored.
#[derive(Clone, Debug, Default)]
struct Counting {
    weights: Option<Arc<[f64]>>,
    ignored: Option<i64>,
}

/// Labels that are all classes, and by how much each counts.
struct Counted<'t, A: Float> {
    /// The labels, 0 where ignored.
    labels: Var<'t, A>,
    /// A mask of the rows that are not ignored, if any can be.
    counts: Option<Var<'t, A>>,
    /// The weight of each, 0 if it is ignored.
    weight: Var<'t, A>,
}

impl Counting {
    /// The labels as whole numbers, if at least one of them counts.
    fn target<A: Float>(
        &self,
        measure: &str,
        output: &[usize],
        targets: &Targets<A>,
    ) -> Result<Tensor<A>, Error> {
        self.weights_fit(output)?;
        let labels = labels(measure, output, targets, self.ignored)?;
        if labels.view().iter().any(|label| self.weight_of(label.to_f64()) > 0.0) {
            return Ok(labels);
        }
        Err(Error::NothingCounts { measure: measure.to_owned(), rows: labels.len() })
    }

    /// By how much a label counts; 0 for one that is no class.
    fn weight_of(&self, label: f64) -> f64 {
        if self.ignored.is_some_and(|ignored| label == ignored as f64) {
            return 0.0;
        }
        let weight = |weights: &Arc<[f64]>| weights.get(label as usize).copied().unwrap_or(0.0);
        self.weights.as_ref().map_or(1.0, weight)
    }

    /// The sum of the weights of all labels.
    fn counted<A: Float>(&self, targets: &Targets<A>) -> f64 {
        match targets {
            Targets::Labels(labels) => labels.iter().map(|&l| self.weight_of(l as f64)).sum(),
            Targets::Values(labels) => {
                labels.view().iter().map(|label| self.weight_of(label.to_f64())).sum()
            }
        }
    }

    /// Whether there is a weight for each class of the output.
    fn weights_fit(&self, output: &[usize]) -> Result<(), Error> {
        self.weights.as_ref().map_or(Ok(()), |weights| weights_fit(weights, output))
    }

    /// The weights on the tape of `output`.
    fn weights<'t, A: Float>(&self, output: Var<'t, A>) -> Option<Var<'t, A>> {
        let weights = self.weights.as_ref()?;
        Some(output.tape().constant(Tensor::from(weights.to_vec()).cast::<A>()))
    }

    fn of<'t, A: Float>(&self, target: Var<'t, A>, output: Var<'t, A>) -> Counted<'t, A> {
        let counts = self.ignored.map(|label| target.not_equal(target.scalar(label as f64)));
        let labels = counts.map_or(target, |counts| counts.select(target, target.scalar(0.0)));
        let ones = || target.tape().constant(Tensor::ones(&target.shape()));
        let mut weight = counts.unwrap_or_else(ones);
        if let Some(weights) = self.weights(output) {
            weight = weight * (labels.one_hot(output.length(-1)) * weights).sum_axes(-1);
        }
        Counted { labels, counts, weight }
    }
}

/// Weights that are neither negative nor all 0.
pub(super) fn checked_weights(setting: &'static str, weights: &[f64]) -> Result<Arc<[f64]>, Error> {
    let refuse = |given: String, allowed| Err(Error::Setting { setting, given, allowed });
    if let Some(weight) = weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
        return refuse(weight.to_string(), "finite and not negative");
    }
    if weights.iter().all(|&w| w == 0.0) {
        return refuse(format!("{weights:?}"), "above 0 for at least one class");
    }
    Ok(weights.into())
}

/// Refuses weights unless there is one for each element of the output's last axis.
pub(super) fn weights_fit(weights: &[f64], output: &[usize]) -> Result<(), Error> {
    let classes = output.last().copied().unwrap_or(1);
    if weights.len() == classes {
        return Ok(());
    }
    Err(Error::ClassWeights { weights: weights.len(), classes })
}
