//! Values and gradients at awkward points. The numbers are derived by hand or with mpmath, to 30
//! digits; none is copied from this program.

use approx::assert_relative_eq;
use ops::Tensor;
use ops::prelude::*;
use ops::rules::{Padding, Slide};
use tape::Tape;
use tape::Var;

const INF: f64 = f64::INFINITY;
const LN_2: f64 = std::f64::consts::LN_2;

/// A function of one variable on any tape.
type Function<A> = for<'t> fn(Var<'t, A>) -> Var<'t, A>;

/// The value, and the gradient of its sum.
fn at<A: ops::Float>(f: Function<A>, x: impl Into<Tensor<A>>) -> (Tensor<A>, Tensor<A>) {
    let tape = Tape::new();
    let x = tape.var(x.into());
    let y = f(x);
    (y.value(), y.sum().backward().wrt(x))
}

/// The gradient of the gradient of the sum, along ones.
fn second(f: Function<f64>, x: impl Into<Tensor<f64>>) -> Tensor<f64> {
    let tape = Tape::new();
    let x = tape.var(x.into());
    let first = f(x).sum().backward_recorded().wrt(x);
    if first.is_tracked() { first.sum().backward().wrt(x) } else { Tensor::zeros(&x.shape()) }
}

fn close(a: &Tensor<f32>, b: &[f64], tolerance: f64) {
    let a: Vec<f64> = a.to_vec().iter().map(|&v| f64::from(v)).collect();
    assert_relative_eq!(a[..], b[..], epsilon = tolerance, max_relative = tolerance);
}

#[test]
fn logsumexp_of_infinities() {
    let f: Function<f64> = |x| x.logsumexp(..);
    // ln(e^−∞ + e^−∞) = −∞, the two alike; e^−∞ beside 1 is nothing; +∞ is more than anything.
    assert_eq!(at(f, [-INF, -INF]), (Tensor::scalar(-INF), Tensor::from([0.5, 0.5])));
    assert_eq!(at(f, [-INF, 0.0]), (Tensor::scalar(0.0), Tensor::from([0.0, 1.0])));
    assert_eq!(at(f, [1.0, INF, -INF]), (Tensor::scalar(INF), Tensor::from([0.0, 1.0, 0.0])));
    assert_eq!(at(f, [INF, 3.0, INF]), (Tensor::scalar(INF), Tensor::from([0.5, 0.0, 0.5])));
    let rows: Function<f64> = |x| x.logsumexp(1);
    let (value, slope) = at(rows, [[-INF, -INF], [0.0, 0.0]]);
    assert_eq!(value, Tensor::from([-INF, LN_2]));
    assert_eq!(slope, Tensor::from([[0.5, 0.5], [0.5, 0.5]]));
    let (value, slope) = at(f, [f64::NAN, 1.0]);
    assert!(value.item().is_nan() && slope.to_vec()[0].is_nan());
    for x in [[-INF, -INF], [INF, 0.0], [INF, INF]] {
        assert_eq!(second(f, x), Tensor::zeros(&[2]));
    }
    // σ(x)·σ(−x) of a difference of 0: ¼ and −¼, which sum to 0; of x₁ alone it is ¼.
    let alone: Function<f64> = |x| x.logsumexp(..) * 1.0;
    assert_relative_eq!(second(alone, [7.0, 7.0]), Tensor::zeros(&[2]), epsilon = 1e-16);
    let tape = Tape::new();
    let x = tape.var([7.0, 7.0]);
    let first = x.logsumexp(..).backward_recorded().wrt(x).slice(ndarray::s![0]);
    assert_relative_eq!(first.backward().wrt(x), Tensor::from([0.25, -0.25]), epsilon = 1e-16);
    // The same in parts, as it is exported and replayed.
    let x = Tensor::from([-INF, -INF]);
    let rule = ops::rules::LogSumExp { axes: (..).into(), keepdims: false };
    assert_eq!(ops::Rule::compose(&rule, &[&x]), Some(Tensor::scalar(-INF)));
}

/// x − ln Σ eˣ of 10000 to 10003, which f32 holds exactly.
const LOGS: [f64; 4] =
    [-3.4401896985611953, -2.4401896985611953, -1.4401896985611953, -0.44018969856119533];

