//! What the lessons share: the page of their passes, and the check at their end.

use std::error::Error;
use std::path::PathBuf;

use tape::{Trace, Var, page};

pub type Outcome = Result<(), Box<dyn Error>>;

/// What the command line asks for.
#[derive(Default)]
pub struct Asked {
    /// `--html FILE`: write the passes as a page for a browser.
    pub html: Option<PathBuf>,
    /// `--svg DIRECTORY`: write the plots, in the lesson that has some.
    pub svg: Option<PathBuf>,
}

impl Asked {
    pub fn from_command_line() -> Result<Self, lexopt::Error> {
        let (mut asked, mut words) = (Self::default(), lexopt::Parser::from_env());
        while let Some(word) = words.next()? {
            match word {
                lexopt::Arg::Long("html") => asked.html = Some(words.value()?.into()),
                lexopt::Arg::Long("svg") => asked.svg = Some(words.value()?.into()),
                _ => return Err(word.unexpected()),
            }
        }
        Ok(asked)
    }

    /// Writes the page of what the lesson shows.
    pub fn page(&self, output: Var<'_, f64>) -> Outcome {
        let Some(file) = &self.html else { return Ok(()) };
        Trace::of(output)?.write_html(file, &page::Settings::default())?;
        println!("\nThe page of these steps is {}.", file.display());
        Ok(())
    }
}

/// Prints paragraphs in 80 columns.
#[allow(dead_code)] // Lesson 3 lets the numbers speak.
pub fn say(text: &str) {
    for paragraph in text.split("\n\n") {
        println!("{}\n", textwrap::fill(&paragraph.replace('\n', " "), 80));
    }
}

/// The lesson's check: the program fails if it does not hold.
pub fn check(what: &str, holds: bool) -> Outcome {
    if !holds {
        return Err(format!("the check failed: {what}").into());
    }
    println!("\n{}", textwrap::fill(&format!("CHECKED: {what}."), 80));
    Ok(())
}

/// The largest difference between two lists of numbers.
#[allow(dead_code)] // Not every lesson compares lists.
pub fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "lists of different lengths");
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
