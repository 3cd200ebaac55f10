//! Training as people know it: callbacks, history, summaries.

use nn::Error;
use nn::data::{DataLoader, digits};
use nn::optim::{Lion, Penalty};
use nn::prelude::*;
use nn::schedule::{Chain, Linear, Plateau};
use nn::train::{Run, StepView};

fn small() -> Dataset<f32> {
    digits().first_rows(240).unwrap()
}

fn network(seed: u64) -> Sequential<f32> {
    let mut rng = nn::rng(seed);
    Sequential::new()
        .then(Dense::new(64, 16, &mut rng))
        .then(Relu)
        .then(Dense::new(16, 10, &mut rng))
}

fn numbers(model: &Sequential<f32>) -> Vec<f32> {
    model.parameters().iter().flat_map(|(_, p)| p.value.to_vec()).collect()
}

fn fit<'d>() -> Fit<'d, f32> {
    Fit::new().batch_size(32).progress(false)
}

/// Writes down when it is called.
#[derive(Default)]
struct Diary {
    lines: Vec<String>,
}

impl Callback<f32> for Diary {
    fn name(&self) -> &'static str {
        "diary"
    }
    fn columns(&self, _model: &dyn Module<f32>) -> Vec<String> {
        vec!["pages".into()]
    }
    fn on_start(&mut self, run: &mut Run<'_, f32>, columns: &[String]) -> Result<(), Error> {
        self.lines.push(format!("start {} {} {}", run.epoch, run.batches, columns.join("|")));
        Ok(())
    }
    fn on_epoch_start(&mut self, run: &mut Run<'_, f32>) -> Result<(), Error> {
        self.lines.push(format!("epoch {}", run.epoch));
        Ok(())
    }
    fn on_gradients(
        &mut self,
        run: &mut Run<'_, f32>,
        step: &mut StepView<'_, '_, f32>,
    ) -> Result<(), Error> {
        if run.step < 2 {
            self.lines.push(format!("step {} of {}", run.step, step.batch.len()));
        }
        Ok(())
    }
    fn on_epoch_end(&mut self, run: &mut Run<'_, f32>) -> Result<(), Error> {
        run.log("pages", self.lines.len() as f64);
        self.lines.push(format!("epoch {} ends", run.history.last().unwrap().epoch));
        Ok(())
    }
    fn on_end(&mut self, run: &mut Run<'_, f32>) -> Result<(), Error> {
        self.lines.push(format!("end after {} steps", run.step));
        Ok(())
    }
}

#[test]
fn callbacks_are_called_at_their_moments() {
    let (data, mut diary) = (small(), Diary::default());
    let history = fit()
        .epochs(2)
        .batch_size(100)
        .validation_split(0.25)
        .callback(&mut diary)
        .run(&mut network(1), &data, &CrossEntropy, &mut Sgd::new(0.1).unwrap())
        .unwrap();
    assert_eq!(
        diary.lines,
        [
            "start 0 2 loss|accuracy|validation loss|validation accuracy|pages",
            "epoch 1",
            "step 0 of 100",
            "step 1 of 80",
            "epoch 1 ends",
            "epoch 2",
            "epoch 2 ends",
            "end after 4 steps"
        ]
    );
    assert_eq!(history.column("pages"), [(1, 4.0), (2, 6.0)]);
    assert_eq!(
        history.columns(),
        ["loss", "accuracy", "validation loss", "validation accuracy", "pages"]
    );
}

#[test]
fn a_callback_may_change_the_gradients() {
    struct Zero;
    impl Callback<f32> for Zero {
        fn name(&self) -> &'static str {
            "zero"
        }
        fn on_gradients(
            &mut self,
            run: &mut Run<'_, f32>,
            step: &mut StepView<'_, '_, f32>,
        ) -> Result<(), Error> {
            for (_, parameter) in run.model.parameters() {
                let gradient = step.gradients.of_mut(parameter).expect("a gradient");
                *gradient = Tensor::zeros(gradient.shape());
            }
            Ok(())
        }
    }
    let mut model = network(1);
    let before = numbers(&model);
    let mut sgd = Sgd::new(0.1).unwrap();
    fit().epochs(1).callback(Zero).run(&mut model, &small(), &CrossEntropy, &mut sgd).unwrap();
    assert_eq!(numbers(&model), before);
}

/// A validation set that is labelled wrongly, so that its loss rises as training goes on.
fn mislabelled() -> Dataset<f32> {
    let data = small();
    let wrong: Vec<usize> = data.labels().unwrap().iter().map(|label| 9 - label).collect();
    Dataset::classification(data.inputs().clone(), wrong, 10).unwrap()
}

/// Puts a score into the record of each epoch.
struct Scores(&'static [f64]);
impl Callback<f32> for Scores {
    fn name(&self) -> &'static str {
        "scores"
    }
    fn columns(&self, _model: &dyn Module<f32>) -> Vec<String> {
        vec!["score".into()]
    }
    fn on_epoch_end(&mut self, run: &mut Run<'_, f32>) -> Result<(), Error> {
        run.log("score", self.0[run.epoch - 1]);
        Ok(())
    }
}

/// The epoch of a checkpoint.
fn epoch_of(file: &std::path::Path) -> f64 {
    nn::save::Checkpoint::<f32>::load(file).unwrap().state.numbers["epoch"]
}

#[test]
fn early_stopping_goes_on_waiting_when_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("last");
    let run = |epochs: usize, stop: &mut EarlyStopping<f32>, resume: bool| {
        let mut model = network(1);
        let mut fit = fit().epochs(epochs).callback(Scores(&[3.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]));
        fit = fit.callback(stop).callback(SaveCheckpoint::new(&file));
        if resume {
            fit = fit.resume(&file);
        }
        let history =
            fit.run(&mut model, &small(), &CrossEntropy, &mut Adam::new(0.01).unwrap()).unwrap();
        (numbers(&model), history)
    };
    let stopping = || EarlyStopping::watching(Monitor::lowest("score")).patience(3).restore_best();
    let (mut whole, mut first, mut second) = (stopping(), stopping(), stopping());
    let (best, history) = run(7, &mut whole, false);
    assert_eq!((history.epochs.len(), whole.best_epoch()), (5, 2));
    // The first part has waited for two of the three epochs.
    run(4, &mut first, false);
    assert_eq!(run(7, &mut second, true), (best, history));
    assert_eq!(second.best_epoch(), 2);
}

