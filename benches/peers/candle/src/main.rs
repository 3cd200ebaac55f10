//! The workloads of `examples/workloads.rs` in candle.
//!
//! `cargo build --release --manifest-path benches/peers/candle/Cargo.toml`

#[path = "../../clock.rs"]
mod clock;

use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::rnn::{LSTMConfig, RNN, lstm};
use candle_nn::{
    AdamW, Conv2dConfig, Linear, Module, Optimizer, ParamsAdamW, SGD, VarBuilder, VarMap, conv2d,
    linear, loss, ops, seq,
};
use clock::{Args, BATCHES, Random};

const CPU: Device = Device::Cpu;

fn main() -> Result<()> {
    let args = Args::read();
    for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"] {
        // SAFETY: no other thread is there yet.
        unsafe { std::env::set_var(name, args.threads.to_string()) };
    }
    let weights = VarMap::new();
    let vb = VarBuilder::from_varmap(&weights, DType::F32, &CPU);
    let dense = |from, to, name: &str| linear(from, to, vb.pp(name));
    let mlp = || -> Result<_> {
        let hidden = seq().add(dense(784, 256, "1")?).add_fn(Tensor::relu);
        Ok(hidden.add(dense(256, 128, "2")?).add_fn(Tensor::relu).add(dense(128, 10, "3")?))
    };
    match args.workload.as_str() {
        "W1" => textbook(&args, &weights, &dense(784, 30, "1")?, &dense(30, 10, "2")?),
        "W2" => train(&args, &weights, &[64, 784], mlp()?),
        "W2b" => train(&args, &weights, &[512, 784], mlp()?),
        "W3" => {
            let first = conv2d(1, 16, 3, Conv2dConfig::default(), vb.pp("1"))?;
            let second = conv2d(16, 32, 3, Conv2dConfig::default(), vb.pp("2"))?;
            let head = dense(800, 10, "3")?;
            train(
                &args,
                &weights,
                &[64, 1, 28, 28],
                candle_nn::func(move |x| {
                    let x = first.forward(x)?.relu()?.max_pool2d(2)?;
                    let x = second.forward(&x)?.relu()?.max_pool2d(2)?;
                    head.forward(&x.flatten_from(1)?)
                }),
            )
        }
        "W4" => {
            let layer = lstm(28, 128, LSTMConfig::default(), vb.pp("1"))?;
            let head = dense(128, 10, "2")?;
            train(
                &args,
                &weights,
                &[64, 28, 28],
                candle_nn::func(move |x| {
                    let states = layer.seq(x)?;
                    head.forward(states.last().expect("28 steps").h())
                }),
            )
        }
        "W7" => {
            let block = Block {
                queries: dense(128, 384, "queries")?,
                out: dense(128, 128, "out")?,
                wide: dense(128, 512, "wide")?,
                narrow: dense(512, 128, "narrow")?,
                first: Norm::new(&vb.pp("first"))?,
                second: Norm::new(&vb.pp("second"))?,
                head: dense(128, 10, "head")?,
            };
            train(&args, &weights, &[16, 64, 128], block)
        }
        "W6" => chain(&args, &[8]),
        "W6s" => chain(&args, &[]),
        "W8" => million(&args),
        _ => args.missing("candle"),
    }
}

