//! Linear rules. Each is its own forward mode, and the gradient of each is its adjoint.
//!
//! | rule | adjoint |
//! |---|---|
//! | sum, mean | broadcast (of a multiple) |
//! | broadcast_to | sum, which the engine does wherever an operand was stretched |
//! | reshape | reshape back |
//! | permute | the inverse permutation |
//! | slice | slice_adjoint: zeros with the slice put in its place |
//! | concat | slices |
//! | index_select (gather) | index_add (scatter-add) |
//! | pick (one element a row) | place |

use std::borrow::Borrow;
use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewMutD, Axis, IxDyn, SliceInfoElem};
use smallvec::SmallVec;

use crate::ground::memory;
use crate::ground::{
    Attributes, Axes, Formula, Notation, Problem, Shape, reduced, reduction_attributes,
    resolve_axis, stretched_axes,
};
use crate::kernel;
use crate::number::Float;
use crate::rule::{
    Call, Cases, Contributions, Example, Reading, Refusal, Rule, arity, example, linear_jvp,
    refusal, samples,
};
use crate::rules::methods::BinaryMethods;
use crate::tensor::Tensor;

/// The parts of a [`Rule`] that all linear rules share: forward mode is the rule itself.
macro_rules! linear {
    () => {
        fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
            linear_jvp(self, call, tangents)
        }
    };
}

/// Settings of a reduction as they stand in a formula: `axes 0, 1`, `axes 0 kept`, or nothing.
pub(crate) fn show_reduction(axes: &Axes, keepdims: bool) -> String {
    match (*axes == Axes::ALL, keepdims) {
        (true, false) => String::new(),
        (_, false) => format!("axes {axes}"),
        (_, true) => format!("axes {axes} kept"),
    }
}

/// The cotangent of a reduction, back in the shape of its operand.
pub(crate) fn spread<T: Reading>(value: &T, axes: &Axes, keepdims: bool, to: &[usize]) -> T {
    let axes = axes.resolve(to.len()).expect("axes that the rule has accepted");
    let kept = reduced(to, &axes, true);
    let shape = value.shape();
    // Broadcasting puts axes of length one in front by itself.
    let in_place =
        kept.ends_with(&shape) && kept[..kept.len() - shape.len()].iter().all(|&n| n == 1);
    if keepdims || in_place {
        return value.clone().stretch_to(to);
    }
    value.reshape(&kept[..]).stretch_to(to)
}

/// The shape of a reduction.
pub(crate) fn reduction_shape(
    operands: &[&[usize]],
    axes: &Axes,
    keepdims: bool,
) -> Result<Shape, Problem> {
    arity(1, operands)?;
    Ok(reduced(operands[0], &axes.resolve(operands[0].len())?, keepdims))
}

/// The value itself: y = x. It gives a value a second node of its own, with respect to which
/// derivatives can be taken apart from the first.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl Rule for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], _shape: &[usize]) -> Tensor<A> {
        operands[0].clone()
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| cotangent.clone()])
    }
    linear!();
}

impl Cases for Identity {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self, [Tensor::from([1.5, -2.0])]).gives([1.5, -2.0]),
            example(Self, samples(&[&[]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self, &[&[2], &[2]], "takes 1 operand(s) but was given 2")]
    }
}

/// Sum over axes: y = Σ x.
#[derive(Clone, Debug)]
pub struct Sum {
    /// The axes that are summed over.
    pub axes: Axes,
    /// Whether they stay, with length 1.
    pub keepdims: bool,
}

impl Rule for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        reduction_shape(operands, &self.axes, self.keepdims)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let x = operands[0];
        let axes = self.axes.resolve(x.ndim()).expect("axes that the rule has accepted");
        if axes.len() == x.ndim() {
            return Tensor::full(shape, kernel::sum(x));
        }
        if axes.is_empty() { x.clone() } else { kernel::sum_axes(x, &axes, shape) }
    }
    fn forward_into<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), Problem> {
        let x = operands[0];
        let axes = self.axes.resolve(x.ndim()).expect("axes that the rule has accepted");
        if axes.len() == x.ndim() {
            out.view_mut().fill(kernel::sum(x));
        } else if axes.is_empty() {
            *out = self.forward(operands, shape);
        } else {
            kernel::sum_axes_into(x, &axes, out);
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let spread = || spread(cotangent, &self.axes, self.keepdims, &call.operands[0].shape());
        call.contributions([&spread])
    }
    linear!();
    fn attributes(&self) -> Attributes {
        reduction_attributes(&self.axes, self.keepdims)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("sum", operands, &show_reduction(&self.axes, self.keepdims))
    }
}

