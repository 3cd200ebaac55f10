//! The models that are exported and run with onnxruntime. Their weights and inputs come from a
//! formula, so that they are the same on every machine.

use chacha20::ChaCha8Rng;
use ndarray::s;
use nn::Error;
use nn::layers::*;
use nn::ops::rules::{self, Indices, Slide};
use nn::ops::{Number, Shape, Unary};
use nn::prelude::*;

/// A model, the shape of a sample, and batches of different sizes to run it on.
pub struct Example {
    pub name: &'static str,
    pub model: Box<dyn Module<f32>>,
    pub sample: Vec<usize>,
    pub inputs: Vec<(usize, Tensor<f32>)>,
}

/// Numbers in general position, between −1 and 1: no two equal, none near 0.
fn numbers(shape: &[usize], seed: usize) -> Tensor<f32> {
    nn::ops::declare::sample(shape, seed).map(|x| (x / 1.75) as f32)
}

fn example(name: &'static str, mut model: impl Module<f32>, sample: &[usize]) -> Example {
    let mut seed = 0;
    model.visit_mut(&mut |path, parameter| {
        seed += 1;
        let value = numbers(parameter.value.shape(), seed);
        // Variances are positive.
        parameter.value = if path.ends_with("running_var") { value.map(f32::abs) } else { value };
    });
    let inputs = [1, 4].map(|batch| {
        let shape: Vec<usize> = [batch].iter().chain(sample).copied().collect();
        (batch, numbers(&shape, 11))
    });
    Example { name, model: Box::new(model), sample: sample.to_vec(), inputs: inputs.into() }
}

/// The same, on inputs that are made of those above.
fn on(example: Example, input: impl Fn(f32) -> f32) -> Example {
    let inputs = example.inputs.into_iter();
    Example { inputs: inputs.map(|(batch, x)| (batch, x.map(&input))).collect(), ..example }
}

/// A function of the input as a model.
macro_rules! function {
    ($name:ident, $output:expr, |$x:ident| $body:expr) => {
        struct $name;
        impl Module<f32> for $name {
            fn forward<'t>(&self, _pass: &Pass<'t, f32>, $x: Var<'t, f32>) -> Var<'t, f32> {
                $body
            }
            fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
                let mut shape: Shape = Shape::from_slice(&input[..1]);
                shape.extend_from_slice(&$output);
                Ok(shape)
            }
        }
    };
}

/// An op of a user: e^(−x²).
#[derive(Clone, Copy, Debug)]
struct Bump;

impl Unary for Bump {
    const NAME: &'static str = "gelu"; // Another's name must not make it another's op.
    fn value<R: Number>(self, x: R) -> R {
        (-x.square()).exp()
    }
    fn slope<R: Number>(self, x: R, y: R) -> R {
        R::lit(-2.0) * x * y
    }
}

/// Results side by side along the last axis.
fn joined<'t>(parts: &[Var<'t, f32>]) -> Var<'t, f32> {
    parts[0].concat(&parts[1..], -1)
}

function!(Activations, [3 * 22], |x| joined(&[
    x.relu(),
    x.leaky_relu(0.1),
    x.sigmoid(),
    x.tanh(),
    x.softplus(),
    x.log_sigmoid(),
    x.gelu(),
    x.gelu_tanh(),
    x.silu(),
    x.elu(0.7),
    x.selu(),
    x.celu(0.7),
    x.mish(),
    x.softsign(),
    x.hard_sigmoid(),
    x.hard_tanh(),
    x.clamp(-0.3, 0.4),
    x.step(),
    x.softmax(-1),
    x.log_softmax(1),
    x.prelu(x.mean_keepdims(-1)),
    x.unary(Bump),
]));

