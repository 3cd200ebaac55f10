//! Traces of runs: their numbers are those of the plain loop, bit for bit, and what is shown of an
//! update is the formula that ran.

use nn::Gradients;
use nn::ops::{Float, Tensor, UpdateKind, UpdateNumber};
use nn::prelude::*;
use nn::tape::Trace;
use nn::tape::trace::{Layout, Rounding, Run, Update};
use nn::tape::words::{Catalogue, Language, Sentences};

use crate::optim::optimizers;

const STEPS: usize = 4;

fn model<A: Float>() -> Sequential<A> {
    let mut rng = nn::rng(1);
    Sequential::new()
        .then(Dense::new(2, 3, &mut rng))
        .then(Dropout::new(0.1).unwrap())
        .then(Tanh)
        .then(Dense::new(3, 1, &mut rng))
}

fn loss<'t, A: Float>(
    pass: &Pass<'t, A>,
    model: &Sequential<A>,
    step: usize,
) -> Result<Var<'t, A>, nn::Error> {
    let data = nn::data::xor::<A>();
    let batch = data.batches(2, Some(step as u64))?.next().expect("xor has two batches");
    MeanSquaredError.loss(model.forward(pass, pass.input(&batch.inputs)), &batch.targets)
}

fn bits<A: Float>(x: &Tensor<A>) -> Vec<u64> {
    x.to_vec().into_iter().map(|x| x.to_f64().to_bits()).collect()
}

/// The bits of the parameters, by their paths.
type Weights = Vec<(String, Vec<u64>)>;

fn weights<A: Float>(model: &Sequential<A>) -> Weights {
    let all = model.parameters().into_iter();
    all.map(|(path, parameter)| (path, bits(&parameter.value))).collect()
}

/// The weights before each step, and after the last, and the losses, of the loop that a user writes.
fn plain<A: Float>(optimizer: &mut dyn Optimizer<A>) -> (Vec<Weights>, Vec<u64>) {
    let (mut model, mut losses) = (model::<A>(), Vec::new());
    let mut all = vec![weights(&model)];
    let mut tape = Tape::new();
    for step in 0..STEPS {
        tape.reset();
        let pass = Pass::train(&tape, step as u64);
        let loss = loss(&pass, &model, step).unwrap();
        losses.push(loss.item().to_f64().to_bits());
        let gradients = pass.gradients(loss).unwrap();
        optimizer.step(&mut model, &gradients).unwrap();
        all.push(weights(&model));
    }
    (all, losses)
}

fn traced<'t, A: Float>(tape: &'t Tape<A>, optimizer: &mut dyn Optimizer<A>) -> Run<'t, A> {
    Trace::of_run(tape, STEPS, &mut model::<A>(), optimizer, loss).unwrap()
}

fn check_runs<A: Float>() {
    let pairs = optimizers::<A>().unwrap().into_iter().zip(optimizers::<A>().unwrap());
    for (number, (mut first, mut second)) in pairs.enumerate() {
        let (wanted, losses) = plain(&mut first);
        let tape = Tape::new();
        let run = traced(&tape, &mut second);
        let found: Vec<u64> = run.losses().iter().map(|x| x.to_f64().to_bits()).collect();
        assert_eq!(found, losses, "optimiser {number}");
        for (n, step) in run.steps().iter().enumerate() {
            assert_eq!(step.updates().len(), 4);
            for (update, (before, after)) in
                step.updates().iter().zip(wanted[n].iter().zip(&wanted[n + 1]))
            {
                assert_eq!(update.node().label(), before.0);
                let change = update.change();
                assert_eq!((&bits(&change.before), &bits(&change.after)), (&before.1, &after.1));
                let gradient = step.trace().gradient(update.node()).unwrap();
                assert_eq!(bits(&change.gradient), bits(&gradient));
                check_lines(update.change(), |index| {
                    update.lines(index, Rounding::default()).unwrap()
                });
            }
        }
        // The loss with the new parameters is that of the model that the plain loop has then.
        let state = (first.learning_rate(), second.learning_rate());
        assert_eq!(state.0.to_bits(), state.1.to_bits());
    }
}