impl Cases for Sum {
    fn examples() -> Vec<Example<Self>> {
        let sum = |axes: Axes, keepdims| Self { axes, keepdims };
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(sum(Axes::ALL, false), x()).gives(5.0),
            example(sum(0.into(), false), x()).gives([1.5, 1.0, 2.5]),
            example(sum((-1).into(), true), x()).gives([[3.0], [2.0]]),
            example(sum([0, 2].into(), false), samples(&[&[2, 3, 2]])),
            example(sum(Axes::ALL, true), samples(&[&[2, 2]])),
            example(sum(Axes::ALL, false), samples(&[&[]])),
            example(sum(0.into(), false), samples(&[&[0, 2]])).gives([0.0, 0.0]),
            example(sum(1.into(), false), samples(&[&[1, 1]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let sum = |axes: Axes| Self { axes, keepdims: false };
        vec![
            refusal(
                sum(2.into()),
                &[&[2, 3]],
                "axis 2 is out of range: there are 2 axes, so 0 to 1",
            ),
            refusal(sum([0, -2].into()), &[&[2, 3]], "axis -2 is named twice"),
            refusal(sum(0.into()), &[&[]], "a scalar has no axes"),
        ]
    }
}

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

    fn sum(&self) -> Sum {
        Sum { axes: self.axes.clone(), keepdims: self.keepdims }
    }

    /// Makes the mean of the sum over a tensor of shape `from`.
    fn divide<A: Float>(sum: &mut Tensor<A>, from: &[usize]) {
        let weight = A::from_f64(Self::weight(from, sum.shape()).recip());
        sum.view_mut().mapv_inplace(|x| x / weight);
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
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let mut sum = self.sum().forward(operands, shape);
        Self::divide(&mut sum, operands[0].shape());
        sum
    }
    fn forward_into<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), Problem> {
        self.sum().forward_into(operands, shape, out)?;
        Self::divide(out, operands[0].shape());
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let shape = call.operands[0].shape();
            let share = cotangent.scale(Self::weight(&shape, &cotangent.shape()));
            spread(&share, &self.axes, self.keepdims, &shape)
        }])
    }
    linear!();
    fn attributes(&self) -> Attributes {
        reduction_attributes(&self.axes, self.keepdims)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("mean", operands, &show_reduction(&self.axes, self.keepdims))
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

/// Repetition along new axes and axes of length 1, to a given shape.
#[derive(Clone, Debug)]
pub struct BroadcastTo {
    /// The shape of the result.
    pub shape: Shape,
}

impl Rule for BroadcastTo {
    fn name(&self) -> &'static str {
        "broadcast_to"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let fits = operands[0].len() <= self.shape.len()
            && operands[0]
                .iter()
                .rev()
                .zip(self.shape.iter().rev())
                .all(|(&x, &to)| x == to || x == 1);
        if fits {
            Ok(self.shape.clone())
        } else {
            Err(Problem::BroadcastTo { to: self.shape.clone() })
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let view = operands[0].view();
        Tensor::from(view.broadcast(IxDyn(shape)).expect("a shape that the rule has accepted"))
    }
    fn fill<A: Float>(&self, operands: &[&[A]], out: &mut [A]) -> bool {
        out.copy_from_slice(operands[0]);
        true
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| cotangent.clone()])
    }
    linear!();
    fn attributes(&self) -> Attributes {
        vec![("shape", self.shape[..].into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("broadcast_to", operands, &format!("{:?}", &self.shape[..]))
    }
}

impl Cases for BroadcastTo {
    fn examples() -> Vec<Example<Self>> {
        let to = |shape: &[usize]| Self { shape: Shape::from_slice(shape) };
        vec![
            example(to(&[2, 2]), [Tensor::from([1.5, -2.0])]).gives([[1.5, -2.0], [1.5, -2.0]]),
            example(to(&[2, 3]), samples(&[&[2, 1]])),
            example(to(&[2, 1, 2]), samples(&[&[]])),
            example(to(&[0, 2]), samples(&[&[2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let to = |shape: &[usize]| Self { shape: Shape::from_slice(shape) };
        vec![
            refusal(to(&[2, 4]), &[&[2, 3]], "cannot be broadcast to [2, 4]"),
            refusal(to(&[3]), &[&[2, 3]], "cannot be broadcast to [3]"),
        ]
    }
}

/// The same elements, in the same order, laid out in another shape.
#[derive(Clone, Debug)]
pub struct Reshape {
    /// The shape of the result; one length may be −1, to be inferred.
    pub shape: SmallVec<[isize; 4]>,
}

impl Rule for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let to = || self.shape.to_vec();
        let from: usize = operands[0].iter().product();
        let inferred = self.shape.iter().filter(|&&length| length == -1).count();
        if inferred > 1 || self.shape.iter().any(|&length| length < -1) {
            return Err(Problem::ReshapeInference { to: to() });
        }
        let mut known = 1_usize;
        for &length in self.shape.iter().filter(|&&length| length >= 0) {
            known = known
                .checked_mul(length as usize)
                .ok_or_else(|| Problem::Reshape { from, to: to() })?;
        }
        let fits =
            if inferred == 1 { known != 0 && from.is_multiple_of(known) } else { known == from };
        if !fits {
            return Err(Problem::Reshape { from, to: to() });
        }
        Ok(self.shape.iter().map(|&n| if n < 0 { from / known } else { n as usize }).collect())
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let mut out = Tensor::default();
        self.forward_into(operands, shape, &mut out).expect("a shape that the rule has accepted");
        out
    }
    fn is_view(&self) -> bool {
        true
    }
    fn forward_into<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), Problem> {
        let x = operands[0].shared();
        let fits = "a shape that the rule has accepted";
        // Elements in order are shared, others have to be copied into order.
        if x.is_standard_layout() {
            out.show_array(x.into_shape_with_order(IxDyn(shape)).expect(fits));
        } else {
            let elements = kernel::ordered(operands[0]).into_owned();
            *out = Tensor::from_shape_vec(shape, elements).expect(fits);
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| cotangent.reshape(&call.operands[0].shape()[..])])
    }
    linear!();
    fn attributes(&self) -> Attributes {
        vec![("shape", self.shape[..].into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("reshape", operands, &format!("{:?}", &self.shape[..]))
    }
}

impl Cases for Reshape {
    fn examples() -> Vec<Example<Self>> {
        let to = |shape: &[isize]| Self { shape: SmallVec::from_slice(shape) };
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(to(&[3, -1]), x()).gives([[1.0, -2.0], [4.0, 0.5], [3.0, -1.5]]),
            example(to(&[-1]), samples(&[&[2, 1, 2]])),
            example(to(&[1, 1]), samples(&[&[]])),
            example(to(&[]), samples(&[&[1]])),
            example(to(&[3, 0]), samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let to = |shape: &[isize]| Self { shape: SmallVec::from_slice(shape) };
        vec![
            refusal(to(&[4]), &[&[2, 3]], "6 elements cannot be laid out as [4], which holds 4"),
            refusal(to(&[4, -1]), &[&[2, 3]], "6 is not a multiple of 4"),
            refusal(to(&[-1, -1]), &[&[2, 3]], "may hold one −1"),
            refusal(to(&[-6]), &[&[2, 3]], "no other negative length"),
        ]
    }
}

/// The axes in another order.
#[derive(Clone, Debug)]
pub struct Permute {
    /// Where each axis of the result comes from; `None` reverses all axes (the transpose).
    pub axes: Option<SmallVec<[isize; 4]>>,
}

impl Permute {
    fn resolve(&self, ndim: usize) -> Result<SmallVec<[usize; 4]>, Problem> {
        let Some(axes) = &self.axes else { return Ok((0..ndim).rev().collect()) };
        let order: SmallVec<[usize; 4]> =
            axes.iter().map(|&axis| resolve_axis(axis, ndim)).collect::<Result<_, _>>()?;
        let once = order.len() == ndim && (0..ndim).all(|axis| order.contains(&axis));
        if once { Ok(order) } else { Err(Problem::Permutation { axes: axes.to_vec(), ndim }) }
    }
}

impl Rule for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        Ok(self.resolve(operands[0].len())?.iter().map(|&axis| operands[0][axis]).collect())
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], _shape: &[usize]) -> Tensor<A> {
        let mut out = Tensor::default();
        self.forward_into(operands, &[], &mut out).expect("axes that the rule has accepted");
        out
    }
    fn is_view(&self) -> bool {
        true
    }
    fn forward_into<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        _shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), Problem> {
        let x = operands[0].shared();
        let order = self.resolve(x.ndim())?;
        out.show_array(x.permuted_axes(IxDyn(&order)));
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            if self.axes.is_none() {
                return cotangent.t();
            }
            let order = self.resolve(cotangent.shape().len()).expect("accepted axes");
            let mut inverse: SmallVec<[isize; 4]> = SmallVec::from_elem(0, order.len());
            for (to, &from) in order.iter().enumerate() {
                inverse[from] = to as isize;
            }
            cotangent.permute(&inverse)
        }])
    }
    linear!();
    fn attributes(&self) -> Attributes {
        self.axes.iter().map(|axes| ("axes", axes[..].into())).collect()
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        match &self.axes {
            None => Formula::notate("t", Notation::Postfix("ᵀ"), operands),
            Some(axes) => Formula::call("permute", operands, &format!("{:?}", &axes[..])),
        }
    }
}

