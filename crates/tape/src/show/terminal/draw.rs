//! How the screen looks.

use std::collections::HashMap;

use ops::{Float, Tensor};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout as Areas, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as TextLine, Span as TextSpan};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Row, Table, TableState};
use textwrap::core::display_width;

use super::chart::{DOWN, LEFT, NUMBER, RIGHT, Spot, UP, short};
use super::{SMALLEST, Screen};
use crate::show::trace::{Layout, Role, tensor_text, visible};

/// From this width on there is room for the table of values.
const WIDE: u16 = 120;
/// From this width on it has room for all digits.
const WIDEST: u16 = 160;

/// The columns of the table on a screen so wide, if there is room for it.
fn table_columns(screen: u16) -> Option<[u16; 3]> {
    match screen {
        WIDEST.. => Some([14, 25, 25]),
        WIDE.. => Some([10, 16, 16]),
        _ => None,
    }
}

const HELP: &str = "\
→ space n     one step on            ← p       one step back
Home g        the first step         End G     the last step
f             the forward pass       b         the backward pass
Tab           the same node in the other pass
/             jump to a variable: Tab completes, Enter jumps, Esc leaves
↑ ↓ PgUp PgDn scroll the step        H J K L   move the graph
d             numbers in four digits, or in all
?             this help              q Esc     quit

THE GRAPH     ▶ stands before the current node; its operands come in by
thick lines. Below a name stands its value in the forward pass, and in
the backward pass its adjoint so far: green when it is complete, yellow
while it waits for uses.

Any key goes back.";

/// What is known of a node at the step that is shown.
struct State<A: Float> {
    /// Its value, once it is computed.
    value: Option<Tensor<A>>,
    /// Its adjoint so far.
    adjoint: Option<Tensor<A>>,
    progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Its time has not come.
    Ahead,
    /// Part of its uses have reported.
    Waiting,
    Done,
    Current,
}

impl Progress {
    fn style(self) -> Style {
        match self {
            Self::Ahead => Style::new().add_modifier(Modifier::DIM),
            Self::Waiting => Style::new().fg(Color::Yellow),
            Self::Done => Style::new().fg(Color::Green),
            Self::Current => Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
        }
    }
}

fn style(role: Role) -> Style {
    match role {
        Role::Heading => Style::new().add_modifier(Modifier::BOLD),
        Role::Formula => Style::new().fg(Color::Cyan),
        Role::Numbers => Style::new().fg(Color::Yellow),
        Role::Value => Style::new().fg(Color::Green).add_modifier(Modifier::BOLD),
        Role::Place => Style::new().add_modifier(Modifier::DIM),
        Role::Note | Role::Space => Style::new(),
    }
}

