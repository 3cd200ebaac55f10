//! Training steps and chains of ops of several shapes, timed: the workloads of the chapter on speed.
//!
//! `cargo run --release --example workloads -- --workload W2 --threads 1 --steps 200`
//!
//! prints one line: `chainrule,W2,1,<median ms>,<min ms>,<note>`. `--floor` times the step's matrix
//! products alone, on buffers that are there already. `--recorded` records every step anew where
//! the workload would otherwise replay one recording.

use std::error::Error;
use std::time::{Duration, Instant};

use nn::data::Targets;
use nn::ops;
use nn::prelude::*;
use rand::RngExt;

const USAGE: &str = "\
usage: workloads --workload W1|W2|W2b|W3|W4|W5|W6|W6s|W7|W8 [--threads N] [--steps N]
                 [--max-seconds S] [--floor] [--recorded]";

/// Distinct batches that the steps go through in turn.
const BATCHES: usize = 8;

#[derive(Default)]
struct Args {
    /// Gets the step in place of the clock here.
    measure: Option<Measure>,
    workload: String,
    threads: usize,
    steps: usize,
    seconds: f64,
    floor: bool,
    recorded: bool,
}

/// Something to do with a step of a workload, given its name and of how many parts the step consists.
pub type Measure = fn(&str, usize, &mut dyn FnMut());

/// Prepares a workload and hands its step to `measure`: for benches, which include this file.
///
/// # Errors
/// If there is no such workload.
pub fn measure(workload: &str, recorded: bool, measure: Measure) -> Result<(), Box<dyn Error>> {
    let workload = workload.to_owned();
    run(&Args { measure: Some(measure), workload, recorded, ..Args::default() })
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = arguments()?;
    // The whole run in a pool of that size.
    ops::with_threads(args.threads, || run(&args).map_err(|error| error.to_string()))?;
    Ok(())
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    if args.floor {
        return floor(args);
    }
    match args.workload.as_str() {
        "W1" => w1(args),
        "W2" => mlp(args, 64),
        "W2b" => mlp(args, 512),
        "W3" => convolutions(args),
        "W4" => lstm(args),
        "W5" => moons(args),
        "W6" => {
            chain(args, &Tensor::from([0.3_f32, 0.5, 0.7, 0.9, 0.2, 0.4, 0.6, 0.8]));
            Ok(())
        }
        "W6s" => {
            chain(args, &Tensor::from(0.3_f32));
            Ok(())
        }
        "W7" => transformer(args),
        "W8" => million(args),
        other => Err(format!("there is no workload {other:?}\n{USAGE}").into()),
    }
}