impl Cases for Permute {
    fn examples() -> Vec<Example<Self>> {
        let order = |axes: &[isize]| Self { axes: Some(SmallVec::from_slice(axes)) };
        vec![
            example(Self { axes: None }, [Tensor::from([[1.0, -2.0], [4.0, 0.5]])])
                .gives([[1.0, 4.0], [-2.0, 0.5]]),
            example(order(&[2, 0, 1]), samples(&[&[2, 3, 2]])),
            example(order(&[0, -1, 1]), samples(&[&[2, 3, 1]])),
            example(Self { axes: None }, samples(&[&[]])),
            example(Self { axes: None }, samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let order = |axes: &[isize]| Self { axes: Some(SmallVec::from_slice(axes)) };
        vec![
            refusal(order(&[0, 0]), &[&[2, 3]], "[0, 0] does not name each of the 2 axes once"),
            refusal(order(&[0]), &[&[2, 3]], "does not name each of the 2 axes once"),
            refusal(order(&[0, 2]), &[&[2, 3]], "axis 2 is out of range"),
        ]
    }
}

/// Part of each axis, as given with ndarray's `s![]`: ranges, steps, and single indices, which
/// remove their axis.
#[derive(Clone, Debug)]
pub struct Slice {
    /// One entry for each axis.
    pub part: Arc<[SliceInfoElem]>,
}

/// The shape that `part` cuts out of `shape`.
fn sliced_shape(part: &[SliceInfoElem], shape: &[usize]) -> Result<Shape, Problem> {
    if part.len() != shape.len() {
        return Err(Problem::SliceCount { given: part.len(), ndim: shape.len() });
    }
    let mut result = Shape::new();
    for (axis, (elem, &length)) in part.iter().zip(shape).enumerate() {
        let from_end = |i: isize| if i < 0 { i + length as isize } else { i };
        let outside = || Problem::SliceOutOfRange { axis, length, slice: show_part(elem) };
        match *elem {
            SliceInfoElem::NewAxis => return Err(Problem::SliceNewAxis),
            SliceInfoElem::Index(index) => {
                if !(0..length as isize).contains(&from_end(index)) {
                    return Err(outside());
                }
            }
            SliceInfoElem::Slice { start, end, step } => {
                let (start, end) = (from_end(start), end.map_or(length as isize, from_end));
                let allowed = 0..=length as isize;
                if step == 0 || !allowed.contains(&start) || !allowed.contains(&end) {
                    return Err(outside());
                }
                let count = (end - start).max(0) as usize;
                result.push(count.div_ceil(step.unsigned_abs()));
            }
        }
    }
    Ok(result)
}

fn show_part(elem: &SliceInfoElem) -> String {
    match elem {
        SliceInfoElem::Index(index) => index.to_string(),
        SliceInfoElem::NewAxis => "new axis".into(),
        SliceInfoElem::Slice { start, end, step } => {
            let start = if *start == 0 { String::new() } else { start.to_string() };
            let end = end.map_or(String::new(), |end| end.to_string());
            let step = if *step == 1 { String::new() } else { format!(";{step}") };
            format!("{start}..{end}{step}")
        }
    }
}

fn show_parts(part: &[SliceInfoElem]) -> String {
    format!("[{}]", part.iter().map(show_part).collect::<Vec<_>>().join(", "))
}

/// A part as data: `starts`, `ends` (the largest integer for the end of the axis) and `steps`, one
/// for each axis, and which axes are `removed`, because one index of them was taken.
fn part_attributes(part: &[SliceInfoElem]) -> Attributes {
    let (mut starts, mut ends, mut steps, mut removed) = (vec![], vec![], vec![], vec![]);
    for (axis, elem) in part.iter().enumerate() {
        let (start, end, step) = match *elem {
            SliceInfoElem::Slice { start, end, step } => (start, end, step),
            SliceInfoElem::Index(index) => {
                removed.push(axis);
                (index, (index != -1).then_some(index + 1), 1)
            }
            SliceInfoElem::NewAxis => (0, None, 1), // Refused by the rule.
        };
        starts.push(start);
        ends.push(end.unwrap_or(isize::MAX));
        steps.push(step);
    }
    vec![
        ("starts", starts[..].into()),
        ("ends", ends[..].into()),
        ("steps", steps[..].into()),
        ("removed", removed[..].into()),
    ]
}

impl Rule for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        sliced_shape(&self.part, operands[0])
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], _shape: &[usize]) -> Tensor<A> {
        Tensor::from(operands[0].shared().slice_move(&*self.part))
    }
    fn is_view(&self) -> bool {
        true
    }
    fn forward_into<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        _shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), Problem> {
        out.show_array(operands[0].shared().slice_move(&*self.part));
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let adjoint = SliceAdjoint { part: self.part.clone(), shape: call.operands[0].shape() };
            T::apply(adjoint, &[cotangent])
        }])
    }
    linear!();
    fn attributes(&self) -> Attributes {
        part_attributes(&self.part)
    }
    fn part(&self) -> Option<&[SliceInfoElem]> {
        Some(&self.part)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("slice", operands, &show_parts(&self.part))
    }
}