function!(Elementwise, [3 * 33], |x| {
    let (y, p) = (x.roll(-1, 1), x.abs());
    joined(&[
        -x,
        x.exp(),
        x.exp_m1(),
        x.exp2(),
        p.ln(),
        p.ln_1p(),
        p.log2(),
        p.log10(),
        p.sqrt(),
        p.rsqrt(),
        x.square(),
        x.recip(),
        x.sin() + x.cos() + x.tan(),
        x.asin() + x.acos() + x.atan(),
        x.sinh() + x.cosh(),
        x.asinh() + (p + 1.0).acosh() + x.atanh(),
        x.erf(),
        (x * 3.0).floor() + (x * 3.0).ceil() + (x * 3.0).round(),
        x.sign(),
        x + y,
        x - y,
        x * y,
        x / y,
        p.pow(y),
        x.maximum(y),
        x.minimum(y),
        x.hypot(y) + x.logaddexp(y),
        x.greater(y) + x.greater_equal(y),
        x.less(y) + x.less_equal(y),
        x.equal(x) + x.not_equal(y),
        x.greater(y).select(x, y),
        (1.0 - x) + (x - 1.0) * 2.0 / (x + 3.0),
        p.powf(1.5) + x.powf(2.0),
    ])
});

/// All that a sample has, in a row.
fn flat(x: Var<'_, f32>) -> Var<'_, f32> {
    x.reshape([x.shape()[0] as isize, -1])
}

// Of [N, 3, 4].
function!(Layouts, [77], |x| {
    let batch = x.shape()[0];
    let zeros = x.tape().constant(Tensor::zeros(&[batch, 2])); // A state to begin with.
    let steps = x.permute(&[1, 0, 2]).reshape(&[3 * batch, 4][..]);
    joined(&[
        flat(x.permute(&[0, 2, 1]).tril(1)),
        flat(x.slice(s![.., ..;-1, 1..;2])),
        flat(x.slice(s![.., 1..3;-1, ..-2;-1])),
        steps.slice(s![batch..2 * batch, ..]),
        zeros + x.slice(s![.., 0, ..2]),
        x.slice(s![.., 0, ..]).upsample_linear(1, 6).pad(1, 1, 0, rules::Padding::Constant(0.5)),
        flat(x.cumsum(1).index_select(2, &[3, 0, 0])),
        x.slice(s![.., -1, -3..-1]),
        x.flip(1).repeat(2, 2).slice(s![.., 0, ..;-3]),
        x.stack(&[x.square()], 1).slice(s![.., 1, 2, ..]),
        flat(x.matmul(x.permute(&[0, 2, 1])).triu(1)),
        flat(x.expand_dims(1).squeeze(1).broadcast_to(&[batch, 3, 4])),
        x.detach().slice(s![.., 1, ..1]),
    ])
});

// Of [N, 3, 4].
function!(Reductions, [67], |x| joined(&[
    x.sum_axes(1),
    flat(x - x.mean_keepdims([1, 2])),
    flat(x - x.mean_keepdims(0)), // Over the batch.
    x.max_axes(1) - x.min_axes(-2),
    x.norm(2),
    x.logsumexp(-1),
    x.var(1, 1.0) + x.std(1, 0.0),
    x.prod(2),
    flat(Var::einsum("nij,nkj->nik", &[&x, &x])),
    flat(x.matmul(x.slice(s![0, 0, ..]))) + x.sum(), // Over everything.
    flat(x.layer_norm(&x.scalar(2.0), &x.scalar(0.5), 1e-5)) + x.mean(),
]));

// Of [N, 5] numbers of words.
function!(Counts, [7], |x| x.one_hot(7).sum_axes(1));

/// Parameters in uses other than that of a dense layer.
struct Tables {
    table: Parameter<f32>,
    unused: Parameter<f32>,
}

impl Tables {
    fn new() -> Self {
        let parameter = || Parameter::new(Tensor::zeros(&[3, 4]));
        Self { table: parameter(), unused: parameter() }
    }
}

impl Module<f32> for Tables {
    fn forward<'t>(&self, pass: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
        let table = pass.parameter(&self.table);
        let indices = Indices::new(&[3, 2], vec![0, 3, 1, 1, 2, 0]).expect("6 indices");
        let taken = table.take_along_axis(1, &indices).reshape([2, 3]);
        let weighted = x.matmul(table).softmax(-1).matmul(table.t());
        weighted * taken.sum_axes(0) + pass.parameter(&self.table).mean_axes(1)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f32>)) {
        visit("table", &self.table);
        visit("unused", &self.unused);
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f32>)) {
        visit("table", &mut self.table);
        visit("unused", &mut self.unused);
    }
}

