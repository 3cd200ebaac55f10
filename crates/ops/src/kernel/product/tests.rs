//! Every way to multiply, with all instructions of the machine, against sums of single products.

use std::hint::black_box;
use std::time::Instant;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, ShapeBuilder, s};

use super::method::Method;
use super::run::Level;
use super::turn::row_by_row;
use super::{copies_second, product_into};
use crate::number::Float;

/// How a matrix lies in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lies {
    Rows,
    Columns,
    /// Row by row, with other numbers between the rows.
    Gaps,
    /// Every second number of every second row.
    Sparse,
    /// The last element first.
    Backwards,
}

/// The number that lies where no element of a matrix does.
const BETWEEN: f64 = 77.0;

impl Lies {
    /// The memory of a matrix whose elements `at` gives.
    fn store<A: Float>(self, m: usize, n: usize, at: impl Fn(usize, usize) -> A) -> Array2<A> {
        self.store_all(m, n, &elements(m, n, at))
    }

    /// The memory of a matrix whose elements are these, row by row.
    fn store_all<A: Float>(self, m: usize, n: usize, elements: &[A]) -> Array2<A> {
        let (rows, columns) = match self {
            Self::Rows | Self::Backwards | Self::Columns => (m, n),
            Self::Gaps => (m, n + 3),
            Self::Sparse => (2 * m, 2 * n),
        };
        let mut all = vec![A::from_f64(BETWEEN); rows * columns];
        for (i, row) in elements.chunks_exact(n.max(1)).enumerate() {
            for (j, &x) in row.iter().enumerate() {
                let place = match self {
                    Self::Rows | Self::Gaps => i * columns + j,
                    Self::Columns => j * m + i,
                    Self::Sparse => 2 * (i * columns + j),
                    Self::Backwards => (m - i) * n - 1 - j,
                };
                all[place] = x;
            }
        }
        let shape = (rows, columns).set_f(self == Self::Columns);
        Array2::from_shape_vec(shape, all).expect("all of the memory")
    }

    fn read<A: Float>(self, all: &Array2<A>, n: usize) -> ArrayView2<'_, A> {
        match self {
            Self::Rows | Self::Columns => all.view(),
            Self::Gaps => all.slice(s![.., ..n]),
            Self::Sparse => all.slice(s![..;2, ..;2]),
            Self::Backwards => all.slice(s![..;-1, ..;-1]),
        }
    }

    fn write<A: Float>(self, all: &mut Array2<A>, n: usize) -> ArrayViewMut2<'_, A> {
        match self {
            Self::Rows | Self::Columns => all.view_mut(),
            Self::Gaps => all.slice_mut(s![.., ..n]),
            Self::Sparse => all.slice_mut(s![..;2, ..;2]),
            Self::Backwards => all.slice_mut(s![..;-1, ..;-1]),
        }
    }
}

/// The elements of a matrix, row by row.
fn elements<A>(m: usize, n: usize, at: impl Fn(usize, usize) -> A) -> Vec<A> {
    let mut elements = Vec::with_capacity(m * n);
    for i in 0..m {
        for j in 0..n {
            elements.push(at(i, j));
        }
    }
    elements
}

/// What lies in the memory of a matrix, with what is between its elements.
fn memory_of<A>(all: &Array2<A>) -> &[A] {
    all.as_slice_memory_order().expect("memory without gaps")
}

/// Small whole numbers, whose sums are exact in any order.
fn whole<A: Float>(i: usize, j: usize) -> A {
    A::from_f64(((i * 7 + j * 5 + i * j) % 9) as f64 - 4.0)
}

/// Numbers whose sums are rounded.
fn fraction<A: Float>(i: usize, j: usize) -> A {
    A::from_f64(((i * 37 + j * 101 + i * j * 13) % 997) as f64 / 991.0 - 0.5)
}

/// Sums of single products, from the first to the last, of the elements of two matrices row by row.
fn reference<A: Float>((m, k, n): (usize, usize, usize), a: &[A], b: &[A]) -> Vec<A> {
    let mut sums = vec![A::zero(); m * n];
    for (i, sums) in sums.chunks_exact_mut(n.max(1)).enumerate() {
        for (p, &x) in a[i * k..][..k].iter().enumerate() {
            for (sum, &y) in sums.iter_mut().zip(&b[p * n..]) {
                *sum += x * y;
            }
        }
    }
    sums
}

/// Ways of lying that each way of multiplying reads.
const READS: [(Method, &[(Lies, Lies)]); 3] = {
    use Lies::{Backwards, Columns, Gaps, Rows, Sparse};
    [
        (
            Method::Outer,
            &[
                (Rows, Rows),
                (Columns, Gaps),
                (Sparse, Rows),
                (Backwards, Gaps),
                (Columns, Columns),
                (Columns, Sparse),
            ],
        ),
        (Method::Dots, &[(Rows, Columns), (Gaps, Columns)]),
        (Method::Copied, &[(Rows, Columns), (Backwards, Sparse), (Columns, Backwards)]),
    ]
};

