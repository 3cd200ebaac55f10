//! The first guide: a class with layers [784, 256, 128, 10], trained one sample at a time, beside the
//! tape; with the leak of its scaler, and the two losses that it confuses.
//!
//! `cargo run --release --example guide_class -- [--data DIR] [--epochs N] [--seed N] [--seeds N]`
//!
//! DIR is a folder with MNIST. Without it a smaller network learns the digits of the library.

mod shared;

use std::process::ExitCode;

use ndarray::{Array1, Array2, Axis};
use rand::Rng;
use tape::Tape;
use tape::prelude::*;

use shared::{Asked, Beside, Images, Outcome, Spread, argmax, normal, shuffled};

fn main() -> ExitCode {
    shared::run(guide)
}

// ANCHOR: class
/// Layers of relu units, the last of sigmoid units.
#[derive(Clone)]
pub struct NeuralNetwork {
    /// W of layer l is [nₗ, nₗ₋₁].
    pub weights: Vec<Array2<f64>>,
    /// Columns, [nₗ, 1].
    pub biases: Vec<Array2<f64>>,
}

impl NeuralNetwork {
    /// W from 0.1 · N(0, 1), b zero.
    pub fn new(layers: &[usize], rng: &mut impl Rng) -> Self {
        let weights = layers.windows(2).map(|n| 0.1 * normal([n[1], n[0]], rng)).collect();
        let biases = layers[1..].iter().map(|&n| Array2::zeros((n, 1))).collect();
        Self { weights, biases }
    }

    /// The activations, from the input on, and what went into each unit.
    pub fn forward(&self, x: &Array2<f64>) -> (Vec<Array2<f64>>, Vec<Array2<f64>>) {
        let (mut activations, mut zs) = (vec![x.clone()], Vec::new());
        let last = self.weights.len() - 1;
        for (l, (w, b)) in self.weights.iter().zip(&self.biases).enumerate() {
            let z = w.dot(&activations[l]) + b;
            activations.push(if l < last { z.mapv(relu) } else { z.mapv(sigmoid) });
            zs.push(z);
        }
        (activations, zs)
    }
    // ANCHOR_END: class

    // ANCHOR: backward
    /// ∂W and ∂b of every layer, for one sample with target `y`.
    pub fn backward(
        &self,
        activations: &[Array2<f64>],
        zs: &[Array2<f64>],
        y: &Array2<f64>,
        cost: Cost,
    ) -> (Vec<Array2<f64>>, Vec<Array2<f64>>) {
        let last = self.weights.len() - 1;
        let error = &activations[last + 1] - y;
        let mut delta = match cost {
            Cost::HalfSquaredError => error * zs[last].mapv(sigmoid_slope), // δ = (a − y) ⊙ σ′(z)
            Cost::CrossEntropy => error, // σ′(z) = a(1 − a) cancels.
        };
        let (mut d_weights, mut d_biases) = (Vec::new(), Vec::new());
        for l in (0..=last).rev() {
            d_weights.push(delta.dot(&activations[l].t())); // ∂W = δ aᵀ
            d_biases.push(delta.clone()); // ∂b = δ
            if l > 0 {
                delta = self.weights[l].t().dot(&delta) * zs[l - 1].mapv(relu_slope);
            }
        }
        d_weights.reverse();
        d_biases.reverse();
        (d_weights, d_biases)
    }
    // ANCHOR_END: backward

    // ANCHOR: train
    /// One sample: forwards, backwards, a step. Returns the output from before the step.
    fn learn(&mut self, x: &Array2<f64>, y: &Array2<f64>, eta: f64, cost: Cost) -> Array2<f64> {
        let (mut activations, zs) = self.forward(x);
        let (d_weights, d_biases) = self.backward(&activations, &zs, y, cost);
        for l in 0..self.weights.len() {
            self.weights[l].scaled_add(-eta, &d_weights[l]);
            self.biases[l].scaled_add(-eta, &d_biases[l]);
        }
        activations.pop().expect("the output")
    }
    // ANCHOR_END: train

