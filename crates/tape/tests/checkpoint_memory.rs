//! Checkpoints keep the peak of live memory down, and the gradient the same; forward mode on dual
//! numbers needs no more for a deep function than for a shallow one.

use ops::declare::sample;
use ops::{Dual, Tensor};
use peak_alloc::PeakAlloc;
use tape::prelude::*;
use tape::transform::{grad, jvp};

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

const LAYERS: usize = 64;
const SEGMENT: usize = 8;

fn layer<'t>(x: Var<'t, f64>, w: Var<'t, f64>) -> Var<'t, f64> {
    (x.matmul(w) * 0.5 + x).tanh()
}

/// Layers one after the other: the first value is the input, each other the weight of a layer.
fn layers<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    v[1..].iter().fold(v[0], |x, &w| layer(x, w))
}

fn plain<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    layers(v).sum()
}

fn checkpointed<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    let segment = |x, weights: &[Var<'t, f64>]| tape::checkpoint(layers, &[&[x], weights].concat());
    v[1..].chunks(SEGMENT).fold(v[0], segment).sum()
}

/// The gradients, and the peak of live bytes above what was live before.
fn measure(
    f: impl for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
    inputs: &[Tensor<f64>],
) -> (Vec<Tensor<f64>>, usize) {
    let before = PEAK.current_usage();
    PEAK.reset_peak_usage();
    let gradients = grad(f, inputs).unwrap();
    (gradients, PEAK.peak_usage() - before)
}

fn sixty_four_layers_need_at_most_a_quarter() {
    let weights = (1..=LAYERS).map(|i| sample(&[32, 32], i).scale(0.1));
    let inputs: Vec<_> = std::iter::once(sample(&[256, 32], 0)).chain(weights).collect();
    let (expected, all) = measure(plain, &inputs);
    let (gradients, peak) = measure(checkpointed, &inputs);
    println!("peak live memory: {all} bytes plain, {peak} bytes with checkpoints");
    assert!(4 * peak <= all, "{peak} bytes with checkpoints, {all} without");
    assert!(gradients == expected, "the gradients should be the same, bit for bit");
}

/// The peak of live bytes of forward mode through `depth` layers.
fn forward_peak(depth: usize) -> usize {
    let (x, w) = (sample(&[64, 32], 0), sample(&[32, 32], 1).scale(0.1));
    let before = PEAK.current_usage();
    PEAK.reset_peak_usage();
    let f = |v: &[Dual<Tensor<f64>>]| {
        (0..depth).fold(v[0].clone(), |x, _| x.matmul(&v[1]).tanh()).sum()
    };
    let tangents = [Tensor::ones(&[64, 32]), Tensor::ones(&[32, 32])];
    assert!(jvp(f, &[x, w], &tangents).1.is_some());
    PEAK.peak_usage() - before
}

fn forward_mode_needs_the_same_memory_at_any_depth() {
    let (shallow, deep) = (forward_peak(10), forward_peak(100));
    println!("peak live memory of forward mode: {shallow} bytes at depth 10, {deep} at 100");
    assert!(deep <= shallow + 1024, "{shallow} bytes at depth 10, {deep} at depth 100");
}

// One test, because the allocator counts for the whole process.
#[test]
fn peaks_of_live_memory() {
    sixty_four_layers_need_at_most_a_quarter();
    forward_mode_needs_the_same_memory_at_any_depth();
}