#[test]
fn the_best_parameters_come_back_with_their_buffers_without_a_stop() {
    let everything = |model: &Sequential<f32>| {
        let mut all = Vec::new();
        model.visit(&mut |_, parameter| all.extend(parameter.value.to_vec()));
        all
    };
    let run = |epochs: usize, mut stop: EarlyStopping<f32>| {
        let mut rng = nn::rng(1);
        let mut model = Sequential::new()
            .then(Dense::new(64, 8, &mut rng))
            .then(BatchNorm1d::new(8))
            .then(Dense::new(8, 10, &mut rng));
        let mut fit = fit().epochs(epochs).callback(Scores(&[2.0, 1.0, 4.0, 3.0]));
        fit = fit.callback(&mut stop);
        let mut sgd = Sgd::new(0.1).unwrap();
        let history = fit.run(&mut model, &small(), &CrossEntropy, &mut sgd).unwrap();
        assert_eq!(history.stopped, None);
        everything(&model)
    };
    let stopping = || EarlyStopping::watching(Monitor::lowest("score")).patience(9);
    assert_eq!(run(4, stopping().restore_best()), run(2, stopping()));
    assert_ne!(run(4, stopping()), run(2, stopping()));
}

#[test]
fn a_run_without_epochs_gives_nothing_back() {
    let mut stop = EarlyStopping::watching(Monitor::lowest("loss")).restore_best();
    let mut sgd = Sgd::new(0.1).unwrap();
    let mut run = |epochs: usize, model: &mut Sequential<f32>| {
        let mut fit = fit().epochs(epochs).callback(&mut stop);
        fit.run(model, &small(), &CrossEntropy, &mut sgd).unwrap();
    };
    run(2, &mut network(1));
    // What the callback kept belongs to the run before.
    let mut other = network(5);
    run(0, &mut other);
    assert_eq!(numbers(&other), numbers(&network(5)));
}

/// Data on which the squares of the outputs of a network overflow in f32.
fn overflowing() -> Dataset<f32> {
    let data = small();
    Dataset::classification(data.inputs().scale(1e30), data.labels().unwrap().to_vec(), 10).unwrap()
}

#[test]
fn an_epoch_with_an_infinite_validation_loss_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("last");
    let validation = overflowing();
    let run = |terminate: bool| {
        let mut fit = fit().epochs(3).validation(&validation).callback(SaveCheckpoint::new(&file));
        if terminate {
            fit = fit.callback(TerminateOnNan);
        }
        fit.run(&mut network(1), &small(), &MeanOfSquares, &mut Sgd::new(1e-3).unwrap()).unwrap()
    };
    let history = run(false);
    assert_eq!(history.last().unwrap().validation_loss(), Some(f64::INFINITY));
    assert!(history.last().unwrap().loss().is_finite() && !file.exists());
    // With the callback that ends the run at such a value, it ends after the first epoch.
    let history = run(true);
    assert_eq!(history.epochs.len(), 1);
    assert_eq!(history.stopped.unwrap(), "validation loss is inf in epoch 1");
}

#[test]
fn the_best_checkpoint_stays_the_best_of_a_resumed_run() {
    let folder = tempfile::tempdir().unwrap();
    let (last, best) = (folder.path().join("last"), folder.path().join("best"));
    let run = |epochs: usize, resume: bool| {
        let mut fit = fit().epochs(epochs).callback(Scores(&[1.0, 2.0, 1.5, 0.5]));
        fit = fit.callback(SaveCheckpoint::new(&last));
        fit = fit.callback(SaveCheckpoint::new(&best).best(Monitor::lowest("score")));
        if resume {
            fit = fit.resume(&last);
        }
        fit.run(&mut network(1), &small(), &CrossEntropy, &mut Sgd::new(0.1).unwrap()).unwrap();
        (epoch_of(&last), epoch_of(&best))
    };
    assert_eq!(run(2, false), (2.0, 1.0));
    assert_eq!(run(3, true), (3.0, 1.0));
    assert_eq!(run(4, true), (4.0, 4.0));
}

#[test]
fn a_value_improves_only_if_it_is_better() {
    let (low, high) = (Monitor::lowest("x"), Monitor::highest("x"));
    assert!(low.improves(0.5, 1.0, 0.0) && high.improves(1.5, 1.0, 0.0));
    for monitor in [&low, &high] {
        assert!(!monitor.improves(1.0, 1.0, 0.0) && !monitor.improves(f64::NAN, 1.0, 0.0));
    }
    // By exactly as much as it must is not by more.
    assert!(!low.improves(0.5, 1.0, 0.5) && low.improves(0.25, 1.0, 0.5));
    assert!(!high.improves(1.5, 1.0, 0.5) && high.improves(1.75, 1.0, 0.5));
}

#[test]
fn a_schedule_may_count_steps() {
    let schedule = nn::schedule::StepDecay::new(1, 0.5).unwrap();
    let history = fit()
        .epochs(2)
        .callback(LearningRate::new(schedule).every_step())
        .run(&mut network(1), &small(), &CrossEntropy, &mut Sgd::new(1.0).unwrap())
        .unwrap();
    // Eight steps an epoch; what is recorded is the rate of the last.
    assert_eq!(history.column("learning rate"), [(1, 0.5_f64.powi(7)), (2, 0.5_f64.powi(15))]);
}

