//! Loops compiled for the vector instructions of the machine they run on.

use std::ops::Range;

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

/// The fewest elements that are computed in registers of 512 bits, and the length of a block there.
const WIDE: usize = 64;

/// The lengths of blocks in registers of 256 bits: of many elements, and of few.
const LONG: usize = 32;
const SHORT: usize = 8;

const FITS: &str = "as many elements of each operand as are to be computed";

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
        fill_narrow(point, first, second, out);
    } else {
        fill_wide(point, first, second, out);
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
            fill_blocks::<A, P, N, M, WIDE>(point, first, second, out, 0);
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
        let n = out.len();
        if target_cfg_f!(target_feature = "fma") || cfg!(target_arch = "aarch64") {
            if n < SHORT {
                return fill_few(point, first, second, out);
            }
            let long = fill_whole_blocks::<A, P, N, M, LONG>(point, first, second, out);
            return fill_blocks::<A, P, N, M, SHORT>(point, first, second, out, long);
        }
        let (first, second) = (within(first, 0..n), within(second, 0..n));
        for (i, to) in out.iter_mut().enumerate() {
            *to = point.at(each_at(first, i), each_at(second, i));
        }
    }
}

/// Computes the elements of all whole blocks of `B`, and gives the number of these elements. The blocks
/// are cut before the loop, which then checks nothing.
#[inline(always)] // To be compiled for the instructions of the function that calls it.
fn fill_whole_blocks<A: Float, P: Point<N, M>, const N: usize, const M: usize, const B: usize>(
    point: P,
    first: [&[A]; N],
    second: [&[A]; M],
    out: &mut [A],
) -> usize {
    let (out, _) = out.as_chunks_mut::<B>();
    let (first, second) = (whole_blocks(first, out.len()), whole_blocks(second, out.len()));
    for (i, out) in out.iter_mut().enumerate() {
        fill_block(point, blocks(first, i), blocks(second, i), out);
    }
    out.len() * B
}

/// Computes the elements from number `start` on in blocks of `B`, which are no more than there are
/// elements at all.
///
/// A loop of a known length needs no check at each index, and leaves nothing over that would go
/// element by element: the last block begins earlier where it would be too long, and computes some
/// elements once more.
#[inline(always)] // To be compiled for the instructions of the function that calls it.
fn fill_blocks<A: Float, P: Point<N, M>, const N: usize, const M: usize, const B: usize>(
    point: P,
    first: [&[A]; N],
    second: [&[A]; M],
    out: &mut [A],
    start: usize,
) {
    let n = out.len();
    let mut next = start;
    while next < n {
        let at = next.min(n - B);
        let out = out[at..].first_chunk_mut::<B>().expect(FITS);
        fill_block(point, blocks_at(first, at), blocks_at(second, at), out);
        next += B;
    }
}

/// Computes fewer than [`SHORT`] elements, as a block that is filled up.
#[inline(always)]
fn fill_few<A: Float, P: Point<N, M>, const N: usize, const M: usize>(
    point: P,
    first: [&[A]; N],
    second: [&[A]; M],
    out: &mut [A],
) {
    let Some(last) = out.len().checked_sub(1) else { return };
    let (first, second) = (filled_up(first, last), filled_up(second, last));
    let mut block = [A::default(); SHORT];
    fill_block(point, first.each_ref(), second.each_ref(), &mut block);
    out.copy_from_slice(&block[..=last]);
}

/// Computes a block of elements, and those again that are NaN.
#[inline(always)]
fn fill_block<A: Float, P: Point<N, M>, const N: usize, const M: usize, const B: usize>(
    point: P,
    first: [&[A; B]; N],
    second: [&[A; B]; M],
    out: &mut [A; B],
) {
    let mut any_nan = false;
    #[allow(clippy::needless_range_loop)]
    // The range says that i is less than the length of any block.
    for i in 0..B {
        let (value, is_approximate) = point.at(fast_at(first, i), fast_at(second, i)).into_parts();
        any_nan |= is_approximate && value.is_nan();
        out[i] = value;
    }
    if any_nan {
        repair(point, first.map(<[A; B]>::as_slice), second.map(<[A; B]>::as_slice), out);
    }
}

/// Computes the elements that are NaN with the float itself.
#[cold]
#[inline(never)]
fn repair<A: Float, P: Point<N, M>, const N: usize, const M: usize>(
    point: P,
    first: [&[A]; N],
    second: [&[A]; M],
    out: &mut [A],
) {
    for (i, out) in out.iter_mut().enumerate().filter(|(_, out)| out.is_nan()) {
        *out = point.at(each_at(first, i), each_at(second, i));
    }
}

