//! Lesson: claims that guides make, as experiments that check themselves.
//!
//! Each experiment trains on the digits of the library with five seeds, which draw the split, the
//! weights and the order of the samples; prints the mean, the lowest and the highest figure; and says
//! of each claim whether the figures bear it out. Exit code 1 says that one does not.
//!
//! `cargo run --release --example claims -- [depth] [norm] [pooling] [labels]`

mod depth;
mod labels;
mod norm;
mod pooling;

use std::fmt;
use std::process::ExitCode;

use nn::prelude::*;

/// A claim, and whether the figures bear it out.
type Claim = (String, bool);
/// An experiment: prints its figures and returns what they bear out.
type Experiment = fn() -> Result<Vec<Claim>, nn::Error>;

const EXPERIMENTS: [(&str, Experiment); 4] = [
    ("depth", depth::experiment),
    ("norm", norm::experiment),
    ("pooling", pooling::experiment),
    ("labels", labels::experiment),
];

/// Every figure comes from runs with the seeds 0 to 4.
const SEEDS: u64 = 5;

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if let Some(word) = asked.iter().find(|word| EXPERIMENTS.iter().all(|(name, _)| name != word)) {
        eprintln!("no experiment {word:?}: {}", EXPERIMENTS.map(|(name, _)| name).join(", "));
        return ExitCode::FAILURE;
    }
    let mut all_hold = true;
    for (name, experiment) in EXPERIMENTS {
        if !asked.is_empty() && asked.iter().all(|word| word != name) {
            continue;
        }
        let claims = match experiment() {
            Ok(claims) => claims,
            Err(error) => {
                eprintln!("{name}: {error}");
                return ExitCode::FAILURE;
            }
        };
        for (text, holds) in claims {
            println!("{}  {text}", if holds { "holds" } else { "FAILS" });
            all_hold &= holds;
        }
        println!();
    }
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A figure of several runs.
struct Spread {
    /// The mean of the runs.
    mean: f64,
    /// The lowest of them.
    lowest: f64,
    /// The highest of them.
    highest: f64,
}

impl Spread {
    /// Runs with every seed.
    fn over_seeds(mut run: impl FnMut(u64) -> Result<f64, nn::Error>) -> Result<Self, nn::Error> {
        let figures = (0..SEEDS).map(&mut run).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            mean: figures.iter().sum::<f64>() / figures.len() as f64,
            lowest: figures.iter().copied().fold(f64::INFINITY, f64::min),
            highest: figures.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }

    /// Several figures of each run.
    fn each_over_seeds<const N: usize>(
        run: impl FnMut(u64) -> Result<[f64; N], nn::Error>,
    ) -> Result<[Self; N], nn::Error> {
        let runs = (0..SEEDS).map(run).collect::<Result<Vec<_>, _>>()?;
        let spread = |i: usize| Self::over_seeds(|seed| Ok(runs[seed as usize][i]));
        let spreads = (0..N).map(spread).collect::<Result<Vec<_>, _>>()?;
        Ok(spreads.try_into().unwrap_or_else(|_| unreachable!("there are N of them")))
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.3} ({:.3} to {:.3})", self.mean, self.lowest, self.highest))
    }
}

/// Half of the digits to train on and half to test on. 896 are 28 whole batches: a last batch of two
/// would give batch norm the statistics of two samples.
fn data(seed: u64) -> Result<(Dataset<f32>, Dataset<f32>), nn::Error> {
    let (training, test) = nn::data::digits().split(0.5, seed)?;
    Ok((training.first_rows(896)?, test))
}

/// Trains with SGD in batches of 32.
fn train(
    model: &mut Sequential<f32>,
    data: &Dataset<f32>,
    (rate, epochs): (f64, usize),
    seed: u64,
) -> Result<(), nn::Error> {
    let mut optimizer = Sgd::new(rate)?;
    let fit = Fit::new().epochs(epochs).batch_size(32).seed(seed).progress(false);
    fit.callback(TerminateOnNan).run(model, data, &CrossEntropy, &mut optimizer)?;
    Ok(())
}

/// The share of the samples that a model gets right.
fn accuracy(model: &Sequential<f32>, data: &Dataset<f32>) -> Result<f64, nn::Error> {
    Ok(evaluate(model, data, &CrossEntropy)?.accuracy.unwrap_or_default())
}

/// Dense layers of these sizes, each but the last with an activation behind it.
fn dense(
    sizes: &[usize],
    init: Init,
    activation: impl Fn(Sequential<f32>, usize) -> Sequential<f32>,
    seed: u64,
) -> Result<Sequential<f32>, nn::Error> {
    let mut rng = nn::rng(seed);
    let mut model = Sequential::new();
    for (i, pair) in sizes.windows(2).enumerate() {
        model = model.then(Dense::with_init(pair[0], pair[1], init, Init::Zeros, &mut rng)?);
        if i + 2 < sizes.len() {
            model = activation(model, pair[1]);
        }
    }
    Ok(model)
}
