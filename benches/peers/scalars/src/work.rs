//! The two workloads of scalars, over whatever number an engine records. Both engines know `f64` alone,
//! so W6s, which is `f32` in `examples/workloads.rs`, is `f64` here.

use std::ops::{Add, Mul, Sub};

use crate::clock::Random;

/// A number that an engine records.
pub trait Number: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    fn sin(self) -> Self;
    fn tanh(self) -> Self;
}

const SIZES: [usize; 4] = [2, 16, 16, 1];

/// The points, labels and weights of W5.
pub struct Moons {
    pub points: Vec<[f64; 2]>,
    pub labels: Vec<f64>,
    pub weights: Vec<f64>,
}

impl Moons {
    pub fn new() -> Self {
        let mut random = Random(1);
        let mut number = || f64::from(random.number()) * 2.0 - 1.0;
        let points: Vec<[f64; 2]> = (0..100).map(|_| [number(), number()]).collect();
        let labels = points.iter().map(|[x, y]| if x * x > *y { 1.0 } else { -1.0 }).collect();
        let count = SIZES.windows(2).map(|sizes| sizes[1] * (sizes[0] + 1)).sum();
        Self { points, labels, weights: (0..count).map(|_| number()).collect() }
    }

    /// The mean squared error of the network: each unit has its weights, and its bias behind them.
    pub fn loss<N: Number>(&self, weights: &[N], constant: impl Fn(f64) -> N) -> N {
        let mut total = constant(0.0);
        let (mut hidden, mut next) = (Vec::new(), Vec::new());
        for (point, &label) in self.points.iter().zip(&self.labels) {
            hidden.clear();
            hidden.extend(point.iter().map(|&x| constant(x)));
            let mut rest = weights;
            for sizes in SIZES.windows(2) {
                next.clear();
                for _ in 0..sizes[1] {
                    let (own, others) = rest.split_at(sizes[0] + 1);
                    rest = others;
                    let products = hidden.iter().zip(own);
                    next.push(products.fold(own[sizes[0]], |sum, (&x, &w)| sum + w * x).tanh());
                }
                std::mem::swap(&mut hidden, &mut next);
            }
            let error = hidden[0] - constant(label);
            total = total + error * error;
        }
        total * constant(0.01)
    }
}

/// W6s: a thousand ops, one after the other.
pub fn chain<N: Number>([x, w, b]: [N; 3]) -> N {
    (0..1_000).fold(x, |y, i| match i % 3 {
        0 => y * w,
        1 => y.sin(),
        _ => y + b,
    })
}

/// Where the chain starts, its factor and its summand.
pub const LEAVES: [f64; 3] = [0.3, 0.9, 0.1];

/// The chains that one timed step records.
pub const CHAINS: usize = 10;
