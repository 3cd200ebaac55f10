//! What the screen shows, and how keys change it.

use std::collections::HashMap;

use ops::{Float, visible_lines};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::chart::Chart;
use super::training::{After, Training};
use crate::ask::nearest::nearest;
use crate::graph::label::typed;
use crate::graph::var::{Place, Var};
use crate::show::trace::{Layout, Rounding, Step, Trace, index_of, visible};
use crate::words::Language;

/// The reader's decision to stay or to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The screen stays.
    Stay,
    /// The reader leaves it.
    Quit,
}

/// A reason in words, and the nodes that stop the gradient.
#[derive(Clone, Debug)]
pub(super) struct Why {
    pub text: String,
    /// Their numbers among the nodes of the trace.
    pub stops: Vec<usize>,
}

/// A trace on a screen: which step is shown, and how.
///
/// ```
/// use ratatui::crossterm::event::KeyCode;
/// use tape::{Tape, Trace, prelude::*};
/// use tape::terminal::{Screen, ratatui};
///
/// let tape = Tape::new();
/// let (w, x) = (tape.var(0.5).named("w"), tape.var(2.0).named("x"));
/// let trace = Trace::of((w * x).named("y"))?;
/// let mut screen = Screen::new(&trace);
/// screen.press(KeyCode::Char('b').into()); // The start of the backward pass.
/// assert_eq!(screen.step(), 3);
/// let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(80, 24))?;
/// let frame = terminal.draw(|frame| screen.draw(frame))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Screen<'a, 't, A: Float> {
    pub(super) trace: &'a Trace<'t, A>,
    pub(super) chart: Chart,
    pub(super) step: usize,
    /// The first line of the step that is shown.
    pub(super) scroll: usize,
    /// The distance that the graph is moved from where it shows the current node.
    pub(super) pan: (isize, isize),
    pub(super) exact: bool,
    pub(super) help: bool,
    pub(super) prompt: Option<String>,
    /// The element of the node's value, or in the backward pass of its adjoint, that is opened.
    pub(super) opened: Option<usize>,
    /// Why the gradient of the node, or of the element that is opened, is what it is.
    pub(super) why: Option<Why>,
    /// The run that the trace is of, if it is of one.
    pub(super) training: Option<Training<'a, 't, A>>,
    /// The result of the last jump.
    pub(super) message: Option<String>,
    /// The lines of the files that recorded nodes.
    pub(super) sources: HashMap<String, Vec<String>>,
    pub(super) language: Language,
}

impl<'a, 't, A: Float> Screen<'a, 't, A> {
    /// The trace at its first step.
    pub fn new(trace: &'a Trace<'t, A>) -> Self {
        Self {
            trace,
            chart: Chart::new(trace, 0),
            step: 0,
            scroll: 0,
            pan: (0, 0),
            exact: false,
            help: false,
            prompt: None,
            opened: None,
            why: None,
            training: None,
            message: None,
            sources: HashMap::new(),
            language: Language::ENGLISH,
        }
        .with_sources()
    }

    /// Sets the language of the screen.
    pub fn language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    fn with_sources(mut self) -> Self {
        for x in self.trace.nodes() {
            let file = x.location().file();
            if !self.sources.contains_key(file) && x.place().text.is_none() {
                let text = std::fs::read_to_string(file).unwrap_or_default();
                self.sources.insert(file.to_owned(), text.lines().map(str::to_owned).collect());
            }
        }
        self
    }

    /// The number of the step that is shown, from 0.
    pub fn step(&self) -> usize {
        self.step
    }

