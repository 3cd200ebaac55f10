//! What a replayed training step allocates.

use std::alloc::System;

use ops::Tensor;
use ops::declare::sample;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tape::prelude::*;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The training step of a network 784-256-128-10 on a batch of 64.
fn network() -> (tape::Program<f32>, Vec<(usize, Tensor<f32>)>) {
    let tape = Tape::<f32>::new();
    let sizes = [784, 256, 128, 10];
    let scaled = |shape: &[usize], number| &sample(shape, number).cast::<f32>() * 0.02;
    let x = tape.constant(scaled(&[64, 784], 0));
    let labels = tape.constant(Tensor::from((0..64).map(|i| (i % 10) as f32).collect::<Vec<_>>()));
    let (mut leaves, mut y) = (vec![x, labels], x);
    for (layer, size) in sizes.windows(2).enumerate() {
        let w = tape.var(scaled(&[size[1], size[0]], layer));
        let b = tape.var(scaled(&[size[1]], layer));
        y = y.matmul(w.t()) + b;
        if layer < 2 {
            y = y.relu();
        }
        leaves.extend([w, b]);
    }
    let loss = y.label_cross_entropy(labels).mean();
    let gradients = loss.backward_recorded();
    let outputs: Vec<_> =
        [loss].into_iter().chain(leaves[2..].iter().map(|&w| gradients.wrt(w))).collect();
    let program = tape.compile(&outputs);
    (program, leaves.iter().map(|x| (x.position(), x.value())).collect())
}

fn a_training_step_allocates_a_handful() {
    let (mut program, leaves) = network();
    let leaves: Vec<_> = leaves.iter().map(|(at, value)| (*at, value)).collect();
    for _ in 0..5 {
        program.run_with(&leaves).unwrap();
    }
    let places = |program: &tape::Program<f32>| -> Vec<_> {
        (0..program.len()).map(|output| program.value(output).view().as_ptr()).collect()
    };
    let before = places(&program);
    let runs = 10;
    let region = Region::new(GLOBAL);
    for _ in 0..runs {
        program.run_with(&leaves).unwrap();
    }
    let change = region.change();
    let number = change.allocations / runs;
    let bytes = (change.bytes_allocated / runs).saturating_sub(packing());
    assert_eq!(places(&program)[1..], before[1..], "gradients stay where they are");
    // Each of the eight products packs its operands; nothing else asks for memory.
    assert!(number <= 8, "{number} allocations a step");
    assert!(bytes < 1_000, "{bytes} bytes a step, without what the products pack");
    assert!(change.bytes_allocated.abs_diff(change.bytes_deallocated) < 10_000, "{change:?}");
}

/// The bytes that the products of the step allocate to pack their operands into, inside the crate
/// that computes them.
fn packing() -> usize {
    let product = |(m, k, n): (usize, usize, usize)| {
        let [a, b, mut c] = [(m, k), (k, n), (m, n)].map(ndarray::Array2::<f32>::zeros);
        let region = Region::new(GLOBAL);
        ops::product_into(&a.view(), &b.view(), &mut c.view_mut());
        region.change().bytes_allocated
    };
    let forward = [(64, 784, 256), (64, 256, 128), (64, 128, 10)];
    let weights = forward.map(|(batch, inputs, outputs)| (inputs, batch, outputs));
    let inputs = [(64, 10, 128), (64, 128, 256)];
    // A product laid out by columns is that of the transposes, which pack each other's share.
    let either = |(m, k, n)| product((m, k, n)).max(product((n, k, m)));
    forward.into_iter().chain(weights).chain(inputs).map(either).sum()
}

fn scalars_and_chains_allocate_nothing_that_grows() {
    for shape in [&[][..], &[8]] {
        let counts = [100, 1_000].map(|ops| {
            let tape = Tape::<f64>::new();
            let (x, w) = (tape.var(sample(shape, 0)), tape.var(sample(shape, 1)));
            let y = (0..ops).fold(x, |y, _| (y * w).sin() + x).sum();
            let mut program = tape.compile(&[y, y.backward_recorded().wrt(w)]);
            program.run().unwrap();
            program.run().unwrap();
            let region = Region::new(GLOBAL);
            program.run().unwrap();
            region.change().allocations
        });
        assert!(counts.iter().all(|&count| count < 16), "{counts:?}, for 100 and 1,000 ops");
    }
}

// One test, because the allocator counts for the whole process.
#[test]
fn memory() {
    scalars_and_chains_allocate_nothing_that_grows();
    // On one thread: what a second one is handed takes memory too. Last, because the end of the pool
    // goes on for a while.
    ops::with_threads(1, a_training_step_allocates_a_handful);
}
