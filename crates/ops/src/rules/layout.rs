//! Linear rules that rearrange, repeat, resample or accumulate along axes, in adjoint pairs.
//!
//! Flipping, rolling, repeating, tiling, padding, nearest and bilinear resizing and adaptive
//! averaging are one rule, [`AxisMap`]: each index of the result is a weighted sum of indices of
//! the operand, along one axis.

use std::sync::Arc;

use ndarray::{ArrayD, Axis, IxDyn};

use crate::ground::{Attribute, Attributes, Formula, Problem, Shape, resolve_axis};
use crate::number::Float;
use crate::rule::{
    Call, Cases, Contributions, Example, Reading, Refusal, Rule, arity, example, linear_jvp,
    refusal, samples,
};
use crate::rules::methods::{BinaryMethods, LinearMethods};
use crate::tensor::{Indices, Tensor};

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
    /// Whether this is the adjoint: from after the map to before it.
    pub adjoint: bool,
}

impl AxisMap {
    /// A map by its rows.
    pub fn new(
        name: &'static str,
        axis: isize,
        length: usize,
        rows: impl IntoIterator<Item = Vec<(usize, f64)>>,
    ) -> Self {
        Self { name, axis, length, rows: rows.into_iter().collect(), adjoint: false }
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
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let axis =
            resolve_axis(self.axis, shape.len()).expect("an axis that the rule has accepted");
        let mut result = ArrayD::<A>::zeros(IxDyn(shape));
        let x = operands[0].view();
        for (o, row) in self.rows.iter().enumerate() {
            for &(i, weight) in row {
                let (from, to) = if self.adjoint { (o, i) } else { (i, o) };
                let mut target = result.index_axis_mut(Axis(axis), to);
                target.scaled_add(A::from_f64(weight), &x.index_axis(Axis(axis), from));
            }
        }
        Tensor::from(result)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let transposed = || Self { adjoint: !self.adjoint, ..self.clone() };
        call.contributions([&|| T::apply(transposed(), &[cotangent])])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        linear_jvp(self, call, tangents)
    }
    fn attributes(&self) -> Attributes {
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

/// Cumulative sum along an axis, from the front or from the back; each is the other's adjoint.
#[derive(Clone, Copy, Debug)]
pub struct Cumsum {
    /// The axis.
    pub axis: isize,
    /// Whether to sum from the back.
    pub reverse: bool,
}

impl Rule for Cumsum {
    fn name(&self) -> &'static str {
        "cumsum"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        resolve_axis(self.axis, operands[0].len())?;
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let axis = Axis(resolve_axis(self.axis, shape.len()).expect("an accepted axis"));
        let mut sums = operands[0].view().to_owned();
        if self.reverse {
            sums.invert_axis(axis);
        }
        sums.accumulate_axis_inplace(axis, |&before, here| *here += before);
        if self.reverse {
            sums.invert_axis(axis);
        }
        Tensor::from(sums)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let other = Self { reverse: !self.reverse, ..*self };
        call.contributions([&|| T::apply(other, &[cotangent])])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        linear_jvp(self, call, tangents)
    }
    fn attributes(&self) -> Attributes {
        vec![("axis", self.axis.into()), ("reverse", self.reverse.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        let from = if self.reverse { " from the back" } else { "" };
        Formula::call("cumsum", operands, &format!("axis {}{from}", self.axis))
    }
}

impl Cases for Cumsum {
    fn examples() -> Vec<Example<Self>> {
        let cumsum = |axis, reverse| Self { axis, reverse };
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(cumsum(1, false), x()).gives([[1.0, -1.0, 3.0], [0.5, 3.5, 2.0]]),
            example(cumsum(0, true), x()).gives([[1.5, 1.0, 2.5], [0.5, 3.0, -1.5]]),
            example(cumsum(-1, true), samples(&[&[2, 3]])),
            example(cumsum(0, false), samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self { axis: 1, reverse: false }, &[&[3]], "axis 1 is out of range")]
    }
}

/// NumPy's `take_along_axis`: y[…, j, …] = x[…, index[…, j, …], …]. Its adjoint is
/// [`ScatterAdd`].
#[derive(Clone, Debug)]
pub struct TakeAlong {
    /// The axis that the indices point into.
    pub axis: isize,
    /// The indices; their shape is the operand's but for the length of the axis.
    pub indices: Indices,
}

/// The adjoint of [`TakeAlong`]: zeros, to which each element is added at its index.
#[derive(Clone, Debug)]
pub struct ScatterAdd {
    /// The axis that the indices point into.
    pub axis: isize,
    /// Where each element of the operand goes.
    pub indices: Indices,
    /// The length of the axis in the result.
    pub length: usize,
}

fn along_attributes(axis: isize, indices: &Indices) -> Attributes {
    vec![
        ("axis", axis.into()),
        ("indices", indices.elements().into()),
        ("shape", indices.shape().into()),
    ]
}

fn along_shape(
    axis: isize,
    indices: &Indices,
    from: &[usize],
    length: usize,
) -> Result<usize, Problem> {
    let axis = resolve_axis(axis, from.len())?;
    let fits = indices.shape().len() == from.len()
        && (0..from.len()).all(|k| k == axis || indices.shape()[k] == from[k]);
    if !fits {
        return Err(Problem::IndicesShape { axis, indices: Shape::from_slice(indices.shape()) });
    }
    match indices.elements().iter().position(|&index| index >= length) {
        Some(position) => {
            let index = indices.elements()[position];
            Err(Problem::IndexOutOfRange { index, position, axis, length })
        }
        None => Ok(axis),
    }
}

impl Rule for TakeAlong {
    fn name(&self) -> &'static str {
        "take_along_axis"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let axis = resolve_axis(self.axis, operands[0].len())?;
        along_shape(self.axis, &self.indices, operands[0], operands[0][axis])?;
        Ok(Shape::from_slice(self.indices.shape()))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let axis = resolve_axis(self.axis, shape.len()).expect("an accepted axis");
        let x = operands[0].view();
        let mut taken = Vec::with_capacity(self.indices.elements().len());
        self.indices.for_each(axis, |_, target| taken.push(x[target]));
        Tensor::from_shape_vec(shape, taken).expect("one element for each index")
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let shape = call.operands[0].shape();
            let length = shape[resolve_axis(self.axis, shape.len()).expect("an accepted axis")];
            let (axis, indices) = (self.axis, self.indices.clone());
            T::apply(ScatterAdd { axis, indices, length }, &[cotangent])
        }])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        linear_jvp(self, call, tangents)
    }
    fn attributes(&self) -> Attributes {
        along_attributes(self.axis, &self.indices)
    }
}

