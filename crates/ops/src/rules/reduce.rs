//! Reductions that are not linear.

use crate::algebra::Algebra;
use crate::declare::{Declare, Example, Refusal, example, refusal};
use crate::error::Problem;
use crate::float::Float;
use crate::formula::Formula;
use crate::kernel;
use crate::methods::{BinaryMethods, LinearMethods};
use crate::registry::samples;
use crate::rule::{Call, Contributions, Rule};
use crate::rules::linear::{reduction_shape, show_reduction, spread};
use crate::shape::{Axes, Shape};
use crate::tensor::Tensor;

/// Maximum over axes. Its gradient goes to the largest element; elements that tie share it
/// equally.
#[derive(Clone, Debug)]
pub struct Max {
    /// The axes over which the maximum is taken.
    pub axes: Axes,
    /// Whether they stay, with length 1.
    pub keepdims: bool,
}

impl Max {
    /// For each element, its share in the maximum: 1 over the number of elements that attain it,
    /// or 0.
    fn shares<T: Algebra>(&self, x: &T, y: &T) -> T {
        let hit = x.equal(spread(y, &self.axes, self.keepdims, &x.shape()));
        hit.div(hit.sum_keepdims(self.axes.clone()))
    }
}

impl Rule for Max {
    fn name(&self) -> &'static str {
        "max"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        let shape = reduction_shape(operands, &self.axes, self.keepdims)?;
        let axes = self.axes.resolve(operands[0].len())?;
        match axes.iter().find(|&&axis| operands[0][axis] == 0) {
            Some(&axis) => Err(Problem::EmptyReduction { axis, of: "maximum" }),
            None => Ok(shape),
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let axes = self.axes.resolve(operands[0].ndim()).expect("axes that the rule has accepted");
        let Some((&last, rest)) = axes.split_last() else { return operands[0].clone() };
        let mut most = kernel::max_axis(&operands[0].view(), last);
        for &axis in rest.iter().rev() {
            most = kernel::max_axis(&most.view(), axis);
        }
        Tensor::from(most).reshape(shape)
    }
    fn vjp<T: Algebra>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x = call.operands[0];
        call.contributions([&|| {
            let spread = spread(cotangent, &self.axes, self.keepdims, &x.shape());
            spread.mul(self.shares(x, call.output))
        }])
    }
    fn jvp<T: Algebra>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        let weighted = self.shares(call.operands[0], call.output).mul(tangents[0]?);
        Some(T::apply(
            super::Sum { axes: self.axes.clone(), keepdims: self.keepdims },
            &[&weighted],
        ))
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("max", operands, &show_reduction(&self.axes, self.keepdims))
    }
}

impl Declare for Max {
    fn examples() -> Vec<Example<Self>> {
        let max = |axes: Axes, keepdims| Self { axes, keepdims };
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(max(Axes::ALL, false), x()).gives(4.0),
            example(max(0.into(), false), x()).gives([1.0, 3.0, 4.0]),
            example(max((-1).into(), true), x()).gives([[4.0], [3.0]]),
            example(max([0, 2].into(), false), samples(&[&[2, 3, 2]])),
            example(max(Axes::ALL, false), samples(&[&[]])),
            example(max(1.into(), false), samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let max = |axes: Axes| Self { axes, keepdims: false };
        vec![
            refusal(max(0.into()), &[&[0, 3]], "the maximum of no elements is undefined"),
            refusal(max(2.into()), &[&[2, 3]], "axis 2 is out of range"),
        ]
    }
}

/// The methods of the reductions that are not linear, for every algebra of tensors.
pub trait ReduceMethods: Algebra {
    /// The largest element, a scalar.
    ///
    /// # Panics
    /// If there are no elements.
    #[track_caller]
    fn max(&self) -> Self {
        self.max_axes(..)
    }
    /// Maximum over `axes`, which are removed.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    #[track_caller]
    fn max_axes(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Max { axes: axes.into(), keepdims: false }, &[self])
    }
    /// Maximum over `axes`, which stay with length 1.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    #[track_caller]
    fn max_keepdims(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Max { axes: axes.into(), keepdims: true }, &[self])
    }
}
impl<T: Algebra> ReduceMethods for T {}
