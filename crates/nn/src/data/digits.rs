//! Handwritten digits that come with the library.

use std::path::Path;

use ops::Float;

use super::csv::{CsvOptions, parse};
use super::dataset::Dataset;
use super::source::Source;

const DIGITS: &[u8] = include_bytes!("digits.csv.gz");

/// The 1,797 handwritten digits of 8 × 8 pixels of the UCI test set, read from within the library.
///
/// The inputs have the shape `[1797, 64]`, row by row from the top left, from 0 (paper) to 1
/// (ink); the labels are the digits 0 to 9. The numbers come from scikit-learn's copy of the
/// "Optical Recognition of Handwritten Digits" data of E. Alpaydin and C. Kaynak, under the
/// BSD-3-Clause licence.
///
/// ```
/// let digits = nn::data::digits::<f32>();
/// assert_eq!(digits.inputs().shape(), [1797, 64]);
/// assert_eq!(digits.labels().unwrap()[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
/// ```
pub fn digits<A: Float>() -> Dataset<A> {
    let options = CsvOptions { header: false, ..CsvOptions::default() };
    // The file counts the inked points of each block of 4 × 4.
    let points = A::from_f64(16.0);
    Source::new(Path::new("digits.csv.gz"), DIGITS)
        .and_then(|source| parse::<A>(source, options))
        .expect("the file within the library is checked by a test")
        .map_inputs(|count| count / points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_all_there() {
        let digits = digits::<f32>();
        assert_eq!((digits.inputs().shape(), digits.classes()), (&[1797, 64][..], Some(10)));
        let pixels = digits.inputs().to_vec();
        assert!(pixels.iter().all(|&pixel| (0.0..=1.0).contains(&pixel)));
        let ink: f64 = pixels.iter().map(|&pixel| f64::from(pixel) * 16.0).sum();
        assert_eq!(ink, 561_718.0);
        let labels = digits.labels().unwrap();
        assert_eq!(labels[0], 0);
        let counts: Vec<_> =
            (0..10).map(|class| labels.iter().filter(|&&label| label == class).count()).collect();
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }
}
