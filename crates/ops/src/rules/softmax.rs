//! Softmax and its kin: compositions that get a rule of their own because the composed form
//! overflows or hides a simple gradient. Forward mode is the composition read with dual numbers,
//! which is also what their gradients are tested against.

use std::borrow::Borrow;
use std::sync::Arc;

use crate::ground::{Attributes, Formula, Problem, Shape, resolve_axis, show};
use crate::kernel;
use crate::number::Float;
use crate::readings::composite_jvp;
use crate::rule::{
    Call, Cases, Contributions, Example, Reading, Refusal, Rule, arity, example, refusal, sample,
    samples,
};
use crate::rules::linear::{labelled_rows, show_reduction};
use crate::rules::methods::{
    BinaryMethods, LayoutMethods, LinearMethods, ReduceMethods, UnaryMethods,
};
use crate::tensor::Tensor;

/// ln Σ e^x along `axis`, which stays with length 1: the largest element is taken out first, so
/// that nothing overflows.
fn log_sum_exp<T: Reading>(x: &T, axis: isize) -> T {
    let most = x.max_keepdims(axis);
    most.add(x.sub(&most).exp().sum_keepdims(axis).ln())
}

/// The shape of a softmax: that of its operand, which must have something along the axis.
fn softmax_shape(operands: &[&[usize]], axis: isize) -> Result<Shape, Problem> {
    arity(1, operands)?;
    let resolved = resolve_axis(axis, operands[0].len())?;
    if operands[0][resolved] == 0 {
        return Err(Problem::EmptyReduction { axis: resolved, of: "softmax" });
    }
    Ok(Shape::from_slice(operands[0]))
}

/// The parts that are the same for every composite rule: value and forward mode are readings of
/// its `compose`.
macro_rules! composite {
    () => {
        fn forward<A: Float>(&self, operands: &[&Tensor<A>], _shape: &[usize]) -> Tensor<A> {
            self.compose(operands)
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
    };
}

/// Softmax along an axis: yᵢ = e^xᵢ / Σⱼ e^xⱼ, x̄ = y·(ȳ − Σ ȳ·y).
#[derive(Clone, Copy, Debug)]
pub struct Softmax {
    /// The axis along which the results sum to 1.
    pub axis: isize,
}

impl Softmax {
    fn compose<T: Reading>(self, operands: &[&T]) -> T {
        let x = operands[0];
        let e = x.sub(x.max_keepdims(self.axis)).exp();
        e.div(e.sum_keepdims(self.axis))
    }
}

impl Rule for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        softmax_shape(operands, self.axis)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let y = call.output;
        call.contributions([&|| y.mul(cotangent.sub(cotangent.mul(y).sum_keepdims(self.axis)))])
    }
    composite!();
    fn attributes(&self) -> Attributes {
        vec![("axis", self.axis.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("softmax", operands, &show_reduction(&self.axis.into(), false))
    }
}

/// The probabilities e^x / Σ e^x of x = (0.5, −1, 2), from an independent program.
const SOFTMAX_OF_SAMPLE: [f64; 3] = [0.1752903921400367, 0.03911257327068745, 0.7855970345892759];
const SAMPLE: [f64; 3] = [0.5, -1.0, 2.0];

impl Cases for Softmax {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self { axis: -1 }, [Tensor::from(SAMPLE)]).gives(SOFTMAX_OF_SAMPLE),
            example(Self { axis: 0 }, [Tensor::from([1000.0, -1000.0])]).gives([1.0, 0.0]),
            example(Self { axis: 1 }, samples(&[&[2, 3]])),
            example(Self { axis: 0 }, samples(&[&[2, 3]])),
            example(Self { axis: 1 }, samples(&[&[2, 1]])),
            example(Self { axis: 1 }, samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self { axis: 1 }, &[&[3]], "axis 1 is out of range"),
            refusal(Self { axis: 0 }, &[&[]], "a scalar has no axes"),
            refusal(Self { axis: 0 }, &[&[0, 2]], "the softmax of no elements is undefined"),
        ]
    }
}

/// Logarithm of the softmax along an axis: yᵢ = xᵢ − ln Σⱼ e^xⱼ, x̄ = ȳ − e^y·Σ ȳ.
#[derive(Clone, Copy, Debug)]
pub struct LogSoftmax {
    /// The axis along which the exponentials of the results sum to 1.
    pub axis: isize,
}

impl LogSoftmax {
    fn compose<T: Reading>(self, operands: &[&T]) -> T {
        operands[0].sub(log_sum_exp(operands[0], self.axis))
    }
}

