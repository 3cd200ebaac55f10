//! A model as a table, before it has seen any data.

use std::fmt::{self, Display};

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use ops::{Float, Shape, Tensor, visible};
use tape::{Scope, Tape, Var};

use super::{Module, Pass};
use crate::ground::Error;

/// One layer of a [`Summary`], with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSummary {
    /// Where it is: `encoder.0`.
    pub path: String,
    /// What it is: `Dense(784 → 30)`.
    pub layer: String,
    /// How many layers it is nested in.
    pub depth: usize,
    /// The shape of its output for one sample, with the batch first.
    pub output: Shape,
    /// The learned numbers that it uses first.
    pub parameters: usize,
    /// The multiply-adds of its matrix products and convolutions, for one sample.
    pub mult_adds: u64,
    /// The bytes of all values that it records for one sample, parameters aside.
    pub activation_bytes: usize,
}

/// A model as a table: layers, output shapes, parameters, multiply-adds and memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The layers, in the order of the forward pass, each before its parts.
    pub layers: Vec<LayerSummary>,
    /// The whole model. Parameters that the pass does not use are counted too.
    pub total: LayerSummary,
    /// The parameters that training changes.
    pub trained: usize,
    /// The bytes of parameters and buffers.
    pub parameter_bytes: usize,
}

/// What a model is, for samples of shape `sample` (without the batch). Layers that do not fit each
/// other are refused from their shapes alone; the rest is read from one recorded pass over a
/// sample of zeros, so that it holds for user-defined models as well: a layer is what is recorded
/// in a scope ([`Pass::scope`]), and [`Sequential`](crate::layers::Sequential) opens one for each
/// of its layers.
///
/// # Errors
/// If a layer cannot take the output of the layer before it: both, with their shapes.
///
/// ```
/// use nn::prelude::*;
///
/// let mut rng = nn::rng(0);
/// let model = Sequential::<f32>::new()
///     .then(Dense::new(784, 30, &mut rng))
///     .then(Sigmoid)
///     .then(Dense::new(30, 10, &mut rng));
/// let summary = summary(&model, &[784])?;
/// println!("{summary}");
/// assert_eq!(summary.layers[0].output[..], [1, 30]);
/// assert_eq!(summary.total.parameters, 784 * 30 + 30 + 30 * 10 + 10);
/// assert_eq!(summary.total.mult_adds, 784 * 30 + 30 * 10);
/// # Ok::<(), nn::Error>(())
/// ```
#[track_caller]
pub fn summary<A: Float>(model: &impl Module<A>, sample: &[usize]) -> Result<Summary, Error> {
    let mut input = Shape::from_slice(&[1]);
    input.extend_from_slice(sample);
    let output = model.output_shape(&input)?;
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let data = pass.input(&Tensor::<A>::zeros(&input));
    model.forward(&pass, data);

    let mut total = row(String::new(), model.describe(), 0);
    total.output = output;
    let scopes = tape.scopes();
    let mut layers: Vec<LayerSummary> = Vec::with_capacity(scopes.len());
    for scope in &scopes {
        // A label is the layer's name, then what it is.
        let (name, what) = scope.name.split_once(' ').unwrap_or((&scope.name, ""));
        layers.push(match scope.parent.map(|parent| &layers[parent]) {
            Some(parent) => row(format!("{}.{name}", parent.path), what.into(), parent.depth + 1),
            None => row(name.into(), what.into(), 0),
        });
    }
    let parameters = pass.parameter_vars();
    for var in tape.vars().filter(|&var| var != data) {
        let (learned, recorded) = match parameters.get(&var.position()) {
            Some(&learned) => (if learned { var.value().len() } else { 0 }, 0),
            None => (0, var.value().len() * size_of::<A>()),
        };
        let around = std::iter::successors(var.scope(), |&scope| scopes[scope].parent);
        for scope in around {
            layers[scope].add(var, learned, recorded);
        }
        total.mult_adds += var.mult_adds();
        total.activation_bytes += recorded;
    }
    for i in 0..layers.len() {
        if layers[i].activation_bytes == 0 {
            let given = given_to(i, &scopes, &layers).unwrap_or(&input).clone();
            layers[i].output = given;
        }
    }
    let (mut trained, mut parameter_bytes) = (0, 0);
    model.visit(&mut |_, parameter| {
        let count = parameter.value.len();
        parameter_bytes += count * size_of::<A>();
        total.parameters += if parameter.is_buffer() { 0 } else { count };
        trained += if parameter.is_trained() { count } else { 0 };
    });
    Ok(Summary { layers, total, trained, parameter_bytes })
}

/// What a layer that records nothing passes on: the output of the layer before it, or what the layer
/// around it was given. `None` for what the model was given.
fn given_to<'l>(i: usize, scopes: &[Scope], layers: &'l [LayerSummary]) -> Option<&'l Shape> {
    let parent = scopes[i].parent;
    match (0..i).rev().find(|&other| scopes[other].parent == parent) {
        Some(before) => Some(&layers[before].output),
        None => given_to(parent?, scopes, layers),
    }
}

fn row(path: String, layer: String, depth: usize) -> LayerSummary {
    let output = Shape::new();
    LayerSummary { path, layer, depth, output, parameters: 0, mult_adds: 0, activation_bytes: 0 }
}

impl LayerSummary {
    fn add<A: Float>(&mut self, var: Var<'_, A>, learned: usize, recorded: usize) {
        self.parameters += learned;
        self.activation_bytes += recorded;
        self.mult_adds += var.mult_adds();
        if recorded > 0 {
            self.output = var.shape();
        }
    }

    fn cells(&self) -> [String; 6] {
        let lengths = self.output.iter().skip(1).map(|length| format!(", {length}"));
        [
            format!("{}{}", "  ".repeat(self.depth), visible(&self.path)),
            visible(&self.layer).into_owned(),
            format!("[N{}]", lengths.collect::<String>()),
            grouped(self.parameters as u64),
            grouped(self.mult_adds),
            bytes(self.activation_bytes),
        ]
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_preset(UTF8_BORDERS_ONLY);
        table.set_header(["path", "layer", "output", "parameters", "mult-adds", "activations"]);
        table.add_rows(self.layers.iter().map(LayerSummary::cells));
        let mut total = self.total.cells();
        total[0] = "all".into();
        table.add_row(total);
        for column in table.column_iter_mut().skip(3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "{table}")?;
        let frozen = self.total.parameters - self.trained;
        writeln!(
            f,
            "{} parameters trained, {} frozen; {} with buffers",
            grouped(self.trained as u64),
            grouped(frozen as u64),
            bytes(self.parameter_bytes)
        )?;
        write!(f, "N is the batch; mult-adds and the bytes of activations are for one sample")
    }
}

/// A count with its digits in groups of three.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in the largest unit that keeps it above 1.
fn bytes(count: usize) -> String {
    let (mut size, mut unit) = (count as f64, "B");
    for larger in ["KiB", "MiB", "GiB"] {
        if size < 1024.0 {
            break;
        }
        (size, unit) = (size / 1024.0, larger);
    }
    if unit == "B" { format!("{count} B") } else { format!("{size:.1} {unit}") }
}
