//! A variational autoencoder on the digits of the library, with a training loop written by hand.
//!
//! `cargo run --release --example vae -- [--out DIR]`; DIR gets `vae.csv`, the images of a grid of codes.
//! Exit code 1 says that a figure is missed.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ndarray::s;
use nn::prelude::*;
use rand::Rng;

/// The numbers of a code.
const CODE: usize = 2;
const HIDDEN: usize = 128;
const EPOCHS: u64 = 300;

fn main() -> ExitCode {
    match vae() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

// ANCHOR: model
/// An encoder, which gives a mean and the logarithm of a variance for each number of the code, and a
/// decoder, which gives a logit for each pixel.
fn network(rng: &mut impl Rng) -> Sequential<f32> {
    let encoder = dense(&[64, HIDDEN, 2 * CODE], rng);
    let decoder = dense(&[CODE, HIDDEN, HIDDEN, 64], rng);
    Sequential::new().named("encoder", encoder).named("decoder", decoder)
}

/// Layers of these sizes, with tanh between them.
fn dense(sizes: &[usize], rng: &mut impl Rng) -> Sequential<f32> {
    let mut model = Sequential::new();
    for (i, pair) in sizes.windows(2).enumerate() {
        if i > 0 {
            model = model.then(Tanh);
        }
        model = model.then(Dense::new(pair[0], pair[1], rng));
    }
    model
}

fn part<'m>(model: &'m Sequential<f32>, name: &str) -> &'m Sequential<f32> {
    model.layer(name).expect("an encoder and a decoder")
}
// ANCHOR_END: model

// ANCHOR: loss
/// How far the code's distribution N(μ, σ²) is from N(0, 1), summed over the elements.
fn divergence<'t, A: ops::Float>(mean: Var<'t, A>, log_variance: Var<'t, A>) -> Var<'t, A> {
    let [one, half] = [1.0, 0.5].map(A::from_f64);
    (mean.square() + log_variance.exp() - log_variance - one).sum() * half
}

/// The two parts of the loss, means over the images: what the reconstruction misses, and what the
/// code says, both in nats.
fn losses<'t>(
    model: &Sequential<f32>,
    pass: &Pass<'t, f32>,
    images: &Tensor<f32>,
    noise: &Tensor<f32>,
) -> [Var<'t, f32>; 2] {
    let count = images.shape()[0] as f32;
    let x = pass.input(images);
    let h = part(model, "encoder").forward(pass, x);
    let (mean, log_variance) = (h.slice(s![.., ..CODE]), h.slice(s![.., CODE..]));
    // The draw from N(μ, σ²), written so that it has a slope: the noise comes from outside.
    let z = mean + (log_variance * 0.5).exp() * pass.input(noise);
    let logits = part(model, "decoder").forward(pass, z);
    // −x ln σ(l) − (1 − x) ln(1 − σ(l)), without the logarithm of a 0.
    let missed = (logits.softplus() - x * logits).sum() / count;
    [missed, divergence(mean, log_variance) / count]
}
// ANCHOR_END: loss

fn normal(rows: usize, columns: usize, rng: &mut impl Rng) -> Result<Tensor<f32>, nn::Error> {
    Init::Normal { sigma: 1.0 }.tensor(&[rows, columns], columns, columns, rng)
}

// ANCHOR: train
fn train(data: &Dataset<f32>, seed: u64) -> Result<Sequential<f32>, nn::Error> {
    let mut rng = nn::rng(seed);
    let mut model = network(&mut rng);
    let mut optimizer = Adam::new(0.003)?;
    let mut tape = Tape::new();
    for epoch in 0..EPOCHS {
        for batch in data.batches(64, Some(EPOCHS * seed + epoch))? {
            let noise = normal(batch.len(), CODE, &mut rng)?;
            tape.reset();
            let pass = Pass::train(&tape, epoch);
            let [missed, said] = losses(&model, &pass, &batch.inputs, &noise);
            let gradients = pass.gradients(missed + said)?;
            optimizer.step(&mut model, &gradients)?;
        }
    }
    Ok(model)
}
// ANCHOR_END: train

/// Images made of codes.
fn decoded(model: &Sequential<f32>, codes: &Tensor<f32>) -> Tensor<f32> {
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    part(model, "decoder").forward(&pass, pass.input(codes)).sigmoid().value()
}

/// What an image costs if every pixel is guessed by its mean over the training images, in nats.
fn pixel_by_pixel(train: &Dataset<f32>, test: &Dataset<f32>) -> f64 {
    let (known, new) = (train.inputs().to_vec(), test.inputs().to_vec());
    let mean = |pixel: usize| {
        let sum: f64 = known.iter().skip(pixel).step_by(64).map(|&ink| f64::from(ink)).sum();
        (sum / train.len() as f64).clamp(1e-4, 1.0 - 1e-4)
    };
    let means: Vec<f64> = (0..64).map(mean).collect();
    let cost = |(place, &ink): (usize, &f32)| {
        let (p, x) = (means[place % 64], f64::from(ink));
        -x * p.ln() - (1.0 - x) * (1.0 - p).ln()
    };
    new.iter().enumerate().map(cost).sum::<f64>() / test.len() as f64
}

