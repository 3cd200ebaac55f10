//! Convolution: its output, and the gradients of its input and of its weight.

use super::shared::{slide_attributes, spatial, windows_shape};
use crate::ground::{Attributes, Problem, Shape};
use crate::kernel::{self, Part, Slide, Slides};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Lead, Out, Reading, Refusal, Rule,
    Shortcuts, arity, example, refusal, samples,
};
use crate::tensor::Tensor;

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
        if divides && weight.saturating_mul(groups) == channels {
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
                let channels = b[1].saturating_mul(self.groups);
                self.check_channels(channels, b[0], b[1])?;
                self.check_kernel(b)?;
                let mut expected = Shape::from_slice(&[a[0], b[0]]);
                expected.extend(windows_shape(&self.slides, to)?);
                if *a != expected[..] {
                    let of = "that of the output of the convolution";
                    return Err(Problem::OperandShape { operand: 1, expected, of });
                }
                let mut shape = Shape::from_slice(&[a[0], channels]);
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
    fn batched(&self, _: usize, _: &[&[usize]], along: &[bool]) -> Option<Batched<Self>> {
        // The weight's gradient is a sum over images, and must not be one over the batch.
        let folds = !along[1] && self.part != Part::Weight;
        if folds { Batched::with(self.clone(), Lead::Folded) } else { None }
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
    fn shortcuts<A: Float>(&self) -> Option<&dyn Shortcuts<A>> {
        Some(self)
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
        let five = |shape: &[usize], numbers: Vec<f64>| {
            Tensor::from_shape_vec(shape, numbers).expect("as many numbers")
        };
        let cube = [Slide::new(2); 3];
        let numbers = five(&[1, 1, 2, 2, 2], (1..9).map(f64::from).collect());
        let corners = five(&[1, 1, 2, 2, 2], vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
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
            // The two corners of a cube of the numbers 1 to 8, and what goes back to it.
            example(conv(&cube, 1, Part::Output), [numbers.clone(), corners.clone()])
                .gives(five(&[1, 1, 1, 1, 1], vec![9.0])),
            example(conv(&cube, 1, part(&[2, 2, 2])), [five(&[1, 1, 1, 1, 1], vec![2.0]), corners])
                .gives(five(&[1, 1, 2, 2, 2], vec![2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0])),
            example(conv(&cube, 1, Part::Weight), [numbers, five(&[1, 1, 1, 1, 1], vec![2.0])])
                .gives(five(&[1, 1, 2, 2, 2], (1..9).map(|n| f64::from(2 * n)).collect())),
            example(conv(&volume, 1, Part::Weight), samples(&[&[1, 1, 3, 2, 3], &[1, 2, 4, 2, 2]])),
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
