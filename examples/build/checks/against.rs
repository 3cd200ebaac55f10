//! Stage 8: the reader's engine and `tape` on the same random calculations.

use std::fmt;
use std::ops::{Add, Mul, Sub};

use nn::prelude::UnaryMethods;
use nn::tape;
use rand::RngExt;

use super::matrix::Matrix;
use super::stage_8::distance;
use super::{Verdict, short, stage_1, stage_2, stage_5};
use stage_1::Op;

// ANCHOR: program
/// A calculation: numbers that are given, and ops, each with the places of its operands.
#[derive(Clone, Debug)]
pub struct Numbers {
    pub leaves: Vec<f64>,
    pub steps: Vec<(Op, usize, usize)>,
}

/// Does the calculation with the numbers, or the variables, of any engine.
fn calculate<V>(leaves: Vec<V>, steps: &[(Op, usize, usize)], tanh: fn(V) -> V) -> V
where
    V: Copy + Add<Output = V> + Sub<Output = V> + Mul<Output = V>,
{
    let mut values = leaves;
    for &(op, i, j) in steps {
        let (a, b) = (values[i], values[j]);
        values.push(match op {
            Op::Add => a + b,
            Op::Sub => a - b,
            Op::Mul => a * b,
            Op::Tanh => tanh(a),
        });
    }
    values[values.len() - 1]
}

impl Numbers {
    /// The value and the gradient by the reader's engine.
    pub fn mine(&self) -> (f64, Vec<f64>) {
        let tape = stage_2::Tape::default();
        let leaves: Vec<_> = self.leaves.iter().map(|&x| tape.var(x)).collect();
        let output = calculate(leaves.clone(), &self.steps, stage_2::Var::tanh);
        let gradients = output.backward();
        (output.value(), leaves.iter().map(|&x| gradients.wrt(x)).collect())
    }

    /// The same by `tape`.
    pub fn ours(&self) -> (f64, Vec<f64>) {
        let tape = tape::Tape::<f64>::new();
        let leaves: Vec<_> = self.leaves.iter().map(|&x| tape.var(x)).collect();
        let output = calculate(leaves.clone(), &self.steps, |x| x.tanh());
        let gradients = output.backward();
        // It refuses the gradient of what the output was not computed from; here that is 0.
        let gradient = |x| gradients.try_wrt(x).map_or(0.0, |gradient| gradient.item());
        (output.item(), leaves.into_iter().map(gradient).collect())
    }
    // ANCHOR_END: program

    /// The calculation on a tape of the reader's, and its output.
    pub fn record<'t>(&self, tape: &'t stage_2::Tape) -> stage_2::Var<'t> {
        let leaves: Vec<_> = self.leaves.iter().map(|&x| tape.var(x)).collect();
        calculate(leaves, &self.steps, stage_2::Var::tanh)
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, leaf) in self.leaves.iter().enumerate() {
            write!(f, "v{i} = {}, ", short(*leaf))?;
        }
        for (step, (op, i, j)) in self.steps.iter().enumerate() {
            let comma = if step == 0 { "" } else { ", " };
            write!(f, "{comma}v{} = ", self.leaves.len() + step)?;
            match op {
                Op::Add => write!(f, "v{i} + v{j}")?,
                Op::Sub => write!(f, "v{i} - v{j}")?,
                Op::Mul => write!(f, "v{i} * v{j}")?,
                Op::Tanh => write!(f, "tanh(v{i})")?,
            }
        }
        Ok(())
    }
}

/// A random calculation of three numbers and up to ten ops.
pub fn numbers(seed: u64) -> Numbers {
    let mut rng = nn::rng(seed);
    let leaves: Vec<f64> =
        (0..3).map(|_| f64::from(rng.random_range(-20_i32..=20)) / 10.0).collect();
    let mut values = leaves.clone();
    let mut steps = vec![];
    for _ in 0..rng.random_range(1..=10_usize) {
        let (i, j) = (rng.random_range(0..values.len()), rng.random_range(0..values.len()));
        let mut op = [Op::Add, Op::Sub, Op::Mul, Op::Tanh][rng.random_range(0..4_usize)];
        // What has grown large is bent back, or products of products leave all bounds.
        if op == Op::Mul && (values[i] * values[j]).abs() > 10.0 {
            op = Op::Tanh;
        }
        values.push(calculate(vec![values[i], values[j]], &[(op, 0, 1)], f64::tanh));
        steps.push((op, i, j));
    }
    Numbers { leaves, steps }
}

/// A calculation with matrices; its output is the sum of the elements of the last one.
#[derive(Clone, Debug)]
struct Matrices {
    leaves: Vec<Matrix>,
    steps: Vec<(stage_5::Op, usize, usize)>,
}

