//! Universal approximation: any continuous function as a sum of bumps, each made of two sigmoid units whose
//! weights are set by hand.
//!
//! `cargo run --example bumps`

use std::fmt::Write;

use nn::prelude::*;

/// The function to be approximated, on 0..1.
fn target(x: f64) -> f64 {
    x + 0.3 * (8.0 * x).sin()
}

// ANCHOR: bumps
/// A network of one hidden layer: a bump for each of `count` equal intervals, as high as the target
/// is in its middle. A unit σ(s(x − a)) is a step at a; two steps make a bump.
fn of_bumps(count: usize, steepness: f64) -> Result<Sequential<f64>, nn::Error> {
    let mut rng = nn::rng(0);
    let mut hidden = Dense::with_init(1, 2 * count, Init::Zeros, Init::Zeros, &mut rng)?;
    let mut output = Dense::with_init(2 * count, 1, Init::Zeros, Init::Zeros, &mut rng)?;
    let s = steepness * count as f64;
    let edges = (0..count).flat_map(|k| [k, k + 1]).map(|k| k as f64 / count as f64);
    let heights = (0..count).map(|k| target((k as f64 + 0.5) / count as f64));
    hidden.weight.value = Tensor::from(vec![s; 2 * count]).reshape([2 * count as isize, 1]);
    hidden.bias.value = Tensor::from(edges.map(|edge| -s * edge).collect::<Vec<_>>());
    let signed: Vec<f64> = heights.flat_map(|height| [height, -height]).collect();
    output.weight.value = Tensor::from(signed).reshape([1, 2 * count as isize]);
    Ok(Sequential::new().then(hidden).then(Sigmoid).then(output))
}
// ANCHOR_END: bumps

/// The mean error of a network over the middle of 0..1, where bumps have neighbours on both sides.
fn error(model: &Sequential<f64>) -> Result<f64, nn::Error> {
    let points: Vec<f64> = (0..=900).map(|i| 0.05 + f64::from(i) / 1000.0).collect();
    let inputs = Tensor::from(points.clone()).reshape([points.len() as isize, 1]);
    let outputs = predict(model, &inputs)?.to_vec();
    let errors = points.iter().zip(outputs).map(|(&x, y)| (y - target(x)).abs());
    Ok(errors.sum::<f64>() / points.len() as f64)
}

/// What the program prints.
pub(crate) fn text() -> Result<String, Box<dyn std::error::Error>> {
    let mut text = String::new();
    writeln!(text, "  bumps   hidden units   mean error   times the one before")?;
    let mut before = None;
    for count in [5, 10, 20, 40, 80] {
        let error = error(&of_bumps(count, 50.0)?)?;
        let ratio = before.map_or(String::new(), |before: f64| format!("{:.2}", error / before));
        let row = format!("  {count:>5}   {:>12}   {error:>10.5}   {ratio:>20}", 2 * count);
        writeln!(text, "{}", row.trim_end())?;
        assert!(
            before.is_none_or(|before| error < 0.6 * before),
            "twice the bumps, half the error"
        );
        before = Some(error);
    }
    writeln!(text, "\n  40 bumps, by how steep their sides are:")?;
    for steepness in [2.0, 5.0, 10.0, 50.0] {
        let error = error(&of_bumps(40, steepness)?)?;
        writeln!(text, "  {steepness:>5}   mean error {error:.5}")?;
    }
    writeln!(text, "\nCHECKED: with twice the bumps there is about half the error.")?;
    Ok(text)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    print!("{}", text()?);
    Ok(())
}