#[test]
fn large_logits_keep_their_digits() {
    let x = || Tensor::from([[1e4_f32, 10001.0, 10002.0, 10003.0]]);
    let shares = LOGS.map(f64::exp);
    close(&x().log_softmax(-1), &LOGS, 2e-7);
    close(&x().sparse_softmax_cross_entropy(&[0]), &[-LOGS[0]], 2e-7);
    close(&x().label_cross_entropy(Tensor::from([0.0_f32])), &[-LOGS[0]], 2e-7);
    let even = Tensor::full(&[1, 4], 0.25_f32);
    let mean = -LOGS.iter().sum::<f64>() / 4.0;
    close(&x().softmax_cross_entropy(&even), &[mean], 2e-7);
    close(&at::<f32>(|x| x.logsumexp(-1), x()).1, &shares, 5e-7);
    let tape = Tape::<f32>::new();
    let (logits, p) = (tape.var(x()), tape.var(even));
    let gradients = logits.softmax_cross_entropy(p).sum().backward();
    close(&gradients.wrt(p), &LOGS.map(|l| -l), 2e-7);
    // x·(1 − t) + ln(1 + e^−x) with the t that f32 has: 1 − t is exact.
    let t = 0.9999_f32;
    let exact = 1e4 * (1.0 - f64::from(t));
    let y = Tensor::scalar(1e4_f32).sigmoid_cross_entropy(Tensor::scalar(t));
    close(&y, &[exact], 2e-7);
}

#[test]
fn a_class_of_probability_zero_costs_nothing() {
    let tape = Tape::new();
    let (x, p) = (tape.var([-INF, 1.0, 1.0]), tape.var([0.0, 1.0, 0.0]));
    let y = x.softmax_cross_entropy(p);
    assert_eq!(y.item(), LN_2);
    let gradients = y.backward();
    assert_eq!(gradients.wrt(x), Tensor::from([0.0, -0.5, 0.5]));
    assert_eq!(gradients.wrt(p), Tensor::from([INF, LN_2, LN_2]));
    // Probability where there can be none is infinitely wrong, not NaN.
    let even = Tensor::from([0.1, 0.8, 0.1]);
    assert_eq!(Tensor::from([-INF, 1.0, 1.0]).softmax_cross_entropy(even), Tensor::scalar(INF));
    // Forward mode in p, where p is 0 too: −ln softmax(x) of each.
    let p = Tensor::from([0.0, 1.0]);
    let x = Tensor::from([2.0, 1.0]);
    let along = ops::Dual::new(p, Tensor::from([1.0, 0.0]));
    let y = ops::Dual::constant(x).softmax_cross_entropy(along);
    assert_relative_eq!(
        y.tangent().unwrap().item(),
        (1.0 + (-1.0_f64).exp()).ln(),
        epsilon = 1e-15
    );
    // One unit that is sure and right.
    let sure = Tensor::from([-INF, INF]).sigmoid_cross_entropy(Tensor::from([0.0, 1.0]));
    assert_eq!(sure, Tensor::from([0.0, 0.0]));
    let none = Tensor::from([0.0, 2.0]).weigh(Tensor::from([INF, 3.0]));
    assert_eq!(none, Tensor::from([0.0, 6.0]));
}

#[test]
fn a_weight_of_zero_keeps_out_what_is_not_finite() {
    let tape = Tape::new();
    let nan = f64::NAN;
    let w = tape.var([[1.0, 0.0, 0.0], [2.0, 3.0, 0.0], [0.0, -1.0, 1.0], [0.0, nan, 0.0]]);
    let v = tape.var([[1.0, 0.1], [INF, 0.2], [nan, 0.3]]);
    let y = w.weighted_sum(v).value();
    let finite = [y.view()[[0, 0]], y.view()[[0, 1]], y.view()[[1, 1]], y.view()[[2, 1]]];
    assert_relative_eq!(finite[..], [1.0, 0.1, 2.0 * 0.1 + 3.0 * 0.2, 0.3 - 0.2][..]);
    assert_eq!(y.view()[[1, 0]], INF);
    assert!([[2, 0], [3, 0], [3, 1]].iter().all(|&at| y.view()[at].is_nan()));
    // What overflows is not absent.
    let large = Tensor::from([[1e300, 0.0]]).weighted_sum(Tensor::from([[1e300], [nan]]));
    assert_eq!(large, Tensor::from([[INF]]));
    // In stacks: weights that are shared by all, and values that are.
    let shared = tape.var([[0.0, 2.0]]);
    let values = tape.var([[[nan], [1.0]], [[5.0], [INF]], [[-INF], [3.0]]]);
    let sums = shared.weighted_sum(values);
    assert_eq!(sums.value(), Tensor::from([[[2.0]], [[INF]], [[6.0]]]));
    let weights = tape.var([[[0.0, 2.0]], [[1.0, 0.0]]]);
    let sums = weights.weighted_sum(tape.var([[INF, 1.0], [4.0, nan]])).value().to_vec();
    assert_eq!(sums[..1], [8.0]);
    assert!(sums[1].is_nan() && sums[2] == INF && sums[3] == 1.0);
}

