//! Criterion benches of derivatives: what a gradient costs over the function, and a
//! Hessian-vector product over a gradient.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench transform`

use criterion::{Criterion, criterion_group, criterion_main};
use ops::declare::sample;
use tape::Tape;
use tape::prelude::*;
use tape::transform::{grad, hvp};

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

criterion_group!(benches, derivatives);
criterion_main!(benches);
