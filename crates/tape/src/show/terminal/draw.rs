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

const HELP: &str = "\
→ space n     one step on            ← p       one step back
Home g        the first step         End G     the last step
f             the forward pass       b         the backward pass
Tab           the same node in the other pass
Enter         opens an element into the terms that it is the sum of: arrows
              go to another, Enter or Esc closes
/             jump to a variable: Tab completes, Enter jumps, Esc leaves
↑ ↓ PgUp PgDn scroll the step        H J K L   move the graph
d             numbers in four digits, or in all
?             this help              q Esc     quit

THE GRAPH     ▶ stands before the current node; its operands come in by
thick lines. Below a name stands its value in the forward pass, and in
the backward pass its adjoint so far: green when it is complete, yellow
while it waits for uses.

Any key goes back.";

const HELP_IN_TRAINING: &str = "\
u             the update            [ ]       another step of training
c             the losses: choose a step of training, Enter opens it
";

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
        self.draw_curve(frame, area);
        if self.help {
            draw_help(frame, area, self.training.is_some());
        }
    }

    fn draw_title(&self, frame: &mut Frame<'_>, area: Rect) {
        let (sweep, forward) = (self.trace.len(), self.trace.nodes().len());
        let (update, step) = (self.count_after(), self.step);
        let steps = sweep + update;
        let (pass, number, of) = match (self.after(), self.is_backward()) {
            (Some(_), _) => ("UPDATE", step - sweep + 1, update),
            (None, true) => ("BACKWARD", step - forward + 1, sweep - forward),
            (None, false) => ("FORWARD", step + 1, forward),
        };
        let left = format!("{} {pass} {number} of {of}  ", self.training_title());
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

    /// What the step is about.
    fn step_title(&self) -> String {
        if self.opened.is_some() {
            return " an element, opened: arrows go to another, Enter closes ".to_owned();
        }
        let given = self.node().op().is_none();
        let pass = match (self.after(), self.is_backward(), given) {
            (Some(After::Update(_)), ..) => "takes the optimiser's step",
            (Some(After::Loss), ..) => "after the update",
            (None, true, true) => "has its gradient",
            (None, true, false) => "passes its adjoint on",
            (None, false, true) => "is given",
            (None, false, false) => "is computed",
        };
        format!(" {} {pass} ", visible(&self.node().label()))
    }

    fn draw_step(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let scopes = self.node().scope_path();
        let scopes: Vec<String> = scopes.iter().map(|scope| visible(scope)).collect();
        let scope =
            if scopes.is_empty() { String::new() } else { format!("in {} ", scopes.join(", ")) };
        let title = self.step_title();
        let block = frame_of(title).title(TextLine::from(scope).right_aligned());
        let inner = block.inner(area).inner(ratatui::layout::Margin::new(1, 0));
        let layout =
            Layout { rounding: self.rounding(), width: inner.width.into(), ..Layout::default() };
        let text = match (self.after(), self.opened) {
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
        let from_program = self.opened.is_none() && self.after().is_none();
        if let Some(source) = self.source_line().filter(|_| from_program) {
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

    /// An element of the node's value, or in the backward pass of its adjoint, as the sum of its
    /// terms.
    fn opened_text(&self, element: usize, layout: Layout) -> Text {
        let index = index_of(&self.node().shape(), element);
        let opened = if self.is_backward() {
            self.trace.adjoint_terms(self.node(), &index, layout.rounding)
        } else {
            self.trace.terms(self.node(), &index, layout.rounding)
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
            let keys: &[_] = if self.training.is_some() {
                &[
                    ("→", "on"),
                    ("←", "back"),
                    ("f b u", "pass, update"),
                    ("c", "losses"),
                    ("[ ]", "training"),
                    ("?", "help"),
                    ("q", "quit"),
                ]
            } else {
                &[
                    ("→", "on"),
                    ("←", "back"),
                    ("Home End", "first, last"),
                    ("f b", "pass"),
                    ("/", "jump"),
                    ("?", "help"),
                    ("q", "quit"),
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

fn draw_help(frame: &mut Frame<'_>, area: Rect, training: bool) {
    let help = if training { format!("{HELP_IN_TRAINING}{HELP}") } else { HELP.to_owned() };
    let lines: Vec<&str> = help.lines().collect();
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
    frame.render_widget(Paragraph::new(help), inner);
}
