//! Products of the shapes that training has, in GFLOP/s on one thread: ours, and `matrixmultiply`'s
//! alone.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench products`
//!
//! prints the table of the chapter on the kernel: the best of several runs of each, in turn, because
//! a machine that does other things makes runs slower and never quicker.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2};

mod measured;

use measured::is_measured;

/// Rows, terms and columns.
const SIZES: [[usize; 3]; 14] = [
    [1, 784, 256],
    [1, 256, 128],
    [10, 784, 30],
    [10, 30, 10],
    [17, 96, 384],
    [64, 784, 256],
    [64, 128, 10],
    [64, 32, 64],
    [64, 28, 512],
    [64, 128, 512],
    [512, 784, 256],
    [1024, 128, 384],
    [128, 1792, 512],
    [1024, 1024, 1024],
];

/// Rounds, in each of which everything is timed once.
const ROUNDS: usize = 7;

fn main() {
    println!("best of {ROUNDS} runs, GFLOP/s\n");
    println!(
        "| m × k × n | x Wᵀ f32 | library | δ W f32 | library | δᵀ x f32 | library | x Wᵀ f64 | library |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let is_run = |size: &[usize; 3]| is_measured() || size.iter().product::<usize>() < 1 << 18;
    for [m, k, n] in SIZES.into_iter().filter(is_run) {
        print!("| {m}×{k}×{n} ");
        print!("{}", compare::<f32>(m, k, n, false, true));
        print!("{}", compare::<f32>(m, k, n, false, false));
        print!("{}", compare::<f32>(m, k, n, true, false));
        println!("{}|", compare::<f64>(m, k, n, false, true));
    }
}

/// Multiplies two matrices into a third.
type Product<'f, A> = dyn FnMut(&ArrayView2<'_, A>, &ArrayView2<'_, A>, &mut Array2<A>) + 'f;

/// Our rate and the library's, where a transposed operand lies by columns.
fn compare<A: ops::Float>(m: usize, k: usize, n: usize, a: bool, b: bool) -> String {
    let stored = |rows: usize, columns: usize, transposed: bool| {
        let shape = if transposed { (columns, rows) } else { (rows, columns) };
        let x = Array2::from_elem(shape, A::from_f64(0.5));
        if transposed { x.reversed_axes() } else { x }
    };
    let (a, b, mut out) = (stored(m, k, a), stored(k, n, b), stored(m, n, false));
    let flops = 2.0 * (m * k * n) as f64;
    let (rounds, times) =
        if is_measured() { (ROUNDS, (2e7 / flops).ceil() as u32) } else { (1, 1) };
    let [mut ours, mut library] = [Duration::MAX; 2];
    for _ in 0..rounds {
        let mut multiply = |f: &mut Product<'_, A>| {
            let start = Instant::now();
            for _ in 0..times {
                f(black_box(&a.view()), &b.view(), &mut out);
            }
            start.elapsed() / times
        };
        ours = ours.min(multiply(&mut |a, b, out| ops::product_into(a, b, &mut out.view_mut())));
        library = library.min(multiply(&mut |a, b, out| {
            general_mat_mul(A::one(), a, b, A::zero(), &mut out.view_mut());
        }));
    }
    let rate = |time: Duration| 1e-9 * flops / time.as_secs_f64();
    format!("| {:.0} | {:.0} ", rate(ours), rate(library))
}
