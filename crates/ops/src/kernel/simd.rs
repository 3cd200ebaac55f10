//! Loops compiled for the vector instructions of the machine they run on.

use multiversion::multiversion;
use multiversion::target::target_cfg_f;

use super::map::Point;
use crate::number::Float;
use crate::number::fast::Reads;

/// `out[i] = point(first[i], second[i])` for all i: read with [`Fast`](crate::number::fast::Fast) numbers
/// where a multiply-add is one instruction, and again with the float itself where that gives NaN.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub fn fill<A: Float, P: Point<N, M>, const N: usize, const M: usize>(
    point: P,
    first: [&[A]; N],
    second: [&[A]; M],
    out: &mut [A],
) {
    /// Elements between two looks for NaN, small enough for the first-level cache.
    const CHUNK: usize = 1024;
    let n = out.len();
    // Slices of one length, known to be so, need no check at each index.
    let (first, second) = (first.map(|x| &x[..n]), second.map(|x| &x[..n]));
    if !(target_cfg_f!(target_feature = "fma") || cfg!(target_arch = "aarch64")) {
        for i in 0..n {
            out[i] = point.at(first.map(|x| x[i]), second.map(|x| x[i]));
        }
        return;
    }
    let mut start = 0;
    while start < n {
        let end = n.min(start + CHUNK);
        let out = &mut out[start..end];
        let (first, second) = (first.map(|x| &x[start..end]), second.map(|x| &x[start..end]));
        let mut any_nan = false;
        for i in 0..out.len() {
            let x = first.map(|x| A::Fast::read(x[i]));
            let value = point.at(x, second.map(|x| A::Fast::read(x[i]))).number();
            any_nan |= value.is_nan();
            out[i] = value;
        }
        if any_nan {
            for i in 0..out.len() {
                if out[i].is_nan() {
                    out[i] = point.at(first.map(|x| x[i]), second.map(|x| x[i]));
                }
            }
        }
        start = end;
    }
}

/// `to[i] += from[i]` for all i.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub fn add<A: Float>(to: &mut [A], from: &[A]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
}

/// All lanes, a power of 2, as one: the upper half is put together with the lower, and so on.
#[inline(always)]
pub fn fold_lanes<A: Copy, const N: usize>(mut lanes: [A; N], f: impl Fn(A, A) -> A) -> A {
    let mut half = N / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = f(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
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
    fold_lanes(lanes, |a, b| a + b)
}

/// For each row of `length` elements its largest (or smallest); NaN where the row holds one.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
pub fn extremes<A: Float>(x: &[A], length: usize, largest: bool, out: &mut [A]) {
    const LANES: usize = 32;
    let pick = |a: A, b: A| if largest { a.maximum(b) } else { a.minimum(b) };
    for (row, out) in x.chunks_exact(length).zip(out) {
        let mut lanes = [row[0]; LANES];
        let mut chunks = row.chunks_exact(LANES);
        for chunk in &mut chunks {
            lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane = pick(*lane, x));
        }
        lanes.iter_mut().zip(chunks.remainder()).for_each(|(lane, &x)| *lane = pick(*lane, x));
        *out = fold_lanes(lanes, pick);
    }
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
