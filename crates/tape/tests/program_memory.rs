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
    let region = Region::new(GLOBAL);
    let runs = 10;
    for _ in 0..runs {
        program.run_with(&leaves).unwrap();
    }
    let change = region.change();
    let (number, bytes) = (change.allocations / runs, change.bytes_allocated / runs);
    println!("{number} allocations of {bytes} bytes a step\n{}", program.plan());
    assert!(number <= 60, "{number} allocations a step");
    // Not one of them is of an activation, a gradient or a weight: the smallest of those that
    // matter, a batch of 128 numbers, is 32 kB.
    assert!(bytes < 20_000, "{bytes} bytes a step");
    assert_eq!(change.bytes_allocated, change.bytes_deallocated);
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
        assert_eq!(counts[0], counts[1], "for 100 and 1,000 ops of shape {shape:?}");
        assert!(counts[0] < 16, "{} allocations", counts[0]);
    }
}

// One test, because the allocator counts for the whole process.
#[test]
fn memory() {
    a_training_step_allocates_a_handful();
    scalars_and_chains_allocate_nothing_that_grows();
}
