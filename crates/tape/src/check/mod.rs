//! Gradient checks: holding a gradient against finite differences.
//!
//! ```
//! use tape::check::Check;
//! use tape::prelude::*;
//!
//! let x = ops::Tensor::from([[0.3, -1.2], [0.8, 2.0]]);
//! let report = Check::new().second_order().run(|v| v[0].tanh().square().sum(), &[x])?;
//! assert!(report.worst.error < 1e-9, "{report}");
//! # Ok::<(), tape::check::CheckError>(())
//! ```
//!
//! The numeric side is a ladder of central differences (f(x + h) − f(x − h)) / 2h, each step half of
//! the one before. Their errors in h² and h⁴ are extrapolated away (Richardson, *The deferred approach
//! to the limit*, 1927), and what the extrapolation of one order less differs by is an estimate of
//! the error, as in Ridders, *Accurate computation of F′(x) and F′(x)F″(x)*, 1982. A derivative
//! agrees, or is wrong because the steps converge to another number, or finite differences cannot
//! tell: see [`Reason`].

mod compare;
mod fault;
mod found;
mod function;
mod judge;
mod ladder;
mod modes;
mod probe;
mod report;

use std::ops::Range;

use ops::{Float, Tensor};

use crate::graph::var::Var;
use compare::Site;
pub(crate) use found::Found;
use function::{Function, Recorded, same_bits};
use probe::{Measure, Probe, numbers};
pub use report::{CheckError, Comparison, Fault, Mode, Reason, Report, Unclear};

/// A gradient check, with its settings. The default is every element of every input, first order.
///
/// Each derivative is held against finite differences at many steps. Where the slopes from both sides
/// converge to different numbers there is a kink; it is reported and does not fail, if the gradient
/// lies between them. Where the steps converge to nothing, or to too few digits, that is reported
/// with the reason. Beside the differences, a check runs the gradient twice and requires the same
/// bits, and holds forward mode against reverse mode. When a gradient is wrong, each recorded op is
/// checked in place, and the first that is at fault is named with its line.
#[derive(Clone, Debug)]
pub struct Check {
    second_order: bool,
    fast: bool,
    tolerance: Option<(f64, f64)>,
    steps: Option<(f64, f64)>,
    random: Option<(usize, Range<f64>)>,
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

impl Check {
    /// First order, every element of every input.
    pub fn new() -> Self {
        Self { second_order: false, fast: false, tolerance: None, steps: None, random: None }
    }

    /// Checks the gradient of the gradient too.
    #[must_use]
    pub fn second_order(mut self) -> Self {
        self.second_order = true;
        self
    }

    /// Compares one random direction an input, not every element: a handful of evaluations an
    /// input, whatever its size. Where the direction gives no verdict, it is halved until the
    /// elements are found that are to blame.
    #[must_use]
    pub fn fast(mut self) -> Self {
        self.fast = true;
        self
    }

    /// Sets the difference allowed: |analytic − numeric| ≤ `relative`·max(|analytic|, |numeric|) +
    /// `absolute`·max(1, |f|), and what the numeric derivative may be off by. The default is 10⁻⁸
    /// and 0 (in `f32`, 10⁻² and 10⁻³).
    ///
    /// # Panics
    /// If one of them is negative, infinite or NaN.
    #[must_use]
    #[track_caller]
    pub fn tolerance(mut self, relative: f64, absolute: f64) -> Self {
        assert!(
            [relative, absolute].iter().all(|x| x.is_finite() && *x >= 0.0),
            "the tolerances of a check are {relative} and {absolute}, but must be finite and not negative"
        );
        self.tolerance = Some((relative, absolute));
        self
    }

    /// Sets the largest and the smallest step h, relative to max(1, |x|) for an element x. The
    /// steps between them are halves of each other; smaller ones are tried only if the larger ones
    /// leave the verdict open. The default is 2⁻⁶ and 2⁻⁴⁰, and less for elements below 1 (in
    /// `f32`, 2⁻⁴ and 2⁻¹⁶).
    ///
    /// ```
    /// use tape::check::Check;
    /// use tape::prelude::*;
    ///
    /// // A function that is computed to six digits only, and its gradient by another way.
    /// fn rough<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    ///     let y = v[0].sin();
    ///     y + ((y * 1e6).round() * 1e-6 - y).detach()
    /// }
    /// let check = Check::new().tolerance(1e-3, 0.0).steps(0.1, 0.02);
    /// assert!(check.run(rough, &[ops::Tensor::from([0.4])]).is_ok());
    /// ```
    ///
    /// # Panics
    /// If they are not positive and finite, or the smallest is the larger.
    #[must_use]
    #[track_caller]
    pub fn steps(mut self, largest: f64, smallest: f64) -> Self {
        assert!(
            largest.is_finite() && smallest > 0.0 && smallest <= largest,
            "the steps of a check go from {largest} to {smallest}, but must be positive and finite, the \
             largest first"
        );
        self.steps = Some((largest, smallest));
        self
    }