/// Convolutions and pooling as functions, in one and two dimensions: of [N, 2, 7, 6].
struct Windows {
    square: Parameter<f32>,
    grouped: Parameter<f32>,
    row: Parameter<f32>,
}

impl Windows {
    fn new() -> Self {
        Self {
            square: Parameter::new(Tensor::zeros(&[4, 2, 3, 2])),
            grouped: Parameter::new(Tensor::zeros(&[4, 1, 3, 3])),
            row: Parameter::new(Tensor::zeros(&[2, 3, 4])),
        }
    }
}

impl Module<f32> for Windows {
    fn forward<'t>(&self, pass: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
        let one = Slide::new;
        let odd = Slide { padding: (0, 1), ..one(2).stride(2) };
        let square = pass.parameter(&self.square);
        let y = x.conv(square, &[one(3).stride(2).padding(1), odd], 1);
        let grouped = pass.parameter(&self.grouped);
        let wide = [one(3).dilation(2).padding(2), one(3).dilation(2).padding(2)];
        let z = x.conv(grouped, &wide, 2);
        let back = y.conv_transposed(square, &[one(3).stride(2).padding(1), odd], 1, &[1, 0]);
        let row = x.slice(s![.., .., 0, ..]);
        let row = row.conv_transposed(pass.parameter(&self.row), &[one(4).stride(3)], 1, &[2]);
        let pair = [one(2).stride(2), one(3)];
        let padded = [one(3).stride(2).padding(1), one(2)];
        joined(&[
            flat(y),
            flat(z),
            flat(back),
            flat(row),
            flat(x.avg_pool(&pair, false, true)),
            flat(x.avg_pool(&padded, false, true)),
            flat(x.avg_pool(&padded, true, false)),
            flat(x.avg_pool(&[one(2).dilation(2), one(2)], false, true)),
            flat(x.upsample_nearest(2, 9).adaptive_avg_pool(3, 4)),
        ])
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(&input[..1]))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f32>)) {
        visit("square", &self.square);
        visit("grouped", &self.grouped);
        visit("row", &self.row);
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f32>)) {
        visit("square", &mut self.square);
        visit("grouped", &mut self.grouped);
        visit("row", &mut self.row);
    }
}

/// Of [N, 2, 8, 7].
fn cnn(rng: &mut ChaCha8Rng) -> Sequential<f32> {
    let body = Sequential::new()
        .then(Conv2d::new(6, 6, 3, rng).padding(Padding::Same).groups(3, rng))
        .then(GroupNorm::new(2, 6))
        .then(Silu);
    Sequential::new()
        .then(Conv2d::new(2, 6, [3, 4], rng).padding(Padding::Same).without_bias())
        .then(BatchNorm2d::new(6))
        .then(Relu)
        .then(MaxPool2d::new(3).stride(2).padding(1))
        .named("block", Residual::new(body))
        .then(Dropout2d::new(0.5).expect("a probability"))
        .then(ConvTranspose2d::new(6, 4, 3, rng).stride(2).padding(1).output_padding(1))
        .then(PRelu::per_channel(4))
        .then(AvgPool2d::new(3).stride(2).padding(1).count_include_pad(false))
        .then(MaxPool2d::new(2).ceil_mode())
        .then(Conv2d::new(4, 5, 2, rng).dilation([1, 1]).stride([1, 2]))
        .then(GlobalAvgPool)
        .then(Flatten::new())
        .then(Dense::new(5, 3, rng))
        .then(LogSoftmax)
}