#[test]
fn early_stopping_gives_back_the_best_parameters() {
    let (train, validation) = (small(), mislabelled());
    let run = |epochs, stop: &mut EarlyStopping<f32>| {
        let mut model = network(2);
        let mut optimizer = Adam::new(0.01).unwrap();
        let history = fit()
            .epochs(epochs)
            .validation(&validation)
            .callback(stop)
            .run(&mut model, &train, &CrossEntropy, &mut optimizer)
            .unwrap();
        (model, history)
    };
    let mut stop = EarlyStopping::new().patience(3).restore_best();
    let (model, history) = run(50, &mut stop);
    let best = history.lowest("validation loss").unwrap().epoch;
    assert_eq!((stop.best_epoch(), history.epochs.len()), (best, best + 3));
    let reason = history.stopped.clone().unwrap();
    assert!(reason.starts_with("validation loss has not improved on"), "{reason}");
    assert!(reason.ends_with(&format!("(epoch {best}) for 3 epochs")), "{reason}");

    let (after_best, _) = run(best, &mut EarlyStopping::new().patience(99));
    assert_eq!(numbers(&model), numbers(&after_best));
    let loss = evaluate(&model, &validation, &CrossEntropy).unwrap().loss;
    assert_eq!(loss, history.epochs[best - 1].validation_loss().unwrap());
}

#[test]
fn what_cannot_be_monitored_is_refused_before_training() {
    let mut model = network(1);
    let before = numbers(&model);
    let mut sgd = Sgd::new(0.1).unwrap();
    let mut run = |stop| fit().callback(stop).run(&mut model, &small(), &CrossEntropy, &mut sgd);
    assert_eq!(
        run(EarlyStopping::new()).unwrap_err().to_string(),
        "there is no value \"validation loss\" to monitor; an epoch of this run has: loss, accuracy"
    );
    let error = run(EarlyStopping::watching(Monitor::lowest("loss")).patience(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the patience of early stopping is 0, but must be at least 1 epoch"
    );
    let split = fit().validation_split(1.0).run(&mut model, &small(), &CrossEntropy, &mut sgd);
    assert!(matches!(split, Err(Error::Data(_))));
    assert_eq!(numbers(&model), before);
}

#[test]
fn gradient_norms_are_means_over_the_steps_of_their_epoch() {
    // Steps too small to change a weight, on all data at once: every epoch has the same gradient.
    let history = fit()
        .epochs(3)
        .batch_size(240)
        .callback(GradientNorms::new())
        .run(&mut network(3), &small(), &CrossEntropy, &mut Sgd::new(1e-30).unwrap())
        .unwrap();
    let norms: Vec<f64> = history.column("gradient norm").iter().map(|norm| norm.1).collect();
    assert!(norms[0] > 0.1);
    for norm in &norms[1..] {
        assert!((norm - norms[0]).abs() < 1e-4 * norms[0], "{norms:?}");
    }
}

#[test]
fn gradient_norms_are_those_of_the_gradients() {
    let data = small();
    let model = network(3);
    // One batch, so that the mean over steps is the norm of its gradient.
    let batch = data.batches(240, Some(nn::epoch_seed(0, 1))).unwrap().next().unwrap();
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let output = model.forward(&pass, pass.input(&batch.inputs));
    let gradients = pass.gradients(CrossEntropy.loss(output, &batch.targets).unwrap()).unwrap();
    let mut squares = Vec::new();
    for (_, parameter) in model.parameters() {
        let gradient = gradients.of(parameter).unwrap().to_vec();
        squares.push(gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>());
    }

    let mut model = network(3);
    let history = fit()
        .epochs(1)
        .batch_size(240)
        .callback(GradientNorms::new().by_parameter())
        .run(&mut model, &data, &CrossEntropy, &mut Sgd::new(0.1).unwrap())
        .unwrap();
    let norm = |name: &str| history.epochs[0].value(name).unwrap();
    approx::assert_relative_eq!(norm("gradient norm"), squares.iter().sum::<f64>().sqrt());
    approx::assert_relative_eq!(norm("gradient norm 2.bias"), squares[3].sqrt());
}

#[test]
fn dead_units_are_counted() {
    let mut model = network(4);
    // Units 0 and 5 can never be above 0.
    model.visit_mut(&mut |path, parameter| {
        if path == "0.bias" {
            let mut bias = parameter.value.view_mut();
            bias[0] = -1e6;
            bias[5] = -1e6;
        }
    });
    let mut dead = DeadUnits::new();
    let history = fit()
        .epochs(2)
        .callback(&mut dead)
        .run(&mut model, &small(), &CrossEntropy, &mut Sgd::new(0.001).unwrap())
        .unwrap();
    assert_eq!(history.column("dead units"), [(1, 2.0), (2, 2.0)]);
    assert_eq!(dead.by_layer(), [("1 relu".to_owned(), 2, 16)]);
    assert_eq!(dead.to_string(), "1 relu: 2 of 16 units are dead\n");
}

#[test]
fn a_csv_log_has_a_line_an_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.csv");
    let history = fit()
        .epochs(2)
        .callback(CsvLog::new(&path))
        .run(&mut network(1), &small(), &CrossEntropy, &mut Sgd::new(0.1).unwrap())
        .unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), history.to_csv());
    let missing = dir.path().join("no such folder").join("log.csv");
    let error = fit()
        .callback(CsvLog::new(missing))
        .run(&mut network(1), &small(), &CrossEntropy, &mut Sgd::new(0.1).unwrap())
        .unwrap_err();
    assert!(error.to_string().starts_with("cannot write "), "{error}");
}

#[test]
fn a_loss_that_explodes_says_where_and_keeps_the_history() {
    // The rate is far too large: the weights overflow in the first epochs.
    let run = |terminate: bool| {
        let mut model = network(1);
        let mut fit = fit().epochs(40);
        if terminate {
            fit = fit.callback(TerminateOnNan);
        }
        fit.run(&mut model, &small(), &MeanOfSquares, &mut Sgd::new(1e6).unwrap())
    };
    let Err(Error::NotFinite { first, history, epoch, .. }) = run(false) else {
        panic!("the loss should not be finite")
    };
    assert!(first.contains("of op square, from crates/nn/tests/fit.rs"), "{first}");
    assert_eq!(history.epochs.len(), epoch - 1);
    let history = run(true).unwrap();
    let reason = history.stopped.unwrap();
    assert!(reason.contains("the first value that is not finite is that of op"), "{reason}");
}

