//! The third guide: one layer forwards, by hand and on the tape, and its activations.
//!
//! `cargo run --example guide_forward`

mod shared;

use std::process::ExitCode;

use ndarray::{Array2, arr0, array};
use ops::Tensor;
use tape::prelude::*;
use tape::{Tape, Var, one_line};

use shared::{Asked, Beside, Outcome};

fn main() -> ExitCode {
    shared::run(guide)
}

/// Both halves of the guide.
fn guide(_: &Asked) -> Outcome {
    layer()?;
    activations()
}

fn layer() -> Outcome {
    // ANCHOR: hand
    let x = array![[1.0, 0.5]];
    let w = array![[0.2, 0.8], [0.5, 0.1]];
    let b = 0.3;
    let z: Array2<f64> = x.dot(&w) + b;
    let a = z.mapv(|z| 1.0 / (1.0 + (-z).exp()));
    // ANCHOR_END: hand
    println!("by hand    Z = XW + b = {z:.6}");
    println!("           A = σ(Z) = {a:.6}");

    // ANCHOR: tape
    let tape = Tape::<f64>::new();
    let x_taped = tape.var(x.view()).named("X");
    let w_taped = tape.var(w.view()).named("W");
    let b_taped = tape.var(b).named("b");
    let z_taped = (x_taped.matmul(w_taped).named("XW") + b_taped).named("Z");
    let a_taped = z_taped.sigmoid().named("A");
    // ANCHOR_END: tape
    for v in [z_taped, a_taped] {
        println!("the tape   {} = {} = {:.6}", v.label(), v.formula().expect("an op"), v.value());
    }
    let mut beside = Beside::default();
    beside.add("Z", &z, &z_taped.value());
    beside.add("A", &a, &a_taped.value());

    // ANCHOR: gradient
    // What the guide leaves out: how the sum of A changes with everything that went into it.
    let delta = &a * &(1.0 - &a); // ∂ΣA/∂Z
    let d_w = x.t().dot(&delta);
    let d_x = delta.dot(&w.t());
    let d_b = arr0(delta.sum()); // One b serves both units, so it gets both contributions.
    // ANCHOR_END: gradient
    println!("by hand    ∂ΣA/∂W = {}", one_line(&Tensor::from(d_w.view()), 6));
    println!("           ∂ΣA/∂X = {d_x:.6}    ∂ΣA/∂b = {d_b:.6}");
    let swept = a_taped.sum().backward();
    beside.add("∂ΣA/∂W", &d_w, &swept.wrt(w_taped));
    beside.add("∂ΣA/∂X", &d_x, &swept.wrt(x_taped));
    beside.add("∂ΣA/∂b", &d_b, &swept.wrt(b_taped));
    println!("equal to 1e-12: {}\n", beside.check()?);
    Ok(())
}

/// A function of the guide: its name, itself and its slope by hand, and itself on the tape.
struct Activation {
    name: &'static str,
    value: fn(f64) -> f64,
    slope: fn(f64) -> f64,
    taped: for<'t> fn(Var<'t, f64>) -> Var<'t, f64>,
}

// ANCHOR: activations
const ACTIVATIONS: [Activation; 4] = [
    Activation {
        name: "sigmoid",
        value: sigmoid,
        slope: |x| sigmoid(x) * (1.0 - sigmoid(x)),
        taped: |x| x.sigmoid(),
    },
    Activation {
        name: "tanh",
        value: f64::tanh,
        slope: |x| 1.0 - x.tanh() * x.tanh(),
        taped: |x| x.tanh(),
    },
    Activation {
        name: "relu",
        value: |x| x.max(0.0),
        slope: |x| if x > 0.0 { 1.0 } else { 0.0 },
        taped: |x| x.relu(),
    },
    Activation {
        name: "step",
        value: |x| if x > 0.0 { 1.0 } else { 0.0 },
        slope: |_| 0.0,
        taped: |x| x.step(),
    },
];

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
// ANCHOR_END: activations

fn activations() -> Outcome {
    let x = array![-1.0, 0.0, 1.0];
    println!("{:<10}{:<34}slope", "", "value at -1, 0, 1");
    let mut beside = Beside::default();
    for Activation { name, value, slope, taped } in ACTIVATIONS {
        let (values, slopes) = (x.mapv(value), x.mapv(slope));
        println!("{name:<10}{:<34}{slopes:.6}", format!("{values:.6}"));
        let tape = Tape::new();
        let x = tape.var(x.view());
        let y = taped(x);
        beside.add(name, &values, &y.value());
        beside.add(&format!("{name}′"), &slopes, &y.sum().backward().wrt(x));
    }
    let powers = x.mapv(f64::exp);
    let shares = &powers / powers.sum();
    println!("{:<10}{shares:.6}", "softmax");
    let tape = Tape::new();
    beside.add("softmax", &shares, &tape.var(x.view()).softmax(0).value());
    println!("equal to 1e-12: {}", beside.check()?);
    Ok(())
}
