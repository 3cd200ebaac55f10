//! Layers, losses and the training loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use approx::assert_relative_eq;
use nn::Error;
use nn::data::{DataLoader, digits, xor};
use nn::layers::Sequential;
use nn::metrics::accuracy;
use nn::ops::Shape;
use nn::ops::declare::sample;
use nn::prelude::*;

fn numbers(model: &impl Module<f64>) -> Vec<f64> {
    model.parameters().iter().flat_map(|(_, p)| p.value.to_vec()).collect()
}

/// Changes number `index` of all parameters by `by`.
fn nudge(model: &mut impl Module<f64>, index: usize, by: f64) {
    let mut start = 0;
    model.visit_mut(&mut |_, parameter| {
        let length = parameter.value.len();
        if (start..start + length).contains(&index) {
            let mut view = parameter.value.view_mut();
            *view.iter_mut().nth(index - start).unwrap() += by;
        }
        start += length;
    });
}

/// Holds the gradient of every parameter against the five-point central difference.
fn check_gradients(
    model: &mut impl Module<f64>,
    inputs: &Tensor<f64>,
    targets: &Targets<f64>,
    loss: &impl Loss<f64>,
) {
    let value = |model: &dyn Module<f64>| {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let output = model.forward(&pass, pass.input(inputs));
        loss.loss(output, targets).unwrap().item()
    };
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let output = model.forward(&pass, pass.input(inputs));
    let gradients = pass.gradients(loss.loss(output, targets).unwrap()).unwrap();
    let analytic: Vec<f64> =
        model.parameters().iter().flat_map(|(_, p)| gradients.of(p).unwrap().to_vec()).collect();
    let h = 1e-3;
    for (index, &analytic) in analytic.iter().enumerate() {
        let mut at = |steps: f64| {
            nudge(model, index, steps * h);
            let result = value(model);
            nudge(model, index, -steps * h);
            result
        };
        let numeric = (at(-2.0) - 8.0 * at(-1.0) + 8.0 * at(1.0) - at(2.0)) / (12.0 * h);
        assert_relative_eq!(analytic, numeric, epsilon = 1e-9, max_relative = 1e-7);
        assert!(analytic != 0.0, "number {index} should matter");
    }
}

fn network(outputs: usize) -> Sequential<f64> {
    let mut rng = nn::rng(3);
    let bias = Init::Uniform { low: -0.5, high: 0.5 };
    Sequential::new()
        .then(Dense::with_init(3, 4, Init::XavierNormal, bias, &mut rng).unwrap())
        .then(Tanh)
        .then(Dense::with_init(4, outputs, Init::HeNormal, bias, &mut rng).unwrap())
}

fn batch() -> Tensor<f64> {
    Tensor::from([[0.3, -0.8, 1.2], [1.0, 0.4, -0.6], [-0.2, 0.9, 0.5], [0.7, -1.1, 0.1]])
}

#[test]
fn gradients_through_every_loss_match_differences() {
    let values = Targets::Values(Tensor::from([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]));
    let labels = Targets::Labels(vec![0, 1, 1, 0]);
    check_gradients(&mut network(2), &batch(), &values, &MeanSquaredError);
    check_gradients(&mut network(2), &batch(), &values, &HalfSquaredError);
    check_gradients(&mut network(2), &batch(), &values, &CrossEntropy);
    check_gradients(&mut network(2), &batch(), &labels, &CrossEntropy);
    check_gradients(&mut network(2), &batch(), &values, &BinaryCrossEntropyWithLogits);
    let mut probabilities = network(2).then(Sigmoid);
    check_gradients(&mut probabilities, &batch(), &values, &BinaryCrossEntropy);
}

#[test]
fn dense_is_x_times_w_transposed_plus_b() {
    let mut layer = Dense::<f64>::new(2, 3, &mut nn::rng(0));
    layer.weight.value = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    layer.bias.value = Tensor::from([0.1, 0.2, 0.3]);
    let y = predict(&layer, &Tensor::from([[1.0, -1.0], [0.5, 2.0]])).unwrap();
    assert_relative_eq!(y, Tensor::from([[-0.9, -0.8, -0.7], [4.6, 9.7, 14.8]]), epsilon = 1e-12);
}

