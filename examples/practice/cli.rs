//! The command line.

use std::ffi::OsString;
use std::fmt::{self, Display, Write as _};
use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};
use tape::expression::nearest;

use crate::command_line::{problem, typed};
use crate::programs::LEVELS;
use crate::words::{self, Speech, asked_for, misuse};
use crate::{Sheet, moodle, page, session, worksheet};

const OPTIONS: [&str; 8] =
    ["html", "worksheet", "moodle", "level", "seed", "problems", "language", "help"];
/// The most problems of a sheet.
const MOST: usize = 50;

/// Why the program ends without what was asked for, as it is printed.
#[derive(Debug)]
pub enum Failure {
    /// The command line asks for what cannot be.
    Misuse(String),
    /// A file or the terminal cannot be used.
    Io(String),
}

impl Failure {
    /// 2 for misuse, 1 for what the surroundings refuse.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Misuse(_) => 2,
            Self::Io(_) => 1,
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misuse(text) | Self::Io(text) => f.write_str(text),
        }
    }
}

/// What is wrong with a command line.
enum Wrong {
    Word(lexopt::Error),
    Asked(Failure),
}

impl From<lexopt::Error> for Wrong {
    fn from(error: lexopt::Error) -> Self {
        Self::Word(error)
    }
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Self {
        Self::Asked(failure)
    }
}

#[derive(Clone, Copy)]
enum Form {
    Page,
    Worksheet,
    Moodle,
}

struct Arguments {
    level: usize,
    seed: u64,
    problems: usize,
    forms: Vec<(Form, PathBuf)>,
}

/// Runs the program.
///
/// # Errors
/// If the command line asks for what cannot be, or a file cannot be written.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // What is wrong with the others is said in it.
    let speech = asked_for(&arguments)?;
    let read = read(arguments, speech).map_err(|wrong| match wrong {
        Wrong::Word(error) => misuse(speech, problem(speech.views(), &error)),
        Wrong::Asked(failure) => failure,
    })?;
    let Some(arguments) = read else {
        return print(out, &speech.help(levels(speech), Speech::list(&words::ALL)), speech);
    };
    let Arguments { level, seed, problems, forms } = arguments;
    let sheet = Sheet::new_in(speech, level, seed, problems);
    if forms.is_empty() {
        let score = session::run(&sheet, input, out);
        return score.map(drop).or_else(|error| closed_early(&error, speech));
    }
    let to_output = |file: &PathBuf| file.as_os_str() == "-";
    let quiet = forms.iter().any(|(_, file)| to_output(file));
    for (form, file) in &forms {
        let content = match form {
            Form::Page => page::html(&sheet),
            Form::Worksheet => worksheet::html(&sheet),
            Form::Moodle => moodle::xml(&sheet),
        };
        if to_output(file) {
            print(out, &content, speech)?;
            continue;
        }
        std::fs::write(file, content)
            .map_err(|error| Failure::Io(speech.no_file(typed(file), error)))?;
        if !quiet {
            print(out, &(speech.wrote(typed(file)) + "\n"), speech)?;
        }
    }
    Ok(())
}

/// `None`: help is asked for.
fn read(arguments: Vec<OsString>, speech: Speech) -> Result<Option<Arguments>, Wrong> {
    let mut words = Parser::from_args(arguments);
    let mut read = Arguments { level: 1, seed: 1, problems: 5, forms: Vec::new() };
    while let Some(word) = words.next()? {
        match word {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Long("language") => drop(words.value()?), // It was read before.
            Arg::Long("level") => read.level = number(&mut words, "level", LEVELS.len(), speech)?,
            Arg::Long("problems") => read.problems = number(&mut words, "problems", MOST, speech)?,
            Arg::Long("seed") => {
                let text = words.value()?.string()?;
                read.seed =
                    text.parse().map_err(|_| misuse(speech, speech.no_seed(typed(&text))))?;
            }
            Arg::Long("html") => read.forms.push((Form::Page, words.value()?.into())),
            Arg::Long("worksheet") => read.forms.push((Form::Worksheet, words.value()?.into())),
            Arg::Long("moodle") => read.forms.push((Form::Moodle, words.value()?.into())),
            Arg::Long(option) => {
                let (language, asked) = (speech.views(), format!("--{}", typed(option)));
                let problem = match nearest(option, OPTIONS).first() {
                    Some(near) => language.no_option_but(asked, format!("--{near}")),
                    None => language.no_option(asked),
                };
                return Err(misuse(speech, problem).into());
            }
            Arg::Short(_) | Arg::Value(_) => return Err(word.unexpected().into()),
        }
    }
    Ok(Some(read))
}

/// A whole number from 1 to `most`.
fn number(words: &mut Parser, option: &str, most: usize, speech: Speech) -> Result<usize, Wrong> {
    let text = words.value()?.string()?;
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    let misuse = || misuse(speech, speech.no_number(option, typed(&text), 1, most));
    Ok(number.ok_or_else(misuse)?)
}

/// The levels, a line each.
fn levels(speech: Speech) -> String {
    let mut list = String::new();
    for (i, level) in LEVELS.iter().enumerate() {
        let (name, about) = ((level.name)(&speech), (level.about)(&speech));
        let _ = writeln!(list, "  {}  {name:<14} {about}", i + 1);
    }
    list
}

fn print(out: &mut dyn Write, text: &str, speech: Speech) -> Result<(), Failure> {
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.or_else(|error| closed_early(&error, speech))
}

/// A reader such as `head` that has seen enough is no failure.
fn closed_early(error: &io::Error, speech: Speech) -> Result<(), Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Failure::Io(speech.no_output(error)))
}
