//! Optimisers, clipping and schedules against PyTorch.
//!
//! `torch/optimizers.json.gz` holds what `scripts/torch_reference.py` has computed with PyTorch in
//! f64: 50 steps of each optimiser with given gradients, 50 steps of L-BFGS on given functions,
//! clipped gradients, and 60 rates of each schedule. A step may be off by 1e-12 of the size of the
//! parameter, or 1e-12 where it is below 1; L-BFGS by what rounding alone does to PyTorch's own
//! path, which the file says, times 100.

use crate::common::{count, flag, list, number, numbers, tensor, text, unpacked};
use ndarray::s;
use nn::ops::methods::{BinaryMethods, LinearMethods, UnaryMethods};
use nn::ops::{Shape, Tensor};
use nn::optim::{clip_p_norm, clip_value};
use nn::prelude::*;
use nn::schedule::{
    Chain, Cosine, CosineRestarts, Exponential, Linear, MultiStep, OneCycle, Plateau, StepDecay,
};
use nn::{Error, Gradients};
use serde_json::Value;

const TOLERANCE: f64 = 1e-12;

fn file() -> Value {
    unpacked(include_bytes!("torch/optimizers.json.gz"))
}

/// Part `i` along the first axis.
fn part(tensor: &Tensor<f64>, i: usize) -> Tensor<f64> {
    Tensor::from(tensor.view().index_axis(ndarray::Axis(0), i))
}

fn assert_close(what: &str, ours: &Tensor<f64>, theirs: &Tensor<f64>, tolerance: f64) {
    assert_eq!(ours.shape(), theirs.shape(), "{what}");
    for (a, b) in ours.view().iter().zip(theirs.view()) {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what}: {a} against {b}");
    }
}

/// The parameters of a case.
struct Layer {
    parameters: Vec<(String, Parameter<f64>)>,
}

impl Layer {
    fn from_json(tensors: &Value) -> Self {
        let tensors = tensors.as_object().expect("tensors by name");
        let parameter = |(name, x)| (String::clone(name), Parameter::new(tensor(x)));
        Self { parameters: tensors.iter().map(parameter).collect() }
    }
}

impl Module<f64> for Layer {
    fn forward<'t>(&self, _: &Pass<'t, f64>, _: Var<'t, f64>) -> Var<'t, f64> {
        unreachable!("gradients are given")
    }
    fn output_shape(&self, _: &[usize]) -> Result<Shape, Error> {
        unreachable!("gradients are given")
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        self.parameters.iter().for_each(|(name, parameter)| visit(name, parameter));
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
        self.parameters.iter_mut().for_each(|(name, parameter)| visit(name, parameter));
    }
}