#[test]
fn losses_have_their_textbook_values() {
    let tape = Tape::<f64>::new();
    let y = tape.var([[0.8, 0.3], [0.1, 0.6]]);
    let t = Targets::Values(Tensor::from([[1.0, 0.0], [0.0, 1.0]]));
    let value = |loss: &dyn Loss<f64>| loss.loss(y, &t).unwrap().item();
    // Squares 0.04, 0.09, 0.01, 0.16 sum to 0.30.
    assert_relative_eq!(value(&MeanSquaredError), 0.075, epsilon = 1e-15);
    assert_relative_eq!(value(&HalfSquaredError), 0.075, epsilon = 1e-15);
    let three = tape.var([[0.8, 0.3, 0.0], [0.1, 0.6, 0.0]]);
    let t3 = Targets::Values(Tensor::from([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]));
    // With three outputs the two forms part: 0.30/6 against 0.30/(2·2).
    assert_relative_eq!(MeanSquaredError.loss(three, &t3).unwrap().item(), 0.05, epsilon = 1e-15);
    assert_relative_eq!(HalfSquaredError.loss(three, &t3).unwrap().item(), 0.075, epsilon = 1e-15);
    // −(ln 0.8 + ln 0.7 + ln 0.9 + ln 0.6)/4, from an independent program.
    assert_relative_eq!(value(&BinaryCrossEntropy), 0.2990011586691898, epsilon = 1e-12);
    let logits = tape.var([[0.5, -1.0, 2.0]]);
    let sparse = CrossEntropy.loss(logits, &Targets::Labels(vec![2])).unwrap().item();
    assert_relative_eq!(sparse, -(0.7855970345892759_f64.ln()), epsilon = 1e-14);
    let one_hot = Targets::Values(Tensor::from([[0.0, 0.0, 1.0]]));
    assert_eq!(CrossEntropy.loss(logits, &one_hot).unwrap().item(), sparse);
}

#[test]
fn extreme_probabilities_and_logits_give_finite_losses() {
    let tape = Tape::<f32>::new();
    let t = Targets::Values(Tensor::from([0.0, 1.0, 1.0, 0.0]));
    for (y, loss) in [
        ([0.0, 1.0, 0.0, 1.0], &BinaryCrossEntropy as &dyn Loss<f32>),
        ([-1000.0, 1000.0, -1000.0, 1000.0], &BinaryCrossEntropyWithLogits),
    ] {
        let y = tape.var(y);
        let value = loss.loss(y, &t).unwrap();
        assert!(value.item().is_finite(), "{}", value.item());
        assert!(value.backward().wrt(y).is_finite());
    }
}

#[test]
fn a_parameter_used_twice_is_one_variable() {
    let shared = Parameter::new([2.0]);
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let y = pass.parameter(&shared) * pass.parameter(&shared);
    let gradients = pass.gradients(y.sum()).unwrap();
    assert_eq!(gradients.of(&shared), Some(&Tensor::from([4.0])));
    let copy = shared.clone();
    assert!(copy.id() != shared.id() && gradients.of(&copy).is_none());
}

#[test]
fn a_forward_pass_and_a_prediction_leave_the_model_alone() {
    let model = network(2);
    let before = numbers(&model);
    predict(&model, &batch()).unwrap();
    assert_eq!(numbers(&model), before);
}

