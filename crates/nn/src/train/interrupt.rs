//! Ctrl-C: the first asks the runs of the process to end after their batch, a second ends the
//! process at once. Outside of runs it ends the process as always.

#[cfg(feature = "interrupt")]
mod handler {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use crate::ground::Error;

    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static ASKED: AtomicBool = AtomicBool::new(false);
    static HANDLER: OnceLock<Result<(), String>> = OnceLock::new();

    /// The exit status of a process that Ctrl-C ended: 128 and the number of the signal.
    const INTERRUPTED: i32 = 130;

    /// A run that Ctrl-C can end.
    pub struct Interruptible(());

    impl Interruptible {
        pub fn enter() -> Result<Self, Error> {
            let handler = HANDLER.get_or_init(|| {
                let handle = || {
                    if RUNS.load(Ordering::SeqCst) == 0 || ASKED.swap(true, Ordering::SeqCst) {
                        std::process::exit(INTERRUPTED);
                    }
                };
                ctrlc::set_handler(handle).map_err(|error| error.to_string())
            });
            if let Err(reason) = handler {
                return Err(Error::Interrupt { reason: reason.clone() });
            }
            if RUNS.fetch_add(1, Ordering::SeqCst) == 0 {
                ASKED.store(false, Ordering::SeqCst);
            }
            Ok(Self(()))
        }

        #[allow(clippy::unused_self)] // Only within a run is there anything to ask.
        pub fn asked(&self) -> bool {
            ASKED.load(Ordering::Relaxed)
        }
    }

    impl Drop for Interruptible {
        fn drop(&mut self) {
            RUNS.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(not(feature = "interrupt"))]
mod handler {
    use crate::ground::Error;

    /// Without the feature `interrupt` Ctrl-C ends the process as always.
    pub struct Interruptible(());

    impl Interruptible {
        #[allow(clippy::unnecessary_wraps)] // As with the feature.
        pub fn enter() -> Result<Self, Error> {
            Ok(Self(()))
        }

        #[allow(clippy::unused_self)]
        pub fn asked(&self) -> bool {
            false
        }
    }
}

pub(super) use handler::Interruptible;
