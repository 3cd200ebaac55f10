//! Stage 7: training, on exclusive or and on two moons.

use nn::data::{Targets, two_moons};
use nn::prelude::Tensor;
use rand::RngExt;

use super::stage_5::{Matrix, Tape};
use super::stage_6::{network, parameters};
use super::stage_7::step;
use super::{Verdict, expect, short};

/// Stage 7.
pub fn training() -> Verdict {
    let weight = one_step()?;
    let (xor, moons) = (exclusive_or()?, two_moons_apart()?);
    let mut holds = vec![format!("one step: the weight goes from 0.5 to {}", short(weight))];
    holds.extend(xor);
    holds.extend(moons);
    Ok(holds)
}

/// A network of one weight and one bias, y = tanh(wx + b), whose step is known: the weight after it.
fn one_step() -> Result<f64, String> {
    let (w, b, x, t, rate) = (0.5, 0.1, 2.0, 1.0, 0.9);
    let mut both = vec![Matrix::from(w), Matrix::from(b)];
    let loss = step(&mut both, &Matrix::from(x), &Matrix::from(t), rate);
    let y = f64::tanh(w * x + b);
    let z_adjoint = 2.0 * (y - t) * (1.0 - y * y);
    let setting = "For y = tanh(wx + b) at w = 0.5, b = 0.1, x = 2 and the target 1";
    let mean = "It is the mean of (y - target)² over the rows.";
    expect(&format!("{setting}, the loss"), (y - t).powi(2), loss, mean)?;
    let against = "A step moves each parameter by -rate times its gradient.";
    let weight = both[0].at(0, 0);
    let what = format!("{setting}, the weight after one step of rate 0.9");
    let right = w - rate * z_adjoint * x;
    if (weight - w) * (right - w) < 0.0 {
        return Err(format!(
            "{what} should be {}; yours is {}, which is uphill.",
            short(right),
            short(weight)
        ));
    }
    expect(&what, right, weight, against)?;
    let what = format!("{setting}, the bias after one step of rate 0.9");
    expect(&what, b - rate * z_adjoint, both[1].at(0, 0), against)?;
    Ok(weight)
}

/// What a network answers.
pub fn answers(parameters: &[Matrix], x: &Matrix) -> Matrix {
    let tape = Tape::default();
    let on_tape: Vec<_> = parameters.iter().map(|matrix| tape.var(matrix.clone())).collect();
    network(tape.var(x.clone()), &on_tape).value()
}

/// Trains, and says how the loss went.
fn train(
    parameters: &mut [Matrix],
    (x, target): (&Matrix, &Matrix),
    rate: f64,
    steps: usize,
) -> String {
    let first = step(parameters, x, target, rate);
    for _ in 2..steps {
        step(parameters, x, target, rate);
    }
    let last = step(parameters, x, target, rate);
    format!("the loss went from {first:.4} to {last:.4} in {steps} steps")
}

/// Parameters drawn from a seed.
pub fn drawn(sizes: &[usize], seed: u64) -> Vec<Matrix> {
    let mut rng = nn::rng(seed);
    parameters(sizes, || rng.random_range(-1.0..1.0))
}

fn exclusive_or() -> Verdict {
    let x = Matrix::from([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]);
    let target = Matrix::from([[-1.0], [1.0], [1.0], [-1.0]]);
    let mut parameters = drawn(&[2, 4, 1], 1);
    let story = train(&mut parameters, (&x, &target), 0.2, 500);
    let answers = answers(&parameters, &x);
    for row in 0..4 {
        let (yours, right) = (answers.at(row, 0), target.at(row, 0));
        if yours * right <= 0.5 {
            return Err(format!(
                "Exclusive or of {} and {}: the answer should be near {}; yours is {}; {story}.",
                short(x.at(row, 0)),
                short(x.at(row, 1)),
                short(right),
                short(yours)
            ));
        }
    }
    let four: Vec<String> = answers.elements().iter().map(|y| format!("{y:.2}")).collect();
    Ok(vec![format!("exclusive or: {story}"), format!("its four answers: {}", four.join(", "))])
}

/// The points of two moons, and −1 or 1 for each.
pub fn moons(count: usize) -> (Matrix, Matrix) {
    let data = two_moons::<f64>(count, 0.1, 1).expect("a number of points that is in range");
    let Targets::Labels(labels) = data.targets() else { unreachable!("moons have labels") };
    let points: Vec<f64> = Tensor::to_vec(data.inputs());
    (
        Matrix::from_fn([count, 2], |row, column| points[2 * row + column]),
        Matrix::from_fn([count, 1], |row, _| if labels[row] == 1 { 1.0 } else { -1.0 }),
    )
}

fn two_moons_apart() -> Verdict {
    let (x, target) = moons(100);
    let mut parameters = drawn(&[2, 8, 8, 1], 1);
    let story = train(&mut parameters, (&x, &target), 0.3, 1000);
    let answers = answers(&parameters, &x);
    let pairs = answers.elements().iter().zip(target.elements());
    let right = pairs.filter(|(y, t)| **y * **t > 0.0).count();
    if right < 97 {
        return Err(format!(
            "Of the 100 points of two moons, 97 or more should be on the right side; with yours \
             it is {right}; {story}."
        ));
    }
    Ok(vec![format!("two moons: {story}"), format!("points on the right side: {right} of 100")])
}
