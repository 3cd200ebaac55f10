//! Reductions that are not linear.

use crate::ground::{Attributes, Axes, Formula, Problem, Shape, reduction_attributes};
use crate::kernel;
use crate::number::Float;
use crate::readings::composite_jvp;
use crate::rule::{
    Call, Cases, Contributions, Example, Reading, Refusal, Rule, example, refusal, samples,
};
use crate::rules::linear::{reduction_shape, show_reduction, spread};
use crate::rules::methods::{BinaryMethods, LinearMethods, UnaryMethods};
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
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let axes = self.axes.resolve(operands[0].ndim()).expect("axes that the rule has accepted");
        let Some((&last, rest)) = axes.split_last() else { return operands[0].clone() };
        let mut most = kernel::extreme_axis(&operands[0].view(), last, self.largest);
        for &axis in rest.iter().rev() {
            most = kernel::extreme_axis(&most.view(), axis, self.largest);
        }
        Tensor::from(most).reshape(shape)
    }
    fn forward_into<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), Problem> {
        let x = operands[0];
        let axes = self.axes.resolve(x.ndim())?;
        match (&axes[..], x.shape(), x.elements(), out.elements_mut()) {
            ([axis], [.., length], Some(x), Some(out)) if axis + 1 == operands[0].ndim() => {
                kernel::extreme_rows(x, *length, self.largest, out);
            }
            _ => *out = self.forward(operands, shape),
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x = call.operands[0];
        call.contributions([&|| {
            let spread = spread(cotangent, &self.axes, self.keepdims, &x.shape());
            spread.mul(self.shares(x, call.output))
        }])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        let weighted = self.shares(call.operands[0], call.output).mul(tangents[0]?);
        Some(T::apply(
            super::Sum { axes: self.axes.clone(), keepdims: self.keepdims },
            &[&weighted],
        ))
    }
    fn attributes(&self) -> Attributes {
        let mut attributes = reduction_attributes(&self.axes, self.keepdims);
        attributes.push(("largest", self.largest.into()));
        attributes
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &show_reduction(&self.axes, self.keepdims))
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

/// ln Σ eˣ over axes, without overflow: x̄ = ȳ·e^(x − y).
#[derive(Clone, Debug)]
pub struct LogSumExp {
    /// The axes that are summed over.
    pub axes: Axes,
    /// Whether they stay, with length 1.
    pub keepdims: bool,
}

impl LogSumExp {
    fn compose<T: Reading>(&self, operands: &[&T]) -> T {
        let x = operands[0];
        let most = x.max_keepdims(self.axes.clone());
        let kept = x.sub(&most).exp().sum_keepdims(self.axes.clone()).ln().add(&most);
        if self.keepdims { kept } else { kept.sum_axes(self.axes.clone()) }
    }
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
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], _shape: &[usize]) -> Tensor<A> {
        self.compose(operands)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x = call.operands[0];
        let spread = |v: &T| spread(v, &self.axes, self.keepdims, &x.shape());
        call.contributions([&|| spread(cotangent).mul(x.sub(spread(call.output)).exp())])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        composite_jvp(call, tangents, |operands| self.compose(operands))
    }
    fn expand<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        Some(self.compose(operands))
    }
    fn is_composed(&self) -> bool {
        true
    }
    fn attributes(&self) -> Attributes {
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

/// Euclidean norm over axes: y = √Σx², x̄ = ȳ·x/y, taken as 0 where y = 0.
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
        let y = spread(y, &self.axes, self.keepdims, &x.shape());
        x.div(y.equal(y.scalar(0.0)).add(&y))
    }
}

impl Rule for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        reduction_shape(operands, &self.axes, self.keepdims)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], _shape: &[usize]) -> Tensor<A> {
        let sum = super::Sum { axes: self.axes.clone(), keepdims: self.keepdims };
        Tensor::apply(sum, &[&operands[0].square()]).sqrt()
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x = call.operands[0];
        let spread = || spread(cotangent, &self.axes, self.keepdims, &x.shape());
        call.contributions([&|| spread().mul(self.direction(x, call.output))])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        let along = self.direction(call.operands[0], call.output).mul(tangents[0]?);
        Some(T::apply(super::Sum { axes: self.axes.clone(), keepdims: self.keepdims }, &[&along]))
    }
    fn attributes(&self) -> Attributes {
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

/// The methods of the reductions that are not linear, for every algebra of tensors.
pub trait ReduceMethods: Reading {
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
        Self::apply(Extreme { largest: true, axes: axes.into(), keepdims: false }, &[self])
    }
    /// Maximum over `axes`, which stay with length 1.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    #[track_caller]
    fn max_keepdims(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Extreme { largest: true, axes: axes.into(), keepdims: true }, &[self])
    }
    /// The smallest element, a scalar.
    ///
    /// # Panics
    /// If there are no elements.
    #[track_caller]
    fn min(&self) -> Self {
        self.min_axes(..)
    }
    /// Minimum over `axes`, which are removed.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    #[track_caller]
    fn min_axes(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Extreme { largest: false, axes: axes.into(), keepdims: false }, &[self])
    }
    /// ln Σ eˣ over `axes`, which are removed, without overflow.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    #[track_caller]
    fn logsumexp(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(LogSumExp { axes: axes.into(), keepdims: false }, &[self])
    }
    /// Euclidean norm over `axes`, which are removed; its gradient at 0 is 0.
    ///
    /// # Panics
    /// If an axis does not exist.
    #[track_caller]
    fn norm(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Norm { axes: axes.into(), keepdims: false }, &[self])
    }
}
impl<T: Reading> ReduceMethods for T {}
