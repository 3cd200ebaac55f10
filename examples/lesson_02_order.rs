//! Lesson 2: why the order matters. b = a + a, c = b + b.
//!
//! `cargo run --example lesson_02_order`

mod lessons;

use std::process::ExitCode;

use tape::Trace;
use tape::prelude::*;

use lessons::{Asked, Outcome, check, say, show};

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

fn lesson(asked: &Asked) -> Outcome {
    say("LESSON 2. WHY THE ORDER MATTERS

b = a + a and c = b + b, so c is 4a and ∂c/∂a is 4. But b is used twice, and a is used twice.
Every use of a value sends it a contribution, and the contributions add up. When may a node
pass on what it has? The sweep waits until all of its uses have reported:");
    let tape = Tape::new();
    let a = tape.var(3.0).named("a");
    let b = (a + a).named("b");
    let c = (b + b).named("c");
    let trace = Trace::of(c)?;
    show(&trace, 4)?;

    let hasty = first_come(c, a);
    say(&format!(
        "What if b did not wait? If it passed on the first contribution, 1, as soon as that came, and the
second not at all, a would get 1 from each of its two uses: {hasty}, which is wrong.

If each contribution went its own way alone, the answer would be right, at a price. Here a is
doubled again and again, and contributions are counted:"
    ));
    println!("  doublings   ∂c/∂a   passed on alone   passed on by the sweep");
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
    say(
        "The paths double with every doubling; the edges of the graph do not. To wait is both right and
fast. It needs an order in which every node comes after all its uses: the order of recording,
backwards.",
    );
    asked.page(c)?;
    right &= trace.gradient(a).expect("a is a variable").item() == 4.0;
    check(
        "the sweep gives 4, haste gives 2, and walking every path of n doublings passes on 2ⁿ⁺¹-2 \
         contributions where the sweep passes on 2n",
        right,
    )
}
