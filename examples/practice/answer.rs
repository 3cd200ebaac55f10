//! Answers: numbers and formulas, read by the tape's own parser and compared at random points.

use ops::Tensor;
use tape::Tape;
use tape::expression::{Expression, ExpressionError, Kind, value};
use tape::trace::short;

use crate::factor;
use crate::names;
use crate::problem::{DIGITS, Problem, Question, Sample};

/// The longest answer that is read, in characters.
pub const LONGEST: usize = 400;
/// The points at which a formula is compared, beside the problem's own.
const POINTS: u64 = 4;

/// What there is to say of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is right.
    Right,
    /// It is wrong, and this is what can be said of it.
    Wrong(String),
    /// It cannot be read, for this reason.
    Unreadable(String),
}

/// How far from the key a number counts as right: 1 %, and half a unit of the third decimal.
pub fn tolerance(key: f64) -> f64 {
    0.01 * key.abs() + 0.0005
}

/// Tells whether a number that was reckoned by hand is the key.
pub fn agrees(number: f64, key: f64) -> bool {
    (number - key).abs() <= tolerance(key)
}

/// Tells whether two numbers of formulas are the same but for rounding.
pub(crate) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-7 * a.abs().max(b.abs()) + 1e-10
}

/// Judges the answers to a problem.
#[derive(Clone, Debug)]
pub struct Judge {
    /// The problem's own numbers first, then other points.
    samples: Vec<Sample>,
}

/// An answer that was read.
struct Answer {
    expression: Expression,
    /// Without names it is a number.
    is_number: bool,
}

impl Judge {
    /// Gets ready to judge the answers to a problem.
    pub fn new(problem: &Problem) -> Self {
        let points = (0..POINTS).map(|point| problem.at(point));
        Self { samples: std::iter::once(problem.here()).chain(points).collect() }
    }

    /// The numbers by which answers are judged: the problem's own first.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Judges an answer to question number `number`.
    pub fn judge(&self, number: usize, question: &Question, text: &str) -> Verdict {
        let answer = match read(text) {
            Ok(answer) => answer,
            Err(reason) => return Verdict::Unreadable(reason),
        };
        let values = match self.evaluate(number, &answer) {
            Ok(values) => values,
            Err(reason) => return Verdict::Unreadable(reason),
        };
        let keys = self.samples.iter().map(|sample| sample.facts[number].key);
        let (here, key) = (values[0], question.key);
        if answer.is_number {
            if agrees(here, key) {
                return Verdict::Right;
            }
        } else if values.iter().zip(keys).all(|(&value, key)| same(value, key)) {
            return Verdict::Right;
        } else if agrees(here, key) {
            return Verdict::Wrong(format!(
                "`{}` gives the right number here, but with other numbers in the program it does \
                 not: write names for all that depends on them, or one number",
                text.trim()
            ));
        }
        Verdict::Wrong(self.explain(number, question, text, &answer, here))
    }

    /// Says what is wrong with an answer, as exactly as can be told.
    fn explain(
        &self,
        number: usize,
        question: &Question,
        text: &str,
        answer: &Answer,
        here: f64,
    ) -> String {
        let evaluate = |text: &str| {
            let part = read(text).ok()?;
            self.evaluate(number, &part).ok()
        };
        let samples = if answer.is_number { &self.samples[..1] } else { &self.samples };
        let facts: Vec<_> = samples.iter().map(|sample| &sample.facts[number]).collect();
        if let Some(words) = factor::first_wrong(text, &facts, answer.is_number, evaluate) {
            return words;
        }
        if let Some(slip) = question.slips.iter().find(|slip| agrees(here, slip.value)) {
            return slip.words.clone();
        }
        let shown = short(here, DIGITS);
        if shown == text.trim() {
            return format!("{shown} is not it");
        }
        format!("`{}` is {shown} here, which is not it", text.trim())
    }

    /// The value of an answer at each point.
    fn evaluate(&self, question: usize, answer: &Answer) -> Result<Vec<f64>, String> {
        let at = |sample: &Sample| {
            let names = answer.expression.names();
            let known: Vec<(&str, Tensor<f64>)> = sample
                .known(question)
                .filter(|(name, _)| names.contains(&&name[..]))
                .map(|(name, value)| (&name[..], Tensor::scalar(*value)))
                .collect();
            evaluate(&answer.expression, &known)
        };
        let values: Vec<f64> = self.samples.iter().map(at).collect::<Result<_, _>>()?;
        if values[0].is_finite() {
            return Ok(values);
        }
        Err(format!("that is {}, and not a number that can be compared", values[0]))
    }
}

/// Reads an answer.
fn read(text: &str) -> Result<Answer, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("write a number, such as -0.25 or 1/3, or a formula, such as 1 - y^2".into());
    }
    if text.chars().count() > LONGEST {
        return Err(format!("that is longer than {LONGEST} characters"));
    }
    let comma = |text: &str| {
        text.split_once(',').is_some_and(|(whole, rest)| {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
            digits(whole.trim_start_matches(['-', '−'])) && digits(rest)
        })
    };
    let text = if comma(text) { text.replace(',', ".") } else { names::flat(text) };
    let expression = Expression::parse(&text).map_err(|error| sentence(&error))?;
    let is_number = expression.names().is_empty();
    Ok(Answer { expression, is_number })
}

fn evaluate(expression: &Expression, known: &[(&str, Tensor<f64>)]) -> Result<f64, String> {
    let one = |x: &Tensor<f64>| match x.len() {
        1 => Ok(x.item()),
        count => Err(format!("one number is asked for, and that is {count}")),
    };
    if expression.names().is_empty() {
        if let Ok(value) = value(expression.source()) {
            return one(&value);
        }
        // A call, which only a recorded expression can have: with a variable that adds nothing.
        let source = format!("({}) + 0*variable", expression.source());
        let with = Expression::parse(&source).map_err(|error| sentence(&error))?;
        return recorded(&with, &[("variable", Tensor::scalar(1.0))]);
    }
    recorded(expression, known)
}

fn recorded(expression: &Expression, known: &[(&str, Tensor<f64>)]) -> Result<f64, String> {
    let tape = Tape::new();
    let result = expression.record(&tape, known).map_err(|error| sentence(&error))?;
    Ok(result.item())
}

/// An error of the parser as one sentence, with names as they are written here.
fn sentence(error: &ExpressionError) -> String {
    let title = names::unflat(error.title());
    match error.kind() {
        Kind::NoValue(name) => format!(
            "no value {} is known here: write the names of the program, and adjoints that are asked \
             for before this one",
            names::unflat(name)
        ),
        _ => title,
    }
}
