//! Instances for `f32` of what most programs use, compiled in this crate: a generic function that is
//! `#[inline(never)]` and stands in a library is not compiled again in each program that calls it.

use std::hint::black_box;

use crate::layers::{BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, Relu, Sequential};
use crate::layers::{LogSoftmax, Sigmoid, Softmax, Tanh};
use crate::loss::{
    BinaryCrossEntropy, BinaryCrossEntropyWithLogits, CrossEntropy, Loss, MeanSquaredError,
};
use crate::model::Module;
use crate::optim::{Adam, Optimizer, Sgd};
use crate::train::Fit;
use crate::train::evaluate::evaluate_checked;

/// Never called; what it names is compiled.
#[used]
static INSTANCES: fn() = instances;

fn instances() {
    module::<Dense<f32>>();
    module::<Conv<f32, 2>>();
    module::<MaxPool<2>>();
    module::<BatchNorm<f32, 2>>();
    module::<Sequential<f32>>();
    module::<Dropout>();
    module::<Flatten>();
    module::<Relu>();
    module::<Sigmoid>();
    module::<Tanh>();
    module::<Softmax>();
    module::<LogSoftmax>();
    loss::<CrossEntropy>();
    loss::<MeanSquaredError>();
    loss::<BinaryCrossEntropy>();
    loss::<BinaryCrossEntropyWithLogits>();
    optimizer::<Adam<f32>>();
    optimizer::<Sgd<f32>>();
    black_box(Fit::<f32>::run_on as *const ());
    black_box(evaluate_checked::<f32> as *const ());
}

/// The table of a type's methods, all of which it needs.
fn module<M: Module<f32>>() {
    fn table<M: Module<f32>>(module: &M) -> &dyn Module<f32> {
        module
    }
    black_box::<fn(&M) -> &dyn Module<f32>>(table::<M>);
}

fn loss<L: Loss<f32> + 'static>() {
    fn table<L: Loss<f32> + 'static>(loss: &L) -> &dyn Loss<f32> {
        loss
    }
    black_box::<fn(&L) -> &dyn Loss<f32>>(table::<L>);
}

fn optimizer<O: Optimizer<f32> + 'static>() {
    fn table<O: Optimizer<f32> + 'static>(optimizer: &O) -> &dyn Optimizer<f32> {
        optimizer
    }
    black_box::<fn(&O) -> &dyn Optimizer<f32>>(table::<O>);
}
