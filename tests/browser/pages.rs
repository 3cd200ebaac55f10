//! Writes the pages that the tests beside it open, each with the gradients of `backward()`
//! beside it, as the bits of their numbers.
//!
//! `cargo run -p tape --features page --example browser_pages -- DIRECTORY`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ops::rules::Slide;
use ops::{Float, Naming, Number, Tensor, UpdateRule, any_update};
use serde_json::{Value, json};
use tape::prelude::*;
use tape::trace::{Change, Run, RunStep, Update};
use tape::words::Language;
use tape::{Trace, page};

#[path = "../../crates/tape/tests/common/marks.rs"]
#[allow(dead_code)] // Here nothing is read, only written.
mod marks;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(env::args().nth(1).ok_or("which directory?")?);
    fs::create_dir_all(&directory)?;
    let write = |name: &str, output: Var<'_, f64>| save(&directory, name, output, 500);
    let tape = Tape::new();
    write("neuron", neuron(&tape))?;
    write("sum", sum(&tape))?;
    write("cross-entropy", cross_entropy(&tape))?;
    write("scalars", scalars(&tape))?;
    write("network", network(&tape))?;
    write("layers", layers(&tape))?;
    write("hostile", hostile(&tape))?;
    write("second-order", second_order(&tape))?;
    write("not-finite", not_finite(&tape))?;
    write("pictures", pictures(&tape))?;
    write("dead", dead(&tape))?;
    save(&directory, "single", single(&Tape::new()), 500)?;
    save(&directory, "large", chain(&tape, 2000), 60)?;
    marked(&directory)
}

/// Pages in a language that sets every sentence in brackets.
fn marked(directory: &Path) -> Result<(), Box<dyn Error>> {
    let tape = Tape::new();
    let mut settings = page::Settings::default();
    settings.document.language = marks::marked_views();
    let outputs = [
        ("sum", sum(&tape)),
        ("cross-entropy", cross_entropy(&tape)),
        ("network", network(&tape)),
        ("pictures", pictures(&tape)),
        ("dead", dead(&tape)),
        ("large", chain(&tape, 2000)),
    ];
    for (name, output) in outputs {
        // Of the large one a part.
        settings.document.nodes = if name == "large" { 8 } else { 500 };
        let file = directory.join(format!("marked-{name}.html"));
        Trace::of(output)?.write_html(file, &settings)?;
    }
    run(&tape)?.write_html(directory.join("marked-run.html"), 0, &settings)?;
    Ok(())
}

fn save<A: Float>(
    directory: &Path,
    name: &str,
    output: Var<'_, A>,
    nodes: usize,
) -> Result<(), Box<dyn Error>> {
    let mut settings = page::Settings::default();
    settings.document.nodes = nodes;
    let trace = Trace::of(output)?;
    trace.write_html(directory.join(format!("{name}.html")), &settings)?;
    let gradients = output.backward();
    let expected = |x: &Var<'_, A>| {
        let bits = |number: &A| format!("{:016x}", number.to_f64().to_bits());
        let gradient = gradients.try_wrt(*x).ok()?;
        let bits: Vec<String> = gradient.view().iter().map(bits).collect();
        Some(json!({ "position": x.position(), "bits": bits }))
    };
    let expected: Vec<Value> = trace.nodes().iter().filter_map(expected).collect();
    fs::write(directory.join(format!("{name}.json")), Value::from(expected).to_string())?;
    Ok(())
}

/// y = tanh(w x + b), squared distance to a target.
fn neuron(tape: &Tape<f64>) -> Var<'_, f64> {
    let (w, x) = (tape.var(-0.138).named("w"), tape.constant(0.5).named("x"));
    let b = tape.var(0.1).named("b");
    let y = (w * x + b).tanh().named("y");
    (y - 1.0).square().named("loss")
}

/// Why the order matters: a must wait for both of its uses.
fn sum(tape: &Tape<f64>) -> Var<'_, f64> {
    let a = tape.var(3.0).named("a");
    let b = (a + a).named("b");
    (b * b + a).named("c")
}

