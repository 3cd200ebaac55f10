//! A page of a run of training.

use std::io;
use std::path::Path;

use ops::Float;
use serde::Serialize;

use super::{Settings, data, escape, page, write};
use crate::show::trace::Run;
use crate::show::trace::document::{self, Document, Number};

/// The steps of training that a page can open.
const MOST_OPENED: usize = 100;
/// The characters that the openings of elements may take, of all steps together.
const OPENINGS: usize = 400_000;
/// And those that miniatures may take.
const MINIATURES: usize = 600_000;

/// The losses of a run, and which of its steps can be opened.
#[derive(Serialize)]
#[serde(bound = "")]
struct Curve<A: Float> {
    losses: Vec<Number<A>>,
    opened: Vec<usize>,
    /// The step that is open where the address names none.
    first: usize,
}

impl<A: Float> Run<'_, A> {
    /// A page that shows the losses of the run as a curve, and any step of it as the page of a
    /// [trace](crate::Trace::to_html): both passes, then the optimiser's step for each parameter, and
    /// the loss after it. Step `first`, from 0, is the one that is open at the beginning.
    ///
    /// Of a run of more than 100 steps, 100 can be opened: the first, the last, `first`, and others
    /// evenly between. The page of a run of no steps says only that.
    ///
    /// ```
    /// # use tape::{Tape, Trace, page, prelude::*, trace::{Run, RunStep}};
    /// # let tape = Tape::new();
    /// let y = tape.var(0.5).named("w").tanh();
    /// let mut run = Run::default();
    /// run.push(RunStep::new(Trace::of(y)?, Vec::new(), 0.4));
    /// let page = run.to_html(0, &page::Settings::default());
    /// assert!(page.contains(r#""losses":[0.4621"#));
    /// # Ok::<(), tape::error::TapeError>(())
    /// ```
    pub fn to_html(&self, first: usize, settings: &Settings) -> String {
        let steps = self.steps();
        let language = settings.document.language;
        let words = language.catalogue().page();
        let title = settings.title.clone();
        let title = title.unwrap_or_else(|| words.page_title_of_training().to_owned());
        if steps.is_empty() {
            return page(language, &format!("<p>{}</p>", escape(words.no_steps())), &title);
        }
        let first = first.min(steps.len() - 1);
        let opened = opened(steps.len(), first);
        let openings = settings.document.openings.min(OPENINGS / opened.len());
        let miniatures = settings.document.miniatures.min(MINIATURES / opened.len());
        let of_document = document::Settings { openings, miniatures, ..settings.document.clone() };
        let losses = self.losses().into_iter().map(Number).collect();
        let curve = Curve { losses, opened: opened.clone(), first };
        let json = serde_json::to_string(&curve).expect("numbers can be written");
        let documents = opened.iter().map(|&number| {
            let document = Document::of_step(&steps[number], &of_document);
            data(&format!("trace-{number}"), &document.to_json())
        });
        let all: Vec<String> = [data("run", &json)].into_iter().chain(documents).collect();
        page(language, &all.join("\n"), &title)
    }

    /// Writes the page of [`to_html`](Self::to_html) to a file.
    ///
    /// # Errors
    /// If the file cannot be written; the message names it.
    pub fn write_html(
        &self,
        path: impl AsRef<Path>,
        first: usize,
        settings: &Settings,
    ) -> io::Result<()> {
        write(path.as_ref(), &self.to_html(first, settings))
    }
}

/// The steps that can be opened, in order.
fn opened(count: usize, first: usize) -> Vec<usize> {
    if count <= MOST_OPENED {
        return (0..count).collect();
    }
    let evenly = (0..MOST_OPENED).map(|i| i * (count - 1) / (MOST_OPENED - 1));
    let mut opened: Vec<usize> = evenly.collect();
    if let Err(place) = opened.binary_search(&first) {
        // In place of its neighbour, which is neither the first nor the last.
        opened[place.clamp(1, MOST_OPENED - 2)] = first;
    }
    opened
}
