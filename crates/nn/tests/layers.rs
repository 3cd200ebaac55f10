//! Every layer: its shapes, its gradients, what training and evaluation change, what it refuses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use approx::assert_relative_eq;
use nn::check::{ModuleCheck, ModuleCheckError};
use nn::layers::*;
use nn::prelude::{Fit, Init, Loss, MeanSquaredError, Optimizer, Sgd, Targets, predict};
use nn::{Error, Module, Parameter, Pass};
use ops::Tensor;
use ops::declare::sample;
use tape::prelude::*;

fn rng() -> impl rand::Rng {
    nn::rng(3)
}

/// The output of a module in training, with what is random drawn from `seed`.
fn train(module: &impl Module<f64>, input: &Tensor<f64>, seed: u64) -> Tensor<f64> {
    let tape = Tape::new();
    let pass = Pass::train(&tape, seed);
    module.forward(&pass, pass.input(input)).value()
}

/// The inferred shape is the computed one, or both refuse the input.
fn shapes_agree(module: &impl Module<f64>, input: &[usize]) {
    let x = sample(input, 0);
    let computed = catch_unwind(AssertUnwindSafe(|| train(module, &x, 1)));
    match (module.output_shape(input), computed) {
        (Ok(inferred), Ok(computed)) => {
            assert_eq!(&inferred[..], computed.shape(), "{} of {input:?}", module.describe());
            assert_eq!(predict(module, &x).unwrap().shape(), computed.shape());
        }
        (Err(_), Err(_)) => {}
        (inferred, computed) => panic!(
            "{} of {input:?}: inferred {inferred:?}, computed {:?}",
            module.describe(),
            computed.map(|y| y.shape().to_vec()).ok()
        ),
    }
}

/// The gradients of both orders with respect to input and parameters.
fn check(module: &impl Module<f64>, input: &[usize]) {
    if let Err(error) = ModuleCheck::new().second_order().run(module, &sample(input, 2)) {
        panic!("{} of {input:?}: {error}", module.describe());
    }
}

/// The message of a panic.
fn message<T>(f: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).err().expect("a panic");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a message")).to_owned(),
    }
}

fn refusal(module: &impl Module<f64>, input: &[usize]) -> String {
    module.output_shape(input).unwrap_err().to_string()
}

fn paths(module: &impl Module<f64>) -> Vec<String> {
    let mut paths = Vec::new();
    module.visit(&mut |path, _| paths.push(path.to_owned()));
    paths
}

const PADDINGS: [Padding<1>; 6] = [
    Padding::Valid,
    Padding::Same,
    Padding::Sides([(1, 1)]),
    Padding::Sides([(0, 1)]),
    Padding::Sides([(1, 0)]),
    Padding::Sides([(2, 2)]),
];

/// Every combination of kernel, stride, dilation and padding in a small range.
fn settings() -> Vec<(usize, usize, usize, Padding<1>)> {
    let mut all = Vec::new();
    for kernel in 1..=3 {
        for stride in 1..=3 {
            for dilation in 1..=2 {
                all.extend(PADDINGS.map(|padding| (kernel, stride, dilation, padding)));
            }
        }
    }
    all
}

#[test]
fn shapes_of_convolutions_are_inferred() {
    for (kernel, stride, dilation, padding) in settings() {
        let conv = Conv1d::new(2, 3, kernel, &mut rng())
            .stride(stride)
            .dilation(dilation)
            .padding(padding);
        let mut transposed = ConvTranspose1d::new(2, 3, kernel, &mut rng())
            .stride(stride)
            .dilation(dilation)
            .padding(padding);
        for length in 1..=7 {
            shapes_agree(&conv, &[2, 2, length]);
            shapes_agree(&transposed, &[2, 2, length]);
        }
        if stride > 1 && padding != Padding::Same {
            transposed = transposed.output_padding(stride - 1);
            (1..=4).for_each(|length| shapes_agree(&transposed, &[1, 2, length]));
        }
    }
    let image = Conv2d::new(4, 6, [3, 2], &mut rng()).groups(2, &mut rng()).stride([1, 2]);
    for shape in [[2, 4, 5, 6], [1, 4, 3, 2], [1, 4, 2, 2], [1, 4, 3, 1], [0, 4, 3, 3]] {
        shapes_agree(&image, &shape);
        shapes_agree(&image.clone().padding(Padding::Same), &shape);
        shapes_agree(&image.clone().padding([1, 0]), &shape);
    }
    let image = ConvTranspose2d::new(4, 6, [3, 2], &mut rng())
        .groups(2, &mut rng())
        .stride([1, 2])
        .output_padding([0, 1]);
    shapes_agree(&image, &[2, 4, 3, 2]);
    for wrong in [&[2, 4, 5][..], &[2, 3, 5, 6], &[4], &[], &[2, 4, 5, 6, 1]] {
        shapes_agree(&image, wrong);
    }
}

#[test]
fn padding_same_keeps_or_divides_the_length() {
    for (kernel, stride, dilation, _) in settings() {
        let same = |length: usize| {
            let layer = Conv1d::<f64>::new(1, 1, kernel, &mut rng());
            let layer = layer.stride(stride).dilation(dilation).padding(Padding::Same);
            layer.output_shape(&[1, 1, length]).unwrap()[2]
        };
        (1..=9).for_each(|length| assert_eq!(same(length), length.div_ceil(stride)));
        let transposed = ConvTranspose1d::<f64>::new(1, 1, kernel, &mut rng());
        let transposed = transposed.stride(stride).dilation(dilation).padding(Padding::Same);
        assert_eq!(transposed.output_shape(&[1, 1, 5]).unwrap()[2], 5 * stride);
    }
    // One more zero after than before, as Keras and PyTorch have it.
    let mut layer = Conv1d::<f64>::new(1, 1, 2, &mut rng()).padding(Padding::Same);
    layer.weight.value = Tensor::from([[[10.0, 1.0]]]);
    let y = predict(&layer, &Tensor::from([[[1.0, 2.0, 3.0]]])).unwrap();
    assert_eq!(y, Tensor::from([[[12.0, 23.0, 30.0]]]));
}

