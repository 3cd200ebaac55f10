//! Convolution and its transpose, in one and two dimensions.

use ops::methods::{LinearMethods, WindowMethods};
use ops::{Float, Shape};
use rand::Rng;
use tape::Var;

use super::accept;
use super::window::{Padding, Sizes, Window, at_least_one, settled, wanted};
use crate::error::Error;
use crate::init::Init;
use crate::module::Module;
use crate::parameter::Parameter;
use crate::pass::Pass;

/// The settings of a convolution in `D` dimensions, for
/// [`Conv::with_settings`] and [`ConvTranspose::with_settings`].
///
/// ```
/// use nn::layers::{Conv2d, ConvSettings};
///
/// let settings = ConvSettings { stride: 2.into(), groups: 3, ..ConvSettings::default() };
/// let error = Conv2d::<f32>::with_settings(4, 6, 3, settings, &mut nn::rng(0)).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the number of groups is 3 for 4 input and 6 output channels, but must be a divisor of both"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvSettings<const D: usize> {
    /// How far the window moves at a time; 1 by default.
    pub stride: Sizes<D>,
    /// Zeros added at the ends of each axis; none by default.
    pub padding: Padding<D>,
    /// The distance between the elements of the window; 1 by default.
    pub dilation: Sizes<D>,
    /// In how many groups the channels are convolved apart; 1 by default.
    pub groups: usize,
    /// Whether a bias is added to each output channel, as it is by default.
    pub bias: bool,
    /// How the weight starts: He-uniform by default, for the relu that mostly follows.
    pub weight_init: Init,
    /// How the bias starts: with zeros by default.
    pub bias_init: Init,
}

impl<const D: usize> Default for ConvSettings<D> {
    fn default() -> Self {
        Self {
            stride: 1.into(),
            padding: Padding::Valid,
            dilation: 1.into(),
            groups: 1,
            bias: true,
            weight_init: Init::HeUniform,
            bias_init: Init::Zeros,
        }
    }
}

impl<const D: usize> ConvSettings<D> {
    fn window(&self, kernel: Sizes<D>) -> Window<D> {
        let Self { stride, padding, dilation, .. } = *self;
        Window { kernel, stride, padding, dilation }
    }

    fn check(&self, inputs: usize, outputs: usize, kernel: Sizes<D>) -> Result<(), Error> {
        at_least_one("the number of input channels", &[inputs])?;
        at_least_one("the number of output channels", &[outputs])?;
        self.window(kernel).check()?;
        let groups = self.groups;
        if groups == 0 || !inputs.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            return Err(Error::Setting {
                setting: "the number of groups",
                given: format!("{groups} for {inputs} input and {outputs} output channels"),
                allowed: "a divisor of both",
            });
        }
        Ok(())
    }

    /// Weight and bias. A unit's fan-in is the number of input channels of its group times the
    /// size of the kernel, and its fan-out likewise.
    fn draw<A: Float>(
        &self,
        inputs: usize,
        outputs: usize,
        kernel: Sizes<D>,
        weight: [usize; 2],
        rng: &mut impl Rng,
    ) -> Result<(Parameter<A>, Option<Parameter<A>>), Error> {
        let size: usize = kernel.0.iter().product();
        let (fan_in, fan_out) = (inputs / self.groups * size, outputs / self.groups * size);
        let shape: Shape = weight.into_iter().chain(kernel.0).collect();
        let weight = self.weight_init.tensor(&shape, fan_in, fan_out, rng)?;
        let bias = self.bias_init.tensor(&[outputs], fan_in, fan_out, rng)?;
        Ok((Parameter::new(weight), self.bias.then(|| Parameter::new(bias))))
    }

    fn describe(&self, kernel: Sizes<D>) -> Vec<String> {
        let mut parts = self.window(kernel).describe(1.into());
        if self.groups != 1 {
            parts.push(format!("groups {}", self.groups));
        }
        parts
    }
}

/// Adds a bias to each channel of `[batch, channels, …]`.
fn add_bias<'t, A: Float>(
    pass: &Pass<'t, A>,
    y: Var<'t, A>,
    bias: Option<&Parameter<A>>,
) -> Var<'t, A> {
    let Some(bias) = bias else { return y };
    y + per_channel(pass.parameter(bias), y.shape().len())
}

