//! The reading that computes: numbers, in one fused pass.

use smallvec::SmallVec;

use crate::ground::{Shape, broadcast};
use crate::kernel::{self, Point};
use crate::number::{Elementwise, Float, Number, SlopeReads};
use crate::rule::{Reading, Rule, apply, or_panic};
use crate::tensor::Tensor;

/// The slope of a rule times v, element by element.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimesSlope<E> {
    pub rule: E,
    pub operand: usize,
}

impl<E: Elementwise<N>, const N: usize> Point<N, 2> for TimesSlope<E> {
    #[inline(always)]
    fn at<R: Number>(self, x: [R; N], [y, v]: [R; 2]) -> R {
        self.rule.times_slope(self.operand, x, y, v)
    }
}

impl<A: Float> Reading for Tensor<A> {
    fn shape(&self) -> Shape {
        Shape::from_slice(self.shape())
    }

    #[inline]
    fn apply<R: Rule>(rule: R, operands: &[&Self]) -> Self {
        or_panic(apply(&rule, operands))
    }

    fn scalar(&self, value: f64) -> Self {
        Self::scalar(A::from_f64(value))
    }

    fn stop_gradient(&self) -> Self {
        self.clone()
    }

    #[inline]
    fn times_slope<E: Elementwise<N>, const N: usize>(
        rule: E,
        operand: usize,
        operands: [&Self; N],
        output: &Self,
        v: &Self,
    ) -> Option<Self> {
        let reads = SlopeReads::of(rule, operand);
        match reads.literal() {
            Some(0.0) => return None,
            Some(1.0) => return Some(v.clone()),
            _ => {}
        }
        let (shape, x, y) = what_is_read(reads, operands, output, v);
        Some(kernel::map(&shape, x, [y, v], TimesSlope { rule, operand }))
    }

    #[inline]
    fn accumulate(&mut self, other: Self) {
        if let (Some(sum), Some(number)) = (self.as_scalar_mut(), other.as_scalar()) {
            *sum += number;
            return;
        }
        debug_assert_eq!(self.shape(), other.shape());
        kernel::accumulate(self, &other);
    }
}

/// The shape of a slope times v, and the operands and the output that it is computed from. What the
/// slope does not read is replaced by v, which is read anyway.
fn what_is_read<'a, A: Float, const N: usize>(
    reads: SlopeReads,
    operands: [&'a Tensor<A>; N],
    output: &'a Tensor<A>,
    v: &'a Tensor<A>,
) -> (Shape, [&'a Tensor<A>; N], &'a Tensor<A>) {
    let x = std::array::from_fn(|i| if reads.operand(i) { operands[i] } else { v });
    let y = if reads.output() { output } else { v };
    let all = [v, y].into_iter().chain(x).map(Tensor::shape);
    let shape = broadcast(&all.collect::<SmallVec<[&[usize]; 5]>>());
    (shape.expect("operands that the rule has accepted broadcast"), x, y)
}
