//! Euclidean norm over axes.

use crate::ground::{Attributes, Axes, Formula, Problem, Shape, reduction_attributes};
use crate::kernel;
use crate::number::Float;
use crate::rule::batched::axes_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, example,
    refusal, samples,
};
use crate::rules::linear::{reduction_shape, show_reduction, spread};
use crate::rules::methods::BinaryMethods;
use crate::tensor::Tensor;

/// Euclidean norm over axes: y = √Σx², x̄ = ȳ·x/y. Where y = 0 there is no direction: x/y and all
/// its derivatives are taken as 0.
#[derive(Clone, Debug)]
pub struct Norm {
    /// The axes over which the norm is taken.
    pub axes: Axes,
    /// Whether they stay, with length 1.
    pub keepdims: bool,
}

impl Norm {
    /// x/y in the shape of x, 0 where y is 0.
    fn direction<T: Reading>(&self, x: &T, y: &T) -> T {
        x.div(spread(&nonzero(y), &self.axes, self.keepdims, &x.shape()))
    }
}

/// y as a divisor: infinite where it is 0, so that a quotient and its derivatives of any order are
/// 0 there.
pub(super) fn nonzero<T: Reading>(y: &T) -> T {
    y.equal(y.scalar(0.0)).select(y.scalar(f64::INFINITY), y)
}

impl Rule for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        reduction_shape(operands, &self.axes, self.keepdims)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let axes = self.axes.resolve(operands[0].ndim())?;
        let value = kernel::norm(operands[0], &axes, out.shape());
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x = call.operands[0];
        let spread = || spread(cotangent, &self.axes, self.keepdims, &x.shape());
        call.contributions([&|| spread().mul(self.direction(x, call.output))])
    }
    fn family(&self) -> Family<'_> {
        Family::Reduction(self.axes.clone(), self.keepdims)
    }
    fn batched(&self, _: usize, operands: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let axes = axes_behind(&self.axes, operands[0].len()).ok()?;
        Batched::repeated(Self { axes, ..self.clone() })
    }
    fn settings(&self) -> Attributes {
        reduction_attributes(&self.axes, self.keepdims)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("norm", operands, &show_reduction(&self.axes, self.keepdims))
    }
}

impl Cases for Norm {
    fn examples() -> Vec<Example<Self>> {
        let norm = |axes: Axes, keepdims| Self { axes, keepdims };
        vec![
            example(norm(Axes::ALL, false), [Tensor::from([[3.0, 0.0], [0.0, -4.0]])]).gives(5.0),
            example(norm(1.into(), false), [Tensor::from([[3.0, 4.0], [5.0, -12.0]])])
                .gives([5.0, 13.0]),
            example(norm(0.into(), true), samples(&[&[2, 3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let norm = Self { axes: 2.into(), keepdims: false };
        vec![refusal(norm, &[&[2, 3]], "axis 2 is out of range")]
    }
}
