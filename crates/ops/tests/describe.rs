//! Rules as data: what a rule is written out in computes the same as the rule.

use std::collections::HashMap;

use ops::declare::{Example, Refusal};
use ops::describe::{AnyRule, Attribute, Term};
use ops::registry::{Visitor, visit};
use ops::rules::{Lift, Mish, Slice, Sum};
use ops::{Axes, Reading, Rule, Tensor, apply};

/// Holds every rule that can be written out against its own value; counts them.
struct WrittenOut(usize);

impl Visitor for WrittenOut {
    fn rule<R: Rule>(&mut self, examples: &[Example<R>], _: &[Refusal<R>]) {
        for example in examples {
            let operands: Vec<&Tensor<f64>> = example.operands.iter().collect();
            let Some(written_out) = example.rule.compose(&operands) else { continue };
            let own = apply(&example.rule, &operands).unwrap();
            assert_eq!(written_out.shape(), own.shape(), "{:?}", example.rule);
            for (a, b) in written_out.view().iter().zip(own.view()) {
                let close = (a - b).abs() <= 1e-13 * b.abs().max(1.0);
                assert!(
                    close || a == b || (a.is_nan() && b.is_nan()),
                    "{:?}: {a} {b}",
                    example.rule
                );
            }
            self.0 += 1;
        }
    }
}

#[test]
fn a_rule_written_out_computes_the_same() {
    let mut count = WrittenOut(0);
    visit(&mut count);
    assert!(count.0 > 500, "{} examples", count.0);
}

/// Counts the ops of a term, shared ones once.
fn count(term: &Term, seen: &mut HashMap<usize, usize>) {
    let Some((_, operands)) = term.op() else { return };
    if seen.insert(term.address(), operands.len()).is_none() {
        for operand in operands {
            count(operand, seen);
        }
    }
}

#[test]
fn shared_parts_of_a_term_are_shared() {
    // x·tanh(max(x, 0) + ln(1 + e^(−|x|)))
    let term = Rule::compose(&Lift::unary(Mish), &[&Term::operand(0, &[2])]).unwrap();
    let mut seen = HashMap::new();
    count(&term, &mut seen);
    assert_eq!(seen.len(), 8);
    assert_eq!(Reading::shape(&term)[..], [2]);
}

/// Names the rules that have settings and do not tell them.
struct Silent(Vec<String>);

impl Visitor for Silent {
    fn rule<R: Rule>(&mut self, examples: &[Example<R>], _: &[Refusal<R>]) {
        let told = |example: &Example<R>| !Rule::settings(&example.rule).is_empty();
        let has_settings = format!("{:?}", examples[0].rule).contains(['{', '[']);
        if has_settings && !examples.iter().any(told) {
            self.0.push(format!("{:?}", examples[0].rule));
        }
    }
}

#[test]
fn every_rule_tells_its_settings() {
    let mut silent = Silent(Vec::new());
    visit(&mut silent);
    assert!(silent.0.is_empty(), "{:#?}", silent.0);
}

#[test]
fn settings_are_told_as_they_were_given() {
    let sum = Sum { axes: [0, -1].into(), keepdims: true };
    let attributes = AnyRule::settings(&sum);
    let axes = Attribute::Integers(vec![0, -1]);
    assert_eq!(attributes, [("axes", axes), ("keepdims", Attribute::Flag(true))]);
    let all = Sum { axes: Axes::ALL, keepdims: false };
    assert_eq!(AnyRule::settings(&all), [("keepdims", Attribute::Flag(false))]);

    let part = ndarray::s![1.., -1, ..3;2];
    let slice = Slice { part: AsRef::<[_]>::as_ref(&part).into() };
    let integers = |numbers: &[i64]| Attribute::Integers(numbers.to_vec());
    assert_eq!(
        AnyRule::settings(&slice),
        [
            ("starts", integers(&[1, -1, 0])),
            ("ends", integers(&[i64::MAX, i64::MAX, 3])),
            ("steps", integers(&[1, 1, 2])),
            ("removed", integers(&[1])),
        ]
    );
}

#[test]
fn a_sum_of_formulas_is_written_out() {
    let mut sum = ops::Formula::symbol("a", &[2]);
    ops::Reading::accumulate(&mut sum, ops::Formula::symbol("b", &[2]));
    assert_eq!(sum.to_string(), "a + b");
}
