//! Why a gradient is zero or missing, and where a value turned infinite or NaN.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ops::Tensor;
use tape::prelude::*;

#[test]
fn why_a_gradient_is_zero() {
    let tape = Tape::<f64>::new();
    let x = tape.var([-1.0, -2.0]).named("x");
    let why = |y: Var<'_, f64>| y.sum().backward().why(x);
    let step = why(x.step() * 3.0);
    assert!(step.contains("step (at ") && step.contains("slope 0 everywhere"), "{step}");
    let floor = why(x.floor());
    assert!(floor.contains("floor (at ") && floor.contains("slope 0 everywhere"), "{floor}");
    let relu = why((x * 2.0).relu());
    assert!(
        relu.contains("all 2 units of relu (at ") && relu.contains("nowhere above 0"),
        "{relu}"
    );
    let zero = why(x * tape.constant([0.0, 0.0]));
    assert!(zero.contains("multiplies by a factor that is 0"), "{zero}");
    let clamp = why(x.clamp(0.0, 1.0));
    assert!(clamp.contains("clamp (at ") && clamp.contains("in all 2 places"), "{clamp}");
    let saturated = why((x * 1e6).sigmoid());
    assert!(saturated.contains("sigmoid (at ") && saturated.contains("saturated"), "{saturated}");
    let cancel = why(x - x);
    assert!(cancel.contains("cancel exactly"), "{cancel}");
    let two = why(x.step() + x.relu());
    assert!(two.contains("; and "), "{two}");
    let fine = why(x.tanh());
    assert!(fine.contains("is not zero: its largest element is"), "{fine}");
}

/// What is said of the gradient of a sum with respect to the first of these tensors, or a part of it.
fn why_of(
    inputs: &[Tensor<f64>],
    part: &[usize],
    f: impl for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
) -> String {
    let tape = Tape::new();
    let x: Vec<Var<'_, f64>> = inputs.iter().map(|x| tape.var(x)).collect();
    f(&x).sum().backward().why_at(x[0], part)
}

#[test]
fn why_blames_no_op_that_lets_a_gradient_through() {
    // Softmax adds up to 1 whatever x is. None of its slopes is 0: ±¼.
    let text = why_of(&[Tensor::from([0.3, 0.3])], &[], |v| v[0].softmax(-1));
    assert!(text.contains("softmax (at ") && text.contains("cancel exactly"), "{text}");
    assert!(!text.contains("saturated"), "{text}");
    // Row 1 is never gathered; what comes behind has nothing to do with it.
    let rows = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let text = why_of(std::slice::from_ref(&rows), &[1], |v| {
        let picked = v[0].gather(&v[0].tape().constant([0.0, 2.0]));
        picked.concat(&[picked], 0)
    });
    assert!(text.contains("gather (at ") && text.contains("reads none of it"), "{text}");
    assert!(!text.contains("concat"), "{text}");
    let text = why_of(&[rows], &[2], |v| v[0].gather(&v[0].tape().constant([0.0, 2.0])));
    assert!(text.contains("is not zero"), "{text}");
    // Not a number: the op is named that made it so, and how many elements are.
    let text = why_of(&[Tensor::from([0.0, 4.0])], &[], |v| (v[0] * 2.0).sqrt());
    assert!(text.contains("is not finite in 1 of 2 elements"), "{text}");
    assert!(text.contains("the gradient that sqrt passes on is inf at index [0]"), "{text}");
    let one = why_of(&[Tensor::from([0.0, 4.0])], &[1], |v| (v[0] * 2.0).sqrt());
    assert!(one.contains("is not zero"), "{one}");
}

/// Of a product that is 0 the other factor is named, on whichever side.
#[test]
fn why_names_the_factor_that_is_zero() {
    let tape = Tape::<f64>::new();
    let x = tape.var(Tensor::ones(&[2, 2])).named("x");
    let zero = tape.constant(Tensor::zeros(&[2, 2])).named("nil");
    for product in [x.matmul(zero), zero.matmul(x)] {
        let text = product.sum().backward().why(x);
        assert!(text.contains("multiplies by a factor (nil, recorded at"), "{text}");
    }
}