/// The optimiser with these settings of PyTorch's, every one of which is used or known not to
/// matter.
fn optimizer(kind: &str, of: &Value) -> Result<Box<dyn Optimizer<f64>>, Error> {
    /// Adds to an optimiser the groups of a case, whose first settings are the optimiser's own.
    macro_rules! boxed {
        ($optimizer:expr) => {{
            let mut optimizer = $optimizer.weight_decay(number(&of["weight_decay"]))?;
            for group in list(&of["others"]) {
                let names: Vec<String> =
                    list(&group["parameters"]).iter().map(|name| text(name).to_owned()).collect();
                let settings = Group::new()
                    .rate_factor(number(&group["settings"]["lr"]) / number(&of["lr"]))
                    .weight_decay(number(&group["settings"]["weight_decay"]));
                let chosen = move |path: &str| names.iter().any(|name| name == path);
                optimizer = optimizer.group(chosen, settings)?;
            }
            Ok(Box::new(optimizer))
        }};
    }
    let rate = number(&of["lr"]);
    let betas = || (number(&of["betas"][0]), number(&of["betas"][1]));
    match kind {
        "SGD" => {
            let (mu, dampening) = (number(&of["momentum"]), number(&of["dampening"]));
            if flag(&of["nesterov"]) {
                boxed!(Sgd::nesterov(rate, mu)?)
            } else if mu == 0.0 {
                boxed!(Sgd::new(rate)?)
            } else {
                boxed!(Sgd::momentum(rate, mu)?.dampening(dampening)?)
            }
        }
        "Adagrad" => boxed!(
            AdaGrad::new(rate)?
                .rate_decay(number(&of["lr_decay"]))?
                .initial_sum(number(&of["initial_accumulator_value"]))?
                .epsilon(number(&of["eps"]))?
        ),
        "RMSprop" => {
            let mut rms =
                RmsProp::new(rate)?.alpha(number(&of["alpha"]))?.epsilon(number(&of["eps"]))?;
            if number(&of["momentum"]) > 0.0 {
                rms = rms.momentum(number(&of["momentum"]))?;
            }
            boxed!(if flag(&of["centered"]) { rms.centered() } else { rms })
        }
        "Adadelta" => {
            boxed!(AdaDelta::new(rate)?.rho(number(&of["rho"]))?.epsilon(number(&of["eps"]))?)
        }
        "Adam" => {
            let adam = Adam::new(rate)?.betas(betas().0, betas().1)?.epsilon(number(&of["eps"]))?;
            boxed!(if flag(&of["amsgrad"]) { adam.amsgrad() } else { adam })
        }
        "AdamW" => {
            let adam =
                AdamW::new(rate)?.betas(betas().0, betas().1)?.epsilon(number(&of["eps"]))?;
            boxed!(if flag(&of["amsgrad"]) { adam.amsgrad() } else { adam })
        }
        "NAdam" => {
            let adam = NAdam::new(rate)?
                .betas(betas().0, betas().1)?
                .epsilon(number(&of["eps"]))?
                .momentum_decay(number(&of["momentum_decay"]))?;
            let decoupled = flag(&of["decoupled_weight_decay"]);
            boxed!(if decoupled { adam.decoupled_weight_decay() } else { adam })
        }
        "Lion" => boxed!(Lion::new(rate)?.betas(betas().0, betas().1)?),
        other => panic!("no optimiser {other}"),
    }
}

#[test]
fn every_optimiser_takes_pytorchs_steps() {
    let file = file();
    let cases = list(&file["optimizers"]);
    assert!(cases.len() >= 40);
    for case in cases {
        let name = text(&case["name"]);
        let (first, others) = list(&case["groups"]).split_first().expect("a group");
        let mut settings = first["settings"].clone();
        settings["others"] = others.into();
        let mut optimizer = optimizer(text(&case["optimizer"]), &settings).expect(name);
        let mut model = Layer::from_json(&case["start"]);
        let steps = 50;
        for step in 0..steps {
            if let Some(rates) = case.get("rates") {
                optimizer.set_learning_rate(numbers(rates)[step]).expect(name);
            }
            let mut gradients = Gradients::default();
            for (key, parameter) in &model.parameters {
                let skips = case.get("skips").and_then(|skips| skips.get(key));
                if !skips.is_some_and(|steps| list(steps).iter().any(|s| count(s) == step)) {
                    gradients.insert(parameter, part(&tensor(&case["gradients"][key]), step));
                }
            }
            optimizer.step(&mut model, &gradients).expect(name);
            for (key, parameter) in &model.parameters {
                let expected = part(&tensor(&case["parameters"][key]), step);
                let what = format!("{name}, step {step}, {key}");
                assert_close(&what, &parameter.value, &expected, TOLERANCE);
            }
        }
    }
}

/// The functions that L-BFGS minimises, recorded.
fn function<'t>(name: &str, x: Var<'t, f64>) -> Var<'t, f64> {
    let n = x.shape()[0] as isize;
    match name {
        "rosenbrock" => {
            let (here, next) = (x.slice(s![..n - 1]), x.slice(s![1..]));
            ((next - here.square()).square().scale(100.0) + (-here + 1.0).square()).sum()
        }
        "quadratic" => {
            let a = x.tape().constant([
                [4.0, 1.0, 0.0, 0.5],
                [1.0, 9.0, 2.0, 0.0],
                [0.0, 2.0, 25.0, 3.0],
                [0.5, 0.0, 3.0, 1.5],
            ]);
            let b = x.tape().constant([1.0, -2.0, 3.0, 0.5]);
            (x * a.matmul(x)).sum().scale(0.5) - (b * x).sum()
        }
        other => panic!("no function {other}"),
    }
}

