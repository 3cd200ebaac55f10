//! The cofactors of a matrix, the gradient of its determinant, and their derivative.

use nalgebra::{DMatrix, DMatrixView, DVector};

use super::Det;
use super::shared::{for_each_matrix, rows_first, square, stack_of_two, well_conditioned};
use crate::ground::{Problem, Shape};
use crate::kernel;
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal,
};
use crate::rules::matmul::transposed;
use crate::rules::methods::{BinaryMethods, LayoutMethods, LinearMethods, MatmulMethods};
use crate::tensor::Tensor;

/// The cofactors of a matrix: yᵢⱼ is the determinant without row i and column j, times (−1)ⁱ⁺ʲ;
/// det X · X⁻ᵀ where X has an inverse. They are the gradient of the determinant, a polynomial, and
/// exist for a singular matrix too.
///
/// With the singular values s of X = U S Vᵀ they are det U · det V · U C Vᵀ, C the diagonal of the
/// products of all s but one: nothing is divided.
#[derive(Clone, Copy, Debug)]
pub struct Cofactor;

/// The derivative of [`Cofactor`] at X, the first operand, along G: the second derivative of the
/// determinant, a symmetric map. det X·(tr(X⁻¹G)·X⁻ᵀ − X⁻ᵀ Gᵀ X⁻ᵀ) where X has an inverse.
#[derive(Clone, Copy, Debug)]
pub struct CofactorSlope;

/// A matrix turned to where it is diagonal: X = U S Vᵀ.
struct Diagonal {
    u: DMatrix<f64>,
    v_t: DMatrix<f64>,
    values: DVector<f64>,
    /// det U · det V, 1 or −1.
    sign: f64,
}

impl Diagonal {
    fn of(x: DMatrix<f64>) -> Option<Self> {
        if x.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let svd = x.svd(true, true);
        let (u, v_t) = (svd.u?, svd.v_t?);
        let sign = (u.determinant() * v_t.determinant()).signum();
        Some(Self { u, v_t, values: svd.singular_values, sign })
    }

    /// The product of all singular values but these.
    fn product_without(&self, i: usize, j: usize) -> f64 {
        let others = self.values.iter().enumerate().filter(|&(k, _)| k != i && k != j);
        others.map(|(_, value)| value).product()
    }

    /// A matrix turned back.
    fn back(&self, inner: &DMatrix<f64>) -> DMatrix<f64> {
        &self.u * inner * &self.v_t * self.sign
    }

    fn cofactors(&self) -> DMatrix<f64> {
        let products = (0..self.values.len()).map(|i| self.product_without(i, i));
        let products = DVector::from_iterator(self.values.len(), products);
        self.back(&DMatrix::from_diagonal(&products))
    }

    /// The derivative of the cofactors along `g`.
    fn slope(&self, g: &DMatrix<f64>) -> DMatrix<f64> {
        let n = self.values.len();
        let g = self.u.transpose() * g * self.v_t.transpose();
        let mut inner = DMatrix::zeros(n, n);
        for i in 0..n {
            for j in (0..n).filter(|&j| j != i) {
                let product = self.product_without(i, j);
                inner[(i, i)] += product * g[(j, j)];
                inner[(i, j)] = -product * g[(j, i)];
            }
        }
        self.back(&inner)
    }
}

fn not_finite(n: usize) -> Vec<f64> {
    vec![f64::NAN; n * n]
}

impl Rule for Cofactor {
    fn name(&self) -> &'static str {
        "cofactor"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        square(operands[0])?;
        Ok(Shape::from_slice(operands[0]))
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let value = for_each_matrix(operands[0], out.shape(), |_, x| {
            let n = x.nrows();
            let turned = Diagonal::of(x);
            Ok(turned.map_or_else(|| not_finite(n), |turned| rows_first(&turned.cofactors())))
        })?;
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| T::apply(CofactorSlope, &[call.operands[0], cotangent])])
    }
    fn family(&self) -> Family<'_> {
        Family::Symmetric
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
}

