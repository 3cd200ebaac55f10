//! Steps and traces as text for people: aligned, in a given width, plain or in colour.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use ops::{Float, Tensor};
use textwrap::core::display_width;
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};

use super::formula::Rounding;
use super::summary::Summary;
use super::{Backward, Forward, Received, Step, Trace, Use, Waiting, Written};
use crate::graph::tape::Source;
use crate::graph::var::Var;

/// How text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The numbers, everywhere; and in formulas, which tensors keep their labels.
    pub rounding: Rounding,
    /// A tensor of more elements than this is summarised: its shape, a corner, and the smallest,
    /// mean and largest element.
    pub elements: usize,
    /// The number of columns, which no line exceeds; `usize::MAX` for lines of any length.
    pub width: usize,
}

impl Default for Layout {
    /// 80 columns, tensors of up to 12 elements in full, the rounding of formulas.
    fn default() -> Self {
        Self { rounding: Rounding::default(), elements: 12, width: 80 }
    }
}

impl Layout {
    /// The same with so many significant digits.
    pub fn digits(mut self, digits: usize) -> Self {
        self.rounding.digits = digits;
        self
    }

    /// The layout that a format asks for: `{:.6}` for six digits.
    fn of(f: &fmt::Formatter<'_>) -> Self {
        f.precision().map_or_else(Self::default, |digits| Self::default().digits(digits))
    }
}

/// What a part of a line is, from which its colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A title, and what a step is about.
    Heading,
    /// A formula in labels.
    Formula,
    /// A formula with numbers.
    Numbers,
    /// A result.
    Value,
    /// A sentence.
    Note,
    /// Where in the program.
    Place,
    /// Spaces and signs between.
    Space,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub role: Role,
    /// Its characters, none of which is a control character.
    pub text: String,
}

/// In wider text, places end here all the same.
const RIGHT_END: usize = 120;

/// Lines of text. [`Display`] writes them without colour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    lines: Vec<Vec<Span>>,
    width: usize,
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            line.iter().try_for_each(|span| f.write_str(&span.text))?;
            f.write_char('\n')?;
        }
        Ok(())
    }
}

impl Text {
    /// The lines, each of parts in their order.
    pub fn lines(&self) -> &[Vec<Span>] {
        &self.lines
    }

    fn new(layout: Layout) -> Self {
        Self { lines: Vec::new(), width: layout.width }
    }

    fn line(&mut self, spans: Vec<Span>) {
        self.lines.extend(broken(spans, self.width));
    }

    fn blank(&mut self) {
        self.line(Vec::new());
    }

    /// A sentence, continued on further lines a little to the right.
    fn note(&mut self, role: Role, indent: usize, text: &str) {
        let hanging = if indent == 0 { 0 } else { indent + 2 };
        for (i, part) in wrap(text, self.width.saturating_sub(hanging)).into_iter().enumerate() {
            let indent = if i == 0 { indent } else { hanging };
            self.line(vec![space(indent), span(role, part)]);
        }
    }

    /// `left = a = b = c` on one line, or each on a line of its own, the signs below each other.
    fn equation(&mut self, indent: usize, left: &[Span], sign: &str, sides: Vec<Span>) {
        let start = indent + columns(left) + 1 + display_width(sign);
        let length: usize = sides.iter().map(|s| display_width(&s.text) + 3).sum();
        let mut line = vec![space(indent)];
        line.extend_from_slice(left);
        line.push(span(Role::Space, format!(" {sign} ")));
        if start.saturating_add(length) <= self.width.saturating_add(2) {
            for (i, side) in sides.into_iter().enumerate() {
                if i > 0 {
                    line.push(span(Role::Space, " = "));
                }
                line.push(side);
            }
            return self.line(line);
        }
        // Beside a long name the rest would have no room: it goes below.
        let below = start > self.width / 2;
        let start = if below { indent + 4 } else { start };
        if below {
            line.pop();
            line.push(span(Role::Space, format!(" {sign}")));
            self.line(std::mem::replace(&mut line, vec![space(start + 1)]));
        }
        for (i, Span { role, text }) in sides.into_iter().enumerate() {
            if i > 0 {
                line = vec![space(start - 1), span(Role::Space, "= ")];
            }
            for part in wrap(&text, self.width.saturating_sub(start + 1)) {
                line.push(span(role, part));
                self.line(std::mem::replace(&mut line, vec![space(start + 1)]));
            }
        }
    }

