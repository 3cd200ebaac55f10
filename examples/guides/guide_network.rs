//! The last guide: `Network([784, 30, 10])`, stochastic gradient descent in mini-batches, and
//! `backprop` with its loop over the layers from the back, beside the tape.
//!
//! `cargo run --release --example guide_network -- [--data DIR] [--epochs N] [--seed N] [--seeds N]`
//!
//! DIR is a folder with MNIST, of which the first 50,000 images are learned, as the guide's loader
//! has it. Without it the digits of the library are learned.

mod shared;

use std::process::ExitCode;

use ndarray::{Array2, Axis, concatenate, s};
use rand::Rng;
use rand::seq::SliceRandom;
use tape::Tape;
use tape::prelude::*;

use shared::{Asked, Beside, Images, Outcome, Spread, argmax, normal};

fn main() -> ExitCode {
    shared::run(guide)
}

/// An image and its one-hot label, both columns.
pub type Sample = (Array2<f64>, Array2<f64>);

/// Gradients of the biases and of the weights, a matrix for each layer but the first.
type Nablas = (Vec<Array2<f64>>, Vec<Array2<f64>>);

// ANCHOR: network
/// A feed-forward network of sigmoid units.
pub struct Network {
    num_layers: usize,
    /// Columns.
    pub biases: Vec<Array2<f64>>,
    /// W of a layer is [its units, those of the layer before].
    pub weights: Vec<Array2<f64>>,
}

impl Network {
    /// Biases and weights from N(0, 1); `sizes` are the numbers of units of the layers.
    pub fn new(sizes: &[usize], rng: &mut impl Rng) -> Self {
        let biases = sizes[1..].iter().map(|&y| normal([y, 1], rng)).collect();
        let pairs = sizes[..sizes.len() - 1].iter().zip(&sizes[1..]);
        let weights = pairs.map(|(&x, &y)| normal([y, x], rng)).collect();
        Self { num_layers: sizes.len(), biases, weights }
    }

    /// The output for the input `a`.
    fn feedforward(&self, a: &Array2<f64>) -> Array2<f64> {
        let mut a = a.clone();
        for (b, w) in self.biases.iter().zip(&self.weights) {
            a = (w.dot(&a) + b).mapv(sigmoid);
        }
        a
    }
    // ANCHOR_END: network

    // ANCHOR: sgd
    /// Stochastic gradient descent; `each` is told the number right after every epoch.
    fn sgd(
        &mut self,
        training_data: &mut [Sample],
        test_data: &Images,
        plan: &Plan,
        rng: &mut impl Rng,
        mut each: impl FnMut(usize, usize),
    ) -> Result<(), String> {
        for epoch in 0..plan.epochs {
            training_data.shuffle(rng);
            self.beside_the_sweep(&training_data[..plan.mini_batch_size])?;
            for mini_batch in training_data.chunks(plan.mini_batch_size) {
                self.update_mini_batch(mini_batch, plan.eta);
            }
            each(epoch, self.evaluate(test_data));
        }
        Ok(())
    }

    /// One step: the gradients of the samples are added up, and the step is η/m of the sum.
    fn update_mini_batch(&mut self, mini_batch: &[Sample], eta: f64) {
        let (nabla_b, nabla_w) = self.sum_of_gradients(mini_batch);
        let m = mini_batch.len() as f64;
        for l in 0..self.weights.len() {
            self.weights[l].scaled_add(-eta / m, &nabla_w[l]);
            self.biases[l].scaled_add(-eta / m, &nabla_b[l]);
        }
    }

    fn sum_of_gradients(&self, mini_batch: &[Sample]) -> Nablas {
        let mut nabla_b: Vec<_> = self.biases.iter().map(|b| Array2::zeros(b.dim())).collect();
        let mut nabla_w: Vec<_> = self.weights.iter().map(|w| Array2::zeros(w.dim())).collect();
        for (x, y) in mini_batch {
            let (delta_nabla_b, delta_nabla_w) = self.backprop(x, y);
            for l in 0..self.weights.len() {
                nabla_b[l] += &delta_nabla_b[l];
                nabla_w[l] += &delta_nabla_w[l];
            }
        }
        (nabla_b, nabla_w)
    }
    // ANCHOR_END: sgd

    // ANCHOR: backprop
    /// The gradient of the cost of one sample.
    pub fn backprop(&self, x: &Array2<f64>, y: &Array2<f64>) -> Nablas {
        let mut nabla_b: Vec<_> = self.biases.iter().map(|b| Array2::zeros(b.dim())).collect();
        let mut nabla_w: Vec<_> = self.weights.iter().map(|w| Array2::zeros(w.dim())).collect();
        // Forwards: all activations, and all z.
        let mut activation = x.clone();
        let mut activations = vec![x.clone()];
        let mut zs = Vec::new();
        for (b, w) in self.biases.iter().zip(&self.weights) {
            let z = w.dot(&activation) + b;
            activation = z.mapv(sigmoid);
            zs.push(z);
            activations.push(activation.clone());
        }
        // Backwards. `back(list, 1)` is the last of a list, as `list[-1]` is in Python.
        let mut delta =
            cost_derivative(back(&activations, 1), y) * back(&zs, 1).mapv(sigmoid_prime);
        back_mut(&mut nabla_b, 1).clone_from(&delta);
        *back_mut(&mut nabla_w, 1) = delta.dot(&back(&activations, 2).t());
        for l in 2..self.num_layers {
            let sp = back(&zs, l).mapv(sigmoid_prime);
            delta = back(&self.weights, l - 1).t().dot(&delta) * sp;
            back_mut(&mut nabla_b, l).clone_from(&delta);
            *back_mut(&mut nabla_w, l) = delta.dot(&back(&activations, l + 1).t());
        }
        (nabla_b, nabla_w)
    }
    // ANCHOR_END: backprop