    /// Checks at a number of random points too: the same inputs with every element drawn evenly
    /// from a range. The points are the same in every run.
    ///
    /// ```
    /// use tape::check::Check;
    /// use tape::prelude::*;
    ///
    /// // Right up to 3, and wrong beyond.
    /// fn f<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    ///     v[0].square() + (v[0] - 3.0).relu().detach()
    /// }
    /// let check = Check::new();
    /// assert!(check.run(f, &[ops::Tensor::from([0.5])]).is_ok());
    /// let error = check.random_points(20, 0.0..5.0).run(f, &[ops::Tensor::from([0.5])]).unwrap_err();
    /// assert!(error.to_string().contains("at random point"), "{error}");
    /// ```
    ///
    /// # Panics
    /// If the range is not of finite numbers, or ends before it starts.
    #[must_use]
    #[track_caller]
    pub fn random_points(mut self, points: usize, range: Range<f64>) -> Self {
        let Range { start, end } = range;
        assert!(
            start.is_finite() && end.is_finite() && start <= end && (end - start).is_finite(),
            "the elements of random points are drawn from {start} to {end}, but must be finite, the least \
             first"
        );
        self.random = Some((points, range));
        self
    }

    /// Checks the gradient of `f` at `inputs`. A result that is not a scalar is multiplied by a
    /// fixed tensor in general position and summed, so that no term can hide.
    ///
    /// # Errors
    /// If a derivative is another than its finite differences converge to, forward mode disagrees
    /// with reverse mode, or one run with the next; if they cannot be compared, or finite differences
    /// give no verdict anywhere.
    pub fn run<A, F>(&self, f: F, inputs: &[Tensor<A>]) -> Result<Report, CheckError>
    where
        A: Float,
        F: for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>,
    {
        self.run_function(&f, inputs)
    }

    /// [`run`](Check::run), compiled once for all functions.
    fn run_function<A: Float>(
        &self,
        f: &Function<'_, A>,
        inputs: &[Tensor<A>],
    ) -> Result<Report, CheckError> {
        let measure = Measure::of::<A>(self.tolerance, self.steps);
        let mut found = Found::default();
        self.check_at(f, inputs, None, measure, &mut found)?;
        if let Some((points, range)) = &self.random {
            let mut random = Random(0);
            for point in 1..=*points {
                let at: Vec<Tensor<A>> =
                    inputs.iter().map(|x| x.map(|_| A::from_f64(random.within(range)))).collect();
                self.check_at(f, &at, Some(point), measure, &mut found)?;
            }
        }
        let weak = (A::NAME == "f32").then_some(
            "the inputs are f32, whose rounding hides errors below about one part in a hundred; check \
             in f64",
        );
        found.conclude(inputs.len(), weak)
    }

    /// Checks at one point. On the first derivative that is wrong, looks for the op at fault.
    fn check_at<A: Float>(
        &self,
        f: &Function<'_, A>,
        inputs: &[Tensor<A>],
        point: Option<usize>,
        measure: Measure,
        found: &mut Found,
    ) -> Result<(), CheckError> {
        let function = Recorded { f, inputs };
        let first = function.gradient(inputs);
        let again = function.gradient(inputs);
        if let Some(input) = first.iter().zip(&again).position(|(a, b)| !same_bits(a, b)) {
            return Err(CheckError::NotRepeatable { input });
        }
        let (bound, value) = (function.bound(1), function.value(inputs));
        let probe = Probe {
            inputs,
            outputs: &|moved| Some(vec![function.value(moved)]),
            base: vec![numbers(&value)],
            weights: vec![numbers(&function::weights::<A>(value.shape()))],
            bound: &|moved| bound.between(moved),
            measure,
        };
        let right = |found: &Found| found.wrong_order().is_none();
        let site = Site { order: 1, point, fast: self.fast };
        site.compare(&probe, &first, found)?;
        if right(found) {
            modes::compare(&function, &probe, &first, self.fast)?;
        }
        if self.second_order {
            self.check_second_order(&function, &first, point, measure, found)?;
        }
        if let Some(order) = found.wrong_order() {
            found.look_for_fault(|| fault::find(&function, measure, order, Mode::Reverse));
        }
        Ok(())
    }

    /// Checks the derivatives of the gradient, which at the inputs is `base`.
    fn check_second_order<A: Float>(
        &self,
        function: &Recorded<'_, A>,
        base: &[Tensor<A>],
        point: Option<usize>,
        measure: Measure,
        found: &mut Found,
    ) -> Result<(), CheckError> {
        let inputs = function.inputs;
        let bound = function.bound(2);
        let probe = Probe {
            inputs,
            outputs: &|moved| Some(function.gradient(moved)),
            base: base.iter().map(numbers).collect(),
            weights: base.iter().enumerate().map(|(i, g)| function::projection(g, i)).collect(),
            bound: &|moved| bound.between(moved),
            measure,
        };
        let site = Site { order: 2, point, fast: self.fast };
        site.compare(&probe, &function.second_gradient(), found)
    }
}

/// Numbers that are the same in every run (Steele, Lea & Flood, *Fast splittable pseudorandom number
/// generators*, 2014).
struct Random(u64);

impl Random {
    fn within(&mut self, range: &Range<f64>) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        range.start + (range.end - range.start) * unit
    }
}
