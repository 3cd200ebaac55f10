//! Another shape for the same elements.

use ndarray::IxDyn;
use smallvec::SmallVec;

use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::kernel;
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::rules::methods::LinearMethods;
use crate::tensor::Tensor;

/// The same elements, in the same order, laid out in another shape.
#[derive(Clone, Debug)]
pub struct Reshape {
    /// The shape of the result; one length may be −1, to be inferred.
    pub shape: SmallVec<[isize; 4]>,
}

impl Rule for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let to = || self.shape.to_vec();
        let from: usize = operands[0].iter().product();
        let inferred = self.shape.iter().filter(|&&length| length == -1).count();
        if inferred > 1 || self.shape.iter().any(|&length| length < -1) {
            return Err(Problem::ReshapeInference { to: to() });
        }
        let mut known = 1_usize;
        for &length in self.shape.iter().filter(|&&length| length >= 0) {
            known = known
                .checked_mul(length as usize)
                .ok_or_else(|| Problem::Reshape { from, to: to() })?;
        }
        let fits =
            if inferred == 1 { known != 0 && from.is_multiple_of(known) } else { known == from };
        if !fits {
            return Err(Problem::Reshape { from, to: to() });
        }
        Ok(self.shape.iter().map(|&n| if n < 0 { from / known } else { n as usize }).collect())
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let (x, shape) = (operands[0].shared(), out.shape());
        let fits = "a shape that the rule has accepted";
        // Elements in order are shared, others have to be copied into order.
        if x.is_standard_layout() {
            return out.share(x.into_shape_with_order(IxDyn(shape)).expect(fits));
        }
        out.set(Tensor::from_buffer(shape, kernel::ordered(operands[0]).into_buffer()))
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| cotangent.reshape(&call.operands[0].shape()[..])])
    }
    fn family(&self) -> Family<'_> {
        Family::View
    }
    fn batched(&self, rows: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let rows = isize::try_from(rows).ok()?;
        let shape = std::iter::once(rows).chain(self.shape.iter().copied()).collect();
        Batched::repeated(Self { shape })
    }
    fn settings(&self) -> Attributes {
        vec![("shape", self.shape[..].into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("reshape", operands, &format!("{:?}", &self.shape[..]))
    }
}

impl Cases for Reshape {
    fn examples() -> Vec<Example<Self>> {
        let to = |shape: &[isize]| Self { shape: SmallVec::from_slice(shape) };
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(to(&[3, -1]), x()).gives([[1.0, -2.0], [4.0, 0.5], [3.0, -1.5]]),
            example(to(&[-1]), samples(&[&[2, 1, 2]])),
            example(to(&[1, 1]), samples(&[&[]])),
            example(to(&[]), samples(&[&[1]])),
            example(to(&[3, 0]), samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let to = |shape: &[isize]| Self { shape: SmallVec::from_slice(shape) };
        vec![
            refusal(to(&[4]), &[&[2, 3]], "6 elements cannot be laid out as [4], which holds 4"),
            refusal(to(&[4, -1]), &[&[2, 3]], "6 is not a multiple of 4"),
            refusal(to(&[-1, -1]), &[&[2, 3]], "may hold one -1"),
            refusal(to(&[-6]), &[&[2, 3]], "no other negative length"),
        ]
    }
}
