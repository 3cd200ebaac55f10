//! The reading that computes: numbers, in one fused pass.

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
        // What the slope does not read is replaced by what is read anyway.
        let mut i = 0..N;
        let x = operands.map(|x| if i.next().is_some_and(|i| reads.operand(i)) { x } else { v });
        let y = if reads.output() { output } else { v };
        let mut shapes: [&[usize]; N] = x.map(Tensor::shape);
        let last = [y.shape(), v.shape()];
        let shape = broadcast(&last)
            .and_then(|shape| shapes.iter_mut().try_fold(shape, |shape, x| broadcast(&[&shape, x])))
            .expect("operands that the rule has accepted broadcast");
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
