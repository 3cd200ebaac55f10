//! The second guide: a class with 50 hidden units, trained on all images at once, beside the tape. As
//! it is printed it cannot run; with one-hot labels it runs, and learns nothing.
//!
//! `cargo run --release --example guide_fifty -- [--data DIR] [--epochs N] [--seed N] [--seeds N]`
//!
//! DIR is a folder with MNIST. Without it the network learns the digits of the library.

mod shared;

use std::process::ExitCode;

use ndarray::Array2;
use nn::rng;
use ops::{Tensor, rules};
use rand::Rng;
use tape::prelude::*;
use tape::{Tape, Var};

use shared::{Asked, Beside, Images, Outcome, Spread, argmax, normal};

fn main() -> ExitCode {
    shared::run(guide)
}

// ANCHOR: class
/// Two layers of sigmoid units, without biases. A row of `x` is an image.
pub struct NeuralNetwork {
    /// W₁, [inputs, hidden].
    pub w1: Array2<f64>,
    /// W₂, [hidden, 10].
    pub w2: Array2<f64>,
}

impl NeuralNetwork {
    /// Weights from 0.01 · N(0, 1).
    pub fn new(inputs: usize, hidden: usize, rng: &mut impl Rng) -> Self {
        Self { w1: 0.01 * normal([inputs, hidden], rng), w2: 0.01 * normal([hidden, 10], rng) }
    }

    /// What the hidden units and the outputs give, a row for each image.
    pub fn forward(&self, x: &Array2<f64>) -> (Array2<f64>, Array2<f64>) {
        let a1 = x.dot(&self.w1).mapv(sigmoid);
        let a2 = a1.dot(&self.w2).mapv(sigmoid);
        (a1, a2)
    }

    /// The gradients of ½ Σ (a₂ − y)².
    pub fn backward(
        &self,
        x: &Array2<f64>,
        y: &Array2<f64>,
        (a1, a2): &(Array2<f64>, Array2<f64>),
    ) -> Gradients {
        let delta2 = (a2 - y) * &sigmoid_slope(a2); // δ₂ = (a₂ − y) ⊙ a₂(1 − a₂)
        let delta1 = delta2.dot(&self.w2.t()) * &sigmoid_slope(a1); // δ₁ = δ₂ W₂ᵀ ⊙ a₁(1 − a₁)
        let w2 = a1.t().dot(&delta2); // ∂W₂ = a₁ᵀ δ₂, a sum over the images
        let w1 = x.t().dot(&delta1); // ∂W₁ = xᵀ δ₁
        Gradients { delta2, w2, delta1, w1 }
    }

    fn update(&mut self, gradients: &Gradients, eta: f64) {
        self.w2.scaled_add(-eta, &gradients.w2);
        self.w1.scaled_add(-eta, &gradients.w1);
    }

    fn predict(&self, x: &Array2<f64>) -> Vec<usize> {
        self.forward(x).1.rows().into_iter().map(argmax).collect()
    }
}

