//! What steers a run sees what it goes by, and says so where it cannot.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nn::metrics::{Accuracy, Metric};
use nn::optim::Lbfgs;
use nn::prelude::*;
use nn::schedule::Plateau;
#[cfg(feature = "plot")]
use nn::train::EpochLog;

fn data() -> Dataset<f64> {
    nn::data::two_moons(40, 0.1, 1).unwrap()
}

fn model() -> Sequential<f64> {
    let mut rng = nn::rng(0);
    Sequential::new().then(Dense::new(2, 4, &mut rng)).then(Tanh).then(Dense::new(4, 2, &mut rng))
}

fn fit<'d>() -> Fit<'d, f64> {
    Fit::new().epochs(3).progress(false)
}

fn run(mut fit: Fit<'_, f64>) -> Result<History, nn::Error> {
    fit.run(&mut model(), &data(), &CrossEntropy, &mut Sgd::new(0.1)?)
}

#[track_caller]
fn refused(fit: Fit<'_, f64>, sentence: &str) {
    assert_eq!(run(fit).unwrap_err().to_string(), sentence);
}

#[test]
fn what_a_callback_watches_is_logged_before_its_turn() {
    let norm = || Monitor::lowest("gradient norm");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("best");
    let sentence = |callback| {
        format!(
            "the callback \"{callback}\" watches \"gradient norm\", which a callback behind it \
             logs: give it after that one"
        )
    };
    let stop = || EarlyStopping::watching(norm());
    refused(fit().callback(stop()).callback(GradientNorms::new()), &sentence("early stopping"));
    let save = || SaveCheckpoint::new(&file).best(norm());
    refused(fit().callback(save()).callback(GradientNorms::new()), &sentence("checkpoint"));
    let slow = || LearningRate::new(Plateau::new(0.5).unwrap()).watching("gradient norm");
    refused(fit().callback(slow()).callback(GradientNorms::new()), &sentence("learning rate"));

    run(fit().callback(GradientNorms::new()).callback(save()).callback(slow())).unwrap();
    assert!(file.exists());
    let of_one = Monitor::lowest("gradient norm 0.weight");
    let stop = EarlyStopping::watching(of_one).patience(10);
    let norms = GradientNorms::new().by_parameter();
    assert_eq!(run(fit().callback(norms).callback(stop)).unwrap().stopped, None);
}

#[test]
fn each_value_of_an_epoch_has_a_name_of_its_own() {
    refused(
        fit().callback(GradientNorms::new()).callback(GradientNorms::new()),
        "two values of an epoch have the name \"gradient norm\", so that neither could be told from \
         the other: leave out one of the two metrics or callbacks",
    );
    // A metric takes the place of the accuracy that has its name.
    let history = run(fit().metric(Accuracy::new().ignore(0))).unwrap();
    let names: Vec<_> = history.epochs[0].values.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["loss", "accuracy"]);
}

#[test]
fn a_csv_log_has_what_nobody_announced() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.csv");
    let late = on_epoch_end(|run| {
        if run.epoch > 1 {
            run.log("mine", run.epoch as f64);
        }
        Ok(())
    });
    let norms = GradientNorms::new().by_parameter();
    let history = run(fit().callback(CsvLog::new(&file)).callback(norms).callback(late)).unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text, history.to_csv());
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].contains("gradient norm 2.bias") && lines[0].ends_with(",mine"), "{text}");
    assert!(lines[1].ends_with(',') && lines[2].ends_with(",2") && lines.len() == 4, "{text}");
}

/// Begun with one callback, and resumed with another.
fn resumed(
    first: impl Callback<f64> + 'static,
    second: impl Callback<f64> + 'static,
) -> Result<History, nn::Error> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run");
    run(fit().callback(first).callback(SaveCheckpoint::new(&file))).unwrap();
    let fit = fit().epochs(6).resume(&file).callback(second);
    run(fit.callback(SaveCheckpoint::new(&file)))
}

