//! Stages 2 and 3: what is written down, and in which order it is gone through.

use super::stage_1::Op;
use super::stage_2::{Tape, Var};
use super::{Verdict, expect, short};

/// Stage 2.
pub fn recording() -> Verdict {
    let tape = Tape::default();
    let (w, x) = (tape.var(3.0), tape.var(-4.0));
    let p = w * x;
    let once = "An op computes its value at once, with op.value, from the values of its operands.";
    expect("w * x of w = 3 and x = -4", -12.0, p.value(), once)?;
    let length = tape.nodes.borrow().len();
    if length != 3 {
        return Err(format!(
            "w, x and w * x are 3 nodes; your tape has {length}. An op writes down one node."
        ));
    }
    let operands = tape.nodes.borrow()[p.index].operands.clone();
    if operands != [w.index, x.index] {
        return Err(format!(
            "w and x have the places 0 and 1, so w * x should have the operands [0, 1]; yours has \
             {operands:?}. Without them there is no way back."
        ));
    }
    let op = tape.nodes.borrow()[p.index].op;
    if op != Some(Op::Mul) {
        return Err(format!(
            "w * x should be written down with the op Some(Mul); yours has {op:?}. The way back \
             asks the op what to pass on."
        ));
    }
    let square = x * x;
    let operands = tape.nodes.borrow()[square.index].operands.clone();
    if operands != [1, 1] {
        return Err(format!(
            "x * x uses x twice, so its operands should be [1, 1]; yours are {operands:?}."
        ));
    }
    let y = (tape.var(0.5) * tape.var(2.0) + tape.var(0.1)).tanh();
    expect("tanh(0.5 * 2 + 0.1)", 1.1_f64.tanh(), y.value(), once)?;
    Ok(vec![
        "w * x of w = 3 and x = -4 is one node: -12, by Mul, from the places [0, 1]".to_owned(),
        "x * x has the operands [1, 1]".to_owned(),
        format!("tanh(0.5 * 2 + 0.1) = {}", short(y.value())),
    ])
}

/// Stage 3.
pub fn order() -> Verdict {
    let tape = Tape::default();
    let a = tape.var(3.0);
    let b = a + a;
    let c = b + b;
    let order = c.order();
    if order != [2, 1, 0] {
        return Err(format!(
            "with b = a + a and c = b + b, at the places 0, 1 and 2, the way back from c is c, b, a: \
             [2, 1, 0]; yours is {order:?}."
        ));
    }
    let _ = a * c;
    let d = b * a;
    if let Some(fault) = fault(d) {
        return Err(format!(
            "with b = a + a, c = b + b, a * c, and d = b * a at the place 4, {fault}"
        ));
    }
    // An order that follows every path takes for ever here, and one that recurses goes deep.
    let doublings = 20;
    let tape = Tape::default();
    let doubled = (0..doublings).fold(tape.var(1.0), |x, _| x + x);
    if let Some(fault) = fault(doubled) {
        return Err(format!("with a number doubled {doublings} times, {fault}"));
    }
    let graphs = 200;
    for seed in 0..graphs {
        let program = super::against::numbers(seed);
        let tape = Tape::default();
        if let Some(fault) = fault(program.record(&tape)) {
            return Err(format!("in the random graph {program}, {fault}"));
        }
    }
    Ok(vec![
        "c, b, a of b = a + a, c = b + b".to_owned(),
        "what the output was not computed from is left out".to_owned(),
        format!("a number doubled {doublings} times: {} nodes, each once", doubled.order().len()),
        format!("{graphs} random graphs: every node comes after all its uses"),
    ])
}

/// What is wrong with the order of an output.
fn fault(output: Var<'_>) -> Option<String> {
    let order = output.order();
    let nodes = output.tape.nodes.borrow();
    let mut needed = vec![false; nodes.len()];
    let mut todo = vec![output.index];
    while let Some(node) = todo.pop() {
        if !std::mem::replace(&mut needed[node], true) {
            todo.extend(&nodes[node].operands);
        }
    }
    let mut place = vec![None; nodes.len()];
    for (at, &node) in order.iter().enumerate() {
        match place.get_mut(node) {
            None => return Some(format!("there is no node {node}; your order has it.")),
            Some(Some(_)) => return Some(format!("node {node} is in your order twice.")),
            Some(empty) => *empty = Some(at),
        }
    }
    for (node, &needed) in needed.iter().enumerate() {
        match (needed, place[node]) {
            (true, None) => {
                return Some(format!(
                    "the output was computed from node {node}; your order lacks it."
                ));
            }
            (false, Some(_)) => {
                return Some(format!(
                    "the output was not computed from node {node}; your order has it."
                ));
            }
            _ => {}
        }
        for &operand in &nodes[node].operands {
            if needed && place[operand] < place[node] {
                return Some(format!(
                    "node {operand} is used by node {node} and should come after it; in your order \
                     it comes before."
                ));
            }
        }
    }
    None
}
