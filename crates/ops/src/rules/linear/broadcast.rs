//! Repetition to a shape. Its adjoint is the sum over what was repeated, which the engine takes.

use ndarray::{ArrayViewMutD, IxDyn};

use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::kernel;
use crate::number::Float;
use crate::rule::{
    AtNumbers, Batched, Call, Cases, Contributions, Example, Family, Lead, Out, Reading, Refusal,
    Rule, Shortcuts, arity, example, refusal, samples,
};
use crate::tensor::Tensor;

/// Repetition along new axes and axes of length 1, to a given shape.
#[derive(Clone, Debug)]
pub struct BroadcastTo {
    /// The shape of the result.
    pub shape: Shape,
}

impl Rule for BroadcastTo {
    fn name(&self) -> &'static str {
        "broadcast_to"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let fits = operands[0].len() <= self.shape.len()
            && operands[0]
                .iter()
                .rev()
                .zip(self.shape.iter().rev())
                .all(|(&x, &to)| x == to || x == 1);
        if fits {
            Ok(self.shape.clone())
        } else {
            Err(Problem::BroadcastTo { to: self.shape.clone(), ndim: operands[0].len() })
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let (shape, x) = (IxDyn(out.shape()), operands[0].view());
        let to = ArrayViewMutD::from_shape(shape.clone(), out.elements());
        let x = x.broadcast(shape).expect("a shape that the rule has accepted");
        to.expect("as many elements as the shape has").assign(&x);
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| cotangent.clone()])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, rows: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let shape = std::iter::once(rows).chain(self.shape.iter().copied()).collect();
        Batched::with(Self { shape }, Lead::Aligned)
    }
    fn settings(&self) -> Attributes {
        vec![("shape", self.shape[..].into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("broadcast_to", operands, &format!("{:?}", &self.shape[..]))
    }
    fn shortcuts<A: Float>(&self) -> Option<&dyn Shortcuts<A>> {
        Some(self)
    }
}

impl<A: Float> Shortcuts<A> for BroadcastTo {
    fn at_numbers(&self) -> Option<&dyn AtNumbers<A>> {
        Some(self)
    }
}

/// Among elements that have been broadcast it is the identity; a scalar by itself is not.
impl<A: Float> AtNumbers<A> for BroadcastTo {
    fn value(&self, _operands: &[A]) -> Option<A> {
        None
    }
    fn contributions(&self, _operands: &[A], _output: A, _cotangent: A) -> Option<[Option<A>; 3]> {
        None
    }
    fn fill(&self, operands: &[&[A]], out: &mut [A]) {
        out.copy_from_slice(operands[0]);
    }
    fn fill_at(&self, numbers: &mut [A], to: usize, last: A, indices: &[u32]) -> A {
        kernel::fuse::fill_at(numbers, to, last, indices, |[x]| x)
    }
}

impl Cases for BroadcastTo {
    fn examples() -> Vec<Example<Self>> {
        let to = |shape: &[usize]| Self { shape: Shape::from_slice(shape) };
        vec![
            example(to(&[2, 2]), [Tensor::from([1.5, -2.0])]).gives([[1.5, -2.0], [1.5, -2.0]]),
            example(to(&[2, 3]), samples(&[&[2, 1]])),
            example(to(&[2, 1, 2]), samples(&[&[]])),
            example(to(&[0, 2]), samples(&[&[2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let to = |shape: &[usize]| Self { shape: Shape::from_slice(shape) };
        vec![
            refusal(to(&[2, 4]), &[&[2, 3]], "cannot be broadcast to [2, 4]"),
            refusal(to(&[3]), &[&[2, 3]], "cannot be broadcast to [3]"),
        ]
    }
}
