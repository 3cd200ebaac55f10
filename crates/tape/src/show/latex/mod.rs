//! The derivation of a program's gradient in LaTeX: a document, or blocks to paste into one.
//!
//! ```
//! use tape::{Tape, Trace, prelude::*};
//!
//! let tape = Tape::new();
//! let (w, x) = (tape.var(0.5).named("w"), tape.constant(2.0).named("x"));
//! let y = (w * x).named("z").tanh().named("y");
//! let latex = Trace::of(y)?.latex();
//! assert!(latex.blocks().contains(r"z &= w \cdot x = 0.5 \cdot 2 = 1 \\"));
//! assert!(latex.blocks().contains(r"\frac{\partial y}{\partial z} &= 1 - y^{2}"));
//! assert!(latex.document().starts_with(r"\documentclass"));
//! # Ok::<(), tape::error::TapeError>(())
//! ```

mod derivation;
mod math;
mod name;
mod reading;
mod tex;

use std::fmt::Write;

use ops::Float;

use crate::show::trace::{Layout, Rounding, Trace};
use crate::words::Language;
pub(crate) use derivation::{Derived, Equation, Pass, Word, derive};
pub(crate) use math::Math;
#[cfg(feature = "svg")]
#[cfg(feature = "svg")]
pub(crate) use tex::line;
use tex::{escaped, tex};

/// The width, in letters, from which the sides of an equation stand on lines of their own.
const WIDEST: usize = 64;

impl<A: Float> Trace<'_, A> {
    /// The derivation in LaTeX, step by step: four digits, and tensors of up to six elements in
    /// numbers.
    pub fn latex(&self) -> Latex {
        self.latex_with(Rounding::default())
    }

    /// The derivation in LaTeX with other digits, with larger tensors in numbers, or in another
    /// language.
    pub fn latex_with(&self, layout: impl Into<Layout>) -> Latex {
        let layout = layout.into();
        let (title, language) = (self.output().label(), layout.language);
        Latex { title, steps: derive(self, layout), language }
    }
}

/// A derivation in LaTeX.
#[derive(Clone, Debug)]
pub struct Latex {
    title: String,
    steps: Vec<Derived>,
    language: Language,
}

impl Latex {
    /// A whole document. It needs no packages but those of the American Mathematical Society, which
    /// every LaTeX has; where names have letters beyond Latin and Greek ones, LuaLaTeX or XeLaTeX
    /// sets them.
    pub fn document(&self) -> String {
        let title = escaped(&self.language.gradient_of(&self.title));
        format!(
            "\\documentclass{{article}}\n\\usepackage{{amsmath,amssymb}}\n\\allowdisplaybreaks\n\
             \\title{{{title}}}\n\\date{{}}\n\
             \\begin{{document}}\n\\maketitle\n{}\\end{{document}}\n",
            self.blocks()
        )
    }

    /// The sections, to paste into a document that uses `amsmath` and `amssymb`: each pass is a
    /// heading, sentences, and `align*` blocks.
    pub fn blocks(&self) -> String {
        let (mut text, language) = (String::new(), self.language);
        let _ = writeln!(text, "\\section*{{{}}}", escaped(language.title_forward()));
        let (forward, backward): (Vec<&Derived>, Vec<&Derived>) =
            self.steps.iter().partition(|step| step.pass == Pass::Forward);
        // One block: each step of the forward pass is one equation.
        align(&mut text, forward.iter().flat_map(|step| &step.equations));
        let _ = writeln!(text, "\\section*{{{}}}", escaped(language.title_backward()));
        let _ = writeln!(text, "{}\n", escaped(language.bar_means()));
        for step in backward {
            let _ = writeln!(text, "\\noindent {}", sentence(&step.sentence));
            align(&mut text, step.equations.iter());
            for note in &step.notes {
                let _ = writeln!(text, "{}\n", sentence(note));
            }
        }
        text
    }

    /// The equations one by one, each as it stands in mathematics mode: for a page that sets them
    /// with KaTeX or MathJax.
    pub fn formulas(&self) -> Vec<String> {
        let equations = self.steps.iter().flat_map(|step| &step.equations);
        equations.map(|equation| lines(equation, "").join(" ")).collect()
    }
}

fn sentence(words: &[Word]) -> String {
    let word = |word: &Word| match word {
        Word::Text(text) => escaped(text),
        Word::Math(math) => format!("${}$", tex(math)),
    };
    words.iter().map(word).collect()
}

fn align<'e>(text: &mut String, equations: impl Iterator<Item = &'e Equation>) {
    let lines: Vec<String> = equations.flat_map(|equation| lines(equation, "&")).collect();
    if !lines.is_empty() {
        let _ = writeln!(text, "\\begin{{align*}}\n{}\n\\end{{align*}}", lines.join(" \\\\\n"));
    }
}

/// The lines of an equation, with a mark where they are aligned.
fn lines(equation: &Equation, mark: &str) -> Vec<String> {
    let relation = match equation.sign {
        "+=" => "\\mathrel{+}=",
        "∈" => "\\in",
        _ => "=",
    };
    let whole: usize = equation.sides.iter().map(Math::width).sum();
    let mut lines = vec![tex(&equation.left)];
    for (i, side) in equation.sides.iter().enumerate() {
        let (side, last) = (tex(side), lines.last_mut().expect("the left side"));
        match i {
            0 => last.extend([" ", mark, relation, " ", &side]),
            _ if whole <= WIDEST => last.extend([" = ", &side]),
            _ => lines.push(format!("{mark}= {side}")),
        }
    }
    lines
}