// What is done with the operands of any function stands in functions of their own, which do not know
// which it is: they are compiled once, where closures in the loops would be compiled for each.

/// The parts of the operands within a range.
#[inline(always)]
pub fn within<A, const N: usize>(x: [&[A]; N], range: Range<usize>) -> [&[A]; N] {
    x.map(|x| &x[range.clone()])
}

/// The elements of the operands at an index.
#[inline(always)]
fn each_at<A: Copy, const N: usize>(x: [&[A]; N], i: usize) -> [A; N] {
    x.map(|x| x[i])
}

#[inline(always)]
fn fast_at<A: Float, const N: usize, const B: usize>(x: [&[A; B]; N], i: usize) -> [Fast<A>; N] {
    x.map(|x| Fast::new(x[i]))
}

/// The first `count` blocks of the operands.
#[inline(always)]
pub fn whole_blocks<A, const N: usize, const B: usize>(
    x: [&[A]; N],
    count: usize,
) -> [&[[A; B]]; N] {
    x.map(|x| &x.as_chunks().0[..count])
}

/// Block `number` of each operand.
#[inline(always)]
pub fn blocks<A, const N: usize, const B: usize>(x: [&[[A; B]]; N], number: usize) -> [&[A; B]; N] {
    x.map(|x| &x[number])
}

/// The blocks of the operands that begin at an index.
#[inline(always)]
fn blocks_at<A, const N: usize, const B: usize>(x: [&[A]; N], at: usize) -> [&[A; B]; N] {
    x.map(|x| x[at..].first_chunk().expect(FITS))
}

/// A block of each operand, with the element at `last` in all places from there on.
#[inline(always)]
fn filled_up<A: Copy, const N: usize>(x: [&[A]; N], last: usize) -> [[A; SHORT]; N] {
    x.map(|x| {
        let x = &x[..=last];
        std::array::from_fn(|i| x[i.min(last)])
    })
}

/// Calls `f` with each number and the elements beside it, in blocks short enough for rows of a picture.
///
/// The compiler would make of such a loop one over so many elements at a time that few rows have them.
#[inline(always)] // To be compiled for the instructions of the function that calls it.
pub fn for_each_in_blocks<A: Float, const N: usize>(
    to: &mut [A],
    x: [&[A]; N],
    f: impl Fn(&mut A, [A; N]),
) {
    let (whole, x) = (to.len() / SHORT, x.map(|x| &x[..to.len()]));
    let in_blocks: [&[[A; SHORT]]; N] = whole_blocks(x, whole);
    let (to, rest) = to.as_chunks_mut::<SHORT>();
    for (number, to) in to.iter_mut().enumerate() {
        let x = blocks(in_blocks, number);
        for i in 0..SHORT {
            f(&mut to[i], x.map(|x| x[i]));
        }
    }
    let x = x.map(|x| &x[whole * SHORT..]);
    for (i, to) in rest.iter_mut().enumerate() {
        f(to, x.map(|x| x[i]));
    }
}