    /// Puts the place at the right end of line number `line`, or on a line of its own.
    fn place(&mut self, line: usize, place: &str) {
        let used = columns(&self.lines[line]);
        let place = span(Role::Place, visible(place));
        let length = display_width(&place.text);
        if used + 2 + length <= self.width {
            let end = self.width.min(RIGHT_END);
            let between = end.saturating_sub(used + length).max(2);
            self.lines[line].extend([space(between), place]);
        } else {
            let indent = self.width.min(RIGHT_END).saturating_sub(length);
            self.line(vec![space(indent), place]);
        }
    }
}

fn columns(spans: &[Span]) -> usize {
    spans.iter().map(|span| display_width(&span.text)).sum()
}

/// A line in lines of so many columns: what is too long is broken between letters.
fn broken(spans: Vec<Span>, width: usize) -> Vec<Vec<Span>> {
    if columns(&spans) <= width {
        return vec![spans];
    }
    let (mut lines, mut used) = (vec![Vec::new()], 0);
    for Span { role, text } in spans {
        let mut part = String::new();
        for c in text.chars() {
            let columns = display_width(c.encode_utf8(&mut [0; 4]));
            if used > 0 && used + columns > width {
                lines.last_mut().expect("a line").push(span(role, std::mem::take(&mut part)));
                lines.push(Vec::new());
                used = 0;
            }
            used += columns;
            part.push(c);
        }
        lines.last_mut().expect("a line").push(span(role, part));
    }
    lines
}

/// The colours of the roles.
#[cfg(feature = "color")]
mod color {
    use std::fmt::{self, Display};
    use std::io::{self, Write};

    use anstyle::{AnsiColor, Style};

    use super::{Role, Text};

    impl Role {
        fn style(self) -> Style {
            match self {
                Self::Heading => Style::new().bold(),
                Self::Formula => AnsiColor::Cyan.on_default(),
                Self::Numbers => AnsiColor::Yellow.on_default(),
                Self::Value => AnsiColor::Green.on_default().bold(),
                Self::Place => Style::new().dimmed(),
                Self::Note | Self::Space => Style::new(),
            }
        }
    }

    struct Colored<'a>(&'a Text);

    impl Display for Colored<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for line in self.0.lines() {
                for span in line {
                    let style = span.role.style();
                    write!(f, "{style}{}{style:#}", span.text)?;
                }
                writeln!(f)?;
            }
            Ok(())
        }
    }

    impl Text {
        /// The text with the escape sequences of a terminal's colours, always.
        pub fn colored(&self) -> impl Display {
            Colored(self)
        }

        /// Prints to the standard output: in colour if it is a terminal that has it and the
        /// environment does not ask otherwise (`NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`).
        ///
        /// # Errors
        /// If the output cannot be written.
        pub fn print(&self) -> io::Result<()> {
            let mut out = anstream::stdout().lock();
            write!(out, "{}", Colored(self))?;
            out.flush()
        }
    }
}

fn span(role: Role, text: impl Into<String>) -> Span {
    Span { role, text: text.into() }
}

fn space(columns: usize) -> Span {
    span(Role::Space, " ".repeat(columns))
}

/// Lines of at most so many columns, broken between words where these are not too long.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width.max(1))
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(true);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

/// A name or a text with names in it, with what cannot be seen written out: `a\nb`. That is control
/// characters, marks that reverse the order of writing, and blanks of no width.
pub(crate) fn visible(text: &str) -> String {
    let turns = |c| {
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let no_width = |c| matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}');
    let hidden = |c: char| c.is_control() || turns(c) || no_width(c);
    let write = |c: char| {
        if hidden(c) { c.escape_default().to_string() } else { c.to_string() }
    };
    text.chars().map(write).collect()
}

