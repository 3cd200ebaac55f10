//! Pooling: one number for each window, or for all of an image.

use ops::methods::{LinearMethods, ReduceMethods, WindowMethods};
use ops::rules::Slides;
use ops::{Float, Shape};
use tape::Var;

use super::window::{Padding, Sizes, Window, settled, wanted};
use crate::ground::Error;
use crate::model::{Module, Pass};

/// What maximum and average pooling share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pool<const D: usize> {
    window: Window<D>,
    ceil_mode: bool,
}

impl<const D: usize> Pool<D> {
    #[track_caller]
    fn new(kernel: Sizes<D>) -> Self {
        let (padding, dilation) = (Padding::Valid, Sizes::from(1));
        Self { window: Window { kernel, stride: kernel, padding, dilation }, ceil_mode: false }
            .checked()
    }

    /// The pooling, unless its settings do not fit.
    #[track_caller]
    fn checked(self) -> Self {
        settled(self.check());
        self
    }

    fn check(&self) -> Result<(), Error> {
        self.window.check()?;
        for axis in 0..D {
            let (before, after) = match self.window.padding {
                Padding::Sides(sides) => sides[axis],
                Padding::Valid | Padding::Same => (0, 0),
            };
            let (padding, span) = (before.max(after), self.window.span(axis));
            if padding > span / 2 {
                return Err(Error::Setting {
                    setting: "the padding of a pooling layer",
                    given: format!("{padding} for a window that spans {span}"),
                    allowed: "at most half of it, so that no window lies in the padding altogether",
                });
            }
        }
        Ok(())
    }

    fn slides(&self, shape: &[usize]) -> Slides {
        self.window.slides(shape.get(2..).unwrap_or(&[]))
    }

    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Shape, Error> {
        self.pooled(input).ok_or_else(|| {
            let least = |axis| if self.ceil_mode { 1 } else { self.window.least(axis) };
            Error::layer_input(self.describe(name), wanted::<D>("channels", least), input)
        })
    }

    /// The shape of the output, if a window fits.
    fn pooled(&self, input: &[usize]) -> Option<Shape> {
        let [batch, channels, spatial @ ..] = input else { return None };
        if spatial.len() != D || spatial.contains(&0) {
            return None;
        }
        let mut shape = Shape::from_slice(&[*batch, *channels]);
        for (slide, &length) in self.window.slides(spatial).iter().zip(spatial) {
            let slide = if self.ceil_mode { slide.ceil(length) } else { *slide };
            shape.push(slide.count(0, length).ok()?);
        }
        Some(shape)
    }

    fn describe(&self, name: &str) -> String {
        let mut settings = self.window.describe(self.window.kernel);
        if self.ceil_mode {
            settings.push("ceil".into());
        }
        format!("{name}{D}d({})", settings.join(", "))
    }
}

/// The settings of a pooling layer, each a method.
macro_rules! pool_settings {
    () => {
        /// Pooling over windows of `kernel` elements, one number or one for each axis, side by
        /// side: the stride is the kernel.
        ///
        /// # Panics
        /// If the kernel is 0.
        #[track_caller]
        pub fn new(kernel: impl Into<Sizes<D>>) -> Self {
            Self::from(Pool::new(kernel.into()))
        }

        /// The same with windows that move by `stride`.
        ///
        /// # Panics
        /// If it is 0.
        #[must_use]
        #[track_caller]
        pub fn stride(mut self, stride: impl Into<Sizes<D>>) -> Self {
            self.pool.window.stride = stride.into();
            self.pool = self.pool.checked();
            self
        }

        /// The same with padding at the ends of each axis: a number for both sides, or a
        /// [`Padding`].
        ///
        /// # Panics
        /// If it is more than half of the window.
        #[must_use]
        #[track_caller]
        pub fn padding(mut self, padding: impl Into<Padding<D>>) -> Self {
            self.pool.window.padding = padding.into();
            self.pool = self.pool.checked();
            self
        }

        /// The same, with a last window that is only partly inside, where there is one.
        #[must_use]
        pub fn ceil_mode(mut self) -> Self {
            self.pool.ceil_mode = true;
            self
        }
    };
}

/// Maximum pooling in one dimension, `[batch, channels, length] → [batch, channels, length′]`:
/// see [`MaxPool`].
pub type MaxPool1d = MaxPool<1>;

/// Maximum pooling in two dimensions,
/// `[batch, channels, height, width] → [batch, channels, height′, width′]`: see [`MaxPool`].
pub type MaxPool2d = MaxPool<2>;

