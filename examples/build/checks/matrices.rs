//! Stages 5 and 6: matrices that broadcast, and layers of them.

use super::stage_5::{Matrix, Op, Tape, Var, sum_to};
use super::stage_6::{layer, network};
use super::{Verdict, equal};

/// Says that something should have been another matrix.
fn expect(what: &str, right: &Matrix, yours: &Matrix, why: &str) -> Result<(), String> {
    let pairs = right.elements().iter().zip(yours.elements());
    if right.shape() == yours.shape() && pairs.clone().all(|(&a, &b)| equal(a, b)) {
        return Ok(());
    }
    Err(format!("{what} should be {right}; yours is {yours}. {why}"))
}

/// Stage 5.
pub fn engine() -> Verdict {
    let arrived = Matrix::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let why = "An element that was used in every row gets the sum over the rows.";
    let what = format!("What {arrived} comes to for an operand of shape");
    for (name, right) in [
        ("[1, 2]", Matrix::from([[9.0, 12.0]])),
        ("[3, 1]", Matrix::from([[3.0], [7.0], [11.0]])),
        ("[1, 1]", Matrix::from(21.0)),
        ("[3, 2]", arrived.clone()),
    ] {
        expect(&format!("{what} {name}"), &right, &sum_to(&arrived, right.shape()), why)?;
    }

    let (a, b) = (Matrix::from([[1.0, 0.5]]), Matrix::from([[0.2, 0.8], [0.5, 0.1]]));
    let adjoint = Matrix::from([[1.0, 10.0]]);
    let operands = [a, b];
    let product = Op::MatMul.value(&operands);
    let passed = Op::MatMul.vjp(&operands, &product, &adjoint);
    let [to_a, to_b] = &passed[..] else {
        return Err(format!("a product has 2 operands; yours passes back to {}.", passed.len()));
    };
    let what = format!("y = a @ b with a = {}, b = {}:", operands[0], operands[1]);
    let what = format!("{what} where {adjoint} arrives, what is passed back to");
    expect(
        &format!("{what} a"),
        &Matrix::from([[8.2, 1.5]]),
        to_a,
        "Each element of a meets one row of b: it gets the sum of adjoint times that row.",
    )?;
    expect(
        &format!("{what} b"),
        &Matrix::from([[1.0, 10.0], [0.5, 5.0]]),
        to_b,
        "An element of b, at row i and column j, meets element i of a and leads to element j of y.",
    )?;

    let tape = Tape::default();
    let x = tape.var([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let b = tape.var([[0.5, 1.0]]);
    let z = x + b;
    let gradients = (z * z).sum().backward();
    expect(
        "For x of three rows and b = [[0.5, 1]], the gradient of sum((x + b)²) with respect to b",
        &Matrix::from([[21.0, 30.0]]),
        gradients.wrt(b),
        "It is 2(x + b), summed over the rows.",
    )?;
    Ok(vec![
        format!("{arrived} comes to [[9, 12]] for an operand of shape [1, 2]"),
        format!("a @ b passes back {to_a} and {to_b}"),
        format!("sum((x + b)²): the bias gets {}", gradients.wrt(b)),
    ])
}

/// Stage 6.
pub fn layers() -> Verdict {
    let tape = Tape::default();
    let x = tape.var([[1.0, 0.5]]);
    let w = tape.var([[0.2, 0.8], [0.5, 0.1]]);
    let b = tape.var([[0.3, 0.3]]);
    let one = layer(x, w, b).value();
    let right = Matrix::from([[0.75_f64.tanh(), 1.15_f64.tanh()]]);
    expect(
        "A layer of x = [[1, 0.5]], weights [[0.2, 0.8], [0.5, 0.1]] and bias [[0.3, 0.3]], which \
         sums to [[0.75, 1.15]] before tanh,",
        &right,
        &one,
        "x @ weights + bias, and tanh of that.",
    )?;

    let v = tape.var([[1.0], [-1.0]]);
    let c = tape.var([[0.25]]);
    let y = network(x, &[w, b, v, c]);
    let difference = right.at(0, 0) - right.at(0, 1) + 0.25;
    expect(
        "A second layer of weights [[1], [-1]] and bias [[0.25]] on top of it",
        &Matrix::from(difference.tanh()),
        &y.value(),
        "The second layer's input is the first layer's output.",
    )?;

    let rows = tape.var([[1.0, 0.5], [1.0, 0.5], [-2.0, 0.0]]);
    let output = network(rows, &[w, b, v, c]);
    if output.value().shape() != [3, 1] {
        return Err(format!(
            "Three samples in three rows should give 3 rows and 1 column; yours gives {:?}.",
            output.value().shape()
        ));
    }
    let alone = |x: Var<'_>| network(x, &[w, b, v, c]).sum().backward().wrt(b).clone();
    let together = alone(rows);
    let sum = alone(x).zip(&alone(x), |a, b| a + b);
    let sum = sum.zip(&alone(tape.var([[-2.0, 0.0]])), |a, b| a + b);
    expect(
        "The bias's gradient for three samples at once",
        &sum,
        &together,
        "It is the sum of the samples' own gradients.",
    )?;
    Ok(vec![
        format!("one layer gives tanh of [[0.75, 1.15]]: {one}"),
        format!("two layers give {}", y.value()),
        format!("three samples at once: the bias gets the sum of three gradients, {together}"),
    ])
}
