//! How the graph looks on the screen: its lines, and what is known of each node so far.

use std::collections::HashMap;

use ops::{Float, Tensor};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use textwrap::core::display_width;

use super::Screen;
use super::chart::{DOWN, LEFT, NUMBER, RIGHT, Spot, UP};
use super::draw::frame_of;
use crate::graph::var::Var;
use crate::show::trace::{Layout, visible};

/// The state of a node at the step that is shown.
pub(super) struct State<A: Float> {
    /// Its value, once it is computed.
    pub value: Option<Tensor<A>>,
    /// Its adjoint so far.
    pub adjoint: Option<Tensor<A>>,
    pub progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Its time has not come.
    Ahead,
    /// Part of its uses have reported.
    Waiting,
    Done,
    Current,
}

impl Progress {
    pub fn style(self) -> Style {
        match self {
            Self::Ahead => Style::new().add_modifier(Modifier::DIM),
            Self::Waiting => Style::new().fg(Color::Yellow),
            Self::Done => Style::new().fg(Color::Green),
            Self::Current => Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
        }
    }
}

impl<A: Float> Screen<'_, '_, A> {
    /// Every node, as far as the passes have come with this step.
    pub(super) fn states(&self) -> Vec<State<A>> {
        let nodes = self.trace.nodes();
        let forward = nodes.len();
        let done = (self.traced_step() + 1).saturating_sub(forward);
        let mut adjoints: HashMap<usize, Tensor<A>> = HashMap::new();
        for step in &self.trace.backward()[..done] {
            adjoints.insert(step.node.position(), step.adjoint.clone());
            for contribution in &step.contributions {
                if let Ok(received) = &contribution.received {
                    adjoints.insert(contribution.operand.position(), received.after.clone());
                }
            }
        }
        let current = self.node_number();
        let missing: HashMap<usize, usize> = if done > 0 {
            let waiting = self.trace.waiting(self.traced_step());
            waiting.iter().map(|w| (w.node.position(), w.missing.len())).collect()
        } else {
            HashMap::new()
        };
        let state = |(number, x): (usize, &Var<'_, A>)| {
            let updated = self.updated(x.position());
            let value = updated.map_or_else(|| x.value(), |update| update.change().after.clone());
            let value = (number <= self.step).then_some(value);
            let adjoint = adjoints.get(&x.position()).cloned();
            let progress = match &adjoint {
                _ if number == current => Progress::Current,
                None if done == 0 && value.is_some() => Progress::Done,
                Some(_) if missing.get(&x.position()).is_some_and(|n| *n > 0) => Progress::Waiting,
                Some(_) => Progress::Done,
                None => Progress::Ahead,
            };
            State { value, adjoint, progress }
        };
        nodes.iter().enumerate().map(state).collect()
    }

    pub(super) fn draw_graph(&mut self, frame: &mut Frame<'_>, area: Rect, states: &[State<A>]) {
        let (left_out, language) = (self.chart.left_out, self.language);
        let title = if left_out > 0 {
            let (drawn, all) = (self.chart.spots.len(), self.trace.nodes().len());
            let name = visible(&self.node().label());
            language.graph_in_part(drawn, name, all, left_out)
        } else if self.is_backward() {
            language.graph_with_adjoints().to_owned()
        } else {
            language.graph_with_values().to_owned()
        };
        let block = frame_of(format!(" {title} "));
        let inner = block.inner(area).inner(ratatui::layout::Margin::new(1, 0));
        frame.render_widget(block, area);
        let (width, height) = (usize::from(inner.width), usize::from(inner.height));
        let current = self.node_number();
        let origin = self.origin(current, width, height);
        let view = View { area: inner, origin };
        let buffer = frame.buffer_mut();
        self.draw_lines(buffer, view, current);
        for spot in &self.chart.spots {
            self.draw_spot(buffer, view, spot, &states[spot.node]);
        }
        for line in self.chart.lines.iter().filter(|line| line.count > 1) {
            let to = &self.chart.spots[line.to];
            let style = Style::new().fg(Color::Cyan);
            view.write(buffer, to.column - 4, to.row, &format!("×{}", line.count), style);
        }
        self.draw_arrows(buffer, area, view);
    }