/// A tensor on one line: in full, or summarised.
///
/// ```
/// use tape::trace::{Layout, tensor_text};
///
/// let small = ops::Tensor::from([[0.5, -1.0], [2.0 / 3.0, 0.0]]);
/// assert_eq!(tensor_text(&small, Layout::default()), "[[0.5, -1], [0.6667, 0]]");
/// let large = ops::Tensor::full(&[400], 0.25);
/// assert_eq!(
///     tensor_text(&large, Layout::default()),
///     "400 numbers [0.25, 0.25, 0.25, …], min 0.25, mean 0.25, max 0.25"
/// );
/// ```
pub fn tensor_text<A: Float>(x: &Tensor<A>, layout: Layout) -> String {
    let number = |x: A| layout.rounding.number(x);
    if x.len() <= layout.elements {
        return nested(x, x.shape(), number);
    }
    let Summary { shape, corner, min, mean, max, not_finite } = Summary::new(x);
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut text = format!("{} numbers {}", lengths.join("×"), nested(&corner, &shape, number));
    for (name, x) in [("min", min), ("mean", mean), ("max", max)] {
        if let Some(x) = x {
            let _ = write!(text, ", {name} {}", number(x));
        }
    }
    if not_finite > 0 {
        let _ = write!(text, ", {not_finite} not finite");
    }
    text
}

/// The elements in brackets, with `…` where the whole has more along an axis; a corner lacks the
/// axes of the whole before its own.
fn nested<A: Float>(x: &Tensor<A>, whole: &[usize], number: impl Fn(A) -> String) -> String {
    let mut words: Vec<String> = x.to_vec().into_iter().map(number).collect();
    let whole_of_own = &whole[whole.len() - x.ndim()..];
    for axis in (0..x.ndim()).rev() {
        let length = x.shape()[axis];
        let more = if length < whole_of_own[axis] { ", …" } else { "" };
        let count: usize = x.shape()[..axis].iter().product();
        let row = |i: usize| words[i * length..(i + 1) * length].join(", ");
        words = (0..count).map(|i| format!("[{}{more}]", row(i))).collect();
    }
    for &of in whole[..whole.len() - x.ndim()].iter().rev() {
        let more = if of > 1 { ", …" } else { "" };
        words = vec![format!("[{}{more}]", words.join(", "))];
    }
    words.pop().unwrap_or_else(|| "[]".to_owned()) // Of shape [0, 2].
}

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

/// Where a node was recorded. The path of an example may lead out of its crate by `..`.
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
    format!("∂{}/∂{}", label(of), label(by))
}

/// Nodes with the number of times each is there: `a, b (twice)`. Of many, the first.
fn list_uses<A: Float>(uses: &[Use<'_, A>]) -> String {
    const MOST: usize = 6;
    let groups = uses.chunk_by(|a, b| a.node == b.node).take(MOST);
    let mut left = uses.len();
    let word = |group: &[Use<'_, A>]| {
        left -= group.len();
        match (label(group[0].node), group.len()) {
            (name, 1) => name,
            (name, 2) => format!("{name} (twice)"),
            (name, n) => format!("{name} ({n} times)"),
        }
    };
    let mut words: Vec<String> = groups.map(word).collect();
    if left > 0 {
        words.push(format!("and {left} more"));
    }
    words.join(", ")
}

/// Whether a node is complete, and for whom it waits, given its uses that have not reported.
fn state<A: Float>(node: Var<'_, A>, reported: usize, missing: &[Use<'_, A>]) -> String {
    let (name, names) = (label(node), list_uses(missing));
    match (missing.len(), reported) {
        (0, _) => format!("{name} is complete"),
        (1, 0) => format!("{name} waits for its only use, {names}"),
        (2, 0) => format!("{name} waits for both its uses, {names}"),
        (n, 0) => format!("{name} waits for all its {n} uses, {names}"),
        (n, m) => format!("{name} waits for {n} of its {} uses, {names}", n + m),
    }
}

impl<A: Float> Forward<'_, A> {
    /// The step as text: the formula with names, with numbers, and its value.
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        self.write(&mut text, layout, 0, 0);
        text
    }

    /// With names set to the right in so many columns.
    fn write(&self, text: &mut Text, layout: Layout, indent: usize, column: usize) {
        let node = self.node;
        let (first, name) = (text.lines.len(), label(node));
        let indent = indent + column.saturating_sub(display_width(&name));
        let value = tensor_text(&node.value(), layout);
        let sides = sides(self.formula(layout.rounding), value);
        text.equation(indent, &[span(Role::Heading, name)], "=", sides);
        let what = match node.tape().graph()[node.index()].source {
            Source::Variable => "variable, ",
            Source::Constant => "constant, ",
            Source::Detached => "detached, ",
            Source::Op(_) => "",
        };
        text.place(first, &format!("{what}{}", place(node)));
    }
}

