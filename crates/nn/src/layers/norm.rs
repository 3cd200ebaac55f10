//! Normalisation: batch, layer, group and root-mean-square.

use ops::methods::{ComposedMethods, LinearMethods, NormalizeMethods, UnaryMethods};
use ops::{Float, Shape, Tensor};
use tape::Var;

use super::conv::per_channel;
use super::window::{at_least_one, settled};
use crate::ground::Error;
use crate::ground::words::{counted, shown_scopes};
use crate::model::{Module, Parameter, Pass};

#[track_caller]
fn ones<A: Float>(shape: &[usize]) -> Parameter<A> {
    Parameter::new(Tensor::ones(shape))
}

#[track_caller]
fn zeros<A: Float>(shape: &[usize]) -> Parameter<A> {
    Parameter::new(Tensor::zeros(shape))
}

/// ε, unless it is out of range.
fn checked_epsilon(epsilon: f64) -> Result<f64, Error> {
    if epsilon >= 0.0 && epsilon.is_finite() {
        return Ok(epsilon);
    }
    let (setting, given) = ("epsilon", epsilon.to_string());
    Err(Error::Setting { setting, given, allowed: "at least 0 and finite" })
}

/// Batch normalisation of `[batch, channels]` or `[batch, channels, length]`: see [`BatchNorm`].
pub type BatchNorm1d<A> = BatchNorm<A, 1>;

/// Batch normalisation of `[batch, channels, height, width]`: see [`BatchNorm`].
pub type BatchNorm2d<A> = BatchNorm<A, 2>;

/// Batch normalisation of each channel: [`BatchNorm1d`] and [`BatchNorm2d`]. The shape stays.
///
/// y = γ·(x − μ)/√(σ² + ε) + β
///
/// In training μ and σ² are mean and variance of the channel over the batch and all places (over
/// n, not n − 1), so that every sample's output depends on the whole batch. With each step the
/// running values move towards the batch's: r ← (1 − m)·r + m·(batch's), where the running
/// variance takes the unbiased one, over n − 1. In evaluation μ and σ² are the running values, and
/// samples do not see each other. Ioffe & Szegedy, *Batch normalization*, 2015.
///
/// ```
/// use nn::prelude::*;
///
/// let layer = BatchNorm2d::<f32>::new(16);
/// let paths: Vec<String> = layer.parameters().into_iter().map(|(path, _)| path).collect();
/// assert_eq!(paths, ["weight", "bias"]);
/// let paths: Vec<String> = layer.buffers().into_iter().map(|(path, _)| path).collect();
/// assert_eq!(paths, ["running_mean", "running_var", "num_batches_tracked"]);
/// ```
///
/// Parameters, buffers and defaults are PyTorch's.
#[derive(Clone, Debug)]
pub struct BatchNorm<A: Float, const D: usize> {
    /// γ, `[channels]`, 1 at first.
    pub weight: Parameter<A>,
    /// β, `[channels]`, 0 at first.
    pub bias: Parameter<A>,
    /// The running mean, `[channels]`, 0 at first.
    pub running_mean: Parameter<A>,
    /// The running variance, `[channels]`, 1 at first.
    pub running_var: Parameter<A>,
    /// How many training batches the running values have seen, a scalar.
    pub num_batches_tracked: Parameter<A>,
    momentum: f64,
    epsilon: f64,
}

impl<A: Float, const D: usize> BatchNorm<A, D> {
    /// Batch normalisation of `channels` channels, with momentum 0.1 and ε = 10⁻⁵.
    ///
    /// # Panics
    /// If memory cannot hold a number for each.
    #[track_caller]
    pub fn new(channels: usize) -> Self {
        Self {
            weight: ones(&[channels]),
            bias: zeros(&[channels]),
            running_mean: Parameter::buffer(Tensor::zeros(&[channels])),
            running_var: Parameter::buffer(Tensor::ones(&[channels])),
            num_batches_tracked: Parameter::buffer(Tensor::scalar(A::zero())),
            momentum: 0.1,
            epsilon: 1e-5,
        }
    }

    /// The same with another momentum m: the share of each new batch in the running values.
    ///
    /// # Panics
    /// If it is not from 0 to 1.
    #[must_use]
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> Self {
        assert!((0.0..=1.0).contains(&momentum), "momentum is {momentum}, but must be from 0 to 1");
        Self { momentum, ..self }
    }

