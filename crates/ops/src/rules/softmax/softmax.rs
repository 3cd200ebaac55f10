//! Softmax along an axis.

use super::shared::{SAMPLE, SOFTMAX_OF_SAMPLE, softmax_shape};
use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::number::{Float, Remarks, Stops};
use crate::rule::batched::axis_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, example,
    forward_by_parts, refusal, samples,
};
use crate::rules::linear::show_reduction;
use crate::rules::methods::{BinaryMethods, LinearMethods, ReduceMethods, UnaryMethods};
use crate::tensor::Tensor;

/// Softmax along an axis: yᵢ = e^xᵢ / Σⱼ e^xⱼ, x̄ = y·(ȳ − Σ ȳ·y).
#[derive(Clone, Copy, Debug)]
pub struct Softmax {
    /// The axis along which the results sum to 1.
    pub axis: isize,
}

impl Rule for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        softmax_shape(operands, self.axis)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        forward_by_parts(self, operands, out)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let y = call.output;
        call.contributions([&|| y.mul(cotangent.sub(cotangent.mul(y).sum_keepdims(self.axis)))])
    }
    fn family(&self) -> Family<'_> {
        Family::Composed
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let x = operands[0];
        let e = x.sub(x.max_keepdims(self.axis)).exp();
        Some(e.div(e.sum_keepdims(self.axis)))
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(Self { axis: axis_behind(self.axis) })
    }
    fn settings(&self) -> Attributes {
        vec![("axis", self.axis.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("softmax", operands, &show_reduction(&self.axis.into(), false))
    }
    fn remarks(&self) -> Remarks {
        Remarks::stops(Stops::Saturation)
    }
}

impl Cases for Softmax {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self { axis: -1 }, [Tensor::from(SAMPLE)]).gives(SOFTMAX_OF_SAMPLE),
            example(Self { axis: 0 }, [Tensor::from([1000.0, -1000.0])]).gives([1.0, 0.0]),
            example(Self { axis: 1 }, samples(&[&[2, 3]])),
            example(Self { axis: 0 }, samples(&[&[2, 3]])),
            example(Self { axis: 1 }, samples(&[&[2, 1]])),
            example(Self { axis: 1 }, samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self { axis: 1 }, &[&[3]], "axis 1 is out of range"),
            refusal(Self { axis: 0 }, &[&[]], "a scalar has no axes"),
            refusal(Self { axis: 0 }, &[&[0, 2]], "the softmax of no elements is undefined"),
        ]
    }
}
