//! Misuse is refused in sentences that say what was given, where, and what would fit.

use ops::Tensor;
use ops::rules::{Add, Lift, Matmul};
use tape::Var;
use tape::check::{Check, CheckError};
use tape::prelude::*;

fn panic_message(run: impl FnOnce() + std::panic::UnwindSafe) -> (String, u32) {
    use std::sync::{Arc, Mutex};
    static LOCK: Mutex<()> = Mutex::new(());
    let _guard = LOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let line = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&line);
    // Other tests of the process panic too.
    let here = std::thread::current().id();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == here {
            *seen.lock().unwrap() = info.location().map_or(0, std::panic::Location::line);
        }
    }));
    let payload = std::panic::catch_unwind(run).expect_err("it should panic");
    std::panic::set_hook(hook);
    let line = *line.lock().unwrap();
    (payload.downcast_ref::<String>().expect("a formatted message").clone(), line)
}

#[test]
fn a_shape_mismatch_shows_both_shapes_and_where_they_came_from() {
    let tape = Tape::<f64>::new();
    let a = tape.var(Tensor::zeros(&[64, 256])).named("hidden");
    let b = tape.var(Tensor::zeros(&[128])).named("bias");
    let error = Var::try_apply(Lift::binary(Add), &[&a, &b]).unwrap_err().to_string();
    let expected = format!(
        "add: the lengths 256 and 128 of axis -1 (counted from the last) do not broadcast; they \
         would if they were equal or one of them were 1.\n  \
         left   [ 64, 256]   hidden, recorded at {}\n  \
         right  [     128]   bias, recorded at {}\n  called at {}:{}:17",
        a.location(),
        b.location(),
        file!(),
        b.location().line() + 1,
    );
    assert_eq!(error, expected);
}

#[test]
fn operators_panic_at_the_callers_line() {
    let here = line!();
    let (message, line) = panic_message(|| {
        let tape = Tape::<f64>::new();
        let (a, b) = (tape.var([1.0, 2.0]), tape.var([1.0, 2.0, 3.0]));
        let _ = a + b;
    });
    assert_eq!(line, here + 4);
    assert!(message.contains("add: the lengths 2 and 3") && message.contains("messages.rs"));

    let (message, line) = panic_message(|| {
        let tape = Tape::<f64>::new();
        let (a, b) = (tape.var([[1.0, 2.0]]), tape.var([1.0, 2.0, 3.0]));
        a.matmul(b);
    });
    assert_eq!(line, here + 12);
    assert!(message.contains("so a right operand of shape [2] would fit"), "{message}");
}

#[test]
fn values_of_two_tapes_are_refused() {
    let (one, other) = (Tape::new(), Tape::new());
    let (a, b) = (one.var(1.0).named("a"), other.var(2.0).named("b"));
    let error = Var::try_apply(Lift::binary(Add), &[&a, &b]).unwrap_err().to_string();
    assert!(error.contains("operand 2 belongs to another tape than the first"), "{error}");
    assert!(error.contains("b, recorded at"), "{error}");
    let gradients = (a * 2.0).backward();
    let error = gradients.try_wrt(b).unwrap_err().to_string();
    assert!(error.contains("belongs to another tape"), "{error}");
    panic_message(|| {
        let (one, other) = (Tape::new(), Tape::new());
        let _ = one.var(1.0) * other.var(2.0);
    });
}

#[test]
fn backward_starts_from_a_scalar() {
    let tape = Tape::new();
    let x = tape.var([1.0, 2.0]);
    let error = x.square().try_backward().unwrap_err().to_string();
    assert!(error.contains("this value has shape [2]"), "{error}");
    assert!(error.contains("sum() or mean()") && error.contains("backward_with(seed)"), "{error}");
    let error = x.backward_with([1.0, 2.0, 3.0]).unwrap_err().to_string();
    assert!(error.contains("the seed of backward_with() has shape [3]"), "{error}");
    // One element is as good as a scalar.
    let x = tape.var([[2.0]]);
    assert_eq!(x.square().backward().wrt(x), Tensor::from([[4.0]]));
}

