//! Runs and updates as text.

use std::fmt::{self, Display};

use ops::{Float, UpdateKind, UpdateLine};
use textwrap::core::display_width;

use super::{Run, RunStep, Update};
use crate::show::trace::text::{Layout, Role, Span, Text, span, spans, tensor_text, visible};
use crate::words::{Piece, pieces};

/// The heights of a bar of a curve.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Numbers as bars beside each other, in a given number of columns at most: each column is the mean
/// of its numbers. A number that is not finite is a `!`.
pub(crate) fn curve(numbers: &[f64], columns: usize) -> String {
    let columns = columns.clamp(1, numbers.len().max(1));
    let finite = || numbers.iter().copied().filter(|x| x.is_finite());
    let (least, most) = finite()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| (least.min(x), most.max(x)));
    let bar = |column: usize| {
        let part = column * numbers.len() / columns..(column + 1) * numbers.len() / columns;
        let mean = numbers[part.clone()].iter().sum::<f64>() / part.len() as f64;
        let height = (mean - least) / (most - least) * 8.0;
        match (mean.is_finite(), height.is_nan()) {
            (false, _) => '!',
            (_, true) => BARS[0], // All are the same.
            _ => BARS[(height as usize).min(7)],
        }
    };
    if numbers.is_empty() { String::new() } else { (0..columns).map(bar).collect() }
}

/// The settings of an update on one line: `η = 0.1, μ = 0.9`.
fn settings<A: Float>(lines: &[UpdateLine<A>], layout: Layout) -> String {
    let settings = lines.iter().filter(|line| line.kind == UpdateKind::Setting);
    let words = settings
        .map(|line| format!("{} = {}", line.symbol, layout.rounding.number(line.value.to_f64())));
    words.collect::<Vec<_>>().join(", ")
}

impl<A: Float> Update<'_, A> {
    /// The update as text: the formulas in symbols, and for one number all the way, in numbers. Of a
    /// tensor that is the number with the largest gradient.
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        self.write(&mut text, layout);
        text
    }

    /// The update of one number as text. `None` if there is no such element.
    pub fn element_text(&self, index: &[usize], layout: Layout) -> Option<Text> {
        let at = |x: &ops::Tensor<A>| x.view().get(index).copied();
        let (before, after) = (at(&self.change().before)?, at(&self.change().after)?);
        let mut text = Text::new(layout);
        if let Some(lines) = self.lines(index, layout.rounding) {
            write_lines(&mut text, &lines, layout, 0);
        } else {
            let number = |x| layout.rounding.number(x);
            let words = format!("{} → {}", number(before), number(after));
            text.note(Role::Value, 0, &words);
        }
        Some(text)
    }

    fn write(&self, text: &mut Text, layout: Layout) {
        let label = visible(&self.node().label());
        let change = self.change();
        let formulas = self.formulas(layout.rounding);
        let is_scalar = change.before.ndim() == 0;
        text.line(vec![span(Role::Heading, layout.language.is_updated(&label))]);
        if formulas.is_empty() {
            let whose = [span(Role::Formula, label)];
            let after = vec![span(Role::Value, tensor_text(&change.after, layout))];
            return text.equation(2, &whose, "←", after);
        }
        if is_scalar {
            let lines = self.lines(&[], layout.rounding).unwrap_or_default();
            write_lines(text, &lines, layout, 2);
            return self.write_remark(text, layout);
        }
        text.note(Role::Note, 2, &settings(&formulas, layout));
        for line in &formulas {
            let whose = [span(Role::Formula, visible(&line.symbol))];
            let mut sides = vec![span(Role::Formula, visible(&line.names))];
            match (line.kind, self.tensor_of(line)) {
                (UpdateKind::Setting, _) => continue,
                (UpdateKind::Once, _) => {
                    sides.push(span(Role::Value, layout.rounding.number(line.value.to_f64())));
                }
                (_, Some(x)) => sides.push(span(Role::Value, tensor_text(x, layout))),
                _ => {}
            }
            text.equation(2, &whose, sign(line.kind), sides);
        }
        let index = self.largest();
        let places: Vec<String> = index.iter().map(usize::to_string).collect();
        let place = format!("[{}]", places.join(","));
        text.note(Role::Note, 2, &layout.language.number_of_largest(place));
        let lines = self.lines(&index, layout.rounding).unwrap_or_default();
        let of_its_own = lines
            .into_iter()
            .filter(|line| !matches!(line.kind, UpdateKind::Setting | UpdateKind::Once));
        write_lines(text, &of_its_own.collect::<Vec<_>>(), layout, 4);
        self.write_remark(text, layout);
    }

    fn write_remark(&self, text: &mut Text, layout: Layout) {
        let remark = self.remark_in(layout.language);
        if !remark.is_empty() {
            text.note(Role::Note, 2, remark);
        }
    }
}

