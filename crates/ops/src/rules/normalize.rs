//! The variance, and normalisation by it: batch, layer, group and root-mean-square normalisation
//! are one rule.

use crate::ground::{Attributes, Axes, Formula, Problem, Shape, reduction_attributes};
use crate::kernel;
use crate::number::Float;
use crate::rule::batched::axes_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::rules::linear::{reduction_shape, show_reduction, spread};
use crate::rules::methods::{BinaryMethods, LinearMethods, UnaryMethods};
use crate::tensor::Tensor;

/// The variance over axes, y = Σ (x − mean x)²/(n − c), of n numbers; x̄ = ȳ·2(x − mean x)/(n − c).
#[derive(Clone, Debug)]
pub struct Variance {
    /// The axes over which it is taken; they are removed.
    pub axes: Axes,
    /// c: 0 for the variance of these numbers, 1 for the unbiased estimate from a sample.
    pub correction: f64,
}

impl Variance {
    /// n − c, for operands of shape `from` and results of shape `to`.
    pub(super) fn degrees(&self, from: &[usize], to: &[usize]) -> f64 {
        let (from, to): (usize, usize) = (from.iter().product(), to.iter().product());
        from as f64 / to as f64 - self.correction
    }

    /// The axes and the correction, as they stand in formulas.
    pub(super) fn settings_text(&self) -> String {
        let axes = show_reduction(&self.axes, false);
        let comma = if axes.is_empty() { "" } else { ", " };
        format!("{axes}{comma}correction {}", self.correction)
    }

    /// dy/dx: 2(x − mean x)/(n − c).
    fn slope<T: Reading>(&self, x: &T, y: &T) -> T {
        let centred = x.sub(x.mean_keepdims(self.axes.clone()));
        centred.scale(2.0 / self.degrees(&x.shape(), &y.shape()))
    }
}

impl Rule for Variance {
    fn name(&self) -> &'static str {
        "var"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        let shape = reduction_shape(operands, &self.axes, false)?;
        let axes = self.axes.resolve(operands[0].len())?;
        let count = axes.iter().map(|&axis| operands[0][axis]).product();
        let empty = axes.iter().find(|&&axis| operands[0][axis] == 0);
        match empty {
            Some(&axis) if self.correction < 0.0 => {
                Err(Problem::EmptyReduction { axis, of: "variance" })
            }
            _ if count as f64 > self.correction => Ok(shape),
            _ => Err(Problem::DegreesOfFreedom { count, correction: self.correction }),
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let axes = self.axes.resolve(operands[0].ndim()).expect("axes that the rule has accepted");
        let value = kernel::variance(operands[0], &axes, self.correction, out.shape());
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let slope = self.slope(call.operands[0], call.output);
            spread(cotangent, &self.axes, false, &slope.shape()).mul(slope)
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Reduction(self.axes.clone(), false)
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let x = operands[0];
        let centred = x.sub(x.mean_keepdims(self.axes.clone()));
        let sum = centred.square().sum_axes(self.axes.clone());
        Some(sum.scale(self.degrees(&x.shape(), &sum.shape()).recip()))
    }
    fn batched(&self, _: usize, operands: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let axes = axes_behind(&self.axes, operands[0].len()).ok()?;
        Batched::repeated(Self { axes, ..self.clone() })
    }
    fn settings(&self) -> Attributes {
        let mut attributes = reduction_attributes(&self.axes, false);
        attributes.push(("correction", self.correction.into()));
        attributes
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &self.settings_text())
    }
}

/// Normalisation over axes: y = (x − mean x)/σ, σ = √(var x + ε), the variance being that of these
/// n numbers (over n); or, uncentred, y = x/σ, σ = √(mean x² + ε).
///
/// Either way y is n times the gradient of σ, so its derivative is a symmetric matrix, and the same
/// forwards and in reverse: [`NormalizeSlope`]. Ioffe & Szegedy, 2015, give it for batch
/// normalisation.
#[derive(Clone, Debug)]
pub struct Normalize {
    /// The axes over which mean and variance are taken.
    pub axes: Axes,
    /// ε, added to the variance.
    pub epsilon: f64,
    /// Whether the mean is subtracted.
    pub centred: bool,
}

/// The derivative of [`Normalize`] at x, times v: (v − mean v − y·mean(v·y))/σ, without `mean v` if
/// uncentred.
#[derive(Clone, Debug)]
pub struct NormalizeSlope(pub Normalize);

