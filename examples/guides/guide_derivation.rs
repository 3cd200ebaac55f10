//! The fourth guide: the derivation of backpropagation for two layers of sigmoid units, each of its
//! lines beside the step of the sweep that computes it, and the updates repeated.
//!
//! `cargo run --example guide_derivation`

mod shared;

use std::process::ExitCode;

use ndarray::{Array2, array};
use tape::prelude::*;
use tape::trace::Rounding;
use tape::{Tape, Trace, Var, one_line};

use shared::{Asked, Beside, Outcome};

/// What is learned.
pub struct Parameters {
    /// W₁, [hidden, inputs].
    pub w1: Array2<f64>,
    /// b₁, a column.
    pub b1: Array2<f64>,
    /// W₂, [outputs, hidden].
    pub w2: Array2<f64>,
    /// b₂, a column.
    pub b2: Array2<f64>,
}

// ANCHOR: forward
/// What the forward pass computes.
pub struct Forward {
    /// a₁ = σ(z₁).
    pub a1: Array2<f64>,
    /// a₂ = σ(z₂).
    pub a2: Array2<f64>,
    /// L = ½ Σ (ŷ − y)², with ŷ = a₂.
    pub loss: f64,
}

/// z₁ = W₁x + b₁, a₁ = σ(z₁), z₂ = W₂a₁ + b₂, a₂ = σ(z₂).
pub fn forward(p: &Parameters, x: &Array2<f64>, y: &Array2<f64>) -> Forward {
    let z1 = p.w1.dot(x) + &p.b1;
    let a1 = z1.mapv(sigmoid);
    let z2 = p.w2.dot(&a1) + &p.b2;
    let a2 = z2.mapv(sigmoid);
    let loss = 0.5 * (&a2 - y).mapv(|e| e * e).sum();
    Forward { a1, a2, loss }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}
// ANCHOR_END: forward

// ANCHOR: backward
/// The derivatives of L, in the order of the derivation.
pub struct Derivatives {
    /// ∂L/∂a₂.
    pub a2: Array2<f64>,
    /// ∂L/∂z₂.
    pub z2: Array2<f64>,
    /// ∂L/∂W₂.
    pub w2: Array2<f64>,
    /// ∂L/∂b₂.
    pub b2: Array2<f64>,
    /// ∂L/∂a₁.
    pub a1: Array2<f64>,
    /// ∂L/∂z₁.
    pub z1: Array2<f64>,
    /// ∂L/∂W₁.
    pub w1: Array2<f64>,
    /// ∂L/∂b₁.
    pub b1: Array2<f64>,
}

/// The derivation, line by line.
pub fn backward(p: &Parameters, f: &Forward, x: &Array2<f64>, y: &Array2<f64>) -> Derivatives {
    let a2 = &f.a2 - y; //                                ∂L/∂a₂ = ŷ − y
    let z2 = &a2 * &f.a2 * (1.0 - &f.a2); //              ∂L/∂z₂ = ∂L/∂a₂ ⊙ a₂(1 − a₂)
    let w2 = z2.dot(&f.a1.t()); //                        ∂L/∂W₂ = ∂L/∂z₂ a₁ᵀ
    let b2 = z2.clone(); //                               ∂L/∂b₂ = ∂L/∂z₂
    let a1 = p.w2.t().dot(&z2); //                        ∂L/∂a₁ = W₂ᵀ ∂L/∂z₂
    let z1 = &a1 * &f.a1 * (1.0 - &f.a1); //              ∂L/∂z₁ = ∂L/∂a₁ ⊙ a₁(1 − a₁)
    let w1 = z1.dot(&x.t()); //                           ∂L/∂W₁ = ∂L/∂z₁ xᵀ
    let b1 = z1.clone(); //                               ∂L/∂b₁ = ∂L/∂z₁
    Derivatives { a2, z2, w2, b2, a1, z1, w1, b1 }
}
// ANCHOR_END: backward

// ANCHOR: update
/// The four updates, w ← w − η ∂L/∂w.
pub fn update(p: &mut Parameters, d: &Derivatives, eta: f64) {
    p.w2.scaled_add(-eta, &d.w2);
    p.b2.scaled_add(-eta, &d.b2);
    p.w1.scaled_add(-eta, &d.w1);
    p.b1.scaled_add(-eta, &d.b1);
}
// ANCHOR_END: update

// ANCHOR: tape
/// The same L, recorded.
struct Recorded<'t> {
    w1: Var<'t, f64>,
    b1: Var<'t, f64>,
    w2: Var<'t, f64>,
    b2: Var<'t, f64>,
    w1x: Var<'t, f64>,
    z1: Var<'t, f64>,
    a1: Var<'t, f64>,
    w2a1: Var<'t, f64>,
    z2: Var<'t, f64>,
    a2: Var<'t, f64>,
    loss: Var<'t, f64>,
}

