//! Lesson 5: vanishing gradients. Ten layers of sigmoids against ten of relus.
//!
//! `cargo run --example lesson_05_vanishing`

mod lessons;

use std::error::Error;
use std::process::ExitCode;

use chacha20::ChaCha8Rng;
use ops::Tensor;
use rand::{RngExt, SeedableRng};
use tape::Trace;
use tape::prelude::*;

use lessons::{Asked, Outcome, check, say};

const LAYERS: usize = 10;
const UNITS: usize = 16;

type Activation = for<'t> fn(Var<'t, f64>) -> Var<'t, f64>;

/// Weights drawn evenly, of variance `scale²`.
fn weights(rng: &mut ChaCha8Rng, scale: f64) -> Tensor<f64> {
    let most = 3.0_f64.sqrt() * scale;
    let numbers = (0..UNITS * UNITS).map(|_| rng.random_range(-most..most)).collect();
    Tensor::from_shape_vec(&[UNITS, UNITS], numbers).expect("a number for each place")
}

/// A network on a tape, and what there is to see of its layers.
struct Network<'t> {
    cost: Var<'t, f64>,
    weights: Vec<Var<'t, f64>>,
    /// What each layer gives, which is its bend of something.
    outputs: Vec<Var<'t, f64>>,
}

impl<'t> Network<'t> {
    /// Ten layers, each in its scope.
    fn new(tape: &'t Tape<f64>, scale: f64, bend: Activation) -> Self {
        let mut x = tape.constant(Tensor::ones(&[UNITS])).named("x");
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (mut all, mut outputs) = (Vec::new(), Vec::new());
        for layer in 1..=LAYERS {
            let w = tape.var(weights(&mut rng, scale)).named(format!("W{layer}"));
            x = tape.scope(format!("layer {layer}"), || bend(w.matmul(x)));
            x = x.named(format!("a{layer}"));
            all.push(w);
            outputs.push(x);
        }
        Self { cost: x.square().sum().named("C"), weights: all, outputs }
    }

    /// Of each layer: the mean slope of its units, and the root of the mean square of the gradient
    /// with respect to its weights.
    fn slopes_and_sizes(&self) -> Result<Vec<(f64, f64)>, Box<dyn Error>> {
        let trace = Trace::of(self.cost)?;
        let layer = |(&w, &output): (&Var<'t, f64>, &Var<'t, f64>)| {
            let bend = trace.backward().iter().find(|step| step.node == output).expect("a step");
            let slope = bend.local(0).expect("an elementwise op").mean().item();
            (slope, trace.gradients().wrt(w).square().mean().item().sqrt())
        };
        Ok(self.weights.iter().zip(&self.outputs).map(layer).collect())
    }
}

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked) -> Outcome {
    say(&format!(
        "LESSON 5. VANISHING GRADIENTS

On the way back, each layer multiplies the adjoint by its weights and by the slopes of its units.
The slope of a sigmoid is at most 1/4; that of a relu is 1 or 0. Two networks of ten layers of
{UNITS} units show what this does. Each starts with the weights advised for its units: of variance
1/n for sigmoids (Glorot and Bengio 2010), 2/n for relus (He et al. 2015), with n = {UNITS}.

Below, from the last layer to the first as the sweep goes: the mean slope of the layer's units,
and the size of the gradient with respect to its weights (the root of its mean square)."
    ));
    let n = UNITS as f64;
    let (first, second) = (Tape::new(), Tape::new());
    let sigmoids = Network::new(&first, (1.0 / n).sqrt(), |x| x.sigmoid());
    let relus = Network::new(&second, (2.0 / n).sqrt(), |x| x.relu());
    let (of_sigmoids, of_relus) = (sigmoids.slopes_and_sizes()?, relus.slopes_and_sizes()?);
    println!("             sigmoid: slope   gradient     relu: slope   gradient");
    for layer in (0..LAYERS).rev() {
        let ((s, a), (r, b)) = (of_sigmoids[layer], of_relus[layer]);
        println!("  layer {:>2}   {s:>14.4}   {a:>8.2e}   {r:>11.4}   {b:>8.2e}", layer + 1);
    }
    println!();
    let ratio = |all: &[(f64, f64)]| all[0].1 / all[LAYERS - 1].1;
    let (a, b) = (ratio(&of_sigmoids), ratio(&of_relus));
    let product: f64 = of_sigmoids[..LAYERS - 1].iter().map(|layer| layer.0).product();
    say(&format!(
        "With sigmoids the gradient of layer 1 is {a:.0e} of that of layer 10. Nine layers lie between, and
the product of their slopes alone is {product:.0e}. A step that is right for the last layer hardly
moves the first. With relus about half of the slopes are 1 and half are 0, the weights of
variance 2/n make up for the halving, and the ratio is {b:.1}: all layers learn at a similar rate."
    ));
    asked.page(sigmoids.cost)?;
    check(
        "from layer 10 to layer 1, sigmoids lose at least a factor of a thousand, relus less than ten",
        a < 1e-3 && b > 0.1,
    )
}