/// `[channels]` as `[channels, 1, …]`, which broadcasts against `[batch, channels, …]` of `ndim`
/// axes.
pub(super) fn per_channel<A: Float>(x: Var<'_, A>, ndim: usize) -> Var<'_, A> {
    if ndim <= 2 {
        return x;
    }
    let mut shape = Shape::from_elem(1, ndim - 1);
    shape[0] = x.shape()[0];
    x.reshape(&shape[..])
}

/// Convolution in one dimension, `[batch, inputs, length] → [batch, outputs, length′]`:
/// see [`Conv`].
pub type Conv1d<A> = Conv<A, 1>;

/// Convolution in two dimensions,
/// `[batch, inputs, height, width] → [batch, outputs, height′, width′]`: see [`Conv`].
pub type Conv2d<A> = Conv<A, 2>;

/// Convolution, as networks use the word (mathematics calls it cross-correlation), in `D` = 1 or 2
/// dimensions: [`Conv1d`] and [`Conv2d`].
///
/// y\[n, o, i\] = b\[o\] + Σ over c, k of w\[o, c, k\] · x\[n, c, i·stride + k·dilation − padding\]
///
/// (Goodfellow, Bengio & Courville, *Deep Learning*, 9.1). Each output channel o looks at every
/// place of the input with the same weights. With groups, channels are split into as many equal
/// parts, and each part of the outputs sees only its part of the inputs; as many groups as
/// channels is a depthwise convolution. An axis of length L becomes
/// ⌊(L + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1 long, padding on both sides counted.
///
/// ```
/// use nn::prelude::*;
///
/// let mut rng = nn::rng(0);
/// let layer = Conv2d::<f32>::new(1, 16, 3, &mut rng).padding(Padding::Same);
/// assert_eq!(layer.weight.value.shape(), [16, 1, 3, 3]);
/// assert_eq!(layer.output_shape(&[64, 1, 28, 28])?[..], [64, 16, 28, 28]);
///
/// let wide = Conv2d::<f32>::new(16, 32, [3, 5], &mut rng).stride(2).padding([1, 2]);
/// assert_eq!(wide.output_shape(&[64, 16, 28, 28])?[..], [64, 32, 14, 14]);
/// # Ok::<(), nn::Error>(())
/// ```
///
/// Parameters have PyTorch's names and layouts. The methods that change a setting panic at the
/// caller's line, in a sentence, where the setting cannot be;
/// [`with_settings`](Conv::with_settings) returns the same sentence as an error.
#[derive(Clone, Debug)]
pub struct Conv<A: Float, const D: usize> {
    /// w, `[outputs, inputs / groups, …kernel]`.
    pub weight: Parameter<A>,
    /// b, `[outputs]`, if there is one.
    pub bias: Option<Parameter<A>>,
    settings: ConvSettings<D>,
}

impl<A: Float, const D: usize> Conv<A, D> {
    /// A convolution from `inputs` to `outputs` channels by a window of `kernel` elements, one
    /// number or one for each axis: stride 1, no padding, He-uniform weights, zero biases.
    ///
    /// # Panics
    /// If a number is 0.
    #[track_caller]
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: impl Into<Sizes<D>>,
        rng: &mut impl Rng,
    ) -> Self {
        settled(Self::with_settings(inputs, outputs, kernel, ConvSettings::default(), rng))
    }

    /// A convolution with all settings given.
    ///
    /// # Errors
    /// If a number is 0, the number of groups does not divide both numbers of channels, or an
    /// initialiser's settings are out of range.
    pub fn with_settings(
        inputs: usize,
        outputs: usize,
        kernel: impl Into<Sizes<D>>,
        settings: ConvSettings<D>,
        rng: &mut impl Rng,
    ) -> Result<Self, Error> {
        let kernel = kernel.into();
        settings.check(inputs, outputs, kernel)?;
        let layout = [outputs, inputs / settings.groups];
        let (weight, bias) = settings.draw(inputs, outputs, kernel, layout, rng)?;
        Ok(Self { weight, bias, settings })
    }

    /// The same with windows that move by `stride`.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn stride(self, stride: impl Into<Sizes<D>>) -> Self {
        let settings = ConvSettings { stride: stride.into(), ..self.settings };
        self.set(settings)
    }

    /// The same with zeros added at the ends of each axis: a number for both sides, or a
    /// [`Padding`].
    #[must_use]
    #[track_caller]
    pub fn padding(self, padding: impl Into<Padding<D>>) -> Self {
        let settings = ConvSettings { padding: padding.into(), ..self.settings };
        self.set(settings)
    }

    /// The same with a distance of `dilation` between the elements of the window.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn dilation(self, dilation: impl Into<Sizes<D>>) -> Self {
        let settings = ConvSettings { dilation: dilation.into(), ..self.settings };
        self.set(settings)
    }

    /// The same with channels in groups. The weight has another shape then, and is drawn anew.
    ///
    /// # Panics
    /// If the number of groups does not divide both numbers of channels.
    #[must_use]
    #[track_caller]
    pub fn groups(self, groups: usize, rng: &mut impl Rng) -> Self {
        let settings = ConvSettings { groups, ..self.settings };
        settled(Self::with_settings(self.inputs(), self.outputs(), self.kernel(), settings, rng))
    }

    /// The same without a bias, as before a batch normalisation, which would take it away.
    #[must_use]
    pub fn without_bias(mut self) -> Self {
        self.settings.bias = false;
        self.bias = None;
        self
    }

    #[track_caller]
    fn set(mut self, settings: ConvSettings<D>) -> Self {
        settled(settings.check(self.inputs(), self.outputs(), self.kernel()));
        self.settings = settings;
        self
    }

    /// The settings.
    pub fn settings(&self) -> &ConvSettings<D> {
        &self.settings
    }

    fn inputs(&self) -> usize {
        self.weight.value.shape()[1] * self.settings.groups
    }

    fn outputs(&self) -> usize {
        self.weight.value.shape()[0]
    }

    fn kernel(&self) -> Sizes<D> {
        Sizes(std::array::from_fn(|axis| self.weight.value.shape()[axis + 2]))
    }

    fn window(&self) -> Window<D> {
        self.settings.window(self.kernel())
    }
}

