//! The settings of a rule as data.

use crate::ground::Axes;

/// One setting of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// Yes or no.
    Flag(bool),
    /// A whole number: an axis, an offset.
    Integer(i64),
    /// Whole numbers: axes, lengths, indices.
    Integers(Vec<i64>),
    /// A number.
    Number(f64),
    /// Numbers.
    Numbers(Vec<f64>),
    /// A word.
    Text(String),
}

impl Attribute {
    /// Whether both are the same to the bit: 0 and −0, which are equal, are not, and a NaN is what it is.
    pub fn is_identical(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(x), Self::Number(y)) => x.to_bits() == y.to_bits(),
            (Self::Numbers(x), Self::Numbers(y)) => {
                x.len() == y.len() && x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits())
            }
            _ => self == other,
        }
    }
}

/// The settings of a rule by name; what is not there is not set.
pub type Attributes = Vec<(&'static str, Attribute)>;

impl From<bool> for Attribute {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
impl From<f64> for Attribute {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}
impl From<isize> for Attribute {
    fn from(number: isize) -> Self {
        Self::Integer(number as i64)
    }
}
impl From<usize> for Attribute {
    fn from(number: usize) -> Self {
        Self::Integer(number as i64)
    }
}
impl From<&[isize]> for Attribute {
    fn from(numbers: &[isize]) -> Self {
        Self::Integers(numbers.iter().map(|&number| number as i64).collect())
    }
}
impl From<&[usize]> for Attribute {
    fn from(numbers: &[usize]) -> Self {
        Self::Integers(numbers.iter().map(|&number| number as i64).collect())
    }
}

/// The settings of a reduction: `axes`, unless it is over all of them, and `keepdims`.
pub(crate) fn reduction_attributes(axes: &Axes, keepdims: bool) -> Attributes {
    let named = axes.named().map(|axes| ("axes", Attribute::from(axes)));
    named.into_iter().chain([("keepdims", keepdims.into())]).collect()
}
