//! The loops of the kernel against the definitions, in sizes and settings that reach each of them.

use ndarray::{Array1, ArrayD, Axis, IxDyn};
use ops::declare::sample;
use ops::rules::Where;
use ops::rules::window::{Conv, MaxPool, MaxPoolSlope, Part, Slide, Slides};
use ops::{Elementwise, Number, Reading, Tensor, prelude::*};

/// A window of an image's channel, an element that it meets, and the place of that in the kernel: the number
/// of each, row by row.
type Meeting = [usize; 3];

/// All meetings of the windows over a channel.
fn meetings(slides: &[Slide], size: [usize; 2]) -> Vec<Meeting> {
    let counts = [0, 1].map(|i| slides[i].count(i, size[i]).expect("a window that fits"));
    let kernel = [slides[0].kernel, slides[1].kernel];
    let mut meetings = Vec::new();
    for index in ndarray::indices([counts[0], counts[1], kernel[0], kernel[1]]) {
        let (i, j, k, l) = index;
        let y = (i * slides[0].stride + k * slides[0].dilation).wrapping_sub(slides[0].padding.0);
        let x = (j * slides[1].stride + l * slides[1].dilation).wrapping_sub(slides[1].padding.0);
        if y < size[0] && x < size[1] {
            meetings.push([i * counts[1] + j, y * size[1] + x, k * kernel[1] + l]);
        }
    }
    meetings
}

/// The three parts of a convolution by their definition: the output of x and w, and the gradients
/// of its product with v.
fn convolution(
    slides: &[Slide],
    x: &Tensor<f64>,
    w: &Tensor<f64>,
    v: &Tensor<f64>,
) -> [ArrayD<f64>; 3] {
    let meetings = meetings(slides, [x.shape()[2], x.shape()[3]]);
    let (channels, outputs) = (x.shape()[1], w.shape()[0]);
    let area = |x: &Tensor<f64>| x.shape()[2] * x.shape()[3];
    let (image, windows, kernel) = (area(x), area(v), area(w));
    let parts = [v, x, w].map(|of| (IxDyn(of.shape()), of.to_vec(), vec![0.0; of.len()]));
    let [(y_dim, v, mut y), (x_dim, x, mut x_bar), (w_dim, w, mut w_bar)] = parts;
    for (n, c, o) in ndarray::indices([y_dim[0], channels, outputs]) {
        let to = (n * outputs + o) * windows..(n * outputs + o + 1) * windows;
        let from = (n * channels + c) * image..(n * channels + c + 1) * image;
        let by = (o * channels + c) * kernel..(o * channels + c + 1) * kernel;
        let (v, x, w) = (&v[to.clone()], &x[from.clone()], &w[by.clone()]);
        let (y, x_bar, w_bar) = (&mut y[to], &mut x_bar[from], &mut w_bar[by]);
        for &[window, element, place] in &meetings {
            y[window] += x[element] * w[place];
            x_bar[element] += v[window] * w[place];
            w_bar[place] += v[window] * x[element];
        }
    }
    let array = |dim, elements| ArrayD::from_shape_vec(dim, elements).expect("all elements");
    [array(y_dim, y), array(x_dim, x_bar), array(w_dim, w_bar)]
}

/// The slides of the tests: plain, and with all settings.
fn slides() -> [Slides; 4] {
    let (plain, padded) = (Slide::new(3), Slide::new(3).padding(1));
    let uneven = Slide { kernel: 2, stride: 2, padding: (1, 0), dilation: 3 };
    let point = Slide::new(1);
    [[plain, plain], [padded, uneven], [uneven, padded], [point, point]]
        .map(|slides| Slides::from_slice(&slides))
}

fn assert_close<A: ops::Float>(what: &str, given: &Tensor<A>, expected: &ArrayD<f64>, bound: f64) {
    assert_eq!(given.shape(), expected.shape(), "{what}");
    for (given, &expected) in given.to_vec().into_iter().zip(expected) {
        let error = (given.to_f64() - expected).abs();
        assert!(error <= bound * (1.0 + expected.abs()), "{what}: {given} for {expected}");
    }
}

