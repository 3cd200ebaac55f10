//! Hints, each of which tells more than the one before.

use tape::trace::{Backward, Rounding, short};
use tape::{Trace, Var};

use crate::facts::{Facts, Product};
use crate::names;
use crate::problem::{DIGITS, element, symbol};
use crate::programs::Asked;
use crate::words::Speech;

/// The largest number of terms that a hint writes out.
const MOST_TERMS: usize = 6;

pub fn of(trace: &Trace<'_, f64>, asked: Asked<'_>, facts: &Facts, speech: Speech) -> Vec<String> {
    match asked {
        Asked::Adjoint { node, element } => of_adjoint(trace, (node, element), facts, speech),
        Asked::Local { node, operand, .. } => of_local(trace, (node, operand), asked, speech),
    }
}

fn of_adjoint(
    trace: &Trace<'_, f64>,
    (node, number): (Var<'_, f64>, usize),
    facts: &Facts,
    speech: Speech,
) -> Vec<String> {
    let name = element(node, number);
    let mut hints = vec![match facts.uses.len() {
        1 => speech.goes_into_one(name),
        count => speech.goes_into(count, name),
    }];
    let symbol = symbol(Asked::Adjoint { node, element: number });
    let names = sum(&facts.uses, |factor| factor.0.to_owned());
    hints.push(format!("{symbol} = {names}"));
    let Some(step) = trace.backward().iter().find(|step| step.node == node) else { return hints };
    for of in &step.uses {
        let user = trace.backward().iter().find(|step| step.node == of.node);
        let written = user.and_then(|user| rule(user, of.position));
        if let Some(written) = written {
            hints.push(speech.passes_to(of.node.label(), node.label(), written));
        }
    }
    let numbers = sum(&facts.uses, |factor| number_in_product(factor.1));
    hints.push(format!("{symbol} = {numbers}"));
    hints
}

fn of_local(
    trace: &Trace<'_, f64>,
    (node, operand): (Var<'_, f64>, usize),
    asked: Asked<'_>,
    speech: Speech,
) -> Vec<String> {
    let (name, by) = (node.label(), node.operands()[operand].label());
    let formula = node.formula().unwrap_or_default();
    let mut hints = vec![speech.alone(&name, formula, &by)];
    let Some(step) = trace.backward().iter().find(|step| step.node == node) else { return hints };
    if step.local(operand).is_some() {
        let written = step.local_formula(operand, rounding());
        if let Some(written) = written {
            hints.push(format!("∂{name}/∂{by} = {}", written.names));
            if node.shape().is_empty() {
                hints.push(format!("∂{name}/∂{by} = {}", written.numbers));
            }
        }
    } else if let Some(written) = rule(step, operand) {
        let (adjoint, symbol) = (names::adjoint(&name), symbol(asked));
        hints.push(speech.passes_of_one(name, by, written, adjoint, symbol));
    }
    hints
}

/// The contribution that a step passes on, as its rule writes it.
fn rule(step: &Backward<'_, f64>, operand: usize) -> Option<String> {
    let text = step.formula(operand, rounding())?.names;
    // The adjoint carries the name of its node.
    Some(text.replace('\u{233}', &names::adjoint(&step.node.label())))
}

fn rounding() -> Rounding {
    Rounding { digits: DIGITS, elements: 0 }
}

/// A sum of products as text, by the name and the number of each factor.
fn sum(products: &[Product], text: impl Fn((&str, f64)) -> String) -> String {
    let product = |product: &Product| {
        let factors: Vec<String> = product.iter().map(|f| text((&f.name, f.value))).collect();
        factors.join(" · ")
    };
    let mut terms: Vec<String> = products.iter().take(MOST_TERMS).map(product).collect();
    if products.len() > MOST_TERMS {
        terms.push("…".to_owned());
    }
    terms.join(" + ")
}

fn number_in_product(value: f64) -> String {
    let text = short(value, DIGITS);
    if text.starts_with('-') { format!("({text})") } else { text }
}
