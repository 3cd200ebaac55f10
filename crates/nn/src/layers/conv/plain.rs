//! Convolution.

use ops::methods::WindowMethods;
use ops::{Float, Shape};
use rand::Rng;
use tape::Var;

use super::{ConvSettings, add_bias};
use crate::ground::Error;
use crate::layers::window::{Padding, Sizes, Window, settled, wanted};
use crate::model::{Module, Parameter, Pass};

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
/// position of the input with the same weights. With groups, channels are split into equal parts,
/// and each part of the outputs sees only its part of the inputs; one group for each channel is a
/// depthwise convolution. An axis of length L becomes
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
/// caller's line, in a sentence, where the setting does not fit;
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

    setters! {
        /// The same with windows that move by `stride`.
        ///
        /// # Panics
        /// If it is 0.
        stride: Sizes<D>;
        /// The same with zeros added at the ends of each axis: a number for both sides, or a
        /// [`Padding`].
        padding: Padding<D>;
        /// The same with a distance of `dilation` between the elements of the window.
        ///
        /// # Panics
        /// If it is 0.
        dilation: Sizes<D>;
    }

    /// The same with channels in groups. The weight then has another shape, and is drawn again.
    ///
    /// # Panics
    /// If the number of groups does not divide both numbers of channels.
    #[must_use]
    #[track_caller]
    pub fn groups(self, groups: usize, rng: &mut impl Rng) -> Self {
        let settings = ConvSettings { groups, ..self.settings };
        settled(Self::with_settings(self.inputs(), self.outputs(), self.kernel(), settings, rng))
    }

    #[track_caller]
    fn set(mut self, settings: ConvSettings<D>) -> Self {
        settled(settings.check(self.inputs(), self.outputs(), self.kernel()));
        self.settings = settings;
        self
    }

    fn inputs(&self) -> usize {
        self.weight.value.shape()[1] * self.settings.groups
    }

    fn outputs(&self) -> usize {
        self.weight.value.shape()[0]
    }

    fn window(&self) -> Window<D> {
        self.settings.window(self.kernel())
    }
}

impl<A: Float, const D: usize> Module<A> for Conv<A, D> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
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