#[test]
fn fit_is_the_hand_written_loop_bit_for_bit() {
    let data = digits::<f32>().first_rows(200).unwrap();
    let model = || {
        let mut rng = nn::rng(5);
        Sequential::<f32>::new()
            .then(Dense::new(64, 16, &mut rng))
            .then(Relu)
            .then(Dense::new(16, 10, &mut rng))
    };
    let train = || {
        let mut model = model();
        let mut optimizer = Adam::new(0.01).unwrap();
        let mut fit = Fit::new().epochs(3).batch_size(32).seed(9).progress(false);
        let history = fit.run(&mut model, &data, &CrossEntropy, &mut optimizer).unwrap();
        let values: Vec<f32> =
            model.parameters().iter().flat_map(|(_, p)| p.value.to_vec()).collect();
        (history, values)
    };
    let (first, second) = (train(), train());
    assert_eq!(first, second);
    assert!(first.0.epochs[2].loss() < first.0.epochs[0].loss());

    let mut by_hand = model();
    let mut optimizer = Adam::new(0.01).unwrap();
    let mut tape = Tape::new();
    for epoch in 1..=3 {
        for batch in data.batches(32, Some(nn::epoch_seed(9, epoch))).unwrap() {
            tape.reset();
            let pass = Pass::train(&tape, 0);
            let output = by_hand.forward(&pass, pass.input(&batch.inputs));
            let loss = CrossEntropy.loss(output, &batch.targets).unwrap();
            let gradients = pass.gradients(loss).unwrap();
            optimizer.step(&mut by_hand, &gradients).unwrap();
        }
    }
    let values: Vec<f32> =
        by_hand.parameters().iter().flat_map(|(_, p)| p.value.to_vec()).collect();
    assert_eq!(values, first.1);
}

#[test]
fn bad_settings_are_refused() {
    for rate in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
        assert!(Sgd::<f32>::new(rate).is_err() && Adam::<f32>::new(rate).is_err(), "{rate}");
    }
    let mut rng = nn::rng(0);
    for sigma in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(Init::Normal { sigma }.tensor::<f32>(&[2], 1, 1, &mut rng).is_err());
    }
    assert!(Init::Uniform { low: 1.0, high: 0.0 }.tensor::<f32>(&[2], 1, 1, &mut rng).is_err());
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_changes() {
    let mut model = network(2);
    let before = numbers(&model);
    let mut sgd = Sgd::new(0.1).unwrap();
    let fit = || Fit::new().epochs(1).progress(false);
    let labelled = |labels| Dataset::classification(batch(), labels, 7).unwrap();

    let error = fit().run(&mut model, &labelled(vec![0, 1, 6, 0]), &CrossEntropy, &mut sgd);
    assert_eq!(
        error.unwrap_err().to_string(),
        "row 2 has label 6, but the model's output has 2 classes, so labels 0 to 1 are allowed"
    );
    let good = labelled(vec![0, 1, 1, 0]);
    let error = fit().batch_size(0).run(&mut model, &good, &CrossEntropy, &mut sgd);
    assert!(error.unwrap_err().to_string().contains("batch"));
    let error = fit().run(&mut model, &good, &MeanSquaredError, &mut sgd).unwrap_err().to_string();
    assert!(error.contains("mean squared error cannot compare an output of shape [4, 2] with 4"));
    assert!(error.contains("one_hot()"), "{error}");
    let wide = Dataset::classification(Tensor::zeros(&[2, 5]), vec![0, 1], 2).unwrap();
    let error = fit().run(&mut model, &wide, &CrossEntropy, &mut sgd).unwrap_err().to_string();
    assert_eq!(error, "layer 0 Dense(3 → 4) takes an input of shape […, 3], but is given [2, 5]");
    let error = fit().validation(&wide).run(&mut model, &good, &CrossEntropy, &mut sgd);
    assert!(error.is_err());
    assert_eq!(numbers(&model), before);
}

#[test]
fn a_loss_that_is_not_finite_stops_training_and_keeps_the_parameters() {
    let mut model = network(2);
    let before = numbers(&model);
    let data = Dataset::classification(batch(), vec![0, 1, 1, 0], 2).unwrap();
    let mut sgd = Sgd::new(0.1).unwrap();
    let mut fit = Fit::new().epochs(2).progress(false);
    let error = fit.run(&mut model, &data, &MeanOfLogits, &mut sgd).unwrap_err().to_string();
    assert!(error.contains("the loss is inf in epoch 1, batch 1"), "{error}");
    assert_eq!(numbers(&model), before);
}

/// A loss that is infinite from the start.
struct MeanOfLogits;
impl Loss<f64> for MeanOfLogits {
    fn name(&self) -> &'static str {
        "mean of logits"
    }
    fn target(&self, _: &[usize], _: &Targets<f64>) -> Result<Tensor<f64>, Error> {
        Ok(Tensor::scalar(0.0))
    }
    fn between<'t>(&self, output: Var<'t, f64>, _: Var<'t, f64>) -> Var<'t, f64> {
        output.square().mean() / 0.0
    }
}

