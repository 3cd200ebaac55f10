//! Saving a run as it goes.

use std::path::{Path, PathBuf};

use ops::Float;

use crate::ground::setting::check;
use crate::ground::{Error, State};
use crate::save::make_room;
use crate::train::callback::{Callback, Monitor, Run};

/// Saves all of the run after every epoch, in one file that is written whole or not at all:
/// [`Fit::resume`](crate::Fit::resume) goes on from it.
///
/// An epoch whose loss or validation loss is infinite or NaN is not saved, so that the last good
/// one stays.
///
/// ```
/// use nn::prelude::*;
///
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("best.checkpoint");
/// let data = nn::data::xor::<f32>();
/// let mut model = Sequential::new().then(Dense::new(2, 1, &mut nn::rng(0)));
/// Fit::new()
///     .epochs(5)
///     .progress(false)
///     .callback(SaveCheckpoint::new(&file).best(Monitor::lowest("loss")))
///     .run(&mut model, &data, &MeanSquaredError, &mut Sgd::new(0.1)?)?;
/// nn::save::Checkpoint::load(&file)?.weights.restore(&mut model)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SaveCheckpoint {
    path: PathBuf,
    every: usize,
    keep: usize,
    best: Option<(Monitor, f64)>,
    /// Whether the epoch that has just ended is to be saved.
    due: bool,
}

impl SaveCheckpoint {
    /// To this file, after every epoch.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), every: 1, keep: 1, best: None, due: false }
    }

    /// Only every `epochs` epochs.
    #[must_use]
    pub fn every(mut self, epochs: usize) -> Self {
        self.every = epochs;
        self
    }

    /// Keeps the last `files` that were saved: when a new one takes the name, the one before becomes
    /// `name.1`, and so on. Should the last be damaged, the error of
    /// [`Checkpoint::load`](crate::save::Checkpoint::load) names the last that is whole.
    #[must_use]
    pub fn keep(mut self, files: usize) -> Self {
        self.keep = files;
        self
    }

    /// Only after an epoch that is better than all before by this value.
    #[must_use]
    pub fn best(mut self, monitor: Monitor) -> Self {
        let worst = monitor.worst();
        self.best = Some((monitor, worst));
        self
    }
}

impl<A: Float> Callback<A> for SaveCheckpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn watches(&self) -> Option<&str> {
        self.best.as_ref().map(|(monitor, _)| monitor.name())
    }

    fn on_start(&mut self, run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        let [every, keep] = [self.every, self.keep];
        check("the number of epochs between checkpoints", every, every > 0, "at least 1")?;
        check("the number of checkpoints to keep", keep, keep > 0, "at least 1")?;
        let Some((monitor, best)) = &mut self.best else { return Ok(()) };
        if run.epoch == 0 {
            *best = monitor.worst();
        }
        monitor.check(columns)
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let Some(log) = run.history.last() else { return Ok(()) };
        let validation = log.validation_loss().unwrap_or(0.0);
        let good = log.loss().is_finite() && validation.is_finite();
        self.due = good && run.epoch.is_multiple_of(self.every);
        if let Some((monitor, best)) = &mut self.best {
            let value = monitor.value(log);
            self.due = good && monitor.improves(value, *best, 0.0);
            if self.due {
                *best = value;
            }
        }
        Ok(())
    }

    fn on_save(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        if !self.due {
            return Ok(());
        }
        make_room(&self.path, self.keep)?;
        run.save(&self.path)
    }

    fn state(&self) -> State<A> {
        let mut state = State::new();
        if let Some((monitor, best)) = &self.best {
            state.texts.insert("monitor".into(), monitor.text());
            state.numbers.insert("best".into(), *best);
        }
        state
    }

    fn load_state(&mut self, state: &State<A>) -> Result<(), Error> {
        if let Some((monitor, best)) = &mut self.best {
            monitor.check_state("the checkpoint of the best epoch", state)?;
            *best = state.number("best")?;
        }
        Ok(())
    }
}
