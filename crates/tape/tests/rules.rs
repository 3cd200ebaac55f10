//! Tests of every rule, generated from what each declares beside it.

use approx::assert_relative_eq;
use ops::declare::{Example, Refusal, sample};
use ops::prelude::*;
use ops::registry::{Visitor, elementwise_examples, visit};
use ops::{AsNumber, Call, Dual, Elementwise, Lift, Reading, Rule, Tensor, apply};
use tape::check::{Check, CheckError};
use tape::{Tape, Var};

use crate::any_rule::{AnyExample, complete, every_example};

fn close(a: &Tensor<f64>, b: &Tensor<f64>, tolerance: f64) -> Result<(), String> {
    let close = approx::relative_eq!(a, b, epsilon = tolerance, max_relative = tolerance);
    if close { Ok(()) } else { Err(format!("{a:?} is not {b:?}")) }
}

fn value(example: &AnyExample<'_>) -> Result<(), String> {
    let operands: Vec<&Tensor<f64>> = example.operands.iter().collect();
    let value = example.rule.plain(&operands).map_err(|e| e.to_string())?;
    match &example.value {
        Some(known) => close(&value, known, 1e-14),
        None => Ok(()),
    }
}

#[test]
fn values_are_the_known_ones() {
    every_example(value);
}

#[test]
fn every_rule_has_a_known_value() {
    struct Known(Vec<&'static str>);
    impl Visitor for Known {
        fn rule<R: Rule>(&mut self, examples: &[Example<R>], _: &[Refusal<R>]) {
            if examples.iter().all(|e| e.value.is_none()) {
                self.0.push(examples[0].rule.name());
            }
        }
        fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, _rule: E) {
            // A rule with a number in the place of an operand is checked against the rule below.
            if std::any::type_name::<E>().contains("WithNumber") {
                return;
            }
            if E::DECLARED.known.is_empty() {
                self.0.push(E::NAME);
            }
        }
    }
    let mut known = Known(Vec::new());
    visit(&mut known);
    assert!(known.0.is_empty(), "no reference value is declared for {:?}", known.0);
}

