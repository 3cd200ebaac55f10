//! Export to ONNX: what onnxruntime computes is what the model computes.
//!
//! `tests/onnx/NAME.onnx` are the models below as they were exported, and `NAME.safetensors` inputs
//! with the outputs of onnxruntime for them. `scripts/onnx_reference.py` made both: it ran this
//! test with `CHAINRULE_ONNX` set, ran every file, and compared. The tests here hold that the
//! export still gives these bytes, and the model these outputs, so no Python is needed.

use std::path::{Path, PathBuf};

use crate::models::{Example, examples};
use nn::Error;
use nn::ops::{Shape, rules};
use nn::prelude::*;
use nn::save::onnx::{Export, ExportError, export, proto};
use nn::save::{SaveError, Weights};

fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx").join(name)
}

/// Not a test by itself: writes what the script reads.
#[test]
fn writes_the_models_if_asked() -> Result<(), Error> {
    let Ok(folder) = std::env::var("CHAINRULE_ONNX") else { return Ok(()) };
    let folder = Path::new(&folder);
    for Example { name, model, sample, inputs } in examples() {
        let export = Export::new();
        std::fs::write(folder.join(format!("{name}.onnx")), export.bytes(&*model, &sample)?)
            .unwrap();
        let mut numbers = Weights::default();
        for (batch, input) in inputs {
            let output = outputs(&*model, &input)?;
            numbers.tensors.insert(format!("input {batch}"), input);
            numbers.tensors.insert(format!("output {batch}"), output);
        }
        numbers.save(folder.join(format!("{name}.safetensors")))?;
    }
    Ok(())
}

fn outputs(model: &dyn Module<f32>, input: &Tensor<f32>) -> Result<Tensor<f32>, Error> {
    model.output_shape(input.shape())?;
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    Ok(model.forward(&pass, pass.input(input)).value())
}

#[test]
fn onnxruntime_computes_what_the_model_computes() -> Result<(), Error> {
    for Example { name, model, sample, inputs } in examples() {
        let refresh = "scripts/onnx_reference.py runs it again with onnxruntime";
        let file = std::fs::read(stored(&format!("{name}.onnx")));
        let file = file.unwrap_or_else(|error| panic!("{name}: {error}; {refresh}"));
        let exported = Export::new().bytes(&*model, &sample)?;
        assert!(exported == file, "{name} is not exported as the file has it; {refresh}");

        let theirs = Weights::<f32>::load(stored(&format!("{name}.safetensors")))?.tensors;
        for (batch, input) in inputs {
            assert_eq!(theirs[&format!("input {batch}")], input, "{name}; {refresh}");
            let (own, theirs) = (outputs(&*model, &input)?, &theirs[&format!("output {batch}")]);
            assert_eq!(own.shape(), theirs.shape(), "{name}");
            let largest = theirs.view().iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            for (own, theirs) in own.view().iter().zip(theirs.view()) {
                // The same ops in another order: a few units in the last place of the largest.
                assert!((own - theirs).abs() <= 1e-6 * largest, "{name}: {own} {theirs}");
            }
        }
    }
    Ok(())
}

fn mlp() -> Sequential<f32> {
    let mut rng = nn::rng(1);
    Sequential::new()
        .named("encoder", Sequential::new().then(Dense::new(4, 3, &mut rng)).then(Relu))
        .then(Dense::new(3, 2, &mut rng))
}

#[test]
fn the_graph_is_the_model() -> Result<(), Error> {
    let model = mlp();
    let exported = Export::new().model(&model, &[4])?;
    assert_eq!((exported.ir_version, exported.opset_import[0].version), (8, 18));
    let graph = exported.graph.unwrap();

    let nodes: Vec<_> = graph
        .node
        .iter()
        .map(|node| (&*node.op_type, node.input.join(" "), &*node.output[0]))
        .collect();
    let node =
        |op: &'static str, inputs: &str, output: &'static str| (op, inputs.to_owned(), output);
    assert_eq!(
        nodes,
        [
            node("Transpose", "encoder.0.weight", "encoder.0.Transpose"),
            node("MatMul", "input encoder.0.Transpose", "encoder.0.MatMul"),
            node("Add", "encoder.0.MatMul encoder.0.bias", "encoder.0.Add"),
            node("Relu", "encoder.0.Add", "encoder.1.Relu"),
            node("Transpose", "1.weight", "1.Transpose"),
            node("MatMul", "encoder.1.Relu 1.Transpose", "1.MatMul"),
            node("Add", "1.MatMul 1.bias", "output"),
        ]
    );

    // Parameters have PyTorch's names and layouts, and their numbers.
    let weights = Weights::of(&model)?.tensors;
    assert_eq!(graph.initializer.len(), weights.len());
    for tensor in &graph.initializer {
        let own = &weights[&tensor.name];
        let dims: Vec<usize> = tensor.dims.iter().map(|&length| length as usize).collect();
        assert_eq!(dims, own.shape());
        let numbers = tensor.raw_data.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        assert!(numbers.eq(own.view().iter().copied()));
    }

    let shape = |info: &proto::ValueInfo| -> Vec<proto::Length> {
        let tensor = info.r#type.clone().unwrap().tensor_type.unwrap();
        assert_eq!(tensor.elem_type, proto::FLOAT);
        tensor.shape.unwrap().dim.into_iter().map(|dim| dim.value.unwrap()).collect()
    };
    let any = proto::Length::Name("N".into());
    assert_eq!(shape(&graph.input[0]), [any.clone(), proto::Length::Value(4)]);
    assert_eq!(shape(&graph.output[0]), [any, proto::Length::Value(2)]);

    let fixed = Export::new().batch(5).model(&model, &[4])?.graph.unwrap();
    assert_eq!(shape(&fixed.input[0])[0], proto::Length::Value(5));
    Ok(())
}