/// What `backward` computes.
pub struct Gradients {
    /// δ₂ = ∂/∂z₂.
    pub delta2: Array2<f64>,
    /// ∂W₂.
    pub w2: Array2<f64>,
    /// δ₁ = ∂/∂z₁.
    pub delta1: Array2<f64>,
    /// ∂W₁.
    pub w1: Array2<f64>,
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// σ′ of the unit whose output is `a`.
fn sigmoid_slope(a: &Array2<f64>) -> Array2<f64> {
    a.mapv(|a| a * (1.0 - a))
}
// ANCHOR_END: class

// ANCHOR: sweep
/// Holds the gradients by hand against those of the sweep.
///
/// # Errors
/// If one differs.
pub fn beside_the_sweep(
    network: &NeuralNetwork,
    hand: &Gradients,
    x: &Array2<f64>,
    y: &Array2<f64>,
) -> Result<String, String> {
    let tape = Tape::new();
    let (w1, w2) = (tape.var(network.w1.view()), tape.var(network.w2.view()));
    let z1 = tape.constant(x.view()).matmul(w1);
    let z2 = z1.sigmoid().matmul(w2);
    // A sum over images and outputs: the mean would be another gradient.
    let cost = (z2.sigmoid() - tape.constant(y.view())).square().sum() * 0.5;
    let swept = cost.backward();
    let mut beside = Beside::default();
    beside.add("δ₂", &hand.delta2, &swept.wrt(z2));
    beside.add("∂W₂", &hand.w2, &swept.wrt(w2));
    beside.add("δ₁", &hand.delta1, &swept.wrt(z1));
    beside.add("∂W₁", &hand.w1, &swept.wrt(w1));
    beside.check()
}
// ANCHOR_END: sweep

// ANCHOR: shapes
/// What the guide's `a2 - y` says to labels that are not one-hot, and when it says nothing.
fn as_printed() {
    let tape = Tape::<f64>::new();
    let a2 = tape.constant(Tensor::zeros(&[60_000, 10])).named("a₂");
    let y = tape.constant(Tensor::zeros(&[60_000])).named("y");
    let error = Var::try_apply(rules::Lift::binary(rules::Sub), &[&a2, &y]).unwrap_err();
    println!("{error}\n");

    // With ten images the shapes fit, and every label is taken for that of an output.
    let a2 = tape.constant(Tensor::full(&[10, 10], 0.5));
    let y = tape.constant([5.0, 0.0, 4.0, 1.0, 9.0, 2.0, 1.0, 3.0, 1.0, 4.0]);
    let shape = (a2 - y).shape();
    println!("but [10, 10] - [10] = {shape:?}: ten images pass, with nonsense for an error\n");
}
// ANCHOR_END: shapes

/// One way to train.
#[derive(Clone, Copy)]
struct Setting {
    /// Whether pixels are divided by the highest.
    scaled: bool,
    /// The step is η times the sum over the images.
    eta: f64,
}

const GUIDE: Setting = Setting { scaled: false, eta: 0.01 };

/// What a run did.
struct Run {
    /// The share of hidden units without slope, before the first step.
    flat_hidden: f64,
    /// The largest change of a weight of W₂ in the first step.
    first_step: f64,
    /// The largest output after the first step.
    highest_output: f64,
    /// The share of outputs without slope, at the end.
    flat_outputs: f64,
    /// Half the squared error of an image, at the end.
    cost: f64,
    /// How many of the digits it ever answers.
    answers: usize,
    accuracy: f64,
}

/// All images in every step, `iterations` times.
fn train(
    setting: &Setting,
    iterations: usize,
    seed: u64,
    (train, test): (&Images, &Images),
) -> Result<Run, String> {
    let scale = |images: &Images| if setting.scaled { images.in_0_1() } else { images.clone() };
    let (train, test) = (scale(train), scale(test));
    let (x, y) = (&train.pixels, train.one_hot());
    let mut network = NeuralNetwork::new(x.ncols(), 50, &mut rng(seed));
    check(&network, &train)?;

    let mut passed = network.forward(x);
    let flat_hidden = flat(&passed.0);
    let (mut first_step, mut highest_output) = (0.0, 0.0);
    for iteration in 0..iterations {
        let gradients = network.backward(x, &y, &passed);
        network.update(&gradients, setting.eta);
        passed = network.forward(x);
        if iteration == 0 {
            first_step = setting.eta * largest(&gradients.w2);
            highest_output = largest(&passed.1);
        }
    }
    check(&network, &train)?;
    let answers = network.predict(&test.pixels);
    let right = answers.iter().zip(&test.labels).filter(|(answer, label)| answer == label).count();
    Ok(Run {
        flat_hidden,
        first_step,
        highest_output,
        flat_outputs: flat(&passed.1),
        cost: 0.5 * (passed.1 - y).mapv_into(|e| e * e).sum() / train.len() as f64,
        answers: (0..10).filter(|digit| answers.contains(digit)).count(),
        accuracy: right as f64 / test.len() as f64,
    })
}

/// Holds the gradients against the sweep. The first of the images are enough for that.
fn check(network: &NeuralNetwork, train: &Images) -> Result<String, String> {
    let few = train.first(500);
    let hand = network.backward(&few.pixels, &few.one_hot(), &network.forward(&few.pixels));
    beside_the_sweep(network, &hand, &few.pixels, &few.one_hot())
}

/// The share of units whose slope is below 0.01, a twenty-fifth of the steepest.
fn flat(a: &Array2<f64>) -> f64 {
    a.iter().filter(|&&a| a * (1.0 - a) < 0.01).count() as f64 / a.len() as f64
}

fn largest(a: &Array2<f64>) -> f64 {
    a.iter().map(|x| x.abs()).fold(0.0, f64::max)
}

fn guide(asked: &Asked) -> Outcome {
    let (train_images, test) = asked.images()?;
    let images = (&train_images, &test);
    let iterations = asked.epochs.unwrap_or(100);
    let rates = [0.01, 0.001, 0.0001, 0.00001];
    let settings = [false, true].map(|scaled| rates.map(|eta| Setting { scaled, eta }));
    // The first that learns, of those that differ from the guide's in one number.
    let changed = Setting { eta: asked.choose(0.00001, 0.001), ..GUIDE };
    if let Some(seeds) = asked.seeds {
        for (name, setting) in [("as in the guide", GUIDE), ("with the other η", changed)] {
            let runs = (asked.seed..asked.seed + seeds)
                .map(|seed| train(&setting, iterations, seed, images).map(|run| run.accuracy));
            let spread = Spread(runs.collect::<Result<_, _>>()?);
            let eta = setting.eta;
            println!(
                "{name}, η = {eta}: test accuracy {spread}, {seeds} seeds from {} on",
                asked.seed
            );
        }
        return Ok(());
    }
    as_printed();

    let network = NeuralNetwork::new(train_images.pixels.ncols(), 50, &mut rng(asked.seed));
    println!("equal to 1e-12: {}\n", check(&network, &train_images)?);
    println!("{iterations} iterations on {} images, one-hot labels:", train_images.len());
    let [a, b, c, d] = ["hidden flat", "first step", "top output", "outputs flat"];
    println!(
        "{:<8}{:>8}{a:>13}{b:>12}{c:>12}{d:>14}{:>7}{:>9}{:>7}",
        "", "", "", "answers", "test"
    );
    let [a, b, c, d] = ["at start", "of W₂", "after it", "at end"];
    println!(
        "{:<8}{:>8}{a:>13}{b:>12}{c:>12}{d:>14}{:>7}{:>9}{:>7}",
        "pixels", "η", "cost", "of 10", "acc."
    );
    for setting in settings.iter().flatten() {
        let run = train(setting, iterations, asked.seed, images)?;
        let range = if setting.scaled { 1.0 } else { train_images.highest };
        println!(
            "{:<8}{:>8}{:>13.3}{:>12.1e}{:>12.1e}{:>14.3}{:>7.4}{:>9}{:>7.4}",
            format!("0..{range}"),
            setting.eta,
            run.flat_hidden,
            run.first_step,
            run.highest_output,
            run.flat_outputs,
            run.cost,
            run.answers,
            run.accuracy
        );
    }
    println!("equal to 1e-12 before the first and after the last iteration of each");
    Ok(())
}