/// 1 times 10⁻²⁰⁰ is a number, and that times 10⁻²⁰⁰ is none.
#[test]
fn why_tells_what_is_too_small_from_what_cancels() {
    let text = why_of(&[Tensor::from([1.0, 2.0])], &[], |v| v[0] * 1e-200 * 1e-200);
    assert!(text.contains("mul (at ") && text.contains("1e-200 at most, is too small"), "{text}");
    assert!(!text.contains("cancel"), "{text}");
}

/// A number that was NaN before says nothing of what depends on another.
#[test]
fn why_is_not_misled_by_a_nan_elsewhere() {
    let rows = Tensor::from([[1.0, 2.0], [f64::NAN, 4.0]]);
    let text = why_of(&[rows], &[0], |v| v[0].gather(&v[0].tape().constant([1.0])));
    assert!(text.contains("gather (at ") && text.contains("reads none of it"), "{text}");
}

/// Of gradients with respect to one value alone, those on the way are not known any more.
#[test]
fn what_was_not_asked_for_is_dropped_on_the_way() {
    let tape = Tape::<f64>::new();
    let x = tape.var([0.0, 4.0]).named("x");
    let y = x.sqrt().sum();
    let all = y.backward().why(x);
    assert!(all.contains("the gradient that sqrt passes on is inf"), "{all}");
    let alone = y.backward_wrt(&[x]).unwrap().why(x);
    assert!(alone.contains("is not finite in 1 of 2 elements"), "{alone}");
    assert!(alone.ends_with("the adjoints on the way were not kept"), "{alone}");
}

#[test]
fn why_names_every_stop_on_the_way() {
    // The target is hit exactly, and behind that the unit is off: both stop it.
    let text = why_of(&[Tensor::from([-1.0])], &[], |v| (v[0].relu() - 0.0).square());
    let (hit, off) = (text.find("square (at "), text.find("relu (at "));
    assert!(hit.is_some() && off.is_some() && hit < off, "{text}");
    // A matrix of zeros on the other side of a product.
    let text = why_of(&[Tensor::ones(&[2, 3]), Tensor::zeros(&[3, 2])], &[], |v| v[0].matmul(v[1]));
    assert!(text.contains("matmul (at ") && text.contains("multiplies by a factor ("), "{text}");
    assert!(text.contains("that is 0 wherever it meets this one"), "{text}");
    // The other factor gets the ones.
    let text = why_of(&[Tensor::zeros(&[3, 2]), Tensor::ones(&[2, 3])], &[], |v| v[1].matmul(v[0]));
    assert!(text.contains("is not zero"), "{text}");
    // What stops all of it is named, and not what stops a part on the way.
    let text = why_of(&[Tensor::from([-1.0, 1.0])], &[], |v| (v[0].relu() + 1.0).step());
    assert!(text.contains("step (at ") && !text.contains("relu"), "{text}");
    assert!(!text.contains("cancel"), "{text}");
    // No op stops it all: one stops one part, another the other; and nothing cancels.
    let text = why_of(&[Tensor::from([-1.0, 3.0])], &[], |v| v[0].relu().clamp(-1.0, 1.0) * 2.0);
    assert!(text.contains("relu (at ") && text.contains("clamp (at "), "{text}");
    assert!(!text.contains("cancel"), "{text}");
    // A choice that takes nothing of x.
    let pair = [Tensor::from([1.0, 2.0]), Tensor::from([3.0, 4.0])];
    let text = why_of(&pair, &[], |v| v[0].scalar(0.0).select(v[0], v[1]));
    assert!(text.contains("never takes this operand") && text.contains("the mask is 0"), "{text}");
}

#[test]
fn why_answers_for_a_row_and_for_an_element() {
    let x = Tensor::from([[1.0, -2.0], [-3.0, -4.0]]);
    let ask = |part: &[usize]| why_of(std::slice::from_ref(&x), part, |v| v[0].relu());
    assert!(ask(&[]).contains("3 of its 4 elements are 0 (ask why_at of one)"), "{}", ask(&[]));
    assert!(ask(&[0]).contains("1 of its 2 elements are 0"), "{}", ask(&[0]));
    assert!(ask(&[1]).contains("all 2 units of relu"), "{}", ask(&[1]));
    assert!(ask(&[0, 1]).contains("the one unit of relu"), "{}", ask(&[0, 1]));
    assert!(ask(&[0, 0]).contains("is not zero"), "{}", ask(&[0, 0]));
    // Which part was asked for is said, and of the whole nothing.
    assert!(ask(&[1]).starts_with("the gradient at [1] ("), "{}", ask(&[1]));
    assert!(ask(&[]).starts_with("the gradient ("), "{}", ask(&[]));
}

