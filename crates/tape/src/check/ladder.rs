//! Difference quotients at many steps, each half of the one before, and what they converge to.

/// What a function is at a step away from its point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// The step that was made, as the numbers of the machine allow it.
    pub step: f64,
    /// f there, less f at the point.
    pub change: f64,
    /// The size of what f consists of: its rounding error is ε times that, or more.
    pub level: f64,
}

/// One step to both sides; `None` on a side where the function is not finite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rung {
    pub step: f64,
    pub left: Option<Sample>,
    pub right: Option<Sample>,
}

/// A derivative from a few neighbouring rungs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub step: f64,
    pub value: f64,
    /// The difference to the extrapolation of one order less.
    pub scatter: f64,
    /// The least that rounding can do.
    pub floor: f64,
}

/// What the estimates of a sequence converge to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    pub value: f64,
    pub error: f64,
}

/// The rounding of a function: ε, and the size of all that it adds up on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounding {
    pub epsilon: f64,
    pub bound: f64,
}

impl Rung {
    /// The slope of the chord through both sides.
    fn chord(&self) -> Option<f64> {
        let (left, right) = (self.left?, self.right?);
        Some((right.change - left.change) / (right.step - left.step))
    }

    fn side(&self, right: bool) -> Option<f64> {
        let sample = if right { self.right } else { self.left }?;
        Some(sample.change / sample.step)
    }

    /// The second derivative, if it is more than rounding.
    pub fn curvature(&self, rounding: Rounding) -> Option<f64> {
        let (left, right) = (self.left?, self.right?);
        let noise = 100.0 * rounding.epsilon * self.level().max(rounding.bound);
        let bend = (left.change + right.change).abs();
        (bend > noise).then(|| bend / (self.step * self.step))
    }

    pub fn level(&self) -> f64 {
        let level = |sample: Option<Sample>| sample.map_or(0.0, |sample| sample.level);
        level(self.left).max(level(self.right))
    }
}

impl Estimate {
    pub fn error(&self) -> f64 {
        self.scatter.max(self.floor)
    }
}

/// What rounding can do to an estimate, `factor` times ε being what it does to a function of size 1
/// over a step.
fn floor(rungs: &[Rung], rounding: Rounding, factor: f64) -> f64 {
    let level = rungs.iter().map(Rung::level).fold(rounding.bound, f64::max);
    factor * rounding.epsilon * level / rungs[0].step
}

/// The derivative by central differences at three steps h, h/2 and h/4, whose errors in h² and h⁴
/// are extrapolated away (Richardson, 1911).
pub(super) fn central(rungs: &[Rung], rounding: Rounding) -> Option<Estimate> {
    let [a, b, c] = [rungs[0].chord()?, rungs[1].chord()?, rungs[2].chord()?];
    let (coarse, fine) = ((4.0 * b - a) / 3.0, (4.0 * c - b) / 3.0);
    let value = (16.0 * fine - coarse) / 15.0;
    let scatter = (value - fine).abs();
    Some(Estimate { step: rungs[0].step, value, scatter, floor: floor(rungs, rounding, 4.0) })
}

/// The derivative from one side by differences at four steps, whose errors in h, h² and h³ are
/// extrapolated away.
pub(super) fn one_sided(rungs: &[Rung], right: bool, rounding: Rounding) -> Option<Estimate> {
    let [a, b, c, d] = [0, 1, 2, 3].map(|i: usize| rungs[i].side(right));
    let (a, b, c, d) = (a?, b?, c?, d?);
    let [first, second, third] = [2.0 * b - a, 2.0 * c - b, 2.0 * d - c];
    let (coarse, fine) = ((4.0 * second - first) / 3.0, (4.0 * third - second) / 3.0);
    let value = (8.0 * fine - coarse) / 7.0;
    let scatter = (value - fine).abs();
    Some(Estimate { step: rungs[0].step, value, scatter, floor: floor(rungs, rounding, 40.0) })
}

/// How many times its error an estimate may be off.
pub(super) const SLACK: f64 = 4.0;
/// How many estimates in a row make a limit of their own.
const RUN: usize = 3;

/// What the estimates, from the largest step to the smallest, converge to: the one of the smallest
/// error that a neighbour confirms, and that no run of estimates at smaller steps contradicts.
pub(super) fn limit(estimates: &[Option<Estimate>]) -> Option<Limit> {
    let mut given: Vec<Limit> = Vec::with_capacity(estimates.len());
    let mut noise: f64 = 0.0; // In the function: what smaller steps scatter by, larger ones do too.
    for estimate in estimates.iter().rev().flatten().filter(|e| e.value.is_finite()) {
        noise = noise.max(estimate.scatter * estimate.step);
        let error = estimate.error().max(noise / estimate.step);
        given.push(Limit { value: estimate.value, error });
    }
    let finest_first = given;
    let mut order: Vec<usize> = (0..finest_first.len()).collect();
    order.sort_by(|&a, &b| finest_first[a].error.total_cmp(&finest_first[b].error));
    order.into_iter().find(|&i| is_limit(&finest_first, i)).map(|i| finest_first[i])
}

fn is_limit(finest_first: &[Limit], at: usize) -> bool {
    let here = finest_first[at];
    let apart = |other: &Limit| (other.value - here.value).abs();
    let agrees = |other: &Limit| apart(other) <= SLACK * (other.error + here.error);
    let neighbours = &finest_first[at.saturating_sub(1)..(at + 2).min(finest_first.len())];
    let confirmed = neighbours.iter().filter(|other| agrees(other)).count() > 1;
    let contradicts = |run: &[Limit]| {
        let least = run.iter().map(apart).fold(f64::INFINITY, f64::min);
        let (low, high) = run.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), e| {
            (low.min(e.value), high.max(e.value))
        });
        !run.iter().any(agrees) && high - low <= 0.25 * least
    };
    confirmed && !finest_first[..at].windows(RUN).any(contradicts)
}

#[cfg(test)]
mod tests {
    use super::{Estimate, Limit, limit};

    /// What estimates of one step, given with how far each may be off, converge to.
    fn of(estimates: &[(f64, f64)]) -> Option<Limit> {
        let estimate =
            |&(value, floor): &(f64, f64)| Some(Estimate { step: 1.0, value, scatter: 0.0, floor });
        limit(&estimates.iter().map(estimate).collect::<Vec<_>>())
    }

    /// Two estimates agree if they are no farther apart than four times both errors together.
    #[test]
    fn the_most_exact_estimate_that_a_neighbour_confirms_is_the_limit() {
        let confirmed = Some(Limit { value: 10.0, error: 0.1 });
        assert_eq!(of(&[(10.0, 0.1), (10.5, 0.11), (30.0, 9.0)]), confirmed);
        assert_eq!(of(&[(30.0, 9.0), (10.5, 0.11), (10.0, 0.1)]), confirmed);
        assert_eq!(of(&[(10.0, 0.1), (11.0, 0.11), (99.0, 1.0)]), None, "nobody agrees");
    }

    /// Three estimates at smaller steps refute one only where they lie much closer to each other than
    /// to it: within a quarter of the distance.
    #[test]
    fn a_run_at_smaller_steps_refutes_what_lies_far_from_it() {
        let first = [(0.0, 0.01), (0.0, 0.01)];
        let with = |run: [f64; 3]| of(&[&first[..], &run.map(|x| (x, 0.1))].concat());
        assert_eq!(with([10.0, 14.0, 18.0]), Some(Limit { value: 0.0, error: 0.01 }));
        assert_eq!(with([10.0, 10.1, 10.2]), Some(Limit { value: 10.2, error: 0.1 }));
    }
}
