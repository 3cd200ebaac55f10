//! Lesson: forecasting a series, and holding the forecast against simple rules.
//!
//! The number of sunspots rises and falls in about eleven years. From the numbers of the last 22
//! years an LSTM forecasts the next. A forecast is only worth something against what costs
//! nothing: *persistence* (next year is as this year) and an autoregressive model of order 9, a
//! linear function of the last nine years, which astronomers have used since Yule (1927).
//!
//! `cargo run --release --features linalg --example sunspots [-- --out DIR] [--seed N]`

use std::path::PathBuf;
use std::process::ExitCode;

use nn::data::{Standardize, sunspots_yearly, windows};
use nn::prelude::*;

/// The years that a forecast is made from: two cycles.
const LENGTH: usize = 22;
/// The order of the linear model.
const ORDER: usize = 9;
/// The first year of the series, and the first that is forecast for the test.
const FIRST: usize = 1700;
const TEST: usize = 1950;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let (out, seed) = options()?;
    // ANCHOR: data
    let series = sunspots_yearly::<f64>();
    let data = windows(&series, LENGTH, 1)?;
    let (known, test) = data.split_at(TEST - FIRST - LENGTH)?;
    // The last forty known years decide when to stop; the test years decide nothing.
    let (train, validation) = known.split_at(known.len() - 40)?;
    let (inputs, values) = (Standardize::fit_global(&train)?, Standardize::fit_values(&train)?);
    let scaled = |part: &Dataset<f64>| values.apply_values(&inputs.apply(part)?);
    // ANCHOR_END: data
    let (train, validation, scaled_test) = (scaled(&train)?, scaled(&validation)?, scaled(&test)?);

    // The mean of a few networks that differ in their first weights.
    let mut forecasts = Vec::new();
    for member in 0..5 {
        let mut rng = nn::rng(seed * 5 + member);
        let mut model = Sequential::new()
            .then(Lstm::<f64>::new(1, 16, &mut rng).last())
            .then(Dense::new(16, 1, &mut rng));
        let history = Fit::new()
            .epochs(200)
            .batch_size(16)
            .seed(member)
            .validation(&validation)
            .progress(false)
            .callback(ClipGradients::Norm(1.0))
            .callback(EarlyStopping::new().patience(20).restore_best())
            .run(&mut model, &train, &MeanSquaredError, &mut Adam::new(0.01)?)?;
        println!("network {}: {} epochs", member + 1, history.epochs.len());
        if let Some(out) = out.as_ref().filter(|_| member == 0) {
            std::fs::create_dir_all(out)?;
            #[cfg(feature = "plot")]
            history.write_svg(out.join("history.svg"))?;
        }
        forecasts.push(values.inverse(&predict(&model, scaled_test.inputs())?)?.to_vec());
    }
    let truth: Vec<f64> = series.to_vec()[TEST - FIRST..].to_vec();
    let lstm: Vec<f64> = (0..truth.len())
        .map(|i| forecasts.iter().map(|f| f[i]).sum::<f64>() / forecasts.len() as f64)
        .collect();
    let before = &series.to_vec()[TEST - FIRST - 1..];
    let persistence: Vec<f64> = before[..truth.len()].to_vec();
    let linear = autoregression(&series)?;

    let error = |forecast: &[f64]| {
        let squares = forecast.iter().zip(&truth).map(|(f, t)| (f - t).powi(2));
        (squares.sum::<f64>() / truth.len() as f64).sqrt()
    };
    println!("root of the mean squared error, {TEST} to {}:", TEST + truth.len() - 1);
    let errors =
        [("persistence", error(&persistence)), ("AR(9)", error(&linear)), ("LSTM", error(&lstm))];
    for (name, error) in errors {
        println!("  {name:<12} {error:>6.2}");
    }
    let reached = errors[2].1 <= 0.75 * errors[0].1;
    let word = if reached { "reached" } else { "missed" };
    println!("to be reached: the LSTM's at most three quarters of that of persistence: {word}");
    Ok(reached)
}

fn options() -> Result<(Option<PathBuf>, u64), lexopt::Error> {
    use lexopt::prelude::*;
    let (mut out, mut seed) = (None, 0);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("out") => out = Some(parser.value()?.into()),
            Long("seed") => seed = parser.value()?.parse()?,
            other => return Err(other.unexpected()),
        }
    }
    Ok((out, seed))
}

/// Forecasts of a linear function of the last nine years, fitted to all years before the test by
/// least squares: the solution of `XᵀX w = Xᵀy`.
fn autoregression(series: &Tensor<f64>) -> Result<Vec<f64>, nn::Error> {
    let data = windows(series, ORDER, 1)?.flatten();
    let (train, test) = data.split_at(TEST - FIRST - ORDER)?;
    let with_one = |x: &Tensor<f64>| x.concat(&[Tensor::ones(&[x.shape()[0], 1])], 1);
    let x = with_one(train.inputs());
    let Targets::Values(y) = train.targets() else { unreachable!("windows have values") };
    let weights = x.t().matmul(&x).solve(x.t().matmul(y));
    Ok(with_one(test.inputs()).matmul(&weights).to_vec())
}