/// A function of variables that stands on their tape.
type Recorded = for<'t> fn(&AnyExample<'_>, &[Var<'t, f64>]) -> Var<'t, f64>;

/// The derivatives of a function of an example against finite differences.
fn gradients(example: &AnyExample<'_>, of: Recorded, check: &Check) -> Result<(), String> {
    // Known values lie at extremes too; gradients are checked where the samples are.
    if example.operands.iter().any(|x| x.to_vec().iter().any(|v| v.abs() > 100.0)) {
        return Ok(());
    }
    // What is 0 may come out as a rounding of numbers of size 1.
    let check = check.clone().tolerance(1e-8, 1e-12);
    match check.run(|x| of(example, x), &example.varied()) {
        Ok(_) | Err(CheckError::Nothing { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn itself<'t>(example: &AnyExample<'_>, x: &[Var<'t, f64>]) -> Var<'t, f64> {
    example.rule.recorded(&complete(example, x))
}

fn sin_of<'t>(example: &AnyExample<'_>, x: &[Var<'t, f64>]) -> Var<'t, f64> {
    // Scaled, so that the fifth derivative, to which the stencil's error is proportional, stays
    // small where the op itself is steep.
    itself(example, x).scale(0.3).sin()
}

/// The second order along a direction in general position of each operand, to which every element
/// adds: what is wrong at one is wrong along it.
#[test]
fn gradients_of_both_orders_match_finite_differences() {
    let (each, along) = (Check::new(), Check::new().second_order().fast());
    every_example(|example| {
        gradients(example, itself, &each)?;
        gradients(example, itself, &along)
    });
}

/// So that the second order of a linear rule is visible.
#[test]
fn gradients_of_both_orders_of_the_sine_match_finite_differences() {
    let along = Check::new().second_order().fast();
    every_example(|example| gradients(example, sin_of, &along));
}

/// Forward mode against reverse mode: ⟨ȳ, J ẋ⟩ = ⟨Jᵀ ȳ, ẋ⟩.
fn forward_is_reverse(example: &AnyExample<'_>) -> Result<(), String> {
    let tape = Tape::new();
    let x: Vec<Var<'_, f64>> = example.operands.iter().map(|x| tape.var(x)).collect();
    let y = example.rule.recorded(&x);
    let cotangent = sample(&y.shape(), 1);
    let gradients = y.backward_with(cotangent.clone()).map_err(|e| e.to_string())?;
    for (i, &x) in x.iter().enumerate() {
        let tangent = sample(&x.shape(), 2 + i);
        let forward = y.tangent(&[(x, tangent.clone())]).mul(&cotangent).sum();
        let reverse = gradients.wrt(x).mul(&tangent).sum();
        close(&forward, &reverse, 1e-12).map_err(|e| format!("operand {i}: {e}"))?;
    }
    // All operands at once: their terms must be added.
    let along: Vec<_> =
        x.iter().enumerate().map(|(i, &x)| (x, sample(&x.shape(), 2 + i))).collect();
    let forward = y.tangent(&along).mul(&cotangent).sum();
    let terms = along.iter().map(|(x, t)| gradients.wrt(*x).mul(t).sum());
    let reverse = terms.reduce(|a, b| a + b).unwrap_or(Tensor::scalar(0.0));
    close(&forward, &reverse, 1e-12).map_err(|e| format!("all operands: {e}"))
}

#[test]
fn forward_mode_is_the_transpose_of_reverse_mode() {
    every_example(forward_is_reverse);
}

/// The dual reading gives the tangent that the tape's forward sweep gives, and the recorded
/// reading the gradient that the plain one gives.
fn readings(example: &AnyExample<'_>) -> Result<(), String> {
    let tape = Tape::new();
    let x: Vec<Var<'_, f64>> = example.operands.iter().map(|x| tape.var(x)).collect();
    let y = example.rule.recorded(&x);
    let tangents: Vec<Tensor<f64>> = x.iter().map(|x| sample(&x.shape(), 4)).collect();
    let along: Vec<_> = x.iter().copied().zip(tangents.iter().cloned()).collect();
    let duals: Vec<_> = example
        .operands
        .iter()
        .zip(&tangents)
        .map(|(x, tangent)| Dual::new(x.clone(), tangent.clone()))
        .collect();
    let dual = example.rule.dual(&duals.iter().collect::<Vec<_>>());
    let zeros = Tensor::zeros(&y.shape());
    close(dual.tangent().unwrap_or(&zeros), &y.tangent(&along), 1e-14)?;

    let weighted = y.mul(tape.constant(sample(&y.shape(), 1))).sum();
    let (plain, recorded) = (weighted.backward(), weighted.backward_recorded());
    for &x in &x {
        close(&recorded.wrt(x).value(), &plain.wrt(x), 1e-13)?;
    }
    Ok(())
}

#[test]
fn all_readings_agree() {
    every_example(readings);
}

/// The fused pass over the data against the plain reading of the slope, and `f32` against `f64`.
fn precision(example: &AnyExample<'_>) -> Result<(), String> {
    let double: Vec<&Tensor<f64>> = example.operands.iter().collect();
    let single: Vec<Tensor<f32>> = double.iter().map(|x| x.cast()).collect();
    // Where numbers are large, `f32` cannot tell the differences that a softmax is made of.
    let large = double.iter().any(|x| x.to_vec().iter().any(|v| v.abs() > 100.0));
    // Round first, so that both start from the same numbers.
    let rounded: Vec<Tensor<f64>> = single.iter().map(Tensor::cast).collect();
    let output = example.rule.plain(&rounded.iter().collect::<Vec<_>>()).expect("valid");
    let short = example.rule.single(&single.iter().collect::<Vec<_>>()).expect("valid");
    close(&short.cast(), &output, 2e-6)?;
    if large {
        return Ok(());
    }

    let wanted = vec![true; double.len()];
    let rounded: Vec<&Tensor<f64>> = rounded.iter().collect();
    let call = Call { operands: &rounded, output: &output, wanted: &wanted };
    let cotangent = sample(output.shape(), 1).cast::<f32>();
    let double = example.rule.vjp(&call, &cotangent.cast());
    let single: Vec<&Tensor<f32>> = single.iter().collect();
    let call = Call { operands: &single, output: &short, wanted: &wanted };
    for (a, b) in example.rule.vjp_single(&call, &cotangent).into_iter().zip(double) {
        match (a, b) {
            (Some(a), Some(b)) => close(&a.cast(), &b, 5e-6)?,
            (None, None) => {}
            (a, b) => return Err(format!("{a:?} in f32, {b:?} in f64")),
        }
    }
    Ok(())
}

#[test]
fn single_precision_agrees_with_double() {
    every_example(precision);
}

/// Operands that are transposed, reversed or cut out of larger arrays give the same results.
fn strided(example: &AnyExample<'_>) -> Result<(), String> {
    let operands: Vec<&Tensor<f64>> = example.operands.iter().collect();
    let plain = example.rule.plain(&operands).expect("valid");
    let layouts: [Layout; 3] = [column_major, reversed, cut_out];
    for layout in layouts {
        let strided: Vec<Tensor<f64>> = operands.iter().map(|x| layout(x)).collect();
        let strided: Vec<&Tensor<f64>> = strided.iter().collect();
        for (a, b) in strided.iter().zip(&operands) {
            close(a, b, 0.0)?;
        }
        let value = example.rule.plain(&strided).expect("valid");
        close(&value, &plain, 1e-14)?;
        let cotangent = sample(plain.shape(), 1);
        let wanted = vec![true; operands.len()];
        let call = Call { operands: &operands, output: &plain, wanted: &wanted };
        let expected = example.rule.vjp(&call, &cotangent);
        let call = Call { operands: &strided, output: &value, wanted: &wanted };
        for (a, b) in example.rule.vjp(&call, &layout(&cotangent)).iter().zip(&expected) {
            match (a, b) {
                (Some(a), Some(b)) => close(a, b, 1e-13)?,
                (None, None) => {}
                (a, b) => return Err(format!("{a:?} strided, {b:?} plain")),
            }
        }
    }
    Ok(())
}

type Layout = fn(&Tensor<f64>) -> Tensor<f64>;

fn column_major(x: &Tensor<f64>) -> Tensor<f64> {
    let copy = x.view().reversed_axes().as_standard_layout().into_owned();
    Tensor::from(copy.reversed_axes())
}

fn reversed(x: &Tensor<f64>) -> Tensor<f64> {
    let mut copy = x.view();
    (0..x.ndim()).for_each(|axis| copy.invert_axis(ndarray::Axis(axis)));
    let mut copy = copy.as_standard_layout().into_owned();
    (0..x.ndim()).for_each(|axis| copy.invert_axis(ndarray::Axis(axis)));
    Tensor::from(copy)
}

fn cut_out(x: &Tensor<f64>) -> Tensor<f64> {
    let larger: Vec<usize> = x.shape().iter().map(|n| 2 * n + 1).collect();
    let mut larger = ndarray::ArrayD::from_elem(larger, f64::NAN);
    for axis in 0..x.ndim() {
        let length = x.shape()[axis] as isize;
        let part = ndarray::Slice::new(1, Some(1 + 2 * length), 2);
        larger.slice_axis_inplace(ndarray::Axis(axis), part);
    }
    larger.assign(&x.view());
    Tensor::from(larger)
}

#[test]
fn strided_operands_give_the_same_results() {
    every_example(strided);
}

#[test]
fn slopes_are_the_derivatives_of_the_values() {
    // Exact, not numeric: the value read with dual numbers against the slope of the rule. The
    // composed value may overflow where the slope does not, so this stays on the samples.
    struct Slopes;
    impl Visitor for Slopes {
        fn rule<R: Rule>(&mut self, _: &[Example<R>], _: &[Refusal<R>]) {}
        fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, rule: E) {
            for example in elementwise_examples(rule) {
                if example.value.is_some() || example.operands[0].is_empty() {
                    continue;
                }
                for i in 0..N {
                    let duals: [Dual<Tensor<f64>>; N] = std::array::from_fn(|k| {
                        let x = example.operands[k].clone();
                        if k == i {
                            let ones = Tensor::ones(x.shape());
                            Dual::new(x, ones)
                        } else {
                            Dual::constant(x)
                        }
                    });
                    let arena = typed_arena::Arena::new();
                    let x = duals.each_ref().map(|x| AsNumber::new(&arena, x));
                    let zeros = Tensor::zeros(&[]);
                    let derivative = match rule.value(x) {
                        AsNumber::Value(_, value) => value.tangent().cloned().unwrap_or(zeros),
                        AsNumber::Lit(_) => zeros,
                    };
                    let operands: Vec<&Tensor<f64>> = example.operands.iter().collect();
                    let output = apply(&Lift::<E, N>(rule), &operands).expect("valid");
                    let wanted = [true; N];
                    let call = Call { operands: &operands, output: &output, wanted: &wanted };
                    let slope = Lift::<E, N>(rule).vjp(&call, &Tensor::ones(output.shape()));
                    let slope = slope[i].clone().unwrap_or_else(|| Tensor::zeros(&[]));
                    let shape = output.shape();
                    let (a, b) = (derivative.stretch_to(shape), slope.stretch_to(shape));
                    assert_relative_eq!(a, b, epsilon = 1e-13, max_relative = 1e-13);
                }
            }
        }
    }
    visit(&mut Slopes);
}

#[test]
fn kinks_have_their_written_slope() {
    struct Kinks(usize);
    impl Visitor for Kinks {
        fn rule<R: Rule>(&mut self, _: &[Example<R>], _: &[Refusal<R>]) {}
        fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, rule: E) {
            for kink in E::DECLARED.kinks {
                let tape = Tape::new();
                let x = kink.at.map(|x| tape.var(x));
                let y = Var::apply(Lift::<E, N>(rule), &x.each_ref());
                for (x, slope) in x.into_iter().zip(kink.slopes) {
                    assert_eq!(y.backward().wrt(x).item(), slope, "{} at {:?}", E::NAME, kink.at);
                }
                self.0 += 1;
            }
        }
    }
    let mut kinks = Kinks(0);
    visit(&mut kinks);
    assert!(kinks.0 >= 6, "only {} kinks are declared", kinks.0);
}

#[test]
fn refusals_say_what_is_wrong() {
    struct Refusals(usize);
    impl Visitor for Refusals {
        fn rule<R: Rule>(&mut self, _: &[Example<R>], refusals: &[Refusal<R>]) {
            for refusal in refusals {
                let operands: Vec<Tensor<f64>> =
                    refusal.shapes.iter().map(|shape| Tensor::zeros(shape)).collect();
                let error = apply(&refusal.rule, &operands.iter().collect::<Vec<_>>())
                    .expect_err(&format!("{:?} accepts {:?}", refusal.rule, refusal.shapes));
                let message = error.to_string();
                assert!(message.contains(refusal.says), "{message}\nlacks: {}", refusal.says);
                self.0 += 1;
            }
        }
    }
    let mut refusals = Refusals(0);
    visit(&mut refusals);
    assert!(refusals.0 > 30, "only {} refusals are declared", refusals.0);
}

#[test]
fn extremes_are_finite_with_the_right_gradient() {
    let slope = |f: &dyn for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>, x: f64| {
        let tape = Tape::new();
        let x = tape.var(x);
        let y = f(x);
        (y.item(), y.backward().wrt(x).item())
    };
    assert_eq!(slope(&|x| x.sigmoid(), 1000.0), (1.0, 0.0));
    assert_eq!(slope(&|x| x.sigmoid(), -1000.0), (0.0, 0.0));
    assert_eq!(slope(&|x| x.softplus(), 1000.0), (1000.0, 1.0));
    assert_eq!(slope(&|x| x.softplus(), -1000.0), (0.0, 0.0));
    assert_eq!(slope(&|x| x.tanh(), 1000.0), (1.0, 0.0));

    let tape = Tape::new();
    let x = tape.var([1e4, -1e4, 0.0]);
    let y = x.log_softmax(0);
    assert_eq!(y.value(), Tensor::from([0.0, -2e4, -1e4]));
    let gradient = y.sum().backward().wrt(x);
    assert_eq!(gradient, Tensor::from([-2.0, 1.0, 1.0]));
    let loss = tape.var([[1e4_f64, -1e4]]).sparse_softmax_cross_entropy(&[1]);
    assert_eq!(loss.value(), Tensor::from([2e4]));

    let single = Tape::<f32>::new();
    let x = single.var([1000.0_f32, -1000.0]);
    assert_eq!(x.sigmoid().sum().backward().wrt(x), Tensor::from([0.0_f32, 0.0]));
    assert_eq!(x.softplus().sum().backward().wrt(x), Tensor::from([1.0_f32, 0.0]));
}

#[test]
fn nan_is_not_hidden() {
    let x = Tensor::from([f64::NAN, 1.0]);
    assert!(x.relu().to_vec()[0].is_nan());
    assert!(x.maximum(Tensor::scalar(0.0)).to_vec()[0].is_nan());
    assert!(x.max().item().is_nan());
    assert!(Tensor::from([1.0, f64::NAN]).max().item().is_nan());
}

#[test]
fn masks_of_equal_numbers() {
    let x = Tensor::from([0.5, -2.0]);
    let (yes, no) = (Tensor::ones(&[2]), Tensor::zeros(&[2]));
    assert_eq!((x.equal(&x), x.not_equal(&x)), (yes.clone(), no.clone()));
    assert_eq!((x.greater_equal(&x), x.less_equal(&x)), (yes.clone(), yes));
    assert_eq!((x.greater(&x), x.less(&x)), (no.clone(), no));
    let lowest = Tensor::scalar(f64::NEG_INFINITY);
    assert_eq!(lowest.logaddexp(&lowest), lowest);
}

#[test]
fn ties_in_a_maximum_share_the_gradient() {
    let tape = Tape::new();
    let x = tape.var([2.0, 5.0, 5.0]);
    assert_eq!(x.max().backward().wrt(x), Tensor::from([0.0, 0.5, 0.5]));
}

#[test]
fn powers_of_zero_and_of_negative_numbers_are_finite() {
    let tape = Tape::new();
    let (a, b) = (tape.var(0.0), tape.var(2.0));
    let gradients = a.pow(b).backward();
    assert_eq!((gradients.wrt(a).item(), gradients.wrt(b).item()), (0.0, 0.0));
    let x = tape.var(-2.0);
    let y = x.powf(3.0);
    assert_eq!((y.item(), y.backward().wrt(x).item()), (-8.0, 12.0));
    let x = tape.var(0.0);
    assert_eq!(x.powf(0.0).backward().wrt(x).item(), 0.0);
    assert_eq!(x.powf(1.0).backward().wrt(x).item(), 1.0);
    let second = x.powf(2.0).backward_recorded().wrt(x).backward().wrt(x);
    assert_eq!(second.item(), 2.0);
}
