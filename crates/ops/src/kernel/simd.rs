//! Loops compiled for the vector instructions of the machine they run on.

use multiversion::multiversion;

use super::map::Point;
use crate::float::Float;

/// `out[i] = point(first[i], second[i])` for all i.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub fn fill<A: Float, P: Point<N, M>, const N: usize, const M: usize>(
    point: P,
    first: [&[A]; N],
    second: [&[A]; M],
    out: &mut [A],
) {
    let n = out.len();
    // Slices of one length, known to be so, need no check at each index.
    let (first, second) = (first.map(|x| &x[..n]), second.map(|x| &x[..n]));
    for i in 0..n {
        out[i] = point.at(first.map(|x| x[i]), second.map(|x| x[i]));
    }
}

/// `to[i] += from[i]` for all i.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub fn add<A: Float>(to: &mut [A], from: &[A]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
}

/// The sum of the elements, in lanes that a compiler may put side by side.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub fn sum<A: Float>(x: &[A]) -> A {
    const LANES: usize = 32;
    let mut lanes = [A::zero(); LANES];
    let mut chunks = x.chunks_exact(LANES);
    for chunk in &mut chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane += x);
    }
    lanes.iter_mut().zip(chunks.remainder()).for_each(|(lane, &x)| *lane += x);
    lanes.into_iter().sum()
}

/// One pass over numbers w, others g, and what is kept for each: `update` gives the new w and what
/// to keep.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub fn update<A: Float, const N: usize>(
    w: &mut [A],
    g: &[A],
    kept: [&mut [A]; N],
    update: &impl Fn(A, A, [A; N]) -> (A, [A; N]),
) {
    let (n, g) = (w.len(), &g[..w.len()]);
    let kept = kept.map(|kept| &mut kept[..n]);
    for i in 0..n {
        let (new, keep) = update(w[i], g[i], std::array::from_fn(|k| kept[k][i]));
        w[i] = new;
        for k in 0..N {
            kept[k][i] = keep[k];
        }
    }
}