/// The lines of each element end in what the run made of it.
fn check_lines<A: Float>(
    change: &nn::tape::trace::Change<A>,
    lines: impl Fn(&[usize]) -> Vec<nn::ops::UpdateLine<A>>,
) {
    for (index, &after) in change.after.view().indexed_iter() {
        let index = ndarray::Dimension::slice(&index).to_vec();
        let lines = lines(&index);
        let number = |value: UpdateNumber<A>| value.to_f64().to_bits();
        let last = lines.last().unwrap();
        assert_eq!(last.kind, UpdateKind::Parameter);
        assert_eq!(number(last.value), after.to_f64().to_bits(), "{lines:?}");
        for kept in &change.kept {
            let place = format!("{index:?}").replace(' ', "");
            let name = format!("{}{place}", kept.name);
            let line = lines.iter().find(|line| line.symbol == name);
            let line = line.unwrap_or_else(|| panic!("{name} in {lines:?}"));
            assert_eq!(line.kind, UpdateKind::Kept);
            let wanted = kept.after.view()[&index[..]];
            assert_eq!(number(line.value), wanted.to_f64().to_bits(), "{lines:?}");
        }
    }
}

#[test]
fn a_traced_run_is_the_plain_run_bit_for_bit() {
    check_runs::<f64>();
    check_runs::<f32>();
}

#[test]
fn the_loss_after_a_step_is_that_of_the_new_parameters() {
    let (tape, mut model) = (Tape::new(), model::<f64>());
    let mut optimizer = Sgd::new(0.1).unwrap();
    let run = Trace::of_run(&tape, 1, &mut model, &mut optimizer, loss).unwrap();
    let other = Tape::new();
    let after = loss(&Pass::train(&other, 0), &model, 0).unwrap().item();
    assert_eq!(run.steps()[0].loss_after().to_bits(), after.to_bits());
    assert_ne!(run.steps()[0].loss(), after);
}

/// A model of one number w with the loss w².
struct Number(Parameter<f64>);