#[test]
fn lbfgs_takes_pytorchs_steps() {
    let file = file();
    let cases = list(&file["lbfgs"]);
    assert!(cases.len() >= 13);
    for case in cases {
        let (name, of) = (text(&case["name"]), &case["settings"]);
        let mut optimizer = Lbfgs::new()
            .rate(number(&of["lr"]))
            .and_then(|o| o.iterations(count(&of["max_iter"])))
            .and_then(|o| o.evaluations(count(&of["max_eval"])))
            .and_then(|o| o.history(count(&of["history_size"])))
            .and_then(|o| {
                o.tolerances(number(&of["tolerance_grad"]), number(&of["tolerance_change"]))
            })
            .expect(name);
        if !of["line_search_fn"].is_null() {
            assert_eq!(text(&of["line_search_fn"]), "strong_wolfe");
            optimizer = optimizer.line_search();
        }
        let start = ("x".to_owned(), Parameter::new(tensor(&case["start"])));
        let mut model = Layer { parameters: vec![start] };
        let id = text(&case["function"]);
        let (iterates, spread) = (tensor(&case["parameters"]), numbers(&case["spread"]));
        let mut calls = 0;
        for step in 0..50 {
            optimizer
                .step(&mut model, |model| {
                    calls += 1;
                    let tape = Tape::new();
                    let pass = Pass::train(&tape, 0);
                    let loss = function(id, pass.parameter(model.parameters()[0].1));
                    Ok((loss.item(), pass.gradients(loss)?))
                })
                .expect(name);
            let what = format!("{name}, step {step}");
            assert_eq!(calls, count(&case["closure_calls"][step]), "calls of {what}");
            let tolerance = TOLERANCE.max(100.0 * spread[step]);
            let x = &model.parameters[0].1.value;
            assert_close(&what, x, &part(&iterates, step), tolerance);
        }
    }
}

#[test]
fn gradients_are_clipped_as_pytorch_clips_them() {
    let file = file();
    let cases = list(&file["clipping"]);
    assert!(cases.len() >= 7);
    for case in cases {
        let (name, of) = (text(&case["name"]), &case["settings"]);
        let model = Layer::from_json(&case["gradients"]);
        let mut gradients = Gradients::default();
        for (_, parameter) in &model.parameters {
            gradients.insert(parameter, &parameter.value);
        }
        if text(&case["kind"]) == "norm" {
            let (max, p) = (number(&of["max_norm"]), number(&of["norm_type"]));
            let norm = clip_p_norm(&mut gradients, &model, max, p).expect(name);
            let expected = number(&case["total_norm"]);
            assert!((norm - expected).abs() <= TOLERANCE, "{name}: {norm} against {expected}");
        } else {
            clip_value(&mut gradients, &model, number(&of["clip_value"])).expect(name);
        }
        for (key, parameter) in &model.parameters {
            let clipped = gradients.of(parameter).expect("a gradient");
            assert_close(name, clipped, &tensor(&case["clipped"][key]), TOLERANCE);
        }
    }
}

