//! How the screen looks.

use ops::{Float, Tensor};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout as Areas, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as TextLine, Span as TextSpan};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Row, Table, TableState};
use textwrap::core::display_width;

use super::chart::short;
use super::graph::{State, number};
use super::training::After;
use super::{SMALLEST, Screen};
use crate::show::trace::{Layout, Role, Text, index_of, tensor_text, visible};
use crate::words::Language;

/// The width from which on there is room for the table of values.
const WIDE: u16 = 120;
/// The width from which on the table has room for all digits.
const WIDEST: u16 = 160;

/// The columns of the table on a screen so wide, if there is room for it.
fn table_columns(screen: u16) -> Option<[u16; 3]> {
    match screen {
        WIDEST.. => Some([14, 25, 25]),
        WIDE.. => Some([10, 16, 16]),
        _ => None,
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
            return too_small(frame, self.language);
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
        self.draw_curve(frame, area);
        if self.help {
            draw_help(frame, area, self.training.is_some(), self.language);
        }
    }

    fn draw_title(&self, frame: &mut Frame<'_>, area: Rect) {
        let (sweep, forward) = (self.trace.len(), self.trace.nodes().len());
        let (update, step) = (self.count_after(), self.step);
        let steps = sweep + update;
        let language = self.language;
        let (pass, number, of) = match (self.after(), self.is_backward()) {
            (Some(_), _) => (language.screen_update(), step - sweep + 1, update),
            (None, true) => (language.screen_backward(), step - forward + 1, sweep - forward),
            (None, false) => (language.screen_forward(), step + 1, forward),
        };
        let title = match self.training_place() {
            None => language.screen_title(pass, number, of),
            Some((at, count)) => language.screen_title_in_training(at, count, pass, number, of),
        };
        let left = format!(" {title}  ");
        let right = format!("  {} ", language.step_of(self.step + 1, steps));
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

    /// What the step is about.
    fn step_title(&self) -> String {
        let language = self.language;
        if self.why.is_some() {
            return format!(" {} ", language.step_why(visible(&self.node().label())));
        }
        if self.opened.is_some() {
            return format!(" {} ", language.step_opened());
        }
        let (name, given) = (visible(&self.node().label()), self.node().op().is_none());
        let title = match (self.after(), self.is_backward(), given) {
            (Some(After::Update(_)), ..) => language.step_takes_update(name),
            (Some(After::Loss), ..) => language.step_after_update(name),
            (None, true, true) => language.step_has_gradient(name),
            (None, true, false) => language.step_passes_on(name),
            (None, false, true) => language.step_is_given(name),
            (None, false, false) => language.step_is_computed(name),
        };
        format!(" {title} ")
    }

    fn draw_step(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let scopes = self.node().scope_path();
        let scopes: Vec<String> = scopes.iter().map(|scope| visible(scope)).collect();
        let scope = if scopes.is_empty() {
            String::new()
        } else {
            format!("{} ", self.language.in_scopes(scopes.join(", ")))
        };
        let title = self.step_title();
        let block = frame_of(title).title(TextLine::from(scope).right_aligned());
        let inner = block.inner(area).inner(ratatui::layout::Margin::new(1, 0));
        let layout = Layout { width: inner.width.into(), ..self.layout() };
        let text = match (self.after(), self.opened) {
            _ if self.why.is_some() => Text::default(),
            (Some(after), _) => self.text_after(after, layout),
            (None, Some(element)) => self.opened_text(element, layout),
            (None, None) => {
                self.trace.step_text(self.step, layout).expect("the step is one of the trace")
            }
        };
        // The number of the step is in the title.
        let titled = self.opened.is_none() && !matches!(self.after(), Some(After::Loss));
        let lines = text.lines().iter().skip(usize::from(titled));
        let mut lines: Vec<TextLine<'_>> = lines
            .map(|line| {
                let spans = line.iter().map(|span| TextSpan::styled(&span.text, style(span.role)));
                TextLine::from(spans.collect::<Vec<_>>())
            })
            .collect();
        if let Some(why) = &self.why {
            let said = textwrap::wrap(&why.text, layout.width.max(1));
            lines.extend(said.into_iter().map(|line| TextLine::from(line.into_owned())));
        }
        lines.extend(self.lines_of_program(layout.width));
        let height = usize::from(inner.height);
        self.scroll = self.scroll.min(lines.len().saturating_sub(height));
        let below = lines.len().saturating_sub(self.scroll + height);
        let block = if below > 0 {
            let more = format!(" {} ", self.language.more_lines(below));
            block.title_bottom(TextLine::from(more).right_aligned())
        } else {
            block
        };
        frame.render_widget(block, area);
        frame.render_widget(Paragraph::new(lines).scroll((self.scroll as u16, 0)), inner);
    }

    /// The line of the program that recorded the node, unless the step shows something else.
    fn lines_of_program(&self, width: usize) -> Vec<TextLine<'static>> {
        let from_program = self.opened.is_none() && self.after().is_none() && self.why.is_none();
        let Some(source) = self.source_line().filter(|_| from_program) else { return Vec::new() };
        let title = format!("{} ", self.language.your_line());
        let below = " ".repeat(display_width(&title));
        let options =
            textwrap::Options::new(width).initial_indent(&title).subsequent_indent(&below);
        let mut lines = vec![TextLine::default()];
        for (i, line) in textwrap::wrap(&source, options).into_iter().enumerate() {
            let start = if i == 0 { title.len() } else { below.len() };
            let (indent, text) = line.split_at(start.min(line.len()));
            lines.push(TextLine::from(vec![
                TextSpan::styled(indent.to_owned(), Style::new().add_modifier(Modifier::DIM)),
                TextSpan::styled(text.to_owned(), Style::new().add_modifier(Modifier::ITALIC)),
            ]));
        }
        lines
    }

    /// An element of the node's value, or in the backward pass of its adjoint, as the sum of its
    /// terms.
    fn opened_text(&self, element: usize, layout: Layout) -> Text {
        let index = index_of(&self.node().shape(), element);
        let opened = if self.is_backward() {
            self.trace.adjoint_terms(self.node(), &index, layout)
        } else {
            self.trace.terms(self.node(), &index, layout)
        };
        opened.expect("an element of a node of the trace").text(layout)
    }

    fn draw_table(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        columns: [u16; 3],
        states: &[State<A>],
    ) {
        let layout = Layout { elements: 4, width: usize::MAX, ..self.layout() };
        let cell = |x: &Option<Tensor<A>>| match x {
            Some(x) if x.len() <= 4 => tensor_text(x, layout),
            Some(x) => number(x),
            None => "·".to_owned(),
        };
        let rows = self.trace.nodes().iter().zip(states).map(|(x, state)| {
            let adjoint = match self.trace.gradient(*x) {
                Err(_) => self.language.cell_none().to_owned(),
                Ok(_) => cell(&state.adjoint),
            };
            let cells = [visible(&x.label()), cell(&state.value), adjoint];
            Row::new(cells.into_iter().zip(columns).map(|(text, width)| short(&text, width.into())))
                .style(state.progress.style())
        });
        let output = visible(&self.trace.output().label());
        let language = self.language;
        let [node, value] = [language.column_node(), language.column_value()].map(str::to_owned);
        let header = [node, value, language.derivative_by_node(output)];
        let header = Row::new(header).style(Style::new().add_modifier(Modifier::DIM));
        let title = format!(" {} ", language.all_nodes());
        let table = Table::new(rows, columns).header(header).block(frame_of(title));
        let mut state = TableState::new().with_selected(self.node_number());
        frame.render_stateful_widget(table, area, &mut state);
    }

    fn draw_keys(&self, frame: &mut Frame<'_>, area: Rect) {
        let language = self.language;
        let line = if let Some(prompt) = &self.prompt {
            let candidates = match &self.candidates()[..] {
                [] => language.no_such_variable().to_owned(),
                names => names.join("  "),
            };
            TextLine::from(vec![
                TextSpan::styled(
                    format!(" {} ", language.jump_to()),
                    Style::new().add_modifier(Modifier::BOLD),
                ),
                TextSpan::raw(format!("{}▏ ", visible(prompt))),
                TextSpan::styled(candidates, Style::new().add_modifier(Modifier::DIM)),
            ])
        } else if let Some(message) = &self.message {
            TextLine::styled(format!(" {message}"), Style::new().fg(Color::Yellow))
        } else {
            let keys: &[_] = if self.training.is_some() {
                &[
                    ("→", language.key_on()),
                    ("←", language.key_back()),
                    ("f b u", language.key_pass_update()),
                    ("c", language.key_losses()),
                    ("[ ]", language.key_training()),
                    ("?", language.key_help()),
                    ("q", language.key_quit()),
                ]
            } else {
                &[
                    ("→", language.key_on()),
                    ("←", language.key_back()),
                    ("Home End", language.key_first_last()),
                    ("f b", language.key_pass()),
                    ("/", language.key_jump()),
                    ("?", language.key_help()),
                    ("q", language.key_quit()),
                ]
            };
            let spans = keys.iter().flat_map(|(key, does)| {
                let bold = Style::new().add_modifier(Modifier::BOLD);
                [TextSpan::styled(format!(" {key}"), bold), TextSpan::raw(format!(" {does} "))]
            });
            TextLine::from(spans.collect::<Vec<_>>())
        };
        frame.render_widget(line, area);
    }
}

