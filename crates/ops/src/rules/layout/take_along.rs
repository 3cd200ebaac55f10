//! Elements chosen along an axis by an index each, and its adjoint, which adds them back.

use crate::ground::{Attributes, Problem, Shape, resolve_axis};
use crate::kernel;
use crate::number::Float;
use crate::rule::batched::axis_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::tensor::{Indices, Tensor};

/// NumPy's `take_along_axis`: y[…, j, …] = x[…, index[…, j, …], …]. Its adjoint is
/// [`ScatterAdd`].
#[derive(Clone, Debug)]
pub struct TakeAlong {
    /// The axis that the indices point into.
    pub axis: isize,
    /// The indices; their shape is the operand's but for the length of the axis.
    pub indices: Indices,
}

/// The adjoint of [`TakeAlong`]: zeros, to which each element is added at its index.
#[derive(Clone, Debug)]
pub struct ScatterAdd {
    /// The axis that the indices point into.
    pub axis: isize,
    /// Where each element of the operand goes.
    pub indices: Indices,
    /// The length of the axis in the result.
    pub length: usize,
}

fn along_attributes(axis: isize, indices: &Indices) -> Attributes {
    vec![
        ("axis", axis.into()),
        ("indices", indices.elements().into()),
        ("shape", indices.shape().into()),
    ]
}

fn along_shape(
    axis: isize,
    indices: &Indices,
    from: &[usize],
    length: usize,
) -> Result<usize, Problem> {
    let axis = resolve_axis(axis, from.len())?;
    let fits = indices.shape().len() == from.len()
        && (0..from.len()).all(|k| k == axis || indices.shape()[k] == from[k]);
    if !fits {
        return Err(Problem::IndicesShape { axis, indices: Shape::from_slice(indices.shape()) });
    }
    match indices.elements().iter().position(|&index| index >= length) {
        Some(position) => {
            let index = indices.elements()[position];
            Err(Problem::IndexOutOfRange { index, position, axis, length })
        }
        None => Ok(axis),
    }
}

impl Rule for TakeAlong {
    fn name(&self) -> &'static str {
        "take_along_axis"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let axis = resolve_axis(self.axis, operands[0].len())?;
        along_shape(self.axis, &self.indices, operands[0], operands[0][axis])?;
        Ok(Shape::from_slice(self.indices.shape()))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let axis = resolve_axis(self.axis, out.shape().len()).expect("an accepted axis");
        let (x, taken) = (kernel::ordered(operands[0]), out.elements());
        let length = operands[0].shape()[axis];
        self.indices.for_each(axis, length, |number, from| taken[number] = x[from]);
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let shape = call.operands[0].shape();
            let length = shape[resolve_axis(self.axis, shape.len()).expect("an accepted axis")];
            let (axis, indices) = (self.axis, self.indices.clone());
            T::apply(ScatterAdd { axis, indices, length }, &[cotangent])
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, rows: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let (axis, indices) = (axis_behind(self.axis), self.indices.repeated(rows));
        Batched::repeated(Self { axis, indices })
    }
    fn settings(&self) -> Attributes {
        along_attributes(self.axis, &self.indices)
    }
}

impl Rule for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let axis = along_shape(self.axis, &self.indices, operands[0], self.length)?;
        if operands[0][axis] != self.indices.shape()[axis] {
            return Err(Problem::IndicesShape {
                axis,
                indices: Shape::from_slice(self.indices.shape()),
            });
        }
        let mut shape = Shape::from_slice(operands[0]);
        shape[axis] = self.length;
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let axis = resolve_axis(self.axis, out.shape().len()).expect("an accepted axis");
        let (x, sums) = (kernel::ordered(operands[0]), out.elements());
        sums.fill(A::zero());
        self.indices.for_each(axis, self.length, |number, to| sums[to] += x[number]);
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let take = || TakeAlong { axis: self.axis, indices: self.indices.clone() };
        call.contributions([&|| T::apply(take(), &[cotangent])])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, rows: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let (axis, indices) = (axis_behind(self.axis), self.indices.repeated(rows));
        Batched::repeated(Self { axis, indices, ..*self })
    }
    fn settings(&self) -> Attributes {
        let mut attributes = along_attributes(self.axis, &self.indices);
        attributes.push(("length", self.length.into()));
        attributes
    }
}

fn indices(shape: &[usize], elements: &[usize]) -> Indices {
    Indices::new(shape, elements.to_vec()).expect("as many indices as the shape holds")
}

impl Cases for TakeAlong {
    fn examples() -> Vec<Example<Self>> {
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        let take = |axis, shape: &[usize], elements: &[usize]| Self {
            axis,
            indices: indices(shape, elements),
        };
        vec![
            example(take(1, &[2, 2], &[2, 0, 1, 1]), x()).gives([[4.0, 1.0], [3.0, 3.0]]),
            example(take(0, &[1, 3], &[1, 0, 1]), x()).gives([[0.5, -2.0, -1.5]]),
            example(take(-1, &[2, 0], &[]), samples(&[&[2, 3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let take = |shape: &[usize], elements: &[usize]| Self {
            axis: 1,
            indices: indices(shape, elements),
        };
        vec![
            refusal(
                take(&[2, 1], &[0, 3]),
                &[&[2, 3]],
                "index 3 (number 1 of the list) is out of range: axis 1 has length 3",
            ),
            refusal(take(&[3, 1], &[0, 0, 0]), &[&[2, 3]], "indices of shape [3, 1] do not fit"),
        ]
    }
}

impl Cases for ScatterAdd {
    fn examples() -> Vec<Example<Self>> {
        let x = || vec![Tensor::from([[1.0, -2.0], [0.5, 3.0]])];
        let scatter = |axis, elements: &[usize], length| Self {
            axis,
            indices: indices(&[2, 2], elements),
            length,
        };
        vec![
            example(scatter(1, &[2, 0, 1, 1], 3), x()).gives([[-2.0, 0.0, 1.0], [0.0, 3.5, 0.0]]),
            example(scatter(0, &[0, 1, 0, 0], 2), x()).gives([[1.5, 3.0], [0.0, -2.0]]),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let scatter = Self { axis: 1, indices: indices(&[2, 2], &[0, 1, 2, 3]), length: 3 };
        vec![
            refusal(scatter.clone(), &[&[2, 2]], "index 3 (number 3 of the list) is out of range"),
            refusal(
                Self { length: 4, ..scatter },
                &[&[2, 3]],
                "indices of shape [2, 2] do not fit",
            ),
        ]
    }
}
