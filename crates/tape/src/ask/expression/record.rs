//! Expressions recorded on a tape.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use ops::rules::{Add, Div, Identity, Matmul, Mul, Neg, Pow, Square, Sub};
use ops::{Binary, Lift, Reading, Tensor, WithNumber};

use super::functions::{Function, find, functions, names};
use super::{Content, Expression, ExpressionError, Infix, Kind};
use crate::ask::nearest::nearest;
use crate::graph::error::TapeError;
use crate::graph::tape::Tape;
use crate::graph::var::{Place, Var};

/// What a term comes to.
#[derive(Clone)]
enum Value<'t> {
    /// A number of the expression's own, which becomes part of the ops that it meets.
    Number(f64),
    /// A list.
    Tensor(Tensor<f64>),
    Recorded(Var<'t, f64>),
}

/// A list as it is read, before it is known to have rows of one length.
fn stack(elements: &[Tensor<f64>]) -> Option<Tensor<f64>> {
    let shape: Vec<usize> = elements.first().map_or(Vec::new(), |x| x.shape().to_vec());
    let fits = elements.iter().all(|x| x.shape() == shape);
    let numbers = elements.iter().flat_map(Tensor::to_vec).collect();
    let shape: Vec<usize> = std::iter::once(elements.len()).chain(shape).collect();
    fits.then(|| Tensor::from_shape_vec(&shape, numbers).ok())?
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
        let (functions, lines) = (functions(), Lines::new(&self.source));
        let mut recording =
            Recording { expression: self, tape, functions, lines, known: HashMap::new() };
        recording.check_functions(given)?;
        recording.check_names(given)?;
        let names = self.names();
        for &name in &names {
            let value = given.iter().find(|g| g.0 == name).map(|g| &g.1);
            let place = self.first_use(name);
            let value = value.ok_or_else(|| recording.no_value(name, place.clone(), given))?;
            let leaf = tape.var(value).named(name).written_at(recording.lines.place(&place));
            recording.known.insert(name.to_owned(), leaf);
        }
        recording.statements()
    }

    fn first_use(&self, name: &str) -> Range<usize> {
        self.uses(name).next().unwrap_or_default()
    }

    /// Where a name is used.
    fn uses<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.terms.iter().filter_map(move |term| match &term.content {
            Content::Name(place) if self.text(place) == name => Some(place.clone()),
            _ => None,
        })
    }
}

/// The lines of a text.
struct Lines<'e> {
    source: &'e str,
    starts: Vec<usize>,
    texts: Vec<Arc<str>>,
}

impl<'e> Lines<'e> {
    fn new(source: &'e str) -> Self {
        let ends = source.match_indices('\n').map(|(i, _)| i + 1);
        let texts = source.split('\n').map(|line| line.trim().into()).collect();
        Self { source, starts: std::iter::once(0).chain(ends).collect(), texts }
    }

    /// The line that a part of the text begins on.
    fn place(&self, part: &Range<usize>) -> Place {
        let line = self.starts.partition_point(|&start| start <= part.start) - 1;
        Place {
            file: "<expression>".into(),
            line: 1 + line as u32,
            column: 1 + self.source[self.starts[line]..part.start].chars().count() as u32,
            text: Some(self.texts[line].clone()),
        }
    }
}

struct Recording<'e, 't> {
    expression: &'e Expression,
    tape: &'t Tape<f64>,
    functions: Vec<Function>,
    lines: Lines<'e>,
    known: HashMap<String, Var<'t, f64>>,
}

