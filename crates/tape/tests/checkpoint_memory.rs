//! Checkpoints keep the peak of live memory down, and the gradient the same.

use ops::Tensor;
use ops::declare::sample;
use peak_alloc::PeakAlloc;
use tape::prelude::*;
use tape::transform::grad;

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

const LAYERS: usize = 64;
const SEGMENT: usize = 8;

fn layer<'t>(x: Var<'t, f64>, w: Var<'t, f64>) -> Var<'t, f64> {
    (x.matmul(w) * 0.5 + x).tanh()
}

fn segment<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    (0..SEGMENT).fold(v[0], |x, _| layer(x, v[1]))
}

fn plain<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    (0..LAYERS).fold(v[0], |x, _| layer(x, v[1])).sum()
}

fn checkpointed<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    (0..LAYERS / SEGMENT).fold(v[0], |x, _| tape::checkpoint(segment, &[x, v[1]])).sum()
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

#[test]
fn sixty_four_layers_need_at_most_a_quarter() {
    let inputs = [sample(&[256, 32], 0), sample(&[32, 32], 1).scale(0.1)];
    let (expected, all) = measure(plain, &inputs);
    let (gradients, peak) = measure(checkpointed, &inputs);
    println!("peak live memory: {all} bytes plain, {peak} bytes with checkpoints");
    assert!(4 * peak <= all, "{peak} bytes with checkpoints, {all} without");
    assert_eq!(gradients[0], expected[0], "bit for bit");
    // The weight is used in every segment: its contributions are added in the same order.
    approx::assert_relative_eq!(gradients[1], expected[1], max_relative = 1e-13);
}
