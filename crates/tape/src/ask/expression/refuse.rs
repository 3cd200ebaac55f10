//! Refuses names and functions before anything is recorded, and says what was meant.

use std::collections::HashSet;
use std::ops::Range;

use ops::Tensor;

use super::functions::{find, names};
use super::record::Recording;
use super::{Content, Expression, ExpressionError, Kind};
use crate::ask::nearest::nearest;

impl Recording<'_, '_> {
    /// Refuses calls of what is no function.
    pub(super) fn check_functions(
        &self,
        given: &[(&str, Tensor<f64>)],
    ) -> Result<(), ExpressionError> {
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
    pub(super) fn check_names(&self, given: &[(&str, Tensor<f64>)]) -> Result<(), ExpressionError> {
        let Expression { statements, source, .. } = self.expression;
        let mut values = HashSet::new();
        for &(name, _) in given {
            if !values.insert(name) {
                let title = format!("{name} is given two values");
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
                    .error(kind, place, format!("{name} has a value already"))
                    .label("a name stands for one value")
                    .help(format!("choose another name, such as {name}₂")));
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
            if !self.uses.contains_key(name) {
                let title = format!("{name} is not used in what follows");
                return Err(self
                    .expression
                    .error(Kind::Unused(name.to_owned()), place, title)
                    .label("this value has no part in the result"));
            }
        }
        // Rather than a value that is not used, a name without one is reported: it may be the same
        // one, written wrongly.
        let unused = given.iter().find(|g| !free.contains(g.0));
        let Some((name, _)) = unused.filter(|_| !lacking) else { return Ok(()) };
        let title = format!("{name} is given a value, but is not used");
        let kind = Kind::Unused((*name).to_owned());
        let error = self.expression.error(kind, 0..source.len(), title);
        Err(match nearest(name, self.expression.names()).first() {
            Some(near) => error.help(format!("did you mean {near}?")),
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
}
