//! Refuses names and functions before anything is recorded, and says what was meant.

use std::collections::HashSet;
use std::ops::Range;

use ops::{Problem, Tensor};

use super::functions::{find, names};
use super::record::Recording;
use super::{Content, Expression, ExpressionError, Kind};
use crate::ask::nearest::nearest;
use crate::graph::error::TapeError;
use crate::words::Language;

impl Recording<'_, '_> {
    /// Refuses calls of what is no function.
    pub(super) fn check_functions(
        &self,
        given: &[(&str, Tensor<f64>)],
    ) -> Result<(), ExpressionError> {
        for term in &self.expression.terms {
            if let Content::Call { name, operands } = &term.content
                && find(self.functions, self.expression.text(name), operands.len()).is_none()
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
        let (name, language) = (self.expression.text(place), self.expression.language);
        let error = |title| self.expression.error(Kind::Function, place.clone(), title);
        let given_now = language.typed_are_given(count);
        let alike = self.functions.iter().find(|f| f.name() == name);
        if let Some(function) = alike {
            let settings = function.settings().iter().map(ToString::to_string);
            let takes = function.operands();
            return error(match settings.reduce(|a, b| language.typed_and(a, b)) {
                None => language.typed_takes(takes, name, given_now),
                Some(settings) => language.typed_takes_settings(takes, name, settings, given_now),
            });
        }
        if let Some((_, takes)) = names(self.functions).find(|f| f.0 == name) {
            return error(language.typed_takes(takes, name, given_now));
        }
        let unknown =
            error(language.typed_no_function(name)).label(language.typed_not_a_function());
        let assigned =
            || self.expression.statements.iter().any(|s| self.expression.name_of(s) == Some(name));
        if given.iter().any(|g| g.0 == name) || assigned() {
            return unknown.help(language.typed_product_with(name));
        }
        let near = nearest(name, names(self.functions).map(|f| f.0));
        let near = near.into_iter().map(str::to_owned);
        unknown.help(match near.reduce(|a, b| language.near_or(a, b)) {
            Some(near) => language.typed_did_you_mean(near),
            None => language.typed_some_functions().to_owned(),
        })
    }

    /// Refuses names with two values.
    pub(super) fn check_names(&self, given: &[(&str, Tensor<f64>)]) -> Result<(), ExpressionError> {
        let Expression { statements, source, language, .. } = self.expression;
        let mut values = HashSet::new();
        for &(name, _) in given {
            if !values.insert(name) {
                let title = language.typed_two_values(name);
                let kind = Kind::TwoValues(name.to_owned());
                return Err(self.expression.error(kind, 0..source.len(), title));
            }
        }
        let free: HashSet<&str> = self.expression.names().into_iter().collect();
        let mut assigned = HashSet::new();
        for statement in statements {
            let Some(name) = self.expression.name_of(statement) else { continue };
            let is_given = values.contains(name);
            if free.contains(name) && !is_given {
                return Err(self.no_value(name, self.uses[name].clone(), given));
            }
            let again = !assigned.insert(name);
            if is_given || again {
                let place = statement.name.clone().unwrap_or_default();
                let kind = Kind::TwoValues(name.to_owned());
                return Err(self
                    .expression
                    .error(kind, place, language.typed_has_a_value(name))
                    .label(language.typed_one_value_a_name())
                    .help(language.typed_other_name(format!("{name}₂"))));
            }
        }
        let lacking = free.iter().any(|name| !values.contains(name));
        self.check_uses(given, &free, lacking)
    }

    /// Refuses values that nothing uses.
    fn check_uses(
        &self,
        given: &[(&str, Tensor<f64>)],
        free: &HashSet<&str>,
        lacking: bool,
    ) -> Result<(), ExpressionError> {
        let Expression { statements, source, terms, language, .. } = self.expression;
        let (_, before) = statements.split_last().expect("there is a statement");
        for statement in before {
            let Some(place) = statement.name.clone() else {
                let place = terms[statement.value].place.clone();
                let title = language.typed_without_name();
                return Err(self
                    .expression
                    .error(Kind::Unused(String::new()), place, title)
                    .label(language.typed_nothing_can_use())
                    .help(language.typed_give_a_name()));
            };
            let name = self.expression.text(&place);
            if !self.uses.contains_key(name) {
                let title = language.typed_not_used(name);
                return Err(self
                    .expression
                    .error(Kind::Unused(name.to_owned()), place, title)
                    .label(language.typed_no_part()));
            }
        }
        // Rather than a value that is not used, a name without one is reported: it may be the same
        // one, written wrongly.
        let unused = given.iter().find(|g| !free.contains(g.0));
        let Some((name, _)) = unused.filter(|_| !lacking) else { return Ok(()) };
        let title = language.typed_given_not_used(name);
        let kind = Kind::Unused((*name).to_owned());
        let error = self.expression.error(kind, 0..source.len(), title);
        Err(match nearest(name, self.expression.names()).first() {
            Some(near) => error.help(language.typed_did_you_mean(near)),
            None => error,
        })
    }

    pub(super) fn no_value(
        &self,
        name: &str,
        place: Range<usize>,
        given: &[(&str, Tensor<f64>)],
    ) -> ExpressionError {
        let kind = Kind::NoValue(name.to_owned());
        let language = self.expression.language;
        let error = self
            .expression
            .error(kind, place, language.typed_no_value(name))
            .label(language.typed_given_no_value());
        let assigned = self.expression.statements.iter().filter_map(|s| self.expression.name_of(s));
        if assigned.clone().any(|other| other == name) {
            return error.help(language.typed_named_later(name));
        }
        let known: Vec<&str> = given.iter().map(|g| g.0).chain(assigned).collect();
        if names(self.functions).any(|(function, _)| function == name) {
            return error.help(language.typed_call_it(name));
        }
        match nearest(name, known)[..] {
            [near, ..] => error.help(language.typed_did_you_mean(near)),
            [] => error,
        }
    }

    /// Says why an op refuses its operands.
    pub(super) fn refused(&self, error: &TapeError, place: Range<usize>) -> ExpressionError {
        let title = match error {
            TapeError::Record(record) => {
                let (op, problem) = (record.error.rule, &record.error.problem);
                let language = self.expression.language;
                language.typed_refused(op, misfit(language, problem))
            }
            other => other.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        self.expression.error(Kind::Shape, place, title)
    }
}

/// What is wrong with operands. The ops say it in English; of that a person who types an expression
/// can meet only what is said here.
fn misfit(language: Language, problem: &Problem) -> String {
    match problem {
        Problem::Broadcast { from_last, lengths } => {
            language.typed_no_broadcast(from_last, lengths.0, lengths.1)
        }
        Problem::Contract { left, right, right_is_vector: true, fitting } => {
            language.typed_no_product_with_vector(left, right, format!("{fitting:?}"))
        }
        Problem::Contract { left, right, fitting, .. } => {
            language.typed_no_product(left, right, format!("{fitting:?}"))
        }
        Problem::TooFewAxes { operand, ndim: 0, .. } => language.typed_is_a_number(operand),
        Problem::AxisOutOfRange { ndim: 0, .. } => language.typed_number_has_no_axes().to_owned(),
        Problem::OperandShape { operand, expected, .. } => {
            language.typed_other_shape(operand, format!("{expected:?}"))
        }
        Problem::EmptyReduction { axis, .. } => language.typed_of_nothing(axis),
        other => other.to_string(),
    }
}