#[test]
fn why_a_gradient_is_missing() {
    let tape = Tape::<f64>::new();
    let (x, c) = (tape.var(1.0).named("x"), tape.constant(2.0).named("c"));
    let y = x * c;
    let gradients = y.backward();
    assert!(gradients.why(c).contains("the value is a constant (c"));
    assert!(gradients.why(tape.var(3.0)).contains("not an ancestor"));
    let cut = (x.detach() * tape.var(1.0)).backward().why(x);
    assert!(cut.contains("passes a detached value"), "{cut}");
}

fn message<R>(run: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => panic!("it should panic"),
        Err(payload) => payload.downcast_ref::<String>().expect("a message").clone(),
    }
}

#[test]
fn the_first_value_that_is_not_finite_stops_the_forward_pass() {
    let tape = Tape::<f64>::new().stop_at_non_finite();
    let x = tape.var([[0.0, 1000.0], [-1000.0, 0.0]]).named("x");
    let here = line!() + 1;
    let text = message(|| x.softmax(-1).ln());
    assert!(text.contains("ln gives -inf at index [0, 0]"), "{text}");
    assert!(text.contains(&format!("debug.rs:{here}")), "{text}");
    assert!(text.contains("result of softmax") && text.contains("0e0 there"), "{text}");
    assert!(text.contains("instead: log_softmax(axis)"), "{text}");
    assert!(x.log_softmax(-1).value().is_finite());

    let text = message(|| x.exp().sum());
    assert!(
        text.contains("exp gives inf at index [0, 1]") && text.contains("x, recorded at"),
        "{text}"
    );
    let text = message(|| (-x.square()).sqrt());
    assert!(text.contains("sqrt gives NaN at index [0, 1]"), "{text}");
    let text = message(|| 1.0 / x);
    assert!(
        text.contains("div gives inf at index [0, 0]") && text.contains("away from 0"),
        "{text}"
    );
}

#[test]
fn the_first_gradient_that_is_not_finite_stops_the_sweep() {
    let tape = Tape::<f64>::new().stop_at_non_finite();
    let x = tape.var([4.0, 0.0]).named("x");
    let y = x.sqrt().sum();
    let error = y.try_backward().unwrap_err().to_string();
    assert!(error.contains("the gradient that sqrt passes on is inf at index [1]"), "{error}");
    assert!(error.contains("its slope at 0 is infinite"), "{error}");
    let third = (x.sqrt() * (1.0 / 3.0)).sum().try_backward().unwrap_err().to_string();
    assert!(third.contains("the incoming gradient: [0.333333, 0.333333]"), "{third}");
    let norm = x.square().sum().sqrt();
    assert!(norm.try_backward().is_ok());
    let zero = tape.var([0.0, 0.0]);
    let error = zero.square().sum().sqrt().try_backward().unwrap_err().to_string();
    assert!(error.contains("norm(axes) is sqrt(sum(x²))"), "{error}");
    assert_eq!(zero.norm(..).backward().wrt(zero).to_vec(), [0.0, 0.0]);
    // A branch that is not taken.
    let line = line!() + 2;
    let positive = x.greater(x.scalar(0.0));
    let chosen = positive.select(x.sqrt(), x);
    let error = chosen.sum().try_backward().unwrap_err().to_string();
    assert!(error.contains("a branch not taken: where at "), "{error}");
    assert!(error.contains(&format!("debug.rs:{line}")), "{error}");
    assert!(error.contains("instead: choose the operand before the op"), "{error}");
    let error = (x.sqrt() * positive).sum().try_backward().unwrap_err().to_string();
    assert!(error.contains("a branch not taken: mul at "), "{error}");
    let safe = positive.select(positive.select(x, x.scalar(1.0)).sqrt(), x);
    assert_eq!(safe.sum().backward().wrt(x).to_vec(), [0.25, 1.0]);
    // Off, nothing is refused.
    let plain = Tape::<f64>::new();
    assert!(
        plain.var(0.0).sqrt().backward().wrt(plain.vars().next().unwrap()).item().is_infinite()
    );
}