#[test]
fn convolutions_are_what_they_are_by_definition() {
    // So many outputs fill no block of columns, one, one and a part, or are left to the product.
    for (channels, outputs) in [(1, 16), (2, 3), (3, 20), (16, 33), (2, 70)] {
        for slides in slides() {
            let (x, w) = (
                sample(&[3, channels, 7, 9], 0),
                sample(&[outputs, channels, slides[0].kernel, slides[1].kernel], 1),
            );
            let conv = |part| Conv { slides: slides.clone(), groups: 1, part };
            let y = Tensor::apply(conv(Part::Output), &[&x, &w]);
            let v = y.sin();
            let expected = convolution(&slides, &x, &w, &v);
            let what = format!("{channels} channels, {outputs} outputs, {slides:?}");
            let parts = [
                (Part::Output, &x, &w),
                (Part::Input([7, 9].into_iter().collect()), &v, &w),
                (Part::Weight, &x, &v),
            ];
            for ((part, a, b), expected) in parts.into_iter().zip(expected) {
                let rule = conv(part);
                assert_close(&what, &Tensor::apply(rule.clone(), &[a, b]), &expected, 1e-13);
                // Sums of at most 3·9·10 products, none of them larger than 10.
                let (a, b): (Tensor<f32>, Tensor<f32>) = (a.cast(), b.cast());
                assert_close(&what, &Tensor::apply(rule, &[&a, &b]), &expected, 1e-3);
            }
        }
    }
}

/// Whatever blocks and pieces a batch is cut into, it is convolved as its images are one by one.
#[test]
fn a_batch_is_convolved_as_its_images_are() {
    // A gradient of the weight is summed in pieces of three images.
    let images = 35;
    let slides = Slides::from_slice(&[Slide::new(3), Slide::new(3)]);
    // Straight from the images: 17·17·27·8 multiply-adds for each are worth two threads for all (`PER_THREAD`
    // in `convolve/mod.rs`). As one product: of 11·11·216 elements two images are laid out at a time
    // (`BLOCK` in `convolve/rows.rs`). Channel by channel.
    for (channels, size, outputs, groups) in [(3, 19, 8, 1), (24, 13, 65, 1), (3, 19, 6, 3)] {
        let conv = |part| Conv { slides: slides.clone(), groups, part };
        let (to_input, to_weight) =
            (conv(Part::Input([size, size].into_iter().collect())), conv(Part::Weight));
        let x: Vec<Tensor<f64>> =
            (0..images).map(|n| sample(&[1, channels, size, size], n)).collect();
        let w = sample(&[outputs, channels / groups, 3, 3], images);
        let y = x.iter().map(|x| Tensor::apply(conv(Part::Output), &[x, &w]));
        let y: Vec<_> = y.collect();
        let v: Vec<_> = y.iter().map(|y| y.sin()).collect();
        let x_bar: Vec<_> = v.iter().map(|v| Tensor::apply(to_input.clone(), &[v, &w])).collect();
        let w_bar = x.iter().zip(&v).map(|(x, v)| Tensor::apply(to_weight.clone(), &[x, v]));
        let w_bar = w_bar.fold(ArrayD::zeros(w.view().raw_dim()), |sum, part| sum + part.view());

        let whole = |parts: &[Tensor<f64>]| {
            let parts: Vec<_> = parts.iter().map(Tensor::view).collect();
            ndarray::concatenate(Axis(0), &parts).expect("images of one shape")
        };
        let [x, y, v, x_bar] = [&x, &y, &v, &x_bar].map(|parts| whole(parts));
        let (x, v) = (Tensor::from(x), Tensor::from(v));
        let what = format!("{outputs} outputs in {groups} groups");
        assert_close(&what, &Tensor::apply(conv(Part::Output), &[&x, &w]), &y, 1e-13);
        assert_close(&what, &Tensor::apply(to_input, &[&v, &w]), &x_bar, 1e-13);
        // Sums of at most 35·289 products.
        assert_close(&what, &Tensor::apply(to_weight, &[&x, &v]), &w_bar, 1e-11);
    }
}

