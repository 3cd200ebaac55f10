//! The largest element of each window, and its derivative.

use super::Windows;
use super::shared::{show_kernel, slide_attributes, spatial, windows_shape};
use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::kernel::{self, Slide, Slides};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Lead, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::rules::methods::{BinaryMethods, LinearMethods, ReduceMethods};
use crate::tensor::Tensor;

/// The largest element of each window of `[batch, channels, …]`; padding does not count. The
/// gradient goes to the largest element; elements that tie share it equally.
#[derive(Clone, Debug)]
pub struct MaxPool {
    /// How the window slides along each spatial axis.
    pub slides: Slides,
}

/// The derivative of [`MaxPool`] at x, the first operand: of v in the shape of x, for each window
/// the mean over its largest elements; or the adjoint, which divides v in the shape of the result
/// among the largest elements of each window.
#[derive(Clone, Debug)]
pub struct MaxPoolSlope {
    /// How the window slides along each spatial axis.
    pub slides: Slides,
    /// Whether it is the other of the adjoint pair, which carries cotangents back.
    pub adjoint: bool,
}

impl MaxPool {
    fn slope(&self, adjoint: bool) -> MaxPoolSlope {
        MaxPoolSlope { slides: self.slides.clone(), adjoint }
    }
}

impl Rule for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let counts = windows_shape(&self.slides, spatial(1, operands[0], &self.slides)?)?;
        Ok(operands[0][..2].iter().copied().chain(counts).collect())
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let value = kernel::max_pool(operands[0], out.shape(), &self.slides);
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| T::apply(self.slope(true), &[call.operands[0], cotangent])])
    }
    fn family(&self) -> Family<'_> {
        Family::Own
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let x = operands[0];
        let windows = Windows { slides: self.slides.clone(), adjoint: None };
        let inside = x.scalar(1.0).broadcast_to(&x.shape());
        let inside = T::apply(windows.clone(), &[&inside]);
        let elements = T::apply(windows, &[x]);
        Some(inside.select(elements, x.scalar(f64::NEG_INFINITY)).max_axes(2))
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::with(self.clone(), Lead::Folded)
    }
    fn settings(&self) -> Attributes {
        slide_attributes(&self.slides)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &show_kernel(&self.slides))
    }
}

impl Rule for MaxPoolSlope {
    fn name(&self) -> &'static str {
        if self.adjoint { "max_pool_adjoint" } else { "max_pool_slope" }
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let x = Shape::from_slice(operands[0]);
        let pooled = MaxPool { slides: self.slides.clone() }.shape(&operands[..1])?;
        let (from, to) = if self.adjoint { (pooled, x) } else { (x, pooled) };
        if operands[1] == &from[..] {
            Ok(to)
        } else {
            let of = if self.adjoint { "that of operand 1, pooled" } else { "that of operand 1" };
            Err(Problem::OperandShape { operand: 2, expected: from, of })
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let (x, v) = (operands[0], operands[1]);
        let value = if self.adjoint {
            kernel::max_pool_adjoint(x, v, &self.slides)
        } else {
            kernel::max_pool_slope(x, v, out.shape(), &self.slides)
        };
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        // Which element is the largest does not change but at ties.
        let transposed = Self { adjoint: !self.adjoint, ..self.clone() };
        let of_v = || T::apply(transposed, &[call.operands[0], cotangent]);
        Contributions::from_buf([None, call.wanted[1].then(of_v)])
    }
    fn family(&self) -> Family<'_> {
        Family::LinearIn(1)
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::with(self.clone(), Lead::FoldedRepeated)
    }
    fn settings(&self) -> Attributes {
        let mut attributes = slide_attributes(&self.slides);
        attributes.push(("adjoint", self.adjoint.into()));
        attributes
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &show_kernel(&self.slides))
    }
}

impl Cases for MaxPool {
    fn examples() -> Vec<Example<Self>> {
        let pool = |slides: &[Slide]| Self { slides: Slides::from_slice(slides) };
        let row = Tensor::from([[[1.0, -2.0, 4.0, 3.0]]]);
        let pair = Slide::new(2);
        vec![
            example(pool(&[pair]), [row.clone()]).gives([[[1.0, 4.0, 4.0]]]),
            example(pool(&[pair.stride(2)]), [row.clone()]).gives([[[1.0, 4.0]]]),
            example(pool(&[Slide::new(3).padding(1).stride(2)]), [row]).gives([[[1.0, 4.0]]]),
            example(pool(&[pair, Slide::new(3).stride(2)]), samples(&[&[2, 2, 3, 5]])),
            example(pool(&[pair.dilation(2), Slide::new(3).padding(1)]), samples(&[&[1, 2, 4, 3]])),
            example(pool(&[pair]), samples(&[&[0, 1, 3]])),
            example(pool(&[pair, Slide::new(1), pair.stride(2)]), samples(&[&[1, 2, 3, 2, 4]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let pool = Self { slides: Slides::from_slice(&[Slide::new(3)]) };
        vec![
            refusal(
                pool.clone(),
                &[&[1, 1, 2]],
                "a kernel of 3 with dilation 1 spans 3 but axis 2",
            ),
            refusal(pool, &[&[1, 2]], "operand 1 has 2 axes, but 3 are needed"),
            refusal(
                Self { slides: Slides::from_slice(&[Slide::new(1); 4]) },
                &[&[1, 1, 2, 2, 2, 2]],
                "the number of spatial axes is 4, but must be 1, 2 or 3",
            ),
        ]
    }
}

impl Cases for MaxPoolSlope {
    fn examples() -> Vec<Example<Self>> {
        let slope =
            |slides: &[Slide], adjoint| Self { slides: Slides::from_slice(slides), adjoint };
        let row = || Tensor::from([[[1.0, -2.0, 4.0, 3.0]]]);
        let pair = Slide::new(2);
        let image = [pair, Slide::new(3).stride(2).padding(1)];
        let volume = [pair, Slide::new(1), Slide::new(3)];
        vec![
            example(slope(&[pair], false), [row(), Tensor::from([[[0.5, 1.5, 2.5, 3.5]]])])
                .gives([[[0.5, 2.5, 2.5]]]),
            example(slope(&[pair], true), [row(), Tensor::from([[[0.5, 1.5, 2.5]]])])
                .gives([[[0.5, 0.0, 4.0, 0.0]]]),
            example(slope(&image, false), samples(&[&[1, 2, 3, 4], &[1, 2, 3, 4]])),
            example(slope(&image, true), samples(&[&[1, 2, 3, 4], &[1, 2, 2, 2]])),
            example(slope(&volume, false), samples(&[&[1, 1, 3, 2, 3], &[1, 1, 3, 2, 3]])),
            example(slope(&volume, true), samples(&[&[1, 1, 3, 2, 3], &[1, 1, 2, 2, 1]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let slope = |adjoint| Self { slides: Slides::from_slice(&[Slide::new(2)]), adjoint };
        let x = &[1, 1, 4];
        vec![
            refusal(slope(false), &[x, &[1, 1, 3]], "operand 2 should have the shape [1, 1, 4]"),
            refusal(slope(true), &[x, &[1, 1, 4]], "operand 2 should have the shape [1, 1, 3]"),
        ]
    }
}
