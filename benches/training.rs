//! Criterion benches: training steps of layers that the workloads do not have, beside those that
//! they have.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench training`

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use nn::data::Targets;
use nn::prelude::*;

mod measured;

/// A training step on a batch of 64, with Adam.
fn step(c: &mut Criterion, name: &str, mut model: Sequential<f32>, sample: &[usize]) {
    let batch = if measured::is_measured() { 64 } else { 2 };
    let mut optimizer = Adam::new(0.001).expect("a valid rate");
    let uniform = Init::Uniform { low: 0.0, high: 1.0 };
    let x =
        uniform.tensor(&[&[batch], sample].concat(), 1, 1, &mut nn::rng(1)).expect("valid bounds");
    let labels = Targets::Labels((0..batch).map(|i| i % 10).collect());
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
    step(c, "two convolutions on 28×28, batch 64, Adam", model, &[1, 28, 28]);
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
    step(c, "the same with batch normalisation", model, &[1, 28, 28]);
}

/// Images read row by row.
fn recurrent_step(c: &mut Criterion) {
    let mut rng = nn::rng(0);
    let rnn = Sequential::new().then(SimpleRnn::new(28, 128, &mut rng).last());
    let gru = Sequential::new().then(Gru::new(28, 128, &mut rng).last());
    let lstm = Sequential::new().then(Lstm::new(28, 128, &mut rng).last());
    for (name, layer) in [("SimpleRnn", rnn), ("Gru", gru), ("Lstm", lstm)] {
        let model = layer.then(Dense::new(128, 10, &mut rng));
        step(c, &format!("{name} 28-128-10, 28 steps, batch 64, Adam"), model, &[28, 28]);
    }
}

criterion_group!(benches, convolution_step, recurrent_step);
criterion_main!(benches);
