//! An opened element as text.

use std::fmt::{self, Display};

use ops::Float;
use textwrap::core::display_width;

use super::{Opened, Product, Sum, Term};
use crate::show::trace::text::{Layout, Role, Span, Text, span, visible};
use crate::words::Language;

/// The number of terms that are written as one sum.
const MOST_IN_A_ROW: usize = 6;
/// The number of terms that are listed.
const MOST_LISTED: usize = 32;

impl<A: Float> Sum<A> {
    /// The terms in names as one sum: `W[1,0]·x[0] + W[1,1]·x[1]`.
    pub fn names(&self) -> String {
        joined(self.terms.iter().map(|term| &term.names), self.more)
    }

    /// The terms in numbers as one sum: `2·3 + (-1·4)`.
    pub fn numbers(&self) -> String {
        joined(self.terms.iter().map(|term| &term.numbers), self.more)
    }

    fn write(&self, text: &mut Text, layout: Layout, indent: usize) {
        let sign = if self.from.is_some() { "+=" } else { "=" };
        let name = [span(Role::Heading, visible(&self.name))];
        let value = layout.rounding.number(self.value);
        let all = self.terms.len() + self.more;
        if all == 0 {
            return text.equation(indent, &name, sign, vec![span(Role::Value, value)]);
        }
        if all <= MOST_IN_A_ROW {
            let mut sides = vec![
                span(Role::Formula, visible(&self.names())),
                span(Role::Numbers, visible(&self.numbers())),
                span(Role::Value, value),
            ];
            sides.dedup_by(|a, b| a.text == b.text);
            return text.equation(indent, &name, sign, sides);
        }
        let title = span(Role::Note, layout.language.sum_of(all));
        text.equation(indent, &name, sign, vec![title]);
        let shown = &self.terms[..self.terms.len().min(MOST_LISTED)];
        let column = |part: fn(&Term<A>) -> &String| {
            shown.iter().map(|term| display_width(part(term))).max().unwrap_or(0)
        };
        let (names, numbers) = (column(|term| &term.names), column(|term| &term.numbers));
        for term in shown {
            let padded = |text: &str, width: usize| {
                let space = width.saturating_sub(display_width(text));
                format!("{}{:space$}", visible(text), "")
            };
            text.line(vec![
                span(Role::Space, " ".repeat(indent + 4)),
                span(Role::Formula, padded(&term.names, names)),
                span(Role::Space, " = "),
                span(Role::Numbers, padded(&term.numbers, numbers)),
                span(Role::Space, " = "),
                span(Role::Value, layout.rounding.number(term.value)),
            ]);
        }
        let hidden = self.terms[shown.len()..].iter().fold(self.rest, |sum, term| sum + term.value);
        if all > shown.len() {
            let more = all - shown.len();
            let hidden = layout.rounding.number(hidden);
            text.note(Role::Note, indent + 4, &layout.language.more_together(more, hidden));
        }
        text.equation(indent, &name, sign, vec![span(Role::Value, value)]);
    }
}

fn joined<'a>(terms: impl Iterator<Item = &'a String>, more: usize) -> String {
    let mut words: Vec<String> = terms
        .enumerate()
        .map(
            |(i, term)| {
                if i > 0 && term.starts_with('-') { format!("({term})") } else { term.clone() }
            },
        )
        .collect();
    if more > 0 {
        words.push("…".to_owned());
    }
    words.join(" + ")
}

impl Product {
    fn write(&self, text: &mut Text, language: Language) {
        if !self.table.is_empty() {
            text.note(Role::Note, 2, language.all_elements());
            let width = self.table.iter().flatten().map(|cell| display_width(cell)).max();
            for row in &self.table {
                let mut line: Vec<Span> = vec![span(Role::Space, "    ")];
                for (column, cell) in row.iter().enumerate() {
                    let space = width.unwrap_or(0) - display_width(cell) + 3;
                    line.push(span(Role::Formula, visible(cell)));
                    if column + 1 < row.len() {
                        line.push(span(Role::Space, " ".repeat(space)));
                    }
                }
                text.line(line);
            }
        }
        let Self { element, product, why, .. } = self;
        text.note(Role::Note, 2, &visible(&language.because(element, why)));
        text.note(Role::Heading, 2, &visible(product));
    }
}

impl<A: Float> Opened<A> {
    /// The element as text: what it is the sum of, in names and in numbers.
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        let is_adjoint = self.sums.iter().any(|sum| sum.from.is_some());
        if is_adjoint || self.sums.is_empty() {
            let value = span(Role::Value, layout.rounding.number(self.value));
            let name = [span(Role::Heading, visible(&self.name))];
            text.equation(0, &name, "=", vec![value]);
        }
        if let Some(note) = &self.note {
            text.note(Role::Note, 2, note);
        }
        for part in &self.parts {
            part.write(&mut text, layout, 2);
        }
        for (i, sum) in self.sums.iter().enumerate() {
            if let Some(from) = &sum.from {
                let from = match i {
                    0 => layout.language.from_its_use(from),
                    _ => layout.language.and_from_its_use(from),
                };
                text.note(Role::Note, 2, &visible(&from));
            }
            sum.write(&mut text, layout, if is_adjoint { 2 } else { 0 });
            if let Some(product) = &sum.product {
                product.write(&mut text, layout.language);
            }
        }
        text
    }
}

impl<A: Float> Display for Opened<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text(Layout::of(f)))
    }
}
