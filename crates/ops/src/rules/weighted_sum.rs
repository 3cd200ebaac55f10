//! Sums of rows, each times its weight.

use crate::ground::{Formula, Problem, Shape};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Lead, Out, Reading, Refusal, Rule,
    Shortcuts, arity, example, refusal, samples,
};
use crate::rules::matmul::{Matmul, MatmulMethods, spread, transposed};
use crate::tensor::Tensor;

/// The matrix product of weights w and values v in which a weight of 0 is an absence: row i of the
/// result is the sum of w\[i, s\] · v\[s\] over all s with w\[i, s\] ≠ 0, so that what is infinite or
/// NaN stays out where its weight is 0. For finite values this is [`Matmul`], and the gradients are
/// those of a product: w̄ = ȳ vᵀ and v̄ = wᵀ ȳ.
///
/// Source: Vaswani et al., *Attention is all you need*, 2017, section 3.2.3, where a query takes
/// nothing from the keys that it may not look at.
#[derive(Clone, Copy, Debug)]
pub struct WeightedSum;

/// Gives each sum in which a weight other than 0 meets a value that is not finite.
fn sum_what_is_not_finite<A: Float>(weights: &Tensor<A>, values: &Tensor<A>, out: Out<'_, A>) {
    let (leading, matrix) = out.shape().split_at(out.shape().len() - 2);
    let (weights, values) = (weights.view(), values.view());
    let (rows, columns) = (spread(&weights, leading), spread(&values, leading));
    let rows: Vec<_> = rows.rows().into_iter().collect();
    let columns: Vec<_> = columns.lanes(ndarray::Axis(leading.len())).into_iter().collect();
    let (height, width) = (matrix[0], matrix[1]);
    for (at, sum) in out.elements().iter_mut().enumerate() {
        let (row, column) =
            (&rows[at / width], &columns[at / (height * width) * width + at % width]);
        let terms = || row.iter().zip(column).filter(|(weight, _)| **weight != A::zero());
        if terms().any(|(_, value)| !value.is_finite()) {
            *sum = terms().fold(A::zero(), |sum, (&weight, &value)| sum + weight * value);
        }
    }
}

impl Rule for WeightedSum {
    fn name(&self) -> &'static str {
        "weighted_sum"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        for (i, x) in operands.iter().enumerate() {
            if x.len() < 2 {
                return Err(Problem::TooFewAxes { operand: i + 1, ndim: x.len(), least: 2 });
            }
        }
        Matmul.shape(operands)
    }
    fn forward<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        mut out: Out<'_, A>,
    ) -> Result<(), Problem> {
        let (weights, values) = (operands[0], operands[1]);
        let sums = out.again().elements();
        Matmul::stack_into(weights, values, sums);
        if sums.iter().any(|sum| !sum.is_finite()) {
            let finite = values.map(|v| if v.is_finite() { v } else { A::zero() });
            Matmul::stack_into(weights, &finite, sums);
            sum_what_is_not_finite(weights, values, out);
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let (weights, values) = (call.operands[0], call.operands[1]);
        call.contributions([&|| cotangent.matmul(transposed(values)), &|| {
            transposed(weights).matmul(cotangent)
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Bilinear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::with(*self, Lead::Aligned)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("weighted_sum", operands, "")
    }
    fn shortcuts<A: Float>(&self) -> Option<&dyn Shortcuts<A>> {
        Some(self)
    }
}

impl<A: Float> Shortcuts<A> for WeightedSum {
    fn mult_adds(&self, operands: &[&[usize]], output: &[usize]) -> u64 {
        Shortcuts::<A>::mult_adds(&Matmul, operands, output)
    }
}

impl Cases for WeightedSum {
    fn examples() -> Vec<Example<Self>> {
        let weights = || Tensor::from([[1.0, -2.0, 4.0], [0.5, 0.0, -1.5]]);
        let values = || Tensor::from([[2.0, -1.0], [0.5, 3.0], [-4.0, 1.0]]);
        vec![
            example(Self, [weights(), values()]).gives([[-15.0, -3.0], [7.0, -2.0]]),
            example(Self, samples(&[&[2, 2, 3], &[2, 3, 2]])),
            example(Self, samples(&[&[2, 1, 2, 3], &[3, 3, 1]])),
            example(Self, samples(&[&[2, 2, 3], &[3, 2]])),
            example(Self, samples(&[&[2, 0], &[0, 3]])).gives([[0.0; 3]; 2]),
            example(Self, samples(&[&[0, 2, 3], &[3, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self, &[&[2, 3], &[2, 3]], "so a right operand of shape [3, 3] would fit"),
            refusal(Self, &[&[2, 3], &[3]], "operand 2 has 1 axis but at least 2 are needed"),
            refusal(Self, &[&[2, 2]], "takes 2 operands but was given 1"),
        ]
    }
}