impl<'t> Recording<'_, 't> {
    /// Refuses calls of what is no function.
    fn check_functions(&self, given: &[(&str, Tensor<f64>)]) -> Result<(), ExpressionError> {
        for term in &self.expression.terms {
            if let Content::Call { name, operands } = &term.content
                && find(&self.functions, self.expression.text(name), operands.len()).is_none()
            {
                return Err(self.no_function(name, operands.len(), given));
            }
        }
        Ok(())
    }

    fn no_function(
        &self,
        place: &Range<usize>,
        count: usize,
        given: &[(&str, Tensor<f64>)],
    ) -> ExpressionError {
        let name = self.expression.text(place);
        let error = |title| self.expression.error(Kind::Function, place.clone(), title);
        let are = if count == 1 { "is" } else { "are" };
        let alike = self.functions.iter().find(|f| f.name() == name);
        if let Some(function) = alike {
            let takes = function.operands();
            let mut takes = format!("{takes} operand{}", if takes == 1 { "" } else { "s" });
            for setting in function.settings() {
                takes = takes + " and " + setting;
            }
            return error(format!("{name} takes {takes}, but {count} {are} given"));
        }
        if let Some((_, takes)) = names(&self.functions).find(|f| f.0 == name) {
            let plural = if takes == 1 { "" } else { "s" };
            return error(format!("{name} takes {takes} operand{plural}, but {count} {are} given"));
        }
        let unknown = error(format!("there is no function {name}")).label("not a function");
        let assigned =
            || self.expression.statements.iter().any(|s| self.expression.name_of(s) == Some(name));
        if given.iter().any(|g| g.0 == name) || assigned() {
            return unknown.help(format!("a product is written with `*`: {name}*(…)"));
        }
        let near = nearest(name, names(&self.functions).map(|f| f.0));
        if near.is_empty() {
            return unknown
                .help("there are exp, ln, sqrt, sin, tanh, sigmoid, relu, sum, mean and others");
        }
        unknown.help(format!("did you mean {}?", near.join(" or ")))
    }

    /// Refuses names with two values.
    fn check_names(&self, given: &[(&str, Tensor<f64>)]) -> Result<(), ExpressionError> {
        let Expression { statements, source, .. } = self.expression;
        for (i, &(name, _)) in given.iter().enumerate() {
            if given[..i].iter().any(|g| g.0 == name) {
                let title = format!("{name} is given two values");
                let kind = Kind::TwoValues(name.to_owned());
                return Err(self.expression.error(kind, 0..source.len(), title));
            }
        }
        let free = self.expression.names();
        for (i, statement) in statements.iter().enumerate() {
            let Some(name) = self.expression.name_of(statement) else { continue };
            let is_given = given.iter().any(|g| g.0 == name);
            if free.contains(&name) && !is_given {
                return Err(self.no_value(name, self.expression.first_use(name), given));
            }
            let before = &statements[..i];
            if is_given || before.iter().any(|s| self.expression.name_of(s) == Some(name)) {
                let place = statement.name.clone().unwrap_or_default();
                let kind = Kind::TwoValues(name.to_owned());
                return Err(self
                    .expression
                    .error(kind, place, format!("{name} has a value already"))
                    .label("a name stands for one value")
                    .help(format!("choose another name, such as {name}₂")));
            }
        }
        self.check_uses(given, &free)
    }

    /// Refuses values that nothing uses.
    fn check_uses(
        &self,
        given: &[(&str, Tensor<f64>)],
        free: &[&str],
    ) -> Result<(), ExpressionError> {
        let Expression { statements, source, terms, .. } = self.expression;
        let (_, before) = statements.split_last().expect("there is a statement");
        for statement in before {
            let Some(place) = statement.name.clone() else {
                let place = terms[statement.value].place.clone();
                let title = "only the last statement may stand without a name";
                return Err(self
                    .expression
                    .error(Kind::Unused(String::new()), place, title)
                    .label("nothing can use this value")
                    .help("give it a name: `z = …`"));
            };
            let name = self.expression.text(&place);
            if self.expression.uses(name).next().is_none() {
                let title = format!("{name} is not used in what follows");
                return Err(self
                    .expression
                    .error(Kind::Unused(name.to_owned()), place, title)
                    .label("this value has no part in the result"));
            }
        }
        // Rather than a value that is not used, a name without one is reported: it may be the same
        // one, written wrongly.
        let lacking = free.iter().any(|name| given.iter().all(|g| g.0 != *name));
        let unused = given.iter().find(|g| !free.contains(&g.0));
        let Some((name, _)) = unused.filter(|_| !lacking) else { return Ok(()) };
        let title = format!("{name} is given a value, but is not used");
        let kind = Kind::Unused((*name).to_owned());
        let error = self.expression.error(kind, 0..source.len(), title);
        Err(match nearest(name, free.iter().copied()).first() {
            Some(near) => error.help(format!("did you mean {near}?")),
            None => error,
        })
    }

    fn no_value(
        &self,
        name: &str,
        place: Range<usize>,
        given: &[(&str, Tensor<f64>)],
    ) -> ExpressionError {
        let kind = Kind::NoValue(name.to_owned());
        let error = self
            .expression
            .error(kind, place, format!("{name} has no value"))
            .label("given no value");
        let assigned = self.expression.statements.iter().filter_map(|s| self.expression.name_of(s));
        if assigned.clone().any(|other| other == name) {
            return error.help(format!("{name} is named in a later statement; move that up"));
        }
        let known: Vec<&str> = given.iter().map(|g| g.0).chain(assigned).collect();
        if names(&self.functions).any(|(function, _)| function == name) {
            return error.help(format!("to call the function, write {name}(…)"));
        }
        match nearest(name, known)[..] {
            [near, ..] => error.help(format!("did you mean {near}?")),
            [] => error,
        }
    }

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
        let error = |title: String| self.expression.error(Kind::NoGradient, place, title);
        if !result.is_tracked() {
            let title = "there is nothing to differentiate by: no name takes part".to_owned();
            return Err(error(title).help("put a name in the place of a number: `w*2`"));
        }
        let shape = result.shape();
        if shape.iter().product::<usize>() != 1 {
            let title = format!(
                "the result has shape {:?}, but the sweep starts from a scalar",
                &shape[..]
            );
            return Err(error(title).help("reduce it first, with sum(…) or mean(…)"));
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
                let function = find(&self.functions, self.expression.text(name), operands.len());
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
            let function = function.name();
            let title = format!("{setting} of {function} is a setting, which is a number");
            let error = self.expression.error(Kind::NotANumber, place, title);
            Err(error.label("expected a number"))
        };
        terms.iter().zip(function.settings()).map(number).collect()
    }

    /// Where a term stands, for whoever shows its value.
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

    fn refused(&self, error: &TapeError, place: Range<usize>) -> ExpressionError {
        let title = match error {
            TapeError::Record(record) => record.error.to_string(),
            other => other.to_string(),
        };
        let title = title.lines().next().unwrap_or_default();
        self.expression.error(Kind::Shape, place, title)
    }
}

