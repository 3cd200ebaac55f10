//! The command line.

use std::ffi::OsString;
use std::fmt::{self, Display, Write as _};
use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};
use tape::expression::nearest;

use crate::programs::LEVELS;
use crate::{Sheet, moodle, page, session, worksheet};

const HELP: &str = "\
Problems in the chain rule, made from a seed. Each is a small program on the
tape; asked are its local derivatives and adjoints, answered with numbers or
formulas. The key is the sweep's own gradient.

Usage: practice [--level N] [--seed N] [--problems N] [FORM]...

Levels:
{levels}
Forms, of which each FILE may be - for the standard output:
  --html FILE                  a page for a browser
  --worksheet FILE             a page to print, with the key on a page of its own
  --moodle FILE                questions for Moodle, as XML
Without a form: questions in the terminal.

Options:
  --level N                    1 unless told
  --seed N                     the same seed makes the same problems; 1 unless told
  --problems N                 5 unless told, at most 50
  -h, --help                   this text
";

const OPTIONS: [&str; 7] = ["html", "worksheet", "moodle", "level", "seed", "problems", "help"];
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

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        misuse(error)
    }
}

fn misuse(text: impl Display) -> Failure {
    Failure::Misuse(format!("{text}\n`--help` tells what there is."))
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
    let Some(arguments) = read(arguments)? else {
        let help = HELP.replace("{levels}", &levels());
        return print(out, &help);
    };
    let Arguments { level, seed, problems, forms } = arguments;
    let sheet = Sheet::new(level, seed, problems);
    if forms.is_empty() {
        let score = session::run(&sheet, input, out);
        return score.map(drop).or_else(closed_early);
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
            print(out, &content)?;
            continue;
        }
        std::fs::write(file, content).map_err(|error| {
            Failure::Io(format!("{} cannot be written: {error}", file.display()))
        })?;
        if !quiet {
            print(out, &format!("wrote {}\n", file.display()))?;
        }
    }
    Ok(())
}

/// `None`: help is asked for.
fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Arguments>, Failure> {
    let mut words = Parser::from_args(arguments);
    let mut read = Arguments { level: 1, seed: 1, problems: 5, forms: Vec::new() };
    while let Some(word) = words.next()? {
        match word {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Long("level") => read.level = number(&mut words, "level", 1, LEVELS.len())?,
            Arg::Long("problems") => read.problems = number(&mut words, "problems", 1, MOST)?,
            Arg::Long("seed") => {
                let text = words.value()?.string()?;
                read.seed = text.parse().map_err(|_| {
                    misuse(format!("--seed {text}: a seed is a whole number, such as 7"))
                })?;
            }
            Arg::Long("html") => read.forms.push((Form::Page, words.value()?.into())),
            Arg::Long("worksheet") => read.forms.push((Form::Worksheet, words.value()?.into())),
            Arg::Long("moodle") => read.forms.push((Form::Moodle, words.value()?.into())),
            Arg::Long(option) => {
                let near = nearest(option, OPTIONS);
                let hint =
                    near.first().map_or(String::new(), |near| format!(" Did you mean --{near}?"));
                return Err(misuse(format!("there is no option --{option}.{hint}")));
            }
            Arg::Short(_) | Arg::Value(_) => return Err(word.unexpected().into()),
        }
    }
    Ok(Some(read))
}

fn number(words: &mut Parser, option: &str, least: usize, most: usize) -> Result<usize, Failure> {
    let text = words.value()?.string()?;
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        misuse(format!("--{option} {text}: it is a whole number from {least} to {most}"))
    })
}

/// The levels, a line each.
fn levels() -> String {
    let mut list = String::new();
    for (i, level) in LEVELS.iter().enumerate() {
        let _ = writeln!(list, "  {}  {:<14} {}", i + 1, level.name, level.about);
    }
    list
}

fn print(out: &mut dyn Write, text: &str) -> Result<(), Failure> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_else(closed_early)
}

/// A reader such as `head` that has seen enough is no failure.
#[allow(clippy::needless_pass_by_value)] // As `or_else` hands it over.
fn closed_early(error: io::Error) -> Result<(), Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Failure::Io(format!("the output cannot be written: {error}")))
}
