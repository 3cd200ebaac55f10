//! Mistakes that are often made, and the numbers that they give.

use tape::Trace;

use crate::answer::{agrees, tolerance};
use crate::facts::{Facts, Product, gradient};
use crate::names;
use crate::problem::Slip;
use crate::programs::Asked;

/// Lists them; none gives a number that would count as right, and no two the same.
pub fn of(trace: &Trace<'_, f64>, asked: Asked<'_>, facts: &Facts) -> Vec<Slip> {
    let mut slips = match asked {
        Asked::Adjoint { node, .. } => {
            let mut slips = of_adjoint(facts);
            slips.extend(of_elements(trace, asked));
            slips.extend(value_itself(node, asked));
            slips
        }
        Asked::Local { .. } => of_local(trace, asked, facts),
    };
    slips.push(slip(-facts.key, "the sign is the wrong way round"));
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

fn of_adjoint(facts: &Facts) -> Vec<Slip> {
    let mut slips = Vec::new();
    if let [product] = &facts.uses[..] {
        let [bar, local] = &product[..] else { return slips };
        slips.push(slip(
            bar.value,
            format!("that is {} alone: the factor {} is missing", bar.name, local.name),
        ));
        slips.push(slip(
            local.value,
            format!("that is {} alone: the factor {} is missing", local.name, bar.name),
        ));
        slips.push(slip(
            bar.value + local.value,
            format!("{} and {} are multiplied, not added", bar.name, local.name),
        ));
        slips.push(slip(
            bar.value * local.value * local.value,
            format!("the factor {} is there twice", local.name),
        ));
        return slips;
    }
    for product in &facts.uses {
        let by: Vec<&str> = product.iter().map(|factor| &factor.name[..]).collect();
        let by = by.join(" · ");
        let rest = facts.key - value(product);
        slips.push(slip(rest, format!("the contribution {by} is missing")));
        slips.push(slip(
            value(product),
            format!("that is the contribution {by} alone: the others are to be added"),
        ));
    }
    let bars: f64 = facts.uses.iter().map(|product| product[0].value).sum();
    slips.push(slip(bars, "that is the sum of the adjoints: the local derivatives are missing"));
    slips
}

/// Another element of the same adjoint.
fn of_elements(trace: &Trace<'_, f64>, asked: Asked<'_>) -> Vec<Slip> {
    let Asked::Adjoint { node, element } = asked else { return Vec::new() };
    let elements = gradient(trace, node).into_iter().enumerate();
    let others = elements.filter(|&(i, _)| i != element);
    let words = |i| {
        let (bar, at) = (names::adjoint(&node.label()), names::indices(&node.shape(), i));
        format!("that is another element, {bar}{at}")
    };
    others.map(|(i, x)| slip(x, words(i))).collect()
}

fn value_itself(node: tape::Var<'_, f64>, asked: Asked<'_>) -> Option<Slip> {
    let Asked::Adjoint { element, .. } = asked else { return None };
    let value = node.value().to_vec()[element];
    let name = crate::problem::element(node, element);
    Some(slip(value, format!("that is the value of {name}, not its adjoint")))
}

fn of_local(trace: &Trace<'_, f64>, asked: Asked<'_>, facts: &Facts) -> Vec<Slip> {
    let Asked::Local { node, element, operand, of } = asked else { return Vec::new() };
    let bar = gradient(trace, node)[element];
    let mut slips = vec![
        slip(
            bar * facts.key,
            "that is the local derivative times the adjoint: asked is the local one alone",
        ),
        slip(1.0 / facts.key, "that is the derivative the other way round"),
        slip(node.value().to_vec()[element], "that is the value, not the derivative"),
    ];
    for (other, by) in node.operands().into_iter().enumerate() {
        if other != operand && by.is_tracked() && by.shape() == node.operands()[operand].shape() {
            let asked = Asked::Local { node, element, operand: other, of };
            let words = format!("that is the derivative by the other operand, {}", by.label());
            slips.push(slip(crate::facts::local(asked), words));
        }
    }
    slips
}