/// Grows without bound where cross-entropy would settle.
struct MeanOfSquares;
impl Loss<f32> for MeanOfSquares {
    fn name(&self) -> &'static str {
        "mean of squares"
    }
    fn target(&self, _: &[usize], _: &Targets<f32>) -> Result<Tensor<f32>, Error> {
        Ok(Tensor::scalar(0.0))
    }
    fn between<'t>(&self, output: Var<'t, f32>, _: Var<'t, f32>) -> Var<'t, f32> {
        output.square().mean()
    }
}

#[test]
fn a_history_is_a_table_a_csv_and_a_picture() {
    let history = fit()
        .epochs(3)
        .validation_split(0.25)
        .run(&mut network(1), &small(), &CrossEntropy, &mut Sgd::new(0.1).unwrap())
        .unwrap();
    let table = history.to_string();
    assert_eq!(table.lines().filter(|line| line.contains("0.")).count(), 3, "{table}");
    let line = history.epochs[1].to_string();
    assert!(line.starts_with("epoch   2  loss "), "{line}");
    let csv = history.to_csv();
    assert_eq!(csv.lines().count(), 4);
    let last: Vec<f64> =
        csv.lines().last().unwrap().split(',').map(|x| x.parse().unwrap()).collect();
    assert_eq!(last[1], history.epochs[2].loss());
    #[cfg(feature = "plot")]
    assert_both_curves(&history);
}

/// What is drawn of a run with validation.
#[cfg(feature = "plot")]
fn assert_both_curves(history: &nn::History) {
    let svg = history.to_svg();
    // Two panels (loss, accuracy), each with a line for training and one for validation, which
    // also stand in the legend.
    for color in ["#1F77B4", "#D65F0E"] {
        assert_eq!(svg.matches(&format!("stroke=\"{color}\"")).count(), 4, "{svg}");
    }
    assert!(svg.contains("validation") && svg.matches("</svg>").count() == 1);
}

#[test]
fn a_summary_is_made_before_any_data_is_seen() {
    let mut rng = nn::rng(0);
    let encoder = Sequential::<f32>::new().then(Dense::new(784, 30, &mut rng)).then(Sigmoid);
    let mut model = Sequential::new().named("encoder", encoder).then(Dense::new(30, 10, &mut rng));
    model["encoder"].visit_mut(&mut |_, parameter| parameter.freeze());
    let summary = summary(&model, &[784]).unwrap();
    let row = |i: usize| {
        let layer = &summary.layers[i];
        (layer.path.as_str(), layer.parameters, layer.mult_adds, layer.activation_bytes)
    };
    assert_eq!(row(0).0, "encoder");
    assert_eq!((row(1).0, row(1).1, row(1).2), ("encoder.0", 784 * 30 + 30, 784 * 30));
    assert_eq!(row(2), ("encoder.1", 0, 0, 30 * 4));
    assert_eq!((row(3).0, row(3).1), ("1", 310));
    assert_eq!((summary.total.parameters, summary.trained), (784 * 30 + 30 + 310, 310));
    assert_eq!(summary.parameter_bytes, 4 * (784 * 30 + 30 + 310));
    let text = summary.to_string();
    assert!(text.contains("encoder.0") && text.contains("[N, 30]") && text.contains("23,550"));
    assert!(text.contains("310 parameters trained, 23,550 frozen"), "{text}");

    let error = nn::summary(&model, &[100]).unwrap_err().to_string();
    assert_eq!(
        error,
        "layer encoder.0 Dense(784 → 30) takes an input of shape […, 784], but is given [1, 100]"
    );
}

#[test]
fn a_loader_can_be_trained_on() {
    let data = small();
    let train = |fit: &mut Fit<'_, f32>, from: &dyn Fn(&mut Fit<'_, f32>, &mut Sequential<f32>)| {
        let mut model = network(1);
        from(fit, &mut model);
        numbers(&model)
    };
    let sgd = || Sgd::new(0.1).unwrap();
    let from_data = train(&mut fit().epochs(2).seed(5), &|fit, model| {
        fit.run(model, &data, &CrossEntropy, &mut sgd()).unwrap();
    });
    let loader = DataLoader::new(data.clone(), 32).unwrap().shuffle(5).prefetch(2);
    let from_loader = train(&mut fit().epochs(2), &|fit, model| {
        fit.run(model, &loader, &CrossEntropy, &mut sgd()).unwrap();
    });
    assert_eq!(from_data, from_loader);
}

#[test]
fn a_split_of_a_loaders_data_keeps_its_settings() {
    let data = small();
    let sgd = || Sgd::new(0.1).unwrap();
    let loader = |data: &Dataset<f32>| {
        DataLoader::new(data.clone(), 50)
            .unwrap()
            .shuffle(5)
            .augment([nn::data::Augment::noise(0.1)], 3)
            .unwrap()
            .drop_last()
            .unwrap()
    };
    let mut split = network(1);
    let history = fit()
        .epochs(2)
        .seed(4)
        .validation_split(0.2)
        .run(&mut split, &loader(&data), &CrossEntropy, &mut sgd())
        .unwrap();
    let (training, validation) = data.split(0.2, 4).unwrap();
    assert_eq!(loader(&training).batches_per_epoch(), 3);
    let mut by_hand = network(1);
    let same = fit()
        .epochs(2)
        .seed(4)
        .validation(&validation)
        .run(&mut by_hand, &loader(&training), &CrossEntropy, &mut sgd())
        .unwrap();
    assert_eq!(numbers(&split), numbers(&by_hand));
    assert_eq!(history, same);
    // 40 of 240 rows are too few for a batch of 50 that is to be whole.
    let mut fit = fit().validation_split(5.0 / 6.0);
    let error = fit.run(&mut split, &loader(&data), &CrossEntropy, &mut sgd()).unwrap_err();
    assert!(error.to_string().contains("leave none of 40 rows"), "{error}");
}