impl Rule for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let axis = along_shape(self.axis, &self.indices, operands[0], self.length)?;
        if operands[0][axis] != self.indices.shape()[axis] {
            return Err(Problem::IndicesShape {
                axis,
                indices: Shape::from_slice(self.indices.shape()),
            });
        }
        let mut shape = Shape::from_slice(operands[0]);
        shape[axis] = self.length;
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let axis = resolve_axis(self.axis, shape.len()).expect("an accepted axis");
        let x = operands[0].view();
        let mut sums = ArrayD::<A>::zeros(IxDyn(shape));
        self.indices.for_each(axis, |position, target| sums[target] += x[position]);
        Tensor::from(sums)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let take = || TakeAlong { axis: self.axis, indices: self.indices.clone() };
        call.contributions([&|| T::apply(take(), &[cotangent])])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        linear_jvp(self, call, tangents)
    }
    fn attributes(&self) -> Attributes {
        let mut attributes = along_attributes(self.axis, &self.indices);
        attributes.push(("length", self.length.into()));
        attributes
    }
}

fn indices(shape: &[usize], elements: &[usize]) -> Indices {
    Indices::new(shape, elements.to_vec()).expect("as many indices as the shape holds")
}

impl Cases for TakeAlong {
    fn examples() -> Vec<Example<Self>> {
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        let take = |axis, shape: &[usize], elements: &[usize]| Self {
            axis,
            indices: indices(shape, elements),
        };
        vec![
            example(take(1, &[2, 2], &[2, 0, 1, 1]), x()).gives([[4.0, 1.0], [3.0, 3.0]]),
            example(take(0, &[1, 3], &[1, 0, 1]), x()).gives([[0.5, -2.0, -1.5]]),
            example(take(-1, &[2, 0], &[]), samples(&[&[2, 3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let take = |shape: &[usize], elements: &[usize]| Self {
            axis: 1,
            indices: indices(shape, elements),
        };
        vec![
            refusal(
                take(&[2, 1], &[0, 3]),
                &[&[2, 3]],
                "index 3 (number 1 of the list) is out of range: axis 1 has length 3",
            ),
            refusal(take(&[3, 1], &[0, 0, 0]), &[&[2, 3]], "indices of shape [3, 1] do not fit"),
        ]
    }
}

impl Cases for ScatterAdd {
    fn examples() -> Vec<Example<Self>> {
        let x = || vec![Tensor::from([[1.0, -2.0], [0.5, 3.0]])];
        let scatter = |axis, elements: &[usize], length| Self {
            axis,
            indices: indices(&[2, 2], elements),
            length,
        };
        vec![
            example(scatter(1, &[2, 0, 1, 1], 3), x()).gives([[-2.0, 0.0, 1.0], [0.0, 3.5, 0.0]]),
            example(scatter(0, &[0, 1, 0, 0], 2), x()).gives([[1.5, 3.0], [0.0, -2.0]]),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let scatter = Self { axis: 1, indices: indices(&[2, 2], &[0, 1, 2, 3]), length: 3 };
        vec![
            refusal(scatter.clone(), &[&[2, 2]], "index 3 (number 3 of the list) is out of range"),
            refusal(
                Self { length: 4, ..scatter },
                &[&[2, 3]],
                "indices of shape [2, 2] do not fit",
            ),
        ]
    }
}

/// A diagonal of the last two axes: y[…, i] = x[…, i, i + offset].
#[derive(Clone, Copy, Debug)]
pub struct Diagonal {
    /// How far above the main diagonal; below it if negative.
    pub offset: isize,
}

/// The adjoint of [`Diagonal`]: zeros but for one diagonal.
#[derive(Clone, Copy, Debug)]
pub struct DiagonalAdjoint {
    /// How far above the main diagonal; below it if negative.
    pub offset: isize,
    /// Rows and columns of the result.
    pub size: [usize; 2],
}

/// Where a diagonal starts, and its length.
fn diagonal(size: [usize; 2], offset: isize) -> ([usize; 2], usize) {
    let shift = offset.unsigned_abs();
    let start = if offset < 0 { [shift, 0] } else { [0, shift] };
    let length = size[0].saturating_sub(start[0]).min(size[1].saturating_sub(start[1]));
    (start, length)
}

fn matrix_size(shape: &[usize]) -> Result<(&[usize], [usize; 2]), Problem> {
    match shape {
        [leading @ .., rows, columns] => Ok((leading, [*rows, *columns])),
        _ => Err(Problem::TooFewAxes { operand: 1, ndim: shape.len(), least: 2 }),
    }
}

impl Rule for Diagonal {
    fn name(&self) -> &'static str {
        "diagonal"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let (leading, size) = matrix_size(operands[0])?;
        let mut shape = Shape::from_slice(leading);
        shape.push(diagonal(size, self.offset).1);
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let x = operands[0].view();
        let [.., rows, columns] = *operands[0].shape() else { unreachable!("two axes") };
        let (start, length) = diagonal([rows, columns], self.offset);
        let leading = IxDyn(&shape[..shape.len() - 1]);
        let mut elements = Vec::with_capacity(shape.iter().product());
        for position in ndarray::indices(leading) {
            let mut index = ndarray::Dimension::slice(&position).to_vec();
            index.extend(start);
            let row = index.len() - 2;
            for _ in 0..length {
                elements.push(x[&index[..]]);
                index[row] += 1;
                index[row + 1] += 1;
            }
        }
        Tensor::from_shape_vec(shape, elements).expect("one element for each index")
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            let shape = call.operands[0].shape();
            let [.., rows, columns] = shape[..] else { unreachable!("two axes") };
            T::apply(DiagonalAdjoint { offset: self.offset, size: [rows, columns] }, &[cotangent])
        }])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        linear_jvp(self, call, tangents)
    }
    fn attributes(&self) -> Attributes {
        vec![("offset", self.offset.into())]
    }
}

impl Rule for DiagonalAdjoint {
    fn name(&self) -> &'static str {
        "diagonal_adjoint"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        let Some((&last, leading)) = operands[0].split_last() else {
            return Err(Problem::TooFewAxes { operand: 1, ndim: 0, least: 1 });
        };
        let expected = diagonal(self.size, self.offset).1;
        if last != expected {
            return Err(Problem::AxisLength { axis: leading.len(), length: last, expected });
        }
        let mut shape = Shape::from_slice(leading);
        shape.extend(self.size);
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let (start, _) = diagonal(self.size, self.offset);
        let mut matrix = ArrayD::<A>::zeros(IxDyn(shape));
        for (position, &value) in operands[0].view().indexed_iter() {
            let mut index = ndarray::Dimension::slice(&position).to_vec();
            let i = index.pop().expect("an axis");
            index.extend([start[0] + i, start[1] + i]);
            matrix[&index[..]] = value;
        }
        Tensor::from(matrix)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| T::apply(Diagonal { offset: self.offset }, &[cotangent])])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        linear_jvp(self, call, tangents)
    }
    fn attributes(&self) -> Attributes {
        vec![("offset", self.offset.into()), ("size", self.size[..].into())]
    }
}

