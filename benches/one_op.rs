//! One op at a time: its value and the gradients of Σ y² with respect to all operands, replayed.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench one_op -- softmax` prints a line for each case
//! whose name has that in it, or with `--exact` is that: the median in ms of half a second. `benches/peers/one_op.py` runs them
//! beside PyTorch and JAX. Without `--bench` each case runs once, on a single row or image where it may.

use std::time::{Duration, Instant};

use ndarray::s;
use ops::rules::{Padding, Slide};
use ops::{Tensor, prelude::*};
use tape::{Tape, Var};

type V<'t> = Var<'t, f32>;
type Op = for<'t> fn(&[V<'t>]) -> V<'t>;

/// Indices below `length`, in no order.
fn indices(count: usize, length: usize) -> Vec<usize> {
    (0..count).map(|i| (i * 7919 + i / 3) % length).collect()
}

/// Windows along two axes.
fn two(slide: Slide) -> [Slide; 2] {
    [slide; 2]
}

/// A name, the operands' shapes, the op.
type Case = (&'static str, Vec<&'static [usize]>, Op);

/// Functions of elements and rows.
fn on_elements() -> Vec<Case> {
    vec![
        ("gelu", vec![&[256, 1024]], |v| v[0].gelu()),
        ("silu", vec![&[256, 1024]], |v| v[0].silu()),
        ("softplus", vec![&[256, 1024]], |v| v[0].softplus()),
        ("sin", vec![&[256, 1024]], |v| v[0].sin()),
        ("add a row", vec![&[256, 1024], &[1024]], |v| v[0] + v[1]),
        ("multiply by a column", vec![&[256, 1024], &[256, 1]], |v| v[0] * v[1]),
        ("multiply a transpose", vec![&[512, 512], &[512, 512]], |v| v[0].t() * v[1]),
        ("outer", vec![&[1000], &[1000]], |v| v[0].outer(&v[1])),
        ("softmax", vec![&[256, 1000]], |v| v[0].softmax(-1)),
        ("softmax of short rows", vec![&[4096, 16]], |v| v[0].softmax(-1)),
        ("softmax of columns", vec![&[1000, 256]], |v| v[0].softmax(0)),
        ("logsumexp", vec![&[256, 1000]], |v| v[0].logsumexp(-1)),
        ("layer_norm", vec![&[256, 768], &[768], &[768]], |v| v[0].layer_norm(&v[1], &v[2], 1e-5)),
        ("sum of rows", vec![&[1000, 1000]], |v| v[0].sum_axes(1)),
        ("sum of columns", vec![&[1000, 1000]], |v| v[0].sum_axes(0)),
        ("max of rows", vec![&[1000, 1000]], |v| v[0].max_axes(1)),
        ("max of columns", vec![&[1000, 1000]], |v| v[0].max_axes(0)),
        ("norm of rows", vec![&[1000, 1000]], |v| v[0].norm(1)),
        ("variance of rows", vec![&[1000, 1000]], |v| v[0].var(1, 1.0)),
    ]
}

/// Elements in other places, and products.
fn along_axes() -> Vec<Case> {
    vec![
        ("cumsum along rows", vec![&[256, 1024]], |v| v[0].cumsum(1)),
        ("cumsum along columns", vec![&[1024, 256]], |v| v[0].cumsum(0)),
        ("concat", vec![&[256, 512], &[256, 512]], |v| v[0].concat(&[v[1]], 1)),
        ("every other column", vec![&[256, 1024]], |v| v[0].slice(s![.., ..;2])),
        ("flip", vec![&[256, 1024]], |v| v[0].flip(1)),
        ("roll", vec![&[256, 1024]], |v| v[0].roll(1, 5)),
        ("repeat", vec![&[256, 256]], |v| v[0].repeat(1, 4)),
        ("tile", vec![&[256, 256]], |v| v[0].tile(1, 4)),
        ("tril", vec![&[512, 512]], |v| v[0].tril(0)),
        ("pad", vec![&[64, 16, 28, 28]], |v| {
            v[0].pad(2, 1, 1, Padding::Constant(0.0)).pad(3, 1, 1, Padding::Constant(0.0))
        }),
        ("permute", vec![&[32, 64, 32, 16]], |v| v[0].permute(&[0, 2, 1, 3])),
        ("index_select", vec![&[5000, 128]], |v| v[0].index_select(0, &indices(2048, 5000))),
        ("upsample_nearest", vec![&[16, 16, 32, 32]], |v| {
            v[0].upsample_nearest(2, 64).upsample_nearest(3, 64)
        }),
        ("upsample_linear", vec![&[16, 16, 32, 32]], |v| {
            v[0].upsample_linear(2, 64).upsample_linear(3, 64)
        }),
        ("matmul", vec![&[300, 300], &[300, 300]], |v| v[0].matmul(v[1])),
        ("matmul of stacks", vec![&[64, 32, 128], &[64, 128, 32]], |v| v[0].matmul(v[1])),
        ("einsum", vec![&[8, 8, 64, 32], &[8, 8, 64, 32]], |v| {
            V::einsum("bhqd,bhkd->bhqk", &[&v[0], &v[1]])
        }),
        ("inverse", vec![&[64, 64]], |v| v[0].inverse()),
        ("solve", vec![&[64, 64], &[64, 8]], |v| v[0].solve(v[1])),
    ]
}

