//! Steps and traces in words and formulas, aligned.

use std::borrow::Cow;
use std::fmt::{self, Display};

use ops::Float;
use textwrap::core::display_width;

use super::text::{Layout, Role, Span, Text, span, spans, tensor_text, visible};
use super::{Backward, Forward, Received, Step, Trace, Use, Waiting, Written};
use crate::graph::node::Source;
use crate::graph::var::Var;
use crate::words::Language;

/// A formula with names, with numbers and with its result, without saying a thing twice.
fn sides(written: Option<Written>, value: String) -> Vec<Span> {
    let mut sides = Vec::new();
    if let Some(Written { names, numbers }) = written {
        sides.push(span(Role::Formula, visible(&names)));
        sides.push(span(Role::Numbers, visible(&numbers)));
    }
    sides.push(span(Role::Value, value));
    // Numbers that are the same as the names or as the result say nothing.
    if sides.len() == 3 && (sides[1].text == sides[0].text || sides[1].text == sides[2].text) {
        sides.remove(1);
    }
    if sides.len() == 2 && sides[0].text == sides[1].text {
        sides.remove(0);
    }
    sides
}

/// The source position of a node. The path of an example may lead out of its crate by `..`.
fn place<A: Float>(x: Var<'_, A>) -> String {
    let place = x.place();
    let mut path: Vec<&str> = Vec::new();
    for part in place.file.split('/') {
        if part == ".." && path.last().is_some_and(|last| !["", ".."].contains(last)) {
            path.pop();
        } else {
            path.push(part);
        }
    }
    format!("{}:{}:{}", path.join("/"), place.line, place.column)
}

fn label<A: Float>(x: Var<'_, A>) -> String {
    visible(&x.label())
}

/// `∂C/∂w`.
fn derivative<A: Float>(of: Var<'_, A>, by: Var<'_, A>) -> String {
    visible(&format!("∂{}/∂{}", of.enclosed_label(), by.enclosed_label()))
}

/// `w̄`.
fn adjoint<A: Float>(x: Var<'_, A>) -> Span {
    span(Role::Formula, visible(&x.adjoint_label()))
}

/// Nodes with the number of times each is there: `a, b (twice)`. Of many, the first.
fn list_uses<A: Float>(uses: &[Use<'_, A>], language: Language) -> String {
    const MOST: usize = 6;
    let groups = uses.chunk_by(|a, b| a.node == b.node).take(MOST);
    let mut left = uses.len();
    let word = |group: &[Use<'_, A>]| {
        left -= group.len();
        match (label(group[0].node), group.len()) {
            (name, 1) => name,
            (name, 2) => language.named_twice(name),
            (name, n) => language.named_times(n, name),
        }
    };
    let mut words: Vec<String> = groups.map(word).collect();
    if left > 0 {
        words.push(language.and_more(left));
    }
    words.join(", ")
}

/// Says whether a node is complete, and for whom it waits, given its uses that have not reported.
fn state<A: Float>(
    node: Var<'_, A>,
    reported: usize,
    missing: &[Use<'_, A>],
    language: Language,
) -> String {
    let (name, names) = (label(node), list_uses(missing, language));
    match (missing.len(), reported) {
        (0, _) => language.complete(name),
        (1, 0) => language.waits_for_only(name, names),
        (2, 0) => language.waits_for_both(name, names),
        (n, 0) => language.waits_for_all(n, name, names),
        (n, m) => language.waits_for_some(n, name, n + m, names),
    }
}

impl<A: Float> Forward<'_, A> {
    /// The step as text: the formula with names, with numbers, and its value.
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        self.write(&mut text, layout, 0, 0);
        text
    }

    /// Writes the step, with its name set to the right in the given number of columns.
    fn write(&self, text: &mut Text, layout: Layout, indent: usize, column: usize) {
        let node = self.node;
        let (first, name) = (text.lines.len(), label(node));
        let indent = indent + column.saturating_sub(display_width(&name));
        let value = tensor_text(&node.value(), layout);
        let mut written = self.formula(layout.rounding);
        if node.is_spelled_out() {
            // Its name is the formula.
            written = written.map(|w| Written { names: w.numbers.clone(), ..w });
        }
        let sides = sides(written, value);
        text.equation(indent, &[span(Role::Heading, name)], "=", sides);
        let (place, language) = (place(node), layout.language);
        let place = match node.tape().graph()[node.index()].source {
            Source::Variable => language.given_as_variable(place),
            Source::Constant => language.given_as_constant(place),
            Source::Detached => language.given_as_detached(place),
            Source::Op(_) => place,
        };
        text.place(first, &place);
    }
}

