//! Mean over axes: a multiple of the sum.

use super::Sum;
use super::shared::{reduction_shape, show_reduction, spread};
use crate::ground::{Attributes, Axes, Formula, Problem, Shape, reduction_attributes};
use crate::number::Float;
use crate::rule::batched::axes_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, Shortcuts,
    example, refusal, samples,
};
use crate::rules::methods::BinaryMethods;
use crate::tensor::Tensor;

/// Arithmetic mean over axes: y = (1/n) Σ x.
#[derive(Clone, Debug)]
pub struct Mean {
    /// The axes over which the mean is taken.
    pub axes: Axes,
    /// Whether they stay, with length 1.
    pub keepdims: bool,
}

impl Mean {
    /// 1/n, for the n elements of an operand of shape `from` that go into one of the mean.
    fn weight(from: &[usize], to: &[usize]) -> f64 {
        let (from, to): (usize, usize) = (from.iter().product(), to.iter().product());
        to as f64 / from as f64
    }

    /// n, by which sums are divided.
    fn divisor<A: Float>(from: &[usize], to: &[usize]) -> A {
        A::from_f64(Self::weight(from, to).recip())
    }

    fn sum(&self) -> Sum {
        Sum { axes: self.axes.clone(), keepdims: self.keepdims }
    }
}

impl Rule for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        let shape = reduction_shape(operands, &self.axes, self.keepdims)?;
        let axes = self.axes.resolve(operands[0].len())?;
        match axes.iter().find(|&&axis| operands[0][axis] == 0) {
            Some(&axis) => Err(Problem::EmptyReduction { axis, of: "mean" }),
            None => Ok(shape),
        }
    }
    fn forward<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        mut out: Out<'_, A>,
    ) -> Result<(), Problem> {
        self.sum().forward(operands, out.again())?;
        let divisor = Self::divisor::<A>(operands[0].shape(), out.shape());
        out.tensor().view_mut().mapv_inplace(|x| x / divisor);
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let shape = call.operands[0].shape();
            let share = cotangent.scale(Self::weight(&shape, &cotangent.shape()));
            spread(&share, &self.axes, self.keepdims, &shape)
        }])
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
        Formula::call("mean", operands, &show_reduction(&self.axes, self.keepdims))
    }
    fn shortcuts<A: Float>(&self) -> Option<&dyn Shortcuts<A>> {
        Some(self)
    }
}

impl<A: Float> Shortcuts<A> for Mean {
    fn of_sum(&self, operand: &[usize], sum: A) -> Option<A> {
        Some(self.sum().of_sum(operand, sum)? / Self::divisor(operand, &[]))
    }
}

impl Cases for Mean {
    fn examples() -> Vec<Example<Self>> {
        let mean = |axes: Axes, keepdims| Self { axes, keepdims };
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.0]])];
        vec![
            example(mean(0.into(), false), x()).gives([0.75, 0.5, 1.5]),
            example(mean((-1).into(), true), x()).gives([[1.0], [2.5 / 3.0]]),
            example(mean(Axes::ALL, false), samples(&[&[2, 3, 2]])),
            example(mean([0, 2].into(), false), samples(&[&[2, 3, 2]])),
            example(mean(Axes::ALL, false), samples(&[&[]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let mean = |axes: Axes| Self { axes, keepdims: false };
        vec![
            refusal(mean((-3).into()), &[&[2, 3]], "axis -3 is out of range"),
            refusal(mean(0.into()), &[&[0, 3]], "the mean of no elements is undefined"),
        ]
    }
}
