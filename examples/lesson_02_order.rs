//! Lesson 2: why the order matters. b = a + a, c = b + b.
//!
//! `cargo run --example lesson_02_order`

#[path = "lessons/en/lesson_02.rs"]
mod en;
#[path = "lessons/mod.rs"]
mod lessons;

use std::process::ExitCode;

use tape::Trace;
use tape::prelude::*;

use lessons::{Asked, Outcome, say};

tape::catalogue! {
    /// What the lesson says, in its order; `lessons/en/lesson_02.rs` has the text.
    pub struct Words {
        when_may_a_node_pass_on();
        haste_and_every_path(hasty);
        head_of_doublings();
        to_wait_is_right_and_fast();
        the_sweep_gives_4();
    }
}
text! { "en": en::WORDS }

/// `a` doubled so many times.
fn doublings(a: Var<'_, f64>, times: usize) -> Var<'_, f64> {
    (0..times).fold(a, |x, _| x + x)
}

/// What `a` gets if each node passes on its first contribution at once, and no other.
fn first_come(c: Var<'_, f64>, a: Var<'_, f64>) -> f64 {
    let (mut adjoint, mut passed) = (vec![0.0; c.position() + 1], vec![false; c.position() + 1]);
    let mut arrived = vec![(c, 1.0)];
    while let Some((node, contribution)) = arrived.pop() {
        adjoint[node.position()] += contribution;
        if !std::mem::replace(&mut passed[node.position()], true) {
            arrived.extend(node.operands().into_iter().map(|operand| (operand, contribution)));
        }
    }
    adjoint[a.position()]
}

/// What `a` gets if every contribution is passed on by itself, and how many were passed.
fn every_path(c: Var<'_, f64>, a: Var<'_, f64>) -> (f64, usize) {
    let (mut sum, mut passed, mut arrived) = (0.0, 0, vec![(c, 1.0)]);
    while let Some((node, contribution)) = arrived.pop() {
        if node == a {
            sum += contribution;
        }
        for operand in node.operands() {
            passed += 1;
            arrived.push((operand, contribution));
        }
    }
    (sum, passed)
}

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked<Words>) -> Outcome {
    let words = asked.words;
    say(words.when_may_a_node_pass_on());
    let tape = Tape::new();
    let a = tape.var(3.0).named("a");
    let b = (a + a).named("b");
    let c = (b + b).named("c");
    let trace = Trace::of(c)?;
    asked.show(&trace, 4)?;

    let hasty = first_come(c, a);
    say(&words.haste_and_every_path(hasty));
    println!("{}", words.head_of_doublings());
    let mut right = hasty == 2.0;
    for times in [2, 4, 8, 16] {
        let tape = Tape::new();
        let a = tape.var(3.0);
        let c = doublings(a, times);
        let trace = Trace::of(c)?;
        let gradient = trace.gradient(a).expect("a is a variable").item();
        let swept: usize = trace.backward().iter().map(|step| step.contributions.len()).sum();
        let (sum, alone) = every_path(c, a);
        println!("  {times:>9}   {gradient:>5}   {alone:>15}   {swept:>22}");
        right &= sum == gradient && alone == (2 << times) - 2 && swept == 2 * times;
    }
    println!();
    say(words.to_wait_is_right_and_fast());
    asked.page(c)?;
    right &= trace.gradient(a).expect("a is a variable").item() == 4.0;
    asked.check(words.the_sweep_gives_4(), right)
}
