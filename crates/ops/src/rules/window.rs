//! Sliding windows: convolution, its transpose, and pooling, in one to three dimensions.
//!
//! Convolution is bilinear, and its derivatives are of the same family: for the trilinear form
//! ⟨g, conv(x, w)⟩ each of output, input and weight is given by the two others. One rule,
//! [`Conv`], is all three, and so closed under differentiation to any order. Average pooling is a
//! reduction of [`Windows`], the linear rule that lays every window out side by side; the maximum
//! has a rule of its own, [`MaxPool`], which lays out nothing.

use std::borrow::Borrow;

use crate::ground::{Attributes, Formula, Problem, Shape};
use crate::kernel;
pub use crate::kernel::{Part, Slide, Slides};
use crate::number::Float;
use crate::rule::{
    Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, Shortcuts, arity,
    example, refusal, samples,
};
use crate::rules::layout::Padding;
use crate::rules::methods::{BinaryMethods, LayoutMethods, LinearMethods, ReduceMethods};
use crate::tensor::Tensor;

/// Slides as data: one number for each spatial axis.
fn slide_attributes(slides: &[Slide]) -> Attributes {
    let all = |of: fn(&Slide) -> usize| slides.iter().map(of).collect::<Vec<_>>()[..].into();
    vec![
        ("kernel", all(|s| s.kernel)),
        ("stride", all(|s| s.stride)),
        ("padding_before", all(|s| s.padding.0)),
        ("padding_after", all(|s| s.padding.1)),
        ("dilation", all(|s| s.dilation)),
    ]
}

fn windows_shape(slides: &[Slide], spatial: &[usize]) -> Result<Shape, Problem> {
    slides.iter().zip(spatial).enumerate().map(|(i, (s, &n))| s.count(i + 2, n)).collect()
}

fn spatial<'s>(
    operand: usize,
    shape: &'s [usize],
    slides: &[Slide],
) -> Result<&'s [usize], Problem> {
    let expected = slides.len() + 2;
    if !(1..=3).contains(&slides.len()) {
        let (given, allowed) = (slides.len().to_string(), "1, 2 or 3".into());
        return Err(Problem::Setting { setting: "the number of spatial axes", given, allowed });
    }
    if shape.len() == expected {
        Ok(&shape[2..])
    } else {
        Err(Problem::AxisCount { operand, ndim: shape.len(), expected })
    }
}

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
        let kernel: usize = self.slides.iter().map(|s| s.kernel).product();
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
    fn settings(&self) -> Attributes {
        let mut attributes = slide_attributes(&self.slides);
        attributes.extend(self.adjoint.iter().map(|shape| ("adjoint", shape[..].into())));
        attributes
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &show_kernel(&self.slides))
    }
}

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
    /// Whether it is the adjoint.
    pub adjoint: bool,
}

impl MaxPool {
    fn slope(&self, adjoint: bool) -> MaxPoolSlope {
        MaxPoolSlope { slides: self.slides.clone(), adjoint }
    }
}

fn show_kernel(slides: &[Slide]) -> String {
    slides.iter().map(|s| s.kernel.to_string()).collect::<Vec<_>>().join("×")
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
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::call(self.name(), operands, &show_kernel(&self.slides))
    }
    fn settings(&self) -> Attributes {
        let mut attributes = slide_attributes(&self.slides);
        attributes.push(("adjoint", self.adjoint.into()));
        attributes
    }
}

/// Convolution (cross-correlation, as networks use it), in one to three dimensions:
/// y[n, o, i] = Σ x[n, c, i·stride + k·dilation − padding]·w[o, c, k], channels in groups.
///
/// Input `[batch, channels, …]`, weight `[outputs, channels/groups, …kernel]`, output
/// `[batch, outputs, …]`.
#[derive(Clone, Debug)]
pub struct Conv {
    /// How the kernel slides along each spatial axis.
    pub slides: Slides,
    /// In how many groups the channels are convolved apart.
    pub groups: usize,
    /// What is computed.
    pub part: Part,
}

impl Conv {
    fn as_part(&self, part: Part) -> Self {
        Self { part, ..self.clone() }
    }

    /// Checks channels of input and output and the weight's `[outputs, channels a group]`.
    fn check_channels(
        &self,
        channels: usize,
        outputs: usize,
        weight: usize,
    ) -> Result<(), Problem> {
        let groups = self.groups;
        let divides =
            groups > 0 && channels.is_multiple_of(groups) && outputs.is_multiple_of(groups);
        if divides && weight * groups == channels {
            return Ok(());
        }
        let allowed = if divides {
            format!("{} a group would", channels / groups)
        } else {
            "both must be multiples of the number of groups".into()
        };
        Err(Problem::Channels { channels, outputs, groups, weight, allowed })
    }

