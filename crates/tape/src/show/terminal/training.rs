//! A run of training on the screen: the steps after the sweep, and the curve of the losses.

use ops::Float;
use ratatui::Frame;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use super::Screen;
use super::draw::frame_of;
use crate::show::trace::{Layout, Run, Text, Update, curve, index_of};

/// The run that a screen shows a step of.
#[derive(Clone, Debug)]
pub(super) struct Training<'a, 't, A: Float> {
    run: &'a Run<'t, A>,
    /// The number of the step of training that is shown.
    number: usize,
    /// The one that is chosen on the curve, while the curve is shown.
    chosen: Option<usize>,
}

/// Something that comes after the sweep.
#[derive(Clone, Copy, Debug)]
pub(super) enum After<'a, 't, A: Float> {
    /// The optimiser's step for a parameter.
    Update(&'a Update<'t, A>),
    /// The loss with the new parameters.
    Loss,
}

impl<'a, 't, A: Float> Screen<'a, 't, A> {
    /// The run at a step of training, from 0: first both passes, then the optimiser's step for each
    /// parameter, and the loss after it. `None` if there is no such step.
    pub fn of_run(run: &'a Run<'t, A>, number: usize) -> Option<Self> {
        let trace = run.steps().get(number)?.trace();
        let training = Some(Training { run, number, chosen: None });
        Some(Self { training, ..Self::new(trace) })
    }

    /// The number of the step of training that is shown, from 0.
    pub fn training_step(&self) -> Option<usize> {
        self.training.as_ref().map(|training| training.number)
    }

    /// The number of steps that come after the sweep.
    pub(super) fn count_after(&self) -> usize {
        let Some(Training { run, number, .. }) = &self.training else { return 0 };
        run.steps()[*number].updates().len() + 1
    }

    /// What is shown, if it comes after the sweep.
    pub(super) fn after(&self) -> Option<After<'a, 't, A>> {
        let Training { run, number, .. } = self.training.as_ref()?;
        let number_after = self.step.checked_sub(self.trace.len())?;
        let update = run.steps()[*number].updates().get(number_after);
        Some(update.map_or(After::Loss, After::Update))
    }

    /// The update of a node, if it has had it at the step that is shown.
    pub(super) fn updated(&self, position: usize) -> Option<&'a Update<'t, A>> {
        let Training { run, number, .. } = self.training.as_ref()?;
        let done = (self.step + 1).checked_sub(self.trace.len())?;
        let updates = run.steps()[*number].updates();
        let done = &updates[..done.min(updates.len())];
        done.iter().find(|update| update.node().position() == position)
    }

    /// The text of what comes after the sweep; of an element, if one is opened.
    pub(super) fn text_after(&self, after: After<'a, 't, A>, layout: Layout) -> Text {
        match (after, self.opened, &self.training) {
            (After::Update(update), Some(element), _) => {
                let index = index_of(&update.node().shape(), element);
                update.element_text(&index, layout).unwrap_or_default()
            }
            (After::Update(update), None, _) => update.text(layout),
            (After::Loss, _, Some(Training { run, number, .. })) => {
                run.steps()[*number].loss_text(layout)
            }
            (After::Loss, _, None) => Text::default(),
        }
    }

    /// Takes a key that is about the run; false if it is not.
    pub(super) fn press_in_run(&mut self, key: KeyCode) -> bool {
        let update = self.trace.len();
        let Some(training) = &mut self.training else { return false };
        let last = training.run.steps().len().saturating_sub(1);
        let Some(chosen) = training.chosen else {
            match key {
                KeyCode::Char('u') => self.go_to(update),
                KeyCode::Char('c') => training.chosen = Some(training.number),
                KeyCode::Char(']') => self.open_training(self.number_beside(1)),
                KeyCode::Char('[') => self.open_training(self.number_beside(-1)),
                _ => return false,
            }
            return true;
        };
        training.chosen = match key {
            KeyCode::Right | KeyCode::Char('l' | 'n' | ' ') => Some((chosen + 1).min(last)),
            KeyCode::Left | KeyCode::Char('h' | 'p') => Some(chosen.saturating_sub(1)),
            KeyCode::PageDown | KeyCode::Down => Some((chosen + 10).min(last)),
            KeyCode::PageUp | KeyCode::Up => Some(chosen.saturating_sub(10)),
            KeyCode::Home => Some(0),
            KeyCode::End => Some(last),
            KeyCode::Enter => {
                training.chosen = None;
                self.open_training(Some(chosen));
                return true;
            }
            KeyCode::Esc | KeyCode::Char('q' | 'c') => None,
            _ => Some(chosen),
        };
        true
    }

    fn number_beside(&self, by: isize) -> Option<usize> {
        let training = self.training.as_ref()?;
        let number = training.number.checked_add_signed(by)?;
        (number < training.run.steps().len()).then_some(number)
    }

    /// Opens another step of training, at its first step.
    fn open_training(&mut self, number: Option<usize>) {
        let run = self.training.as_ref().map(|training| training.run);
        let opened = run.zip(number).and_then(|(run, number)| Self::of_run(run, number));
        match opened {
            Some(screen) => {
                *self = Self { exact: self.exact, language: self.language, ..screen };
            }
            None => self.message = Some(self.language.no_such_training().to_owned()),
        }
    }

    /// The step of training that is shown, from 1, and how many there are.
    pub(super) fn training_place(&self) -> Option<(usize, usize)> {
        self.training.as_ref().map(|Training { run, number, .. }| (number + 1, run.steps().len()))
    }

    /// The curve of the losses over the middle of the screen, if a step is being chosen on it.
    pub(super) fn draw_curve(&self, frame: &mut Frame<'_>, area: Rect) {
        let Some(Training { run, chosen: Some(chosen), .. }) = &self.training else { return };
        let losses: Vec<f64> = run.losses().iter().map(|x| x.to_f64()).collect();
        let width = losses.len().clamp(40, usize::from(area.width) - 8);
        let bars = curve(&losses, width);
        // The first column that the chosen step has a part in.
        let columns = bars.chars().count();
        let at = (0..columns).rfind(|column| column * losses.len() / columns <= *chosen);
        let rounding = self.rounding();
        let step = &run.steps()[*chosen];
        let language = self.language;
        let said = language.training_choice(
            chosen + 1,
            losses.len(),
            rounding.number(step.loss()),
            rounding.number(step.loss_after()),
        );
        let lines = vec![
            Line::styled(bars, Style::new().fg(Color::Cyan)),
            Line::raw(format!("{}▲", " ".repeat(at.unwrap_or(0)))),
            Line::styled(said, Style::new().add_modifier(Modifier::BOLD)),
            Line::raw(language.training_keys()),
        ];
        let (width, height) = (width.max(54) as u16 + 4, 6);
        let middle = Rect {
            x: area.x + area.width.saturating_sub(width) / 2,
            y: area.y + area.height.saturating_sub(height) / 2,
            width: width.min(area.width),
            height,
        };
        let block = frame_of(format!(" {} ", language.training_title()));
        let inner = block.inner(middle).inner(Margin::new(1, 0));
        frame.render_widget(Clear, middle);
        frame.render_widget(block, middle);
        frame.render_widget(Paragraph::new(lines), inner);
    }
}
