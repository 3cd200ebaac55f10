//! Writes the gallery: twelve small programs, each as a page that steps through both passes.
//!
//! `cargo run -p tape --features page --example gallery -- docs/gallery`

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use ops::Tensor;
use ops::rules::Slide;
use tape::prelude::*;
use tape::{Tape, Trace, Var, page};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(env::args().nth(1).ok_or("into which directory?")?);
    fs::create_dir_all(&directory)?;
    for (name, text) in files() {
        fs::write(directory.join(name), text)?;
    }
    Ok(())
}

/// A page of the gallery.
struct Exhibit {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    record: for<'t> fn(&'t Tape<f64>) -> Var<'t, f64>,
}

const EXHIBITS: [Exhibit; 12] = [
    Exhibit {
        name: "chain-rule",
        title: "The chain rule",
        about: "One neuron: along a chain, local derivatives multiply.",
        record: chain_rule,
    },
    Exhibit {
        name: "shared-weight",
        title: "A shared weight",
        about: "One weight used at three places: its contributions add.",
        record: shared_weight,
    },
    Exhibit {
        name: "order",
        title: "Order",
        about: "A value must wait until all its uses have reported.",
        record: order,
    },
    Exhibit {
        name: "dead-relu",
        title: "A dead relu",
        about: "A unit that is off passes nothing on, and cannot learn.",
        record: dead_relu,
    },
    Exhibit {
        name: "vanishing-gradient",
        title: "A vanishing gradient",
        about: "Five sigmoids in a row: each takes at least three quarters away.",
        record: vanishing_gradient,
    },
    Exhibit {
        name: "broadcasting",
        title: "Broadcasting",
        about: "What was spread over the rows is summed over the rows.",
        record: broadcasting,
    },
    Exhibit {
        name: "cross-entropy",
        title: "Softmax and cross-entropy",
        about: "Op by op, and yet the gradient of the scores is p - y.",
        record: cross_entropy,
    },
    Exhibit {
        name: "convolution",
        title: "One convolution",
        about: "One kernel at every place: its gradient is a convolution too.",
        record: convolution,
    },
    Exhibit {
        name: "lstm-step",
        title: "One step of an LSTM",
        about: "Three gates, and a cell state that a gradient passes unhindered.",
        record: lstm_step,
    },
    Exhibit {
        name: "attention",
        title: "Attention of three words",
        about: "One query looks at three keys and takes a weighted mean.",
        record: attention,
    },
    Exhibit {
        name: "batch-norm",
        title: "Batch norm",
        about: "Through mean and variance every sample feels every other.",
        record: batch_norm,
    },
    Exhibit {
        name: "adam-step",
        title: "One step of Adam",
        about: "From the gradient to the new weight, and the loss that it gives.",
        record: adam_step,
    },
];

/// The files by name: the pages, and an index that leads to them.
fn files() -> Vec<(String, String)> {
    let page = |exhibit: &Exhibit| {
        let tape = Tape::new();
        let trace = Trace::of((exhibit.record)(&tape)).expect("a scalar of variables");
        let settings = page::Settings {
            title: Some(format!("{}, step by step", exhibit.title)),
            ..page::Settings::default()
        };
        (format!("{}.html", exhibit.name), trace.to_html(&settings))
    };
    let mut files: Vec<(String, String)> = EXHIBITS.iter().map(page).collect();
    files.push(("index.html".to_owned(), index()));
    files
}

/// The page that leads to the others.
fn index() -> String {
    let entry = |Exhibit { name, title, about, .. }: &Exhibit| {
        format!("<dt><a href=\"{name}.html\">{title}</a></dt>\n<dd>{about}</dd>\n")
    };
    let entries: Vec<String> = EXHIBITS.iter().map(entry).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Backpropagation, step by step</title>\n</head>\n<body>\n<main>\n\
         <h1>Backpropagation, step by step</h1>\n\
         <p>Each page walks through both passes of a small program, with every number. Keys: left \
         and right turn the steps, e asks you for the numbers, ? tells the rest.</p>\n<dl>\n{}\
         </dl>\n</main>\n</body>\n</html>\n",
        entries.concat()
    )
}

