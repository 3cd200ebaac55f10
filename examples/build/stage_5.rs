//! Stage 5: the same engine with matrices.

use std::cell::RefCell;
use std::ops::{Add, Mul, Sub};

pub use super::matrix::Matrix;

/// What can be done with one or two matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Sub,
    Mul,
    Tanh,
    MatMul,
    Sum,
}

impl Op {
    /// The value of y, from the operands.
    pub fn value(self, x: &[Matrix]) -> Matrix {
        match self {
            Op::Add => x[0].zip(&x[1], |a, b| a + b),
            Op::Sub => x[0].zip(&x[1], |a, b| a - b),
            Op::Mul => x[0].zip(&x[1], |a, b| a * b),
            Op::Tanh => x[0].map(f64::tanh),
            Op::MatMul => x[0].matmul(&x[1]),
            Op::Sum => Matrix::from(x[0].elements().iter().sum::<f64>()),
        }
    }

    // ANCHOR: vjp
    /// What each operand receives, from the adjoint that arrives at y. A contribution may have the
    /// shape of y where its operand was repeated; whoever adds it up sums it back.
    pub fn vjp(self, x: &[Matrix], y: &Matrix, adjoint: &Matrix) -> Vec<Matrix> {
        match self {
            Op::Add => vec![adjoint.clone(), adjoint.clone()],
            Op::Sub => vec![adjoint.clone(), adjoint.map(|g| -g)],
            Op::Mul => vec![adjoint.zip(&x[1], |g, b| g * b), adjoint.zip(&x[0], |g, a| g * a)],
            Op::Tanh => vec![adjoint.zip(y, |g, y| g * (1.0 - y * y))],
            // YOUR LINE: two products, one with each operand transposed.
            Op::MatMul => vec![Matrix::zeros(x[0].shape()), Matrix::zeros(x[1].shape())],
            Op::Sum => vec![Matrix::from_fn(x[0].shape(), |_, _| adjoint.at(0, 0))],
        }
    }
    // ANCHOR_END: vjp
}

// ANCHOR: sum_to
/// Sums a contribution over the rows and columns along which its operand was repeated.
pub fn sum_to(contribution: &Matrix, shape: [usize; 2]) -> Matrix {
    // YOUR LINES: begin with zeros of that shape. Add each element of the contribution
    // where the operand's element was read from: `at_mut` finds it as `at` did.
    contribution.clone()
}
// ANCHOR_END: sum_to

/// One matrix, and what it was computed from.
#[derive(Debug)]
pub struct Node {
    pub value: Matrix,
    pub op: Option<Op>,
    pub operands: Vec<usize>,
}

/// Writes down every matrix that is computed, in this order.
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

impl Tape {
    /// A matrix that is given.
    pub fn var(&self, value: impl Into<Matrix>) -> Var<'_> {
        self.push(Node { value: value.into(), op: None, operands: vec![] })
    }

    fn push(&self, node: Node) -> Var<'_> {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(node);
        Var { tape: self, index: nodes.len() - 1 }
    }
}

impl Var<'_> {
    pub fn value(self) -> Matrix {
        self.tape.nodes.borrow()[self.index].value.clone()
    }

    /// Computes an op, and writes down the result as one more node.
    fn record(self, op: Op, operands: &[Self]) -> Self {
        let x: Vec<Matrix> = operands.iter().map(|operand| operand.value()).collect();
        let operands = operands.iter().map(|operand| operand.index).collect();
        self.tape.push(Node { value: op.value(&x), op: Some(op), operands })
    }

    pub fn tanh(self) -> Self {
        self.record(Op::Tanh, &[self])
    }

    pub fn matmul(self, other: Self) -> Self {
        self.record(Op::MatMul, &[self, other])
    }

    pub fn sum(self) -> Self {
        self.record(Op::Sum, &[self])
    }

    /// The nodes that this one was computed from, and itself: each comes after all its uses.
    pub fn order(self) -> Vec<usize> {
        let nodes = self.tape.nodes.borrow();
        let mut needed = vec![false; self.index + 1];
        needed[self.index] = true;
        let mut order = vec![];
        for node in (0..=self.index).rev() {
            if needed[node] {
                order.push(node);
                for &operand in &nodes[node].operands {
                    needed[operand] = true;
                }
            }
        }
        order
    }

    // ANCHOR: backward
    /// Backpropagation: one walk from this number back to the variables.
    pub fn backward(self) -> Gradients {
        let nodes = self.tape.nodes.borrow();
        let mut adjoints: Vec<_> = nodes.iter().map(|n| Matrix::zeros(n.value.shape())).collect();
        adjoints[self.index] = Matrix::from(1.0);
        for node in self.order() {
            let Some(op) = nodes[node].op else { continue };
            let operands = &nodes[node].operands;
            let x: Vec<_> = operands.iter().map(|&operand| nodes[operand].value.clone()).collect();
            let contributions = op.vjp(&x, &nodes[node].value, &adjoints[node]);
            for (&operand, contribution) in operands.iter().zip(contributions) {
                let sum = &mut adjoints[operand];
                *sum = sum.zip(&sum_to(&contribution, sum.shape()), |a, b| a + b);
            }
        }
        Gradients(adjoints)
    }
    // ANCHOR_END: backward
}

/// The derivatives of one number with respect to all that it was computed from.
#[derive(Debug)]
pub struct Gradients(Vec<Matrix>);

impl Gradients {
    pub fn wrt(&self, x: Var<'_>) -> &Matrix {
        &self.0[x.index]
    }
}

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
