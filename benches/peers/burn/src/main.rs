//! The workloads of `examples/workloads.rs` in burn, on its flex backend, or with `--ndarray` on
//! that one.
//!
//! `cargo build --release --manifest-path benches/peers/burn/Cargo.toml`

#![recursion_limit = "256"]

#[path = "../../clock.rs"]
mod clock;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig, Lstm, LstmConfig};
use burn::optim::{AdamConfig, GradientsParams, SgdConfig};
use burn::prelude::*;
use burn::tensor::activation::{relu, sigmoid, softmax, tanh};
use clock::{Args, BATCHES, Random};

fn main() {
    let args = Args::read();
    for name in ["RAYON_NUM_THREADS", "MATMUL_NUM_THREADS"] {
        // SAFETY: no other thread is there yet.
        unsafe { std::env::set_var(name, args.threads.to_string()) };
    }
    let ndarray = std::env::args().any(|word| word == "--ndarray");
    let (name, device) =
        if ndarray { ("burn-ndarray", Device::ndarray()) } else { ("burn", Device::flex()) };
    let device = device.autodiff();
    let run = Run { args: &args, name, device: &device };
    match args.workload.as_str() {
        "W1" => run.textbook(),
        "W2" => run.train(Mlp::new(&device), [64, 784], Mlp::forward),
        "W2b" => run.train(Mlp::new(&device), [512, 784], Mlp::forward),
        "W3" => run.train(Cnn::new(&device), [64, 1, 28, 28], Cnn::forward),
        "W4" => run.train(Recurrent::new(&device), [64, 28, 28], Recurrent::forward),
        "W6" => run.chain(8),
        "W7" => run.train(Block::new(&device), [16, 64, 128], Block::forward),
        "W8" => run.million(),
        _ => args.missing(name), // W6s: the smallest tensor has one axis.
    }
}

fn dense(from: usize, to: usize, device: &Device) -> Linear {
    LinearConfig::new(from, to).init(device)
}

#[derive(Module, Debug)]
struct Textbook {
    first: Linear,
    second: Linear,
}

#[derive(Module, Debug)]
struct Mlp {
    first: Linear,
    second: Linear,
    head: Linear,
}

impl Mlp {
    fn new(device: &Device) -> Self {
        let (first, second) = (dense(784, 256, device), dense(256, 128, device));
        Self { first, second, head: dense(128, 10, device) }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = relu(self.first.forward(x));
        self.head.forward(relu(self.second.forward(x)))
    }
}

#[derive(Module, Debug)]
struct Cnn {
    first: Conv2d,
    second: Conv2d,
    pool: MaxPool2d,
    head: Linear,
}

impl Cnn {
    fn new(device: &Device) -> Self {
        let conv = |from, to| Conv2dConfig::new([from, to], [3, 3]).init(device);
        let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        Self { first: conv(1, 16), second: conv(16, 32), pool, head: dense(800, 10, device) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.first.forward(x)));
        let x = self.pool.forward(relu(self.second.forward(x)));
        self.head.forward(x.flatten(1, 3))
    }
}

#[derive(Module, Debug)]
struct Recurrent {
    layer: Lstm,
    head: Linear,
}

impl Recurrent {
    fn new(device: &Device) -> Self {
        Self { layer: LstmConfig::new(28, 128, true).init(device), head: dense(128, 10, device) }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let (_, last) = self.layer.forward(x, None);
        self.head.forward(last.hidden)
    }
}

/// A pre-norm transformer block of 4 heads, the mean over the tokens, and a dense layer.
#[derive(Module, Debug)]
struct Block {
    queries: Linear,
    out: Linear,
    wide: Linear,
    narrow: Linear,
    first: LayerNorm,
    second: LayerNorm,
    head: Linear,
}

impl Block {
    fn new(device: &Device) -> Self {
        let norm = || LayerNormConfig::new(128).init(device);
        Self {
            queries: dense(128, 384, device),
            out: dense(128, 128, device),
            wide: dense(128, 512, device),
            narrow: dense(512, 128, device),
            first: norm(),
            second: norm(),
            head: dense(128, 10, device),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let [batch, tokens, width] = x.dims();
        let parts = self.queries.forward(self.first.forward(x.clone()));
        let heads = |part: Tensor<3>| part.reshape([batch, tokens, 4, width / 4]).swap_dims(1, 2);
        let [q, k, v] = [0, 1, 2].map(|i| heads(parts.clone().narrow(2, i * width, width)));
        let scores = q.matmul(k.swap_dims(2, 3)) / ((width / 4) as f32).sqrt();
        let found = softmax(scores, 3).matmul(v).swap_dims(1, 2).reshape([batch, tokens, width]);
        let x = x + self.out.forward(found);
        let hidden = relu(self.wide.forward(self.second.forward(x.clone())));
        let x = x + self.narrow.forward(hidden);
        self.head.forward(x.mean_dim(1).reshape([batch, width]))
    }
}

struct Run<'a> {
    args: &'a Args,
    name: &'static str,
    device: &'a Device,
}

