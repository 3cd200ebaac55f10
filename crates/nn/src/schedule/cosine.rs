//! Schedules along half a cosine.

use std::f64::consts::PI;

use super::{Schedule, check_length};
use crate::ground::Error;
use crate::ground::setting::check_not_negative;

/// From `high` at 0 to `low` at 1, along half a cosine.
pub(super) fn half_cosine(high: f64, low: f64, part: f64) -> f64 {
    low + 0.5 * (high - low) * (1.0 + (PI * part).cos())
}

/// Half a cosine: slow at first, then fast, slow at the end. ηₘ + ½ (η₀ − ηₘ)(1 + cos πt/n).
///
/// After time n it climbs again, as PyTorch's does; [`Chain`](super::Chain) it with a
/// [`Constant`](super::Constant) if it is to stay down. Loshchilov & Hutter, *SGDR: Stochastic
/// Gradient Descent with Warm Restarts*, 2017, equation 5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cosine {
    length: usize,
    least: f64,
}

impl Cosine {
    /// From the base rate at time 0 to 0 at time n.
    ///
    /// # Errors
    /// If n is 0.
    pub fn new(length: usize) -> Result<Self, Error> {
        check_length("the length of the cosine", length)?;
        Ok(Self { length, least: 0.0 })
    }

    /// To the rate ηₘ and not to 0.
    ///
    /// # Errors
    /// If it is negative, infinite or NaN.
    pub fn to(mut self, least: f64) -> Result<Self, Error> {
        check_not_negative("the least learning rate", least)?;
        self.least = least;
        Ok(self)
    }
}

impl Schedule for Cosine {
    fn rate(&self, base: f64, t: usize) -> f64 {
        half_cosine(base, self.least, t as f64 / self.length as f64)
    }
}

/// [`Cosine`]s one after another, each from the base rate down. Loshchilov & Hutter, as there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineRestarts {
    first: usize,
    growth: usize,
    least: f64,
}

impl CosineRestarts {
    /// Cycles of length n, down to 0.
    ///
    /// # Errors
    /// If n is 0.
    pub fn new(length: usize) -> Result<Self, Error> {
        check_length("the length of the first cycle", length)?;
        Ok(Self { first: length, growth: 1, least: 0.0 })
    }

    /// Each cycle this many times as long as the one before.
    ///
    /// # Errors
    /// If it is 0.
    pub fn growing(mut self, growth: usize) -> Result<Self, Error> {
        check_length("the growth of cycles", growth)?;
        self.growth = growth;
        Ok(self)
    }

    /// To the rate ηₘ and not to 0.
    ///
    /// # Errors
    /// If it is negative, infinite or NaN.
    pub fn to(mut self, least: f64) -> Result<Self, Error> {
        check_not_negative("the least learning rate", least)?;
        self.least = least;
        Ok(self)
    }
}

impl Schedule for CosineRestarts {
    fn rate(&self, base: f64, t: usize) -> f64 {
        let (mut t, mut length) = (t, self.first);
        if self.growth == 1 {
            t %= length;
        }
        while t >= length {
            t -= length;
            length = length.saturating_mul(self.growth);
        }
        half_cosine(base, self.least, t as f64 / length as f64)
    }
}