impl<A: Float> Backward<'_, A> {
    /// The step as text: why it is the node's turn, its adjoint, and what each operand receives, as
    /// formulas with names, with numbers, and as values.
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        self.write(&mut text, layout, None);
        text
    }

    /// Writes the step; `choice` says which others could have had their turn.
    fn write(&self, text: &mut Text, layout: Layout, choice: Option<String>) {
        let first = text.lines.len();
        let name = span(Role::Heading, label(self.node));
        match self.node.formula() {
            Some(_) if self.node.is_spelled_out() => text.line(vec![name]),
            Some(formula) => {
                let formula = span(Role::Heading, visible(&formula));
                text.equation(0, &[name], "=", vec![formula]);
            }
            None => text.line(spans(Role::Note, layout.language.a_variable, &[("name", name)])),
        }
        text.place(first, &place(self.node));
        let why = self.why_now(layout.language);
        let why = choice.map_or_else(|| why.clone(), |c| layout.language.why_and_choice(&why, c));
        text.note(Role::Note, 2, &why);
        let adjoint = vec![span(Role::Value, tensor_text(&self.adjoint, layout))];
        let whose = span(Role::Formula, derivative(self.output, self.node));
        let name = [self::adjoint(self.node), span(Role::Space, " = "), whose];
        text.equation(2, &name, "=", adjoint);
        for position in 0..self.contributions.len() {
            self.write_contribution(text, position, layout);
        }
    }

    fn why_now(&self, language: Language) -> String {
        match &self.uses[..] {
            [] => language.ready_output().to_owned(),
            [only] => language.ready_only(label(only.node)),
            uses @ [_, _] => language.ready_both(list_uses(uses, language)),
            uses => language.ready_all(uses.len(), list_uses(uses, language)),
        }
    }

    fn write_contribution(&self, text: &mut Text, position: usize, layout: Layout) {
        let operand = self.contributions[position].operand;
        let whose = [adjoint(operand)];
        let Received { value, before, after } = match &self.contributions[position].received {
            Ok(received) => received,
            Err(reason) => {
                let language = layout.language;
                let nothing = language.nothing_to(label(operand), reason.text(language));
                return text.note(Role::Note, 2, &nothing);
            }
        };
        let local = self.local(position).zip(self.local_formula(position, layout.rounding));
        // A slope that is a single number or name is in the contribution for all to see.
        if let Some((slope, written)) = local.filter(|(_, written)| written.names.contains(' ')) {
            let slope_of = [span(Role::Formula, derivative(self.node, operand))];
            text.equation(2, &slope_of, "=", sides(Some(written), tensor_text(&slope, layout)));
        }
        let written = self.formula(position, layout.rounding);
        text.equation(2, &whose, "+=", sides(written, tensor_text(value, layout)));
        if let Some(before) = before {
            let [before, value, after] = [before, value, after].map(|x| tensor_text(x, layout));
            let sum = span(Role::Numbers, format!("{before} + {}", signed(&value)));
            text.equation(2, &whose, " =", vec![sum, span(Role::Value, after)]);
        }
    }
}

/// A number behind a plus sign.
fn signed(number: &str) -> Cow<'_, str> {
    if number.starts_with('-') { format!("({number})").into() } else { number.into() }
}

impl<A: Float> Step<'_, '_, A> {
    /// The step as text.
    pub fn text(&self, layout: Layout) -> Text {
        match self {
            Self::Forward(step) => step.text(layout),
            Self::Backward(step) => step.text(layout),
        }
    }
}