#[test]
fn accuracy_knows_single_outputs_and_one_hot_targets() {
    let outputs = Tensor::from([[0.7], [0.2], [0.6]]);
    let targets = Targets::Values(Tensor::from([[1.0], [0.0], [0.0]]));
    assert_relative_eq!(accuracy(&outputs, &targets, 0.5).unwrap(), 2.0 / 3.0);
    assert_relative_eq!(accuracy(&outputs, &targets, 0.65).unwrap(), 1.0);
    let outputs = Tensor::from([[0.1, 0.9], [0.4, 0.6]]);
    let targets = Targets::Values(Tensor::from([[0.0, 1.0], [1.0, 0.0]]));
    assert_eq!(accuracy(&outputs, &targets, 0.5), Some(0.5));
    let regression = Targets::Values(Tensor::from([[0.3, 1.0], [1.0, 0.0]]));
    assert_eq!(accuracy(&outputs, &regression, 0.5), None);
    let model = Sequential::new().then(Dense::<f64>::new(2, 1, &mut nn::rng(0)));
    assert!(evaluate(&model, &xor(), &MeanSquaredError).unwrap().accuracy.is_some());
}

#[test]
fn initialisers_have_their_variance() {
    let mut rng = nn::rng(4);
    let variance = |init: Init, rng: &mut _| {
        let w = init.tensor::<f64>(&[400, 300], 300, 400, rng).unwrap().to_vec();
        let mean = w.iter().sum::<f64>() / w.len() as f64;
        w.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / w.len() as f64
    };
    for (init, expected) in [
        (Init::Normal { sigma: 0.5 }, 0.25),
        (Init::Uniform { low: -1.0, high: 1.0 }, 1.0 / 3.0),
        (Init::XavierNormal, 2.0 / 700.0),
        (Init::XavierUniform, 2.0 / 700.0),
        (Init::HeNormal, 2.0 / 300.0),
        (Init::HeUniform, 2.0 / 300.0),
        (Init::Zeros, 0.0),
    ] {
        assert_relative_eq!(variance(init, &mut rng), expected, max_relative = 0.02);
    }
}

/// y = √(w·x): at 0 a finite value with an infinite slope.
struct Root {
    w: Parameter<f64>,
}

impl Root {
    fn new() -> Self {
        Self { w: Parameter::new([1.0]) }
    }
}

impl Module<f64> for Root {
    fn forward<'t>(&self, pass: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        (x * pass.parameter(&self.w)).sqrt()
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        visit("w", &self.w);
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
        visit("w", &mut self.w);
    }
}

/// Batches of two rows, the third of which has a row where the root has no slope.
fn with_a_zero() -> DataLoader<f64> {
    let x = Tensor::from([[1.0], [4.0], [9.0], [1.0], [4.0], [0.0]]);
    DataLoader::new(Dataset::regression(x, Tensor::ones(&[6, 1])).unwrap(), 2).unwrap()
}

#[test]
fn a_gradient_that_is_not_finite_stops_training_before_the_step() {
    for replay in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("last");
        let run = |terminate: bool| {
            let mut model = Root::new();
            let mut fit = Fit::new()
                .epochs(3)
                .replay(replay)
                .progress(false)
                .callback(SaveCheckpoint::new(&file));
            if terminate {
                fit = fit.callback(TerminateOnNan);
            }
            let mut sgd = Sgd::new(0.01).unwrap();
            let result = fit.run(&mut model, &with_a_zero(), &MeanSquaredError, &mut sgd);
            (result, model.w.value.to_vec()[0])
        };
        let (result, w) = run(false);
        let error = result.unwrap_err().to_string();
        assert!(error.contains("the gradient of parameter w is infinite or NaN"), "{error}");
        assert!(error.contains("in epoch 1, batch 3"), "{error}");
        assert!(
            error.contains("sqrt") && error.contains("crates/nn/tests/training.rs:"),
            "{error}"
        );
        assert!(w.is_finite() && w != 1.0, "two steps were good, and the third was not taken: {w}");
        assert!(!file.exists(), "a run that has gone bad is not saved");
        let (result, same) = run(true);
        let reason = result.unwrap().stopped.unwrap();
        assert!(reason.contains("the gradient of parameter w is infinite or NaN"), "{reason}");
        assert_eq!(same, w);
    }
}

