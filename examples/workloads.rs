//! Training steps and chains of ops of several shapes, timed: the workloads of the chapter on speed.
//!
//! `cargo run --release --example workloads -- --workload W2 --threads 1 --steps 200`
//!
//! prints one line: `chainrule,W2,1,<median ms>,<min ms>,<note>`. `--floor` times the step's matrix
//! products alone, on buffers that are there already. `--recorded` records every step anew where
//! the workload would otherwise replay one recording; `--plan` shows how it is replayed.

use std::error::Error;
use std::time::{Duration, Instant};

use nn::data::Targets;
use nn::layers::{Cell, GruCell, LstmCell, Recurrence, Recurrent, Returns};
use nn::ops;
use nn::prelude::*;
use rand::RngExt;

#[path = "workloads/shapes.rs"]
mod shapes;

const USAGE: &str = "\
usage: workloads --workload W1|W2|W2b|W3|W4|W5|W6|W6s|W7|W8|W9| ... |W21 [--threads N] [--steps N]
                 [--max-seconds S] [--floor] [--recorded] [--plan]";

/// Distinct batches that the steps go through in turn.
const BATCHES: usize = 8;

#[derive(Default)]
struct Args {
    /// Gets the step in place of the clock here.
    measure: Option<Measure>,
    /// The largest batch, where nothing is timed.
    largest: Option<usize>,
    workload: String,
    threads: usize,
    steps: usize,
    seconds: f64,
    floor: bool,
    recorded: bool,
    plan: bool,
}

/// Something to do with a step of a workload, given its name and of how many parts the step consists.
pub type Measure = fn(&str, usize, &mut dyn FnMut());

/// Prepares a workload and hands its step to `measure`: for benches, which include this file. Its
/// batches are small unless the program runs under `cargo bench`.
///
/// # Errors
/// If there is no such workload.
pub fn measure(workload: &str, recorded: bool, measure: Measure) -> Result<(), Box<dyn Error>> {
    let workload = workload.to_owned();
    let measured = std::env::args().any(|argument| argument == "--bench");
    let largest = if measured { None } else { Some(2) };
    run(&Args { measure: Some(measure), largest, workload, recorded, ..Args::default() })
}

impl Args {
    /// The size of a batch.
    fn batch(&self, measured: usize) -> usize {
        self.largest.map_or(measured, |largest| measured.min(largest))
    }
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
        "W9" => recurrent::<LstmCell>(args),
        "W10" => recurrent::<GruCell>(args),
        other => shapes::run(args)
            .unwrap_or_else(|| Err(format!("there is no workload {other:?}\n{USAGE}").into())),
    }
}

