//! The programs that can be shown.

use std::fmt::Write;

use nn::prelude::*;
use tape::expression::nearest;

use super::Failure;

pub struct Program {
    pub name: &'static str,
    about: &'static str,
    /// Records it; the result is what is differentiated.
    pub record: for<'t> fn(&'t Tape<f64>) -> Var<'t, f64>,
}

/// The first is shown when none is named.
pub const PROGRAMS: [Program; 6] = [
    Program {
        name: "three-layers",
        about: "the textbook's network of three layers",
        record: three_layers,
    },
    Program { name: "neuron", about: "one neuron and its error", record: neuron },
    Program { name: "order", about: "b = a + a; c = b + b: why the order matters", record: order },
    Program {
        name: "shared-weight",
        about: "one weight used at three places",
        record: shared_weight,
    },
    Program {
        name: "cross-entropy",
        about: "softmax and cross-entropy, op by op",
        record: cross_entropy,
    },
    Program {
        name: "digits",
        about: "one training step of a network that reads digits",
        record: digits,
    },
];

/// The programs and what they show, a line each.
pub fn list() -> String {
    let mut list = String::new();
    for (i, Program { name, about, .. }) in PROGRAMS.iter().enumerate() {
        let default = if i == 0 { "; shown unless told" } else { "" };
        let _ = writeln!(list, "  {name:<16} {about}{default}");
    }
    list
}

pub fn find(name: Option<&str>) -> Result<&'static Program, Failure> {
    let Some(name) = name else { return Ok(&PROGRAMS[0]) };
    PROGRAMS.iter().find(|program| program.name == name).ok_or_else(|| {
        let near = nearest(name, PROGRAMS.iter().map(|program| program.name));
        let hint = near.first().map_or(String::new(), |near| format!(" Did you mean {near}?"));
        let list = list();
        Failure::Misuse(format!("there is no program {name}.{hint} The programs are:\n{list}"))
    })
}

/// Lesson 3: an input layer of two, a hidden layer of two sigmoid units and one sigmoid output.
fn three_layers(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.constant([0.05, 0.10]).named("x");
    let t = tape.constant([0.01]).named("t");
    let a2 = tape.scope("hidden layer", || {
        let w2 = tape.var([[0.15, 0.20], [0.25, 0.30]]).named("W₂");
        let b2 = tape.var([0.35, 0.35]).named("b₂");
        let z2 = (w2.matmul(x).named("W₂x") + b2).named("z₂");
        z2.sigmoid().named("a₂")
    });
    let a3 = tape.scope("output layer", || {
        let w3 = tape.var([[0.40, 0.45]]).named("W₃");
        let b3 = tape.var([0.60]).named("b₃");
        let z3 = (w3.matmul(a2).named("W₃a₂") + b3).named("z₃");
        z3.sigmoid().named("a₃")
    });
    let e = (a3 - t).named("e");
    (e.square().named("s").sum().named("S") * 0.5).named("C")
}

fn neuron(tape: &Tape<f64>) -> Var<'_, f64> {
    let (w, b) = (tape.var(0.5).named("w"), tape.var(0.1).named("b"));
    let (x, t) = (tape.constant(2.0).named("x"), tape.constant(1.0).named("t"));
    let z = (w * x + b).named("z");
    let y = z.tanh().named("y");
    (y - t).named("e").square().named("L")
}

fn order(tape: &Tape<f64>) -> Var<'_, f64> {
    let a = tape.var(3.0).named("a");
    let b = (a + a).named("b");
    (b + b).named("c")
}

/// A recurrence of three steps, each with the same weight.
fn shared_weight(tape: &Tape<f64>) -> Var<'_, f64> {
    let w = tape.var(0.8).named("w");
    let mut h = tape.constant(0.5).named("h₀");
    for (step, name) in ["h₁", "h₂", "h₃"].into_iter().enumerate() {
        h = tape.scope(format!("step {}", step + 1), || (w * h).tanh().named(name));
    }
    h
}

/// Lesson 9: a classifier's three numbers z, of which the second class is right.
fn cross_entropy(tape: &Tape<f64>) -> Var<'_, f64> {
    let z = tape.var([2.0, 0.5, -1.0]).named("z");
    let y = tape.constant([0.0, 1.0, 0.0]).named("y");
    let e = z.exp().named("e");
    let p = (e / e.sum().named("S")).named("p");
    (-(y * p.ln().named("ln p")).sum()).named("L")
}

/// A batch of 32 digits through a network of 64, 48 and 10 units, to its loss.
fn digits(tape: &Tape<f64>) -> Var<'_, f64> {
    let data = nn::data::digits::<f64>();
    let batch = data.batches(32, Some(0)).expect("32 is no empty batch").next();
    let batch = batch.expect("there are digits");
    let mut rng = nn::rng(0);
    let (hidden, output) = (Dense::new(64, 48, &mut rng), Dense::new(48, 10, &mut rng));
    let pass = Pass::train(tape, 0);
    let model = Sequential::new().then(hidden).then(Relu).then(output);
    let input = pass.input(&batch.inputs).named("digits");
    let scores = model.forward(&pass, input).named("scores");
    pass.name_parameters(&model);
    let loss = CrossEntropy.loss(scores, &batch.targets);
    loss.expect("a score for each of the ten digits").named("loss")
}
