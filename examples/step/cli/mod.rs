//! The step program, apart from the terminal that it runs in.

mod arguments;
#[path = "../../command_line.rs"]
mod command_line;
mod programs;
mod training;
mod words;

use std::ffi::OsString;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::path::Path;

use ops::Tensor;
use tape::expression::{Expression, Function, Kind, functions, nearest};
use tape::terminal::Screen;
use tape::trace::Layout;
use tape::trace::document::{Document, Settings};
use tape::{Picture, Tape, Trace, Var, page};

#[cfg(test)]
pub use arguments::OPTIONS;
use arguments::{Arguments, Chosen, Format, View};
#[cfg(test)]
pub use command_line::MARKED;
use command_line::typed;
#[cfg(test)]
pub use training::OPTIMIZERS;
use words::Speech;

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

/// Runs the program. `terminal` tells whether `out` is one, and the keys come from it.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    terminal: bool,
) -> Result<(), Failure> {
    let (asked, speech) = arguments::read(arguments)?;
    let arguments = match asked {
        arguments::Asked::Help => return print(out, &help(speech), speech),
        arguments::Asked::Functions => return print(out, &function_list(speech), speech),
        arguments::Asked::Views(arguments) => arguments,
    };
    if let Some(training) = &arguments.training {
        return training::show(&arguments, training, out, terminal);
    }
    let tape = Tape::new();
    let output = record(&tape, &arguments)?;
    if !arguments.elements.is_empty() || arguments.paths.is_some() {
        open(&traced(output, speech)?, &arguments, out)?;
    } else if arguments.views.is_empty() {
        let trace = traced(output, speech)?;
        if terminal {
            let screen = Screen::new(&trace).language(speech.views());
            return screen.show().map_err(|error| Failure::Io(speech.no_screen(error)));
        }
        return text(&trace, &arguments, out, terminal);
    }
    arguments.views.iter().try_for_each(|view| show(view, output, &arguments, out, terminal))
}

fn help(speech: Speech) -> String {
    speech.help(programs::list(speech), Speech::list(&words::ALL))
}

/// Records what was chosen, and gives what is differentiated.
fn record<'t>(tape: &'t Tape<f64>, arguments: &Arguments) -> Result<Var<'t, f64>, Failure> {
    let (output, speech) = (record_whole(tape, arguments)?, arguments.speech);
    arguments.of.as_ref().map_or(Ok(output), |name| variable(tape, name, "--of", speech))
}

fn record_whole<'t>(tape: &'t Tape<f64>, arguments: &Arguments) -> Result<Var<'t, f64>, Failure> {
    match &arguments.chosen {
        Chosen::Program(program) => Ok(program.record(tape)),
        Chosen::Expression { source, given } => {
            let given: Vec<(&str, Tensor<f64>)> =
                given.iter().map(|(name, value)| (&name[..], value.clone())).collect();
            Expression::parse_in(arguments.speech.views(), source)
                .and_then(|expression| expression.record(tape, &given))
                .map_err(|error| {
                    let error = match error.kind().clone() {
                        Kind::NoValue(name) => error.help(arguments.speech.add_let(name)),
                        _ => error,
                    };
                    Failure::Misuse(error.to_string())
                })
        }
    }
}

/// What a command line records, for tests.
#[cfg(test)]
pub fn recorded(
    tape: &Tape<f64>,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Var<'_, f64>, Failure> {
    match arguments::read(arguments)?.0 {
        arguments::Asked::Views(arguments) => record(tape, &arguments),
        _ => unreachable!("tests ask for a program"),
    }
}

/// The run that a command line asks for, for tests.
#[cfg(test)]
pub fn run_of(
    tape: &Tape<f64>,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<tape::trace::Run<'_, f64>, Failure> {
    let arguments::Asked::Views(arguments) = arguments::read(arguments)?.0 else {
        unreachable!("tests ask for a run")
    };
    match *arguments {
        Arguments {
            chosen: Chosen::Program(program), training: Some(training), speech, ..
        } => training::trained(tape, program, &training, speech),
        _ => unreachable!("tests ask for a run"),
    }
}

#[cfg(test)]
pub fn programs() -> &'static [programs::Program] {
    &programs::PROGRAMS
}

/// The value of a name.
fn variable<'t>(
    tape: &'t Tape<f64>,
    name: &str,
    option: &str,
    speech: Speech,
) -> Result<Var<'t, f64>, Failure> {
    // Of several with the name the last.
    let named: Vec<Var<'t, f64>> = tape.vars().filter(|x| x.is_called(name)).collect();
    named.last().copied().ok_or_else(|| {
        let labels: Vec<String> = tape.vars().map(Var::label).collect();
        let near = nearest(name, labels.iter().map(String::as_str));
        let known = if near.is_empty() { labels.join(", ") } else { near.join(", ") };
        Failure::Misuse(speech.no_value(option, typed(name), typed(known)))
    })
}