fn list(
    expression: &Expression,
    elements: &[usize],
    value: impl Fn(usize) -> Option<Tensor<f64>>,
) -> Result<Tensor<f64>, ExpressionError> {
    let place = |x: usize| expression.terms[x].place.clone();
    let mut parts: Vec<Tensor<f64>> = Vec::new();
    for &x in elements {
        let Some(part) = value(x) else {
            return Err(not_a_number(expression, place(x)));
        };
        parts.push(part);
    }
    stack(&parts).ok_or_else(|| {
        let unlike = parts.iter().position(|x| x.shape() != parts[0].shape()).unwrap_or_default();
        let title = format!(
            "the parts of a list have one shape, but this has {:?} and the first {:?}",
            parts[unlike].shape(),
            parts[0].shape()
        );
        expression.error(Kind::Shape, place(elements[unlike]), title)
    })
}

fn not_a_number(expression: &Expression, place: Range<usize>) -> ExpressionError {
    let title = format!("`{}` is not a number", expression.text(&place));
    expression.error(Kind::NotANumber, place, title).label("expected a number")
}

/// The value of an expression without names.
pub(super) fn constant(expression: &Expression) -> Result<Tensor<f64>, ExpressionError> {
    let mut values: Vec<Tensor<f64>> = Vec::new();
    if let [_, second, ..] = &expression.statements[..] {
        let place = expression.terms[second.value].place.clone();
        return Err(expression.error(Kind::NotANumber, place, "a value is one expression"));
    }
    for term in &expression.terms {
        let one = |x: &usize| Some(&values[*x]).filter(|x| x.ndim() == 0).map(Tensor::item);
        let value = match &term.content {
            Content::Number(number) => Some(Tensor::scalar(*number)),
            Content::List(elements) => {
                Some(list(expression, elements, |x| Some(values[x].clone()))?)
            }
            Content::Negative(x) => Some(values[*x].map(|x| -x)),
            Content::Power(x, exponent) => one(x).map(|x| Tensor::scalar(x.powf(*exponent))),
            Content::Infix(infix, a, b) => {
                one(a).zip(one(b)).and_then(|(a, b)| infix.of_numbers(a, b)).map(Tensor::scalar)
            }
            Content::Name(_) | Content::Call { .. } => None,
        };
        values.push(value.ok_or_else(|| not_a_number(expression, term.place.clone()))?);
    }
    let value = values.swap_remove(expression.statements[0].value);
    if expression.statements[0].name.is_some() {
        let whole = 0..expression.source.len();
        return Err(not_a_number(expression, whole));
    }
    Ok(value)
}

/// Does something with the elementwise rule of an operator.
macro_rules! with_rule {
    ($infix:expr, |$rule:ident| $body:expr, matmul $matmul:expr) => {
        match $infix {
            Infix::Add => with_rule!($rule = Add, $body),
            Infix::Sub => with_rule!($rule = Sub, $body),
            Infix::Mul => with_rule!($rule = Mul, $body),
            Infix::Div => with_rule!($rule = Div, $body),
            Infix::Pow => with_rule!($rule = Pow, $body),
            Infix::Matmul => $matmul,
        }
    };
    ($rule:ident = $Rule:ident, $body:expr) => {{
        let $rule = $Rule;
        $body
    }};
}

impl Infix {
    /// Of numbers alone; a matrix product has none.
    fn of_numbers(self, a: f64, b: f64) -> Option<f64> {
        with_rule!(self, |rule| Some(Binary::value(rule, a, b)), matmul None)
    }

    fn record<'t>(self, x: &[&Var<'t, f64>; 2]) -> Result<Var<'t, f64>, TapeError> {
        let matmul = || Var::try_apply(Matmul, x);
        with_rule!(self, |rule| Var::try_apply(Lift::binary(rule), x), matmul matmul())
    }

    /// With a number on one side, which is then part of the op; a matrix product cannot.
    fn record_with<'t>(
        self,
        a: &Value<'t>,
        b: &Value<'t>,
    ) -> Option<Result<Var<'t, f64>, TapeError>> {
        match (a, b) {
            (Value::Recorded(x), &Value::Number(number)) => {
                with_rule!(self, |rule| Some(Var::try_apply(Lift::unary(WithNumber::right(rule, number)), &[x])), matmul None)
            }
            (&Value::Number(number), Value::Recorded(x)) => {
                with_rule!(self, |rule| Some(Var::try_apply(Lift::unary(WithNumber::left(number, rule)), &[x])), matmul None)
            }
            _ => None,
        }
    }
}
