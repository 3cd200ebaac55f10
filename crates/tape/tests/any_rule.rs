//! Examples of the registry's rules without their types: a test that takes these is compiled once, where
//! one that is generic in the rule is compiled for each of a hundred.

use std::fmt::Debug;

use ops::declare::{Example, Refusal};
use ops::registry::{Visitor, visit};
use ops::{Call, Contributions, Dual, OpError, Reading, Rule, Tensor, apply};
use tape::Var;

/// A rule in every reading that is tested.
pub trait AnyRule: Debug {
    fn plain(&self, operands: &[&Tensor<f64>]) -> Result<Tensor<f64>, OpError>;
    fn single(&self, operands: &[&Tensor<f32>]) -> Result<Tensor<f32>, OpError>;
    fn recorded<'t>(&self, operands: &[Var<'t, f64>]) -> Var<'t, f64>;
    fn dual(&self, operands: &[&Dual<Tensor<f64>>]) -> Dual<Tensor<f64>>;
    fn vjp(&self, call: &Call<'_, Tensor<f64>>, v: &Tensor<f64>) -> Contributions<Tensor<f64>>;
    fn vjp_single(
        &self,
        call: &Call<'_, Tensor<f32>>,
        v: &Tensor<f32>,
    ) -> Contributions<Tensor<f32>>;
}

impl<R: Rule> AnyRule for R {
    fn plain(&self, operands: &[&Tensor<f64>]) -> Result<Tensor<f64>, OpError> {
        apply(self, operands)
    }
    fn single(&self, operands: &[&Tensor<f32>]) -> Result<Tensor<f32>, OpError> {
        apply(self, operands)
    }
    fn recorded<'t>(&self, operands: &[Var<'t, f64>]) -> Var<'t, f64> {
        Var::apply(self.clone(), &references(operands))
    }
    fn dual(&self, operands: &[&Dual<Tensor<f64>>]) -> Dual<Tensor<f64>> {
        Dual::apply(self.clone(), operands)
    }
    fn vjp(&self, call: &Call<'_, Tensor<f64>>, v: &Tensor<f64>) -> Contributions<Tensor<f64>> {
        Rule::vjp(self, call, v)
    }
    fn vjp_single(
        &self,
        call: &Call<'_, Tensor<f32>>,
        v: &Tensor<f32>,
    ) -> Contributions<Tensor<f32>> {
        Rule::vjp(self, call, v)
    }
}

fn references<'v, 't>(operands: &'v [Var<'t, f64>]) -> Vec<&'v Var<'t, f64>> {
    operands.iter().collect()
}

/// An example of a rule of any type.
pub type AnyExample<'e> = Example<&'e dyn AnyRule>;

/// The operands of an example on the tape of those that are varied.
pub fn complete<'t>(example: &AnyExample<'_>, varied: &[Var<'t, f64>]) -> Vec<Var<'t, f64>> {
    example.complete(varied, |fixed| varied[0].tape().constant(fixed))
}

/// Calls `test` with every example of every rule, and reports all failures at once.
pub fn every_example(mut test: impl FnMut(&AnyExample<'_>) -> Result<(), String>) {
    let mut every = Every { test: &mut test, failures: Vec::new() };
    visit(&mut every);
    let failures = every.failures;
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

struct Every<'f> {
    test: &'f mut dyn FnMut(&AnyExample<'_>) -> Result<(), String>,
    failures: Vec<String>,
}

impl Every<'_> {
    fn run(&mut self, example: &AnyExample<'_>) {
        if let Err(problem) = (self.test)(example) {
            let shapes: Vec<_> = example.operands.iter().map(Tensor::shape).collect();
            self.failures.push(format!("{:?} of {shapes:?}: {problem}", example.rule));
        }
    }
}

impl Visitor for Every<'_> {
    fn rule<R: Rule>(&mut self, examples: &[Example<R>], _: &[Refusal<R>]) {
        for example in examples {
            let Example { operands, value, fixed, .. } = example.clone();
            self.run(&Example { rule: &example.rule, operands, value, fixed });
        }
    }
}
