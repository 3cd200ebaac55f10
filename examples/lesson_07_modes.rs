//! Lesson 7: forward mode, reverse mode and finite differences, with their costs counted.
//!
//! `cargo run --example lesson_07_modes`

#[path = "lessons/en/lesson_07.rs"]
mod en;
#[path = "lessons/mod.rs"]
mod lessons;

use std::process::ExitCode;

use ops::Tensor;
use tape::prelude::*;

use lessons::{Asked, Outcome, difference, say};

tape::catalogue! {
    /// What the lesson says, in its order; `lessons/en/lesson_07.rs` has the text.
    pub struct Words {
        three_ways_to_a_gradient();
        head_of_three_ways();
        two_passes_whatever_n(worst);
        head_of_two_modes();
        the_three_agree();
    }
}
text! { "en": en::WORDS }

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

/// One number in, n out: tanh(k · h) for k from 1 to n, where h is ten ops away from x.
fn many(x: Var<'_, f64>, n: usize) -> Vec<Var<'_, f64>> {
    let h = (0..10).fold(x, |h, _| h.sin());
    (1..=n).map(|k| (h * k as f64).tanh()).collect()
}

/// The derivatives of many outputs by forward mode: one pass for all of them, stacked.
fn many_forward(n: usize) -> (Vec<f64>, usize) {
    let tape = Tape::new();
    let x = tape.var(0.1);
    let outputs = many(x, n);
    let ops = ops_of(&tape);
    let all = outputs[0].stack(&outputs[1..], 0);
    (all.tangent(&[(x, Tensor::scalar(1.0))]).to_vec(), 2 * ops)
}

/// The same by reverse mode: a sweep from each output.
fn many_reverse(n: usize) -> (Vec<f64>, usize) {
    let tape = Tape::new();
    let x = tape.var(0.1);
    let outputs = many(x, n);
    let mut visits = ops_of(&tape);
    let mut slope = |y: &Var<'_, f64>| {
        let gradients = y.backward_observed(|step| visits += usize::from(step.node.op().is_some()));
        gradients.wrt(x).item()
    };
    let slopes = outputs.iter().map(&mut slope).collect();
    (slopes, visits)
}

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked<Words>) -> Outcome {
    let words = asked.words;
    say(words.three_ways_to_a_gradient());
    println!("{}", words.head_of_three_ways());
    let (mut right, mut worst) = (true, 0.0_f64);
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
    say(&words.two_passes_whatever_n(format!("{worst:.0e}")));
    println!("{}", words.head_of_two_modes());
    for n in [1, 10, 100, 300] {
        let ((tangents, a), (adjoints, b)) = (many_forward(n), many_reverse(n));
        println!("  {n:>6}   {a:>13}   {b:>12}");
        right &= difference(&tangents, &adjoints) < 1e-14;
        right &= [a, b] == [2 * (10 + 2 * n), 10 + 2 * n + 12 * n];
    }
    println!();
    let tape = Tape::new();
    let y = f(&put(&tape, &inputs(3))).named("f");
    asked.page(y)?;
    // Central differences of step 1e-5: h²/6 · |f‴| and rounding ε/h · |f|, |f| up to 300.
    asked.check(words.the_three_agree(), right && worst < 1e-8)
}
