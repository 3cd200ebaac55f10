//! The number of threads changes no result, not even its last bit.
#![cfg(feature = "threads")]

use ops::declare::sample;
use ops::rules::window::{Conv, MaxPool, MaxPoolSlope, Part, Slide, Slides};
use ops::rules::{Normalize, NormalizeSlope, Variance};
use ops::{Reading, Tensor, prelude::*, with_threads};

/// The bits of what `f` gives, which must be the same with one thread and with several.
fn alike(what: &str, f: impl Fn() -> Tensor<f32> + Send + Sync) {
    let bits = |threads| {
        let value: Tensor<f32> = with_threads(threads, &f);
        value.to_vec().into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let alone = bits(1);
    for threads in [2, 3, 7] {
        assert!(bits(threads) == alone, "{what} differs with {threads} threads");
    }
}

/// Elements worth a thread of their own in most loops: `PER_THREAD` in the kernel's files.
const PER_THREAD: usize = 32_768;

/// Elements of which each of seven threads gets a share, and a rest.
const FOR_SEVEN: usize = 7 * PER_THREAD + 1;

/// Rows of so many elements of which each of three threads gets a share.
const fn rows_for_three(columns: usize) -> usize {
    (3 * PER_THREAD).div_ceil(columns)
}

fn x(shape: &[usize], seed: usize) -> Tensor<f32> {
    sample(shape, seed).cast()
}

#[test]
fn elementwise() {
    const ROWS: usize = rows_for_three(1_001);
    let (long, grid) = (x(&[FOR_SEVEN], 0), x(&[ROWS, 1_001], 1));
    alike("a long vector", || long.tanh().mul(&long));
    alike("a row that is broadcast", || grid.add(x(&[1_001], 2)).sigmoid());
    alike("a column that is broadcast", || grid.mul(x(&[ROWS, 1], 3)));
    alike("a transposed operand", || grid.t().sub(x(&[1_001, ROWS], 4)));
    alike("a sum", || {
        let mut sum = grid.add(&grid);
        sum.accumulate(grid.clone());
        sum
    });
}

/// Each number has its own gradient, and what is kept for it, wherever a thread begins.
#[test]
fn an_update_of_many_numbers() {
    let number = |i: usize, by: usize| ((i * by) % 1009) as f64;
    for threads in [1, 2, 3, 7] {
        let [mut w, g, mut kept] =
            [1, 7, 31].map(|by| (0..200_001).map(|i| number(i, by)).collect::<Vec<_>>());
        with_threads(threads, || {
            ops::update(&mut w, &g, [&mut kept], |w, g, [k]| (w - 0.5 * g + 0.25 * k, [k + g]));
        });
        for (i, (w, kept)) in w.into_iter().zip(kept).enumerate() {
            let (before, g, k) = (number(i, 1), number(i, 7), number(i, 31));
            assert_eq!((w, kept), (before - 0.5 * g + 0.25 * k, k + g), "{i}, {threads} threads");
        }
    }
}

/// 2²⁰ multiply-adds are worth a thread of their own (`PER_THREAD` in `product/mod.rs`): seven for the first and
/// the fourth size, three for the last, two for the others.
#[test]
fn products() {
    for (m, k, n) in [
        (64, 784, 150),
        (700, 300, 10),
        (10, 300, 700),
        (257, 129, 225),
        (1, 1_450, 1_450),
        (40, 2_500, 50),
    ] {
        let (a, b) = (x(&[m, k], 0), x(&[k, n], 1));
        alike(&format!("{m}×{k}×{n}"), || a.matmul(&b));
        alike(&format!("{m}×{k}×{n}, transposed"), || b.t().matmul(a.t()));
        let (a_by_columns, b_by_columns) = (a.reshape(&[k, m][..]), b.reshape(&[n, k][..]));
        alike(&format!("{m}×{k}×{n}, x Wᵀ"), || a.matmul(b_by_columns.t()));
        alike(&format!("{m}×{k}×{n}, δᵀ x"), || a_by_columns.t().matmul(&b));
    }
    let (a, b) = (x(&[6, 4, 64, 32], 2), x(&[6, 4, 32, 64], 3));
    alike("a stack", || a.matmul(&b));
    alike("a stack and one matrix", || a.matmul(x(&[32, 300], 4)));
}

#[test]
fn sums() {
    let grid = x(&[700, 601], 0);
    alike("the sum of all", || grid.sum());
    alike("sums of rows", || grid.sum_axes(-1));
    alike("sums of columns", || grid.sum_axes(0));
}

#[test]
fn normalisation() {
    const ROWS: usize = rows_for_three(601);
    let (many, grid) = (x(&[FOR_SEVEN.div_ceil(601), 601], 2), x(&[ROWS, 601], 0));
    let v = x(&[ROWS, 601], 3);
    for (what, axis) in [("rows", 1), ("columns", 0)] {
        let slope =
            || NormalizeSlope(Normalize { axes: axis.into(), epsilon: 1e-5, centred: true });
        let variance = || Variance { axes: axis.into(), correction: 1.0 };
        alike(&format!("the slope of {what}"), || Tensor::apply(slope(), &[&grid, &v]));
        alike(&format!("the variance of {what}"), || Tensor::apply(variance(), &[&grid]));
    }
    alike("rows by their moments", || grid.normalize(1, 1e-5));
    alike("columns by their moments", || many.normalize(0, 1e-5));
    // Several results to a column; the channels last, and before the last axis.
    let images = x(&[6, 20, 27, 31], 1);
    assert!(images.len() > 3 * PER_THREAD);
    let last = x(&[6, 27, 31, 20], 1).permute(&[0, 3, 1, 2]);
    assert_eq!(last.view().strides()[1], 1, "the channels lie side by side");
    for (what, x) in [("channels in front", &images), ("channels last", &last)] {
        alike(what, || x.normalize([0, 2, 3], 1e-5));
        alike(&format!("{what}, each image"), || x.normalize([2, 3], 1e-5));
        alike(&format!("{what}, each place"), || x.normalize([0, 1], 1e-5));
    }
    // A column whose variance is lost in the type, so that all are computed in a wider one.
    let tiny = grid.mul(Tensor::scalar(1e-30));
    alike("tiny ones", || tiny.normalize(0, 0.0));
}

#[test]
fn along_an_axis() {
    // Of half of the elements, rounded up, two threads get a share.
    let (rows, planes) = (x(&[16_384, 7], 0), x(&[22, 300, 20], 1));
    for (what, x) in [("elements", &rows), ("rows", &planes)] {
        let backwards: Vec<usize> = (0..x.shape()[1]).rev().step_by(2).collect();
        alike(&format!("sums of {what}"), || x.cumsum(1));
        alike(&format!("{what} in reverse"), || x.flip(1));
        alike(&format!("repeated {what}"), || x.repeat(1, 3));
        alike(&format!("{what} between others"), || x.upsample_linear(1, 2 * x.shape()[1]));
        alike(&format!("chosen {what}"), || x.index_select(1, &backwards));
    }
}

/// The sizes follow from `PER_THREAD` in `convolve/mod.rs`, 2²⁰ multiply-adds, and in `pool/mod.rs`, 2¹⁴
/// results.
#[test]
fn windows() {
    // Sums over images are cut into pieces of two images, and a rest.
    let images = x(&[17, 8, 18, 11], 0);
    let slides = || Slides::from_slice(&[Slide::new(3).padding(1), Slide::new(3)]);
    // Straight from the images, by one product, and group by group: 162 windows times 72 or 36 elements
    // times the outputs are worth three threads, seven, and three.
    for (outputs, groups) in [(16, 1), (70, 1), (32, 2)] {
        convolutions_are_alike(&images, outputs, groups, slides);
    }
    // Channel by channel there are only 72 multiply-adds to a window: worth two threads.
    let many = x(&[181, 8, 18, 11], 1);
    convolutions_are_alike(&many, 8, 8, slides);
    // 210 windows times 48, worth two threads, too; three and seven for what is pooled.
    let slides = || Slides::from_slice(&[Slide::new(2).stride(2), Slide::new(3).stride(2)]);
    let many = x(&[210, 8, 30, 30], 1);
    let conv = || Conv { slides: slides(), groups: 8, part: Part::Output };
    alike("rows of windows", || Tensor::apply(conv(), &[&many, &x(&[8, 1, 2, 3], 2)]));
    let images = x(&[30, 8, 30, 30], 0);
    let pooled = || Tensor::apply(MaxPool { slides: slides() }, &[&images]);
    let (v, slope) = (pooled().sin(), MaxPoolSlope { slides: slides(), adjoint: true });
    let along = MaxPoolSlope { slides: slides(), adjoint: false };
    let direction = x(images.shape(), 5);
    alike("its slope", || Tensor::apply(along.clone(), &[&images, &direction]));
    alike("pooling", pooled);
    alike("its gradient", || Tensor::apply(slope.clone(), &[&images, &v]));
}

/// The three parts of a convolution with windows of 3×3.
fn convolutions_are_alike(
    images: &Tensor<f32>,
    outputs: usize,
    groups: usize,
    slides: impl Fn() -> Slides + Sync,
) {
    let &[_, channels, height, width] = images.shape() else { panic!("images") };
    let weight = x(&[outputs, channels / groups, 3, 3], 1);
    let conv = |part| Conv { slides: slides(), groups, part };
    let y = Tensor::apply(conv(Part::Output), &[images, &weight]).sin();
    alike("a convolution", || Tensor::apply(conv(Part::Output), &[images, &weight]));
    let input = Part::Input([height, width].into_iter().collect());
    alike("its input's gradient", || Tensor::apply(conv(input.clone()), &[&y, &weight]));
    alike("its weight's gradient", || Tensor::apply(conv(Part::Weight), &[images, &y]));
}
