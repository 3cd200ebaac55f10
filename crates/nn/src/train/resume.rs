//! Going on from a checkpoint.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use ops::{Float, Tensor, visible};
use tape::Tape;

use super::callback::{Callback, Run};
use crate::data::{DataLoader, Dataset};
use crate::ground::{Error, History, State};
use crate::loss::Loss;
use crate::model::Module;
use crate::optim::{Optimizer, Penalty};
use crate::save::Checkpoint;

/// How many samples a loss is tried on, to tell it from another.
const TRIED: usize = 64;

/// How many numbers the outputs of a trial with a row of each class may have.
const MOST_NUMBERS: usize = 1 << 20;

/// The names of the losses of trials: on the first samples, and on the first of each class.
const TRIALS: [&str; 2] = ["loss of a trial", "loss of a trial with each class"];

/// By how much a loss may differ on another machine.
const ROUNDING: f64 = 1e-5;

/// Settings that are digits of a sum: what they are of, when they differ.
const OTHERS: [&str; 2] = ["training data", "validation data"];

/// What a run was begun with, as far as a resumed run must have the same.
pub(crate) struct Settings<'r, A: Float> {
    data: &'r DataLoader<A>,
    validation: Option<&'r Dataset<A>>,
    loss: &'r dyn Loss<A>,
    penalty: Option<Penalty>,
    /// The learning rate before the first step.
    pub rate: f64,
    /// The digits of both data sets, which take a pass over them.
    digits: std::cell::OnceCell<Vec<(&'static str, String)>>,
}

impl<'r, A: Float> Settings<'r, A> {
    pub fn new(
        data: &'r DataLoader<A>,
        validation: Option<&'r Dataset<A>>,
        loss: &'r dyn Loss<A>,
        penalty: Option<Penalty>,
    ) -> Self {
        Self { data, validation, loss, penalty, rate: 0.0, digits: std::cell::OnceCell::new() }
    }

    /// All of it by name.
    pub fn state(
        &self,
        model: &dyn Module<A>,
        optimizer: &dyn Optimizer<A>,
    ) -> Result<State<A>, Error> {
        let mut state = State::new();
        let mut put = |name: &str, value: String| state.texts.insert(name.to_owned(), value);
        for (name, value) in self.data.settings() {
            put(name, value);
        }
        for (name, value) in self.penalty.iter().flat_map(|penalty| penalty.settings(model)) {
            put(name, value);
        }
        for (name, value) in self.digits.get_or_init(|| self.digits()) {
            put(name, value.clone());
        }
        for (name, number) in optimizer.settings(model) {
            put(&name, number.to_string());
        }
        put("learning rate", self.rate.to_string());
        put("loss", self.loss.name().to_owned());
        let data = self.data.dataset();
        let first = data.first_rows(data.len().min(TRIED))?;
        state.numbers.insert(TRIALS[0].into(), self.trial(model, &first)?);
        if let Some(rows) = self.row_of_each_class(model)? {
            let value = self.trial(model, &data.select(&rows)?)?;
            state.numbers.insert(TRIALS[1].into(), value);
        }
        Ok(state)
    }

    fn digits(&self) -> Vec<(&'static str, String)> {
        let data =
            [("training data", Some(self.data.dataset())), ("validation data", self.validation)];
        data.into_iter().filter_map(|(name, data)| Some((name, data?.fingerprint()))).collect()
    }

    /// The first row of each class, if targets are classes: the first samples may lack some, whose
    /// weights a loss may have.
    fn row_of_each_class(&self, model: &dyn Module<A>) -> Result<Option<Vec<usize>>, Error> {
        let data = self.data.dataset();
        let Some(labels) = data.labels() else { return Ok(None) };
        let mut seen = BTreeSet::new();
        let firsts = labels.iter().enumerate().filter(|(_, label)| seen.insert(**label));
        let numbers = model.output_shape(data.first_rows(1)?.inputs().shape())?.iter().product();
        let most = MOST_NUMBERS / usize::max(numbers, 1);
        Ok(Some(firsts.map(|(row, _)| row).take(most.max(1)).collect()))
    }

    /// The loss between made-up outputs and some targets: it tells two losses of one name and
    /// other settings apart. 0 if none of those targets counts.
    fn trial(&self, model: &dyn Module<A>, some: &Dataset<A>) -> Result<f64, Error> {
        let shape = model.output_shape(some.inputs().shape())?;
        // Probabilities, for losses that take them, and no two alike.
        let outputs = (0..shape.iter().product::<usize>())
            .map(|i| A::from_f64(0.5 + 0.4 * (i as f64).sin()))
            .collect();
        let outputs = Tensor::from_shape_vec(&shape, outputs).expect("as many as the shape holds");
        if self.loss.counted(&shape, some.targets()) <= 0.0 {
            return Ok(0.0);
        }
        let tape = Tape::new();
        let loss = self.loss.loss(tape.constant(outputs), some.targets())?;
        Ok(loss.item().to_f64())
    }
}