impl Run<'_> {
    fn tensor<const N: usize>(&self, numbers: Vec<f32>, shape: [usize; N]) -> Tensor<N> {
        Tensor::from_data(TensorData::new(numbers, shape), self.device)
    }

    fn train<M: Module, const N: usize>(
        &self,
        model: M,
        shape: [usize; N],
        forward: impl Fn(&M, Tensor<N>) -> Tensor<2>,
    ) {
        let mut random = Random(1);
        let data: Vec<(Tensor<N>, Tensor<1, Int>)> = (0..BATCHES)
            .map(|_| {
                let x = self.tensor(random.numbers(shape.iter().product()), shape);
                let labels = random.labels(shape[0]).into_iter().map(|label| label as i32);
                let labels = TensorData::new(labels.collect::<Vec<_>>(), [shape[0]]);
                (x, Tensor::from_data(labels, self.device))
            })
            .collect();
        let loss = CrossEntropyLossConfig::new().init(self.device);
        let mut optimizer = AdamConfig::new().with_epsilon(1e-8).init();
        let (mut model, mut batches) = (Some(model), data.iter().cycle());
        self.args.time(self.name, 1, || {
            let (x, labels) = batches.next().expect("an endless row");
            let now = model.take().expect("put back by each step");
            let value = loss.forward(forward(&now, x.clone()), labels.clone());
            let gradients = GradientsParams::from_grads(value.backward(), &now);
            model = Some(optimizer.step(0.001, now, gradients));
            let _: f32 = value.into_scalar();
        });
    }

    /// W1: squared error and plain descent.
    fn textbook(&self) {
        let mut random = Random(1);
        let data: Vec<_> = (0..BATCHES)
            .map(|_| {
                let x = self.tensor(random.numbers(7840), [10, 784]);
                (x, self.tensor(random.one_hot(10), [10, 10]))
            })
            .collect();
        let (first, second) = (dense(784, 30, self.device), dense(30, 10, self.device));
        let mut model = Some(Textbook { first, second });
        let (mut optimizer, mut batches) = (SgdConfig::new().init(), data.iter().cycle());
        self.args.time(self.name, 1, || {
            let (x, target) = batches.next().expect("an endless row");
            let now = model.take().expect("put back by each step");
            let hidden = sigmoid(now.first.forward(x.clone()));
            let error = sigmoid(now.second.forward(hidden)) - target.clone();
            let value = error.square().sum() * 0.05;
            let gradients = GradientsParams::from_grads(value.backward(), &now);
            model = Some(optimizer.step(3.0, now, gradients));
            let _: f32 = value.into_scalar();
        });
    }

    /// A thousand elementwise ops, one after the other.
    fn chain(&self, length: usize) {
        let mut random = Random(1);
        let mut leaf = || self.tensor(random.numbers(length), [length]).require_grad();
        let (x, w, b) = (leaf(), leaf(), leaf());
        self.args.time(self.name, 1, || {
            let y = (0..1000).fold(x.clone(), |y, i| match i % 3 {
                0 => y * w.clone(),
                1 => y.sin(),
                _ => y + b.clone(),
            });
            let gradient = w.grad(&y.sum().backward()).expect("w is in the chain");
            std::hint::black_box(gradient.into_data());
        });
    }

    fn million(&self) {
        let mut random = Random(1);
        let numbers = random.numbers(1_000_000).into_iter().map(|u| 6.0 * u - 3.0).collect();
        let x = self.tensor(numbers, [1_000_000]).require_grad();
        self.args.time(self.name, 1, || {
            let y = (sigmoid(x.clone()) * tanh(x.clone()) + relu(x.clone())).sum();
            let gradient = x.grad(&y.backward()).expect("y depends on x");
            std::hint::black_box(gradient.into_data());
        });
    }
}
