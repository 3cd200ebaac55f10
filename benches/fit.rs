//! What `Fit` costs over the loop written by hand: some epochs of each, on the same data from the
//! same weights.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench fit`
//!
//! Besides criterion's figures for each it prints how they compare when they take turns, which
//! other work on the machine disturbs less.

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nn::prelude::*;
use nn::{EpochLog, epoch_seed};

mod measured;

use measured::is_measured;

const EPOCHS: usize = 5;

fn samples() -> usize {
    if is_measured() { 1_280 } else { 128 }
}

/// The loop as anyone would write it, with the mean loss of each epoch.
#[inline(never)] // A name of its own in a profile.
fn by_hand(
    model: &mut Sequential<f32>,
    data: &Dataset<f32>,
    batch_size: usize,
    loss: &impl Loss<f32>,
    optimizer: &mut impl Optimizer<f32>,
) -> Result<Vec<f64>, nn::Error> {
    let mut tape = Tape::new();
    let mut losses = Vec::new();
    for epoch in 1..=EPOCHS {
        let mut sum = 0.0;
        for (i, batch) in data.batches(batch_size, Some(epoch_seed(0, epoch)))?.enumerate() {
            let gradients = {
                let pass = Pass::train(&tape, i as u64);
                let output = model.forward(&pass, pass.input(&batch.inputs));
                let value = loss.loss(output, &batch.targets)?;
                sum += f64::from(value.item()) * batch.len() as f64;
                pass.gradients(value)?
            };
            tape.reset();
            optimizer.step(model, &gradients)?;
        }
        losses.push(sum / data.len() as f64);
    }
    Ok(losses)
}

#[inline(never)]
fn by_fit(
    model: &mut Sequential<f32>,
    data: &Dataset<f32>,
    batch_size: usize,
    loss: &impl Loss<f32>,
    optimizer: &mut impl Optimizer<f32>,
) -> Result<Vec<f64>, nn::Error> {
    let mut fit = Fit::new().epochs(EPOCHS).batch_size(batch_size).progress(false);
    let history = fit.run(model, data, loss, optimizer)?;
    Ok(history.epochs.iter().map(EpochLog::loss).collect())
}

/// Random pixels with random classes: the time of a step does not depend on their values.
fn images() -> Dataset<f32> {
    let mut rng = nn::rng(0);
    let uniform = Init::Uniform { low: 0.0, high: 1.0 };
    let pixels = uniform.tensor(&[samples(), 784], 1, 1, &mut rng).expect("valid bounds");
    let labels = (0..samples()).map(|i| i * 7 % 10).collect();
    Dataset::classification(pixels, labels, 10).expect("a label for each image")
}

fn compare<L: Loss<f32>, O: Optimizer<f32>>(
    c: &mut Criterion,
    name: &str,
    data: &Dataset<f32>,
    batch_size: usize,
    loss: &L,
    start: impl Fn() -> (Sequential<f32>, O),
) {
    let (mut ours, mut optimizer) = start();
    let (mut theirs, mut their_optimizer) = start();
    let mut fit = || by_fit(&mut ours, data, batch_size, loss, &mut optimizer).expect("a run");
    let mut hand =
        || by_hand(&mut theirs, data, batch_size, loss, &mut their_optimizer).expect("a run");

    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements((EPOCHS * data.len()) as u64));
    take_turns(name, &mut fit, &mut hand);
    group.bench_function("fit", |b| b.iter(&mut fit));
    group.bench_function("by hand", |b| b.iter(&mut hand));
    group.finish();
}

/// Times two programs by turns, and holds that they compute the same.
fn take_turns<T: PartialEq + Debug>(
    name: &str,
    mut fit: impl FnMut() -> T,
    mut hand: impl FnMut() -> T,
) {
    assert_eq!(fit(), hand(), "fit and the loop by hand should train alike");
    let pairs = if is_measured() { 60 } else { 1 };
    let (mut of_fit, mut of_hand) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        // Each goes first as often as the other.
        if pair % 2 == 0 {
            of_fit.push(time(&mut fit));
            of_hand.push(time(&mut hand));
        } else {
            of_hand.push(time(&mut hand));
            of_fit.push(time(&mut fit));
        }
    }
    let over =
        |fit: Duration, hand: Duration| 100.0 * (fit.as_secs_f64() / hand.as_secs_f64() - 1.0);
    let (fit, hand) = (Times::of(of_fit), Times::of(of_hand));
    println!(
        "{name}: in {pairs} turns fit takes {:+.1} % over the loop by hand by the median \
         ({:.2?} and {:.2?}), {:+.1} % by the fastest",
        over(fit.median, hand.median),
        fit.median,
        hand.median,
        over(fit.fastest, hand.fastest),
    );
}

fn time<T>(mut program: impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    black_box(program());
    start.elapsed()
}

struct Times {
    median: Duration,
    fastest: Duration,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { median: times[times.len() / 2], fastest: times[0] }
    }
}

fn nielsen(c: &mut Criterion) {
    let data = images().one_hot().expect("labels");
    compare(c, "784-30-10, batch 10", &data, 10, &HalfSquaredError, || {
        let mut rng = nn::rng(0);
        let model = Sequential::new()
            .then(Dense::new(784, 30, &mut rng))
            .then(Sigmoid)
            .then(Dense::new(30, 10, &mut rng))
            .then(Sigmoid);
        (model, Sgd::new(0.1).expect("a valid rate"))
    });
}

fn relu(c: &mut Criterion) {
    compare(c, "784-256-128-10, batch 64", &images(), 64, &CrossEntropy, || {
        let mut rng = nn::rng(0);
        let model = Sequential::new()
            .then(Dense::new(784, 256, &mut rng))
            .then(Relu)
            .then(Dense::new(256, 128, &mut rng))
            .then(Relu)
            .then(Dense::new(128, 10, &mut rng));
        (model, Sgd::new(0.1).expect("a valid rate"))
    });
}

criterion_group!(benches, nielsen, relu);
criterion_main!(benches);
