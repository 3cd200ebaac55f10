//! Lesson 1: one neuron, forwards and backwards, every number of it.
//!
//! `cargo run --example lesson_01_neuron`

mod lessons;

use tape::prelude::*;
use tape::{Trace, check::Check};

use lessons::{Asked, Outcome, check, say};

// ANCHOR: neuron
fn neuron<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    let [w, x, b] = [v[0], v[1], v[2]];
    let p = (w * x).named("p");
    let z = (p + b).named("z");
    z.tanh().named("y")
}
// ANCHOR_END: neuron

fn main() -> Outcome {
    let asked = Asked::from_command_line()?;
    say(
        "A neuron multiplies its input x by a weight w, adds a bias b, and bends the sum with tanh.
How would its output y change if w, x or b were a little larger? The chain rule answers from
the end to the beginning: the derivative that arrives at a step, times the step's own slope.",
    );
    let tape = Tape::new();
    let v = [("w", 0.5), ("x", 2.0), ("b", 0.1)].map(|(name, value)| tape.var(value).named(name));
    let y = neuron(&v);
    let trace = Trace::of(y)?;
    print!("{trace}");

    println!("\nTry it: make w larger by a thousandth. The slope says by how much y grows.");
    let (step, slope) = (1e-3, trace.gradient(v[0]).expect("w is a variable").item());
    let moved = neuron(&[tape.var(0.5 + step), v[1], v[2]]);
    let (grew, promised) = (moved.item() - y.item(), slope * step);
    println!("  y grew by {grew:.7}, and ∂y/∂w · 0.001 = {promised:.7}.");
    asked.page(y)?;

    // The rest of Taylor's series: at most max |y''| / 2 · step², with |tanh''| < 0.77 and x = 2.
    let close = (grew - promised).abs() < 0.77 * 4.0 / 2.0 * step * step;
    let inputs = [0.5.into(), 2.0.into(), 0.1.into()];
    let differences = Check::new().run(neuron, &inputs)?;
    check(&format!("{differences}; and w moved y as its slope said"), close)
}
