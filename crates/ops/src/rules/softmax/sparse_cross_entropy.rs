//! Cross-entropy of logits against labels that are a setting.

use std::sync::Arc;

use super::shared::{SAMPLE, SOFTMAX_OF_SAMPLE, shifted, softmax_shape};
use crate::ground::{Attributes, Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, example,
    forward_by_parts, refusal, samples,
};
use crate::rules::linear::Place;
use crate::rules::linear::labelled_rows;
use crate::rules::methods::{BinaryMethods, LinearMethods, SoftmaxMethods};
use crate::tensor::Tensor;

/// Cross-entropy of logits x against one class label a lane of the last axis:
/// y = ln Σ e^x − xₗ, l the label. x̄ = ȳ·(softmax(x) − one-hot(l)).
#[derive(Clone, Debug)]
pub struct SparseSoftmaxCrossEntropy {
    /// For each lane, in order, the index of its class.
    pub labels: Arc<[usize]>,
}

impl Rule for SparseSoftmaxCrossEntropy {
    fn name(&self) -> &'static str {
        "sparse_softmax_cross_entropy"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        softmax_shape(operands, -1)?;
        labelled_rows(operands[0], &self.labels)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        forward_by_parts(self, operands, out)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x = call.operands[0];
        call.contributions([&|| {
            let columns = *x.shape().last().expect("logits with lanes");
            let place = Place { indices: self.labels.clone(), columns };
            cotangent.expand_dims(-1).mul(x.softmax(-1)).sub(T::apply(place, &[cotangent]))
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Composed
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let (x, log) = shifted(operands[0], -1);
        Some(log.sum_axes(-1).sub(x.pick(&self.labels)))
    }
    fn settings(&self) -> Attributes {
        vec![("labels", self.labels[..].into())]
    }
}

impl Cases for SparseSoftmaxCrossEntropy {
    fn examples() -> Vec<Example<Self>> {
        let labels = |labels: &[usize]| Self { labels: labels.into() };
        vec![
            example(labels(&[1]), [Tensor::from(SAMPLE)]).gives(-SOFTMAX_OF_SAMPLE[1].ln()),
            example(labels(&[0]), [Tensor::from([-1e4, 1e4])]).gives(2e4),
            example(labels(&[2, 0]), samples(&[&[2, 3]])),
            example(labels(&[0, 1, 1, 0]), samples(&[&[2, 2, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let labels = |labels: &[usize]| Self { labels: labels.into() };
        vec![
            refusal(labels(&[0]), &[&[2, 3]], "there is 1 label for 2 rows"),
            refusal(
                labels(&[0, 3]),
                &[&[2, 3]],
                "index 3 (number 1 of the list) is out of range: axis 1 has length 3, so 0 to 2",
            ),
        ]
    }
}
