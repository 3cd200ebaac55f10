//! Criterion benches: recording and sweeping, and a training step.
//!
//! `cargo bench`

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use nn::data::Targets;
use nn::prelude::*;

fn scalars(c: &mut Criterion) {
    let mut group = c.benchmark_group("scalars");
    group.throughput(Throughput::Elements(3_000));
    let mut tape = Tape::<f64>::new();
    group.bench_function("record and sweep 3,000 nodes", |b| {
        b.iter(|| {
            tape.reset();
            let (x, w) = (tape.var(0.5), tape.var(1.01));
            let y = (0..1_000).fold(x, |y, _| (y * w).sin() + x);
            y.backward().wrt(w).item()
        });
    });
    group.finish();
}

/// A training step on a batch of 64, with Adam.
fn step(c: &mut Criterion, name: &str, mut model: Sequential<f32>, input: &[usize]) {
    let mut optimizer = Adam::new(0.001).expect("a valid rate");
    let uniform = Init::Uniform { low: 0.0, high: 1.0 };
    let x = uniform.tensor(input, 1, 1, &mut nn::rng(1)).expect("valid bounds");
    let labels = Targets::Labels((0..64).map(|i| i % 10).collect());
    let mut tape = Tape::new();
    c.bench_function(name, |b| {
        b.iter_batched(
            || (),
            |()| {
                let gradients = {
                    let pass = Pass::train(&tape, 0);
                    let output = model.forward(&pass, pass.input(&x));
                    let loss = CrossEntropy.loss(output, &labels).expect("labels that fit");
                    pass.gradients(loss).expect("a scalar")
                };
                tape.reset();
                optimizer.step(&mut model, &gradients).expect("gradients that fit");
            },
            BatchSize::SmallInput,
        );
    });
}

fn dense_step(c: &mut Criterion) {
    let mut rng = nn::rng(0);
    let model = Sequential::new()
        .then(Dense::new(784, 256, &mut rng))
        .then(Relu)
        .then(Dense::new(256, 128, &mut rng))
        .then(Relu)
        .then(Dense::new(128, 10, &mut rng));
    step(c, "784-256-128-10, batch 64, Adam", model, &[64, 784]);
}

fn convolution_step(c: &mut Criterion) {
    let mut rng = nn::rng(0);
    let model = Sequential::new()
        .then(Conv2d::new(1, 16, 3, &mut rng).padding(1))
        .then(Relu)
        .then(MaxPool2d::new(2))
        .then(Conv2d::new(16, 32, 3, &mut rng).padding(1))
        .then(Relu)
        .then(MaxPool2d::new(2))
        .then(Flatten::new())
        .then(Dense::new(32 * 7 * 7, 10, &mut rng));
    step(c, "two convolutions on 28×28, batch 64, Adam", model, &[64, 1, 28, 28]);
    let model = Sequential::new()
        .then(Conv2d::new(1, 16, 3, &mut rng).padding(1).without_bias())
        .then(BatchNorm2d::new(16))
        .then(Relu)
        .then(MaxPool2d::new(2))
        .then(Conv2d::new(16, 32, 3, &mut rng).padding(1).without_bias())
        .then(BatchNorm2d::new(32))
        .then(Relu)
        .then(MaxPool2d::new(2))
        .then(Flatten::new())
        .then(Dense::new(32 * 7 * 7, 10, &mut rng));
    step(c, "the same with batch normalisation", model, &[64, 1, 28, 28]);
}

/// Images read row by row.
fn recurrent_step(c: &mut Criterion) {
    let mut rng = nn::rng(0);
    let rnn = Sequential::new().then(SimpleRnn::new(28, 128, &mut rng).last());
    let gru = Sequential::new().then(Gru::new(28, 128, &mut rng).last());
    let lstm = Sequential::new().then(Lstm::new(28, 128, &mut rng).last());
    for (name, layer) in [("SimpleRnn", rnn), ("Gru", gru), ("Lstm", lstm)] {
        let model = layer.then(Dense::new(128, 10, &mut rng));
        step(c, &format!("{name} 28-128-10, 28 steps, batch 64, Adam"), model, &[64, 28, 28]);
    }
}

criterion_group!(benches, scalars, dense_step, convolution_step, recurrent_step);
criterion_main!(benches);
