//! Criterion benches of the tape: what a node costs to record and to sweep, in graphs of 1,000 to
//! 1,000,000 nodes, and what a second derivative costs.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench tape`
//!
//! The throughput is in nodes: it should not fall from size to size. Past the size of the caches
//! it cannot help but do so a little.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ops::Tensor;
use ops::declare::sample;
use tape::prelude::*;
use tape::{Tape, Var};

mod measured;

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// All of these sizes if they are measured, and the smallest else.
fn chosen(sizes: &[usize]) -> &[usize] {
    if measured::is_measured() { sizes } else { &sizes[..1] }
}

/// A chain of about `nodes` products, sines and sums, from `x` on.
fn chain<'t>(x: Var<'t, f64>, w: Var<'t, f64>, nodes: usize) -> Var<'t, f64> {
    (0..nodes / 3).fold(x, |y, _| (y * w).sin() + x)
}

/// Records and sweeps chains on values like `x`.
fn nodes(c: &mut Criterion, name: &str, x: &Tensor<f64>) {
    let w = x.map(|x| 1.3 - x);
    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500)).sample_size(20);
    for &size in chosen(&SIZES) {
        group.throughput(Throughput::Elements(size as u64));
        let mut tape = Tape::new();
        group.bench_function(BenchmarkId::new("record", size), |b| {
            b.iter(|| {
                tape.reset();
                chain(tape.var(x), tape.var(&w), size).position()
            });
        });
        tape.reset();
        let (start, slope) = (tape.var(x), tape.var(&w));
        let end = chain(start, slope, size).sum();
        group.bench_function(BenchmarkId::new("sweep", size), |b| {
            b.iter(|| end.backward_wrt(&[slope]).expect("a scalar").wrt(slope));
        });
    }
    group.finish();
}

fn scalars(c: &mut Criterion) {
    nodes(c, "scalar nodes", &Tensor::scalar(0.5));
}

fn vectors(c: &mut Criterion) {
    nodes(c, "nodes of 8 numbers", &sample(&[8], 0));
}

/// A node that every other one reads, and one that reads every other.
fn fans(c: &mut Criterion) {
    let mut group = c.benchmark_group("fan");
    for &size in chosen(&[1_000, 100_000]) {
        group.throughput(Throughput::Elements(size as u64));
        let mut tape = Tape::<f64>::new();
        group.bench_function(BenchmarkId::new("out and in", size), |b| {
            b.iter(|| {
                tape.reset();
                let x = tape.var(0.5);
                let sum = (0..size / 2).fold(tape.constant(0.0), |sum, _| sum + x.sin());
                sum.backward().wrt(x).item()
            });
        });
    }
    group.finish();
}

fn second_order(c: &mut Criterion) {
    let mut group = c.benchmark_group("second derivative");
    group.throughput(Throughput::Elements(1_000));
    let mut tape = Tape::<f64>::new();
    group.bench_function("of 1,000 scalar nodes", |b| {
        b.iter(|| {
            tape.reset();
            let (x, w) = (tape.var(0.5), tape.var(1.01));
            let slope = chain(x, w, 1_000).backward_recorded().wrt(w);
            slope.backward().wrt(w).item()
        });
    });
    group.finish();
}

criterion_group!(benches, scalars, vectors, fans, second_order);
criterion_main!(benches);