/// Windows over images.
fn of_images() -> Vec<Case> {
    const K3: Slide = Slide::new(3).padding(1);
    vec![
        ("conv 3 by 3", vec![&[32, 16, 28, 28], &[32, 16, 3, 3]], |v| v[0].conv(v[1], &two(K3), 1)),
        ("conv 1 by 1", vec![&[16, 64, 28, 28], &[64, 64, 1, 1]], |v| {
            v[0].conv(v[1], &two(Slide::new(1)), 1)
        }),
        ("conv by 2", vec![&[16, 32, 32, 32], &[64, 32, 3, 3]], |v| {
            v[0].conv(v[1], &two(K3.stride(2)), 1)
        }),
        ("conv, depthwise", vec![&[16, 64, 28, 28], &[64, 1, 3, 3]], |v| {
            v[0].conv(v[1], &two(K3), 64)
        }),
        ("conv of four groups", vec![&[16, 64, 28, 28], &[64, 16, 3, 3]], |v| {
            v[0].conv(v[1], &two(K3), 4)
        }),
        ("conv of volumes", vec![&[2, 8, 16, 16, 16], &[16, 8, 3, 3, 3]], |v| {
            v[0].conv(v[1], &[K3; 3], 1)
        }),
        ("conv, transposed", vec![&[16, 32, 14, 14], &[32, 16, 4, 4]], |v| {
            let slides = two(Slide::new(4).padding(1).stride(2));
            v[0].conv_transposed(v[1], &slides, 1, &[0, 0])
        }),
        ("max_pool 2", vec![&[32, 32, 28, 28]], |v| {
            v[0].max_pool(&two(Slide::new(2).stride(2)), false)
        }),
        ("max_pool 3 by 1", vec![&[32, 32, 28, 28]], |v| v[0].max_pool(&two(K3), false)),
        ("avg_pool 2", vec![&[32, 32, 28, 28]], |v| {
            v[0].avg_pool(&two(Slide::new(2).stride(2)), false, true)
        }),
        ("avg_pool 3 by 1", vec![&[32, 32, 28, 28]], |v| v[0].avg_pool(&two(K3), false, true)),
    ]
}

/// Numbers between −1 and 1, by a linear congruence; 12 more on the diagonal of a matrix of 64 rows, which
/// keeps it from being singular.
fn operand(shape: &[usize], state: &mut u64) -> Tensor<f32> {
    let mut x = Tensor::zeros(shape);
    for (i, x) in x.view_mut().iter_mut().enumerate() {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let diagonal = shape == [64, 64] && i % 65 == 0;
        *x = (*state >> 40) as f32 / (1 << 23) as f32 - 1.0 + if diagonal { 12.0 } else { 0.0 };
    }
    x
}

/// The median, in ms, of half a second of runs, or the time of one.
fn median(once: bool, mut run: impl FnMut()) -> f64 {
    let (begin, mut times) = (Instant::now(), Vec::new());
    loop {
        let start = Instant::now();
        run();
        times.push(start.elapsed().as_secs_f64() * 1e3);
        if once || times.len() > 4 && begin.elapsed() > Duration::from_millis(500) {
            times.sort_by(f64::total_cmp);
            return times[times.len() / 2];
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |option| arguments.iter().any(|argument| argument == option);
    let (once, exact) = (!has("--bench"), has("--exact"));
    let wanted: Vec<&String> = arguments.iter().filter(|word| !word.starts_with("--")).collect();
    // Whether the first axis of the first operand may have any length.
    let elements = on_elements().into_iter().map(|case| (case.1.len() == 1, case));
    let others = along_axes().into_iter().map(|case| (false, case));
    let images = of_images().into_iter().map(|case| (true, case));
    for (is_free, (name, mut shapes, op)) in elements.chain(others).chain(images) {
        if !wanted.iter().all(|&word| name == word || !exact && name.contains(word)) {
            continue;
        }
        let one: Vec<usize> = std::iter::once(1).chain(shapes[0][1..].iter().copied()).collect();
        if once && is_free {
            shapes[0] = &one;
        }
        let mut state = 1;
        let operands: Vec<_> = shapes.iter().map(|shape| operand(shape, &mut state)).collect();
        let tape = Tape::new();
        let vars: Vec<V<'_>> = operands.iter().map(|x| tape.var(x)).collect();
        let loss = op(&vars).square().sum();
        let gradients = loss.backward_recorded();
        let outputs: Vec<_> =
            std::iter::once(loss).chain(vars.iter().map(|&x| gradients.wrt(x))).collect();
        let mut program = tape.compile(&outputs);
        let given: Vec<_> = vars.iter().map(|x| x.position()).zip(&operands).collect();
        let median =
            median(once, || program.run_with(&given).expect("operands of the same shapes"));
        println!("{name};{median:.4};{}", program.value(0).item());
    }
}
