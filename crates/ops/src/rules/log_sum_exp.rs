//! Logarithm of the sum of exponentials over axes.

use crate::ground::{Attributes, Axes, Formula, Problem, Shape, reduction_attributes};
use crate::number::Float;
use crate::rule::batched::axes_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, example,
    forward_by_parts, refusal, samples,
};
use crate::rules::linear::{reduction_shape, show_reduction, spread};
use crate::rules::methods::{BinaryMethods, LinearMethods, ReduceMethods, UnaryMethods};
use crate::tensor::Tensor;

/// ln Σ eˣ over axes, without overflow: x̄ = ȳ·eˣ/Σ eˣ. Elements that are all −∞, or several that
/// are +∞, share the gradient equally, as in [`LogAddExp`](crate::rules::LogAddExp).
#[derive(Clone, Debug)]
pub struct LogSumExp {
    /// The axes that are summed over.
    pub axes: Axes,
    /// Whether they stay, with length 1.
    pub keepdims: bool,
}

impl LogSumExp {
    /// Each element's share eˣ/Σ eˣ, of elements at an infinite maximum in equal parts.
    ///
    /// The output is not used: rounded to its own size, it would lose the digits of the differences.
    fn shares<T: Reading>(&self, x: &T) -> T {
        let most = x.max_keepdims(self.axes.clone()).stop_gradient();
        let finite = is_finite(&most);
        let powers = finite.select(x.sub(&most), x.scalar(0.0)).exp();
        let powers = finite.select(powers, x.equal(&most));
        powers.div(powers.sum_keepdims(self.axes.clone()))
    }
}

/// The mask of finite numbers.
fn is_finite<T: Reading>(x: &T) -> T {
    x.sub(x).equal(x.scalar(0.0))
}

impl Rule for LogSumExp {
    fn name(&self) -> &'static str {
        "logsumexp"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        let shape = reduction_shape(operands, &self.axes, self.keepdims)?;
        let axes = self.axes.resolve(operands[0].len())?;
        match axes.iter().find(|&&axis| operands[0][axis] == 0) {
            Some(&axis) => Err(Problem::EmptyReduction { axis, of: "logsumexp" }),
            None => Ok(shape),
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        forward_by_parts(self, operands, out)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x = call.operands[0];
        let spread = |v: &T| spread(v, &self.axes, self.keepdims, &x.shape());
        call.contributions([&|| spread(cotangent).mul(self.shares(x))])
    }
    fn family(&self) -> Family<'_> {
        Family::Composed
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let x = operands[0];
        let most = x.max_keepdims(self.axes.clone()).stop_gradient();
        // Nothing can be subtracted from infinities: eˣ is 0 or ∞ there by itself.
        let most = is_finite(&most).select(&most, x.scalar(0.0));
        let kept = x.sub(&most).exp().sum_keepdims(self.axes.clone()).ln().add(&most);
        Some(if self.keepdims { kept } else { kept.sum_axes(self.axes.clone()) })
    }
    fn batched(&self, _: usize, operands: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let axes = axes_behind(&self.axes, operands[0].len()).ok()?;
        Batched::repeated(Self { axes, ..self.clone() })
    }
    fn settings(&self) -> Attributes {
        reduction_attributes(&self.axes, self.keepdims)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("logsumexp", operands, &show_reduction(&self.axes, self.keepdims))
    }
}

impl Cases for LogSumExp {
    fn examples() -> Vec<Example<Self>> {
        let lse = |axes: Axes, keepdims| Self { axes, keepdims };
        vec![
            // ln(e^0.5 + e^−1 + e^2), from an independent program.
            example(lse(Axes::ALL, false), [Tensor::from([0.5, -1.0, 2.0])])
                .gives(2.241311296657157),
            example(lse(0.into(), false), [Tensor::from([[1000.0], [1000.0]])])
                .gives([1000.0 + std::f64::consts::LN_2]),
            example(lse((-1).into(), true), samples(&[&[2, 3]])),
            example(lse([0, 2].into(), false), samples(&[&[2, 3, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let lse = |axes: Axes| Self { axes, keepdims: false };
        vec![
            refusal(lse(0.into()), &[&[0, 3]], "the logsumexp of no elements is undefined"),
            refusal(lse(2.into()), &[&[2, 3]], "axis 2 is out of range"),
        ]
    }
}