#[test]
fn shapes_of_pooling_are_inferred() {
    for (kernel, stride, dilation, padding) in settings() {
        let fits = match padding {
            Padding::Sides([(before, after)]) => {
                before.max(after) * 2 <= (kernel - 1) * dilation + 1
            }
            _ => true,
        };
        if !fits {
            continue;
        }
        let max = MaxPool1d::new(kernel).stride(stride).dilation(dilation).padding(padding);
        for length in 1..=8 {
            shapes_agree(&max, &[2, 1, length]);
            shapes_agree(&max.ceil_mode(), &[2, 1, length]);
        }
        let plain = match padding {
            Padding::Sides([(before, after)]) => before.max(after) * 2 <= kernel,
            _ => true,
        };
        if dilation == 1 && plain {
            let average = AvgPool1d::new(kernel).stride(stride).padding(padding);
            for length in 1..=8 {
                shapes_agree(&average, &[2, 1, length]);
                shapes_agree(&average.ceil_mode().count_include_pad(false), &[2, 1, length]);
            }
        }
    }
    for shape in [&[2, 3, 5, 4][..], &[2, 3, 1, 1], &[2, 3, 4], &[2], &[0, 1, 2, 3]] {
        shapes_agree(&MaxPool2d::new([2, 3]).stride([1, 2]).padding([1, 0]), shape);
        shapes_agree(&AvgPool2d::new(2), shape);
        shapes_agree(&GlobalAvgPool, shape);
        shapes_agree(&GlobalMaxPool, shape);
    }
}

#[test]
fn shapes_of_the_other_layers_are_inferred() {
    let shapes =
        [&[4, 6][..], &[4, 6, 5], &[4, 6, 3, 2], &[2, 2, 6], &[6], &[], &[3, 0, 6], &[1, 6, 2]];
    for shape in shapes {
        shapes_agree(&BatchNorm1d::new(6), shape);
        shapes_agree(&BatchNorm2d::new(6), shape);
        shapes_agree(&GroupNorm::new(3, 6), shape);
        shapes_agree(&LayerNorm::new(&[6]), shape);
        shapes_agree(&LayerNorm::new(&[2, 6]), shape);
        shapes_agree(&RmsNorm::new(&[6]), shape);
        shapes_agree(&Dropout::new(0.5).unwrap(), shape);
        shapes_agree(&Flatten::new(), shape);
        shapes_agree(&Flatten::from_axis(2), shape);
        shapes_agree(&Flatten::from_axis(0), shape);
        shapes_agree(&Reshape::new([2, -1]), shape);
        shapes_agree(&Reshape::new([3, 2]), shape);
        shapes_agree(&Reshape::new([-1]), shape);
        shapes_agree(&Identity, shape);
        shapes_agree(&PRelu::new(), shape);
        shapes_agree(&PRelu::per_channel(6), shape);
        shapes_agree(&Softmax, shape);
        shapes_agree(&LogSoftmax::over(1), shape);
        shapes_agree(&Softmax::over(-2), shape);
        shapes_agree(&Residual::new(Tanh), shape);
    }
    shapes_agree(&Dropout2d::new(0.5).unwrap(), &[2, 3, 4]);
    let embedding = Embedding::<f64>::new(5, 3, &mut rng());
    for shape in [&[4][..], &[2, 3], &[]] {
        let y = predict(&embedding, &Tensor::zeros(shape)).unwrap();
        assert_eq!(*y.shape(), embedding.output_shape(shape).unwrap()[..]);
    }
}

#[test]
fn gradients_of_convolutions_match_differences() {
    let biased = ConvSettings {
        bias_init: Init::Uniform { low: -0.5, high: 0.5 },
        stride: 2.into(),
        padding: 1.into(),
        ..ConvSettings::default()
    };
    check(&Conv1d::with_settings(2, 2, 3, biased, &mut rng()).unwrap(), &[2, 2, 5]);
    check(&Conv1d::new(2, 4, 2, &mut rng()).groups(2, &mut rng()).dilation(2), &[1, 2, 5]);
    let image = Conv2d::new(2, 2, [2, 3], &mut rng());
    check(&image.padding(Padding::Same).without_bias(), &[1, 2, 3, 4]);
    let up = ConvTranspose1d::new(2, 2, 3, &mut rng()).stride(2).padding(1).output_padding(1);
    check(&up, &[2, 2, 3]);
    let image = ConvTranspose2d::new(2, 2, [2, 3], &mut rng()).groups(2, &mut rng());
    check(&image.stride([2, 1]).dilation([1, 2]), &[1, 2, 2, 2]);
    check(&ConvTranspose1d::new(1, 1, 2, &mut rng()).stride(3).padding(Padding::Same), &[1, 1, 3]);
}

#[test]
fn gradients_of_pooling_match_differences() {
    check(&MaxPool1d::new(2), &[2, 2, 4]);
    check(&MaxPool1d::new(3).stride(1).padding(1).ceil_mode(), &[1, 2, 5]);
    check(&MaxPool2d::new([2, 3]).stride(1).padding([1, 0]), &[1, 2, 3, 4]);
    check(&MaxPool2d::new(2).dilation(2).stride(1), &[1, 1, 4, 3]);
    check(&AvgPool1d::new(2).padding(1).count_include_pad(false), &[1, 2, 5]);
    check(&AvgPool2d::new(2).stride(1).padding(Padding::Same), &[1, 2, 3, 3]);
    check(&GlobalAvgPool, &[2, 2, 2, 3]);
    check(&GlobalMaxPool, &[2, 2, 5]);
}