#[test]
fn the_last_incomplete_batch_can_be_left_out() {
    let data = small();
    let mut model = network(1);
    let mut diary = Diary::default();
    let mut sgd = Sgd::new(0.1).unwrap();
    let mut run = fit().epochs(1).batch_size(100).drop_last().callback(&mut diary);
    run.run(&mut model, &data, &CrossEntropy, &mut sgd).unwrap();
    drop(run);
    assert_eq!(diary.lines.last().unwrap(), "end after 2 steps");
    let loader = DataLoader::new(data.clone(), 100).unwrap().shuffle(0).drop_last().unwrap();
    let mut from_loader = network(1);
    let mut sgd = Sgd::new(0.1).unwrap();
    fit().epochs(1).run(&mut from_loader, &loader, &CrossEntropy, &mut sgd).unwrap();
    assert_eq!(numbers(&model), numbers(&from_loader));
    let too_few = fit().batch_size(241).drop_last().run(&mut model, &data, &CrossEntropy, &mut sgd);
    assert!(too_few.unwrap_err().to_string().contains("leave none of 240 rows"));
}

#[test]
fn numbers_that_are_not_finite_are_refused_with_their_row() {
    let mut rows = vec![0.5; 3 * 64];
    rows[64 + 7] = f32::NAN;
    let inputs = Tensor::from_shape_vec(&[3, 64], rows).unwrap();
    let data = Dataset::classification(inputs, vec![0, 1, 2], 10).unwrap();
    let error =
        fit().run(&mut network(1), &data, &CrossEntropy, &mut Sgd::new(0.1).unwrap()).unwrap_err();
    assert!(error.to_string().contains("row 1"), "{error}");
}

/// A run with much to remember, of which `epochs` are done.
fn eventful(epochs: usize, stop: &mut EarlyStopping<f32>) -> Fit<'_, f32> {
    let schedule = Chain::new(Linear::warm_up(5).unwrap())
        .then(5, Plateau::new(0.5).unwrap().patience(0).threshold(0.05).unwrap())
        .unwrap();
    fit()
        .epochs(epochs)
        .seed(7)
        .validation_split(0.25)
        .callback(LearningRate::new(schedule).every_step().watching("validation loss"))
        .callback(stop)
        .callback(ClipGradients::Norm(1.0))
        .penalty(Penalty::l2(1e-3).unwrap())
}

#[test]
fn a_resumed_run_is_the_whole_run_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run.checkpoint");
    let data = small();
    let stopping = || EarlyStopping::new().patience(4).least_improvement(0.02).restore_best();
    let adam = || Adam::new(0.02).unwrap();

    let mut whole = network(1);
    let (mut stop, mut optimizer) = (stopping(), adam());
    let history =
        eventful(12, &mut stop).run(&mut whole, &data, &CrossEntropy, &mut optimizer).unwrap();
    let rates = history.column("learning rate");
    assert!(rates.last().unwrap().1 < 0.02, "the plateau should have been reached: {history}");

    for first_part in [1, 4, 7] {
        let mut model = network(1);
        let mut stop = stopping();
        eventful(first_part, &mut stop)
            .callback(SaveCheckpoint::new(&file))
            .run(&mut model, &data, &CrossEntropy, &mut adam())
            .unwrap();
        // Another program: another model, optimiser and callbacks.
        let mut model = network(99);
        let (mut stop, mut optimizer) = (stopping(), adam());
        let resumed = eventful(12, &mut stop)
            .callback(SaveCheckpoint::new(&file))
            .resume(&file)
            .run(&mut model, &data, &CrossEntropy, &mut optimizer)
            .unwrap();
        assert_eq!(resumed, history, "resumed after epoch {first_part}");
        assert_eq!(numbers(&model), numbers(&whole));
    }
}

#[test]
fn what_does_not_fit_a_checkpoint_is_refused_and_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run.checkpoint");
    let data = small();
    let adam = || Adam::new(0.02).unwrap();
    fit()
        .epochs(2)
        .callback(SaveCheckpoint::new(&file))
        .run(&mut network(1), &data, &CrossEntropy, &mut adam())
        .unwrap();
    let mut model = network(5);
    let before = numbers(&model);
    let mut resume =
        |fit: Fit<'_, f32>,
         optimizer: &mut dyn FnMut(Fit<'_, f32>, &mut Sequential<f32>) -> String| {
            let error = optimizer(fit.resume(&file), &mut model);
            assert_eq!(numbers(&model), before);
            error
        };
    let with_adam = &mut |mut fit: Fit<'_, f32>, model: &mut Sequential<f32>| {
        fit.run(model, &data, &CrossEntropy, &mut adam()).unwrap_err().to_string()
    };
    let error = resume(fit().seed(3), with_adam);
    assert!(error.contains("the run was begun with seed 0, not 3"), "{error}");
    let error = resume(fit().callback(EarlyStopping::watching(Monitor::lowest("loss"))), with_adam);
    assert!(error.contains("best is missing"), "{error}");
    let error = resume(fit(), &mut |mut fit, model| {
        fit.run(model, &data, &CrossEntropy, &mut Lion::new(0.02).unwrap()).unwrap_err().to_string()
    });
    assert!(error.contains("Adam") && error.contains("Lion"), "{error}");
    let mut small = Sequential::new().then(Dense::new(64, 10, &mut nn::rng(0)));
    let error = fit().resume(&file).run(&mut small, &data, &CrossEntropy, &mut adam()).unwrap_err();
    assert!(error.to_string().contains("2.weight"), "{error}");
    let missing = fit().resume(dir.path().join("none"));
    let error = { missing }.run(&mut network(1), &data, &CrossEntropy, &mut adam()).unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
}

#[test]
fn a_checkpoint_of_the_best_epoch_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("best.checkpoint");
    let (data, validation) = (small(), mislabelled());
    let mut model = network(1);
    let history = fit()
        .epochs(8)
        .validation(&validation)
        .callback(SaveCheckpoint::new(&file).best(Monitor::lowest("validation loss")))
        .run(&mut model, &data, &CrossEntropy, &mut Adam::new(0.01).unwrap())
        .unwrap();
    let best = history.lowest("validation loss").unwrap();
    assert!(best.epoch < 8, "{history}");
    let checkpoint = nn::save::Checkpoint::<f32>::load(&file).unwrap();
    assert_eq!(checkpoint.state.numbers["epoch"], best.epoch as f64);
    checkpoint.weights.restore(&mut model).unwrap();
    let loss = evaluate(&model, &validation, &CrossEntropy).unwrap().loss;
    assert_eq!(Some(loss), best.validation_loss());
}

