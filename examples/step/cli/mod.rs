//! The step program, apart from the terminal that it runs in.

mod arguments;
mod programs;
mod training;

use std::ffi::OsString;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::path::Path;

use ops::Tensor;
use tape::expression::{Expression, Function, Kind, functions, nearest};
use tape::trace::document::{Document, Settings};
use tape::trace::{Layout, Rounding};
use tape::{Picture, Tape, Trace, Var, page, terminal};

#[cfg(test)]
pub use arguments::OPTIONS;
use arguments::{Arguments, Chosen, Format, View};
#[cfg(test)]
pub use training::OPTIMIZERS;

pub const HELP: &str = "\
Shows both passes of a program step by step: each value forwards, each
gradient backwards, with every number, the formula it comes from, and why it
comes then.

Usage: step [PROGRAM] [--of NAME] [VIEW]...
       step [PROGRAM] --train STEPS [--optimizer NAME] [--rate RATE] [VIEW]...
       step --expr EXPRESSION [--let NAME=VALUE]... [--of NAME] [VIEW]...

Programs:
{programs}
Expressions:
  --expr \"tanh(w*x + b)\"       one statement, or several: \"z = w*x; y = sin(z)\"
  --let NAME=VALUE             a value for a name: 0.5, 1/3 or [1, 2, 3]; one
                               --let for each name
  --functions                  lists the functions that an expression can call

Views, of which each FILE may be - for the standard output:
  --text                       text, as without a terminal
  --plan FILE                  how both passes are replayed with other numbers:
                               which ops share a pass over the data, and which
                               buffer each value lives in
  --html FILE                  a page for a browser, with a scrubber
  --json FILE                  all steps as data
  --dot FILE                   the graph for Graphviz
  --mermaid FILE               the graph for Markdown on GitHub
  --svg FILE                   the graph as a picture
  --tikz FILE                  the graph as a picture for LaTeX
  --latex FILE                 the derivation as a LaTeX document
  --slides FILE                slides for a browser, a step a slide
Without a view: a screen in the terminal; ? lists its keys.

Options:
  --of NAME                    differentiates the variable NAME, and shows only
                               what it was computed from
  --element ELEMENT            opens an element into the terms that it is the
                               sum of: \"z[1]\", or of an adjoint \"grad W[1,0]\"
  --paths NAME                 the gradient with respect to NAME as the sum over
                               the paths from it to the result
  --train STEPS                a run of training: the loss of each step, and of
                               any both passes, the optimiser's step for each
                               weight, and the loss after it (text, HTML, JSON,
                               or the screen)
  --open N                     the step of training that is opened first, 1
                               unless told
  --optimizer NAME             sgd unless told; momentum, nesterov, adagrad,
                               rmsprop, adadelta, adam, adamw, nadam, lion
  --rate RATE                  its learning rate
  --digits N                   significant digits in text and pictures, 4 unless
                               told; from 17 on all
  -h, --help                   this text
";

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
    let arguments = match arguments::read(arguments)? {
        arguments::Asked::Help => {
            let help = HELP.replace("{programs}", &programs::list());
            return print(out, &help);
        }
        arguments::Asked::Functions => return print(out, &function_list()),
        arguments::Asked::Views(arguments) => arguments,
    };
    if let Some(training) = &arguments.training {
        return training::show(&arguments, training, out, terminal);
    }
    let tape = Tape::new();
    let output = record(&tape, &arguments)?;
    if !arguments.elements.is_empty() || arguments.paths.is_some() {
        open(&traced(output)?, &arguments, out)?;
    } else if arguments.views.is_empty() {
        let trace = traced(output)?;
        if terminal {
            return terminal::show(&trace)
                .map_err(|error| Failure::Io(format!("the screen cannot be shown: {error}")));
        }
        return text(&trace, &arguments, out, terminal);
    }
    arguments.views.iter().try_for_each(|view| show(view, output, &arguments, out, terminal))
}

/// Records what was chosen, and gives what is differentiated.
fn record<'t>(tape: &'t Tape<f64>, arguments: &Arguments) -> Result<Var<'t, f64>, Failure> {
    let output = record_whole(tape, &arguments.chosen)?;
    arguments.of.as_ref().map_or(Ok(output), |name| variable(tape, name, "--of"))
}

