//! What a value is called where it is shown, and what its adjoint is called.

use ops::{Binding, Float, Formula, visible};
use textwrap::core::display_width;

use super::node::Source;
use super::var::Var;

/// The columns that the expression of an unnamed value may take as its label.
const LONGEST: usize = 24;
/// The ops that it may be made of, one inside the other: each takes a column at least.
const DEEPEST: usize = 12;

impl<A: Float> Var<'_, A> {
    /// What the value is called. That is its name; without one, the expression that computed it if
    /// that is short, as `w·x`, the number of a constant, or else `#` and its position.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let (w, x) = (tape.var(0.5).named("w"), tape.var(2.0).named("x"));
    /// let z = w * x + 1.0;
    /// assert_eq!((z.label(), z.operands()[0].label()), ("w·x + 1".into(), "w·x".into()));
    /// assert_eq!(tape.var(0.1).label(), "#4"); // Nothing tells what it is.
    /// ```
    pub fn label(self) -> String {
        self.symbol().to_string()
    }

    /// What its adjoint is called: `z̄`, `w̄₁`; `adj(loss)` where the label is more than a letter and
    /// its index.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let w = tape.var(0.5).named("w₁");
    /// assert_eq!((w.adjoint_label(), (w * w).adjoint_label()), ("w̄₁".into(), "adj(w₁·w₁)".into()));
    /// ```
    pub fn adjoint_label(self) -> String {
        adjoint_of(&self.label())
    }

    /// Whether a name that a user typed is the label: spaces do not count, and `*` is `·`.
    pub fn is_called(self, name: &str) -> bool {
        typed(&self.label()) == typed(name)
    }

    /// The label as it stands in a formula.
    pub(crate) fn symbol(self) -> Formula {
        match self.spelled(DEEPEST) {
            Some(formula) => formula.compact(),
            None => Formula::symbol(self.short_label(), &self.shape()),
        }
    }

    /// Whether its label is the expression that computed it.
    pub(crate) fn is_spelled_out(self) -> bool {
        self.name().is_none() && self.op().is_some() && self.spelled(DEEPEST).is_some()
    }

    /// The name as it is [shown](visible).
    fn shown_name(self) -> Option<String> {
        self.name().map(|name| visible(&name).into_owned())
    }

    /// The name, or `#` and its position.
    pub(crate) fn short_label(self) -> String {
        self.shown_name().unwrap_or_else(|| format!("#{}", self.position()))
    }

    /// The label in parentheses where it is a sum or a product, as in `∂y/∂(w·x)`.
    pub(crate) fn enclosed_label(self) -> String {
        if self.name().is_some() { self.label() } else { self.symbol().within(Binding::Atom) }
    }

    /// The name, or the expression in names and numbers, if it has no more than `deepest` ops one
    /// inside the other.
    fn spelled(self, deepest: usize) -> Option<Formula> {
        let shape = self.shape();
        if let Some(name) = self.shown_name() {
            return Some(Formula::symbol(name, &shape));
        }
        let graph = self.tape().graph();
        let op = match &graph[self.index()].source {
            Source::Op(op) => op,
            Source::Constant if shape.is_empty() => {
                return Some(Formula::rounded(graph[self.index()].value.item().to_f64()));
            }
            _ => return None,
        };
        let deepest = deepest.checked_sub(1)?;
        let operands = self.operands().into_iter().map(|x| x.spelled(deepest));
        let operands: Vec<Formula> = operands.collect::<Option<_>>()?;
        let formula = op.write(&operands.iter().collect::<Vec<_>>()).of_shape(shape);
        (display_width(&formula.to_string()) <= LONGEST).then_some(formula)
    }
}

/// A label as it can be typed.
pub(crate) fn typed(label: &str) -> String {
    label.chars().filter(|c| !c.is_whitespace()).map(|c| if c == '·' { '*' } else { c }).collect()
}

/// The letters that Unicode has with the bar above them.
const BARRED: [(char, char); 14] = [
    ('a', 'ā'),
    ('e', 'ē'),
    ('g', 'ḡ'),
    ('i', 'ī'),
    ('o', 'ō'),
    ('u', 'ū'),
    ('y', 'ȳ'),
    ('A', 'Ā'),
    ('E', 'Ē'),
    ('G', 'Ḡ'),
    ('I', 'Ī'),
    ('O', 'Ō'),
    ('U', 'Ū'),
    ('Y', 'Ȳ'),
];

/// What the adjoint of a value of this name is called: a letter, with or without an index, gets a
/// bar.
pub(crate) fn adjoint_of(name: &str) -> String {
    let mut rest = name.chars();
    let index =
        |c: char| c.is_ascii_digit() || matches!(c, '\u{2080}'..='\u{209c}' | '\'' | '′' | '″');
    match rest.next() {
        Some(letter)
            if letter.is_alphabetic()
                && (rest.as_str().chars().all(index) || is_subscript(rest.as_str())) =>
        {
            let barred = BARRED.iter().find(|(plain, _)| *plain == letter);
            let barred = barred.map_or_else(|| format!("{letter}\u{304}"), |b| b.1.to_string());
            barred + rest.as_str()
        }
        _ => format!("adj({name})"),
    }
}

/// A name with its barred letters written with the bar apart, so that two ways of writing are equal.
pub(crate) fn plain(name: &str) -> String {
    let mut plain = String::new();
    for c in name.chars() {
        match BARRED.iter().find(|(_, barred)| *barred == c) {
            Some((letter, _)) => plain.extend([*letter, '\u{304}']),
            None => plain.push(c),
        }
    }
    plain
}

/// Whether a text goes on as `_in` or `_1`.
fn is_subscript(text: &str) -> bool {
    text.strip_prefix('_').is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::{adjoint_of, plain};
    use crate::prelude::*;

    #[test]
    fn a_barred_letter_is_a_letter_and_a_bar() {
        for (name, apart) in [("ȳ", "y\u{304}"), ("Ā₂", "A\u{304}₂"), ("xb", "xb"), ("θ", "θ")]
        {
            assert_eq!(plain(name), apart);
        }
    }

    #[test]
    fn an_expression_is_spelled_out_and_a_number_is_not() {
        let tape = Tape::<f64>::new();
        let (x, two) = (tape.var(1.0).named("x"), tape.constant(2.0));
        assert!((x * two).is_spelled_out());
        assert!(!two.is_spelled_out() && !x.is_spelled_out());
        assert!(!(x * two).named("y").is_spelled_out());
    }

    #[test]
    fn a_letter_gets_a_bar_and_a_word_is_called() {
        for (name, adjoint) in [
            ("z", "z\u{304}"),
            ("y", "ȳ"),
            ("W₂", "W\u{304}₂"),
            ("x1", "x\u{304}1"),
            ("h_prev", "h\u{304}_prev"),
            ("h_in_1", "h\u{304}_in_1"),
            ("h_", "adj(h_)"),
            ("a′", "ā′"),
            ("θ", "θ\u{304}"),
            ("loss", "adj(loss)"),
            ("w·x", "adj(w·x)"),
            ("0.weight", "adj(0.weight)"),
            ("#5", "adj(#5)"),
            ("", "adj()"),
        ] {
            assert_eq!(adjoint_of(name), adjoint);
        }
    }
}