#[test]
fn a_checkpoint_is_not_overwritten_by_a_loss_that_is_not_finite() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("last.checkpoint");
    let error = fit()
        .epochs(40)
        .callback(SaveCheckpoint::new(&file))
        .run(&mut network(1), &small(), &MeanOfSquares, &mut Sgd::new(30.0).unwrap())
        .unwrap_err();
    let Error::NotFinite { history, .. } = error else { panic!("{error}") };
    let checkpoint = nn::save::Checkpoint::<f32>::load(&file);
    match history.last() {
        Some(last) => {
            assert_eq!(checkpoint.unwrap().state.numbers["epoch"], last.epoch as f64);
        }
        None => assert!(checkpoint.is_err()),
    }
}

#[test]
fn a_schedule_that_watches_nothing_is_refused() {
    let plateau = LearningRate::new(Plateau::new(0.5).unwrap());
    let error = fit()
        .callback(plateau)
        .run(&mut network(1), &small(), &CrossEntropy, &mut Sgd::new(0.2).unwrap())
        .unwrap_err();
    assert!(error.to_string().contains("LearningRate::watching"), "{error}");
}

#[test]
fn clipping_bounds_every_step() {
    struct Bound(f64);
    impl Callback<f32> for Bound {
        fn name(&self) -> &'static str {
            "bound"
        }
        fn on_gradients(
            &mut self,
            run: &mut Run<'_, f32>,
            step: &mut StepView<'_, '_, f32>,
        ) -> Result<(), Error> {
            let norm = nn::optim::gradient_norm(step.gradients, run.model, 2.0)?;
            assert!(norm <= self.0 * (1.0 + 1e-6), "{norm}");
            Ok(())
        }
    }
    let run = |clip: Option<ClipGradients>| {
        let mut model = network(1);
        let mut fit = fit().epochs(1);
        if let Some(clip) = clip {
            fit = fit.callback(clip).callback(Bound(0.1));
        }
        fit.run(&mut model, &small(), &CrossEntropy, &mut Sgd::new(0.2).unwrap()).unwrap();
        numbers(&model)
    };
    assert_ne!(run(Some(ClipGradients::Norm(0.1))), run(None));
}

/// Two values to keep the best of, which are best in different epochs.
fn two_monitors() -> [Monitor; 2] {
    [Monitor::lowest("validation loss"), Monitor::highest("validation loss")]
}

#[test]
fn two_checkpoints_of_the_best_follow_each_its_own_value() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["low", "high"].map(|name| folder.path().join(name));
    for order in [[0, 1], [1, 0]] {
        let (data, validation) = (small(), mislabelled());
        let mut fit = fit().epochs(8).validation(&validation);
        for i in order {
            fit = fit.callback(SaveCheckpoint::new(&files[i]).best(two_monitors()[i].clone()));
        }
        let mut adam = Adam::new(0.01).unwrap();
        let history = fit.run(&mut network(1), &data, &CrossEntropy, &mut adam).unwrap();
        let epoch =
            |file| nn::save::Checkpoint::<f32>::load(file).unwrap().state.numbers["epoch"] as usize;
        let (lowest, highest) = (
            history.lowest("validation loss").unwrap(),
            history.highest("validation loss").unwrap(),
        );
        assert!(lowest.epoch < highest.epoch, "{history}");
        assert_eq!([epoch(&files[0]), epoch(&files[1])], [lowest.epoch, highest.epoch]);
    }
}

#[test]
fn a_stopped_run_stays_stopped_when_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("last");
    let (data, validation) = (small(), mislabelled());
    let run = |model: &mut Sequential<f32>, resume: bool, stop: EarlyStopping<f32>| {
        let mut fit = fit().epochs(30).validation(&validation).callback(stop);
        fit = fit.callback(SaveCheckpoint::new(&file));
        if resume {
            fit = fit.resume(&file);
        }
        fit.run(model, &data, &CrossEntropy, &mut Adam::new(0.01).unwrap()).unwrap()
    };
    let stopping = || EarlyStopping::new().patience(2).restore_best();
    let mut model = network(2);
    let history = run(&mut model, false, stopping());
    assert!(history.stopped.is_some() && history.epochs.len() < 30);
    for _ in 0..2 {
        let mut again = network(99);
        assert_eq!(run(&mut again, true, stopping()), history);
        assert_eq!(numbers(&again), numbers(&model));
    }
    // So does one that a callback has stopped.
    let by_hand = |resume: bool| {
        let mut fit = fit().epochs(5).callback(on_epoch_end(|run: &mut Run<'_, f32>| {
            if run.epoch == 2 {
                run.stop("two are enough: \"so\", was said");
            }
            Ok(())
        }));
        fit = fit.callback(SaveCheckpoint::new(&file));
        if resume {
            fit = fit.resume(&file);
        }
        fit.run(&mut network(1), &data, &CrossEntropy, &mut Adam::new(0.01).unwrap()).unwrap()
    };
    assert_eq!(by_hand(false).epochs.len(), 2);
    assert_eq!(by_hand(true), by_hand(true));
    assert_eq!(by_hand(true).stopped.unwrap(), "two are enough: \"so\", was said");
}

#[test]
fn a_csv_log_of_a_resumed_run_has_every_epoch_once() {
    let folder = tempfile::tempdir().unwrap();
    let (log, file) = (folder.path().join("log.csv"), folder.path().join("last"));
    let data = small();
    let run = |epochs: usize, every: usize, resume: bool| {
        let mut fit = fit()
            .epochs(epochs)
            .callback(CsvLog::new(&log))
            .callback(SaveCheckpoint::new(&file).every(every));
        if resume {
            fit = fit.resume(&file);
        }
        fit.run(&mut network(1), &data, &CrossEntropy, &mut Adam::new(0.01).unwrap()).unwrap()
    };
    // The program ends after epoch 5, and its last checkpoint is of epoch 3.
    run(5, 3, false);
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 6);
    let history = run(7, 3, true);
    assert_eq!(history.epochs.len(), 7);
    assert_eq!(std::fs::read_to_string(&log).unwrap(), history.to_csv());
    // A log that is gone is written again.
    std::fs::remove_file(&log).unwrap();
    assert_eq!(run(8, 9, true).to_csv(), std::fs::read_to_string(&log).unwrap());
}