    fn accuracy(&self, images: &Images) -> f64 {
        let samples = images.columns().zip(&images.labels);
        let right = samples.filter(|((x, _), label)| {
            argmax(self.forward(x).0.last().expect("the output")) == **label
        });
        right.count() as f64 / images.len() as f64
    }
}

fn relu(z: f64) -> f64 {
    z.max(0.0)
}

fn relu_slope(z: f64) -> f64 {
    if z > 0.0 { 1.0 } else { 0.0 }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn sigmoid_slope(z: f64) -> f64 {
    sigmoid(z) * (1.0 - sigmoid(z))
}

// ANCHOR: losses
/// What is descended.
#[derive(Clone, Copy, PartialEq)]
pub enum Cost {
    /// ½ Σ (a − y)²: what the guide differentiates.
    HalfSquaredError,
    /// −Σ y ln a + (1 − y) ln(1 − a): what it prints.
    CrossEntropy,
}

fn half_squared_error(a: &Array2<f64>, y: &Array2<f64>) -> f64 {
    0.5 * (a - y).mapv(|e| e * e).sum()
}

fn cross_entropy(a: &Array2<f64>, y: &Array2<f64>) -> f64 {
    // As guides do, so that ln 0 does not arise.
    let a = a.mapv(|a| a.clamp(1e-15, 1.0 - 1e-15));
    -(y * &a.mapv(f64::ln) + (1.0 - y) * &a.mapv(|a| (1.0 - a).ln())).sum()
}
// ANCHOR_END: losses

// ANCHOR: sweep
/// Holds the gradients by hand against those of the sweep: δ of every layer, ∂W and ∂b.
///
/// # Errors
/// If one differs.
pub fn beside_the_sweep(
    network: &NeuralNetwork,
    (d_weights, d_biases): &(Vec<Array2<f64>>, Vec<Array2<f64>>),
    x: &Array2<f64>,
    y: &Array2<f64>,
    cost: Cost,
) -> Result<String, String> {
    let tape = Tape::new();
    let weights: Vec<_> = network.weights.iter().map(|w| tape.var(w.view())).collect();
    let biases: Vec<_> = network.biases.iter().map(|b| tape.var(b.view())).collect();
    let (mut a, y) = (tape.constant(x.view()), tape.constant(y.view()));
    let mut zs = Vec::new();
    for (l, (&w, &b)) in weights.iter().zip(&biases).enumerate() {
        let z = w.matmul(a) + b;
        a = if l + 1 < weights.len() { z.relu() } else { z.sigmoid() };
        zs.push(z);
    }
    let loss = match cost {
        Cost::HalfSquaredError => (a - y).square().sum() * 0.5,
        Cost::CrossEntropy => -(y * a.ln() + (1.0 - y) * (1.0 - a).ln()).sum(),
    };
    let swept = loss.backward();
    let mut beside = Beside::default();
    for l in (0..zs.len()).rev() {
        beside.add(&format!("δ of layer {}", l + 2), &d_biases[l], &swept.wrt(zs[l]));
        beside.add("∂W", &d_weights[l], &swept.wrt(weights[l]));
        beside.add("∂b", &d_biases[l], &swept.wrt(biases[l]));
    }
    beside.check()
}
// ANCHOR_END: sweep

// ANCHOR: scaler
/// Takes the range of every pixel to 0..1, as scikit-learn's `MinMaxScaler` does.
struct Scaler {
    lowest: Array1<f64>,
    width: Array1<f64>,
}

impl Scaler {
    fn fit(images: &Images) -> Self {
        let lowest = images.pixels.fold_axis(Axis(0), f64::INFINITY, |&a, &b| a.min(b));
        let highest = images.pixels.fold_axis(Axis(0), f64::NEG_INFINITY, |&a, &b| a.max(b));
        // A pixel that is always the same stays as it is.
        let width = (highest - &lowest).mapv(|width| if width == 0.0 { 1.0 } else { width });
        Self { lowest, width }
    }

    fn scale(&self, images: &Images) -> Images {
        let pixels = (&images.pixels - &self.lowest) / &self.width;
        Images { pixels, labels: images.labels.clone(), highest: 1.0 }
    }
}
// ANCHOR_END: scaler

/// The data as the guide has it, and the same without the leak.
struct Data {
    leaking: (Images, Images),
    honest: (Images, Images),
    /// The range of every pixel in all images, and in the training images.
    scalers: [Scaler; 2],
}

/// Scales, and splits 80 to 20.
fn prepare(asked: &Asked, seed: u64) -> Result<Data, nn::Error> {
    let (images, rest) = asked.images()?;
    let all = images.and(&rest);
    let order = shuffled(all.len(), &mut nn::rng(seed));
    let (train, test) = order.split_at(all.len() * 4 / 5);
    // ANCHOR: leak
    // As the guide does it: first the scaler on all images, then the split.
    let on_all = Scaler::fit(&all);
    let scaled = on_all.scale(&all);
    let leaking = (scaled.rows(train), scaled.rows(test));
    // As it should be: first the split, then the scaler on the training images.
    let (train, test) = (all.rows(train), all.rows(test));
    let on_train = Scaler::fit(&train);
    let honest = (on_train.scale(&train), on_train.scale(&test));
    // ANCHOR_END: leak
    Ok(Data { leaking, honest, scalers: [on_all, on_train] })
}

/// What the test images did to the training inputs, in numbers.
fn tell_the_leak(data: &Data) {
    let [on_all, on_train] = &data.scalers;
    let moved = on_all.width.iter().zip(&on_train.width).filter(|(a, b)| a != b).count();
    let ((train, _), (honest, test)) = (&data.leaking, &data.honest);
    let apart = (&train.pixels - &honest.pixels).mapv_into(f64::abs);
    let most = apart.iter().copied().fold(0.0, f64::max);
    let outside = test.pixels.iter().filter(|&&x| !(0.0..=1.0).contains(&x)).count();
    let highest = test.pixels.iter().copied().fold(0.0, f64::max);
    println!("the scaler, fitted on all {} images before the split:", train.len() + test.len());
    println!(
        "  {moved} of {} pixels have another range without the test images",
        on_all.width.len()
    );
    println!(
        "  {} training values are not what they would be",
        apart.iter().filter(|&&d| d > 0.0).count()
    );
    println!("  the largest such difference: {most:.4}");
    println!(
        "  fitted on the training images, {outside} test values lie outside 0..1, up to {highest:.2}\n"
    );
}

/// The curves of a run: for every epoch the two losses, means over the samples as they passed, and
/// the test accuracy.
struct Epoch {
    cross_entropy: f64,
    half_squared_error: f64,
    accuracy: f64,
}

struct Settings {
    layers: Vec<usize>,
    epochs: usize,
    eta: f64,
    seed: u64,
}

/// Trains as the guide does. At the first sample of every epoch the gradients are held against the
/// sweep.
fn train(
    settings: &Settings,
    (train, test): &(Images, Images),
    cost: Cost,
    mut each: impl FnMut(usize, &Epoch),
) -> Result<Vec<Epoch>, String> {
    let mut network = NeuralNetwork::new(&settings.layers, &mut nn::rng(settings.seed));
    let mut epochs = Vec::new();
    for number in 1..=settings.epochs {
        let (mut entropy, mut squares) = (0.0, 0.0);
        for (i, (x, y)) in train.columns().enumerate() {
            if i == 0 {
                let (activations, zs) = network.forward(&x);
                let gradients = network.backward(&activations, &zs, &y, cost);
                beside_the_sweep(&network, &gradients, &x, &y, cost)?;
            }
            let a = network.learn(&x, &y, settings.eta, cost);
            entropy += cross_entropy(&a, &y);
            squares += half_squared_error(&a, &y);
        }
        let count = train.len() as f64;
        let epoch = Epoch {
            cross_entropy: entropy / count,
            half_squared_error: squares / count,
            accuracy: network.accuracy(test),
        };
        each(number, &epoch);
        epochs.push(epoch);
    }
    Ok(epochs)
}

fn guide(asked: &Asked) -> Outcome {
    let layers = asked.choose(vec![784, 256, 128, 10], vec![64, 32, 16, 10]);
    // A fortieth of the images needs larger steps.
    let eta = asked.choose(0.001, 0.03);
    let settings =
        |seed| Settings { layers: layers.clone(), epochs: asked.epochs.unwrap_or(20), eta, seed };
    if let Some(seeds) = asked.seeds {
        return table(asked, seeds, settings);
    }
    let data = prepare(asked, asked.seed)?;
    tell_the_leak(&data);

    let (x, y) = data.leaking.0.columns().next().expect("images");
    let network = NeuralNetwork::new(&layers, &mut nn::rng(asked.seed));
    let (activations, zs) = network.forward(&x);
    let gradients = network.backward(&activations, &zs, &y, Cost::HalfSquaredError);
    let equal = beside_the_sweep(&network, &gradients, &x, &y, Cost::HalfSquaredError)?;
    println!("equal to 1e-12: {equal}\n");
    two_slopes();

    println!("as the guide trains, layers {layers:?}, η = {eta}:");
    let settings = settings(asked.seed);
    let epochs = settings.epochs;
    let guides = train(&settings, &data.leaking, Cost::HalfSquaredError, |number, epoch| {
        let Epoch { cross_entropy, accuracy, .. } = epoch;
        println!("Epoch {number}/{epochs}, Loss: {cross_entropy:.4}, Accuracy: {accuracy:.4}");
    })?;
    let consistent = train(&settings, &data.leaking, Cost::CrossEntropy, |_, _| ())?;
    both_curves(&guides, &consistent);
    Ok(())
}

/// The slope of each loss at an output that should be 0.
fn two_slopes() {
    println!("an output a that should be 0: what arrives at its z");
    println!("{:>8}{:>24}{:>24}", "a", "½ (a − y)²: a·a(1 − a)", "cross-entropy: a");
    for a in [0.5, 0.9, 0.99, 0.999] {
        println!("{a:>8}{:>24.6}{a:>24}", a * a * (1.0 - a));
    }
    println!();
}

/// Both losses of both runs.
fn both_curves(guides: &[Epoch], consistent: &[Epoch]) {
    println!(
        "\n{:<8}{:^34}{:^34}",
        "", "½ squared error is descended", "cross-entropy is descended"
    );
    let heads = ["½ squared", "printed", "accuracy"];
    let [a, b, c] = heads;
    println!("{:<8}{a:>12}{b:>11}{c:>11}{a:>12}{b:>11}{c:>11}", "epoch");
    for (i, (one, other)) in guides.iter().zip(consistent).enumerate() {
        print!("{:<8}", i + 1);
        for Epoch { cross_entropy, half_squared_error, accuracy } in [one, other] {
            print!("{half_squared_error:>12.4}{cross_entropy:>11.4}{accuracy:>11.4}");
        }
        println!();
    }
}

/// Test accuracy over seeds, which draw the split and the weights.
fn table(asked: &Asked, seeds: u64, settings: impl Fn(u64) -> Settings) -> Outcome {
    let runs = [
        ("as the guide has it", Cost::HalfSquaredError, true),
        ("the scaler fitted on the training images", Cost::HalfSquaredError, false),
        ("cross-entropy descended as well as printed", Cost::CrossEntropy, false),
    ];
    let mut figures = [(); 3].map(|()| Vec::new());
    for seed in asked.seed..asked.seed + seeds {
        let data = prepare(asked, seed)?;
        for (figures, (_, cost, leaks)) in figures.iter_mut().zip(runs) {
            let images = if leaks { &data.leaking } else { &data.honest };
            let epochs = train(&settings(seed), images, cost, |_, _| ())?;
            figures.push(epochs.last().map_or(0.0, |epoch| epoch.accuracy));
        }
    }
    println!("test accuracy, {seeds} seeds from {} on:", asked.seed);
    for ((name, ..), figures) in runs.iter().zip(figures) {
        println!("  {name:<44}{}", Spread(figures));
    }
    Ok(())
}
