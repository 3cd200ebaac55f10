//! Lesson 1: one neuron, forwards and backwards, every number of it.
//!
//! `cargo run --example lesson_01_neuron`

mod lessons;

use std::process::ExitCode;

use tape::prelude::*;
use tape::{Trace, check::Check};

use lessons::{Asked, Outcome, check, say, show};

fn neuron<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    let [w, x, b] = [v[0], v[1], v[2]];
    let p = (w * x).named("p");
    let z = (p + b).named("z");
    z.tanh().named("y")
}

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked) -> Outcome {
    say("LESSON 1. ONE NEURON

A neuron multiplies its input x by a weight w, adds a bias b, and bends the sum with tanh.
How would its output y change if w, x or b were a little larger? The chain rule answers from
the end to the beginning. At each step it multiplies two things: the derivative that arrives
from behind, and the step's own slope. The product is what the step passes on, with +=. The
derivative of y with respect to z is called the adjoint of z, and is written z̄.");
    let tape = Tape::new();
    let w = tape.var(0.5).named("w");
    let x = tape.var(2.0).named("x");
    let b = tape.var(0.1).named("b");
    let y = neuron(&[w, x, b]);
    let trace = Trace::of(y)?;
    show(&trace, 4)?;

    let slope = trace.gradient(w).expect("w is a variable").item();
    let (bend, twice) = (1.0 - y.item() * y.item(), x.item());
    say(&format!(
        "Three kinds of step, three slopes. The bend multiplies by 1 - y² = {bend:.4}. The sum passes on what
it got, unchanged. The product gives each factor the other: w gets {bend:.4} · {twice} = {slope:.4}, for if
w grows by a little, the product grows {twice} times as much. The derivative of a long calculation
is nothing but this, step after step.

What does {slope:.4} mean? Make w larger by a thousandth, and compute y again.",
    ));
    let step = 1e-3;
    let moved = neuron(&[tape.var(0.5 + step), x, b]);
    let (grew, promised) = (moved.item() - y.item(), slope * step);
    println!("  y grew by                 {grew:.7}");
    println!("  ∂y/∂w · 0.001 promised    {promised:.7}\n");
    say("The rest is the curve of tanh: a slope is exact only for steps that are very small.");
    asked.page(y)?;

    // The rest of Taylor's series: at most max |y''| / 2 · step², with |tanh''| < 0.77 and x = 2.
    let close = (grew - promised).abs() < 0.77 * 4.0 / 2.0 * step * step;
    let report = Check::new().run(neuron, &[w.value(), x.value(), b.value()])?;
    let what = format!(
        "all {} derivatives agree with finite differences, to a relative error of {:.0e}, and w \
         moved y as its slope promised",
        report.compared, report.worst.error
    );
    check(&what, close && report.compared == 3)
}