/// Of [N, 4, 6].
fn norms(rng: &mut ChaCha8Rng) -> Sequential<f32> {
    Sequential::new()
        .then(Conv1d::new(4, 4, 3, rng).padding(Padding::Same))
        .then(BatchNorm1d::new(4))
        .then(LayerNorm::new(&[4, 6]))
        .then(Gelu)
        .then(RmsNorm::new(&[6]))
        .then(Dropout::new(0.3).expect("a probability"))
        .then(MaxPool1d::new(2))
        .then(Reshape::new([3, 4]))
        .then(Flatten::new())
}

/// Of [N, 5] numbers of words.
fn words(rng: &mut ChaCha8Rng) -> Sequential<f32> {
    Sequential::new()
        .then(Embedding::new(7, 4, rng).padding_index(0))
        .then(Flatten::from_axis(1))
        .then(Dense::new(20, 3, rng))
        .then(Softmax::over(-1))
}

/// A recurrent network of two layers and both directions, of [N, 4, 3].
fn recurrent<C: Cell + Default>(rng: &mut ChaCha8Rng, returns: Returns) -> Sequential<f32> {
    let settings = Recurrence { layers: 2, bidirectional: true, dropout: 0.5, returns };
    let layer = Recurrent::<f32, C>::with_settings(3, 4, settings, rng);
    Sequential::new()
        .named("recurrent", layer.expect("settings in range"))
        .then(Dense::new(8, 2, rng))
}

/// A language model of one block: [N, 5] numbers of words to the scores of the next.
fn transformer(rng: &mut ChaCha8Rng) -> Sequential<f32> {
    Sequential::new()
        .then(Embedding::new(7, 6, rng))
        .then(LearnedPosition::new(8, 6, rng))
        .then(SinusoidalPosition::new(6))
        .then(TransformerBlock::new(6, 2, 9, rng).pre_norm().gelu().causal().dropout(0.1))
        .then(Dense::new(6, 7, rng))
}

pub fn examples() -> Vec<Example> {
    let mut rng = nn::rng(0);
    let mlp = Sequential::new()
        .named("encoder", Sequential::new().then(Dense::new(6, 8, &mut rng)).then(Tanh))
        .then(Dense::new(8, 5, &mut rng))
        .then(Sigmoid)
        .then(Dense::new(5, 3, &mut rng))
        .then(Softmax);
    vec![
        example("mlp", mlp, &[6]),
        example("dense_on_sequences", Dense::new(4, 3, &mut rng), &[5, 4]),
        example("activations", Activations, &[3]),
        example("elementwise", Elementwise, &[3]),
        example("layouts", Layouts, &[3, 4]),
        example("reductions", Reductions, &[3, 4]),
        example("tables", Tables::new(), &[3]),
        example("windows", Windows::new(), &[2, 7, 6]),
        example("cnn", cnn(&mut rng), &[2, 8, 7]),
        example("norms", norms(&mut rng), &[4, 6]),
        example("rnn", recurrent::<SimpleCell>(&mut rng, Returns::Sequence), &[4, 3]),
        example("lstm", recurrent::<LstmCell>(&mut rng, Returns::Sequence), &[4, 3]),
        example("gru_last", recurrent::<GruCell>(&mut rng, Returns::Last), &[4, 3]),
        example("attention", MultiHeadAttention::new(6, 3, &mut rng), &[4, 6]),
        example("encoder_block", TransformerBlock::new(6, 2, 9, &mut rng), &[4, 6]),
        on(example("transformer", transformer(&mut rng), &[5]), |x| (x.abs() * 7.0).floor()),
        on(example("one_hot", Counts, &[5]), |x| (x.abs() * 7.0).floor()),
        on(example("embedding", words(&mut rng), &[5]), |x| (x.abs() * 7.0).floor()),
    ]
}
