//! Lesson: what a plain recurrent network forgets, and an LSTM keeps.
//!
//! A sequence begins with one of four symbols; after it come steps of noise as loud as the symbol,
//! and at the end the network is asked for the symbol. To learn it, the gradient must travel from
//! the last step back to the first. Through a plain recurrent layer it shrinks at every step; through
//! the cell state of an LSTM it is only multiplied by the forget gate, which can stay near 1.
//! Hochreiter & Schmidhuber, *Long Short-Term Memory*, 1997.
//!
//! One training says little: a plain layer now and then stumbles on a way to hold a symbol, and an
//! LSTM can stay on a plateau. So both are trained with several seeds, and their medians compared.
//!
//! `cargo run --release --example sequence [-- --steps N] [--epochs N] [--seeds N]`

use std::process::ExitCode;

use nn::layers::{Cell, Recurrent};
use nn::prelude::*;
use rand::{Rng, RngExt};

const SYMBOLS: usize = 4;
const HIDDEN: usize = 24;

struct Options {
    steps: usize,
    epochs: usize,
    seeds: u64,
}

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
    let options = options()?;
    println!("{} steps between the symbol and the question", options.steps - 1);
    println!("gradient of the loss before training, with respect to the first step and the last;");
    println!("test accuracy after it, by chance 0.25");
    println!("seed   SimpleRnn                       Lstm");
    let mut accuracies = [Vec::new(), Vec::new()];
    for seed in 0..options.seeds {
        let (train, test) = sequences(1280, options.steps, seed)?.split(0.2, seed)?;
        let mut rng = nn::rng(seed);
        let plain = SimpleRnn::new(SYMBOLS, HIDDEN, &mut rng).last();
        let plain = network(plain, &mut rng);
        let lstm = network(long_memory(options.steps, &mut rng), &mut rng);
        print!("{seed:4}");
        for (mut model, accuracies) in [plain, lstm].into_iter().zip(&mut accuracies) {
            let [first, last] = reach(&model, &train)?;
            learn(&mut model, &train, options.epochs, seed)?;
            let accuracy = evaluate(&model, &test, &CrossEntropy)?.accuracy.unwrap_or_default();
            print!("   {first:8.1e} {last:8.1e}   {accuracy:.4}  ");
            accuracies.push(accuracy);
        }
        println!();
    }
    let [plain, lstm] = accuracies.map(median);
    println!("median test accuracy: SimpleRnn {plain:.4}, Lstm {lstm:.4}");
    let reached = lstm >= 0.99 && plain <= 0.6;
    let word = if reached { "reached" } else { "missed" };
    println!("to be reached: Lstm at least 0.99 where SimpleRnn is at most 0.6: {word}");
    Ok(reached)
}

fn options() -> Result<Options, lexopt::Error> {
    use lexopt::prelude::*;
    let mut options = Options { steps: 100, epochs: 20, seeds: 5 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("steps") => options.steps = parser.value()?.parse()?,
            Long("epochs") => options.epochs = parser.value()?.parse()?,
            Long("seeds") => options.seeds = parser.value()?.parse()?,
            other => return Err(other.unexpected()),
        }
    }
    if options.steps < 3 {
        return Err("--steps must be at least 3: the symbol and two steps of noise".into());
    }
    if options.seeds == 0 {
        return Err("--seeds must be at least 1".into());
    }
    Ok(options)
}

/// Sequences of shape `[count, steps, symbols]`: at the first step 1 at the symbol, then noise.
// ANCHOR: data
fn sequences(
    count: usize,
    steps: usize,
    seed: u64,
) -> Result<Dataset<f32>, Box<dyn std::error::Error>> {
    let mut rng = nn::rng(seed ^ 0x5e9);
    let labels: Vec<usize> = (0..count).map(|_| rng.random_range(0..SYMBOLS)).collect();
    let mut inputs = Vec::with_capacity(count * steps * SYMBOLS);
    for &label in &labels {
        inputs.extend((0..SYMBOLS).map(|symbol| f32::from(u8::from(symbol == label))));
        inputs.extend((SYMBOLS..steps * SYMBOLS).map(|_| rng.random_range(-1.0..1.0)));
    }
    let inputs = Tensor::from_shape_vec(&[count, steps, SYMBOLS], inputs)?;
    Ok(Dataset::classification(inputs, labels, SYMBOLS)?)
}
// ANCHOR_END: data

/// An LSTM whose cells start out remembering for between one step and the whole sequence. A forget
/// gate with the bias ln u keeps for about u steps; an input gate with the bias −ln u writes so
/// little at each of them that they do not drown what is kept.
/// Tallec & Ollivier, *Can recurrent neural networks warp time?*, 2018.
// ANCHOR: memory
fn long_memory(steps: usize, rng: &mut impl Rng) -> Lstm<f32> {
    let mut layer = Lstm::new(SYMBOLS, HIDDEN, rng).last();
    let weights = &mut layer.weights_mut()[0];
    weights.bias_hh.value.view_mut().fill(0.0);
    let mut bias = weights.bias_ih.value.view_mut();
    for unit in 0..HIDDEN {
        let remembers = rng.random_range(1.0..(steps - 1) as f32);
        bias[[unit]] = -remembers.ln(); // input gate
        bias[[HIDDEN + unit]] = remembers.ln(); // forget gate
    }
    layer
}
// ANCHOR_END: memory

fn network<C: Cell>(layer: Recurrent<f32, C>, rng: &mut impl Rng) -> Sequential<f32> {
    Sequential::new().then(layer).then(Dense::new(HIDDEN, SYMBOLS, rng))
}

fn learn(
    model: &mut Sequential<f32>,
    train: &Dataset<f32>,
    epochs: usize,
    seed: u64,
) -> Result<(), nn::Error> {
    Fit::new()
        .epochs(epochs)
        .batch_size(32)
        .seed(seed)
        .progress(false)
        .callback(ClipGradients::Norm(1.0))
        .run(model, train, &CrossEntropy, &mut Adam::new(0.01)?)?;
    Ok(())
}

/// How much the first and the last step of the input matter to the loss before training: the norms
/// of the gradient with respect to them.
fn reach(model: &Sequential<f32>, data: &Dataset<f32>) -> Result<[f64; 2], nn::Error> {
    let batch = data.first_rows(64)?;
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let x = tape.var(batch.inputs());
    let loss = CrossEntropy.loss(model.forward(&pass, x), batch.targets())?;
    let gradient = loss.backward().wrt(x);
    let steps = gradient.shape()[1] as isize;
    let norm = |step: isize| {
        let part = gradient.index_select(1, &[step as usize]);
        part.view().iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt()
    };
    Ok([norm(0), norm(steps - 1)])
}

fn median(mut accuracies: Vec<f64>) -> f64 {
    accuracies.sort_by(f64::total_cmp);
    accuracies[accuracies.len() / 2]
}