fn train(args: &Args, weights: &VarMap, shape: &[usize], model: impl Module) -> Result<()> {
    let mut random = Random(1);
    let size = shape.iter().product();
    let data = (0..BATCHES)
        .map(|_| {
            let x = Tensor::from_vec(random.numbers(size), shape, &CPU)?;
            Ok((x, Tensor::from_vec(random.labels(shape[0]), shape[0], &CPU)?))
        })
        .collect::<Result<Vec<_>>>()?;
    let settings = ParamsAdamW { lr: 0.001, weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut optimizer = AdamW::new(weights.all_vars(), settings)?;
    let mut batches = data.iter().cycle();
    args.time("candle", 1, || {
        let (x, labels) = batches.next().expect("an endless row");
        let value = model.forward(x).and_then(|y| loss::cross_entropy(&y, labels));
        value.and_then(|value| optimizer.backward_step(&value)).expect("a step");
    });
    Ok(())
}

/// W1: squared error and plain descent.
fn textbook(args: &Args, weights: &VarMap, first: &Linear, second: &Linear) -> Result<()> {
    let mut random = Random(1);
    let data = (0..BATCHES)
        .map(|_| {
            let x = Tensor::from_vec(random.numbers(7840), (10, 784), &CPU)?;
            Ok((x, Tensor::from_vec(random.one_hot(10), (10, 10), &CPU)?))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut optimizer = SGD::new(weights.all_vars(), 3.0)?;
    let mut batches = data.iter().cycle();
    args.time("candle", 1, || {
        let (x, target) = batches.next().expect("an endless row");
        let mut step = || -> Result<()> {
            let hidden = ops::sigmoid(&first.forward(x)?)?;
            let error = (ops::sigmoid(&second.forward(&hidden)?)? - target)?;
            optimizer.backward_step(&(error.sqr()?.sum_all()? * 0.05)?)
        };
        step().expect("a step");
    });
    Ok(())
}

/// Layer normalisation from ops that have a gradient: that of candle's own fused one is missing.
struct Norm {
    gain: Tensor,
    shift: Tensor,
}

impl Norm {
    fn new(vb: &VarBuilder<'_>) -> Result<Self> {
        let constant = |name, value| vb.get_with_hints(128, name, candle_nn::Init::Const(value));
        Ok(Self { gain: constant("gain", 1.0)?, shift: constant("shift", 0.0)? })
    }
}

impl Module for Norm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let deviation = (x.sqr()?.mean_keepdim(D::Minus1)? + 1e-5)?.sqrt()?;
        x.broadcast_div(&deviation)?.broadcast_mul(&self.gain)?.broadcast_add(&self.shift)
    }
}

/// A pre-norm transformer block of 4 heads, the mean over the tokens, and a dense layer.
struct Block {
    queries: Linear,
    out: Linear,
    wide: Linear,
    narrow: Linear,
    first: Norm,
    second: Norm,
    head: Linear,
}

impl Module for Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, tokens, width) = x.dims3()?;
        let parts = x.apply(&self.first)?.apply(&self.queries)?;
        let parts = parts.reshape((batch, tokens, 3, 4, width / 4))?;
        let part = |i| parts.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let scores = (q.matmul(&k.t()?)? / ((width / 4) as f64).sqrt())?;
        let found = ops::softmax(&scores, D::Minus1)?.matmul(&v)?;
        let found = found.transpose(1, 2)?.reshape((batch, tokens, width))?;
        let x = (x + found.apply(&self.out)?)?;
        let hidden = x.apply(&self.second)?.apply(&self.wide)?.relu()?;
        (&x + hidden.apply(&self.narrow)?)?.mean(1)?.apply(&self.head)
    }
}

/// A thousand elementwise ops, one after the other.
fn chain(args: &Args, shape: &[usize]) -> Result<()> {
    let mut random = Random(1);
    let mut leaf = || -> Result<Var> {
        let numbers = random.numbers(shape.iter().product());
        Var::from_tensor(&Tensor::from_vec(numbers, shape, &CPU)?)
    };
    let (x, w, b) = (leaf()?, leaf()?, leaf()?);
    args.time("candle", 1, || {
        let step = || -> Result<()> {
            let mut y = x.as_tensor().clone();
            for i in 0..1000 {
                y = match i % 3 {
                    0 => (y * w.as_tensor())?,
                    1 => y.sin()?,
                    _ => (y + b.as_tensor())?,
                };
            }
            std::hint::black_box(y.sum_all()?.backward()?.get(&w));
            Ok(())
        };
        step().expect("a step");
    });
    Ok(())
}

fn million(args: &Args) -> Result<()> {
    let x = Var::randn(0_f32, 1.0, 1_000_000, &CPU)?;
    args.time("candle", 1, || {
        let step = || -> Result<()> {
            let y = ((ops::sigmoid(&x)? * x.tanh()?)? + x.relu()?)?.sum_all()?;
            std::hint::black_box(y.backward()?.get(&x));
            Ok(())
        };
        step().expect("a step");
    });
    Ok(())
}
