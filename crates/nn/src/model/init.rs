//! How weights start.

use ops::shape::room;
use ops::{Float, Tensor};
use rand::Rng;
use rand_distr::{Distribution, Normal, Uniform};

use crate::ground::Error;

/// How the numbers of a weight are drawn. Fan-in and fan-out are the numbers of a unit's inputs
/// and outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All zeros: the usual choice for biases.
    Zeros,
    /// Normal with mean 0 and standard deviation σ.
    Normal {
        /// The standard deviation.
        sigma: f64,
    },
    /// Uniform between two bounds.
    Uniform {
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// Xavier/Glorot normal, σ² = 2/(fan-in + fan-out): keeps the variance through layers whose
    /// slope at 0 is 1, such as tanh. Glorot & Bengio, 2010.
    XavierNormal,
    /// Xavier/Glorot uniform, ±√(6/(fan-in + fan-out)).
    XavierUniform,
    /// He/Kaiming normal, σ² = 2/fan-in: for relu, which halves the variance. He et al., 2015.
    HeNormal,
    /// He/Kaiming uniform, ±√(6/fan-in).
    HeUniform,
}

impl Init {
    /// Draws a tensor of `shape`.
    ///
    /// # Errors
    /// If σ is negative or not finite, the bounds are not in order and finite, or memory cannot hold
    /// the tensor.
    ///
    /// ```
    /// use nn::init::Init;
    ///
    /// let w = Init::HeNormal.tensor::<f32>(&[300, 400], 400, 300, &mut nn::rng(0))?;
    /// let variance = w.to_vec().iter().map(|x| x * x).sum::<f32>() / 120_000.0;
    /// assert!((variance - 2.0 / 400.0).abs() < 1e-4);
    /// # Ok::<(), nn::Error>(())
    /// ```
    pub fn tensor<A: Float>(
        self,
        shape: &[usize],
        fan_in: usize,
        fan_out: usize,
        rng: &mut impl Rng,
    ) -> Result<Tensor<A>, Error> {
        room(shape, size_of::<A>()).map_err(|problem| Error::TooLarge { problem })?;
        let both = fan_in.saturating_add(fan_out).max(1) as f64;
        let fan_in = fan_in.max(1) as f64;
        let mut normal = |sigma: f64| {
            let refused = || Error::Setting {
                setting: "sigma",
                given: sigma.to_string(),
                allowed: "at least 0 and finite",
            };
            if !(sigma >= 0.0 && sigma.is_finite()) {
                return Err(refused());
            }
            let normal = Normal::new(0.0, sigma).map_err(|_| refused())?;
            Ok(draw(shape, || normal.sample(rng)))
        };
        match self {
            Self::Zeros => Ok(Tensor::zeros(shape)),
            Self::Normal { sigma } => normal(sigma),
            Self::XavierNormal => normal((2.0 / both).sqrt()),
            Self::HeNormal => normal((2.0 / fan_in).sqrt()),
            Self::Uniform { low, high } => uniform(shape, low, high, rng),
            Self::XavierUniform => {
                let bound = (6.0 / both).sqrt();
                uniform(shape, -bound, bound, rng)
            }
            Self::HeUniform => {
                let bound = (6.0 / fan_in).sqrt();
                uniform(shape, -bound, bound, rng)
            }
        }
    }
}

fn uniform<A: Float>(
    shape: &[usize],
    low: f64,
    high: f64,
    rng: &mut impl Rng,
) -> Result<Tensor<A>, Error> {
    let range = Uniform::new_inclusive(low, high).map_err(|_| Error::Setting {
        setting: "the range of a uniform initialiser",
        given: format!("{low} to {high}"),
        allowed: "two finite numbers in order",
    })?;
    Ok(draw(shape, || range.sample(rng)))
}

fn draw<A: Float>(shape: &[usize], mut number: impl FnMut() -> f64) -> Tensor<A> {
    let mut drawn = Tensor::zeros(shape);
    drawn.view_mut().map_inplace(|to| *to = A::from_f64(number()));
    drawn
}