/// Weights and biases in general position, so that no gradient hides behind ones and zeros.
fn shaken<M: Module<f64>>(mut module: M) -> M {
    let mut seed = 5;
    module.visit_mut(&mut |_, parameter| {
        seed += 1;
        if !parameter.is_buffer() {
            parameter.value = sample(parameter.value.shape(), seed);
        } else if parameter.value.ndim() > 0 {
            parameter.value = sample(parameter.value.shape(), seed).square();
        }
    });
    module
}

#[test]
fn gradients_of_normalisation_match_differences() {
    check(&shaken(BatchNorm1d::new(3)), &[4, 3]);
    check(&shaken(BatchNorm1d::new(2)), &[2, 2, 3]);
    check(&shaken(BatchNorm2d::new(2)), &[2, 2, 2, 2]);
    check(&shaken(LayerNorm::new(&[4])), &[2, 4]);
    check(&shaken(LayerNorm::new(&[2, 3])), &[2, 2, 3]);
    check(&shaken(RmsNorm::new(&[4])), &[2, 4]);
    check(&shaken(GroupNorm::new(2, 4)), &[2, 4, 3]);
    check(&shaken(GroupNorm::new(1, 4)), &[2, 4]);
    let evaluation = ModuleCheck::new().second_order().evaluation();
    evaluation.run(&shaken(BatchNorm2d::new(2)), &sample(&[2, 2, 2, 2], 0)).unwrap();
    evaluation.run(&shaken(BatchNorm1d::new(3)), &sample(&[1, 3], 0)).unwrap();
}

#[test]
fn gradients_of_the_other_layers_match_differences() {
    check(&Dropout::new(0.4).unwrap(), &[3, 4]);
    check(&Dropout2d::new(0.5).unwrap(), &[2, 4, 3]);
    check(&Flatten::new(), &[2, 2, 3]);
    check(&Reshape::new([3, -1]), &[2, 6]);
    check(&shaken(PRelu::new()), &[3, 4]);
    check(&shaken(PRelu::per_channel(2)), &[2, 2, 3]);
    check(&Softmax, &[2, 3]);
    check(&Softmax::over(1), &[2, 3, 2]);
    check(&LogSoftmax, &[2, 3]);
    check(&LogSoftmax::over(0), &[2, 3]);
    check(&Residual::new(Dense::new(3, 3, &mut rng())), &[2, 3]);
    let projected = Residual::new(Dense::new(3, 2, &mut rng()));
    check(&projected.shortcut(Dense::new(3, 2, &mut rng())), &[2, 3]);
}

#[test]
fn gradients_of_every_activation_match_differences() {
    check(&Relu, &[2, 3]);
    check(&LeakyRelu { alpha: 0.1 }, &[2, 3]);
    check(&Elu { alpha: 0.7 }, &[2, 3]);
    check(&Selu, &[2, 3]);
    check(&Celu { alpha: 0.7 }, &[2, 3]);
    check(&Gelu, &[2, 3]);
    check(&GeluTanh, &[2, 3]);
    check(&Silu, &[2, 3]);
    check(&Mish, &[2, 3]);
    check(&Sigmoid, &[2, 3]);
    check(&LogSigmoid, &[2, 3]);
    check(&HardSigmoid, &[2, 3]);
    check(&HardTanh, &[2, 3]);
    check(&Tanh, &[2, 3]);
    check(&Softplus, &[2, 3]);
    check(&Softsign, &[2, 3]);
    check(&Clamp { low: -0.8, high: 1.0 }, &[2, 3]);
    check(&Identity, &[2, 3]);
}

#[test]
fn gradients_of_an_embedding_match_differences() {
    let tokens = Tensor::from([[0.0, 3.0, 3.0], [1.0, 0.0, 2.0]]);
    let parameters = ModuleCheck::new().second_order().parameters_only();
    let layer = Embedding::new(5, 2, &mut rng());
    parameters.run(&layer, &tokens).unwrap();

    // The row of padding gets no gradient, which differences would not see: by hand.
    let layer = layer.padding_index(3);
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let y = layer.forward(&pass, pass.input(&tokens));
    assert_eq!(y.value().slice(ndarray::s![0, 1, ..]), Tensor::zeros(&[2]));
    let gradients = pass.gradients((y * tape.constant(sample(&[2, 3, 2], 0))).sum()).unwrap();
    let gradient = gradients.of(&layer.weight).unwrap().clone();
    let weights = sample(&[2, 3, 2], 0);
    let at = |i: usize, j: usize| weights.slice(ndarray::s![i, j, ..]);
    let rows =
        [at(0, 0).add(at(1, 1)), at(1, 0), at(1, 2), Tensor::zeros(&[2]), Tensor::zeros(&[2])];
    for (row, expected) in rows.into_iter().enumerate() {
        assert_eq!(gradient.slice(ndarray::s![row, ..]), expected, "row {row}");
    }
}

#[test]
fn a_rough_module_is_checked_with_steps_above_its_roughness() {
    /// Its input to three digits, with the slope of the input.
    struct Rough;
    impl Module<f64> for Rough {
        fn forward<'t>(&self, _: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
            x + ((x * 1e3).round() * 1e-3 - x).detach()
        }
        fn output_shape(&self, input: &[usize]) -> Result<ops::Shape, Error> {
            Ok(ops::Shape::from_slice(input))
        }
    }
    let x = Tensor::from([0.41037, -1.30271]);
    let check = ModuleCheck::new().tolerance(0.05, 0.0);
    assert!(check.clone().steps(1e-5, 1e-7).run(&Rough, &x).is_err());
    let report = check.steps(0.5, 0.1).run(&Rough, &x).unwrap();
    assert_eq!((report.compared, report.unclear.len()), (2, 0), "{report}");
}

