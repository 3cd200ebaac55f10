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
        value.view().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    let alone = bits(1);
    for threads in [2, 3, 7] {
        assert!(bits(threads) == alone, "{what} differs with {threads} threads");
    }
}

fn x(shape: &[usize], seed: usize) -> Tensor<f32> {
    sample(shape, seed).cast()
}

#[test]
fn elementwise() {
    let (long, grid) = (x(&[300_001], 0), x(&[300, 1_001], 1));
    alike("a long vector", || long.tanh().mul(&long));
    alike("a row that is broadcast", || grid.add(x(&[1_001], 2)).sigmoid());
    alike("a column that is broadcast", || grid.mul(x(&[300, 1], 3)));
    alike("a transposed operand", || grid.t().sub(x(&[1_001, 300], 4)));
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

#[test]
fn products() {
    for (m, k, n) in [
        (64, 784, 256),
        (700, 300, 10),
        (10, 300, 700),
        (513, 129, 257),
        (1, 1_500, 1_500),
        (40, 2_500, 50),
    ] {
        let (a, b) = (x(&[m, k], 0), x(&[k, n], 1));
        alike(&format!("{m}×{k}×{n}"), || a.matmul(&b));
        alike(&format!("{m}×{k}×{n}, transposed"), || b.t().matmul(a.t()));
        let (a_by_columns, b_by_columns) = (x(&[k, m], 2), x(&[n, k], 3));
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
    let grid = x(&[700, 601], 0);
    let v = grid.cos();
    for (what, axis) in [("rows", 1), ("columns", 0)] {
        let slope =
            || NormalizeSlope(Normalize { axes: axis.into(), epsilon: 1e-5, centred: true });
        let variance = || Variance { axes: axis.into(), correction: 1.0 };
        alike(&format!("{what} by their moments"), || grid.normalize(axis, 1e-5));
        alike(&format!("the slope of {what}"), || Tensor::apply(slope(), &[&grid, &v]));
        alike(&format!("the variance of {what}"), || Tensor::apply(variance(), &[&grid]));
    }
    // Several results to a column; the channels last, and before the last axis.
    let images = x(&[6, 20, 30, 33], 1);
    let last = images.permute(&[0, 2, 3, 1]).exp().permute(&[0, 3, 1, 2]);
    for (what, x) in [("channels in front", &images), ("channels last", &last)] {
        alike(what, || x.normalize([0, 2, 3], 1e-5));
        alike(&format!("{what}, each image"), || x.normalize([2, 3], 1e-5));
        alike(&format!("{what}, each place"), || x.normalize([0, 1], 1e-5));
    }
    // A column whose variance is lost in the type, so that all are computed in a wider one.
    let tiny = x(&[700, 601], 0).mul(Tensor::scalar(1e-30));
    alike("tiny ones", || tiny.normalize(0, 0.0));
}

#[test]
fn along_an_axis() {
    let (rows, planes) = (x(&[30_000, 7], 0), x(&[40, 300, 20], 1));
    for (what, x) in [("elements", &rows), ("rows", &planes)] {
        let backwards: Vec<usize> = (0..x.shape()[1]).rev().step_by(2).collect();
        alike(&format!("sums of {what}"), || x.cumsum(1));
        alike(&format!("{what} in reverse"), || x.flip(1));
        alike(&format!("repeated {what}"), || x.repeat(1, 3));
        alike(&format!("{what} between others"), || x.upsample_linear(1, 2 * x.shape()[1]));
        alike(&format!("chosen {what}"), || x.index_select(1, &backwards));
    }
}

#[test]
fn windows() {
    let images = x(&[37, 8, 30, 30], 0);
    let slides = || Slides::from_slice(&[Slide::new(3).padding(1), Slide::new(3)]);
    // Straight from the images, by one product, group by group, and channel by channel.
    for (outputs, groups) in [(16, 1), (70, 1), (16, 2), (8, 8)] {
        let weight = x(&[outputs, 8 / groups, 3, 3], 1);
        let conv = |part| Conv { slides: slides(), groups, part };
        let y = Tensor::apply(conv(Part::Output), &[&images, &weight]).sin();
        alike("a convolution", || Tensor::apply(conv(Part::Output), &[&images, &weight]));
        let input = Part::Input([30, 30].into_iter().collect());
        alike("its input's gradient", || Tensor::apply(conv(input.clone()), &[&y, &weight]));
        alike("its weight's gradient", || Tensor::apply(conv(Part::Weight), &[&images, &y]));
    }

    let slides = || Slides::from_slice(&[Slide::new(2).stride(2), Slide::new(3).stride(2)]);
    let many = x(&[300, 8, 30, 30], 1);
    let conv = || Conv { slides: slides(), groups: 8, part: Part::Output };
    alike("rows of windows", || Tensor::apply(conv(), &[&many, &x(&[8, 1, 2, 3], 2)]));
    let pooled = || Tensor::apply(MaxPool { slides: slides() }, &[&images]);
    let (v, slope) = (pooled().sin(), MaxPoolSlope { slides: slides(), adjoint: true });
    let along = MaxPoolSlope { slides: slides(), adjoint: false };
    alike("its slope", || Tensor::apply(along.clone(), &[&images, &images.cos()]));
    alike("pooling", pooled);
    alike("its gradient", || Tensor::apply(slope.clone(), &[&images, &v]));
}