#[test]
fn a_resumed_callback_goes_by_the_same_value() {
    let dir = tempfile::tempdir().unwrap();
    let stop = |monitor| EarlyStopping::<f64>::watching(monitor).patience(9);
    let best = |monitor| SaveCheckpoint::new(dir.path().join("best")).best(monitor);
    let (loss, accuracy) = (|| Monitor::lowest("loss"), || Monitor::highest("accuracy"));
    let error = resumed(stop(loss()), stop(accuracy())).unwrap_err().to_string();
    assert!(
        error.contains("early stopping went by the lowest loss, not the highest accuracy"),
        "{error}"
    );
    let error = resumed(best(loss()), best(accuracy())).unwrap_err().to_string();
    assert!(error.contains("epoch went by the lowest loss, not the highest accuracy"), "{error}");
    let error = resumed(stop(loss()), stop(loss()).restore_best()).unwrap_err().to_string();
    assert!(error.contains("the run was begun without `restore_best`"), "{error}");
    assert_eq!(
        resumed(stop(loss()).restore_best(), stop(loss()).restore_best()).unwrap().epochs.len(),
        6
    );
}

#[test]
fn early_stopping_needs_an_improvement_that_is_a_number() {
    for (least, given) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (-1.0, "-1")] {
        let stop = EarlyStopping::watching(Monitor::lowest("loss")).least_improvement(least);
        let sentence = format!(
            "the least improvement of early stopping is {given}, but must be finite and not negative"
        );
        refused(fit().callback(stop), &sentence);
    }
}

/// Gradients of any size, as a callback in front of the norms sets them.
struct Set(f64);

impl Callback<f64> for Set {
    fn name(&self) -> &'static str {
        "set"
    }
    fn on_gradients(
        &mut self,
        run: &mut nn::train::Run<'_, f64>,
        step: &mut nn::train::StepView<'_, '_, f64>,
    ) -> Result<(), nn::Error> {
        run.optimizer.set_learning_rate(0.0)?;
        for (_, parameter) in run.model.parameters() {
            let gradient = step.gradients.of_mut(parameter).unwrap();
            *gradient = Tensor::full(gradient.shape(), self.0);
        }
        Ok(())
    }
}

/// The model has 8 + 4 + 8 + 2 = 22 parameters.
#[test]
fn norms_of_gradients_neither_overflow_nor_vanish() {
    for size in [1e200, 1e-200, 3.0] {
        let history = run(fit().callback(Set(size)).callback(GradientNorms::new())).unwrap();
        let norm = history.epochs[0].value("gradient norm").unwrap();
        approx::assert_relative_eq!(norm, size * 22_f64.sqrt(), max_relative = 1e-12);
    }
}

/// How many of the five units after a layer are dead, of inputs all alike and with a bias of -100 for
/// some.
fn dead_after(
    layer: impl Module<f64> + Send + Sync,
    sample: [usize; 2],
    bias: [f64; 5],
) -> [usize; 2] {
    let mut model = Sequential::<f64>::new()
        .then(layer)
        .then(Relu)
        .then(Flatten::new())
        .then(Dense::new(15, 2, &mut nn::rng(1)));
    model.visit_mut(&mut |path, parameter| {
        if path == "0.bias" {
            parameter.value = Tensor::from(bias);
        }
    });
    let inputs = Tensor::full(&[4, sample[0], sample[1]], 0.5);
    let data = Dataset::classification(inputs, vec![0, 1, 0, 1], 2).unwrap();
    let mut dead = DeadUnits::new();
    fit()
        .epochs(1)
        .callback(&mut dead)
        .run(&mut model, &data, &CrossEntropy, &mut Sgd::new(1e-9).unwrap())
        .unwrap();
    let layers = dead.by_layer();
    assert_eq!(layers.len(), 1);
    [layers[0].1, layers[0].2]
}

/// Along a convolution of one axis, too, the positions of a channel are one unit.
#[test]
fn dead_units_are_features_of_sequences_and_channels_of_convolutions() {
    let dense = Dense::new(2, 5, &mut nn::rng(0));
    assert_eq!(dead_after(dense, [3, 2], [-100.0, -100.0, -100.0, 10.0, 10.0]), [3, 5]);
    let convolution = Conv1d::new(1, 5, 2, &mut nn::rng(0));
    assert_eq!(dead_after(convolution, [1, 4], [-100.0, 10.0, -100.0, 10.0, 10.0]), [2, 5]);
}

