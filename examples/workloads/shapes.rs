//! Workloads of odd sizes and of other kinds: what shows whether speed was fitted to a few shapes.

use std::error::Error;

use nn::prelude::*;
use rand::RngExt;
use tape::transform::{hessian, jacobian, nested};

use super::{Args, MeanPool, labels, report, time, train};

type Done = Result<(), Box<dyn Error>>;

/// Runs the workload of this name; `None` if it is none of these.
pub fn run(args: &Args) -> Option<Done> {
    Some(match args.workload.as_str() {
        "W11" => odd_widths(args),
        "W12" => strides(args),
        "W13" => normalised_convolutions(args),
        "W14" => odd_transformer(args),
        "W15" => one_sample(args, &[784, 30, 10]),
        "W16" => {
            long_chain(args);
            Ok(())
        }
        "W17" => logistic_hessian(args),
        "W18" => tanh_jacobian(args),
        "W19" => {
            prediction(args, 1);
            Ok(())
        }
        "W20" => {
            prediction(args, 10_000);
            Ok(())
        }
        "W21" => one_sample(args, &[784, 256, 128, 10]),
        _ => return None,
    })
}

fn odd_widths(args: &Args) -> Done {
    let rng = &mut nn::rng(0);
    let model = Sequential::new()
        .then(Dense::new(301, 207, rng))
        .then(Relu)
        .then(Dense::new(207, 101, rng))
        .then(Relu)
        .then(Dense::new(101, 10, rng));
    train(args, model, (33, &[301]), labels, &CrossEntropy, Adam::new(0.001)?)
}

/// Windows of 5×5 that move by 2.
fn strides(args: &Args) -> Done {
    let rng = &mut nn::rng(0);
    let model = Sequential::new()
        .then(Conv2d::new(3, 32, 5, rng).stride(2).padding(2))
        .then(Relu)
        .then(Conv2d::new(32, 64, 5, rng).stride(2).padding(2))
        .then(Relu)
        .then(Flatten::new())
        .then(Dense::new(64 * 8 * 8, 10, rng));
    train(args, model, (48, &[3, 32, 32]), labels, &CrossEntropy, Adam::new(0.001)?)
}

fn normalised_convolutions(args: &Args) -> Done {
    let rng = &mut nn::rng(0);
    let mut model = Sequential::new();
    for (from, to) in [(3, 64), (64, 64), (64, 128)] {
        model = model
            .then(Conv2d::new(from, to, 3, rng).padding(1))
            .then(BatchNorm2d::new(to))
            .then(Relu);
    }
    let model = model.then(GlobalAvgPool).then(Dense::new(128, 10, rng));
    train(args, model, (16, &[3, 32, 32]), labels, &CrossEntropy, Adam::new(0.001)?)
}

fn odd_transformer(args: &Args) -> Done {
    let rng = &mut nn::rng(0);
    let model = Sequential::new()
        .then(TransformerBlock::new(96, 6, 384, rng).pre_norm().dropout(0.0))
        .then(MeanPool)
        .then(Dense::new(96, 10, rng));
    train(args, model, (9, &[50, 96]), labels, &CrossEntropy, Adam::new(0.001)?)
}

/// Gradient descent by one sample at a time.
fn one_sample(args: &Args, widths: &[usize]) -> Done {
    let rng = &mut nn::rng(0);
    let mut model = Sequential::new();
    for width in widths.windows(2) {
        model = model.then(Dense::new(width[0], width[1], rng)).then(Sigmoid);
    }
    let one_hot = |_, random: &mut dyn FnMut() -> f32| {
        let mut row = vec![0.0; 10];
        row[(random() * 10.0) as usize] = 1.0;
        Targets::Values(Tensor::from([row; 1].concat()).reshape([1, 10]))
    };
    train(args, model, (1, &[784]), one_hot, &HalfSquaredError, Sgd::new(0.001)?)
}

