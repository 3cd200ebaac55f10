//! Rows of a table by indices that are an operand: embeddings. Indices that change with the data
//! are read anew each time the op is computed, as settings would not be.

use crate::ground::{Attributes, Problem, Shape};
use crate::kernel;
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Lead, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::tensor::Tensor;

/// Rows of a table: `[rows, …width]` and indices `[…]` give `[…, …width]`. The indices are whole
/// numbers, of which no gradient is taken; the table's is [`GatherAdjoint`].
#[derive(Clone, Copy, Debug)]
pub struct Gather;

/// The adjoint of [`Gather`]: zeros of so many rows, to which each element of the second operand,
/// `[…, …width]`, is added in the row that the indices `[…]`, the first, say.
#[derive(Clone, Copy, Debug)]
pub struct GatherAdjoint {
    /// The rows of the result.
    pub rows: usize,
}

/// The indices as numbers of rows.
///
/// # Errors
/// If one is not a whole number below `rows`.
fn indices<A: Float>(of: &Tensor<A>, rows: usize) -> Result<Vec<usize>, Problem> {
    let elements = kernel::ordered(of);
    let index = |(number, value): (usize, &A)| {
        let given = value.to_f64();
        if given >= 0.0 && given < rows as f64 && given.fract() == 0.0 {
            return Ok(given as usize);
        }
        let mut position = Shape::from_slice(of.shape());
        let mut rest = number;
        for length in position.iter_mut().rev() {
            (*length, rest) = (rest % *length, rest / *length);
        }
        Err(Problem::Index { position, given, rows })
    };
    elements.iter().enumerate().map(index).collect()
}

impl Rule for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let Some((_, width)) = operands[0].split_first() else {
            return Err(Problem::TooFewAxes { operand: 1, ndim: 0, least: 1 });
        };
        Ok(operands[1].iter().chain(width).copied().collect())
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let indices = indices(operands[1], operands[0].shape()[0])?;
        kernel::SparseMap::choosing(&indices).apply(operands[0], 0, out.elements());
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let rows = call.operands[0].shape()[0];
        let table = || T::apply(GatherAdjoint { rows }, &[call.operands[1], cotangent]);
        Contributions::from_buf([call.wanted[0].then(table), None])
    }
    fn family(&self) -> Family<'_> {
        Family::LinearIn(0)
    }
    fn batched(&self, _: usize, _: &[&[usize]], along: &[bool]) -> Option<Batched<Self>> {
        if along[0] { None } else { Batched::with(*self, Lead::Kept) }
    }
}

impl Rule for GatherAdjoint {
    fn name(&self) -> &'static str {
        "gather_adjoint"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let (indices, added) = (operands[0], operands[1]);
        let Some(width) = added.strip_prefix(indices) else {
            let expected = Shape::from_slice(indices);
            let of = "that of operand 1, and the axes of a row after it";
            return Err(Problem::OperandShape { operand: 2, expected, of });
        };
        Ok(std::iter::once(self.rows).chain(width.iter().copied()).collect())
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let indices = indices(operands[0], self.rows)?;
        let width: usize = out.shape()[1..].iter().product();
        let sums = out.elements();
        sums.fill(A::zero());
        if width > 0 {
            let added = kernel::ordered(operands[1]);
            for (&index, row) in indices.iter().zip(added.chunks_exact(width)) {
                let sums = &mut sums[index * width..][..width];
                sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value);
            }
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let added = || T::apply(Gather, &[cotangent, call.operands[0]]);
        Contributions::from_buf([None, call.wanted[1].then(added)])
    }
    fn family(&self) -> Family<'_> {
        Family::LinearIn(1)
    }
    fn settings(&self) -> Attributes {
        vec![("rows", self.rows.into())]
    }
}

impl Cases for Gather {
    fn examples() -> Vec<Example<Self>> {
        let table = Tensor::from([[1.0, -2.0], [4.0, 0.5], [3.0, -1.5]]);
        let wide = samples(&[&[3, 2, 2]]).remove(0);
        vec![
            example(Self, [table.clone(), Tensor::from([2.0, 0.0, 2.0])])
                .gives([[3.0, -1.5], [1.0, -2.0], [3.0, -1.5]])
                .fixed(1),
            example(Self, [table.clone(), Tensor::scalar(1.0)]).gives([4.0, 0.5]).fixed(1),
            example(Self, [table, Tensor::zeros(&[0, 2])]).fixed(1),
            example(Self, [wide, Tensor::from([[2.0, 1.0], [1.0, 0.0]])]).fixed(1),
            example(Self, [Tensor::from([0.5, -1.0]), Tensor::from([[1.0, 0.0]])]).fixed(1),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self, &[&[], &[2]], "has 0 axes but at least 1 is needed"),
            refusal(
                Self,
                &[&[0, 2], &[1, 1]],
                "the index at [0, 0] is 0, but there are no rows to choose from",
            ),
        ]
    }
}

impl Cases for GatherAdjoint {
    fn examples() -> Vec<Example<Self>> {
        let added = Tensor::from([[1.0, -2.0], [4.0, 0.5], [3.0, -1.5]]);
        let wide = samples(&[&[2, 2, 3]]).remove(0);
        vec![
            example(Self { rows: 3 }, [Tensor::from([2.0, 0.0, 2.0]), added])
                .gives([[4.0, 0.5], [0.0, 0.0], [4.0, -3.5]])
                .fixed(0),
            example(Self { rows: 4 }, [Tensor::from([[3.0, 1.0], [1.0, 0.0]]), wide]).fixed(0),
            example(Self { rows: 2 }, [Tensor::scalar(1.0), Tensor::scalar(0.5)]).fixed(0),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self { rows: 3 }, &[&[2], &[3, 2]], "operand 2 should have the shape [2]"),
            refusal(Self { rows: 0 }, &[&[1], &[1, 2]], "there are no rows to choose from"),
        ]
    }
}

/// The method of [`Gather`], for every reading of tensors.
pub trait GatherMethods: Reading {
    /// The rows of this table, `[rows, …width]`, that `indices` name, `[…]`: `[…, …width]`.
    ///
    /// # Panics
    /// If an index is not a whole number that is below the number of rows.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    /// let table = Tensor::from([[0.1, 0.2], [0.3, 0.4]]);
    /// let rows = table.gather(&Tensor::from([1.0, 1.0, 0.0]));
    /// assert_eq!(rows, Tensor::from([[0.3, 0.4], [0.3, 0.4], [0.1, 0.2]]));
    /// ```
    #[track_caller]
    fn gather(&self, indices: &Self) -> Self {
        Self::apply(Gather, &[self, indices])
    }
}
impl<T: Reading> GatherMethods for T {}