#[test]
fn a_group_that_is_added_later_is_for_all_that_it_chooses() {
    let mut model = Sequential::<f64>::new().then(Dense::new(1, 1, &mut nn::rng(0)));
    let data = Dataset::regression(Tensor::from([[1.0]]), Tensor::from([[5.0]])).unwrap();
    let mut weight = |optimizer: &mut Sgd<f64>| {
        fit().epochs(1).run(&mut model, &data, &MeanSquaredError, optimizer).unwrap();
        model.parameters()[0].1.value.item()
    };
    let mut optimizer = Sgd::new(0.01).unwrap();
    let first = weight(&mut optimizer);
    let still = Group::new().rate_factor(0.0);
    let mut optimizer = optimizer.group(|path| path.ends_with("weight"), still).unwrap();
    assert_eq!(weight(&mut optimizer), first);
}

#[test]
fn an_epoch_in_which_nothing_counts_is_refused() {
    let inputs = Tensor::full(&[5, 2], 0.5);
    let data = Dataset::classification(inputs, vec![1, 0, 0, 0, 0], 2).unwrap();
    let mut refusals = 0;
    for seed in 0..20 {
        let plateau = LearningRate::new(Plateau::new(0.5).unwrap()).watching("loss").every_step();
        let result = fit().seed(seed).batch_size(4).drop_last().callback(plateau).run(
            &mut model(),
            &data,
            &CrossEntropy.ignore(0),
            &mut Sgd::new(0.1).unwrap(),
        );
        if let Err(error) = result {
            assert!(error.to_string().starts_with("none of 4 rows counts for "), "{error}");
            refusals += 1;
        }
    }
    assert!(refusals > 0, "with some seed the only row that counts is dropped");
}

#[test]
fn the_threshold_of_a_metric_is_a_number() {
    let outputs = Tensor::from([[0.2], [0.9]]);
    let targets = Targets::Values(Tensor::from([[0.0], [1.0]]));
    let metric = Accuracy::new().above(f64::NAN);
    let error = Metric::<f64>::check(&metric, outputs.shape(), &targets).unwrap_err();
    assert_eq!(error.to_string(), "the threshold between no and yes is NaN, but must be a number");
}

#[test]
fn a_perceptron_learns_from_numbers_alone() {
    let mut unit = Perceptron::<f64>::new(2);
    for bad in [f64::NAN, f64::INFINITY] {
        let error = unit.learn(&Tensor::full(&[1, 2], bad), &[1], 0.1).unwrap_err();
        let sentence = format!("an input of the perceptron is {bad}, but must be finite");
        assert_eq!(error.to_string(), sentence);
    }
    assert_eq!(unit.weight.value, Tensor::zeros(&[2]));
}

#[test]
fn settings_may_be_as_large_as_numbers_go() {
    let mut model = Sequential::<f64>::new().then(Dense::new(1, 1, &mut nn::rng(0)));
    let (x, target) = (Tensor::from([[1.0]]), Targets::Values(Tensor::from([[5.0]])));
    let mut optimizer = Lbfgs::new().iterations(usize::MAX).unwrap();
    for _ in 0..2 {
        let step = optimizer.step(&mut model, |model| {
            let tape = Tape::new();
            let pass = Pass::train(&tape, 0);
            let loss = MeanSquaredError.loss(model.forward(&pass, pass.input(&x)), &target)?;
            Ok((loss.item(), pass.gradients(loss)?))
        });
        step.unwrap();
    }
    approx::assert_relative_eq!(predict(&model, &x).unwrap().item(), 5.0, max_relative = 1e-3);

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run");
    run(fit().callback(SaveCheckpoint::new(&file).keep(usize::MAX))).unwrap();
    assert!(dir.path().join("run.2").exists() && !dir.path().join("run.3").exists());
}

