//! Standard deviation over axes: the root of the variance.

use super::norm::nonzero;
use super::normalize::Variance;
use crate::ground::{Attributes, Axes, Formula, Problem, Shape};
use crate::kernel;
use crate::number::Float;
use crate::rule::batched::axes_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, example,
    refusal, samples,
};
use crate::rules::linear::spread;
use crate::rules::methods::{BinaryMethods, LinearMethods, UnaryMethods};
use crate::tensor::Tensor;

/// The standard deviation over axes, y = √(Σ (x − mean x)²/(n − c)), of n numbers;
/// x̄ = ȳ·(x − mean x)/((n − c)·y). Where y = 0 there is no direction: the gradient and all its
/// derivatives are taken as 0, as those of [`Norm`](super::Norm).
#[derive(Clone, Debug)]
pub struct Deviation {
    /// The axes over which it is taken; they are removed.
    pub axes: Axes,
    /// c: 0 for the deviation of these numbers, 1 for the estimate from a sample.
    pub correction: f64,
}

impl Deviation {
    fn variance(&self) -> Variance {
        Variance { axes: self.axes.clone(), correction: self.correction }
    }
}

impl Rule for Deviation {
    fn name(&self) -> &'static str {
        "std"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        self.variance().shape(operands)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let axes = self.axes.resolve(operands[0].ndim())?;
        let value = kernel::deviation(operands[0], &axes, self.correction, out.shape());
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let (x, y) = (call.operands[0], call.output);
            let spread = |v: &T| spread(v, &self.axes, false, &x.shape());
            let centred = x.sub(x.mean_keepdims(self.axes.clone()));
            let direction = centred.div(spread(&nonzero(y)));
            let degrees = self.variance().degrees(&x.shape(), &y.shape());
            spread(cotangent).mul(direction.scale(degrees.recip()))
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Reduction(self.axes.clone(), false)
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        Some(self.variance().compose(operands)?.sqrt())
    }
    fn batched(&self, _: usize, operands: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let axes = axes_behind(&self.axes, operands[0].len()).ok()?;
        Batched::repeated(Self { axes, ..self.clone() })
    }
    fn settings(&self) -> Attributes {
        self.variance().settings()
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &self.variance().settings_text())
    }
}

impl Cases for Deviation {
    fn examples() -> Vec<Example<Self>> {
        let deviation = |axes: Axes, correction| Self { axes, correction };
        // (1, 2, 4, 5) has mean 3: Σ (x − 3)² = 10.
        let row = || vec![Tensor::from([[1.0, 2.0, 4.0, 5.0]])];
        vec![
            example(deviation(1.into(), 0.0), row()).gives([2.5_f64.sqrt()]),
            example(deviation(Axes::ALL, 1.0), row()).gives((10.0_f64 / 3.0).sqrt()),
            example(deviation(0.into(), 1.0), samples(&[&[3, 2]])),
            example(deviation([0, 2].into(), 0.0), samples(&[&[2, 3, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let deviation = |axes: Axes| Self { axes, correction: 1.0 };
        vec![
            refusal(deviation(2.into()), &[&[2, 3]], "axis 2 is out of range"),
            refusal(deviation(1.into()), &[&[2, 1]], "1 number with a correction of 1 leaves 0"),
        ]
    }
}
