//! Why a gradient is zero or missing, and where a value turned infinite or NaN.

use std::panic::{AssertUnwindSafe, catch_unwind};

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
    let norm = x.square().sum().sqrt();
    assert!(norm.try_backward().is_ok());
    let zero = tape.var([0.0, 0.0]);
    let error = zero.square().sum().sqrt().try_backward().unwrap_err().to_string();
    assert!(error.contains("norm(axes) is sqrt(sum(x²))"), "{error}");
    assert_eq!(zero.norm(..).backward().wrt(zero).to_vec(), [0.0, 0.0]);
    // Off, nothing is refused.
    let plain = Tape::<f64>::new();
    assert!(
        plain.var(0.0).sqrt().backward().wrt(plain.vars().next().unwrap()).item().is_infinite()
    );
}
