//! Lesson: why deep networks need a way around their layers.
//!
//! Two networks of 40 dense layers learn the handwritten digits. They have the same layers with
//! the same first weights; in one of them every pair of layers has a shortcut, y = x + f(x). The
//! program shows how large the gradient is at each depth before the first step, then trains both.
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

    println!("norm of the gradient before the first step, by depth of the hidden layer");
    let norms = [gradient_norms(&plain, &train)?, gradient_norms(&residual, &train)?];
    println!("{:>5} {:>12} {:>12}", "layer", "plain", "residual");
    for layer in (0..2 * PAIRS).step_by(3) {
        println!("{:>5} {:>12.2e} {:>12.2e}", layer + 1, norms[0][layer], norms[1][layer]);
    }
    let spread = |norms: &[f64]| norms[0] / norms[2 * PAIRS - 1];
    let [plain_spread, residual_spread] = [spread(&norms[0]), spread(&norms[1])];
    println!("first layer against last: plain {plain_spread:.1e}, residual {residual_spread:.1e}");

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
        "to be reached: residual at least 0.95 and 0.05 above plain, whose first layer has less than \
         a thousandth of the gradient of its last: {word}"
    );
    Ok(reached)
}

fn options() -> Result<(usize, u64), lexopt::Error> {
    use lexopt::prelude::*;
    let (mut epochs, mut seed) = (8, 0);
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

/// The norm of the gradient with respect to the weight of each hidden layer, for all training
/// data.
fn gradient_norms(model: &Sequential<f32>, data: &Dataset<f32>) -> Result<Vec<f64>, nn::Error> {
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let output = model.forward(&pass, pass.input(data.inputs()));
    let gradients = pass.gradients(CrossEntropy.loss(output, data.targets())?)?;
    let hidden = model
        .parameters()
        .into_iter()
        .filter(|(path, _)| path.starts_with("pair") && path.ends_with("weight"));
    let norm = |weight| {
        let square = |g: &f32| f64::from(*g).powi(2);
        gradients.of(weight).map_or(0.0, |g| g.view().iter().map(square).sum::<f64>().sqrt())
    };
    Ok(hidden.map(|(_, weight)| norm(weight)).collect())
}
