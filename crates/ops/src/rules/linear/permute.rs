//! Another order of the axes, the transpose among them.

use ndarray::IxDyn;
use smallvec::SmallVec;

use crate::ground::{Attributes, Formula, Notation, Problem, Shape, resolve_axis};
use crate::number::Float;
use crate::rule::{
    Batched, Call, Cases, Contributions, Example, Family, Out, Reading, Refusal, Rule, arity,
    example, refusal, samples,
};
use crate::rules::methods::LinearMethods;
use crate::tensor::Tensor;

/// The axes in another order.
#[derive(Clone, Debug)]
pub struct Permute {
    /// Where each axis of the result comes from; `None` reverses all axes (the transpose).
    pub axes: Option<SmallVec<[isize; 4]>>,
}

impl Permute {
    fn resolve(&self, ndim: usize) -> Result<SmallVec<[usize; 4]>, Problem> {
        let Some(axes) = &self.axes else { return Ok((0..ndim).rev().collect()) };
        let order: SmallVec<[usize; 4]> =
            axes.iter().map(|&axis| resolve_axis(axis, ndim)).collect::<Result<_, _>>()?;
        let once = order.len() == ndim && (0..ndim).all(|axis| order.contains(&axis));
        if once { Ok(order) } else { Err(Problem::Permutation { axes: axes.to_vec(), ndim }) }
    }
}

impl Rule for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(1, operands)?;
        Ok(self.resolve(operands[0].len())?.iter().map(|&axis| operands[0][axis]).collect())
    }
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem> {
        let x = operands[0].shared();
        if self.axes.is_none() {
            return out.share(x.reversed_axes());
        }
        let order = self.resolve(x.ndim())?;
        out.share(x.permuted_axes(IxDyn(&order)))
    }
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        call.contributions([&|| {
            if self.axes.is_none() {
                return cotangent.t();
            }
            let order = self.resolve(cotangent.shape().len()).expect("accepted axes");
            let mut inverse: SmallVec<[isize; 4]> = SmallVec::from_elem(0, order.len());
            for (to, &from) in order.iter().enumerate() {
                inverse[from] = to as isize;
            }
            cotangent.permute(&inverse)
        }])
    }
    fn family(&self) -> Family<'_> {
        Family::View
    }
    fn batched(&self, _: usize, operands: &[&[usize]], _: &[bool]) -> Option<Batched<Self>> {
        let order = self.resolve(operands[0].len()).ok()?;
        let order = order.iter().map(|&axis| axis as isize + 1);
        Batched::repeated(Self { axes: Some(std::iter::once(0).chain(order).collect()) })
    }
    fn settings(&self) -> Attributes {
        self.axes.iter().map(|axes| ("axes", axes[..].into())).collect()
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        match &self.axes {
            None => Formula::notate("t", Notation::Postfix("ᵀ"), operands),
            Some(axes) => Formula::call("permute", operands, &format!("{:?}", &axes[..])),
        }
    }
}

impl Cases for Permute {
    fn examples() -> Vec<Example<Self>> {
        let order = |axes: &[isize]| Self { axes: Some(SmallVec::from_slice(axes)) };
        vec![
            example(Self { axes: None }, [Tensor::from([[1.0, -2.0], [4.0, 0.5]])])
                .gives([[1.0, 4.0], [-2.0, 0.5]]),
            example(order(&[2, 0, 1]), samples(&[&[2, 3, 2]])),
            example(order(&[0, -1, 1]), samples(&[&[2, 3, 1]])),
            example(Self { axes: None }, samples(&[&[]])),
            example(Self { axes: None }, samples(&[&[0, 2]])),
        ]
    }
    fn refusals() -> Vec<Refusal<Self>> {
        let order = |axes: &[isize]| Self { axes: Some(SmallVec::from_slice(axes)) };
        vec![
            refusal(order(&[0, 0]), &[&[2, 3]], "[0, 0] does not name each of the 2 axes once"),
            refusal(order(&[0]), &[&[2, 3]], "does not name each of the 2 axes once"),
            refusal(order(&[0, 2]), &[&[2, 3]], "axis 2 is out of range"),
        ]
    }
}
