//! Small problems made up from a formula and a seed.

use std::f64::consts::{PI, TAU};

use chacha20::ChaCha8Rng;
use ops::Float;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

use super::dataset::{Dataset, tensor};
use crate::ground::error::DataError;

/// The largest number of samples that a generator makes.
pub const MAX_SAMPLES: usize = 1 << 24;

/// Exclusive or: the four inputs of 0 and 1, shape `[4, 2]`, and the values, shape `[4, 1]`.
///
/// ```
/// use nn::data::{Targets, xor};
/// use ops::Tensor;
///
/// let data = xor::<f64>();
/// assert_eq!(data.inputs(), &Tensor::from([[0., 0.], [0., 1.], [1., 0.], [1., 1.]]));
/// assert_eq!(data.targets(), &Targets::Values(Tensor::from([[0.], [1.], [1.], [0.]])));
/// ```
pub fn xor<A: Float>() -> Dataset<A> {
    let numbers = |bits: &[f64]| bits.iter().map(|&bit| A::from_f64(bit)).collect();
    let inputs = tensor(&[4, 2], numbers(&[0., 0., 0., 1., 1., 0., 1., 1.]));
    Dataset::regression(inputs, tensor(&[4, 1], numbers(&[0., 1., 1., 0.])))
        .expect("four inputs and four values")
}

/// Two half circles of radius 1 that reach into each other: inputs `[n, 2]`, labels 0 and 1.
///
/// The labels alternate. `noise` is the standard deviation of the normal noise added to each
/// coordinate; 0.1 leaves the moons apart. The same seed gives the same points on every machine,
/// up to the rounding of its sine and cosine.
///
/// # Errors
/// If `n` is below 2 or above [`MAX_SAMPLES`], or `noise` is negative, infinite or NaN.
///
/// ```
/// use nn::data::{DataError, two_moons};
///
/// let moons = two_moons::<f32>(100, 0.1, 0)?;
/// assert_eq!(moons.inputs().shape(), [100, 2]);
/// assert!(two_moons::<f32>(100, -0.1, 0).is_err());
/// # Ok::<(), DataError>(())
/// ```
pub fn two_moons<A: Float>(n: usize, noise: f64, seed: u64) -> Result<Dataset<A>, DataError> {
    arms("two_moons", n, 2, noise, seed, |moon, along, _| {
        let (sin, cos) = (PI * along).sin_cos();
        if moon == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] }
    })
}

/// Spiral arms of one turn, from radius 0.1 out to 1: inputs `[n, 2]`, a label for each arm.
///
/// The labels go round: 0, 1, ... `classes` − 1, 0, and so on. `noise` is the standard deviation
/// of the normal noise added to each coordinate; neighbouring arms are 0.9 / `classes` apart. The
/// same seed gives the same points on every machine, up to the rounding of its sine and cosine.
///
/// # Errors
/// If `classes` is 0, `n` is below `classes` or above [`MAX_SAMPLES`], or `noise` is negative,
/// infinite or NaN.
///
/// ```
/// use nn::data::{DataError, spirals};
///
/// let data = spirals::<f64>(300, 3, 0.02, 7)?;
/// assert_eq!((data.len(), data.classes()), (300, Some(3)));
/// # Ok::<(), DataError>(())
/// ```
pub fn spirals<A: Float>(
    n: usize,
    classes: usize,
    noise: f64,
    seed: u64,
) -> Result<Dataset<A>, DataError> {
    arms("spirals", n, classes, noise, seed, |arm, along, classes| {
        let (sin, cos) = (TAU * (arm as f64 / classes as f64 + along)).sin_cos();
        // At the very centre the arms would meet, and points with different labels be the same.
        let radius = 0.1 + 0.9 * along;
        [radius * cos, radius * sin]
    })
}

