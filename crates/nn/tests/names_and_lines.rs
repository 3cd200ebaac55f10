//! What a trace calls the weights of a model, and the lines that it shows: the user's own.

use nn::layers::*;
use nn::ops::Shape;
use nn::prelude::*;
use nn::{Module, Parameter, Pass};
use ops::declare::sample;

type Boxed = Box<dyn Module<f64> + Send + Sync>;

fn rng() -> impl rand::Rng {
    nn::rng(3)
}

/// A layer of the user's own, which is called twice as `s` and once as `inner`.
struct Scale {
    s: Parameter<f64>,
    inner: Dense<f64>,
}

/// The line of its product.
const PRODUCT: u32 = line!() + 4;

impl Module<f64> for Scale {
    fn forward<'t>(&self, pass: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        let scaled = x * pass.parameter(&self.s);
        self.inner.forward(pass, scaled)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, nn::Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        visit("s", &self.s);
        self.inner.visit(&mut |path, parameter| visit(&format!("inner.{path}"), parameter));
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
        visit("s", &mut self.s);
        self.inner.visit_mut(&mut |path, parameter| visit(&format!("inner.{path}"), parameter));
    }
}

fn scale() -> Scale {
    Scale { s: Parameter::new(2.0), inner: Dense::new(4, 4, &mut rng()) }
}

/// A layer of every kind, and an input for it.
fn layers() -> Vec<(Boxed, &'static [usize])> {
    let mut rng = rng();
    let both = Recurrence { layers: 2, bidirectional: true, dropout: 0.2, returns: Returns::Last };
    let image: &[usize] = &[2, 2, 4, 4];
    let block = || TransformerBlock::new(4, 2, 6, &mut nn::rng(1)).dropout(0.1);
    vec![
        (Box::new(Dense::new(4, 3, &mut rng)), &[2, 4]),
        (Box::new(Perceptron::new(4)), &[2, 4]),
        (Box::new(Embedding::new(5, 3, &mut rng)), &[2, 4]),
        (Box::new(Embedding::new(5, 3, &mut rng).padding_index(0)), &[2, 4]),
        (Box::new(Conv2d::new(2, 3, 2, &mut rng).padding(1)), image),
        (Box::new(ConvTranspose2d::new(2, 3, 2, &mut rng)), image),
        (Box::new(MaxPool2d::new(2)), image),
        (Box::new(AvgPool2d::new(2).padding(1)), image),
        (Box::new(GlobalAvgPool), image),
        (Box::new(GlobalMaxPool), image),
        (Box::new(BatchNorm2d::new(2)), image),
        (Box::new(GroupNorm::new(1, 2)), image),
        (Box::new(LayerNorm::new(&[4])), &[2, 4]),
        (Box::new(RmsNorm::new(&[4])), &[2, 4]),
        (Box::new(Dropout::new(0.5).unwrap()), &[2, 4]),
        (Box::new(Dropout2d::new(0.5).unwrap()), image),
        (Box::new(PRelu::per_channel(2)), image),
        (Box::new(Softmax), &[2, 4]),
        (Box::new(LogSoftmax::over(1)), &[2, 4]),
        (Box::new(Flatten::new()), image),
        (Box::new(Reshape::new([2, -1])), &[2, 4]),
        (Box::new(Gelu), &[2, 4]),
        (Box::new(SimpleRnn::new(3, 2, &mut rng)), &[2, 4, 3]),
        (Box::new(Lstm::with_settings(3, 2, both, &mut rng).unwrap()), &[2, 4, 3]),
        (Box::new(Gru::new(3, 2, &mut rng)), &[2, 4, 3]),
        (Box::new(MultiHeadAttention::new(4, 2, &mut rng).causal()), &[2, 3, 4]),
        (Box::new(block()), &[2, 3, 4]),
        (Box::new(block().pre_norm().gelu()), &[2, 3, 4]),
        (Box::new(SinusoidalPosition::new(4)), &[2, 3, 4]),
        (Box::new(LearnedPosition::new(5, 4, &mut rng)), &[2, 3, 4]),
        (Box::new(Residual::new(Dense::new(4, 4, &mut rng)).shortcut(PRelu::new())), &[2, 4]),
    ]
}

