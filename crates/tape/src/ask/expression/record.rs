//! Expressions recorded on a tape.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use ops::rules::{Identity, Neg, Pow, Square};
use ops::{Lift, Reading, Tensor, WithNumber};

use super::constant::list;
use super::functions::{Function, all, find};
use super::{Content, Expression, ExpressionError, Infix, Kind};
use crate::graph::error::TapeError;
use crate::graph::tape::Tape;
use crate::graph::var::{Place, Var};

/// The value of a term.
#[derive(Clone)]
pub(super) enum Value<'t> {
    /// A number of the expression's own, which becomes part of the ops that it meets.
    Number(f64),
    /// A list.
    Tensor(Tensor<f64>),
    Recorded(Var<'t, f64>),
}

impl Expression {
    /// Records the expression with a variable for each name, and gives its result.
    ///
    /// Each value carries the line of the expression as its [place](Var::place).
    ///
    /// # Errors
    /// If a name has no value or two, a value is not used, a function does not exist, or the shapes
    /// of operands do not fit; the message shows where.
    ///
    /// ```
    /// use ops::Tensor;
    /// use tape::{Tape, expression::{Expression, Kind}};
    ///
    /// let tape = Tape::new();
    /// let expression = Expression::parse("sum(w * x)")?;
    /// let given = [("w", Tensor::from([1.0, 2.0])), ("x", Tensor::scalar(3.0))];
    /// assert_eq!(expression.record(&tape, &given)?.item(), 9.0);
    ///
    /// let error = expression.record(&tape, &given[..1]).unwrap_err();
    /// assert_eq!(error.kind(), &Kind::NoValue("x".to_owned()));
    /// # Ok::<(), tape::expression::ExpressionError>(())
    /// ```
    pub fn record<'t>(
        &self,
        tape: &'t Tape<f64>,
        given: &[(&str, Tensor<f64>)],
    ) -> Result<Var<'t, f64>, ExpressionError> {
        let (functions, lines) = (all(), Lines::new(&self.source));
        let (uses, known) = (self.first_uses(), HashMap::new());
        let mut recording = Recording { expression: self, tape, functions, lines, uses, known };
        recording.check_functions(given)?;
        recording.check_names(given)?;
        let values: HashMap<&str, &Tensor<f64>> = given.iter().map(|(n, x)| (*n, x)).collect();
        for name in self.names() {
            let place = recording.uses[name].clone();
            let value = values.get(name).copied();
            let value = value.ok_or_else(|| recording.no_value(name, place.clone(), given))?;
            let leaf = tape.var(value).named(name).written_at(recording.lines.place(&place));
            recording.known.insert(name.to_owned(), leaf);
        }
        recording.statements()
    }

    /// Where each name is used for the first time.
    fn first_uses(&self) -> HashMap<&str, Range<usize>> {
        let mut uses = HashMap::new();
        for term in &self.terms {
            if let Content::Name(place) = &term.content {
                uses.entry(self.text(place)).or_insert_with(|| place.clone());
            }
        }
        uses
    }
}

/// The lines of a text.
struct Lines<'e> {
    source: &'e str,
    starts: Vec<usize>,
    texts: Vec<Arc<str>>,
    /// The characters before every [`STRIDE`]th byte, so that a place far into a long line is found
    /// without counting from its start.
    characters: Vec<usize>,
    file: Arc<str>,
}

/// How many bytes are counted for a place at most.
const STRIDE: usize = 256;

/// How many characters begin in a stretch of UTF-8.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0b1100_0000 != 0b1000_0000).count()
}

impl<'e> Lines<'e> {
    fn new(source: &'e str) -> Self {
        let ends = source.match_indices('\n').map(|(i, _)| i + 1);
        let starts = std::iter::once(0).chain(ends).collect();
        let texts = source.split('\n').map(|line| line.trim().into()).collect();
        let mut characters = vec![0];
        for stretch in source.as_bytes().chunks(STRIDE) {
            characters.push(characters[characters.len() - 1] + begun(stretch));
        }
        Self { source, starts, texts, characters, file: "<expression>".into() }
    }

    /// The characters before a byte.
    fn characters_before(&self, byte: usize) -> usize {
        let stretch = byte / STRIDE;
        self.characters[stretch] + begun(&self.source.as_bytes()[stretch * STRIDE..byte])
    }

    /// The line that a part of the text begins on.
    fn place(&self, part: &Range<usize>) -> Place {
        let line = self.starts.partition_point(|&start| start <= part.start) - 1;
        let before = [part.start, self.starts[line]].map(|byte| self.characters_before(byte));
        Place {
            file: Arc::clone(&self.file),
            line: 1 + line as u32,
            column: 1 + (before[0] - before[1]) as u32,
            text: Some(self.texts[line].clone()),
        }
    }
}

pub(super) struct Recording<'e, 't> {
    pub(super) expression: &'e Expression,
    tape: &'t Tape<f64>,
    pub(super) functions: &'static [Function],
    lines: Lines<'e>,
    /// Where each name is used for the first time.
    pub(super) uses: HashMap<&'e str, Range<usize>>,
    known: HashMap<String, Var<'t, f64>>,
}

