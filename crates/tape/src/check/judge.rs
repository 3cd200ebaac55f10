//! The verdict on one derivative.

use super::ladder::{Estimate, Limit, Rounding, Rung, SLACK, Sample, central, limit, one_sided};
use super::report::Reason;

/// A derivative that is to be judged, and what it is measured by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// The derivative as the engine gives it.
    pub analytic: f64,
    /// The difference allowed, relative to the derivative.
    pub relative: f64,
    /// The difference allowed, relative to the function.
    pub absolute: f64,
    /// The distance from 1 to the next number.
    pub epsilon: f64,
    /// The size of the point.
    pub size: f64,
    /// The size that steps are relative to.
    pub scale: f64,
    /// The largest and the smallest step, relative to the size of the point.
    pub steps: (f64, f64),
    /// How many elements are moved at once.
    pub elements: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    Agrees,
    Wrong,
    Kink,
    Unclear(Reason),
}

/// A verdict with its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Judged {
    pub verdict: Verdict,
    pub numeric: f64,
    /// How far the numeric derivative may be off.
    pub error: f64,
    /// The difference allowed.
    pub allowed: f64,
}

/// Steps are this times a power of two: a number that no period is a multiple of.
const UNEVEN: f64 = 0.754_877_666_246_692_8;
/// How far steps are doubled where the smaller ones show nothing but rounding.
const DOUBLINGS: i32 = 24;
/// The least number of steps.
const LEAST: usize = 6;

/// A function near its point.
pub(super) trait Near {
    /// The function at a step; `None` where it is not finite.
    fn at(&mut self, step: f64) -> Option<Sample>;
    /// The size of all that the function adds up on its way. It takes an evaluation to find out.
    fn bound(&mut self) -> f64;
}

/// The ladder of steps, as far as it was climbed down.
struct Ladder<'a> {
    claim: Claim,
    rounding: Rounding,
    near: &'a mut dyn Near,
    rungs: Vec<Rung>,
    /// The size of the function where the steps are those of its point.
    level: f64,
    central: Vec<Option<Estimate>>,
}

/// Judges a derivative by the function near its point; `None` if it is finite on both sides at no
/// step.
pub(super) fn judge(claim: Claim, near: &mut dyn Near) -> Option<Judged> {
    let rounding = Rounding { epsilon: claim.epsilon, bound: 0.0 };
    let (rungs, central) = (Vec::new(), Vec::new());
    let mut ladder = Ladder { claim, rounding, near, rungs, level: 0.0, central };
    let (largest, smallest) = (claim.steps.0 * claim.scale, claim.steps.1 * claim.scale);
    let mut step = UNEVEN * 2.0_f64.powi(largest.log2().round() as i32);
    while step >= smallest || ladder.rungs.len() < LEAST {
        ladder.descend(step);
        if let Some(judged) = ladder.settled() {
            return Some(judged);
        }
        step /= 2.0;
    }
    let judged = ladder.conclude()?;
    if judged.verdict == Verdict::Kink || judged.error <= 0.1 * judged.allowed {
        return Some(judged);
    }
    ladder.ascend();
    ladder.conclude()
}