    fn check_kernel(&self, weight: &[usize]) -> Result<(), Problem> {
        for (i, (slide, &length)) in self.slides.iter().zip(&weight[2..]).enumerate() {
            if slide.kernel != length {
                return Err(Problem::AxisLength { axis: i + 2, length, expected: slide.kernel });
            }
        }
        Ok(())
    }
}

impl Rule for Conv {
    fn name(&self) -> &'static str {
        match (&self.part, self.slides.len()) {
            (Part::Output, 1) => "conv1d",
            (Part::Output, 2) => "conv2d",
            (Part::Output, _) => "conv3d",
            (Part::Input(_), 1) => "conv1d_transposed",
            (Part::Input(_), 2) => "conv2d_transposed",
            (Part::Input(_), _) => "conv3d_transposed",
            (Part::Weight, 1) => "conv1d_weight",
            (Part::Weight, 2) => "conv2d_weight",
            (Part::Weight, _) => "conv3d_weight",
        }
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let (a, b) = (operands[0], operands[1]);
        let (a_spatial, b_spatial) = (spatial(1, a, &self.slides)?, spatial(2, b, &self.slides)?);
        match &self.part {
            Part::Output => {
                self.check_channels(a[1], b[0], b[1])?;
                self.check_kernel(b)?;
                let mut shape = Shape::from_slice(&[a[0], b[0]]);
                shape.extend(windows_shape(&self.slides, a_spatial)?);
                Ok(shape)
            }
            Part::Input(to) => {
                self.check_channels(b[1] * self.groups, b[0], b[1])?;
                self.check_kernel(b)?;
                let mut expected = Shape::from_slice(&[a[0], b[0]]);
                expected.extend(windows_shape(&self.slides, to)?);
                if *a != expected[..] {
                    let of = "that of the output of the convolution";
                    return Err(Problem::OperandShape { operand: 1, expected, of });
                }
                let mut shape = Shape::from_slice(&[a[0], b[1] * self.groups]);
                shape.extend_from_slice(to);
                Ok(shape)
            }
            Part::Weight => {
                self.check_channels(a[1], b[1], a[1] / self.groups.max(1))?;
                let counts = windows_shape(&self.slides, a_spatial)?;
                if a[0] != b[0] || counts[..] != *b_spatial {
                    let mut expected = Shape::from_slice(&[a[0], b[1]]);
                    expected.extend(counts);
                    let of = "that of the output of the convolution";
                    return Err(Problem::OperandShape { operand: 2, expected, of });
                }
                let mut shape = Shape::from_slice(&[b[1], a[1] / self.groups]);
                shape.extend(self.slides.iter().map(|s| s.kernel));
                Ok(shape)
            }
        }
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let (a, b, shape) = (operands[0], operands[1], out.shape());
        let value = kernel::convolve(a, b, shape, &self.slides, self.groups, &self.part);
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let (a, b) = (call.operands[0], call.operands[1]);
        let input = |spatial: &[usize]| self.as_part(Part::Input(Shape::from_slice(spatial)));
        let (output, weight) = (self.as_part(Part::Output), self.as_part(Part::Weight));
        match &self.part {
            Part::Output => call
                .contributions([&|| T::apply(input(&a.shape()[2..]), &[cotangent, b]), &|| {
                    T::apply(weight.clone(), &[a, cotangent])
                }]),
            Part::Input(_) => call
                .contributions([&|| T::apply(output.clone(), &[cotangent, b]), &|| {
                    T::apply(weight.clone(), &[cotangent, a])
                }]),
            Part::Weight => call
                .contributions([&|| T::apply(input(&a.shape()[2..]), &[b, cotangent]), &|| {
                    T::apply(output.clone(), &[a, cotangent])
                }]),
        }
    }
    fn family(&self) -> Family<'_> {
        Family::Bilinear
    }
    fn shortcuts<A: Float>(&self) -> Option<&dyn Shortcuts<A>> {
        Some(self)
    }
    fn settings(&self) -> Attributes {
        let mut attributes = slide_attributes(&self.slides);
        attributes.push(("groups", self.groups.into()));
        match &self.part {
            Part::Output => {}
            Part::Input(shape) => attributes.push(("input", shape[..].into())),
            Part::Weight => attributes.push(("weight", true.into())),
        }
        attributes
    }
}

