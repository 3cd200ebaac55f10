//! Names of values as formulas.

use ops::Binding;

use super::math::Math;
use crate::show::trace::visible;

/// Letters that stand lower than the line, and what they are on it.
const LOWERED: &str = "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ";
const ON_LINE: &str = "0123456789+-aehijklmnoprstuvx";

/// A name as a formula, and how tightly it binds. A name that is a formula itself, such as `w·c`, is
/// set as one.
pub(super) fn name(label: &str) -> (Math, Binding) {
    if let Some(simple) = simple(label) {
        return (simple, Binding::Atom);
    }
    let formula = label.chars().any(|c| "·*@+/(²³ᵀ^".contains(c));
    match Math::read_names(label).filter(|_| formula && !label.contains(char::is_whitespace)) {
        Some(read) => {
            let binding = binding(&read);
            (named(read), binding)
        }
        None => (Math::Text(visible(label)), Binding::Atom),
    }
}

/// How tightly a formula binds.
fn binding(math: &Math) -> Binding {
    let is = |part: &Math, signs: &[&str]| matches!(part, Math::Sign(s) if signs.contains(s));
    match math {
        Math::Row(parts) if parts.iter().any(|p| is(p, &["+", "-"])) => Binding::Sum,
        Math::Row(parts) if parts.iter().any(|p| is(p, &["−"])) => Binding::Sign,
        Math::Row(_) | Math::Fraction(..) => Binding::Product,
        Math::Power(..) | Math::Transposed(_) => Binding::Power,
        _ => Binding::Atom,
    }
}

/// The names in a formula, each set as a name.
fn named(math: Math) -> Math {
    let all = |parts: Vec<Math>| parts.into_iter().map(named).collect();
    let inner = |part: Box<Math>| Box::new(named(*part));
    match math {
        Math::Name(word) => simple(&word).unwrap_or(Math::Text(word)),
        Math::Row(parts) => Math::Row(all(parts)),
        Math::List(parts) => Math::List(all(parts)),
        Math::Call(name, parts) => Math::Call(name, all(parts)),
        Math::Fraction(a, b) => Math::Fraction(inner(a), inner(b)),
        Math::Power(a, b) => Math::Power(inner(a), inner(b)),
        Math::Transposed(a) => Math::Transposed(inner(a)),
        Math::Root(a) => Math::Root(inner(a)),
        Math::Fence(open, a, close) => Math::Fence(open, inner(a), close),
        other => other,
    }
}

/// Letters, each with digits or lowered letters after it: `w`, `v5`, `W₂x`, `loss`.
fn simple(label: &str) -> Option<Math> {
    let letters: Vec<char> = label.chars().collect();
    let (mut parts, mut at) = (Vec::new(), 0);
    while at < letters.len() {
        let word = letters[at..].iter().take_while(|c| c.is_alphabetic() && !is_lowered(**c));
        let word: String = word.collect();
        if word.is_empty() {
            return None;
        }
        at += word.chars().count();
        let mut index: String = letters[at..].iter().map_while(|&c| lowered(c)).collect();
        at += index.chars().count();
        // One letter and digits: v5 is the fifth.
        if index.is_empty() && parts.is_empty() && word.chars().count() == 1 {
            index = letters[at..].iter().take_while(|c| c.is_ascii_digit()).collect();
            at += index.len();
        }
        parts.push(match (Math::Name(word), index.is_empty()) {
            (name, true) => name,
            (name, false) => {
                let index = Math::read_names(&index).unwrap_or(Math::Text(index));
                Math::Sub(Box::new(name), Box::new(index))
            }
        });
    }
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Math::Row(parts)),
    }
}

fn is_lowered(c: char) -> bool {
    LOWERED.contains(c)
}

/// What a lowered letter is on the line.
pub(super) fn lowered(c: char) -> Option<char> {
    LOWERED.chars().zip(ON_LINE.chars()).find_map(|(low, on)| (low == c).then_some(on))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::latex::tex::tex;

    #[test]
    fn names_are_set_as_a_person_would() {
        for (label, latex) in [
            ("w", "w"),
            ("v12", r"v_{12}"),
            ("W₂x", r"W_{2}x"),
            ("loss", r"\mathrm{loss}"),
            ("σ", r"\sigma"),
            ("aₜ₋₁", r"a_{t - 1}"),
            ("w·c", r"w \cdot c"),
            ("sin(c)", r"\sin(c)"),
            ("0.weight", r"\text{0.weight}"),
            ("ln p", r"\text{ln p}"),
            (r"\input{x}", r"\text{\textbackslash{}input\{x\}}"),
            ("50% $_", r"\text{50\% \$\_}"),
        ] {
            assert_eq!(tex(&name(label).0), latex, "{label}");
        }
        assert_eq!(name("a+b").1, Binding::Sum);
        let bars =
            [("z", r"\bar{z}"), ("a₂", r"\bar{a}_{2}"), ("loss", r"\overline{\mathrm{loss}}")];
        for (label, latex) in bars {
            assert_eq!(tex(&Math::Bar(Box::new(name(label).0))), latex);
        }
    }
}