#[test]
fn a_wrong_gradient_is_found_and_its_parameter_named() {
    /// Multiplies by a learned number, of whose gradient it keeps half.
    struct Half(Parameter<f64>);
    impl Module<f64> for Half {
        fn forward<'t>(&self, pass: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
            let p = pass.parameter(&self.0);
            x * (p * 0.5 + p.detach() * 0.5)
        }
        fn output_shape(&self, input: &[usize]) -> Result<ops::Shape, Error> {
            Ok(ops::Shape::from_slice(input))
        }
        fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
            visit("factor", &self.0);
        }
    }
    let half = Half(Parameter::new(2.0));
    let error = ModuleCheck::new().run(&half, &sample(&[2], 0)).unwrap_err();
    assert!(matches!(error, ModuleCheckError::Check { .. }));
    let text = error.to_string();
    assert!(text.contains("input 1") && text.contains("1 is factor"), "{text}");
    // An input of 0 hides what is missing, as its slope in the factor is 0; numbers drawn do not.
    let hidden = Tensor::zeros(&[2]);
    assert_eq!(ModuleCheck::new().run(&half, &hidden).expect("it is hidden").compared, 2 + 1);
    let drawn = ModuleCheck::new().random_points(2, 1.0..2.0).run(&half, &hidden).unwrap_err();
    assert!(matches!(drawn, ModuleCheckError::Check { .. }));
    assert!(drawn.to_string().contains("at random point"), "{drawn}");
    // Half of the slope is missing: that is within a tolerance of 0.6 of it.
    ModuleCheck::new().tolerance(0.6, 0.0).run(&half, &sample(&[2], 0)).expect("it is allowed");
    let error = ModuleCheck::new().run(&Dense::<f64>::new(2, 2, &mut rng()), &sample(&[3], 0));
    assert!(matches!(error, Err(ModuleCheckError::Refused(_))));
}

#[test]
fn dropout_keeps_the_mean_and_is_nothing_in_evaluation() {
    let ones = Tensor::ones(&[1000, 100]);
    let layer = Dropout::new(0.3).unwrap();
    assert_eq!(predict(&layer, &ones).unwrap(), ones);
    let y = train(&layer, &ones, 7);
    let dropped = y.to_vec().iter().filter(|&&y| y == 0.0).count() as f64 / 1e5;
    // Four deviations of a share of 0.3 in 100 000 draws.
    assert!((dropped - 0.3).abs() < 4.0 * (0.3_f64 * 0.7 / 1e5).sqrt(), "{dropped}");
    assert!(y.to_vec().iter().all(|&y| y == 0.0 || y == 1.0 / 0.7));
    assert_eq!(train(&layer, &ones, 7), y);
    assert_ne!(train(&layer, &ones, 8), y);
    assert_eq!(train(&Dropout::new(0.0).unwrap(), &ones, 7), ones);
    assert_eq!(train(&Dropout::new(1.0).unwrap(), &sample(&[3], 0), 7), Tensor::zeros(&[3]));

    let layer = Dropout2d::new(0.5).unwrap();
    let images = Tensor::ones(&[20, 50, 2, 3]);
    assert_eq!(predict(&layer, &images).unwrap(), images);
    let channels = train(&layer, &images, 1).reshape([1000, 6]).to_vec();
    let whole = |channel: &[f64]| channel.iter().all(|&y| y == channel[0]);
    assert!(channels.chunks(6).all(|channel| whole(channel) && [0.0, 2.0].contains(&channel[0])));
    let dropped = channels.chunks(6).filter(|channel| channel[0] == 0.0).count();
    assert!((400..600).contains(&dropped), "{dropped}");
    for p in [-0.1, 1.1, f64::NAN] {
        assert!(Dropout2d::new(p).is_err());
        let text = Dropout::new(p).unwrap_err().to_string();
        assert!(text.contains(&format!("dropout is {p}, but must be from 0 to 1")), "{text}");
    }
}

#[test]
fn batch_norm_follows_its_batches_by_hand() {
    let mut layer = BatchNorm1d::<f64>::new(2).momentum(0.25).epsilon(0.5);
    let x = Tensor::from([[1.0, 10.0], [2.0, 10.0], [6.0, 13.0]]);
    // Means 3 and 11; variances over n 14/3 and 2, over n − 1 7 and 3.
    let deviations = [(14.0 / 3.0 + 0.5_f64).sqrt(), 2.5_f64.sqrt()];
    let y = train(&layer, &x, 0);
    let expected = Tensor::from([[-2.0, -1.0], [-1.0, -1.0], [3.0, 2.0]]);
    assert_relative_eq!(y, expected.div(Tensor::from(deviations)), epsilon = 1e-14);

    for step in 1..=2 {
        let tape = Tape::new();
        let pass = Pass::train(&tape, step);
        let y = layer.forward(&pass, pass.input(&x));
        let before = layer.running_mean.value.clone();
        let gradients = pass.gradients(y.square().sum()).unwrap();
        assert_eq!(layer.running_mean.value, before, "a pass changes nothing");
        assert!(gradients.of(&layer.running_mean).is_none());
        Sgd::new(1e-9).unwrap().step(&mut layer, &gradients).unwrap();
    }
    // r₂ = 0.75·(0.75·r₀ + 0.25·s) + 0.25·s.
    let twice = |start: f64, seen: f64| 0.5625 * start + 0.4375 * seen;
    let means = Tensor::from([twice(0.0, 3.0), twice(0.0, 11.0)]);
    let variances = Tensor::from([twice(1.0, 7.0), twice(1.0, 3.0)]);
    assert_relative_eq!(layer.running_mean.value, means, epsilon = 1e-14);
    assert_relative_eq!(layer.running_var.value, variances, epsilon = 1e-14);
    assert_eq!(layer.num_batches_tracked.value, Tensor::scalar(2.0));

    layer.weight.value = Tensor::from([2.0, -1.0]);
    layer.bias.value = Tensor::from([0.5, 0.0]);
    let one = predict(&layer, &Tensor::from([[1.0, 10.0]])).unwrap();
    let normal =
        Tensor::from([1.0, 10.0]).sub(means).div(variances.add(Tensor::scalar(0.5)).sqrt());
    let expected = normal.mul(Tensor::from([2.0, -1.0])).add(Tensor::from([0.5, 0.0]));
    assert_relative_eq!(one.reshape([2]), expected, epsilon = 1e-13);
}

