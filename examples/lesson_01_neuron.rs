//! Lesson 1: one neuron, forwards and backwards, every number of it.
//!
//! `cargo run --example lesson_01_neuron`

#[path = "lessons/en/lesson_01.rs"]
mod en;
#[path = "lessons/mod.rs"]
mod lessons;

use std::process::ExitCode;

use tape::prelude::*;
use tape::{Trace, check::Check};

use lessons::{Asked, Outcome, say};

tape::catalogue! {
    /// What the lesson says, in its order; `lessons/en/lesson_01.rs` has the text.
    pub struct Words {
        a_neuron_and_its_adjoints();
        three_kinds_of_step(bend, twice, slope);
        grew_and_promised(grew, promised);
        the_rest_is_the_curve();
        all_derivatives_agree(count, error);
    }
}
text! { "en": en::WORDS }

fn neuron<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    let [w, x, b] = [v[0], v[1], v[2]];
    let p = (w * x).named("p");
    let z = (p + b).named("z");
    z.tanh().named("y")
}

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked<Words>) -> Outcome {
    let words = asked.words;
    say(words.a_neuron_and_its_adjoints());
    let tape = Tape::new();
    let w = tape.var(0.5).named("w");
    let x = tape.var(2.0).named("x");
    let b = tape.var(0.1).named("b");
    let y = neuron(&[w, x, b]);
    let trace = Trace::of(y)?;
    asked.show(&trace, 4)?;

    let slope = trace.gradient(w).expect("w is a variable").item();
    let (bend, twice) = (1.0 - y.item() * y.item(), x.item());
    let four = |x: f64| format!("{x:.4}");
    say(&words.three_kinds_of_step(four(bend), twice, four(slope)));
    let step = 1e-3;
    let moved = neuron(&[tape.var(0.5 + step), x, b]);
    let (grew, promised) = (moved.item() - y.item(), slope * step);
    let seven = |x: f64| format!("{x:.7}");
    println!("{}", words.grew_and_promised(seven(grew), seven(promised)));
    say(words.the_rest_is_the_curve());
    asked.page(y)?;

    // The rest of Taylor's series: at most max |y''| / 2 · step², with |tanh''| < 0.77 and x = 2.
    let close = (grew - promised).abs() < 0.77 * 4.0 / 2.0 * step * step;
    let report = Check::new().run(neuron, &[w.value(), x.value(), b.value()])?;
    let error = format!("{:.0e}", report.worst.error);
    let what = words.all_derivatives_agree(report.compared, error);
    asked.check(&what, close && report.compared == 3)
}
