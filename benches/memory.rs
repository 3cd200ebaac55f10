//! Memory of training: how many allocations a step makes and of how many bytes, what it keeps, and
//! what one step costs after many.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench memory`
//!
//! Not criterion's clock but an allocator that counts. The first table has the means over the steps
//! after those that warm up, and what was kept after all of them; buffers that the engine hands from
//! step to step do not reach the allocator. `cargo test --benches` takes a hundredth of the steps.

#[allow(dead_code)] // Its own command line.
#[path = "../examples/workloads.rs"]
mod workloads;

use std::alloc::System;
use std::time::Instant;

use nn::ops;
use nn::prelude::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

mod measured;

use measured::is_measured;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What happened to the heap in some steps.
struct Heap {
    allocations_per_step: f64,
    kib_per_step: f64,
    /// Bytes that are there after the steps and were not before.
    kept: isize,
}

impl Heap {
    fn of(change: &Stats, steps: usize) -> Self {
        let per_step = |count: usize| count as f64 / steps as f64;
        Self {
            allocations_per_step: per_step(change.allocations + change.reallocations),
            kib_per_step: per_step(change.bytes_allocated) / 1024.0,
            kept: change.bytes_allocated as isize - change.bytes_deallocated as isize,
        }
    }
}

/// `count`, or a hundredth of it if the benches are only tried.
fn steps(count: usize) -> usize {
    if is_measured() { count } else { (count / 100).max(1) }
}

fn print_row(name: &str, _parts: usize, step: &mut dyn FnMut()) {
    let count = steps(200);
    (0..steps(100).max(2)).for_each(|_| step());
    let region = Region::new(GLOBAL);
    (0..count).for_each(|_| step());
    let Heap { allocations_per_step, kib_per_step, kept } = Heap::of(&region.change(), count);
    print!("| {name} | {allocations_per_step:.1} | {kib_per_step:.1} | {kept} ");
}

fn workloads() {
    println!("A step on one thread, recorded each time, and as it comes:\n");
    println!(
        "| | allocations a step | KiB a step | bytes kept | | allocations a step | KiB a step | bytes kept |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for workload in ["W1", "W2", "W3", "W4", "W7"] {
        for recorded in [true, false] {
            let measured = ops::with_threads(1, || {
                workloads::measure(workload, recorded, print_row).map_err(|e| e.to_string())
            });
            measured.expect("a workload");
        }
        println!("|");
    }
}

/// A network as small as they come: what is not the arithmetic shows.
fn many_steps() {
    let rng = &mut nn::rng(0);
    let mut model =
        Sequential::new().then(Dense::new(2, 4, rng)).then(Tanh).then(Dense::new(4, 1, rng));
    let mut optimizer = Sgd::momentum(0.1, 0.9).expect("valid settings");
    let x = Tensor::<f32>::from([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    let y = nn::data::Targets::Values(Tensor::from([[0.0], [1.0], [1.0], [0.0]]));
    let mut tape = Tape::new();
    let mut step = || {
        let gradients = {
            let pass = Pass::train(&tape, 0);
            let loss = MeanSquaredError.loss(model.forward(&pass, pass.input(&x)), &y);
            pass.gradients(loss.expect("targets that fit")).expect("a scalar")
        };
        tape.reset();
        optimizer.step(&mut model, &gradients).expect("gradients that fit");
    };
    println!("\nA 2-4-1 network, batch 4, recorded each step:\n");
    println!("| steps | µs a step (median) | allocations a step | bytes kept |");
    println!("|---|---|---|---|");
    step();
    let mut done = 1;
    for until in [10, 100, 1_000, 10_000, 50_000, 100_000] {
        let count = steps(until).max(done + 1) - done;
        let mut times = Vec::with_capacity(count);
        let region = Region::new(GLOBAL);
        for _ in 0..count {
            let start = Instant::now();
            step();
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        let Heap { allocations_per_step, kept, .. } = Heap::of(&region.change(), count);
        times.sort_by(f64::total_cmp);
        let (from, median) = (done + 1, times[count / 2]);
        done += count;
        println!("| {from} to {done} | {median:.2} | {allocations_per_step:.2} | {kept} |");
    }
}

fn main() {
    workloads();
    many_steps();
}
