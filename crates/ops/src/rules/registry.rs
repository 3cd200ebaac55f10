//! The list of all rules, for tests and tables that go through every one of them.

use crate::rule::{Cases, Visitor};
use crate::rules;
use crate::rules::elementwise::{visit_binary, visit_unary};

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
    visit_declared::<rules::Assemble>(visitor);
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
    visit_declared::<rules::WeightedSum>(visitor);
    visit_declared::<rules::Windows>(visitor);
    visit_declared::<rules::Conv>(visitor);
    visit_declared::<rules::MaxPool>(visitor);
    visit_declared::<rules::MaxPoolSlope>(visitor);
    #[cfg(feature = "linalg")]
    visit_linalg(visitor);
    visit_declared::<rules::Extreme>(visitor);
    visit_declared::<rules::LogSumExp>(visitor);
    visit_declared::<rules::Norm>(visitor);
    visit_declared::<rules::Deviation>(visitor);
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
    visit_declared::<rules::Cofactor>(visitor);
    visit_declared::<rules::CofactorSlope>(visitor);
    visit_declared::<rules::LogDet>(visitor);
    visit_declared::<rules::Cholesky>(visitor);
}

fn visit_declared<R: Cases>(visitor: &mut impl Visitor) {
    visitor.rule(&R::examples(), &R::refusals());
}