/// Refuses every run.
struct Refuses;
impl Callback<f32> for Refuses {
    fn name(&self) -> &'static str {
        "refuses"
    }
    fn on_start(&mut self, _: &mut Run<'_, f32>, _: &[String]) -> Result<(), Error> {
        Err(Error::Setting { setting: "this run", given: "bad".into(), allowed: "good" })
    }
}

#[test]
fn a_run_that_is_refused_leaves_an_old_log_alone() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.csv");
    std::fs::write(&log, "epoch,loss\n1,0.5\n").unwrap();
    let mut sgd = Sgd::new(0.1).unwrap();
    let mut fit = fit().callback(CsvLog::new(&log)).callback(Refuses);
    fit.run(&mut network(1), &small(), &CrossEntropy, &mut sgd).unwrap_err();
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "epoch,loss\n1,0.5\n");
}

#[test]
fn a_second_run_with_a_plateau_starts_afresh() {
    // A value that never improves, with the same callback in both runs.
    let plateau = Plateau::new(0.5).unwrap().patience(0).absolute_threshold(1e9).unwrap();
    let schedule = Chain::new(plateau).then(9, Linear::warm_up(5).unwrap()).unwrap();
    let mut plateau = LearningRate::new(schedule).watching("loss");
    for _ in 0..2 {
        let mut adam = Adam::new(0.01).unwrap();
        let history = fit()
            .epochs(4)
            .callback(&mut plateau)
            .run(&mut network(1), &small(), &CrossEntropy, &mut adam)
            .unwrap();
        let rates = history.column("learning rate");
        assert_eq!(rates, [(1, 0.01), (2, 0.01), (3, 0.005), (4, 0.0025)]);
    }
}

#[test]
fn a_second_run_starts_at_the_rate_of_the_first() {
    let mut adam = Adam::new(0.01).unwrap();
    for _ in 0..2 {
        let history = fit()
            .epochs(4)
            .callback(LearningRate::new(Linear::new(1.0, 0.25, 3).unwrap()))
            .run(&mut network(1), &small(), &CrossEntropy, &mut adam)
            .unwrap();
        let rates: Vec<f64> = history.column("learning rate").iter().map(|r| r.1).collect();
        assert_eq!([rates[0], rates[3]], [0.01, 0.0025]);
        assert_eq!(Optimizer::<f32>::learning_rate(&adam), 0.01);
    }
}

#[test]
fn what_is_done_at_the_end_is_done_by_all() {
    /// Fails at the end.
    struct Fails;
    impl Callback<f32> for Fails {
        fn name(&self) -> &'static str {
            "fails"
        }
        fn on_end(&mut self, _: &mut Run<'_, f32>) -> Result<(), Error> {
            Err(Error::Setting { setting: "the end", given: "bad".into(), allowed: "good" })
        }
    }
    let mut diary = Diary::default();
    let mut sgd = Sgd::new(0.1).unwrap();
    let mut fit = fit().epochs(1).callback(Fails).callback(&mut diary);
    let error = fit.run(&mut network(1), &small(), &CrossEntropy, &mut sgd).unwrap_err();
    assert!(error.to_string().contains("the end is bad"), "{error}");
    drop(fit);
    assert_eq!(diary.lines.last().unwrap(), "end after 8 steps");
}

