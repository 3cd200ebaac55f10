//! Layers against PyTorch: `torch/README.md` says what the file holds.
//!
//! Each case is a layer with PyTorch's settings and weights, whose outputs, gradients (of inputs and
//! parameters) and buffers are held against PyTorch's, in f64 and in f32.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{
    assert_close, count, counts, flag, list, mask, number, tensor, tensors, text, unpacked,
};
use nn::layers::{
    AttentionMask, Cell, Clamp, ConvSettings, Nonlinearity, Recurrence, Recurrent, RecurrentState,
};
use nn::ops::Float;
use nn::ops::methods::LinearMethods;
use nn::prelude::*;
use serde_json::Value;

/// The cases with a setting that no layer here has, and which setting that is. All others are
/// compared.
const NOT_COVERED: [(&str, &str); 18] = [
    ("Linear(in_features=5, out_features=2, bias=False) of [3, 5]", DENSE_BIAS),
    ("BatchNorm1d(num_features=2, affine=False) of [4, 2], training", AFFINE),
    ("BatchNorm2d(num_features=2, affine=False, momentum=0.05) of [2, 2, 2, 5], training", AFFINE),
    ("BatchNorm1d(num_features=2, affine=False) of [4, 2], evaluation", AFFINE),
    (
        "BatchNorm2d(num_features=2, affine=False, momentum=0.05) of [2, 2, 2, 5], evaluation",
        AFFINE,
    ),
    (
        "BatchNorm1d(num_features=3, track_running_stats=False) of [4, 3], evaluation",
        "batch normalisation always has running values",
    ),
    (
        "LayerNorm(normalized_shape=[5], bias=False) of [1, 5]",
        "layer normalisation always has a bias",
    ),
    ("LayerNorm(normalized_shape=[4, 3], elementwise_affine=False) of [2, 4, 3]", AFFINE),
    ("RMSNorm(normalized_shape=[4], eps=1e-06, elementwise_affine=False) of [1, 3, 4]", AFFINE),
    ("GroupNorm(num_groups=2, num_channels=6, affine=False) of [3, 6]", AFFINE),
    ("RNN(input_size=3, hidden_size=2, bias=False) of [2, 3, 3] and [1, 2, 2]", RECURRENT_BIAS),
    (
        "LSTM(input_size=3, hidden_size=2, bias=False) of [2, 3, 3] and [1, 2, 2] and [1, 2, 2]",
        RECURRENT_BIAS,
    ),
    ("GRU(input_size=3, hidden_size=2, bias=False) of [2, 3, 3] and [1, 2, 2]", RECURRENT_BIAS),
    (
        "MultiheadAttention(embed_dim=4, batch_first=True, num_heads=2, bias=False) of [2, 3, 4]",
        ATTENTION_BIAS,
    ),
    (
        "MultiheadAttention(embed_dim=4, batch_first=True, num_heads=2, bias=False) of [2, 5, 4] \
         and [2, 5], causal",
        ATTENTION_BIAS,
    ),
    (
        "TransformerEncoderLayer(d_model=4, nhead=2, dim_feedforward=5, dropout=0.0, \
         activation=relu, batch_first=True, bias=False) of [2, 3, 4]",
        ATTENTION_BIAS,
    ),
    ("Hardswish() of [3, 5]", "there is no such activation"),
    ("Softplus(beta=2.5) of [3, 5]", "softplus has no beta"),
];
const DENSE_BIAS: &str = "a dense layer always has a bias";
const RECURRENT_BIAS: &str = "a recurrent layer always has biases";
const ATTENTION_BIAS: &str = "attention always has biases";
const AFFINE: &str = "a normalisation always has its factors";

/// The number of all cases in the file.
const CASES: usize = 185;

type ByName<T> = BTreeMap<String, T>;

/// A layer of ours, by how it is called.
#[allow(clippy::large_enum_variant)]
enum Layer<A: Float> {
    Plain(Box<dyn Module<A>>),
    /// One whose output has no axes where PyTorch's has axes of length 1.
    Global(Box<dyn Module<A>>),
    Rnn(SimpleRnn<A>),
    Lstm(Lstm<A>),
    Gru(Gru<A>),
    Attention(MultiHeadAttention<A>),
    Block(TransformerBlock<A>),
}

struct Case<'f>(&'f Value);