    /// The node that the step is about.
    pub fn node(&self) -> Var<'t, A> {
        match self.after() {
            None => self.current().node(),
            Some(After::Update(update)) => update.node(),
            Some(After::Loss) => self.trace.output(),
        }
    }

    fn current(&self) -> Step<'a, 't, A> {
        self.trace.step(self.step).expect("the step is one of the trace")
    }

    /// The number of the step, or after the sweep that of its last step.
    pub(super) fn traced_step(&self) -> usize {
        self.step.min(self.trace.len() - 1)
    }

    /// Its number among the nodes of the trace.
    pub(super) fn node_number(&self) -> usize {
        self.trace.forward_step_of(self.node()).expect("a step is about a node of the trace")
    }

    pub(super) fn is_backward(&self) -> bool {
        self.step >= self.trace.nodes().len()
    }

    pub(super) fn rounding(&self) -> Rounding {
        if self.exact { Rounding::EXACT } else { Rounding::default() }
    }

    /// The setting of numbers and sentences.
    pub(super) fn layout(&self) -> Layout {
        Layout::from(self.rounding()).language(self.language)
    }

    /// The line of the program that recorded the current node.
    pub(super) fn source_line(&self) -> Option<String> {
        let Place { file, line, text, .. } = self.node().place();
        let text = text.map(|text| text.to_string()).or_else(|| {
            self.sources.get(&*file)?.get(line as usize - 1).map(|text| text.trim().to_owned())
        });
        text.map(|text| visible(&text))
    }

    /// Takes a key.
    pub fn press(&mut self, key: KeyEvent) -> Flow {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') { Flow::Quit } else { Flow::Stay };
        }
        if self.help {
            self.help = false;
            return Flow::Stay;
        }
        self.message = None;
        if self.prompt.is_some() {
            self.press_in_prompt(key.code);
            return Flow::Stay;
        }
        if self.why.take().is_some() && matches!(key.code, KeyCode::Char('w') | KeyCode::Esc) {
            return Flow::Stay;
        }
        if self.opened.is_none() && self.press_in_run(key.code) {
            return Flow::Stay;
        }
        if key.code == KeyCode::Char('w') {
            self.why = Some(self.reason());
            self.scroll = 0;
            return Flow::Stay;
        }
        if self.opened.is_some() {
            self.press_in_elements(key.code);
            return Flow::Stay;
        }
        self.press_in_steps(key.code)
    }

    fn reason(&self) -> Why {
        let node = self.trace.nodes()[self.node_number()];
        let index = self.opened.map(|element| index_of(&node.shape(), element));
        let index = index.as_deref().unwrap_or_default();
        let how = self.language.why_open_one();
        let reason = self.trace.gradients().reason(self.language, node, index, how);
        let stops = reason.places.into_iter();
        let stops = stops.filter_map(|(node, _)| self.trace.forward_step_of(node)).collect();
        Why { text: visible_lines(&reason.text).into_owned(), stops }
    }

    /// Moves from element to element of what is opened.
    fn press_in_elements(&mut self, key: KeyCode) {
        let shape = self.node().shape();
        let (count, row) = (shape.iter().product::<usize>(), shape.last().copied().unwrap_or(1));
        let Some(element) = self.opened else { return };
        let last = count.saturating_sub(1);
        match key {
            KeyCode::Enter | KeyCode::Esc | KeyCode::Backspace | KeyCode::Char('q') => {
                self.opened = None;
            }
            KeyCode::Right | KeyCode::Char(' ' | 'n' | 'l') => {
                self.opened = Some((element + 1).min(last));
            }
            KeyCode::Left | KeyCode::Char('p' | 'h') => {
                self.opened = Some(element.saturating_sub(1));
            }
            KeyCode::Down | KeyCode::Char('j') if element + row <= last => {
                self.opened = Some(element + row);
            }
            KeyCode::Up | KeyCode::Char('k') if element >= row => {
                self.opened = Some(element - row);
            }
            KeyCode::Home => self.opened = Some(0),
            KeyCode::End => self.opened = Some(last),
            KeyCode::PageDown => return self.scroll += 8,
            KeyCode::PageUp => return self.scroll = self.scroll.saturating_sub(8),
            KeyCode::Char('d') => self.exact = !self.exact,
            _ => {}
        }
        self.scroll = 0;
    }

    /// Opens the first element.
    fn open(&mut self) {
        if self.node().shape().contains(&0) {
            self.message = Some(self.language.no_elements().to_owned());
        } else {
            (self.opened, self.scroll) = (Some(0), 0);
        }
    }

    fn press_in_steps(&mut self, key: KeyCode) -> Flow {
        let last = self.trace.len() + self.count_after() - 1;
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return Flow::Quit,
            KeyCode::Enter => self.open(),
            KeyCode::Right | KeyCode::Char(' ' | 'n' | 'l') => {
                self.go_to((self.step + 1).min(last));
            }
            KeyCode::Left | KeyCode::Backspace | KeyCode::Char('p' | 'h') => {
                self.go_to(self.step.saturating_sub(1));
            }
            KeyCode::Home | KeyCode::Char('g' | 'f') => self.go_to(0),
            KeyCode::End | KeyCode::Char('G') => self.go_to(last),
            KeyCode::Char('b') => self.go_to(self.trace.nodes().len()),
            KeyCode::Tab => self.change_pass(),
            KeyCode::Char('/') => self.prompt = Some(String::new()),
            KeyCode::Char('?') | KeyCode::F(1) => self.help = true,
            KeyCode::Char('d') => self.exact = !self.exact,
            // Drawing knows how far there is to scroll.
            KeyCode::Down | KeyCode::Char('j') => self.scroll += 1,
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::PageDown => self.scroll += 8,
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(8),
            KeyCode::Char('H') => self.pan.0 -= 8,
            KeyCode::Char('L') => self.pan.0 += 8,
            KeyCode::Char('K') => self.pan.1 -= 2,
            KeyCode::Char('J') => self.pan.1 += 2,
            _ => {}
        }
        Flow::Stay
    }

    pub(super) fn go_to(&mut self, step: usize) {
        (self.step, self.scroll, self.pan, self.opened) = (step, 0, (0, 0), None);
        let node = self.node_number();
        if !self.chart.is_whole() {
            self.chart = Chart::new(self.trace, node);
        }
    }

    /// The same node in the other pass.
    fn change_pass(&mut self) {
        let node = self.node();
        let step = if self.is_backward() {
            self.trace.forward_step_of(node)
        } else {
            self.trace.backward_step_of(node)
        };
        if let Some(step) = step {
            return self.go_to(step);
        }
        let label = visible(&node.label());
        let language = self.language;
        self.message = Some(match self.trace.gradient(node) {
            Ok(_) => language.no_turn(label),
            Err(reason) => language.no_turn_because(label, reason.text(language)),
        });
    }

    fn press_in_prompt(&mut self, key: KeyCode) {
        let Some(prompt) = &mut self.prompt else { return };
        match key {
            KeyCode::Char(c) => prompt.push(c),
            KeyCode::Backspace if !prompt.is_empty() => {
                prompt.pop();
            }
            KeyCode::Esc | KeyCode::Backspace => self.prompt = None,
            KeyCode::Tab => {
                if let Some(first) = self.candidates().into_iter().next() {
                    self.prompt = Some(first);
                }
            }
            KeyCode::Enter => {
                let name = self.prompt.take().unwrap_or_default();
                self.jump(&name);
            }
            _ => {}
        }
    }

    fn labels(&self) -> Vec<String> {
        self.trace.nodes().iter().map(|x| visible(&x.label())).collect()
    }

    /// The names that go on as the prompt begins, or else those that look like it.
    pub(super) fn candidates(&self) -> Vec<String> {
        let prompt = self.prompt.as_deref().unwrap_or_default();
        let labels = self.labels();
        let mut found: Vec<String> = labels
            .iter()
            .filter(|label| typed(label).starts_with(&typed(prompt)))
            .cloned()
            .collect();
        if found.is_empty() {
            let near = nearest(prompt, labels.iter().map(String::as_str));
            found = near.into_iter().map(str::to_owned).collect();
        }
        found.dedup();
        found
    }

    /// Goes to the step of the node of that name: in the pass that is shown, if it has one there.
    fn jump(&mut self, name: &str) {
        if name.is_empty() {
            return;
        }
        let labels = self.labels();
        // Of several with the same name the next after this one.
        let here = self.node_number();
        let named = |i: &usize| typed(&labels[*i]) == typed(name);
        let found = (here + 1..labels.len()).chain(0..=here).find(named);
        let Some(number) = found else {
            let near = nearest(name, labels.iter().map(String::as_str));
            let (name, language) = (visible(name), self.language);
            let near = near.into_iter().map(str::to_owned);
            self.message = Some(match near.reduce(|a, b| language.near_or(a, b)) {
                None => language.no_such_name(name, labels.join(" ")),
                Some(near) => language.no_such_name_but(name, near),
            });
            return;
        };
        let node = self.trace.nodes()[number];
        let backward = self.trace.backward_step_of(node).filter(|_| self.is_backward());
        self.go_to(backward.unwrap_or(number));
    }
}