    /// The cell of the graph in the upper left corner, so that the current node is in view.
    fn origin(&mut self, current: usize, width: usize, height: usize) -> (usize, usize) {
        let Some(spot) = self.chart.spot_of(current) else { return (0, 0) };
        let (most_x, most_y) =
            (self.chart.width.saturating_sub(width), self.chart.height.saturating_sub(height));
        // Going on by one step need not move the graph: it goes by half a view.
        let half = |at: usize, size: usize, view: usize, most: usize| {
            let half = (view / 2).max(1);
            let start = (at + size + half / 2).saturating_sub(view).div_ceil(half) * half;
            start.min(at).min(most)
        };
        let own =
            (half(spot.column, spot.width(), width, most_x), half(spot.row, 2, height, most_y));
        let moved = |own: usize, by: &mut isize, most: usize| {
            let at = own.saturating_add_signed(*by).min(most);
            *by = at as isize - own as isize;
            at
        };
        (moved(own.0, &mut self.pan.0, most_x), moved(own.1, &mut self.pan.1, most_y))
    }

    fn draw_lines(&self, buffer: &mut Buffer, view: View, current: usize) {
        let spots = &self.chart.spots;
        let mut cells: HashMap<(usize, usize), Vec<Passing>> = HashMap::new();
        for line in &self.chart.lines {
            let light = if spots[line.to].node == current {
                Light::In
            } else if spots[line.from].node == current {
                Light::Out
            } else {
                Light::Off
            };
            for &(column, row, ways) in &line.cells {
                let cell = cells.entry((column, row)).or_default();
                match cell.iter_mut().find(|passing| passing.value == line.from) {
                    Some(passing) => {
                        passing.ways |= ways;
                        passing.light = passing.light.max(light);
                    }
                    None => cell.push(Passing { value: line.from, ways, light }),
                }
            }
        }
        for ((column, row), mut passing) in cells {
            let Some(at) = view.cell(column, row) else { continue };
            passing.sort_by_key(|passing| std::cmp::Reverse(passing.light));
            let all = passing.iter().fold(0, |all, passing| all | passing.ways);
            let crossing = passing.len() > 1
                && passing.iter().all(|p| [UP | DOWN, LEFT | RIGHT].contains(&p.ways))
                && all == UP | DOWN | LEFT | RIGHT;
            // Lines that cross without meeting: the one that is highlighted, or goes down, is above.
            let light = passing[0].light;
            let ways = match light {
                _ if !crossing => all,
                Light::Off => UP | DOWN,
                Light::In | Light::Out => passing[0].ways,
            };
            buffer[at].set_symbol(glyph(ways, light == Light::In)).set_style(light.style());
        }
    }

    fn draw_spot(&self, buffer: &mut Buffer, view: View, spot: &Spot, state: &State<A>) {
        let style = state.progress.style();
        view.write(buffer, spot.column, spot.row, &spot.name, style);
        if !spot.op.is_empty() {
            let column = spot.column + display_width(&spot.name) + 1;
            view.write(
                buffer,
                column,
                spot.row,
                &spot.op,
                Style::new().add_modifier(Modifier::DIM),
            );
        }
        if state.progress == Progress::Current {
            view.write(buffer, spot.column - 1, spot.row, "▶", Style::new().fg(Color::Cyan));
        }
        if self.why.as_ref().is_some_and(|why| why.stops.contains(&spot.node)) {
            let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
            view.write(buffer, spot.column - 1, spot.row, "✕", red);
        }
        let shown = if self.is_backward() { &state.adjoint } else { &state.value };
        let (text, style) = match shown {
            Some(x) => (number(x), style.remove_modifier(Modifier::REVERSED)),
            None => ("·".to_owned(), Progress::Ahead.style()),
        };
        view.write(buffer, spot.column, spot.row + 1, &text, style);
    }