fn arguments() -> Result<Args, Box<dyn Error>> {
    use lexopt::prelude::{Long, ValueExt};
    let mut args = Args {
        measure: None,
        workload: "W2".into(),
        threads: 1,
        steps: 200,
        seconds: 8.0,
        floor: false,
        recorded: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("workload") => args.workload = parser.value()?.string()?,
            Long("threads") => args.threads = parser.value()?.parse()?,
            Long("steps") => args.steps = parser.value()?.parse()?,
            Long("max-seconds") => args.seconds = parser.value()?.parse()?,
            Long("floor") => args.floor = true,
            Long("recorded") => args.recorded = true,
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    Ok(args)
}

/// Times `step` after some steps to warm up; `inner` says of how many parts a step consists.
fn time(args: &Args, inner: usize, mut step: impl FnMut()) -> (f64, f64) {
    if let Some(measure) = args.measure {
        measure(&args.workload, inner, &mut step);
        return (0.0, 0.0);
    }
    let limit = Duration::from_secs_f64(args.seconds);
    let start = Instant::now();
    for _ in 0..(args.steps / 10).max(3) {
        step();
        if start.elapsed() > limit / 2 {
            break;
        }
    }
    let (start, mut times) = (Instant::now(), Vec::new());
    for _ in 0..args.steps {
        let begin = Instant::now();
        step();
        times.push(begin.elapsed().as_secs_f64() * 1e3 / inner as f64);
        if start.elapsed() > limit && times.len() >= 5 {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    let half = times.len() / 2;
    let median = if times.len() % 2 == 1 {
        times[half]
    } else {
        f64::midpoint(times[half - 1], times[half])
    };
    (median, times[0])
}

fn report(args: &Args, (median, least): (f64, f64), note: &str) {
    if args.measure.is_some() {
        return;
    }
    let Args { workload, threads, .. } = args;
    let peak = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let line = status.lines().find(|line| line.starts_with("VmHWM"))?.to_owned();
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    });
    let memory = peak.map_or(String::new(), |kb| format!(" rss_mb={:.0}", kb / 1024.0));
    println!("chainrule,{workload},{threads},{median:.6},{least:.6},{note}{memory}");
}

/// Times the training of a model on random data of the shape of one sample.
fn train(
    args: &Args,
    mut model: Sequential<f32>,
    (batch, sample): (usize, &[usize]),
    targets: impl Fn(&mut dyn FnMut() -> f32) -> Targets<f32>,
    loss: &impl Loss<f32>,
    mut optimizer: impl Optimizer<f32>,
) -> Result<(), Box<dyn Error>> {
    let mut rng = nn::rng(1);
    let shape: Vec<usize> = [&[batch], sample].concat();
    let uniform = Init::Uniform { low: 0.0, high: 1.0 };
    let batches: Vec<(Tensor<f32>, Targets<f32>)> = (0..BATCHES)
        .map(|_| {
            let x = uniform.tensor(&shape, 1, 1, &mut rng)?;
            Ok((x, targets(&mut || rng.random::<f32>())))
        })
        .collect::<Result<_, nn::Error>>()?;
    let (mut tape, mut losses) = (Tape::new(), Vec::new());
    let times = time(args, 1, || {
        let (x, targets) = &batches[losses.len() % BATCHES];
        let gradients = {
            let pass = Pass::train(&tape, losses.len() as u64);
            let value = loss
                .loss(model.forward(&pass, pass.input(x)), targets)
                .expect("targets that fit the output");
            losses.push(value.item());
            pass.gradients(value).expect("a loss with parameters")
        };
        tape.reset();
        optimizer.step(&mut model, &gradients).expect("gradients that fit");
    });
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    report(args, times, &format!("n={} loss={first:.3}->{last:.3}", losses.len()));
    Ok(())
}

fn labels(batch: usize) -> impl Fn(&mut dyn FnMut() -> f32) -> Targets<f32> {
    move |random| Targets::Labels((0..batch).map(|_| (random() * 10.0) as usize).collect())
}

/// The network of the textbook's first chapter.
fn w1(args: &Args) -> Result<(), Box<dyn Error>> {
    let rng = &mut nn::rng(0);
    let model = Sequential::new()
        .then(Dense::new(784, 30, rng))
        .then(Sigmoid)
        .then(Dense::new(30, 10, rng))
        .then(Sigmoid);
    let one_hot = |random: &mut dyn FnMut() -> f32| {
        let mut rows = ndarray::Array2::zeros((10, 10));
        rows.outer_iter_mut().for_each(|mut row| row[(random() * 10.0) as usize] = 1.0);
        Targets::Values(Tensor::from(rows))
    };
    train(args, model, (10, &[784]), one_hot, &HalfSquaredError, Sgd::new(3.0)?)
}

fn mlp(args: &Args, batch: usize) -> Result<(), Box<dyn Error>> {
    let rng = &mut nn::rng(0);
    let model = Sequential::new()
        .then(Dense::new(784, 256, rng))
        .then(Relu)
        .then(Dense::new(256, 128, rng))
        .then(Relu)
        .then(Dense::new(128, 10, rng));
    train(args, model, (batch, &[784]), labels(batch), &CrossEntropy, Adam::new(0.001)?)
}

fn convolutions(args: &Args) -> Result<(), Box<dyn Error>> {
    let rng = &mut nn::rng(0);
    let model = Sequential::new()
        .then(Conv2d::new(1, 16, 3, rng))
        .then(Relu)
        .then(MaxPool2d::new(2))
        .then(Conv2d::new(16, 32, 3, rng))
        .then(Relu)
        .then(MaxPool2d::new(2))
        .then(Flatten::new())
        .then(Dense::new(32 * 5 * 5, 10, rng));
    train(args, model, (64, &[1, 28, 28]), labels(64), &CrossEntropy, Adam::new(0.001)?)
}

fn lstm(args: &Args) -> Result<(), Box<dyn Error>> {
    let rng = &mut nn::rng(0);
    let model =
        Sequential::new().then(Lstm::new(28, 128, rng).last()).then(Dense::new(128, 10, rng));
    train(args, model, (64, &[28, 28]), labels(64), &CrossEntropy, Adam::new(0.001)?)
}

/// The mean over the places of a sequence.
#[derive(Clone, Copy, Debug)]
struct MeanPool;

impl Module<f32> for MeanPool {
    fn forward<'t>(&self, _pass: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
        x.mean_axes(1)
    }
    fn output_shape(&self, input: &[usize]) -> Result<nn::ops::Shape, nn::Error> {
        Ok(nn::ops::Shape::from_slice(&[input[0], input[2]]))
    }
}

fn transformer(args: &Args) -> Result<(), Box<dyn Error>> {
    let rng = &mut nn::rng(0);
    let model = Sequential::new()
        .then(TransformerBlock::new(128, 4, 512, rng).pre_norm().dropout(0.0))
        .then(MeanPool)
        .then(Dense::new(128, 10, rng));
    train(args, model, (16, &[64, 128]), labels(16), &CrossEntropy, Adam::new(0.001)?)
}