impl Normalize {
    fn mean<T: Reading>(&self, x: &T) -> T {
        x.mean_keepdims(self.axes.clone())
    }

    /// 1/σ.
    fn inverse_deviation<T: Reading>(&self, x: &T) -> T {
        let centred = if self.centred { x.sub(self.mean(x)) } else { x.clone() };
        let variance = self.mean(&centred.square());
        variance.add(variance.scalar(self.epsilon)).rsqrt()
    }

    /// The second derivative at x along v and w, `slope` being the first along v:
    /// −(y·mean(w·s) + s·mean(w·y) + r·mean(v·y))/σ with the slopes s along v and r along w.
    fn curvature<T: Reading>(&self, x: &T, v: &T, w: &T, slope: &T) -> T {
        let y = T::apply(self.clone(), &[x]);
        let slope_w = T::apply(NormalizeSlope(self.clone()), &[x, w]);
        let terms = y
            .mul(self.mean(&w.mul(slope)))
            .add(slope.mul(self.mean(&w.mul(&y))))
            .add(slope_w.mul(self.mean(&v.mul(&y))));
        terms.mul(self.inverse_deviation(x)).neg()
    }

    /// The settings as the kernel takes them.
    fn resolved<A: Float>(&self, x: &Tensor<A>) -> kernel::Normalization {
        let axes = self.axes.resolve(x.ndim()).expect("axes that the rule has accepted");
        kernel::Normalization { axes, epsilon: self.epsilon, centred: self.centred }
    }

    fn settings_text(&self) -> String {
        let kind = if self.centred { "" } else { ", uncentred" };
        format!("{}, ε {}{kind}", show_reduction(&self.axes, false), self.epsilon)
    }
}

impl Rule for Normalize {
    fn name(&self) -> &'static str {
        "normalize"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let axes = self.axes.resolve(operands[0].len())?;
        match axes.iter().find(|&&axis| operands[0][axis] == 0) {
            Some(&axis) => Err(Problem::EmptyReduction { axis, of: "normalisation" }),
            None => Ok(Shape::from_slice(operands[0])),
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let value = kernel::normalize(operands[0], &self.resolved(operands[0]));
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let slope = || T::apply(NormalizeSlope(self.clone()), &[call.operands[0], cotangent]);
        call.contributions([&slope])
    }
    fn family(&self) -> Family<'_> {
        Family::Symmetric
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let x = operands[0];
        let centred = if self.centred { x.sub(self.mean(x)) } else { x.clone() };
        Some(centred.mul(self.inverse_deviation(x)))
    }
    fn batched(&self, _: usize, operands: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let axes = axes_behind(&self.axes, operands[0].len()).ok()?;
        Batched::repeated(Self { axes, ..self.clone() })
    }
    fn settings(&self) -> Attributes {
        let mut attributes = reduction_attributes(&self.axes, true);
        attributes.extend([("epsilon", self.epsilon.into()), ("centred", self.centred.into())]);
        attributes
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &self.settings_text())
    }
}