/// Refuses what differs from the run that was saved. A checkpoint of a time when less was saved is
/// held to what it has.
fn check_settings<A: Float>(saved: &State<A>, given: &State<A>) -> Result<(), Error> {
    let differs = |problem: String| {
        Err(Error::State {
            problem: format!(
                "the run was begun with {problem}; to go on with something else, begin a new run \
                 with the checkpoint's weights"
            ),
        })
    };
    if saved.is_empty() {
        return Ok(());
    }
    let names = saved.texts.keys().chain(given.texts.keys());
    for name in names {
        let [before, now] = [saved, given].map(|state| state.texts.get(name));
        let shown = |text: &String| visible(text).into_owned();
        let problem = match (before, now, visible(name)) {
            _ if before == now => continue,
            (.., name) if OTHERS.contains(&&*name) => format!("other {name}"),
            _ if name == "loss" => continue,
            (Some(before), Some(now), name) => {
                format!("{name} {}, not {}", shown(before), shown(now))
            }
            (Some(before), None, name) => {
                format!("{name} {}, which is not set now", shown(before))
            }
            (None, now, name) => {
                format!("no {name}, which is {} now", now.map(shown).unwrap_or_default())
            }
        };
        return differs(problem);
    }
    let [before, now] = [saved, given].map(|state| state.texts.get("loss"));
    let is_same = |trial: &str| {
        let [before, now] = [saved, given].map(|state| state.numbers.get(trial).copied());
        let (Some(before), Some(now)) = (before, now) else { return before.is_none() };
        let close = (before - now).abs() <= ROUNDING * before.abs().max(now.abs());
        close || before.to_bits() == now.to_bits()
    };
    if before == now && TRIALS.into_iter().all(is_same) {
        return Ok(());
    }
    let name = before.map_or(Cow::Borrowed(""), |name| visible(name));
    differs(format!("another loss ({name}, or the same with other settings)"))
}

/// All that a checkpoint changes, as it was before.
pub(super) struct Before<A: Float> {
    model_and_optimizer: Checkpoint<A>,
    callbacks: Vec<State<A>>,
}

impl<A: Float> Before<A> {
    pub fn of(run: &Run<'_, A>, callbacks: &[Box<dyn Callback<A> + '_>]) -> Result<Self, Error> {
        let model_and_optimizer = Checkpoint::of(run.model, run.optimizer.state(run.model))?;
        let callbacks = callbacks.iter().map(|callback| callback.state()).collect();
        Ok(Self { model_and_optimizer, callbacks })
    }

    /// Puts it back.
    pub fn restore(
        self,
        run: &mut Run<'_, A>,
        callbacks: &mut [Box<dyn Callback<A> + '_>],
    ) -> Result<(), Error> {
        self.model_and_optimizer.weights.restore(run.model)?;
        run.optimizer.load_state(run.model, &self.model_and_optimizer.state)?;
        for (callback, state) in callbacks.iter_mut().zip(&self.callbacks) {
            // One that does not take its own state has not taken another either.
            let _ = callback.load_state(state);
        }
        Ok(())
    }
}

/// Goes on from a checkpoint. If it does not fit, what has changed already is for the caller to put
/// back.
pub(super) fn resume<A: Float>(
    path: &Path,
    run: &mut Run<'_, A>,
    callbacks: &mut [Box<dyn Callback<A> + '_>],
) -> Result<(), Error> {
    let Checkpoint { weights, state } = Checkpoint::load(path)?;
    let seed = state.text("seed")?;
    if seed != run.seed.to_string() {
        return Err(Error::State {
            problem: format!("the run was begun with seed {seed}, not {}", run.seed),
        });
    }
    let [epoch, step] = [state.number("epoch")?, state.number("step")?];
    let given = run.settings.state(run.model, run.optimizer)?;
    weights.restore(run.model)?;
    run.optimizer.load_state(run.model, &state.nested("optimizer"))?;
    let all = state.nested("callbacks");
    for (i, callback) in callbacks.iter_mut().enumerate() {
        callback.load_state(&all.nested(&format!("{i} {}", callback.name())))?;
    }
    check_settings(&state.nested("settings"), &given)?;
    (run.epoch, run.step) = (epoch as usize, step as usize);
    *run.history = History::from_state(&state.nested("history"));
    Ok(())
}