impl Ladder<'_> {
    fn rung(&mut self, step: f64) -> Rung {
        Rung { step, left: self.near.at(-step), right: self.near.at(step) }
    }

    fn descend(&mut self, step: f64) {
        let rung = self.rung(step);
        self.rungs.push(rung);
        if self.level == 0.0 {
            self.level = rung.level();
        }
        if let Some(last) = self.rungs.last_chunk::<3>() {
            self.central.push(central(last, self.rounding));
        }
        // The first three steps seldom leave anything open. If they do, it pays to know more.
        if self.rungs.len() == 4 {
            self.rounding.bound = self.near.bound();
            self.estimate();
        }
    }

    /// Adds larger steps before the others, as far as the function is finite.
    fn ascend(&mut self) {
        let mut above = Vec::new();
        for doubling in 1..=DOUBLINGS {
            let rung = self.rung(self.rungs[0].step * 2.0_f64.powi(doubling));
            if rung.left.is_none() || rung.right.is_none() {
                break;
            }
            above.push(rung);
        }
        above.reverse();
        self.rungs.splice(0..0, above);
        self.estimate();
    }

    fn estimate(&mut self) {
        let windows = self.rungs.windows(3);
        self.central = windows.map(|rungs| central(rungs, self.rounding)).collect();
    }

    /// The difference allowed: what was asked for, and by how much the derivative changes when its
    /// point is rounded.
    fn allowed(&self, numeric: f64, level: f64) -> f64 {
        let Claim { analytic, relative, absolute, size, .. } = self.claim;
        let analytic = if analytic.is_finite() { analytic.abs() } else { 0.0 };
        let curvature = self.rungs.iter().rev().find_map(|rung| rung.curvature(self.rounding));
        let own = SLACK * self.rounding.epsilon * size * curvature.unwrap_or(0.0);
        relative * analytic.max(numeric.abs()) + absolute * level.max(1.0) + own
    }

    /// A verdict that no smaller step would change.
    fn settled(&self) -> Option<Judged> {
        self.agrees_here()
            .or_else(|| self.is_nothing())
            .or_else(|| self.agrees_within_rounding())
            .or_else(|| self.refuted())
    }

    /// The last estimate is the derivative, and by its own error is known as well as is asked.
    fn agrees_here(&self) -> Option<Judged> {
        let last = (*self.central.last()?)?;
        let allowed = self.allowed(last.value, self.rungs.last()?.level());
        let (apart, error) = ((self.claim.analytic - last.value).abs(), last.error());
        let (verdict, numeric) = (Verdict::Agrees, last.value);
        let agrees = apart <= allowed && error <= allowed;
        agrees.then_some(Judged { verdict, numeric, error, allowed })
    }

    /// At the largest steps there is nothing but rounding, and the derivative is none either.
    fn is_nothing(&self) -> Option<Judged> {
        let first = (*self.central.first()?)?;
        let Claim { analytic, .. } = self.claim;
        let (error, numeric) = (first.floor, first.value);
        let nothing = analytic.abs().max(numeric.abs()) <= error;
        let allowed = self.allowed(numeric, self.level) + 2.0 * error;
        let verdict = Verdict::Agrees;
        (nothing && self.rungs.len() <= 4).then_some(Judged { verdict, numeric, error, allowed })
    }

    /// The first four estimates scatter about the derivative, each more than the one before:
    /// smaller steps would only show more rounding.
    fn agrees_within_rounding(&self) -> Option<Judged> {
        let &[Some(a), Some(b), Some(c), Some(d)] = &self.central[..] else { return None };
        let all = [a, b, c, d];
        let errors = all.map(|e| e.error());
        let fits = |e: &Estimate| (e.value - self.claim.analytic).abs() <= SLACK * e.error();
        let most = a.value.abs().max(self.claim.analytic.abs());
        let settled =
            errors.is_sorted() && all.iter().all(fits) && SLACK * errors[0] <= 1e-6 * most;
        settled.then(|| self.weigh(Limit { value: a.value, error: errors[0] }))?
    }

    /// The last six estimates agree on another number.
    fn refuted(&self) -> Option<Judged> {
        let last = self.central.last_chunk::<6>()?;
        let best = last[5]?;
        let apart = (best.value - self.claim.analytic).abs();
        let agreed = |e: &Option<Estimate>| {
            e.is_some_and(|e| {
                let spread = (e.value - best.value).abs();
                spread <= 1e-3 * apart.min(best.value.abs()) && SLACK * e.floor < 0.1 * apart
            })
        };
        let sides = [false, true].map(|right| {
            let rungs = self.rungs.last_chunk::<4>()?;
            one_sided(rungs, right, self.rounding)
        });
        let smooth = sides
            .iter()
            .all(|side| side.is_some_and(|side| (side.value - best.value).abs() <= 1e-2 * apart));
        let refuted = last.iter().all(agreed) && smooth;
        refuted.then(|| self.weigh(Limit { value: best.value, error: best.scatter }))?
    }

    /// The verdict by all steps.
    fn conclude(&self) -> Option<Judged> {
        if self.rungs.iter().all(|rung| rung.left.is_none() || rung.right.is_none()) {
            return None;
        }
        let unclear = |reason| Judged {
            verdict: Verdict::Unclear(reason),
            numeric: f64::NAN,
            error: f64::INFINITY,
            allowed: self.allowed(0.0, self.rungs[0].level()),
        };
        if self.jumps() {
            return Some(unclear(Reason::Jump));
        }
        if self.grows() {
            return Some(unclear(Reason::Steep));
        }
        let both = limit(&self.central);
        let [left, right] = [false, true].map(|right| {
            let of = |rungs: &[Rung]| one_sided(rungs, right, self.rounding);
            limit(&self.rungs.windows(4).map(of).collect::<Vec<_>>())
        });
        if let (Some(left), Some(right)) = (left, right) {
            if let Some(kink) = self.kink(left, right) {
                return Some(kink);
            }
            // Where the second derivative jumps, each side is smoother than both.
            let mean = Limit {
                value: f64::midpoint(left.value, right.value),
                error: f64::midpoint(left.error, right.error),
            };
            let better = both.filter(|both| both.error <= mean.error).unwrap_or(mean);
            return self.weigh(better);
        }
        match both {
            Some(both) => self.weigh(both),
            None => Some(unclear(Reason::Steps)),
        }
    }

    /// A derivative with different limits from both sides: the one in question lies between them,
    /// or is wrong. Of several elements it need not lie between: each adds its own kink to one side
    /// or the other.
    fn kink(&self, left: Limit, right: Limit) -> Option<Judged> {
        let analytic = self.claim.analytic;
        let (low, high) = (left.value.min(right.value), left.value.max(right.value));
        let error = left.error + right.error;
        let most = left.value.abs().max(right.value.abs());
        if high - low <= 100.0 * error + 1e-6 * most {
            return None;
        }
        let numeric = f64::midpoint(low, high);
        let allowed = self.allowed(most, self.rungs[0].level());
        let slack = SLACK * error + allowed;
        let between = analytic >= low - slack && analytic <= high + slack;
        let verdict = match between {
            true => Verdict::Kink,
            false if self.claim.elements > 1 => Verdict::Unclear(Reason::Kinks),
            false => Verdict::Wrong,
        };
        Some(Judged { verdict, numeric, error, allowed })
    }

    /// The verdict by what all steps converge to.
    fn weigh(&self, limit: Limit) -> Option<Judged> {
        let Claim { analytic, scale, .. } = self.claim;
        let Limit { value: numeric, error } = limit;
        let level = self.rungs.last()?.level();
        let most = analytic.abs().max(numeric.abs());
        let strict = self.allowed(numeric, level);
        let allowed = strict + SLACK * error;
        let apart = (analytic - numeric).abs();
        // Less than the function's rounding, were the point to move by its own size.
        let nothing = 1e-9 * self.level.max(self.rounding.bound) / scale;
        let resolved = SLACK * error <= 1e-3 * most.max(self.steepest())
            || (most <= 2.0 * SLACK * error && error <= nothing)
            || SLACK * error <= strict;
        let verdict = match (apart <= allowed, resolved) {
            (false, _) => Verdict::Wrong,
            (true, true) => Verdict::Agrees,
            (true, false) => Verdict::Unclear(Reason::Rounding),
        };
        Some(Judged { verdict, numeric, error, allowed })
    }

    /// The function jumps at the point: it does not come nearer to its value there as the step
    /// shrinks.
    fn jumps(&self) -> bool {
        [false, true].iter().any(|&right| {
            let samples = self.rungs.iter().filter_map(|r| if right { r.right } else { r.left });
            let changes: Vec<(f64, f64)> = samples.map(|s| (s.change.abs(), s.level)).collect();
            let most = changes.iter().fold(0.0, |most: f64, c| most.max(c.0));
            let finest = &changes[changes.len().saturating_sub(6)..];
            let noise = 1e3 * self.rounding.epsilon;
            let stays = |&(change, level): &(f64, f64)| {
                change >= 0.5 * most && change > noise * level.max(self.rounding.bound)
            };
            most > 0.0 && finest.iter().all(stays)
        })
    }

    /// The steepest chord from the point whose ends differ by more than rounding.
    fn steepest(&self) -> f64 {
        let samples = self.rungs.iter().flat_map(|rung| [rung.left, rung.right]).flatten();
        let slopes = samples.map(|s| {
            let noise = 1e3 * self.rounding.epsilon * s.level.max(self.rounding.bound);
            (s.change.abs() - noise) / s.step.abs()
        });
        slopes.fold(0.0, f64::max)
    }

    /// The slope grows and grows as the step shrinks.
    fn grows(&self) -> bool {
        let all: Vec<Estimate> = self.central.iter().flatten().copied().collect();
        let Some(last) = all.last_chunk::<9>() else { return false };
        let moves: Vec<f64> =
            last.windows(2).map(|w| w[1].value.abs() - w[0].value.abs()).collect();
        let (low, high) = (
            moves.iter().copied().fold(f64::INFINITY, f64::min),
            moves.iter().copied().fold(0.0, f64::max),
        );
        low > 0.0 && low >= 1e-3 * high && moves.last() >= moves.first() && low > last[8].floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function of the step from its point, where it is 0, and how often it was asked.
    struct Counted<F> {
        f: F,
        calls: usize,
    }

    impl<F: Fn(f64) -> f64> Near for Counted<F> {
        fn at(&mut self, step: f64) -> Option<Sample> {
            self.calls += 1;
            let change = (self.f)(step);
            Some(Sample { step, change, level: change.abs() })
        }
        fn bound(&mut self) -> f64 {
            1.0
        }
    }

    /// A claim as of a check in `f64` at a point of size 1.
    fn claim(analytic: f64) -> Claim {
        let steps = (2.0_f64.powi(-6), 2.0_f64.powi(-40));
        let (relative, absolute, epsilon) = (1e-8, 0.0, f64::EPSILON);
        Claim { analytic, relative, absolute, epsilon, size: 1.0, scale: 1.0, steps, elements: 1 }
    }

    fn judged(analytic: f64, f: impl Fn(f64) -> f64) -> (Verdict, usize) {
        let mut near = Counted { f, calls: 0 };
        let judged = judge(claim(analytic), &mut near).expect("a function that is finite");
        (judged.verdict, near.calls)
    }

    /// The chord of h + c h⁷ is 1 + c h⁶, and what is extrapolated from three of them differs from
    /// the order before by c h⁶/48: 2·10⁻⁷ at the first three steps and 3·10⁻⁹ at the next.
    #[test]
    fn as_many_steps_are_made_as_the_digits_asked_for_take() {
        let c = 1e-5 / (UNEVEN * 2.0_f64.powi(-6)).powi(6);
        assert_eq!(judged(1.0, |h| h + c * h.powi(7)), (Verdict::Agrees, 2 * 4));
    }

    #[test]
    fn an_infinite_derivative_of_a_line_is_wrong() {
        for analytic in [f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(judged(analytic, |h| h).0, Verdict::Wrong);
        }
    }

    /// Also where the largest step leads over another jump of the same height.
    #[test]
    fn a_jump_is_one_if_half_of_all_that_was_seen_stays() {
        let stairs = |h: f64| f64::from(u8::from(h > 0.0)) + f64::from(u8::from(h > 0.01));
        assert_eq!(judged(0.0, stairs).0, Verdict::Unclear(Reason::Jump));
    }

    /// A ladder of one step, at which the function is a line of slope 1, and given estimates.
    fn with_ladder<T>(
        analytic: f64,
        central: Vec<Option<Estimate>>,
        run: impl FnOnce(&Ladder<'_>) -> T,
    ) -> T {
        let claim = claim(analytic);
        let mut near = Counted { f: |h| h, calls: 0 };
        let sample = |step: f64| Some(Sample { step, change: step, level: 1.0 });
        let rungs = vec![Rung { step: 1.0, left: sample(-1.0), right: sample(1.0) }];
        let rounding = Rounding { epsilon: claim.epsilon, bound: 1.0 };
        run(&Ladder { claim, rounding, near: &mut near, rungs, level: 1.0, central })
    }

    /// An estimate that may be off by 4 · 0.1 tells nothing of a slope of 1, and less of one of 0.01.
    #[test]
    fn what_is_known_to_less_than_three_digits_is_not_told() {
        for (slope, error, verdict) in [
            (1.0, 0.1, Verdict::Unclear(Reason::Rounding)),
            (1.0, 1e-4, Verdict::Agrees),
            (0.01, 0.1, Verdict::Unclear(Reason::Rounding)),
        ] {
            let limit = Limit { value: slope, error };
            let judged = with_ladder(slope, Vec::new(), |ladder| ladder.weigh(limit));
            assert_eq!(judged.expect("a step").verdict, verdict, "{slope} ± {error}");
        }
    }

    /// The slope of x·ln|x| at 0 is that of its logarithm: it moves by as much at each step.
    #[test]
    #[allow(clippy::redundant_closure_for_method_calls)] // The method is of one lifetime only.
    fn a_slope_that_grows_evenly_grows_without_end() {
        let rising = |moves: [f64; 8]| {
            let mut value = 0.0;
            let values = std::iter::once(0.0).chain(moves.map(|by| {
                value += by;
                value
            }));
            let estimate = |value| Some(Estimate { step: 1.0, value, scatter: 0.0, floor: 0.0 });
            with_ladder(0.0, values.map(estimate).collect(), |ladder| ladder.grows())
        };
        assert!(rising([1.0; 8]));
        assert!(!rising([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5]), "it slows down");
    }
}
