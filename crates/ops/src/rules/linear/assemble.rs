//! Parts put together: the adjoint of several slices of one value.

use std::sync::Arc;

use ndarray::SliceInfoElem;

use super::part::{are_tiles, part_attributes, part_behind, show_parts, sliced_shape};
use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::kernel;
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::rules::methods::LinearMethods;
use crate::tensor::Tensor;

/// Zeros of a shape, with each operand added where its part says: the adjoint of that many
/// [`Slice`](super::Slice)s of one value, which costs the elements of the parts and not the whole
/// for each of them.
#[derive(Clone, Debug)]
pub struct Assemble {
    /// For each operand, the part that it is added to.
    pub parts: Arc<[Arc<[SliceInfoElem]>]>,
    /// The shape of the result.
    pub shape: Shape,
}

impl Rule for Assemble {
    fn name(&self) -> &'static str {
        "assemble"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(self.parts.len(), operands)?;
        for (i, (part, operand)) in self.parts.iter().zip(operands).enumerate() {
            let expected = sliced_shape(part, &self.shape)?;
            if expected[..] != **operand {
                let of = "that of its part";
                return Err(Problem::OperandShape { operand: i + 1, expected, of });
            }
        }
        Ok(self.shape.clone())
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let whole = out.tensor();
        if are_tiles(&self.parts, &self.shape) {
            let mut whole = whole.view_mut();
            for (part, operand) in self.parts.iter().zip(operands) {
                kernel::copy_to(whole.slice_mut(&**part), &operand.view());
            }
            return Ok(());
        }
        whole.view_mut().fill(A::zero());
        for (part, operand) in self.parts.iter().zip(operands) {
            whole.add_to_part(&**part, operand);
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let part =
            |(part, &wanted): (&Arc<[SliceInfoElem]>, &bool)| wanted.then(|| cotangent.slice(part));
        self.parts.iter().zip(call.wanted).map(part).collect()
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, rows: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let parts = self.parts.iter().map(|part| part_behind(part)).collect();
        let shape = std::iter::once(rows).chain(self.shape.iter().copied()).collect();
        Batched::repeated(Self { parts, shape })
    }
    fn settings(&self) -> Attributes {
        let mut attributes: Attributes =
            self.parts.iter().flat_map(|part| part_attributes(part)).collect();
        attributes.push(("shape", self.shape[..].into()));
        attributes
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        let parts: Vec<String> = self.parts.iter().map(|part| show_parts(part)).collect();
        let parts =
            if parts.len() <= 4 { parts.join(", ") } else { format!("{} parts", parts.len()) };
        Formula::call("assemble", operands, &parts)
    }
}

impl Cases for Assemble {
    fn examples() -> Vec<Example<Self>> {
        let range = |start, end, step| SliceInfoElem::Slice { start, end, step };
        let of = |parts: &[&[SliceInfoElem]], shape: &[usize]| Self {
            parts: parts.iter().map(|&part| part.into()).collect(),
            shape: Shape::from_slice(shape),
        };
        let (all, first, last) = (range(0, None, 1), SliceInfoElem::Index(0), range(1, None, 1));
        let (a, b) = (Tensor::from([2.0, -3.0]), Tensor::scalar(5.0));
        vec![
            example(of(&[&[last], &[first]], &[3]), [a.clone(), b.clone()]).gives([5.0, 2.0, -3.0]),
            // Side by side, they are only copied.
            example(
                of(&[&[all, range(1, None, 1)], &[all, range(0, Some(1), 1)]], &[2, 3]),
                samples(&[&[2, 2], &[2, 1]]),
            ),
            // Where parts meet, they are added.
            example(of(&[&[last], &[SliceInfoElem::Index(2)]], &[3]), [a, b])
                .gives([0.0, 2.0, 2.0]),
            example(
                of(&[&[all, first], &[first, last], &[all, range(0, None, -2)]], &[2, 3]),
                samples(&[&[2], &[2], &[2, 2]]),
            ),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let all = SliceInfoElem::Slice { start: 0, end: None, step: 1 };
        let whole = || Self { parts: [[all].into()].into(), shape: Shape::from_slice(&[3]) };
        vec![
            refusal(whole(), &[&[2]], "should have the shape [3]"),
            refusal(whole(), &[&[3], &[3]], "takes 1 operand but was given 2"),
        ]
    }
}
