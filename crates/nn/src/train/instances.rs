//! Instances for `f32` of what most programs use, compiled in this crate: a generic function that is
//! `#[inline(never)]` and stands in a library is not compiled again in each program that calls it.
//!
//! With the feature `instances` there are those for `f64` too, and of more: without optimisation all
//! that is generic is taken from here.

use std::hint::black_box;

use ops::Float;

use crate::layers::{BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, Relu, Sequential};
use crate::layers::{LogSoftmax, Sigmoid, Softmax, Tanh};
use crate::loss::{
    BinaryCrossEntropy, BinaryCrossEntropyWithLogits, CrossEntropy, Loss, MeanSquaredError,
};
use crate::model::Module;
use crate::optim::{Adam, Optimizer, Sgd};
use crate::train::Fit;
use crate::train::evaluate::evaluate_checked;

/// Never called; what it names is compiled. Public, because of what is private and not called nothing is.
pub fn instances() {
    most::<f32>();
    #[cfg(all(feature = "instances", debug_assertions, not(test)))]
    {
        most::<f64>();
        more::<f32>();
        more::<f64>();
    }
}

fn most<A: Float>() {
    module::<A, Dense<A>>();
    module::<A, Conv<A, 2>>();
    module::<A, MaxPool<2>>();
    module::<A, BatchNorm<A, 2>>();
    module::<A, Sequential<A>>();
    module::<A, Dropout>();
    module::<A, Flatten>();
    module::<A, Relu>();
    module::<A, Sigmoid>();
    module::<A, Tanh>();
    module::<A, Softmax>();
    module::<A, LogSoftmax>();
    loss::<A, CrossEntropy>();
    loss::<A, MeanSquaredError>();
    loss::<A, BinaryCrossEntropy>();
    loss::<A, BinaryCrossEntropyWithLogits>();
    optimizer::<A, Adam<A>>();
    optimizer::<A, Sgd<A>>();
    black_box(Fit::<A>::run_on as *const ());
    black_box(evaluate_checked::<A> as *const ());
}

#[cfg(all(feature = "instances", debug_assertions, not(test)))]
fn more<A: Float>() {
    use crate::data::{Augment, CsvOptions, Dataset, digits, read_csv_from};
    use crate::layers::{
        ConvTranspose, Gru, Lstm, MultiHeadAttention, SimpleRnn, TransformerBlock,
    };
    use crate::optim::{AdaDelta, AdaGrad, AdamW, Lion, NAdam, RmsProp, clip_norm};

    module::<A, Gru<A>>();
    module::<A, Lstm<A>>();
    module::<A, SimpleRnn<A>>();
    module::<A, ConvTranspose<A, 2>>();
    module::<A, MultiHeadAttention<A>>();
    module::<A, TransformerBlock<A>>();
    optimizer::<A, AdaDelta<A>>();
    optimizer::<A, AdaGrad<A>>();
    optimizer::<A, AdamW<A>>();
    optimizer::<A, Lion<A>>();
    optimizer::<A, NAdam<A>>();
    optimizer::<A, RmsProp<A>>();
    black_box(clip_norm::<A> as *const ());
    black_box(Augment::<A>::apply as *const ());
    black_box(Dataset::<A>::split as *const ());
    black_box(digits::<A> as *const ());
    let _ = read_csv_from::<A>(&b""[..], CsvOptions::inputs());
}

/// The table of a type's methods, all of which it needs.
fn module<A: Float, M: Module<A>>() {
    fn table<A: Float, M: Module<A>>(module: &M) -> &dyn Module<A> {
        module
    }
    black_box::<fn(&M) -> &dyn Module<A>>(table::<A, M>);
}

fn loss<A: Float, L: Loss<A> + 'static>() {
    fn table<A: Float, L: Loss<A> + 'static>(loss: &L) -> &dyn Loss<A> {
        loss
    }
    black_box::<fn(&L) -> &dyn Loss<A>>(table::<A, L>);
}

fn optimizer<A: Float, O: Optimizer<A> + 'static>() {
    fn table<A: Float, O: Optimizer<A> + 'static>(optimizer: &O) -> &dyn Optimizer<A> {
        optimizer
    }
    black_box::<fn(&O) -> &dyn Optimizer<A>>(table::<A, O>);
}
