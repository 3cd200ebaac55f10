//! Schedules that fall by factors, or along a line.

use super::{Schedule, check_gamma, check_length};
use crate::ground::Error;
use crate::ground::setting::{check, check_not_negative};

/// The base rate times one factor, always.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    factor: f64,
}

impl Constant {
    /// f η₀.
    ///
    /// # Errors
    /// If the factor is negative, infinite or NaN.
    pub fn new(factor: f64) -> Result<Self, Error> {
        check_not_negative("the factor of the learning rate", factor)?;
        Ok(Self { factor })
    }
}

impl Schedule for Constant {
    fn rate(&self, base: f64, _t: usize) -> f64 {
        base * self.factor
    }
}

/// Falls by a factor every n: η₀ γ^⌊t/n⌋.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepDecay {
    every: usize,
    gamma: f64,
}

impl StepDecay {
    /// By γ every n.
    ///
    /// # Errors
    /// If n is 0, or γ is not in (0, 1].
    pub fn new(every: usize, gamma: f64) -> Result<Self, Error> {
        check_length("the length of a step of the schedule", every)?;
        check_gamma(gamma)?;
        Ok(Self { every, gamma })
    }
}

impl Schedule for StepDecay {
    fn rate(&self, base: f64, t: usize) -> f64 {
        base * self.gamma.powf((t / self.every) as f64)
    }
}

/// Falls by a factor at each milestone.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiStep {
    milestones: Vec<usize>,
    gamma: f64,
}

impl MultiStep {
    /// By γ at each of these times.
    ///
    /// # Errors
    /// If the milestones do not increase, or γ is not in (0, 1].
    pub fn new(milestones: impl Into<Vec<usize>>, gamma: f64) -> Result<Self, Error> {
        let milestones = milestones.into();
        check_gamma(gamma)?;
        let increasing = milestones.windows(2).all(|pair| pair[0] < pair[1]);
        let given = format!("{milestones:?}");
        check("the list of milestones", given, increasing, "in increasing order")?;
        Ok(Self { milestones, gamma })
    }
}

impl Schedule for MultiStep {
    fn rate(&self, base: f64, t: usize) -> f64 {
        let passed = self.milestones.iter().filter(|&&milestone| milestone <= t).count();
        base * self.gamma.powf(passed as f64)
    }
}

/// Falls by the same factor each time: η₀ γᵗ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    gamma: f64,
}

impl Exponential {
    /// By γ.
    ///
    /// # Errors
    /// If γ is not in (0, 1].
    pub fn new(gamma: f64) -> Result<Self, Error> {
        check_gamma(gamma)?;
        Ok(Self { gamma })
    }
}

impl Schedule for Exponential {
    fn rate(&self, base: f64, t: usize) -> f64 {
        base * self.gamma.powf(t as f64)
    }
}

/// Goes in a straight line from one factor of the base rate to another, and stays there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear {
    from: f64,
    to: f64,
    length: usize,
}

impl Linear {
    /// From the factor `from` at time 0 to the factor `to` at time `length`.
    ///
    /// # Errors
    /// If a factor is negative, infinite or NaN, or the length is 0.
    pub fn new(from: f64, to: f64, length: usize) -> Result<Self, Error> {
        check_not_negative("the first factor of the learning rate", from)?;
        check_not_negative("the last factor of the learning rate", to)?;
        check_length("the length of the line", length)?;
        Ok(Self { from, to, length })
    }

    /// A warm-up: the factor (t + 1)/(n + 1), so that the first rate is not 0, and the full rate
    /// comes at time n. The first steps of Adam, whose means know little yet, are then small.
    ///
    /// # Errors
    /// If n is 0.
    pub fn warm_up(length: usize) -> Result<Self, Error> {
        Self::new(1.0 / (length as f64 + 1.0), 1.0, length)
    }
}

impl Schedule for Linear {
    fn rate(&self, base: f64, t: usize) -> f64 {
        let part = t.min(self.length) as f64 / self.length as f64;
        base * (self.from + (self.to - self.from) * part)
    }
}
