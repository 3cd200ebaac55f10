//! Stage 7 with a mistake: each weight goes along its slope.

use super::stage_5::{Matrix, Tape};
use super::stage_6::network;

/// Takes one step downhill, and returns the loss before it: the mean squared error of the outputs
/// for the rows of `x`, which should be those of `target`.
pub fn step(parameters: &mut [Matrix], x: &Matrix, target: &Matrix, rate: f64) -> f64 {
    let tape = Tape::default();
    let on_tape: Vec<_> = parameters.iter().map(|matrix| tape.var(matrix.clone())).collect();
    let error = network(tape.var(x.clone()), &on_tape) - tape.var(target.clone());
    let loss = (error * error).sum() * tape.var(1.0 / x.shape()[0] as f64);
    let gradients = loss.backward();
    for (parameter, &var) in parameters.iter_mut().zip(&on_tape) {
        *parameter = parameter.zip(gradients.wrt(var), |weight, slope| weight + rate * slope);
    }
    loss.value().at(0, 0)
}
