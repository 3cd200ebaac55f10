//! Logarithm of the softmax along an axis.

use super::shared::{SAMPLE, SOFTMAX_OF_SAMPLE, shifted, softmax_shape};
use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::number::{Float, Remarks, Stops};
use crate::rule::batched::axis_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, example,
    forward_by_parts, refusal, samples,
};
use crate::rules::linear::show_reduction;
use crate::rules::methods::{BinaryMethods, LinearMethods, UnaryMethods};
use crate::tensor::Tensor;

/// Logarithm of the softmax along an axis: yᵢ = xᵢ − ln Σⱼ e^xⱼ, x̄ = ȳ − e^y·Σ ȳ.
#[derive(Clone, Copy, Debug)]
pub struct LogSoftmax {
    /// The axis along which the exponentials of the results sum to 1.
    pub axis: isize,
}

impl Rule for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        softmax_shape(operands, self.axis)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        forward_by_parts(self, operands, out)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            cotangent.sub(call.output.exp().mul(cotangent.sum_keepdims(self.axis)))
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Composed
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let (x, log) = shifted(operands[0], self.axis);
        Some(x.sub(log))
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(Self { axis: axis_behind(self.axis) })
    }
    fn settings(&self) -> Attributes {
        vec![("axis", self.axis.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("log_softmax", operands, &show_reduction(&self.axis.into(), false))
    }
    fn remarks(&self) -> Remarks {
        Remarks::stops(Stops::Saturation)
    }
}

impl Cases for LogSoftmax {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self { axis: -1 }, [Tensor::from(SAMPLE)])
                .gives(SOFTMAX_OF_SAMPLE.map(f64::ln)),
            example(Self { axis: 0 }, [Tensor::from([1e4, -1e4, 0.0])]).gives([0.0, -2e4, -1e4]),
            example(Self { axis: 1 }, samples(&[&[2, 3]])),
            example(Self { axis: 0 }, samples(&[&[2, 3]])),
            example(Self { axis: 0 }, samples(&[&[1]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(
            Self { axis: -2 },
            &[&[3]],
            "axis -2 is out of range: there is 1 axis, so 0 or -1",
        )]
    }
}
