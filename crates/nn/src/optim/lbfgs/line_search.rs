//! A line search for the strong Wolfe conditions.
//!
//! Along a direction of descent the loss is a function φ of one number t. Wanted is a t where φ has
//! fallen enough, φ(t) ≤ φ(0) + c₁ t φ′(0), and has grown flat enough, |φ′(t)| ≤ c₂ |φ′(0)|: then
//! the step tells L-BFGS something true of the curvature. Nocedal & Wright, *Numerical
//! Optimization*, 2nd edition, algorithms 3.5 and 3.6, with the safeguards of Schmidt's minFunc, as
//! in PyTorch.

use crate::ground::Error;

const ENOUGH_FALL: f64 = 1e-4;
const FLAT_ENOUGH: f64 = 0.9;

/// A point along the line: t, φ(t), φ′(t), and the whole gradient there.
#[derive(Clone)]
pub(super) struct Trial<A> {
    pub(super) t: f64,
    pub(super) loss: f64,
    pub(super) slope: f64,
    pub(super) gradient: Vec<A>,
}

/// The point to go to, from `start` (t = 0) and with `first` as the first t to try. At most `most`
/// trials come after that one. A bracket narrower than `narrow` is not searched further.
pub(super) fn strong_wolfe<A: Clone>(
    start: &Trial<A>,
    first: f64,
    most: usize,
    narrow: f64,
    mut at: impl FnMut(f64) -> Result<Trial<A>, Error>,
) -> Result<Trial<A>, Error> {
    let falls = |x: &Trial<A>| x.loss <= start.loss + ENOUGH_FALL * x.t * start.slope;
    let is_flat = |x: &Trial<A>| x.slope.abs() <= -FLAT_ENOUGH * start.slope;

    // Algorithm 3.5: ever longer steps, until a minimum is known to lie behind.
    let (mut previous, mut trial, mut trials) = (start.clone(), at(first)?, 0);
    let mut ends = loop {
        if trials == most {
            break [start.clone(), trial];
        }
        if !falls(&trial) || (trials > 1 && trial.loss >= previous.loss) {
            break [previous, trial];
        }
        if is_flat(&trial) {
            return Ok(trial);
        }
        if trial.slope >= 0.0 {
            break [previous, trial];
        }
        let bounds = [trial.t + 0.01 * (trial.t - previous.t), 10.0 * trial.t];
        let next = at(cubic_minimum(&previous, &trial, bounds))?;
        previous = std::mem::replace(&mut trial, next);
        trials += 1;
    };

    // Algorithm 3.6: the bracket shrinks around the minimum, its lower end being the best so far.
    let mut low = lower(&ends);
    let mut near_an_end = false;
    while trials < most && (ends[1].t - ends[0].t).abs() >= narrow {
        let bounds = [ends[0].t.min(ends[1].t), ends[0].t.max(ends[1].t)];
        let t = cubic_minimum(&ends[0], &ends[1], bounds);
        let t = kept_inside(t, bounds, &mut near_an_end);
        let trial = at(t)?;
        trials += 1;
        let high = 1 - low;
        if !falls(&trial) || trial.loss >= ends[low].loss {
            ends[high] = trial;
            low = lower(&ends);
        } else if is_flat(&trial) {
            return Ok(trial);
        } else {
            if trial.slope * (ends[high].t - ends[low].t) >= 0.0 {
                ends[high] = ends[low].clone();
            }
            ends[low] = trial;
        }
    }
    let [first, second] = ends;
    Ok(if low == 0 { first } else { second })
}

/// Which end has the lower loss.
fn lower<A>(ends: &[Trial<A>; 2]) -> usize {
    usize::from(ends[0].loss > ends[1].loss)
}

/// A t that comes too near an end of the bracket twice in turn, or lies on it, is moved to a tenth
/// of the bracket from that end: else the bracket might hardly shrink.
fn kept_inside(t: f64, [left, right]: [f64; 2], near_an_end: &mut bool) -> f64 {
    let margin = 0.1 * (right - left);
    let is_near = (right - t).min(t - left) < margin;
    let is_moved = is_near && (*near_an_end || t >= right || t <= left);
    *near_an_end = is_near && !is_moved;
    match is_moved {
        false => t,
        true if (t - right).abs() < (t - left).abs() => right - margin,
        true => left + margin,
    }
}

/// Where the cubic through two points with their slopes has its minimum, within bounds; their
/// middle if it has none. Nocedal & Wright, equation 3.59.
fn cubic_minimum<A>(a: &Trial<A>, b: &Trial<A>, [least, most]: [f64; 2]) -> f64 {
    let (a, b) = if a.t <= b.t { (a, b) } else { (b, a) };
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.t - b.t);
    let d2 = (d1 * d1 - a.slope * b.slope).sqrt();
    let t = b.t - (b.t - a.t) * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2);
    if t.is_nan() { f64::midpoint(least, most) } else { t.max(least).min(most) }
}
