//! What the lessons share: options, languages, paragraphs, the page of their steps, and the check at
//! their end.
//!
//! A lesson lists what it says by name, in its order, and its text stands in `lessons/en`, a file a
//! lesson. Another language is another such folder: a name without a text does not compile, and neither
//! does a text that lacks a number of the program. `--language en-x-marked` sets each in brackets.

#[path = "../command_line.rs"]
mod command_line;
mod en;

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tape::trace::Layout;
use tape::words::{Language, Speech, codes_asked_for};
use tape::{Trace, Var, page};

use command_line::{MARKED, mark, marked_views};

pub use command_line::typed;

pub type Outcome = Result<(), Box<dyn Error>>;

const WIDTH: usize = 80;

tape::catalogue! {
    /// What all lessons say.
    pub struct Shared {
        it_is_checked(what);
        check_failed(what);
        page_is_in(file);
        no_file(file, error);
        options(problem);
        options_and(problem, own);
        no_language(code, list);
    }
}

/// The languages of what all lessons say, and of the views.
const SHARED: [Speech<Shared>; 1] = [Speech::new(&en::SHARED, Language::ENGLISH)];

/// What a lesson says in a language.
pub trait Text: Sized + 'static {
    /// The languages that it is written in.
    const ALL: &'static [(&'static str, &'static Self)];

    /// The text with other templates.
    fn with_each(&self, change: &dyn Fn(&'static str) -> &'static str) -> Self;
}

/// Writes [`Text`] for the words of a lesson.
#[macro_export]
macro_rules! text {
    ($($code:literal: $words:expr),+ $(,)?) => {
        impl lessons::Text for Words {
            const ALL: &'static [(&'static str, &'static Self)] = &[$(($code, &$words)),+];

            fn with_each(&self, change: &dyn Fn(&'static str) -> &'static str) -> Self {
                self.changed(change)
            }
        }
    };
}

/// Runs a lesson; if it fails, its exit code is 1. Beside `--html FILE` and `--language CODE` it may have
/// options of its own, each of which takes a path.
pub fn run<W: Text>(own: &[&str], lesson: fn(&Asked<W>) -> Outcome) -> ExitCode {
    match Asked::from_command_line(own).and_then(|asked| lesson(&asked)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for: the language, and paths by their option.
pub struct Asked<W: 'static> {
    /// What the lesson says.
    pub words: &'static W,
    shared: Speech<Shared>,
    paths: BTreeMap<String, PathBuf>,
}

impl<W: Text> Asked<W> {
    fn from_command_line(own: &[&str]) -> Result<Self, Box<dyn Error>> {
        let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
        // What is wrong with the others is said in it.
        let (words, shared) = spoken(codes_asked_for(&arguments).last().unwrap_or("en"))?;
        let (mut paths, mut options) = (BTreeMap::new(), lexopt::Parser::from_args(arguments));
        let mut read = || {
            while let Some(option) = options.next()? {
                match option {
                    lexopt::Arg::Long("language") => drop(options.value()?), // It was read before.
                    lexopt::Arg::Long(name) if name == "html" || own.contains(&name) => {
                        paths.insert(name.to_owned(), options.value()?.into());
                    }
                    _ => return Err(option.unexpected()),
                }
            }
            Ok(())
        };
        read().map_err(|error| refused(&error, own, shared))?;
        Ok(Self { words, shared, paths })
    }

    #[allow(dead_code)] // For lessons with options of their own.
    pub fn path(&self, option: &str) -> Option<&Path> {
        self.paths.get(option).map(PathBuf::as_path)
    }

    /// Prints every step, in colour where the terminal has it.
    #[allow(dead_code)] // Not every lesson goes step by step.
    pub fn show(&self, trace: &Trace<'_, f64>, digits: usize) -> Outcome {
        let layout = Layout { width: WIDTH, ..Layout::default() }.language(self.shared.views());
        trace.text(layout.digits(digits)).print()?;
        println!();
        Ok(())
    }

    /// Writes the page of the steps to `output`, if it is asked for.
    pub fn page(&self, output: Var<'_, f64>) -> Outcome {
        let Some(file) = self.path("html") else { return Ok(()) };
        let mut settings = page::Settings::default();
        settings.document.language = self.shared.views();
        let page = Trace::of(output)?.to_html(&settings);
        std::fs::write(file, page).map_err(|error| self.no_file(file, error))?;
        println!("{}\n", self.shared.page_is_in(typed(file)));
        Ok(())
    }

    /// Says that a file or a folder cannot be written.
    pub fn no_file(&self, file: &Path, error: impl Display) -> String {
        self.shared.no_file(typed(file), error)
    }

    /// The lesson's check: the program fails if it does not hold.
    pub fn check(&self, what: &str, holds: bool) -> Outcome {
        if !holds {
            return Err(self.shared.check_failed(what).into());
        }
        println!("{}", filled(&self.shared.it_is_checked(what), ""));
        Ok(())
    }
}

/// What is wrong with a command line, and which options there are.
fn refused(error: &lexopt::Error, own: &[&str], shared: Speech<Shared>) -> String {
    let problem = command_line::problem(shared.views(), error);
    let own: Vec<String> = own.iter().map(|name| format!("--{name} DIRECTORY")).collect();
    match &own[..] {
        [] => shared.options(problem),
        own => shared.options_and(problem, own.join(", ")),
    }
}

/// The words of a lesson, and those of all lessons, in the language of a code.
fn spoken<W: Text>(code: &str) -> Result<(&'static W, Speech<Shared>), Box<dyn Error>> {
    if code == MARKED {
        let shared = Box::leak(Box::new(en::SHARED.changed(&mark)));
        let shared = Speech::new(shared, marked_views());
        let english = W::ALL[0].1.with_each(&mark);
        return Ok((Box::leak(Box::new(english)), shared));
    }
    let words = W::ALL.iter().find(|(known, _)| *known == code).map(|(_, words)| *words);
    words
        .zip(Speech::find(&SHARED, code))
        .ok_or_else(|| SHARED[0].no_language(typed(code), Speech::list(&SHARED)).into())
}

/// Prints paragraphs.
pub fn say(text: &str) {
    for paragraph in text.split("\n\n") {
        println!("{}\n", filled(&paragraph.replace('\n', " "), ""));
    }
}

/// In lines broken at spaces, all but the first indented.
pub fn filled(text: &str, indent: &str) -> String {
    let options = textwrap::Options::new(WIDTH)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .subsequent_indent(indent);
    textwrap::fill(text, options)
}

/// The largest difference between two lists of numbers.
#[allow(dead_code)] // Not every lesson compares lists.
pub fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "lists of different lengths");
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
