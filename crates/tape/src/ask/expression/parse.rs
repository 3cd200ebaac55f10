//! The grammar of expressions.

use std::ops::Range;

use winnow::Parser;
use winnow::combinator::{Infix as Between, Postfix, Prefix, expression as operators, opt};
use winnow::error::{ErrMode, ParserError};
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};
use winnow::token::{one_of, take_while};

use super::{Content, DEEPEST, Expression, ExpressionError, Infix, Kind, Statement, Term};
use crate::words::Language;

type Input<'s> = Stateful<LocatingSlice<&'s str>, State>;
type Parsed<T> = Result<T, ErrMode<Mistake>>;

/// The state of the parser.
#[derive(Debug, Default)]
struct State {
    terms: Vec<Term>,
    /// The brackets, signs and powers that are open.
    depth: usize,
    /// The brackets alone, in which a line may end anywhere.
    brackets: usize,
}

/// The reason that reading stopped, and the place.
#[derive(Debug)]
struct Mistake {
    at: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    Expected(Wanted),
    TooDeep,
    TooLarge,
}

impl ParserError<Input<'_>> for Mistake {
    type Inner = Self;
    fn from_input(input: &Input<'_>) -> Self {
        Self { at: here(input), what: What::Expected(Wanted::Operand) }
    }
    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// What could stand at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Operand,
    /// An operator, `;` or the end.
    End,
    /// An operator, or the bracket that closes a sum.
    Closing(char),
    /// An operator, a comma, or the bracket that closes a list.
    ClosingList(char),
}

impl Wanted {
    fn text(self, language: Language) -> String {
        match self {
            Self::Operand => language.typed_an_operand().to_owned(),
            Self::End => language.typed_operator_or_end().to_owned(),
            Self::Closing(bracket) => language.typed_operator_or(bracket),
            Self::ClosingList(bracket) => language.typed_operator_comma_or(bracket),
        }
    }
}

pub(super) fn expression(language: Language, source: &str) -> Result<Expression, ExpressionError> {
    let state = State::default();
    let mut input = Stateful { input: LocatingSlice::new(source), state };
    match statements(&mut input) {
        Ok(statements) => {
            let (source, terms) = (source.to_owned(), input.state.terms);
            Ok(Expression { source, language, terms, statements })
        }
        Err(error) => {
            let Mistake { at, what } = error.into_inner().expect("the whole text is there");
            Err(explain(language, source, at, &what))
        }
    }
}

/// Makes a message of what stopped the reading.
fn explain(language: Language, source: &str, at: usize, what: &What) -> ExpressionError {
    let rest = &source[at..];
    let found = rest.chars().next();
    let place = at..at + found.map_or(0, char::len_utf8);
    let syntax =
        |title: &str| ExpressionError::new(language, Kind::Syntax, source, place.clone(), title);
    let expected = match what {
        What::TooDeep => {
            let title = language.typed_too_deep(DEEPEST);
            return ExpressionError::new(language, Kind::TooDeep, source, place, title)
                .label(language.typed_level_too_many())
                .help(language.typed_name_a_part());
        }
        What::TooLarge => {
            return syntax(language.typed_too_large()).label(language.typed_largest());
        }
        What::Expected(expected) => *expected,
    };
    let error = match found {
        None if source.trim().is_empty() => syntax(language.typed_empty()),
        None if matches!(expected, Wanted::Closing(_) | Wanted::ClosingList(_)) => {
            syntax(language.typed_open_bracket())
        }
        None => syntax(language.typed_too_early()),
        Some('\n') => syntax(language.typed_line_too_early()),
        Some(c) => syntax(&language.typed_unexpected(c.escape_debug())),
    };
    let error = error.label(language.typed_expected(expected.text(language)));
    let after_operand = expected != Wanted::Operand;
    match found {
        Some(c) if after_operand && (begins_name(c) || c.is_ascii_digit() || c == '(') => {
            error.help(language.typed_product())
        }
        Some(')' | ']') if after_operand => error.help(language.typed_never_opened()),
        Some('=') if after_operand => error.help(language.typed_name_alone()),
        _ => error,
    }
}

fn statements(input: &mut Input<'_>) -> Parsed<Vec<Statement>> {
    let mut statements = Vec::new();
    loop {
        while separator(input).is_some() {}
        if input.eof_offset() == 0 && !statements.is_empty() {
            return Ok(statements);
        }
        statements.push(statement(input)?);
        if separator(input).is_none() && input.eof_offset() > 0 {
            return expected(input, Wanted::End);
        }
    }
}