#[test]
fn padding_leaves_the_inside_alone() {
    let x = Tensor::from([1.0, 2.0]);
    assert_eq!(x.pad(0, 1, 1, Padding::Constant(-INF)), Tensor::from([-INF, 1.0, 2.0, -INF]));
    let padded = x.pad(0, 1, 0, Padding::Constant(f64::NAN)).to_vec();
    assert!(padded[0].is_nan() && padded[1..] == [1.0, 2.0]);
    let (_, slope) =
        at::<f64>(|x| x.pad(0, 1, 1, Padding::Constant(INF)).slice(ndarray::s![1..3]), x);
    assert_eq!(slope, Tensor::from([1.0, 1.0]));
    // An element of weight 0 in an interpolation is not read.
    let x = Tensor::from([1.0, INF]);
    assert_eq!(x.upsample_linear(0, 2), x);
}

#[test]
fn roots_of_sums_are_flat_at_zero() {
    let roots: [(&str, Function<f64>); 5] = [
        ("norm", |x| x.norm(..)),
        ("std", |x| x.std(.., 0.0)),
        ("norm_lp 1.5", |x| x.norm_lp(1.5, ..)),
        ("norm_lp 2", |x| x.norm_lp(2.0, ..)),
        ("norm_lp 3", |x| x.norm_lp(3.0, ..)),
    ];
    let zeros = Tensor::zeros(&[3]);
    for (name, f) in roots {
        assert_eq!(at(f, zeros.clone()), (Tensor::scalar(0.0), zeros.clone()), "{name}");
        assert_eq!(second(f, zeros.clone()), zeros, "{name}, second order");
    }
    // Equal numbers other than 0 have no deviation either.
    assert_eq!(at::<f64>(|x| x.std(.., 1.0), [2.0, 2.0]).1, Tensor::from([0.0, 0.0]));
    // (|3|³ + |−4|³)^⅓ = 91^⅓ and slopes sign x·x²/91^⅔.
    let (value, slope) = at::<f64>(|x| x.norm_lp(3.0, ..), [3.0, -4.0]);
    assert_relative_eq!(value.item(), 4.497941445275415, epsilon = 1e-14);
    let expected = Tensor::from([0.444_851_351_730_535_5, -0.790846847520952]);
    assert_relative_eq!(slope, expected, epsilon = 1e-14);
}

/// ∂²f/∂a∂b, by way of a first and by way of b first.
fn mixed(f: for<'t> fn(Var<'t, f64>, Var<'t, f64>) -> Var<'t, f64>, a: f64, b: f64) -> [f64; 2] {
    let tape = Tape::new();
    let (a, b) = (tape.var(a), tape.var(b));
    let first = f(a, b).backward_recorded();
    let then = |first: Var<'_, f64>, of: Var<'_, f64>| first.backward().wrt(of).item();
    [then(first.wrt(a), b), then(first.wrt(b), a)]
}