#[test]
fn what_a_resumed_run_has_otherwise_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("last");
    let (data, validation) = (small(), mislabelled());
    let adam = || Adam::new(0.02).unwrap();
    let mut begun = fit().epochs(2).validation(&validation).penalty(Penalty::l2(0.1).unwrap());
    begun = begun.callback(SaveCheckpoint::new(&file));
    let smooth = || CrossEntropy.label_smoothing(0.1).unwrap();
    begun.run(&mut network(1), &data, &smooth(), &mut adam()).unwrap();
    let mut model = network(5);
    let before = numbers(&model);
    let mut says = |change: &dyn Fn(Fit<'static, f32>) -> Fit<'static, f32>,
                    data: &Dataset<f32>,
                    validation: &Dataset<f32>,
                    loss: &dyn Fn() -> nn::loss::CrossEntropyWith,
                    mut adam: Adam<f32>| {
        let fit = change(fit().epochs(4).penalty(Penalty::l2(0.1).unwrap())).resume(&file);
        let result = fit.validation(validation).run(&mut model, data, &loss(), &mut adam);
        let error = result.map_or_else(|error| error.to_string(), |_| String::new());
        if !error.is_empty() {
            assert_eq!(numbers(&model), before, "{error}");
        }
        error
    };
    let same: &dyn Fn(Fit<'static, f32>) -> Fit<'static, f32> = &|fit| fit;
    let error = says(&|fit| fit.batch_size(64), &data, &validation, &smooth, adam());
    assert!(error.contains("batch size 32") && error.contains("64"), "{error}");
    let error = says(same, &data, &validation, &smooth, Adam::new(0.01).unwrap());
    assert!(error.contains("learning rate 0.02") && error.contains("0.01"), "{error}");
    let betas = adam().betas(0.8, 0.999).unwrap();
    let error = says(same, &data, &validation, &smooth, betas);
    assert!(error.contains("beta1 0.9") && error.contains("0.8"), "{error}");
    let group = adam().group(|path| path == "0.bias", Group::new().rate_factor(0.5)).unwrap();
    let error = says(same, &data, &validation, &smooth, group);
    assert!(error.contains("rate factor of 0.bias") && error.contains("0.5"), "{error}");
    // One pixel of one row.
    let mut inputs = data.inputs().clone();
    inputs.view_mut()[[100, 7]] += 0.25;
    let other = Dataset::classification(inputs, data.labels().unwrap().to_vec(), 10).unwrap();
    let error = says(same, &other, &validation, &smooth, adam());
    assert!(error.contains("other training data"), "{error}");
    let error = says(same, &data, &data, &smooth, adam());
    assert!(error.contains("other validation data"), "{error}");
    let sharp = || CrossEntropy.label_smoothing(0.2).unwrap();
    let error = says(same, &data, &validation, &sharp, adam());
    assert!(error.contains("another loss"), "{error}");
    let penalty = |fit: Fit<'static, f32>| fit.penalty(Penalty::l2(0.2).unwrap());
    let error = says(&penalty, &data, &validation, &smooth, adam());
    assert!(error.contains("L2 penalty"), "{error}");
    assert_eq!(says(same, &data, &validation, &smooth, adam()), "");
}

#[test]
fn the_best_epoch_is_the_best_however_small_its_improvement() {
    let run = |epochs: usize, stop: &mut EarlyStopping<f32>| {
        let mut model = network(1);
        let mut fit = fit().epochs(epochs);
        fit = fit.callback(Scores(&[1.0, 0.95, 0.93, 0.97, 0.2])).callback(stop);
        let history = fit.run(&mut model, &small(), &CrossEntropy, &mut Sgd::new(0.1).unwrap());
        (numbers(&model), history.unwrap())
    };
    let stopping = || EarlyStopping::watching(Monitor::lowest("score"));
    // No epoch improves on the first by a tenth, so that it ends after three more; the third was
    // the best.
    let mut stop = stopping().patience(3).least_improvement(0.1).restore_best();
    let (best, history) = run(5, &mut stop);
    assert_eq!((history.epochs.len(), stop.best_epoch()), (4, 3));
    assert_eq!(
        history.stopped.unwrap(),
        "score has not improved on 1 (epoch 1) by more than 0.1 for 3 epochs"
    );
    assert_eq!(best, run(3, &mut stopping().patience(9)).0);
}

#[test]
fn a_run_that_is_refused_after_resuming_leaves_all_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("last");
    let data = small();
    let stopping = || EarlyStopping::watching(Monitor::lowest("loss")).patience(9);
    let adam = || Adam::new(0.02).unwrap();
    fit()
        .epochs(2)
        .callback(&mut stopping())
        .callback(SaveCheckpoint::new(&file))
        .run(&mut network(1), &data, &CrossEntropy, &mut adam())
        .unwrap();
    let (mut model, mut optimizer, mut stop) = (network(5), adam(), stopping());
    let before = numbers(&model);
    let error = fit()
        .epochs(4)
        .callback(&mut stop)
        .callback(Refuses)
        .resume(&file)
        .run(&mut model, &data, &CrossEntropy, &mut optimizer)
        .unwrap_err();
    assert!(error.to_string().contains("this run is bad"), "{error}");
    assert_eq!(numbers(&model), before);
    assert_eq!(optimizer.state(&model), adam().state(&model));
    assert_eq!(Callback::<f32>::state(&stop), Callback::<f32>::state(&stopping()));
    // Nor does a callback that was loaded stay so if a later one cannot be.
    let mut whole = stopping();
    let error = fit()
        .callback(&mut whole)
        .callback(EarlyStopping::watching(Monitor::lowest("loss")))
        .resume(&file)
        .run(&mut model, &data, &CrossEntropy, &mut optimizer)
        .unwrap_err();
    assert!(error.to_string().contains("best is missing"), "{error}");
    assert_eq!(Callback::<f32>::state(&whole), Callback::<f32>::state(&stopping()));
}

#[test]
fn a_damaged_checkpoint_names_the_one_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.checkpoint");
    let data = small();
    let run = |epochs: usize, keep: usize, resume: Option<&std::path::Path>| {
        let mut fit = fit().epochs(epochs).callback(SaveCheckpoint::new(&file).keep(keep));
        if let Some(file) = resume {
            fit = fit.resume(file);
        }
        fit.run(&mut network(1), &data, &CrossEntropy, &mut Adam::new(0.01).unwrap())
    };
    let whole = run(5, 3, None).unwrap();
    let epoch = |file: &std::path::Path| {
        nn::save::Checkpoint::<f32>::load(file).unwrap().state.numbers["epoch"]
    };
    let earlier = [1, 2, 3].map(|age| folder.path().join(format!("run.checkpoint.{age}")));
    assert_eq!([epoch(&file), epoch(&earlier[0]), epoch(&earlier[1])], [5.0, 4.0, 3.0]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);

    let damage = |file: &std::path::Path| {
        let mut bytes = std::fs::read(file).unwrap();
        let last = bytes.len() - 3;
        bytes[last] ^= 4; // a bit of a weight
        std::fs::write(file, bytes).unwrap();
    };
    damage(&file);
    damage(&earlier[0]);
    let error = run(5, 3, Some(&file)).unwrap_err().to_string();
    assert!(error.contains("its content and its checksum disagree"), "{error}");
    let named = format!("the checkpoint before it, {}, is whole", earlier[1].display());
    assert!(error.contains(&named), "{error}");
    assert_eq!(run(5, 3, Some(&earlier[1])).unwrap(), whole);
    let error = run(1, 0, None).unwrap_err().to_string();
    assert_eq!(error, "the number of checkpoints to keep is 0, but must be at least 1");
}

#[test]
fn a_log_has_what_a_callback_behind_it_records() -> Result<(), Error> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.csv");
    let data = nn::data::xor::<f64>();
    let mut model = Sequential::new().then(Dense::new(2, 1, &mut nn::rng(0)));
    Fit::new()
        .epochs(3)
        .progress(false)
        .callback(CsvLog::new(&file))
        .callback(LearningRate::new(nn::schedule::StepDecay::new(1, 0.5)?))
        .run(&mut model, &data, &MeanSquaredError, &mut Sgd::new(0.1)?)?;
    let log = std::fs::read_to_string(&file).unwrap();
    let rates: Vec<&str> =
        log.lines().skip(1).map(|line| line.rsplit(',').next().unwrap()).collect();
    assert_eq!(rates, ["0.1", "0.05", "0.025"], "{log}");
    Ok(())
}