impl Cases for Diagonal {
    fn examples() -> Vec<Example<Self>> {
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(Self { offset: 0 }, x()).gives([1.0, 3.0]),
            example(Self { offset: 1 }, x()).gives([-2.0, -1.5]),
            example(Self { offset: -1 }, x()).gives([0.5]),
            example(Self { offset: 5 }, x()),
            example(Self { offset: 0 }, samples(&[&[2, 3, 3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self { offset: 0 }, &[&[3]], "has 1 axes but at least 2 are needed")]
    }
}

impl Cases for DiagonalAdjoint {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self { offset: 1, size: [2, 3] }, [Tensor::from([1.0, 2.0])])
                .gives([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0]]),
            example(Self { offset: -1, size: [3, 2] }, samples(&[&[2, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let rule = Self { offset: 0, size: [2, 3] };
        vec![refusal(rule, &[&[3]], "axis 0 has length 3, but 2 is needed")]
    }
}

/// The upper or lower triangle of the last two axes; zeros elsewhere. Its own adjoint.
#[derive(Clone, Copy, Debug)]
pub struct Triangle {
    /// Whether to keep the upper triangle (j ≥ i + offset) or the lower (j ≤ i + offset).
    pub upper: bool,
    /// Where the triangle begins, counted from the main diagonal upwards.
    pub offset: isize,
}

impl Rule for Triangle {
    fn name(&self) -> &'static str {
        if self.upper { "triu" } else { "tril" }
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        matrix_size(operands[0])?;
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], _shape: &[usize]) -> Tensor<A> {
        let mut kept = operands[0].clone();
        for (position, value) in kept.view_mut().indexed_iter_mut() {
            let [.., i, j] = *ndarray::Dimension::slice(&position) else {
                unreachable!("two axes")
            };
            let above = j as isize - i as isize - self.offset;
            if (self.upper && above < 0) || (!self.upper && above > 0) {
                *value = A::zero();
            }
        }
        kept
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| T::apply(*self, &[cotangent])])
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        linear_jvp(self, call, tangents)
    }
    fn attributes(&self) -> Attributes {
        vec![("upper", self.upper.into()), ("offset", self.offset.into())]
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        let offset =
            if self.offset == 0 { String::new() } else { format!("offset {}", self.offset) };
        Formula::call(self.name(), operands, &offset)
    }
}

