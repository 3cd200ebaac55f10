//! Slopes that a program computes as one step each: which formulas these are, how a plan shows them,
//! and when a formula stays as it was recorded.

use ops::Tensor;
use ops::rules::{Lift, Where};
use tape::prelude::*;
use tape::{PlannedStep, PlannedValue, Program};

const X: [f64; 3] = [0.5, -1.0, 2.0];
const WEIGHTS: [f64; 3] = [2.0, 3.0, -0.5];

/// x, and the gradient of Σ wᵢ tanh(xᵢ): v (1 − y²) with v = 1 · w and y = tanh x.
fn gradient(tape: &Tape<f64>) -> (Var<'_, f64>, Var<'_, f64>) {
    let x = tape.var(X).named("x");
    let y = x.tanh().named("y");
    let sum = (y * tape.constant(WEIGHTS)).sum();
    (x, sum.backward_recorded().wrt(x))
}

/// The runs of scalar ops, as the name of the op and their number.
fn runs(program: &Program<f64>) -> Vec<(&'static str, usize)> {
    let steps = program.plan().steps().iter();
    let runs = steps.filter_map(|step| match step {
        PlannedStep::Scalars(runs) => Some(runs),
        _ => None,
    });
    runs.flatten().map(|(op, positions)| (*op, positions.len())).collect()
}

/// The values that share a pass with others.
fn fused(program: &Program<f64>) -> Vec<&PlannedValue> {
    let steps = program.plan().steps().iter();
    let values = steps.filter_map(|step| match step {
        PlannedStep::Fused(values) => Some(values),
        _ => None,
    });
    values.flatten().collect()
}

fn assert_near(given: &Tensor<f64>, expected: &[f64]) {
    assert_eq!(given.len(), expected.len());
    for (given, expected) in given.to_vec().iter().zip(expected) {
        assert!((given - expected).abs() <= 1e-14 * expected.abs(), "{given} for {expected}");
    }
}

#[test]
fn slopes_of_scalars_are_in_runs_of_equal_rules() {
    let tape = Tape::new();
    let x: Vec<_> = (1..=50).map(|i| tape.var(0.025 * f64::from(i))).collect();
    // Fifty of a rule without a setting, forty with one, thirty with another, of a rule with one.
    let tanh = x.iter().map(|x| x.tanh());
    let powers = x[..40].iter().map(|x| x.powf(0.25)).chain(x[..30].iter().map(|x| x.powf(-0.5)));
    let loss = tanh.chain(powers).reduce(|a, b| a + b).unwrap();
    let gradients = loss.backward_recorded();
    let asked: Vec<_> = x.iter().map(|&x| gradients.wrt(x)).collect();
    let mut program = tape.compile(&asked);
    let mut slopes: Vec<_> = runs(&program)
        .into_iter()
        .filter(|(op, _)| *op == "slope")
        .map(|(_, count)| count)
        .collect();
    slopes.sort_unstable();
    assert_eq!(slopes, [30, 40, 50], "{}", program.plan());

    let new: Vec<_> = (1..=50).map(|i| Tensor::scalar(0.01 * f64::from(i))).collect();
    let leaves: Vec<_> = x.iter().map(|x| x.position()).zip(&new).collect();
    program.run_with(&leaves).unwrap();
    for (number, x) in new.iter().map(Tensor::item).enumerate() {
        // 1/cosh² x, and b xᵇ⁻¹.
        let slopes = [x.cosh().powi(-2), 0.25 * x.powf(-0.75), -0.5 * x.powf(-1.5)];
        let parts = 1 + usize::from(number < 40) + usize::from(number < 30);
        assert_near(program.value(number), &[slopes[..parts].iter().sum()]);
    }
}

#[test]
fn a_plan_writes_out_what_a_slope_is_made_of() {
    let tape = Tape::new();
    let (_, gradient) = gradient(&tape);
    let v = gradient.operands()[0];
    let program = tape.compile(&[gradient]);
    let values = fused(&program);
    let last = values.last().unwrap();
    assert_eq!(last.position, gradient.position());
    assert_eq!(last.formula, format!("#{} · (1 - y²)", v.position()));
}