impl Matrices {
    fn mine(&self) -> (f64, Vec<Matrix>) {
        use stage_5::Op;
        let tape = stage_5::Tape::default();
        let leaves: Vec<_> = self.leaves.iter().map(|x| tape.var(x.clone())).collect();
        let mut values = leaves.clone();
        for &(op, i, j) in &self.steps {
            let (a, b) = (values[i], values[j]);
            values.push(match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Tanh => a.tanh(),
                Op::MatMul => a.matmul(b),
                Op::Sum => a.sum(),
            });
        }
        let output = values[values.len() - 1].sum();
        let gradients = output.backward();
        let gradient = |&x| gradients.wrt(x).clone();
        (output.value().at(0, 0), leaves.iter().map(gradient).collect())
    }

    fn ours(&self) -> (f64, Vec<Option<Vec<f64>>>) {
        use nn::prelude::*;
        use stage_5::Op;
        let tape = Tape::<f64>::new();
        let leaf =
            |x: &Matrix| tape.var(Tensor::from(x.elements().to_vec()).reshape(&x.shape()[..]));
        let leaves: Vec<_> = self.leaves.iter().map(leaf).collect();
        let mut values = leaves.clone();
        for &(op, i, j) in &self.steps {
            let (a, b) = (values[i], values[j]);
            values.push(match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Tanh => a.tanh(),
                Op::MatMul => a.matmul(b),
                Op::Sum => a.sum(),
            });
        }
        let output = values[values.len() - 1].sum();
        let gradients = output.backward();
        let gradient = |&x| gradients.try_wrt(x).ok().map(|gradient| gradient.to_vec());
        (output.item(), leaves.iter().map(gradient).collect())
    }
}

/// A random calculation with three matrices and up to eight ops, of shapes that fit.
fn matrices(seed: u64) -> Matrices {
    use stage_5::Op;
    let mut rng = nn::rng(seed);
    let leaves: Vec<Matrix> = [[2, 3], [1, 3], [3, 2]]
        .map(|shape| Matrix::from_fn(shape, |_, _| rng.random_range(-1.0..1.0)))
        .into();
    let mut values = leaves.clone();
    let mut steps = vec![];
    let count = rng.random_range(2..=8_usize);
    while steps.len() < count {
        let (i, j) = (rng.random_range(0..values.len()), rng.random_range(0..values.len()));
        let ops = [Op::Add, Op::Sub, Op::Mul, Op::Tanh, Op::MatMul];
        let op = ops[rng.random_range(0..ops.len())];
        let ([r, c], [s, d]) = (values[i].shape(), values[j].shape());
        let broadcasts = (r == s || r == 1 || s == 1) && (c == d || c == 1 || d == 1);
        let fits = match op {
            Op::Tanh => true,
            Op::MatMul => c == s,
            _ => broadcasts,
        };
        if fits {
            values.push(op.value(&[values[i].clone(), values[j].clone()]));
            steps.push((op, i, j));
        }
    }
    Matrices { leaves, steps }
}

/// Stage 8.
pub fn against_tape() -> Verdict {
    judge()?;
    let programs = 500;
    for seed in 0..programs {
        let program = numbers(seed);
        let ((value, gradient), (value_by_tape, gradient_by_tape)) =
            (program.mine(), program.ours());
        let pairs = gradient.iter().zip(&gradient_by_tape);
        for (&a, &b) in pairs.chain([(&value, &value_by_tape)]) {
            if distance(a, b) > 1e-12 {
                return Err(format!(
                    "in the random graph {program}: yours gives {}, tape gives {}.",
                    short(a),
                    short(b)
                ));
            }
        }
        let program = matrices(seed);
        let ((value, gradients), (value_by_tape, gradients_by_tape)) =
            (program.mine(), program.ours());
        let mut pairs = vec![(value, value_by_tape)];
        for (mine, ours) in gradients.iter().zip(gradients_by_tape) {
            let zeros = || vec![0.0; mine.elements().len()];
            pairs.extend(mine.elements().iter().copied().zip(ours.unwrap_or_else(zeros)));
        }
        for (a, b) in pairs {
            if distance(a, b) > 1e-12 {
                return Err(format!(
                    "in the random calculation with matrices {:?}: yours gives {}, tape gives {}.",
                    program.steps,
                    short(a),
                    short(b)
                ));
            }
        }
    }
    Ok(vec![
        "the judge tells right from wrong, and does not let NaN pass".to_owned(),
        format!("{programs} random graphs of numbers agree with tape to 1e-12"),
        format!("{programs} random graphs of matrices agree with tape to 1e-12"),
    ])
}

/// A judge must find what is wrong, and let pass what rounding does.
fn judge() -> Result<(), String> {
    let cases: [(f64, f64, bool, &str); 8] = [
        (3.0, 6.0, false, "The one is half the other."),
        (1.0, -1.0, false, "The signs differ."),
        (0.0, 1e-3, false, "A derivative that should be 0 is not."),
        (1e-3, 0.0, false, "A derivative is lost."),
        (f64::NAN, 1.0, false, "A comparison with NaN is never true, whichever way it is asked."),
        (1.0, f64::NAN, false, "A comparison with NaN is never true, whichever way it is asked."),
        (0.1 + 0.2, 0.3, true, "They differ by rounding only."),
        (1e9, 1e9 + 1e-6, true, "Numbers near 1e9 are 1e-7 apart at the least."),
    ];
    for (a, b, same, why) in cases {
        let apart = distance(a, b);
        if (apart <= 1e-12) != same {
            let should = if same { "at most" } else { "more than" };
            return Err(format!(
                "distance({a:?}, {b:?}) should be {should} 1e-12; yours is {apart:e}. {why}"
            ));
        }
    }
    Ok(())
}
