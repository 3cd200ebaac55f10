//! A trace as slides for a lecture: one file that needs nothing else, with a step on each slide.
//!
//! Beside the step is the program, with the values and adjoints that are known by then. Arrow keys
//! turn the slides; printed, each step is a page. Formulas are MathML, which browsers set themselves.
//!
//! ```
//! use tape::{Tape, Trace, prelude::*};
//!
//! let tape = Tape::new();
//! let (w, x) = (tape.var(0.5).named("w"), tape.constant(2.0).named("x"));
//! let slides = Trace::of((w * x).tanh().named("y"))?.to_slides();
//! assert!(slides.starts_with("<!DOCTYPE html>"));
//! // The title, four values, three adjoints.
//! assert_eq!(slides.matches("<section").count(), 1 + 4 + 3);
//! # Ok::<(), tape::error::TapeError>(())
//! ```

mod mathml;

use std::fmt::Write;

use ops::Float;

use crate::show::latex::{Derived, Equation, Pass, Word, derive};
use crate::show::page::hash;
use crate::show::trace::{Layout, Rounding, Step, Trace, tensor_text};
use crate::words::Language;
use mathml::{escaped, math};

const STYLE: &str = include_str!("slides.css");
const SCRIPT: &str = include_str!("slides.js");

/// The number of lines of the program beside a step; of a longer one those around the step.
const LINES: usize = 22;

impl<A: Float> Trace<'_, A> {
    /// Slides of both passes, a step a slide, as the text of an HTML file.
    pub fn to_slides(&self) -> String {
        self.slides_with(Rounding::default())
    }

    /// Slides with other digits, with larger tensors in numbers, or in another language.
    pub fn slides_with(&self, layout: impl Into<Layout>) -> String {
        let layout = layout.into();
        let language = layout.language;
        let title = language.gradient_of(self.output().label());
        let steps = derive(self, layout);
        let program = Program::new(self, layout);
        let size = language.values_and_steps(self.nodes().len(), steps.len());
        let mut slides = format!(
            "<section id=\"slide-1\">\n<h1>{}</h1>\n<p class=\"size\">{}</p>\n</section>\n",
            escaped(&title),
            escaped(&size)
        );
        for (number, step) in steps.iter().enumerate() {
            let title = match step.pass {
                Pass::Forward => language.title_forward(),
                Pass::Backward => language.title_backward(),
            };
            let titles = [title, &language.step_of(number + 1, steps.len())];
            write_slide(&mut slides, number, titles, step, &program.table(number, step));
        }
        let policy = format!(
            "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
            hash(SCRIPT),
            hash(STYLE)
        );
        format!(
            "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{slides}</main>\n\
             <script type=\"module\">{SCRIPT}</script>\n</body>\n</html>\n",
            escaped(language.code()),
            escaped(&title)
        )
    }
}

fn write_slide(
    slides: &mut String,
    number: usize,
    titles: [&str; 2],
    step: &Derived,
    program: &str,
) {
    let class = match step.pass {
        Pass::Forward => "forward",
        Pass::Backward => "backward",
    };
    let [pass, place] = titles.map(escaped);
    let _ = write!(
        slides,
        "<section id=\"slide-{}\" class=\"{class}\">\n<h2><span>{pass}</span> <span>{place}</span>\
         </h2>\n<div class=\"step\">\n<p>{}</p>\n",
        number + 2,
        sentence(&step.sentence)
    );
    for equation in &step.equations {
        let _ = writeln!(slides, "<div class=\"equation\">{}</div>", set(equation));
    }
    for note in &step.notes {
        let _ = writeln!(slides, "<p class=\"note\">{}</p>", sentence(note));
    }
    let _ = write!(slides, "</div>\n{program}</section>\n");
}

fn sentence(words: &[Word]) -> String {
    let word = |word: &Word| match word {
        Word::Text(text) => escaped(text),
        Word::Math(formula) => math(formula),
    };
    words.iter().map(word).collect()
}

/// An equation, in which a line may end before each sign.
fn set(equation: &Equation) -> String {
    let mut sides = equation.sides.iter();
    let first = sides.next().map_or(String::new(), math);
    let mut text = format!("{} <span>{} {first}</span>", math(&equation.left), equation.sign);
    for side in sides {
        let _ = write!(text, " <span>= {}</span>", math(side));
    }
    text
}

/// The lines of a program, and from which step on their value and adjoint are known.
struct Program {
    lines: Vec<Line>,
    language: Language,
}

struct Line {
    name: String,
    formula: String,
    value: String,
    adjoint: Option<(usize, String)>,
}

impl Program {
    fn new<A: Float>(trace: &Trace<'_, A>, layout: Layout) -> Self {
        let layout = Layout { elements: 4, ..layout };
        let line = |&node: &crate::Var<'_, A>| {
            let turn = trace.backward_step_of(node);
            let adjoint = turn.and_then(|turn| match trace.step(turn)? {
                Step::Backward(step) => Some((turn, tensor_text(&step.adjoint, layout))),
                Step::Forward(_) => None,
            });
            Line {
                name: escaped(&node.label()),
                formula: node.formula().map_or(String::new(), |f| format!("= {}", escaped(&f))),
                value: tensor_text(&node.value(), layout),
                adjoint,
            }
        };
        Self { lines: trace.nodes().iter().map(line).collect(), language: layout.language }
    }

    /// The lines around a step, with what is known by then.
    fn table(&self, number: usize, step: &Derived) -> String {
        let first =
            step.place.saturating_sub(LINES / 2).min(self.lines.len().saturating_sub(LINES));
        let (value, adjoint) = (self.language.column_value(), self.language.column_adjoint());
        let mut table = format!(
            "<table>\n<tr><th></th><th></th><th>{}</th><th>{}</th></tr>\n",
            escaped(value),
            escaped(adjoint)
        );
        for (at, line) in self.lines.iter().enumerate().skip(first).take(LINES) {
            let value = if at <= number { &line.value[..] } else { "" };
            let known = line.adjoint.as_ref().filter(|(turn, _)| *turn <= number);
            let adjoint = known.map_or("", |(_, text)| text);
            let here = if at == step.place { " class=\"here\"" } else { "" };
            let Line { name, formula, .. } = line;
            let _ = writeln!(
                table,
                "<tr{here}><td>{name}</td><td>{formula}</td><td>{value}</td><td>{adjoint}</td></tr>"
            );
        }
        table + "</table>\n"
    }
}