fn schedule(kind: &str, of: &Value) -> Result<Box<dyn Schedule + Send>, Error> {
    let or = |key: &str, default: f64| of.get(key).map_or(default, number);
    Ok(match kind {
        "StepLR" => Box::new(StepDecay::new(count(&of["step_size"]), number(&of["gamma"]))?),
        "MultiStepLR" => {
            let milestones: Vec<_> = list(&of["milestones"]).iter().map(count).collect();
            Box::new(MultiStep::new(milestones, number(&of["gamma"]))?)
        }
        "ExponentialLR" => Box::new(Exponential::new(number(&of["gamma"]))?),
        "CosineAnnealingLR" => Box::new(Cosine::new(count(&of["T_max"]))?.to(or("eta_min", 0.0))?),
        "CosineAnnealingWarmRestarts" => Box::new(
            CosineRestarts::new(count(&of["T_0"]))?
                .growing(of.get("T_mult").map_or(1, count))?
                .to(or("eta_min", 0.0))?,
        ),
        "OneCycleLR" => {
            let mut cycle = OneCycle::new(count(&of["total_steps"]))?
                .rise(or("pct_start", 0.3))?
                .divisors(or("div_factor", 25.0), or("final_div_factor", 1e4))?;
            if of.get("anneal_strategy").is_some_and(|strategy| strategy == "linear") {
                cycle = cycle.linear();
            }
            Box::new(if of.get("three_phase").is_some() { cycle.three_phases()? } else { cycle })
        }
        "LinearLR" => Box::new(Linear::new(
            number(&of["start_factor"]),
            number(&of["end_factor"]),
            count(&of["total_iters"]),
        )?),
        "SequentialLR" => {
            let part = |i: usize| {
                let part = &of["schedules"][i];
                schedule(text(&part["schedule"]), &part["settings"])
            };
            let mut chain = Chain::new(part(0)?);
            for (i, milestone) in list(&of["milestones"]).iter().enumerate() {
                chain = chain.then(count(milestone), part(i + 1)?)?;
            }
            Box::new(chain)
        }
        "ReduceLROnPlateau" => {
            let mut plateau = Plateau::new(number(&of["factor"]))?
                .patience(count(&of["patience"]))
                .cooldown(of.get("cooldown").map_or(0, count))
                .down_to(or("min_lr", 0.0))?;
            let threshold = or("threshold", 1e-4);
            plateau = if of.get("threshold_mode").is_some_and(|mode| mode == "abs") {
                plateau.absolute_threshold(threshold)?
            } else {
                plateau.threshold(threshold)?
            };
            Box::new(if of["mode"] == "max" { plateau.rising() } else { plateau })
        }
        other => panic!("no schedule {other}"),
    })
}

#[test]
fn every_schedule_gives_pytorchs_rates() {
    let file = file();
    let cases = list(&file["schedules"]);
    assert!(cases.len() >= 20);
    for case in cases {
        let name = text(&case["name"]);
        let mut of = case["settings"].clone();
        let mut base = number(&case["lr"]);
        if let Some(max) = of.get("max_lr") {
            base = number(max);
        }
        // A known setting that is no part of a schedule here.
        if let Some(settings) = of.as_object_mut() {
            settings.remove("cycle_momentum");
        }
        let mut schedule = schedule(text(&case["schedule"]), &of).expect(name);
        for (t, expected) in numbers(&case["rates"]).into_iter().enumerate() {
            if let Some(losses) = case.get("losses") {
                schedule.observe(t, numbers(losses)[t]);
            }
            let rate = schedule.rate(base, t);
            let off = (rate - expected).abs();
            assert!(off <= TOLERANCE * expected, "{name}, time {t}: {rate} against {expected}");
        }
    }
}

/// The tolerance would see a formula that is off by a part in 10⁹.
#[test]
fn a_small_slip_would_be_seen() {
    let file = file();
    let case = list(&file["optimizers"]).iter().find(|case| case["name"] == "Adam(lr=0.02)");
    let case = case.expect("the plainest case of Adam");
    let mut model = Layer::from_json(&case["start"]);
    let mut optimizer = Adam::new(0.02 * (1.0 + 1e-9)).expect("a good rate");
    let mut gradients = Gradients::default();
    for (key, parameter) in &model.parameters {
        gradients.insert(parameter, part(&tensor(&case["gradients"][key]), 0));
    }
    optimizer.step(&mut model, &gradients).expect("gradients that fit");
    for (key, parameter) in &model.parameters {
        let expected = part(&tensor(&case["parameters"][key]), 0);
        let off = (&parameter.value - &expected).abs().to_vec();
        assert!(off.iter().all(|&off| off > 10.0 * TOLERANCE), "{key}: {off:?}");
        assert!(off.iter().all(|off| off.is_finite()) && f64::EPSILON < TOLERANCE);
    }
}
