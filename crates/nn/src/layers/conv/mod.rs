//! Convolution and its transpose, in one and two dimensions.

use ops::methods::LinearMethods;
use ops::{Float, Shape};
use rand::Rng;
use tape::Var;

use super::window::{Padding, Sizes, Window, at_least_one};
use crate::ground::Error;
use crate::model::{Init, Parameter, Pass};

/// Writes the setters of a convolution, whose `set` refuses what does not fit.
macro_rules! setters {
    ($($(#[$sentence:meta])* $setting:ident: $Setting:ty;)+) => {
        $(
            $(#[$sentence])*
            #[must_use]
            #[track_caller]
            pub fn $setting(self, $setting: impl Into<$Setting>) -> Self {
                let settings = ConvSettings { $setting: $setting.into(), ..self.settings };
                self.set(settings)
            }
        )+

        /// The same without a bias, as before a batch normalisation, which would take it away.
        #[must_use]
        pub fn without_bias(mut self) -> Self {
            self.settings.bias = false;
            self.bias = None;
            self
        }

        /// The settings.
        pub fn settings(&self) -> &ConvSettings<D> {
            &self.settings
        }

        fn kernel(&self) -> Sizes<D> {
            Sizes(std::array::from_fn(|axis| self.weight.value.shape()[axis + 2]))
        }
    };
}

mod plain;
mod transposed;

pub use plain::{Conv, Conv1d, Conv2d};
pub use transposed::{ConvTranspose, ConvTranspose1d, ConvTranspose2d};

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
    /// The number of groups in which channels are convolved apart; 1 by default.
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
        let fan = |channels: usize| {
            let lengths = kernel.0.iter().copied();
            lengths.fold(channels / self.groups, usize::saturating_mul)
        };
        let (fan_in, fan_out) = (fan(inputs), fan(outputs));
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
