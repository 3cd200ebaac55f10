//! Loops compiled for the vector instructions of the machine they run on.

use multiversion::target::target_cfg_f;

use super::Point;
use crate::number::Float;
use crate::number::fast::Fast;

/// Compiles a function once for each set of vector instructions and chooses at run time.
///
/// With `long:` there is a version for AVX-512, too, with `wide:` no other. What the function calls is
/// compiled for the same instructions only if it is inlined.
macro_rules! vectorised {
    (wide: $($function:tt)*) => {
        #[allow(unsafe_code)] // The processor has been asked for the instructions.
        #[multiversion::multiversion(targets("x86_64+avx2+fma+avx512f+avx512vl+avx512dq+avx512bw"))]
        $($function)*
    };
    (long: $($function:tt)*) => {
        #[allow(unsafe_code)] // The processor has been asked for the instructions.
        #[multiversion::multiversion(targets(
            "x86_64+avx2+fma+avx512f+avx512vl+avx512dq+avx512bw",
            "x86_64+avx2+fma",
            "aarch64+neon"
        ))]
        $($function)*
    };
    ($($function:tt)*) => {
        #[allow(unsafe_code)] // The processor has been asked for the instructions.
        #[multiversion::multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
        $($function)*
    };
}
pub(super) use vectorised;

/// Elements between two looks for NaN: few enough for the first-level cache.
const CHUNK: usize = 1024;

/// What is computed in registers of 512 bits is a multiple of this, and at least [`WIDE`]: below, and
/// for the rest, those of 256 bits are quicker.
const UNIT: usize = 64;
const WIDE: usize = 256;

/// Computes `out[i] = point(first[i], second[i])` for all i.
///
/// Where a multiply-add is one instruction, `point` is read with [`Fast`] numbers, and again with
/// the float itself where that gives NaN.
#[inline]
pub fn fill<A: Float, P: Point<N, M>, const N: usize, const M: usize>(
    point: P,
    first: [&[A]; N],
    second: [&[A]; M],
    out: &mut [A],
) {
    if out.len() < WIDE {
        return fill_narrow(point, first, second, out);
    }
    let wide = out.len() / UNIT * UNIT;
    let (out, rest) = out.split_at_mut(wide);
    fill_wide(point, first.map(|x| &x[..wide]), second.map(|x| &x[..wide]), out);
    if !rest.is_empty() {
        fill_narrow(point, first.map(|x| &x[wide..]), second.map(|x| &x[wide..]), rest);
    }
}

vectorised! { wide:
    fn fill_wide<A: Float, P: Point<N, M>, const N: usize, const M: usize>(
        point: P,
        first: [&[A]; N],
        second: [&[A]; M],
        out: &mut [A],
    ) {
        if target_cfg_f!(target_feature = "avx512f") {
            fill_fast(point, first, second, out);
        } else {
            fill_narrow(point, first, second, out);
        }
    }
}

vectorised! {
    fn fill_narrow<A: Float, P: Point<N, M>, const N: usize, const M: usize>(
        point: P,
        first: [&[A]; N],
        second: [&[A]; M],
        out: &mut [A],
    ) {
        if target_cfg_f!(target_feature = "fma") || cfg!(target_arch = "aarch64") {
            return fill_fast(point, first, second, out);
        }
        let n = out.len();
        let (first, second) = (first.map(|x| &x[..n]), second.map(|x| &x[..n]));
        for i in 0..n {
            out[i] = point.at(first.map(|x| x[i]), second.map(|x| x[i]));
        }
    }
}

#[inline(always)] // To be compiled for the instructions of the function that calls it.
fn fill_fast<A: Float, P: Point<N, M>, const N: usize, const M: usize>(
    point: P,
    first: [&[A]; N],
    second: [&[A]; M],
    out: &mut [A],
) {
    let n = out.len();
    // Slices of one length, known to be so, need no check at each index.
    let (first, second) = (first.map(|x| &x[..n]), second.map(|x| &x[..n]));
    let mut start = 0;
    while start < n {
        let end = n.min(start + CHUNK);
        let out = &mut out[start..end];
        let (first, second) = (first.map(|x| &x[start..end]), second.map(|x| &x[start..end]));
        let mut any_nan = false;
        for i in 0..out.len() {
            let Fast(value) = point.at(first.map(|x| Fast(x[i])), second.map(|y| Fast(y[i])));
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

vectorised! {
    /// Adds `from[i]` to `to[i]` for all i.
    pub fn add<A: Float>(to: &mut [A], from: &[A]) {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
    }
}

vectorised! {
    /// Adds `from[i]` to `to[i]` for all i, in `f64`.
    pub fn add_wide<A: Float>(to: &mut [f64], from: &[A]) {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to += from.to_f64());
    }
}

/// Folds lanes, a power of 2 of them, to one: the upper half into the lower, again and again.
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

/// Lanes of a sum or maximum, which the compiler may put side by side in vector registers.
const LANES: usize = 32;

vectorised! {
    /// Sums the elements, lane by lane.
    pub fn sum<A: Float>(x: &[A]) -> A {
        let mut lanes = [A::zero(); LANES];
        let mut chunks = x.chunks_exact(LANES);
        for chunk in &mut chunks {
            lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane += x);
        }
        lanes.iter_mut().zip(chunks.remainder()).for_each(|(lane, &x)| *lane += x);
        fold_lanes(lanes, |a, b| a + b)
    }
}

vectorised! {
    /// Finds the largest (or smallest) element of each row of `length`; NaN where the row holds one.
    pub fn extremes<A: Float>(x: &[A], length: usize, largest: bool, out: &mut [A]) {
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
}

vectorised! {
    /// Replaces each w and what is kept for it by what `update` gives for them and its gradient.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Number;

    /// A function of two operands, with a sine that is NaN at first for large angles.
    #[derive(Clone, Copy)]
    struct Mixed;

    impl Point<1, 1> for Mixed {
        fn at<R: Number>(self, [x]: [R; 1], [y]: [R; 1]) -> R {
            (x * y).sin() + y.tanh() * x.sigmoid() - x.exp().ln_1p()
        }
    }

    fn wide_is_narrow<A: Float>() {
        let number = |i: usize| A::from_f64((i as f64 * 0.7).sin() * 4.0);
        let mut x: Vec<A> = (0..1500).map(number).collect();
        let y: Vec<A> = (0..1500).map(|i| number(i + 7)).collect();
        x[300] = A::from_f64(2e10); // Computed again.
        x[1400] = A::from_f64(f64::NAN);
        for n in [1, 63, 64, 255, 256, 257, 320, 383, 700, 1024, 1100, 1500] {
            let (mut wide, mut narrow) = (vec![A::default(); n], vec![A::default(); n]);
            fill(Mixed, [&x[..n]], [&y[..n]], &mut wide);
            fill_narrow(Mixed, [&x[..n]], [&y[..n]], &mut narrow);
            for (i, (wide, narrow)) in wide.iter().zip(&narrow).enumerate() {
                let same = wide == narrow || (wide.is_nan() && narrow.is_nan());
                assert!(same, "{wide} and {narrow} at {i} of {n}");
            }
        }
    }

    #[test]
    fn registers_of_all_lengths_give_the_same() {
        wide_is_narrow::<f32>();
        wide_is_narrow::<f64>();
    }
}
