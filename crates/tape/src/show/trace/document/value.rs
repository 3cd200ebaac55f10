//! Values and numbers as every format can carry them.

use std::fmt;
use std::marker::PhantomData;

use ops::{Float, Tensor};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::is_default;
use super::miniature::Miniature;
use crate::show::trace::summary::Summary;

/// A value: a number, a tensor, or the summary of a large tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, bound = "")]
pub enum Value<A: Float> {
    /// A tensor without axes.
    Scalar(Number<A>),
    /// A tensor in full.
    Tensor {
        /// The lengths of the axes.
        shape: Vec<usize>,
        /// The elements, the last axis fastest.
        data: Vec<Number<A>>,
    },
    /// A large tensor.
    Summary {
        /// The lengths of the axes.
        shape: Vec<usize>,
        /// The first three indices along each of the last two axes, at index 0 of the others.
        corner: Box<Self>,
        /// The smallest finite element.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<Number<A>>,
        /// The mean of the finite elements.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mean: Option<Number<A>>,
        /// The largest finite element.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<Number<A>>,
        /// The number of infinite and NaN elements.
        #[serde(default, skip_serializing_if = "is_default")]
        not_finite: usize,
        /// All of it, in few cells.
        #[serde(default, skip_serializing_if = "is_default")]
        miniature: Option<Box<Miniature>>,
    },
}

/// A number that every format can carry: where it is not finite, as `"NaN"`, `"inf"` or `"-inf"`.
/// Equal if the bits are, or both are NaN.
#[derive(Clone, Copy, Debug)]
pub struct Number<A>(pub A);

impl<A: Float> Value<A> {
    /// A tensor in full up to the given number of elements, and summarised above.
    pub fn new(x: &Tensor<A>, elements: usize) -> Self {
        if x.ndim() == 0 {
            return Self::Scalar(Number(x.item()));
        }
        let shape = x.shape().to_vec();
        if x.len() <= elements {
            let data = x.view().iter().copied().map(Number).collect();
            return Self::Tensor { shape, data };
        }
        let Summary { shape, corner, min, mean, max, not_finite } = Summary::new(x);
        Self::Summary {
            shape,
            corner: Box::new(Self::new(&corner, usize::MAX)),
            min: min.map(Number),
            mean: mean.map(Number),
            max: max.map(Number),
            not_finite,
            miniature: None,
        }
    }

    /// Adds a miniature to a summary.
    pub(super) fn show(&mut self, small: Option<Miniature>) {
        if let Self::Summary { miniature, .. } = self {
            *miniature = small.map(Box::new);
        }
    }

    /// The lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Scalar(_) => &[],
            Self::Tensor { shape, .. } | Self::Summary { shape, .. } => shape,
        }
    }

    /// The numbers that are there: all elements, or the summary's.
    pub fn numbers(&self) -> Vec<A> {
        match self {
            Self::Scalar(number) => vec![number.0],
            Self::Tensor { data, .. } => data.iter().map(|number| number.0).collect(),
            Self::Summary { corner, min, mean, max, .. } => {
                let summary = [min, mean, max].into_iter().flatten().map(|number| number.0);
                corner.numbers().into_iter().chain(summary).collect()
            }
        }
    }

    /// The tensor, unless it is summarised.
    pub fn tensor(&self) -> Option<Tensor<A>> {
        match self {
            Self::Scalar(number) => Some(Tensor::scalar(number.0)),
            Self::Tensor { shape, .. } => Tensor::from_shape_vec(shape, self.numbers()).ok(),
            Self::Summary { .. } => None,
        }
    }
}

impl<A: Float> PartialEq for Number<A> {
    fn eq(&self, other: &Self) -> bool {
        let bits = |x: A| x.to_f64().to_bits();
        bits(self.0) == bits(other.0) || (self.0.is_nan() && other.0.is_nan())
    }
}

impl<A: Float> Serialize for Number<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.0.to_f64();
        if value.is_finite() {
            serializer.serialize_f64(short_f64(self.0))
        } else {
            serializer.serialize_str(if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "inf"
            } else {
                "-inf"
            })
        }
    }
}

/// The `f64` that is written for a number, and becomes that number again when it is
/// read: for an `f32` the one of fewest digits. (Of all `f32`, 7.038531e-26 alone does not come back
/// from its shortest decimal by way of an `f64`.)
fn short_f64<A: Float>(value: A) -> f64 {
    let exact = value.to_f64();
    let short = value.to_string().parse().unwrap_or(exact);
    if A::from_f64(short) == value { short } else { exact }
}

impl<'de, A: Float> Deserialize<'de> for Number<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor(PhantomData))
    }
}

struct NumberVisitor<A>(PhantomData<A>);

impl<A: Float> Visitor<'_> for NumberVisitor<A> {
    type Value = Number<A>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"inf\" or \"-inf\"")
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number<A>, E> {
        Ok(Number(A::from_f64(value)))
    }
    fn visit_f32<E: de::Error>(self, value: f32) -> Result<Number<A>, E> {
        Ok(Number(A::from_f64(value.into())))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number<A>, E> {
        Ok(Number(A::from_f64(value as f64)))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number<A>, E> {
        Ok(Number(A::from_f64(value as f64)))
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Number<A>, E> {
        let value = match value {
            "NaN" => f64::NAN,
            "inf" => f64::INFINITY,
            "-inf" => f64::NEG_INFINITY,
            _ => return Err(E::invalid_value(de::Unexpected::Str(value), &self)),
        };
        Ok(Number(A::from_f64(value)))
    }
}
