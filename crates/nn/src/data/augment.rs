//! Random changes of images that leave their class as it is.
//!
//! A network that sees each image shifted, turned or noisy, differently in each epoch, cannot learn
//! the images by heart.

use std::fmt;
use std::sync::Arc;

use chacha20::ChaCha8Rng;
use ndarray::{ArrayViewMut2, ArrayViewMutD, Axis, Ix2};
use ops::{Float, Tensor};
use rand::RngExt;
use rand_distr::StandardNormal;

use crate::ground::error::DataError;

/// A function that changes one sample in place.
type Custom<A> = dyn Fn(ArrayViewMutD<'_, A>, &mut ChaCha8Rng) + Send + Sync;

/// A random change, drawn for each sample.
///
/// Images have the shape `[rows, columns]` or `[channels, rows, columns]`; all channels are changed
/// alike. What a shift or a rotation moves in from outside the image is `fill`: the value of the
/// background, which is 0 for images as they are read, but not for images that were standardised.
///
/// Give a list of these to [`DataLoader::augment`](super::DataLoader::augment), or see what it does
/// with [`apply`](Self::apply):
///
/// ```
/// use nn::data::{Augment, DataError};
/// use ops::Tensor;
///
/// let images = Tensor::from([[[1.0, 2.0], [3.0, 4.0]]]);
/// let mirror = Augment::Flip { probability: 1.0 };
/// let mirrored = mirror.apply(&images, &mut nn::rng(0))?;
/// assert_eq!(mirrored, Tensor::from([[[2.0, 1.0], [4.0, 3.0]]]));
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Augment<A: Float> {
    /// Moves the image by whole pixels; every distance up to the limit is equally likely.
    Shift {
        /// The furthest up or down, in pixels; at most the number of rows.
        rows: usize,
        /// The furthest left or right, in pixels; at most the number of columns.
        columns: usize,
        /// What comes in from outside.
        fill: f64,
    },
    /// Mirrors left and right. Not for digits and letters, which become others.
    Flip {
        /// How often, from 0 to 1.
        probability: f64,
    },
    /// Turns the image about its centre; every angle up to the limit is equally likely. Pixels
    /// are interpolated bilinearly.
    Rotate {
        /// The largest angle in degrees, to either side, from 0 to 180.
        degrees: f64,
        /// What comes in from outside.
        fill: f64,
    },
    /// Adds normal noise to each number, for samples of any shape. The sum is not cut off at the
    /// ends of the range of pixels.
    Noise {
        /// The standard deviation.
        sigma: f64,
    },
    /// A change of your own, of a sample of any shape. For runs to be repeatable it draws from
    /// the generator it is given.
    Custom(Arc<Custom<A>>),
}

impl<A: Float> Augment<A> {
    /// Up to `pixels` in each direction, 0 coming in.
    pub fn shift(pixels: usize) -> Self {
        Self::Shift { rows: pixels, columns: pixels, fill: 0.0 }
    }

    /// Every second image mirrored.
    pub fn flip() -> Self {
        Self::Flip { probability: 0.5 }
    }

    /// Up to `degrees` to either side, 0 coming in.
    pub fn rotate(degrees: f64) -> Self {
        Self::Rotate { degrees, fill: 0.0 }
    }

    /// Normal noise with standard deviation `sigma`.
    pub fn noise(sigma: f64) -> Self {
        Self::Noise { sigma }
    }

    /// A change of your own.
    ///
    /// ```
    /// use nn::data::Augment;
    /// use rand::RngExt;
    ///
    /// // Each image brighter or darker by up to a fifth.
    /// let brightness = Augment::<f32>::custom(|mut image, rng| {
    ///     let factor = rng.random_range(0.8..=1.2);
    ///     image.mapv_inplace(|pixel| factor * pixel);
    /// });
    /// # let _ = brightness;
    /// ```
    pub fn custom(
        change: impl Fn(ArrayViewMutD<'_, A>, &mut ChaCha8Rng) + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(Arc::new(change))
    }

    /// Changes each of several samples, of shape `[samples, ...]`, as drawn from `rng`.
    ///
    /// # Errors
    /// If samples of this shape cannot be changed this way, or a setting is out of range.
    pub fn apply(&self, samples: &Tensor<A>, rng: &mut ChaCha8Rng) -> Result<Tensor<A>, DataError> {
        let Some(sample_shape) = samples.shape().get(1..) else {
            return Err(DataError::NoAxes { what: "samples" });
        };
        self.check(sample_shape)?;
        Ok(augment(samples.clone(), std::slice::from_ref(self), rng))
    }

    /// Whether the settings are in range and fit samples of this shape.
    pub(super) fn check(&self, sample_shape: &[usize]) -> Result<(), DataError> {
        let refuse = |of, setting, given, expected: &str| {
            Err(DataError::Setting { of, setting, given, expected: expected.to_owned() })
        };
        let image = |what| match *sample_shape {
            [rows, columns] | [_, rows, columns] => Ok([rows, columns]),
            _ => Err(DataError::SampleShape {
                what,
                expected: "[rows, columns] or [channels, rows, columns]".to_owned(),
                given: sample_shape.to_vec(),
            }),
        };
        match *self {
            Self::Shift { rows, columns, fill } => {
                let of = "Augment::Shift";
                let [height, width] = image(of)?;
                if rows > height {
                    let expected = format!("at most the {height} rows of an image");
                    return refuse(of, "rows", rows as f64, &expected);
                }
                if columns > width {
                    let expected = format!("at most the {width} columns of an image");
                    return refuse(of, "columns", columns as f64, &expected);
                }
                if !fill.is_finite() {
                    return refuse(of, "fill", fill, "a finite number");
                }
            }
            Self::Flip { probability } => {
                image("Augment::Flip")?;
                if !(0.0..=1.0).contains(&probability) {
                    return refuse("Augment::Flip", "probability", probability, "0 to 1");
                }
            }
            Self::Rotate { degrees, fill } => {
                image("Augment::Rotate")?;
                if !(0.0..=180.0).contains(&degrees) {
                    return refuse("Augment::Rotate", "degrees", degrees, "0 to 180");
                }
                if !fill.is_finite() {
                    return refuse("Augment::Rotate", "fill", fill, "a finite number");
                }
            }
            Self::Noise { sigma } => {
                if !sigma.is_finite() || sigma < 0.0 {
                    let expected = "a standard deviation of at least 0";
                    return refuse("Augment::Noise", "sigma", sigma, expected);
                }
            }
            Self::Custom(_) => {}
        }
        Ok(())
    }

    /// Changes one sample.
    fn change(&self, mut sample: ArrayViewMutD<'_, A>, rng: &mut ChaCha8Rng) {
        match *self {
            Self::Shift { rows, columns, fill } => {
                // The same numbers on machines of 32 and of 64 bits.
                let mut draw = |most: usize| rng.random_range(-(most as i64)..=most as i64);
                let (down, right) = (draw(rows), draw(columns));
                for_channels(sample, |image| {
                    shift(image, down as isize, right as isize, A::from_f64(fill));
                });
            }
            Self::Flip { probability } => {
                if rng.random_bool(probability) {
                    for_channels(sample, |image| flip(image));
                }
            }
            Self::Rotate { degrees, fill } => {
                let angle = degrees * rng.random_range(-1.0..=1.0);
                for_channels(sample, |image| rotate(image, angle, fill));
            }
            Self::Noise { sigma } => sample.mapv_inplace(|x| {
                let deviation: f64 = rng.sample(StandardNormal);
                x + A::from_f64(sigma * deviation)
            }),
            Self::Custom(ref change) => change(sample, rng),
        }
    }
}

impl<A: Float> fmt::Debug for Augment<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shift { rows, columns, fill } => {
                write!(f, "Shift {{ rows: {rows}, columns: {columns}, fill: {fill} }}")
            }
            Self::Flip { probability } => write!(f, "Flip {{ probability: {probability} }}"),
            Self::Rotate { degrees, fill } => {
                write!(f, "Rotate {{ degrees: {degrees}, fill: {fill} }}")
            }
            Self::Noise { sigma } => write!(f, "Noise {{ sigma: {sigma} }}"),
            Self::Custom(_) => f.write_str("Custom(..)"),
        }
    }
}

