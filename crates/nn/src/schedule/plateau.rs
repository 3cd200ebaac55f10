//! A schedule that watches a value.

use std::collections::BTreeMap;

use super::{Schedule, read};
use crate::ground::Error;
use crate::ground::setting::{check, check_not_negative};

/// Falls by a factor when a watched value no longer improves.
///
/// An observed value is an improvement if it is better than the best so far by a threshold. When
/// more than `patience` values in turn are not, the rate falls, and values are ignored for
/// `cooldown` times. NaN and infinities never count as an improvement. As PyTorch's
/// `ReduceLROnPlateau`, but that a share is one of the best value's size: there, a negative value
/// that stays as it is counts as an improvement.
///
/// ```
/// use nn::prelude::*;
/// use nn::schedule::Plateau;
///
/// let mut schedule = Plateau::new(0.5)?.patience(1);
/// let losses = [0.9, 0.7, 0.7, 0.71, 0.6, 0.6];
/// let rates: Vec<f64> = losses
///     .iter()
///     .enumerate()
///     .map(|(epoch, &loss)| {
///         schedule.observe(epoch, loss);
///         schedule.rate(0.1, epoch + 1)
///     })
///     .collect();
/// assert_eq!(rates, [0.1, 0.1, 0.1, 0.05, 0.05, 0.05]);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    gamma: f64,
    patience: usize,
    cooldown: usize,
    threshold: Threshold,
    least: f64,
    rising: bool,
    seen: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Threshold {
    Relative(f64),
    Absolute(f64),
}

/// What it has seen so far.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    factor: f64,
    best: f64,
    bad: u64,
    cooling: u64,
}

impl Plateau {
    /// By γ, when a value that should fall has not improved by a share of 0.0001 for more than 10
    /// times.
    ///
    /// # Errors
    /// If γ is not in (0, 1).
    pub fn new(gamma: f64) -> Result<Self, Error> {
        check("gamma", gamma, gamma > 0.0 && gamma < 1.0, "above 0 and below 1")?;
        Ok(Self {
            gamma,
            patience: 10,
            cooldown: 0,
            threshold: Threshold::Relative(1e-4),
            least: 0.0,
            rising: false,
            seen: Seen { factor: 1.0, best: f64::INFINITY, bad: 0, cooling: 0 },
        })
    }

    /// For a value that should rise, such as accuracy.
    #[must_use]
    pub fn rising(mut self) -> Self {
        self.rising = true;
        self.seen.best = f64::NEG_INFINITY;
        self
    }

    /// The number of values in turn that need not improve.
    #[must_use]
    pub fn patience(mut self, patience: usize) -> Self {
        self.patience = patience;
        self
    }

    /// How many values to ignore after a fall of the rate.
    #[must_use]
    pub fn cooldown(mut self, cooldown: usize) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// An improvement is one by this share of the best value.
    ///
    /// # Errors
    /// If it is negative, infinite or NaN.
    pub fn threshold(mut self, share: f64) -> Result<Self, Error> {
        check_not_negative("the threshold of an improvement", share)?;
        self.threshold = Threshold::Relative(share);
        Ok(self)
    }

    /// An improvement is one by this much.
    ///
    /// # Errors
    /// If it is negative, infinite or NaN.
    pub fn absolute_threshold(mut self, amount: f64) -> Result<Self, Error> {
        check_not_negative("the threshold of an improvement", amount)?;
        self.threshold = Threshold::Absolute(amount);
        Ok(self)
    }

    /// The rate does not fall below this.
    ///
    /// # Errors
    /// If it is negative, infinite or NaN.
    pub fn down_to(mut self, least: f64) -> Result<Self, Error> {
        check_not_negative("the least learning rate", least)?;
        self.least = least;
        Ok(self)
    }

    fn improves(&self, value: f64) -> bool {
        let best = self.seen.best;
        if !value.is_finite() || best.is_infinite() {
            return value.is_finite();
        }
        // The share is of the size of the best: a negative value falls by growing.
        let falls = |share: f64| best * (1.0 - share * best.signum());
        match (self.rising, self.threshold) {
            (false, Threshold::Relative(share)) => value < falls(share),
            (false, Threshold::Absolute(amount)) => value < best - amount,
            (true, Threshold::Relative(share)) => value > falls(-share),
            (true, Threshold::Absolute(amount)) => value > best + amount,
        }
    }
}

impl Schedule for Plateau {
    fn rate(&self, base: f64, _t: usize) -> f64 {
        // A base rate below the least is kept.
        (base * self.seen.factor).max(self.least.min(base))
    }

    fn observe(&mut self, _t: usize, value: f64) {
        if self.improves(value) {
            (self.seen.best, self.seen.bad) = (value, 0);
        } else {
            self.seen.bad += 1;
        }
        if self.seen.cooling > 0 {
            self.seen.cooling -= 1;
            self.seen.bad = 0;
        }
        if self.seen.bad > self.patience as u64 {
            self.seen.factor *= self.gamma;
            (self.seen.bad, self.seen.cooling) = (0, self.cooldown as u64);
        }
    }

    fn is_observer(&self) -> bool {
        true
    }

    fn state(&self) -> BTreeMap<String, f64> {
        let Seen { factor, best, bad, cooling } = self.seen;
        [("factor", factor), ("best", best), ("bad", bad as f64), ("cooling", cooling as f64)]
            .map(|(name, number)| (name.to_owned(), number))
            .into()
    }

    fn load_state(&mut self, state: &BTreeMap<String, f64>) -> Result<(), Error> {
        self.seen = read(state, "the schedule", |reader| Seen {
            factor: reader.number("factor"),
            best: reader.number("best"),
            bad: reader.count("bad"),
            cooling: reader.count("cooling"),
        })?;
        Ok(())
    }
}
