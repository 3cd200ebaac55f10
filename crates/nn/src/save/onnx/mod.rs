//! Export of models to ONNX, the format in which onnxruntime and many other programs run networks.
//!
//! There is no list of layers that can be exported. A model is run once more, for evaluation, on a
//! tape, and the recorded ops are written down: ops that ONNX has by their counterparts, all
//! others by what they are composed of. So your own models are exported as well, and so are your
//! elementwise rules, because a rule can be read as the expression that it is.
//!
//! The model is recorded twice, for two sizes of the batch, and with two kinds of data. What is
//! the same in both is fixed; what grows with the batch is written as a multiple of it; anything
//! else is an error, so that a graph which only holds for one batch is not written unasked.

mod graph;
pub mod proto;
mod symint;
mod translate;

use std::path::Path;

use ops::describe::AnyRule;
use ops::{Float, Shape, Tensor};
use prost::Message;
use tape::{Tape, Var};

use self::graph::{Graph, INPUT, OUTPUT};
use self::proto::{Dimension, Length, TensorShape, TensorType, Type, ValueInfo};
use self::symint::{BatchSizes, SymInt};
use self::translate::RecordedOp;
use super::atomic::write_atomically;
use crate::ground::Error;
use crate::ground::error::SaveError;
use crate::model::{Module, Pass};

pub use crate::ground::error::ExportError;

/// The version of ONNX's operators that is written, of December 2022.
const OPSET: i64 = 18;
/// The version of the file format that came with it.
const IR_VERSION: i64 = 8;

/// Exports a model for samples of shape `sample` (without the batch) to a file, for batches of any
/// size. [`Export`] has settings.
///
/// The graph has one input, `input`, and one output, `output`, and computes in 32-bit floats;
/// parameters have their paths as names. Operators are ONNX's opset 18. To be recorded, the
/// model is run on samples of zeros and of ones, which must be possible inputs.
///
/// # Errors
/// If the model cannot take such samples, if it has an op that ONNX cannot express (which op, where
/// it was recorded, in which layer), or if the file cannot be written.
///
/// ```
/// use nn::prelude::*;
///
/// # let folder = tempfile::tempdir()?;
/// let mut rng = nn::rng(0);
/// let model = Sequential::<f32>::new()
///     .then(Dense::new(64, 32, &mut rng))
///     .then(Relu)
///     .then(Dense::new(32, 10, &mut rng))
///     .then(Softmax);
/// nn::save::onnx::export(&model, &[64], folder.path().join("model.onnx"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn export<A: Float>(
    model: &(impl Module<A> + ?Sized),
    sample: &[usize],
    path: impl AsRef<Path>,
) -> Result<(), Error> {
    Export::new().file(model, sample, path)
}

/// How to export a model.
#[derive(Clone, Copy, Debug, Default)]
pub struct Export {
    batch: Option<usize>,
}

impl Export {
    /// For batches of any size.
    pub fn new() -> Self {
        Self::default()
    }