impl Case<'_> {
    fn name(&self) -> &str {
        text(&self.0["name"])
    }
    fn setting(&self, key: &str) -> &Value {
        let settings = &self.0["settings"];
        settings.get(key).unwrap_or_else(|| panic!("{} has no setting {key}", self.name()))
    }
    fn count(&self, key: &str) -> usize {
        count(self.setting(key))
    }
    fn number(&self, key: &str) -> f64 {
        number(self.setting(key))
    }
    fn flag(&self, key: &str) -> bool {
        flag(self.setting(key))
    }
    fn sizes<const D: usize>(&self, key: &str) -> [usize; D] {
        counts(self.setting(key)).try_into().expect("a number for each axis")
    }
    fn is(&self, key: &str, value: impl Into<Value>) {
        assert_eq!(self.setting(key), &value.into(), "{}: {key}", self.name());
    }

    fn layer<A: Float>(&self) -> Layer<A> {
        let rng = &mut nn::rng(0);
        Layer::Plain(match text(&self.0["layer"]) {
            "Linear" => {
                Box::new(Dense::new(self.count("in_features"), self.count("out_features"), rng))
            }
            "Conv1d" => self.conv::<A, 1>(),
            "Conv2d" => self.conv::<A, 2>(),
            "ConvTranspose1d" => self.conv_transpose::<A, 1>(),
            "ConvTranspose2d" => self.conv_transpose::<A, 2>(),
            "MaxPool1d" => self.max_pool::<A, 1>(),
            "MaxPool2d" => self.max_pool::<A, 2>(),
            "AvgPool1d" => self.avg_pool::<A, 1>(),
            "AvgPool2d" => {
                self.is("divisor_override", Value::Null);
                self.avg_pool::<A, 2>()
            }
            "GlobalAvgPool1d" | "GlobalAvgPool2d" => return Layer::Global(Box::new(GlobalAvgPool)),
            "GlobalMaxPool1d" | "GlobalMaxPool2d" => return Layer::Global(Box::new(GlobalMaxPool)),
            "BatchNorm1d" => self.batch_norm::<A, 1>(),
            "BatchNorm2d" => self.batch_norm::<A, 2>(),
            "LayerNorm" => Box::new(
                LayerNorm::new(&counts(self.setting("normalized_shape")))
                    .epsilon(self.number("eps")),
            ),
            "RMSNorm" => Box::new(
                RmsNorm::new(&counts(self.setting("normalized_shape"))).epsilon(self.number("eps")),
            ),
            "GroupNorm" => Box::new(
                GroupNorm::new(self.count("num_groups"), self.count("num_channels"))
                    .epsilon(self.number("eps")),
            ),
            "Embedding" => self.embedding(),
            "RNN" => {
                let nonlinearity = match text(self.setting("nonlinearity")) {
                    "tanh" => Nonlinearity::Tanh,
                    "relu" => Nonlinearity::Relu,
                    other => panic!("no nonlinearity {other}"),
                };
                return Layer::Rnn(self.recurrent().nonlinearity(nonlinearity));
            }
            "LSTM" => return Layer::Lstm(self.recurrent()),
            "GRU" => return Layer::Gru(self.recurrent()),
            "MultiheadAttention" => {
                let (width, heads) = (self.count("embed_dim"), self.count("num_heads"));
                return Layer::Attention(MultiHeadAttention::new(width, heads, rng));
            }
            "TransformerEncoderLayer" => return Layer::Block(self.block()),
            _ => self.activation(),
        })
    }

    fn activation<A: Float>(&self) -> Box<dyn Module<A>> {
        match text(&self.0["layer"]) {
            "ReLU" => Box::new(Relu),
            "Sigmoid" => Box::new(Sigmoid),
            "Tanh" => Box::new(Tanh),
            "Softsign" => Box::new(Softsign),
            "LogSigmoid" => Box::new(LogSigmoid),
            "SiLU" => Box::new(Silu),
            "Mish" => Box::new(Mish),
            "SELU" => Box::new(Selu),
            "Hardsigmoid" => Box::new(HardSigmoid),
            "LeakyReLU" => Box::new(LeakyRelu { alpha: self.number("negative_slope") }),
            "ELU" => Box::new(Elu { alpha: self.number("alpha") }),
            "CELU" => Box::new(Celu { alpha: self.number("alpha") }),
            "GELU" => match text(self.setting("approximate")) {
                "tanh" => Box::new(GeluTanh),
                _ => Box::new(Gelu),
            },
            "Softplus" => {
                self.is("beta", 1.0);
                Box::new(Softplus)
            }
            "Hardtanh" => match (self.number("min_val"), self.number("max_val")) {
                (-1.0, 1.0) => Box::new(HardTanh),
                (low, high) => Box::new(Clamp { low, high }),
            },
            "Softmax" => match self.setting("dim").as_i64().expect("an axis") {
                -1 => Box::new(Softmax),
                axis => Box::new(Softmax::over(axis as isize)),
            },
            "LogSoftmax" => match self.setting("dim").as_i64().expect("an axis") {
                -1 => Box::new(LogSoftmax),
                axis => Box::new(LogSoftmax::over(axis as isize)),
            },
            "PReLU" => match self.count("num_parameters") {
                1 => Box::new(PRelu::new()),
                channels => Box::new(PRelu::per_channel(channels)),
            },
            other => panic!("no layer for {other}"),
        }
    }

    fn conv_settings<const D: usize>(&self) -> ConvSettings<D> {
        self.is("padding_mode", "zeros");
        ConvSettings {
            stride: self.sizes("stride").into(),
            padding: match self.setting("padding").as_str() {
                Some("same") => Padding::Same,
                Some("valid") => Padding::Valid,
                _ => self.sizes("padding").into(),
            },
            dilation: self.sizes("dilation").into(),
            groups: self.count("groups"),
            bias: self.flag("bias"),
            ..ConvSettings::default()
        }
    }

    fn conv<A: Float, const D: usize>(&self) -> Box<dyn Module<A>> {
        let (inputs, outputs) = (self.count("in_channels"), self.count("out_channels"));
        let (kernel, settings) = (self.sizes::<D>("kernel_size"), self.conv_settings());
        let rng = &mut nn::rng(0);
        let layer = nn::layers::Conv::with_settings(inputs, outputs, kernel, settings, rng);
        Box::new(layer.expect("settings that PyTorch takes"))
    }

    fn conv_transpose<A: Float, const D: usize>(&self) -> Box<dyn Module<A>> {
        let layer = nn::layers::ConvTranspose::with_settings(
            self.count("in_channels"),
            self.count("out_channels"),
            self.sizes::<D>("kernel_size"),
            self.conv_settings(),
            self.sizes("output_padding"),
            &mut nn::rng(0),
        );
        Box::new(layer.expect("settings that PyTorch takes"))
    }

    fn max_pool<A: Float, const D: usize>(&self) -> Box<dyn Module<A>> {
        self.is("ceil_mode", false);
        let layer = nn::layers::MaxPool::<D>::new(self.sizes("kernel_size"))
            .stride(self.sizes("stride"))
            .dilation(self.sizes("dilation"))
            .padding(self.sizes::<D>("padding"));
        Box::new(layer)
    }

    fn avg_pool<A: Float, const D: usize>(&self) -> Box<dyn Module<A>> {
        self.is("ceil_mode", false);
        let layer = nn::layers::AvgPool::<D>::new(self.sizes("kernel_size"))
            .stride(self.sizes("stride"))
            .padding(self.sizes::<D>("padding"))
            .count_include_pad(self.flag("count_include_pad"));
        Box::new(layer)
    }

    fn batch_norm<A: Float, const D: usize>(&self) -> Box<dyn Module<A>> {
        let layer = nn::layers::BatchNorm::<A, D>::new(self.count("num_features"));
        Box::new(layer.momentum(self.number("momentum")).epsilon(self.number("eps")))
    }

    fn embedding<A: Float>(&self) -> Box<dyn Module<A>> {
        self.is("max_norm", Value::Null);
        self.is("scale_grad_by_freq", false);
        let (num, width) = (self.count("num_embeddings"), self.count("embedding_dim"));
        let layer = Embedding::new(num, width, &mut nn::rng(0));
        match self.setting("padding_idx") {
            Value::Null => Box::new(layer),
            index => Box::new(layer.padding_index(count(index))),
        }
    }

    fn recurrent<A: Float, C: Cell + Default>(&self) -> Recurrent<A, C> {
        let (inputs, hidden) = (self.count("input_size"), self.count("hidden_size"));
        let settings = Recurrence {
            layers: self.count("num_layers"),
            bidirectional: self.flag("bidirectional"),
            ..Recurrence::default()
        };
        let layer = Recurrent::with_settings(inputs, hidden, settings, &mut nn::rng(0));
        layer.expect("settings that PyTorch takes")
    }

    fn block<A: Float>(&self) -> TransformerBlock<A> {
        let (width, heads) = (self.count("d_model"), self.count("nhead"));
        let hidden = self.count("dim_feedforward");
        let mut block = TransformerBlock::new(width, heads, hidden, &mut nn::rng(0)).dropout(0.0);
        let epsilon = self.number("layer_norm_eps");
        block.norm1 = block.norm1.epsilon(epsilon);
        block.norm2 = block.norm2.epsilon(epsilon);
        if self.flag("norm_first") {
            block = block.pre_norm();
        }
        match text(self.setting("activation")) {
            "relu" => block,
            "gelu" => block.gelu(),
            other => panic!("no activation {other}"),
        }
    }

    fn mask(&self) -> AttentionMask {
        let mut allowed = AttentionMask::new();
        if flag(&self.0["causal"]) {
            allowed = allowed.causal();
        }
        match self.0["inputs"].get("key_padding_mask") {
            Some(padding) => allowed.padding(mask(padding)),
            None => allowed,
        }
    }

    /// The inputs of real numbers or indices.
    fn inputs(&self) -> impl Iterator<Item = (&str, Tensor<f64>)> {
        let inputs = self.0["inputs"].as_object().expect("tensors by name").iter();
        let numbers = inputs.filter(|(name, _)| *name != "key_padding_mask");
        numbers.map(|(name, x)| (&**name, tensor(x)))
    }

    fn outputs<'t, A: Float>(
        &self,
        layer: &Layer<A>,
        pass: &Pass<'t, A>,
        x: &ByName<Var<'t, A>>,
    ) -> ByName<Var<'t, A>> {
        let one = |y: Var<'t, A>| BTreeMap::from([("output".into(), y)]);
        match layer {
            Layer::Plain(layer) => one(layer.forward(pass, x["input"])),
            Layer::Global(layer) => {
                let y = layer.forward(pass, x["input"]);
                let shape = counts(&self.0["outputs"]["output"]["shape"]);
                assert!(shape[2..].iter().all(|&length| length == 1), "{}", self.name());
                one(y.reshape(&[&y.shape()[..], &shape[2..]].concat()[..]))
            }
            Layer::Rnn(layer) => self.run(layer, pass, x),
            Layer::Lstm(layer) => self.run(layer, pass, x),
            Layer::Gru(layer) => self.run(layer, pass, x),
            Layer::Attention(layer) => {
                let of = |name| *x.get(name).unwrap_or_else(|| &x["input"]);
                let [query, key, value] = ["query", "key", "value"].map(of);
                let found = layer.attend(pass, query, key, value, &self.mask());
                [("output".into(), found.output), ("attention".into(), found.weights)].into()
            }
            Layer::Block(layer) => one(layer.forward_masked(pass, x["input"], &self.mask())),
        }
    }

    fn run<'t, A: Float, C: Cell>(
        &self,
        layer: &Recurrent<A, C>,
        pass: &Pass<'t, A>,
        x: &ByName<Var<'t, A>>,
    ) -> ByName<Var<'t, A>> {
        // Sequences come batch first here, always.
        let batch_first = |x: Var<'t, A>| {
            if self.flag("batch_first") { x } else { x.permute(&[1, 0, 2]) }
        };
        let cell = x.get("c_0").copied();
        let initial = x.get("h_0").map(|&hidden| RecurrentState { hidden, cell });
        let given = layer.run(pass, batch_first(x["input"]), initial);
        let mut outputs = BTreeMap::from([
            ("output".into(), batch_first(given.sequence)),
            ("h_n".into(), given.state.hidden),
        ]);
        outputs.extend(given.state.cell.map(|cell| ("c_n".into(), cell)));
        outputs
    }

    /// Holds a layer of ours against PyTorch's.
    fn hold<A: Float>(&self, tolerance: f64) {
        let mut layer = self.layer::<A>();
        self.load(layer.module_mut());

        let tape = Tape::new();
        let pass =
            if flag(&self.0["training"]) { Pass::train(&tape, 0) } else { Pass::evaluate(&tape) };
        let inputs: ByName<_> =
            self.inputs().map(|(name, x)| (name.to_owned(), tape.var(x.cast::<A>()))).collect();
        let outputs = self.outputs(&layer, &pass, &inputs);

        let what = |of: &str, name: &str| format!("{}: {of} {name}", self.name());
        let wanted: ByName<_> = tensors(&self.0["outputs"]).map(|(n, y)| (n.into(), y)).collect();
        assert!(outputs.keys().eq(wanted.keys()), "{}: other outputs", self.name());
        for (name, y) in &outputs {
            assert_close(&what("output", name), &y.value(), &wanted[name], tolerance);
        }

        let terms = tensors(&self.0["cotangents"])
            .map(|(name, cotangent)| (outputs[name] * pass.input(&cotangent.cast())).sum());
        let loss = terms.reduce(|a, b| a + b).expect("a cotangent");
        let swept = loss.backward();
        for (name, gradient) in tensors(&self.0["input_gradients"]) {
            let ours = swept.wrt(inputs[name]);
            assert_close(&what("gradient of input", name), &ours, &gradient, tolerance);
        }
        let module = layer.module();
        if module.parameters().is_empty() {
            assert!(tensors(&self.0["parameter_gradients"]).next().is_none());
            return;
        }
        let gradients = pass.gradients(loss).expect("a gradient of parameters");
        let mut wanted: ByName<_> =
            tensors(&self.0["parameter_gradients"]).map(|(n, g)| (n.to_owned(), g)).collect();
        for (name, parameter) in module.parameters() {
            let what = what("gradient of parameter", &name);
            let wanted = wanted.remove(&name).expect(&what);
            assert_close(&what, gradients.of(parameter).expect(&what), &wanted, tolerance);
        }
        assert!(wanted.is_empty(), "{}: gradients of no parameter: {wanted:?}", self.name());

        for (name, buffer) in module.buffers() {
            let after = tensor(&self.0["buffers_after"][&name]);
            let ours = gradients.update_of(buffer);
            assert_eq!(ours.is_some(), pass.is_training(), "{}", what("new value of", &name));
            let ours = ours.unwrap_or(&buffer.value);
            assert_close(&what("buffer", &name), ours, &after, tolerance);
        }
    }

    /// Gives a layer the parameters and buffers of the case: every one of both sides.
    fn load<A: Float>(&self, module: &mut dyn Module<A>) {
        let mut state: ByName<_> =
            tensors(&self.0["state"]).map(|(name, x)| (name.to_owned(), x)).collect();
        module.visit_mut(&mut |path, parameter| {
            let given = state.remove(path);
            let given = given.unwrap_or_else(|| panic!("{}: no {path} given", self.name()));
            assert_eq!(parameter.value.shape(), given.shape(), "{}: {path}", self.name());
            parameter.value = given.cast();
        });
        assert!(state.is_empty(), "{}: not in our layer: {:?}", self.name(), state.keys());
    }
}

