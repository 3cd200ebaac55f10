//! Training by replayed steps gives the numbers of recorded steps, bit for bit.

use std::cell::Cell;
use std::rc::Rc;

use nn::Error;
use nn::data::digits;
use nn::ops::Shape;
use nn::optim::Penalty;
use nn::prelude::*;
use nn::train::Run;

fn fit<'d>() -> Fit<'d, f32> {
    Fit::new().epochs(3).batch_size(32).progress(false)
}

/// All parameters and buffers, as bits.
fn bits(model: &dyn Module<f32>) -> Vec<u32> {
    let mut bits = Vec::new();
    model.visit(&mut |_, p| bits.extend(p.value.to_vec().into_iter().map(f32::to_bits)));
    bits
}

/// Counts its forward passes, and so the steps that are recorded.
struct Counted<M> {
    model: M,
    passes: Rc<Cell<usize>>,
}

impl<M: Module<f32>> Module<f32> for Counted<M> {
    fn forward<'t>(&self, pass: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
        self.passes.set(self.passes.get() + 1);
        self.model.forward(pass, x)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        self.model.output_shape(input)
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f32>)) {
        self.model.visit(visit);
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f32>)) {
        self.model.visit_mut(visit);
    }
}

/// Trains twice, recorded and replayed, demands the same numbers, and gives how often the replayed
/// run recorded.
fn recordings<M: Module<f32>>(
    model: impl Fn() -> M,
    data: &Dataset<f32>,
    loss: &impl Loss<f32>,
    settings: impl for<'d> Fn(Fit<'d, f32>) -> Fit<'d, f32>,
) -> usize {
    let run = |replay: bool| {
        let passes = Rc::default();
        let mut model = Counted { model: model(), passes: Rc::clone(&passes) };
        let mut optimizer = Adam::new(0.01).unwrap();
        let history = settings(fit()).replay(replay).run(&mut model, data, loss, &mut optimizer);
        (passes.get(), bits(&model), history.unwrap())
    };
    let (recorded, replayed) = (run(false), run(true));
    assert_eq!(replayed.1, recorded.1, "parameters");
    assert_eq!(replayed.2, recorded.2, "history");
    replayed.0
}

/// A batch size of 32 and one of the rest are recorded twice each: once to train and once to replay.
const TWO_SHAPES: usize = 4;

/// All of the 24 steps recorded, and both shapes tried once in vain.
const ALL_AND_TWO_TRIED: usize = 26;

fn small() -> Dataset<f32> {
    digits().first_rows(240).unwrap()
}

#[test]
fn dense_with_a_penalty_and_clipping() {
    let data = small();
    let model = || {
        let mut rng = nn::rng(1);
        Sequential::new()
            .then(Dense::new(64, 16, &mut rng))
            .then(Gelu)
            .then(LayerNorm::new(&[16]))
            .then(Dense::new(16, 10, &mut rng))
    };
    let plain = recordings(model, &data, &CrossEntropy, |fit| fit);
    assert_eq!(plain, TWO_SHAPES);
    let settled = recordings(model, &data, &CrossEntropy, |fit| {
        fit.penalty(Penalty::l2(0.01).unwrap()).callback(ClipGradients::Norm(0.5))
    });
    assert_eq!(settled, TWO_SHAPES);
}

#[test]
fn convolution_with_running_means() {
    let model = || {
        let mut rng = nn::rng(1);
        Sequential::new()
            .then(Reshape::new([1, 8, 8]))
            .then(Conv2d::new(1, 4, 3, &mut rng))
            .then(BatchNorm2d::new(4))
            .then(Relu)
            .then(MaxPool2d::new(2))
            .then(Flatten::new())
            .then(Dense::new(36, 10, &mut rng))
    };
    assert_eq!(recordings(model, &small(), &CrossEntropy, |fit| fit), TWO_SHAPES);
}

#[test]
fn sequences() {
    let lstm = || {
        let mut rng = nn::rng(1);
        Sequential::new()
            .then(Reshape::new([8, 8]))
            .then(Lstm::new(8, 12, &mut rng).last())
            .then(Dense::new(12, 10, &mut rng))
    };
    assert_eq!(recordings(lstm, &small(), &CrossEntropy, |fit| fit), TWO_SHAPES);
    let transformer = || {
        let mut rng = nn::rng(1);
        Sequential::new()
            .then(Reshape::new([8, 8]))
            .then(TransformerBlock::new(8, 2, 16, &mut rng).dropout(0.0))
            .then(Flatten::new())
            .then(Dense::new(64, 10, &mut rng))
    };
    assert_eq!(recordings(transformer, &small(), &CrossEntropy, |fit| fit), TWO_SHAPES);
}

