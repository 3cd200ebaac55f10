//! Numbers in rows and columns: given, from stage 5 on.

use std::fmt;

/// A matrix. A number is one of one row and one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    elements: Vec<f64>,
}

impl Matrix {
    pub fn from_fn([rows, columns]: [usize; 2], mut f: impl FnMut(usize, usize) -> f64) -> Self {
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        Self { rows, columns, elements: places.map(|(row, column)| f(row, column)).collect() }
    }

    pub fn zeros(shape: [usize; 2]) -> Self {
        Self::from_fn(shape, |_, _| 0.0)
    }

    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    pub fn elements(&self) -> &[f64] {
        &self.elements
    }

    // ANCHOR: at
    /// The element of a row and column. Where there is only one row, it stands for every row, and
    /// where there is only one column, for every column.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.elements[row % self.rows * self.columns + column % self.columns]
    }

    /// The same element, to be changed.
    pub fn at_mut(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.elements[row % self.rows * self.columns + column % self.columns]
    }

    /// Joins two matrices element by element. An axis of length 1 is repeated to fit the other.
    pub fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let [rows, columns] = self.shape();
        let [r, c] = other.shape();
        let fits = (rows == r || rows == 1 || r == 1) && (columns == c || columns == 1 || c == 1);
        assert!(fits, "the shapes [{rows}, {columns}] and [{r}, {c}] do not broadcast");
        Self::from_fn([rows.max(r), columns.max(c)], |row, column| {
            f(self.at(row, column), other.at(row, column))
        })
    }
    // ANCHOR_END: at

    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self::from_fn(self.shape(), |row, column| f(self.at(row, column)))
    }

    /// The transpose.
    pub fn t(&self) -> Self {
        Self::from_fn([self.columns, self.rows], |row, column| self.at(column, row))
    }

    // ANCHOR: matmul
    /// The matrix product: rows of this one with columns of the other.
    pub fn matmul(&self, other: &Self) -> Self {
        let [inner, other_rows] = [self.columns, other.rows];
        assert!(inner == other_rows, "{inner} columns do not meet {other_rows} rows");
        Self::from_fn([self.rows, other.columns], |row, column| {
            (0..inner).map(|k| self.at(row, k) * other.at(k, column)).sum()
        })
    }
    // ANCHOR_END: matmul
}

impl From<f64> for Matrix {
    fn from(number: f64) -> Self {
        Self { rows: 1, columns: 1, elements: vec![number] }
    }
}

impl<const R: usize, const C: usize> From<[[f64; C]; R]> for Matrix {
    fn from(rows: [[f64; C]; R]) -> Self {
        Self { rows: R, columns: C, elements: rows.concat() }
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |x: &f64| format!("{}", (x * 1e6).round() / 1e6);
        let rows = self.elements.chunks(self.columns.max(1)).map(|row| {
            let numbers: Vec<String> = row.iter().map(number).collect();
            format!("[{}]", numbers.join(", "))
        });
        write!(f, "[{}]", rows.collect::<Vec<_>>().join(", "))
    }
}
