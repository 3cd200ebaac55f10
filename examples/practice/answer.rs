//! Answers: numbers and formulas, read by the tape's own parser and compared at random points.

use ops::Tensor;
use tape::Tape;
use tape::expression::{Expression, ExpressionError, Kind, value};
use tape::trace::short;

use crate::factor;
use crate::names;
use crate::problem::{DIGITS, Problem, Question, Sample};
use crate::words::Speech;

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
    speech: Speech,
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
        let samples = std::iter::once(problem.here()).chain(points).collect();
        Self { samples, speech: problem.speech }
    }

    /// The numbers by which answers are judged: the problem's own first.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Judges an answer to question number `number`.
    pub fn judge(&self, number: usize, question: &Question, text: &str) -> Verdict {
        let speech = self.speech;
        let answer = match read(text, speech) {
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
            return Verdict::Wrong(speech.right_here_only(text.trim()));
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
            let part = read(text, self.speech).ok()?;
            self.evaluate(number, &part).ok()
        };
        let samples = if answer.is_number { &self.samples[..1] } else { &self.samples };
        let facts: Vec<_> = samples.iter().map(|sample| &sample.facts[number]).collect();
        let (is_number, speech) = (answer.is_number, self.speech);
        if let Some(words) = factor::first_wrong(text, &facts, is_number, speech, evaluate) {
            return words;
        }
        if let Some(slip) = question.slips.iter().find(|slip| agrees(here, slip.value)) {
            return slip.words.clone();
        }
        let shown = short(here, DIGITS);
        if shown == text.trim() {
            return speech.not_it(shown);
        }
        speech.is_not_it(text.trim(), shown)
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
            evaluate(&answer.expression, &known, self.speech)
        };
        let values: Vec<f64> = self.samples.iter().map(at).collect::<Result<_, _>>()?;
        if values[0].is_finite() {
            return Ok(values);
        }
        Err(self.speech.not_comparable(values[0]))
    }
}

/// Reads an answer.
fn read(text: &str, speech: Speech) -> Result<Answer, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(speech.write_something().to_owned());
    }
    if text.chars().count() > LONGEST {
        return Err(speech.too_long(LONGEST));
    }
    let comma = |text: &str| {
        text.split_once(',').is_some_and(|(whole, rest)| {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
            digits(whole.trim_start_matches(['-', '−'])) && digits(rest)
        })
    };
    let text = if comma(text) { text.replace(',', ".") } else { names::flat(text) };
    let expression =
        Expression::parse_in(speech.views(), &text).map_err(|error| sentence(&error, speech))?;
    let is_number = expression.names().is_empty();
    Ok(Answer { expression, is_number })
}

fn evaluate(
    expression: &Expression,
    known: &[(&str, Tensor<f64>)],
    speech: Speech,
) -> Result<f64, String> {
    let one = |x: &Tensor<f64>| match x.len() {
        1 => Ok(x.item()),
        count => Err(speech.one_number(count)),
    };
    if expression.names().is_empty() {
        if let Ok(value) = value(expression.source()) {
            return one(&value);
        }
        // A call, which only a recorded expression can have: with a variable that adds nothing.
        let source = format!("({}) + 0*variable", expression.source());
        let with = Expression::parse_in(speech.views(), &source)
            .map_err(|error| sentence(&error, speech))?;
        return recorded(&with, &[("variable", Tensor::scalar(1.0))], speech);
    }
    recorded(expression, known, speech)
}

fn recorded(
    expression: &Expression,
    known: &[(&str, Tensor<f64>)],
    speech: Speech,
) -> Result<f64, String> {
    let tape = Tape::new();
    let result = expression.record(&tape, known).map_err(|error| sentence(&error, speech))?;
    Ok(result.item())
}

/// An error of the parser as one sentence, with names as they are written here.
fn sentence(error: &ExpressionError, speech: Speech) -> String {
    let title = names::unflat(error.title());
    match error.kind() {
        Kind::NoValue(name) => speech.not_known(names::unflat(name)),
        _ => title,
    }
}