impl Module<f64> for Number {
    fn forward<'t>(&self, pass: &Pass<'t, f64>, _: Var<'t, f64>) -> Var<'t, f64> {
        pass.parameter(&self.0)
    }
    fn output_shape(&self, input: &[usize]) -> Result<nn::ops::Shape, nn::Error> {
        Ok(nn::ops::Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        visit("w", &self.0);
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
        visit("w", &mut self.0);
    }
}

/// The text of the update in the second step from w = 0.5.
fn second_update(optimizer: &mut dyn Optimizer<f64>) -> String {
    let (tape, mut model) = (Tape::new(), Number(Parameter::new(0.5)));
    let run = Trace::of_run(&tape, 2, &mut model, optimizer, |pass, model, _| {
        Ok(pass.parameter(&model.0).square())
    });
    let run = run.unwrap();
    let layout = Layout { width: 200, ..Layout::default() };
    run.steps()[1].updates()[0].text(layout).to_string()
}

#[test]
fn an_update_is_shown_as_the_formula_that_ran_with_numbers() {
    let text = second_update(&mut Sgd::new(0.1).unwrap());
    assert_eq!(text, "w is updated\n  η = 0.1\n  w ← w - η · w\u{304} = 0.4 - 0.1 · 0.8 = 0.32\n");
    let text = second_update(&mut Sgd::momentum(0.1, 0.9).unwrap().weight_decay(0.5).unwrap());
    for line in ["g = w\u{304} + λ · w = ", "v ← μ · v + g = 0.9 · ", "w ← w - η · v = "]
    {
        assert!(text.contains(line), "{text}");
    }
    let text = second_update(&mut Adam::new(0.1).unwrap());
    for line in [
        "t = 2, η = 0.1, β₁ = 0.9, β₂ = 0.999",
        "ηₜ = η / (1 - β₁^t) = 0.1 / (1 - 0.9^2) = 0.5263",
        "m ← β₁ · m + (1 - β₁) · w\u{304} = 0.9 · 0.1 + (1 - 0.9) · 0.8 = 0.17",
        "m\u{302} = m / (1 - β₁^t) = ",
        "v\u{302} = v / (1 - β₂^t) = ",
        "w ← w - ηₜ · m / (sqrt(v) · cₜ + ε) = 0.4 - 0.5263 · 0.17 / (",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let text = second_update(&mut Lion::new(0.1).unwrap());
    assert!(text.contains("w ← w - η · sign(c) = 0.4 - 0.1 · sign("), "{text}");
}

/// w ← w − η sign(g), and nothing said of it.
struct Silent;

impl Optimizer<f64> for Silent {
    fn step(
        &mut self,
        model: &mut dyn Module<f64>,
        gradients: &Gradients<f64>,
    ) -> Result<(), nn::Error> {
        model.visit_mut(&mut |_, parameter| {
            if let Some(gradient) = gradients.of(parameter) {
                parameter.value = &parameter.value - gradient.sign().scale(0.1);
            }
        });
        Ok(())
    }
    fn learning_rate(&self) -> f64 {
        0.1
    }
    fn set_learning_rate(&mut self, _: f64) -> Result<(), nn::Error> {
        Ok(())
    }
}

#[test]
fn the_remark_of_an_update_can_be_said_in_another_language() {
    let english = Language::ENGLISH.catalogue();
    let sentences = Sentences { remark_of_adam: "Bemerkung", ..*english.sentences() };
    let german = Catalogue::new("de", "Deutsch", sentences, *english.page());
    let language = Language::of(Box::leak(Box::new(german)));
    let tape = Tape::new();
    let run = traced::<f64>(&tape, &mut Adam::new(0.1).unwrap());
    let update = &run.steps()[1].updates()[0];
    assert_eq!(update.remark(), Language::ENGLISH.remark_of_adam());
    let text = update.text(Layout::default().language(language)).to_string();
    assert!(text.contains("Bemerkung") && !text.contains(update.remark()), "{text}");
}

#[test]
fn an_optimiser_that_tells_nothing_is_shown_by_what_it_did() {
    let text = second_update(&mut Silent);
    assert_eq!(text, "w is updated\n  w ← 0.3\n");
    let tape = Tape::new();
    let run = traced(&tape, &mut Silent);
    assert!(run.steps()[0].updates()[0].lines(&[0, 0], Rounding::default()).is_none());
    assert_eq!(run.steps()[0].updates().len(), 4);
}

#[test]
#[should_panic(expected = r#"keeps ["m", "v"], but is given ["m"]"#)]
fn an_update_without_what_its_formula_keeps_is_refused() {
    let tape = Tape::<f64>::new();
    let run = traced(&tape, &mut Adam::new(0.1).unwrap());
    let update = &run.steps()[0].updates()[0];
    let mut change = update.change().clone();
    change.kept.pop();
    Update::new(update.node(), change);
}

#[test]
fn a_run_refuses_what_a_step_refuses_and_may_have_no_steps() {
    let (tape, mut model) = (Tape::new(), model::<f64>());
    let mut optimizer = Sgd::new(0.1).unwrap();
    let run = Trace::of_run(&tape, 0, &mut model, &mut optimizer, loss).unwrap();
    assert!(run.steps().is_empty() && run.text(Layout::default()).to_string().contains("0 steps"));
    let vector = Trace::of_run(&tape, 1, &mut model, &mut optimizer, |pass, model, _| {
        Ok(model.forward(pass, pass.input(&Tensor::from([[0.0, 1.0], [1.0, 1.0]]))))
    });
    assert!(vector.unwrap_err().to_string().contains("scalar"));
}

#[test]
fn a_large_parameter_shows_the_element_with_the_largest_gradient() {
    let tape = Tape::new();
    let run = traced::<f64>(&tape, &mut Adam::new(0.1).unwrap());
    let update = &run.steps()[0].updates()[0];
    let gradient = &update.change().gradient;
    let most = gradient.view().iter().fold(0.0_f64, |most, g| most.max(g.abs()));
    let text = update.text(Layout::default()).to_string();
    let (_, place) = text.split_once("its number at [").unwrap();
    let place: Vec<usize> =
        place.split(']').next().unwrap().split(',').map(|word| word.parse().unwrap()).collect();
    assert_eq!(gradient.view()[&place[..]].abs(), most);
    assert!(update.lines(&[9, 9], Rounding::default()).is_none());
}

/// The same for L-BFGS: the weights before each step and after the last, and how often the loss was
/// evaluated in each.
fn plain_lbfgs<A: Float>(mut optimizer: Lbfgs<A>) -> (Vec<Weights>, Vec<usize>) {
    let mut model = model::<A>();
    let (mut all, mut counts) = (vec![weights(&model)], Vec::new());
    for step in 0..STEPS {
        let mut count = 0;
        let taken = optimizer.step(&mut model, |model| {
            count += 1;
            let tape = Tape::<A>::new();
            let pass = Pass::train(&tape, step as u64);
            let model: &dyn std::any::Any = model;
            let loss = loss(&pass, model.downcast_ref().unwrap(), step)?;
            Ok((loss.item().to_f64(), pass.gradients(loss)?))
        });
        taken.unwrap();
        all.push(weights(&model));
        counts.push(count);
    }
    (all, counts)
}

/// The evaluations that the lines of an update tell of, all line searches together.
fn told_evaluations<A: Float>(lines: &[nn::ops::UpdateLine<A>]) -> usize {
    let words = lines.iter().filter(|line| line.names.starts_with("line search"));
    words.map(|line| line.names.split(' ').nth(2).unwrap().parse::<usize>().unwrap()).sum()
}

fn check_lbfgs<A: Float>(made: fn() -> Lbfgs<A>, searches: bool) {
    let (wanted, counts) = plain_lbfgs(made());
    let (tape, mut model) = (Tape::new(), model::<A>());
    let run = Trace::of_lbfgs(&tape, STEPS, &mut model, &mut made(), loss).unwrap();
    for (n, step) in run.steps().iter().enumerate() {
        assert_eq!(step.updates().len(), 4);
        for (update, (before, after)) in
            step.updates().iter().zip(wanted[n].iter().zip(&wanted[n + 1]))
        {
            let change = update.change();
            assert_eq!((&bits(&change.before), &bits(&change.after)), (&before.1, &after.1));
            let lines = |index: &[usize]| update.lines(index, Rounding::default()).unwrap();
            check_lines(change, lines);
            let told = lines(&vec![0; change.before.ndim()]);
            if searches {
                // The first evaluation is the one before all searches.
                assert_eq!(told_evaluations(&told) + 1, counts[n], "{told:?}");
            } else {
                assert!(told.iter().all(|line| !line.names.contains("search")), "{told:?}");
            }
        }
    }
    let last = run.steps().last().unwrap().update_text(Layout::default()).to_string();
    assert!(last.contains("t₁ · d₁") && last.contains("-H g, H from"), "{last}");
}

#[test]
fn a_traced_run_of_lbfgs_tells_directions_lengths_and_evaluations() {
    check_lbfgs::<f64>(|| Lbfgs::new().line_search(), true);
    check_lbfgs::<f32>(|| Lbfgs::new().line_search().iterations(3).unwrap(), true);
    check_lbfgs::<f64>(|| Lbfgs::new().rate(0.1).unwrap().iterations(5).unwrap(), false);
}

#[test]
fn a_step_of_lbfgs_of_very_many_iterations_tells_the_values() {
    let mut optimizer = Lbfgs::new().rate(0.01).unwrap().iterations(25).unwrap();
    let (tape, mut model) = (Tape::new(), model::<f64>());
    let run = Trace::of_lbfgs(&tape, 1, &mut model, &mut optimizer, loss).unwrap();
    let update = &run.steps()[0].updates()[0];
    assert!(update.lines(&[0, 0], Rounding::default()).is_none());
    assert_ne!(bits(&update.change().before), bits(&update.change().after));
}

/// Twenty directions have a name. Without a line search the first length is limited by the gradient,
/// and it is the only one.
#[test]
fn a_step_of_lbfgs_of_twenty_iterations_is_told_whole() {
    let mut optimizer = Lbfgs::new().rate(0.01).unwrap().iterations(20).unwrap();
    let (tape, mut model) = (Tape::new(), model::<f64>());
    let run = Trace::of_lbfgs(&tape, 1, &mut model, &mut optimizer, loss).unwrap();
    let lines = run.steps()[0].updates()[0].lines(&[0, 0], Rounding::default()).unwrap();
    let lengths: Vec<_> = lines.iter().filter(|line| line.symbol.starts_with('t')).collect();
    assert_eq!(lengths.len(), 20);
    assert_eq!(lengths[0].names, "η, and no more than η / Σ|g|");
    assert!(lengths[1..].iter().all(|line| line.names == "η"), "{lengths:?}");
}
