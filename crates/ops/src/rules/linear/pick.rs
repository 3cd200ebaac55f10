//! One element of each row, and its adjoint, which puts it back.

use std::sync::Arc;

use super::shared::{labelled_rows, show_indices};
use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::tensor::Tensor;

/// One element of each row: `y[i] = x[i, index[i]]`, rows being the lanes of the last axis.
#[derive(Clone, Debug)]
pub struct Pick {
    /// For each row, in order, which element.
    pub indices: Arc<[usize]>,
}

impl Rule for Pick {
    fn name(&self) -> &'static str {
        "pick"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        labelled_rows(operands[0], &self.indices)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let x = operands[0].view();
        let rows = x.rows().into_iter().zip(&*self.indices);
        out.elements().iter_mut().zip(rows).for_each(|(picked, (row, &i))| *picked = row[i]);
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let columns = *call.operands[0].shape().last().expect("an operand with rows");
            T::apply(Place { indices: self.indices.clone(), columns }, &[cotangent])
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, rows: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(Self { indices: self.indices.repeat(rows).into() })
    }
    fn settings(&self) -> Attributes {
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
            refusal(pick(&[0]), &[&[2, 3]], "there is 1 label for 2 rows"),
            refusal(
                pick(&[0, 3]),
                &[&[2, 3]],
                "index 3 (number 1 of the list) is out of range: axis 1 has length 3",
            ),
            refusal(pick(&[0]), &[&[]], "has 0 axes but at least 1 is needed"),
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
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let (rows, values) = (out.elements(), operands[0].view());
        rows.fill(A::zero());
        let rows = rows.chunks_exact_mut(self.columns.max(1)).zip(&*self.indices);
        rows.zip(values.iter()).for_each(|((row, &i), &value)| row[i] = value);
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| T::apply(Pick { indices: self.indices.clone() }, &[cotangent])])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, rows: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let indices = self.indices.repeat(rows).into();
        Batched::repeated(Self { indices, ..*self })
    }
    fn settings(&self) -> Attributes {
        vec![("indices", self.indices[..].into()), ("columns", self.columns.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        let settings = format!("{} of {}", show_indices(&self.indices), self.columns);
        Formula::call("place", operands, &settings)
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