#[test]
fn batch_norm_sees_a_channel_over_batch_and_places() {
    let layer = BatchNorm2d::<f64>::new(3).epsilon(0.0);
    let y = train(&layer, &sample(&[4, 3, 2, 5], 0), 0);
    assert_relative_eq!(y.mean_axes([0, 2, 3]), Tensor::zeros(&[3]), epsilon = 1e-14);
    assert_relative_eq!(y.var([0, 2, 3], 0.0), Tensor::ones(&[3]), epsilon = 1e-14);
    let rows = train(&BatchNorm1d::new(3).epsilon(0.0), &sample(&[4, 3, 5], 0), 0);
    assert_relative_eq!(rows.var([0, 2], 0.0), Tensor::ones(&[3]), epsilon = 1e-14);
}

#[test]
fn a_batch_of_one_number_a_channel_is_refused_in_training_only() {
    let layer = BatchNorm1d::<f64>::new(2);
    let one = Tensor::from([[1.0, 2.0]]);
    let says = message(|| train(&layer, &one, 0));
    assert!(says.contains("BatchNorm1d(2) was given a training batch of shape [1, 2]"), "{says}");
    assert!(says.contains("at least two"), "{says}");
    assert!(predict(&layer, &one).unwrap().is_finite());
    // One sample with several places will do.
    assert!(train(&layer, &sample(&[1, 2, 3], 0), 0).is_finite());
}

#[test]
fn layer_group_and_rms_norm_have_their_textbook_values() {
    let x = sample(&[2, 4, 3], 0);
    let by = |y: &Tensor<f64>, axes: &[isize]| {
        let axes = axes.to_vec();
        assert_relative_eq!(y.mean_axes(axes.clone()).abs().max().item(), 0.0, epsilon = 1e-14);
        assert_relative_eq!(
            y.var(axes, 0.0).sub(Tensor::scalar(1.0)).abs().max().item(),
            0.0,
            epsilon = 1e-13
        );
    };
    by(&predict(&LayerNorm::new(&[3]).epsilon(0.0), &x).unwrap(), &[2]);
    by(&predict(&LayerNorm::new(&[4, 3]).epsilon(0.0), &x).unwrap(), &[1, 2]);
    let groups = predict(&GroupNorm::new(2, 4).epsilon(0.0), &x).unwrap();
    by(&groups.reshape([2, 2, 6]), &[2]);
    let y = predict(&RmsNorm::new(&[3]), &x).unwrap();
    assert_relative_eq!(y.square().mean_axes(-1), Tensor::ones(&[2, 4]), epsilon = 1e-13);
    // Weight and bias belong to a channel, or to a place of the normalised axes.
    let mut layer = GroupNorm::<f64>::new(2, 4);
    layer.weight.value = Tensor::zeros(&[4]);
    layer.bias.value = Tensor::from([1.0, 2.0, 3.0, 4.0]);
    let channel = predict(&layer, &x).unwrap().slice(ndarray::s![0, 2, ..]);
    assert_eq!(channel, Tensor::full(&[3], 3.0));
}

#[test]
fn pooling_has_its_textbook_values() {
    let row = Tensor::from([[[1.0, 5.0, 2.0, 4.0, 3.0]]]);
    let of = |layer: &dyn Module<f64>| {
        let tape = Tape::new();
        let pass = Pass::evaluate(&tape);
        layer.forward(&pass, pass.input(&row)).value().to_vec()
    };
    assert_eq!(of(&MaxPool1d::new(2)), [5.0, 4.0]);
    assert_eq!(of(&MaxPool1d::new(2).ceil_mode()), [5.0, 4.0, 3.0]);
    assert_eq!(of(&MaxPool1d::new(3).stride(2).padding(1)), [5.0, 5.0, 4.0]);
    assert_eq!(of(&MaxPool1d::new(2).stride(1).dilation(3)), [4.0, 5.0]);
    assert_eq!(of(&AvgPool1d::new(2).padding(1)), [0.5, 3.5, 3.5]);
    assert_eq!(of(&AvgPool1d::new(2).padding(1).count_include_pad(false)), [1.0, 3.5, 3.5]);
    assert_eq!(of(&GlobalAvgPool), [3.0]);
    assert_eq!(of(&GlobalMaxPool), [5.0]);
}