/// A library's lines give way to that of its caller, and nobody else's do.
#[test]
fn only_lines_of_the_files_named_give_way() {
    let tape = tape::Tape::<f64>::new();
    let x = tape.var(0.5);
    {
        let (_guard, caller) = (tape.on_behalf(file!()), line!());
        let y = x.tanh();
        assert_eq!(y.location().line(), caller);
    }
    let _guard = tape.on_behalf("another/library/src/");
    let (y, own) = (x.tanh(), line!());
    assert_eq!(y.location().line(), own);
}

#[test]
fn a_missing_gradient_says_why() {
    let tape = Tape::new();
    let (x, c) = (tape.var(1.0).named("x"), tape.constant(2.0).named("c"));
    let detached = x.detach().named("frozen");
    let late = tape.var(3.0).named("late");
    let y = (x * c + detached).named("y");
    let after = (y * 2.0).named("after");
    let g = y.backward();
    let why = |v| g.try_wrt(v).unwrap_err().to_string();
    assert!(why(c).contains("the value is a constant (c, recorded at"), "{}", why(c));
    assert!(why(detached).contains("is detached (frozen"), "{}", why(detached));
    assert!(why(late).contains("was not computed from the value (late"), "{}", why(late));
    assert!(why(after).contains("it is not an ancestor"), "{}", why(after));
    assert!(why(c.sin()).contains("from constants or detached values only"));

    let only_detached = x.detach() * late;
    let g = only_detached.backward();
    let error = g.try_wrt(x).unwrap_err().to_string();
    assert!(error.contains("passes a detached value (result of detach"), "{error}");

    let error = (c * c).try_backward().unwrap_err().to_string();
    assert!(error.contains("no gradient flows to this value"), "{error}");
}

#[test]
fn no_operands_no_tape() {
    let error = Var::<f64>::try_apply(Matmul, &[]).unwrap_err().to_string();
    assert!(error.contains("matmul: it was given no operands"), "{error}");
}

#[test]
fn checks_catch_a_wrong_gradient_and_name_the_place() {
    use ops::{Number, Unary};
    #[derive(Clone, Copy, Debug)]
    struct WrongTanh;
    impl Unary for WrongTanh {
        const NAME: &'static str = "wrong_tanh";
        fn value<R: Number>(self, x: R) -> R {
            x.tanh()
        }
        fn slope<R: Number>(self, _x: R, y: R) -> R {
            R::lit(1.0) + y * y
        }
    }
    let x = [Tensor::from([[0.1, 0.2]]), Tensor::from([[0.5, 1.5], [0.0, 0.1]])];
    let line = line!() + 1;
    let error = Check::new().run(|v| (v[0].sin() + v[1].unary(WrongTanh)) * 1.0, &x).unwrap_err();
    let CheckError::Wrong { failed, compared, worst, fault } = &error else { panic!("{error}") };
    // At 0 both slopes are 1: the wrong rule is right there.
    assert_eq!((*failed, *compared), (3, 6));
    assert_eq!((worst.input, worst.element.as_deref()), (1, Some(&[0, 1][..])));
    let fault = fault.as_ref().expect("an op at fault");
    assert_eq!((fault.op, fault.operand, fault.location.line()), ("wrong_tanh", 0, line));
    let message = error.to_string();
    assert!(message.contains("the op at fault: wrong_tanh, called at"), "{message}");
    assert!(message.contains("wrong at 3 of 6 places"), "{message}");
    assert!(message.contains("input 1, element [0, 1]: analytic 1.04"), "{message}");
    for check in [Check::new().fast(), Check::new().fast().second_order()] {
        assert!(check.run(|v| v[0].unary(WrongTanh), &x).is_err());
        assert!(check.run(|v| v[0].tanh() * v[1], &x).is_ok());
    }
}

#[test]
fn checks_say_what_cannot_be_compared() {
    let error = Check::new().run(|v| v[0].sqrt(), &[Tensor::from([1.0, 0.0])]).unwrap_err();
    assert!(error.to_string().contains("not finite near element [1] of input 0"), "{error}");
    let error = Check::new().run(|v| v[0], &[Tensor::<f64>::zeros(&[0])]).unwrap_err();
    assert!(error.to_string().contains("nothing to compare"), "{error}");
}

