//! Lesson: a network of single numbers.
//!
//! Every weight, every product and every sum is a node of its own, as in micrograd: 65,000 nodes
//! for a 2-16-16-1 network on a hundred points of two moons. Slower than matrices, but there is
//! nothing in it besides +, · and tanh of numbers.
//!
//! `cargo run --release --example scalar`

use nn::data::{Targets, two_moons};
use nn::prelude::*;

/// The weights of all layers, unit by unit, the bias last.
struct Network {
    sizes: Vec<usize>,
    numbers: Vec<f64>,
}

impl Network {
    fn new(sizes: &[usize], seed: u64) -> Result<Self, nn::Error> {
        let mut rng = nn::rng(seed);
        let mut numbers = Vec::new();
        for pair in sizes.windows(2) {
            for _ in 0..pair[1] {
                let (inputs, outputs) = (pair[0], pair[1]);
                let w = Init::XavierUniform.tensor::<f64>(&[inputs], inputs, outputs, &mut rng)?;
                numbers.extend(w.to_vec());
                numbers.push(0.0);
            }
        }
        Ok(Self { sizes: sizes.to_vec(), numbers })
    }

    // ANCHOR: forward
    /// The output for one point: tanh units, a linear one at the end.
    fn forward<'t>(&self, weights: &[Var<'t, f64>], point: &[f64]) -> Var<'t, f64> {
        let mut weights = weights.iter().copied();
        let tape = weights.clone().next().expect("weights").tape();
        let mut values: Vec<_> = point.iter().map(|&x| tape.constant(x)).collect();
        let last = self.sizes.len() - 1;
        for (layer, &units) in self.sizes.iter().enumerate().skip(1) {
            let mut outputs = Vec::with_capacity(units);
            for _ in 0..units {
                let products = values.iter().map(|&x| weights.next().expect("a weight") * x);
                let sum = products.reduce(|a, b| a + b).expect("inputs");
                let z = sum + weights.next().expect("a bias");
                outputs.push(if layer == last { z } else { z.tanh() });
            }
            values = outputs;
        }
        values[0]
    }
    // ANCHOR_END: forward
}

fn main() -> Result<(), nn::Error> {
    let data = two_moons::<f64>(100, 0.1, 1)?;
    let Targets::Labels(labels) = data.targets() else { unreachable!("moons have labels") };
    let points: Vec<Vec<f64>> =
        data.inputs().view().outer_iter().map(|p| p.iter().copied().collect()).collect();
    let mut network = Network::new(&[2, 16, 16, 1], 7)?;
    let mut tape = Tape::new();
    let mut accuracy = 0.0;
    for step in 0..=60 {
        tape.reset();
        let weights: Vec<_> = network.numbers.iter().map(|&w| tape.var(w)).collect();
        let mut right = 0;
        // Hinge loss: max(0, 1 − s·y), with s = ±1 for the two moons.
        let losses = points.iter().zip(labels).map(|(point, &label)| {
            let sign = if label == 1 { 1.0 } else { -1.0 };
            let output = network.forward(&weights, point);
            right += usize::from((output.item() > 0.0) == (label == 1));
            (1.0 - sign * output).relu()
        });
        let loss = losses.reduce(|a, b| a + b).expect("points") * (1.0 / points.len() as f64);
        let gradients = loss.backward();
        accuracy = f64::from(right as u32) / points.len() as f64;
        if step % 10 == 0 {
            let nodes = tape.len();
            println!(
                "step {step:>3}  loss {:.4}  accuracy {accuracy:.2}  ({nodes} nodes)",
                loss.item()
            );
        }
        let rate = 2.0 * (1.0 - 0.9 * f64::from(step) / 60.0);
        for (number, &weight) in network.numbers.iter_mut().zip(&weights) {
            *number -= rate * gradients.wrt(weight).item();
        }
    }
    assert!(accuracy > 0.95, "the moons should come apart");
    Ok(())
}
