//! Lesson 3: backpropagation of the textbook's three-layer network, every number of it.
//!
//! One sample goes through an input layer of two, a hidden layer of two sigmoid units and one
//! sigmoid output, to half the squared error. Then each node of the reverse sweep is shown: the
//! adjoint that comes in, the local derivative as a formula read from the op's rule and as
//! numbers, and what it contributes to each operand. At the end the result is compared with the
//! textbook's δ, worked out by hand, and with finite differences.
//!
//! Notation as in Nielsen's chapter 2, with the number of the layer below: z₂ = W₂ x + b₂, a₂ = σ(z₂),
//! z₃ = W₃ a₂ + b₃, a₃ = σ(z₃). The other names: e = a₃ − t, s its square, S the sum, C = S/2.
//!
//! `cargo run --example lesson_03_textbook`

mod lessons;

use ops::Tensor;
use tape::check::Check;
use tape::prelude::*;
use tape::{Trace, one_line};

use lessons::{Asked, Outcome, check, difference};

// ANCHOR: cost
/// The network: the cost of one sample, given W₂, b₂, W₃, b₃.
fn cost<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    let [w2, b2, w3, b3] = [v[0], v[1], v[2], v[3]];
    let tape = w2.tape();
    let x = tape.constant([0.05, 0.10]).named("x");
    let t = tape.constant([0.01]).named("t");
    let z2 = (w2.matmul(x).named("W₂x") + b2).named("z₂");
    let a2 = z2.sigmoid().named("a₂");
    let z3 = (w3.matmul(a2).named("W₃a₂") + b3).named("z₃");
    let a3 = z3.sigmoid().named("a₃");
    let error = (a3 - t).named("e");
    (error.square().named("s").sum().named("S") * 0.5).named("C")
}
// ANCHOR_END: cost

fn main() -> Outcome {
    let asked = Asked::from_command_line()?;
    let values = [
        Tensor::from([[0.15, 0.20], [0.25, 0.30]]),
        Tensor::from([0.35, 0.35]),
        Tensor::from([[0.40, 0.45]]),
        Tensor::from([0.60]),
    ];
    let tape = Tape::<f64>::new();
    let names = ["W₂", "b₂", "W₃", "b₃"];
    let parameters: Vec<_> =
        values.iter().zip(names).map(|(value, name)| tape.var(value).named(name)).collect();

    let c = cost(&parameters);
    let trace = Trace::of(c)?;
    print!("{trace}");

    println!("\nTHE TEXTBOOK'S δ, by hand, against the sweep\n");
    let find = |name: &str| tape.vars().find(|v| v.label() == name).expect("a named value");
    let numbers = |name: &str| find(name).value().to_vec();
    let (x, t, a2, a3) = (numbers("x"), numbers("t"), numbers("a₂"), numbers("a₃"));
    let w3 = values[2].to_vec();
    // ANCHOR: textbook
    // BP1: δ³ = (a₃ − t) σ′(z₃), with σ′ = a(1 − a).
    let delta3 = (a3[0] - t[0]) * a3[0] * (1.0 - a3[0]);
    // BP2: δ² = (W₃ᵀ δ³) ⊙ σ′(z₂).
    let delta2: Vec<f64> = (0..2).map(|j| w3[j] * delta3 * a2[j] * (1.0 - a2[j])).collect();
    // BP3: ∂C/∂b = δ.  BP4: ∂C/∂W_jk = δ_j a_k of the layer before.
    let by_hand = [
        Tensor::from([[delta2[0] * x[0], delta2[0] * x[1]], [delta2[1] * x[0], delta2[1] * x[1]]]),
        Tensor::from(delta2),
        Tensor::from([[delta3 * a2[0], delta3 * a2[1]]]),
        Tensor::from([delta3]),
    ];
    // ANCHOR_END: textbook
    let mut worst = 0.0_f64;
    for ((name, hand), &v) in names.iter().zip(&by_hand).zip(&parameters) {
        let swept = trace.gradients().wrt(v);
        println!("∂C/∂{name}  by hand {}", one_line(hand, 9));
        println!("       sweep   {}", one_line(&swept, 9));
        worst = worst.max(difference(&swept.to_vec(), &hand.to_vec()));
    }
    let report = Check::new().second_order().run(cost, &values)?;
    println!("\nFINITE DIFFERENCES: {report}");
    asked.page(c)?;
    check("the sweep gives the textbook's δ, and finite differences agree", worst < 1e-15)
}