/// The largest element of each window, in `D` = 1 or 2 dimensions: [`MaxPool1d`] and
/// [`MaxPool2d`].
///
/// y\[n, c, i\] = max over k of x\[n, c, i·stride + k·dilation − padding\]
///
/// Padding is never the largest. The gradient goes to the largest element of each window; elements
/// that tie share it equally. An axis of length L becomes
/// ⌊(L + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1 long, padding on both sides counted; in
/// ceil mode the quotient is rounded up, unless the last window would begin after the end.
///
/// ```
/// use nn::prelude::*;
///
/// let layer = MaxPool2d::new(2);
/// assert_eq!(Module::<f32>::output_shape(&layer, &[64, 16, 28, 28])?[..], [64, 16, 14, 14]);
/// let y = predict(&MaxPool1d::new(2), &Tensor::from([[[1.0, 3.0, 2.0, -1.0]]]))?;
/// assert_eq!(y, Tensor::from([[[3.0, 2.0]]]));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool<const D: usize> {
    pool: Pool<D>,
}

impl<const D: usize> From<Pool<D>> for MaxPool<D> {
    fn from(pool: Pool<D>) -> Self {
        Self { pool }
    }
}

impl<const D: usize> MaxPool<D> {
    pool_settings!();

    /// The same with a distance of `dilation` between the elements of a window.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn dilation(mut self, dilation: impl Into<Sizes<D>>) -> Self {
        self.pool.window.dilation = dilation.into();
        self.pool = self.pool.checked();
        self
    }
}

impl<A: Float, const D: usize> Module<A> for MaxPool<D> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        x.max_pool(&self.pool.slides(&x.shape()), self.pool.ceil_mode)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        self.pool.output_shape("MaxPool", input)
    }
    fn describe(&self) -> String {
        self.pool.describe("MaxPool")
    }
}

/// Average pooling in one dimension, `[batch, channels, length] → [batch, channels, length′]`:
/// see [`AvgPool`].
pub type AvgPool1d = AvgPool<1>;

/// Average pooling in two dimensions,
/// `[batch, channels, height, width] → [batch, channels, height′, width′]`: see [`AvgPool`].
pub type AvgPool2d = AvgPool<2>;

/// The mean of each window, in `D` = 1 or 2 dimensions: [`AvgPool1d`] and [`AvgPool2d`].
///
/// y\[n, c, i\] = (1/K) Σ over k of x\[n, c, i·stride + k − padding\], K being the size of the
/// window
///
/// Padding counts as zeros, or not at all: see
/// [`count_include_pad`](AvgPool::count_include_pad). Lengths are as for [`MaxPool`].
///
/// ```
/// use nn::prelude::*;
///
/// let row = Tensor::from([[[1.0, 3.0, 2.0, -1.0]]]);
/// assert_eq!(predict(&AvgPool1d::new(2), &row)?, Tensor::from([[[2.0, 0.5]]]));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool<const D: usize> {
    pool: Pool<D>,
    count_include_pad: bool,
}

impl<const D: usize> From<Pool<D>> for AvgPool<D> {
    fn from(pool: Pool<D>) -> Self {
        Self { pool, count_include_pad: true }
    }
}

impl<const D: usize> AvgPool<D> {
    pool_settings!();

    /// Whether padding counts as zeros, as it does by default and in PyTorch, or the mean is over
    /// the elements inside, as in Keras.
    #[must_use]
    pub fn count_include_pad(mut self, count: bool) -> Self {
        self.count_include_pad = count;
        self
    }
}

impl<A: Float, const D: usize> Module<A> for AvgPool<D> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        let slides = self.pool.slides(&x.shape());
        x.avg_pool(&slides, self.pool.ceil_mode, self.count_include_pad)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        self.pool.output_shape("AvgPool", input)
    }
    fn describe(&self) -> String {
        self.pool.describe("AvgPool")
    }
}

/// The axes after batch and channels.
fn spatial_axes(ndim: usize) -> Vec<isize> {
    (2..ndim as isize).collect()
}

fn global_shape(name: &str, input: &[usize]) -> Result<Shape, Error> {
    match input {
        [batch, channels, spatial @ ..] if !spatial.is_empty() && !spatial.contains(&0) => {
            Ok(Shape::from_slice(&[*batch, *channels]))
        }
        _ => Err(Error::layer_input(name, "[batch, channels, …]", input)),
    }
}

/// The mean of each channel: `[batch, channels, …] → [batch, channels]`. It makes a network take
/// images of any size (Lin, Chen & Yan, *Network in network*, 2014).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlobalAvgPool;

impl<A: Float> Module<A> for GlobalAvgPool {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        x.mean_axes(spatial_axes(x.shape().len()))
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        global_shape("GlobalAvgPool", input)
    }
}

/// The largest element of each channel: `[batch, channels, …] → [batch, channels]`. Elements that
/// tie share the gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlobalMaxPool;

impl<A: Float> Module<A> for GlobalMaxPool {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        x.max_axes(spatial_axes(x.shape().len()))
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        global_shape("GlobalMaxPool", input)
    }
}