/// The choice of v or 0 is one op and a constant, which as one step would be one op.
#[test]
fn one_op_is_left_as_it_was_recorded() {
    let tape = Tape::new();
    let [x, other, weight] = [2.0, 3.0, 5.0].map(|x| tape.var(x));
    let y = Var::apply(Lift::<_, 3>(Where), &[&tape.constant(1.0), &x, &other]);
    let gradients = (y * weight).backward_recorded();
    let asked = [gradients.wrt(x), gradients.wrt(other)];
    let program = tape.compile(&asked);
    let runs = runs(&program);
    let count =
        |name: &str| runs.iter().filter(|(op, _)| *op == name).map(|(_, n)| n).sum::<usize>();
    assert_eq!((count("where"), count("slope")), (2, 0), "{}", program.plan());
    assert_eq!(asked.map(Var::item), [5.0, 0.0]);
}

#[test]
fn a_part_of_a_formula_that_is_asked_for_is_computed() {
    let tape = Tape::new();
    let (x, gradient) = gradient(&tape);
    let slope = gradient.operands()[1];
    let square = slope.operands()[0];
    assert_eq!([slope, square].map(Var::op), [Some("sub"), Some("square")]);
    let new = [1.5, 0.25, -0.75];
    let y = new.map(f64::tanh);
    for (part, expected) in [(slope, y.map(|y| 1.0 - y * y)), (square, y.map(|y| y * y))] {
        let mut program = tape.compile(&[gradient, part]);
        program.run_with(&[(x.position(), &Tensor::from(new))]).unwrap();
        assert_near(program.value(1), &expected);
        let expected: Vec<_> = WEIGHTS.iter().zip(y).map(|(w, y)| w * (1.0 - y * y)).collect();
        assert_near(program.value(0), &expected);
    }
}

/// A program with a composed op is that of a recording of its parts, in which slopes stay what they
/// are.
#[test]
fn a_composed_op_beside_a_slope_leaves_it_one_step() {
    let tape = Tape::new();
    let (x, gradient) = gradient(&tape);
    let softmax = tape.var(X).softmax(0);
    let [alone, beside, both] = [&[gradient][..], &[softmax], &[gradient, softmax]]
        .map(|asked| fused(&tape.compile(asked)).len());
    assert_eq!(both, alone + beside);

    let mut program = tape.compile(&[gradient, softmax]);
    let new = [1.5, 0.25, -0.75];
    program.run_with(&[(x.position(), &Tensor::from(new))]).unwrap();
    let expected: Vec<_> = WEIGHTS.iter().zip(new).map(|(w, x)| w * x.cosh().powi(-2)).collect();
    assert_near(program.value(0), &expected);
}

/// After a reset, the ops of the slope of tanh are recorded again at the same places, with 2 for 1:
/// v (2 − y²) is not v (1 − y²).
#[test]
fn a_tape_that_was_reset_forgets_its_slopes() {
    fn ops(tape: &Tape<f64>) -> Vec<Option<&'static str>> {
        tape.to_petgraph().node_weights().copied().collect()
    }
    let mut tape = Tape::new();
    let (_, slope) = gradient(&tape);
    tape.compile(&[slope]).run().unwrap();
    let before = ops(&tape);
    tape.reset();

    let x = tape.var(X);
    let (y, weights) = (x.tanh(), tape.constant(WEIGHTS));
    let _ = (y * weights).sum();
    let v = tape.constant(1.0).broadcast_to(&[3]) * weights;
    let product = v * (2.0 - y.square());
    assert_eq!(ops(&tape), before, "the test needs the same ops at the same places");
    let mut program = tape.compile(&[product]);
    program.run().unwrap();
    let expected: Vec<_> =
        WEIGHTS.iter().zip(X).map(|(w, x)| w * (2.0 - x.tanh() * x.tanh())).collect();
    assert_near(program.value(0), &expected);
}
