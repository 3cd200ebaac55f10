//! Lesson 5: vanishing gradients. Ten layers of sigmoids against ten of relus.
//!
//! `cargo run --example lesson_05_vanishing`

mod lessons;

use ops::Tensor;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
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

/// Ten layers, each in its scope: the loss, and the weights of each.
fn network(tape: &Tape<f64>, scale: f64, bend: Activation) -> (Var<'_, f64>, Vec<Var<'_, f64>>) {
    let mut x = tape.constant(Tensor::ones(&[UNITS])).named("x");
    let (mut all, mut rng) = (Vec::new(), ChaCha8Rng::seed_from_u64(1));
    for layer in 1..=LAYERS {
        let w = tape.var(weights(&mut rng, scale)).named(format!("W{layer}"));
        x = tape.scope(format!("layer {layer}"), || bend(w.matmul(x))).named(format!("a{layer}"));
        all.push(w);
    }
    (x.square().sum().named("C"), all)
}

/// The root of the mean square of the gradient with respect to each layer's weights.
fn sizes((cost, all): &(Var<'_, f64>, Vec<Var<'_, f64>>)) -> Vec<f64> {
    let gradients = cost.backward();
    all.iter().map(|w| gradients.wrt(*w).square().mean().item().sqrt()).collect()
}

fn main() -> Outcome {
    let asked = Asked::from_command_line()?;
    say(&format!(
        "Going back, each layer multiplies the adjoint by its weights and by the slope of its units.
The slope of a sigmoid is at most 1/4, so ten layers leave little. That of a relu is 1 or 0.
Each network starts with the weights advised for its units: of variance 1/n for sigmoids
(Glorot and Bengio 2010), 2/n for relus (He et al. 2015), with n = {UNITS} units to a layer."
    ));
    let n = UNITS as f64;
    let (first, second) = (Tape::new(), Tape::new());
    let sigmoids = network(&first, (1.0 / n).sqrt(), |x| x.sigmoid());
    let relus = network(&second, (2.0 / n).sqrt(), |x| x.relu());
    let (of_sigmoids, of_relus) = (sizes(&sigmoids), sizes(&relus));
    println!("  the gradient's size     sigmoid        relu");
    for layer in (0..LAYERS).rev() {
        let (a, b) = (of_sigmoids[layer], of_relus[layer]);
        println!("            layer {:>2}   {a:>9.2e}   {b:>9.2e}", layer + 1);
    }
    let ratio = |sizes: &[f64]| sizes[0] / sizes[LAYERS - 1];
    let (a, b) = (ratio(&of_sigmoids), ratio(&of_relus));
    println!("\n  layer 1 ÷ layer {LAYERS}   {a:>9.2e}   {b:>9.2e}\n");
    say(
        "With sigmoids the first layer hardly learns: a step that is right for the last layer moves it by
almost nothing. With relus all layers learn at a similar rate.",
    );
    asked.page(sigmoids.0)?;
    check("sigmoids lose at least a factor of a thousand, relus less than ten", a < 1e-3 && b > 0.1)
}
