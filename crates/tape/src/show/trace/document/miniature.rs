//! Large tensors in so few cells that a page has room for them.

use ops::{Float, Tensor};
use serde::{Deserialize, Serialize};

use super::is_default;

/// The cells of a miniature, and of one that is an image.
const CELLS: usize = 256;
const IMAGE: usize = 784;
/// The most planes of a tensor that a miniature shows.
const PLANES: usize = 4;
/// The columns above which the rows of given data are laid out as squares, if they can be.
const SQUARE: usize = 36;
/// The signs of the levels: as many below 0 as above, and 0 in the middle.
const LEVELS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";
const MIDDLE: usize = LEVELS.len() / 2;

/// A tensor in few cells: each stands for the mean of a block of elements, as one of 63 levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Miniature {
    /// The rows and columns of a plane, in cells.
    pub plane: [usize; 2],
    /// The elements along the rows and columns of a plane.
    pub of: [usize; 2],
    /// The number of planes that are shown, the first of the tensor; of a matrix 1.
    pub planes: usize,
    /// The number of planes that the tensor has, if it has more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub all: usize,
    /// True if a plane is a row of the tensor, laid out as a square.
    #[serde(default, skip_serializing_if = "is_default")]
    pub square: bool,
    /// The cells, plane by plane and row by row, each a sign: `0` for minus the largest absolute
    /// value of the tensor, `v` for 0, `-` for that value, `!` for a block that is not finite.
    pub cells: String,
}

impl Miniature {
    /// The miniature of a tensor; none of a number. Of `data` that a program was given, planes are
    /// larger, for images, and rows of a square number of elements are laid out as squares.
    pub(super) fn new<A: Float>(x: &Tensor<A>, data: bool) -> Option<Self> {
        let shape = x.shape();
        let square = match *shape {
            [_, columns] if data && columns >= SQUARE => {
                Some(columns.isqrt()).filter(|side| side * side == columns)
            }
            _ => None,
        };
        let (of, all) = match (square, shape) {
            (_, []) => return None,
            (Some(side), _) => ([side, side], shape[0]),
            (None, &[length]) => ([1, length], 1),
            (None, &[.., rows, columns]) => ([rows, columns], x.len() / (rows * columns).max(1)),
        };
        if x.is_empty() {
            return None;
        }
        let planes = all.min(PLANES);
        let is_image = data && (square.is_some() || shape.len() > 2);
        let side = (if is_image { IMAGE } else { CELLS } / planes).isqrt();
        let plane = of.map(|length| length.min(side));
        let elements: Vec<f64> = x.view().iter().map(|x| x.to_f64()).collect();
        let largest =
            elements.iter().filter(|x| x.is_finite()).fold(0.0, |m: f64, x| m.max(x.abs()));
        let chunks = elements.chunks(of[0] * of[1]).take(planes);
        let cells = chunks.flat_map(|elements| cells(elements, of, plane, largest)).collect();
        let all = if all > planes { all } else { 0 };
        Some(Self { plane, of, planes, all, square: square.is_some(), cells })
    }
}

/// The cells of a plane.
fn cells(elements: &[f64], of: [usize; 2], plane: [usize; 2], largest: f64) -> Vec<char> {
    let block =
        |i: usize, axis: usize| i * of[axis] / plane[axis]..(i + 1) * of[axis] / plane[axis];
    let cell = |row: usize, column: usize| {
        let rows = block(row, 0);
        let (mut sum, mut count) = (0.0, 0.0);
        for i in rows {
            for j in block(column, 1) {
                sum += elements[i * of[1] + j];
                count += 1.0;
            }
        }
        level(sum / count, largest)
    };
    (0..plane[0])
        .flat_map(|row| (0..plane[1]).map(move |column| (row, column)))
        .map(|(row, column)| cell(row, column))
        .collect()
}

/// The sign of a mean.
fn level(mean: f64, largest: f64) -> char {
    if !mean.is_finite() {
        return '!';
    }
    let part = if largest > 0.0 { mean / largest } else { 0.0 };
    let middle = MIDDLE as f64;
    LEVELS[(middle + (part * middle).round()) as usize].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(shape: &[usize]) -> Tensor<f64> {
        let count = shape.iter().product();
        let elements = (0..count).map(|i| f64::from(i as u32)).collect();
        Tensor::from_shape_vec(shape, elements).unwrap()
    }

    #[test]
    fn a_cell_is_the_mean_of_its_block() {
        let x = Tensor::<f64>::from([-3.0, 1.5, 0.0, 3.0]);
        let small = Miniature::new(&x, false).unwrap();
        assert_eq!((small.plane, small.of, small.planes), ([1, 4], [1, 4], 1));
        assert_eq!(small.cells, "0Lv-");
        let mut blocks = Tensor::<f64>::zeros(&[32, 32]);
        // One block of four in which all are 2, one in which they cancel.
        for (at, value) in [
            ([0, 0], 2.0),
            ([0, 1], 2.0),
            ([1, 0], 2.0),
            ([1, 1], 2.0),
            ([2, 2], 2.0),
            ([3, 3], -2.0),
        ] {
            blocks.view_mut()[&at[..]] = value;
        }
        let small = Miniature::new(&blocks, false).unwrap();
        assert_eq!((small.plane, small.of), ([16, 16], [32, 32]));
        assert!(small.cells.starts_with("-v") && small.cells[1..].bytes().all(|sign| sign == b'v'));
    }

    #[test]
    fn what_is_not_finite_is_seen() {
        let x = Tensor::<f64>::from([f64::NAN, 1.0, f64::INFINITY, -1.0]);
        assert_eq!(Miniature::new(&x, false).unwrap().cells, "!-!0");
        assert_eq!(Miniature::new(&Tensor::from([f64::NAN]), false).unwrap().cells, "!");
        assert_eq!(Miniature::new(&Tensor::<f64>::zeros(&[2]), false).unwrap().cells, "vv");
    }

    #[test]
    fn planes_and_squares_are_laid_out() {
        let shown = |shape: &[usize], data| {
            let small = Miniature::new(&wave(shape), data).unwrap();
            assert_eq!(small.cells.len(), small.planes * small.plane[0] * small.plane[1]);
            (small.plane, small.planes, small.all, small.square)
        };
        assert_eq!(shown(&[32, 1, 28, 28], true), ([14, 14], 4, 32, false));
        assert_eq!(shown(&[1, 1, 28, 28], true), ([28, 28], 1, 0, false));
        assert_eq!(shown(&[32, 64], true), ([8, 8], 4, 32, true));
        assert_eq!(shown(&[32, 64], false), ([16, 16], 1, 0, false));
        assert_eq!(shown(&[32, 48], true), ([16, 16], 1, 0, false));
        assert_eq!(shown(&[3, 2, 100, 1], false), ([8, 1], 4, 6, false));
        assert_eq!(Miniature::new(&Tensor::<f64>::scalar(1.0), false), None);
        assert_eq!(Miniature::new(&Tensor::<f64>::zeros(&[0, 3]), false), None);
    }
}