impl Rule for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        softmax_shape(operands, self.axis)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            cotangent.sub(call.output.exp().mul(cotangent.sum_keepdims(self.axis)))
        }])
    }
    composite!();
    fn attributes(&self) -> Attributes {
        vec![("axis", self.axis.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("log_softmax", operands, &show_reduction(&self.axis.into(), false))
    }
}

impl Cases for LogSoftmax {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self { axis: -1 }, [Tensor::from(SAMPLE)])
                .gives(SOFTMAX_OF_SAMPLE.map(f64::ln)),
            example(Self { axis: 0 }, [Tensor::from([1e4, -1e4, 0.0])]).gives([0.0, -2e4, -1e4]),
            example(Self { axis: 1 }, samples(&[&[2, 3]])),
            example(Self { axis: 0 }, samples(&[&[2, 3]])),
            example(Self { axis: 0 }, samples(&[&[1]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(
            Self { axis: -2 },
            &[&[3]],
            "axis -2 is out of range: there is 1 axis, so 0 or −1",
        )]
    }
}

/// Cross-entropy of logits x against target probabilities p, for each lane of the last axis:
/// y = Σ p·(ln Σ e^x − x). x̄ = ȳ·(softmax(x)·Σp − p), p̄ = −ȳ·ln softmax(x).
#[derive(Clone, Copy, Debug)]
pub struct SoftmaxCrossEntropy;

impl SoftmaxCrossEntropy {
    #[allow(clippy::unused_self)] // `composite!` calls it as a method.
    fn compose<T: Reading>(self, operands: &[&T]) -> T {
        let (x, p) = (operands[0], operands[1]);
        p.mul(log_sum_exp(x, -1).sub(x)).sum_axes(-1)
    }
}

impl Rule for SoftmaxCrossEntropy {
    fn name(&self) -> &'static str {
        "softmax_cross_entropy"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let mut shape = softmax_shape(&operands[..1], -1)?;
        if operands[1] != operands[0] {
            return Err(Problem::SameShape { operand: 2, first: shape });
        }
        shape.pop();
        Ok(shape)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let (x, p) = (call.operands[0], call.operands[1]);
        let cotangent = &cotangent.expand_dims(-1);
        call.contributions([
            &|| cotangent.mul(x.softmax(-1).mul(p.sum_keepdims(-1)).sub(p)),
            &|| cotangent.mul(x.log_softmax(-1).neg()),
        ])
    }
    composite!();
}