impl<A: Float> Shortcuts<A> for Conv {
    fn mult_adds(&self, operands: &[&[usize]], output: &[usize]) -> u64 {
        // The three parts are one trilinear form: every element of the convolution's output meets
        // a group of input channels under the kernel.
        let (outputs, weight) = match &self.part {
            Part::Output => (output, operands[1]),
            Part::Input(_) => (operands[0], operands[1]),
            Part::Weight => (operands[1], output),
        };
        outputs.iter().chain(&weight[1..]).map(|&length| length as u64).product()
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

impl Cases for Conv {
    fn examples() -> Vec<Example<Self>> {
        let conv = |slides: &[Slide], groups, part| Self {
            slides: Slides::from_slice(slides),
            groups,
            part,
        };
        let three = Slide::new(3);
        let x = Tensor::from([[[1.0, 2.0, 3.0, 4.0]]]);
        let w = Tensor::from([[[1.0, 0.0, -1.0]]]);
        let image = [three.padding(1), Slide::new(2).stride(2)];
        let volume = [Slide::new(2).padding(1), Slide::new(1), Slide::new(2).stride(2).padding(1)];
        let part = |spatial: &[usize]| Part::Input(Shape::from_slice(spatial));
        vec![
            example(conv(&[three], 1, Part::Output), [x.clone(), w.clone()])
                .gives([[[-2.0, -2.0]]]),
            example(conv(&[three.padding(1).stride(2)], 1, Part::Output), [x, w])
                .gives([[[-2.0, -2.0]]]),
            example(
                conv(&[Slide::new(2).dilation(2)], 2, Part::Output),
                samples(&[&[2, 4, 5], &[2, 2, 2]]),
            ),
            example(conv(&image, 1, Part::Output), samples(&[&[2, 2, 3, 4], &[3, 2, 3, 2]])),
            example(conv(&image, 1, part(&[3, 4])), samples(&[&[1, 3, 3, 2], &[3, 2, 3, 2]])),
            example(conv(&image, 1, Part::Weight), samples(&[&[2, 2, 3, 4], &[2, 3, 3, 2]])),
            example(conv(&[Slide::new(2)], 2, part(&[3])), samples(&[&[1, 2, 2], &[2, 1, 2]])),
            example(conv(&[Slide::new(2)], 2, Part::Weight), samples(&[&[1, 2, 3], &[1, 2, 2]])),
            example(conv(&[three], 1, Part::Output), samples(&[&[0, 1, 4], &[1, 1, 3]])),
            example(conv(&volume, 1, Part::Output), samples(&[&[1, 2, 3, 2, 3], &[2, 2, 2, 1, 2]])),
            example(conv(&volume, 2, Part::Output), samples(&[&[1, 2, 3, 2, 3], &[2, 1, 2, 1, 2]])),
            example(
                conv(&volume, 1, part(&[3, 2, 3])),
                samples(&[&[1, 2, 4, 2, 2], &[2, 1, 2, 1, 2]]),
            ),
            example(
                conv(&volume, 1, Part::Weight),
                samples(&[&[1, 1, 3, 2, 3], &[1, 2, 4, 2, 2]]),
            ),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let conv = |groups| Self {
            slides: Slides::from_slice(&[Slide::new(3)]),
            groups,
            part: Part::Output,
        };
        vec![
            refusal(
                conv(1),
                &[&[1, 2, 5], &[4, 3, 3]],
                "2 input channels and 4 output channels in 1 group do not fit a weight of 3 channels a group; 2 a group would",
            ),
            refusal(conv(3), &[&[1, 2, 5], &[4, 3, 3]], "multiples of the number of groups"),
            refusal(
                conv(1),
                &[&[1, 2, 2], &[4, 2, 3]],
                "a kernel of 3 with dilation 1 spans 3 but axis 2 has length 2",
            ),
            refusal(conv(1), &[&[1, 2, 5], &[4, 2, 2]], "axis 2 has length 2, but 3 is needed"),
            refusal(conv(1), &[&[2, 5], &[4, 2, 3]], "operand 1 has 2 axes, but 3 are needed"),
        ]
    }
}

/// Convolution and pooling, for every algebra of tensors, of `[batch, channels, length]`,
/// `[batch, channels, height, width]` or `[batch, channels, depth, height, width]`; one [`Slide`] for each spatial axis. Every method panics
/// with a sentence where channels, axes or kernel do not fit.
pub trait WindowMethods: Reading {
    /// Convolution with a weight `[outputs, channels/groups, …kernel]`.
    ///
    /// # Panics
    /// If channels or kernel do not fit.
    #[track_caller]
    fn conv(&self, weight: impl Borrow<Self>, slides: &[Slide], groups: usize) -> Self {
        let conv = Conv { slides: Slides::from_slice(slides), groups, part: Part::Output };
        Self::apply(conv, &[self, weight.borrow()])
    }
    /// Transposed convolution with a weight `[channels, outputs/groups, …kernel]`: the adjoint of
    /// the convolution with the same weight, to a result longer by `output_padding` than the
    /// shortest that the convolution would take to this shape.
    ///
    /// # Panics
    /// If channels or kernel do not fit, or the output padding is not below the stride.
    #[track_caller]
    fn conv_transposed(
        &self,
        weight: impl Borrow<Self>,
        slides: &[Slide],
        groups: usize,
        output_padding: &[usize],
    ) -> Self {
        let shape = self.shape();
        assert!(
            output_padding.len() == slides.len(),
            "conv_transposed: there are {} output paddings for {} spatial axes; one for each is \
             needed",
            output_padding.len(),
            slides.len()
        );
        let mut to = Shape::new();
        // A loop and not a closure, so that a panic is at the caller's line.
        for (&n, (s, &extra)) in shape.iter().skip(2).zip(slides.iter().zip(output_padding)) {
            assert!(
                extra < s.stride,
                "conv_transposed: the output padding {extra} must be below the stride {}",
                s.stride
            );
            let full = n.saturating_sub(1) * s.stride + s.span() + extra;
            to.push(full.saturating_sub(s.padding.0 + s.padding.1));
        }
        let conv = Conv { slides: Slides::from_slice(slides), groups, part: Part::Input(to) };
        Self::apply(conv, &[self, weight.borrow()])
    }
    /// The largest element of each window; ties share the gradient. With `ceil`, a last window
    /// that is only partly inside counts too.
    ///
    /// # Panics
    /// If a window does not fit, or the padding exceeds half the window.
    #[track_caller]
    fn max_pool(&self, slides: &[Slide], ceil: bool) -> Self {
        Self::apply(MaxPool { slides: pool_slides(self, slides, ceil) }, &[self])
    }
    /// The mean of each window. Padding counts as zeros, or, without `count_padding`, not at all.
    ///
    /// # Panics
    /// If a window does not fit, or the padding exceeds half the window.
    #[track_caller]
    fn avg_pool(&self, slides: &[Slide], ceil: bool, count_padding: bool) -> Self {
        let all = pool_slides(self, slides, ceil);
        let windows =
            |slides: &[Slide]| Windows { slides: Slides::from_slice(slides), adjoint: None };
        let sums = Self::apply(windows(&all), &[self]).sum_axes(2);
        let size: usize = all.iter().map(|s| s.kernel).product();
        let plain = all.iter().zip(slides).all(|(a, s)| a.padding == s.padding)
            && (count_padding || all.iter().all(|s| s.padding == (0, 0)));
        if plain {
            return sums.scale(1.0 / size as f64);
        }
        // How many elements each window counts: the same windows of ones.
        let mut ones = self.scalar(1.0).broadcast_to(&self.shape());
        let mut counted = all.clone();
        if count_padding {
            for (axis, (slide, asked)) in counted.iter_mut().zip(slides).enumerate() {
                let (before, after) = asked.padding;
                ones = ones.pad(axis as isize + 2, before, after, Padding::Constant(1.0));
                slide.padding = (0, slide.padding.1 - after);
            }
        }
        sums.div(Self::apply(windows(&counted), &[&ones]).sum_axes(2))
    }
}
impl<T: Reading> WindowMethods for T {}

#[track_caller]
fn pool_slides<T: Reading>(x: &T, slides: &[Slide], ceil: bool) -> Slides {
    let shape = x.shape();
    for slide in slides {
        let most = slide.padding.0.max(slide.padding.1);
        assert!(
            most * 2 <= slide.span(),
            "pooling: a padding of {most} exceeds half the window of {}, so that a window could lie \
             outside altogether",
            slide.span()
        );
    }
    let fitted = slides.iter().enumerate().map(|(i, slide)| match shape.get(i + 2) {
        Some(&length) if ceil => slide.ceil(length),
        _ => *slide,
    });
    fitted.collect()
}