    /// For batches of one size only: for a model that computes something else for another.
    #[must_use]
    pub fn batch(self, size: usize) -> Self {
        Self { batch: Some(size) }
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// As for [`export`].
    pub fn file<A: Float>(
        self,
        model: &(impl Module<A> + ?Sized),
        sample: &[usize],
        path: impl AsRef<Path>,
    ) -> Result<(), Error> {
        let bytes = self.model(model, sample)?.encode_to_vec();
        Ok(write_atomically(path.as_ref(), &bytes)?)
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// As for [`export`], but for the file.
    pub fn bytes<A: Float>(
        self,
        model: &(impl Module<A> + ?Sized),
        sample: &[usize],
    ) -> Result<Vec<u8>, Error> {
        Ok(self.model(model, sample)?.encode_to_vec())
    }

    /// The content of the file, to be looked at or changed.
    ///
    /// # Errors
    /// As for [`export`], but for the file.
    pub fn model<A: Float>(
        self,
        model: &(impl Module<A> + ?Sized),
        sample: &[usize],
    ) -> Result<proto::Model, Error> {
        let batches = self.batch.map_or([2, 3], |size| [size, size]);
        let tapes = [Tape::new(), Tape::new()];
        let first = Recording::new(&tapes[0], model, sample, batches[0], A::zero())?;
        let second = Recording::new(&tapes[1], model, sample, batches[1], A::one())?;
        let export = Writer { recordings: [&first, &second], batches };
        let graph = export.graph(sample).map_err(SaveError::from)?;
        Ok(proto::Model {
            ir_version: IR_VERSION,
            producer_name: "chainrule".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            doc_string: model.describe(),
            graph: Some(graph),
            opset_import: vec![proto::OperatorSet { domain: String::new(), version: OPSET }],
        })
    }
}

/// One pass of the model: what it recorded, where it begins and ends, and which of it are
/// parameters.
struct Recording<'t, A: Float> {
    vars: Vec<Var<'t, A>>,
    input: usize,
    output: usize,
    /// The path of each parameter, by its position.
    paths: Vec<Option<String>>,
}

impl<'t, A: Float> Recording<'t, A> {
    fn new(
        tape: &'t Tape<A>,
        model: &(impl Module<A> + ?Sized),
        sample: &[usize],
        batch: usize,
        number: A,
    ) -> Result<Self, Error> {
        let shape: Shape = [batch].iter().chain(sample).copied().collect();
        model.output_shape(&shape)?;
        let pass = Pass::evaluate(tape);
        let input = pass.input(&Tensor::full(&shape, number));
        let output = model.forward(&pass, input);
        let mut paths = vec![None; tape.len()];
        model.visit(&mut |path, parameter| {
            // A parameter that the model did not use is put on the tape only now.
            if let Some(place) = paths.get_mut(pass.parameter(parameter).position()) {
                *place = Some(path.to_owned());
            }
        });
        let vars = tape.vars().take(paths.len()).collect();
        Ok(Self { vars, input: input.position(), output: output.position(), paths })
    }

    /// Which values the output is computed from.
    fn ancestors(&self) -> Vec<bool> {
        let mut needed = vec![false; self.vars.len()];
        needed[self.output] = true;
        for position in (0..=self.output).rev().filter(|&position| position != self.input) {
            if needed[position] {
                self.vars[position].operands().iter().for_each(|x| needed[x.position()] = true);
            }
        }
        needed
    }
}

/// Writes down two recordings of one model.
struct Writer<'r, 't, A: Float> {
    recordings: [&'r Recording<'t, A>; 2],
    batches: BatchSizes,
}

impl<A: Float> Writer<'_, '_, A> {
    fn graph(&self, sample: &[usize]) -> Result<proto::Graph, ExportError> {
        self.check_structure()?;
        let first = self.recordings[0];
        let needed = first.ancestors();
        if !needed[first.input] {
            return Err(ExportError::Independent);
        }
        let mut graph = Graph::new();
        let mut names: Vec<String> = vec![String::new(); first.vars.len()];
        for position in (0..=first.output).filter(|&position| needed[position]) {
            graph.scope = layer_path(first.vars[position]);
            names[position] = if position == first.input {
                INPUT.to_owned()
            } else {
                self.value(&mut graph, position, &names)?
            };
        }
        let output = [0, 1].map(|i| self.recordings[i].vars[self.recordings[i].output].shape());
        let output = SymInt::shape([&output[0], &output[1]], self.batches)
            .map_err(|why| self.refusal(first.output, why))?;
        let batch = if self.batches[0] == self.batches[1] {
            SymInt::Fixed(self.batches[0] as i64)
        } else {
            SymInt::Batch(1)
        };
        let sample = sample.iter().map(|&length| SymInt::Fixed(length as i64));
        let mut graph = graph.finish(&names[first.output]);
        graph.input = vec![value_info(INPUT, [batch].into_iter().chain(sample))];
        graph.output = vec![value_info(OUTPUT, output.into_iter())];
        Ok(graph)
    }

    /// Refuses recordings of different ops.
    fn check_structure(&self) -> Result<(), ExportError> {
        let [first, second] = self.recordings;
        let same = |(a, b): (&Var<'_, A>, &Var<'_, A>)| {
            let operands = |var: &Var<'_, A>| -> Vec<usize> {
                var.operands().iter().map(|x| x.position()).collect()
            };
            a.op() == b.op() && operands(a) == operands(b)
        };
        let all = first.vars.len() == second.vars.len()
            && (first.input, first.output) == (second.input, second.output)
            && first.paths == second.paths
            && first.vars.iter().zip(&second.vars).all(same);
        if all {
            return Ok(());
        }
        let (batches, counts) =
            (self.batches, self.recordings.map(|recording| recording.vars.len()));
        Err(ExportError::Structure { batches, first: counts[0], second: counts[1] })
    }

