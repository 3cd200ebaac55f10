//! What the lessons share: the page of their passes, and the check at their end.

use std::error::Error;
use std::path::PathBuf;

use tape::Var;

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
        HTML
    }
}

/// The lesson's check: the program fails if it does not hold.
pub fn check(what: &str, holds: bool) -> Outcome {
    if !holds {
        return Err(format!("the check failed: {what}").into());
    }
    println!("\nCHECKED: {what}.");
    Ok(())
}

/// The largest difference between two lists of numbers.
#[allow(dead_code)] // Not every lesson compares lists.
pub fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "lists of different lengths");
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
