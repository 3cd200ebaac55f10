//! Slices chosen by their indices, and its adjoint, which adds them back.

use std::sync::Arc;

use super::shared::{check_indices, show_indices};
use crate::ground::{Attributes, Formula, Problem, Shape, resolve_axis};
use crate::kernel;
use crate::number::Float;
use crate::rule::batched::axis_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::rules::methods::LinearMethods;
use crate::tensor::Tensor;

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
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let axis =
            resolve_axis(self.axis, out.shape().len()).expect("an axis that the rule has accepted");
        kernel::SparseMap::choosing(&self.indices).apply(operands[0], axis, out.elements());
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let shape = call.operands[0].shape();
            let axis = resolve_axis(self.axis, shape.len()).expect("an accepted axis");
            let (indices, length) = (self.indices.clone(), shape[axis]);
            T::apply(IndexAdd { axis: self.axis, indices, length }, &[cotangent])
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(Self { axis: axis_behind(self.axis), ..self.clone() })
    }
    fn settings(&self) -> Attributes {
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
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let axis =
            resolve_axis(self.axis, out.shape().len()).expect("an axis that the rule has accepted");
        let map = kernel::SparseMap::adding(&self.indices, self.length);
        map.apply(operands[0], axis, out.elements());
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| cotangent.index_select(self.axis, &self.indices)])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(Self { axis: axis_behind(self.axis), ..self.clone() })
    }
    fn settings(&self) -> Attributes {
        vec![
            ("axis", self.axis.into()),
            ("indices", self.indices[..].into()),
            ("length", self.length.into()),
        ]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        let settings = format!("axis {}, {}", self.axis, show_indices(&self.indices));
        Formula::call("index_add", operands, &settings)
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
