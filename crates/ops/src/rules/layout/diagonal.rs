//! A diagonal of a matrix, and its adjoint, zeros around it.

use ndarray::{ArrayD, IxDyn};

use super::shared::matrix_size;
use crate::ground::{Attributes, Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::tensor::Tensor;

/// A diagonal of the last two axes: y[…, i] = x[…, i, i + offset].
#[derive(Clone, Copy, Debug)]
pub struct Diagonal {
    /// How far above the main diagonal; below it if negative.
    pub offset: isize,
}

/// The adjoint of [`Diagonal`]: zeros but for one diagonal.
#[derive(Clone, Copy, Debug)]
pub struct DiagonalAdjoint {
    /// How far above the main diagonal; below it if negative.
    pub offset: isize,
    /// Rows and columns of the result.
    pub size: [usize; 2],
}

/// Where a diagonal starts, and its length.
fn diagonal(size: [usize; 2], offset: isize) -> ([usize; 2], usize) {
    let shift = offset.unsigned_abs();
    let start = if offset < 0 { [shift, 0] } else { [0, shift] };
    let length = size[0].saturating_sub(start[0]).min(size[1].saturating_sub(start[1]));
    (start, length)
}

impl Rule for Diagonal {
    fn name(&self) -> &'static str {
        "diagonal"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let (leading, size) = matrix_size(operands[0])?;
        let mut shape = Shape::from_slice(leading);
        shape.push(diagonal(size, self.offset).1);
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let shape = out.shape();
        let x = operands[0].view();
        let [.., rows, columns] = *operands[0].shape() else { unreachable!("two axes") };
        let (start, length) = diagonal([rows, columns], self.offset);
        let leading = IxDyn(&shape[..shape.len() - 1]);
        let mut elements = Vec::with_capacity(shape.iter().product());
        for position in ndarray::indices(leading) {
            let mut index = ndarray::Dimension::slice(&position).to_vec();
            index.extend(start);
            let row = index.len() - 2;
            for _ in 0..length {
                elements.push(x[&index[..]]);
                index[row] += 1;
                index[row + 1] += 1;
            }
        }
        out.set(Tensor::from_shape_vec(shape, elements).expect("one element for each index"))
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let shape = call.operands[0].shape();
            let [.., rows, columns] = shape[..] else { unreachable!("two axes") };
            T::apply(DiagonalAdjoint { offset: self.offset, size: [rows, columns] }, &[cotangent])
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
    fn settings(&self) -> Attributes {
        vec![("offset", self.offset.into())]
    }
}

impl Rule for DiagonalAdjoint {
    fn name(&self) -> &'static str {
        "diagonal_adjoint"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let Some((&last, leading)) = operands[0].split_last() else {
            return Err(Problem::TooFewAxes { operand: 1, ndim: 0, least: 1 });
        };
        let expected = diagonal(self.size, self.offset).1;
        if last != expected {
            return Err(Problem::AxisLength { axis: leading.len(), length: last, expected });
        }
        let mut shape = Shape::from_slice(leading);
        shape.extend(self.size);
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let shape = out.shape();
        let (start, _) = diagonal(self.size, self.offset);
        let mut matrix = ArrayD::<A>::zeros(IxDyn(shape));
        for (position, &value) in operands[0].view().indexed_iter() {
            let mut index = ndarray::Dimension::slice(&position).to_vec();
            let i = index.pop().expect("an axis");
            index.extend([start[0] + i, start[1] + i]);
            matrix[&index[..]] = value;
        }
        out.set(Tensor::from(matrix))
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| T::apply(Diagonal { offset: self.offset }, &[cotangent])])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
    fn settings(&self) -> Attributes {
        vec![("offset", self.offset.into()), ("size", self.size[..].into())]
    }
}

impl Cases for Diagonal {
    fn examples() -> Vec<Example<Self>> {
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(Self { offset: 0 }, x()).gives([1.0, 3.0]),
            example(Self { offset: 1 }, x()).gives([-2.0, -1.5]),
            example(Self { offset: -1 }, x()).gives([0.5]),
            example(Self { offset: 5 }, x()),
            example(Self { offset: 0 }, samples(&[&[2, 3, 3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self { offset: 0 }, &[&[3]], "has 1 axis but at least 2 are needed")]
    }
}

impl Cases for DiagonalAdjoint {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self { offset: 1, size: [2, 3] }, [Tensor::from([1.0, 2.0])])
                .gives([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0]]),
            example(Self { offset: -1, size: [3, 2] }, samples(&[&[2, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let rule = Self { offset: 0, size: [2, 3] };
        vec![refusal(rule, &[&[3]], "axis 0 has length 3, but 2 is needed")]
    }
}
