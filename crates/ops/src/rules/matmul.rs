//! The matrix product.

use std::borrow::Borrow;

use ndarray::{ArrayView2, ArrayViewD, ArrayViewMut2, IxDyn};

use crate::ground::{Binding, Formula, Notation, Problem, Shape, broadcast};
use crate::kernel;
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Lead, Out, Reading, Refusal, Rule,
    Shortcuts, arity, example, refusal, samples,
};
use crate::rules::methods::{BinaryMethods, LinearMethods};
use crate::rules::weighted_sum::WeightedSum;
use crate::tensor::Tensor;

/// The matrix product by NumPy's rules: the last axis of a meets the second to last of b,
/// leading axes broadcast, and an operand of one axis is a row on the left, a column on the
/// right. For matrices, ā = ȳ bᵀ and b̄ = aᵀ ȳ.
///
/// Source of the gradient: Giles, *Collected matrix derivative results for forward and reverse
/// mode algorithmic differentiation*, 2008, section 2.2.2.
#[derive(Clone, Copy, Debug)]
pub struct Matmul;

/// A vector as the matrix that it stands for: a row on the left, a column on the right.
fn as_matrix<T: Reading>(x: &T, column: bool) -> T {
    if x.shape().len() == 1 { x.expand_dims(if column { -1 } else { 0 }) } else { x.clone() }
}

/// The transposes of a stack of matrices.
pub(crate) fn transposed<T: Reading>(x: &T) -> T {
    let ndim = x.shape().len() as isize;
    if ndim == 2 {
        return x.t();
    }
    let mut order: Vec<isize> = (0..ndim).collect();
    order.swap(ndim as usize - 2, ndim as usize - 1);
    x.permute(&order)
}

/// A stack of matrices as one matrix, of all their rows: what a single matrix is multiplied with
/// in one product, and gets its gradient from in one.
fn as_rows<T: Reading>(x: &T) -> T {
    let shape = x.shape();
    let (columns, leading) = shape.split_last().expect("at least two axes");
    x.reshape(&[leading.iter().product(), *columns][..])
}

/// A stack of matrices with these leading axes, which its own broadcast to.
pub(super) fn spread<'a, A: Float>(
    x: &'a ArrayViewD<'_, A>,
    leading: &[usize],
) -> ArrayViewD<'a, A> {
    let mut shape = Shape::from_slice(leading);
    shape.extend_from_slice(&x.shape()[x.ndim() - 2..]);
    x.broadcast(IxDyn(&shape)).expect("leading axes that broadcast")
}

fn matrix<A: Float>(x: &Tensor<A>) -> ArrayView2<'_, A> {
    x.view().into_dimensionality().expect("a matrix has two axes")
}

impl Matmul {
    /// The shape of the product as a stack of matrices, vectors having been made matrices.
    fn matrix_shape(a: &[usize], b: &[usize]) -> Shape {
        let a_leading = &a[..a.len().saturating_sub(2)];
        let b_leading = &b[..b.len().saturating_sub(2)];
        let mut shape = broadcast(&[a_leading, b_leading]).expect("leading axes that broadcast");
        shape.push(if a.len() > 1 { a[a.len() - 2] } else { 1 });
        shape.push(if b.len() > 1 { b[b.len() - 1] } else { 1 });
        shape
    }

    /// The products of two stacks of matrices, one after the other.
    pub(super) fn stack_into<A: Float>(a: &Tensor<A>, b: &Tensor<A>, out: &mut [A]) {
        let matrices = Self::matrix_shape(a.shape(), b.shape());
        let leading = &matrices[..matrices.len() - 2];
        let (a, b) = (a.view(), b.view());
        kernel::batched_into(&spread(&a, leading), &spread(&b, leading), &matrices, out);
    }

    /// The contributions where a vector meets a stack of matrices: the vector is a matrix of one
    /// row or one column, and its contribution loses that axis again.
    fn stacked_vector_vjp<T: Reading>(call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let (a, b) = (call.operands[0], call.operands[1]);
        let (a_shape, b_shape) = (a.shape(), b.shape());
        let cotangent = cotangent.reshape(&Self::matrix_shape(&a_shape, &b_shape)[..]);
        let back = |contribution: T, vector: bool, axis: isize| {
            if vector { contribution.sum_axes(axis) } else { contribution }
        };
        call.contributions([
            &|| back(cotangent.matmul(transposed(&as_matrix(b, true))), a_shape.len() == 1, -2),
            &|| back(transposed(&as_matrix(a, false)).matmul(&cotangent), b_shape.len() == 1, -1),
        ])
    }
}