/// `;` or the end of a line.
fn separator(input: &mut Input<'_>) -> Option<char> {
    blank(input);
    taken(input, |c| matches!(c, ';' | '\n' | '\r'))
}

fn statement(input: &mut Input<'_>) -> Parsed<Statement> {
    let start = input.checkpoint();
    let name = name(input).filter(|_| {
        blank(input);
        taken(input, |c| c == '=').is_some()
    });
    if name.is_none() {
        input.reset(&start);
    }
    Ok(Statement { name, value: sum(input)? })
}

/// Whatever operators join.
fn sum(input: &mut Input<'_>) -> Parsed<usize> {
    let value = operators(operand).prefix(prefix).postfix(postfix).infix(infix).parse_next(input);
    // Where it begins with neither an operand nor a sign.
    value.map_err(|error| match error {
        ErrMode::Backtrack(Mistake { at, .. }) => {
            ErrMode::Cut(Mistake { at, what: What::Expected(Wanted::Operand) })
        }
        error => error,
    })
}

/// Binding strengths; a sign binds below a power, so that `-a^2` is `-(a^2)`.
const SUM: i64 = 10;
const PRODUCT: i64 = 20;
const SIGN: i64 = 30;
const POWER: i64 = 40;

type Fold<'s> = fn(&mut Input<'s>, usize, usize) -> Parsed<usize>;

fn prefix<'s>(input: &mut Input<'s>) -> Parsed<Prefix<Input<'s>, usize, ErrMode<Mistake>>> {
    blank(input);
    let start = here(input);
    if taken(input, |c| matches!(c, '-' | '−')).is_none() {
        return backtrack(input);
    }
    deeper(input, start)?;
    Ok(Prefix(SIGN, |input, x| {
        input.state.depth -= 1;
        let place = input.state.terms[x].place.clone();
        Ok(push(input, Content::Negative(x), place))
    }))
}

fn infix<'s>(input: &mut Input<'s>) -> Parsed<Between<Input<'s>, usize, ErrMode<Mistake>>> {
    blank(input);
    let (start, before) = (here(input), input.checkpoint());
    let Some(sign) = input.next_token() else { return backtrack(input) };
    let (strength, fold): (i64, Fold<'s>) = match sign {
        '+' => (SUM, |input, a, b| Ok(join(input, Infix::Add, a, b))),
        '-' | '−' => (SUM, |input, a, b| Ok(join(input, Infix::Sub, a, b))),
        '*' if taken(input, |c| c == '*').is_some() => (POWER, power),
        '*' | '·' | '×' => (PRODUCT, |input, a, b| Ok(join(input, Infix::Mul, a, b))),
        '/' | '÷' => (PRODUCT, |input, a, b| Ok(join(input, Infix::Div, a, b))),
        '@' => (PRODUCT, |input, a, b| Ok(join(input, Infix::Matmul, a, b))),
        '^' => (POWER, power),
        _ => {
            input.reset(&before);
            return backtrack(input);
        }
    };
    if strength == POWER {
        deeper(input, start)?;
        return Ok(Between::Right(strength, fold));
    }
    Ok(Between::Left(strength, fold))
}

#[allow(clippy::unnecessary_wraps)] // The operators' folds may fail.
fn power(input: &mut Input<'_>, a: usize, b: usize) -> Parsed<usize> {
    input.state.depth -= 1;
    Ok(join(input, Infix::Pow, a, b))
}

fn postfix<'s>(input: &mut Input<'s>) -> Parsed<Postfix<Input<'s>, usize, ErrMode<Mistake>>> {
    blank(input);
    match taken(input, |c| matches!(c, '²' | '³')) {
        Some('²') => Ok(Postfix(POWER + 1, |input, x| Ok(raise(input, x, 2.0)))),
        Some(_) => Ok(Postfix(POWER + 1, |input, x| Ok(raise(input, x, 3.0)))),
        None => backtrack(input),
    }
}

fn raise(input: &mut Input<'_>, x: usize, exponent: f64) -> usize {
    let place = input.state.terms[x].place.start..here(input);
    push(input, Content::Power(x, exponent), place)
}

fn join(input: &mut Input<'_>, infix: Infix, a: usize, b: usize) -> usize {
    let terms = &input.state.terms;
    let place = terms[a].place.start..terms[b].place.end;
    push(input, Content::Infix(infix, a, b), place)
}

fn push(input: &mut Input<'_>, content: Content, place: Range<usize>) -> usize {
    input.state.terms.push(Term { content, place });
    input.state.terms.len() - 1
}