#[test]
fn a_model_of_f64_is_exported_in_f32() -> Result<(), Error> {
    let mut model = Sequential::<f64>::new().then(Dense::new(2, 1, &mut nn::rng(1)));
    model.visit_mut(&mut |_, p| p.value = Tensor::full(p.value.shape(), 0.1));
    let graph = Export::new().model(&model, &[2])?.graph.unwrap();
    let weight = graph.initializer.iter().find(|tensor| tensor.name == "0.weight").unwrap();
    assert_eq!(weight.raw_data[..4], 0.1_f32.to_le_bytes());

    model.visit_mut(&mut |_, p| p.value = Tensor::full(p.value.shape(), 1e40));
    assert_eq!(
        refusal(&model, &[2]).to_string(),
        "the model cannot be exported: 0.weight holds 1e40, too large for f32"
    );
    Ok(())
}

fn refusal<A: nn::ops::Float>(model: &impl Module<A>, sample: &[usize]) -> ExportError {
    match Export::new().bytes(model, sample).unwrap_err() {
        Error::Save(SaveError::Export(error)) => error,
        other => panic!("not refused: {other}"),
    }
}

/// A layer that is a function of its input.
struct Function(fn(&Pass<'_, f32>, Var<'_, f32>) -> usize);

impl Module<f32> for Function {
    fn forward<'t>(&self, pass: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
        let position = (self.0)(pass, x);
        pass.tape().vars().nth(position).unwrap()
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
}

#[test]
fn what_cannot_be_exported_is_named_with_its_line_and_layer() {
    let refused = |f| {
        let model = Sequential::new().then(Relu).named("odd", Function(f));
        refusal(&model, &[3]).to_string()
    };
    let says = |f, op: &str, why: &str| {
        let message = refused(f);
        let start = format!("{op}, recorded at {}:", file!());
        assert!(message.starts_with(&start), "{message}\n{start}");
        assert!(message.contains(" in layer odd Function, cannot be exported: "), "{message}");
        assert!(message.ends_with(why), "{message}");
    };
    says(|_, x| x.atan2(x).position(), "atan2", "it has no counterpart in ONNX");
    says(
        |_, x| nn::tape::checkpoint(|v| v[0].exp(), &[x]).position(),
        "checkpoint",
        "it is a function as a single node, which cannot be looked into",
    );
    says(
        |pass, x| {
            let batch = x.shape()[0] as f64;
            (x * pass.input(&Tensor::scalar(batch as f32))).position()
        },
        "a constant",
        "it is a constant that depends on the batch or the data",
    );
    says(
        |_, x| x.scale(1.0 / x.shape()[0] as f64).position(),
        "mul",
        "of its setting left: it depends on the batch or the data",
    );
    says(
        |_, x| x.pad(0, 0, 4 - x.shape()[0], nn::ops::rules::Padding::Edge).position(),
        "pad_edge",
        "of its setting from: it depends on the batch in a way that cannot be written down: 1 for a \
         batch of 2, 2 for one of 3",
    );
    // It looks at the data, not only at its shape.
    says(
        |_, x| x.index_select(1, &[x.value().view()[[0, 0]] as usize]).position(),
        "index_select",
        "it depends on the batch in a way that cannot be written down: 0 for a batch of 2, 1 for \
         one of 3",
    );
    let more = refused(|_, x| (0..x.shape()[0]).fold(x, |x, _| x.exp()).position());
    assert!(more.contains("it records 4 ops for a batch of 2 and 5 for one of 3"), "{more}");
    let none = refused(|pass, _| pass.input(&Tensor::zeros(&[2])).position());
    assert!(none.contains("its output is not computed from its input"), "{none}");
}

