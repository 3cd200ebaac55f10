//! # nn: networks on a tape
//!
//! Layers, losses, optimisers, training and data. Nothing here knows how a gradient is computed:
//! a model's `forward` is ordinary arithmetic on recorded variables, and the crate `tape` sweeps
//! what it recorded.
//!
//! ```
//! use nn::prelude::*;
//!
//! let (train, test) = nn::data::digits::<f32>().split(0.2, 1)?;
//! let mut rng = nn::rng(1);
//! let mut model = Sequential::new()
//!     .then(Dense::new(64, 32, &mut rng))
//!     .then(Relu)
//!     .then(Dense::new(32, 10, &mut rng));
//! let mut optimizer = Adam::new(0.01)?;
//! Fit::new().epochs(3).batch_size(32).progress(false)
//!     .run(&mut model, &train, &CrossEntropy, &mut optimizer)?;
//! assert!(evaluate(&model, &test, &CrossEntropy)?.accuracy.unwrap() > 0.8);
//! # Ok::<(), nn::Error>(())
//! ```
//!
//! [`Fit`] is only this loop, written out:
//!
//! ```
//! # use nn::prelude::*;
//! # let train = nn::data::xor::<f32>();
//! # let mut rng = nn::rng(1);
//! # let mut model = Sequential::new().then(Dense::new(2, 1, &mut rng));
//! # let mut optimizer = Sgd::new(0.1)?;
//! let mut tape = Tape::new();
//! let mut step = 0;
//! for epoch in 0..10 {
//!     for batch in train.batches(2, Some(epoch))? {
//!         tape.reset();
//!         step += 1;
//!         let pass = Pass::train(&tape, step);
//!         let output = model.forward(&pass, pass.input(&batch.inputs));
//!         let loss = MeanSquaredError.loss(output, &batch.targets)?;
//!         let gradients = pass.gradients(loss)?;
//!         optimizer.step(&mut model, &gradients)?;
//!     }
//! }
//! # Ok::<(), nn::Error>(())
//! ```

/// The programs of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The op of a user's crate, as CONTRIBUTING has it, compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../../CONTRIBUTING.md")]
struct Contributing;

/// The programs of the book compile.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../../docs/src/neuron.md")]
    struct Neuron;
    #[doc = include_str!("../../../docs/src/tape.md")]
    struct Tape;
    #[doc = include_str!("../../../docs/src/rules.md")]
    struct Rules;
    #[doc = include_str!("../../../docs/src/checking.md")]
    struct Checking;
    #[doc = include_str!("../../../docs/src/transform.md")]
    struct Transform;
    #[doc = include_str!("../../../docs/src/debugging.md")]
    struct Debugging;
    #[doc = include_str!("../../../docs/src/data.md")]
    struct Data;
    #[doc = include_str!("../../../docs/src/networks.md")]
    struct Networks;
    #[doc = include_str!("../../../docs/src/fit.md")]
    struct Fit;
    #[doc = include_str!("../../../docs/src/optimizers.md")]
    struct Optimizers;
    #[cfg(feature = "onnx")]
    #[doc = include_str!("../../../docs/src/saving.md")]
    struct Saving;
    #[doc = include_str!("../../../docs/src/losses.md")]
    struct Losses;
    #[doc = include_str!("../../../docs/src/layers.md")]
    struct Layers;
    #[doc = include_str!("../../../docs/src/sequences.md")]
    struct Sequences;
    #[doc = include_str!("../../../docs/src/using.md")]
    struct Using;
}

pub mod data;
mod ground;
pub mod layers;
pub mod loss;
pub mod metrics;
mod model;
pub mod optim;
pub mod save;
pub mod schedule;
pub mod train;

pub use ground::{EpochLog, Error, History, State, epoch_seed, rng, step_seed};
pub use model::{
    Gradients, LayerSummary, Mode, Module, Parameter, ParameterId, Pass, Summary, check, init,
    summary,
};
pub use ops;
pub use tape;
pub use train::{Evaluation, Fit, TraceRun, evaluate, evaluate_with, predict};

/// All that a model builder needs in scope.
pub mod prelude {
    pub use crate::data::{DataLoader, Dataset, Targets};
    pub use crate::init::Init;
    pub use crate::layers::{
        AvgPool1d, AvgPool2d, BatchNorm1d, BatchNorm2d, Celu, Conv1d, Conv2d, ConvTranspose1d,
        ConvTranspose2d, Dense, Dropout, Dropout2d, Elu, Embedding, Flatten, Gelu, GeluTanh,
        GlobalAvgPool, GlobalMaxPool, GroupNorm, Gru, HardSigmoid, HardTanh, Identity, LayerNorm,
        LeakyRelu, LearnedPosition, LogSigmoid, LogSoftmax, Lstm, MaxPool1d, MaxPool2d, Mish,
        MultiHeadAttention, PRelu, Padding, Perceptron, Relu, Reshape, Residual, RmsNorm, Selu,
        Sequential, Sigmoid, Silu, SimpleRnn, SinusoidalPosition, Softmax, Softplus, Softsign,
        Step, Tanh, TransformerBlock,
    };
    pub use crate::loss::{
        BinaryCrossEntropy, BinaryCrossEntropyWithLogits, CrossEntropy, HalfSquaredError, Hinge,
        Huber, KlDivergence, Loss, MeanAbsoluteError, MeanSquaredError, MultiMargin,
        NegativeLogLikelihood, SmoothL1, SquaredHinge,
    };
    pub use crate::metrics::Metric;
    pub use crate::optim::{
        AdaDelta, AdaGrad, Adam, AdamW, Group, Lbfgs, Lion, NAdam, Optimizer, Penalty, RmsProp,
        Sgd, clip_norm, clip_value,
    };
    pub use crate::schedule::Schedule;
    pub use crate::train::callbacks::{
        ClipGradients, CsvLog, DeadUnits, EarlyStopping, GradientNorms, LearningRate,
        SaveCheckpoint, TerminateOnNan,
    };
    pub use crate::train::{Callback, Monitor, TraceRun, on_epoch_end};
    pub use crate::{Fit, History, Mode, Module, Parameter, Pass, evaluate, predict, summary};
    pub use ops::Tensor;
    pub use tape::prelude::*;
}
