//! The programs that can be shown.

use std::fmt::Write;

use nn::prelude::*;
use tape::expression::nearest;

use super::Failure;
use super::command_line::typed;
use super::training::Weights;
use super::words::{Speech, Words};
use nn::data::Targets;

pub struct Program {
    pub name: &'static str,
    about: fn(&Words) -> &'static str,
    pub kind: Kind,
}

#[derive(Clone, Copy)]
pub enum Kind {
    /// Recorded on variables of its own; the result is what is differentiated.
    Variables(for<'t, 'p> fn(&Weights<'t, 'p>) -> Var<'t, f64>),
    /// A model that reads digits, a batch at a time.
    Digits,
}

impl Program {
    /// Records it, with the values that it starts with; the result is what is differentiated.
    pub fn record<'t>(&self, tape: &'t Tape<f64>) -> Var<'t, f64> {
        match self.kind {
            Kind::Variables(record) => record(&Weights::of_program(tape)),
            Kind::Digits => digits(tape),
        }
    }
}

/// The first is shown when none is named.
pub const PROGRAMS: [Program; 6] = [
    Program {
        name: "three-layers",
        about: Words::about_three_layers,
        kind: Kind::Variables(three_layers),
    },
    Program { name: "neuron", about: Words::about_neuron, kind: Kind::Variables(neuron) },
    Program { name: "order", about: Words::about_order, kind: Kind::Variables(order) },
    Program {
        name: "shared-weight",
        about: Words::about_shared_weight,
        kind: Kind::Variables(shared_weight),
    },
    Program {
        name: "cross-entropy",
        about: Words::about_cross_entropy,
        kind: Kind::Variables(cross_entropy),
    },
    Program { name: "digits", about: Words::about_digits, kind: Kind::Digits },
];

/// The programs and what they show, a line each.
pub fn list(speech: Speech) -> String {
    let mut list = String::new();
    for (i, Program { name, about, .. }) in PROGRAMS.iter().enumerate() {
        let about = about(speech.words());
        let about = if i == 0 { speech.shown_unless_told(about) } else { about.to_owned() };
        let _ = writeln!(list, "  {name:<16} {about}");
    }
    list
}

pub fn find(name: Option<&str>, speech: Speech) -> Result<&'static Program, Failure> {
    let Some(name) = name else { return Ok(&PROGRAMS[0]) };
    PROGRAMS.iter().find(|program| program.name == name).ok_or_else(|| {
        let near = nearest(name, PROGRAMS.iter().map(|program| program.name));
        let list = list(speech);
        Failure::Misuse(match near.first() {
            Some(near) => speech.no_program_but(typed(name), near, list),
            None => speech.no_program(typed(name), list),
        })
    })
}

/// Lesson 3: an input layer of two, a hidden layer of two sigmoid units and one sigmoid output.
fn three_layers<'t>(weights: &Weights<'t, '_>) -> Var<'t, f64> {
    let tape = weights.tape();
    let x = tape.constant([0.05, 0.10]).named("x");
    let t = tape.constant([0.01]).named("t");
    let a2 = tape.scope("hidden layer", || {
        let w2 = weights.get("W₂", [[0.15, 0.20], [0.25, 0.30]]);
        let b2 = weights.get("b₂", [0.35, 0.35]);
        let z2 = (w2.matmul(x).named("W₂x") + b2).named("z₂");
        z2.sigmoid().named("a₂")
    });
    let a3 = tape.scope("output layer", || {
        let w3 = weights.get("W₃", [[0.40, 0.45]]);
        let b3 = weights.get("b₃", [0.60]);
        let z3 = (w3.matmul(a2).named("W₃a₂") + b3).named("z₃");
        z3.sigmoid().named("a₃")
    });
    let e = (a3 - t).named("e");
    (e.square().named("s").sum().named("S") * 0.5).named("C")
}

fn neuron<'t>(weights: &Weights<'t, '_>) -> Var<'t, f64> {
    let (w, b) = (weights.get("w", 0.5), weights.get("b", 0.1));
    let (x, t) = (weights.tape().constant(2.0).named("x"), weights.tape().constant(1.0).named("t"));
    let z = (w * x + b).named("z");
    let y = z.tanh().named("y");
    (y - t).named("e").square().named("L")
}

fn order<'t>(weights: &Weights<'t, '_>) -> Var<'t, f64> {
    let a = weights.get("a", 3.0);
    let b = (a + a).named("b");
    (b + b).named("c")
}

/// A recurrence of three steps, each with the same weight.
fn shared_weight<'t>(weights: &Weights<'t, '_>) -> Var<'t, f64> {
    let w = weights.get("w", 0.8);
    let tape = weights.tape();
    let mut h = tape.constant(0.5).named("h₀");
    for (step, name) in ["h₁", "h₂", "h₃"].into_iter().enumerate() {
        h = tape.scope(format!("step {}", step + 1), || (w * h).tanh().named(name));
    }
    h
}

/// Lesson 9: a classifier's three numbers z, of which the second class is right.
fn cross_entropy<'t>(weights: &Weights<'t, '_>) -> Var<'t, f64> {
    let z = weights.get("z", [2.0, 0.5, -1.0]);
    let y = weights.tape().constant([0.0, 1.0, 0.0]).named("y");
    let e = z.exp().named("e");
    let p = (e / e.sum().named("S")).named("p");
    (-(y * p.ln().named("ln p")).sum()).named("L")
}

/// A batch of 32 digits through a network of 64, 48 and 10 units, to its loss.
fn digits(tape: &Tape<f64>) -> Var<'_, f64> {
    let data = nn::data::digits::<f64>();
    let batch = data.batches(32, Some(0)).expect("32 is no empty batch").next();
    let batch = batch.expect("there are digits");
    let (pass, model) = (Pass::train(tape, 0), reader_of_digits());
    let loss = loss_of_digits(&pass, &model, &batch.inputs, &batch.targets);
    pass.name_parameters(&model);
    loss
}

/// A network of 64, 48 and 10 units, before training.
pub fn reader_of_digits() -> Sequential<f64> {
    let mut rng = nn::rng(0);
    let (hidden, output) = (Dense::new(64, 48, &mut rng), Dense::new(48, 10, &mut rng));
    Sequential::new().then(hidden).then(Relu).then(output)
}

/// The loss of the network on some digits.
pub fn loss_of_digits<'t>(
    pass: &Pass<'t, f64>,
    model: &Sequential<f64>,
    inputs: &Tensor<f64>,
    targets: &Targets<f64>,
) -> Var<'t, f64> {
    let input = pass.input(inputs).named("digits");
    let scores = model.forward(pass, input).named("scores");
    let loss = CrossEntropy.loss(scores, targets);
    loss.expect("a score for each of the ten digits").named("loss")
}