impl<A: Float> Screen<'_, '_, A> {
    /// Draws the step. What is scrolled beyond its end is scrolled back.
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        let area = frame.area();
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            return too_small(frame);
        }
        let [title, main, keys] =
            Areas::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)])
                .areas(area);
        let states = self.states();
        self.draw_title(frame, title);
        let columns = table_columns(area.width);
        // With its borders, and a space between the columns.
        let wide = columns.map_or(0, |columns| columns.iter().sum::<u16>() + 4);
        let [main, table] =
            Areas::horizontal([Constraint::Min(0), Constraint::Length(wide)]).areas(main);
        // The step needs about twelve rows; the graph has what it needs of the others.
        let wanted = self.chart.height as u16 + 2;
        let graph = wanted.min((main.height * 9 / 20).max(main.height.saturating_sub(16))).max(4);
        let [graph, step] =
            Areas::vertical([Constraint::Length(graph), Constraint::Min(0)]).areas(main);
        self.draw_graph(frame, graph, &states);
        self.draw_step(frame, step);
        if let Some(columns) = columns {
            self.draw_table(frame, table, columns, &states);
        }
        self.draw_keys(frame, keys);
        if self.help {
            draw_help(frame, area);
        }
    }

    fn draw_title(&self, frame: &mut Frame<'_>, area: Rect) {
        let (steps, forward) = (self.trace.len(), self.trace.nodes().len());
        let (pass, number, of) = if self.is_backward() {
            ("BACKWARD", self.step - forward + 1, steps - forward)
        } else {
            ("FORWARD", self.step + 1, forward)
        };
        let left = format!(" {pass} {number} of {of}  ");
        let right = format!("  step {} of {steps} ", self.step + 1);
        let room =
            usize::from(area.width).saturating_sub(display_width(&left) + display_width(&right));
        let filled = (room * (self.step + 1)).div_ceil(steps).min(room);
        let bar = TextLine::from(vec![
            TextSpan::styled(left, Style::new().add_modifier(Modifier::BOLD)),
            TextSpan::styled("━".repeat(filled), Style::new().fg(Color::Cyan)),
            TextSpan::styled("─".repeat(room - filled), Style::new().add_modifier(Modifier::DIM)),
            TextSpan::raw(right),
        ]);
        frame.render_widget(bar, area);
    }

    /// Every node, as far as the passes have come with this step.
    fn states(&self) -> Vec<State<A>> {
        let nodes = self.trace.nodes();
        let forward = nodes.len();
        let done = (self.step + 1).saturating_sub(forward);
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
            let waiting = self.trace.waiting(self.step);
            waiting.iter().map(|w| (w.node.position(), w.missing.len())).collect()
        } else {
            HashMap::new()
        };
        let state = |(number, x): (usize, &crate::Var<'_, A>)| {
            let value = (number <= self.step).then(|| x.value());
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

    fn draw_graph(&mut self, frame: &mut Frame<'_>, area: Rect, states: &[State<A>]) {
        let below = if self.is_backward() { "adjoints so far" } else { "values" };
        let left_out = self.chart.left_out;
        let title = if left_out == 0 {
            format!(" graph, with {below} ")
        } else {
            let (drawn, all) = (self.chart.spots.len(), self.trace.nodes().len());
            let name = visible(&self.node().label());
            format!(" graph: the {drawn} nodes nearest to {name} of {all}, {left_out} left out ")
        };
        let block = frame_of(title);
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

    fn draw_step(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let name = visible(&self.node().label());
        let pass = if self.is_backward() { "passes its adjoint on" } else { "is computed" };
        let given = self.node().op().is_none();
        let pass = match (self.is_backward(), given) {
            (false, true) => "is given",
            (true, true) => "has its gradient",
            _ => pass,
        };
        let scopes = self.node().scope_path();
        let scopes: Vec<String> = scopes.iter().map(|scope| visible(scope)).collect();
        let scope =
            if scopes.is_empty() { String::new() } else { format!("in {} ", scopes.join(", ")) };
        let block =
            frame_of(format!(" {name} {pass} ")).title(TextLine::from(scope).right_aligned());
        let inner = block.inner(area).inner(ratatui::layout::Margin::new(1, 0));
        let layout =
            Layout { rounding: self.rounding(), width: inner.width.into(), ..Layout::default() };
        let text = self.trace.step_text(self.step, layout).expect("the step is one of the trace");
        // The number of the step is in the title.
        let lines = text.lines().iter().skip(1);
        let mut lines: Vec<TextLine<'_>> = lines
            .map(|line| {
                let spans = line.iter().map(|span| TextSpan::styled(&span.text, style(span.role)));
                TextLine::from(spans.collect::<Vec<_>>())
            })
            .collect();
        if let Some(source) = self.source_line() {
            lines.push(TextLine::default());
            let title = "your line: ";
            let options = textwrap::Options::new(layout.width)
                .initial_indent(title)
                .subsequent_indent("           ");
            for line in textwrap::wrap(&source, options) {
                let (indent, text) = line.split_at(title.len().min(line.len()));
                lines.push(TextLine::from(vec![
                    TextSpan::styled(indent.to_owned(), Style::new().add_modifier(Modifier::DIM)),
                    TextSpan::styled(text.to_owned(), Style::new().add_modifier(Modifier::ITALIC)),
                ]));
            }
        }
        let height = usize::from(inner.height);
        self.scroll = self.scroll.min(lines.len().saturating_sub(height));
        let below = lines.len().saturating_sub(self.scroll + height);
        let block = if below > 0 {
            block.title_bottom(TextLine::from(format!(" ↓ {below} more lines ")).right_aligned())
        } else {
            block
        };
        frame.render_widget(block, area);
        frame.render_widget(Paragraph::new(lines).scroll((self.scroll as u16, 0)), inner);
    }

    fn draw_table(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        columns: [u16; 3],
        states: &[State<A>],
    ) {
        let layout = Layout { rounding: self.rounding(), elements: 4, width: usize::MAX };
        let cell = |x: &Option<Tensor<A>>| match x {
            Some(x) if x.len() <= 4 => tensor_text(x, layout),
            Some(x) => number(x),
            None => "·".to_owned(),
        };
        let rows = self.trace.nodes().iter().zip(states).map(|(x, state)| {
            let adjoint = match self.trace.gradient(*x) {
                Err(_) => "none".to_owned(),
                Ok(_) => cell(&state.adjoint),
            };
            let cells = [visible(&x.label()), cell(&state.value), adjoint];
            Row::new(cells.into_iter().zip(columns).map(|(text, width)| short(&text, width.into())))
                .style(state.progress.style())
        });
        let output = visible(&self.trace.output().label());
        let header = [String::from("node"), String::from("value"), format!("∂{output}/∂node")];
        let header = Row::new(header).style(Style::new().add_modifier(Modifier::DIM));
        let table =
            Table::new(rows, columns).header(header).block(frame_of(" all nodes ".to_owned()));
        let mut state = TableState::new().with_selected(self.node_number());
        frame.render_stateful_widget(table, area, &mut state);
    }

    fn draw_keys(&self, frame: &mut Frame<'_>, area: Rect) {
        let line = if let Some(prompt) = &self.prompt {
            let candidates = match &self.candidates()[..] {
                [] => "no such variable".to_owned(),
                names => names.join("  "),
            };
            TextLine::from(vec![
                TextSpan::styled(" jump to: ", Style::new().add_modifier(Modifier::BOLD)),
                TextSpan::raw(format!("{}▏ ", visible(prompt))),
                TextSpan::styled(candidates, Style::new().add_modifier(Modifier::DIM)),
            ])
        } else if let Some(message) = &self.message {
            TextLine::styled(format!(" {message}"), Style::new().fg(Color::Yellow))
        } else {
            let keys = [
                ("→", "on"),
                ("←", "back"),
                ("Home End", "first, last"),
                ("f b", "pass"),
                ("/", "jump"),
                ("?", "help"),
                ("q", "quit"),
            ];
            let spans = keys.iter().flat_map(|(key, does)| {
                let bold = Style::new().add_modifier(Modifier::BOLD);
                [TextSpan::styled(format!(" {key}"), bold), TextSpan::raw(format!(" {does} "))]
            });
            TextLine::from(spans.collect::<Vec<_>>())
        };
        frame.render_widget(line, area);
    }
}

/// A number, or the shape of a tensor.
fn number<A: Float>(x: &Tensor<A>) -> String {
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

/// What passes a cell of the graph: the lines of one value.
struct Passing {
    /// The spot of the value.
    value: usize,
    ways: u8,
    /// That of the line which is highlighted most.
    light: Light,
}

/// How a line is highlighted.
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
    /// Where a cell of the graph is on the screen, if it is in view.
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

fn frame_of(title: String) -> Block<'static> {
    let dim = Style::new().add_modifier(Modifier::DIM);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(dim)
        .title(TextSpan::styled(title, Style::new().add_modifier(Modifier::BOLD)))
}

fn too_small(frame: &mut Frame<'_>) {
    let area = frame.area();
    let (columns, rows) = SMALLEST;
    let text = format!(
        "The steps need {columns} columns and {rows} rows; this terminal has {} and {}. \
         Make it larger, or press q to quit.",
        area.width, area.height
    );
    let wrapped = textwrap::wrap(&text, usize::from(area.width).max(1));
    let lines: Vec<TextLine<'_>> = wrapped.into_iter().map(TextLine::from).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let lines: Vec<&str> = HELP.lines().collect();
    let width = lines.iter().map(|line| display_width(line)).max().unwrap_or(0) as u16 + 4;
    let height = lines.len() as u16 + 2;
    let middle = Rect {
        x: area.x + area.width.saturating_sub(width) / 2,
        y: area.y + area.height.saturating_sub(height) / 2,
        width: width.min(area.width),
        height: height.min(area.height),
    };
    let block = frame_of(" keys ".to_owned());
    let inner = block.inner(middle).inner(ratatui::layout::Margin::new(1, 0));
    frame.render_widget(Clear, middle);
    frame.render_widget(block, middle);
    frame.render_widget(Paragraph::new(HELP), inner);
}
