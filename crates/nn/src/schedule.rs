//! Schedules: how the learning rate goes with time.
//!
//! Time t is a number of steps or of epochs, from 0: whichever the program counts in.
//!
//! ```
//! use nn::prelude::*;
//! use nn::schedule::{Chain, Cosine, Linear};
//!
//! let mut optimizer = AdamW::<f32>::new(3e-4)?;
//! // 100 steps of warm-up, then 900 along a cosine to a hundredth.
//! let schedule =
//!     Chain::new(Linear::warm_up(100)?).then(100, Cosine::new(900)?.to(3e-6)?)?;
//! let base = optimizer.learning_rate();
//! for step in 0..1000 {
//!     Optimizer::<f32>::set_learning_rate(&mut optimizer, schedule.rate(base, step))?;
//!     // … pass, gradients, step
//! }
//! assert!(Optimizer::<f32>::learning_rate(&optimizer) < 3.01e-6);
//! # Ok::<(), nn::Error>(())
//! ```
//!
//! | schedule | rate at t for the base rate η₀ |
//! |---|---|
//! | [`Constant`] | f η₀ |
//! | [`StepDecay`] | η₀ γ^⌊t/n⌋ |
//! | [`MultiStep`] | η₀ γ^k after k milestones |
//! | [`Exponential`] | η₀ γᵗ |
//! | [`Linear`] | from one factor to another, then constant |
//! | [`Cosine`] | ηₘ + ½ (η₀ − ηₘ)(1 + cos πt/n) |
//! | [`CosineRestarts`] | the same, begun again after each cycle |
//! | [`OneCycle`] | up to η₀ and down to next to nothing |
//! | [`Chain`] | one after another |
//! | [`Plateau`] | falls when a watched value no longer improves |

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::fmt::Debug;

use crate::error::Error;
use crate::optim::{check, check_not_negative};
use crate::state::{State, StateReader};

/// How the learning rate goes with time. A schedule that is only a function of time implements
/// [`rate`](Schedule::rate) and nothing else.
pub trait Schedule: Debug {
    /// The learning rate at time t, a number of steps or epochs from 0, for an optimiser that was
    /// given the rate `base`.
    fn rate(&self, base: f64, t: usize) -> f64;

    /// Tells it the watched value, such as the validation loss, that was reached at time t. To be
    /// called in order of time, once for each. Most schedules do nothing with it.
    fn observe(&mut self, t: usize, value: f64) {
        let _ = (t, value);
    }

    /// Whether it goes by the values that it observes.
    fn is_observer(&self) -> bool {
        false
    }

    /// All that it remembers, to be put in [`State::numbers`](crate::State::numbers). Nothing, if
    /// it is a function of time.
    fn state(&self) -> BTreeMap<String, f64> {
        BTreeMap::new()
    }

    /// Goes back to what [`state`](Schedule::state) gave.
    ///
    /// # Errors
    /// If something is missing, unexpected or not a number; nothing is changed then.
    fn load_state(&mut self, state: &BTreeMap<String, f64>) -> Result<(), Error> {
        read(state, "the schedule", |_| ())
    }
}