#[cfg(feature = "plot")]
#[test]
fn a_picture_of_huge_values_is_drawn() {
    for values in [[f64::MAX, -f64::MAX], [f64::MAX, f64::MAX], [1e300, 5e-324]] {
        let log = |(epoch, &loss): (usize, &f64)| EpochLog {
            epoch: epoch + 1,
            values: vec![("loss".into(), loss)],
        };
        let history =
            History { epochs: values.iter().enumerate().map(log).collect(), stopped: None };
        assert!(history.to_svg().contains("polyline"));
    }
}

#[test]
fn a_layer_that_records_nothing_passes_on_what_it_is_given() {
    let inner = Sequential::<f64>::new().then(Dropout::new(0.5).unwrap()).then(Identity);
    let model =
        Sequential::new().then(Identity).then(Dense::new(4, 3, &mut nn::rng(0))).then(inner);
    let of_layers = summary(&model, &[4]).unwrap();
    let outputs: Vec<_> = of_layers.layers.iter().map(|layer| layer.output[1]).collect();
    assert_eq!(outputs, [4, 3, 3, 3, 3]);
}

#[test]
fn a_name_that_is_taken_is_refused_where_it_is_given() {
    let given = catch_unwind(AssertUnwindSafe(|| {
        drop(Sequential::<f64>::new().named("1", Relu).then(Tanh));
    }));
    let message = *given.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(message, "two layers are named \"1\"");
}

/// Eight rows, six of which do not count: the accuracy is that of two, in training by batches of any size as in
/// validation.
#[test]
fn accuracy_is_of_the_rows_that_count() {
    let data = Dataset::classification(inputs(), vec![2, 2, 2, 1, 2, 2, 2, 0], 3).unwrap();
    let mut model = Sequential::<f64>::new().then(Dense::new(2, 3, &mut nn::rng(0)));
    let outputs = predict(&model, data.inputs()).unwrap();
    let largest = |row: usize| {
        let row = &outputs.to_vec()[3 * row..3 * row + 3];
        (0..3).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()
    };
    let right = f64::from(u8::from(largest(3) == 1) + u8::from(largest(7) == 0)) / 2.0;
    for batch_size in [1, 3, 8] {
        let history = Fit::new()
            .epochs(1)
            .batch_size(batch_size)
            .progress(false)
            .validation(&data)
            .run(&mut model, &data, &CrossEntropy.ignore(2), &mut Sgd::new(1e-12).unwrap())
            .unwrap();
        assert_eq!(history.epochs[0].value("accuracy"), Some(right), "in batches of {batch_size}");
        assert_eq!(history.epochs[0].value("validation accuracy"), Some(right));
    }
}

fn inputs() -> Tensor<f64> {
    let numbers = (0..16).map(|i| (f64::from(i) * 1.7).sin()).collect();
    Tensor::from_shape_vec(&[8, 2], numbers).unwrap()
}

/// Class 2 is not among the samples that a loss is tried on first.
#[test]
fn weights_of_classes_that_come_late_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run");
    let numbers = (0..200).map(|i| (f64::from(i) * 1.3).cos()).collect();
    let inputs = Tensor::from_shape_vec(&[100, 2], numbers).unwrap();
    let labels = (0..100).map(|row| if row >= 90 { 2 } else { row % 2 }).collect();
    let data = Dataset::classification(inputs, labels, 3).unwrap();
    let run = |weight: f64, mut fit: Fit<'_, f64>| {
        let mut model = Sequential::<f64>::new().then(Dense::new(2, 3, &mut nn::rng(0)));
        let loss = CrossEntropy.class_weights(&[1.0, 1.0, weight]).unwrap();
        fit.run(&mut model, &data, &loss, &mut Sgd::new(0.1).unwrap())
    };
    run(1.0, fit().callback(SaveCheckpoint::new(&file))).unwrap();
    let error = run(50.0, fit().epochs(4).resume(&file)).unwrap_err().to_string();
    assert!(error.contains("another loss"), "{error}");
    assert_eq!(run(1.0, fit().epochs(4).resume(&file)).unwrap().epochs.len(), 4);
}
