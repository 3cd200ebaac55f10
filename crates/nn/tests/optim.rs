//! Optimisers, groups, clipping, penalties and schedules. `torch_optim.rs` holds their numbers
//! against PyTorch's.

use approx::assert_relative_eq;
use nn::ops::methods::{BinaryMethods, LinearMethods, UnaryMethods};
use nn::ops::{Float, Shape};
use nn::optim::{clip_p_norm, gradient_norm};
use nn::prelude::*;
use nn::schedule::{
    Chain, Constant, Cosine, CosineRestarts, Exponential, Linear, MultiStep, OneCycle, Plateau,
    StepDecay,
};
use nn::{Error, Gradients, State};

/// A model of some parameters, whose loss is a function of them alone.
struct Model<A: Float>(Vec<(&'static str, Parameter<A>)>);

impl<A: Float> Module<A> for Model<A> {
    fn forward<'t>(&self, _: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        x
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        self.0.iter().for_each(|(path, parameter)| visit(path, parameter));
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        self.0.iter_mut().for_each(|(path, parameter)| visit(path, parameter));
    }
}

impl<A: Float> Model<A> {
    /// A weight, a bias and a buffer.
    fn new() -> Self {
        let number = |x: f64| A::from_f64(x);
        let weight = Tensor::from([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]).map(number);
        let bias = Tensor::from([0.1, -0.2]).map(number);
        Self(vec![
            ("weight", Parameter::new(weight)),
            ("bias", Parameter::new(bias)),
            ("mean", Parameter::buffer(Tensor::from([0.0]).map(number))),
        ])
    }

    fn value(&self, path: &str) -> &Tensor<A> {
        &self.parameter(path).value
    }

    fn parameter(&self, path: &str) -> &Parameter<A> {
        &self.0.iter().find(|(name, _)| *name == path).expect("a parameter of this path").1
    }

    fn parameter_mut(&mut self, path: &str) -> &mut Parameter<A> {
        &mut self.0.iter_mut().find(|(name, _)| *name == path).expect("a parameter").1
    }

    fn numbers(&self) -> Vec<A> {
        self.0.iter().flat_map(|(_, parameter)| parameter.value.to_vec()).collect()
    }

    /// Gradients that are another in every step, of Σ sin(kw) over all parameters.
    fn gradients(&self, step: usize) -> Gradients<A> {
        let mut gradients = Gradients::default();
        for (_, parameter) in self.0.iter().filter(|(_, parameter)| parameter.is_trained()) {
            let k = A::from_f64(1.0 + 0.37 * step as f64);
            gradients.insert(parameter, parameter.value.map(|w| k * (k * w).cos()));
        }
        gradients
    }

    fn train(&mut self, optimizer: &mut dyn Optimizer<A>, steps: std::ops::Range<usize>) {
        for step in steps {
            let gradients = self.gradients(step);
            optimizer.step(self, &gradients).unwrap();
        }
    }
}

/// Gradients of a model of which each parameter has the gradient given for its path.
fn gradients(model: &Model<f64>, of: &[(&str, Tensor<f64>)]) -> Gradients<f64> {
    let mut gradients = Gradients::default();
    for (path, gradient) in of {
        gradients.insert(model.parameter(path), gradient);
    }
    gradients
}

/// Every optimiser, in every variant that keeps something else.
pub fn optimizers<A: Float>() -> Result<Vec<Box<dyn Optimizer<A>>>, Error> {
    Ok(vec![
        Box::new(Sgd::new(0.1)?),
        Box::new(Sgd::momentum(0.1, 0.9)?.dampening(0.5)?),
        Box::new(Sgd::nesterov(0.1, 0.9)?.weight_decay(0.1)?),
        Box::new(AdaGrad::new(0.1)?.rate_decay(0.1)?.initial_sum(0.2)?),
        Box::new(RmsProp::new(0.1)?),
        Box::new(RmsProp::new(0.1)?.momentum(0.5)?),
        Box::new(RmsProp::new(0.1)?.centered()),
        Box::new(RmsProp::new(0.1)?.centered().momentum(0.5)?),
        Box::new(AdaDelta::new(1.0)?),
        Box::new(Adam::new(0.1)?),
        Box::new(Adam::new(0.1)?.amsgrad().weight_decay(0.1)?),
        Box::new(AdamW::new(0.1)?),
        Box::new(AdamW::new(0.1)?.amsgrad()),
        Box::new(NAdam::new(0.1)?),
        Box::new(Lion::new(0.01)?),
    ])
}

// ---------------------------------------------------------------------------------------------
// Steps.

/// The weight after each of three steps with gradients 1, 1 and −1, from w = 1.
fn three_steps(mut optimizer: impl Optimizer<f64>) -> [f64; 3] {
    let mut model = Model(vec![("w", Parameter::new(1.0))]);
    [1.0, 1.0, -1.0].map(|g| {
        let gradients = gradients(&model, &[("w", Tensor::from(g))]);
        optimizer.step(&mut model, &gradients).unwrap();
        model.value("w").item()
    })
}

#[test]
fn steps_are_those_worked_out_by_hand() {
    let check = |steps: [f64; 3], by_hand: [f64; 3]| {
        steps.iter().zip(by_hand).for_each(|(a, b)| assert_relative_eq!(*a, b, epsilon = 1e-14));
    };
    check(three_steps(Sgd::new(0.1).unwrap()), [0.9, 0.8, 0.9]);
    // The velocity is 1, then 0.5 + 1, then 0.75 − 1.
    check(three_steps(Sgd::momentum(0.1, 0.5).unwrap()), [0.9, 0.75, 0.775]);
    // The step is g + μv: 1 + 0.5, 1 + 0.75, −1 − 0.125.
    check(three_steps(Sgd::nesterov(0.1, 0.5).unwrap()), [0.85, 0.675, 0.7875]);
    // g + λw is 1 + 0.5, then 1 + 0.5 · 0.85, …
    let decayed = 0.85 - 0.1 * 1.425;
    let last = decayed - 0.1 * (-1.0 + 0.5 * decayed);
    check(three_steps(Sgd::new(0.1).unwrap().weight_decay(0.5).unwrap()), [0.85, decayed, last]);
    let root = f64::sqrt;
    check(
        three_steps(AdaGrad::new(0.1).unwrap().epsilon(1e-15).unwrap()),
        [0.9, 0.9 - 0.1 / root(2.0), 0.9 - 0.1 / root(2.0) + 0.1 / root(3.0)],
    );
    // Means that start at 0 and are corrected: of equal gradients they are these at once.
    let adam = three_steps(Adam::new(0.1).unwrap().epsilon(1e-15).unwrap());
    check([adam[0], adam[1], 0.0], [0.9, 0.8, 0.0]);
    // m = 0.9 · 0.19 − 0.1, divided by 1 − 0.9³, and v = 1.
    check(adam, [0.9, 0.8, 0.8 - 0.1 * 0.071 / 0.271]);
    // The decay takes 0.1 · 0.5 of the weight before each step.
    let decay = AdamW::new(0.1).unwrap().weight_decay(0.5).unwrap().epsilon(1e-15).unwrap();
    let [first, second, _] = three_steps(decay);
    check([first, second, 0.0], [0.85, 0.85 * 0.95 - 0.1, 0.0]);
    // β₁m + (1 − β₁)g is positive, positive, then 0.9 · 0.0199 − 0.1.
    check(three_steps(Lion::new(0.1).unwrap()), [0.9, 0.8, 0.9]);
    // s = 0.19 after the second.
    let rms = RmsProp::new(0.1).unwrap().alpha(0.9).unwrap().epsilon(1e-15).unwrap();
    let [first, second, _] = three_steps(rms);
    check(
        [first, second, 0.0],
        [1.0 - 0.1 / root(0.1), 1.0 - 0.1 / root(0.1) - 0.1 / root(0.19), 0.0],
    );
    // √(0 + ε)/√(0.1 + ε).
    let [first, _, _] = three_steps(AdaDelta::new(1.0).unwrap());
    check([first, 0.0, 0.0], [1.0 - root(1e-6 / (0.1 + 1e-6)), 0.0, 0.0]);
}

#[test]
fn what_has_no_gradient_stays_and_buffers_take_their_values() {
    for mut optimizer in optimizers::<f64>().unwrap() {
        let mut model = Model::new();
        model.parameter_mut("bias").freeze();
        let before = model.value("bias").clone();
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let [weight, bias] = ["weight", "bias"].map(|path| pass.parameter(model.parameter(path)));
        let loss = weight.square().sum() + bias.square().sum();
        pass.update(model.parameter("mean"), weight.mean().reshape([1]));
        let mean = model.value("weight").mean().item();
        let gradients = pass.gradients(loss).unwrap();
        optimizer.step(&mut model, &gradients).unwrap();
        assert_eq!(model.value("bias"), &before);
        assert_eq!(model.value("mean"), &Tensor::from([mean]));
        assert!(model.value("weight") != Model::new().value("weight"));

        // Not frozen, but not in the loss; and frozen with a gradient that was put there.
        let mut model = Model::new();
        let only_bias = self::gradients(&model, &[("bias", Tensor::from([1.0, 1.0]))]);
        optimizer.step(&mut model, &only_bias).unwrap();
        assert_eq!(model.value("weight"), Model::new().value("weight"));
        let after = model.value("bias").clone();
        assert!(after != before);
        model.parameter_mut("bias").freeze();
        optimizer.step(&mut model, &only_bias).unwrap();
        assert_eq!(model.value("bias"), &after);
    }
}

#[test]
fn a_gradient_that_does_not_fit_changes_nothing() {
    for mut optimizer in optimizers::<f64>().unwrap() {
        let mut model = Model::new();
        let wrong = gradients(
            &model,
            &[("weight", Tensor::ones(&[2, 3])), ("bias", Tensor::from([1.0, 2.0, 3.0]))],
        );
        let error = optimizer.step(&mut model, &wrong).unwrap_err().to_string();
        assert_eq!(error, "parameter bias has shape [2], but its gradient has shape [3]");
        assert_eq!(model.numbers(), Model::<f64>::new().numbers());
    }
}

#[test]
fn a_parameter_that_changes_its_shape_is_noticed() {
    let mut model = Model::<f64>::new();
    let mut adam = Adam::new(0.1).unwrap();
    model.train(&mut adam, 0..1);
    model.parameter_mut("bias").value = Tensor::ones(&[3]);
    let gradients = model.gradients(1);
    assert!(adam.step(&mut model, &gradients).is_err());
}

#[test]
fn the_order_of_elements_in_memory_does_not_matter() {
    let transposed = |x: &Tensor<f64>| {
        let x = x.to_array::<ndarray::Ix2>().unwrap();
        let reversed = x.t().as_standard_layout().into_owned();
        Tensor::from(reversed.reversed_axes())
    };
    for (mut a, mut b) in optimizers::<f64>().unwrap().into_iter().zip(optimizers::<f64>().unwrap())
    {
        let (mut plain, mut turned) = (Model::new(), Model::new());
        let weight = turned.parameter_mut("weight");
        weight.value = transposed(&weight.value);
        assert!(!weight.value.view().is_standard_layout());
        for step in 0..3 {
            let gradients = plain.gradients(step);
            let mut other = turned.gradients(step);
            let weight = turned.parameter("weight");
            let gradient = transposed(other.of(weight).unwrap());
            assert!(!gradient.view().is_standard_layout());
            other.insert(weight, gradient);
            a.step(&mut plain, &gradients).unwrap();
            b.step(&mut turned, &other).unwrap();
        }
        assert_eq!(plain.numbers(), turned.numbers());
    }
}

#[test]
fn models_trained_side_by_side_do_not_mix() {
    let mut adam = Adam::new(0.1).unwrap();
    let (mut one, mut alone) = (Model::<f64>::new(), Model::<f64>::new());
    let mut other = Model::new();
    for step in 0..5 {
        one.train(&mut adam, step..step + 1);
        other.train(&mut adam, step + 7..step + 8);
    }
    alone.train(&mut Adam::new(0.1).unwrap(), 0..5);
    assert_eq!(one.numbers(), alone.numbers());
}

/// PyTorch lets a rounding error below 0 make a NaN here.
#[test]
fn centred_rms_prop_survives_a_constant_gradient() {
    let mut model = Model::<f32>(vec![("w", Parameter::new([1.0, 0.3]))]);
    let mut optimizer = RmsProp::new(1e-3).unwrap().centered().epsilon(1e-3).unwrap();
    for _ in 0..3000 {
        let mut gradients = Gradients::default();
        gradients.insert(model.parameter("w"), [0.1, 1.7]);
        optimizer.step(&mut model, &gradients).unwrap();
    }
    assert!(model.value("w").is_finite());
}

#[test]
fn a_nan_gradient_shows_in_the_weights() {
    for mut optimizer in optimizers::<f32>().unwrap() {
        let mut model = Model::new();
        let mut gradients = model.gradients(0);
        gradients.insert(model.parameter("bias"), [f32::NAN, 1.0]);
        optimizer.step(&mut model, &gradients).unwrap();
        let bias = model.value("bias").to_vec();
        assert!(bias[0].is_nan() && bias[1].is_finite());
    }
}

// ---------------------------------------------------------------------------------------------
// State.

fn continues_bit_for_bit<A: Float>() {
    let (build, again) = (optimizers::<A>().unwrap(), optimizers::<A>().unwrap());
    for (mut optimizer, mut fresh) in build.into_iter().zip(again) {
        let mut model = Model::<A>::new();
        // The bias joins later, so that the numbers of steps differ.
        model.parameter_mut("bias").freeze();
        model.train(&mut *optimizer, 0..3);
        model.parameter_mut("bias").unfreeze();
        model.train(&mut *optimizer, 3..6);
        optimizer.set_learning_rate(0.05).unwrap();
        let state = optimizer.state(&model);
        assert!(state.tensors.values().all(Tensor::is_finite));

        let mut copy = Model(model.0.clone());
        fresh.load_state(&copy, &state).unwrap();
        assert_eq!(fresh.state(&copy), state);
        assert_eq!(fresh.learning_rate(), 0.05);
        model.train(&mut *optimizer, 6..12);
        copy.train(&mut *fresh, 6..12);
        assert_eq!(model.numbers(), copy.numbers());
        // The state itself was not changed by the steps after it.
        assert_ne!(fresh.state(&copy), state);
    }
}

#[test]
fn from_its_state_every_optimiser_continues_bit_for_bit() {
    continues_bit_for_bit::<f32>();
    continues_bit_for_bit::<f64>();
}

#[test]
fn a_state_has_readable_names() {
    let mut model = Model::<f32>::new();
    model.parameter_mut("bias").freeze();
    let mut adam = NAdam::new(0.1).unwrap();
    model.train(&mut adam, 0..3);
    let state = adam.state(&model);
    let tensors: Vec<_> = state.tensors.keys().map(String::as_str).collect();
    assert_eq!(tensors, ["exp_avg.weight", "exp_avg_sq.weight"]);
    let numbers: Vec<_> = state.numbers.keys().map(String::as_str).collect();
    assert_eq!(numbers, ["learning_rate", "mu_product.weight", "step.bias", "step.weight"]);
    assert_eq!((state.numbers["step.weight"], state.numbers["step.bias"]), (3.0, 0.0));
    assert_eq!(state.texts["optimizer"], "NAdam");
}

#[test]
fn a_state_that_does_not_fit_is_refused_whole() {
    let mut model = Model::<f64>::new();
    let mut adam = Adam::new(0.1).unwrap();
    model.train(&mut adam, 0..2);
    let good = adam.state(&model);
    let refusal = |change: &dyn Fn(&mut State<f64>)| {
        let mut bad = good.clone();
        change(&mut bad);
        let mut adam = Adam::new(0.3).unwrap();
        let error = adam.load_state(&model, &bad).unwrap_err().to_string();
        let kept = adam.state(&model);
        assert!(kept.tensors.is_empty() && kept.numbers["learning_rate"] == 0.3, "changed");
        error
    };
    assert_eq!(
        refusal(&|state| {
            state.tensors.remove("exp_avg.weight");
            state.numbers.remove("step.bias");
            state.tensors.insert("exp_avg_sq.weight".into(), Tensor::zeros(&[3, 2]));
            state.tensors.insert("exp_avg.other".into(), Tensor::zeros(&[1]));
        }),
        "the state does not fit: of Adam, missing: exp_avg.weight, step.bias; unexpected: \
         exp_avg.bias, exp_avg.other, exp_avg_sq.bias; exp_avg_sq.weight has shape [3, 2], but \
         must have [2, 3]"
    );
    let error = refusal(&|state| {
        state.numbers.insert("step.bias".into(), 1.5);
    });
    assert!(error.contains("step.bias is 1.5, but must be a whole number"), "{error}");
    // Above 2⁵³ not every whole number is an f64.
    let error = refusal(&|state| {
        state.numbers.insert("step.bias".into(), 2_f64.powi(53) + 2.0);
    });
    assert!(error.contains("step.bias is 9007199254740994, but must be"), "{error}");
    let error = refusal(&|state| {
        state.numbers.insert("learning_rate".into(), f64::NAN);
    });
    assert!(error.contains("learning_rate is NaN"), "{error}");
    let error = refusal(&|state| {
        state.numbers.insert("learning_rate".into(), -1.0);
    });
    assert!(error.contains("the learning rate is -1"), "{error}");

    let error = AdamW::new(0.1).unwrap().load_state(&model, &good).unwrap_err().to_string();
    assert!(error.contains(r#"optimizer is "Adam", but must be "AdamW""#), "{error}");
    let error = Adam::new(0.1).unwrap().amsgrad().load_state(&model, &good).unwrap_err();
    assert!(error.to_string().contains("missing: max_exp_avg_sq.weight, max_exp_avg_sq.bias"));
}

// ---------------------------------------------------------------------------------------------
// Groups.

/// The first step of Nesterov's Adam from its paper's formulas, with μₜ = β₁ (1 − ½ 0.96^(tψ)).
#[test]
fn the_momentum_of_nadam_grows_slowly_unless_told_otherwise() {
    let mut model = Model(vec![("w", Parameter::new(1.0))]);
    let mut gradient = Gradients::default();
    gradient.insert(model.parameter("w"), Tensor::scalar(1.0));
    NAdam::new(0.002).unwrap().step(&mut model, &gradient).unwrap();
    let mu = |t: f64| 0.9 * (1.0 - 0.5 * 0.96_f64.powf(t * 0.004));
    // ĝ = g/(1 − μ₁), m̂ = m/(1 − μ₁μ₂) with m = 0.1 g; ṽ = g².
    let m_bar = (1.0 - mu(1.0)) / (1.0 - mu(1.0)) + mu(2.0) * 0.1 / (1.0 - mu(1.0) * mu(2.0));
    assert_relative_eq!(model.value("w").item(), 1.0 - 0.002 * m_bar, epsilon = 1e-9);
}

#[test]
fn a_group_has_its_rate_and_its_decay() {
    let step = |optimizer: &mut dyn Optimizer<f64>| {
        let mut model = Model::new();
        let gradients = gradients(
            &model,
            &[("weight", Tensor::zeros(&[2, 3])), ("bias", Tensor::from([1.0, 1.0]))],
        );
        optimizer.step(&mut model, &gradients).unwrap();
        [model.value("weight").to_vec()[0], model.value("bias").to_vec()[0]]
    };
    let sgd = || Sgd::<f64>::new(0.1).unwrap().weight_decay(0.5).unwrap();
    let plain = step(&mut sgd());
    assert_relative_eq!(plain[0], 0.5 * 0.95);
    assert_relative_eq!(plain[1], 0.1 - 0.1 * (1.0 + 0.05));

    let no_decay = Group::new().weight_decay(0.0);
    let mut optimizer = sgd().group(|path| path == "bias", no_decay).unwrap();
    let [weight, bias] = step(&mut optimizer);
    assert_relative_eq!(weight, plain[0]);
    assert_relative_eq!(bias, 0.1 - 0.1);

    // The later group decides, setting by setting.
    let all = Group::new().weight_decay(2.0).rate_factor(0.5);
    let mut optimizer =
        sgd().group(|_| true, all).unwrap().group(|path| path == "bias", no_decay).unwrap();
    let [weight, bias] = step(&mut optimizer);
    assert_relative_eq!(weight, 0.5 - 0.05 * 2.0 * 0.5);
    assert_relative_eq!(bias, 0.1 - 0.05);

    // A schedule reaches every group.
    optimizer.set_learning_rate(0.2).unwrap();
    assert_relative_eq!(step(&mut optimizer)[1], 0.1 - 0.1);
}

#[test]
fn a_group_that_chooses_nothing_is_an_error_at_the_first_step() {
    let mut model = Model::<f64>::new();
    let line = line!() + 2;
    let mut optimizer =
        Adam::new(0.1).unwrap().group(|path| path.ends_with("biass"), Group::new()).unwrap();
    let gradients = model.gradients(0);
    let error = optimizer.step(&mut model, &gradients).unwrap_err().to_string();
    let start = "the group of parameters added at crates/nn/tests/optim.rs:";
    assert!(error.starts_with(start), "{error}");
    assert!(error.contains(&format!(":{line}:")), "{error}");
    assert!(error.ends_with("matches no parameter; there are: weight, bias"), "{error}");
    assert_eq!(model.numbers(), Model::<f64>::new().numbers());
    // Also one that is added after a step has checked the others.
    let mut optimizer = Sgd::new(0.1).unwrap().group(|path| path == "bias", Group::new()).unwrap();
    optimizer.step(&mut model, &gradients).unwrap();
    let mut optimizer = optimizer.group(|path| path == "biass", Group::new()).unwrap();
    let error = optimizer.step(&mut model, &gradients).unwrap_err().to_string();
    assert!(error.ends_with("matches no parameter; there are: weight, bias"), "{error}");
}

// ---------------------------------------------------------------------------------------------
// Clipping.

#[test]
fn the_norm_is_of_all_gradients_together() {
    let model = Model::<f64>::new();
    let of = |a: f64, b: f64| {
        let mut weight = Tensor::zeros(&[2, 3]);
        weight.view_mut()[[1, 2]] = a;
        gradients(&model, &[("weight", weight), ("bias", Tensor::from([0.0, b]))])
    };
    let mut gradients = of(3.0, -4.0);
    assert_eq!(gradient_norm(&gradients, &model, 2.0).unwrap(), 5.0);
    assert_eq!(gradient_norm(&gradients, &model, 1.0).unwrap(), 7.0);
    assert_eq!(gradient_norm(&gradients, &model, f64::INFINITY).unwrap(), 4.0);
    assert_eq!(gradient_norm(&Gradients::default(), &model, 2.0).unwrap(), 0.0);
    assert_eq!(clip_norm(&mut gradients, &model, 2.5).unwrap(), 5.0);
    assert_relative_eq!(gradient_norm(&gradients, &model, 2.0).unwrap(), 2.5, epsilon = 1e-5);
    let bias = gradients.of(model.parameter("bias")).unwrap().to_vec();
    assert_relative_eq!(bias[1], -2.0, epsilon = 1e-5);
    // Nothing to clip changes nothing.
    let before = bias;
    assert!(clip_norm(&mut gradients, &model, 3.0).unwrap() < 2.5);
    assert_eq!(gradients.of(model.parameter("bias")).unwrap().to_vec(), before);

    let mut gradients = of(3.0, -4.0);
    assert!(clip_value(&mut gradients, &Model::<f64>::new(), 3.5).is_err(), "of another model");
    clip_value(&mut gradients, &model, 3.5).unwrap();
    assert_eq!(gradients.of(model.parameter("bias")).unwrap().to_vec(), [0.0, -3.5]);
    assert_eq!(gradient_norm(&gradients, &model, f64::INFINITY).unwrap(), 3.5);
}

/// In f32 the square of the largest would overflow, and the sum of many small squares stand still.
#[test]
fn the_norm_is_computed_in_f64() {
    let model = Model::<f32>(vec![("w", Parameter::new(Tensor::zeros(&[1_000_001])))]);
    let mut gradients = Gradients::default();
    let mut elements = vec![1e-3_f32; 1_000_001];
    elements[0] = 1e30;
    gradients.insert(model.parameter("w"), elements.clone());
    assert_relative_eq!(gradient_norm(&gradients, &model, 2.0).unwrap(), 1e30, max_relative = 1e-7);
    elements[0] = 1e3;
    gradients.insert(model.parameter("w"), elements);
    let square = gradient_norm(&gradients, &model, 2.0).unwrap().powi(2);
    // 125,000 times half the distance from 1e6 to its neighbour.
    assert_relative_eq!(square - 1e6, 1.0, epsilon = 7.5e-6);
}

/// The squares of huge numbers overflow and those of tiny ones vanish, but their norm does neither.
#[test]
fn the_norm_of_huge_and_tiny_gradients_is_right() {
    let model = Model::<f64>(vec![("w", Parameter::new(Tensor::zeros(&[2])))]);
    for scale in [1e200, 1e-200, 1e300] {
        for (p, expected) in [(1.0, 7.0), (2.0, 5.0), (3.0, 91_f64.cbrt()), (f64::INFINITY, 4.0)] {
            let w = Tensor::from([3.0 * scale, -4.0 * scale]);
            let mut all = gradients(&model, &[("w", w)]);
            let norm = gradient_norm(&all, &model, p).unwrap();
            assert_relative_eq!(norm, expected * scale, max_relative = 1e-12);
            clip_p_norm(&mut all, &model, 1.0, p).unwrap();
            let clipped = gradient_norm(&all, &model, p).unwrap();
            assert_relative_eq!(clipped, norm.min(1.0), max_relative = 1e-5);
        }
    }
    // A norm beyond all numbers.
    let mut all = gradients(&model, &[("w", Tensor::from([1.5e308, -1.5e308]))]);
    assert_eq!(clip_norm(&mut all, &model, 1.0).unwrap(), f64::INFINITY);
    let w = all.of(model.parameter("w")).unwrap().to_vec();
    assert_relative_eq!(w[0], 0.5_f64.sqrt(), max_relative = 1e-12);
    // In f32 the factor alone would have few digits.
    let model = Model::<f32>(vec![("w", Parameter::new(Tensor::zeros(&[2])))]);
    let mut all = Gradients::default();
    all.insert(model.parameter("w"), [3e38_f32, 0.0]);
    clip_norm(&mut all, &model, 1e-6).unwrap();
    assert_relative_eq!(
        all.of(model.parameter("w")).unwrap().to_vec()[0],
        1e-6,
        max_relative = 1e-6
    );
}

#[test]
fn a_gradient_that_is_not_finite_is_named() {
    let model = Model::<f64>::new();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let bias = Tensor::from([1.0, bad]);
        let mut all = gradients(&model, &[("weight", Tensor::ones(&[2, 3])), ("bias", bias)]);
        for p in [1.0, 2.0, 3.0, f64::INFINITY] {
            let error = clip_p_norm(&mut all, &model, 1.0, p).unwrap_err().to_string();
            assert_eq!(error, "the gradient of parameter bias is infinite or NaN");
        }
        assert_eq!(clip_value(&mut all, &model, 0.5).is_err(), bad.is_nan());
        let weight = all.of(model.parameter("weight")).unwrap().to_vec()[0];
        assert_eq!(weight, if bad.is_nan() { 1.0 } else { 0.5 });
    }
}

// ---------------------------------------------------------------------------------------------
// Penalties.

#[test]
fn penalties_are_what_they_say() {
    let model = Model::<f64>::new();
    let value_and_gradient = |penalty: Penalty, path: &str| {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let loss = penalty.loss(&pass, &model).unwrap();
        let gradients = pass.gradients(loss);
        let gradient = gradients.ok().and_then(|all| all.of(model.parameter(path)).cloned());
        (loss.item(), gradient)
    };
    let weight = model.value("weight");
    let (value, gradient) = value_and_gradient(Penalty::l2(0.2).unwrap(), "weight");
    // 0.25 + 1 + 4 + 2.25 + 0.0625 + 0.5625.
    assert_relative_eq!(value, 0.1 * 8.125);
    assert_relative_eq!(gradient.unwrap(), weight.scale(0.2));
    let (value, gradient) = value_and_gradient(Penalty::l1(0.2).unwrap(), "weight");
    assert_relative_eq!(value, 0.2 * 6.0, epsilon = 1e-15);
    assert_relative_eq!(gradient.unwrap(), weight.sign().scale(0.2));
    let (value, gradient) = value_and_gradient(Penalty::l1_l2(0.2, 0.4).unwrap(), "weight");
    assert_relative_eq!(value, 0.2 * 6.0 + 0.2 * 8.125, epsilon = 1e-15);
    assert_relative_eq!(gradient.unwrap(), weight.sign().scale(0.2) + weight.scale(0.4));

    // Biases only if asked for.
    assert_eq!(value_and_gradient(Penalty::l2(0.2).unwrap(), "bias").1, None);
    let (value, gradient) =
        value_and_gradient(Penalty::l2(0.2).unwrap().on(|path| path == "bias"), "bias");
    assert_relative_eq!(value, 0.1 * 0.05);
    assert_relative_eq!(gradient.unwrap(), model.value("bias").scale(0.2));
    assert_eq!(value_and_gradient(Penalty::l2(0.0).unwrap(), "weight").0, 0.0);
}

#[test]
fn an_l2_penalty_is_the_weight_decay_of_sgd() {
    let (mut penalised, mut decayed) = (Model::<f64>::new(), Model::new());
    let mut plain = Sgd::new(0.1).unwrap();
    let mut decaying = Sgd::new(0.1).unwrap().weight_decay(0.3).unwrap();
    let penalty = Penalty::l2(0.3).unwrap().on(|_| true);
    for _ in 0..5 {
        let gradients = |model: &Model<f64>, penalty: Option<&Penalty>| {
            let tape = Tape::new();
            let pass = Pass::train(&tape, 0);
            let [w, b] = ["weight", "bias"].map(|path| pass.parameter(model.parameter(path)));
            let mut loss = w.sin().sum() + b.sin().sum();
            if let Some(penalty) = penalty {
                loss = loss + penalty.loss(&pass, model).unwrap();
            }
            pass.gradients(loss).unwrap()
        };
        let with = gradients(&penalised, Some(&penalty));
        plain.step(&mut penalised, &with).unwrap();
        let without = gradients(&decayed, None);
        decaying.step(&mut decayed, &without).unwrap();
    }
    for path in ["weight", "bias"] {
        assert_relative_eq!(penalised.value(path), decayed.value(path), epsilon = 1e-14);
    }
}

#[test]
fn a_penalty_on_nothing_is_an_error_and_frozen_weights_are_left_out() {
    let mut model = Model::<f64>::new();
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let penalty = Penalty::l2(0.2).unwrap();
    let error = penalty.clone().on(|path| path == "wieght").loss(&pass, &model);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("optim.rs"), "{error}");
    assert!(error.ends_with("matches no parameter; there are: weight, bias"), "{error}");
    model.parameter_mut("weight").freeze();
    assert_eq!(penalty.loss(&pass, &model).unwrap().item(), 0.0);
}

// ---------------------------------------------------------------------------------------------
// L-BFGS.

/// The loss of a model and its gradients.
type Evaluated = Result<(f64, Gradients<f64>), Error>;

/// Rosenbrock's function of the two weights of a model.
fn rosenbrock(model: &dyn Module<f64>) -> Evaluated {
    let tape = Tape::new();
    let pass = Pass::train(&tape, 0);
    let [x, y] = [0, 1].map(|i| pass.parameter(model.parameters()[i].1));
    let loss = ((-x + 1.0).square() + (y - x.square()).square().scale(100.0)).sum();
    Ok((loss.item(), pass.gradients(loss)?))
}

fn valley() -> Model<f64> {
    Model(vec![("x", Parameter::new(-1.2)), ("y", Parameter::new(1.0))])
}

#[test]
fn lbfgs_finds_the_end_of_the_valley() {
    let mut model = valley();
    let optimizer = Lbfgs::new().line_search().iterations(100).unwrap();
    let mut optimizer = optimizer.tolerances(1e-7, 0.0).unwrap();
    let mut evaluations = 0;
    let counted = |model: &dyn Module<f64>| {
        evaluations += 1;
        rosenbrock(model)
    };
    assert_relative_eq!(optimizer.step(&mut model, counted).unwrap(), 24.2, epsilon = 1e-12);
    assert_relative_eq!(model.value("x").item(), 1.0, epsilon = 1e-6);
    assert_relative_eq!(model.value("y").item(), 1.0, epsilon = 1e-6);
    assert!(evaluations < 60, "{evaluations}");
}

#[test]
fn lbfgs_continues_from_its_state_bit_for_bit() {
    for line_search in [false, true] {
        let build = || {
            let optimizer = Lbfgs::new().rate(0.3).unwrap().iterations(2).unwrap();
            let optimizer = optimizer.history(3).unwrap();
            if line_search { optimizer.line_search() } else { optimizer }
        };
        let (mut model, mut optimizer) = (valley(), build());
        assert_eq!(optimizer.state(&model).numbers["step"], 0.0);
        for _ in 0..5 {
            optimizer.step(&mut model, rosenbrock).unwrap();
        }
        optimizer.set_learning_rate(0.2).unwrap();
        let state = optimizer.state(&model);
        assert_eq!(state.tensors["s.2"].shape(), [2]);
        let (mut copy, mut fresh) = (Model(model.0.clone()), build());
        fresh.load_state(&copy, &state).unwrap();
        assert_eq!(fresh.state(&copy), state);
        for _ in 0..3 {
            optimizer.step(&mut model, rosenbrock).unwrap();
            fresh.step(&mut copy, rosenbrock).unwrap();
        }
        assert_eq!(model.numbers(), copy.numbers());

        let mut bad = state.clone();
        bad.tensors.insert("direction".into(), Tensor::zeros(&[3]));
        bad.tensors.remove("s.1");
        bad.texts.insert("parameters".into(), "x [], z []".into());
        let error = fresh.load_state(&copy, &bad).unwrap_err().to_string();
        for part in ["direction has shape [3], but must have [2]", "missing: s.1", "x [], y []"] {
            assert!(error.contains(part), "{error}");
        }
        let mut short = Lbfgs::new().history(2).unwrap();
        let error = short.load_state(&copy, &state).unwrap_err().to_string();
        assert!(error.contains("it has 3 changes, but the history is 2"), "{error}");
    }
}

#[test]
fn lbfgs_takes_all_its_iterations_if_no_change_is_too_small() {
    // A loss that does not change, with a gradient that does not either.
    let optimizer = Lbfgs::new().iterations(5).unwrap();
    let mut optimizer = optimizer.tolerances(0.0, 0.0).unwrap();
    let mut evaluations = 0;
    let flat = |model: &dyn Module<f64>| {
        evaluations += 1;
        Ok((1.0, rosenbrock(model)?.1))
    };
    optimizer.step(&mut valley(), flat).unwrap();
    assert_eq!(evaluations, 5);
}

#[test]
fn lbfgs_goes_back_to_the_last_good_point() {
    // From the third evaluation on the loss is NaN, or the closure fails.
    for fails in [false, true] {
        for line_search in [false, true] {
            let optimizer = Lbfgs::new().rate(0.1).unwrap();
            let mut optimizer = if line_search { optimizer.line_search() } else { optimizer };
            let mut model = valley();
            let mut seen = Vec::new();
            let result = optimizer.step(&mut model, |model| {
                let at = model.parameters().iter().map(|(_, p)| p.value.item()).collect();
                seen.push(at);
                let (loss, gradients) = rosenbrock(model)?;
                match (seen.len() > 2, fails) {
                    (false, _) => Ok((loss, gradients)),
                    (true, false) => Ok((f64::NAN, gradients)),
                    (true, true) => Err(Error::LossNotFinite { loss: -1.0 }),
                }
            });
            assert!(result.is_err() || (line_search && !fails));
            let at: Vec<f64> = model.numbers();
            assert!(seen[..2].contains(&at), "{at:?} in {seen:?}");
        }
    }
    // A start that is not finite changes nothing.
    let mut model = valley();
    let result = Lbfgs::new().step(&mut model, |model| Ok((f64::NAN, rosenbrock(model)?.1)));
    assert!(result.unwrap_err().to_string().starts_with("the loss is NaN"));
    assert_eq!(model.numbers(), valley().numbers());
}

#[test]
fn lbfgs_survives_a_loss_that_overflows_in_a_line_search() {
    // exp(x²) from x = 3, whose first steps lead where it is infinite.
    let mut model = Model(vec![("x", Parameter::new(3.0))]);
    let optimizer = Lbfgs::new().rate(100.0).unwrap().line_search();
    let mut optimizer = optimizer.tolerances(1e-7, 0.0).unwrap();
    for _ in 0..20 {
        let evaluate = |model: &dyn Module<f64>| {
            let tape = Tape::new();
            let pass = Pass::train(&tape, 0);
            let loss = pass.parameter(model.parameters()[0].1).square().exp();
            Ok((loss.item(), pass.gradients(loss)?))
        };
        optimizer.step(&mut model, evaluate).unwrap();
    }
    assert_relative_eq!(model.value("x").item(), 0.0, epsilon = 1e-6);
}

#[test]
fn lbfgs_forgets_when_other_parameters_are_trained() {
    let (mut model, mut optimizer) = (valley(), Lbfgs::new().line_search());
    optimizer.step(&mut model, rosenbrock).unwrap();
    model.parameter_mut("y").freeze();
    let y = model.value("y").item();
    optimizer.step(&mut model, rosenbrock).unwrap();
    assert_eq!(model.value("y").item(), y);
    assert_eq!(optimizer.state(&model).texts["parameters"], "x []");
}

// ---------------------------------------------------------------------------------------------
// Schedules.

#[test]
fn schedules_have_their_corners() {
    let warm_up = Linear::warm_up(4).unwrap();
    let rates: Vec<_> = (0..6).map(|t| warm_up.rate(1.0, t)).collect();
    for (rate, expected) in rates.iter().zip([0.2, 0.4, 0.6, 0.8, 1.0, 1.0]) {
        assert_relative_eq!(*rate, expected, epsilon = 1e-15);
    }
    let chain = Chain::new(warm_up)
        .then(4, Cosine::new(10).unwrap().to(0.1).unwrap())
        .and_then(|chain| chain.then(14, Constant::new(0.1).unwrap()))
        .unwrap();
    assert_relative_eq!(chain.rate(1.0, 0), 0.2);
    assert_relative_eq!(chain.rate(1.0, 4), 1.0);
    assert_relative_eq!(chain.rate(1.0, 9), 0.55);
    assert_relative_eq!(chain.rate(1.0, 1000), 0.1);
    assert_eq!(OneCycle::new(10).unwrap().rate(1.0, 9), OneCycle::new(10).unwrap().rate(1.0, 99));
    assert_relative_eq!(OneCycle::new(10).unwrap().rate(1.0, 2), 1.0);
    // From a 25th, in the end to a ten-thousandth of that.
    assert_relative_eq!(OneCycle::new(10).unwrap().rate(1.0, 0), 0.04);
    assert_relative_eq!(OneCycle::new(10).unwrap().rate(1.0, 9), 4e-6, max_relative = 1e-9);
    // A rate of 0, at which a cosine ends, is one that an optimiser takes.
    let mut sgd = Sgd::<f64>::new(0.1).unwrap();
    let rate = Cosine::new(10).unwrap().rate(0.1, 10);
    assert_relative_eq!(rate, 0.0, epsilon = 1e-15);
    sgd.set_learning_rate(rate).unwrap();
    let huge = CosineRestarts::new(1).unwrap().growing(2).unwrap();
    assert!((0.0..=1.0).contains(&huge.rate(1.0, usize::MAX)));
    assert!(CosineRestarts::new(3).unwrap().rate(1.0, usize::MAX).is_finite());
}

#[test]
fn a_plateau_continues_from_its_state() {
    let build = || Plateau::new(0.5).unwrap().patience(1).cooldown(1);
    let mut values = [0.9, 0.9, 0.9, 0.9, 0.9, f64::NAN, 0.9, 0.2, 0.3, 0.3, 0.3].into_iter();
    let mut schedule = build();
    for t in 0..4 {
        schedule.observe(t, values.next().unwrap());
    }
    assert_eq!(schedule.rate(0.1, 4), 0.05);
    let mut other = build();
    other.load_state(&schedule.state()).unwrap();
    for (t, value) in (4..).zip(values) {
        schedule.observe(t, value);
        other.observe(t, value);
        assert_eq!(schedule, other);
    }
    assert_eq!(schedule.rate(0.1, 20), 0.0125);
    let mut state = schedule.state();
    state.remove("best");
    state.insert("bad".into(), 0.5);
    state.insert("worst".into(), 1.0);
    let error = other.load_state(&state).unwrap_err().to_string();
    for part in ["missing: best", "unexpected: worst", "bad is 0.5, but must be a whole number"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(schedule, other);

    // A new plateau, whose best value is infinite, saves and loads as well.
    build().load_state(&build().state()).unwrap();
    let rising = build().rising();
    build().rising().load_state(&rising.state()).unwrap();
}

#[test]
fn a_chain_asks_the_part_whose_time_it_is() {
    let build = || {
        let plateau = Plateau::new(0.5).unwrap().patience(0);
        Chain::new(Linear::warm_up(3).unwrap()).then(3, plateau).unwrap()
    };
    let mut chain = build();
    // The warm-up is deaf; the first value that the plateau hears is its best.
    (0..5).for_each(|t| chain.observe(t, 1.0));
    assert_eq!(chain.rate(0.1, 5), 0.05);
    let state = chain.state();
    assert_eq!(state["1.best"], 1.0);
    let mut other = build();
    other.load_state(&state).unwrap();
    assert_eq!(other.rate(0.1, 5), 0.05);
    for (key, value) in [("2.best", 1.0), ("0.best", 1.0), ("stray", 1.0), ("1.bad", -1.0)] {
        let mut bad = state.clone();
        bad.insert(key.into(), value);
        let mut chain = build();
        assert!(chain.load_state(&bad).is_err(), "{key}");
        assert_eq!(chain.state(), build().state());
    }
    // A part of a part hears its own time: this plateau's begins at 3 + 2.
    let plateau = Plateau::new(0.5).unwrap().patience(0);
    let inner = Chain::new(Constant::new(1.0).unwrap()).then(2, plateau).unwrap();
    let mut outer = Chain::new(Linear::warm_up(3).unwrap()).then(3, inner).unwrap();
    (0..6).for_each(|t| outer.observe(t, 1.0));
    assert_eq!(outer.rate(0.1, 6), 0.1);
    outer.observe(6, 1.0);
    assert_eq!(outer.rate(0.1, 7), 0.05);
    assert_eq!(outer.state()["1.1.best"], 1.0);
    // A function of time has nothing to remember.
    assert!(Exponential::new(0.9).unwrap().state().is_empty());
    assert!(Exponential::new(0.9).unwrap().load_state(&state).is_err());
}

// ---------------------------------------------------------------------------------------------
// Settings.

#[test]
fn bad_settings_are_refused_in_a_sentence() {
    let sentence = |result: Result<(), Error>| result.unwrap_err().to_string();
    let mut bad: Vec<(Result<(), Error>, &str)> = Vec::new();
    for rate in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
        let expected = format!("the learning rate is {rate}, but must be positive and finite");
        for result in [
            Sgd::<f32>::new(rate).map(drop),
            Sgd::<f32>::momentum(rate, 0.9).map(drop),
            Sgd::<f32>::nesterov(rate, 0.9).map(drop),
            AdaGrad::<f32>::new(rate).map(drop),
            RmsProp::<f32>::new(rate).map(drop),
            AdaDelta::<f32>::new(rate).map(drop),
            Adam::<f32>::new(rate).map(drop),
            AdamW::<f32>::new(rate).map(drop),
            NAdam::<f32>::new(rate).map(drop),
            Lion::<f32>::new(rate).map(drop),
            Lbfgs::<f32>::new().rate(rate).map(drop),
        ] {
            assert_eq!(sentence(result), expected);
        }
    }
    let adam = || Adam::<f32>::new(0.1).unwrap();
    let sgd = || Sgd::<f32>::new(0.1).unwrap();
    let decay = "at least 0 and below 1";
    for x in [1.0, -0.1, f64::NAN] {
        bad.extend([
            (Sgd::<f32>::momentum(0.1, x).map(drop), decay),
            (Sgd::<f32>::nesterov(0.1, x).map(drop), decay),
            (Sgd::<f32>::momentum(0.1, 0.9).unwrap().dampening(x).map(drop), decay),
            (RmsProp::<f32>::new(0.1).unwrap().alpha(x).map(drop), decay),
            (RmsProp::<f32>::new(0.1).unwrap().momentum(x).map(drop), decay),
            (AdaDelta::<f32>::new(0.1).unwrap().rho(x).map(drop), decay),
            (adam().betas(x, 0.9).map(drop), decay),
            (adam().betas(0.9, x).map(drop), decay),
            (AdamW::<f32>::new(0.1).unwrap().betas(x, 0.9).map(drop), decay),
            (NAdam::<f32>::new(0.1).unwrap().betas(x, 0.9).map(drop), decay),
            (Lion::<f32>::new(0.1).unwrap().betas(0.9, x).map(drop), decay),
        ]);
    }
    for x in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        let positive = "positive and finite";
        let mut none = Gradients::default();
        let model = Model::<f32>::new();
        bad.extend([
            (adam().epsilon(x).map(drop), positive),
            (AdaGrad::<f32>::new(0.1).unwrap().epsilon(x).map(drop), positive),
            (RmsProp::<f32>::new(0.1).unwrap().epsilon(x).map(drop), positive),
            (AdaDelta::<f32>::new(0.1).unwrap().epsilon(x).map(drop), positive),
            (clip_norm(&mut none, &model, x).map(drop), positive),
            (clip_value(&mut none, &model, x), positive),
        ]);
    }
    for x in [-1.0, f64::INFINITY, f64::NAN] {
        let not_negative = "at least 0 and finite";
        let group = |group| sgd().group(|_| true, group).map(drop);
        bad.extend([
            (sgd().set_learning_rate(x), not_negative),
            (Lbfgs::<f32>::new().set_learning_rate(x), not_negative),
            (sgd().weight_decay(x).map(drop), not_negative),
            (AdaGrad::<f32>::new(0.1).unwrap().rate_decay(x).map(drop), not_negative),
            (AdaGrad::<f32>::new(0.1).unwrap().initial_sum(x).map(drop), not_negative),
            (NAdam::<f32>::new(0.1).unwrap().momentum_decay(x).map(drop), not_negative),
            (Lbfgs::<f32>::new().tolerances(x, 0.0).map(drop), not_negative),
            (group(Group::new().rate_factor(x)), not_negative),
            (group(Group::new().weight_decay(x)), not_negative),
            (Penalty::l1(x).map(drop), not_negative),
            (Penalty::l2(x).map(drop), not_negative),
        ]);
    }
    bad.extend([
        (sgd().dampening(0.5).map(drop), "left out, except with Sgd::momentum"),
        (Lbfgs::<f32>::new().history(0).map(drop), "at least 1"),
        (Lbfgs::<f32>::new().iterations(0).map(drop), "at least 1"),
        (Lbfgs::<f32>::new().evaluations(0).map(drop), "at least 1"),
    ]);
    all_refused(bad);
}

