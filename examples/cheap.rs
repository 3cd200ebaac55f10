//! Why reverse mode is cheap: what a gradient costs, op by op, counted on recorded graphs.
//!
//! `cargo run --example cheap`

use std::fmt::Write;

use nn::prelude::*;

#[allow(clippy::match_same_arms)] // One op a line.
// ANCHOR: costs
/// What an op costs in additions, multiplications and functions: its value; what it passes back and
/// what it takes to add that up; and what it takes to push one tangent through it.
fn costs(op: &str) -> [usize; 3] {
    match op {
        "add" => [1, 2, 1],  // two contributions are added; two tangents are added
        "mul" => [1, 4, 3],  // two products, each added; two products and their sum
        "tanh" => [1, 4, 3], // y·y, 1 − it, times the adjoint, added; the same without adding
        other => unreachable!("{other} is not in these graphs"),
    }
}
// ANCHOR_END: costs

/// The costs of all that is recorded.
fn counted(tape: &Tape<f64>) -> [usize; 3] {
    let mut sums = [0; 3];
    for op in tape.to_petgraph().node_weights().flatten() {
        let costs = costs(op);
        sums = [0, 1, 2].map(|i| sums[i] + costs[i]);
    }
    sums
}

/// Layers of tanh units, of single numbers. Returns the variables, and the sum of the outputs.
fn record<'t>(tape: &'t Tape<f64>, sizes: &[usize]) -> (Vec<Var<'t, f64>>, Var<'t, f64>) {
    let mut weights = vec![];
    let mut values: Vec<_> =
        (0..sizes[0]).map(|i| tape.constant((i % 7) as f64 / 7.0 - 0.4)).collect();
    for &units in &sizes[1..] {
        let mut outputs = vec![];
        for unit in 0..units {
            let mut weight = || {
                let seed = (weights.len() * 5 + unit) % 11;
                let weight = tape.var((seed as f64 - 5.0) / 20.0);
                weights.push(weight);
                weight
            };
            let mut sum = weight(); // the bias
            for &value in &values {
                sum = sum + weight() * value;
            }
            outputs.push(sum.tanh());
        }
        values = outputs;
    }
    let output = values.into_iter().reduce(|a, b| a + b).expect("units");
    (weights, output)
}

/// How far the two modes' gradients are apart.
fn apart(weights: &[Var<'_, f64>], output: Var<'_, f64>) -> f64 {
    let gradients = output.backward();
    let one = |&weight| {
        let along = output.tangent(&[(weight, 1.0.into())]).item();
        (along - gradients.wrt(weight).item()).abs()
    };
    weights.iter().map(one).fold(0.0, f64::max)
}

/// What the program prints.
pub(crate) fn text() -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "                             one pass       gradient by       gradient by")?;
    writeln!(text, "  network       variables    forwards     reverse sweep    forward sweeps")?;
    for sizes in [&[1, 1][..], &[10, 1], &[100, 1], &[1000, 1], &[2, 16, 16, 1], &[64, 32, 10]] {
        let tape = Tape::<f64>::new();
        let (weights, output) = record(&tape, sizes);
        let [pass, back, tangent] = counted(&tape);
        let (reverse, forward) = (pass + back, pass + weights.len() * tangent);
        let name: Vec<String> = sizes.iter().map(usize::to_string).collect();
        writeln!(
            text,
            "  {:<14}{:>9}{pass:>12}{reverse:>11} {:>5.2}x{forward:>11} {:>5.0}x",
            name.join("-"),
            weights.len(),
            reverse as f64 / pass as f64,
            forward as f64 / pass as f64
        )?;
        assert!(reverse <= 5 * pass, "the bound");
        if weights.len() < 400 {
            assert!(apart(&weights, output) < 1e-12, "both modes give the same gradient");
        }
    }
    writeln!(
        text,
        "\nCHECKED: a gradient costs at most 5 passes, and both modes give the same one."
    )?;
    Ok(text)
}

fn main() -> Result<(), std::fmt::Error> {
    print!("{}", text()?);
    Ok(())
}