#[test]
fn tokens_are_looked_up_anew() {
    let tokens: Vec<f32> = (0..240 * 3).map(|i| (i * i % 7) as f32).collect();
    let labels = tokens.chunks(3).map(|t| usize::from(t[0] + t[2] > 6.0)).collect();
    let inputs = Tensor::from_shape_vec(&[240, 3], tokens).unwrap();
    let data = Dataset::classification(inputs, labels, 2).unwrap();
    let model = || {
        let mut rng = nn::rng(1);
        Sequential::new()
            .then(Embedding::new(7, 4, &mut rng))
            .then(Flatten::new())
            .then(Dense::new(12, 2, &mut rng))
    };
    assert_eq!(recordings(model, &data, &CrossEntropy, |fit| fit), TWO_SHAPES);
}

fn with_between<M: Module<f32> + Send + Sync>(middle: impl FnOnce() -> M) -> Sequential<f32> {
    let mut rng = nn::rng(1);
    Sequential::new()
        .then(Dense::new(64, 16, &mut rng))
        .then(middle())
        .then(Dense::new(16, 10, &mut rng))
}

#[test]
fn what_is_random_is_recorded() {
    let model = || with_between(|| Dropout::new(0.5).unwrap());
    assert_eq!(recordings(model, &small(), &CrossEntropy, |fit| fit), ALL_AND_TWO_TRIED);
}

#[test]
fn a_pass_that_looks_at_values_is_recorded() {
    /// Twice the values, where their sum is positive.
    struct Looks;
    impl Module<f32> for Looks {
        fn forward<'t>(&self, _pass: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
            if x.sum().item() > 0.0 { 2.0 * x } else { x }
        }
        fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
            Ok(Shape::from_slice(input))
        }
    }
    let model = || with_between(|| Looks);
    assert_eq!(recordings(model, &small(), &CrossEntropy, |fit| fit), ALL_AND_TWO_TRIED);
}

#[test]
fn a_parameter_that_the_pass_does_not_know_is_recorded() {
    struct Direct {
        scale: Parameter<f32>,
    }
    impl Module<f32> for Direct {
        fn forward<'t>(&self, pass: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
            let known = pass.parameter(&self.scale);
            x * known + pass.tape().constant(&self.scale.value)
        }
        fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
            Ok(Shape::from_slice(input))
        }
        fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f32>)) {
            visit("scale", &self.scale);
        }
        fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f32>)) {
            visit("scale", &mut self.scale);
        }
    }
    let model = || with_between(|| Direct { scale: Parameter::new(Tensor::ones(&[16])) });
    assert_eq!(recordings(model, &small(), &CrossEntropy, |fit| fit), ALL_AND_TWO_TRIED);
}

#[test]
fn a_callback_that_reads_the_tape_gets_it() {
    let model = || with_between(|| Relu);
    let settings = |fit: Fit<'static, f32>| fit.callback(DeadUnits::new());
    let passes = Rc::default();
    let mut counted = Counted { model: model(), passes: Rc::clone(&passes) };
    let mut optimizer = Adam::new(0.01).unwrap();
    settings(fit()).run(&mut counted, &small(), &CrossEntropy, &mut optimizer).unwrap();
    assert_eq!(passes.get(), 24);
}

#[test]
fn parameters_frozen_on_the_way_stay_as_they_are() {
    let freeze = |run: &mut Run<'_, f32>| {
        if run.epoch == 1 {
            run.model.visit_mut(&mut |path, parameter| {
                if path.starts_with("0.") {
                    parameter.freeze();
                }
            });
        }
        Ok(())
    };
    let model = || with_between(|| Tanh);
    let recorded =
        recordings(model, &small(), &CrossEntropy, |fit| fit.callback(on_epoch_end(freeze)));
    assert!(recorded > TWO_SHAPES, "{recorded}");
}

#[test]
fn a_loss_that_is_not_finite_names_the_op_as_when_recorded() {
    let run = |replay: bool| {
        let mut model = with_between(|| Relu);
        let mut optimizer = Sgd::new(1e30).unwrap();
        let result = fit().replay(replay).run(&mut model, &small(), &CrossEntropy, &mut optimizer);
        (result.unwrap_err().to_string(), bits(&model))
    };
    assert_eq!(run(true), run(false));
}
