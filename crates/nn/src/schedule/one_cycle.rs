//! One cycle of the learning rate.

use super::Schedule;
use super::cosine::half_cosine;
use crate::ground::Error;
use crate::ground::setting::check;

/// One cycle: up from η₀/25 to the base rate η₀ in the first 30 % of the time, down to
/// η₀/250,000 in the rest.
///
/// The base rate is the largest that is reached, and may be far larger than a constant one. Counted
/// in steps. After the cycle the last rate stays. Smith & Topin, *Super-Convergence: Very Fast
/// Training of Neural Networks Using Large Learning Rates*, 2018, with the settings of PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    length: usize,
    rise: f64,
    first: f64,
    last: f64,
    linear: bool,
    three_phases: bool,
}

impl OneCycle {
    /// Of this length.
    ///
    /// # Errors
    /// If the length is below 4.
    pub fn new(length: usize) -> Result<Self, Error> {
        check("the length of the cycle", length, length >= 4, "at least 4")?;
        let (rise, first, last) = (0.3, 25.0, 1e4);
        Ok(Self { length, rise, first, last, linear: false, three_phases: false })
    }

    /// With this part of the time for the rise.
    ///
    /// # Errors
    /// If it is not above 0 and below 1 (below ½ in three phases), or so small that the rise takes
    /// no step.
    pub fn rise(mut self, part: f64) -> Result<Self, Error> {
        self.rise = part;
        self.checked()
    }

    /// From the base rate divided by `first`, in the end to that again divided by `last`.
    ///
    /// # Errors
    /// If one is not positive and finite.
    pub fn divisors(mut self, first: f64, last: f64) -> Result<Self, Error> {
        for divisor in [first, last] {
            let fine = divisor > 0.0 && divisor.is_finite();
            check("a divisor of the learning rate", divisor, fine, "positive and finite")?;
        }
        (self.first, self.last) = (first, last);
        Ok(self)
    }

    /// Along straight lines and not along cosines.
    #[must_use]
    pub fn linear(mut self) -> Self {
        self.linear = true;
        self
    }

    /// In three phases: up, down to the first rate in the same time, then on to the last.
    ///
    /// # Errors
    /// If the rise takes half of the time or more.
    pub fn three_phases(mut self) -> Result<Self, Error> {
        self.three_phases = true;
        self.checked()
    }

    fn checked(self) -> Result<Self, Error> {
        let allowed = "above 0, below 1 (in three phases below 1/2), and long enough for a step";
        let most = if self.three_phases { 0.5 } else { 1.0 };
        let fine = self.rise < most && self.rise * self.length as f64 > 1.0;
        check("the part of the cycle that rises", self.rise, fine, allowed)?;
        Ok(self)
    }
}

impl Schedule for OneCycle {
    fn rate(&self, base: f64, t: usize) -> f64 {
        let (first, end) = (base / self.first, self.length as f64 - 1.0);
        let last = first / self.last;
        let top = self.rise * self.length as f64 - 1.0;
        let t = (t as f64).min(end);
        let (from, to, start, end) = match self.three_phases {
            _ if t <= top => (first, base, 0.0, top),
            true if t <= 2.0 * top => (base, first, top, 2.0 * top),
            true => (first, last, 2.0 * top, end),
            false => (base, last, top, end),
        };
        let part = (t - start) / (end - start);
        if self.linear { from + (to - from) * part } else { half_cosine(from, to, part) }
    }
}
