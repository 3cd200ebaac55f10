//! Lesson 2: why the order matters. b = a + a, c = b + b.
//!
//! `cargo run --example lesson_02_order`

mod lessons;

use tape::Trace;
use tape::prelude::*;

use lessons::{Asked, Outcome, check, say};

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

fn main() -> Outcome {
    let asked = Asked::from_command_line()?;
    say(
        "b is used twice, and a is used twice. c = 4a, so ∂c/∂a is 4. In which order must the nodes
pass their adjoints on? The sweep waits until all uses of a node have reported:",
    );
    let tape = Tape::new();
    let a = tape.var(3.0).named("a");
    let b = (a + a).named("b");
    let c = (b + b).named("c");
    let trace = Trace::of(c)?;
    print!("{trace}");

    let hasty = first_come(c, a);
    println!(
        "\nIf b passed on the first contribution as soon as it came, a would get {hasty}: wrong."
    );
    println!("If each contribution went its way alone, the answer would be right, at a price:\n");
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
    println!("\nThe paths double with every doubling; the edges of the graph do not.");
    asked.page(c)?;
    right &= trace.gradient(a).expect("a is a variable").item() == 4.0;
    check("the sweep gives 4, hurry gives 2, and walking every path costs 2ⁿ⁺¹ − 2", right)
}