/// The maximum of each window of images, and v divided among the elements that attain it.
fn pooled(slides: &[Slide], x: &Tensor<f64>, v: &Tensor<f64>) -> (Vec<f64>, Vec<f64>) {
    let size = [x.shape()[2], x.shape()[3]];
    let meetings = meetings(slides, size);
    let (image, windows) = (size[0] * size[1], v.shape()[2] * v.shape()[3]);
    let (x, v) = (x.to_vec(), v.to_vec());
    let (mut all_most, mut all_slopes) = (Vec::new(), Vec::new());
    for (x, v) in x.chunks_exact(image).zip(v.chunks_exact(windows)) {
        let (mut most, mut ties) = (vec![f64::NEG_INFINITY; windows], vec![0.0; windows]);
        let mut slope = vec![0.0; image];
        for &[to, from, _] in &meetings {
            most[to] = Number::maximum(most[to], x[from]);
        }
        for &[to, from, _] in &meetings {
            ties[to] += f64::from(u8::from(x[from] == most[to]));
        }
        for &[to, from, _] in &meetings {
            let (most, share) = (most[to], v[to] / ties[to]);
            if most.is_nan() {
                slope[from] += if x[from] < most { 0.0 } else { f64::NAN };
            } else if x[from] == most {
                slope[from] += share;
            }
        }
        all_most.extend(most);
        all_slopes.extend(slope);
    }
    (all_most, all_slopes)
}

/// A tensor `[n, c, h, w]` with its channels last in memory.
fn channels_last(x: &Tensor<f64>) -> Tensor<f64> {
    let array = x.view().permuted_axes([0, 2, 3, 1].as_slice()).as_standard_layout().into_owned();
    let x = Tensor::from(array.permuted_axes([0, 3, 1, 2].as_slice()));
    assert!(x.shape()[1] == 1 || x.view().strides()[1] == 1, "the channels lie side by side");
    x
}

#[test]
fn the_maximum_of_windows_is_what_it_is_by_definition() {
    // And windows that divide the image among each other, and some that nearly do.
    let three = Slide::new(3).stride(3);
    let across = [three, Slide::new(9).stride(9), Slide::new(2).stride(2), Slide::new(3).stride(2)];
    let across = across.into_iter().chain([three.dilation(2), three.padding(1)]);
    let beside = across.flat_map(|across| {
        [1, 7].map(|down| Slides::from_slice(&[Slide::new(down).stride(down), across]))
    });
    for channels in [1, 3, 16, 21] {
        for slides in slides().into_iter().chain(beside.clone()) {
            // Small whole numbers, so that many tie, and one NaN.
            let x = sample(&[2, channels, 7, 9], 0).scale(2.0).round();
            let mut x = x.view().to_owned();
            x[[1, channels - 1, 3, 4]] = f64::NAN;
            let x = Tensor::from(x);
            let pool = MaxPool { slides: slides.clone() };
            let y = Tensor::apply(pool.clone(), &[&x]);
            let v = sample(y.shape(), 1);

            let (most, slope) = pooled(&slides, &x, &v);
            let adjoint = MaxPoolSlope { slides: slides.clone(), adjoint: true };
            for x in [x.clone(), channels_last(&x)] {
                let what = format!("{channels} channels, {slides:?}");
                let y = Tensor::apply(pool.clone(), &[&x]);
                let same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan();
                assert!(y.to_vec().iter().zip(&most).all(|(&a, &b)| same(a, b)), "{what}");
                let x_bar = Tensor::apply(adjoint.clone(), &[&x, &v]);
                for (&a, &b) in x_bar.to_vec().iter().zip(&slope) {
                    assert!(same(a, b) || (a - b).abs() < 1e-14, "{what}: {a} for {b}");
                }
            }
        }
    }
}