    /// Signs at the border, where the graph goes on.
    fn draw_arrows(&self, buffer: &mut Buffer, area: Rect, view: View) {
        let (left, top) = view.origin;
        let (width, height) = (usize::from(view.area.width), usize::from(view.area.height));
        let middle = (area.x + area.width / 2, area.y + area.height / 2);
        let signs = [
            (left > 0, (area.x, middle.1), "◀"),
            (left + width < self.chart.width, (area.right() - 1, middle.1), "▶"),
            (top > 0, (middle.0, area.y), "▲"),
            (top + height < self.chart.height, (middle.0, area.bottom() - 1), "▼"),
        ];
        for (_, at, sign) in signs.into_iter().filter(|sign| sign.0) {
            buffer[at].set_symbol(sign).set_style(Style::new().fg(Color::Cyan));
        }
    }
}

/// A number, or the shape of a tensor.
pub(super) fn number<A: Float>(x: &Tensor<A>) -> String {
    if x.ndim() > 0 {
        let lengths: Vec<String> = x.shape().iter().map(usize::to_string).collect();
        return format!("[{}]", lengths.join("×"));
    }
    let text = Layout::default().rounding.number(x.item());
    let fits = |digits| {
        let text = Layout::default().digits(digits).rounding.number(x.item());
        (display_width(&text) <= NUMBER).then_some(text)
    };
    if display_width(&text) <= NUMBER {
        return text;
    }
    (1..4).rev().find_map(fits).unwrap_or(text)
}

/// The lines of one value that pass a cell of the graph.
struct Passing {
    /// The spot of the value.
    value: usize,
    ways: u8,
    /// That of the line which is highlighted most.
    light: Light,
}

/// The highlight of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Light {
    Off,
    /// It leaves the current node.
    Out,
    /// It enters the current node.
    In,
}

impl Light {
    fn style(self) -> Style {
        match self {
            Self::Off => Style::new().add_modifier(Modifier::DIM),
            Self::Out => Style::new().fg(Color::Cyan),
            Self::In => Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD),
        }
    }
}

fn glyph(ways: u8, thick: bool) -> &'static str {
    const THIN: [&str; 16] =
        [" ", "╵", "╷", "│", "╴", "┘", "┐", "┤", "╶", "└", "┌", "├", "─", "┴", "┬", "┼"];
    const THICK: [&str; 16] =
        [" ", "╹", "╻", "┃", "╸", "┛", "┓", "┫", "╺", "┗", "┏", "┣", "━", "┻", "┳", "╋"];
    if thick { THICK[usize::from(ways)] } else { THIN[usize::from(ways)] }
}

/// A part of the graph, as large as the area.
#[derive(Clone, Copy)]
struct View {
    area: Rect,
    origin: (usize, usize),
}

impl View {
    /// The position of a cell of the graph on the screen, if it is in view.
    fn cell(&self, column: usize, row: usize) -> Option<(u16, u16)> {
        let (x, y) = (column.checked_sub(self.origin.0)?, row.checked_sub(self.origin.1)?);
        let inside = x < usize::from(self.area.width) && y < usize::from(self.area.height);
        inside.then(|| (self.area.x + x as u16, self.area.y + y as u16))
    }

    /// Writes what is in view of a text.
    fn write(&self, buffer: &mut Buffer, column: usize, row: usize, text: &str, style: Style) {
        let mut column = column;
        for c in text.chars() {
            let width = display_width(c.encode_utf8(&mut [0; 4]));
            // A wide character that the border would cut is left out.
            if let Some(at) = self.cell(column, row)
                && self.cell(column + width.saturating_sub(1), row).is_some()
            {
                if width == 0 {
                    continue;
                }
                buffer[at].set_char(c).set_style(style);
            }
            column += width;
        }
    }
}
