//! Sum over axes.

use super::shared::{reduction_shape, show_reduction, spread};
use crate::ground::{Attributes, Axes, Formula, Problem, Shape, reduction_attributes};
use crate::kernel;
use crate::number::Float;
use crate::rule::batched::axes_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, Shortcuts,
    example, refusal, samples,
};
use crate::tensor::Tensor;

/// Sum over axes: y = Σ x.
#[derive(Clone, Debug)]
pub struct Sum {
    /// The axes that are summed over.
    pub axes: Axes,
    /// Whether they stay, with length 1.
    pub keepdims: bool,
}

impl Rule for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        reduction_shape(operands, &self.axes, self.keepdims)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let x = operands[0];
        let axes = self.axes.resolve(x.ndim())?;
        if axes.len() == x.ndim() {
            out.tensor().view_mut().fill(kernel::sum(x));
        } else if axes.is_empty() {
            return out.set(x.clone());
        } else {
            kernel::sum_axes_into(x, &axes, out.tensor());
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let spread = || spread(cotangent, &self.axes, self.keepdims, &call.operands[0].shape());
        call.contributions([&spread])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, operands: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let axes = axes_behind(&self.axes, operands[0].len()).ok()?;
        Batched::repeated(Self { axes, ..self.clone() })
    }
    fn settings(&self) -> Attributes {
        reduction_attributes(&self.axes, self.keepdims)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("sum", operands, &show_reduction(&self.axes, self.keepdims))
    }
    fn shortcuts<A: Float>(&self) -> Option<&dyn Shortcuts<A>> {
        Some(self)
    }
}

impl<A: Float> Shortcuts<A> for Sum {
    fn of_sum(&self, operand: &[usize], sum: A) -> Option<A> {
        let axes = self.axes.resolve(operand.len()).ok()?;
        (axes.len() == operand.len()).then_some(sum)
    }
}

impl Cases for Sum {
    fn examples() -> Vec<Example<Self>> {
        let sum = |axes: Axes, keepdims| Self { axes, keepdims };
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(sum(Axes::ALL, false), x()).gives(5.0),
            example(sum(0.into(), false), x()).gives([1.5, 1.0, 2.5]),
            example(sum((-1).into(), true), x()).gives([[3.0], [2.0]]),
            example(sum([0, 2].into(), false), samples(&[&[2, 3, 2]])),
            example(sum(Axes::ALL, true), samples(&[&[2, 2]])),
            example(sum(Axes::ALL, false), samples(&[&[]])),
            example(sum(0.into(), false), samples(&[&[0, 2]])).gives([0.0, 0.0]),
            example(sum(1.into(), false), samples(&[&[1, 1]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let sum = |axes: Axes| Self { axes, keepdims: false };
        vec![
            refusal(
                sum(2.into()),
                &[&[2, 3]],
                "axis 2 is out of range: there are 2 axes, so 0 to 1",
            ),
            refusal(sum([0, -2].into()), &[&[2, 3]], "axis -2 is named twice"),
            refusal(sum(0.into()), &[&[]], "a scalar has no axes"),
        ]
    }
}
