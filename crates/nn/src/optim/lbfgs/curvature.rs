//! The curvature that is learned from the last steps.

use std::collections::VecDeque;

use ops::Float;

/// Curvature below this is too small to learn from.
const LEAST_CURVATURE: f64 = 1e-10;

/// What is kept from one iteration to the next. All parameters are one long vector here.
#[derive(Clone, Debug, Default)]
pub(super) struct Curvature<A: Float> {
    pub(super) iterations: u64,
    /// The last direction, and how far along it the step went.
    pub(super) direction: Vec<A>,
    pub(super) length: f64,
    /// The gradient where the last step began.
    pub(super) gradient: Vec<A>,
    pub(super) pairs: VecDeque<Pair<A>>,
}

/// How a step changed the weights, s, and the gradient, y.
#[derive(Clone, Debug)]
pub(super) struct Pair<A: Float> {
    pub(super) s: Vec<A>,
    pub(super) y: Vec<A>,
    /// y·s, the curvature along the step.
    pub(super) curvature: f64,
}

impl<A: Float> Curvature<A> {
    /// Learns from the last step, and takes a new direction from a point with this gradient.
    pub(super) fn turn(&mut self, gradient: &[A], history: usize) {
        if self.iterations > 0 {
            let length = A::from_f64(self.length);
            let s = self.direction.iter().map(|&d| length * d).collect();
            let y = gradient.iter().zip(&self.gradient).map(|(&new, &old)| new - old).collect();
            let pair = Pair::new(s, y);
            if pair.curvature > LEAST_CURVATURE {
                if self.pairs.len() == history {
                    self.pairs.pop_front();
                }
                self.pairs.push_back(pair);
            }
        }
        self.iterations += 1;
        self.direction = self.newton(gradient);
        self.gradient.clear();
        self.gradient.extend(gradient);
    }

    /// −H g by the two-loop recursion, algorithm 7.4.
    fn newton(&self, gradient: &[A]) -> Vec<A> {
        let mut q: Vec<A> = gradient.iter().map(|&g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for Pair { s, y, curvature } in self.pairs.iter().rev() {
            let alpha = dot(s, &q) / curvature;
            add(&mut q, -alpha, y);
            alphas.push(alpha);
        }
        if let Some(Pair { y, curvature, .. }) = self.pairs.back() {
            let scale = A::from_f64(curvature / dot(y, y));
            for q in &mut q {
                *q *= scale;
            }
        }
        for (Pair { s, y, curvature }, alpha) in self.pairs.iter().zip(alphas.iter().rev()) {
            let beta = dot(y, &q) / curvature;
            add(&mut q, alpha - beta, s);
        }
        q
    }

    /// x + t d.
    pub(super) fn along(&self, x: &[A], t: f64) -> Vec<A> {
        let mut moved = x.to_vec();
        add(&mut moved, t, &self.direction);
        moved
    }
}

impl<A: Float> Pair<A> {
    pub(super) fn new(s: Vec<A>, y: Vec<A>) -> Self {
        let curvature = dot(&y, &s);
        Self { s, y, curvature }
    }
}

pub(super) fn dot<A: Float>(a: &[A], b: &[A]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum()
}

/// a ← a + factor · b.
fn add<A: Float>(a: &mut [A], factor: f64, b: &[A]) {
    let factor = A::from_f64(factor);
    a.iter_mut().zip(b).for_each(|(a, &b)| *a += factor * b);
}

/// max |x|.
pub(super) fn largest<A: Float>(x: &[A]) -> f64 {
    x.iter().fold(0.0, |most, x| x.to_f64().abs().max(most))
}

/// Σ |x|.
pub(super) fn sum_of_sizes<A: Float>(x: &[A]) -> f64 {
    x.iter().map(|x| x.to_f64().abs()).sum()
}
