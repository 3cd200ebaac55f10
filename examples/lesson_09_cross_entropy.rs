//! Lesson 9: softmax, cross-entropy, and why their gradient is p − y.
//!
//! `cargo run --example lesson_09_cross_entropy`

mod lessons;

use std::process::ExitCode;

use ops::Tensor;
use tape::prelude::*;
use tape::{Trace, one_line};

use lessons::{Asked, Outcome, check, difference, say, show};

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked) -> Outcome {
    say("LESSON 9. SOFTMAX, CROSS-ENTROPY, AND THEIR GRADIENT p - y

A classifier gives a number z for each class. Softmax makes probabilities p of them: the powers e
of z, divided by their sum S. The cross-entropy L = -Σ y ln p asks how little the right class was
expected; y is 1 for it, and 0 for the others. Step by step, with q = ln p and r = y · q:");
    let numbers = [2.0, 0.5, -1.0];
    let tape = Tape::new();
    let z = tape.var(numbers).named("z");
    let y = tape.constant([0.0, 1.0, 0.0]).named("y");
    let e = z.exp().named("e");
    let total = e.sum().named("S");
    let p = (e / total).named("p");
    let r = (y * p.ln().named("q")).named("r");
    let loss = (-r.sum().named("T")).named("L");
    let trace = Trace::of(loss)?;
    show(&trace, 4)?;

    let swept = trace.gradient(z).expect("z is a variable");
    let by_hand = &p.value() - &y.value();
    let ops = trace.backward().iter().filter(|step| step.node.op().is_some()).count();
    say(&format!(
        "The sweep went back through {ops} ops, and what comes out at their end is simple: p\u{a0}-\u{a0}y."
    ));
    println!("  p - y   = {}", one_line(&by_hand, 6));
    println!("  ∂L/∂z   = {}\n", one_line(&swept, 6));
    say(
        "The right class is pushed up by what it lacks, every other down by what it was given: a model that
is sure and wrong is corrected most.

Step by step is also unsafe: of a large z, the power overflows. As one op, softmax cross-entropy
takes the largest z off first, and its gradient is written as p\u{a0}-\u{a0}y. With each z a thousand
times as large:",
    );
    let large = Tape::new();
    let z = large.var(numbers.map(|z| 1000.0 * z)).named("z");
    let y = large.constant([0.0, 1.0, 0.0]);
    let naive = -(y * (z.exp() / z.exp().sum()).ln()).sum();
    let one_op = z.softmax_cross_entropy(y);
    println!("  step by step   L = {}", naive.item());
    println!("  as one op      L = {}\n", one_op.item());
    let safe = one_op.item() == 1500.0;
    let saturated = one_op.backward().wrt(z) == Tensor::from([1.0, -1.0, 0.0]);
    let same = difference(&swept.to_vec(), &by_hand.to_vec()) < 4.0 * f64::EPSILON;
    asked.page(loss)?;
    let what = "the sweep gives p\u{a0}-\u{a0}y, and the one op does so where the power overflows";
    check(what, same && safe && saturated)
}