fn arguments() -> Result<Args, Box<dyn Error>> {
    use lexopt::prelude::{Long, ValueExt};
    let mut args = Args {
        measure: None,
        largest: None,
        workload: "W2".into(),
        threads: 1,
        steps: 200,
        seconds: 8.0,
        floor: false,
        recorded: false,
        plan: false,
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
            Long("plan") => args.plan = true,
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

/// A training step recorded once: the loss and its gradients, as a program of the parameters, the
/// inputs and the targets.
struct Training {
    program: tape::Program<f32>,
    /// Positions of the inputs, the targets and the parameters.
    positions: Vec<usize>,
    output: Vec<usize>,
}

impl Training {
    fn record(
        model: &Sequential<f32>,
        (x, targets): &(Tensor<f32>, Targets<f32>),
        loss: &impl Loss<f32>,
    ) -> Result<Self, nn::Error> {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let x = pass.input(x);
        let output = model.forward(&pass, x);
        let target = tape.constant(loss.target(&output.shape(), targets)?);
        let value = loss.between(output, target);
        let gradients = value.backward_recorded();
        let parameters = model.parameters().into_iter().map(|(_, p)| pass.parameter(p));
        let parameters: Vec<_> = parameters.collect();
        let mut outputs = vec![value];
        outputs.extend(parameters.iter().map(|&parameter| gradients.wrt(parameter)));
        let positions = [x, target].iter().chain(&parameters).map(|x| x.position()).collect();
        let output = output.shape().to_vec();
        Ok(Self { program: tape.compile(&outputs), positions, output })
    }

    /// The loss and its gradients at the model's parameters as they are.
    fn step(
        &mut self,
        model: &Sequential<f32>,
        x: &Tensor<f32>,
        targets: &Targets<f32>,
        loss: &impl Loss<f32>,
    ) -> (f32, nn::Gradients<f32>) {
        let target = loss.target(&self.output, targets).expect("targets that fit the output");
        let parameters = model.parameters();
        let leaves = [x, &target].into_iter().chain(parameters.iter().map(|(_, p)| &p.value));
        let leaves: Vec<_> = self.positions.iter().copied().zip(leaves).collect();
        self.program.run_with(&leaves).expect("leaves of the shapes recorded");
        let mut gradients = nn::Gradients::default();
        for (number, (_, parameter)) in parameters.iter().enumerate() {
            gradients.insert(parameter, self.program.value(number + 1));
        }
        (self.program.value(0).item(), gradients)
    }
}

/// Times the training of a model on random data of the shape of one sample.
fn train(
    args: &Args,
    mut model: Sequential<f32>,
    (batch, sample): (usize, &[usize]),
    targets: impl Fn(usize, &mut dyn FnMut() -> f32) -> Targets<f32>,
    loss: &impl Loss<f32>,
    mut optimizer: impl Optimizer<f32>,
) -> Result<(), Box<dyn Error>> {
    let (mut rng, batch) = (nn::rng(1), args.batch(batch));
    let shape: Vec<usize> = [&[batch], sample].concat();
    let uniform = Init::Uniform { low: 0.0, high: 1.0 };
    let batches: Vec<(Tensor<f32>, Targets<f32>)> = (0..BATCHES)
        .map(|_| {
            let x = uniform.tensor(&shape, 1, 1, &mut rng)?;
            Ok((x, targets(batch, &mut || rng.random::<f32>())))
        })
        .collect::<Result<_, nn::Error>>()?;
    let (mut tape, mut losses) = (Tape::new(), Vec::new());
    let mut replayed =
        if args.recorded { None } else { Some(Training::record(&model, &batches[0], loss)?) };
    let times = time(args, 1, || {
        let (x, targets) = &batches[losses.len() % BATCHES];
        let gradients = if let Some(training) = &mut replayed {
            let (value, gradients) = training.step(&model, x, targets, loss);
            losses.push(value);
            gradients
        } else {
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
    if args.plan
        && let Some(training) = &replayed
    {
        println!("{}", training.program.plan());
    }
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    report(args, times, &format!("n={} loss={first:.3}->{last:.3}", losses.len()));
    Ok(())
}

fn labels(batch: usize, random: &mut dyn FnMut() -> f32) -> Targets<f32> {
    Targets::Labels((0..batch).map(|_| (random() * 10.0) as usize).collect())
}

/// The network of the textbook's first chapter.
fn w1(args: &Args) -> Result<(), Box<dyn Error>> {
    let rng = &mut nn::rng(0);
    let model = Sequential::new()
        .then(Dense::new(784, 30, rng))
        .then(Sigmoid)
        .then(Dense::new(30, 10, rng))
        .then(Sigmoid);
    let one_hot = |batch, random: &mut dyn FnMut() -> f32| {
        let mut rows = ndarray::Array2::zeros((batch, 10));
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
    train(args, model, (batch, &[784]), labels, &CrossEntropy, Adam::new(0.001)?)
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
    train(args, model, (64, &[1, 28, 28]), labels, &CrossEntropy, Adam::new(0.001)?)
}

fn lstm(args: &Args) -> Result<(), Box<dyn Error>> {
    let rng = &mut nn::rng(0);
    let model =
        Sequential::new().then(Lstm::new(28, 128, rng).last()).then(Dense::new(128, 10, rng));
    train(args, model, (64, &[28, 28]), labels, &CrossEntropy, Adam::new(0.001)?)
}

/// Two layers of an odd width on batches of an odd size.
fn recurrent<C: Cell + Default>(args: &Args) -> Result<(), Box<dyn Error>> {
    let rng = &mut nn::rng(0);
    let settings = Recurrence { layers: 2, returns: Returns::Last, ..Recurrence::default() };
    let model = Sequential::new()
        .then(Recurrent::<f32, C>::with_settings(30, 96, settings, rng)?)
        .then(Dense::new(96, 10, rng));
    train(args, model, (17, &[41, 30]), labels, &CrossEntropy, Adam::new(0.001)?)
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
    train(args, model, (16, &[64, 128]), labels, &CrossEntropy, Adam::new(0.001)?)
}

/// The mean squared error of a network of scalars, and its parameters.
fn moons_loss<'t>(
    tape: &'t Tape<f64>,
    weights: &[f64],
    x: &ndarray::ArrayView2<'_, f64>,
    labels: &[usize],
    sizes: &[usize],
) -> (Vec<Var<'t, f64>>, Var<'t, f64>) {
    let parameters: Vec<Var<'_, f64>> = weights.iter().map(|&w| tape.var(w)).collect();
    let mut total = tape.constant(0.0);
    let (mut hidden, mut next) = (Vec::new(), Vec::new());
    for (point, &label) in x.rows().into_iter().zip(labels) {
        hidden.clear();
        hidden.extend(point.iter().map(|&x| tape.constant(x)));
        let mut rest = &parameters[..];
        for layer in sizes.windows(2) {
            next.clear();
            for _ in 0..layer[1] {
                let (own, others) = rest.split_at(layer[0] + 1);
                rest = others;
                let sum = hidden.iter().zip(own).fold(own[layer[0]], |sum, (&x, &w)| sum + w * x);
                next.push(sum.tanh());
            }
            std::mem::swap(&mut hidden, &mut next);
        }
        let error = hidden[0] - tape.constant(if label == 1 { 1.0 } else { -1.0 });
        total = total + error * error;
    }
    (parameters, total * 0.01)
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

    let mut tape = Tape::new();
    let mut gradient = vec![0.0; count];
    let mut loss = 0.0;
    let times = if args.recorded {
        time(args, 1, || {
            tape.reset();
            let (parameters, value) = moons_loss(&tape, &weights, &x.view(), labels, &SIZES);
            let gradients = value.backward();
            for (to, &w) in gradient.iter_mut().zip(&parameters) {
                *to = gradients.wrt(w).item();
            }
            loss = value.item();
        })
    } else {
        let (parameters, value) = moons_loss(&tape, &weights, &x.view(), labels, &SIZES);
        let gradients = value.backward_recorded();
        let mut outputs = vec![value];
        outputs.extend(parameters.iter().map(|&w| gradients.wrt(w)));
        let mut program = tape.compile(&outputs);
        let positions: Vec<_> = parameters.iter().map(|w| w.position()).collect();
        let times = time(args, 1, || {
            for (&position, &w) in positions.iter().zip(&weights) {
                program.set(position, &Tensor::scalar(w)).expect("a leaf");
            }
            program.run().expect("numbers");
            for (number, to) in gradient.iter_mut().enumerate() {
                *to = program.value(number + 1).item();
            }
            loss = program.value(0).item();
        });
        if args.plan {
            println!("{}", program.plan());
        }
        times
    };
    let nodes = 64_401.0;
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    let note =
        format!("ns_per_node={:.2} loss={loss:.4} gradient={norm:.4}", times.0 * 1e6 / nodes);
    report(args, times, &note);
    Ok(())
}

/// The sum at the end of a thousand ops, and the three leaves: where they start, w and b.
fn chain_of<'t>(
    tape: &'t Tape<f32>,
    leaves: [&Tensor<f32>; 3],
) -> (Var<'t, f32>, [Var<'t, f32>; 3]) {
    let [x, w, b] = leaves.map(|value| tape.var(value));
    let y = (0..1_000).fold(x, |y, i| match i % 3 {
        0 => y * w,
        1 => y.sin(),
        _ => y + b,
    });
    (y.sum(), [x, w, b])
}

/// A thousand elementwise ops, one after the other.
fn chain(args: &Args, start: &Tensor<f32>) {
    let mut tape = Tape::new();
    let inner = 10;
    let mut slope = Tensor::scalar(0.0);
    let leaves = [start, &start.map(|x| 1.2 - x), &start.map(|x| x / 3.0)];
    let times = if args.recorded {
        time(args, inner, || {
            for _ in 0..inner {
                tape.reset();
                let (y, [_, w, _]) = chain_of(&tape, leaves);
                slope = y.backward().wrt(w);
            }
        })
    } else {
        let (mut program, positions) = {
            let (y, vars) = chain_of(&tape, leaves);
            (tape.compile(&[y.backward_recorded().wrt(vars[1])]), vars.map(Var::position))
        };
        let given = [0, 1, 2].map(|leaf| (positions[leaf], leaves[leaf]));
        let times = time(args, inner, || {
            for _ in 0..inner {
                program.run_with(&given).expect("leaves of the shapes recorded");
                slope = program.value(0).clone();
            }
        });
        if args.plan {
            println!("{}", program.plan());
        }
        times
    };
    let note = format!("ns_per_op={:.1} slope={:.4}", times.0 * 1e3, slope.sum().item());
    report(args, times, &note);
}

fn million_loss(x: Var<'_, f32>) -> Var<'_, f32> {
    (x.sigmoid() * x.tanh() + x.relu()).sum()
}

/// Elementwise work on a million numbers.
fn million(args: &Args) -> Result<(), Box<dyn Error>> {
    let normal = Init::Normal { sigma: 1.0 };
    let x: Tensor<f32> = normal.tensor(&[args.batch(1_000) * 1_000], 1, 1, &mut nn::rng(0))?;
    let mut tape = Tape::new();
    let mut gradient = Tensor::scalar(0.0);
    let times = if args.recorded {
        time(args, 1, || {
            tape.reset();
            let x = tape.var(&x);
            gradient = million_loss(x).backward().wrt(x);
        })
    } else {
        let (mut program, at) = {
            let x = tape.var(&x);
            let loss = million_loss(x);
            (tape.compile(&[loss, loss.backward_recorded().wrt(x)]), x.position())
        };
        tape.reset();
        let times = time(args, 1, || {
            program.run_with(&[(at, &x)]).expect("a leaf of the shape recorded");
        });
        gradient = program.value(1).clone();
        if args.plan {
            println!("{}", program.plan());
        }
        times
    };
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
                let x = ndarray::Array2::from_elem(shape, 0.5_f32);
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
