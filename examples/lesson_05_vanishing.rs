//! Lesson 5: vanishing gradients. Ten layers of sigmoids against ten of relus.
//!
//! `cargo run --example lesson_05_vanishing`

#[path = "lessons/en/lesson_05.rs"]
mod en;
#[path = "lessons/mod.rs"]
mod lessons;

use std::error::Error;
use std::process::ExitCode;

use chacha20::ChaCha8Rng;
use ops::Tensor;
use rand::{RngExt, SeedableRng};
use tape::Trace;
use tape::prelude::*;

use lessons::{Asked, Outcome, say};

tape::catalogue! {
    /// What the lesson says, in its order; `lessons/en/lesson_05.rs` has the text.
    pub struct Words {
        ten_layers_of_sigmoids_and_relus(units);
        head_of_layers();
        layer(number);
        what_is_left_of_the_gradient(sigmoids, product, relus);
        sigmoids_lose_relus_keep();
    }
}
text! { "en": en::WORDS }

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

fn lesson(asked: &Asked<Words>) -> Outcome {
    let words = asked.words;
    say(&words.ten_layers_of_sigmoids_and_relus(UNITS));
    let n = UNITS as f64;
    let (first, second) = (Tape::new(), Tape::new());
    let sigmoids = Network::new(&first, (1.0 / n).sqrt(), |x| x.sigmoid());
    let relus = Network::new(&second, (2.0 / n).sqrt(), |x| x.relu());
    let (of_sigmoids, of_relus) = (sigmoids.slopes_and_sizes()?, relus.slopes_and_sizes()?);
    println!("{}", words.head_of_layers());
    for layer in (0..LAYERS).rev() {
        let ((s, a), (r, b)) = (of_sigmoids[layer], of_relus[layer]);
        let name = words.layer(format!("{:>2}", layer + 1));
        println!("  {name}   {s:>14.4}   {a:>8.2e}   {r:>11.4}   {b:>8.2e}");
    }
    println!();
    let ratio = |all: &[(f64, f64)]| all[0].1 / all[LAYERS - 1].1;
    let (a, b) = (ratio(&of_sigmoids), ratio(&of_relus));
    let product: f64 = of_sigmoids[..LAYERS - 1].iter().map(|layer| layer.0).product();
    let [lost, slopes] = [a, product].map(|x| format!("{x:.0e}"));
    say(&words.what_is_left_of_the_gradient(lost, slopes, format!("{b:.1}")));
    asked.page(sigmoids.cost)?;
    asked.check(words.sigmoids_lose_relus_keep(), a < 1e-3 && b > 0.1)
}
