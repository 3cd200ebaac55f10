//! A run of training: a program's variables, or a model, changed step by step by an optimiser.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;

use nn::data::Targets;
use nn::ops::Shape;
use nn::prelude::*;
use tape::Trace;
use tape::expression::nearest;
use tape::page;
use tape::terminal::Screen;
use tape::trace::document::{Document, Settings};
use tape::trace::{Run, Text};

use super::arguments::{Arguments, Chosen, Format};
use super::command_line::typed;
use super::programs::{self, Kind, Program};
use super::words::Speech;
use super::{Failure, layout, page_settings, print, put};

/// What `--train` and the options to it ask for.
pub struct Training {
    pub steps: usize,
    /// The step that is opened first, from 1.
    pub open: usize,
    pub optimizer: String,
    pub rate: Option<f64>,
}

/// The variables of a program, under their names: with the values that the program has for them, or
/// with those that training gave them.
pub struct Weights<'t, 'p> {
    tape: &'t Tape<f64>,
    trained: Option<(&'p Pass<'t, f64>, &'p Learned)>,
    /// What was asked for.
    asked: RefCell<Vec<(&'static str, Tensor<f64>)>>,
}

impl<'t, 'p> Weights<'t, 'p> {
    pub fn of_program(tape: &'t Tape<f64>) -> Self {
        Self { tape, trained: None, asked: RefCell::default() }
    }

    fn of_model(pass: &'p Pass<'t, f64>, model: &'p Learned) -> Self {
        Self { trained: Some((pass, model)), ..Self::of_program(pass.tape()) }
    }

    pub fn tape(&self) -> &'t Tape<f64> {
        self.tape
    }

    /// The variable of a name, which starts at `value`.
    #[track_caller]
    pub fn get(&self, name: &'static str, value: impl Into<Tensor<f64>>) -> Var<'t, f64> {
        if let Some((pass, model)) = self.trained {
            pass.parameter(&model.0[name]).named(name)
        } else {
            let value = value.into();
            self.asked.borrow_mut().push((name, value.clone()));
            self.tape.var(value).named(name)
        }
    }
}

/// The variables of a program as a model.
struct Learned(BTreeMap<&'static str, Parameter<f64>>);

impl Learned {
    fn new(program: for<'t, 'p> fn(&Weights<'t, 'p>) -> Var<'t, f64>) -> Self {
        let tape = Tape::new();
        let weights = Weights::of_program(&tape);
        program(&weights);
        let asked = weights.asked.into_inner().into_iter();
        Self(asked.map(|(name, value)| (name, Parameter::new(value))).collect())
    }
}

impl Module<f64> for Learned {
    fn forward<'t>(&self, _: &Pass<'t, f64>, input: Var<'t, f64>) -> Var<'t, f64> {
        input // The program itself computes the loss.
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, nn::Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        self.0.iter().for_each(|(name, parameter)| visit(name, parameter));
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
        self.0.iter_mut().for_each(|(name, parameter)| visit(name, parameter));
    }
}

/// The optimisers by name, each with its usual rate here.
pub const OPTIMIZERS: [(&str, f64); 10] = [
    ("sgd", 0.1),
    ("momentum", 0.05),
    ("nesterov", 0.05),
    ("adagrad", 0.05),
    ("rmsprop", 0.01),
    ("adadelta", 1.0),
    ("adam", 0.01),
    ("adamw", 0.01),
    ("nadam", 0.01),
    ("lion", 0.01),
];

/// The optimiser of a name.
fn optimizer(training: &Training, speech: Speech) -> Result<Box<dyn Optimizer<f64>>, Failure> {
    let name = &training.optimizer[..];
    let names = OPTIMIZERS.map(|(name, _)| name);
    let Some(&(_, usual)) = OPTIMIZERS.iter().find(|known| known.0 == name) else {
        let near = nearest(name, names);
        let list = names.join(", ");
        return Err(Failure::Misuse(match near.first() {
            Some(near) => speech.no_optimizer_but(typed(name), near, list),
            None => speech.no_optimizer(typed(name), list),
        }));
    };
    let rate = training.rate.unwrap_or(usual);
    let made = || -> Result<Box<dyn Optimizer<f64>>, nn::Error> {
        Ok(match name {
            "sgd" => Box::new(Sgd::new(rate)?),
            "momentum" => Box::new(Sgd::momentum(rate, 0.9)?),
            "nesterov" => Box::new(Sgd::nesterov(rate, 0.9)?),
            "adagrad" => Box::new(AdaGrad::new(rate)?),
            "rmsprop" => Box::new(RmsProp::new(rate)?),
            "adadelta" => Box::new(AdaDelta::new(rate)?),
            "adam" => Box::new(Adam::new(rate)?),
            "adamw" => Box::new(AdamW::new(rate)?),
            "nadam" => Box::new(NAdam::new(rate)?),
            _ => Box::new(Lion::new(rate)?),
        })
    };
    // Nothing else of them was asked for.
    made().map_err(|_| Failure::Misuse(speech.no_rate(rate)))
}

/// Trains what was chosen and shows it in every view that was asked for.
pub fn show(
    arguments: &Arguments,
    training: &Training,
    out: &mut dyn Write,
    on_terminal: bool,
) -> Result<(), Failure> {
    let speech = arguments.speech;
    let misuse = |text: &str| Err(Failure::Misuse(text.to_owned()));
    let Chosen::Program(program) = &arguments.chosen else {
        return misuse(speech.train_expression());
    };
    if arguments.of.is_some() || arguments.paths.is_some() || !arguments.elements.is_empty() {
        return misuse(speech.train_alone());
    }
    let first = training.open - 1;
    if training.steps <= first {
        return misuse(&speech.open_beyond(training.open, training.steps));
    }
    let tape = Tape::new();
    let run = trained(&tape, program, training, speech)?;
    if arguments.views.is_empty() {
        if on_terminal {
            let screen = Screen::of_run(&run, first).expect("the step is one of the run");
            let shown = screen.language(speech.views()).show();
            return shown.map_err(|error| Failure::Io(speech.no_screen(error)));
        }
        return print(out, &text(&run, first, arguments), speech);
    }
    arguments.views.iter().try_for_each(|view| {
        let content = match view.format {
            Format::Text => text(&run, first, arguments),
            Format::Html => {
                let title = Some(speech.trained_title(program.name));
                run.to_html(first, &page::Settings { title, ..page_settings(speech) })
            }
            Format::Json => {
                let language = speech.views();
                let settings = Settings { sources: true, language, ..Settings::default() };
                Document::of_step(&run.steps()[first], &settings).to_json() + "\n"
            }
            _ => {
                return misuse(speech.train_views());
            }
        };
        put(view, arguments, &content, out)
    })
}

fn text(run: &Run<'_, f64>, first: usize, arguments: &Arguments) -> String {
    let layout = layout(arguments);
    let step: Text = run.steps()[first].text(layout);
    let title = arguments.speech.step_of_training(first + 1);
    format!("{}\n\n{title}\n\n{step}", run.text(layout).to_string().trim_end())
}

/// Runs the training.
pub fn trained<'t>(
    tape: &'t Tape<f64>,
    program: &Program,
    training: &Training,
    speech: Speech,
) -> Result<Run<'t, f64>, Failure> {
    let mut optimizer = optimizer(training, speech)?;
    let steps = training.steps;
    let run = match program.kind {
        Kind::Variables(record) => {
            let mut model = Learned::new(record);
            Trace::of_run(tape, steps, &mut model, &mut optimizer, |pass, model, _| {
                Ok(record(&Weights::of_model(pass, model)))
            })
        }
        Kind::Digits => {
            let (batches, mut model) = (batches(steps), programs::reader_of_digits());
            Trace::of_run(tape, steps, &mut model, &mut optimizer, |pass, model, n| {
                let (inputs, targets) = &batches[n];
                Ok(programs::loss_of_digits(pass, model, inputs, targets))
            })
        }
    };
    // No program here meets one: a loss may be NaN, and is shown.
    run.map_err(|error| Failure::Misuse(error.to_string()))
}

/// As many batches of digits, epoch after epoch.
fn batches(count: usize) -> Vec<(Tensor<f64>, Targets<f64>)> {
    let data = nn::data::digits::<f64>();
    let epochs = (0..).flat_map(|epoch| {
        let batches = data.batches(32, Some(epoch)).expect("32 is no empty batch");
        batches.map(|batch| (batch.inputs, batch.targets)).collect::<Vec<_>>()
    });
    epochs.take(count).collect()
}