fn traced(output: Var<'_, f64>, speech: Speech) -> Result<Trace<'_, f64>, Failure> {
    Trace::of(output).map_err(|error| Failure::Misuse(error.text(speech.views())))
}

fn show(
    view: &View,
    output: Var<'_, f64>,
    arguments: &Arguments,
    out: &mut dyn Write,
    terminal: bool,
) -> Result<(), Failure> {
    let speech = arguments.speech;
    let picture = || -> Result<Picture<'_, f64>, Failure> {
        let gradients =
            output.try_backward().map_err(|error| Failure::Misuse(error.text(speech.views())))?;
        let picture = Picture::of(output).values().gradients(&gradients);
        let picture = picture.language(speech.views());
        Ok(arguments.digits.map_or(picture.clone(), |digits| picture.digits(digits)))
    };
    let content = match view.format {
        Format::Text => return text(&traced(output, speech)?, arguments, out, terminal),
        Format::Plan => plan(arguments)?,
        Format::Html => traced(output, speech)?.to_html(&page_settings(speech)),
        Format::Json => {
            let language = speech.views();
            let settings = Settings { sources: true, language, ..Settings::default() };
            Document::new(&traced(output, speech)?, &settings).to_json() + "\n"
        }
        Format::Dot => picture()?.to_dot(),
        Format::Mermaid => picture()?.to_mermaid(),
        Format::Svg => picture()?.to_svg(),
        Format::Latex => traced(output, speech)?.latex_with(layout(arguments)).document(),
        Format::Slides => traced(output, speech)?.slides_with(layout(arguments)),
        Format::Tikz => picture()?.to_tikz(),
    };
    put(view, arguments, &content, out)
}

/// Writes a view to where it was asked for.
fn put(
    view: &View,
    arguments: &Arguments,
    content: &str,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let speech = arguments.speech;
    if view.is_output() {
        return print(out, content, speech);
    }
    write(&view.file, content, speech)?;
    if arguments.views.iter().any(View::is_output) {
        return Ok(()); // Which holds what was asked for, and nothing else.
    }
    print(out, &(speech.wrote(typed(&view.file)) + "\n"), speech)
}

fn page_settings(speech: Speech) -> page::Settings {
    let mut settings = page::Settings::default();
    settings.document.language = speech.views();
    settings
}

/// The plan of a program that computes the output and its gradients. They are recorded apart, so that
/// the other views show what they show without it.
fn plan(arguments: &Arguments) -> Result<String, Failure> {
    let tape = Tape::new();
    let output = record(&tape, arguments)?;
    let variables: Vec<Var<'_, f64>> =
        tape.vars().filter(|x| x.op().is_none() && x.is_tracked()).collect();
    let views = arguments.speech.views();
    output.try_backward().map_err(|error| Failure::Misuse(error.text(views)))?;
    let gradients = output.backward_recorded();
    let gradients = variables.iter().filter_map(|&x| gradients.try_wrt(x).ok());
    let outputs: Vec<Var<'_, f64>> = std::iter::once(output).chain(gradients).collect();
    Ok(tape.compile(&outputs).plan().text(views))
}

/// The number of paths that are listed.
const MOST_PATHS: usize = 16;

/// Opens elements, one after the other, and lists paths.
fn open(trace: &Trace<'_, f64>, arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let (layout, speech) = (layout(arguments), arguments.speech);
    for (i, element) in arguments.elements.iter().enumerate() {
        let opened = trace.element(element, layout).map_err(|error| {
            Failure::Misuse(speech.no_element(typed(element), error.text(speech.views())))
        })?;
        let between = if i > 0 { "\n" } else { "" };
        print(out, &format!("{between}{}", opened.text(layout)), speech)?;
    }
    let Some(name) = &arguments.paths else { return Ok(()) };
    let node = variable(trace.output().tape(), name, "--paths", speech)?;
    let paths = trace.paths(node, MOST_PATHS).map_err(|error| {
        Failure::Misuse(speech.no_paths(typed(name), error.text(speech.views())))
    })?;
    print(out, &paths.text(layout).to_string(), speech)
}

fn layout(arguments: &Arguments) -> Layout {
    let layout = Layout::default().language(arguments.speech.views());
    arguments.digits.map_or(layout, |digits| layout.digits(digits))
}

fn text(
    trace: &Trace<'_, f64>,
    arguments: &Arguments,
    out: &mut dyn Write,
    terminal: bool,
) -> Result<(), Failure> {
    let (text, speech) = (trace.text(layout(arguments)), arguments.speech);
    if terminal {
        // In the colours that the terminal has.
        return text.print().or_else(|error| closed_early(&error, speech));
    }
    print(out, &text.to_string(), speech)
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

fn write(file: &Path, content: &str, speech: Speech) -> Result<(), Failure> {
    std::fs::write(file, content).map_err(|error| Failure::Io(speech.no_file(typed(file), error)))
}

fn function_list(speech: Speech) -> String {
    let functions = functions();
    let titles = [(1, speech.of_one_operand()), (2, speech.of_two()), (3, speech.of_three())];
    let list = titles.map(|(operands, title)| {
        let functions = functions.iter().filter(|f| f.operands() == operands);
        let calls: Vec<String> = functions.map(call).collect();
        let options = textwrap::Options::new(80).initial_indent("  ").subsequent_indent("  ");
        format!("{title}:\n{}\n", textwrap::fill(&calls.join("  "), options)).replace('\u{a0}', " ")
    });
    list.concat()
}

/// A function's name, with its settings where it has some.
fn call(function: &Function) -> String {
    match function.settings() {
        [] => function.name().to_owned(),
        // No line is broken between the words of one.
        settings => format!("{}(x,\u{a0}{})", function.name(), settings.join(",\u{a0}")),
    }
}