impl<A: Float> Trace<'_, A> {
    /// Both passes as text: every step, then the gradients of all variables.
    ///
    /// ```
    /// use tape::{Tape, Trace, prelude::*};
    /// use tape::trace::Layout;
    ///
    /// let tape = Tape::new();
    /// let (w, x) = (tape.var(-0.138).named("w"), tape.constant(0.5).named("x"));
    /// let trace = Trace::of((w * x).named("y"))?;
    /// let text = trace.text(Layout::default()).to_string();
    /// assert!(text.contains("w̄ += ȳ · x = 1 · 0.5 = 0.5"), "{text}");
    /// # Ok::<(), tape::error::TapeError>(())
    /// ```
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        let language = layout.language;
        text.note(Role::Heading, 0, language.forward_pass());
        text.blank();
        let widths = self.nodes.iter().map(|&x| display_width(&label(x)));
        let column = widths.max().unwrap_or(0).min(layout.width / 4);
        for &node in &self.nodes {
            Forward { node }.write(&mut text, layout, 0, column);
        }
        text.blank();
        text.note(Role::Heading, 0, language.backward_pass());
        for (turn, step) in self.backward.iter().enumerate() {
            text.blank();
            step.write(&mut text, layout, self.choice(turn, language));
            self.write_operands_state(&mut text, turn, language);
        }
        text.blank();
        text.note(Role::Heading, 0, language.gradients());
        text.blank();
        for &node in &self.nodes {
            if !matches!(node.tape().graph()[node.index()].source, Source::Variable) {
                continue;
            }
            let whose = [span(Role::Formula, derivative(self.output, node))];
            match self.gradient(node) {
                Ok(gradient) => {
                    let value = span(Role::Value, tensor_text(&gradient, layout));
                    text.equation(2, &whose, "=", vec![value]);
                }
                Err(reason) => {
                    let none = language.no_gradient_for(label(node), reason.text(language));
                    text.note(Role::Note, 2, &none);
                }
            }
        }
        text
    }

    /// Step number `n`, from 0, as text: with its number, and in the sweep with every node that
    /// waits after it.
    pub fn step_text(&self, n: usize, layout: Layout) -> Option<Text> {
        let step = self.step(n)?;
        let mut text = Text::new(layout);
        let (number, all, language) = (n + 1, self.len(), layout.language);
        let title = match step {
            Step::Forward(_) => language.step_forward(number, all),
            Step::Backward(_) => language.step_backward(number, all),
        };
        text.note(Role::Heading, 0, &title);
        match step {
            Step::Forward(step) => step.write(&mut text, layout, 0, 0),
            Step::Backward(step) => {
                step.write(&mut text, layout, self.choice(n - self.nodes.len(), language));
            }
        }
        if let Step::Backward(_) = step {
            let waiting = self.waiting(n);
            for Waiting { node, reported, missing } in waiting.iter().take(MOST_WAITING) {
                text.note(Role::Note, 2, &state(*node, reported.len(), missing, language));
            }
            if waiting.len() > MOST_WAITING {
                let more = waiting.len() - MOST_WAITING;
                text.note(Role::Note, 2, &language.more_wait(more));
            }
        }
        Some(text)
    }

    /// Says why it is this node's turn and not that of another which is ready, if there is one.
    fn choice(&self, turn: usize, language: Language) -> Option<String> {
        let count = self.order.ready_count(turn);
        let names = self.ready_beside(turn, MOST_READY).into_iter().map(label);
        let names = names.collect::<Vec<_>>().join(", ");
        let names = match count.saturating_sub(MOST_READY) {
            0 => names,
            more => language.names_and_more(more, names),
        };
        match count {
            0 => None,
            1 => Some(language.choice_one(names)),
            _ => Some(language.choice_several(names)),
        }
    }

    /// Says which operands of a step are complete with it, and which wait for more.
    fn write_operands_state(&self, text: &mut Text, turn: usize, language: Language) {
        let contributions = &self.backward[turn].contributions;
        for (position, contribution) in contributions.iter().enumerate() {
            let operand = contribution.operand;
            let again = contributions[..position].iter().any(|c| c.operand == operand);
            let Some(own) = self.turns[operand.position()].filter(|_| !again) else { continue };
            // They stand in the order in which they report.
            let uses = &self.backward[own as usize].uses;
            let has_reported =
                |u: &Use<'_, A>| self.turns[u.node.position()].is_some_and(|t| t as usize <= turn);
            let (reported, missing) = uses.split_at(uses.partition_point(has_reported));
            text.note(Role::Note, 2, &state(operand, reported.len(), missing, language));
        }
    }
}

/// The number of nodes that are named as ready.
const MOST_READY: usize = 3;
/// The number of waiting nodes that are named.
const MOST_WAITING: usize = 8;

impl<A: Float> Display for Forward<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text(Layout::of(f)))
    }
}

impl<A: Float> Display for Backward<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text(Layout::of(f)))
    }
}

impl<A: Float> Display for Step<'_, '_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text(Layout::of(f)))
    }
}

impl<A: Float> Display for Trace<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text(Layout::of(f)))
    }
}
