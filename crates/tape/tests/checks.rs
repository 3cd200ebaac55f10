//! The gradient check: no right slope is refused, no wrong one passes, and the op is named.

use ops::{
    Binary, Call, Contributions, Family, Float, Number, Out, Problem, Reading, Rule, Shape, Tensor,
    Unary,
};
use tape::Var;
use tape::check::{Check, CheckError, Mode, Reason, Report};
use tape::prelude::*;

type Function = for<'t> fn(Var<'t, f64>) -> Var<'t, f64>;

/// A function at a point, and whether its derivative can be resolved to eight digits there.
struct Case(&'static str, Function, f64, bool);

const SHARP: bool = true;
/// The function's own rounding leaves fewer digits.
const BLUNT: bool = false;

/// A closure that is a function of variables of any tape.
fn function<F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>>(f: F) -> F {
    f
}

fn huber(x: Var<'_, f64>) -> Var<'_, f64> {
    let size = x.abs();
    let inside = size.less(x.tape().constant(0.7));
    inside.select(x.square() * 0.5, (size - 0.35) * 0.7)
}

/// Points near poles and bounds, far out, of high frequency, and where the second derivative jumps.
fn awkward() -> Vec<Case> {
    vec![
        Case("sin at 100", |x| x.sin(), 100.0, SHARP),
        Case("sin at 1e4", |x| x.sin(), 1e4, SHARP),
        Case("sin at 1e6", |x| x.sin(), 1e6, SHARP),
        Case("cos at 300", |x| x.cos(), 300.0, SHARP),
        Case("cos at 2000", |x| x.cos(), 2000.0, SHARP),
        Case("sin 100x", |x| (x * 100.0).sin(), 0.8, SHARP),
        Case("sin 100x at 30", |x| (x * 100.0).sin(), 30.0, SHARP),
        Case("sin 600x", |x| (x * 600.0).sin(), 0.3, SHARP),
        Case("sin 600x at 50", |x| (x * 600.0).sin(), 50.0, BLUNT),
        Case("sin 1e6x at 1e-6", |x| (x * 1e6).sin(), 1e-6, SHARP),
        Case("sin 1e6x at 0", |x| (x * 1e6).sin(), 0.0, SHARP),
        Case("sin 1e6x at 1", |x| (x * 1e6).sin(), 1.0, BLUNT),
        Case("1e6 sin x", |x| x.sin() * 1e6, 0.4, SHARP),
        Case("1e-6 sin x", |x| x.sin() * 1e-6, 0.4, SHARP),
        Case("1e-6 sin 1e-6x at 1e6", |x| (x * 1e-6).sin() * 1e-6, 1e6, SHARP),
        Case("1e6 sin 1e6x at 1e-6", |x| (x * 1e6).sin() * 1e6, 1e-6, SHARP),
        Case("cos 1e-6x at 1e6", |x| (x * 1e-6).cos(), 1e6, SHARP),
        Case("cos 1e-6x at 1", |x| (x * 1e-6).cos(), 1.0, BLUNT),
        Case("sin 2πx at 1e4", |x| (x * std::f64::consts::TAU).sin(), 1e4, BLUNT),
        Case("exp at 50", |x| x.exp(), 50.0, SHARP),
        Case("exp at -50", |x| x.exp(), -50.0, SHARP),
        Case("exp at 600", |x| x.exp(), 600.0, SHARP),
        Case("exp_m1 at 1e-6", |x| x.exp_m1(), 1e-6, SHARP),
        Case("ln at 1e-3", |x| x.ln(), 1e-3, SHARP),
        Case("ln at 1e-6", |x| x.ln(), 1e-6, SHARP),
        Case("ln at 1e6", |x| x.ln(), 1e6, SHARP),
        Case("ln_1p at 1e-6", |x| x.ln_1p(), 1e-6, SHARP),
        Case("tan at 1.57", |x| x.tan(), 1.57, SHARP),
        Case("tan at 1.5698", |x| x.tan(), 1.5698, SHARP),
        Case("sqrt at 1e-3", |x| x.sqrt(), 1e-3, SHARP),
        Case("sqrt at 1e-6", |x| x.sqrt(), 1e-6, SHARP),
        Case("sqrt at 1e6", |x| x.sqrt(), 1e6, SHARP),
        Case("1/x at 1e-3", |x| x.recip(), 1e-3, SHARP),
        Case("1/x at 1e-6", |x| x.recip(), 1e-6, SHARP),
        Case("1/x at 1e6", |x| x.recip(), 1e6, SHARP),
        Case("x² at 1e6", |x| x.square(), 1e6, SHARP),
        Case("x² at 1e-6", |x| x.square(), 1e-6, SHARP),
        Case("x³ at 1e-2", |x| x.powf(3.0), 1e-2, SHARP),
        Case("x^1.5 at 1e-4", |x| x.powf(1.5), 1e-4, SHARP),
        Case("x^-2 at 1e-3", |x| x.powf(-2.0), 1e-3, SHARP),
        Case("acos at 0.99", |x| x.acos(), 0.99, SHARP),
        Case("asin at 0.999999", |x| x.asin(), 0.999999, SHARP),
        Case("atanh at 0.999", |x| x.atanh(), 0.999, SHARP),
        Case("acosh at 1.001", |x| x.acosh(), 1.001, SHARP),
        Case("asinh at 1e6", |x| x.asinh(), 1e6, SHARP),
        Case("atan at 1e3", |x| x.atan(), 1e3, SHARP),
        Case("sinh at 20", |x| x.sinh(), 20.0, SHARP),
        Case("cosh at -20", |x| x.cosh(), -20.0, SHARP),
        Case("tanh at 4", |x| x.tanh(), 4.0, SHARP),
        Case("tanh at 9", |x| x.tanh(), 9.0, BLUNT),
        Case("sigmoid at -20", |x| x.sigmoid(), -20.0, SHARP),
        Case("sigmoid at 12", |x| x.sigmoid(), 12.0, BLUNT),
        Case("softplus at -20", |x| x.softplus(), -20.0, SHARP),
        Case("softplus at 40", |x| x.softplus(), 40.0, SHARP),
        Case("erf at 3", |x| x.erf(), 3.0, BLUNT),
        Case("gelu at -3", |x| x.gelu(), -3.0, BLUNT),
        Case("silu at -20", |x| x.silu(), -20.0, SHARP),
        Case("e^-x² at 5", |x| (-x.square()).exp(), 5.0, SHARP),
        Case("softsign at 0", |x| x.softsign(), 0.0, SHARP),
        Case("softsign at 0, plus 5", |x| x.softsign() + 5.0, 0.0, SHARP),
        Case("elu at 0", |x| x.elu(1.0), 0.0, SHARP),
        Case("elu at 0, plus 3", |x| x.elu(1.0) + 3.0, 0.0, SHARP),
        Case("celu at 0", |x| x.celu(0.7) + x, 0.0, SHARP),
        Case("relu² + x at 0", |x| x.relu().square() + x, 0.0, SHARP),
        Case("x·|x| + x at 0", |x| x * x.abs() + x, 0.0, SHARP),
        Case("huber at its bound", huber, 0.7, SHARP),
        Case("relu just above 0", |x| x.relu(), 1e-7, SHARP),
        Case("leaky relu just below 0", |x| x.leaky_relu(0.2), -1e-7, SHARP),
        Case("|x| just below 0", |x| x.abs(), -1e-6, SHARP),
        Case("1e6 + sin x", |x| x.sin() + 1e6, 0.3, BLUNT),
        Case("(x + 1e8) − 1e8", |x| (x + 1e8) - 1e8, 0.3, BLUNT),
        Case("hypot at 1e-3", |x| (x.square() + 1e-8).sqrt(), 1e-3, SHARP),
        Case("logsumexp of 1e4", |x| x.logaddexp(x.tape().constant(10001.0)), 1e4, SHARP),
    ]
}

fn at(x: f64) -> [Tensor<f64>; 1] {
    [Tensor::from([x])]
}

#[test]
fn no_right_slope_is_refused() {
    let mut failures = Vec::new();
    for Case(name, f, x, _) in awkward() {
        for check in [Check::new(), Check::new().fast()] {
            match check.run(|v| f(v[0]), &at(x)) {
                Ok(Report { unclear, kinks, .. }) if unclear.is_empty() && kinks.is_empty() => {}
                other => failures.push(format!("{name}: {other:?}")),
            }
        }
        // At second order a jump has no verdict; it must not be called wrong.
        if let Err(error) = Check::new().second_order().run(|v| f(v[0]), &at(x)) {
            failures.push(format!("{name}, second order: {error}"));
        }
    }
    assert!(awkward().len() >= 60 && failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn no_wrong_slope_passes() {
    let mut failures = Vec::new();
    let mut cases = 0;
    for Case(name, f, x, sharp) in awkward() {
        let errors = [2e-7, 0.05, -0.1, -0.5, -1.0, -2.0];
        for error in errors.into_iter().skip(usize::from(!sharp)) {
            // The value of f, with a gradient that is too large by a factor.
            let wrong = function(|v| {
                let y = f(v[0]);
                y + (y - y.detach()) * error
            });
            cases += 1;
            match Check::new().run(wrong, &at(x)) {
                Err(CheckError::Wrong { failed: 1, compared: 1, .. }) => {}
                other => failures.push(format!("{name} off by {error}: {other:?}")),
            }
        }
    }
    assert!(
        cases >= 400 && failures.is_empty(),
        "{} of {cases}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Elementwise rules whose slope is not that of their value.
macro_rules! wrong {
    ($($rule:ident $name:literal |$x:ident, $y:ident| $value:expr, $slope:expr;)*) => {
        $(
            #[derive(Clone, Copy, Debug)]
            struct $rule;
            impl Unary for $rule {
                const NAME: &'static str = $name;
                fn value<R: Number>(self, $x: R) -> R {
                    $value
                }
                #[allow(unused_variables)]
                fn slope<R: Number>(self, $x: R, $y: R) -> R {
                    $slope
                }
            }
        )*
    };
}

wrong! {
    HalfSine "half_sine" |x, y| x.sin(), R::lit(0.5) * x.cos();
    NearSine "near_sine" |x, y| x.sin(), R::lit(0.9) * x.cos();
    FastSine "fast_sine" |x, y| (R::lit(600.0) * x).sin(), R::lit(630.0) * (R::lit(600.0) * x).cos();
    SignTanh "sign_tanh" |x, y| x.tanh(), R::lit(1.0) + y * y;
    OffTanh "off_tanh" |x, y| x.tanh(), (R::lit(1.0) - y * y) * R::lit(1.0 + 1e-7);
    NoExp "no_exp" |x, y| x.exp(), R::lit(0.0) * x;
    OldRecip "old_recip" |x, y| x.recip(), y * y;
    LogTwo "log_two" |x, y| x.ln(), (R::lit(2.0) * x).recip();
    RootOff "root_off" |x, y| x.sqrt(), R::lit(0.4999) / y;
    SharpSquare "sharp_square" |x, y| x * x, x + x + x * R::lit(1e-6);
    FarSquare "far_square" |x, y| x * x, R::lit(2.0) * x + (x - R::lit(3.0)).maximum(R::lit(0.0));
    FromZero "from_zero" |x, y| x * x * R::lit(-0.5), R::lit(0.0) - x;
    TimesMinusOne "times_minus_one" |x, y| x * x * R::lit(-0.5), R::lit(-1.0) * x;
    Vertical "vertical" |x, y| x * x, (R::lit(0.0) * x).recip();
    Softsigned "softsigned" |x, y| x / (R::lit(1.0) + x.abs()), (R::lit(1.0) + x.abs()).recip();
}

fn named<U: Unary>(rule: U, x: f64) {
    let line = line!() + 1;
    let run = function(|v| (v[0] * 1.0).unary(rule).sin() + v[0].tanh());
    for x in [Tensor::from([x]), Tensor::from([[x, 0.3], [0.4, x]])] {
        let error = Check::new().run(run, &[x]).unwrap_err();
        let CheckError::Wrong { fault: Some(fault), worst, .. } = &error else {
            panic!("{}: {error}", U::NAME)
        };
        assert_eq!((fault.op, fault.operand, fault.order), (U::NAME, 0, 1), "{error}");
        assert_eq!((fault.location.line(), fault.mode), (line, Mode::Reverse), "{error}");
        assert_eq!(worst.order, 1);
        let text = error.to_string();
        assert!(text.contains("the op at fault") && text.contains("checks.rs"), "{text}");
    }
}

#[test]
fn wrong_rules_are_named_wherever_they_are() {
    named(HalfSine, 2.0);
    named(NearSine, 3.0);
    named(FastSine, 0.003);
    named(SignTanh, 0.5);
    named(OffTanh, 0.4);
    named(NoExp, -0.5);
    named(OldRecip, 1.3);
    named(LogTwo, 0.7);
    named(RootOff, 0.6);
    named(SharpSquare, 0.5);
    named(FarSquare, 3.2);
    named(Softsigned, 0.8);
    let wrong = |rule: &dyn for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>, x: f64| {
        let error = Check::new().run(|v| rule(v[0]), &at(x)).unwrap_err();
        assert!(matches!(error, CheckError::Wrong { fault: Some(_), .. }), "{error}");
    };
    for x in [2000.0, 300.0, 1e5] {
        wrong(&|x| x.unary(HalfSine), x);
        wrong(&|x| x.unary(NearSine), x);
        wrong(&|x| x.unary(FastSine), x);
    }
    for x in [1e-3, 1e-6, 1e3, 1e6] {
        wrong(&|x| x.unary(OldRecip), x);
        wrong(&|x| x.unary(LogTwo), x);
        wrong(&|x| x.unary(RootOff), x);
        wrong(&|x| x.unary(SharpSquare), x);
    }
    for x in [-1e6, -3.0, 1e-3, 1e3] {
        wrong(&|x| x.unary(Softsigned), x);
    }
}

/// A 0 that is subtracted from and a factor of −1 become a sign in recorded gradients.
#[test]
fn slopes_that_are_a_sign_are_right_at_both_orders() {
    let x = [Tensor::from([0.4, -1.3])];
    Check::new().second_order().run(|v| v[0].unary(FromZero), &x).unwrap();
    Check::new().second_order().run(|v| v[0].unary(TimesMinusOne), &x).unwrap();
}

#[test]
fn an_infinite_slope_of_a_smooth_function_is_wrong() {
    let result = Check::new().run(|v| v[0].unary(Vertical), &at(1.5));
    assert!(result.is_err(), "{result:?}");
}

/// The element at fault is found also where an operand is first looked at in parts of several.
#[test]
fn the_one_wrong_element_of_many_is_named() {
    let mut numbers: Vec<f64> = (0..200).map(|i| f64::from(i % 7) * 0.3).collect();
    numbers[150] = 4.0; // The slope is wrong above 3 only.
    let x = Tensor::from_shape_vec(&[200], numbers).unwrap();
    let error = Check::new().run(|v| v[0].unary(FarSquare).sin(), &[x]).unwrap_err();
    let CheckError::Wrong { fault: Some(fault), worst, .. } = &error else { panic!("{error}") };
    assert_eq!(
        (fault.op, &fault.element[..], fault.at),
        ("far_square", &[150][..], 4.0),
        "{error}"
    );
    assert_eq!(worst.element.as_deref(), Some(&[150][..]));
}

#[test]
fn a_value_that_is_infinite_around_the_point_is_told() {
    let error = Check::new().run(|v| v[0] * 1e300 * 1e300, &at(0.0)).unwrap_err();
    assert!(error.to_string().contains("inf"), "{error}");
}

#[test]
fn a_relatively_small_error_is_found_among_many_numbers() {
    #[derive(Clone, Copy, Debug)]
    struct Product;
    impl Binary for Product {
        const NAME: &'static str = "product";
        fn value<R: Number>(self, a: R, b: R) -> R {
            a * b
        }
        fn slope_a<R: Number>(self, _a: R, b: R, _y: R) -> R {
            b
        }
        fn slope_b<R: Number>(self, a: R, _b: R, _y: R) -> R {
            a * R::lit(1.0 - 1e-7)
        }
    }
    let (a, b) = (ops::declare::sample(&[8, 5], 1), ops::declare::sample(&[5], 2));
    let line = line!() + 1;
    let f = function(|v| v[0].sin().sum() + v[0].binary(Product, v[1]).sum());
    let error = Check::new().run(f, &[a, b]).unwrap_err();
    let CheckError::Wrong { fault: Some(fault), worst, .. } = &error else { panic!("{error}") };
    assert_eq!((fault.op, fault.operand, fault.location.line()), ("product", 1, line), "{error}");
    assert_eq!(worst.input, 1);
    assert!((0.5e-7..2e-7).contains(&worst.error), "{error}");
    assert!(error.to_string().contains("where the element is"), "{error}");
}

#[test]
fn kinks_are_where_both_sides_converge_to_different_slopes() {
    let kinks = |report: Report| (report.kinks.len(), report.unclear.len());
    let relu = function(|v| v[0].relu() + 5.0);
    assert_eq!(kinks(Check::new().run(relu, &[Tensor::from([0.0, 0.5])]).unwrap()), (1, 0));
    // Near one, there is none.
    for x in [1e-3, 1e-6, 1e-9, -1e-9] {
        let report = Check::new().run(|v| v[0].relu(), &at(x)).unwrap();
        assert_eq!(kinks(report), (0, 0), "{x}");
    }
    // Where the gradient jumps, the second order has no derivative, and nobody is blamed.
    let second = Check::new().second_order();
    let size = second.run(|v| v[0].abs() + v[0], &[Tensor::from([0.0, 1.0])]).unwrap();
    assert!(size.unclear.iter().all(|u| u.reason == Reason::Jump && u.comparison.order == 2));
    assert_eq!(size.unclear.len(), 1, "{size}");
    assert!(size.to_string().contains("cannot tell, not counted: second-order"), "{size}");
    // Of four derivatives one cannot be told.
    assert_eq!((size.compared, size.kinks.len()), (4, 0));
    assert!(size.to_string().starts_with("3 derivatives agree"), "{size}");
    let ties = Tensor::from([2.0, 5.0, 5.0]);
    second.run(|v| v[0].max().square(), &[ties]).unwrap();
    second.run(|v| v[0].maximum(v[1]), &[Tensor::from([0.4]), Tensor::from([0.4])]).unwrap();
}

#[test]
fn what_cannot_be_told_is_said_with_the_reason() {
    let reason = |f: Function, x: f64| match Check::new().run(|v| f(v[0]), &at(x)) {
        Err(CheckError::CannotTell { compared: 1, first }) => first.reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(|x| x.sign() + x.step(), 0.0), Reason::Jump);
    // What x adds is rounded away: that the differences are 0 exactly proves nothing wrong.
    Check::new().run(|v| (v[0] + 1e20) - 1e20, &at(0.3)).unwrap();
    assert_eq!(reason(|x| x.sign() * x.abs().sqrt().detach() + x, 0.0), Reason::Steep);
    // Doubles near 10⁸ are 1.5·10⁻⁸ apart, and the sine moves by 3·10⁻⁵: three digits are left of it.
    assert_eq!(reason(|x| (x.sin() * 3e-5 + 1e8) - 1e8, 0.7), Reason::Rounding);
    let error = Check::new().run(|v| v[0].step(), &at(0.0)).unwrap_err().to_string();
    assert!(error.contains("cannot tell") && error.contains("the function jumps there"), "{error}");
}

#[test]
fn hundreds_of_kinks_at_once_are_not_taken_for_a_wrong_gradient() {
    // At 0 the slopes of relu are 0 and 1; along a direction they add up on either side.
    let inputs = [Tensor::zeros(&[250]), Tensor::from([0.3])];
    // Steps down to 2⁻⁴⁰ would tell no more of what is a line to either side.
    let check = Check::new().fast().steps(2.0_f64.powi(-6), 2.0_f64.powi(-16));
    let report = check.run(|v| v[0].relu() + v[0].sin() + v[1].sin(), &inputs);
    let report = report.unwrap();
    assert!(report.unclear.iter().all(|unclear| unclear.reason == Reason::Kinks), "{report}");
    assert!(report.kinks.len() + report.unclear.len() > 100, "{report}");
    // After 200 looks what is left is said of parts: at most one for each halving of 250.
    assert!(report.unclear.iter().any(|unclear| unclear.comparison.element.is_none()), "{report}");
    assert!(report.compared <= 200 + 10 + 1, "{report}");
}

/// A large number that is the same at every step adds no rounding to what moves.
#[test]
fn what_stands_still_hides_nothing() {
    let f = function(|v| {
        // Powers of 2 times y are exact, so that their difference is 0 wherever y is.
        let (step, leap) = (2.0_f64.powi(20), 2.0_f64.powi(40));
        (v[0] * 100.0).sin() + (v[1] * step * step - v[1] * leap)
    });
    let report = Check::new().run(f, &[Tensor::from([0.8]), Tensor::from([1.0])]).unwrap();
    assert!(report.unclear.iter().all(|unclear| unclear.comparison.input != 0), "{report}");
}

/// The largest step along a direction is so many times the direction, as it is so many times 1
/// along an element below 1.
#[test]
fn steps_along_a_direction_are_no_larger_than_was_set() {
    use std::cell::Cell;
    let x = Tensor::from([0.3, -0.7, 0.5]);
    let farthest = Cell::new(0.0_f64);
    let f = function(|v| {
        let away = v[0].value().sub(&x).abs().max().item();
        farthest.set(farthest.get().max(away));
        v[0].sum()
    });
    Check::new().fast().steps(0.5, 0.25).run(f, std::slice::from_ref(&x)).unwrap();
    let direction = ops::declare::sample(&[3], 5).abs().max().item();
    assert!((0.25..=0.5).contains(&(farthest.get() / direction)), "{farthest:?}, {direction}");
}

#[test]
fn one_element_near_a_kink_does_not_fool_the_fast_check() {
    // More elements than parts are looked at: 200 of a direction, and 64 of an op's operand.
    let mut numbers = ops::declare::sample(&[3, 100], 3).to_vec();
    for near in [1e-5, 1e-9, 0.0] {
        numbers[234] = near;
        let x = Tensor::from_shape_vec(&[3, 100], numbers.clone()).unwrap();
        let f = function(|v| (v[0].relu() * v[0].cos()).square() + v[0].relu());
        let report = Check::new().fast().run(f, std::slice::from_ref(&x)).unwrap();
        assert_eq!(report.kinks.len(), usize::from(near == 0.0), "{near}: {report}");
        // What is wrong is still found, and the element with it.
        let mask = x.equal(Tensor::scalar(numbers[77]));
        let wrong = function(|v| {
            let y = v[0].relu();
            y + (v[0].square() * 1e-2).detach() * y.tape().constant(&mask)
        });
        let error = Check::new().fast().run(wrong, &[x]).unwrap_err();
        let CheckError::Wrong { worst, .. } = &error else { panic!("{error}") };
        assert_eq!(worst.element.as_deref(), Some(&[0, 77][..]), "{error}");
    }
    // A tie of a pool, to within rounding.
    let mut numbers = ops::declare::sample(&[1, 1, 16, 16], 5).to_vec();
    numbers[0] = 3.0;
    numbers[1] = 3.0 + 1e-9;
    let x = Tensor::from_shape_vec(&[1, 1, 16, 16], numbers).unwrap();
    Check::new()
        .fast()
        .run(|v| v[0].max_pool(&[ops::rules::Slide::new(2).stride(2); 2], false).sin(), &[x])
        .unwrap();
}

/// A sum of two operands, whose modes are wrong where the second is broadcast.
#[derive(Clone, Debug)]
struct Plus {
    wrong: Mode,
}

impl Rule for Plus {
    fn name(&self) -> &'static str {
        "plus"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        // Forward mode of a linear rule is the rule: what it gives tangents, which are small, is
        // wrong.
        let sum = operands[0].add(operands[1]);
        let broadcast = operands[0].shape() != operands[1].shape();
        let tangent =
            self.wrong == Mode::Forward && operands[0].to_vec().iter().all(|&x| x == A::zero());
        out.set(if broadcast && tangent { sum.scale(1.001) } else { sum })
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let broadcast = call.operands[0].shape() != call.operands[1].shape();
        let factor = if broadcast && self.wrong == Mode::Reverse { 0.5 } else { 1.0 };
        call.contributions([&|| cotangent.clone(), &|| cotangent.scale(factor)])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
}

#[test]
fn an_op_that_is_wrong_under_broadcasting_only_is_named_with_the_mode_that_is_right() {
    let (a, b) = (ops::declare::sample(&[2, 3], 1), ops::declare::sample(&[3], 2));
    for wrong in [Mode::Reverse, Mode::Forward] {
        let line = line!() + 1;
        let f = function(|v| Var::apply(Plus { wrong }, &[&v[0], &v[1]]).sin());
        assert!(Check::new().run(f, &[a.clone(), a.clone()]).is_ok());
        let error = Check::new().run(f, &[a.clone(), b.clone()]).unwrap_err();
        let fault = match &error {
            CheckError::Wrong { fault: Some(fault), .. } if wrong == Mode::Reverse => fault,
            CheckError::Modes { fault: Some(fault), numeric: Some(_), input: 1, .. }
                if wrong == Mode::Forward =>
            {
                fault
            }
            other => panic!("{other}"),
        };
        assert_eq!((fault.op, fault.operand, fault.location.line()), ("plus", 1, line), "{error}");
        assert_eq!((fault.mode, fault.other_is_right), (wrong, Some(true)), "{error}");
        let right = if wrong == Mode::Reverse { "forward mode" } else { "reverse mode" };
        assert!(error.to_string().contains(&format!("its {right} is right")), "{error}");
    }
}

/// sin, whose gradient has the right numbers but forgets what they depend on.
#[derive(Clone, Debug)]
struct Forgetful {
    cotangent: bool,
}

impl Rule for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        out.set(operands[0].sin())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let slope = call.operands[0].cos();
        call.contributions([&|| {
            if self.cotangent {
                cotangent.stop_gradient().mul(&slope)
            } else {
                cotangent.mul(slope.stop_gradient())
            }
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Composed
    }
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        Some(operands[0].sin())
    }
}

#[test]
fn an_op_that_is_wrong_at_second_order_only_is_named() {
    for (cotangent, text) in [(false, "its operand 0"), (true, "its cotangent")] {
        let line = line!() + 1;
        let f = function(|v| Var::apply(Forgetful { cotangent }, &[&v[0]]).square());
        let x = [Tensor::from([0.4, -1.3])];
        Check::new().run(f, &x).unwrap();
        let error = Check::new().second_order().run(f, &x).unwrap_err();
        let CheckError::Wrong { worst, fault: Some(fault), .. } = &error else { panic!("{error}") };
        assert_eq!((worst.order, fault.order, fault.op), (2, 2, "forgetful"), "{error}");
        assert_eq!(fault.location.line(), line);
        let message = error.to_string();
        assert!(
            message.contains(text) && message.contains("the gradient of its gradient"),
            "{message}"
        );
    }
}

#[test]
fn random_points_find_a_slope_that_is_wrong_far_away_only() {
    let f = function(|v| v[0].unary(FarSquare));
    let x = [Tensor::from([0.5, -1.0])];
    let check = Check::new();
    check.run(f, &x).unwrap();
    let error = check.clone().random_points(10, -5.0..5.0).run(f, &x).unwrap_err();
    let CheckError::Wrong { worst, fault: Some(fault), .. } = &error else { panic!("{error}") };
    assert!(worst.point.is_some() && worst.at.unwrap() > 3.0 && fault.at > 3.0, "{error}");
    assert!(error.to_string().contains("at random point"), "{error}");
    let report = check.random_points(10, -5.0..3.0).run(f, &x).unwrap();
    assert_eq!(report.compared, 22);
}

#[test]
fn the_steps_can_be_set() {
    // A function that is known to six digits only.
    let rough = function(|v| {
        let y = v[0].sin();
        y + ((y * 1e6).round() * 1e-6 - y).detach()
    });
    let x = at(0.4);
    let loose = Check::new().tolerance(1e-3, 0.0);
    assert!(loose.clone().steps(0.1, 0.02).run(rough, &x).is_ok());
    let tight = loose.steps(1e-7, 1e-9).run(rough, &x);
    assert!(!matches!(tight, Ok(report) if report.unclear.is_empty()));
}

/// What is asked of a check is something that it can end with.
#[test]
fn what_no_step_can_reach_is_refused() {
    let half = function(|v| v[0] * 0.5);
    let error = Check::new().run(half, &at(f64::INFINITY)).unwrap_err();
    assert!(error.to_string().contains("inf"), "{error}");
    let refusal = |ask: fn() -> Check| {
        *std::panic::catch_unwind(ask).unwrap_err().downcast::<String>().unwrap()
    };
    for (ask, start) in [
        ((|| Check::new().steps(0.0, 0.0)) as fn() -> Check, "the steps of a check go from 0 to 0"),
        (|| Check::new().steps(0.01, 0.1), "the steps of a check go from 0.01 to 0.1"),
        (|| Check::new().steps(f64::NAN, 0.1), "the steps of a check go from NaN to 0.1"),
        (|| Check::new().tolerance(f64::NAN, 0.0), "the tolerances of a check are NaN and 0"),
        (|| Check::new().tolerance(0.1, -1.0), "the tolerances of a check are 0.1 and -1"),
        (
            || Check::new().random_points(3, 0.0..f64::INFINITY),
            "the elements of random points are drawn from 0 to inf",
        ),
        (
            || Check::new().random_points(3, 5.0..1.0),
            "the elements of random points are drawn from 5 to 1",
        ),
    ] {
        let text = refusal(ask);
        assert!(text.starts_with(start), "{text}");
    }
}