/// Reads the numbers of a state and refuses what was not read.
fn read<T>(
    state: &BTreeMap<String, f64>,
    of: &str,
    all: impl FnOnce(&mut StateReader<'_, f64>) -> T,
) -> Result<T, Error> {
    let state = State::<f64> { numbers: state.clone(), ..State::new() };
    let mut reader = StateReader::new(&state);
    let result = all(&mut reader);
    reader.finish(of)?;
    Ok(result)
}

impl<S: Schedule + ?Sized> Schedule for Box<S> {
    fn rate(&self, base: f64, t: usize) -> f64 {
        (**self).rate(base, t)
    }
    fn observe(&mut self, t: usize, value: f64) {
        (**self).observe(t, value);
    }
    fn is_observer(&self) -> bool {
        (**self).is_observer()
    }
    fn state(&self) -> BTreeMap<String, f64> {
        (**self).state()
    }
    fn load_state(&mut self, state: &BTreeMap<String, f64>) -> Result<(), Error> {
        (**self).load_state(state)
    }
}

/// Refuses a factor that would not lower a rate.
fn check_gamma(gamma: f64) -> Result<(), Error> {
    check("gamma", gamma, gamma > 0.0 && gamma <= 1.0, "above 0 and at most 1")
}

/// Refuses a length of 0.
fn check_length(setting: &'static str, length: usize) -> Result<(), Error> {
    check(setting, length, length > 0, "at least 1")
}

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

/// From `high` at 0 to `low` at 1, along half a cosine.
fn half_cosine(high: f64, low: f64, part: f64) -> f64 {
    low + 0.5 * (high - low) * (1.0 + (PI * part).cos())
}

/// Half a cosine: slow at first, then fast, slow at the end. ηₘ + ½ (η₀ − ηₘ)(1 + cos πt/n).
///
/// After time n it climbs again, as PyTorch's does; [`Chain`] it with a [`Constant`] if it is to
/// stay down. Loshchilov & Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017,
/// equation 5.
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

/// Schedules one after another, each with its own time from 0.
#[derive(Debug)]
pub struct Chain {
    /// From when on, and what.
    parts: Vec<(usize, Box<dyn Schedule + Send>)>,
}

impl Chain {
    /// This one first.
    pub fn new(first: impl Schedule + Send + 'static) -> Self {
        Self { parts: vec![(0, Box::new(first))] }
    }

    /// From time `at` on, this one.
    ///
    /// # Errors
    /// If `at` is not after the start of the part before.
    pub fn then(mut self, at: usize, next: impl Schedule + Send + 'static) -> Result<Self, Error> {
        let after = self.parts.last().is_some_and(|(start, _)| at > *start);
        check("the start of a part of a chain", at, after, "after the start of the part before")?;
        self.parts.push((at, Box::new(next)));
        Ok(self)
    }

    fn load_parts(&mut self, state: &BTreeMap<String, f64>) -> Result<(), Error> {
        let all = State::<f64> { numbers: state.clone(), ..State::new() };
        let mut parts = self.parts.iter_mut().enumerate();
        parts.try_for_each(|(i, (_, part))| part.load_state(&all.nested(&i.to_string()).numbers))
    }

    /// Which part is for time t.
    fn part(&self, t: usize) -> usize {
        self.parts.partition_point(|(start, _)| *start <= t) - 1
    }
}

impl Schedule for Chain {
    fn rate(&self, base: f64, t: usize) -> f64 {
        let (start, part) = &self.parts[self.part(t)];
        part.rate(base, t - start)
    }

    fn observe(&mut self, t: usize, value: f64) {
        let part = self.part(t);
        let (start, part) = &mut self.parts[part];
        part.observe(t - *start, value);
    }

    fn is_observer(&self) -> bool {
        self.parts.iter().any(|(_, part)| part.is_observer())
    }

    fn state(&self) -> BTreeMap<String, f64> {
        let mut all = State::<f64>::new();
        for (i, (_, part)) in self.parts.iter().enumerate() {
            all.nest(&i.to_string(), State { numbers: part.state(), ..State::new() });
        }
        all.numbers
    }

    fn load_state(&mut self, state: &BTreeMap<String, f64>) -> Result<(), Error> {
        let is_known = |key: &str| {
            let number = key.split('.').next().and_then(|part| part.parse::<usize>().ok());
            number.is_some_and(|number| number < self.parts.len())
        };
        read(state, "the chain of schedules", |reader| {
            for key in state.keys().filter(|key| is_known(key)) {
                reader.number(key);
            }
        })?;
        let before = self.state();
        let result = self.load_parts(state);
        if result.is_err() {
            self.load_parts(&before)?;
        }
        result
    }
}

/// Falls by a factor when a watched value no longer improves.
///
/// An observed value is an improvement if it is better than the best so far by a threshold. When
/// more than `patience` values in turn are not, the rate falls, and values are ignored for
/// `cooldown` times. NaN is no improvement. As PyTorch's `ReduceLROnPlateau`.
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

    /// How many values in turn may be no improvement.
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
        match (self.rising, self.threshold) {
            _ if best.is_infinite() => value.is_finite(),
            (false, Threshold::Relative(share)) => value < best * (1.0 - share),
            (false, Threshold::Absolute(amount)) => value < best - amount,
            (true, Threshold::Relative(share)) => value > best * (1.0 + share),
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
