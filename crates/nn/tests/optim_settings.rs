//! What optimisers and schedules are set to: defaults, limits at their very edge, and where a step of
//! L-BFGS ends.

use approx::assert_relative_eq;
use nn::ops::Shape;
use nn::optim::gradient_norm;
use nn::prelude::*;
use nn::schedule::{Chain, CosineRestarts, Exponential, Linear, OneCycle, Plateau};
use nn::{Error, Gradients};

/// A model of some parameters, whose loss is a function of them alone.
struct Model(Vec<(&'static str, Parameter<f64>)>);

impl Module<f64> for Model {
    fn forward<'t>(&self, _: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        x
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        self.0.iter().for_each(|(path, parameter)| visit(path, parameter));
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
        self.0.iter_mut().for_each(|(path, parameter)| visit(path, parameter));
    }
}

impl Model {
    fn of(w: f64) -> Self {
        Self(vec![("w", Parameter::new(w))])
    }

    fn value(&self, number: usize) -> f64 {
        self.0[number].1.value.item()
    }

    /// One gradient for each of the first parameters.
    fn gradients(&self, of: &[f64]) -> Gradients<f64> {
        let mut gradients = Gradients::default();
        for ((_, parameter), &gradient) in self.0.iter().zip(of) {
            gradients.insert(parameter, Tensor::scalar(gradient));
        }
        gradients
    }
}

// ---------------------------------------------------------------------------------------------
// Optimisers.

#[test]
fn settings_are_the_usual_ones_unless_set() -> Result<(), Error> {
    let model = Model(vec![("weight", Parameter::new(1.0)), ("bias", Parameter::new(1.0))]);
    let check = |optimizer: &dyn Optimizer<f64>, expected: &[(&str, f64)]| {
        let settings = optimizer.settings(&model);
        let settings: Vec<_> = settings.iter().map(|(name, number)| (&name[..], *number)).collect();
        assert_eq!(settings, expected);
    };
    let none = ("weight decay", 0.0);
    check(
        &AdaGrad::new(0.1)?,
        &[("epsilon", 1e-10), ("initial sum", 0.0), ("rate decay", 0.0), none],
    );
    let momentum =
        |mu| [("alpha", 0.99), ("centered", 0.0), ("epsilon", 1e-8), ("momentum", mu), none];
    check(&RmsProp::new(0.1)?, &momentum(0.0));
    check(&RmsProp::new(0.1)?.momentum(0.5)?, &momentum(0.5));
    let adam = |amsgrad, decay| {
        let betas = [("beta1", 0.9), ("beta2", 0.999)];
        [("amsgrad", amsgrad), betas[0], betas[1], ("epsilon", 1e-8), ("weight decay", decay)]
    };
    check(&Adam::new(0.1)?, &adam(0.0, 0.0));
    check(&Adam::new(0.1)?.amsgrad(), &adam(1.0, 0.0));
    check(&AdamW::new(0.1)?, &adam(0.0, 0.01));
    check(&AdamW::new(0.1)?.amsgrad(), &adam(1.0, 0.01));
    let nadam = |decoupled| {
        let betas = [("beta1", 0.9), ("beta2", 0.999)];
        let own = [("decoupled decay", decoupled), ("epsilon", 1e-8), ("momentum decay", 0.004)];
        [betas[0], betas[1], own[0], own[1], own[2], none]
    };
    check(&NAdam::new(0.1)?, &nadam(0.0));
    check(&NAdam::new(0.1)?.decoupled_weight_decay(), &nadam(1.0));
    // What a group sets is named with the path of each parameter that it chooses.
    let of_bias = Group::new().rate_factor(0.5).weight_decay(0.25);
    check(
        &Sgd::new(0.1)?.group(|path| path == "bias", of_bias)?,
        &[("rate factor of bias", 0.5), none, ("weight decay of bias", 0.25)],
    );
    Ok(())
}

/// η/(1 + d t) with d = 1: half the rate in the second step, whose sum of squares is 2.
#[test]
fn a_rate_may_decay_by_as_much_as_it_is() -> Result<(), Error> {
    let mut model = Model::of(1.0);
    let mut optimizer = AdaGrad::new(0.1)?.rate_decay(1.0)?.epsilon(1e-15)?;
    for expected in [0.9, 0.9 - 0.05 / f64::sqrt(2.0)] {
        let gradients = model.gradients(&[1.0]);
        optimizer.step(&mut model, &gradients)?;
        assert_relative_eq!(model.value(0), expected, epsilon = 1e-14);
    }
    Ok(())
}

/// A group must choose a parameter of the model that an optimiser begins with.
#[test]
fn groups_are_held_against_the_first_model() -> Result<(), Error> {
    let mut both = Model(vec![("w", Parameter::new(1.0)), ("bias", Parameter::new(1.0))]);
    let mut sgd = Sgd::new(0.5)?.group(|path| path == "bias", Group::new().rate_factor(0.5))?;
    let gradients = both.gradients(&[1.0, 1.0]);
    sgd.step(&mut both, &gradients)?;
    assert_eq!([both.value(0), both.value(1)], [0.5, 0.75]);
    // Then it may train another, such as a part of it, that has no such parameter.
    let mut part = Model::of(1.0);
    let gradients = part.gradients(&[1.0]);
    sgd.step(&mut part, &gradients)?;
    assert_eq!(part.value(0), 0.5);
    // One that began without groups has not looked at any.
    let mut sgd = Sgd::new(0.5)?;
    sgd.step(&mut part, &gradients)?;
    let mut sgd = sgd.group(|path| path == "bias", Group::new().rate_factor(0.5))?;
    let refusal = sgd.step(&mut part, &gradients).unwrap_err().to_string();
    assert!(refusal.contains("the group of parameters added at"), "{refusal}");
    assert_eq!(part.value(0), 0.0);
    Ok(())
}

#[test]
fn norms_of_zeros_and_of_tiny_gradients() -> Result<(), Error> {
    let model = Model(vec![("a", Parameter::new(0.0)), ("b", Parameter::new(0.0))]);
    let norm = |of: [f64; 2], p| gradient_norm(&model.gradients(&of), &model, p);
    let infinity = f64::INFINITY;
    for p in [1.0, 2.0, 3.0, infinity] {
        assert_eq!(norm([0.0, 0.0], p)?, 0.0);
    }
    // Squares of these are 0 in f64.
    assert_relative_eq!(1e200 * norm([3e-200, -4e-200], 2.0)?, 5.0, max_relative = 1e-14);
    assert_relative_eq!(1e200 * norm([3e-200, -4e-200], 3.0)?, 91_f64.cbrt(), max_relative = 1e-14);
    assert_eq!(norm([3e-200, -4e-200], infinity)?, 4e-200);
    for p in [0.999, 0.0, -1.0, f64::NAN] {
        let refusal = norm([1.0, 1.0], p).unwrap_err().to_string();
        assert!(
            refusal.contains("the order of the norm") && refusal.contains("at least 1"),
            "{refusal}"
        );
    }
    Ok(())
}

/// Of an infinite weight, 0 · |w| would be NaN.
#[test]
fn a_penalty_of_one_kind_has_nothing_of_the_other() -> Result<(), Error> {
    let model = Model::of(f64::INFINITY);
    for penalty in [Penalty::l1(1.0)?, Penalty::l2(1.0)?] {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        assert_eq!(penalty.loss(&pass, &model)?.item(), f64::INFINITY);
    }
    Ok(())
}

// ---------------------------------------------------------------------------------------------
// Schedules.

#[test]
fn schedules_take_what_is_just_allowed() -> Result<(), Error> {
    assert_eq!(CosineRestarts::new(3)?, CosineRestarts::new(3)?.growing(1)?.to(0.0)?);
    assert_eq!(Exponential::new(1.0)?.rate(0.5, 7), 0.5);
    // The shortest cycle, from twice the base rate and back to it.
    let cycle = OneCycle::new(4)?.divisors(0.5, 1.0)?;
    assert_relative_eq!(cycle.rate(1.0, 0), 2.0, max_relative = 1e-14);
    assert_relative_eq!(cycle.rate(1.0, 3), 2.0, max_relative = 1e-14);
    for divisors in [[0.0, 1.0], [1.0, 0.0]] {
        let refusal = OneCycle::new(4)?.divisors(divisors[0], divisors[1]).unwrap_err().to_string();
        assert!(refusal.contains("0, but must be positive and finite"), "{refusal}");
    }
    for last in [-1.0, f64::INFINITY, f64::NAN] {
        let refusal = Linear::new(1.0, last, 3).unwrap_err().to_string();
        assert!(refusal.contains("the last factor of the learning rate"), "{refusal}");
    }
    Ok(())
}

#[test]
fn a_chain_takes_a_state_whole_or_not_at_all() -> Result<(), Error> {
    let plateau = || Plateau::new(0.5).map(|plateau| plateau.patience(1));
    let build = || Chain::new(plateau()?).then(2, plateau()?);
    let mut heard = build()?;
    (0..4).for_each(|t| heard.observe(t, 1.0 - 0.125 * t as f64));
    let good = heard.state();
    let mut other = build()?;
    other.load_state(&good)?;
    assert_eq!(other.state(), good);
    // The first part's state is good, and the second's is not.
    let mut bad = good.clone();
    bad.insert("1.bad".into(), 0.5);
    let mut fresh = build()?;
    let before = fresh.state();
    assert_ne!(before, good);
    assert!(fresh.load_state(&bad).is_err());
    assert_eq!(fresh.state(), before);
    Ok(())
}

// ---------------------------------------------------------------------------------------------
// L-BFGS.

/// One step on a model of one weight, whose loss and gradient are given by the number of the
/// evaluation, from 1, and the weight. Gives the number of evaluations.
fn step(
    optimizer: &mut Lbfgs<f64>,
    model: &mut Model,
    f: impl Fn(usize, f64) -> (f64, f64),
) -> Result<usize, Error> {
    let mut evaluations = 0;
    optimizer.step(model, |model| {
        evaluations += 1;
        let (_, w) = model.parameters()[0].clone();
        let (loss, gradient) = f(evaluations, w.value.item());
        let mut gradients = Gradients::default();
        gradients.insert(w, Tensor::scalar(gradient));
        Ok((loss, gradients))
    })?;
    Ok(evaluations)
}

/// w²/2.
fn bowl(_: usize, w: f64) -> (f64, f64) {
    (0.5 * w * w, w)
}

/// A loss that falls by 1 in each evaluation and the gradient of 250 w⁴, whose zero takes long to be
/// found.
fn flat(evaluation: usize, w: f64) -> (f64, f64) {
    (-(evaluation as f64), 1000.0 * w.powi(3))
}

#[test]
fn lbfgs_has_the_usual_settings_unless_set() -> Result<(), Error> {
    let spelled_out =
        || Lbfgs::new().rate(1.0)?.iterations(20)?.history(100)?.tolerances(1e-7, 1e-9);
    let (mut one, mut other) = (Model::of(3.0), Model::of(3.0));
    // The last move of the 20 is not evaluated.
    assert_eq!(step(&mut Lbfgs::new(), &mut one, flat)?, 20);
    assert_eq!(step(&mut spelled_out()?, &mut other, flat)?, 20);
    assert_eq!(one.value(0), other.value(0));
    // With a line search that begins with tiny steps, as many as with five evaluations allowed.
    let short = || Lbfgs::new().line_search().rate(1e-6)?.iterations(4);
    let limited = |evaluations| -> Result<_, Error> {
        step(&mut short()?.evaluations(evaluations)?, &mut Model::of(1.0), bowl)
    };
    let usual = step(&mut short()?, &mut Model::of(1.0), bowl)?;
    assert_eq!(usual, limited(5)?);
    assert!(limited(4)? < usual && usual < limited(6)?);
    // A history of one change and a tolerance of 0 are allowed.
    Lbfgs::<f64>::new().history(1)?.tolerances(0.0, 0.0)?;
    let refusal = Lbfgs::<f64>::new().tolerances(0.0, -1.0).unwrap_err().to_string();
    assert!(refusal.contains("the tolerance of changes is -1"), "{refusal}");
    Ok(())
}

#[test]
fn lbfgs_goes_by_its_learning_rate() -> Result<(), Error> {
    // The first move is no longer than the gradient: 0.25 − 1 · 0.25, then with half of that.
    let mut model = Model::of(0.25);
    step(&mut Lbfgs::new().iterations(1)?, &mut model, bowl)?;
    assert_eq!(model.value(0), 0.0);
    let mut model = Model::of(0.25);
    let mut optimizer = Lbfgs::new().iterations(1)?;
    optimizer.set_learning_rate(0.5)?;
    step(&mut optimizer, &mut model, bowl)?;
    assert_eq!((model.value(0), optimizer.learning_rate()), (0.125, 0.5));
    // Of a gradient of 4, it is as long as a gradient of 1.
    let mut model = Model::of(4.0);
    step(&mut Lbfgs::new().iterations(1)?, &mut model, bowl)?;
    assert_eq!(model.value(0), 3.0);
    Ok(())
}

#[test]
fn a_step_of_lbfgs_ends_where_nothing_is_left_to_do() -> Result<(), Error> {
    // A gradient that is as large as is tolerated, at the start and after a move.
    let within = |w: f64, rate| -> Result<_, Error> {
        let mut model = Model::of(w);
        let mut optimizer = Lbfgs::new().rate(rate)?.tolerances(0.5, 0.0)?;
        Ok((step(&mut optimizer, &mut model, bowl)?, model.value(0)))
    };
    assert_eq!(within(0.5, 1.0)?, (1, 0.5));
    assert_eq!(within(1.0, 0.5)?, (2, 0.5));
    // A move of 0.125, while the loss falls by 1.
    let mut model = Model::of(0.5);
    let mut optimizer = Lbfgs::new().rate(0.25)?.tolerances(0.0, 0.125)?;
    let falling = |n: usize, w: f64| (-(n as f64), w);
    assert_eq!((step(&mut optimizer, &mut model, falling)?, model.value(0)), (2, 0.375));
    // A bracket of the line search in which the weight moves by 0.125: it is searched no further if
    // that is less than what is tolerated.
    let rising = |n: usize, _| (n as f64, if n == 1 { 0.5 } else { -0.5 });
    for (tolerance, evaluations) in [(0.25, 2), (0.125, 3)] {
        let mut model = Model::of(0.5);
        let mut optimizer = Lbfgs::new().line_search().rate(0.25)?.iterations(1)?;
        optimizer = optimizer.evaluations(10)?.tolerances(0.0, tolerance)?;
        let ended = (step(&mut optimizer, &mut model, rising)?, model.value(0));
        assert_eq!(ended, (evaluations, 0.5));
    }
    // A loss that stays, while the weight moves.
    let mut optimizer = Lbfgs::new().rate(0.25)?.tolerances(0.0, 1e-3)?;
    assert_eq!(step(&mut optimizer, &mut Model::of(0.5), |_, w| (1.0, w))?, 2);
    Ok(())
}

/// A move by s = 10⁻¹⁰, while the gradient changes by y: the curvature y s = 10⁻¹⁰ is too small to be
/// learned from, as in PyTorch, and the next move is along the gradient. Of twice that, it is s / y
/// of the gradient.
#[test]
fn lbfgs_learns_from_curvature_above_its_limit() -> Result<(), Error> {
    let second = |y: f64| -> Result<_, Error> {
        let mut model = Model::of(0.0);
        let optimizer = Lbfgs::new().iterations(2)?.evaluations(10)?;
        let mut optimizer = optimizer.tolerances(0.0, 0.0)?;
        step(&mut optimizer, &mut model, |n, _| (0.0, if n == 1 { -1e-10 } else { y - 1e-10 }))?;
        Ok((model.value(0), optimizer.state(&model).numbers["changes"]))
    };
    let (w, changes) = second(1.0)?;
    assert!((w + 1.0).abs() < 1e-9 && changes == 0.0, "{w} {changes}");
    let (w, changes) = second(2.0)?;
    assert!(w.abs() < 1e-9 && changes == 1.0, "{w} {changes}");
    Ok(())
}

#[test]
fn lbfgs_goes_nowhere_without_a_finite_gradient() -> Result<(), Error> {
    let mut model = Model::of(0.5);
    let error = step(&mut Lbfgs::new(), &mut model, |_, w| (w, f64::NAN)).unwrap_err().to_string();
    assert_eq!(error, "the gradient of parameter w is infinite or NaN");
    assert_eq!(model.value(0), 0.5);
    // At the second point.
    let second = |n: usize, w: f64| (0.5 * w * w, if n == 2 { f64::NAN } else { w });
    assert!(step(&mut Lbfgs::new(), &mut model, second).is_err());
    assert_eq!(model.value(0), 0.5);
    // A line search passes it by, however low the loss is there.
    let hole = |_, w: f64| if w < -5.0 { (-1e6, f64::NAN) } else { bowl(0, w) };
    let mut model = Model::of(4.0);
    step(&mut Lbfgs::new().rate(40.0)?.line_search(), &mut model, hole)?;
    assert!(model.value(0).abs() < 1e-6, "{}", model.value(0));
    Ok(())
}

#[test]
fn lbfgs_leaves_what_has_no_gradient_and_gives_buffers_their_values() -> Result<(), Error> {
    let mut model = Model(vec![
        ("other", Parameter::new(7.0)),
        ("w", Parameter::new(0.25)),
        ("mean", Parameter::buffer(0.0)),
    ]);
    let evaluate = |model: &dyn Module<f64>| {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let w = pass.parameter(model.parameters()[1].1);
        model.visit(&mut |_, parameter| {
            if parameter.is_buffer() {
                pass.update(parameter, w * 2.0);
            }
        });
        let loss = w.square() * 0.5;
        Ok((loss.item(), pass.gradients(loss)?))
    };
    Lbfgs::new().iterations(1)?.step(&mut model, evaluate)?;
    // The buffer is of the step's first evaluation.
    assert_eq!([0, 1, 2].map(|number| model.value(number)), [7.0, 0.0, 0.5]);
    let wrong = |model: &dyn Module<f64>| {
        let mut gradients = Gradients::default();
        gradients.insert(model.parameters()[1].1, Tensor::from([1.0, 2.0]));
        Ok((1.0, gradients))
    };
    let error = Lbfgs::new().step(&mut model, wrong).unwrap_err().to_string();
    assert_eq!(error, "parameter w has shape [], but its gradient has shape [2]");
    Ok(())
}

#[test]
fn a_state_of_lbfgs_may_be_of_no_step_of_one_or_of_too_many() -> Result<(), Error> {
    let mut model = Model::of(3.0);
    let mut optimizer = Lbfgs::new().iterations(1)?;
    let unused = optimizer.state(&model);
    Lbfgs::new().load_state(&model, &unused)?;
    for taken in [1.0, 2.0] {
        step(&mut optimizer, &mut model, flat)?;
        let state = optimizer.state(&model);
        assert_eq!((state.numbers["step"], state.numbers["changes"]), (taken, taken - 1.0));
        let mut fresh = Lbfgs::new();
        fresh.load_state(&model, &state)?;
        assert_eq!(fresh.state(&model), state);
    }
    let mut long = optimizer.state(&model);
    for i in 1..101 {
        for name in ["s", "y"] {
            let first = long.tensors[&format!("{name}.0")].clone();
            long.tensors.insert(format!("{name}.{i}"), first);
        }
    }
    long.numbers.insert("changes".into(), 101.0);
    let refusal = Lbfgs::new().load_state(&model, &long).unwrap_err().to_string();
    assert!(refusal.contains("it has 101 changes, but the history is 100"), "{refusal}");
    Lbfgs::new().history(101)?.load_state(&model, &long)?;
    Ok(())
}