fn record_whole<'t>(tape: &'t Tape<f64>, chosen: &Chosen) -> Result<Var<'t, f64>, Failure> {
    match chosen {
        Chosen::Program(program) => Ok(program.record(tape)),
        Chosen::Expression { source, given } => {
            let given: Vec<(&str, Tensor<f64>)> =
                given.iter().map(|(name, value)| (&name[..], value.clone())).collect();
            Expression::parse(source)
                .and_then(|expression| expression.record(tape, &given))
                .map_err(|error| {
                    let error = match error.kind().clone() {
                        Kind::NoValue(name) => error.help(format!("add --let {name}=NUMBER")),
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
    match arguments::read(arguments)? {
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
    let arguments::Asked::Views(arguments) = arguments::read(arguments)? else {
        unreachable!("tests ask for a run")
    };
    match *arguments {
        Arguments { chosen: Chosen::Program(program), training: Some(training), .. } => {
            training::trained(tape, program, &training)
        }
        _ => unreachable!("tests ask for a run"),
    }
}

#[cfg(test)]
pub fn programs() -> &'static [programs::Program] {
    &programs::PROGRAMS
}

/// The value of a name.
fn variable<'t>(tape: &'t Tape<f64>, name: &str, option: &str) -> Result<Var<'t, f64>, Failure> {
    // Of several with the name the last.
    let named: Vec<Var<'t, f64>> = tape.vars().filter(|x| x.is_called(name)).collect();
    named.last().copied().ok_or_else(|| {
        let labels: Vec<String> = tape.vars().map(Var::label).collect();
        let near = nearest(name, labels.iter().map(String::as_str));
        let known = if near.is_empty() { labels.join(", ") } else { near.join(", ") };
        Failure::Misuse(format!("{option} {name}: there is no such value. Known: {known}"))
    })
}

fn traced(output: Var<'_, f64>) -> Result<Trace<'_, f64>, Failure> {
    Trace::of(output).map_err(|error| Failure::Misuse(error.to_string()))
}

fn show(
    view: &View,
    output: Var<'_, f64>,
    arguments: &Arguments,
    out: &mut dyn Write,
    terminal: bool,
) -> Result<(), Failure> {
    let picture = || -> Result<Picture<'_, f64>, Failure> {
        let gradients =
            output.try_backward().map_err(|error| Failure::Misuse(error.to_string()))?;
        let picture = Picture::of(output).values().gradients(&gradients);
        Ok(arguments.digits.map_or(picture.clone(), |digits| picture.digits(digits)))
    };
    let content = match view.format {
        Format::Text => return text(&traced(output)?, arguments, out, terminal),
        Format::Plan => plan(arguments)?,
        Format::Html => traced(output)?.to_html(&page::Settings::default()),
        Format::Json => {
            let settings = Settings { sources: true, ..Settings::default() };
            Document::new(&traced(output)?, &settings).to_json() + "\n"
        }
        Format::Dot => picture()?.to_dot(),
        Format::Mermaid => picture()?.to_mermaid(),
        Format::Svg => picture()?.to_svg(),
        Format::Latex => traced(output)?.latex_with(rounding(arguments)).document(),
        Format::Slides => traced(output)?.slides_with(rounding(arguments)),
        Format::Tikz => picture()?.to_tikz(),
    };
    if view.is_output() {
        return print(out, &content);
    }
    write(&view.file, &content)?;
    if arguments.views.iter().any(View::is_output) {
        return Ok(()); // Which holds what was asked for, and nothing else.
    }
    print(out, &format!("wrote {}\n", view.file.display()))
}

fn rounding(arguments: &Arguments) -> Rounding {
    let standard = Rounding::default();
    Rounding { digits: arguments.digits.unwrap_or(standard.digits), ..standard }
}

/// The plan of a program that computes the output and its gradients. They are recorded apart, so that
/// the other views show what they show without it.
fn plan(arguments: &Arguments) -> Result<String, Failure> {
    let tape = Tape::new();
    let output = record(&tape, arguments)?;
    let variables: Vec<Var<'_, f64>> =
        tape.vars().filter(|x| x.op().is_none() && x.is_tracked()).collect();
    output.try_backward().map_err(|error| Failure::Misuse(error.to_string()))?;
    let gradients = output.backward_recorded();
    let gradients = variables.iter().filter_map(|&x| gradients.try_wrt(x).ok());
    let outputs: Vec<Var<'_, f64>> = std::iter::once(output).chain(gradients).collect();
    Ok(tape.compile(&outputs).plan().to_string())
}

/// The number of paths that are listed.
const MOST_PATHS: usize = 16;

/// Opens elements, one after the other, and lists paths.
fn open(trace: &Trace<'_, f64>, arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let layout = layout(arguments);
    for (i, element) in arguments.elements.iter().enumerate() {
        let opened = trace
            .element(element, layout.rounding)
            .map_err(|error| Failure::Misuse(format!("--element {element}: {error}")))?;
        let between = if i > 0 { "\n" } else { "" };
        print(out, &format!("{between}{}", opened.text(layout)))?;
    }
    let Some(name) = &arguments.paths else { return Ok(()) };
    let node = variable(trace.output().tape(), name, "--paths")?;
    let paths = trace
        .paths(node, MOST_PATHS)
        .map_err(|error| Failure::Misuse(format!("--paths {name}: {error}")))?;
    print(out, &paths.text(layout).to_string())
}

fn layout(arguments: &Arguments) -> Layout {
    arguments.digits.map_or_else(Layout::default, |digits| Layout::default().digits(digits))
}

fn text(
    trace: &Trace<'_, f64>,
    arguments: &Arguments,
    out: &mut dyn Write,
    terminal: bool,
) -> Result<(), Failure> {
    let text = trace.text(layout(arguments));
    // In the colours that the terminal has.
    if terminal { text.print().or_else(closed_early) } else { print(out, &text.to_string()) }
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

fn write(file: &Path, content: &str) -> Result<(), Failure> {
    std::fs::write(file, content)
        .map_err(|error| Failure::Io(format!("{} cannot be written: {error}", file.display())))
}

fn function_list() -> String {
    let functions = functions();
    let list = [(1, "of one operand"), (2, "of two"), (3, "of three")].map(|(operands, title)| {
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
