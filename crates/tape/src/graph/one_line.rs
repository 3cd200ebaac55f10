//! A tensor on one line, for messages.

use ops::{Float, Tensor};

/// A small tensor in full on one line, with the given number of decimals; a large one by its shape
/// and range.
///
/// ```
/// let x = ops::Tensor::from([[1.0, 2.5], [3.0, 4.0]]);
/// assert_eq!(tape::one_line(&x, 1), "[[1.0, 2.5], [3.0, 4.0]]");
/// ```
pub fn one_line<A: Float>(x: &Tensor<A>, decimals: usize) -> String {
    if x.len() <= 12 {
        let text = format!("{:.decimals$}", x.view()).replace('\n', " ");
        return text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let elements = x.to_vec();
    let (low, high) = elements.iter().fold((elements[0], elements[0]), |(low, high), &v| {
        (if v < low { v } else { low }, if v > high { v } else { high })
    });
    format!("tensor of shape {:?}, {low:.decimals$} to {high:.decimals$}", x.shape())
}