fn record<'t>(
    tape: &'t Tape<f64>,
    p: &Parameters,
    x: &Array2<f64>,
    y: &Array2<f64>,
) -> Recorded<'t> {
    let x = tape.constant(x.view()).named("x");
    let y = tape.constant(y.view()).named("y");
    let [w1, b1] = [tape.var(p.w1.view()).named("W₁"), tape.var(p.b1.view()).named("b₁")];
    let [w2, b2] = [tape.var(p.w2.view()).named("W₂"), tape.var(p.b2.view()).named("b₂")];
    let w1x = w1.matmul(x).named("W₁x");
    let z1 = (w1x + b1).named("z₁");
    let a1 = z1.sigmoid().named("a₁");
    let w2a1 = w2.matmul(a1).named("W₂a₁");
    let z2 = (w2a1 + b2).named("z₂");
    let a2 = z2.sigmoid().named("a₂");
    let loss = ((a2 - y).named("e").square().named("s").sum().named("S") * 0.5).named("L");
    Recorded { w1, b1, w2, b2, w1x, z1, a1, w2a1, z2, a2, loss }
}
// ANCHOR_END: tape

/// A line of the derivation: what it says, the numbers, and the step of the sweep.
struct Line<'a, 't> {
    text: &'static str,
    hand: &'a Array2<f64>,
    /// The value whose derivative it is.
    of: Var<'t, f64>,
    /// The op that passes it on, and the number of its operand.
    step: (Var<'t, f64>, usize),
}

fn lines<'a, 't>(r: &Recorded<'t>, d: &'a Derivatives) -> [Line<'a, 't>; 8] {
    let error = r.loss.operands()[0].operands()[0].operands()[0];
    let line = |text, hand, of, step| Line { text, hand, of, step };
    [
        line("∂L/∂a₂ = ŷ − y", &d.a2, r.a2, (error, 0)),
        line("∂L/∂z₂ = ∂L/∂a₂ ⊙ a₂(1 − a₂)", &d.z2, r.z2, (r.a2, 0)),
        line("∂L/∂W₂ = ∂L/∂z₂ a₁ᵀ", &d.w2, r.w2, (r.w2a1, 0)),
        line("∂L/∂b₂ = ∂L/∂z₂", &d.b2, r.b2, (r.z2, 1)),
        line("∂L/∂a₁ = W₂ᵀ ∂L/∂z₂", &d.a1, r.a1, (r.w2a1, 1)),
        line("∂L/∂z₁ = ∂L/∂a₁ ⊙ a₁(1 − a₁)", &d.z1, r.z1, (r.a1, 0)),
        line("∂L/∂W₁ = ∂L/∂z₁ xᵀ", &d.w1, r.w1, (r.w1x, 0)),
        line("∂L/∂b₁ = ∂L/∂z₁", &d.b1, r.b1, (r.z1, 1)),
    ]
}

/// Holds every line against the sweep.
///
/// # Errors
/// If one differs.
pub fn beside_the_sweep(
    p: &Parameters,
    d: &Derivatives,
    x: &Array2<f64>,
    y: &Array2<f64>,
) -> Result<String, String> {
    let tape = Tape::new();
    let recorded = record(&tape, p, x, y);
    let swept = recorded.loss.backward();
    let mut beside = Beside::default();
    for line in lines(&recorded, d) {
        beside.add(line.text.split(" =").next().unwrap(), line.hand, &swept.wrt(line.of));
    }
    beside.check()
}

fn main() -> ExitCode {
    shared::run(guide)
}

/// One pass with every number, then the updates repeated.
fn guide(_: &Asked) -> Outcome {
    let x = array![[1.0], [0.5]];
    let y = array![[0.0], [1.0]];
    let mut p = Parameters {
        w1: array![[0.2, 0.5], [0.8, 0.1], [-0.4, 0.3]],
        b1: array![[0.3], [0.3], [0.3]],
        w2: array![[0.6, -0.2, 0.1], [0.4, 0.7, -0.5]],
        b2: array![[0.1], [0.1]],
    };
    let f = forward(&p, &x, &y);
    let d = backward(&p, &f, &x, &y);
    let tape = Tape::new();
    let recorded = record(&tape, &p, &x, &y);
    let trace = Trace::of(recorded.loss)?;
    println!("forwards: a₂ = {}, L = {:.6}", row(&f.a2), f.loss);
    for Line { text, hand, of, step: (op, operand) } in lines(&recorded, &d) {
        let step = trace.backward().iter().find(|step| step.node.position() == op.position());
        let step = step.ok_or("the sweep passes every op")?;
        let contribution = step.formula(operand, Rounding::default()).ok_or("it contributes")?;
        println!("\n{text}");
        println!("  by hand     {}", row(hand));
        println!("  the sweep   {}", one_line(&trace.gradients().wrt(of), 6));
        let formula = op.formula().expect("an op");
        println!("  its step    {} = {formula}", op.label());
        println!("              ∂L/∂{} += {}", of.label(), contribution.names);
    }
    println!("\nequal to 1e-12: {}\n", beside_the_sweep(&p, &d, &x, &y)?);

    for step in 0..=1000 {
        let f = forward(&p, &x, &y);
        if [0, 1, 10, 100, 1000].contains(&step) {
            println!("after {step:>4} updates with η = 1: L = {:.6}, ŷ = {}", f.loss, row(&f.a2));
        }
        let d = backward(&p, &f, &x, &y);
        beside_the_sweep(&p, &d, &x, &y)?;
        update(&mut p, &d, 1.0);
    }
    println!("equal to 1e-12 in every one of them");
    Ok(())
}

/// An array on one line.
fn row(array: &Array2<f64>) -> String {
    one_line(&ops::Tensor::from(array.view()), 6)
}