/// A 2-16-16-1 network of scalars on a hundred points.
fn moons(args: &Args) -> Result<(), Box<dyn Error>> {
    const SIZES: [usize; 4] = [2, 16, 16, 1];
    let data = nn::data::two_moons::<f64>(100, 0.1, 0)?;
    let x = data.inputs().to_array::<ndarray::Ix2>()?;
    let Targets::Labels(labels) = data.targets() else { unreachable!("two moons are classes") };
    let mut rng = nn::rng(0);
    let count = SIZES.windows(2).map(|s| s[1] * (s[0] + 1)).sum();
    let weights: Vec<f64> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();

    let record = |tape: &Tape<f64>, gradient: &mut [f64]| {
        let parameters: Vec<Var<'_, f64>> = weights.iter().map(|&w| tape.var(w)).collect();
        let mut total = tape.constant(0.0);
        let (mut hidden, mut next) = (Vec::new(), Vec::new());
        for (point, &label) in x.rows().into_iter().zip(labels) {
            hidden.clear();
            hidden.extend(point.iter().map(|&x| tape.constant(x)));
            let mut rest = &parameters[..];
            for layer in SIZES.windows(2) {
                next.clear();
                for _ in 0..layer[1] {
                    let (own, others) = rest.split_at(layer[0] + 1);
                    rest = others;
                    let sum =
                        hidden.iter().zip(own).fold(own[layer[0]], |sum, (&x, &w)| sum + w * x);
                    next.push(sum.tanh());
                }
                std::mem::swap(&mut hidden, &mut next);
            }
            let error = hidden[0] - tape.constant(if label == 1 { 1.0 } else { -1.0 });
            total = total + error * error;
        }
        let loss = total * 0.01;
        let gradients = loss.backward();
        for (to, &w) in gradient.iter_mut().zip(&parameters) {
            *to = gradients.wrt(w).item();
        }
        loss.item()
    };
    let mut tape = Tape::new();
    let mut gradient = vec![0.0; count];
    let mut loss = 0.0;
    let times = time(args, 1, || {
        tape.reset();
        loss = record(&tape, &mut gradient);
    });
    let nodes = 64_401.0;
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    let note =
        format!("ns_per_node={:.2} loss={loss:.4} gradient={norm:.4}", times.0 * 1e6 / nodes);
    report(args, times, &note);
    Ok(())
}

/// A thousand elementwise ops, one after the other.
fn chain(args: &Args, start: &Tensor<f32>) {
    let mut tape = Tape::new();
    let inner = 10;
    let mut slope = Tensor::scalar(0.0);
    let times = time(args, inner, || {
        for _ in 0..inner {
            tape.reset();
            let x = tape.var(start);
            let (w, b) = (tape.var(start.map(|x| 1.2 - x)), tape.var(start.map(|x| x / 3.0)));
            let y = (0..1_000).fold(x, |y, i| match i % 3 {
                0 => y * w,
                1 => y.sin(),
                _ => y + b,
            });
            slope = y.sum().backward().wrt(w);
        }
    });
    let note = format!("ns_per_op={:.1} slope={:.4}", times.0 * 1e3, slope.sum().item());
    report(args, times, &note);
}

/// Elementwise work on a million numbers.
fn million(args: &Args) -> Result<(), Box<dyn Error>> {
    let normal = Init::Normal { sigma: 1.0 };
    let x: Tensor<f32> = normal.tensor(&[1_000_000], 1, 1, &mut nn::rng(0))?;
    let mut tape = Tape::new();
    let mut gradient = Tensor::scalar(0.0);
    let times = time(args, 1, || {
        tape.reset();
        let x = tape.var(&x);
        gradient = (x.sigmoid() * x.tanh() + x.relu()).sum().backward().wrt(x);
    });
    report(args, times, &format!("gradient={:.1}", gradient.sum().item()));
    Ok(())
}

/// A product `[m, k] @ [k, n]`, of which either operand may be stored transposed, and how often the
/// step has it.
type Product = (usize, usize, usize, bool, bool, usize);

/// The matrix products of a step and nothing else.
fn floor(args: &Args) -> Result<(), Box<dyn Error>> {
    let dense = |batch: usize, widths: &[usize]| -> Vec<Product> {
        let layers = widths.windows(2).enumerate();
        layers
            .flat_map(|(i, w)| {
                let forward = (batch, w[0], w[1], false, true, 1);
                let weight = (w[1], batch, w[0], true, false, 1);
                let input = (i > 0).then_some((batch, w[1], w[0], false, false, 1));
                [Some(forward), Some(weight), input].into_iter().flatten()
            })
            .collect()
    };
    let products = match args.workload.as_str() {
        "W1" => dense(10, &[784, 30, 10]),
        "W2" => dense(64, &[784, 256, 128, 10]),
        "W2b" => dense(512, &[784, 256, 128, 10]),
        other => return Err(format!("no floor is defined for {other:?}").into()),
    };
    let mut products: Vec<_> = products
        .into_iter()
        .map(|(m, k, n, a, b, times)| {
            let stored = |rows: usize, columns: usize, transposed: bool| {
                let shape = if transposed { (columns, rows) } else { (rows, columns) };
                let x = ndarray::Array2::from_elem(shape, 0.5);
                if transposed { x.reversed_axes() } else { x }
            };
            (stored(m, k, a), stored(k, n, b), ndarray::Array2::zeros((m, n)), times)
        })
        .collect();
    let times = time(args, 1, || {
        for (a, b, c, times) in &mut products {
            for _ in 0..*times {
                ops::product_into(&a.view(), &b.view(), &mut c.view_mut());
            }
        }
    });
    report(args, times, "floor");
    Ok(())
}