impl Cases for SoftmaxCrossEntropy {
    fn examples() -> Vec<Example<Self>> {
        let (x, p) = (Tensor::from(SAMPLE), Tensor::from([0.25, 0.25, 0.5]));
        vec![
            example(Self, [x, p]).gives(1.3663112966571571),
            example(Self, [Tensor::from([1e4, -1e4]), Tensor::from([0.0, 1.0])]).gives(2e4),
            example(Self, samples(&[&[2, 3], &[2, 3]])),
            example(Self, samples(&[&[2, 2, 1], &[2, 2, 1]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self, &[&[2, 3], &[3]], "operand 2 should have the shape [2, 3] of the first")]
    }
}

/// Cross-entropy of logits x against one class label a lane of the last axis:
/// y = ln Σ e^x − xₗ, l the label. x̄ = ȳ·(softmax(x) − one-hot(l)).
#[derive(Clone, Debug)]
pub struct SparseSoftmaxCrossEntropy {
    /// For each lane, in order, the index of its class.
    pub labels: Arc<[usize]>,
}

impl SparseSoftmaxCrossEntropy {
    fn compose<T: Reading>(&self, operands: &[&T]) -> T {
        let x = operands[0];
        log_sum_exp(x, -1).sum_axes(-1).sub(x.pick(&self.labels))
    }
}

impl Rule for SparseSoftmaxCrossEntropy {
    fn name(&self) -> &'static str {
        "sparse_softmax_cross_entropy"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        softmax_shape(operands, -1)?;
        labelled_rows(operands[0], &self.labels)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x = call.operands[0];
        call.contributions([&|| {
            let columns = *x.shape().last().expect("logits with lanes");
            let place = super::Place { indices: self.labels.clone(), columns };
            cotangent.expand_dims(-1).mul(x.softmax(-1)).sub(T::apply(place, &[cotangent]))
        }])
    }
    composite!();
    fn attributes(&self) -> Attributes {
        vec![("labels", self.labels[..].into())]
    }
}

impl Cases for SparseSoftmaxCrossEntropy {
    fn examples() -> Vec<Example<Self>> {
        let labels = |labels: &[usize]| Self { labels: labels.into() };
        vec![
            example(labels(&[1]), [Tensor::from(SAMPLE)]).gives(-SOFTMAX_OF_SAMPLE[1].ln()),
            example(labels(&[0]), [Tensor::from([-1e4, 1e4])]).gives(2e4),
            example(labels(&[2, 0]), samples(&[&[2, 3]])),
            example(labels(&[0, 1, 1, 0]), samples(&[&[2, 2, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let labels = |labels: &[usize]| Self { labels: labels.into() };
        vec![
            refusal(labels(&[0]), &[&[2, 3]], "there are 1 labels for 2 rows"),
            refusal(
                labels(&[0, 3]),
                &[&[2, 3]],
                "index 3 (number 1 of the list) is out of range: axis 1 has length 3, so 0 to 2",
            ),
        ]
    }
}

/// For each label, a whole number, a row of zeros but for a 1 at its place. A label is read as the
/// nearest whole number, and nothing flows back to it: dy/dx = 0 everywhere.
#[derive(Clone, Copy, Debug)]
pub struct OneHot {
    /// The length of a row.
    pub classes: usize,
}

/// The labels as indices, or which of them is no class.
fn class_indices<A: Float>(
    labels: &Tensor<A>,
    classes: usize,
) -> impl Iterator<Item = Result<usize, Problem>> {
    let labels = kernel::ordered(labels);
    (0..labels.len()).map(move |position| {
        let label = labels[position];
        let class = label.to_f64().round();
        // A NaN is in no range.
        if (0.0..classes as f64).contains(&class) {
            return Ok(class as usize);
        }
        let allowed = match classes {
            0 => "there are none".to_owned(),
            n => format!("they are 0 to {}", n - 1),
        };
        Err(Problem::Other(format!("label {label} (number {position}) is no class: {allowed}")))
    })
}

impl Rule for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let mut shape = Shape::from_slice(operands[0]);
        shape.push(self.classes);
        Ok(shape)
    }
    forward_or_panic!();
    fn try_forward<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
    ) -> Result<Tensor<A>, Problem> {
        let mut rows = vec![A::zero(); shape.iter().product()];
        for (row, class) in class_indices(operands[0], self.classes).enumerate() {
            rows[row * self.classes + class?] = A::one();
        }
        Ok(Tensor::from_shape_vec(shape, rows).expect("a row for each label"))
    }
    fn forward_into<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), Problem> {
        let Some(rows) = out.elements_mut() else {
            *out = self.try_forward(operands, shape)?;
            return Ok(());
        };
        rows.fill(A::zero());
        for (row, class) in class_indices(operands[0], self.classes).enumerate() {
            rows[row * self.classes + class?] = A::one();
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, _call: &Call<'_, T>, _cotangent: &T) -> Contributions<T> {
        std::iter::once(None).collect()
    }
    fn jvp<T: Reading>(&self, _call: &Call<'_, T>, _tangents: &[Option<&T>]) -> Option<T> {
        None
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("one_hot", operands, &format!("classes {}", self.classes))
    }
    fn attributes(&self) -> Attributes {
        vec![("classes", self.classes.into())]
    }
}

impl Cases for OneHot {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self { classes: 3 }, [Tensor::from([2.0, 0.0])])
                .gives([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
            example(Self { classes: 2 }, [Tensor::from([[1.0, 0.0], [1.0, 1.0]])]),
            example(Self { classes: 2 }, [Tensor::scalar(1.0)]).gives([0.0, 1.0]),
            example(Self { classes: 2 }, samples(&[&[0]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let says = "label 0 (number 0) is no class: there are none";
        vec![refusal(Self { classes: 0 }, &[&[1]], says)]
    }
}

/// Cross-entropy of logits x against one label l a lane of the last axis, the labels being a
/// tensor of whole numbers: y = ln Σ e^x − xₗ. x̄ = ȳ·(softmax(x) − one-hot(l)).
///
/// [`SparseSoftmaxCrossEntropy`] holds its labels as a setting; here they are an operand, so that
/// what is recorded can be computed again with others.
#[derive(Clone, Copy, Debug)]
pub struct LabelCrossEntropy;

impl LabelCrossEntropy {
    #[allow(clippy::unused_self)] // `composite_jvp` reads it as the other rules' `compose`.
    fn compose<T: Reading>(self, operands: &[&T]) -> T {
        let (x, labels) = (operands[0], operands[1]);
        let here = labels.one_hot(x.length(-1));
        let picked = here.select(x, x.scalar(0.0)).sum_axes(-1);
        log_sum_exp(x, -1).sum_axes(-1).sub(picked)
    }
}

impl Rule for LabelCrossEntropy {
    fn name(&self) -> &'static str {
        "label_cross_entropy"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let mut shape = softmax_shape(&operands[..1], -1)?;
        shape.pop();
        if operands[1] == &shape[..] {
            return Ok(shape);
        }
        let text = "one label a row is needed, so labels of shape";
        Err(Problem::Other(format!("{text} {}, not {}", show(&shape), show(operands[1]))))
    }
    forward_or_panic!();
    fn try_forward<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        _shape: &[usize],
    ) -> Result<Tensor<A>, Problem> {
        // The same value as that of `compose`, without a row of a mask for each label.
        let (x, labels) = (operands[0], operands[1]);
        let labels = class_indices(labels, x.length(-1)).collect::<Result<_, _>>()?;
        Ok(SparseSoftmaxCrossEntropy { labels }.compose(&[x]))
    }
    // ANCHOR: p_minus_y
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let (x, labels) = (call.operands[0], call.operands[1]);
        let x_bar = || {
            let error = x.softmax(-1).sub(labels.one_hot(x.length(-1)));
            cotangent.expand_dims(-1).mul(error)
        };
        [call.wanted[0].then(x_bar), None].into_iter().collect()
    }
    // ANCHOR_END: p_minus_y
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        composite_jvp(call, tangents, |operands| self.compose(operands))
    }
    fn expand<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        Some(self.compose(operands))
    }
    fn is_composed(&self) -> bool {
        true
    }
}

impl Cases for LabelCrossEntropy {
    fn examples() -> Vec<Example<Self>> {
        let with = |shape: &[usize], labels: Tensor<f64>| vec![sample(shape, 0), labels];
        vec![
            example(Self, [Tensor::from(SAMPLE), Tensor::scalar(1.0)])
                .gives(-SOFTMAX_OF_SAMPLE[1].ln()),
            example(Self, [Tensor::from([-1e4, 1e4]), Tensor::scalar(0.0)]).gives(2e4),
            example(Self, with(&[2, 3], Tensor::from([2.0, 0.0]))),
            example(Self, with(&[2, 2, 2], Tensor::from([[0.0, 1.0], [1.0, 0.0]]))),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self, &[&[2, 3], &[3]], "so labels of shape [2], not [3]"),
            refusal(Self, &[&[2, 0], &[2]], "the softmax of no elements is undefined"),
        ]
    }
}

