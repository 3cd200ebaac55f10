//! Functions composed of rules: values known from elsewhere, gradients of both orders, messages.

use approx::assert_relative_eq;
use ops::Tensor;
use ops::declare::sample;
use ops::rules::{Padding, Slide};
use tape::check::Check;
use tape::prelude::*;

fn sine<'t>(
    f: &dyn for<'s> Fn(&[Var<'s, f64>]) -> Var<'s, f64>,
    v: &[Var<'t, f64>],
) -> Var<'t, f64> {
    f(v).scale(0.3).sin()
}

/// Holds the gradients of both orders of `f`, and of sin of it, against finite differences.
fn check(f: impl for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>, inputs: &[Tensor<f64>]) {
    Check::new().second_order().run(&f, inputs).unwrap_or_else(|error| panic!("{error}"));
    Check::new().second_order().run(|v| sine(&f, v), inputs).unwrap_or_else(|e| panic!("{e}"));
}

fn close(a: &Tensor<f64>, b: impl Into<Tensor<f64>>) {
    assert_relative_eq!(a, &b.into(), epsilon = 1e-14, max_relative = 1e-13);
}

fn x() -> Tensor<f64> {
    Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])
}

fn message(run: impl FnOnce() -> Tensor<f64> + std::panic::UnwindSafe) -> String {
    let payload = std::panic::catch_unwind(run).expect_err("it should panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => (*other.downcast_ref::<&str>().expect("a message")).to_owned(),
    }
}

#[test]
fn products_are_right_with_zeros() {
    close(&x().prod(..), -2.0 * 4.0 * 0.5 * 3.0 * -1.5);
    close(&x().prod(0), [0.5, -6.0, -6.0]);
    close(&Tensor::zeros(&[2, 0]).prod(1), [1.0, 1.0]);
    check(|v| v[0].prod(..), &[sample(&[5], 0)]);
    check(|v| v[0].prod([0, 2]), &[sample(&[3, 2, 2], 0)]);
    // One zero: the gradient is the product of the others, at the zero. Two: none anywhere.
    let tape = Tape::new();
    let one = tape.var([2.0, 0.0, 3.0, 5.0]);
    assert_eq!(one.prod(..).backward().wrt(one), Tensor::from([0.0, 30.0, 0.0, 0.0]));
    let two = tape.var([2.0, 0.0, 0.0, 5.0]);
    assert_eq!(two.prod(..).backward().wrt(two), Tensor::zeros(&[4]));
    check(|v| v[0].prod(..), &[Tensor::from([2.0, 0.0, 0.0, 5.0])]);
}

#[test]
fn variances_and_norms() {
    close(&x().var(1, 0.0), [6.0, 3.388888888888889]);
    close(&x().std(0, 1.0), [0.3535533905932738, 3.5355339059327378, 3.8890872965260113]);
    close(&x().norm_l1(..), 12.0);
    close(&x().norm_max(1), [4.0, 3.0]);
    close(&x().norm_lp(3.0, 0), [1.040041911525952, 3.2710663101885893, 4.069111522198851]);
    check(|v| v[0].var(1, 1.0), &[sample(&[2, 3], 0)]);
    check(|v| v[0].std(.., 0.0), &[sample(&[2, 3], 0)]);
    check(|v| v[0].norm_l1(0), &[sample(&[2, 3], 0)]);
    check(|v| v[0].norm_max(1), &[sample(&[2, 3], 0)]);
    check(|v| v[0].norm_lp(2.5, 1), &[sample(&[2, 3], 0)]);
    let says = message(|| Tensor::scalar(1.0).var(.., 1.0));
    assert!(says.contains("1 number with a correction of 1 leaves 0 degrees of freedom"), "{says}");
    assert!(message(|| x().norm_lp(0.5, ..)).contains("p is 0.5, but must be at least 1"));
    assert!(message(|| x().prod(2)).contains("axis 2 is out of range"));
}

#[test]
fn normalisations() {
    let (gain, shift) = (sample(&[3], 1), sample(&[3], 2));
    let y = x().layer_norm(&Tensor::ones(&[3]), &Tensor::zeros(&[3]), 0.0);
    close(&y.mean_axes(-1), [0.0, 0.0]);
    close(&y.var(-1, 0.0), [1.0, 1.0]);
    close(&x().rms_norm(&Tensor::ones(&[3]), 0.0).square().mean_axes(-1), [1.0, 1.0]);
    check(|v| v[0].layer_norm(&v[1], &v[2], 1e-3), &[x(), gain.clone(), shift]);
    check(|v| v[0].rms_norm(&v[1], 1e-3), &[x(), gain]);
}

