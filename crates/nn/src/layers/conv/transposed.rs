//! Transposed convolution.

use ops::methods::WindowMethods;
use ops::{Float, Shape};
use rand::Rng;
use tape::Var;

use super::{ConvSettings, add_bias};
use crate::ground::Error;
use crate::layers::window::{Padding, Sizes, Window, settled, wanted};
use crate::model::{Module, Parameter, Pass};

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
/// caller's line where it does not fit, as for [`Conv`](super::Conv).
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

    setters! {
        /// The same with copies of the kernel that lie `stride` apart.
        ///
        /// # Panics
        /// If it is 0, or an output padding is not below it.
        stride: Sizes<D>;
        /// The same with elements cut off at the ends of each axis, as the convolution's padding
        /// adds them: a number for both sides, or a [`Padding`].
        ///
        /// # Panics
        /// If it is [`Padding::Same`] and there is an output padding, which it already implies.
        padding: Padding<D>;
        /// The same with a distance of `dilation` between the elements of the kernel.
        ///
        /// # Panics
        /// If it is 0.
        dilation: Sizes<D>;
    }

    /// The same with `output_padding` more elements at the end of each axis: a convolution of
    /// stride s takes s lengths to one, and this says which to go back to.
    ///
    /// # Panics
    /// If it is not below the stride (set that first), or the padding is
    /// [`Padding::Same`].
    #[must_use]
    #[track_caller]
    pub fn output_padding(mut self, output_padding: impl Into<Sizes<D>>) -> Self {
        self.output_padding = output_padding.into();
        let settings = self.settings;
        self.set(settings)
    }

    /// The same with channels in groups. The weight then has another shape, and is drawn again.
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

    #[track_caller]
    fn set(mut self, settings: ConvSettings<D>) -> Self {
        settled(settings.check(self.inputs(), self.outputs(), self.kernel()));
        settled(check_output_padding(&settings, self.output_padding));
        self.settings = settings;
        self
    }

    fn inputs(&self) -> usize {
        self.weight.value.shape()[0]
    }

    fn outputs(&self) -> usize {
        self.weight.value.shape()[1] * self.settings.groups
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

    /// The length of the output along an axis, or how much is missing for a length of 1.
    fn length(&self, axis: usize, length: usize) -> Result<usize, usize> {
        let window = self.window();
        let steps = (length - 1).saturating_mul(window.stride.0[axis]);
        let full = steps.saturating_add(window.span(axis)).saturating_add(self.extra()[axis]);
        let (before, after) = window.sides(axis, full);
        let cut = before.saturating_add(after);
        if full > cut { Ok(full - cut) } else { Err((cut - full).saturating_add(1)) }
    }

    /// The fewest elements that an axis of the input must have.
    fn least(&self, axis: usize) -> usize {
        let stride = self.settings.stride.0[axis];
        self.length(axis, 1)
            .map_or_else(|missing| missing.div_ceil(stride).saturating_add(1), |_| 1)
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
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
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
