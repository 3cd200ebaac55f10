//! What the lessons share: options, paragraphs, the page of their steps, and the check at their end.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tape::trace::Layout;
use tape::{Trace, Var, page};

pub type Outcome = Result<(), Box<dyn Error>>;

const WIDTH: usize = 80;

/// Runs a lesson; if it fails, its exit code is 1. Beside `--html FILE` it may have options of its
/// own, each of which takes a path.
pub fn run(own: &[&str], lesson: fn(&Asked) -> Outcome) -> ExitCode {
    match Asked::from_command_line(own).and_then(|asked| lesson(&asked)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for: paths by their option.
pub struct Asked(BTreeMap<String, PathBuf>);

impl Asked {
    fn from_command_line(own: &[&str]) -> Result<Self, Box<dyn Error>> {
        let (mut asked, mut words) = (BTreeMap::new(), lexopt::Parser::from_env());
        while let Some(word) = words.next()? {
            match word {
                lexopt::Arg::Long(name) if name == "html" || own.contains(&name) => {
                    asked.insert(name.to_owned(), words.value()?.into());
                }
                _ => {
                    let own = own
                        .iter()
                        .fold(String::new(), |all, name| all + ", --" + name + " DIRECTORY");
                    return Err(format!("{}; there is --html FILE{own}", word.unexpected()).into());
                }
            }
        }
        Ok(Self(asked))
    }

    #[allow(dead_code)] // For lessons with options of their own.
    pub fn path(&self, option: &str) -> Option<&Path> {
        self.0.get(option).map(PathBuf::as_path)
    }

    /// Writes the page of the steps to `output`, if it is asked for.
    pub fn page(&self, output: Var<'_, f64>) -> Outcome {
        let Some(file) = self.0.get("html") else { return Ok(()) };
        Trace::of(output)?.write_html(file, &page::Settings::default())?;
        println!("The page of these steps is {}.\n", file.display());
        Ok(())
    }
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

/// Prints every step, in colour where the terminal has it.
#[allow(dead_code)] // Not every lesson goes step by step.
pub fn show(trace: &Trace<'_, f64>, digits: usize) -> Outcome {
    trace.text(Layout { width: WIDTH, ..Layout::default() }.digits(digits)).print()?;
    println!();
    Ok(())
}

/// The lesson's check: the program fails if it does not hold.
pub fn check(what: &str, holds: bool) -> Outcome {
    if !holds {
        return Err(format!("THE CHECK FAILED. It should hold that {what}.").into());
    }
    println!("{}", filled(&format!("CHECKED: {what}."), ""));
    Ok(())
}

/// The largest difference between two lists of numbers.
#[allow(dead_code)] // Not every lesson compares lists.
pub fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "lists of different lengths");
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
