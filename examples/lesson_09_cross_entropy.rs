//! Lesson 9: softmax, cross-entropy, and why their gradient is p − y.
//!
//! `cargo run --example lesson_09_cross_entropy`

#[path = "lessons/en/lesson_09.rs"]
mod en;
#[path = "lessons/mod.rs"]
mod lessons;

use std::process::ExitCode;

use ops::Tensor;
use tape::prelude::*;
use tape::{Trace, one_line};

use lessons::{Asked, Outcome, difference, say};

tape::catalogue! {
    /// What the lesson says, in its order; `lessons/en/lesson_09.rs` has the text.
    pub struct Words {
        how_little_was_it_expected();
        what_comes_out_is_simple(ops);
        pushed_up_and_down();
        naive_and_safe(naive, safe);
        p_minus_y();
    }
}
text! { "en": en::WORDS }

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked<Words>) -> Outcome {
    let words = asked.words;
    say(words.how_little_was_it_expected());
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
    asked.show(&trace, 4)?;

    let swept = trace.gradient(z).expect("z is a variable");
    let by_hand = &p.value() - &y.value();
    let ops = trace.backward().iter().filter(|step| step.node.op().is_some()).count();
    say(&words.what_comes_out_is_simple(ops));
    println!("  p - y   = {}", one_line(&by_hand, 6));
    println!("  ∂L/∂z   = {}\n", one_line(&swept, 6));
    say(words.pushed_up_and_down());
    let large = Tape::new();
    let z = large.var(numbers.map(|z| 1000.0 * z)).named("z");
    let y = large.constant([0.0, 1.0, 0.0]);
    let naive = -(y * (z.exp() / z.exp().sum()).ln()).sum();
    let one_op = z.softmax_cross_entropy(y);
    println!("{}", words.naive_and_safe(naive.item(), one_op.item()));
    let safe = one_op.item() == 1500.0;
    let saturated = one_op.backward().wrt(z) == Tensor::from([1.0, -1.0, 0.0]);
    let same = difference(&swept.to_vec(), &by_hand.to_vec()) < 4.0 * f64::EPSILON;
    asked.page(loss)?;
    asked.check(words.p_minus_y(), same && safe && saturated)
}
