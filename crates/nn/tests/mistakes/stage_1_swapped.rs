//! Stage 1 with a mistake: each factor is given its own value.

/// What can be done with one or two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Sub,
    Mul,
    Tanh,
}

impl Op {
    /// The value of y, from the operands.
    pub fn value(self, x: &[f64]) -> f64 {
        match self {
            Op::Add => x[0] + x[1],
            Op::Sub => x[0] - x[1],
            Op::Mul => x[0] * x[1],
            Op::Tanh => x[0].tanh(),
        }
    }

    /// What each operand receives: the adjoint that arrives at y, times the derivative of y with
    /// respect to that operand.
    pub fn vjp(self, x: &[f64], y: f64, adjoint: f64) -> Vec<f64> {
        match self {
            Op::Add => vec![adjoint, adjoint],
            Op::Sub => vec![adjoint, -adjoint],
            Op::Mul => vec![adjoint * x[0], adjoint * x[1]],
            Op::Tanh => vec![adjoint * (1.0 - y * y)],
        }
    }
}