    /// The same with another ε.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[must_use]
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon: settled(checked_epsilon(epsilon)), ..self }
    }

    fn channels(&self) -> usize {
        self.weight.value.len()
    }

    /// Normalises by the batch's own mean and variance, and lets the running values follow.
    #[track_caller]
    fn normalize_batch<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let shape = x.shape();
        let count: usize = shape
            .iter()
            .enumerate()
            .filter(|&(axis, _)| axis != 1)
            .map(|(_, length)| length)
            .product();
        let why = || {
            let path = shown_scopes(&x.detach().scope_path());
            let layer = if path.is_empty() { self.describe() } else { path };
            format!("layer {layer} needs at least two numbers a channel, as one has no variance")
        };
        if count < 2 && pass.refuse(why) {
            return x;
        }
        assert!(
            count > 1,
            "{} was given a training batch of shape {:?}, {} a channel, whose variance is \
             undefined; it needs at least two (does the last batch of an epoch hold one sample?)",
            self.describe(),
            &shape[..],
            if count == 0 { "no numbers" } else { "one number" }
        );
        let axes: Vec<isize> = (0..shape.len() as isize).filter(|&axis| axis != 1).collect();
        let seen = x.detach();
        self.follow(pass, &self.running_mean, seen.mean_axes(axes.clone()));
        self.follow(pass, &self.running_var, seen.var(axes.clone(), 1.0));
        let batches = &self.num_batches_tracked;
        pass.update(batches, pass.parameter(batches) + A::one());
        x.normalize(axes, self.epsilon)
    }

    /// r ← (1 − m)·r + m·value.
    fn follow<'t>(&self, pass: &Pass<'t, A>, running: &Parameter<A>, value: Var<'t, A>) {
        let (kept, new) = (A::from_f64(1.0 - self.momentum), A::from_f64(self.momentum));
        pass.update(running, pass.parameter(running) * kept + value * new);
    }
}

impl<A: Float, const D: usize> Module<A> for BatchNorm<A, D> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        let ndim = x.shape().len();
        let (weight, bias) = (pass.parameter(&self.weight), pass.parameter(&self.bias));
        if pass.is_training() {
            let normal = self.normalize_batch(pass, x);
            return normal * per_channel(weight, ndim) + per_channel(bias, ndim);
        }
        // The running values are constants, so that all is one factor and one term a channel.
        let mean = pass.parameter(&self.running_mean);
        let epsilon = A::from_f64(self.epsilon);
        let scale = weight * (pass.parameter(&self.running_var) + epsilon).rsqrt();
        x * per_channel(scale, ndim) + per_channel(bias - mean * scale, ndim)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let axes_fit = match D {
            1 => (2..=3).contains(&input.len()),
            _ => input.len() == D + 2,
        };
        if axes_fit && input[1] == self.channels() {
            return Ok(Shape::from_slice(input));
        }
        let channels = self.channels();
        let wanted = match D {
            1 => format!("[batch, {channels}] or [batch, {channels}, length]"),
            _ => format!("[batch, {channels}, height, width]"),
        };
        Err(Error::layer_input(self.describe(), wanted, input))
    }

    fn describe(&self) -> String {
        format!("BatchNorm{D}d({})", self.channels())
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
        visit("bias", &self.bias);
        visit("running_mean", &self.running_mean);
        visit("running_var", &self.running_var);
        visit("num_batches_tracked", &self.num_batches_tracked);
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
        visit("bias", &mut self.bias);
        visit("running_mean", &mut self.running_mean);
        visit("running_var", &mut self.running_var);
        visit("num_batches_tracked", &mut self.num_batches_tracked);
    }
}

/// The axes of a normalisation over the last `count` axes.
fn last_axes(count: usize) -> Vec<isize> {
    (1..=count as isize).map(|axis| -axis).collect()
}

/// The input's shape, if it ends with `sample`.
fn ends_with(layer: String, sample: &[usize], input: &[usize]) -> Result<Shape, Error> {
    if input.ends_with(sample) {
        return Ok(Shape::from_slice(input));
    }
    let lengths: Vec<String> = sample.iter().map(ToString::to_string).collect();
    Err(Error::layer_input(layer, format!("[…, {}]", lengths.join(", ")), input))
}

/// The shape of the normalised axes, if no length is 0.
#[track_caller]
fn checked_shape(shape: &[usize]) -> &[usize] {
    assert!(!shape.is_empty(), "a normalisation over the last axes needs at least one of them");
    settled(at_least_one("the length of a normalised axis", shape));
    shape
}

/// Layer normalisation over the last one or more axes, `[…, …shape]`: the shape stays.
///
/// y = γ·(x − μ)/√(σ² + ε) + β
///
/// μ and σ² are mean and variance of the numbers of one place over those axes, so that no sample
/// depends on another, and training and evaluation are the same. Ba, Kiros & Hinton, *Layer
/// normalization*, 2016.
///
/// ```
/// use nn::prelude::*;
///
/// let layer = LayerNorm::<f64>::new(&[4]).epsilon(1.5);
/// let y = predict(&layer, &Tensor::from([[1.0, 2.0, 4.0, 5.0]]))?;
/// assert_eq!(y, Tensor::from([[-1.0, -0.5, 0.5, 1.0]]));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LayerNorm<A: Float> {
    /// γ, in the shape of the normalised axes, 1 at first.
    pub weight: Parameter<A>,
    /// β, in the shape of the normalised axes, 0 at first.
    pub bias: Parameter<A>,
    epsilon: f64,
}

