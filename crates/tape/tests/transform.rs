//! Transformations of functions, alone and nested, against closed forms.

// A function under test stands in the test that uses it, its lifetime spelled out like a user's.
#![allow(
    clippy::items_after_statements,
    clippy::elidable_lifetime_names,
    clippy::needless_range_loop,
    clippy::cloned_ref_to_slice_refs
)]

use approx::assert_relative_eq;
use ops::declare::sample;
use ops::{Dual, Tensor};
use tape::check::Check;
use tape::prelude::*;
use tape::transform::{
    grad, hessian, hvp, jacobian, jacobian_forward, jacobian_reverse, jvp, nested, value_and_grad,
    value_and_jacobian, vjp,
};
use tape::{check_custom_vjp, checkpoint, custom_vjp};

/// A function of two inputs whose Hessian couples all elements.
fn f<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
    (v[0].matmul(v[1]).tanh() * v[0].sum_axes(1).exp()).sum()
}

fn inputs() -> Vec<Tensor<f64>> {
    vec![sample(&[3, 2], 0), sample(&[2], 1)]
}

fn close(a: &Tensor<f64>, b: &Tensor<f64>) {
    assert_relative_eq!(a, b, epsilon = 1e-12, max_relative = 1e-12);
}

#[test]
fn grad_is_backward() {
    let tape = Tape::new();
    let x: Vec<_> = inputs().into_iter().map(|x| tape.var(x)).collect();
    let y = f(&x);
    let (value, gradients) = value_and_grad(f, &inputs()).unwrap();
    assert_eq!(value, y.item());
    let swept = y.backward();
    assert_eq!(gradients, [swept.wrt(x[0]), swept.wrt(x[1])]);
    assert_eq!(grad(f, &inputs()).unwrap(), gradients);
    assert!(grad(|v| v[0], &inputs()).unwrap_err().to_string().contains("shape [3, 2]"));
    // An input that the function ignores has a gradient of zeros.
    assert_eq!(grad(|v| v[1].sum(), &inputs()).unwrap()[0], Tensor::zeros(&[3, 2]));
}

#[test]
fn vjp_and_jvp_are_transposes() {
    fn g<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        v[0].matmul(v[1]).sin()
    }
    let (tangent, cotangent) = ([sample(&[3, 2], 4), sample(&[2], 5)], sample(&[3], 6));
    let (value, pulled) = vjp(g, &inputs(), &cotangent).unwrap();
    let (same, pushed) =
        jvp(|v: &[Dual<Tensor<f64>>]| v[0].matmul(&v[1]).sin(), &inputs(), &tangent);
    assert_eq!(value, same);
    let forward = pushed.unwrap().mul(&cotangent).sum();
    let reverse = pulled.iter().zip(&tangent).map(|(p, t)| p.mul(t).sum().item()).sum::<f64>();
    assert_relative_eq!(forward.item(), reverse, max_relative = 1e-13);
    assert!(vjp(g, &inputs(), &sample(&[2], 0)).is_err());
}

#[test]
fn jacobians_of_both_modes_agree_and_have_both_shapes() {
    fn g<'t>(x: Var<'t, f64>) -> Var<'t, f64> {
        x.outer(&x.sin()).sum_axes(0)
    }
    let x = sample(&[3], 2);
    let (forward, reverse) = (jacobian_forward(g, &x), jacobian_reverse(g, &x));
    assert_eq!(forward.shape(), [3, 3]);
    close(&forward, &reverse);
    // y_j = (Σ x) sin x_j.
    let v = x.to_vec();
    let sum: f64 = v.iter().sum();
    for j in 0..3 {
        for i in 0..3 {
            let diagonal = if i == j { sum * v[j].cos() } else { 0.0 };
            assert_relative_eq!(forward.view()[[j, i]], v[j].sin() + diagonal, epsilon = 1e-14);
        }
    }
    fn stretch<'t>(x: Var<'t, f64>) -> Var<'t, f64> {
        x.reshape([2, 1]) * x.tape().constant([[1.0, 2.0, 3.0]])
    }
    let j = jacobian(stretch, &Tensor::from([0.5, -1.0]));
    assert_eq!(j.shape(), [2, 3, 2]);
    assert_eq!(j.view()[[1, 2, 1]], 3.0);
    assert_eq!(j.view()[[0, 2, 1]], 0.0);
    fn constant<'t>(x: Var<'t, f64>) -> Var<'t, f64> {
        x.tape().constant([1.0, 2.0])
    }
    assert_eq!(jacobian(constant, &x), Tensor::zeros(&[2, 3]));
}