/// Numbers that tell elements apart, or tokens for a layer that takes such.
fn input_of(layer: &dyn Module<f64>, shape: &[usize]) -> Tensor<f64> {
    let is_tokens = layer.describe().starts_with("Embedding");
    if is_tokens { Tensor::ones(shape) } else { input(shape) }
}

fn input(shape: &[usize]) -> Tensor<f64> {
    sample(shape, 1).abs()
}

/// Every name that a parameter has in the model is that of a value on the tape, and no other.
fn assert_named(tape: &Tape<f64>, model: &dyn Module<f64>) {
    let mut paths = Vec::new();
    model.visit(&mut |path, parameter| {
        // What a buffer is for, training may not read.
        if !parameter.is_buffer() {
            paths.push(path.to_owned());
        }
    });
    let mut names: Vec<String> = tape.vars().filter_map(Var::name).collect();
    names.retain(|name| !name.contains("running_") && !name.contains("num_batches"));
    paths.sort();
    names.sort();
    assert_eq!(names, paths, "{}", model.describe());
}

fn assert_lines(tape: &Tape<f64>, lines: &[u32], of: &str) {
    for x in tape.vars() {
        let place = x.location();
        assert!(
            place.file() == file!() && lines.contains(&place.line()),
            "{of}: {:?} is said to be recorded at {place}, not in {lines:?}",
            x.op()
        );
    }
}

#[test]
fn weights_and_lines_are_known_of_every_layer_by_itself_and_behind_dyn() {
    for (layer, shape) in layers() {
        let layer: Box<dyn Module<f64>> = layer;
        let x = input_of(&layer, shape);
        for _ in 0..2 {
            let tape = Tape::new();
            let pass = Pass::train(&tape, 0);
            #[rustfmt::skip]
            let (_, line) = (layer.forward(&pass, pass.input(&x)), line!());
            assert_lines(&tape, &[line], &layer.describe());
            assert_named(&tape, &layer);
        }
    }
}

#[test]
fn weights_and_lines_are_known_of_every_layer_of_a_sequence() {
    for (layer, shape) in layers() {
        let x = input_of(&layer, shape);
        let inside = Sequential::new().named("layer", layer);
        let model = Sequential::new().then(Identity).named("inside", inside);
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        #[rustfmt::skip]
        let (_, line) = (model.forward(&pass, pass.input(&x)), line!());
        assert_lines(&tape, &[line], &format!("a sequence of {}", model["inside"].describe()));
        assert_named(&tape, &model);
    }
}

#[test]
fn a_layer_of_the_users_own_keeps_its_lines_and_its_names() {
    let model = Sequential::new().then(Residual::new(scale())).named("last", scale());
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    #[rustfmt::skip]
    let (y, line) = (model.forward(&pass, pass.input(&input(&[2, 4]))), line!());
    assert_lines(&tape, &[line, PRODUCT, PRODUCT + 1], "a layer of the user's own");
    assert_named(&tape, &model);
    assert_eq!(y.location().line(), PRODUCT + 1); // The sum of the inner layer.
    let product = y.operands()[0].operands()[0];
    assert_eq!((product.op(), product.location().line()), (Some("mul"), PRODUCT));
    assert_eq!(product.operands()[1].label(), "last.s");
}

/// A model of two layers, which says nothing of itself but its parameters.
struct Own {
    first: Dense<f64>,
    second: Dense<f64>,
}

impl Module<f64> for Own {
    fn forward<'t>(&self, pass: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        self.second.forward(pass, self.first.forward(pass, x).tanh())
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, nn::Error> {
        self.second.output_shape(&self.first.output_shape(input)?)
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        self.first.visit(&mut |path, parameter| visit(&format!("first.{path}"), parameter));
        self.second.visit(&mut |path, parameter| visit(&format!("second.{path}"), parameter));
    }
}

