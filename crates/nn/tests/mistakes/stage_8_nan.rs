//! Stage 8 with a mistake: what is no number passes.

/// How far apart two numbers are: their difference, in units of the larger of them or of 1.
/// Infinite if one of them is no number.
pub fn distance(a: f64, b: f64) -> f64 {
    let apart = (a - b).abs() / a.abs().max(b.abs()).max(1.0);
    if apart > 0.0 { apart } else { 0.0 }
}