#[test]
fn clipping_names_the_op_of_a_gradient_that_is_not_finite_too() {
    let mut sgd = Sgd::new(0.01).unwrap();
    let error = Fit::new()
        .epochs(1)
        .progress(false)
        .callback(ClipGradients::Norm(1.0))
        .run(&mut Root::new(), &with_a_zero(), &MeanSquaredError, &mut sgd)
        .unwrap_err()
        .to_string();
    assert!(error.contains("in epoch 1, batch 3") && error.contains("sqrt"), "{error}");
}

#[test]
fn a_step_that_overflows_is_no_end_of_training_and_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("last");
    let (mut model, mut sgd) = (Root::new(), Sgd::new(f64::MAX).unwrap());
    let data = Dataset::regression(Tensor::from([[1e10]]), Tensor::zeros(&[1, 1])).unwrap();
    let error = Fit::new()
        .epochs(1)
        .progress(false)
        .callback(SaveCheckpoint::new(&file))
        .run(&mut model, &data, &MeanSquaredError, &mut sgd)
        .unwrap_err()
        .to_string();
    assert!(error.contains("parameter w is infinite or NaN after epoch 1"), "{error}");
    assert!(!file.exists());
}

#[test]
fn batch_normalisation_of_a_last_batch_of_one_row_is_refused_before() {
    let data = digits::<f64>().first_rows(65).unwrap();
    let network = || {
        let mut rng = nn::rng(5);
        Sequential::<f64>::new()
            .then(Dense::new(64, 4, &mut rng))
            .named("norm", BatchNorm1d::new(4))
            .then(Dense::new(4, 10, &mut rng))
    };
    let mut model = network();
    let before = numbers(&model);
    let mut sgd = Sgd::new(0.1).unwrap();
    let fit = || Fit::new().epochs(1).batch_size(32).progress(false);
    let error = fit().run(&mut model, &data, &CrossEntropy, &mut sgd).unwrap_err().to_string();
    assert!(error.contains("norm BatchNorm1d(4)"), "{error}");
    assert!(error.contains("the last batch of an epoch has 1 row"), "{error}");
    assert!(error.contains("drop_last"), "{error}");
    assert_eq!(numbers(&model), before);
    let error = fit().batch_size(1).run(&mut model, &data, &CrossEntropy, &mut sgd);
    assert!(error.unwrap_err().to_string().contains("norm BatchNorm1d(4)"));
    assert_eq!(numbers(&model), before);
    // More than one number a channel is enough.
    let images = data.reshape_samples(&[1, 8, 8]).unwrap();
    let mut images_model = Sequential::<f64>::new()
        .then(BatchNorm2d::new(1))
        .then(Flatten::new())
        .then(Dense::new(64, 10, &mut nn::rng(1)));
    fit().run(&mut images_model, &images, &CrossEntropy, &mut sgd).unwrap();
}

