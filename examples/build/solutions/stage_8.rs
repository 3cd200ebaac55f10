//! Stage 8: a judge, to hold two engines against each other.

// ANCHOR: distance
/// How far apart two numbers are: their difference, in units of the larger of them or of 1.
/// Infinite if one of them is no number.
pub fn distance(a: f64, b: f64) -> f64 {
    let apart = (a - b).abs() / a.abs().max(b.abs()).max(1.0);
    if apart.is_nan() { f64::INFINITY } else { apart }
}
// ANCHOR_END: distance