#[test]
fn the_hessian_of_a_logistic_regression_is_the_closed_form() {
    // L(w) = Σ ln(1 + e^{−s·x·w}) for 30 samples of 20 features: H = Xᵀ diag(p(1 − p)) X.
    fn loss<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        let tape = v[0].tape();
        let x = tape.constant(sample(&[30, 20], 3));
        let targets: Vec<f64> = (0..30).map(|i| f64::from(i % 3 == 0)).collect();
        x.matmul(v[0]).sigmoid_cross_entropy(tape.constant(targets)).sum()
    }
    let w = sample(&[20], 8).scale(0.2);
    let x = sample(&[30, 20], 3);
    let p = x.matmul(&w).sigmoid();
    let weight = &p * &(1.0 - &p);
    let closed = x.t().matmul(x.mul(weight.reshape([30, 1])));
    let h = hessian(loss, &w).unwrap();
    assert_relative_eq!(h, closed, epsilon = 1e-12, max_relative = 1e-11);
    let v = sample(&[20], 9);
    let product = hvp(loss, &[w], &[v.clone()]).unwrap();
    assert_relative_eq!(product[0], closed.matmul(&v), epsilon = 1e-12, max_relative = 1e-11);
}

#[test]
fn hvp_is_the_derivative_of_the_gradient() {
    let (x, v) = (inputs(), [sample(&[3, 2], 7), sample(&[2], 8)]);
    let product = hvp(f, &x, &v).unwrap();
    let h = 1e-5;
    let at = |by: f64| {
        let moved: Vec<_> = x.iter().zip(&v).map(|(x, v)| x + &v.scale(by)).collect();
        grad(f, &moved).unwrap()
    };
    for (i, (plus, minus)) in at(h).iter().zip(&at(-h)).enumerate() {
        let numeric = (plus - minus).scale(0.5 / h);
        assert_relative_eq!(product[i], numeric, epsilon = 1e-7, max_relative = 1e-7);
    }
}

#[test]
fn transformations_nest_to_any_depth() {
    // f(x) = x⁴: 4x³, 12x², 24x.
    fn third<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        nested::grad(|x| nested::grad(|x| nested::grad(|x| x[0].powf(4.0), x)[0], x)[0], v)[0]
    }
    let x = [Tensor::scalar(1.5)];
    assert_relative_eq!(value_and_grad(third, &x).unwrap().0, 36.0, max_relative = 1e-14);
    assert_relative_eq!(grad(third, &x).unwrap()[0].item(), 24.0, max_relative = 1e-14);

    // Forward over reverse over forward, against reverse thrice.
    fn mixed<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        let one = v[0].tape().constant(1.0);
        let inner = |x: &[Var<'t, f64>]| nested::jvp(|x| x[0].powf(4.0), x, &[one]).1;
        nested::jvp(|x| nested::grad(inner, x)[0], v, &[one]).1
    }
    assert_relative_eq!(value_and_grad(mixed, &x).unwrap().0, 36.0, max_relative = 1e-14);
    assert_relative_eq!(grad(mixed, &x).unwrap()[0].item(), 24.0, max_relative = 1e-14);

    // A Hessian inside a gradient: d/dx Σ H(x) for Σ x³ is 6 for each element.
    fn trace<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        nested::hessian(|x| x.powf(3.0).sum(), v[0]).sum()
    }
    assert_relative_eq!(
        grad(trace, &[sample(&[3], 0)]).unwrap()[0],
        Tensor::from([6.0, 6.0, 6.0]),
        max_relative = 1e-13
    );
    // A Jacobian inside a check of its own gradient, to second order.
    Check::new()
        .second_order()
        .run(|v| nested::jacobian(|x| x.sin() * x.sum(), v[0]), &[sample(&[3], 1)])
        .unwrap();
    // A Hessian-vector product inside one.
    Check::new()
        .run(
            |v| nested::hvp(|x| x[0].tanh().square().sum(), &[v[0]], &[v[1]])[0],
            &[sample(&[3], 1), sample(&[3], 2)],
        )
        .unwrap();
}