#[test]
fn a_batch_in_which_nothing_counts_is_passed_over() {
    let x = Tensor::from([[0.3, -0.8, 1.2], [1.0, 0.4, -0.6], [-0.2, 0.9, 0.5], [0.7, -1.1, 0.1]]);
    let targets = Tensor::from([0.0, 1.0, -1.0, -1.0]);
    let whole = Dataset::regression(x, targets).unwrap();
    let counted = whole.first_rows(2).unwrap();
    let run = |data: &Dataset<f64>, replay| {
        let mut model = network(2);
        let loader = DataLoader::new(data.clone(), 2).unwrap();
        let history = Fit::new()
            .epochs(3)
            .replay(replay)
            .progress(false)
            .penalty(nn::optim::Penalty::l2(0.1).unwrap())
            .run(&mut model, &loader, &CrossEntropy.ignore(-1), &mut Adam::new(0.1).unwrap())
            .unwrap();
        (numbers(&model), history.column("loss"))
    };
    for replay in [false, true] {
        assert_eq!(run(&whole, replay), run(&counted, replay));
    }
    // In evaluation too, in whichever batch they lie: 1,024 rows are evaluated at a time.
    let many = |labels: Vec<f64>| {
        let x = Tensor::from_shape_vec(&[labels.len(), 3], vec![0.5; labels.len() * 3]).unwrap();
        Dataset::regression(x, Tensor::from(labels)).unwrap()
    };
    let mut labels = vec![-1.0; 1024];
    labels.push(1.0);
    let model = network(2);
    let all = evaluate(&model, &many(labels), &CrossEntropy.ignore(-1)).unwrap().loss;
    let one = evaluate(&model, &many(vec![1.0]), &CrossEntropy).unwrap().loss;
    assert_relative_eq!(all, one, max_relative = 1e-12);
    let error = evaluate(&model, &many(vec![-1.0; 3]), &CrossEntropy.ignore(-1)).unwrap_err();
    assert!(error.to_string().contains("none of 3 rows counts"), "{error}");
}

/// Tokens that an embedding does not have are known before training.
#[test]
fn tokens_that_there_are_not_are_refused_before_training() {
    let mut model = Sequential::<f64>::new()
        .then(Embedding::new(4, 2, &mut nn::rng(0)))
        .then(Flatten::new())
        .then(Dense::new(4, 2, &mut nn::rng(1)));
    let x = Tensor::from([[0.0, 1.0], [2.0, 3.0], [1.0, 4.0]]);
    let data = Dataset::classification(x.clone(), vec![0, 1, 0], 2).unwrap();
    let mut sgd = Sgd::new(0.1).unwrap();
    let error = Fit::new()
        .epochs(1)
        .batch_size(1)
        .progress(false)
        .run(&mut model, &data, &CrossEntropy, &mut sgd)
        .unwrap_err()
        .to_string();
    let wrong =
        "the input of Embedding(4 → 2) is 4 at [2, 1], but must be a whole number from 0 to 3";
    assert_eq!(error, wrong);
    assert_eq!(predict(&model, &x).unwrap_err().to_string(), wrong);
    assert_eq!(evaluate(&model, &data, &CrossEntropy).unwrap_err().to_string(), wrong);
}

/// Two layers, of which `visit` or `visit_mut` may forget one, or give both the same name.
struct Pair {
    layers: [Dense<f64>; 2],
    names: [&'static str; 2],
    shown: usize,
    shown_mut: usize,
}

impl Pair {
    fn new() -> Self {
        let layers = [Dense::new(3, 3, &mut nn::rng(0)), Dense::new(3, 2, &mut nn::rng(1))];
        Self { layers, names: ["first", "second"], shown: 2, shown_mut: 2 }
    }
}

impl Module<f64> for Pair {
    fn forward<'t>(&self, pass: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        self.layers.iter().fold(x, |x, layer| layer.forward(pass, x))
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        self.layers[1].output_shape(&self.layers[0].output_shape(input)?)
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        for (name, layer) in self.names.iter().zip(&self.layers).take(self.shown) {
            layer.visit(&mut |path, parameter| visit(&format!("{name}.{path}"), parameter));
        }
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
        for (name, layer) in self.names.iter().zip(&mut self.layers).take(self.shown_mut) {
            layer.visit_mut(&mut |path, parameter| visit(&format!("{name}.{path}"), parameter));
        }
    }
}

/// Adds the mean over the batch to a buffer that it does not show.
struct Hoards(Parameter<f64>);
impl Module<f64> for Hoards {
    fn forward<'t>(&self, pass: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        let sum = pass.parameter(&self.0) + x.mean().detach();
        pass.update(&self.0, sum);
        x
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
}

