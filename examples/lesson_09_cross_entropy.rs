//! Lesson 9: softmax, cross-entropy, and why their gradient is p − y.
//!
//! `cargo run --example lesson_09_cross_entropy`

mod lessons;

use ops::Tensor;
use tape::prelude::*;
use tape::{Trace, one_line};

use lessons::{Asked, Outcome, check, difference, say};

fn main() -> Outcome {
    let asked = Asked::from_command_line()?;
    say(
        "A classifier gives a number z for each class. Softmax makes probabilities of them, p, and the
cross-entropy −Σ y ln p asks how little the right class was expected (y is 1 there, else 0).
Step by step:",
    );
    let numbers = [2.0, 0.5, -1.0];
    let tape = Tape::new();
    let z = tape.var(numbers).named("z");
    let y = tape.constant([0.0, 1.0, 0.0]).named("y");
    let e = z.exp().named("e");
    let total = e.sum().named("S");
    let p = (e / total).named("p");
    let loss = (-(y * p.ln().named("ln p")).sum()).named("L");
    let trace = Trace::of(loss)?;
    print!("{trace}");

    let swept = trace.gradient(z).expect("z is a variable");
    let by_hand = &p.value() - &y.value();
    let ops = trace.backward().iter().filter(|step| step.node.op().is_some()).count();
    println!("\n{ops} ops to go back through, and what remains is simple:\n");
    println!("  p − y   = {}", one_line(&by_hand, 6));
    println!("  ∂L/∂z   = {}\n", one_line(&swept, 6));
    say(
        "The right class is pushed up by what it lacks, every other down by what it was given: a model that
is sure and wrong is corrected most. As one op, this is also safe: of large z, eᶻ overflows.",
    );
    let large = Tape::new();
    let z = large.var(numbers.map(|z| 1000.0 * z)).named("z");
    let y = large.constant([0.0, 1.0, 0.0]);
    let naive = -(y * (z.exp() / z.exp().sum()).ln()).sum();
    let one_op = z.softmax_cross_entropy(y);
    println!(
        "With z a thousand times as large: step by step L = {}, as one op L = {}",
        naive.item(),
        one_op.item()
    );
    let safe = one_op.item() == 1500.0;
    let gradient = one_op.backward().wrt(z);
    let saturated = gradient == Tensor::from([1.0, -1.0, 0.0]);
    let same = difference(&swept.to_vec(), &by_hand.to_vec()) < 4.0 * f64::EPSILON;
    asked.page(loss)?;
    check("the sweep gives p − y, also where the exponential overflows", same && safe && saturated)
}