impl<A: Float> Layer<A> {
    fn module(&self) -> &dyn Module<A> {
        match self {
            Self::Plain(layer) | Self::Global(layer) => &**layer,
            Self::Rnn(layer) => layer,
            Self::Lstm(layer) => layer,
            Self::Gru(layer) => layer,
            Self::Attention(layer) => layer,
            Self::Block(layer) => layer,
        }
    }
    fn module_mut(&mut self) -> &mut dyn Module<A> {
        match self {
            Self::Plain(layer) | Self::Global(layer) => &mut **layer,
            Self::Rnn(layer) => layer,
            Self::Lstm(layer) => layer,
            Self::Gru(layer) => layer,
            Self::Attention(layer) => layer,
            Self::Block(layer) => layer,
        }
    }
}

/// Holds all cases, and says which of them fail.
fn hold_all<A: Float>(tolerance: f64) {
    let file = unpacked(include_bytes!("torch/layers.json.gz"));
    let cases: Vec<Case<'_>> = list(&file["cases"]).iter().map(Case).collect();
    assert_eq!(cases.len(), CASES);
    let not_covered: BTreeSet<&str> = NOT_COVERED.iter().map(|(name, _)| *name).collect();
    let (left_out, compared): (Vec<_>, Vec<_>) =
        cases.iter().partition(|case| not_covered.contains(case.name()));
    let left_out: BTreeSet<&str> = left_out.iter().map(|case| case.name()).collect();
    assert_eq!(left_out, not_covered, "a case that is not covered is not in the file");
    assert_eq!(compared.len(), CASES - NOT_COVERED.len());

    let fails = |case: &&&Case<'_>| {
        let held = std::panic::AssertUnwindSafe(|| case.hold::<A>(tolerance));
        std::panic::catch_unwind(held).is_err()
    };
    let failed: Vec<&str> = compared.iter().filter(fails).map(|case| case.name()).collect();
    assert!(failed.is_empty(), "{} cases fail:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn layers_are_those_of_pytorch_in_f64() {
    hold_all::<f64>(1e-10);
}

#[test]
fn layers_are_those_of_pytorch_in_f32() {
    hold_all::<f32>(1e-5);
}