#[test]
fn perturbations_are_not_confused() {
    // d/dx [x · d/dy (x·y)] = d/dx x² = 2x; taking y for x would give another number.
    fn g<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        let x = v[0];
        x * nested::grad(|y| x * y[0], &[x])[0]
    }
    assert_eq!(grad(g, &[Tensor::scalar(3.0)]).unwrap()[0].item(), 6.0);
    // The same in forward mode, duals over duals.
    let (x, one) = (Tensor::scalar(3.0), Tensor::scalar(1.0));
    let outer = |x: &[Dual<Tensor<f64>>]| {
        let x = &x[0];
        let inner = |y: &[Dual<Dual<Tensor<f64>>>]| Dual::constant(x.clone()).mul(&y[0]);
        let (_, slope) = jvp(inner, &[x.clone()], &[Dual::constant(Tensor::scalar(1.0))]);
        x.mul(slope.unwrap())
    };
    assert_eq!(jvp(outer, &[x], &[one]).1.unwrap().item(), 6.0);
}

#[test]
fn stop_gradient_stops_in_every_reading() {
    use ops::Reading;
    fn g<T: Reading>(x: &T) -> T {
        x.mul(x.stop_gradient())
    }
    let x = Tensor::scalar(3.0);
    assert_eq!(grad(|v| g(&v[0]), &[x.clone()]).unwrap()[0].item(), 3.0);
    let (_, tangent) = jvp(|v: &[Dual<Tensor<f64>>]| g(&v[0]), &[x], &[Tensor::scalar(1.0)]);
    assert_eq!(tangent.unwrap().item(), 3.0);
}

#[test]
fn a_checkpoint_gives_the_same_gradient_bit_for_bit() {
    fn layer<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        (v[0].matmul(v[1]).tanh() + v[0]).sin()
    }
    let (x, w) = (sample(&[4, 3], 0), sample(&[3, 3], 1));
    fn plain<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        layer(&[layer(v), v[1]]).sum()
    }
    fn kept<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        let once = checkpoint(layer, v);
        checkpoint(layer, &[once, v[1]]).sum()
    }
    let at = [x, w];
    assert_eq!(grad(kept, &at).unwrap(), grad(plain, &at).unwrap());
    let v = [sample(&[4, 3], 4), sample(&[3, 3], 5)];
    let (a, b) = (hvp(kept, &at, &v).unwrap(), hvp(plain, &at, &v).unwrap());
    close(&a[0], &b[0]);
    close(&a[1], &b[1]);
    Check::new().second_order().run(kept, &at).unwrap();
}

#[test]
fn a_gradient_of_the_users_own_is_used_checked_and_differentiated() {
    // ln(1 + eˣ) with its stable gradient.
    fn value<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        (v[0].exp() + 1.0).ln()
    }
    fn backward<'t>(v: &[Var<'t, f64>], _y: Var<'t, f64>, c: Var<'t, f64>) -> Vec<Var<'t, f64>> {
        vec![c * v[0].sigmoid()]
    }
    fn wrong<'t>(v: &[Var<'t, f64>], _y: Var<'t, f64>, c: Var<'t, f64>) -> Vec<Var<'t, f64>> {
        vec![c * v[0].sigmoid().square()]
    }
    let x = sample(&[2, 2], 0);
    check_custom_vjp(value, backward, &[x.clone()]).unwrap();
    let error = check_custom_vjp(value, wrong, &[x.clone()]).unwrap_err().to_string();
    assert!(error.contains("wrong at 4 of 4 places"), "{error}");
    fn own<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        custom_vjp("log1pexp", value, backward, v)
    }
    Check::new().second_order().run(own, &[x.clone()]).unwrap();
    // Forward mode follows from the reverse mode given.
    let tape = Tape::new();
    let var = tape.var(&x);
    let t = sample(&[2, 2], 7);
    close(&own(&[var]).tangent(&[(var, t.clone())]), &value(&[var]).tangent(&[(var, t)]));
}