impl<A: Float, const D: usize> Module<A> for Conv<A, D> {
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        accept(self, x);
        let slides = self.window().slides(x.shape().get(2..).unwrap_or(&[]));
        let y = x.conv(pass.parameter(&self.weight), &slides, self.settings.groups);
        add_bias(pass, y, self.bias.as_ref())
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let window = self.window();
        match input {
            [batch, channels, spatial @ ..] if *channels == self.inputs() => {
                let counts = window.counts(spatial);
                counts.map(|counts| [*batch, self.outputs()].into_iter().chain(counts).collect())
            }
            _ => None,
        }
        .ok_or_else(|| {
            let wanted = wanted::<D>(&self.inputs().to_string(), |axis| window.least(axis));
            Error::layer_input(Module::<A>::describe(self), wanted, input)
        })
    }

    fn describe(&self) -> String {
        let settings = self.settings.describe(self.kernel()).join(", ");
        format!("Conv{D}d({} → {}, {settings})", self.inputs(), self.outputs())
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
        if let Some(bias) = &self.bias {
            visit("bias", bias);
        }
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
        if let Some(bias) = &mut self.bias {
            visit("bias", bias);
        }
    }
}

/// Transposed convolution in one dimension, `[batch, inputs, length] → [batch, outputs, length′]`:
/// see [`ConvTranspose`].
pub type ConvTranspose1d<A> = ConvTranspose<A, 1>;

/// Transposed convolution in two dimensions,
/// `[batch, inputs, height, width] → [batch, outputs, height′, width′]`: see [`ConvTranspose`].
pub type ConvTranspose2d<A> = ConvTranspose<A, 2>;

/// Transposed convolution in `D` = 1 or 2 dimensions: [`ConvTranspose1d`] and [`ConvTranspose2d`].
///
/// It is the adjoint of the convolution with the same weight and settings (Dumoulin & Visin, *A
/// guide to convolution arithmetic for deep learning*, 2016, chapter 4): each element of the input
/// puts a copy of the kernel, multiplied by it, into the output, `stride` apart from the next, and
/// copies that overlap are added. So it makes an axis longer where the convolution makes it
/// shorter: length L becomes
/// (L − 1)·stride + dilation·(kernel − 1) + 1 + output padding − padding, padding on both sides
/// counted. With [`Padding::Same`] that is L·stride.
///
/// ```
/// use nn::prelude::*;
///
/// let layer = ConvTranspose2d::<f32>::new(16, 8, 4, &mut nn::rng(0)).stride(2).padding(1);
/// assert_eq!(layer.weight.value.shape(), [16, 8, 4, 4]);
/// assert_eq!(layer.output_shape(&[64, 16, 7, 7])?[..], [64, 8, 14, 14]);
/// # Ok::<(), nn::Error>(())
/// ```
///
/// Parameters have PyTorch's names and layouts; the methods that change a setting panic at the
/// caller's line where it cannot be, as those of [`Conv`] do.
#[derive(Clone, Debug)]
pub struct ConvTranspose<A: Float, const D: usize> {
    /// w, `[inputs, outputs / groups, …kernel]`.
    pub weight: Parameter<A>,
    /// b, `[outputs]`, if there is one.
    pub bias: Option<Parameter<A>>,
    settings: ConvSettings<D>,
    output_padding: Sizes<D>,
}