fn operand(input: &mut Input<'_>) -> Parsed<usize> {
    blank(input);
    let start = here(input);
    if taken(input, |c| c == '(').is_some() {
        return inside(input, |input| {
            let value = sum(input)?;
            close(input, ')', Wanted::Closing(')'))?;
            // The brackets belong to it, for whoever points at it.
            input.state.terms[value].place = start..here(input);
            Ok(value)
        });
    }
    if taken(input, |c| c == '[').is_some() {
        let elements = inside(input, |input| list(input, ']'))?;
        let place = start..here(input);
        return Ok(push(input, Content::List(elements), place));
    }
    if let Some(name) = name(input) {
        if taken(input, |c| c == '(').is_some() {
            let operands = inside(input, |input| list(input, ')'))?;
            let place = start..here(input);
            return Ok(push(input, Content::Call { name, operands }, place));
        }
        return Ok(push(input, Content::Name(name.clone()), name));
    }
    number(input)
}

/// Reads up to the closing bracket; the opening one has been taken.
fn inside<'s, T>(
    input: &mut Input<'s>,
    read: impl FnOnce(&mut Input<'s>) -> Parsed<T>,
) -> Parsed<T> {
    deeper(input, here(input) - 1)?;
    input.state.brackets += 1;
    let inside = read(input)?;
    input.state.brackets -= 1;
    input.state.depth -= 1;
    Ok(inside)
}

/// Values with commas between, to the closing bracket; a comma may stand before it.
fn list(input: &mut Input<'_>, end: char) -> Parsed<Vec<usize>> {
    let mut values = Vec::new();
    loop {
        blank(input);
        if taken(input, |c| c == end).is_some() {
            return Ok(values);
        }
        values.push(sum(input)?);
        blank(input);
        if taken(input, |c| c == ',').is_none() {
            close(input, end, Wanted::ClosingList(end))?;
            return Ok(values);
        }
    }
}

fn close(input: &mut Input<'_>, bracket: char, otherwise: Wanted) -> Parsed<()> {
    blank(input);
    match taken(input, |c| c == bracket) {
        Some(_) => Ok(()),
        None => expected(input, otherwise),
    }
}

fn number(input: &mut Input<'_>) -> Parsed<usize> {
    let (start, before) = (here(input), input.checkpoint());
    let digit = |c: char| c.is_ascii_digit();
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), take_while(1.., digit));
    let fraction = ('.', take_while(0.., digit));
    let mut written = (take_while(0.., digit), opt(fraction), opt(exponent)).take();
    let text: &str = written.parse_next(input)?;
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => {
            Ok(push(input, Content::Number(number), start..here(input)))
        }
        Ok(_) => Err(ErrMode::Cut(Mistake { at: start, what: What::TooLarge })),
        Err(_) => {
            input.reset(&before);
            backtrack(input)
        }
    }
}

fn begins_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// A letter and then letters, digits, subscripts and accents, but no raised digits: `x²` is a
/// square.
fn name(input: &mut Input<'_>) -> Option<Range<usize>> {
    let raised = |c| matches!(c, '²' | '³' | '¹' | '⁰'..='⁹');
    let more =
        |c: char| (c.is_alphanumeric() || matches!(c, '_' | '\u{300}'..='\u{36f}')) && !raised(c);
    let start = here(input);
    taken(input, begins_name)?;
    while taken(input, more).is_some() {}
    Some(start..here(input))
}

/// Skips spaces, and inside of brackets the ends of lines.
fn blank(input: &mut Input<'_>) {
    let within = input.state.brackets > 0;
    let space =
        |c: char| c != '\n' && c != '\r' && c.is_whitespace() || within && c.is_whitespace();
    while taken(input, space).is_some() {}
}

/// The next character, if it is one of those wanted.
fn taken(input: &mut Input<'_>, wanted: impl Fn(char) -> bool) -> Option<char> {
    let next: char = input.peek_token()?;
    wanted(next).then(|| {
        input.next_token();
        next
    })
}

/// Opens one more level, at `at`.
fn deeper(input: &mut Input<'_>, at: usize) -> Parsed<()> {
    input.state.depth += 1;
    if input.state.depth <= DEEPEST {
        return Ok(());
    }
    Err(ErrMode::Cut(Mistake { at, what: What::TooDeep }))
}

/// The number of bytes that have been read.
fn here(input: &Input<'_>) -> usize {
    input.current_token_start()
}

fn expected<T>(input: &Input<'_>, what: Wanted) -> Parsed<T> {
    Err(ErrMode::Cut(Mistake { at: here(input), what: What::Expected(what) }))
}

fn backtrack<T>(input: &Input<'_>) -> Parsed<T> {
    Err(ErrMode::from_input(input))
}