fn refused(mut model: impl Module<f64>) -> String {
    let all = |model: &dyn Module<f64>| -> Vec<f64> {
        let mut all = Vec::new();
        model.visit(&mut |_, parameter| all.extend(parameter.value.to_vec()));
        all
    };
    let before = all(&model);
    let data = Dataset::classification(batch(), vec![0, 1, 1, 0], 2).unwrap();
    let mut sgd = Sgd::new(0.1).unwrap();
    let mut fit = Fit::new().epochs(1).progress(false);
    let error = fit.run(&mut model, &data, &CrossEntropy, &mut sgd).unwrap_err().to_string();
    assert_eq!(all(&model), before);
    error
}

#[allow(clippy::items_after_statements)] // Beside what they are about.
#[test]
fn a_model_that_does_not_show_its_parameters_rightly_is_refused() {
    let error = refused(Pair { shown: 1, shown_mut: 1, ..Pair::new() });
    assert!(error.contains("a parameter of shape [2, 3]"), "{error}");
    assert!(error.contains("that the model's visit does not show"), "{error}");
    assert!(error.contains("at crates/nn/tests/training.rs:"), "the line of the model: {error}");
    let hoards = Hoards(Parameter::buffer(0.0));
    let error = refused(Sequential::new().then(hoards).then(Dense::new(3, 2, &mut nn::rng(0))));
    assert!(error.contains("a buffer of shape []"), "{error}");
    let error = refused(Pair { shown_mut: 1, ..Pair::new() });
    assert!(error.contains("its visit shows 4 parameters, and its visit_mut 2"), "{error}");
    let error = refused(Pair { names: ["same", "same"], ..Pair::new() });
    assert!(error.contains("two parameters have the path \"same.weight\""), "{error}");
    struct Shared(Dense<f64>);
    impl Module<f64> for Shared {
        fn forward<'t>(&self, pass: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
            self.0.forward(pass, x)
        }
        fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
            self.0.output_shape(input)
        }
        fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
            visit("a", &self.0.weight);
            visit("b", &self.0.weight);
        }
        fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
            visit("a", &mut self.0.weight);
            visit("b", &mut self.0.weight);
        }
    }
    // An optimiser would take each of its steps twice.
    let error = refused(Shared(Dense::new(3, 2, &mut nn::rng(0))));
    assert!(error.contains("\"a\" and \"b\" are one parameter"), "{error}");
}

#[allow(clippy::items_after_statements)] // Beside what they are about.
#[test]
fn a_model_without_anything_to_train_is_refused_in_its_own_words() {
    let mut frozen = network(2);
    frozen.visit_mut(&mut |_, parameter| parameter.freeze());
    let error = refused(frozen);
    assert!(error.contains("all 4 parameters of the model are frozen"), "{error}");
    let error = refused(Sequential::new().then(Tanh).then(Reshape::new([3])).then(Narrow));
    assert!(error.contains("the model has no parameters"), "{error}");
    struct Unused(Parameter<f64>);
    impl Module<f64> for Unused {
        fn forward<'t>(&self, _: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
            x.tanh()
        }
        fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
            Ok(Shape::from_slice(input))
        }
        fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
            visit("a", &self.0);
        }
        fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
            visit("a", &mut self.0);
        }
    }
    let error = refused(Unused(Parameter::new(1.0)));
    assert!(error.contains("no trained parameter goes into the loss"), "{error}");
    assert!(!error.contains("var()"), "{error}");
}

/// The first two of three numbers.
struct Narrow;
impl Module<f64> for Narrow {
    fn forward<'t>(&self, _: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        x.slice(ndarray::s![.., 0..2])
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(&[input[0], 2]))
    }
}

/// Remembers the most rows that it was given in one pass.
struct Rows(AtomicUsize);
impl Module<f64> for Rows {
    fn forward<'t>(&self, _: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        self.0.fetch_max(x.shape()[0], Ordering::Relaxed);
        x.square().sum_axes(-1)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(&input[..1]))
    }
}

