//! Stage 8: a judge, to hold two engines against each other.

// ANCHOR: distance
/// How far apart two numbers are: their difference, in units of the larger of them or of 1.
/// Infinite if one of them is no number.
pub fn distance(a: f64, b: f64) -> f64 {
    // YOUR LINES. A judge that always says 0 never finds a mistake.
    0.0
}
// ANCHOR_END: distance