impl<A: Float> LayerNorm<A> {
    /// Layer normalisation over the last axes, which have the lengths of `shape`, with ε = 10⁻⁵.
    ///
    /// # Panics
    /// If there are no axes, or one has length 0.
    #[track_caller]
    pub fn new(shape: &[usize]) -> Self {
        let shape = checked_shape(shape);
        Self { weight: ones(shape), bias: zeros(shape), epsilon: 1e-5 }
    }

    /// The same with another ε.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[must_use]
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon: settled(checked_epsilon(epsilon)), ..self }
    }
}

impl<A: Float> Module<A> for LayerNorm<A> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        let normal = x.normalize(last_axes(self.weight.value.ndim()), self.epsilon);
        normal * pass.parameter(&self.weight) + pass.parameter(&self.bias)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        ends_with(self.describe(), self.weight.value.shape(), input)
    }

    fn describe(&self) -> String {
        format!("LayerNorm({:?})", self.weight.value.shape())
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
        visit("bias", &self.bias);
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
        visit("bias", &mut self.bias);
    }
}

/// Root-mean-square normalisation over the last one or more axes, `[…, …shape]`: the shape stays.
///
/// y = γ·x/√(mean x² + ε)
///
/// It is layer normalisation without the mean and the shift, at less cost. Zhang & Sennrich, *Root
/// mean square layer normalization*, 2019.
#[derive(Clone, Debug)]
pub struct RmsNorm<A: Float> {
    /// γ, in the shape of the normalised axes, 1 at first.
    pub weight: Parameter<A>,
    epsilon: f64,
}

impl<A: Float> RmsNorm<A> {
    /// Root-mean-square normalisation over the last axes, which have the lengths of `shape`. As in
    /// PyTorch ε is the distance from 1 to the next number of the element type.
    ///
    /// # Panics
    /// If there are no axes, or one has length 0.
    #[track_caller]
    pub fn new(shape: &[usize]) -> Self {
        Self { weight: ones(checked_shape(shape)), epsilon: A::EPSILON.to_f64() }
    }

    /// The same with another ε.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[must_use]
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon: settled(checked_epsilon(epsilon)), ..self }
    }
}

impl<A: Float> Module<A> for RmsNorm<A> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        let normal = x.rms_normalize(last_axes(self.weight.value.ndim()), self.epsilon);
        normal * pass.parameter(&self.weight)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        ends_with(self.describe(), self.weight.value.shape(), input)
    }

    fn describe(&self) -> String {
        format!("RmsNorm({:?})", self.weight.value.shape())
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
    }
}

/// Group normalisation of `[batch, channels, …]`: the shape stays.
///
/// y = γ·(x − μ)/√(σ² + ε) + β
///
/// The channels of each sample are split into equal groups of neighbours, and μ and σ² are mean and
/// variance of a group over its channels and all places; γ and β belong to a channel. It does what
/// batch normalisation does for images, without the batch. Wu & He, *Group normalization*, 2018.
#[derive(Clone, Debug)]
pub struct GroupNorm<A: Float> {
    /// γ, `[channels]`, 1 at first.
    pub weight: Parameter<A>,
    /// β, `[channels]`, 0 at first.
    pub bias: Parameter<A>,
    groups: usize,
    epsilon: f64,
}

impl<A: Float> GroupNorm<A> {
    /// Normalisation of `channels` channels in `groups` groups, with ε = 10⁻⁵.
    ///
    /// # Panics
    /// If the number of groups is 0 or does not divide the number of channels.
    #[track_caller]
    pub fn new(groups: usize, channels: usize) -> Self {
        assert!(
            groups > 0 && channels.is_multiple_of(groups),
            "the number of groups is {groups} for {}, but must be a divisor of it",
            counted(channels, "channel")
        );
        Self { weight: ones(&[channels]), bias: zeros(&[channels]), groups, epsilon: 1e-5 }
    }

    /// The same with another ε.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[must_use]
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon: settled(checked_epsilon(epsilon)), ..self }
    }
}

impl<A: Float> Module<A> for GroupNorm<A> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        let shape = x.shape();
        let grouped = x.reshape([shape[0] as isize, self.groups as isize, -1]);
        let normal = grouped.normalize(-1, self.epsilon).reshape(&shape[..]);
        let channel = |parameter| per_channel(pass.parameter(parameter), shape.len());
        normal * channel(&self.weight) + channel(&self.bias)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let channels = self.weight.value.len();
        if input.get(1) == Some(&channels) {
            return Ok(Shape::from_slice(input));
        }
        Err(Error::layer_input(self.describe(), format!("[batch, {channels}, …]"), input))
    }

    fn describe(&self) -> String {
        format!("GroupNorm({}, {})", self.groups, self.weight.value.len())
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
        visit("bias", &self.bias);
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
        visit("bias", &mut self.bias);
    }
}