/// The methods of softmax and its kin, for every algebra of tensors.
pub trait SoftmaxMethods: Reading {
    /// Softmax along `axis`.
    ///
    /// # Panics
    /// If the axis does not exist or is empty.
    #[track_caller]
    fn softmax(&self, axis: isize) -> Self {
        Self::apply(Softmax { axis }, &[self])
    }
    /// Logarithm of the softmax along `axis`, finite where `softmax(…).ln()` is not.
    ///
    /// # Panics
    /// If the axis does not exist or is empty.
    #[track_caller]
    fn log_softmax(&self, axis: isize) -> Self {
        Self::apply(LogSoftmax { axis }, &[self])
    }
    /// Cross-entropy of these logits `[…, classes]` against target probabilities of the same
    /// shape: one number a lane, `[…]`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    fn softmax_cross_entropy(&self, targets: impl Borrow<Self>) -> Self {
        Self::apply(SoftmaxCrossEntropy, &[self, targets.borrow()])
    }
    /// Cross-entropy of these logits `[…, classes]` against one class label a lane: `[…]`.
    ///
    /// # Panics
    /// If there is not one label for each lane, or a label is not a class.
    #[track_caller]
    fn sparse_softmax_cross_entropy(&self, labels: &[usize]) -> Self {
        Self::apply(SparseSoftmaxCrossEntropy { labels: labels.into() }, &[self])
    }
    /// Cross-entropy of these logits `[…, classes]` against one label a lane: `[…]`, as are the
    /// labels, a tensor of whole numbers.
    ///
    /// # Panics
    /// If the shapes do not fit, or a label is not a class.
    #[track_caller]
    fn label_cross_entropy(&self, labels: impl Borrow<Self>) -> Self {
        Self::apply(LabelCrossEntropy, &[self, labels.borrow()])
    }
    /// For each of these labels, a row of zeros with a 1 at its place: `[…, classes]`.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    /// let labels = Tensor::from([1.0, 0.0]);
    /// assert_eq!(labels.one_hot(2), Tensor::from([[0.0, 1.0], [1.0, 0.0]]));
    /// ```
    ///
    /// # Panics
    /// If a label is not a class.
    #[track_caller]
    fn one_hot(&self, classes: usize) -> Self {
        Self::apply(OneHot { classes }, &[self])
    }
}
impl<T: Reading> SoftmaxMethods for T {}
