//! Part of each axis, and its adjoint, zeros around that part.

use std::sync::Arc;

use ndarray::SliceInfoElem;

use super::part::{part_attributes, part_behind, show_parts, sliced_shape};
use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::kernel;
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, Shortcuts,
    arity, example, refusal, samples,
};
use crate::rules::methods::LinearMethods;
use crate::tensor::Tensor;

/// Part of each axis, as given with ndarray's `s![]`: ranges, steps, and single indices, which
/// remove their axis.
#[derive(Clone, Debug)]
pub struct Slice {
    /// One entry for each axis.
    pub part: Arc<[SliceInfoElem]>,
}

impl Rule for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        sliced_shape(&self.part, operands[0])
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        out.share(operands[0].shared().slice_move(&*self.part))
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let adjoint = SliceAdjoint { part: self.part.clone(), shape: call.operands[0].shape() };
            T::apply(adjoint, &[cotangent])
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Part(&self.part)
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(Self { part: part_behind(&self.part) })
    }
    fn settings(&self) -> Attributes {
        part_attributes(&self.part)
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
            refusal(slice(&[range(0, None)]), &[&[3, 2]], "1 slice was given for 2 axes"),
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
            Err(Problem::OperandShape { operand: 1, expected: part, of: "that of the slice" })
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let mut zeros = out.tensor().view_mut();
        zeros.fill(A::zero());
        kernel::copy_to(zeros.slice_mut(&*self.part), &operands[0].view());
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| cotangent.slice(&self.part)])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, rows: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let shape = std::iter::once(rows).chain(self.shape.iter().copied()).collect();
        Batched::repeated(Self { part: part_behind(&self.part), shape })
    }
    fn settings(&self) -> Attributes {
        let mut attributes = part_attributes(&self.part);
        attributes.push(("shape", self.shape[..].into()));
        attributes
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("slice_adjoint", operands, &show_parts(&self.part))
    }
    fn shortcuts<A: Float>(&self) -> Option<&dyn Shortcuts<A>> {
        Some(self)
    }
}

impl<A: Float> Shortcuts<A> for SliceAdjoint {
    fn accumulates(&self, _operands: &[&[usize]]) -> bool {
        true
    }
    fn accumulate(&self, operands: &[&Tensor<A>], to: &mut Tensor<A>) {
        to.add_to_part(&*self.part, operands[0]);
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
