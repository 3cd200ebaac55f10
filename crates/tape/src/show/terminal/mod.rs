//! A trace as a screen in the terminal: both passes step by step, at the reader's own pace.
//!
//! [`show`] opens the screen and gives the terminal back when it is left, also after a panic. What
//! it shows at each moment follows from a [`Screen`], which takes keys and draws itself: a program
//! with a screen of its own can show it in a part of that.
//!
//! ```no_run
//! use tape::{Tape, Trace, prelude::*, terminal};
//!
//! let tape = Tape::new();
//! let (w, x) = (tape.var(0.5).named("w"), tape.var(2.0).named("x"));
//! let y = (w * x).tanh().named("y");
//! terminal::show(&Trace::of(y)?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | key | does |
//! |---|---|
//! | `→`, space, `n`; `←`, `p` | one step on; one back |
//! | `Home`; `End` | the first step; the last |
//! | `f`; `b` | the start of the forward pass; of the backward pass |
//! | `Tab` | the same node in the other pass |
//! | `/` | jumps to a variable, by a name that is completed |
//! | `↑`, `↓`, `PgUp`, `PgDn` | scrolls the step |
//! | `H`, `J`, `K`, `L` | moves the graph |
//! | `d` | numbers in four digits, or in all of them |
//! | `?`; `q` | help; quit |

mod chart;
mod draw;
mod graph;
mod screen;
mod training;

use std::fmt::Display;
use std::io::{self, IsTerminal};

use ops::Float;
use ratatui::crossterm::event::{self, Event};

use crate::show::trace::{Run, Trace};
#[cfg(doc)]
use crate::words::Language;

pub use ratatui;
pub use screen::{Flow, Screen};

/// The smallest screen that is drawn, in columns and rows.
pub const SMALLEST: (u16, u16) = (80, 24);

/// Shows the trace on the terminal until the reader leaves it.
///
/// # Errors
/// If there is no terminal, or it cannot be read or written.
pub fn show<A: Float>(trace: &Trace<'_, A>) -> io::Result<()> {
    Screen::new(trace).show()
}

/// Shows a run of training on the terminal, step `first` of it at the beginning, until the reader
/// leaves it. Beside the keys above, `u` goes to the update of the parameters, `[` and `]` to the
/// step of training before and after, and `c` shows the losses, on which a step is chosen.
///
/// # Errors
/// If there is no terminal, or it cannot be read or written, or the run has no such step.
pub fn show_run<A: Float>(run: &Run<'_, A>, first: usize) -> io::Result<()> {
    let screen = Screen::of_run(run, first).ok_or_else(|| {
        let (steps, first) = (run.steps().len(), first + 1);
        let text = format!("step {first} of the run was asked for, and it has {steps}");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })?;
    screen.show()
}

impl<A: Float> Screen<'_, '_, A> {
    /// Shows the screen on the terminal until the reader leaves it: as [`show`] does, from the step
    /// and in the [`Language`] that the screen has.
    ///
    /// # Errors
    /// If there is no terminal, or it cannot be read or written.
    pub fn show(self) -> io::Result<()> {
        let no_terminal = |reason: &dyn Display| {
            let text =
                format!("the steps are shown on a terminal, and there is none here ({reason})");
            io::Error::new(io::ErrorKind::NotConnected, text)
        };
        if !io::stdout().is_terminal() {
            return Err(no_terminal(&"the standard output is redirected"));
        }
        // It has a hook for panics, which gives the terminal back too.
        let mut terminal = ratatui::try_init().map_err(|error| no_terminal(&error))?;
        let left = run(&mut terminal, self);
        let restored = ratatui::try_restore();
        left.and(restored)
    }
}

fn run<A: Float>(
    terminal: &mut ratatui::DefaultTerminal,
    mut screen: Screen<'_, '_, A>,
) -> io::Result<()> {
    loop {
        terminal.draw(|frame| screen.draw(frame))?;
        if let Event::Key(key) = event::read()?
            && key.is_press()
            && screen.press(key) == Flow::Quit
        {
            return Ok(());
        }
    }
}
