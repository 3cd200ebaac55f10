//! The line of the program that a value is recorded at.

use std::cell::Cell;
use std::panic::Location;

use ops::Float;

use super::scope::ScopeId;
use super::tape::Tape;

type Line = &'static Location<'static>;

/// Which line a value has in place of that of the call.
#[derive(Clone, Copy, Debug)]
enum Instead {
    /// Whatever is called: a recorded gradient has the line of its op.
    Always(Line),
    /// If the call stands in a file whose path begins so.
    Of(&'static str, Line),
}

/// The line that stands in for those of calls, if one does.
#[derive(Debug, Default)]
pub(crate) struct Lines(Cell<Option<Instead>>);

impl Lines {
    /// The line of a value that is recorded by the caller.
    #[track_caller]
    #[inline]
    pub(super) fn here(&self) -> Line {
        match self.0.get() {
            None => Location::caller(), // Not in a closure, which would be its own caller.
            Some(Instead::Always(line)) => line,
            Some(Instead::Of(files, line)) => {
                let caller = Location::caller();
                if caller.file().starts_with(files) { line } else { caller }
            }
        }
    }

    fn set(&self, instead: Instead) -> OnBehalf<'_> {
        OnBehalf { lines: self, before: self.0.replace(Some(instead)) }
    }
}

/// Lets values have the line of a caller, until it is dropped. Made by
/// [`Tape::on_behalf`].
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct OnBehalf<'t> {
    lines: &'t Lines,
    before: Option<Instead>,
}

impl Drop for OnBehalf<'_> {
    fn drop(&mut self) {
        self.lines.0.set(self.before);
    }
}

impl<A: Float> Tape<A> {
    /// Lets what a library records have the line of the program that called it, until the guard is
    /// dropped. `files` is how the paths of the library's files begin; a value that is recorded by a
    /// call in another file has its own line, as ever. A library needs it where `#[track_caller]` does
    /// not reach: in closures, and behind `dyn`.
    ///
    /// ```
    /// use tape::{Tape, Var, prelude::*};
    ///
    /// #[track_caller]
    /// fn layers<'t>(x: Var<'t, f64>, layers: &[&dyn Fn(Var<'t, f64>) -> Var<'t, f64>]) -> Var<'t, f64> {
    ///     let _line = x.tape().on_behalf(file!());
    ///     layers.iter().fold(x, |x, layer| layer(x))
    /// }
    /// let tape = Tape::new();
    /// let x = tape.var(0.5);
    /// let y = layers(x, &[&|x| x.tanh(), &|x| x.sin()]); let line = line!();
    /// assert_eq!(y.location().line(), line);
    /// ```
    #[track_caller]
    pub fn on_behalf(&self, files: &'static str) -> OnBehalf<'_> {
        let line = self.lines.here();
        self.lines.set(Instead::Of(files, line))
    }

    /// Runs `record` so that what it records carries `location` and belongs to `scope`, and goes
    /// back to the program's own lines also if `record` panics.
    pub(crate) fn at<T>(
        &self,
        (location, scope): (Line, ScopeId),
        record: impl FnOnce() -> T,
    ) -> T {
        let _back = self.lines.set(Instead::Always(location));
        self.in_scope(scope, record)
    }
}