#[test]
fn bad_schedules_are_refused_in_a_sentence() {
    let mut bad = Vec::new();
    for x in [-1.0, f64::INFINITY, f64::NAN] {
        let not_negative = "at least 0 and finite";
        bad.extend([
            (Constant::new(x).map(drop), not_negative),
            (Linear::new(x, 1.0, 3).map(drop), not_negative),
            (Cosine::new(3).unwrap().to(x).map(drop), not_negative),
            (Plateau::new(0.5).unwrap().threshold(x).map(drop), not_negative),
            (Plateau::new(0.5).unwrap().down_to(x).map(drop), not_negative),
            (CosineRestarts::new(3).unwrap().to(x).map(drop), not_negative),
            (OneCycle::new(10).unwrap().divisors(x, 1.0).map(drop), "positive and finite"),
        ]);
    }
    for x in [0.0, 1.5, f64::NAN] {
        bad.extend([
            (StepDecay::new(3, x).map(drop), "above 0 and at most 1"),
            (Exponential::new(x).map(drop), "above 0 and at most 1"),
            (MultiStep::new([1], x).map(drop), "above 0 and at most 1"),
            (Plateau::new(x).map(drop), "above 0 and below 1"),
            (OneCycle::new(10).unwrap().rise(x).map(drop), "long enough for a step"),
        ]);
    }
    let constant = || Constant::new(1.0).unwrap();
    bad.extend([
        (StepDecay::new(0, 0.5).map(drop), "at least 1"),
        (MultiStep::new([3, 3], 0.5).map(drop), "in increasing order"),
        (Cosine::new(0).map(drop), "at least 1"),
        (CosineRestarts::new(2).unwrap().growing(0).map(drop), "at least 1"),
        (Linear::warm_up(0).map(drop), "at least 1"),
        (OneCycle::new(3).map(drop), "at least 4"),
        (OneCycle::new(10).unwrap().rise(0.6).unwrap().three_phases().map(drop), "below 1/2"),
        (Chain::new(constant()).then(0, constant()).map(drop), "after the start"),
    ]);
    all_refused(bad);
}