    /// How many images are recognised.
    fn evaluate(&self, test_data: &Images) -> usize {
        let samples = test_data.columns().zip(&test_data.labels);
        samples.filter(|((x, _), y)| argmax(&self.feedforward(x)) == **y).count()
    }

    // ANCHOR: sweep
    /// Holds the gradients of a mini-batch by hand, added up over its samples, against one sweep over
    /// all of them, and the δ of its first sample.
    ///
    /// # Errors
    /// If one differs.
    pub fn beside_the_sweep(&self, mini_batch: &[Sample]) -> Result<String, String> {
        let columns = |pick: fn(&Sample) -> &Array2<f64>| {
            let columns: Vec<_> = mini_batch.iter().map(|sample| pick(sample).view()).collect();
            concatenate(Axis(1), &columns).expect("columns of one length")
        };
        let tape = Tape::new();
        let mut a = tape.constant(columns(|(x, _)| x));
        let y = tape.constant(columns(|(_, y)| y));
        let (mut parameters, mut zs) = (Vec::new(), Vec::new());
        for (b, w) in self.biases.iter().zip(&self.weights) {
            let (b, w) = (tape.var(b.view()), tape.var(w.view()));
            let z = w.matmul(a) + b; // b is one column, broadcast over the samples.
            a = z.sigmoid();
            parameters.push((b, w));
            zs.push(z);
        }
        let swept = ((a - y).square().sum() * 0.5).backward();
        let (nabla_b, nabla_w) = self.sum_of_gradients(mini_batch);
        let (deltas, _) = self.backprop(&mini_batch[0].0, &mini_batch[0].1);
        let mut beside = Beside::default();
        for l in (0..zs.len()).rev() {
            let first = swept.wrt(zs[l]).slice(s![.., ..1]);
            beside.add(&format!("δ of layer {}", l + 2), &deltas[l], &first);
            beside.add("Σ ∂W", &nabla_w[l], &swept.wrt(parameters[l].1));
            beside.add("Σ ∂b", &nabla_b[l], &swept.wrt(parameters[l].0));
        }
        beside.check()
    }
    // ANCHOR_END: sweep
}

/// The derivative of ½ Σ (a − y)² with respect to a.
fn cost_derivative(output_activations: &Array2<f64>, y: &Array2<f64>) -> Array2<f64> {
    output_activations - y
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn sigmoid_prime(z: f64) -> f64 {
    sigmoid(z) * (1.0 - sigmoid(z))
}

fn back<T>(list: &[T], l: usize) -> &T {
    &list[list.len() - l]
}

fn back_mut<T>(list: &mut [T], l: usize) -> &mut T {
    let at = list.len() - l;
    &mut list[at]
}

struct Plan {
    epochs: usize,
    mini_batch_size: usize,
    eta: f64,
}

fn guide(asked: &Asked) -> Outcome {
    let (train, test) = asked.images()?;
    let (train, test) = (train.first(50_000).in_0_1(), test.in_0_1());
    let epochs = asked.epochs.unwrap_or(asked.choose(30, 10));
    let plan = Plan { epochs, mini_batch_size: 10, eta: 3.0 };
    let sizes = [train.pixels.ncols(), 30, 10];
    if asked.seeds.is_none() {
        println!(
            "Network({sizes:?}), {} images to learn, {epochs} epochs, mini-batches of 10, η = 3",
            train.len()
        );
    }
    let mut shares = Vec::new();
    for seed in asked.seed..asked.seed + asked.seeds.unwrap_or(1) {
        let mut rng = nn::rng(seed);
        let mut network = Network::new(&sizes, &mut rng);
        let mut training_data: Vec<Sample> = train.columns().collect();
        if asked.seeds.is_none() {
            let equal = network.beside_the_sweep(&training_data[..10])?;
            println!("equal to 1e-12: {equal}");
        }
        let mut share = 0.0;
        network.sgd(&mut training_data, &test, &plan, &mut rng, |epoch, right| {
            if asked.seeds.is_none() {
                println!("Epoch {epoch}: {right} / {}", test.len());
            }
            share = right as f64 / test.len() as f64;
        })?;
        shares.push(share);
    }
    match asked.seeds {
        None => println!("equal to 1e-12 at the first mini-batch of every epoch"),
        Some(seeds) => println!(
            "test accuracy after {epochs} epochs, {seeds} seeds from {} on: {}",
            asked.seed,
            Spread(shares)
        ),
    }
    Ok(())
}