impl Rule for CofactorSlope {
    fn name(&self) -> &'static str {
        "cofactor_slope"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(2, operands)?;
        square(operands[0])?;
        let expected = Shape::from_slice(operands[0]);
        if operands[1] == operands[0] {
            return Ok(expected);
        }
        Err(Problem::OperandShape { operand: 2, expected, of: "that of operand 1" })
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let g: Vec<f64> = kernel::ordered(operands[1]).iter().map(|x| x.to_f64()).collect();
        let value = for_each_matrix(operands[0], out.shape(), |number, x| {
            let n = x.nrows();
            let g = DMatrixView::from_slice(&g[number * n * n..][..n * n], n, n).transpose();
            let turned = Diagonal::of(x);
            Ok(turned.map_or_else(|| not_finite(n), |turned| rows_first(&turned.slope(&g))))
        })?;
        out.set(value)
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let (x, g) = (call.operands[0], call.operands[1]);
        call.contributions([&|| third_derivative(x, g, cotangent), &|| {
            T::apply(Self, &[x, cotangent])
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::Symmetric
    }
    fn batched(&self, _: usize, _: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        Batched::repeated(*self)
    }
}

/// The gradient of det X·(tr(YG)·tr(YW) − tr(YGYW)), Y = X⁻¹: the third derivative of the
/// determinant along G and W. Y is made of cofactors, so that it is not a number where there is no
/// inverse, rather than an end of the sweep.
fn third_derivative<T: Reading>(x: &T, g: &T, w: &T) -> T {
    let det = T::apply(Det, &[x]).expand_dims(-1).expand_dims(-1);
    let y = transposed(&T::apply(Cofactor, &[x])).div(&det);
    let (yg, yw) = (y.matmul(g), y.matmul(w));
    let trace = |m: &T| m.diagonal(0).sum_axes(-1).expand_dims(-1).expand_dims(-1);
    let (g_along, w_along) = (trace(&yg), trace(&yw));
    let both = yg.matmul(&yw);
    let value = g_along.mul(&w_along).sub(trace(&both));
    let [yg_y, yw_y] = [yg.matmul(&y), yw.matmul(&y)];
    let crossed = both.matmul(&y).add(yw.matmul(&yg).matmul(&y));
    let inner = value.mul(&y).sub(w_along.mul(yg_y)).sub(g_along.mul(yw_y)).add(crossed);
    det.mul(transposed(&inner))
}

impl Cases for Cofactor {
    fn examples() -> Vec<Example<Self>> {
        vec![
            example(Self, [Tensor::from([[4.0, 7.0], [2.0, 6.0]])])
                .gives([[6.0, -2.0], [-7.0, 4.0]]),
            example(Self, [well_conditioned()]),
            example(Self, [stack_of_two()]),
            example(Self, [Tensor::from([[0.5]])]).gives([[1.0]]),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![refusal(Self, &[&[2, 3]], "a square matrix is needed")]
    }
}

impl Cases for CofactorSlope {
    fn examples() -> Vec<Example<Self>> {
        let g = Tensor::from([[0.7, -1.2, 0.4], [1.5, 0.3, -0.8], [-0.5, 0.9, 1.1]]);
        vec![
            // The cofactors of two rows and columns are linear: [[d, −c], [−b, a]].
            example(
                Self,
                [Tensor::from([[4.0, 7.0], [2.0, 6.0]]), Tensor::from([[1.0, 2.0], [3.0, 5.0]])],
            )
            .gives([[5.0, -3.0], [-2.0, 1.0]]),
            example(Self, [well_conditioned(), g]),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        vec![
            refusal(Self, &[&[2, 3], &[2, 3]], "a square matrix is needed"),
            refusal(Self, &[&[2, 2], &[2]], "operand 2 should have the shape [2, 2]"),
        ]
    }
}