impl Rule for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        let (a, b) = (operands[0], operands[1]);
        for (i, x) in operands.iter().enumerate() {
            if x.is_empty() {
                return Err(Problem::TooFewAxes { operand: i + 1, ndim: 0, least: 1 });
            }
        }
        let left = a[a.len() - 1];
        let right = b[b.len().saturating_sub(2)];
        if left != right {
            let mut fitting = Shape::from_slice(b);
            fitting[b.len().saturating_sub(2)] = left;
            let right_is_vector = b.len() == 1;
            return Err(Problem::Contract { left, right, right_is_vector, fitting });
        }
        let (a_leading, b_leading) =
            (&a[..a.len().saturating_sub(2)], &b[..b.len().saturating_sub(2)]);
        let mut shape = broadcast(&[a_leading, b_leading]).map_err(|problem| match problem {
            Problem::Broadcast { from_last, lengths } => {
                Problem::Broadcast { from_last: from_last + 2, lengths }
            }
            other => other,
        })?;
        shape.extend((a.len() > 1).then(|| a[a.len() - 2]));
        shape.extend((b.len() > 1).then(|| b[b.len() - 1]));
        Ok(shape)
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let (a, b) = (as_matrix(operands[0], false), as_matrix(operands[1], true));
        if b.ndim() > 2 {
            Self::stack_into(&a, &b, out.elements());
            return Ok(());
        }
        let a = if a.ndim() == 2 { a } else { as_rows(&a) };
        let (rows, columns) = (a.shape()[0], b.shape()[1]);
        if *out.shape() == [rows, columns] {
            // Where `a` alone lies by columns, so does the product: the gradient of a transposed
            // weight is stored as the weight is.
            let by_columns = a.strides()[0] == 1 && a.strides()[1] != 1 && b.strides()[1] == 1;
            let out = out.tensor_in(if by_columns { &[1, 0] } else { &[0, 1] }).view_mut();
            let mut out = out.into_dimensionality().expect("a matrix has two axes");
            kernel::product_into(&matrix(&a), &matrix(&b), &mut out);
        } else {
            let out = ArrayViewMut2::from_shape((rows, columns), out.elements());
            let mut out = out.expect("as many elements as the product has");
            kernel::product_into(&matrix(&a), &matrix(&b), &mut out);
        }
        Ok(())
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let (a, b) = (call.operands[0], call.operands[1]);
        let (a_shape, b_shape) = (a.shape(), b.shape());
        let rows = |x: &T| x.expand_dims(-1);
        match (a_shape.len(), b_shape.len()) {
            (1, 1) => call.contributions([&|| cotangent.mul(b), &|| cotangent.mul(a)]),
            (1, 2) => call.contributions([
                &|| cotangent.matmul(b.t()),
                &|| rows(a).mul(cotangent), // the outer product
            ]),
            (2, 1) => call.contributions([
                &|| rows(cotangent).mul(b), // the outer product
                &|| a.t().matmul(cotangent),
            ]),
            (1, _) | (_, 1) => Self::stacked_vector_vjp(call, cotangent),
            (3.., 2) => call.contributions([&|| cotangent.matmul(b.t()), &|| {
                as_rows(a).t().matmul(as_rows(cotangent))
            }]),
            _ => call.contributions([&|| cotangent.matmul(transposed(b)), &|| {
                transposed(a).matmul(cotangent)
            }]),
        }
    }
    fn family(&self) -> Family<'_> {
        Family::Bilinear
    }
    /// A vector as the matrix that it stands for. A column is taken as a row, so that a batch of
    /// them meets one matrix in one product.
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let (a, b) = (operands[0], operands[1]);
        let (a_shape, b_shape) = (a.shape(), b.shape());
        match (a_shape.len(), b_shape.len()) {
            (2.., 2..) => None,
            (2, 1) => Some(b.matmul(a.t())),
            _ => {
                let product = as_matrix(a, false).matmul(as_matrix(b, true));
                Some(product.reshape(&self.shape(&[&a_shape, &b_shape]).ok()?[..]))
            }
        }
    }
    fn batched(&self, _: usize, operands: &[&[usize]], along: &[bool]) -> Option<Batched<Self>> {
        match (operands[0].len(), operands[1].len()) {
            (1, 2) if !along[1] => Batched::with(*self, Lead::Kept), // Rows of a matrix.
            (2.., 2..) => Batched::with(*self, Lead::Aligned),
            _ => None,
        }
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::notate("matmul", Notation::Infix(" @ ", Binding::Product), operands)
    }
    fn shortcuts<A: Float>(&self) -> Option<&dyn Shortcuts<A>> {
        Some(self)
    }
}

