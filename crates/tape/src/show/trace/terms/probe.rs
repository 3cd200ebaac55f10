//! An op on a tape of its own, asked with unit tensors.

use std::panic::Location;

use ops::{Float, Tensor};

use super::element::{index_of, unit};
use crate::graph::op::Op;
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// The largest operand whose elements are tried one by one.
const MOST_TRIED: usize = 4096;

/// The row of the op's matrix: how an element of the result changes with each element of each
/// operand. The rule's gradient gives it, for a cotangent that is 1 at that element.
pub(super) fn row<A: Float>(
    op: &dyn Op<A>,
    operands: &[Tensor<A>],
    index: &[usize],
) -> Vec<Option<Tensor<A>>> {
    apart(op, operands, |x, y| {
        let gradients = y.backward_with(unit(&y.shape(), index));
        let Ok(gradients) = gradients else { return vec![None; x.len()] };
        x.iter().map(|&x| gradients.try_wrt(x).ok()).collect()
    })
}

/// The column of the op's matrix: how each element of the result changes with an element of an
/// operand. Forward mode gives it, for a tangent that is 1 at that element.
pub(super) fn column<A: Float>(
    op: &dyn Op<A>,
    operands: &[Tensor<A>],
    operand: usize,
    index: &[usize],
) -> Tensor<A> {
    apart(op, operands, |x, y| y.tangent(&[(x[operand], unit(operands[operand].shape(), index))]))
}

/// Records the op alone, on variables.
fn apart<A: Float, T>(
    op: &dyn Op<A>,
    operands: &[Tensor<A>],
    ask: impl for<'p> FnOnce(&[Var<'p, A>], Var<'p, A>) -> T,
) -> T {
    let tape = Tape::new();
    let x: Vec<Var<'_, A>> = operands.iter().map(|x| tape.var(x)).collect();
    let mut value = Tensor::zeros(&[]);
    op.forward(&operands.iter().collect::<Vec<_>>(), &mut value)
        .expect("operands of these shapes were accepted before");
    let y = tape.push_value(&value, op.boxed(), &x.iter().collect::<Vec<_>>(), Location::caller());
    ask(&x, y)
}

/// An element of the other operand that stands in a term of a bilinear op, and what multiplies it.
pub(super) struct Partner<A> {
    pub number: usize,
    pub coefficient: A,
}

/// For each element of what `read` gives, which elements of operand number `other` it is the sum of.
/// `read` gives a tensor that is linear in that operand: it is read with tensors that tell their
/// elements apart. `None` if there are too many to tell.
pub(super) fn partners<A: Float>(
    operands: &[Tensor<A>],
    other: usize,
    read: impl Fn(&[Tensor<A>]) -> Tensor<A>,
) -> Option<Vec<Vec<Partner<A>>>> {
    let (shape, count) = (operands[other].shape().to_vec(), operands[other].len());
    let with = |elements: Vec<f64>| {
        let elements = elements.into_iter().map(A::from_f64).collect();
        let marked = Tensor::from_shape_vec(&shape, elements).expect("as many as the shape has");
        let mut operands = operands.to_vec();
        operands[other] = marked;
        read(&operands).to_vec()
    };
    let mark = |number: usize| ((number as f64 + 1.0) * 0.618_033_988_749).fract() + 0.5;
    let ones = with(vec![1.0; count]);
    let numbered = with((0..count).map(|number| number as f64 + 1.0).collect());
    let marked = with((0..count).map(mark).collect());
    let near = 1e3 * A::EPSILON.to_f64();
    let single = |at: usize| {
        let (c, numbered, marked) = (ones[at].to_f64(), numbered[at].to_f64(), marked[at].to_f64());
        if c == 0.0 && numbered == 0.0 && marked == 0.0 {
            return Some(Vec::new());
        }
        let number = (numbered / c).round() - 1.0;
        if !(0.0..count as f64).contains(&number) {
            return None;
        }
        let number = number as usize;
        let is_it = (marked - c * mark(number)).abs() <= near * c.abs();
        is_it.then(|| vec![Partner { number, coefficient: ones[at] }])
    };
    if let Some(all) = (0..ones.len()).map(single).collect() {
        return Some(all);
    }
    if count > MOST_TRIED {
        return None;
    }
    // Terms with several elements of the other operand: each is tried by itself.
    let mut all: Vec<Vec<Partner<A>>> = ones.iter().map(|_| Vec::new()).collect();
    for number in 0..count {
        let index = index_of(&shape, number);
        let unit = unit::<f64>(&shape, &index).to_vec();
        for (partners, coefficient) in all.iter_mut().zip(with(unit)) {
            if coefficient.to_f64() != 0.0 {
                partners.push(Partner { number, coefficient });
            }
        }
    }
    Some(all)
}
