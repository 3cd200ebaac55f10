//! Lesson 3: backpropagation of the textbook's three-layer network, every number of it.
//!
//! One sample goes through an input layer of two, a hidden layer of two sigmoid units and one
//! sigmoid output, to half the squared error. Then every step of the sweep is shown, and its result is
//! compared with the textbook's δ, worked out by hand, and with finite differences.
//!
//! Notation as in Nielsen's chapter 2, with the number of the layer below.
//!
//! `cargo run --example lesson_03_textbook`

#[path = "lessons/en/lesson_03.rs"]
mod en;
#[path = "lessons/mod.rs"]
mod lessons;

use std::process::ExitCode;

use ops::Tensor;
use tape::check::Check;
use tape::prelude::*;
use tape::{Trace, one_line};

use lessons::{Asked, Outcome, difference, say};

tape::catalogue! {
    /// What the lesson says, in its order; `lessons/en/lesson_03.rs` has the text.
    pub struct Words {
        four_equations();
        now_by_hand();
        by_hand_and_swept(name, by_hand, swept);
        the_textbooks_delta(worst, count, error);
    }
}
text! { "en": en::WORDS }

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

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked<Words>) -> Outcome {
    let words = asked.words;
    say(words.four_equations());
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
    asked.show(&trace, 6)?;

    say(words.now_by_hand());
    let by_hand = by_hand(&tape);
    let mut worst = 0.0_f64;
    for ((name, hand), &v) in names.iter().zip(&by_hand).zip(&parameters) {
        let swept = trace.gradients().wrt(v);
        println!("{}", words.by_hand_and_swept(name, one_line(hand, 9), one_line(&swept, 9)));
        worst = worst.max(difference(&swept.to_vec(), &hand.to_vec()));
    }
    println!();
    asked.page(c)?;
    let report = Check::new().second_order().run(cost, &values)?;
    let [apart, error] = [worst, report.worst.error].map(|x| format!("{x:.0e}"));
    let what = words.the_textbooks_delta(apart, report.compared, error);
    asked.check(&what, worst < 1e-15)
}

/// The textbook's equations: ∂C/∂W₂, ∂C/∂b₂, ∂C/∂W₃ and ∂C/∂b₃ from the numbers of the forward pass.
fn by_hand(tape: &Tape<f64>) -> [Tensor<f64>; 4] {
    let find = |name: &str| tape.vars().find(|v| v.label() == name).expect("a named value");
    let numbers = |name: &str| find(name).value().to_vec();
    let (x, t, w3) = (numbers("x"), numbers("t"), numbers("W₃"));
    let (a2, a3) = (numbers("a₂"), numbers("a₃"));
    // ANCHOR: textbook
    // BP1: δ³ = (a₃ − t) σ′(z₃), with σ′ = a(1 − a).
    let delta3 = (a3[0] - t[0]) * a3[0] * (1.0 - a3[0]);
    // BP2: δ² = (W₃ᵀ δ³) ⊙ σ′(z₂).
    let delta2: Vec<f64> = (0..2).map(|j| w3[j] * delta3 * a2[j] * (1.0 - a2[j])).collect();
    // BP4: ∂C/∂W_jk = δ_j a_k of the layer before.  BP3: ∂C/∂b = δ.
    [
        Tensor::from([[delta2[0] * x[0], delta2[0] * x[1]], [delta2[1] * x[0], delta2[1] * x[1]]]),
        Tensor::from(delta2),
        Tensor::from([[delta3 * a2[0], delta3 * a2[1]]]),
        Tensor::from([delta3]),
    ]
    // ANCHOR_END: textbook
}