/// Softmax cross-entropy of three samples.
fn cross_entropy(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.constant([[0.5, -1.2], [1.5, 0.3], [-0.7, 0.9]]).named("x");
    let w = tape.var([[0.2, -0.4, 0.1], [0.7, 0.3, -0.6]]).named("w");
    let b = tape.var([0.05, 0.0, -0.05]).named("b");
    let logits = (x.matmul(w) + b).named("logits");
    let target = tape.constant([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).named("target");
    let likelihood = (target * logits.log_softmax(-1)).sum();
    (-likelihood / 3.0).named("loss")
}

/// A network of scalars, as micrograd builds it: more than 200 nodes.
fn scalars(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = [tape.constant(0.8).named("x0"), tape.constant(-0.3).named("x1")];
    let h = neurons("hidden", &x, 6);
    let h = neurons("second", &h, 7);
    let y = neurons("out", &h, 1)[0];
    (y - 0.5).square().named("loss")
}

/// The same larger, each layer in a scope: nearly 500 nodes, as many as a page draws unless told.
fn layers(tape: &Tape<f64>) -> Var<'_, f64> {
    let x: Vec<_> =
        (0..3).map(|i| tape.constant(0.3 * f64::from(i)).named(format!("x{i}"))).collect();
    let h = tape.scope("hidden", || neurons("hidden", &x, 8));
    let h = tape.scope("second", || neurons("second", &h, 10));
    let y = tape.scope("out", || neurons("out", &h, 4));
    let squares =
        tape.scope("loss", || y.iter().map(|&y| (y - 0.5).square()).reduce(|sum, term| sum + term));
    squares.expect("four outputs").named("loss")
}

fn neurons<'t>(layer: &str, inputs: &[Var<'t, f64>], count: usize) -> Vec<Var<'t, f64>> {
    let tape = inputs[0].tape();
    let given = |name: String| {
        let number = (tape.len() * 37 % 19) as f64 / 10.0 - 0.9;
        tape.var(number).named(format!("{layer}.{name}"))
    };
    let neuron = |j: usize| {
        let weighted = inputs.iter().enumerate().map(|(i, &x)| given(format!("w{j}{i}")) * x);
        weighted.fold(given(format!("b{j}")), |sum, term| sum + term).tanh()
    };
    (0..count).map(neuron).collect()
}

/// Layers in scopes, in `f64` tensors too large to be shown in full.
fn network<'t>(tape: &'t Tape<f64>) -> Var<'t, f64> {
    let wave = |length: usize| (0..length).map(|i| (i as f64 * 0.7).sin() / 3.0);
    let matrix = |rows: usize, columns: usize| {
        Tensor::from_shape_vec(&[rows, columns], wave(rows * columns).collect()).unwrap()
    };
    let dense = |x: Var<'t, f64>, inputs: usize, outputs: usize| {
        let w = tape.var(matrix(inputs, outputs)).named("weight");
        let b = tape.var(matrix(1, outputs)).named("bias");
        x.matmul(w) + b
    };
    let x = tape.constant(matrix(4, 12)).named("images");
    let y = tape.scope("model", || {
        let h = tape.scope("0 Dense", || dense(x, 12, 8));
        let h = tape.scope("1 Tanh", || h.tanh());
        let h = tape.scope("2 Residual", || {
            let inner = tape.scope("0 Dense", || dense(h, 8, 8));
            h + tape.scope("1 Relu", || inner.relu())
        });
        tape.scope("3 Dense", || dense(h, 8, 3))
    });
    let target = tape.constant(
        Tensor::from_shape_vec(&[4, 3], vec![1., 0., 0., 0., 1., 0., 0., 0., 1., 1., 0., 0.])
            .unwrap(),
    );
    let loss = tape.scope("loss", || -(target * y.log_softmax(-1)).sum() / 4.0);
    loss.named("loss")
}

/// Names that would be markup, if they were not text.
fn hostile(tape: &Tape<f64>) -> Var<'_, f64> {
    let a = tape.var(0.5).named("</script><script>window.hacked = 1</script>");
    let b = tape.var(2.0).named("<img src=x onerror=\"window.hacked = 2\">");
    let c = tape.var(3.0).named("a\"b'c&amp;\nsecond line\u{2028}`${window.hacked=3}`");
    let d = tape.var(-1.5).named("gewicht_λ₁ \u{202e}привет 重み 🙂");
    let e = tape.var(1.25).named("__proto__");
    let inside =
        tape.scope("<svg onload='window.hacked = 4'>", || (a * b + c).named("<!--").tanh() * d);
    (inside * e).named("{{script}}")
}

/// The gradient of a gradient: the layers come twice.
fn second_order(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.var(0.7).named("x");
    let y = tape.scope("first", || (x * x).tanh());
    let y = tape.scope("second", || (y * 2.0).sin());
    y.backward_recorded().wrt(x).square().named("penalty")
}

fn not_finite(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.var(0.0).named("x");
    let y = tape.var(-0.0).named("y");
    ((x / y) * y + (x + 1.0) / x).named("broken")
}

