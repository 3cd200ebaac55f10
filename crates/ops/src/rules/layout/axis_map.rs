//! A sparse map along one axis, and its adjoint: flip, roll, repeat, tile, pad, resize.

use std::sync::Arc;

use crate::ground::shape::room;
use crate::ground::{Attribute, Attributes, Formula, Problem, Shape, resolve_axis};
use crate::kernel;
use crate::number::Float;
use crate::rule::batched::axis_behind;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::tensor::Tensor;

/// A sparse linear map along one axis: yₒ = Σ w·xᵢ over the entries (i, w) of row o, or its
/// adjoint, x̄ᵢ = Σ w·ȳₒ.
#[derive(Clone, Debug)]
pub struct AxisMap {
    /// What the map does, as it stands in formulas: `"flip"`, `"roll"`.
    pub name: &'static str,
    /// The axis.
    pub axis: isize,
    /// The length of the axis before the map.
    pub length: usize,
    /// For each index after the map, the indices before it and their weights.
    pub rows: Arc<[Vec<(usize, f64)>]>,
    /// Whether it is the other of the adjoint pair: from after the map to before it.
    pub adjoint: bool,
}

/// The bytes that a row of a map with one entry takes.
const OF_A_ROW: usize = 64;

/// Refuses more rows of an [`AxisMap`] than memory has room for, before they are made.
pub(in crate::rules) fn rows_of(op: &str, rows: usize) -> Result<usize, String> {
    room(&[rows], OF_A_ROW).map(|_| rows).map_err(|_| {
        let bytes = size_of::<f64>();
        let problem = Problem::TooLarge { shape: Shape::from_slice(&[rows]), bytes };
        format!("{op}: {problem}.")
    })
}

impl AxisMap {
    /// A map by its rows. Entries of weight 0 are left out: times infinity they would give NaN.
    pub fn new(
        name: &'static str,
        axis: isize,
        length: usize,
        rows: impl IntoIterator<Item = Vec<(usize, f64)>>,
    ) -> Self {
        let without_zeros = |mut row: Vec<(usize, f64)>| {
            row.retain(|&(_, weight)| weight != 0.0);
            row
        };
        let rows = rows.into_iter().map(without_zeros).collect();
        Self { name, axis, length, rows, adjoint: false }
    }

    /// A map that copies index `from(o)` to index o.
    pub fn copy(
        name: &'static str,
        axis: isize,
        length: usize,
        from: impl IntoIterator<Item = usize>,
    ) -> Self {
        Self::new(name, axis, length, from.into_iter().map(|i| vec![(i, 1.0)]))
    }
}

impl Rule for AxisMap {
    fn name(&self) -> &'static str {
        self.name
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let axis = resolve_axis(self.axis, operands[0].len())?;
        let (from, to) = if self.adjoint {
            (self.rows.len(), self.length)
        } else {
            (self.length, self.rows.len())
        };
        if operands[0][axis] != from {
            return Err(Problem::AxisLength { axis, length: operands[0][axis], expected: from });
        }
        if let Some(&(index, _)) = self.rows.iter().flatten().find(|(i, _)| *i >= self.length) {
            let length = self.length;
            return Err(Problem::IndexOutOfRange { index, position: 0, axis, length });
        }
        let mut shape = Shape::from_slice(operands[0]);
        shape[axis] = to;
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let axis =
            resolve_axis(self.axis, out.shape().len()).expect("an axis that the rule has accepted");
        let terms = self.rows.iter().enumerate().flat_map(|(o, row)| {
            row.iter()
                .map(move |&(i, weight)| if self.adjoint { (i, o, weight) } else { (o, i, weight) })
        });
        kernel::SparseMap::new(out.shape()[axis], terms).apply(operands[0], axis, out.elements());
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let transposed = || Self { adjoint: !self.adjoint, ..self.clone() };
        call.contributions([&|| T::apply(transposed(), &[cotangent])])
    }
    fn family(&self) -> Family<'_> {
        Family::Linear
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(Self { axis: axis_behind(self.axis), ..self.clone() })
    }
    fn settings(&self) -> Attributes {
        let entries =
            || self.rows.iter().enumerate().flat_map(|(o, row)| row.iter().map(move |e| (o, e)));
        let (to, from): (Vec<usize>, Vec<usize>) = entries().map(|(o, &(i, _))| (o, i)).unzip();
        vec![
            ("axis", self.axis.into()),
            ("length", self.length.into()),
            ("rows", self.rows.len().into()),
            ("to", to[..].into()),
            ("from", from[..].into()),
            ("weights", Attribute::Numbers(entries().map(|(_, &(_, weight))| weight).collect())),
            ("adjoint", self.adjoint.into()),
        ]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        let adjoint = if self.adjoint { "ᵀ" } else { "" };
        Formula::call(&format!("{}{adjoint}", self.name), operands, &format!("axis {}", self.axis))
    }
}

impl Cases for AxisMap {
    fn examples() -> Vec<Example<Self>> {
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        let blend = || {
            Self::new(
                "blend",
                1,
                3,
                [vec![(0, 0.5), (2, 2.0)], vec![], vec![(1, -1.0)], vec![(2, 1.0)]],
            )
        };
        vec![
            example(Self::copy("flip", 1, 3, (0..3).rev()), x())
                .gives([[4.0, -2.0, 1.0], [-1.5, 3.0, 0.5]]),
            example(blend(), x()).gives([[8.5, 0.0, 2.0, 4.0], [-2.75, 0.0, -3.0, -1.5]]),
            example(Self { adjoint: true, axis: 0, ..blend() }, samples(&[&[4, 2]])),
            example(Self::copy("none", 0, 2, []), samples(&[&[2, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(
                Self::copy("flip", 1, 3, 0..3),
                &[&[2, 4]],
                "axis 1 has length 4, but 3 is needed",
            ),
            refusal(Self::copy("flip", 2, 3, 0..3), &[&[2, 4]], "axis 2 is out of range"),
        ]
    }
}