    /// Adds one recorded value to the graph and gives its name.
    fn value(
        &self,
        graph: &mut Graph,
        position: usize,
        names: &[String],
    ) -> Result<String, ExportError> {
        let vars = self.recordings.map(|recording| recording.vars[position]);
        if let Some(path) = &self.recordings[0].paths[position] {
            return tensor(graph, path, &vars[0].value());
        }
        let operands = vars.map(Var::operands);
        if operands[0].is_empty() {
            return self.constant(graph, position);
        }
        let inputs: Vec<String> =
            operands[0].iter().map(|operand| names[operand.position()].clone()).collect();
        if vars[0].is_detached() {
            return Ok(inputs[0].clone());
        }
        let refuse = |why: String| self.refusal(position, why);
        let described: [Option<Box<dyn AnyRule>>; 2] = vars.map(Var::described);
        let [Some(first), Some(second)] = described else {
            return Err(refuse(
                "it is a function as a single node, which cannot be looked into".into(),
            ));
        };
        let shapes = operands.map(|operands| operands.iter().map(|x| x.shape()).collect());
        let output = vars.map(Var::shape);
        let recorded = RecordedOp { rules: [&*first, &*second], inputs, shapes, output };
        translate::add(graph, &recorded, self.batches).map_err(refuse)
    }

    /// Adds a constant: numbers that the model put on the tape itself.
    fn constant(&self, graph: &mut Graph, position: usize) -> Result<String, ExportError> {
        let refuse = |why: &str| self.refusal(position, why.to_owned());
        let [first, second] = self.recordings.map(|recording| recording.vars[position].value());
        let (a, b) = (Shape::from_slice(first.shape()), Shape::from_slice(second.shape()));
        let shape = SymInt::shape([&a, &b], self.batches).map_err(|why| refuse(&why))?;
        // Along axes that grow with the batch all must be equal, and one is kept.
        let kept = |x: &Tensor<A>| {
            let mut one = x.view();
            let growing = shape.iter().enumerate().filter(|(_, count)| count.fixed().is_none());
            growing.for_each(|(axis, _)| one.slice_axis_inplace(ndarray::Axis(axis), (..1).into()));
            let equal = one.broadcast(x.shape()).is_some_and(|all| all == x.view());
            equal.then(|| Tensor::from(one))
        };
        let kept = kept(&first).zip(kept(&second)).filter(|(a, b)| a == b);
        let Some((kept, _)) = kept else {
            return Err(refuse("it is a constant that depends on the batch or the data"));
        };
        let name = tensor(graph, "constant", &kept)?;
        if kept.shape() == &a[..] {
            return Ok(name);
        }
        let shape = graph.counts(&shape);
        Ok(graph.node("Expand", &[&name, &shape], vec![]))
    }

    fn refusal(&self, position: usize, why: String) -> ExportError {
        let var = self.recordings[0].vars[position];
        let op = var.op().unwrap_or("a constant").to_owned();
        ExportError::Op { op, location: var.location(), layer: var.scope_path(), why }
    }
}

/// The path of the layer that recorded a value: a scope is named by the layer's name and kind.
fn layer_path<A: Float>(var: Var<'_, A>) -> String {
    let names = var.scope_path();
    let names = names.iter().map(|name| name.split(' ').next().unwrap_or_default());
    names.collect::<Vec<_>>().join(".")
}

fn tensor<A: Float>(graph: &mut Graph, name: &str, x: &Tensor<A>) -> Result<String, ExportError> {
    let mut numbers = Vec::with_capacity(x.len());
    for &number in &x.view() {
        let (number, narrow) = (number.to_f64(), number.to_f64() as f32);
        if number.is_finite() && !narrow.is_finite() {
            return Err(ExportError::Number { tensor: name.to_owned(), number });
        }
        numbers.push(narrow);
    }
    Ok(graph.tensor(name, x.shape(), &numbers))
}

fn value_info(name: &str, shape: impl Iterator<Item = SymInt>) -> ValueInfo {
    let length = |count| match count {
        SymInt::Fixed(number) => Length::Value(number),
        SymInt::Batch(1) => Length::Name("N".to_owned()),
        SymInt::Batch(times) => Length::Name(format!("{times}N")),
    };
    let dim = shape.map(|count| Dimension { value: Some(length(count)) }).collect();
    let shape = Some(TensorShape { dim });
    let tensor_type = Some(TensorType { elem_type: proto::FLOAT, shape });
    ValueInfo { name: name.to_owned(), r#type: Some(Type { tensor_type }) }
}