#[test]
fn rearranging() {
    let row = Tensor::from([1.0, 2.0, 3.0]);
    close(&row.flip(0), [3.0, 2.0, 1.0]);
    close(&row.roll(0, 1), [3.0, 1.0, 2.0]);
    close(&row.roll(0, -4), [2.0, 3.0, 1.0]);
    close(&row.repeat(0, 2), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    close(&row.tile(0, 2), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    close(&row.outer(&Tensor::from([1.0, -1.0])), [[1.0, -1.0], [2.0, -2.0], [3.0, -3.0]]);
    close(&x().slice(ndarray::s![..1, ..]).squeeze(0), [1.0, -2.0, 4.0]);
    let parts = x().split(1, &[1, 2]);
    close(&parts[1], [[-2.0, 4.0], [3.0, -1.5]]);
    check(|v| v[0].roll(1, 2).pad(0, 1, 2, Padding::Constant(0.7)), &[x()]);
    check(|v| v[0].pad(1, 2, 1, Padding::Reflect).pad(0, 1, 0, Padding::Edge), &[x()]);
    check(|v| v[0].outer(&v[1]), &[sample(&[2], 0), sample(&[3], 1)]);
    check(|v| v[0].split(1, &[1, 2])[1], &[x()]);
    assert!(message(|| x().squeeze(1)).contains("axis 1 has length 3, but only 1"));
    assert!(
        message(|| x().split(1, &[1, 1]).remove(0)).contains("sum to 2, but axis 1 has length 3")
    );
    assert!(message(|| x().pad(0, 2, 0, Padding::Reflect)).contains("by 1 at most, not by 2"));
    assert!(message(|| x().flip(2)).contains("axis 2 is out of range"));
}

#[test]
fn resampling() {
    let row = Tensor::from([1.0, 2.0, 4.0]);
    close(&row.upsample_nearest(0, 6), [1.0, 1.0, 2.0, 2.0, 4.0, 4.0]);
    close(&row.upsample_linear(0, 6), [1.0, 1.25, 1.75, 2.5, 3.5, 4.0]);
    close(&row.adaptive_avg_pool(0, 2), [1.5, 3.0]);
    check(|v| v[0].upsample_linear(0, 3).upsample_linear(1, 5), &[x()]);
    check(|v| v[0].adaptive_avg_pool(1, 2), &[x()]);
}

#[test]
fn einstein_summation() {
    let (a, b) = (sample(&[2, 3], 0), sample(&[3, 4], 1));
    close(&Tensor::einsum("ij,jk->ik", &[&a, &b]), a.matmul(&b));
    close(&Tensor::einsum("ij,jk", &[&a, &b]), a.matmul(&b));
    close(&Tensor::einsum("ij,jk->ki", &[&a, &b]), a.matmul(&b).t());
    close(&Tensor::einsum("ij->j", &[&a]), a.sum_axes(0));
    close(&Tensor::einsum("ij->", &[&a]), a.sum());
    close(&Tensor::einsum("ij->ji", &[&a]), a.t());
    close(&Tensor::einsum("ij,ij->", &[&a, &a]), a.square().sum());
    close(
        &Tensor::einsum("i,j->ij", &[&a.sum_axes(1), &b.sum_axes(0)]),
        a.sum_axes(1).outer(&b.sum_axes(0)),
    );
    let square = sample(&[3, 3], 2);
    close(&Tensor::einsum("ii->i", &[&square]), square.diagonal(0));
    close(&Tensor::einsum("ii", &[&square]), square.diagonal(0).sum());
    let (p, q) = (sample(&[5, 2, 3], 3), sample(&[5, 3, 4], 4));
    close(&Tensor::einsum("bij,bjk->bik", &[&p, &q]), p.matmul(&q));
    close(&Tensor::einsum("bij,bjk->ik", &[&p, &q]), p.matmul(&q).sum_axes(0));
    let three = Tensor::einsum("ij,jk,kl->il", &[&a, &b, &b.t()]);
    close(&three, a.matmul(&b).matmul(b.t()));
    check(
        |v| Var::einsum("bij,bjk->bki", &[&v[0], &v[1]]),
        &[sample(&[2, 2, 3], 3), sample(&[2, 3, 2], 4)],
    );
    check(|v| Var::einsum("iij,j->i", &[&v[0], &v[1]]), &[sample(&[2, 2, 3], 3), sample(&[3], 4)]);

    let says = |text: &'static str| message(move || Tensor::einsum(text, &[&x(), &x()]));
    assert_eq!(
        says("ij,j2->i"),
        "einsum: '2' is not a letter; axes are named a to z or A to Z\n  ij,j2->i\n      ^"
    );
    assert_eq!(
        says("ij,jk->ik"),
        "einsum: 'j' stands for length 3 before, 2 here\n  ij,jk->ik\n     ^"
    );
    assert_eq!(says("ij->i"), "einsum: it names 1 operand, but 2 were given\n  ij->i\n  ^");
    assert_eq!(
        says("ij,ijk->i"),
        "einsum: it names 3 axes, but the operand has 2 (shape [2, 3])\n  ij,ijk->i\n     ^"
    );
    assert_eq!(
        says("ij,ij->ix"),
        "einsum: 'x' names no axis of an operand\n  ij,ij->ix\n          ^"
    );
    assert_eq!(
        says("ij,ij->ii"),
        "einsum: 'i' comes twice in the result\n  ij,ij->ii\n          ^"
    );
}

#[test]
fn convolution_and_pooling() {
    let image = sample(&[1, 2, 5, 4], 0);
    let slides = [Slide::new(3).stride(2).padding(1), Slide::new(2)];
    let weight = sample(&[3, 2, 3, 2], 1);
    let y = image.conv(&weight, &slides, 1);
    assert_eq!(y.shape(), [1, 3, 3, 3]);
    // The transposed convolution is the adjoint: ⟨conv(x, w), g⟩ = ⟨x, convᵀ(g, w)⟩.
    let g = sample(&[1, 3, 3, 3], 2);
    let back = g.conv_transposed(&weight, &slides, 1, &[0, 0]);
    assert_eq!(back.shape(), image.shape());
    close(&y.mul(&g).sum(), image.mul(&back).sum());
    assert_eq!(g.conv_transposed(&weight, &slides, 1, &[1, 0]).shape(), [1, 2, 6, 4]);
    check(
        |v| v[0].conv_transposed(v[1], &[Slide::new(3).stride(2).padding(1)], 1, &[1]),
        &[sample(&[1, 2, 3], 0), sample(&[2, 2, 3], 1)],
    );

    let row = Tensor::from([[[1.0, 5.0, 2.0, 4.0, 3.0]]]);
    let two = [Slide::new(2).stride(2)];
    close(&row.max_pool(&two, false), [[[5.0, 4.0]]]);
    close(&row.max_pool(&two, true), [[[5.0, 4.0, 3.0]]]);
    close(&row.avg_pool(&two, false, true), [[[3.0, 3.0]]]);
    close(&row.avg_pool(&two, true, true), [[[3.0, 3.0, 3.0]]]);
    let padded = [Slide::new(3).stride(2).padding(1)];
    close(&row.max_pool(&padded, false), [[[5.0, 5.0, 4.0]]]);
    close(&row.avg_pool(&padded, false, true), [[[2.0, 11.0 / 3.0, 7.0 / 3.0]]]);
    close(&row.avg_pool(&padded, false, false), [[[3.0, 11.0 / 3.0, 3.5]]]);
    let both = [Slide::new(2), Slide::new(3).stride(2).padding(1)];
    check(|v| v[0].max_pool(&both, true), &[sample(&[1, 2, 3, 4], 0)]);
    check(|v| v[0].avg_pool(&both, true, false), &[sample(&[1, 2, 3, 4], 0)]);
    check(|v| v[0].avg_pool(&both, true, true), &[sample(&[1, 2, 3, 4], 0)]);
    assert!(
        message(move || row.max_pool(&[Slide::new(2).padding(2)], false))
            .contains("exceeds half the window")
    );
}

#[test]
fn ranks() {
    let x = Tensor::from([[1.0, f64::NAN, 3.0], [4.0, 4.0, -1.0]]);
    assert_eq!(x.argmax(1).unwrap().elements(), [1, 0]);
    assert_eq!(x.argmax(-2).unwrap().elements(), [1, 0, 0]);
    assert_eq!(x.argmin(1).unwrap().elements(), [1, 2]);
    assert_eq!(x.top_k(1, 2).unwrap().elements(), [1, 2, 0, 1]);
    assert_eq!(x.top_k(1, 2).unwrap().shape(), [2, 2]);
    let error = x.top_k(1, 4).unwrap_err().to_string();
    assert!(
        error.contains("asked for is 4, but must be at most the length 3 of axis 1"),
        "{error}"
    );
    assert!(x.argmax(2).unwrap_err().to_string().contains("axis 2 is out of range"));
    assert!(Tensor::<f64>::zeros(&[2, 0]).argmax(1).is_err());
    check(|v| v[0].top_k(1, 2).0, &[sample(&[2, 4], 0)]);
    check(|v| v[0].greater(v[1]).select(v[0].sin(), v[1]), &[sample(&[2, 3], 0), sample(&[3], 1)]);
}