#[test]
fn predictions_are_made_in_batches() {
    let rows = Rows(AtomicUsize::new(0));
    let x: Vec<f64> = (0..5000).map(f64::from).collect();
    let x = Tensor::from_shape_vec(&[2500, 2], x).unwrap();
    let y = predict(&rows, &x).unwrap();
    assert_eq!(rows.0.load(Ordering::Relaxed), 1024);
    assert_eq!(y.shape(), [2500]);
    let right = |i: usize| ((2 * i) as f64).powi(2) + ((2 * i + 1) as f64).powi(2);
    assert!(y.to_vec().iter().enumerate().all(|(i, &y)| y == right(i)));
    // Views of a tensor too, whose rows do not lie in one piece.
    let columns: Vec<f64> = (0..5000).map(|i| f64::from(i % 2500 * 2 + i / 2500)).collect();
    let columns = Tensor::from_shape_vec(&[2, 2500], columns).unwrap();
    let transposed = Tensor::from(columns.view().reversed_axes());
    assert_eq!(transposed, x);
    assert_eq!(predict(&rows, &transposed).unwrap(), y);
    assert_eq!(predict(&network(2), &Tensor::zeros(&[0, 3])).unwrap().shape(), [0, 2]);
}

#[test]
fn predictions_in_batches_are_those_of_one_pass_bit_for_bit() {
    let mut rng = nn::rng(3);
    let model = Sequential::<f32>::new()
        .then(Dense::new(7, 33, &mut rng))
        .then(BatchNorm1d::new(33))
        .then(Gelu)
        .then(Dense::new(33, 5, &mut rng));
    let x: Vec<f32> = (0..1500 * 7).map(|i| (i as f32 * 0.37).sin()).collect();
    let x = Tensor::from_shape_vec(&[1500, 7], x).unwrap();
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let whole = model.forward(&pass, pass.input(&x)).value();
    assert_eq!(predict(&model, &x).unwrap(), whole);
}

#[test]
fn a_model_is_served_from_threads() {
    fn shared<T: Send + Sync + 'static>(model: T) -> Arc<T> {
        Arc::new(model)
    }
    let mut rng = nn::rng(3);
    let encoder = Sequential::<f32>::new().then(Embedding::new(9, 4, &mut rng)).then(Relu);
    let model = shared(
        Sequential::new()
            .named("encoder", encoder)
            .then(Lstm::new(4, 5, &mut rng).last())
            .then(Dropout::new(0.5).unwrap())
            .then(Residual::new(Dense::new(5, 5, &mut rng)))
            .then(Dense::new(5, 3, &mut rng)),
    );
    let tokens = |thread: usize| {
        let tokens = (0..1200 * 6).map(|i| ((i * 7 + thread * 3) % 9) as f32).collect();
        Tensor::from_shape_vec(&[1200, 6], tokens).unwrap()
    };
    let alone: Vec<_> = (0..4).map(|i| predict(&*model, &tokens(i)).unwrap()).collect();
    let threads = (0..4).map(|i| {
        let model = Arc::clone(&model);
        std::thread::spawn(move || predict(&*model, &tokens(i)).unwrap())
    });
    let threads: Vec<_> = threads.collect();
    let together: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(together, alone);
}

/// The table turned about: its first axis does not count samples.
struct Turned;
impl Module<f64> for Turned {
    fn forward<'t>(&self, _: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        x.t()
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(input.iter().rev().copied().collect())
    }
}

#[test]
fn a_prediction_of_all_rows_together_is_not_put_together_from_parts() {
    let x: Tensor<f64> = sample(&[1500, 2], 0);
    assert_eq!(predict(&Turned, &x).unwrap(), x.t());
}

#[test]
fn an_evaluation_drops_nothing() {
    let mut rng = nn::rng(3);
    let model = Sequential::new()
        .then(Dense::new(3, 8, &mut rng))
        .then(Dropout::new(0.5).unwrap())
        .then(Dense::new(8, 1, &mut rng));
    let (x, y): (Tensor<f64>, Tensor<f64>) = (sample(&[40, 3], 0), sample(&[40, 1], 1));
    let error = &predict(&model, &x).unwrap() - &y;
    let mean = error.view().iter().map(|e| e * e).sum::<f64>() / 40.0;
    let data = Dataset::regression(x, y).unwrap();
    let loss = evaluate(&model, &data, &MeanSquaredError).unwrap().loss;
    assert!((loss - mean).abs() < 1e-14, "{loss} for {mean}");
}