impl<'t> Recording<'_, 't> {
    fn statements(&mut self) -> Result<Var<'t, f64>, ExpressionError> {
        let mut values: Vec<Value<'t>> = Vec::new();
        let mut last = None;
        for statement in &self.expression.statements {
            for number in values.len()..=statement.value {
                let value = self.term(number, &values)?;
                values.push(value);
            }
            let result = self.recorded(statement.value, &values);
            last = Some(match self.expression.name_of(statement) {
                Some(name) => self.name(result, name, statement.value),
                None => result,
            });
        }
        let (result, statement) = (last, self.expression.statements.last());
        let (result, statement) = result.zip(statement).expect("there is a statement");
        if result.name().is_none() {
            let free = ["y", "f", "L", "result"].into_iter().find(|n| !self.known.contains_key(*n));
            result.named(free.unwrap_or("value"));
        }
        self.check_result(result, statement.value)
    }

    /// Gives a value its name; one that has another name already is copied first.
    fn name(&mut self, value: Var<'t, f64>, name: &str, term: usize) -> Var<'t, f64> {
        let value = if value.name().is_some() {
            let place = self.place(term);
            Var::apply(Identity, &[&value]).written_at(place)
        } else {
            value
        };
        self.known.insert(name.to_owned(), value.named(name));
        value
    }

    fn check_result(
        &self,
        result: Var<'t, f64>,
        term: usize,
    ) -> Result<Var<'t, f64>, ExpressionError> {
        let place = self.expression.terms[term].place.clone();
        let language = self.expression.language;
        let error = |title: &str| self.expression.error(Kind::NoGradient, place, title);
        if !result.is_tracked() {
            let title = language.typed_nothing_to_differentiate();
            return Err(error(title).help(language.typed_put_a_name()));
        }
        let shape = result.shape();
        if shape.iter().product::<usize>() != 1 {
            let title = language.typed_not_scalar(format!("{:?}", &shape[..]));
            return Err(error(&title).help(language.typed_reduce_it()));
        }
        Ok(result)
    }

    /// A term as a node: a number or list becomes a constant, whose name is what it reads.
    fn recorded(&self, term: usize, values: &[Value<'t>]) -> Var<'t, f64> {
        let constant = |value: Tensor<f64>, name: String| {
            let place = self.place(term);
            self.tape.constant(value).named(name).written_at(place)
        };
        match &values[term] {
            Value::Recorded(x) => *x,
            Value::Number(number) => constant(Tensor::scalar(*number), number.to_string()),
            Value::Tensor(x) => {
                let text = self.expression.text(&self.expression.terms[term].place);
                constant(x.clone(), text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
        }
    }

    fn term(&self, number: usize, values: &[Value<'t>]) -> Result<Value<'t>, ExpressionError> {
        let term = &self.expression.terms[number];
        let refused = |error: TapeError| self.refused(&error, term.place.clone());
        let recorded = match &term.content {
            Content::Number(number) => return Ok(Value::Number(*number)),
            Content::List(elements) => return self.list(elements, values).map(Value::Tensor),
            Content::Name(name) => {
                return Ok(Value::Recorded(self.known[self.expression.text(name)]));
            }
            Content::Negative(x) => match values[*x] {
                Value::Number(number) => return Ok(Value::Number(-number)),
                _ => Var::try_apply(Lift::unary(Neg), &[&self.recorded(*x, values)]),
            },
            Content::Power(x, exponent) => match values[*x] {
                Value::Number(number) => return Ok(Value::Number(number.powf(*exponent))),
                _ if *exponent == 2.0 => {
                    Var::try_apply(Lift::unary(Square), &[&self.recorded(*x, values)])
                }
                _ => {
                    let rule = Lift::unary(WithNumber::right(Pow, *exponent));
                    Var::try_apply(rule, &[&self.recorded(*x, values)])
                }
            },
            Content::Infix(infix, a, b) => {
                if let (Value::Number(a), Value::Number(b)) = (&values[*a], &values[*b])
                    && let Some(number) = infix.of_numbers(*a, *b)
                {
                    return Ok(Value::Number(number));
                }
                self.infix(*infix, (*a, *b), values)
            }
            Content::Call { name, operands } => {
                let function = find(self.functions, self.expression.text(name), operands.len());
                let function = function.expect("functions are checked");
                let (x, settings) = operands.split_at(function.operands());
                let settings = self.settings(function, settings, values)?;
                let x: Vec<Var<'t, f64>> = x.iter().map(|&x| self.recorded(x, values)).collect();
                function.record(&x.iter().collect::<Vec<_>>(), &settings)
            }
        };
        let recorded = recorded.map_err(refused)?;
        Ok(Value::Recorded(recorded.written_at(self.place(number))))
    }

    /// The settings of a call, which are numbers.
    fn settings(
        &self,
        function: &Function,
        terms: &[usize],
        values: &[Value<'t>],
    ) -> Result<Vec<f64>, ExpressionError> {
        let number = |(&term, setting): (&usize, &&str)| {
            if let Value::Number(number) = values[term] {
                return Ok(number);
            }
            let place = self.expression.terms[term].place.clone();
            let language = self.expression.language;
            let title = language.typed_setting(setting, function.name());
            let error = self.expression.error(Kind::NotANumber, place, title);
            Err(error.label(language.typed_expected_number()))
        };
        terms.iter().zip(function.settings()).map(number).collect()
    }

    /// The source position of a term, to show with its value.
    fn place(&self, term: usize) -> Place {
        self.lines.place(&self.expression.terms[term].place)
    }

    fn infix(
        &self,
        infix: Infix,
        (a, b): (usize, usize),
        values: &[Value<'t>],
    ) -> Result<Var<'t, f64>, TapeError> {
        if let Some(result) = infix.record_with(&values[a], &values[b]) {
            return result;
        }
        let (a, b) = (self.recorded(a, values), self.recorded(b, values));
        infix.record(&[&a, &b])
    }

    fn list(
        &self,
        elements: &[usize],
        values: &[Value<'t>],
    ) -> Result<Tensor<f64>, ExpressionError> {
        list(self.expression, elements, |x| match &values[x] {
            Value::Number(number) => Some(Tensor::scalar(*number)),
            Value::Tensor(x) => Some(x.clone()),
            Value::Recorded(_) => None,
        })
    }
}