vectorised! { long:
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
pub const LANES: usize = 32;

vectorised! { long:
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
    use std::hint::black_box;
    use std::time::Instant;

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

    fn operands<A: Float>(length: usize) -> [Vec<A>; 2] {
        let number = |i: usize| A::from_f64((i as f64 * 0.7).sin() * 4.0);
        let mut x: Vec<A> = (0..length).map(number).collect();
        let y: Vec<A> = (0..length).map(|i| number(i + 7)).collect();
        for i in (5..length).step_by(173) {
            x[i] = A::from_f64(2e10); // Computed again.
        }
        for i in (90..length).step_by(311) {
            x[i] = A::from_f64(f64::NAN);
        }
        [x, y]
    }

    fn assert_same<A: Float>(one: &[A], other: &[A], what: &str) {
        for (i, (one, other)) in one.iter().zip(other).enumerate() {
            let same = one == other || (one.is_nan() && other.is_nan());
            assert!(same, "{one} and {other} at {i}, {what}");
        }
    }

    /// Loops of all lengths, from all places, against one element at a time.
    fn all_lengths_are_the_same<A: Float>() {
        let [x, y] = operands::<A>(1500);
        let mut single = vec![A::default(); x.len()];
        for (i, single) in single.iter_mut().enumerate() {
            fill(Mixed, [&x[i..=i]], [&y[i..=i]], std::slice::from_mut(single));
            assert!(x[i].is_nan() == single.is_nan(), "{single} of {}", x[i]);
        }
        for n in (0..=200).chain([255, 256, 257, 320, 383, 700, 1024, 1100, 1499]) {
            for start in [0, 1, 1500 - n] {
                let (x, y) = (&x[start..][..n], &y[start..][..n]);
                let mut out = vec![A::default(); n + 2];
                fill(Mixed, [x], [y], &mut out[1..=n]);
                assert_same(&out[1..=n], &single[start..][..n], "in any registers");
                assert!(out[0] == A::default() && out[n + 1] == A::default());
                fill_narrow(Mixed, [x], [y], &mut out[1..=n]);
                assert_same(&out[1..=n], &single[start..][..n], "in registers of 256 bits");
            }
        }
    }

    #[test]
    fn loops_of_all_lengths_give_the_same() {
        all_lengths_are_the_same::<f32>();
        all_lengths_are_the_same::<f64>();
    }

    /// Without elements there is nothing to fill up a block with.
    #[test]
    fn operands_may_be_longer_than_the_results() {
        let [x, y] = operands::<f64>(100);
        for n in [0, 3, 9, 70] {
            let (mut long, mut short) = (vec![0.0; n], vec![0.0; n]);
            fill(Mixed, [&x], [&y], &mut long);
            fill(Mixed, [&x[..n]], [&y[..n]], &mut short);
            assert_same(&long, &short, "of longer operands");
        }
    }

    /// Asks what kind of number a sine is, which is NaN at first for large angles.
    #[derive(Clone, Copy)]
    struct Compares;

    impl Point<1, 0> for Compares {
        fn at<R: Number>(self, [x]: [R; 1], []: [R; 0]) -> R {
            let (y, zero) = (x.sin(), R::lit(0.0));
            let is_right = y.equal(y) + y.greater(zero) + zero.greater(y);
            let chosen = y.select(R::lit(10.0), R::lit(20.0));
            is_right + chosen + y.sign() * R::lit(100.0)
        }
    }

    /// A comparison is a number where a function by polynomials was NaN.
    #[test]
    fn comparisons_of_what_is_computed_again_are_the_floats_own() {
        let x: Vec<f32> = (0..200).map(|i| i as f32 * 1e5).chain([f32::NAN, 0.0]).collect();
        let mut out = vec![0.0; x.len()];
        fill(Compares, [&x], [], &mut out);
        for (&x, &out) in x.iter().zip(&out) {
            let own = Compares.at([x], []);
            assert_eq!(out, own, "of {x}");
        }
        assert_eq!(out[1], 112.0, "sin 100000 = 0.0357…");
    }

    macro_rules! times {
        ($float:ident: $($name:ident)*) => {$({
            #[derive(Clone, Copy)]
            struct This;
            impl Point<1, 1> for This {
                #[inline(always)]
                fn at<R: Number>(self, [x]: [R; 1], [y]: [R; 1]) -> R {
                    x.$name() * y
                }
            }
            print!("{:8} {}", stringify!($name), stringify!($float));
            for n in [1_usize, 8, 17, 64, 256, 1000] {
                let x: Vec<$float> = (0..n).map(|i| (i * 37 % 101) as $float * 0.06 - 3.0).collect();
                let mut y = x.clone();
                let mut time = |fill: &dyn Fn(&[$float], &mut [$float])| {
                    let mut run = || {
                        let start = Instant::now();
                        (0..100_000 / n).for_each(|_| fill(black_box(&x), black_box(&mut y)));
                        start.elapsed().as_secs_f64() * 1e9 / (100_000 / n * n) as f64
                    };
                    (0..40).map(|_| run()).fold(f64::INFINITY, f64::min)
                };
                let narrow = time(&|x, y| fill_narrow(This, [x], [x], y));
                let best = time(&|x, y| fill(This, [x], [x], y));
                print!("   {n}: {narrow:.2} {best:.2}");
            }
            println!();
        })*};
    }

    #[test]
    #[ignore = "a measurement, for a release build: prints nanoseconds an element"]
    fn time() {
        println!("length: in registers of 256 bits, and as chosen");
        times!(f32: square sigmoid tanh sin);
        times!(f64: square sigmoid tanh sin);
    }
}
