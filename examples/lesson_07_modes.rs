//! Lesson 7: forward mode, reverse mode and finite differences, with their costs counted.
//!
//! `cargo run --example lesson_07_modes`

mod lessons;

use ops::Tensor;
use tape::prelude::*;

use lessons::{Asked, Outcome, check, difference, say};

/// A function of n numbers, as single numbers: Σ tanh(xᵢ · xᵢ₊₁), around the circle.
fn f<'t>(x: &[Var<'t, f64>]) -> Var<'t, f64> {
    let next = x.iter().cycle().skip(1);
    let terms = x.iter().zip(next).map(|(&a, &b)| (a * b).tanh());
    terms.reduce(|sum, term| sum + term).expect("at least one number")
}

fn inputs(n: usize) -> Vec<f64> {
    (0..n).map(|i| (i as f64 + 1.0).sin()).collect()
}

fn put<'t>(tape: &'t Tape<f64>, numbers: &[f64]) -> Vec<Var<'t, f64>> {
    numbers.iter().map(|&x| tape.var(x)).collect()
}

/// The number of ops that led to a value, counted on the tape.
fn ops_of(tape: &Tape<f64>) -> usize {
    tape.vars().filter(|x| x.op().is_some()).count()
}

/// By central differences: two evaluations for each number.
fn by_differences(numbers: &[f64]) -> (Vec<f64>, usize) {
    let (h, mut ops) = (1e-5, 0);
    let mut evaluate = |i: usize, by: f64| {
        let mut moved = numbers.to_vec();
        moved[i] += by;
        let tape = Tape::new();
        let y = f(&put(&tape, &moved)).item();
        ops += ops_of(&tape);
        y
    };
    let slope = |i| (evaluate(i, h) - evaluate(i, -h)) / (2.0 * h);
    ((0..numbers.len()).map(slope).collect(), ops)
}

/// Forward mode: one pass with a tangent for each number. A pass visits each op once.
fn forward(numbers: &[f64]) -> (Vec<f64>, usize) {
    let tape = Tape::new();
    let x = put(&tape, numbers);
    let y = f(&x);
    let tangent = |&x: &Var<'_, f64>| y.tangent(&[(x, Tensor::scalar(1.0))]).item();
    (x.iter().map(tangent).collect(), ops_of(&tape) * (1 + x.len()))
}

/// Reverse mode: one sweep for all. Its steps are counted as it runs.
fn reverse(numbers: &[f64]) -> (Vec<f64>, usize) {
    let tape = Tape::new();
    let x = put(&tape, numbers);
    let y = f(&x);
    let mut steps = 0;
    let gradients = y.backward_observed(|step| steps += usize::from(step.node.op().is_some()));
    (x.iter().map(|&x| gradients.wrt(x).item()).collect(), ops_of(&tape) + steps)
}

fn main() -> Outcome {
    let asked = Asked::from_command_line()?;
    say(
        "Three ways to the same gradient, of Σ tanh(xᵢ · xᵢ₊₁) with n numbers x. Counted is how often
an op is computed or visited, the forward pass included.",
    );
    println!("       n    differences   forward mode   reverse mode");
    let mut right = true;
    let mut worst = 0.0_f64;
    for n in [1, 10, 100, 300] {
        let numbers = inputs(n);
        let [(differences, a), (tangents, b), (adjoints, c)] =
            [by_differences(&numbers), forward(&numbers), reverse(&numbers)];
        println!("  {n:>6}   {a:>12}   {b:>12}   {c:>12}");
        let ops = 3 * n - 1;
        right &= [a, b, c] == [2 * n * ops, (n + 1) * ops, 2 * ops];
        right &= difference(&tangents, &adjoints) < 1e-14;
        worst = worst.max(difference(&differences, &adjoints));
    }
    println!();
    say(&format!(
        "Reverse mode costs two passes, whatever n: that is why networks learn by it. Forward mode costs a
pass for each number; it is the right one for few inputs and many outputs. Differences cost two
passes for each, and are inexact: here by {worst:.0e} at most. They are for checking the others."
    ));
    let tape = Tape::new();
    let y = f(&put(&tape, &inputs(3))).named("f");
    asked.page(y)?;
    // Central differences of step 1e-5: h²/6 · |f‴| and rounding ε/h · |f|, |f| up to 300.
    check("the three agree, and reverse mode alone does not grow with n", right && worst < 1e-8)
}