impl<A: Float, const D: usize> ConvTranspose<A, D> {
    /// A transposed convolution from `inputs` to `outputs` channels by a window of `kernel`
    /// elements, one number or one for each axis: stride 1, no padding, He-uniform weights, zero
    /// biases.
    ///
    /// # Panics
    /// If a number is 0.
    #[track_caller]
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: impl Into<Sizes<D>>,
        rng: &mut impl Rng,
    ) -> Self {
        settled(Self::with_settings(inputs, outputs, kernel, ConvSettings::default(), 0, rng))
    }

    /// A transposed convolution with all settings given.
    ///
    /// # Errors
    /// If a number is 0, the number of groups does not divide both numbers of channels, the output
    /// padding is not below the stride, or an initialiser's settings are out of range.
    pub fn with_settings(
        inputs: usize,
        outputs: usize,
        kernel: impl Into<Sizes<D>>,
        settings: ConvSettings<D>,
        output_padding: impl Into<Sizes<D>>,
        rng: &mut impl Rng,
    ) -> Result<Self, Error> {
        let (kernel, output_padding) = (kernel.into(), output_padding.into());
        settings.check(inputs, outputs, kernel)?;
        check_output_padding(&settings, output_padding)?;
        let layout = [inputs, outputs / settings.groups];
        let (weight, bias) = settings.draw(inputs, outputs, kernel, layout, rng)?;
        Ok(Self { weight, bias, settings, output_padding })
    }

    /// The same with copies of the kernel that lie `stride` apart.
    ///
    /// # Panics
    /// If it is 0, or an output padding is not below it.
    #[must_use]
    #[track_caller]
    pub fn stride(self, stride: impl Into<Sizes<D>>) -> Self {
        let settings = ConvSettings { stride: stride.into(), ..self.settings };
        self.set(settings)
    }

    /// The same with so many elements cut off at the ends of each axis, as the convolution's
    /// padding adds them: a number for both sides, or a [`Padding`].
    ///
    /// # Panics
    /// If it is [`Padding::Same`] and there is an output padding, which that gives by itself.
    #[must_use]
    #[track_caller]
    pub fn padding(self, padding: impl Into<Padding<D>>) -> Self {
        let settings = ConvSettings { padding: padding.into(), ..self.settings };
        self.set(settings)
    }

    /// The same with so many elements more at the end of each axis: a convolution of stride s takes
    /// s lengths to one, and this says which of them to go back to.
    ///
    /// # Panics
    /// If it is not below the stride, which is therefore to be set first, or the padding is
    /// [`Padding::Same`].
    #[must_use]
    #[track_caller]
    pub fn output_padding(mut self, output_padding: impl Into<Sizes<D>>) -> Self {
        self.output_padding = output_padding.into();
        let settings = self.settings;
        self.set(settings)
    }

    /// The same with a distance of `dilation` between the elements of the kernel.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn dilation(self, dilation: impl Into<Sizes<D>>) -> Self {
        let settings = ConvSettings { dilation: dilation.into(), ..self.settings };
        self.set(settings)
    }

    /// The same with channels in groups. The weight has another shape then, and is drawn anew.
    ///
    /// # Panics
    /// If the number of groups does not divide both numbers of channels.
    #[must_use]
    #[track_caller]
    pub fn groups(self, groups: usize, rng: &mut impl Rng) -> Self {
        let settings = ConvSettings { groups, ..self.settings };
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let (kernel, extra) = (self.kernel(), self.output_padding);
        settled(Self::with_settings(inputs, outputs, kernel, settings, extra, rng))
    }

    /// The same without a bias.
    #[must_use]
    pub fn without_bias(mut self) -> Self {
        self.settings.bias = false;
        self.bias = None;
        self
    }

    #[track_caller]
    fn set(mut self, settings: ConvSettings<D>) -> Self {
        settled(settings.check(self.inputs(), self.outputs(), self.kernel()));
        settled(check_output_padding(&settings, self.output_padding));
        self.settings = settings;
        self
    }

    /// The settings.
    pub fn settings(&self) -> &ConvSettings<D> {
        &self.settings
    }

    fn inputs(&self) -> usize {
        self.weight.value.shape()[0]
    }

    fn outputs(&self) -> usize {
        self.weight.value.shape()[1] * self.settings.groups
    }

    fn kernel(&self) -> Sizes<D> {
        Sizes(std::array::from_fn(|axis| self.weight.value.shape()[axis + 2]))
    }

    fn window(&self) -> Window<D> {
        let window = self.settings.window(self.kernel());
        let Padding::Same = window.padding else { return window };
        // A convolution of the same settings from a length that is a multiple of the stride.
        let sides = std::array::from_fn(|axis| {
            let total = window.span(axis).saturating_sub(window.stride.0[axis]);
            (total / 2, total - total / 2)
        });
        Window { padding: Padding::Sides(sides), ..window }
    }

    /// How many elements are added at the end of each axis.
    fn extra(&self) -> [usize; D] {
        let Padding::Same = self.settings.padding else { return self.output_padding.0 };
        let window = self.window();
        std::array::from_fn(|axis| window.stride.0[axis].saturating_sub(window.span(axis)))
    }

    /// The length of the output along an axis, or what is missing to one of 1.
    fn length(&self, axis: usize, length: usize) -> Result<usize, usize> {
        let window = self.window();
        let full = (length - 1) * window.stride.0[axis] + window.span(axis) + self.extra()[axis];
        let (before, after) = window.sides(axis, full);
        let cut = before + after;
        if full > cut { Ok(full - cut) } else { Err(cut + 1 - full) }
    }

    /// The fewest elements that an axis of the input must have.
    fn least(&self, axis: usize) -> usize {
        let stride = self.settings.stride.0[axis];
        self.length(axis, 1).map_or_else(|missing| 1 + missing.div_ceil(stride), |_| 1)
    }

    fn lengths(&self, spatial: &[usize]) -> Option<Shape> {
        if spatial.len() != D || spatial.contains(&0) {
            return None;
        }
        spatial.iter().enumerate().map(|(axis, &length)| self.length(axis, length).ok()).collect()
    }
}