/// Two circles around the same centre, of radius 1 and `factor`: inputs `[n, 2]`, labels 0 (outer)
/// and 1 (inner).
///
/// The labels alternate. `noise` is the standard deviation of the normal noise added to each
/// coordinate. No line divides the circles. The same seed gives the same points on every machine,
/// up to the rounding of its sine and cosine.
///
/// # Errors
/// If `n` is below 2 or above [`MAX_SAMPLES`], `factor` is not between 0 and 1, or `noise` is
/// negative, infinite or NaN.
///
/// ```
/// use nn::data::{DataError, circles};
///
/// let data = circles::<f64>(100, 0.5, 0.05, 1)?;
/// assert_eq!((data.inputs().shape(), data.classes()), (&[100, 2][..], Some(2)));
/// # Ok::<(), DataError>(())
/// ```
pub fn circles<A: Float>(
    n: usize,
    factor: f64,
    noise: f64,
    seed: u64,
) -> Result<Dataset<A>, DataError> {
    if !(factor > 0.0 && factor < 1.0) {
        let expected = "a radius of the inner circle between 0 and 1".to_owned();
        return refuse("circles", "factor", factor, expected);
    }
    arms("circles", n, 2, noise, seed, |circle, along, _| {
        // On a closed curve the last point must not be the first again.
        let points = (n - circle).div_ceil(2) as f64;
        let (sin, cos) = (TAU * along * (1.0 - 1.0 / points)).sin_cos();
        let radius = if circle == 0 { 1.0 } else { factor };
        [radius * cos, radius * sin]
    })
}

/// Round clouds of points: inputs `[n, 2]`, a label for each cloud.
///
/// The centres are spread evenly on a circle of radius 1 about the origin, the first at (1, 0).
/// `spread` is the standard deviation of each coordinate within a cloud. The labels go round: 0, 1,
/// ... `classes` − 1, 0, and so on. The same seed gives the same points on every machine, up to the
/// rounding of its sine and cosine.
///
/// # Errors
/// If `classes` is 0, `n` is below `classes` or above [`MAX_SAMPLES`], or `spread` is negative,
/// infinite or NaN.
///
/// ```
/// use nn::data::{DataError, blobs};
///
/// let data = blobs::<f64>(90, 3, 0.2, 1)?;
/// assert_eq!((data.inputs().shape(), data.classes()), (&[90, 2][..], Some(3)));
/// # Ok::<(), DataError>(())
/// ```
pub fn blobs<A: Float>(
    n: usize,
    classes: usize,
    spread: f64,
    seed: u64,
) -> Result<Dataset<A>, DataError> {
    check_deviation("blobs", "spread", spread)?;
    arms("blobs", n, classes, spread, seed, |cloud, _, classes| {
        let (sin, cos) = (TAU * cloud as f64 / classes as f64).sin_cos();
        [cos, sin]
    })
}

/// Points near a line: inputs x spread evenly from −1 to 1, shape `[n, 1]`, and values
/// `slope` · x + `intercept` + noise, shape `[n, 1]`.
///
/// `noise` is the standard deviation of the normal noise, which is added to the values only. The
/// same seed gives the same points on every machine.
///
/// # Errors
/// If `n` is below 2 or above [`MAX_SAMPLES`], `noise` is negative, or a setting is infinite or
/// NaN.
///
/// ```
/// use nn::data::{DataError, Targets, line};
/// use ops::Tensor;
///
/// let data = line::<f64>(3, 2.0, 1.0, 0.0, 0)?;
/// assert_eq!(data.inputs(), &Tensor::from([[-1.0], [0.0], [1.0]]));
/// assert_eq!(data.targets(), &Targets::Values(Tensor::from([[-1.0], [1.0], [3.0]])));
/// # Ok::<(), DataError>(())
/// ```
pub fn line<A: Float>(
    n: usize,
    slope: f64,
    intercept: f64,
    noise: f64,
    seed: u64,
) -> Result<Dataset<A>, DataError> {
    let of = "line";
    for (setting, given) in [("slope", slope), ("intercept", intercept)] {
        if !given.is_finite() {
            return refuse(of, setting, given, "a finite number".to_owned());
        }
    }
    check_samples(of, n, 2, noise)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let x: Vec<f64> = (0..n).map(|i| 2.0 * i as f64 / (n - 1) as f64 - 1.0).collect();
    let values = x.iter().map(|x| {
        let deviation: f64 = rng.sample(StandardNormal);
        A::from_f64(slope * x + intercept + noise * deviation)
    });
    let values = tensor(&[n, 1], values.collect());
    let inputs = tensor(&[n, 1], x.into_iter().map(A::from_f64).collect());
    Dataset::regression(inputs, values)
}

fn refuse<T>(
    of: &'static str,
    setting: &'static str,
    given: f64,
    expected: String,
) -> Result<T, DataError> {
    Err(DataError::Setting { of, setting, given, expected })
}

/// Whether `n` samples can be made with this noise.
fn check_samples(of: &'static str, n: usize, least: usize, noise: f64) -> Result<(), DataError> {
    if n < least || n > MAX_SAMPLES {
        return refuse(of, "n", n as f64, format!("{least} to {MAX_SAMPLES} samples"));
    }
    check_deviation(of, "noise", noise)
}