#[test]
fn second_derivatives_of_powers_and_angles() {
    // aᵇ: aᵇ⁻¹(1 + b·ln a), at b = 0 it is 1/a.
    for m in mixed(|a, b| a.pow(b), 23.0, 0.0) {
        assert_relative_eq!(m, 1.0 / 23.0, epsilon = 1e-16);
    }
    for m in mixed(|a, b| a.pow(b), 2.0, 3.0) {
        assert_relative_eq!(m, 4.0 * (1.0 + 3.0 * LN_2), epsilon = 1e-13);
    }
    // What is taken as a number at a corner has derivatives of 0 from every side.
    assert_eq!(mixed(|a, b| a.pow(b), 0.0, 0.0), [0.0, 0.0]);
    assert_eq!(mixed(|a, b| a.pow(b), 0.0, 1.0), [0.0, 0.0]);
    assert_eq!(mixed(|a, b| a.hypot(b), 0.0, 0.0), [0.0, 0.0]);
    assert_eq!(mixed(|a, b| a.atan2(b), 0.0, 0.0), [0.0, 0.0]);
    let alone: [Function<f64>; 2] = [|x| x.hypot(x.scalar(0.0)), |x| x.atan2(x.scalar(0.0))];
    for f in alone {
        assert_eq!(at(f, 0.0).1, Tensor::scalar(0.0));
        assert_eq!(second(f, 0.0), Tensor::scalar(0.0));
    }
    // atan2: ∂²/∂a∂b = (a² − b²)/(a² + b²)²; at (1, 2) it is −3/25.
    for m in mixed(|a, b| a.atan2(b), 1.0, 2.0) {
        assert_relative_eq!(m, -0.12, epsilon = 1e-15);
    }
    // hypot: −ab/(a² + b²)^(3/2); at (3, 4) it is −12/125.
    for m in mixed(|a, b| a.hypot(b), 3.0, 4.0) {
        assert_relative_eq!(m, -0.096, epsilon = 1e-15);
    }
}

#[test]
fn extremes_of_f32() {
    let norm: Function<f32> = |x| x.norm(..);
    close(&at(norm, [3e20_f32, 4e20]).0, &[5e20], 1e-6 * 5e20);
    for scale in [1e20_f32, 1e-25] {
        let (value, slope) = at(norm, [3.0 * scale, 4.0 * scale]);
        let relative = f64::from(value.item()) / (5.0 * f64::from(scale));
        assert_relative_eq!(relative, 1.0, epsilon = 1e-6);
        close(&slope, &[0.6, 0.8], 1e-6);
    }
    let wide = Tensor::from([3e200, 4e200]).norm(..).item() / 5e200;
    let narrow = Tensor::from([3e-200, 4e-200]).norm(..).item() / 5e-200;
    assert_relative_eq!(wide, 1.0, epsilon = 1e-15);
    assert_relative_eq!(narrow, 1.0, epsilon = 1e-15);
    // The standard deviation of ±1e30 is 1e30.
    let spread = Tensor::from([1e30_f32, -1e30]).std(.., 0.0).item();
    assert_relative_eq!(spread / 1e30, 1.0, epsilon = 1e-6);
    let cube = Tensor::from([3e20_f32, 4e20]).norm_lp(3.0, ..).item();
    assert_relative_eq!(cube / 4.497_941_4e20, 1.0, epsilon = 1e-6);

    // ∂ atan2(a, b)/∂a = b/(a² + b²): 1/(2·10⁻²⁵) of a = b = 10⁻²⁵.
    let tape = Tape::<f32>::new();
    let (a, b) = (tape.var(1e-25_f32), tape.var(1e-25_f32));
    let gradients = a.atan2(b).backward();
    assert_relative_eq!(gradients.wrt(a).item() / 5e24, 1.0, epsilon = 1e-6);
    assert_relative_eq!(gradients.wrt(b).item() / -5e24, 1.0, epsilon = 1e-6);

    let (value, slope) = at::<f32>(|x| x.gelu_tanh(), [1e20_f32, -1e20]);
    assert_eq!((value, slope), (Tensor::from([1e20_f32, 0.0]), Tensor::from([1.0_f32, 0.0])));
    let slope = at::<f32>(|x| x.asinh(), [1e25_f32]).1.to_vec()[0];
    assert_relative_eq!(slope / 1e-25, 1.0, epsilon = 1e-6);
    let slope = at::<f32>(|x| x.acosh(), [1e25_f32]).1.to_vec()[0];
    assert_relative_eq!(slope / 1e-25, 1.0, epsilon = 1e-6);

    // (1, 2, 4, 5)·10³⁰ has mean 3·10³⁰ and deviation √2.5·10³⁰.
    let x = Tensor::from([1e30_f32, 2e30, 4e30, 5e30]);
    let expected = [-2.0, -1.0, 1.0, 2.0].map(|d: f64| d / 2.5_f64.sqrt());
    close(&x.normalize(0, 1e-5), &expected, 1e-6);
    // (1, 2, 4, 5) has the mean square 11.5.
    let expected = [1.0, 2.0, 4.0, 5.0].map(|d: f64| d / 11.5_f64.sqrt());
    close(&x.rms_normalize(0, 1e-5), &expected, 1e-6);
    let x = Tensor::from([1e200, -1e200]).normalize(0, 1e-5);
    assert_eq!(x, Tensor::from([1.0, -1.0]));
}