/// Takes one of two parameters, by the size of the batch.
struct Picks([Parameter<f32>; 2]);

impl Module<f32> for Picks {
    fn forward<'t>(&self, pass: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
        x * pass.parameter(&self.0[x.shape()[0] % 2])
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f32>)) {
        visit("even", &self.0[0]);
        visit("odd", &self.0[1]);
    }
}

#[test]
fn a_parameter_that_depends_on_the_batch_is_refused() {
    let picks = Picks([1.0, 2.0].map(Parameter::new));
    let error = refusal(&picks, &[3]).to_string();
    assert!(error.contains("for a batch of 2 and"), "{error}");
}

/// The same ops, but another of them is the output.
#[test]
fn an_output_that_depends_on_the_batch_is_refused() {
    let picks = Function(|_, x| [x.exp(), x.sin()][x.shape()[0] % 2].position());
    assert!(matches!(refusal(&picks, &[3]), ExportError::Structure { .. }));
}

/// A map of three numbers to four, each row said by hand, and its adjoint from four to three: the
/// product with the matrix of rows, which ONNX is given for numbers along the last axis.
#[test]
fn a_map_and_its_adjoint_are_products_with_one_matrix() -> Result<(), Error> {
    fn map(adjoint: bool) -> rules::AxisMap {
        let rows = [vec![(0, 0.5), (2, 2.0)], vec![], vec![(1, -1.0)], vec![(2, 1.0)]];
        rules::AxisMap { adjoint, ..rules::AxisMap::new("blend", 1, 3, rows) }
    }
    let models = [
        (Function(|_, x| Var::apply(map(false), &[&x]).position()), 3),
        (Function(|_, x| Var::apply(map(true), &[&x]).position()), 4),
    ];
    // By rows: what the map gives of each number, and what the adjoint gives.
    let matrices = [
        [[0.5, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [2.0, 0.0, 0.0, 1.0]].concat(),
        [[0.5, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]].concat(),
    ];
    for ((model, length), expected) in models.into_iter().zip(matrices) {
        let graph = Export::new().model(&model, &[length])?.graph.unwrap();
        let matrix = &graph.initializer[0];
        assert_eq!(matrix.dims, [length as i64, 7 - length as i64]);
        let numbers = matrix.raw_data.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        assert_eq!(numbers.collect::<Vec<_>>(), expected);
    }
    Ok(())
}

/// By the standard of opset 14, a length of 0 is taken from the operand unless `allowzero` is 1.
#[test]
fn a_length_of_0_is_said_to_be_one() -> Result<(), Error> {
    let empty = Function(|_, x| {
        x.slice(ndarray::s![.., 0..0]).reshape(&[x.shape()[0], 0, 3][..]).position()
    });
    let full = Function(|_, x| x.reshape(&[x.shape()[0], 1, 4][..]).position());
    for (model, allowzero) in [(empty, vec![("allowzero", Some(1))]), (full, vec![])] {
        let graph = Export::new().model(&model, &[4])?.graph.unwrap();
        let reshape = graph.node.iter().find(|node| node.op_type == "Reshape").unwrap();
        let attributes = reshape.attribute.iter().map(|attribute| (&*attribute.name, attribute.i));
        assert_eq!(attributes.collect::<Vec<_>>(), allowzero);
    }
    Ok(())
}

#[test]
fn a_square_is_a_product() -> Result<(), Error> {
    let graph = Export::new().model(&Function(|_, x| x.square().position()), &[3])?.graph.unwrap();
    let nodes: Vec<_> = graph.node.iter().map(|node| (&*node.op_type, &node.input[..])).collect();
    assert_eq!(nodes, [("Mul", &["input".to_owned(), "input".to_owned()][..])]);
    Ok(())
}

#[test]
fn one_size_of_the_batch_can_be_asked_for() -> Result<(), Error> {
    let mean = Function(|_, x| x.scale(1.0 / x.shape()[0] as f64).position());
    assert!(Export::new().bytes(&mean, &[3]).is_err());
    Export::new().batch(4).bytes(&mean, &[3]).map(drop)
}

#[test]
fn errors_of_the_model_and_of_the_file_come_through() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let error = export(&mlp(), &[5], &path).unwrap_err().to_string();
    assert!(error.contains("takes an input of shape […, 4], but is given [2, 5]"), "{error}");
    assert!(!path.exists());
    let error = export(&mlp(), &[4], folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("cannot write"), "{error}");
}
