//! One neuron, and the steps of its sweep.

use tape::{Tape, prelude::*};

fn main() {
    let tape = Tape::new();
    let w = tape.var(0.5).named("w");
    let x = tape.var(2.0).named("x");
    let b = tape.var(0.1).named("b");
    let p = (w * x).named("p");
    let z = (p + b).named("z");
    let y = z.tanh().named("y");

    let gradients = y.backward_observed(|step| println!("{step}"));
    println!("∂y/∂w = {:.6}", gradients.wrt(w));
    println!("∂y/∂x = {:.6}", gradients.wrt(x));
    println!("∂y/∂b = {:.6}", gradients.wrt(b));
}