#[test]
fn ties_share_and_nan_is_not_hidden_in_a_maximum() {
    let tape = Tape::new();
    let x = tape.var([[[2.0, 2.0, 1.0, 2.0]]]);
    let pass = Pass::evaluate(&tape);
    let y = MaxPool1d::new(3).stride(1).forward(&pass, x);
    // Windows (2, 2, 1) and (2, 1, 2): halves.
    let gradient = (y * tape.constant([[[1.0, 10.0]]])).sum().backward().wrt(x);
    assert_eq!(gradient, Tensor::from([[[0.5, 5.5, 0.0, 5.0]]]));
    let x = tape.var([[[1.0, f64::NAN, 3.0, 4.0]]]);
    let y = MaxPool1d::new(2).forward(&pass, x);
    assert!(y.value().to_vec()[0].is_nan());
    assert_eq!(y.value().to_vec()[1], 4.0);
    let gradient = y.sum().backward().wrt(x).to_vec();
    assert!(gradient[0].is_nan() && gradient[1].is_nan());
    assert_eq!(gradient[2..], [0.0, 1.0]);
}

#[test]
fn a_transposed_convolution_is_the_adjoint_of_its_convolution() {
    let conv = Conv2d::<f64>::new(2, 3, [3, 2], &mut rng()).stride(2).padding([1, 0]);
    let mut up = ConvTranspose2d::new(3, 2, [3, 2], &mut rng()).stride(2).padding([1, 0]);
    up.weight.value = conv.weight.value.clone();
    let (x, y) = (sample(&[2, 2, 5, 4], 0), sample(&[2, 3, 3, 2], 1));
    let forwards = predict(&conv, &x).unwrap().mul(&y).sum().item();
    let backwards = predict(&up, &y).unwrap().mul(&x).sum().item();
    assert_relative_eq!(forwards, backwards, max_relative = 1e-13);
}

#[test]
fn weights_start_as_wide_as_fan_in_says() {
    let deviation = |w: &Tensor<f32>| w.cast::<f64>().var(.., 0.0).item().sqrt();
    let wanted = |fan_in: f64| (2.0 / fan_in).sqrt();
    let conv = Conv2d::<f32>::new(64, 96, 3, &mut rng());
    assert_relative_eq!(deviation(&conv.weight.value), wanted(64.0 * 9.0), max_relative = 0.02);
    let grouped = conv.groups(8, &mut rng());
    assert_eq!(grouped.weight.value.shape(), [96, 8, 3, 3]);
    assert_relative_eq!(deviation(&grouped.weight.value), wanted(8.0 * 9.0), max_relative = 0.03);
    let up = ConvTranspose1d::<f32>::new(64, 96, 5, &mut rng());
    assert_relative_eq!(deviation(&up.weight.value), wanted(64.0 * 5.0), max_relative = 0.02);
    let init = ConvSettings { weight_init: Init::XavierNormal, ..ConvSettings::default() };
    let xavier = Conv1d::<f32>::with_settings(64, 96, 5, init, &mut rng()).unwrap();
    let expected = (2.0_f64 / (64.0 * 5.0 + 96.0 * 5.0)).sqrt();
    assert_relative_eq!(deviation(&xavier.weight.value), expected, max_relative = 0.02);
    assert_eq!(xavier.bias.unwrap().value, Tensor::zeros(&[96]));
}

#[test]
fn parameters_have_pytorchs_names() {
    let conv = || Conv2d::new(2, 2, 1, &mut rng());
    assert_eq!(paths(&conv()), ["weight", "bias"]);
    assert_eq!(paths(&conv().without_bias()), ["weight"]);
    let batch_norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
    assert_eq!(paths(&BatchNorm1d::new(2)), batch_norm);
    assert_eq!(paths(&LayerNorm::new(&[2])), ["weight", "bias"]);
    assert_eq!(paths(&RmsNorm::new(&[2])), ["weight"]);
    assert_eq!(paths(&PRelu::new()), ["weight"]);
    assert_eq!(paths(&Perceptron::new(2)), ["weight", "bias"]);
    let residual = Residual::new(conv()).shortcut(conv().without_bias());
    assert_eq!(paths(&residual), ["body.weight", "body.bias", "shortcut.weight"]);
    let mut both = (Vec::new(), residual);
    both.1.visit_mut(&mut |path, _| both.0.push(path.to_owned()));
    assert_eq!(both.0, paths(&both.1));
}

#[test]
fn layers_say_what_they_are() {
    let mut rng = rng();
    let conv = Conv2d::<f64>::new(4, 8, [3, 5], &mut rng).groups(2, &mut rng);
    assert_eq!(conv.describe(), "Conv2d(4 → 8, 3×5, groups 2)");
    let conv = conv.stride(2).padding(Padding::Same).dilation([1, 2]);
    let described = "Conv2d(4 → 8, 3×5, stride 2×2, padding same, dilation 1×2, groups 2)";
    assert_eq!(conv.describe(), described);
    let up = ConvTranspose1d::<f64>::new(2, 1, 4, &mut rng).stride(2).padding(1).output_padding(1);
    assert_eq!(up.describe(), "ConvTranspose1d(2 → 1, 4, stride 2, padding 1, output padding 1)");
    let pool = MaxPool2d::new(3).stride(2).padding([(0, 1), (1, 1)]).ceil_mode();
    let described = "MaxPool2d(3×3, stride 2×2, padding [(0, 1), (1, 1)], ceil)";
    assert_eq!(Module::<f64>::describe(&pool), described);
    assert_eq!(Module::<f64>::describe(&AvgPool1d::new(2)), "AvgPool1d(2)");
    assert_eq!(BatchNorm2d::<f64>::new(8).describe(), "BatchNorm2d(8)");
    assert_eq!(Embedding::<f64>::new(27, 8, &mut rng).describe(), "Embedding(27 → 8)");
    assert_eq!(Module::<f64>::describe(&Dropout::new(0.5).unwrap()), "Dropout(0.5)");
}

