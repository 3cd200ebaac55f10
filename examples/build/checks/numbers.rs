//! Stages 1 and 4: what one op passes back, and the sweep over all of them.

use super::stage_1::Op;
use super::stage_2::Tape;
use super::{Verdict, equal, expect, listed, short};

/// Stage 1.
pub fn rules() -> Verdict {
    let rules: [(Op, &str, &[f64], &str); 4] = [
        (Op::Add, "a + b", &[3.0, -4.0], "Whatever is added to a or to b is added to y."),
        (Op::Sub, "a - b", &[3.0, -4.0], "When b grows by a little, y falls by as much."),
        (Op::Mul, "a * b", &[3.0, -4.0], "When a grows by a little h, y grows by h * b."),
        (Op::Tanh, "tanh(a)", &[1.1], "The slope of y = tanh(a) is 1 - y * y."),
    ];
    let mut holds = vec![];
    for (op, formula, x, why) in rules {
        // An adjoint of 1 shows the slope; another one, whether it is multiplied by it.
        for adjoint in [1.0, -2.5] {
            let right: Vec<f64> = slopes(op, x).iter().map(|slope| adjoint * slope).collect();
            let yours = op.vjp(x, op.value(x), adjoint);
            let same = |(&r, &y): (&f64, &f64)| (r - y).abs() < 1e-6;
            if right.len() != yours.len() || !right.iter().zip(&yours).all(same) {
                return Err(format!(
                    "y = {formula} at {}, where the adjoint {} arrives, should pass back {}; yours \
                     passes back {}. {why}",
                    listed(x),
                    short(adjoint),
                    listed(&right),
                    listed(&yours)
                ));
            }
        }
        let passed = listed(&op.vjp(x, op.value(x), 1.0));
        holds.push(format!("y = {formula} at {} passes back {passed}", listed(x)));
    }
    Ok(holds)
}

/// The derivatives of an op by a small step in each operand: how the check knows what is right.
fn slopes(op: Op, x: &[f64]) -> Vec<f64> {
    let h = 1e-5;
    let at = |which: usize, by: f64| {
        let mut x = x.to_vec();
        x[which] += by;
        op.value(&x)
    };
    let slope = |which| (at(which, h) - at(which, -h)) / (2.0 * h);
    // The true slopes at these points have few digits or are rounded to nine.
    (0..x.len()).map(|which| (slope(which) * 1e9).round() / 1e9).collect()
}

/// Stage 4.
pub fn sweep() -> Verdict {
    let tape = Tape::default();
    let (w, x, b) = (tape.var(0.5), tape.var(2.0), tape.var(0.1));
    let z = w * x + b;
    let y = z.tanh();
    let gradients = y.backward();
    expect("∂y/∂y", 1.0, gradients.wrt(y), "The walk begins with this 1; with 0 all stays 0.")?;
    let slope = 1.0 - y.value() * y.value();
    let chain = "Visit the nodes in their order and pass on what op.vjp returns.";
    expect("∂y/∂z of y = tanh(z) at z = 1.1", slope, gradients.wrt(z), chain)?;
    for (name, var, right) in [("b", b, slope), ("w", w, 2.0 * slope), ("x", x, 0.5 * slope)] {
        let what = format!("∂y/∂{name} of y = tanh(w * x + b) at w = 0.5, x = 2, b = 0.1");
        expect(&what, right, gradients.wrt(var), chain)?;
    }

    let a = tape.var(3.0);
    let square = (a * a).backward().wrt(a);
    let twice = "a is used twice, and both contributions count: add, do not overwrite.";
    expect("∂y/∂a of y = a * a at a = 3", 6.0, square, twice)?;
    let b = a + a;
    let wait = "b must wait for both its uses before it passes anything on.";
    let four = (b + b).backward().wrt(a);
    expect("∂c/∂a of b = a + a, c = b + b", 4.0, four, wait)?;
    let again = (b + b).backward().wrt(a);
    expect("The same, asked for once more,", 4.0, again, "Each sweep begins with zeros.")?;

    let programs = 100;
    for seed in 0..programs {
        steps_agree(seed)?;
    }
    Ok(vec![
        format!(
            "y = tanh(w * x + b): ∂y/∂w = {}, ∂y/∂x = {}, ∂y/∂b = {}",
            short(gradients.wrt(w)),
            short(gradients.wrt(x)),
            short(slope)
        ),
        format!("y = a * a at 3: {}; c = b + b of b = a + a: {}", short(square), short(four)),
        format!("{programs} random graphs agree with small steps of their variables"),
    ])
}

/// Holds a sweep against small steps of each variable, on a random calculation.
fn steps_agree(seed: u64) -> Result<(), String> {
    let program = super::against::numbers(seed);
    let (_, gradients) = program.mine();
    let h = 1e-5;
    for (which, &yours) in gradients.iter().enumerate() {
        let at = |by: f64| {
            let mut moved = program.clone();
            moved.leaves[which] += by;
            moved.mine().0
        };
        let slope = (at(h) - at(-h)) / (2.0 * h);
        // Central differences of this step are good to about eight digits.
        if (slope - yours).abs() > 1e-6 * slope.abs().max(yours.abs()).max(1.0)
            || !equal(yours, yours)
        {
            return Err(format!(
                "in the random graph {program}, the derivative with respect to v{which} should be \
                 {}, by small steps of it; yours is {}.",
                short(slope),
                short(yours)
            ));
        }
    }
    Ok(())
}