fn chain_rule(tape: &Tape<f64>) -> Var<'_, f64> {
    let (w, b) = (tape.var(0.5).named("w"), tape.var(0.1).named("b"));
    let (x, t) = (tape.constant(2.0).named("x"), tape.constant(1.0).named("t"));
    let p = (w * x).named("p");
    let z = (p + b).named("z");
    let y = z.tanh().named("y");
    (y - t).named("e").square().named("L")
}

fn shared_weight(tape: &Tape<f64>) -> Var<'_, f64> {
    let w = tape.var(0.8).named("w");
    let mut h = tape.constant(0.5).named("h₀");
    for (product, result) in [("p₁", "h₁"), ("p₂", "h₂"), ("p₃", "h₃")] {
        h = (w * h).named(product).tanh().named(result);
    }
    h
}

fn order(tape: &Tape<f64>) -> Var<'_, f64> {
    let a = tape.var(3.0).named("a");
    let b = (a + a).named("b");
    (b + b).named("c")
}

fn dead_relu(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.constant([1.0, -2.0]).named("x");
    let w = tape.var([[0.5, 0.4], [0.8, -0.3]]).named("W");
    let b = tape.var([0.1, 0.2]).named("b");
    let z = (w.matmul(x).named("p") + b).named("z");
    let a = z.relu().named("a");
    let t = tape.constant([0.0, 1.0]).named("t");
    (a - t).named("e").square().named("s").sum().named("L")
}

fn vanishing_gradient(tape: &Tape<f64>) -> Var<'_, f64> {
    let mut a = tape.constant(1.0).named("a₀");
    let names = [("w₁", "z₁", "a₁"), ("w₂", "z₂", "a₂"), ("w₃", "z₃", "a₃"), ("w₄", "z₄", "a₄")];
    for (weight, product, result) in names.into_iter().chain([("w₅", "z₅", "a₅")]) {
        let w = tape.var(1.0).named(weight);
        a = (w * a).named(product).sigmoid().named(result);
    }
    (a - tape.constant(0.0).named("t")).named("e").square().named("L")
}

fn broadcasting(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).named("X");
    let b = tape.var([0.5, -0.5, 1.0]).named("b");
    let z = (x + b).named("Z");
    let weights = tape.constant([[1.0, 0.0, 2.0], [3.0, 1.0, 0.0]]).named("T");
    (z * weights).named("M").sum().named("L")
}

fn cross_entropy(tape: &Tape<f64>) -> Var<'_, f64> {
    let z = tape.var([2.0, 0.5, -1.0]).named("z");
    let y = tape.constant([0.0, 1.0, 0.0]).named("y");
    let e = z.exp().named("e");
    let p = (e / e.sum().named("S")).named("p");
    let l = p.ln().named("l");
    let chosen = (y * l).named("c").sum().named("C");
    (-chosen).named("L")
}

fn convolution(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.var([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 1.0, 0.0]]).named("x");
    let k = tape.var([[0.5, -1.0], [1.0, 0.5]]).named("k");
    // A batch of one image with one channel.
    let (image, kernel) = (x.reshape([1, 1, 3, 3]).named("X"), k.reshape([1, 1, 2, 2]));
    let z = image.conv(kernel.named("K"), &[Slide::new(2), Slide::new(2)], 1).named("Z");
    let a = z.reshape([2, 2]).named("z").relu().named("a");
    a.sum().named("L")
}