pub(super) fn frame_of(title: String) -> Block<'static> {
    let dim = Style::new().add_modifier(Modifier::DIM);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(dim)
        .title(TextSpan::styled(title, Style::new().add_modifier(Modifier::BOLD)))
}

fn too_small(frame: &mut Frame<'_>, language: Language) {
    let area = frame.area();
    let (columns, rows) = SMALLEST;
    let text = language.too_small(columns, rows, area.width, area.height);
    let wrapped = textwrap::wrap(&text, usize::from(area.width).max(1));
    let lines: Vec<TextLine<'_>> = wrapped.into_iter().map(TextLine::from).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_help(frame: &mut Frame<'_>, area: Rect, training: bool, language: Language) {
    let in_training = if training { language.help_in_training() } else { "" };
    let help = format!("{in_training}{}", language.help());
    let lines: Vec<&str> = help.lines().collect();
    let width = lines.iter().map(|line| display_width(line)).max().unwrap_or(0) as u16 + 4;
    let height = lines.len() as u16 + 2;
    let middle = Rect {
        x: area.x + area.width.saturating_sub(width) / 2,
        y: area.y + area.height.saturating_sub(height) / 2,
        width: width.min(area.width),
        height: height.min(area.height),
    };
    let block = frame_of(format!(" {} ", language.keys_title()));
    let inner = block.inner(middle).inner(ratatui::layout::Margin::new(1, 0));
    frame.render_widget(Clear, middle);
    frame.render_widget(block, middle);
    frame.render_widget(Paragraph::new(help), inner);
}
