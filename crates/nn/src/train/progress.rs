//! What a run shows while it trains, on standard error.

use crate::ground::EpochLog;

/// A bar for the batches of an epoch and a line at its end.
pub(super) struct Progress {
    shown: bool,
    #[cfg(feature = "progress")]
    bar: indicatif::ProgressBar,
    /// The bits of the mean loss so far, read when the bar is drawn.
    #[cfg(feature = "progress")]
    loss: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Progress {
    #[cfg(feature = "progress")]
    pub fn new(shown: bool, epoch: usize, epochs: usize, batches: usize) -> Self {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicU64, Ordering};

        use indicatif::{ProgressBar, ProgressState, ProgressStyle};

        let loss = Arc::new(AtomicU64::new(f64::NAN.to_bits()));
        if !shown {
            return Self { shown, bar: ProgressBar::hidden(), loss };
        }
        let so_far = Arc::clone(&loss);
        let write_loss = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
            let loss = f64::from_bits(so_far.load(Ordering::Relaxed));
            // The bar is a help; failing to show it is not an error.
            let _ = write!(text, "{loss:.4}");
        };
        let template = "{msg} {bar:30} {pos}/{len} batches  loss {loss}  {eta} left";
        let style = ProgressStyle::with_template(template).expect("a template that parses");
        let bar = ProgressBar::new(batches as u64);
        bar.set_style(style.with_key("loss", write_loss));
        bar.set_message(format!("epoch {epoch:>3} of {epochs}"));
        Self { shown, bar, loss }
    }

    #[cfg(not(feature = "progress"))]
    pub fn new(shown: bool, _epoch: usize, _epochs: usize, _batches: usize) -> Self {
        Self { shown }
    }

    #[cfg_attr(not(feature = "progress"), allow(clippy::unused_self))]
    pub fn advance(&self, loss: f64) {
        #[cfg(feature = "progress")]
        if self.shown {
            self.loss.store(loss.to_bits(), std::sync::atomic::Ordering::Relaxed);
            self.bar.inc(1);
        }
        #[cfg(not(feature = "progress"))]
        let _ = loss;
    }

    /// Removes the bar of an epoch.
    #[cfg_attr(not(feature = "progress"), allow(clippy::unused_self))]
    pub fn clear(&self) {
        #[cfg(feature = "progress")]
        self.bar.finish_and_clear();
    }

    /// Shows the log of an epoch that has ended.
    pub fn finish(&self, log: Option<&EpochLog>) {
        self.clear();
        if let Some(log) = log.filter(|_| self.shown) {
            eprintln!("{log}");
        }
    }
}
