//! A triangle of a matrix, self-adjoint.

use super::shared::matrix_size;
use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::kernel;
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::tensor::Tensor;

/// The upper or lower triangle of the last two axes; zeros elsewhere. Its own adjoint.
#[derive(Clone, Copy, Debug)]
pub struct Triangle {
    /// Whether to keep the upper triangle (j ≥ i + offset) or the lower (j ≤ i + offset).
    pub upper: bool,
    /// Where the triangle begins, counted from the main diagonal upwards.
    pub offset: isize,
}

impl Rule for Triangle {
    fn name(&self) -> &'static str {
        if self.upper { "triu" } else { "tril" }
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        matrix_size(operands[0])?;
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let &[.., rows, columns] = out.shape() else { unreachable!("two axes") };
        let (x, to) = (kernel::ordered(operands[0]), out.elements());
        if to.is_empty() {
            return Ok(());
        }
        for (i, (to, x)) in to.chunks_exact_mut(columns).zip(x.chunks_exact(columns)).enumerate() {
            let first = ((i % rows) as isize).saturating_add(self.offset);
            let within = |column: isize| column.clamp(0, columns as isize) as usize;
            let kept = if self.upper {
                within(first)..columns
            } else {
                0..within(first.saturating_add(1))
            };
            to[..kept.start].fill(A::zero());
            to[kept.end..].fill(A::zero());
            to[kept.clone()].copy_from_slice(&x[kept]);
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| T::apply(*self, &[cotangent])])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
    fn settings(&self) -> Attributes {
        vec![("upper", self.upper.into()), ("offset", self.offset.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        let offset =
            if self.offset == 0 { String::new() } else { format!("offset {}", self.offset) };
        Formula::call(self.name(), operands, &offset)
    }
}

impl Cases for Triangle {
    fn examples() -> Vec<Example<Self>> {
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(Self { upper: true, offset: 0 }, x())
                .gives([[1.0, -2.0, 4.0], [0.0, 3.0, -1.5]]),
            example(Self { upper: false, offset: -1 }, x())
                .gives([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]),
            example(Self { upper: false, offset: 1 }, samples(&[&[2, 3, 3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self { upper: true, offset: 0 }, &[&[3]], "at least 2 are needed")]
    }
}