#[test]
fn checks_see_kinks_weak_types_and_functions_that_change() {
    use std::cell::Cell;
    // relu at 0: from the left 0, from the right 1.
    let x = Tensor::from([0.0, 0.5, -0.5]);
    let report = Check::new().run(|v| v[0].relu(), std::slice::from_ref(&x)).unwrap();
    assert_eq!(report.kinks.len(), 1);
    assert_eq!(report.kinks[0].element.as_deref(), Some(&[0][..]));
    assert!(report.to_string().contains("a kink inside the stencil"), "{report}");
    // A kink does not excuse a gradient that lies on neither side.
    let error = Check::new()
        .run(|v| tape::custom_vjp("off", |v| v[0].relu(), |_, _, c| vec![c * 3.0], v), &[x])
        .unwrap_err();
    assert!(matches!(error, CheckError::Wrong { failed: 3, .. }), "{error}");

    let single = Tensor::from([0.3_f32, -0.7]);
    let report = Check::new().run(|v| v[0].tanh(), &[single]).unwrap();
    assert!(report.to_string().contains("warning: the inputs are f32"), "{report}");

    let calls = Cell::new(0.0);
    let error = Check::new().run(
        |v| {
            calls.set(calls.get() + 1.0);
            v[0] * calls.get()
        },
        &[Tensor::from([1.0])],
    );
    assert!(error.unwrap_err().to_string().contains("two runs gave different gradients"));
}

#[test]
fn checks_hold_forward_against_reverse() {
    use ops::{Call, Contributions, Family, Out, Problem, Reading, Rule, Shape};
    /// sin, said to be linear: its forward mode is wrong.
    #[derive(Clone, Debug)]
    struct Twisted;
    impl Rule for Twisted {
        fn name(&self) -> &'static str {
            "twisted"
        }
        fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
            Ok(Shape::from_slice(operands[0]))
        }
        fn forward<A: ops::Float>(
            &self,
            operands: &[&Tensor<A>],
            out: Out<'_, A>,
        ) -> Result<(), Problem> {
            out.set(operands[0].sin())
        }
        fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
            call.contributions([&|| cotangent.mul(call.operands[0].cos())])
        }
        fn family(&self) -> Family<'_> {
            Family::Linear
        }
    }
    let error = Check::new().run(|v| Var::apply(Twisted, &[&v[0]]), &[Tensor::from([0.4])]);
    assert!(matches!(error, Err(CheckError::Modes { input: 0, .. })), "{error:?}");
}

/// The slope of a root is infinite at 0, and a gradient of 0 times that is NaN.
#[test]
fn a_branch_that_is_not_taken_is_named_with_what_to_do() {
    type Function = for<'t> fn(Var<'t, f64>) -> Var<'t, f64>;
    let functions: [Function; 2] = [
        |x| x.greater(x.tape().constant(0.0)).select(x.sqrt(), x * 2.0),
        |x| (x.sqrt() + 1.0) * x.tape().constant([0.0, 1.0]),
    ];
    for (f, choice) in functions.into_iter().zip(["where", "mul"]) {
        let tape = Tape::new().stop_at_non_finite();
        let x = tape.var([0.0, 4.0]).named("x");
        let error = f(x).sum().try_backward().unwrap_err().to_string();
        assert!(error.contains(&format!("a branch not taken: {choice} at ")), "{error}");
        assert!(error.contains("choose the operand before the op"), "{error}");
    }
}

/// A constant has no gradient, whether a value uses all of it or a part.
#[test]
fn a_slice_of_a_constant_gives_it_no_gradient() {
    let tape = Tape::<f64>::new();
    let (x, c) = (tape.var([1.0, 2.0]), tape.constant([3.0, 4.0, 5.0]));
    let y = (x * c.slice(ndarray::s![1..3])).sum();
    let whole = (tape.var([1.0, 2.0, 3.0]) * c).sum();
    let says = |y: Var<'_, f64>| y.backward().try_wrt(c).map_err(|error| error.to_string());
    assert_eq!(says(y).is_err(), says(whole).is_err());
    let before = tape.len();
    let recorded = y.backward_recorded();
    assert_eq!(recorded.wrt(x).value(), Tensor::from([4.0, 5.0]));
    let labels: Vec<_> = tape.vars().skip(before).filter_map(Var::op).collect();
    assert!(!labels.iter().any(|op| op.contains("slice")), "{labels:?}");
}
