//! The colours of the roles.

use std::fmt::{self, Display};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::text::{Role, Text};

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