#[test]
fn sums_lose_nothing() {
    for shape in [&[0][..], &[0, 3], &[2, 0]] {
        assert!(Tensor::<f64>::zeros(shape).sum().item().is_sign_positive());
    }
    let tenth = f64::from(0.1_f32);
    let rows = Tensor::full(&[60_000, 100], 0.1_f32);
    close(&rows.sum_axes(0), &[6e4 * tenth; 100], 2e-6);
    close(&rows.mean_axes(0), &[tenth; 100], 2e-6);
    let narrow = Tensor::full(&[60_000, 3], 0.1_f32);
    close(&narrow.sum_axes(0), &[6e4 * tenth; 3], 2e-6);
    // Rows in the middle, and several runs for one sum.
    let middle = Tensor::full(&[2, 60_000, 3], 0.1_f32);
    close(&middle.sum_axes(1), &[6e4 * tenth; 6], 2e-6);
    close(&Tensor::full(&[60_000, 2, 3], 0.1_f32).sum_axes([0, 2]), &[18e4 * tenth; 2], 2e-6);
    close(&Tensor::full(&[2, 300_000], 0.1_f32).sum_axes(1), &[3e5 * tenth; 2], 5e-6);
    // The gradient of a bias.
    let tape = Tape::<f32>::new();
    let bias = tape.var(Tensor::zeros(&[64]));
    let y = tape.constant(Tensor::full(&[60_000, 64], 0.1_f32)) * (bias + 1.0);
    close(&y.sum().backward().wrt(bias), &[6e4 * tenth; 64], 2e-6);
}

#[cfg(feature = "linalg")]
#[test]
fn determinants_of_singular_matrices() {
    let det: Function<f64> = |x| x.det();
    // The cofactors of [[a, b], [c, d]] are [[d, −c], [−b, a]].
    let (value, slope) = at(det, [[1.0, 2.0], [2.0, 4.0]]);
    assert_relative_eq!(value.item(), 0.0, epsilon = 1e-14);
    assert_relative_eq!(slope, Tensor::from([[4.0, -2.0], [-2.0, 1.0]]), epsilon = 1e-14);
    // Their sum is a + d − b − c: the second derivative along ones.
    let expected = Tensor::from([[1.0, -1.0], [-1.0, 1.0]]);
    assert_relative_eq!(second(det, [[1.0, 2.0], [2.0, 4.0]]), expected, epsilon = 1e-14);
    assert_relative_eq!(second(det, [[0.0, 0.0], [0.0, 0.0]]), expected, epsilon = 1e-14);
    // 1 to 9 by rows has rank 2; the cofactor of 1 is 5·9 − 6·8, and so on.
    let x = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]];
    let expected = Tensor::from([[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]]);
    assert_relative_eq!(at(det, x).1, expected, epsilon = 1e-12);
    // Of rank 1 there are no cofactors, but second derivatives.
    let x = [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]];
    assert_relative_eq!(at(det, x).1, Tensor::zeros(&[3, 3]), epsilon = 1e-15);
    // x₁₁(x₂₂x₃₃ − x₂₃x₃₂) + …: along ones, the block has [[1, −1], [−1, 1]].
    let expected = Tensor::from([[0.0, 0.0, 0.0], [0.0, 1.0, -1.0], [0.0, -1.0, 1.0]]);
    assert_relative_eq!(second(det, x), expected, epsilon = 1e-14);
    assert_eq!(at(det, Tensor::zeros(&[1, 1])).1, Tensor::ones(&[1, 1]));
    // det(tD) = t³ det D, whose derivatives at t = 1 are 3, 6 and 6 times det D, 6 for
    // D = diag(1, 2, 3).
    let tape = Tape::new();
    let t = tape.var(1.0);
    let d = tape.constant([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]]);
    let first = (d * t).det().backward_recorded().wrt(t);
    let second = first.backward_recorded().wrt(t);
    let third = second.backward().wrt(t);
    assert_relative_eq!(first.item(), 18.0, epsilon = 1e-12);
    assert_relative_eq!(second.item(), 36.0, epsilon = 1e-12);
    assert_relative_eq!(third.item(), 36.0, epsilon = 1e-12);
}

