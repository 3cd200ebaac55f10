//! A line fitted by hand: a loss, its slope, a step; a rate that is too large; a few points at a time.
//!
//! No engine is needed for this, and none is used until the end, where one confirms the slopes.
//!
//! `cargo run --example line`

use std::fmt::Write;

use nn::prelude::*;
use rand::{Rng, RngExt};

type Points = [(f64, f64)];

// ANCHOR: one
/// The mean of (wx − t)² over the points, and its slope: the mean of 2(wx − t)x.
fn loss_and_slope(w: f64, points: &Points) -> (f64, f64) {
    let (mut loss, mut slope) = (0.0, 0.0);
    for &(x, t) in points {
        let error = w * x - t;
        loss += error * error;
        slope += 2.0 * error * x;
    }
    (loss / points.len() as f64, slope / points.len() as f64)
}
// ANCHOR_END: one

// ANCHOR: two
/// The mean of (wx + b − t)² over the points, and its slopes along w and along b.
fn loss_and_slopes([w, b]: [f64; 2], points: &Points) -> (f64, [f64; 2]) {
    let (mut loss, mut along_w, mut along_b) = (0.0, 0.0, 0.0);
    for &(x, t) in points {
        let error = w * x + b - t;
        loss += error * error;
        along_w += 2.0 * error * x;
        along_b += 2.0 * error;
    }
    let n = points.len() as f64;
    (loss / n, [along_w / n, along_b / n])
}
// ANCHOR_END: two

// ANCHOR: descend
/// Takes steps downhill on all points.
fn descend(mut at: [f64; 2], points: &Points, rate: f64, steps: usize) -> [f64; 2] {
    for _ in 0..steps {
        let (_, slopes) = loss_and_slopes(at, points);
        at = [at[0] - rate * slopes[0], at[1] - rate * slopes[1]];
    }
    at
}
// ANCHOR_END: descend

// ANCHOR: batches
/// Takes steps downhill, each on a few points drawn at random.
fn descend_by_batches(
    mut at: [f64; 2],
    points: &Points,
    (rate, steps, size): (f64, usize, usize),
    rng: &mut impl Rng,
) -> [f64; 2] {
    for _ in 0..steps {
        let batch: Vec<_> = (0..size).map(|_| points[rng.random_range(0..points.len())]).collect();
        at = descend(at, &batch, rate, 1);
    }
    at
}
// ANCHOR_END: batches

/// The line of least squares, by its formula.
fn least_squares(points: &Points) -> [f64; 2] {
    let n = points.len() as f64;
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / n;
    let (x, t) = (mean(|p| p.0), mean(|p| p.1));
    let (xx, xt) = (mean(|p| p.0 * p.0), mean(|p| p.0 * p.1));
    let w = (xt - x * t) / (xx - x * x);
    [w, t - w * x]
}

/// The slopes by an engine, which is told the loss and nothing of its slopes.
fn slopes_by_tape([w, b]: [f64; 2], points: &Points) -> [f64; 2] {
    let tape = Tape::<f64>::new();
    let (w, b) = (tape.var(w), tape.var(b));
    let squares = points.iter().map(|&(x, t)| (w * x + b - t).square());
    let loss = squares.reduce(|a, b| a + b).expect("points") * (1.0 / points.len() as f64);
    let gradients = loss.backward();
    [gradients.wrt(w).item(), gradients.wrt(b).item()]
}

/// Points near the line 1.5x + 0.5, off by at most a quarter.
fn noisy(count: usize) -> Vec<(f64, f64)> {
    let mut rng = nn::rng(1);
    let mut point = || {
        let (x, noise) = (rng.random_range(-1.0..2.0), rng.random_range(-0.25..0.25));
        (x, 1.5 * x + 0.5 + noise)
    };
    (0..count).map(|_| point()).collect()
}

/// What the program prints.
pub(crate) fn text() -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let points = [(1.0, 2.0), (2.0, 3.0), (3.0, 5.0)];

    writeln!(text, "ONE WEIGHT: y = wx through (1, 2), (2, 3), (3, 5), rate 0.05\n")?;
    writeln!(text, "  step         w      loss      slope")?;
    let mut w = 0.0;
    for step in 0..=20 {
        let (loss, slope) = loss_and_slope(w, &points);
        if step <= 4 || step == 20 {
            writeln!(text, "  {step:>4}  {w:>8.4}  {loss:>8.4}  {slope:>9.4}")?;
        }
        w -= 0.05 * slope;
    }

    writeln!(text, "\nTHE RATE: the loss after 20 steps\n")?;
    for rate in [0.001, 0.01, 0.05, 3.0 / 28.0, 0.2, 0.22, 0.3] {
        let mut w = 0.0;
        for _ in 0..20 {
            w -= rate * loss_and_slope(w, &points).1;
        }
        writeln!(text, "  rate {rate:.4}   loss {:>14.4}", loss_and_slope(w, &points).0)?;
    }

    writeln!(text, "\nWEIGHT AND BIAS: y = wx + b through 60 noisy points, rate 0.2\n")?;
    let points = noisy(60);
    for steps in [0, 1, 10, 100] {
        let [w, b] = descend([0.0; 2], &points, 0.2, steps);
        let loss = loss_and_slopes([w, b], &points).0;
        writeln!(text, "  steps {steps:>4}   w {w:.4}   b {b:.4}   loss {loss:.4}")?;
    }
    let best = least_squares(&points);
    let lowest = loss_and_slopes(best, &points).0;
    writeln!(text, "  least squares   w {:.4}   b {:.4}   loss {lowest:.4}", best[0], best[1])?;

    writeln!(text, "\nA FEW POINTS AT A TIME: 6,000 points looked at, in batches\n")?;
    for (size, rate) in [(60, 0.2), (10, 0.2), (1, 0.2), (1, 0.02)] {
        let (steps, mut rng) = (6000 / size, nn::rng(2));
        let at = descend_by_batches([0.0; 2], &points, (rate, steps, size), &mut rng);
        let above = loss_and_slopes(at, &points).0 - lowest;
        writeln!(
            text,
            "  batches of {size:>2}, rate {rate:<4}  steps {steps:>5}   w {:.4}   b {:.4}   loss \
             {above:.4} above the lowest",
            at[0], at[1]
        )?;
    }

    let (hand, swept) =
        (loss_and_slopes([0.3, -0.2], &points).1, slopes_by_tape([0.3, -0.2], &points));
    let apart = (hand[0] - swept[0]).abs().max((hand[1] - swept[1]).abs());
    assert!(apart < 1e-12, "by hand {hand:?}, by the tape {swept:?}");
    let [w, b] = descend([0.0; 2], &points, 0.2, 1000);
    assert!((w - best[0]).abs() + (b - best[1]).abs() < 1e-9, "{w}, {b} and {best:?}");
    writeln!(
        text,
        "\nCHECKED: the slopes by hand are those of the tape, to 1e-12, and 1,000 steps lead to"
    )?;
    writeln!(text, "the line of least squares, to 1e-9.")?;
    Ok(text)
}

fn main() -> Result<(), std::fmt::Error> {
    print!("{}", text()?);
    Ok(())
}
