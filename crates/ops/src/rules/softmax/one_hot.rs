//! Rows of zeros with a 1 at the place of a label.

use super::shared::class_indices;
use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::tensor::Tensor;

/// For each label, a whole number, a row of zeros but for a 1 at its place. A label is read as the
/// nearest whole number, and nothing flows back to it: dy/dx = 0 everywhere.
#[derive(Clone, Copy, Debug)]
pub struct OneHot {
    /// The length of a row.
    pub classes: usize,
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
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let rows = out.elements();
        rows.fill(A::zero());
        for (row, class) in class_indices(operands[0], self.classes).enumerate() {
            rows[row * self.classes + class?] = A::one();
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, _call: &Call<'_, T>, _cotangent: &T) -> Contributions<T> {
        std::iter::once(None).collect()
    }
    fn family(&self) -> Family<'_> {
        Family::Constant
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
    fn settings(&self) -> Attributes {
        vec![("classes", self.classes.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("one_hot", operands, &format!("classes {}", self.classes))
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
