//! Operands joined end to end. Its adjoint is a slice for each operand.

use ndarray::{ArrayViewMutD, Axis, IxDyn, SliceInfoElem};

use crate::ground::{Attributes, Formula, Problem, Shape, resolve_axis};
use crate::kernel;
use crate::number::Float;
use crate::rule::batched::axis_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, example,
    refusal, samples,
};
use crate::rules::methods::LinearMethods;
use crate::tensor::Tensor;

/// Operands joined end to end along an axis.
#[derive(Clone, Debug)]
pub struct Concat {
    /// The axis along which they are joined.
    pub axis: isize,
}

impl Rule for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        let Some(first) = operands.first() else {
            return Err(Problem::Other("it needs at least one operand".into()));
        };
        let axis = resolve_axis(self.axis, first.len())?;
        let mut shape = Shape::from_slice(first);
        for (i, operand) in operands.iter().enumerate().skip(1) {
            let agrees = operand.len() == first.len()
                && (0..first.len()).all(|k| k == axis || operand[k] == first[k]);
            if !agrees {
                return Err(Problem::Concat { operand: i + 1, axis });
            }
            shape[axis] = shape[axis].saturating_add(operand[axis]); // Refused if it is too long.
        }
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let shape = out.shape();
        let axis =
            resolve_axis(self.axis, shape.len()).expect("an axis that the rule has accepted");
        if let [only] = operands {
            return out.set(Tensor::clone(only));
        }
        let fits = "as many elements as the shape has";
        let mut rest = ArrayViewMutD::from_shape(IxDyn(shape), out.elements()).expect(fits);
        for x in operands {
            let (part, others) = rest.split_at(Axis(axis), x.shape()[axis]);
            kernel::copy_to(part, &x.view());
            rest = others;
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let ndim = cotangent.shape().len();
        let axis = resolve_axis(self.axis, ndim).expect("an axis that the rule has accepted");
        let mut start = 0;
        call.operands
            .iter()
            .zip(call.wanted)
            .map(|(operand, &wanted)| {
                let end = start + operand.shape()[axis] as isize;
                let mut part = vec![SliceInfoElem::Slice { start: 0, end: None, step: 1 }; ndim];
                part[axis] = SliceInfoElem::Slice { start, end: Some(end), step: 1 };
                start = end;
                wanted.then(|| cotangent.slice(part))
            })
            .collect()
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(Self { axis: axis_behind(self.axis) })
    }
    fn settings(&self) -> Attributes {
        vec![("axis", self.axis.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call("concat", operands, &format!("axis {}", self.axis))
    }
}

impl Cases for Concat {
    fn examples() -> Vec<Example<Self>> {
        let (a, b) = (Tensor::from([[1.0], [2.0]]), Tensor::from([[3.0, 5.0], [4.0, 6.0]]));
        vec![
            example(Self { axis: 1 }, [a, b]).gives([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]),
            example(Self { axis: -2 }, samples(&[&[1, 2], &[2, 2], &[1, 2]])),
            example(Self { axis: 0 }, samples(&[&[0, 2], &[2, 2]])),
            example(Self { axis: 0 }, samples(&[&[3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(
                Self { axis: 0 },
                &[&[2, 3], &[2, 4]],
                "operand 2 differs from the first outside axis 0",
            ),
            refusal(Self { axis: 2 }, &[&[2, 3]], "axis 2 is out of range"),
            refusal(Self { axis: 0 }, &[], "at least one operand"),
            refusal(Self { axis: 0 }, &[&[], &[]], "a scalar has no axes"),
        ]
    }
}