/// The sums of a convolution, element by element.
fn conv3d_by_hand(
    x: &Tensor<f64>,
    w: &Tensor<f64>,
    slides: [Slide; 3],
    out: [usize; 5],
) -> Tensor<f64> {
    let (x, w) = (x.view(), w.view());
    let y = ndarray::ArrayD::from_shape_fn(&out[..], |at| {
        let mut sum = 0.0;
        for k in ndarray::indices(&w.shape()[1..]) {
            let mut place = vec![at[0], k[0]];
            for axis in 0..3 {
                let s = slides[axis];
                let i = at[axis + 2] * s.stride + k[axis + 1] * s.dilation;
                place.push(i.wrapping_sub(s.padding.0));
            }
            let weight = w[&[at[1], k[0], k[1], k[2], k[3]][..]];
            sum += x.get(&place[..]).map_or(0.0, |x| x * weight);
        }
        sum
    });
    Tensor::from(y)
}

#[test]
fn three_spatial_axes() {
    let x = ops::declare::sample(&[2, 3, 4, 3, 5], 0);
    let w = ops::declare::sample(&[2, 3, 2, 3, 2], 1);
    let slides =
        [Slide::new(2).stride(2).padding(1), Slide::new(3).padding(1), Slide::new(2).dilation(2)];
    let y = x.conv(&w, &slides, 1);
    assert_eq!(y.shape(), [2, 2, 3, 3, 3]);
    let by_hand = conv3d_by_hand(&x, &w, slides, [2, 2, 3, 3, 3]);
    assert_relative_eq!(y, by_hand, epsilon = 1e-13);
    // ⟨y, conv(x)⟩ = ⟨convᵀ(y), x⟩ with the slides' shortest input, here of the very shape of x.
    let inner = |a: &Tensor<f64>, b: &Tensor<f64>| a.mul(b).sum().item();
    let back = y.conv_transposed(&w, &slides, 1, &[0, 0, 0]);
    assert_eq!(back.shape(), x.shape());
    assert_relative_eq!(inner(&back, &x), inner(&y, &y), max_relative = 1e-13);

    // 0 to 26 in a cube: the largest of each 2 × 2 × 2 window is its last, the mean its middle.
    let cube = Tensor::from_shape_vec(&[1, 1, 3, 3, 3], (0..27).map(f64::from).collect()).unwrap();
    let pair = [Slide::new(2); 3];
    let last = [13.0, 14.0, 16.0, 17.0, 22.0, 23.0, 25.0, 26.0];
    assert_eq!(cube.max_pool(&pair, false).to_vec(), last);
    assert_eq!(cube.avg_pool(&pair, false, true).to_vec(), last.map(|v| v - 6.5));
    let (_, slope) = at::<f64>(|x| x.max_pool(&[Slide::new(2); 3], false), cube);
    let reached = slope.to_vec().iter().enumerate().filter(|(_, s)| **s == 1.0).count();
    assert_eq!((reached, slope.sum().item()), (8, 8.0));
}

#[test]
fn forward_mode_passes_nothing_of_the_branch_not_taken() {
    let x = ops::Dual::new(Tensor::from([-1.0, 4.0]), Tensor::from([1.0, 1.0]));
    let y = x.greater(x.scalar(0.0)).select(x.sqrt(), &x);
    assert_eq!(y.tangent(), Some(&Tensor::from([1.0, 0.25])));
}

