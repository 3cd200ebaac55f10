//! Cross-entropy of logits against labels that are an operand.

use super::SparseSoftmaxCrossEntropy;
use super::shared::{SAMPLE, SOFTMAX_OF_SAMPLE, class_indices, shifted, softmax_shape};
use crate::ground::{Problem, Shape, show};
use crate::number::Float;
use crate::rule::{
    Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity, example,
    refusal, sample,
};
use crate::rules::methods::{BinaryMethods, LayoutMethods, LinearMethods, SoftmaxMethods};
use crate::tensor::Tensor;

/// Cross-entropy of logits x against one label l a lane of the last axis, the labels being a
/// tensor of whole numbers: y = ln Σ e^x − xₗ. x̄ = ȳ·(softmax(x) − one-hot(l)).
///
/// [`SparseSoftmaxCrossEntropy`] holds its labels as a setting; here they are an operand, so that
/// what is recorded can be computed again with others.
#[derive(Clone, Copy, Debug)]
pub struct LabelCrossEntropy;

impl Rule for LabelCrossEntropy {
    fn name(&self) -> &'static str {
        "label_cross_entropy"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let mut shape = softmax_shape(&operands[..1], -1)?;
        shape.pop();
        if operands[1] == &shape[..] {
            return Ok(shape);
        }
        let text = "one label a row is needed, so labels of shape";
        Err(Problem::Other(format!("{text} {}, not {}", show(&shape), show(operands[1]))))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        // The same value as that of `compose`, without a row of a mask for each label.
        let (x, labels) = (operands[0], operands[1]);
        let labels = class_indices(labels, x.length(-1)).collect::<Result<_, _>>()?;
        SparseSoftmaxCrossEntropy { labels }.forward(&[x], out)
    }
    // ANCHOR: p_minus_y
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let (x, labels) = (call.operands[0], call.operands[1]);
        let x_bar = || {
            let error = x.softmax(-1).sub(labels.one_hot(x.length(-1)));
            cotangent.expand_dims(-1).mul(error)
        };
        [call.wanted[0].then(x_bar), None].into_iter().collect()
    }
    // ANCHOR_END: p_minus_y
    fn family(&self) -> Family<'_> {
        Family::Composed
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let labels = operands[1];
        let (x, log) = shifted(operands[0], -1);
        let here = labels.one_hot(x.length(-1));
        let picked = here.select(&x, x.scalar(0.0)).sum_axes(-1);
        Some(log.sum_axes(-1).sub(picked))
    }
}

impl Cases for LabelCrossEntropy {
    fn examples() -> Vec<Example<Self>> {
        let with = |shape: &[usize], labels: Tensor<f64>| vec![sample(shape, 0), labels];
        vec![
            example(Self, [Tensor::from(SAMPLE), Tensor::scalar(1.0)])
                .gives(-SOFTMAX_OF_SAMPLE[1].ln()),
            example(Self, [Tensor::from([-1e4, 1e4]), Tensor::scalar(0.0)]).gives(2e4),
            example(Self, with(&[2, 3], Tensor::from([2.0, 0.0]))),
            example(Self, with(&[2, 2, 2], Tensor::from([[0.0, 1.0], [1.0, 0.0]]))),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self, &[&[2, 3], &[3]], "so labels of shape [2], not [3]"),
            refusal(Self, &[&[2, 0], &[2]], "the softmax of no elements is undefined"),
        ]
    }
}