impl<A: Float> Shortcuts<A> for Matmul {
    fn accumulates(&self, operands: &[&[usize]]) -> bool {
        operands.iter().all(|shape| shape.len() == 2) && operands[0][1] <= kernel::SUMMED_AT_ONCE
    }
    fn accumulate(&self, operands: &[&Tensor<A>], to: &mut Tensor<A>) {
        let mut to = to.view_mut().into_dimensionality().expect("a matrix has two axes");
        kernel::add_product(&matrix(operands[0]), &matrix(operands[1]), &mut to);
    }
    fn copies(&self, operands: &[&Tensor<A>]) -> Option<usize> {
        let are_matrices = operands.iter().all(|x| x.ndim() == 2);
        let copies =
            are_matrices && kernel::copies_second(&matrix(operands[0]), &matrix(operands[1]));
        copies.then_some(1)
    }
    fn copy(&self, operand: &Tensor<A>, to: &mut Tensor<A>) {
        kernel::copy_second(&matrix(operand), Out::new(operand.shape(), to).elements());
    }
    fn mult_adds(&self, operands: &[&[usize]], output: &[usize]) -> u64 {
        let summed = operands[0].last().copied().unwrap_or(1);
        (output.iter().product::<usize>() * summed) as u64
    }
}

impl Cases for Matmul {
    fn examples() -> Vec<Example<Self>> {
        let a = || Tensor::from([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5]]);
        let b = || Tensor::from([[2.0, -1.0], [0.5, 3.0], [-4.0, 1.0]]);
        let v = || Tensor::from([2.0, -1.0, 0.5]);
        vec![
            example(Self, [a(), b()]).gives([[-15.0, -3.0], [8.5, 7.0]]),
            example(Self, [a(), v()]).gives([6.0, -2.75]),
            example(Self, [v(), b()]).gives([1.5, -4.5]),
            example(Self, [v(), v()]).gives(5.25),
            example(Self, samples(&[&[2, 2, 3], &[2, 3, 2]])),
            example(Self, samples(&[&[2, 2, 3], &[3, 2]])),
            example(Self, samples(&[&[2, 3], &[2, 3, 2]])),
            example(Self, samples(&[&[2, 1, 2, 3], &[3, 3, 1]])),
            example(Self, samples(&[&[2, 2, 3], &[3]])),
            example(Self, samples(&[&[3], &[2, 3, 2]])),
            example(Self, samples(&[&[1, 1], &[1, 1]])),
            example(Self, samples(&[&[2, 0], &[0, 3]])).gives([[0.0; 3]; 2]),
            example(Self, samples(&[&[0, 2], &[2, 3]])),
            example(Self, samples(&[&[0, 2, 3], &[3, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(
                Self,
                &[&[2, 3], &[2, 3]],
                "the last axis of the left operand has length 3 but the second to last axis of the right operand has length 2; the two must be equal, so a right operand of shape [3, 3] would fit",
            ),
            refusal(Self, &[&[2, 3], &[4]], "the only axis of the right operand has length 4"),
            refusal(Self, &[&[], &[2, 2]], "operand 1 has 0 axes but at least 1 is needed"),
            refusal(Self, &[&[2, 4, 3], &[3, 3, 4]], "the lengths 2 and 3 of axis -3"),
            refusal(Self, &[&[2, 2]], "takes 2 operands but was given 1"),
        ]
    }
}

/// The methods of the matrix product, for every reading of tensors.
pub trait MatmulMethods: Reading {
    /// The matrix product by NumPy's rules: `[m, k] @ [k, n] → [m, n]`, with leading axes
    /// broadcast, and vectors as rows on the left, as columns on the right.
    ///
    /// # Panics
    /// If the inner lengths differ or the leading axes do not broadcast.
    #[doc(alias = "dot")]
    #[doc(alias = "mm")]
    #[doc(alias = "bmm")]
    #[doc(alias = "@")]
    #[track_caller]
    fn matmul(&self, other: impl Borrow<Self>) -> Self {
        Self::apply(Matmul, &[self, other.borrow()])
    }

    /// The rows of `values` added up, each times its weight: `[…, m, k]` weights of
    /// `[…, k, n]` values `→ […, m, n]`, as [`matmul`](Self::matmul), but what has a weight of 0
    /// stays out, were it infinite or NaN.
    ///
    /// ```
    /// use ops::{Tensor, prelude::*};
    ///
    /// let weights = Tensor::from([[0.5, 0.0]]);
    /// let values = Tensor::from([[4.0], [f64::INFINITY]]);
    /// assert_eq!(weights.weighted_sum(values), Tensor::from([[2.0]]));
    /// ```
    ///
    /// # Panics
    /// If an operand has fewer than two axes, the inner lengths differ or the leading axes do not
    /// broadcast.
    #[track_caller]
    fn weighted_sum(&self, values: impl Borrow<Self>) -> Self {
        Self::apply(WeightedSum, &[self, values.borrow()])
    }
}
impl<T: Reading> MatmulMethods for T {}