fn lstm_step(tape: &Tape<f64>) -> Var<'_, f64> {
    let (h, c) = (tape.var(0.4).named("h₀"), tape.var(-0.2).named("c₀"));
    let x = tape.constant(1.0).named("x");
    let gate = |names: [&str; 6], (w, u): (f64, f64)| {
        let [weight, recurrent, share, past, sum, _] = names;
        let (w, u) = (tape.var(w).named(weight), tape.var(u).named(recurrent));
        ((w * x).named(share) + (u * h).named(past)).named(sum)
    };
    let f = gate(["w_f", "u_f", "x_f", "h_f", "z_f", "f"], (0.7, 0.1)).sigmoid().named("f");
    let i = gate(["w_i", "u_i", "x_i", "h_i", "z_i", "i"], (0.5, -0.3)).sigmoid().named("i");
    let g = gate(["w_g", "u_g", "x_g", "h_g", "z_g", "g"], (0.9, 0.4)).tanh().named("g");
    let o = gate(["w_o", "u_o", "x_o", "h_o", "z_o", "o"], (0.2, 0.6)).sigmoid().named("o");
    let next = ((f * c).named("k") + (i * g).named("n")).named("c₁");
    let shown = (o * next.tanh().named("m")).named("h₁");
    (shown - tape.constant(1.0).named("t")).named("e").square().named("L")
}

fn attention(tape: &Tape<f64>) -> Var<'_, f64> {
    let q = tape.var([1.0, 0.5]).named("q");
    let k = tape.var([[0.2, 0.9], [1.0, -0.4], [-0.6, 0.3]]).named("K");
    let v = tape.var([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]).named("V");
    let scores = k.matmul(q).named("s");
    let root = tape.constant(2_f64.sqrt()).named("√d");
    let weights = (scores / root).named("r").softmax(-1).named("a");
    let out = weights.matmul(v).named("o");
    let t = tape.constant([1.0, 0.0]).named("t");
    (out - t).named("e").square().named("l").sum().named("L")
}

fn batch_norm(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.var([1.0, 2.0, 4.0, 5.0]).named("x");
    let (scale, shift) = (tape.var(1.5).named("γ"), tape.var(0.2).named("β"));
    let mean = x.mean().named("μ");
    let centred = (x - mean).named("d");
    let variance = centred.square().named("q").mean().named("v");
    let epsilon = tape.constant(1e-5).named("ε");
    let deviation = (variance + epsilon).named("w").sqrt().named("σ");
    let normal = (centred / deviation).named("n");
    let y = ((scale * normal).named("p") + shift).named("y");
    let t = tape.constant([0.0, 0.0, 1.0, 1.0]).named("t");
    (y - t).named("e").square().named("l").mean().named("L")
}

/// Kingma and Ba, *Adam: a method for stochastic optimization*, 2015, algorithm 1, at its first step.
fn adam_step(tape: &Tape<f64>) -> Var<'_, f64> {
    let fixed = |name: &str, value: f64| tape.constant(Tensor::scalar(value)).named(name);
    let (w, x, t) = (tape.var(0.5).named("w"), fixed("x", 2.0), fixed("t", 3.0));
    let before = ((w * x).named("y") - t).named("e").square().named("L");
    // The gradient that the step takes, as a number: no derivative is taken of it.
    let gradient = fixed("g", before.backward().wrt(w).item());
    let (first, second) = (fixed("β₁", 0.9), fixed("β₂", 0.999));
    let one = fixed("1", 1.0);
    let (rest_first, rest_second) = ((one - first).named("r₁"), (one - second).named("r₂"));
    let m = (rest_first * gradient).named("m");
    let v = (rest_second * gradient.square().named("g²")).named("v");
    let (m_hat, v_hat) = ((m / rest_first).named("m̂"), (v / rest_second).named("v̂"));
    let rate = fixed("η", 0.1);
    let root = (v_hat.sqrt().named("s") + fixed("ε", 1e-8)).named("d");
    let step = (rate * (m_hat / root).named("u")).named("Δ");
    let next = (w - step).named("w′");
    ((next * x).named("y′") - t).named("e′").square().named("L′")
}
