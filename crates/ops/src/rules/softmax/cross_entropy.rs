//! Cross-entropy of logits against probabilities.

use super::shared::{SAMPLE, shifted, softmax_shape};
use crate::ground::{Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity, example,
    forward_by_parts, refusal, samples,
};
use crate::rules::methods::{BinaryMethods, LinearMethods, SoftmaxMethods, UnaryMethods};
use crate::tensor::Tensor;

/// Cross-entropy of logits x against target probabilities p, for each lane of the last axis:
/// y = Σ p·(ln Σ e^x − x). x̄ = ȳ·(softmax(x)·Σp − p), p̄ = −ȳ·ln softmax(x). A class of
/// probability 0 adds nothing, even at a logit of −∞.
#[derive(Clone, Copy, Debug)]
pub struct SoftmaxCrossEntropy;

impl Rule for SoftmaxCrossEntropy {
    fn name(&self) -> &'static str {
        "softmax_cross_entropy"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let mut shape = softmax_shape(&operands[..1], -1)?;
        if operands[1] != operands[0] {
            return Err(Problem::OperandShape {
                operand: 2,
                expected: shape,
                of: "that of operand 1",
            });
        }
        shape.pop();
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        forward_by_parts(self, operands, out)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let (x, p) = (call.operands[0], call.operands[1]);
        let cotangent = &cotangent.expand_dims(-1);
        call.contributions([
            &|| cotangent.mul(x.softmax(-1).mul(p.sum_keepdims(-1)).sub(p)),
            &|| cotangent.mul(x.log_softmax(-1).neg()),
        ])
    }
    fn family(&self) -> Family<'_> {
        Family::Composed
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let (x, log) = shifted(operands[0], -1);
        Some(operands[1].weigh(log.sub(x)).sum_axes(-1))
    }
}

impl Cases for SoftmaxCrossEntropy {
    fn examples() -> Vec<Example<Self>> {
        let (x, p) = (Tensor::from(SAMPLE), Tensor::from([0.25, 0.25, 0.5]));
        vec![
            example(Self, [x, p]).gives(1.3663112966571571),
            example(Self, [Tensor::from([1e4, -1e4]), Tensor::from([0.0, 1.0])]).gives(2e4),
            example(Self, samples(&[&[2, 3], &[2, 3]])),
            example(Self, samples(&[&[2, 2, 1], &[2, 2, 1]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(
            Self,
            &[&[2, 3], &[3]],
            "operand 2 should have the shape [2, 3], that of operand 1",
        )]
    }
}