impl Cases for Slice {
    fn examples() -> Vec<Example<Self>> {
        let slice = |part: &[SliceInfoElem]| Self { part: part.into() };
        let range = |start, end, step| SliceInfoElem::Slice { start, end, step };
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        let all = range(0, None, 1);
        vec![
            example(slice(&[all, range(1, Some(3), 1)]), x()).gives([[-2.0, 4.0], [3.0, -1.5]]),
            example(slice(&[SliceInfoElem::Index(-1), range(0, None, 2)]), x()).gives([0.5, -1.5]),
            example(slice(&[range(0, None, -1), all]), x())
                .gives([[0.5, 3.0, -1.5], [1.0, -2.0, 4.0]]),
            example(slice(&[SliceInfoElem::Index(1), SliceInfoElem::Index(0)]), x()).gives(0.5),
            example(slice(&[all, range(-3, Some(-1), 1)]), samples(&[&[2, 4]])),
            example(slice(&[range(1, Some(1), 1), all]), samples(&[&[2, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let slice = |part: &[SliceInfoElem]| Self { part: part.into() };
        let range = |start, end| SliceInfoElem::Slice { start, end, step: 1 };
        vec![
            refusal(
                slice(&[range(0, Some(4))]),
                &[&[3]],
                "the slice ..4 of axis 0 reaches outside its length 3",
            ),
            refusal(slice(&[SliceInfoElem::Index(3)]), &[&[3]], "the slice 3 of axis 0"),
            refusal(slice(&[range(0, None)]), &[&[3, 2]], "1 slices were given for 2 axes"),
            refusal(slice(&[SliceInfoElem::NewAxis]), &[&[3]], "cannot insert an axis"),
        ]
    }
}

/// Zeros of a shape, with the operand put where a [`Slice`] would take it from.
#[derive(Clone, Debug)]
pub struct SliceAdjoint {
    /// The part that the operand fills.
    pub part: Arc<[SliceInfoElem]>,
    /// The shape of the result.
    pub shape: Shape,
}

impl SliceAdjoint {
    fn put<A: Float>(&self, x: &Tensor<A>, zeros: &mut Tensor<A>) {
        zeros.view_mut().slice_mut(&*self.part).assign(&x.view());
    }
}

impl Rule for SliceAdjoint {
    fn name(&self) -> &'static str {
        "slice_adjoint"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let part = sliced_shape(&self.part, &self.shape)?;
        if part[..] == *operands[0] {
            Ok(self.shape.clone())
        } else {
            Err(Problem::SameShape { operand: 1, first: part })
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let mut padded = Tensor::zeros(shape);
        self.put(operands[0], &mut padded);
        padded
    }
    fn forward_into<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        _shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), Problem> {
        out.view_mut().fill(A::zero());
        self.put(operands[0], out);
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| cotangent.slice(&self.part)])
    }
    linear!();
    fn accumulates(&self, _operands: &[&[usize]]) -> bool {
        true
    }
    fn accumulate<A: Float>(&self, operands: &[&Tensor<A>], _shape: &[usize], to: &mut Tensor<A>) {
        to.add_to_part(&*self.part, operands[0]);
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("slice_adjoint", operands, &show_parts(&self.part))
    }
    fn attributes(&self) -> Attributes {
        let mut attributes = part_attributes(&self.part);
        attributes.push(("shape", self.shape[..].into()));
        attributes
    }
}

impl Cases for SliceAdjoint {
    fn examples() -> Vec<Example<Self>> {
        let range = |start, end, step| SliceInfoElem::Slice { start, end, step };
        let put = |part: &[SliceInfoElem], shape: &[usize]| Self {
            part: part.into(),
            shape: Shape::from_slice(shape),
        };
        vec![
            example(put(&[range(1, None, 1)], &[3]), [Tensor::from([2.0, -3.0])])
                .gives([0.0, 2.0, -3.0]),
            example(put(&[SliceInfoElem::Index(1), range(0, None, -2)], &[2, 4]), samples(&[&[2]])),
            example(put(&[SliceInfoElem::Index(1)], &[3]), samples(&[&[]])).gives([
                0.0,
                1.177_050_983_124_842_5,
                0.0,
            ]),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let all = SliceInfoElem::Slice { start: 0, end: None, step: 1 };
        let put = Self { part: [all].into(), shape: Shape::from_slice(&[3]) };
        vec![refusal(put, &[&[2]], "should have the shape [3]")]
    }
}

/// Operands joined end to end along an axis.
#[derive(Clone, Debug)]
pub struct Concat {
    /// The axis along which they are joined.
    pub axis: isize,
}

impl Rule for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        let Some(first) = operands.first() else {
            return Err(Problem::Other("it needs at least one operand".into()));
        };
        let axis = resolve_axis(self.axis, first.len())?;
        let mut shape = Shape::from_slice(first);
        for (i, operand) in operands.iter().enumerate().skip(1) {
            let agrees = operand.len() == first.len()
                && (0..first.len()).all(|k| k == axis || operand[k] == first[k]);
            if !agrees {
                return Err(Problem::Concat { operand: i + 1, axis });
            }
            shape[axis] += operand[axis];
        }
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let axis =
            resolve_axis(self.axis, shape.len()).expect("an axis that the rule has accepted");
        if let [only] = operands {
            return Tensor::clone(only);
        }
        let mut all = memory::take(shape.iter().product());
        let fits = "operands that fit";
        let mut rest = ArrayViewMutD::from_shape(IxDyn(shape), &mut all).expect(fits);
        for x in operands {
            let (mut part, others) = rest.split_at(Axis(axis), x.shape()[axis]);
            part.assign(&x.view());
            rest = others;
        }
        Tensor::from_shape_vec(shape, all).expect(fits)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let ndim = cotangent.shape().len();
        let axis = resolve_axis(self.axis, ndim).expect("an axis that the rule has accepted");
        let mut start = 0;
        call.operands
            .iter()
            .zip(call.wanted)
            .map(|(operand, &wanted)| {
                let end = start + operand.shape()[axis] as isize;
                let mut part = vec![SliceInfoElem::Slice { start: 0, end: None, step: 1 }; ndim];
                part[axis] = SliceInfoElem::Slice { start, end: Some(end), step: 1 };
                start = end;
                wanted.then(|| cotangent.slice(part))
            })
            .collect()
    }
    linear!();
    fn attributes(&self) -> Attributes {
        vec![("axis", self.axis.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("concat", operands, &format!("axis {}", self.axis))
    }
}

impl Cases for Concat {
    fn examples() -> Vec<Example<Self>> {
        let (a, b) = (Tensor::from([[1.0], [2.0]]), Tensor::from([[3.0, 5.0], [4.0, 6.0]]));
        vec![
            example(Self { axis: 1 }, [a, b]).gives([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]),
            example(Self { axis: -2 }, samples(&[&[1, 2], &[2, 2], &[1, 2]])),
            example(Self { axis: 0 }, samples(&[&[0, 2], &[2, 2]])),
            example(Self { axis: 0 }, samples(&[&[3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(
                Self { axis: 0 },
                &[&[2, 3], &[2, 4]],
                "operand 2 differs from the first outside axis 0",
            ),
            refusal(Self { axis: 2 }, &[&[2, 3]], "axis 2 is out of range"),
            refusal(Self { axis: 0 }, &[], "at least one operand"),
            refusal(Self { axis: 0 }, &[&[], &[]], "a scalar has no axes"),
        ]
    }
}

fn check_indices(indices: &[usize], axis: usize, length: usize) -> Result<(), Problem> {
    match indices.iter().position(|&index| index >= length) {
        Some(position) => {
            Err(Problem::IndexOutOfRange { index: indices[position], position, axis, length })
        }
        None => Ok(()),
    }
}

/// A few indices in full, many by their number.
fn show_indices(indices: &[usize]) -> String {
    if indices.len() <= 8 { format!("{indices:?}") } else { format!("{} indices", indices.len()) }
}

/// Rows (or other slices along an axis) chosen by their indices, in any order and number.
#[derive(Clone, Debug)]
pub struct IndexSelect {
    /// The axis from which to choose.
    pub axis: isize,
    /// Which slices, in the order of the result.
    pub indices: Arc<[usize]>,
}

impl Rule for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let axis = resolve_axis(self.axis, operands[0].len())?;
        check_indices(&self.indices, axis, operands[0][axis])?;
        let mut shape = Shape::from_slice(operands[0]);
        shape[axis] = self.indices.len();
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let axis =
            resolve_axis(self.axis, shape.len()).expect("an axis that the rule has accepted");
        Tensor::from(operands[0].view().select(Axis(axis), &self.indices))
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let shape = call.operands[0].shape();
            let axis = resolve_axis(self.axis, shape.len()).expect("an accepted axis");
            let (indices, length) = (self.indices.clone(), shape[axis]);
            T::apply(IndexAdd { axis: self.axis, indices, length }, &[cotangent])
        }])
    }
    linear!();
    fn attributes(&self) -> Attributes {
        vec![("axis", self.axis.into()), ("indices", self.indices[..].into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        let settings = format!("axis {}, {}", self.axis, show_indices(&self.indices));
        Formula::call("index_select", operands, &settings)
    }
}

impl Cases for IndexSelect {
    fn examples() -> Vec<Example<Self>> {
        let select = |axis, indices: &[usize]| Self { axis, indices: indices.into() };
        let x = || vec![Tensor::from([[1.0, -2.0], [4.0, 0.5], [3.0, -1.5]])];
        vec![
            example(select(0, &[2, 0, 2]), x()).gives([[3.0, -1.5], [1.0, -2.0], [3.0, -1.5]]),
            example(select(-1, &[1]), samples(&[&[2, 3]])),
            example(select(0, &[]), samples(&[&[2, 3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let select = |axis, indices: &[usize]| Self { axis, indices: indices.into() };
        vec![
            refusal(
                select(0, &[0, 3]),
                &[&[3, 2]],
                "index 3 (number 1 of the list) is out of range: axis 0 has length 3, so 0 to 2",
            ),
            refusal(select(2, &[0]), &[&[3, 2]], "axis 2 is out of range"),
        ]
    }
}

/// The adjoint of [`IndexSelect`]: zeros of a given length along an axis, to which each slice of
/// the operand is added at its index.
#[derive(Clone, Debug)]
pub struct IndexAdd {
    /// The axis along which to add.
    pub axis: isize,
    /// Where each slice goes; an index may come more than once.
    pub indices: Arc<[usize]>,
    /// The length of that axis in the result.
    pub length: usize,
}

impl Rule for IndexAdd {
    fn name(&self) -> &'static str {
        "index_add"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let axis = resolve_axis(self.axis, operands[0].len())?;
        if operands[0][axis] != self.indices.len() {
            let (labels, rows) = (self.indices.len(), operands[0][axis]);
            return Err(Problem::LabelCount { labels, rows });
        }
        check_indices(&self.indices, axis, self.length)?;
        let mut shape = Shape::from_slice(operands[0]);
        shape[axis] = self.length;
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let axis =
            resolve_axis(self.axis, shape.len()).expect("an axis that the rule has accepted");
        let mut sum = ArrayD::<A>::zeros(IxDyn(shape));
        for (slice, &index) in operands[0].view().axis_iter(Axis(axis)).zip(&*self.indices) {
            let mut target = sum.index_axis_mut(Axis(axis), index);
            target += &slice;
        }
        Tensor::from(sum)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| cotangent.index_select(self.axis, &self.indices)])
    }
    linear!();
    fn write(&self, operands: &[&Formula]) -> Formula {
        let settings = format!("axis {}, {}", self.axis, show_indices(&self.indices));
        Formula::call("index_add", operands, &settings)
    }
    fn attributes(&self) -> Attributes {
        vec![
            ("axis", self.axis.into()),
            ("indices", self.indices[..].into()),
            ("length", self.length.into()),
        ]
    }
}

impl Cases for IndexAdd {
    fn examples() -> Vec<Example<Self>> {
        let add = |axis, indices: &[usize], length| Self { axis, indices: indices.into(), length };
        let x = || vec![Tensor::from([[1.0, -2.0], [4.0, 0.5], [3.0, -1.5]])];
        vec![
            example(add(0, &[1, 0, 1], 3), x()).gives([[4.0, 0.5], [4.0, -3.5], [0.0, 0.0]]),
            example(add(1, &[0, 2, 2], 4), samples(&[&[2, 3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let add = |indices: &[usize], length| Self { axis: 0, indices: indices.into(), length };
        vec![
            refusal(add(&[0, 1], 2), &[&[3, 2]], "there are 2 labels for 3 rows"),
            refusal(add(&[0, 2], 2), &[&[2]], "index 2 (number 1 of the list) is out of range"),
        ]
    }
}

fn rows(shape: &[usize]) -> Result<(usize, &[usize]), Problem> {
    match shape.split_last() {
        Some((&columns, leading)) => Ok((columns, leading)),
        None => Err(Problem::TooFewAxes { operand: 1, ndim: 0, least: 1 }),
    }
}

/// One element of each row: `y[i] = x[i, index[i]]`, rows being the lanes of the last axis.
#[derive(Clone, Debug)]
pub struct Pick {
    /// For each row, in order, which element.
    pub indices: Arc<[usize]>,
}

/// Checks one label for each row of `shape` and gives the shape without its last axis.
pub(crate) fn labelled_rows(shape: &[usize], labels: &[usize]) -> Result<Shape, Problem> {
    let (columns, leading) = rows(shape)?;
    let count: usize = leading.iter().product();
    if count != labels.len() {
        return Err(Problem::LabelCount { labels: labels.len(), rows: count });
    }
    check_indices(labels, shape.len() - 1, columns)?;
    Ok(Shape::from_slice(leading))
}

impl Rule for Pick {
    fn name(&self) -> &'static str {
        "pick"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        labelled_rows(operands[0], &self.indices)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let x = operands[0].view();
        let picked = x.rows().into_iter().zip(&*self.indices).map(|(row, &i)| row[i]).collect();
        Tensor::from_shape_vec(shape, picked).expect("one element a row")
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let columns = *call.operands[0].shape().last().expect("an operand with rows");
            T::apply(Place { indices: self.indices.clone(), columns }, &[cotangent])
        }])
    }
    linear!();
    fn attributes(&self) -> Attributes {
        vec![("indices", self.indices[..].into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("pick", operands, &show_indices(&self.indices))
    }
}

impl Cases for Pick {
    fn examples() -> Vec<Example<Self>> {
        let pick = |indices: &[usize]| Self { indices: indices.into() };
        let x = || vec![Tensor::from([[1.0, -2.0], [4.0, 0.5], [3.0, -1.5]])];
        vec![
            example(pick(&[1, 0, 1]), x()).gives([-2.0, 4.0, -1.5]),
            example(pick(&[2]), samples(&[&[3]])),
            example(pick(&[0, 1, 1, 0]), samples(&[&[2, 2, 2]])),
            example(pick(&[]), samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let pick = |indices: &[usize]| Self { indices: indices.into() };
        vec![
            refusal(pick(&[0]), &[&[2, 3]], "there are 1 labels for 2 rows"),
            refusal(
                pick(&[0, 3]),
                &[&[2, 3]],
                "index 3 (number 1 of the list) is out of range: axis 1 has length 3",
            ),
            refusal(pick(&[0]), &[&[]], "has 0 axes but at least 1 are needed"),
        ]
    }
}

/// The adjoint of [`Pick`]: rows of zeros but for one element each.
#[derive(Clone, Debug)]
pub struct Place {
    /// For each row, in order, where its element goes.
    pub indices: Arc<[usize]>,
    /// The length of a row.
    pub columns: usize,
}

impl Rule for Place {
    fn name(&self) -> &'static str {
        "place"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let mut shape = Shape::from_slice(operands[0]);
        shape.push(self.columns);
        labelled_rows(&shape, &self.indices)?;
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let mut rows = ArrayD::zeros(IxDyn(shape));
        let values = operands[0].view();
        for ((mut row, &i), &value) in
            rows.rows_mut().into_iter().zip(&*self.indices).zip(values.iter())
        {
            row[i] = value;
        }
        Tensor::from(rows)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| T::apply(Pick { indices: self.indices.clone() }, &[cotangent])])
    }
    linear!();
    fn write(&self, operands: &[&Formula]) -> Formula {
        let settings = format!("{} of {}", show_indices(&self.indices), self.columns);
        Formula::call("place", operands, &settings)
    }
    fn attributes(&self) -> Attributes {
        vec![("indices", self.indices[..].into()), ("columns", self.columns.into())]
    }
}

impl Cases for Place {
    fn examples() -> Vec<Example<Self>> {
        let place = |indices: &[usize], columns| Self { indices: indices.into(), columns };
        vec![
            example(place(&[1, 0], 3), [Tensor::from([4.0, -2.0])])
                .gives([[0.0, 4.0, 0.0], [-2.0, 0.0, 0.0]]),
            example(place(&[1], 2), samples(&[&[]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(
            Self { indices: [2].into(), columns: 2 },
            &[&[1]],
            "index 2 (number 0 of the list) is out of range",
        )]
    }
}

/// The methods of the linear rules, for every algebra of tensors. Axes may be negative, as in
/// NumPy; every method panics with a sentence where its operands or axes do not fit.
pub trait LinearMethods: Reading {
    /// Zeros of the same shape.
    #[track_caller]
    fn zeros_like(&self) -> Self {
        self.scalar(0.0).stretch_to(&self.shape())
    }

    /// The value broadcast to `shape`, if it is not of that shape already.
    #[track_caller]
    fn stretch_to(self, shape: &[usize]) -> Self {
        if self.shape()[..] == *shape { self } else { self.broadcast_to(shape) }
    }

    // ANCHOR: sum_to
    /// The adjoint of broadcasting: sums over every axis that was added to `shape` or stretched.
    /// This is the one place where a gradient is "un-broadcast".
    #[track_caller]
    fn sum_to(self, shape: &[usize]) -> Self {
        let from = self.shape();
        if from[..] == *shape {
            return self;
        }
        let axes = stretched_axes(&from, shape);
        let summed = self.sum_axes(Axes::from(&axes[..]));
        if summed.shape()[..] == *shape { summed } else { summed.reshape(shape) }
    }
    // ANCHOR_END: sum_to

    /// The sum of all elements, a scalar.
    #[track_caller]
    fn sum(&self) -> Self {
        self.sum_axes(..)
    }
    /// Sum over `axes`, which are removed.
    #[track_caller]
    fn sum_axes(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Sum { axes: axes.into(), keepdims: false }, &[self])
    }
    /// Sum over `axes`, which stay with length 1.
    #[track_caller]
    fn sum_keepdims(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Sum { axes: axes.into(), keepdims: true }, &[self])
    }
    /// The mean of all elements, a scalar.
    #[track_caller]
    fn mean(&self) -> Self {
        self.mean_axes(..)
    }
    /// Mean over `axes`, which are removed.
    #[track_caller]
    fn mean_axes(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Mean { axes: axes.into(), keepdims: false }, &[self])
    }
    /// Mean over `axes`, which stay with length 1.
    #[track_caller]
    fn mean_keepdims(&self, axes: impl Into<Axes>) -> Self {
        Self::apply(Mean { axes: axes.into(), keepdims: true }, &[self])
    }
    /// The value repeated to `shape`, by NumPy's broadcasting.
    #[track_caller]
    fn broadcast_to(&self, shape: &[usize]) -> Self {
        Self::apply(BroadcastTo { shape: Shape::from_slice(shape) }, &[self])
    }
    /// The same elements in another shape, of which one length may be −1, to be inferred.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    /// let x = Tensor::from([1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(x.reshape([2, -1]), Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// ```
    #[track_caller]
    fn reshape(&self, shape: impl Into<NewShape>) -> Self {
        Self::apply(Reshape { shape: shape.into().0 }, &[self])
    }
    /// One more axis of length 1, before `axis` (from the end if negative: −1 is after the last).
    #[track_caller]
    fn expand_dims(&self, axis: isize) -> Self {
        let mut shape = self.shape();
        let position = resolve_axis(axis, shape.len() + 1)
            .unwrap_or_else(|problem| panic!("expand_dims: {problem}."));
        shape.insert(position, 1);
        self.reshape(&shape[..])
    }
    /// The axes in the given order.
    #[track_caller]
    fn permute(&self, axes: &[isize]) -> Self {
        Self::apply(Permute { axes: Some(SmallVec::from_slice(axes)) }, &[self])
    }
    /// The transpose: all axes in reverse order. Shares the elements, copies nothing.
    #[track_caller]
    fn t(&self) -> Self {
        Self::apply(Permute { axes: None }, &[self])
    }
    /// Part of each axis, given with ndarray's `s![]`.
    ///
    /// ```
    /// use ndarray::s;
    /// use ops::{Tensor, prelude::*};
    /// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(x.slice(s![.., 1..]), Tensor::from([[2.0, 3.0], [5.0, 6.0]]));
    /// assert_eq!(x.slice(s![0, ..;-1]), Tensor::from([3.0, 2.0, 1.0]));
    /// ```
    #[track_caller]
    fn slice(&self, part: impl AsRef<[SliceInfoElem]>) -> Self {
        Self::apply(Slice { part: part.as_ref().into() }, &[self])
    }
    /// This value and others joined end to end along `axis`.
    #[track_caller]
    fn concat<T: Borrow<Self>>(&self, others: &[T], axis: isize) -> Self {
        let operands: Vec<&Self> =
            std::iter::once(self).chain(others.iter().map(T::borrow)).collect();
        Self::apply(Concat { axis }, &operands)
    }
    /// This value and others of the same shape, along a new axis.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    /// let (a, b) = (Tensor::from([1.0, 2.0]), Tensor::from([3.0, 4.0]));
    /// assert_eq!(a.stack(&[b], 1), Tensor::from([[1.0, 3.0], [2.0, 4.0]]));
    /// ```
    #[track_caller]
    fn stack<T: Borrow<Self>>(&self, others: &[T], axis: isize) -> Self {
        let others: Vec<Self> = others.iter().map(|x| x.borrow().expand_dims(axis)).collect();
        self.expand_dims(axis).concat(&others, axis)
    }
    /// Slices along `axis` chosen by their indices (rows of a table for axis 0).
    #[track_caller]
    fn index_select(&self, axis: isize, indices: &[usize]) -> Self {
        Self::apply(IndexSelect { axis, indices: indices.into() }, &[self])
    }
    /// Zeros of `length` along `axis`, to which each slice is added at its index.
    #[track_caller]
    fn index_add(&self, axis: isize, indices: &[usize], length: usize) -> Self {
        Self::apply(IndexAdd { axis, indices: indices.into(), length }, &[self])
    }
    /// One element of each row, rows being the lanes of the last axis.
    #[track_caller]
    fn pick(&self, indices: &[usize]) -> Self {
        Self::apply(Pick { indices: indices.into() }, &[self])
    }
}
impl<T: Reading> LinearMethods for T {}

/// A shape asked of `reshape`: lengths, one of which may be −1.
#[derive(Clone, Debug)]
pub struct NewShape(SmallVec<[isize; 4]>);

impl<const N: usize> From<[isize; N]> for NewShape {
    fn from(shape: [isize; N]) -> Self {
        Self(SmallVec::from_slice(&shape))
    }
}
impl From<&[usize]> for NewShape {
    fn from(shape: &[usize]) -> Self {
        Self(shape.iter().map(|&length| length as isize).collect())
    }
}
impl From<&[isize]> for NewShape {
    fn from(shape: &[isize]) -> Self {
        Self(SmallVec::from_slice(shape))
    }
}