/// x ← sin(a x + b) + 0.1 x, five thousand times.
fn long_chain(args: &Args) {
    fn record(tape: &Tape<f64>) -> ([Var<'_, f64>; 2], Var<'_, f64>) {
        let (a, b) = (tape.var(1.1), tape.var(0.2));
        let start = tape.constant(0.3);
        let y = (0..5_000).fold(start, |x, _| (a * x + b).sin() + 0.1 * x);
        ([a, b], y)
    }
    let mut tape = Tape::new();
    let mut slope = 0.0;
    let times = if args.recorded {
        time(args, 1, || {
            tape.reset();
            let ([a, _], y) = record(&tape);
            slope = y.backward().wrt(a).item();
        })
    } else {
        let (vars, y) = record(&tape);
        let gradients = y.backward_recorded();
        let mut program = tape.compile(&vars.map(|x| gradients.wrt(x)));
        let [a, b] = vars.map(Var::position);
        time(args, 1, || {
            program.set(a, &Tensor::scalar(1.1)).expect("a leaf");
            program.set(b, &Tensor::scalar(0.2)).expect("a leaf");
            program.run().expect("numbers");
            slope = program.value(0).item();
        })
    };
    let note = format!("ns_per_op={:.1} slope={slope:.4e}", times.0 * 1e6 / 20_000.0);
    report(args, times, &note);
}

/// The mean loss of a logistic regression with weights w on points x and labels y of ±1.
fn logistic<'t>(w: Var<'t, f32>, [x, y]: [&Tensor<f32>; 2]) -> Var<'t, f32> {
    let tape = w.tape();
    (-(tape.constant(y) * tape.constant(x).matmul(w))).softplus().mean()
}

/// The Hessian of a logistic regression of 50 parameters on 200 points.
fn logistic_hessian(args: &Args) -> Done {
    let rng = &mut nn::rng(2);
    let uniform = Init::Uniform { low: -0.5, high: 0.5 };
    let x = uniform.tensor(&[200, 50], 1, 1, rng)?;
    let w = uniform.tensor(&[50], 1, 1, rng)?;
    let y = (0..200).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect::<Vec<f32>>();
    let y = Tensor::from(y);
    let mut sum = 0.0;
    let times = if args.recorded {
        time(args, 1, || {
            let matrix = hessian(|v: &[Var<'_, f32>]| logistic(v[0], [&x, &y]), &w);
            sum = matrix.expect("a scalar").sum().item();
        })
    } else {
        let tape = Tape::new();
        let leaf = tape.var(&w);
        let mut program = tape.compile(&[nested::hessian(|w| logistic(w, [&x, &y]), leaf)]);
        time(args, 1, || {
            program.run_with(&[(leaf.position(), &w)]).expect("a leaf");
            sum = program.value(0).sum().item();
        })
    };
    report(args, times, &format!("sum={sum:.4}"));
    Ok(())
}

fn three_layers<'t>(x: Var<'t, f32>, weights: &[Tensor<f32>; 3]) -> Var<'t, f32> {
    let [a, b, c] = weights.each_ref().map(|w| x.tape().constant(w));
    x.matmul(a).tanh().matmul(b).tanh().matmul(c)
}

/// The Jacobian of a network of three layers, 64 numbers to 64.
fn tanh_jacobian(args: &Args) -> Done {
    let rng = &mut nn::rng(2);
    let uniform = Init::Uniform { low: -0.25, high: 0.25 };
    let mut tensor = |shape: &[usize]| uniform.tensor(shape, 1, 1, rng);
    let weights = [tensor(&[64, 64])?, tensor(&[64, 64])?, tensor(&[64, 64])?];
    let x = tensor(&[64])?;
    let mut sum = 0.0;
    let times = if args.recorded {
        time(args, 1, || {
            sum = jacobian(|x| three_layers(x, &weights), &x).sum().item();
        })
    } else {
        let tape = Tape::new();
        let leaf = tape.var(&x);
        let mut program = tape.compile(&[nested::jacobian(|x| three_layers(x, &weights), leaf)]);
        time(args, 1, || {
            program.run_with(&[(leaf.position(), &x)]).expect("a leaf");
            sum = program.value(0).sum().item();
        })
    };
    report(args, times, &format!("sum={sum:.4}"));
    Ok(())
}

/// `predict` of some rows by the network of W2.
fn prediction(args: &Args, rows: usize) {
    let rng = &mut nn::rng(0);
    let model = Sequential::new()
        .then(Dense::new(784, 256, rng))
        .then(Relu)
        .then(Dense::new(256, 128, rng))
        .then(Relu)
        .then(Dense::new(128, 10, rng));
    let rows = args.batch(rows);
    let x = (0..rows * 784).map(|_| rng.random::<f32>()).collect();
    let x = Tensor::from_shape_vec(&[rows, 784], x).expect("as many numbers");
    let inner = if rows == 1 { 10 } else { 1 };
    let mut first = 0.0;
    let times = time(args, inner, || {
        for _ in 0..inner {
            first = predict(&model, &x).expect("rows of 784").view()[[0, 0]];
        }
    });
    report(args, times, &format!("first={first:.4}"));
}