/// Every softmax is along the axis that its shape is checked for, and refuses in its own name.
#[test]
fn softmaxes_refuse_what_has_no_classes() {
    let all: [(&dyn Module<f64>, isize); 4] =
        [(&Softmax, -1), (&LogSoftmax, -1), (&Softmax::over(0), 0), (&LogSoftmax::over(0), 0)];
    for (layer, axis) in all {
        let name = layer.describe();
        assert_eq!(layer.output_shape(&[3]).unwrap()[..], [3], "{name}");
        let (none, some) = if axis == 0 { ([0, 2, 2], [2, 0, 2]) } else { ([2, 2, 0], [2, 0, 2]) };
        assert_eq!(layer.output_shape(&some).unwrap()[..], some, "{name}");
        let says = layer.output_shape(&none).unwrap_err().to_string();
        assert!(says.contains(&format!("layer {name} takes")), "{says}");
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let x = pass.input(&Tensor::zeros(&none));
        let says = message(|| layer.forward(&pass, x));
        assert!(says.contains(&format!("layer {name} takes")), "{says}");
    }
}

#[test]
fn layers_that_do_not_fit_are_both_named_with_their_shapes() {
    let mut rng = rng();
    let model = Sequential::<f64>::new()
        .then(Conv2d::new(1, 4, 3, &mut rng))
        .then(BatchNorm2d::new(8))
        .then(Flatten::new());
    assert_eq!(
        refusal(&model, &[2, 1, 8, 8]),
        "layer 1 BatchNorm2d(8) takes an input of shape [batch, 8, height, width], but is given \
         [2, 4, 6, 6] by layer 0 Conv2d(1 → 4, 3×3)"
    );
    let model = Sequential::<f64>::new()
        .then(Conv2d::new(1, 4, 5, &mut rng).padding([0, 1]))
        .then(MaxPool2d::new(4));
    assert_eq!(
        refusal(&model, &[2, 1, 4, 8]),
        "layer 0 Conv2d(1 → 4, 5×5, padding 0×1) takes an input of shape [batch, 1, height ≥ 5, \
         width ≥ 3], but is given [2, 1, 4, 8]"
    );
    assert_eq!(
        refusal(&model, &[2, 1, 7, 8]),
        "layer 1 MaxPool2d(4×4) takes an input of shape [batch, channels, height ≥ 4, width ≥ 4], \
         but is given [2, 4, 3, 6] by layer 0 Conv2d(1 → 4, 5×5, padding 0×1)"
    );
    let inner =
        Sequential::<f64>::new().then(Dense::new(4, 6, &mut rng)).then(LayerNorm::new(&[5]));
    let model = Sequential::new().named("block", Residual::new(inner));
    let says = refusal(&model, &[2, 4]);
    assert!(says.starts_with("layer block.body.1 LayerNorm([5]) takes"), "{says}");
    assert!(says.ends_with("given [2, 6] by layer block.body.0 Dense(4 → 6)"), "{says}");
    let model = Sequential::<f64>::new()
        .then(Dense::new(3, 4, &mut rng))
        .then(Residual::new(Dense::new(4, 5, &mut rng)));
    assert_eq!(
        refusal(&model, &[2, 3]),
        "layer 1 Residual(Dense(4 → 5)) takes an input of shape that body and shortcut take to one \
         shape, which they take to [2, 5] and [2, 4], but is given [2, 4] by layer 0 Dense(3 → 4)"
    );
    let up = ConvTranspose1d::<f64>::new(1, 1, 2, &mut rng).stride(2).padding(3);
    assert!(refusal(&up, &[1, 1, 3]).contains("[batch, 1, length ≥ 4]"));
    assert_eq!(up.output_shape(&[1, 1, 4]).unwrap()[..], [1, 1, 2]);
}

#[test]
fn settings_that_cannot_be_are_refused_with_their_numbers() {
    let mut rng = rng();
    let mut conv = |settings: ConvSettings<2>| {
        Conv2d::<f32>::with_settings(4, 6, 3, settings, &mut rng).unwrap_err().to_string()
    };
    let default = ConvSettings::default;
    assert!(conv(ConvSettings { stride: 0.into(), ..default() }).contains("the stride is [0, 0]"));
    assert!(
        conv(ConvSettings { dilation: [1, 0].into(), ..default() }).contains("dilation is [1, 0]")
    );
    for groups in [0, 3, 4] {
        let says = conv(ConvSettings { groups, ..default() });
        assert!(says.contains(&format!("groups is {groups} for 4 input and 6 output")), "{says}");
    }
    let sigma = Init::Normal { sigma: f64::NAN };
    assert!(conv(ConvSettings { weight_init: sigma, ..default() }).contains("sigma is NaN"));

    let new = || Conv1d::<f32>::new(4, 6, 3, &mut nn::rng(0));
    assert_eq!(message(|| new().stride(0)), "the stride is 0, but must be at least 1");
    assert!(message(|| new().dilation(0)).contains("the dilation is 0"));
    assert!(message(|| new().groups(5, &mut nn::rng(0))).contains("groups is 5 for 4 input"));
    let zero = |inputs, outputs, kernel| {
        message(move || Conv1d::<f32>::new(inputs, outputs, kernel, &mut nn::rng(0)))
    };
    assert!(zero(0, 1, 1).contains("the number of input channels is 0"));
    assert!(zero(1, 0, 1).contains("the number of output channels is 0"));
    assert!(zero(1, 1, 0).contains("the kernel is 0"));
    let up = || ConvTranspose1d::<f32>::new(4, 6, 3, &mut nn::rng(0)).stride(2);
    let says = message(|| up().output_padding(2));
    assert!(
        says.contains("the output padding is 2 for a stride of 2, but must be below"),
        "{says}"
    );
    let says = message(|| up().output_padding(1).padding(Padding::Same));
    assert!(says.contains("output padding is 1 with padding same"), "{says}");
    let says = message(|| MaxPool1d::new(3).padding(2));
    assert!(says.contains("2 for a window that spans 3, but must be at most half"), "{says}");
    assert!(message(|| AvgPool2d::new([2, 0])).contains("the kernel is [2, 0]"));
    assert!(message(|| MaxPool1d::new(2).stride(0)).contains("the stride is 0"));
    assert!(message(|| BatchNorm1d::<f32>::new(2).momentum(1.5)).contains("momentum is 1.5"));
    assert!(message(|| LayerNorm::<f32>::new(&[2]).epsilon(-1.0)).contains("epsilon is -1"));
    assert!(message(|| LayerNorm::<f32>::new(&[])).contains("at least one"));
    assert!(message(|| RmsNorm::<f32>::new(&[2, 0])).contains("[2, 0]"));
    assert!(message(|| GroupNorm::<f32>::new(4, 6)).contains("groups is 4 for 6 channels"));
    assert!(message(|| Reshape::new([-1, -1])).contains("one length may be -1"));
    assert!(
        message(|| Embedding::<f32>::new(3, 2, &mut nn::rng(0)).padding_index(3))
            .contains("0 to 2")
    );
}