/// Holds that each is an error, whose sentence says what is allowed.
fn all_refused(bad: Vec<(Result<(), Error>, &str)>) {
    for (result, allowed) in bad {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(", but must be ") && error.contains(allowed), "{error}");
    }
}

#[test]
fn a_flat_negative_value_is_a_plateau() -> Result<(), Error> {
    // A log-likelihood that stays at −2 does not improve; at −2.1 it does, by a twentieth.
    let factor = |plateau: Plateau, values: &[f64]| {
        let mut plateau = plateau.patience(0);
        values.iter().enumerate().for_each(|(t, &value)| plateau.observe(t, value));
        plateau.rate(1.0, values.len())
    };
    let falling = || Plateau::new(0.5);
    assert_eq!(factor(falling()?, &[-2.0, -2.0, -2.0]), 0.25);
    assert_eq!(factor(falling()?, &[-2.0, -2.1, -2.2]), 1.0);
    assert_eq!(factor(falling()?.threshold(0.1)?, &[-2.0, -2.1, -2.3]), 0.5);
    assert_eq!(factor(falling()?.rising(), &[-2.0, -2.0, -2.0]), 0.25);
    assert_eq!(factor(falling()?.rising(), &[-2.0, -1.9, -1.8]), 1.0);
    assert_eq!(factor(falling()?.rising().threshold(0.1)?, &[-2.0, -1.9, -1.75]), 0.5);
    // What improves from one side of 0 to the other improves; 0 itself can stay flat.
    assert_eq!(factor(falling()?, &[0.1, -0.1]), 1.0);
    assert_eq!(factor(falling()?, &[0.0, 0.0]), 0.5);
    Ok(())
}