/// Images through a convolution and a dense layer: weights, activations and gradients of all sizes.
fn pictures(tape: &Tape<f64>) -> Var<'_, f64> {
    let wave = |shape: &[usize], shift: f64| {
        let count = shape.iter().product();
        let elements = (0..count).map(|i| (f64::from(i as u32) * 0.37).sin() + shift).collect();
        Tensor::from_shape_vec(shape, elements).unwrap()
    };
    let images = tape.constant(wave(&[6, 1, 12, 12], 1.0)).named("images");
    let features = tape.constant(wave(&[6, 7], 0.0)).named("features");
    let y = tape.scope("model", || {
        let z = tape.scope("0 Conv2d", || {
            let kernel = tape.var(wave(&[3, 1, 3, 3], 0.0) / 3.0).named("0.weight");
            images.conv(kernel, &[Slide::new(3), Slide::new(3)], 1)
        });
        let h = tape.scope("1 relu", || z.relu().reshape([6, 300]));
        tape.scope("2 Dense", || {
            let weight = tape.var(wave(&[300, 10], 0.0) / 20.0).named("2.weight");
            let bias = tape.var(wave(&[10], 0.0)).named("2.bias");
            h.matmul(weight) + bias
        })
    });
    let mixed = features.matmul(tape.var(wave(&[7, 10], 0.0) / 9.0).named("mix"));
    let target = tape.constant(wave(&[6, 10], 1.0) / 10.0).named("target");
    (-(target * (y + mixed).log_softmax(-1)).sum() / 6.0).named("loss")
}

/// Gradients that are zero, or missing, each for another reason.
fn dead(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.constant([1.0, 2.0, 4.0]).named("x");
    let w = tape.var([-1.0, 0.5, -0.25]).named("w");
    let (a, u, s) = (tape.var(-2.0).named("a"), tape.var(3.0).named("u"), tape.var(0.3).named("s"));
    let h = tape.scope("layer", || (w * x).named("z").relu().named("h"));
    let sum = (h * u.detach().named("held")).sum().named("sum");
    let off = (a.relu().named("r") * 3.0).named("q");
    (sum + off + s.step().named("t")).named("loss")
}

/// A page of `f32`.
fn single(tape: &Tape<f32>) -> Var<'_, f32> {
    let w = tape.var([0.1_f32, 0.2, -0.3]).named("w");
    (w * w).sum().sqrt().named("norm")
}

fn chain(tape: &Tape<f64>, length: usize) -> Var<'_, f64> {
    let x = tape.var(0.3).named("x");
    (0..length).fold(x, |y, _| (y + x).sin()).named("end")
}

/// Two steps of training, of a number and of a tensor that is too large to be shown in full; the
/// second is too long, and the loss is higher after it.
fn run(tape: &Tape<f64>) -> Result<Run<'_, f64>, Box<dyn Error>> {
    let (mut w, mut v) = (Tensor::scalar(0.5), Tensor::full(&[10, 10], 0.25));
    let loss = |w: &Tensor<f64>, v: &Tensor<f64>| {
        let (w, v) = (tape.var(w.clone()).named("w"), tape.var(v.clone()).named("v"));
        ((w * v).square().sum().named("loss"), [w, v])
    };
    let mut run = Run::default();
    for rate in [0.01, 10.0] {
        let (output, parameters) = loss(&w, &v);
        let trace = Trace::of(output)?;
        let mut updates = Vec::new();
        for (parameter, x) in [&mut w, &mut v].into_iter().zip(parameters) {
            let (before, gradient) = (parameter.clone(), trace.gradient(x).expect("a variable"));
            *parameter = &before - gradient.scale(rate);
            let (after, rule) = (parameter.clone(), Some(any_update(Descent { rate })));
            updates
                .push(Update::new(x, Change { before, gradient, after, kept: Vec::new(), rule }));
        }
        let after = loss(&w, &v).0.value().item();
        run.push(RunStep::new(trace, updates, after));
    }
    Ok(run)
}

/// Gradient descent, with a remark that every language has.
#[derive(Clone, Copy, Debug)]
struct Descent {
    rate: f64,
}

impl UpdateRule<1, 0> for Descent {
    const KEPT: [&'static str; 0] = [];
    const REMARK: &'static str = Language::ENGLISH.catalogue().sentences().remark_of_adam();

    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 1] {
        [names.setting("η", self.rate)]
    }

    fn number<R: Number>(
        self,
        _: &mut impl Naming<R>,
        [rate]: [R; 1],
        w: R,
        gradient: R,
        []: [R; 0],
    ) -> (R, [R; 0]) {
        (w - rate * gradient, [])
    }
}