fn at_all_sizes<A: Float>() {
    const ROWS: [usize; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 17];
    // Two registers of eight lanes, and a rest.
    const DEPTHS: [usize; 4] = [0, 1, 16, 21];
    // Up to three registers of 16 lanes, and a rest.
    const COLUMNS: [usize; 7] = [0, 3, 8, 15, 17, 33, 49];
    // Eight registers of 16 lanes and a rest, for tiles of a single row: `WIDE_ROW` and `SHORT` in `outer.rs`.
    const MANY_COLUMNS: usize = 131;
    for m in ROWS {
        for k in DEPTHS {
            let many = (m == 1 || k <= 2).then_some(MANY_COLUMNS);
            for n in COLUMNS.into_iter().chain(many) {
                at_size::<A>(m, k, n);
                at_size::<A>(n, k, m);
            }
        }
    }
}

/// Compares all ways at one size, and what lies between the elements of the result.
fn at_size<A: Float>(m: usize, k: usize, n: usize) {
    const RESULTS: [Lies; 4] = [Lies::Rows, Lies::Columns, Lies::Gaps, Lies::Sparse];
    let (a, b) = (elements(m, k, whole::<A>), elements(k, n, |i, j| whole::<A>(i + 2, j)));
    let before = elements(m, n, |i, j| whole::<A>(j, i + 1));
    let product = reference((m, k, n), &a, &b);
    let sum: Vec<A> = product.iter().zip(&before).map(|(&x, &before)| x + before).collect();
    let results = RESULTS.map(|lies| [&before, &product, &sum].map(|x| lies.store_all(m, n, x)));
    for (method, ways) in READS {
        for (i, &(a_lies, b_lies)) in ways.iter().enumerate() {
            let (a, b) = (a_lies.store_all(m, k, &a), b_lies.store_all(k, n, &b));
            let (a, b) = (a_lies.read(&a, k), b_lies.read(&b, n));
            let number = (i + m + k) % 4;
            let (out_lies, [before, product, sum]) = (RESULTS[number], &results[number]);
            for level in Level::available() {
                for (adds, expected) in [(false, product), (true, sum)] {
                    let mut out = before.clone();
                    method.run(level, &a, &b, adds, &mut out_lies.write(&mut out, n));
                    assert!(
                        memory_of(&out) == memory_of(expected),
                        "{method:?} {level:?} {m}×{k}×{n} {a_lies:?} {b_lies:?} to {out_lies:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn all_sizes_of_f32() {
    at_all_sizes::<f32>();
}

#[test]
fn all_sizes_of_f64() {
    at_all_sizes::<f64>();
}

/// Sizes of which narrow tiles copy columns of the second operand, and the first: `ENOUGH` rows and columns,
/// and terms that reach over just more than `NEAR` elements.
#[test]
fn what_lies_far_apart_is_copied() {
    for (m, k, n) in [(37, 35, 131), (131, 35, 37), (33, 130, 32), (32, 130, 33)] {
        at_size::<f32>(m, k, n);
        at_size::<f64>(m, k, n);
    }
}

/// Every way to multiply two matrices of one size, with what it multiplies.
fn each_way<A: Float>(
    (m, k, n): (usize, usize, usize),
    at: impl Fn(usize, usize) -> A,
    look: impl Fn(Method, Level, &ArrayView2<'_, A>, &ArrayView2<'_, A>),
) {
    for (method, ways) in READS {
        let (a_lies, b_lies) = ways[0];
        let (a, b) = (a_lies.store(m, k, &at), b_lies.store(k, n, |i, j| at(j, i)));
        for level in Level::available() {
            look(method, level, &a_lies.read(&a, k), &b_lies.read(&b, n));
        }
    }
}

#[test]
fn what_is_not_finite_passes_as_in_single_products() {
    for place in [0, 20, 36] {
        for strange in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            // Zeros meet it, too.
            let at = |i, j| if (i, j) == (5, place) { strange } else { whole(i, j) };
            let (a, b) = (elements(11, 37, at), elements(37, 19, |i, j| at(j, i)));
            let expected = reference((11, 37, 19), &a, &b);
            each_way((11, 37, 19), at, |method, level, a, b| {
                let mut out = Array2::from_elem((11, 19), f32::NAN); // Overwritten.
                method.run(level, a, b, false, &mut out.view_mut());
                for (x, expected) in memory_of(&out).iter().zip(&expected) {
                    let same = x == expected || x.is_nan() && expected.is_nan();
                    assert!(same, "{method:?} {level:?}: {x} for {expected}");
                }
            });
        }
    }
}

#[test]
fn pieces_have_the_bits_of_the_whole() {
    have_the_bits_of_the_whole((23, 60, 101), &[1, 2, 3, 7, 16]);
    // Some pieces have rows and columns enough for copies (`outer::ENOUGH`), and terms that reach over
    // more than `outer::NEAR` elements; some have not.
    have_the_bits_of_the_whole((71, 108, 85), &[16, 40]);
}

fn have_the_bits_of_the_whole((m, k, n): (usize, usize, usize), lengths: &[usize]) {
    each_way((m, k, n), fraction::<f32>, |method, level, a, b| {
        let mut whole = Array2::zeros((m, n));
        method.run(level, a, b, false, &mut whole.view_mut());
        for axis in [0, 1] {
            for &length in lengths {
                let mut out = Array2::zeros((m, n));
                let pieces = out.axis_chunks_iter_mut(Axis(axis), length);
                for (i, mut out) in pieces.enumerate() {
                    let range = i * length..i * length + out.len_of(Axis(axis));
                    let (a, b) = match axis {
                        0 => (a.slice(s![range, ..]), b.view()),
                        _ => (a.view(), b.slice(s![.., range])),
                    };
                    method.run(level, &a, &b, false, &mut out);
                }
                assert!(
                    memory_of(&out) == memory_of(&whole),
                    "{method:?} {level:?}, pieces of {length}"
                );
            }
        }
    });
}

#[test]
fn adding_rounds_as_a_product_and_a_sum() {
    each_way((9, 700, 50), fraction::<f32>, |method, level, a, b| {
        let before = Array2::from_shape_fn((9, 50), |(i, j)| fraction::<f32>(j, i));
        let (mut product, mut sum) = (Array2::zeros((9, 50)), before.clone());
        method.run(level, a, b, false, &mut product.view_mut());
        method.run(level, a, b, true, &mut sum.view_mut());
        assert!(sum == before + product, "{method:?} {level:?}");
    });
}

#[test]
fn a_copy_of_the_second_is_multiplied_with_the_same_bits() {
    let (a_lies, b_lies) = (Lies::Rows, Lies::Columns);
    // The last is divided among threads, the last two are copied in an optimised build only.
    for (m, k, n) in [(20, 10, 5), (17, 37, 6), (64, 128, 96), (160, 128, 128)] {
        let (a, b) = (a_lies.store(m, k, fraction::<f32>), b_lies.store(k, n, fraction::<f32>));
        let copy = row_by_row(Level::fastest(), &b.view());
        let copy = ArrayView2::from_shape((k, n), &copy);
        let copy = copy.unwrap();
        if !copies_second(&a.view(), &b.view()) {
            continue; // On this machine, or in this build.
        }
        let (mut once, mut each) = (Array2::zeros((m, n)), Array2::zeros((m, n)));
        crate::with_threads(2, || product_into(&a.view(), &copy.view(), &mut once.view_mut()));
        product_into(&a.view(), &b.view(), &mut each.view_mut());
        assert!(once == each, "{m}×{k}×{n}");
    }
}

#[test]
fn the_result_lies_as_it_is_asked_for_with_the_same_bits() {
    each_way((23, 300, 50), fraction::<f64>, |method, level, a, b| {
        let mut rows = Array2::zeros((23, 50));
        let mut columns = Array2::zeros((23, 50).f());
        method.run(level, a, b, false, &mut rows.view_mut());
        method.run(level, a, b, false, &mut columns.view_mut());
        assert!(rows == columns, "{method:?} {level:?}");
    });
}

#[test]
fn sums_are_close_to_wide_ones() {
    for k in [1, 50, 3000] {
        // The fractions of f32, in f64.
        let wide = |i, j| f64::from(fraction::<f32>(i, j));
        let (a, b) = (elements(9, k, wide), elements(k, 33, |i, j| wide(j, i)));
        let wide = reference((9, k, 33), &a, &b);
        each_way((9, k, 33), fraction::<f32>, |method, level, a, b| {
            let mut out = Array2::zeros((9, 33));
            method.run(level, a, b, false, &mut out.view_mut());
            let most = k as f64 * 0.25 * f64::from(f32::EPSILON) * (k as f64).sqrt().max(1.0);
            for (&x, wide) in memory_of(&out).iter().zip(&wide) {
                assert!((f64::from(x) - wide).abs() <= most, "{method:?} {level:?}: {x}, {wide}");
            }
        });
    }
}

#[test]
fn the_way_follows_from_how_the_operands_lie() {
    if Level::fastest() == Level::Plain {
        return; // The library's.
    }
    let of = |m, k, n, a: Lies, b: Lies| {
        let (x, y) = (a.store(m, k, whole::<f32>), b.store(k, n, whole::<f32>));
        Method::of(&a.read(&x, k), &b.read(&y, n))
    };
    assert_eq!(of(4, 60, 4, Lies::Rows, Lies::Columns), Method::Dots);
    assert_eq!(of(4, 60, 4, Lies::Rows, Lies::Rows), Method::Outer);
    if !cfg!(debug_assertions) {
        let copied = if Level::fastest().copies_for(128) { Method::Copied } else { Method::Dots };
        assert_eq!(of(64, 128, 96, Lies::Rows, Lies::Columns), copied);
        assert_eq!(of(40, 128, 96, Lies::Rows, Lies::Columns), Method::Dots);
        assert_eq!(of(64, 600, 96, Lies::Rows, Lies::Columns), Method::Dots);
    }
    assert_eq!(of(4, 60, 4, Lies::Columns, Lies::Columns), Method::Outer);
    assert_eq!(of(4, 60, 1, Lies::Rows, Lies::Rows), Method::Dots);
    assert_eq!(of(20, 10, 5, Lies::Rows, Lies::Columns), Method::Copied);
    assert_eq!(of(4, 10, 5, Lies::Rows, Lies::Columns), Method::Dots);
    assert_eq!(of(4, 5, 5, Lies::Rows, Lies::Columns), Method::Library);
    assert_eq!(of(1, 5000, 0, Lies::Sparse, Lies::Sparse), Method::Library);
}

#[test]
fn copies_lie_row_by_row() {
    copies_of::<f32>();
    copies_of::<f64>();
}

fn copies_of<A: Float>() {
    let sizes = [(1, 1), (5, 40), (40, 5), (33, 17), (8, 8), (16, 24), (131, 75), (0, 3), (3, 0)];
    for (m, n) in sizes {
        for lies in [Lies::Rows, Lies::Columns, Lies::Sparse, Lies::Backwards] {
            let x = lies.store(m, n, fraction::<A>);
            let x = lies.read(&x, n);
            for level in Level::available() {
                let copy = row_by_row(level, &x);
                assert_eq!(copy[..], x.iter().copied().collect::<Vec<_>>(), "{level:?} {lies:?}");
            }
        }
    }
}

/// Rows, terms and columns that are timed.
const TIMED: [(usize, usize, usize); 27] = [
    (1, 784, 256),
    (1, 256, 128),
    (2, 784, 256),
    (10, 784, 30),
    (10, 30, 10),
    (10, 10, 30),
    (17, 96, 384),
    (64, 784, 256),
    (64, 128, 10),
    (64, 28, 512),
    (64, 128, 512),
    (16, 128, 512),
    (32, 128, 512),
    (17, 96, 96),
    (33, 301, 207),
    (33, 207, 101),
    (48, 96, 48),
    (48, 96, 24),
    (64, 256, 128),
    (64, 32, 64),
    (512, 784, 256),
    (1024, 128, 384),
    (1024, 512, 128),
    (256, 64, 784),
    (256, 1, 784),
    (512, 512, 512),
    (1024, 1024, 1024),
];

/// The seconds of one call, from seven rounds of many.
fn best_of_seven(mult_adds: f64, mut call: impl FnMut()) -> f64 {
    let times = (1e7 / mult_adds).clamp(2.0, 20_000.0) as usize;
    let mut round = || {
        let start = Instant::now();
        (0..times).for_each(|_| call());
        start.elapsed().as_secs_f64() / times as f64
    };
    (0..7).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// `cargo test --release -p ops --lib product::tests::time -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn time() {
    let shapes = [
        ("x Wᵀ", Lies::Rows, Lies::Columns),
        ("δ W", Lies::Rows, Lies::Rows),
        ("δᵀ x", Lies::Columns, Lies::Rows),
    ];
    for (what, a_lies, b_lies) in shapes {
        for (m, k, n) in TIMED {
            print!("{what} {m}×{k}×{n}:");
            let a = a_lies.store(m, k, fraction::<f32>);
            let b = b_lies.store(k, n, fraction::<f32>);
            let (a, b) = (a_lies.read(&a, k), b_lies.read(&b, n));
            let mut out = Array2::zeros((m, n));
            let mut ways = vec![(Method::Library, Level::Plain)];
            for (method, lies) in READS {
                if lies.contains(&(a_lies, b_lies))
                    || method == Method::Outer && b_lies == Lies::Rows
                {
                    ways.extend(Level::available().map(|level| (method, level)));
                }
            }
            let chosen = Method::of(&a, &b);
            for (method, level) in ways {
                let mult_adds = (m * k * n) as f64;
                let best = best_of_seven(mult_adds, || {
                    method.run(level, black_box(&a), &b, false, &mut out.view_mut());
                });
                let mark = if method == chosen { "*" } else { "" };
                print!("  {method:?}{mark} {level:?} {:.0}", 2e-9 * mult_adds / best);
            }
            println!();
        }
    }
}