fn check_deviation(of: &'static str, setting: &'static str, given: f64) -> Result<(), DataError> {
    if given.is_finite() && given >= 0.0 {
        return Ok(());
    }
    refuse(of, setting, given, "a standard deviation of at least 0".to_owned())
}

/// Points spread evenly over curves. `point` is given the curve, how far along it from 0 to 1, and
/// the number of curves.
fn arms<A: Float>(
    generator: &'static str,
    n: usize,
    classes: usize,
    noise: f64,
    seed: u64,
    point: impl Fn(usize, f64, usize) -> [f64; 2],
) -> Result<Dataset<A>, DataError> {
    if classes == 0 {
        return refuse(generator, "classes", 0.0, "at least 1".to_owned());
    }
    check_samples(generator, n, classes, noise)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut inputs = Vec::with_capacity(2 * n);
    for i in 0..n {
        let (arm, step) = (i % classes, i / classes);
        let on_this_arm = (n - arm).div_ceil(classes);
        // A single sample is put at the start of its curve.
        let along = step as f64 / (on_this_arm - 1).max(1) as f64;
        for coordinate in point(arm, along, classes) {
            let deviation: f64 = rng.sample(StandardNormal);
            inputs.push(A::from_f64(coordinate + noise * deviation));
        }
    }
    let labels = (0..n).map(|i| i % classes).collect();
    Dataset::classification(tensor(&[n, 2], inputs), labels, classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Targets;

    #[test]
    fn a_seed_means_the_same_points() {
        let moons = |seed| two_moons::<f64>(50, 0.1, seed).unwrap();
        assert_eq!(moons(1), moons(1));
        assert_ne!(moons(1), moons(2));
        let arms = |seed| spirals::<f32>(50, 3, 0.1, seed).unwrap();
        assert_eq!(arms(1), arms(1));
        assert_ne!(arms(1), arms(2));
    }

    #[test]
    fn without_noise_the_points_lie_on_the_curves() {
        let moons = two_moons::<f64>(7, 0.0, 0).unwrap();
        assert_eq!(moons.labels(), Some(&[0, 1, 0, 1, 0, 1, 0][..]));
        let points = moons.inputs().to_vec();
        for (i, point) in points.chunks(2).enumerate() {
            let centre = if i % 2 == 0 { [0.0, 0.0] } else { [1.0, 0.5] };
            assert!(((point[0] - centre[0]).hypot(point[1] - centre[1]) - 1.0).abs() < 1e-12);
        }
        assert!((points[12] + 1.0).abs() < 1e-12, "the last of the first moon is at (-1, 0)");
        assert!((points[6] - 1.0).abs() < 1e-12, "the middle of the second is at (1, -0.5)");
        assert!((points[7] + 0.5).abs() < 1e-12, "the second moon hangs down");

        let data = spirals::<f64>(9, 3, 0.0, 0).unwrap();
        let radii: Vec<_> = data.inputs().to_vec().chunks(2).map(|p| p[0].hypot(p[1])).collect();
        for (i, radius) in radii.iter().enumerate() {
            assert!((radius - (0.1 + 0.45 * (i / 3) as f64)).abs() < 1e-12);
        }
        assert!(spirals::<f64>(3, 3, 0.5, 0).unwrap().inputs().is_finite());
    }

    #[test]
    fn a_line_has_even_steps_from_minus_1_to_1() {
        let data = line::<f64>(5, 3.0, -1.0, 0.0, 0).unwrap();
        assert_eq!(data.inputs().to_vec(), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        let Targets::Values(values) = data.targets() else { panic!("a line has values") };
        assert_eq!(values.to_vec(), [-4.0, -2.5, -1.0, 0.5, 2.0]);
    }

    #[test]
    fn settings_that_make_no_data_are_refused() {
        let text = |result: Result<Dataset<f64>, DataError>| result.unwrap_err().to_string();
        assert_eq!(
            text(two_moons(0, 0.1, 0)),
            "two_moons was given n = 0, but it needs 2 to 16777216 samples"
        );
        assert!(text(two_moons(usize::MAX, 0.1, 0)).contains("16777216"));
        assert!(text(spirals(2, 3, 0.1, 0)).contains("3 to"));
        assert!(text(spirals(0, 0, 0.1, 0)).contains("classes = 0"));
        for noise in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(text(two_moons(10, noise, 0)).contains("noise"));
            assert!(text(spirals(10, 2, noise, 0)).contains("noise"));
        }
    }
}