/// The quick sine leaves angles above 2¹⁵ in f32 to the float's own, in whatever part of the loop.
#[test]
fn a_large_angle_is_right_wherever_it_stands() {
    for place in [0, 1023, 1024, 2500, 2999] {
        let mut x = vec![0.5_f32; 3000];
        x[place] = 1e6;
        let y = Tensor::from_shape_vec(&[3000], x).unwrap().sin().to_vec();
        for (i, y) in y.into_iter().enumerate() {
            let expected = if i == place { -0.349_993_5 } else { 0.479_425_54_f32 };
            assert!((y - expected).abs() < 1e-6, "{y} for {expected} at {i} of {place}");
        }
    }
}

/// What passes a choice is chosen as the value is; its slope is 1 or 0 with it.
#[test]
fn the_slope_of_a_choice_is_one_where_it_chooses() {
    for (mask, chosen) in [(1.0, [0.0, 1.0, 0.0]), (0.0, [0.0, 0.0, 1.0])] {
        for (operand, slope) in chosen.into_iter().enumerate() {
            let x = [mask, 2.5, -1.5];
            assert_eq!(Where.slope(operand, x, 2.5), slope);
            assert_eq!(Where.times_slope(operand, x, 2.5, 0.7), 0.7 * slope);
        }
    }
}

/// The squares of these are too small for f64; half of the distance of two numbers is not.
#[test]
fn the_deviation_of_tiny_numbers_keeps_its_digits() {
    for scale in [1e-160, 1e-200, 1e200] {
        let x = Tensor::from([[1.0, 3.0], [7.0, 2.0]]).scale(scale);
        for (axes, expected) in [(1, [1.0, 2.5]), (0, [3.0, 0.5])] {
            let std = x.std(axes, 0.0).to_vec();
            for (std, expected) in std.into_iter().zip(expected) {
                let error = (std / scale - expected).abs();
                assert!(error < 1e-14, "{std:e} for {expected} times {scale:e}");
            }
        }
    }
}

#[test]
fn sums_and_extremes_of_rows_and_columns_of_all_lengths() {
    for length in [1, 3, 31, 32, 33, 64, 70, 300] {
        let x = sample(&[5, length], 0);
        let array: ArrayD<f64> = x.view().to_owned();
        let lanes = |axis, f: &dyn Fn(Array1<f64>) -> f64| {
            array.map_axis(Axis(axis), |lane| f(lane.to_owned()))
        };
        for axis in [0, 1] {
            let what = format!("axis {axis} of 5×{length}");
            let axes = axis as isize;
            let most = lanes(axis, &|lane| lane.fold(f64::NEG_INFINITY, |a, &b| a.max(b)));
            let least = lanes(axis, &|lane| lane.fold(f64::INFINITY, |a, &b| a.min(b)));
            assert_close(&what, &x.max_axes(axes), &most, 0.0);
            assert_close(&what, &x.min_axes(axes), &least, 0.0);
            assert_close(&what, &x.sum_axes(axes), &lanes(axis, &|lane| lane.sum()), 1e-13);
        }
        // A NaN at any place of a row is not lost.
        for place in [0, length / 2, length - 1] {
            let mut array = array.clone();
            array[[2, place]] = f64::NAN;
            let most = Tensor::from(array).max_axes(1);
            let nan: Vec<bool> = most.view().iter().map(|x: &f64| x.is_nan()).collect();
            assert_eq!(nan, [false, false, true, false, false], "length {length}, place {place}");
        }
    }
    assert_eq!(Tensor::<f64>::zeros(&[3, 0]).sum_axes(0).shape(), [0]);
    assert_eq!(Tensor::<f64>::zeros(&[0, 3]).sum_axes(0), Tensor::zeros(&[3]));
}
