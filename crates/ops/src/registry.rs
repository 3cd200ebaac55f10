//! The list of all rules, for tests and tables that go through every one of them.

use crate::declare::{Cases, Example, Refusal, sample};
use crate::rule::{Elementwise, Lift, Rule};
use crate::rules;
use crate::rules::elementwise::{visit_binary, visit_unary};
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

/// Shows every rule to `visitor`.
///
/// ```
/// use ops::registry::{Visitor, visit};
/// use ops::declare::{Example, Refusal};
///
/// struct Names(Vec<&'static str>);
/// impl Visitor for Names {
///     fn rule<R: ops::Rule>(&mut self, examples: &[Example<R>], _: &[Refusal<R>]) {
///         self.0.push(examples[0].rule.name());
///     }
/// }
/// let mut names = Names(Vec::new());
/// visit(&mut names);
/// assert!(names.0.contains(&"tanh") && names.0.contains(&"matmul"));
/// ```
pub fn visit(visitor: &mut impl Visitor) {
    visit_unary(visitor);
    visit_binary(visitor);
    visitor.elementwise::<_, 3>(rules::Where);
    visit_declared::<rules::Identity>(visitor);
    visit_declared::<rules::Sum>(visitor);
    visit_declared::<rules::Mean>(visitor);
    visit_declared::<rules::BroadcastTo>(visitor);
    visit_declared::<rules::Reshape>(visitor);
    visit_declared::<rules::Permute>(visitor);
    visit_declared::<rules::Slice>(visitor);
    visit_declared::<rules::SliceAdjoint>(visitor);
    visit_declared::<rules::Concat>(visitor);
    visit_declared::<rules::IndexSelect>(visitor);
    visit_declared::<rules::IndexAdd>(visitor);
    visit_declared::<rules::Pick>(visitor);
    visit_declared::<rules::Place>(visitor);
    visit_declared::<rules::AxisMap>(visitor);
    visit_declared::<rules::Cumsum>(visitor);
    visit_declared::<rules::TakeAlong>(visitor);
    visit_declared::<rules::ScatterAdd>(visitor);
    visit_declared::<rules::Gather>(visitor);
    visit_declared::<rules::GatherAdjoint>(visitor);
    visit_declared::<rules::Diagonal>(visitor);
    visit_declared::<rules::DiagonalAdjoint>(visitor);
    visit_declared::<rules::Triangle>(visitor);
    visit_declared::<rules::Matmul>(visitor);
    visit_declared::<rules::Windows>(visitor);
    visit_declared::<rules::Conv>(visitor);
    visit_declared::<rules::MaxPool>(visitor);
    visit_declared::<rules::MaxPoolSlope>(visitor);
    #[cfg(feature = "linalg")]
    visit_linalg(visitor);
    visit_declared::<rules::Extreme>(visitor);
    visit_declared::<rules::LogSumExp>(visitor);
    visit_declared::<rules::Norm>(visitor);
    visit_declared::<rules::Variance>(visitor);
    visit_declared::<rules::Normalize>(visitor);
    visit_declared::<rules::NormalizeSlope>(visitor);
    visit_declared::<rules::Softmax>(visitor);
    visit_declared::<rules::LogSoftmax>(visitor);
    visit_declared::<rules::SoftmaxCrossEntropy>(visitor);
    visit_declared::<rules::SparseSoftmaxCrossEntropy>(visitor);
    visit_declared::<rules::OneHot>(visitor);
    visit_declared::<rules::LabelCrossEntropy>(visitor);
}

#[cfg(feature = "linalg")]
fn visit_linalg(visitor: &mut impl Visitor) {
    visit_declared::<rules::Inverse>(visitor);
    visit_declared::<rules::Solve>(visitor);
    visit_declared::<rules::Det>(visitor);
    visit_declared::<rules::LogDet>(visitor);
    visit_declared::<rules::Cholesky>(visitor);
}

fn visit_declared<R: Cases>(visitor: &mut impl Visitor) {
    visitor.rule(&R::examples(), &R::refusals());
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

/// Operands of the given shapes in general position.
pub fn samples(shapes: &[&[usize]]) -> Vec<Tensor<f64>> {
    shapes.iter().enumerate().map(|(seed, shape)| sample(shape, seed)).collect()
}
