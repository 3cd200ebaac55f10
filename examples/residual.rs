//! Lesson: why deep networks need a way around their layers.
//!
//! Two networks of 40 dense layers learn the handwritten digits. They have the same layers with
//! the same first weights; in one of them every pair of layers has a shortcut, y = x + f(x). The
//! program shows how much of the gradient comes back to each depth before the first step, then trains both.
//! He et al., *Deep Residual Learning for Image Recognition*, 2016.
//!
//! `cargo run --release --example residual [-- --epochs N] [--seed N]`

use std::process::ExitCode;

use nn::prelude::*;

/// Pairs of hidden layers.
const PAIRS: usize = 20;
const WIDTH: usize = 32;

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
    let (epochs, seed) = options()?;
    let (train, test) = nn::data::digits::<f32>().map_inputs(|x| x / 16.0).split(0.2, 0)?;
    let plain = network(false, seed);
    let residual = network(true, seed);

    println!("norm of the gradient of the loss with respect to the output of each pair of layers,");
    println!("before the first step");
    let norms = [gradient_norms(&plain, &train)?, gradient_norms(&residual, &train)?];
    println!("{:>5} {:>12} {:>12}", "pair", "plain", "residual");
    for (pair, (plain, residual)) in norms[0].iter().zip(&norms[1]).enumerate() {
        println!("{:>5} {plain:>12.2e} {residual:>12.2e}", pair + 1);
    }
    let spread = |norms: &[f64]| norms[0] / norms[PAIRS - 1];
    let [plain_spread, residual_spread] = [spread(&norms[0]), spread(&norms[1])];
    println!("first pair against last: plain {plain_spread:.1e}, residual {residual_spread:.1e}");

    let mut accuracy = Vec::new();
    for (name, mut model) in [("plain", plain), ("residual", residual)] {
        let mut optimizer = Adam::new(0.001)?;
        let history = Fit::new().epochs(epochs).batch_size(32).seed(seed).progress(false).run(
            &mut model,
            &train,
            &CrossEntropy,
            &mut optimizer,
        )?;
        let losses: Vec<String> =
            history.epochs.iter().map(|epoch| format!("{:.2}", epoch.loss())).collect();
        println!("{name}: loss by epoch {}", losses.join(" "));
        accuracy.push(evaluate(&model, &test, &CrossEntropy)?.accuracy.unwrap_or_default());
    }
    let (plain, residual) = (accuracy[0], accuracy[1]);
    println!("test accuracy: plain {plain:.4}, residual {residual:.4}");
    let reached = residual >= 0.95
        && residual > plain + 0.05
        && plain_spread < 1e-3
        && (0.1..1e3).contains(&residual_spread);
    let word = if reached { "reached" } else { "missed" };
    println!(
        "to be reached: residual at least 0.95 and 0.05 above plain, in which less than a thousandth \
         of the gradient comes back to the first pair: {word}"
    );
    Ok(reached)
}

fn options() -> Result<(usize, u64), lexopt::Error> {
    use lexopt::prelude::*;
    let (mut epochs, mut seed) = (40, 0);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("epochs") => epochs = parser.value()?.parse()?,
            Long("seed") => seed = parser.value()?.parse()?,
            other => return Err(other.unexpected()),
        }
    }
    Ok((epochs, seed))
}

/// 40 hidden layers of 32 rectified units, with or without a shortcut around each pair.
// ANCHOR: network
fn network(shortcuts: bool, seed: u64) -> Sequential<f32> {
    let mut rng = nn::rng(seed);
    let mut model = Sequential::new().named("first", Dense::new(64, WIDTH, &mut rng));
    for pair in 0..PAIRS {
        let body = Sequential::new()
            .then(Dense::new(WIDTH, WIDTH, &mut rng))
            .then(Relu)
            .then(Dense::new(WIDTH, WIDTH, &mut rng))
            .then(Relu);
        let name = format!("pair{pair}");
        model = if shortcuts {
            model.named(name, Residual::new(body))
        } else {
            model.named(name, body)
        };
    }
    model.named("last", Dense::new(WIDTH, 10, &mut rng))
}
// ANCHOR_END: network

/// The norm of the gradient with respect to the output of each pair, for all training data.
fn gradient_norms(model: &Sequential<f32>, data: &Dataset<f32>) -> Result<Vec<f64>, nn::Error> {
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let mut outputs = vec![pass.input(data.inputs())];
    for layer in 0..model.len() {
        outputs.push(model[layer].forward(&pass, outputs[layer]));
    }
    let loss = CrossEntropy.loss(outputs[model.len()], data.targets())?;
    let gradients = loss.backward();
    let norm = |&output| {
        let square = |g: &f32| f64::from(*g).powi(2);
        gradients.wrt(output).view().iter().map(square).sum::<f64>().sqrt()
    };
    // The first two are the data and the output of the first layer.
    Ok(outputs[2..2 + PAIRS].iter().map(norm).collect())
}