/// Holds the first row's value and gradient, whatever stands in the other rows.
fn holds_the_first_row<A: ops::Float>(name: &str, f: Function<A>, [huge, tiny]: [f64; 2]) {
    let x = Tensor::<A>::from(ndarray::Array2::from_shape_fn((4, 37), |(i, j)| {
        A::from_f64(0.3 + 0.7 * ((i + 5 * j) as f64).sin())
    }));
    let first = |x: &Tensor<A>| {
        let tape = Tape::new();
        let x = tape.var(x);
        let y = f(x);
        let gradient = y.sum().backward().wrt(x);
        [y.value(), gradient].map(|all| all.slice(ndarray::s![0..1, ..]).to_vec())
    };
    let alone = first(&x);
    for extreme in [huge, tiny, f64::NAN, INF, -INF] {
        let mut beside = x.clone();
        let mut others = beside.view_mut();
        others.slice_mut(ndarray::s![1, ..]).mapv_inplace(|x| x * A::from_f64(extreme));
        others.slice_mut(ndarray::s![3, 7..8]).fill(A::from_f64(extreme));
        drop(others);
        assert_eq!(first(&beside), alone, "{name} beside {extreme}");
    }
}

#[test]
fn a_row_does_not_see_the_others() {
    macro_rules! hold {
        ($($name:literal: $f:expr;)*) => {$(
            holds_the_first_row::<f64>($name, $f, [1e200, 1e-200]);
            holds_the_first_row::<f32>($name, $f, [1e30, 1e-30]);
        )*};
    }
    hold! {
        "normalize": |x| x.normalize(1, 1e-5).square();
        "normalize without a term": |x| x.normalize(1, 0.0).square();
        "rms_normalize": |x| x.rms_normalize(1, 1e-5).square();
        "std": |x| x.std(1, 1.0).expand_dims(1);
        "var": |x| x.var(1, 1.0).expand_dims(1);
        "norm": |x| x.norm(1).expand_dims(1);
        "norm_lp": |x| x.norm_lp(3.0, 1).expand_dims(1);
        "norm_max": |x| x.norm_max(1).expand_dims(1);
        "softmax": |x| x.softmax(1).square();
        "log_softmax": |x| x.log_softmax(1);
        "logsumexp": |x| x.logsumexp(1).expand_dims(1);
        "max": |x| x.max_keepdims(1);
        "mean": |x| x.mean_axes(1).expand_dims(1);
        "prod": |x| x.prod(1).expand_dims(1);
        "cumsum": |x| x.cumsum(1);
        "tanh": |x| x.tanh();
        "gelu": |x| x.gelu();
        "sin": |x| x.sin();
        "softplus": |x| x.softplus();
        "product": |x| x.matmul(x.tape().constant(Tensor::full(&[37, 3], ops::Float::from_f64(0.7))));
        "sum of the elements": |x| x.sum_keepdims(1);
    }
}

/// ln(x + √(x² ± 1)) and ½ ln((1 + x)/(1 − x)) near the ends of their domains, where these formulas lose
/// digits or overflow.
#[test]
fn inverse_hyperbolic_functions_hold_at_the_ends() {
    let value = |f: Function<f64>, x: f64| at(f, x).0.item();
    for (x, y) in [(1e308, 709.889355822726), (1.5e308, 710.294820930834)] {
        assert_relative_eq!(value(|x| x.asinh(), x), y, max_relative = 4e-16);
        assert_relative_eq!(value(|x| x.asinh(), -x), -y, max_relative = 4e-16);
    }
    for (x, y) in [
        (f64::MAX, 710.475860073944),
        (1.0000001, 0.00044721359190373473),
        (1.0 + 1e-12, 0.0000014142764231805424),
    ] {
        assert_relative_eq!(value(|x| x.acosh(), x), y, max_relative = 4e-16);
    }
    let x = 1.0 - 1e-15;
    for sign in [1.0, -1.0] {
        assert_relative_eq!(
            value(|x| x.atanh(), sign * x),
            sign * 17.616361586450413,
            max_relative = 4e-16
        );
    }
    let single = |f: Function<f32>, x: f32| at(f, x).0.item();
    assert_relative_eq!(single(|x| x.asinh(), 2.4e38), 89.06685, max_relative = 2e-7);
    assert_relative_eq!(single(|x| x.acosh(), f32::MAX), 89.41599, max_relative = 2e-7);
    assert_relative_eq!(single(|x| x.acosh(), 1.000_207_4), 0.020_367_474, max_relative = 2e-7);
    assert_relative_eq!(single(|x| x.atanh(), -0.999_998_87), -7.19212, max_relative = 2e-7);
}
