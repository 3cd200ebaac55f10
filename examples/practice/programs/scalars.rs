//! Programs of numbers.

use tape::Var;
use tape::prelude::*;

use super::{Asked, Program};
use crate::draw::Draw;

/// Applies a function that is drawn.
fn some_function<'t>(draw: &mut Draw<'t>, x: Var<'t, f64>, name: &str) -> Var<'t, f64> {
    let y = match draw.pick(6) {
        0 => x.tanh(),
        1 => x.sigmoid(),
        2 => x.sin(),
        3 => x.cos(),
        4 => x.exp(),
        _ => x.square(),
    };
    y.named(name)
}

/// Level 1: one op and what is around it.
pub fn one_op<'t>(draw: &mut Draw<'t>) -> Program<'t> {
    let kind = draw.pick(4);
    let (w, x) = (draw.variable("w", &[]), draw.variable("x", &[]));
    let inner = match kind {
        0 => (w * x).named("z"),
        1 => (w / x).named("z"),
        2 => (w - x).named("z"),
        _ => (w + x).named("z"),
    };
    let output = some_function(draw, inner, "L");
    let asked = vec![
        Asked::local(output, 0),
        Asked::adjoint(inner),
        Asked::local(inner, 0),
        Asked::local(inner, 1),
        Asked::adjoint(w),
        Asked::adjoint(x),
    ];
    Program { output, asked }
}

/// Level 2: a neuron and two functions after it.
pub fn chain<'t>(draw: &mut Draw<'t>) -> Program<'t> {
    let (w, x, b) = (draw.variable("w", &[]), draw.variable("x", &[]), draw.variable("b", &[]));
    let product = (w * x).named("p");
    let sum = (product + b).named("z");
    let first = some_function(draw, sum, "a");
    let second = some_function(draw, first, "c");
    let target = draw.constant("t", &[]);
    let error = (second - target).named("e");
    let output = error.square().named("L");
    let asked = vec![
        Asked::local(output, 0),
        Asked::adjoint(second),
        Asked::local(second, 0),
        Asked::adjoint(first),
        Asked::local(first, 0),
        Asked::adjoint(sum),
        Asked::adjoint(w),
        Asked::adjoint(x),
        Asked::adjoint(b),
    ];
    Program { output, asked }
}

/// Level 3: a value that is used twice.
pub fn diamond<'t>(draw: &mut Draw<'t>) -> Program<'t> {
    if draw.pick(3) == 0 {
        return shared_weight(draw);
    }
    let (w, x) = (draw.variable("w", &[]), draw.variable("x", &[]));
    let product = (w * x).named("z");
    let left = some_function(draw, product, "a");
    let right = match draw.pick(2) {
        0 => some_function(draw, product, "b"),
        _ => (product * w).named("b"),
    };
    let join = match draw.pick(3) {
        0 => left * right,
        1 => left - right,
        _ => left + right,
    };
    let join = join.named("c");
    let target = draw.constant("t", &[]);
    let error = (join - target).named("e");
    let output = error.square().named("L");
    let asked = vec![
        Asked::adjoint(join),
        Asked::adjoint(right),
        Asked::adjoint(left),
        Asked::local(left, 0),
        Asked::adjoint(product),
        Asked::adjoint(w),
        Asked::adjoint(x),
    ];
    Program { output, asked }
}

/// A recurrence of two steps with the same weight.
fn shared_weight<'t>(draw: &mut Draw<'t>) -> Program<'t> {
    let (w, x) = (draw.variable("w", &[]), draw.variable("x", &[]));
    let first = (w * x).named("p");
    let hidden = first.tanh().named("h");
    let second = (w * hidden).named("q");
    let result = some_function(draw, second, "y");
    let target = draw.constant("t", &[]);
    let error = (result - target).named("e");
    let output = error.square().named("L");
    let asked = vec![
        Asked::adjoint(result),
        Asked::adjoint(second),
        Asked::adjoint(hidden),
        Asked::local(hidden, 0),
        Asked::adjoint(first),
        Asked::adjoint(w),
        Asked::adjoint(x),
    ];
    Program { output, asked }
}

/// Level 8: one step of an LSTM cell with one unit, whose inputs have their share in the constants.
pub fn lstm_step<'t>(draw: &mut Draw<'t>) -> Program<'t> {
    let (hidden, cell) = (draw.variable("h₀", &[]), draw.variable("c₀", &[]));
    let mut weights = Vec::new();
    let mut share = |draw: &mut Draw<'t>, gate: &str| {
        let weight = draw.variable(&format!("u{gate}"), &[]);
        let constant = draw.constant(&format!("b{gate}"), &[]);
        weights.push(weight);
        ((weight * hidden).named(format!("p{gate}")) + constant).named(format!("z{gate}"))
    };
    let [before_forget, before_input, before_new, before_output] =
        ["f", "i", "g", "o"].map(|gate| share(draw, gate));
    let forget = before_forget.sigmoid().named("f");
    let input = before_input.sigmoid().named("i");
    let new = before_new.tanh().named("g");
    let gate = before_output.sigmoid().named("o");
    let kept = (forget * cell).named("k");
    let added = (input * new).named("n");
    let next = (kept + added).named("c₁");
    let squashed = next.tanh().named("m");
    let shown = (gate * squashed).named("h₁");
    let target = draw.constant("t", &[]);
    let output = (shown - target).named("e").square().named("L");
    let asked = vec![
        Asked::adjoint(shown),
        Asked::adjoint(squashed),
        Asked::local(squashed, 0),
        Asked::adjoint(next),
        Asked::adjoint(gate),
        Asked::adjoint(new),
        Asked::adjoint(input),
        Asked::adjoint(forget),
        Asked::adjoint(before_forget),
        Asked::adjoint(weights[0]),
        Asked::adjoint(cell),
        Asked::adjoint(hidden),
    ];
    Program { output, asked }
}
