//! What must hold of each stage, and the sentence that says what does not.

mod against;
mod graph;
mod matrices;
mod numbers;
pub mod training;

use super::{matrix, stage_1, stage_2, stage_5, stage_6, stage_7, stage_8};

/// What holds, a line each; or what does not, with its numbers.
pub type Verdict = Result<Vec<String>, String>;

/// Checks a stage.
pub fn stage(number: usize) -> Verdict {
    match number {
        1 => numbers::rules(),
        2 => graph::recording(),
        3 => graph::order(),
        4 => numbers::sweep(),
        5 => matrices::engine(),
        6 => matrices::layers(),
        7 => training::training(),
        _ => against::against_tape(),
    }
}

/// A number as one writes it by hand.
fn short(x: f64) -> String {
    if x.is_finite() && x.abs() < 1e9 {
        let rounded = (x * 1e6).round() / 1e6;
        format!("{}", rounded + 0.0) // No minus before a 0.
    } else {
        format!("{x:e}")
    }
}

/// Numbers as one lists them in a sentence.
fn listed(numbers: &[f64]) -> String {
    match numbers {
        [] => "nothing".to_owned(),
        [one] => short(*one),
        [first, second] => format!("{} and {}", short(*first), short(*second)),
        more => more.iter().map(|&x| short(x)).collect::<Vec<_>>().join(", "),
    }
}

/// Whether two numbers are equal, but for what rounding does. A NaN equals nothing.
fn equal(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// Says that something should have been another number.
fn expect(what: &str, right: f64, yours: f64, why: &str) -> Result<(), String> {
    if equal(right, yours) {
        return Ok(());
    }
    Err(format!("{what} should be {}; yours is {}. {why}", short(right), short(yours)))
}
