//! Maximum and minimum over axes.

use crate::ground::{Attributes, Axes, Formula, Problem, Shape, reduction_attributes};
use crate::kernel;
use crate::number::{Float, Remarks, Stops};
use crate::rule::batched::axes_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, example,
    refusal, samples,
};
use crate::rules::linear::{reduction_shape, show_reduction, spread};
use crate::rules::methods::{BinaryMethods, LinearMethods};
use crate::tensor::Tensor;

/// Maximum or minimum over axes. Its gradient goes to the extreme element; elements that tie
/// share it equally.
#[derive(Clone, Debug)]
pub struct Extreme {
    /// Whether the largest element is taken or the smallest.
    pub largest: bool,
    /// The axes over which it is taken.
    pub axes: Axes,
    /// Whether they stay, with length 1.
    pub keepdims: bool,
}

impl Extreme {
    /// For each element, its share in the maximum: 1 over the number of elements that attain it,
    /// or 0.
    fn shares<T: Reading>(&self, x: &T, y: &T) -> T {
        let hit = x.equal(spread(y, &self.axes, self.keepdims, &x.shape()));
        hit.div(hit.sum_keepdims(self.axes.clone()))
    }
}

impl Rule for Extreme {
    fn name(&self) -> &'static str {
        if self.largest { "max" } else { "min" }
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        let shape = reduction_shape(operands, &self.axes, self.keepdims)?;
        let axes = self.axes.resolve(operands[0].len())?;
        match axes.iter().find(|&&axis| operands[0][axis] == 0) {
            Some(&axis) => Err(Problem::EmptyReduction {
                axis,
                of: if self.largest { "maximum" } else { "minimum" },
            }),
            None => Ok(shape),
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let axes = self.axes.resolve(operands[0].ndim())?;
        kernel::extreme_into(operands[0], &axes, self.largest, out.tensor());
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x = call.operands[0];
        call.contributions([&|| {
            let spread = spread(cotangent, &self.axes, self.keepdims, &x.shape());
            spread.mul(self.shares(x, call.output))
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Reduction(self.axes.clone(), self.keepdims)
    }
    fn batched(&self, _: usize, operands: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let axes = axes_behind(&self.axes, operands[0].len()).ok()?;
        Batched::repeated(Self { axes, ..self.clone() })
    }
    fn settings(&self) -> Attributes {
        let mut attributes = reduction_attributes(&self.axes, self.keepdims);
        attributes.push(("largest", self.largest.into()));
        attributes
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &show_reduction(&self.axes, self.keepdims))
    }
    fn remarks(&self) -> Remarks {
        Remarks::stops(Stops::Choice)
    }
}

impl Cases for Extreme {
    fn examples() -> Vec<Example<Self>> {
        let max = |axes: Axes, keepdims| Self { largest: true, axes, keepdims };
        let min = |axes: Axes, keepdims| Self { largest: false, axes, keepdims };
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(max(Axes::ALL, false), x()).gives(4.0),
            example(max(0.into(), false), x()).gives([1.0, 3.0, 4.0]),
            example(max((-1).into(), true), x()).gives([[4.0], [3.0]]),
            example(max([0, 2].into(), false), samples(&[&[2, 3, 2]])),
            example(max(Axes::ALL, false), samples(&[&[]])),
            example(max(1.into(), false), samples(&[&[0, 2]])),
            example(min(0.into(), false), x()).gives([0.5, -2.0, -1.5]),
            example(min([0, 2].into(), true), samples(&[&[2, 3, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let max = |axes: Axes| Self { largest: true, axes, keepdims: false };
        vec![
            refusal(max(0.into()), &[&[0, 3]], "the maximum of no elements is undefined"),
            refusal(max(2.into()), &[&[2, 3]], "axis 2 is out of range"),
        ]
    }
}
