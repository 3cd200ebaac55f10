//! Stage 2: the graph, a list of what was computed.

use std::cell::RefCell;
use std::ops::{Add, Mul, Sub};

use super::stage_1::Op;

// ANCHOR: node
/// One number, and what it was computed from.
#[derive(Debug)]
pub struct Node {
    pub value: f64,
    /// What computed it; a variable was given.
    pub op: Option<Op>,
    /// The places of the operands in the list.
    pub operands: Vec<usize>,
}

/// Writes down every number that is computed, in this order.
#[derive(Debug, Default)]
pub struct Tape {
    pub nodes: RefCell<Vec<Node>>,
}

/// A place on a tape.
#[derive(Clone, Copy, Debug)]
pub struct Var<'t> {
    pub tape: &'t Tape,
    pub index: usize,
}
// ANCHOR_END: node

// ANCHOR: tape
impl Tape {
    /// A number that is given.
    pub fn var(&self, value: f64) -> Var<'_> {
        self.push(Node { value, op: None, operands: vec![] })
    }

    fn push(&self, node: Node) -> Var<'_> {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(node);
        Var { tape: self, index: nodes.len() - 1 }
    }
}
// ANCHOR_END: tape

impl Var<'_> {
    pub fn value(self) -> f64 {
        self.tape.nodes.borrow()[self.index].value
    }

    // ANCHOR: record
    /// Computes an op, and writes down the result as one more node.
    fn record(self, op: Op, operands: &[Self]) -> Self {
        // YOUR LINES: get the values of the operands, and from them the value of
        // the op. Push a node with this value, the op, and the operands' places.
        self.tape.push(Node { value: 0.0, op: None, operands: vec![] })
    }
    // ANCHOR_END: record

    pub fn tanh(self) -> Self {
        self.record(Op::Tanh, &[self])
    }
}

// ANCHOR: operators
impl Add for Var<'_> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.record(Op::Add, &[self, other])
    }
}

impl Sub for Var<'_> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.record(Op::Sub, &[self, other])
    }
}

impl Mul for Var<'_> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.record(Op::Mul, &[self, other])
    }
}
// ANCHOR_END: operators