#[test]
fn no_two_parameters_of_a_pass_have_one_name() {
    let dense = || Dense::new(4, 4, &mut rng());
    let model = Own { first: dense(), second: dense() };
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    model.forward(&pass, pass.input(&input(&[2, 4])));
    let names = || tape.vars().filter_map(Var::name).collect::<Vec<_>>();
    assert_eq!(names(), ["weight", "bias", "weight_2", "bias_2"]);
    let third = dense();
    third.forward(&pass, pass.input(&input(&[2, 4])));
    assert_eq!(names()[4..], ["weight_3", "bias_3"]);
    let bias = pass.parameter(&model.first.bias).named("b");
    pass.name_parameters(&model);
    let named = ["first.weight", "b", "second.weight", "second.bias", "weight_3", "bias_3"];
    assert_eq!(names(), named);
    assert_eq!(bias.name().as_deref(), Some("b"));
    // The next pass records other values, and calls them alike.
    let first = tape.len();
    model.forward(&Pass::train(&tape, 1), tape.constant(input(&[2, 4])));
    let again: Vec<_> = tape.vars().skip(first).filter_map(Var::name).collect();
    assert_eq!(again, ["weight", "bias", "weight_2", "bias_2"]);
}

#[test]
fn a_layer_that_joins_a_model_is_called_by_its_new_path() {
    let layer = Dense::<f64>::new(4, 4, &mut rng());
    let names = |model: &dyn Module<f64>| {
        let tape = Tape::new();
        model.forward(&Pass::train(&tape, 0), tape.constant(input(&[2, 4])));
        tape.vars().filter_map(Var::name).collect::<Vec<_>>()
    };
    assert_eq!(names(&layer), ["weight", "bias"]);
    let model = Sequential::new().then(Relu).then(layer);
    assert_eq!(names(&model), ["1.weight", "1.bias"]);
    let model = Sequential::new().named("encoder", model);
    assert_eq!(names(&model), ["encoder.1.weight", "encoder.1.bias"]);
}

#[test]
fn losses_have_the_line_that_asks_for_them() {
    let tape = Tape::new();
    let output = tape.var([[0.1, 0.9], [0.3, 0.7]]);
    let given = output.location().line();
    let numbers = Targets::Values(Tensor::from([[0.2, 0.8], [0.5, 0.5]]));
    #[rustfmt::skip]
    let (_, line) = (MeanSquaredError.loss(output, &numbers).unwrap(), line!());
    assert_lines(&tape, &[given, line], "mean squared error");
    #[rustfmt::skip]
    let (_, next) = (HalfSquaredError.loss(output, &numbers).unwrap(), line!());
    assert_lines(&tape, &[given, line, next], "half squared error");
    let classes = Targets::Labels(vec![0, 1]);
    #[rustfmt::skip]
    let (_, last) = (CrossEntropy.loss(output, &classes).unwrap(), line!());
    assert_lines(&tape, &[given, line, next, last], "cross-entropy");
}

#[test]
fn a_trace_says_which_weight_it_speaks_of_and_where() {
    let model = Sequential::new().then(Dense::new(2, 3, &mut rng())).then(Tanh);
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    #[rustfmt::skip]
    let (loss, line) = (model.forward(&pass, pass.input(&input(&[1, 2]))).sum(), line!());
    let trace = tape::Trace::of(loss).unwrap();
    let weight = trace.nodes().iter().position(|x| x.label() == "0.weight").unwrap();
    let layout = tape::trace::Layout::default();
    let text = trace.step_text(weight, layout).unwrap().to_string();
    assert!(text.contains("0.weight"), "{text}");
    assert!(text.contains(&format!("names_and_lines.rs:{line}")), "{text}");
}