/// A part of a constant is no part of an input: nothing is recorded for its gradient.
#[test]
fn a_function_of_no_input_records_no_gradient() {
    let tape = Tape::<f64>::new();
    let (x, cotangent) = (tape.var(1.0), tape.constant([1.0]));
    fn part<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
        v[0].tape().constant([1.0, 2.0]).slice(ndarray::s![1..])
    }
    let (y, gradients) = nested::vjp(part, &[x], cotangent);
    assert_eq!((y.value(), gradients[0].item()), (Tensor::from([2.0]), 0.0));
    assert_eq!(tape.vars().filter_map(Var::op).collect::<Vec<_>>(), ["identity", "slice"]);
}

/// What is allowed is 10⁻¹² of the larger gradient, or of 1.
#[test]
fn a_gradient_of_the_users_own_may_differ_by_its_rounding() {
    let off = |by: f64, relative: f64| {
        let slope = by * (1.0 + relative);
        check_custom_vjp(
            move |v| v[0] * by,
            move |_, _, cotangent| vec![cotangent * slope],
            &[Tensor::from([0.5])],
        )
    };
    // The cotangent is about 1.
    for by in [1e3, 1e6] {
        assert!(off(by, 1e-13).is_ok() && off(by, 1e-11).is_err(), "{by}");
    }
    assert!(off(1e-3, 1e-10).is_ok() && off(1e-3, 1e-8).is_err());
}

#[test]
#[should_panic(expected = "gave 0 contributions for 1 inputs")]
fn a_custom_gradient_must_give_one_contribution_an_input() {
    let tape = Tape::new();
    let y = custom_vjp("short", |v| v[0].sin(), |_, _, _| vec![], &[tape.var(1.0)]);
    let _ = y.backward();
}

#[test]
#[should_panic(expected = "tangent 0 has shape [2], but input 0 has shape [3]")]
fn a_nested_tangent_must_fit_its_input() {
    let tape = Tape::new();
    let (x, t) = (tape.var([1.0, 2.0, 3.0]), tape.constant([1.0, 2.0]));
    nested::jvp(|v| v[0].sin(), &[x], &[t]);
}

#[test]
#[should_panic(expected = "0 tangents were given for 1 inputs")]
fn there_must_be_a_vector_for_each_input() {
    let tape = Tape::new();
    nested::hvp(|v| v[0].sin(), &[tape.var(1.0)], &[]);
}

#[test]
fn a_function_with_more_outputs_than_inputs_has_the_same_jacobian() {
    let x = Tensor::from([2.0, -1.0]);
    fn f<'t>(x: Var<'t, f64>) -> Var<'t, f64> {
        let row = x.tape().constant([[1.0, 10.0, 100.0]]);
        x.reshape([2, 1]).matmul(row).square()
    }
    let (y, jacobian) = value_and_jacobian(f, &x);
    assert_eq!(y.shape(), [2, 3]);
    assert_eq!(jacobian.shape(), [2, 3, 2]);
    // ∂(xᵢ cⱼ)²/∂xₖ = 2 xᵢ cⱼ² if i = k.
    for (i, x) in [2.0, -1.0].into_iter().enumerate() {
        for (j, c) in [1.0, 10.0, 100.0_f64].into_iter().enumerate() {
            for k in 0..2 {
                let expected = if i == k { 2.0 * x * c * c } else { 0.0 };
                assert_eq!(jacobian.view()[[i, j, k]], expected);
            }
        }
    }
}

/// The sweep is recorded for one cotangent; where it looks at numbers, each has its own.
#[test]
fn jacobians_of_a_gradient_that_reads_its_cotangent_are_taken_one_by_one() {
    fn double<'t>(x: Var<'t, f64>) -> Var<'t, f64> {
        custom_vjp(
            "double",
            |v| v[0] * 2.0,
            |x, _, cotangent| {
                let value = cotangent.value();
                vec![x[0].tape().constant(&value + &value)]
            },
            &[x],
        )
    }
    let x = sample(&[3], 0);
    let expected = Tensor::from([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]);
    assert_eq!(jacobian_reverse(double, &x), expected);
    assert_eq!(jacobian(double, &x), expected);
}

#[test]
fn what_a_batch_records_is_at_the_line_of_the_function() {
    let tape = Tape::<f64>::new();
    let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
    let y = nested::vmap(|v| v[0].tanh(), &[x], &[Some(0)]);
    let (file, line) = (file!(), line!() - 1);
    assert!(y.location().file().ends_with(file.rsplit('/').next().unwrap()), "{}", y.location());
    assert_eq!(y.location().line(), line);
}
