//! Something to do with every rule.

use crate::number::Elementwise;
use crate::rule::{Example, Lift, Refusal, Rule};
use crate::tensor::Tensor;

/// Something to do with each rule.
pub trait Visitor {
    /// Called for each rule, with the cases it declares and the operands it refuses.
    fn rule<R: Rule>(&mut self, examples: &[Example<R>], refusals: &[Refusal<R>]);

    /// Called for each elementwise rule; by default its declared samples become examples.
    fn elementwise<E: Elementwise<N>, const N: usize>(&mut self, rule: E) {
        self.rule(&elementwise_examples(rule), &[]);
    }
}

/// Examples of an elementwise rule from its declared samples: one shape for all operands, each
/// operand broadcast in turn, scalars, size-1 and empty tensors.
pub fn elementwise_examples<E: Elementwise<N>, const N: usize>(
    rule: E,
) -> Vec<Example<Lift<E, N>>> {
    let cut = |operand: usize, shape: &[usize]| {
        let samples = E::DECLARED.samples[operand];
        let numbers = samples.iter().copied().cycle().take(shape.iter().product()).collect();
        Tensor::from_shape_vec(shape, numbers).expect("as many numbers as the shape holds")
    };
    let mut shapes: Vec<[&[usize]; N]> = vec![[&[2, 3]; N], [&[]; N], [&[1]; N], [&[0, 2]; N]];
    if N > 1 {
        let mut reach: [&[usize]; N] = [&[2, 3]; N];
        for narrow in [&[3][..], &[2, 1], &[]] {
            for operand in 0..N {
                reach[operand] = narrow;
                shapes.push(reach);
                reach[operand] = &[2, 3];
            }
        }
        let mut crossed: [&[usize]; N] = [&[1, 3]; N];
        crossed[0] = &[2, 1];
        shapes.push(crossed);
    }
    let mut examples: Vec<_> = shapes
        .into_iter()
        .map(|shapes| Example {
            rule: Lift(rule),
            operands: (0..N).map(|i| cut(i, shapes[i])).collect(),
            value: None,
            fixed: None,
        })
        .collect();
    examples.extend(E::DECLARED.known.iter().map(|(operands, value)| Example {
        rule: Lift(rule),
        operands: operands.map(Tensor::scalar).to_vec(),
        value: Some(Tensor::scalar(*value)),
        fixed: None,
    }));
    examples
}
