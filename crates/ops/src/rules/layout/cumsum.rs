//! Cumulative sum along an axis.

use crate::ground::{Attributes, Formula, Problem, Shape, resolve_axis};
use crate::kernel;
use crate::number::Float;
use crate::rule::batched::axis_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::tensor::Tensor;

/// Cumulative sum along an axis, from the front or from the back; each is the other's adjoint.
#[derive(Clone, Copy, Debug)]
pub struct Cumsum {
    /// The axis.
    pub axis: isize,
    /// Whether to sum from the back.
    pub reverse: bool,
}

impl Rule for Cumsum {
    fn name(&self) -> &'static str {
        "cumsum"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        resolve_axis(self.axis, operands[0].len())?;
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let axis = resolve_axis(self.axis, out.shape().len()).expect("an accepted axis");
        kernel::cumulate(operands[0], axis, self.reverse, out.elements());
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let other = Self { reverse: !self.reverse, ..*self };
        call.contributions([&|| T::apply(other, &[cotangent])])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(Self { axis: axis_behind(self.axis), ..*self })
    }
    fn settings(&self) -> Attributes {
        vec![("axis", self.axis.into()), ("reverse", self.reverse.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        let from = if self.reverse { " from the back" } else { "" };
        Formula::call("cumsum", operands, &format!("axis {}{from}", self.axis))
    }
}

impl Cases for Cumsum {
    fn examples() -> Vec<Example<Self>> {
        let cumsum = |axis, reverse| Self { axis, reverse };
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(cumsum(1, false), x()).gives([[1.0, -1.0, 3.0], [0.5, 3.5, 2.0]]),
            example(cumsum(0, true), x()).gives([[1.5, 1.0, 2.5], [0.5, 3.0, -1.5]]),
            example(cumsum(-1, true), samples(&[&[2, 3]])),
            example(cumsum(0, false), samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self { axis: 1, reverse: false }, &[&[3]], "axis 1 is out of range")]
    }
}