#[test]
fn an_embedding_refuses_what_is_no_token() {
    let layer = Embedding::<f64>::new(4, 2, &mut rng());
    for (wrong, shown) in
        [(4.0, "4"), (-1.0, "-1"), (0.5, "0.5"), (f64::NAN, "NaN"), (1e300, "1000")]
    {
        let tokens = Tensor::from([[0.0, 1.0], [3.0, wrong]]);
        let says = layer.check(&tokens).unwrap_err().to_string();
        assert!(says.contains(&format!("Embedding(4 → 2) is {shown}")), "{says}");
        assert!(says.contains("at [1, 1], but must be a whole number from 0 to 3"), "{says}");
        assert_eq!(predict(&layer, &tokens).unwrap_err().to_string(), says);
        let tape = Tape::new();
        let says = message(|| layer.forward(&Pass::evaluate(&tape), tape.constant(&tokens)));
        assert!(says.contains(&format!("gather: the index at [1, 1] is {shown}")), "{says}");
        assert!(says.contains("a whole number from 0 to 3"), "{says}");
    }
    layer.check(&Tensor::from([[0.0, 3.0]])).unwrap();
}

#[test]
fn a_network_of_all_of_them_learns() {
    let mut rng = nn::rng(1);
    let data = nn::data::digits::<f32>().first_rows(256).unwrap();
    let block = Sequential::new()
        .then(Conv2d::new(4, 4, 3, &mut rng).padding(Padding::Same).without_bias())
        .then(BatchNorm2d::new(4))
        .then(Relu);
    let mut model = Sequential::new()
        .then(Reshape::new([1, 8, 8]))
        .then(Conv2d::new(1, 4, 3, &mut rng).padding(1))
        .then(GroupNorm::new(2, 4))
        .then(PRelu::per_channel(4))
        .then(Residual::new(block))
        .then(MaxPool2d::new(2))
        .then(Dropout2d::new(0.05).unwrap())
        .then(Flatten::new())
        .then(LayerNorm::new(&[64]))
        .then(Dense::new(64, 10, &mut rng));
    let mut optimizer = nn::optim::Adam::new(0.01).unwrap();
    let mut fit = Fit::new().epochs(3).batch_size(32).progress(false);
    let history = fit.run(&mut model, &data, &nn::loss::CrossEntropy, &mut optimizer).unwrap();
    let result = nn::evaluate(&model, &data, &nn::loss::CrossEntropy).unwrap();
    assert!(result.accuracy.unwrap() > 0.9, "{result:?} after {history:?}");
    let tracked = model.layer::<Residual<Sequential<f32>>>("4").unwrap();
    let norm = tracked.body.layer::<BatchNorm2d<f32>>("1").unwrap();
    assert_eq!(norm.num_batches_tracked.value, Tensor::scalar(3.0 * 8.0));
}

#[test]
fn frozen_layers_stay() {
    let mut layer = LayerNorm::<f64>::new(&[3]);
    layer.visit_mut(&mut |path, parameter| {
        if path == "bias" {
            parameter.freeze();
        }
    });
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let output = layer.forward(&pass, pass.input(&sample(&[2, 3], 0)));
    let targets = Targets::Values(Tensor::ones(&[2, 3]));
    let gradients = pass.gradients(MeanSquaredError.loss(output, &targets).unwrap()).unwrap();
    assert!(gradients.of(&layer.weight).is_some() && gradients.of(&layer.bias).is_none());
}

#[test]
fn a_layer_of_the_wrong_width_is_named_at_the_callers_line() {
    use std::panic::{set_hook, take_hook};
    let layer = Dense::<f64>::new(3, 2, &mut nn::rng(0));
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let x = tape.var(Tensor::zeros(&[5, 4]));
    let here = std::thread::current().id();
    let (send, receive) = std::sync::mpsc::channel();
    let hook = take_hook();
    set_hook(Box::new(move |info| {
        if std::thread::current().id() == here {
            let _ = send.send(info.location().map(|place| (place.file().to_owned(), place.line())));
        } else {
            hook(info);
        }
    }));
    let line = line!() + 1;
    let refusal = catch_unwind(AssertUnwindSafe(|| layer.forward(&pass, x)));
    let _ = take_hook();
    let place = receive.recv().unwrap().expect("a place");
    assert!(place.0.ends_with("layers.rs") && place.1 == line, "{place:?}");
    let text = refusal.unwrap_err();
    let text = text.downcast_ref::<String>().expect("a message");
    assert!(text.contains("Dense(3") && text.contains("[5, 4]"), "{text}");
}
