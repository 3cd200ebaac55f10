//! Every window side by side, and its adjoint, which adds them back.

use super::shared::{kernel_size, show_kernel, slide_attributes, spatial, windows_shape};
use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::kernel::{self, Slide, Slides};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Lead, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::tensor::Tensor;

/// Every window of `[batch, channels, …]`, side by side: `[batch, channels, kernel, …windows]`,
/// or the adjoint, which adds every window back in its place.
#[derive(Clone, Debug)]
pub struct Windows {
    /// How the window slides along each spatial axis.
    pub slides: Slides,
    /// For the adjoint: the spatial shape of its result.
    pub adjoint: Option<Shape>,
}

impl Rule for Windows {
    fn name(&self) -> &'static str {
        if self.adjoint.is_some() { "windows_adjoint" } else { "windows" }
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let x = operands[0];
        let kernel = kernel_size(&self.slides)?;
        let Some(to) = &self.adjoint else {
            let counts = windows_shape(&self.slides, spatial(1, x, &self.slides)?)?;
            let mut shape = Shape::from_slice(&x[..2]);
            shape.push(kernel);
            shape.extend(counts);
            return Ok(shape);
        };
        let mut image = Shape::from_slice(&[1, 1]);
        image.extend_from_slice(to);
        let counts = windows_shape(&self.slides, spatial(1, &image, &self.slides)?)?;
        let mut expected = Shape::from_slice(x.get(..2).unwrap_or(&[]));
        expected.push(kernel);
        expected.extend(counts);
        if *x != expected[..] {
            return Err(Problem::OperandShape { operand: 1, expected, of: "that of the windows" });
        }
        let mut shape = Shape::from_slice(&x[..2]);
        shape.extend_from_slice(to);
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let value = match self.adjoint {
            None => kernel::windows(operands[0], out.shape(), &self.slides),
            Some(_) => kernel::windows_adjoint(operands[0], out.shape(), &self.slides),
        };
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let adjoint = match &self.adjoint {
                Some(_) => None,
                None => Some(Shape::from_slice(&call.operands[0].shape()[2..])),
            };
            T::apply(Self { adjoint, ..self.clone() }, &[cotangent])
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::with(self.clone(), Lead::Folded)
    }
    fn settings(&self) -> Attributes {
        let mut attributes = slide_attributes(&self.slides);
        attributes.extend(self.adjoint.iter().map(|shape| ("adjoint", shape[..].into())));
        attributes
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &show_kernel(&self.slides))
    }
}

impl Cases for Windows {
    fn examples() -> Vec<Example<Self>> {
        let windows = |slides: &[Slide]| Self { slides: Slides::from_slice(slides), adjoint: None };
        let x = Tensor::from([[[1.0, 2.0, 3.0, 4.0]]]);
        let pair = Slide::new(2);
        vec![
            example(windows(&[pair]), [x.clone()]).gives(
                Tensor::from_shape_vec(&[1, 1, 2, 3], vec![1.0, 2.0, 3.0, 2.0, 3.0, 4.0])
                    .expect("6"),
            ),
            example(windows(&[pair.stride(3).padding(1)]), [x])
                .gives(Tensor::from_shape_vec(&[1, 1, 2, 2], vec![0.0, 3.0, 1.0, 4.0]).expect("4")),
            example(
                windows(&[pair.dilation(2), Slide::new(3).padding(1).stride(2)]),
                samples(&[&[2, 1, 4, 3]]),
            ),
            example(windows(&[pair, pair, pair.padding(1)]), samples(&[&[1, 2, 3, 2, 2]])),
            example(
                Self {
                    adjoint: Some(Shape::from_slice(&[3, 1, 2])),
                    ..windows(&[pair, Slide::new(1), pair.padding(1)])
                },
                samples(&[&[1, 2, 4, 2, 1, 3]]),
            ),
            example(
                Self { adjoint: Some(Shape::from_slice(&[4])), ..windows(&[pair]) },
                samples(&[&[1, 2, 2, 3]]),
            ),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let windows = |slides: &[Slide]| Self { slides: Slides::from_slice(slides), adjoint: None };
        vec![
            refusal(
                windows(&[Slide::new(3).dilation(2)]),
                &[&[1, 1, 4]],
                "a kernel of 3 with dilation 2 spans 5 but axis 2 has length 4",
            ),
            refusal(
                windows(&[Slide::new(2).stride(0)]),
                &[&[1, 1, 4]],
                "the stride is 0, but must be at least 1",
            ),
            refusal(windows(&[Slide::new(0)]), &[&[1, 1, 4]], "the kernel is 0"),
            refusal(
                windows(&[Slide::new(2)]),
                &[&[1, 4]],
                "operand 1 has 2 axes, but 3 are needed",
            ),
        ]
    }
}
