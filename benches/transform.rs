//! Criterion benches of derivatives: what a gradient costs over the function, a Hessian-vector product
//! over a gradient, and a Jacobian or a Hessian as one sweep over a batch of directions.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench transform`

use std::sync::LazyLock;

use criterion::{Criterion, criterion_group, criterion_main};
use ops::Tensor;
use ops::declare::sample;
use tape::prelude::*;
use tape::transform::{grad, hessian, hvp, jacobian, nested, vmap};

fn network<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    let x = v[0].tape().constant(sample(&[64, 100], 5));
    let hidden = x.matmul(v[0]).tanh();
    hidden.matmul(v[1]).sparse_softmax_cross_entropy(&[3; 64]).mean()
}

fn derivatives(c: &mut Criterion) {
    let weights = [sample(&[100, 50], 0).scale(0.1), sample(&[50, 10], 1).scale(0.1)];
    let vectors = [sample(&[100, 50], 2), sample(&[50, 10], 3)];
    let mut group = c.benchmark_group("100-50-10 network, batch 64");
    group.bench_function("value", |b| {
        b.iter(|| {
            let tape = Tape::new();
            let x: Vec<_> = weights.iter().map(|w| tape.var(w)).collect();
            network(&x).item()
        });
    });
    group.bench_function("gradient", |b| b.iter(|| grad(network, &weights).expect("a scalar")));
    group.bench_function("Hessian-vector product, forward over reverse", |b| {
        b.iter(|| hvp(network, &weights, &vectors).expect("a scalar"));
    });
    group.finish();
}

static WEIGHTS: LazyLock<[Tensor<f32>; 3]> =
    LazyLock::new(|| [4, 5, 6].map(|seed| sample(&[64, 64], seed).scale(0.2).cast()));
static POINTS: LazyLock<(Tensor<f32>, Tensor<f32>)> =
    LazyLock::new(|| (sample(&[200, 50], 1).cast(), sample(&[200], 2).cast()));

/// A network of three layers of 64.
fn layers(x: Var<'_, f32>) -> Var<'_, f32> {
    let w = |layer: usize| x.tape().constant(&WEIGHTS[layer]);
    x.matmul(w(0)).tanh().matmul(w(1)).tanh().matmul(w(2))
}

/// A logistic regression of 50 parameters on 200 points.
fn logistic<'t>(v: &[Var<'t, f32>]) -> Var<'t, f32> {
    let tape = v[0].tape();
    let (x, y) = (tape.constant(&POINTS.0), tape.constant(&POINTS.1));
    (-(y * x.matmul(v[0]))).softplus().mean()
}

fn batches(c: &mut Criterion) {
    let x: Tensor<f32> = sample(&[64], 9).cast();
    let mut group = c.benchmark_group("Jacobian of 64-64-64-64");
    group.bench_function("one sweep for each output", |b| {
        b.iter(|| {
            let tape = Tape::new();
            let v = tape.var(&x);
            let y = layers(v);
            let unit = |i: usize| -> Vec<f32> { (0..64).map(|j| f32::from(i == j)).collect() };
            let row = |i| y.backward_with(unit(i)).expect("a seed of the shape").wrt(v);
            (0..64).map(row).collect::<Vec<_>>()
        });
    });
    group.bench_function("one sweep for all of them", |b| b.iter(|| jacobian(layers, &x)));
    group.finish();
    let mut group = c.benchmark_group("logistic regression, 50 parameters, 200 points");
    let w: Tensor<f32> = sample(&[50], 3).cast();
    group.bench_function("Hessian", |b| b.iter(|| hessian(logistic, &w).expect("a scalar")));
    let tape = Tape::new();
    let v = tape.var(&w);
    let mut program = tape.compile(&[nested::hessian(|v| logistic(&[v]), v)]);
    group.bench_function("Hessian, replayed", |b| {
        b.iter(|| program.run_with(&[(v.position(), &w)]).expect("as recorded"));
    });
    let rows: Tensor<f32> = sample(&[32, 50], 7).cast();
    group.bench_function("gradients at 32 points", |b| {
        b.iter(|| {
            vmap(|v| nested::grad(logistic, v)[0], std::slice::from_ref(&rows), &[Some(0)]).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, derivatives, batches);
criterion_main!(benches);