fn check_output_padding<const D: usize>(
    settings: &ConvSettings<D>,
    extra: Sizes<D>,
) -> Result<(), Error> {
    let setting = "the output padding";
    if extra.0.iter().zip(settings.stride.0).any(|(&extra, stride)| extra >= stride) {
        let given = format!("{extra} for a stride of {}", settings.stride);
        return Err(Error::Setting { setting, given, allowed: "below the stride" });
    }
    if settings.padding == Padding::Same && extra != Sizes::from(0) {
        let given = format!("{extra} with padding same");
        return Err(Error::Setting { setting, given, allowed: "0, for that padding implies it" });
    }
    Ok(())
}

impl<A: Float, const D: usize> Module<A> for ConvTranspose<A, D> {
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        accept(self, x);
        let slides = self.window().slides(x.shape().get(2..).unwrap_or(&[]));
        let (weight, groups) = (pass.parameter(&self.weight), self.settings.groups);
        let y = x.conv_transposed(weight, &slides, groups, &self.extra());
        add_bias(pass, y, self.bias.as_ref())
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        match input {
            [batch, channels, spatial @ ..] if *channels == self.inputs() => {
                let lengths = self.lengths(spatial);
                lengths.map(|lengths| [*batch, self.outputs()].into_iter().chain(lengths).collect())
            }
            _ => None,
        }
        .ok_or_else(|| {
            let wanted = wanted::<D>(&self.inputs().to_string(), |axis| self.least(axis));
            Error::layer_input(Module::<A>::describe(self), wanted, input)
        })
    }

    fn describe(&self) -> String {
        let mut settings = self.settings.describe(self.kernel());
        if self.output_padding != Sizes::from(0) {
            settings.push(format!("output padding {}", self.output_padding));
        }
        let settings = settings.join(", ");
        format!("ConvTranspose{D}d({} → {}, {settings})", self.inputs(), self.outputs())
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
        if let Some(bias) = &self.bias {
            visit("bias", bias);
        }
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
        if let Some(bias) = &mut self.bias {
            visit("bias", bias);
        }
    }
}
