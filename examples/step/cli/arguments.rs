//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};
use ops::Tensor;
use tape::expression::{self, nearest};

use super::Failure;
use super::command_line::{problem, typed};
use super::programs::{self, Program};
use super::training::Training;
use super::words::{Speech, asked_for, misuse};

/// What the command line asks for.
pub enum Asked {
    Help,
    Functions,
    Views(Box<Arguments>),
}

pub struct Arguments {
    pub chosen: Chosen,
    /// What is differentiated, if not the result.
    pub of: Option<String>,
    pub digits: Option<usize>,
    /// The value whose paths to the result are listed.
    pub paths: Option<String>,
    /// The elements that are opened, as `z[1]`.
    pub elements: Vec<String>,
    /// The training that is shown, if not both passes alone.
    pub training: Option<Box<Training>>,
    /// None: the screen.
    pub views: Vec<View>,
    /// The language of all that is said.
    pub speech: Speech,
}

pub enum Chosen {
    Program(&'static Program),
    Expression { source: String, given: Vec<(String, Tensor<f64>)> },
}

pub struct View {
    pub format: Format,
    pub file: PathBuf,
}

impl View {
    /// Whether it goes to the standard output.
    pub fn is_output(&self) -> bool {
        self.file.as_os_str() == "-"
    }
}

#[derive(Clone, Copy)]
pub enum Format {
    Text,
    Plan,
    Html,
    Json,
    Dot,
    Mermaid,
    Svg,
    Latex,
    Slides,
    Tikz,
}

const FILES: [(&str, Format); 9] = [
    ("plan", Format::Plan),
    ("html", Format::Html),
    ("json", Format::Json),
    ("dot", Format::Dot),
    ("mermaid", Format::Mermaid),
    ("svg", Format::Svg),
    ("latex", Format::Latex),
    ("slides", Format::Slides),
    ("tikz", Format::Tikz),
];

pub const OPTIONS: [&str; 23] = [
    "expr",
    "let",
    "functions",
    "text",
    "plan",
    "html",
    "json",
    "dot",
    "mermaid",
    "svg",
    "latex",
    "slides",
    "tikz",
    "of",
    "element",
    "paths",
    "train",
    "open",
    "optimizer",
    "rate",
    "digits",
    "language",
    "help",
];

/// What is asked for, and in which language.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<(Asked, Speech), Failure> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // What is wrong with the others is said in it.
    let speech = asked_for(&arguments)?;
    let mut words = Parser::from_args(arguments);
    let asked = read_words(&mut words, speech).map_err(|failure| match failure {
        Wrong::Word(error) => misuse(speech, problem(speech.views(), &error)),
        Wrong::Asked(failure) => failure,
    })?;
    Ok((asked, speech))
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

fn read_words(words: &mut Parser, speech: Speech) -> Result<Asked, Wrong> {
    let (mut program, mut source): (Option<String>, Option<String>) = (None, None);
    let mut given = Vec::new();
    let (mut of, mut digits, mut views) = (None, None, Vec::new());
    let (mut elements, mut paths) = (Vec::new(), None);
    let (mut steps, mut open, mut optimizer, mut rate) = (None, None, None, None);
    while let Some(word) = words.next()? {
        match word {
            Arg::Short('h') | Arg::Long("help") => return Ok(Asked::Help),
            Arg::Long("language") => drop(words.value()?), // It was read before.
            Arg::Long("functions") => return Ok(Asked::Functions),
            Arg::Long("expr") => {
                if source.replace(words.value()?.string()?).is_some() {
                    return Err(misuse(speech, speech.expression_twice()).into());
                }
            }
            Arg::Long("let") => given.push(given_value(&words.value()?.string()?, &given, speech)?),
            Arg::Long("element") => elements.push(words.value()?.string()?),
            Arg::Long("paths") => paths = Some(words.value()?.string()?),
            Arg::Long("train") => steps = Some(words.value()?.parse::<usize>()?),
            Arg::Long("open") => open = Some(words.value()?.parse::<usize>()?),
            Arg::Long("optimizer") => optimizer = Some(words.value()?.string()?),
            Arg::Long("rate") => rate = Some(words.value()?.parse::<f64>()?),
            Arg::Long("of") => of = Some(words.value()?.string()?),
            Arg::Long("digits") => digits = Some(words.value()?.parse::<usize>()?.max(1)),
            Arg::Long("text") => views.push(View { format: Format::Text, file: "-".into() }),
            Arg::Long(option) => {
                let Some(&(_, format)) = FILES.iter().find(|file| file.0 == option) else {
                    return Err(unknown_option(option, speech).into());
                };
                views.push(View { format, file: words.value()?.into() });
            }
            Arg::Value(name) => {
                let name = name.string()?;
                if let Some(before) = &program {
                    return Err(
                        misuse(speech, speech.one_program(typed(before), typed(name))).into()
                    );
                }
                program = Some(name);
            }
            Arg::Short(_) => return Err(word.unexpected().into()),
        }
    }
    let chosen = match (program, source) {
        (Some(program), Some(_)) => {
            return Err(misuse(speech, speech.expression_or_program(typed(program))).into());
        }
        (None, Some(source)) => Chosen::Expression { source, given },
        (program, None) => {
            if let Some((name, _)) = given.first() {
                return Err(misuse(speech, speech.let_without_expression(typed(name))).into());
            }
            Chosen::Program(programs::find(program.as_deref(), speech)?)
        }
    };
    let training = match steps {
        Some(steps) => {
            let (open, optimizer) = (open.unwrap_or(1), optimizer.unwrap_or_else(|| "sgd".into()));
            if open == 0 {
                return Err(misuse(speech, speech.open_0()).into());
            }
            Some(Box::new(Training { steps, open, optimizer, rate }))
        }
        None if open.is_some() || optimizer.is_some() || rate.is_some() => {
            return Err(misuse(speech, speech.options_of_run()).into());
        }
        None => None,
    };
    let arguments = Arguments { chosen, of, digits, paths, elements, training, views, speech };
    Ok(Asked::Views(Box::new(arguments)))
}

fn unknown_option(option: &str, speech: Speech) -> Failure {
    let (language, asked) = (speech.views(), format!("--{}", typed(option)));
    misuse(
        speech,
        match nearest(option, OPTIONS).first() {
            Some(near) => language.no_option_but(asked, format!("--{near}")),
            None => language.no_option(asked),
        },
    )
}

/// Reads `NAME=VALUE`.
fn given_value(
    text: &str,
    before: &[(String, Tensor<f64>)],
    speech: Speech,
) -> Result<(String, Tensor<f64>), Failure> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty())
    else {
        return Err(misuse(speech, speech.let_form(typed(text))));
    };
    let name = name.trim().to_owned();
    if before.iter().any(|given| given.0 == name) {
        return Err(misuse(speech, speech.let_twice(typed(name))));
    }
    let value = expression::value_in(speech.views(), value)
        .map_err(|error| Failure::Misuse(speech.let_value(typed(text), error)))?;
    Ok((name, value))
}