/// Changes each sample by all steps, one sample after the other. The steps have been checked.
pub(super) fn augment<A: Float>(
    mut samples: Tensor<A>,
    steps: &[Augment<A>],
    rng: &mut ChaCha8Rng,
) -> Tensor<A> {
    for mut sample in samples.view_mut().axis_iter_mut(Axis(0)) {
        for step in steps {
            step.change(sample.view_mut(), rng);
        }
    }
    samples
}

fn for_channels<A: Float>(sample: ArrayViewMutD<'_, A>, change: impl Fn(ArrayViewMut2<'_, A>)) {
    if sample.ndim() == 2 {
        return change(sample.into_dimensionality::<Ix2>().expect("two axes"));
    }
    for channel in
        sample.into_dimensionality::<ndarray::Ix3>().expect("three axes").outer_iter_mut()
    {
        change(channel);
    }
}

/// Each pixel comes from `down` rows above and `right` columns to the left.
fn shift<A: Float>(mut image: ArrayViewMut2<'_, A>, down: isize, right: isize, fill: A) {
    let before = image.to_owned();
    for ((row, column), pixel) in image.indexed_iter_mut() {
        let from = (row.checked_add_signed(-down), column.checked_add_signed(-right));
        *pixel = match from {
            (Some(row), Some(column)) => before.get((row, column)).copied().unwrap_or(fill),
            _ => fill,
        };
    }
}

fn flip<A: Float>(mut image: ArrayViewMut2<'_, A>) {
    for mut row in image.rows_mut() {
        let columns = row.len();
        for left in 0..columns / 2 {
            row.swap(left, columns - 1 - left);
        }
    }
}

/// Turns counterclockwise, as seen with row 0 at the top. Each pixel is looked up where it comes
/// from, among the four nearest pixels.
fn rotate<A: Float>(mut image: ArrayViewMut2<'_, A>, degrees: f64, fill: f64) {
    let before = image.to_owned();
    let (sin, cos) = degrees.to_radians().sin_cos();
    let [middle_row, middle_column] =
        [image.nrows(), image.ncols()].map(|n| (n as f64 - 1.0) / 2.0);
    let pixel_at = |row: f64, column: f64| {
        let inside = row >= 0.0 && column >= 0.0;
        let pixel = before.get((row as usize, column as usize)).filter(|_| inside);
        pixel.map_or(fill, |pixel| pixel.to_f64())
    };
    for ((row, column), pixel) in image.indexed_iter_mut() {
        let (y, x) = (row as f64 - middle_row, column as f64 - middle_column);
        let (from_row, from_column) =
            (middle_row + cos * y + sin * x, middle_column - sin * y + cos * x);
        let (top, left) = (from_row.floor(), from_column.floor());
        let (down, right) = (from_row - top, from_column - left);
        let upper = (1.0 - right) * pixel_at(top, left) + right * pixel_at(top, left + 1.0);
        let lower =
            (1.0 - right) * pixel_at(top + 1.0, left) + right * pixel_at(top + 1.0, left + 1.0);
        *pixel = A::from_f64((1.0 - down) * upper + down * lower);
    }
}