impl Rule for NormalizeSlope {
    fn name(&self) -> &'static str {
        "normalize_slope"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let shape = self.0.shape(&operands[..1])?;
        if operands[1] == &shape[..] {
            Ok(shape)
        } else {
            Err(Problem::OperandShape { operand: 2, expected: shape, of: "that of operand 1" })
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let value =
            kernel::normalize_slope(operands[0], operands[1], &self.0.resolved(operands[0]));
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let (x, v) = (call.operands[0], call.operands[1]);
        call.contributions([&|| self.0.curvature(x, v, cotangent, call.output), &|| {
            T::apply(self.clone(), &[x, cotangent])
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Symmetric
    }
    fn batched(&self, _: usize, operands: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let axes = axes_behind(&self.0.axes, operands[0].len()).ok()?;
        Batched::repeated(Self(Normalize { axes, ..self.0.clone() }))
    }
    fn settings(&self) -> Attributes {
        Rule::settings(&self.0)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &self.0.settings_text())
    }
}

/// (1, 2, 4, 5) has mean 3 and variance 2.5, mean square 11.5.
fn row() -> Tensor<f64> {
    Tensor::from([[1.0, 2.0, 4.0, 5.0]])
}

fn normalize(axes: impl Into<Axes>, epsilon: f64, centred: bool) -> Normalize {
    Normalize { axes: axes.into(), epsilon, centred }
}

impl Cases for Variance {
    fn examples() -> Vec<Example<Self>> {
        let variance = |axes: Axes, correction| Self { axes, correction };
        vec![
            example(variance(1.into(), 0.0), [row()]).gives([2.5]),
            example(variance(Axes::ALL, 1.0), [row()]).gives(10.0 / 3.0),
            example(variance(0.into(), 1.0), samples(&[&[3, 2]])),
            example(variance([0, 2].into(), 0.0), samples(&[&[2, 3, 2]])),
            example(variance(1.into(), 0.0), samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let variance = |axes: Axes| Self { axes, correction: 1.0 };
        vec![
            refusal(variance(2.into()), &[&[2, 3]], "axis 2 is out of range"),
            refusal(variance(1.into()), &[&[2, 1]], "1 number with a correction of 1 leaves 0"),
        ]
    }
}

impl Cases for Normalize {
    fn examples() -> Vec<Example<Self>> {
        let half = 12.0_f64.sqrt().recip();
        vec![
            // σ² = 2.5 + 1.5 = 4.
            example(normalize(1, 1.5, true), [row()]).gives([[-1.0, -0.5, 0.5, 1.0]]),
            // σ² = 11.5 + 0.5 = 12.
            example(normalize(-1, 0.5, false), [row()]).gives([[
                half,
                2.0 * half,
                4.0 * half,
                5.0 * half,
            ]]),
            example(normalize([0, 2], 1e-2, true), samples(&[&[2, 3, 2]])),
            example(normalize(0, 1e-2, true), samples(&[&[3, 2]])),
            example(normalize(1, 1e-2, false), samples(&[&[2, 3, 2]])),
            example(normalize([1, 2], 1e-2, true), samples(&[&[2, 3, 3]])),
            example(normalize(.., 1e-2, true), samples(&[&[3]])),
            example(normalize(1, 1.0, true), samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(normalize(2, 1.0, true), &[&[2, 3]], "axis 2 is out of range"),
            refusal(
                normalize(0, 1.0, true),
                &[&[0, 3]],
                "the normalisation of no elements is undefined",
            ),
        ]
    }
}

impl Cases for NormalizeSlope {
    fn examples() -> Vec<Example<Self>> {
        let slope = |axes: Axes, epsilon, centred| Self(normalize(axes, epsilon, centred));
        vec![
            // y = (−1, −½, ½, 1) and σ = 2: v − 1 − y·mean(v·y), halved, with mean(v·y) = −1.
            example(slope(1.into(), 1.5, true), [row(), Tensor::from([[4.0, 0.0, 0.0, 0.0]])])
                .gives([[1.0, -0.75, -0.25, 0.0]]),
            example(slope([0, 2].into(), 1e-1, true), samples(&[&[2, 2, 2], &[2, 2, 2]])),
            example(slope(0.into(), 1e-1, true), samples(&[&[3, 2], &[3, 2]])),
            example(slope((-1).into(), 1e-1, false), samples(&[&[2, 3], &[2, 3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let slope = Self(normalize(0, 1.0, true));
        vec![refusal(slope, &[&[2, 3], &[2]], "operand 2 should have the shape [2, 3]")]
    }
}

/// The methods of normalisation, for every reading of tensors.
pub trait NormalizeMethods: Reading {
    /// (x − mean)/√(var + ε) over `axes`.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    /// let x = Tensor::from([1.0, 2.0, 4.0, 5.0]);
    /// assert_eq!(x.normalize(0, 1.5), Tensor::from([-1.0, -0.5, 0.5, 1.0]));
    /// ```
    #[track_caller]
    fn normalize(&self, axes: impl Into<Axes>, epsilon: f64) -> Self {
        Self::apply(normalize(axes, epsilon, true), &[self])
    }
    /// x/√(mean x² + ε) over `axes`.
    ///
    /// # Panics
    /// If an axis does not exist or is empty.
    #[track_caller]
    fn rms_normalize(&self, axes: impl Into<Axes>, epsilon: f64) -> Self {
        Self::apply(normalize(axes, epsilon, false), &[self])
    }
}
impl<T: Reading> NormalizeMethods for T {}