fn sign(kind: UpdateKind) -> &'static str {
    match kind {
        UpdateKind::Kept | UpdateKind::Parameter => "←",
        _ => "=",
    }
}

/// Writes lines with their numbers, the settings on one line.
fn write_lines<A: Float>(text: &mut Text, lines: &[UpdateLine<A>], layout: Layout, indent: usize) {
    let settings = settings(lines, layout);
    if !settings.is_empty() {
        text.note(Role::Note, indent, &settings);
    }
    for line in lines.iter().filter(|line| line.kind != UpdateKind::Setting) {
        let value = match line.value {
            ops::UpdateNumber::Same(x) => layout.rounding.number(x),
            ops::UpdateNumber::Element(x) => layout.rounding.number(x),
        };
        let mut sides = vec![
            span(Role::Formula, visible(&line.names)),
            span(Role::Numbers, visible(&line.numbers)),
            span(Role::Value, value),
        ];
        sides.dedup_by(|a, b| a.text == b.text);
        let symbol = [span(Role::Formula, visible(&line.symbol))];
        text.equation(indent, &symbol, sign(line.kind), sides);
    }
}

impl<A: Float> RunStep<'_, A> {
    /// The step as text: both passes, the updates, and the loss after them.
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = self.trace().text(layout);
        text.blank();
        text.append(self.update_text(layout));
        text
    }

    /// The updates as text, and the loss after them.
    pub fn update_text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        text.note(Role::Heading, 0, layout.language.update());
        for update in self.updates() {
            text.blank();
            update.write(&mut text, layout);
        }
        text.blank();
        text.line(self.loss_line(layout));
        text
    }

    /// The loss before the update and after it.
    pub fn loss_text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        text.line(self.loss_line(layout));
        text
    }

    fn loss_line(&self, layout: Layout) -> Vec<Span> {
        let number = |x: A| span(Role::Value, layout.rounding.number(x));
        let name = span(Role::Formula, visible(&self.trace().output().label()));
        let gaps =
            [("name", name), ("before", number(self.loss())), ("after", number(self.loss_after()))];
        spans(Role::Note, layout.language.loss_was, &gaps)
    }
}

/// The number of losses that are listed in a row.
const IN_A_ROW: usize = 5;
/// The number of losses that are listed.
const MOST_LISTED: usize = 100;

impl<A: Float> Run<'_, A> {
    /// The losses as text: a curve, and a list.
    pub fn text(&self, layout: Layout) -> Text {
        let mut text = Text::new(layout);
        let losses = self.losses();
        let count = losses.len();
        text.note(Role::Heading, 0, &layout.language.training(count));
        let (Some(&first), Some(last)) = (losses.first(), self.steps().last()) else { return text };
        let number = |x: A| layout.rounding.number(x);
        let (first, last) = (number(first), number(last.loss_after()));
        let template = layout.language.losses_after;
        let words: usize = pieces(template)
            .map(|piece| if let Piece::Text(text) = piece { display_width(text) } else { 0 })
            .sum();
        let numbers = display_width(&first) + display_width(&last);
        let room = layout.width.min(100).saturating_sub(numbers + words + 2);
        let numbers: Vec<f64> = losses.iter().map(|x| x.to_f64()).collect();
        text.blank();
        let gaps = [
            ("first", span(Role::Value, first)),
            ("curve", span(Role::Numbers, curve(&numbers, room))),
            ("last", span(Role::Value, last)),
        ];
        let said = spans(Role::Note, template, &gaps);
        text.line([span(Role::Space, "  ")].into_iter().chain(said).collect());
        text.blank();
        let words: Vec<String> = losses.iter().map(|&x| number(x)).collect();
        let width = words.iter().map(|word| display_width(word)).max().unwrap_or(0);
        let places = count.to_string().len();
        for (row, words) in words.chunks(IN_A_ROW).take(MOST_LISTED / IN_A_ROW).enumerate() {
            let mut line = Vec::new();
            for (i, word) in words.iter().enumerate() {
                let step = row * IN_A_ROW + i + 1;
                line.push(span(Role::Note, format!("  {step:>places$}: ")));
                line.push(span(Role::Value, format!("{word:<width$}")));
            }
            if let Some(last) = line.last_mut() {
                last.text.truncate(last.text.trim_end().len());
            }
            text.line(line);
        }
        if count > MOST_LISTED {
            text.note(Role::Note, 2, &layout.language.and_more(count - MOST_LISTED));
        }
        text
    }
}

impl<A: Float> Display for RunStep<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text(Layout::of(f)))
    }
}

impl<A: Float> Display for Run<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text(Layout::of(f)))
    }
}
