//! Memory: flat over many steps on one tape, and none of their own for scalars.

use std::alloc::System;

use ops::Tensor;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tape::prelude::*;
use tape::transform::vjp;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn step(tape: &mut Tape<f64>, w: &Tensor<f64>, x: &Tensor<f64>) -> Tensor<f64> {
    tape.reset();
    let (w, x) = (tape.var(w).named("w"), tape.constant(x));
    let loss = (x.matmul(w).tanh() * 2.0).square().mean();
    loss.backward().wrt(w)
}

fn memory_is_flat_over_two_thousand_steps() {
    let mut tape = Tape::new();
    let x = ops::declare::sample(&[8, 5], 0);
    let mut w = ops::declare::sample(&[5, 3], 1);
    let mut run = |steps| {
        for _ in 0..steps {
            let gradient = step(&mut tape, &w, &x);
            w = &w - &(0.01 * gradient);
        }
    };
    run(100);
    let region = Region::new(GLOBAL);
    run(2_000); // A byte that each keeps is seen.
    let change = region.change();
    let kept = change.bytes_allocated as i64 - change.bytes_deallocated as i64;
    assert!(kept.abs() < 1024, "{kept} bytes more after 2,000 steps: {change:?}");
}

fn scalars_need_no_allocation_of_their_own() {
    let mut tape = Tape::new();
    let mut run = || {
        tape.reset();
        let (x, w) = (tape.var(0.5), tape.var(2.0));
        let mut y = x;
        for _ in 0..1000 {
            y = (y * w).sin() + x;
        }
        y.item()
    };
    run();
    let region = Region::new(GLOBAL);
    run();
    let allocations = region.change().allocations;
    assert_eq!(allocations, 0, "recording 3,000 scalars on a tape that was reset");
}

fn the_steps_of_a_sequence_cost_as_much_as_the_sequence() {
    let (steps, width) = (1000, 100);
    let tape = Tape::new();
    let x = tape.var(Tensor::<f64>::ones(&[steps, width]));
    let rows = x.split(0, &vec![1; steps]);
    let y = rows.iter().map(|row| row.square().sum()).reduce(|a, b| a + b).unwrap();
    let region = Region::new(GLOBAL);
    assert_eq!(y.backward().wrt(x).view()[[steps - 1, 0]], 2.0);
    let sequence = steps * width * size_of::<f64>();
    let allocated = region.change().bytes_allocated;
    // Its adjoint, and a few tensors of the length of a row for each row; not one of its size.
    assert!(allocated < 8 * sequence, "{allocated} bytes for a sequence of {sequence}");
}

fn a_part_of_a_constant_costs_no_gradient_of_its_size() {
    let table = Tensor::<f64>::ones(&[1000, 1000]);
    let region = Region::new(GLOBAL);
    let (_, gradients) = vjp(
        |v| v[0].tape().constant(&table).slice(ndarray::s![0..1, 0..2]),
        &[Tensor::from([3.0])],
        &Tensor::ones(&[1, 2]),
    )
    .unwrap();
    assert_eq!(gradients, [Tensor::from([0.0])]);
    let allocated = region.change().bytes_allocated;
    assert!(allocated < 100_000, "{allocated} bytes");
}

// One test, because the allocator counts for the whole process.
#[test]
fn memory() {
    memory_is_flat_over_two_thousand_steps();
    scalars_need_no_allocation_of_their_own();
    the_steps_of_a_sequence_cost_as_much_as_the_sequence();
    a_part_of_a_constant_costs_no_gradient_of_its_size();
}