impl Cases for Triangle {
    fn examples() -> Vec<Example<Self>> {
        let x = || vec![Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]])];
        vec![
            example(Self { upper: true, offset: 0 }, x())
                .gives([[1.0, -2.0, 4.0], [0.0, 3.0, -1.5]]),
            example(Self { upper: false, offset: -1 }, x())
                .gives([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]),
            example(Self { upper: false, offset: 1 }, samples(&[&[2, 3, 3]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self { upper: true, offset: 0 }, &[&[3]], "at least 2 are needed")]
    }
}

/// How [`LayoutMethods::pad`] fills what it adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Padding {
    /// With a number.
    Constant(f64),
    /// With the nearest element.
    Edge,
    /// With the elements mirrored at the edge, which itself is not repeated.
    Reflect,
}

/// Methods that rearrange, repeat and resample along axes, for every algebra of tensors. Axes may
/// be negative; every method panics with a sentence where an axis does not exist.
pub trait LayoutMethods: Reading {
    /// The length of an axis.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    fn length(&self, axis: isize) -> usize {
        let shape = self.shape();
        shape[resolve_axis(axis, shape.len()).unwrap_or_else(|problem| panic!("{problem}"))]
    }
    /// The elements along an axis in reverse.
    #[track_caller]
    fn flip(&self, axis: isize) -> Self {
        let length = self.length(axis);
        Self::apply(AxisMap::copy("flip", axis, length, (0..length).rev()), &[self])
    }
    /// The elements along an axis moved on by `shift` places, those at the end to the front.
    #[track_caller]
    fn roll(&self, axis: isize, shift: isize) -> Self {
        let length = self.length(axis);
        let from = (0..length).map(|o| (o as isize - shift).rem_euclid(length as isize) as usize);
        Self::apply(AxisMap::copy("roll", axis, length, from), &[self])
    }
    /// Each element along an axis `times` times in a row.
    #[track_caller]
    fn repeat(&self, axis: isize, times: usize) -> Self {
        let length = self.length(axis);
        let from = (0..length * times).map(|o| o / times);
        Self::apply(AxisMap::copy("repeat", axis, length, from), &[self])
    }
    /// The whole axis `times` times over.
    #[track_caller]
    fn tile(&self, axis: isize, times: usize) -> Self {
        let length = self.length(axis);
        let from = (0..length * times).map(|o| o % length);
        Self::apply(AxisMap::copy("tile", axis, length, from), &[self])
    }
    /// `before` and `after` more elements at the ends of an axis.
    ///
    /// # Panics
    /// If an empty axis is padded with its edge, or an axis is reflected by its length or more.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*, rules::Padding};
    /// let x = Tensor::from([1.0, 2.0, 3.0]);
    /// assert_eq!(x.pad(0, 1, 2, Padding::Constant(9.0)), Tensor::from([9.0, 1.0, 2.0, 3.0, 9.0, 9.0]));
    /// assert_eq!(x.pad(0, 1, 1, Padding::Edge), Tensor::from([1.0, 1.0, 2.0, 3.0, 3.0]));
    /// assert_eq!(x.pad(0, 2, 1, Padding::Reflect), Tensor::from([3.0, 2.0, 1.0, 2.0, 3.0, 2.0]));
    /// ```
    #[track_caller]
    fn pad(&self, axis: isize, before: usize, after: usize, padding: Padding) -> Self {
        let length = self.length(axis);
        let total = before + length + after;
        let inside = |o: usize| (before..before + length).contains(&o).then(|| o - before);
        match padding {
            Padding::Constant(value) => {
                let rows: Vec<_> =
                    (0..total).map(|o| inside(o).map_or(vec![], |i| vec![(i, 1.0)])).collect();
                let map = AxisMap::new("pad", axis, length, rows);
                let zeros = Self::apply(map.clone(), &[self]);
                if value == 0.0 {
                    return zeros;
                }
                // The number where nothing was: exactly 0 is added to the elements.
                let number = self.scalar(value);
                let filled = Self::apply(map, &[&number.broadcast_to(&self.shape())]);
                zeros.add(number.sub(filled))
            }
            Padding::Edge => {
                assert!(length > 0, "pad: an axis of length 0 has no edge to repeat");
                let from = (0..total).map(|o| o.saturating_sub(before).min(length - 1));
                Self::apply(AxisMap::copy("pad_edge", axis, length, from), &[self])
            }
            Padding::Reflect => {
                let most = before.max(after);
                assert!(
                    most < length,
                    "pad: an axis of length {length} can be reflected by {} at most, not by {most}",
                    length.saturating_sub(1)
                );
                let from = (0..total).map(|o| {
                    let i = (o as isize - before as isize).unsigned_abs();
                    if i < length { i } else { 2 * (length - 1) - i }
                });
                Self::apply(AxisMap::copy("pad_reflect", axis, length, from), &[self])
            }
        }
    }
    /// Cumulative sum along an axis.
    #[track_caller]
    fn cumsum(&self, axis: isize) -> Self {
        Self::apply(Cumsum { axis, reverse: false }, &[self])
    }
    /// NumPy's `take_along_axis`: one element for each index, along `axis`.
    #[track_caller]
    fn take_along_axis(&self, axis: isize, indices: &Indices) -> Self {
        Self::apply(TakeAlong { axis, indices: indices.clone() }, &[self])
    }
    /// Zeros of `length` along `axis`, to which each element is added at its index.
    #[track_caller]
    fn scatter_add(&self, axis: isize, indices: &Indices, length: usize) -> Self {
        Self::apply(ScatterAdd { axis, indices: indices.clone(), length }, &[self])
    }
    /// The diagonal of the last two axes, `offset` above the main one.
    #[track_caller]
    fn diagonal(&self, offset: isize) -> Self {
        Self::apply(Diagonal { offset }, &[self])
    }
    /// The upper triangle of the last two axes, from `offset` above the main diagonal.
    #[track_caller]
    fn triu(&self, offset: isize) -> Self {
        Self::apply(Triangle { upper: true, offset }, &[self])
    }
    /// The lower triangle of the last two axes, to `offset` above the main diagonal.
    #[track_caller]
    fn tril(&self, offset: isize) -> Self {
        Self::apply(Triangle { upper: false, offset }, &[self])
    }
    /// Parts of the given lengths along an axis.
    ///
    /// # Panics
    /// If the lengths do not sum to that of the axis.
    #[track_caller]
    fn split(&self, axis: isize, lengths: &[usize]) -> Vec<Self> {
        let (length, sum) = (self.length(axis), lengths.iter().sum::<usize>());
        assert!(
            length == sum,
            "split: parts of {lengths:?} sum to {sum}, but axis {axis} has length {length}"
        );
        let ndim = self.shape().len();
        let resolved = resolve_axis(axis, ndim).expect("an axis that exists");
        let mut start = 0;
        let cut = |&length: &usize| {
            let all = ndarray::SliceInfoElem::Slice { start: 0, end: None, step: 1 };
            let mut part = vec![all; ndim];
            let end = Some(start + length as isize);
            part[resolved] = ndarray::SliceInfoElem::Slice { start, end, step: 1 };
            start += length as isize;
            self.slice(part)
        };
        lengths.iter().map(cut).collect()
    }
    /// Without an axis of length 1.
    ///
    /// # Panics
    /// If the axis has another length.
    #[track_caller]
    fn squeeze(&self, axis: isize) -> Self {
        let length = self.length(axis);
        assert!(length == 1, "squeeze: axis {axis} has length {length}, but only 1 can be removed");
        self.sum_axes(axis)
    }
    /// Every number of `self` times every number of `other`: shapes are put one after the other.
    #[track_caller]
    fn outer(&self, other: &Self) -> Self {
        let mut shape = self.shape();
        shape.extend(other.shape().iter().map(|_| 1));
        self.reshape(&shape[..]).mul(other)
    }
}
impl<T: Reading> LayoutMethods for T {}
