//! Mistakes that are often made, and the numbers that they give.

use tape::Trace;

use crate::answer::{agrees, tolerance};
use crate::facts::{Facts, Product, gradient};
use crate::names;
use crate::problem::Slip;
use crate::programs::Asked;
use crate::words::Speech;

/// Lists them; none gives a number that would count as right, and no two the same.
pub fn of(trace: &Trace<'_, f64>, asked: Asked<'_>, facts: &Facts, speech: Speech) -> Vec<Slip> {
    let mut slips = match asked {
        Asked::Adjoint { node, .. } => {
            let mut slips = of_adjoint(facts, speech);
            slips.extend(of_elements(trace, asked, speech));
            slips.extend(value_itself(node, asked, speech));
            slips
        }
        Asked::Local { .. } => of_local(trace, asked, facts, speech),
    };
    slips.push(slip(-facts.key, speech.slip_sign()));
    let mut kept: Vec<Slip> = Vec::new();
    for slip in slips {
        let near_key = (slip.value - facts.key).abs() < 3.0 * tolerance(facts.key);
        let known = kept.iter().any(|k| (k.value - slip.value).abs() < 3.0 * tolerance(k.value));
        if slip.value.is_finite() && !near_key && !known && !agrees(slip.value, 0.0) {
            kept.push(slip);
        }
    }
    kept
}

fn slip(value: f64, words: impl Into<String>) -> Slip {
    Slip { value, words: words.into() }
}

fn value(product: &Product) -> f64 {
    product.iter().map(|factor| factor.value).product()
}

fn of_adjoint(facts: &Facts, speech: Speech) -> Vec<Slip> {
    let mut slips = Vec::new();
    if let [product] = &facts.uses[..] {
        let [bar, local] = &product[..] else { return slips };
        let both = bar.value * local.value;
        slips.push(slip(bar.value, speech.slip_alone(&bar.name, &local.name)));
        slips.push(slip(local.value, speech.slip_alone(&local.name, &bar.name)));
        slips.push(slip(bar.value + local.value, speech.slip_added(&bar.name, &local.name)));
        slips.push(slip(both * local.value, speech.slip_twice(&local.name)));
        return slips;
    }
    for product in &facts.uses {
        let by: Vec<&str> = product.iter().map(|factor| &factor.name[..]).collect();
        let by = by.join(" · ");
        let rest = facts.key - value(product);
        slips.push(slip(rest, speech.contribution_missing(&by)));
        slips.push(slip(value(product), speech.slip_contribution_alone(&by)));
    }
    let bars: f64 = facts.uses.iter().map(|product| product[0].value).sum();
    slips.push(slip(bars, speech.slip_adjoints()));
    slips
}

/// Another element of the same adjoint.
fn of_elements(trace: &Trace<'_, f64>, asked: Asked<'_>, speech: Speech) -> Vec<Slip> {
    let Asked::Adjoint { node, element } = asked else { return Vec::new() };
    let elements = gradient(trace, node).into_iter().enumerate();
    let others = elements.filter(|&(i, _)| i != element);
    let words = |i| {
        let (bar, at) = (names::adjoint(&node.label()), names::indices(&node.shape(), i));
        speech.slip_element(bar + &at)
    };
    others.map(|(i, x)| slip(x, words(i))).collect()
}

fn value_itself(node: tape::Var<'_, f64>, asked: Asked<'_>, speech: Speech) -> Option<Slip> {
    let Asked::Adjoint { element, .. } = asked else { return None };
    let value = node.value().to_vec()[element];
    let name = crate::problem::element(node, element);
    Some(slip(value, speech.slip_value_of(name)))
}

fn of_local(trace: &Trace<'_, f64>, asked: Asked<'_>, facts: &Facts, speech: Speech) -> Vec<Slip> {
    let Asked::Local { node, element, operand, of } = asked else { return Vec::new() };
    let bar = gradient(trace, node)[element];
    let mut slips = vec![
        slip(bar * facts.key, speech.slip_times_adjoint()),
        slip(1.0 / facts.key, speech.slip_upside_down()),
        slip(node.value().to_vec()[element], speech.slip_value()),
    ];
    for (other, by) in node.operands().into_iter().enumerate() {
        if other != operand && by.is_tracked() && by.shape() == node.operands()[operand].shape() {
            let asked = Asked::Local { node, element, operand: other, of };
            slips.push(slip(crate::facts::local(asked), speech.slip_operand(by.label())));
        }
    }
    slips
}