impl<A: Float> Backward<'_, A> {
    /// The step as text: why it is the node's turn, its adjoint, and what each operand receives, as
    /// formulas with names, with numbers, and as values.
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        self.write(&mut text, layout);
        text
    }

    fn write(&self, text: &mut Text, layout: Layout) {
        let first = text.lines.len();
        let name = span(Role::Heading, label(self.node));
        match self.node.formula() {
            Some(formula) => {
                let formula = span(Role::Heading, visible(&formula));
                text.equation(0, &[name], "=", vec![formula]);
            }
            None => text.line(vec![name, span(Role::Note, ", a variable")]),
        }
        text.place(first, &place(self.node));
        text.note(Role::Note, 2, &self.why_now());
        let adjoint = vec![span(Role::Value, tensor_text(&self.adjoint, layout))];
        let whose = span(Role::Formula, derivative(self.output, self.node));
        if self.contributions.is_empty() {
            text.equation(2, &[whose], "=", adjoint);
        } else {
            let name = [span(Role::Formula, "ȳ"), span(Role::Space, " = "), whose];
            text.equation(2, &name, "=", adjoint);
        }
        for position in 0..self.contributions.len() {
            self.write_contribution(text, position, layout);
        }
    }

    fn why_now(&self) -> String {
        match &self.uses[..] {
            [] => "the output: the sweep starts here".to_owned(),
            [only] => format!("ready: its only use has reported, {}", label(only.node)),
            uses @ [_, _] => format!("ready: both its uses have reported, {}", list_uses(uses)),
            uses => {
                format!("ready: all its {} uses have reported, {}", uses.len(), list_uses(uses))
            }
        }
    }

    fn write_contribution(&self, text: &mut Text, position: usize, layout: Layout) {
        let operand = self.contributions[position].operand;
        let whose = [span(Role::Formula, derivative(self.output, operand))];
        let Received { value, before, after } = match &self.contributions[position].received {
            Ok(received) => received,
            Err(reason) => {
                return text.note(
                    Role::Note,
                    2,
                    &format!("nothing to {}: {reason}", label(operand)),
                );
            }
        };
        let local = self.local(position).zip(self.local_formula(position, layout.rounding));
        // A slope that is a single number or name is in the contribution for all to see.
        if let Some((slope, written)) = local.filter(|(_, written)| written.names.contains(' ')) {
            let whose = [span(Role::Formula, derivative(self.node, operand))];
            text.equation(2, &whose, "=", sides(Some(written), tensor_text(&slope, layout)));
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
    /// assert!(text.contains("∂y/∂w += ȳ · x = 1 · 0.5 = 0.5"), "{text}");
    /// # Ok::<(), tape::error::TapeError>(())
    /// ```
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        text.note(Role::Heading, 0, "FORWARD: each value from those before it");
        text.blank();
        let widths = self.nodes.iter().map(|&x| display_width(&label(x)));
        let column = widths.max().unwrap_or(0).min(layout.width / 4);
        for &node in &self.nodes {
            Forward { node }.write(&mut text, layout, 0, column);
        }
        text.blank();
        text.note(
            Role::Heading,
            0,
            "BACKWARD: each node, once all its uses have reported, passes its adjoint ȳ on",
        );
        for (turn, step) in self.backward.iter().enumerate() {
            text.blank();
            step.write(&mut text, layout);
            self.write_operands_state(&mut text, turn);
        }
        text.blank();
        text.note(Role::Heading, 0, "GRADIENTS");
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
                    text.note(Role::Note, 2, &format!("none for {}: {reason}", label(node)));
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
        let pass = if n < self.nodes.len() { "forward" } else { "backward" };
        text.note(Role::Heading, 0, &format!("step {} of {}, {pass}", n + 1, self.len()));
        text.lines.extend(step.text(layout).lines);
        if let Step::Backward(_) = step {
            let waiting = self.waiting(n);
            for Waiting { node, reported, missing } in waiting.iter().take(MOST_WAITING) {
                text.note(Role::Note, 2, &state(*node, reported.len(), missing));
            }
            if waiting.len() > MOST_WAITING {
                let more = waiting.len() - MOST_WAITING;
                text.note(Role::Note, 2, &format!("and {more} more wait"));
            }
        }
        Some(text)
    }

    /// Of the operands of a step: which are complete with it, and which wait for more.
    fn write_operands_state(&self, text: &mut Text, turn: usize) {
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
            text.note(Role::Note, 2, &state(operand, reported.len(), missing));
        }
    }
}

/// Of more nodes than this, only the number is told.
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