/// What an image costs at least, under a loss that takes grey for a probability: the entropy of its
/// pixels.
fn at_best(test: &Dataset<f32>) -> f64 {
    let cost = |ink: f32| -> f64 {
        let x = f64::from(ink);
        [x, 1.0 - x].into_iter().filter(|&share| share > 0.0).map(|share| -share * share.ln()).sum()
    };
    test.inputs().to_vec().into_iter().map(cost).sum::<f64>() / test.len() as f64
}

/// Of 1,000 invented images: the share that a classifier of real ones is sure of to 0.9, and how many
/// digits make up at least 2 % of those.
fn judged(
    model: &Sequential<f32>,
    train: &Dataset<f32>,
    seed: u64,
) -> Result<(f64, usize), nn::Error> {
    let mut rng = nn::rng(seed);
    let mut judge = Sequential::new()
        .then(Dense::new(64, 48, &mut rng))
        .then(Relu)
        .then(Dense::new(48, 10, &mut rng));
    let mut fit = Fit::new().epochs(20).batch_size(32).seed(seed).progress(false);
    fit.run(&mut judge, train, &CrossEntropy, &mut Adam::new(0.005)?)?;
    let images = decoded(model, &normal(1000, CODE, &mut rng)?);
    let shares = predict(&judge.then(Softmax), &images)?.to_vec();
    let mut counts = [0; 10];
    for row in shares.chunks(10) {
        let best = (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b])).expect("ten classes");
        counts[best] += usize::from(row[best] > 0.9);
    }
    let sure: usize = counts.iter().sum();
    Ok((sure as f64 / 1000.0, counts.iter().filter(|&&count| 50 * count >= sure.max(1)).count()))
}

/// The gradient of the divergence by hand, μ and (σ² − 1)/2, beside that of the sweep.
fn by_hand() -> bool {
    let tape = Tape::<f64>::new();
    let (mean, log_variance) = (tape.var([0.5, -2.0]), tape.var([0.3, -1.0]));
    let swept = divergence(mean, log_variance).backward();
    let hand = [0.5, -2.0, (0.3_f64.exp() - 1.0) / 2.0, ((-1.0_f64).exp() - 1.0) / 2.0];
    let sweep = [swept.wrt(mean).to_vec(), swept.wrt(log_variance).to_vec()].concat();
    println!("∂KL/∂μ = μ, ∂KL/∂ln σ² = (σ² − 1)/2: by hand {hand:.6?}");
    println!("                                     the sweep {sweep:.6?}\n");
    hand.iter().zip(&sweep).all(|(a, b)| (a - b).abs() < 1e-12)
}

/// Writes the images of a grid of codes.
fn write_grid(model: &Sequential<f32>, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let axis = || (0..9).map(|i| (i as f32 - 4.0) / 2.0);
    let codes: Vec<f32> = axis().rev().flat_map(|y| axis().flat_map(move |x| [x, y])).collect();
    let images = decoded(model, &Tensor::from(codes).reshape([81, CODE as isize])).to_vec();
    let mut text = String::new();
    for image in images.chunks(64) {
        let pixels: Vec<String> = image.iter().map(|ink| format!("{ink:.2}")).collect();
        writeln!(text, "{}", pixels.join(","))?;
    }
    Ok(std::fs::write(path, text)?)
}

fn vae() -> Result<bool, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => None,
        (Some("--out"), Some(dir)) => Some(PathBuf::from(dir)),
        (Some(other), _) => return Err(format!("{other:?}? it takes --out DIR").into()),
    };
    let mut holds = by_hand();
    println!("nats for a test image, and what a classifier says of 1,000 invented ones:");
    println!("seed   pixel by pixel   at best   bound = missed + code   sure of   digits");
    for seed in 0..5 {
        let (data, test) = nn::data::digits().split(0.2, seed)?;
        let model = train(&data, seed)?;
        let tape = Tape::new();
        let noise = normal(test.len(), CODE, &mut nn::rng(seed))?;
        let both = losses(&model, &Pass::evaluate(&tape), test.inputs(), &noise);
        let [missed, said] = both.map(|loss| f64::from(loss.item()));
        let (alone, best) = (pixel_by_pixel(&data, &test), at_best(&test));
        let (sure, kinds) = judged(&model, &data, seed)?;
        println!(
            "{seed:>4}   {alone:>14.2}   {best:>7.2}   {:>5.2} = {missed:>5.2} + {said:<6.2}  {sure:>7.3}   {kinds:>6}",
            missed + said
        );
        holds &= missed + said < alone - 1.9 && sure > 0.7 && kinds >= 9;
        if let (0, Some(dir)) = (seed, &out) {
            write_grid(&model, &dir.join("vae.csv"))?;
        }
    }
    let verdict = if holds { "CHECKED" } else { "MISSED" };
    println!("\n{verdict}: 1.9 nats below pixel by pixel, sure of seven tenths, nine digits.");
    Ok(holds)
}