#[test]
fn the_gradients_of_another_model_are_refused() -> Result<(), Error> {
    let model = Dense::<f32>::new(2, 1, &mut nn::rng(0));
    let gradients = {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let y = model.forward(&pass, tape.constant([[1.0, 2.0]]));
        pass.gradients(y.sum())?
    };
    let mut copy = model.clone();
    let before = copy.weight.value.clone();
    let refusal = Sgd::new(0.1)?.step(&mut copy, &gradients).unwrap_err().to_string();
    assert!(
        refusal.contains("none of the 2 gradients is of a parameter of this model"),
        "{refusal}"
    );
    assert!(refusal.contains("clone"), "{refusal}");
    let mut lbfgs = Lbfgs::new();
    let refusal = lbfgs.step(&mut copy, |_| Ok((1.0, gradients.clone()))).unwrap_err().to_string();
    assert!(refusal.contains("none of the 2 gradients"), "{refusal}");
    let refusal = clip_norm(&mut gradients.clone(), &copy, 1.0).unwrap_err().to_string();
    assert!(refusal.contains("none of the 2 gradients"), "{refusal}");
    assert_eq!(copy.weight.value, before);
    // Part of a model may be trained with the gradients of the whole.
    let mut pair = Sequential::new().then(Dense::<f32>::new(2, 2, &mut nn::rng(0)));
    pair = pair.then(Dense::new(2, 1, &mut nn::rng(1)));
    let gradients = {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let y = pair.forward(&pass, tape.constant([[1.0, 2.0]]));
        pass.gradients(y.sum())?
    };
    Sgd::new(0.1)?.step(&mut pair[1], &gradients)?;
    Ok(())
}
