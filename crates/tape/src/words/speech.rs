//! What a program says of its own beside the views that it shows.

use std::ffi::OsString;
use std::fmt;
use std::ops::Deref;

use super::Language;

/// A program's own sentences in a language, and the language of the views that it shows.
///
/// It has the program's sentences as methods; its code and name are those of the views.
///
/// ```
/// use tape::words::{Language, Speech};
///
/// tape::catalogue! {
///     pub struct Words {
///         wrote(file);
///     }
/// }
/// static ENGLISH: Words = Words { wrote: "wrote {file}" }.checked();
/// const ALL: [Speech<Words>; 1] = [Speech::new(&ENGLISH, Language::ENGLISH)];
///
/// let speech = Speech::find(&ALL, "en").unwrap();
/// assert_eq!(speech.wrote("a.html"), "wrote a.html");
/// assert_eq!((speech.code(), Speech::list(&ALL)), ("en", "en (English)".to_owned()));
/// ```
pub struct Speech<W: 'static> {
    words: &'static W,
    views: Language,
}

impl<W> Speech<W> {
    /// The sentences of a program, and the views in the same language.
    pub const fn new(words: &'static W, views: Language) -> Self {
        Self { words, views }
    }

    /// The program's sentences.
    pub const fn words(self) -> &'static W {
        self.words
    }

    /// The language of the views.
    pub const fn views(self) -> Language {
        self.views
    }

    /// The code of the language, as in HTML.
    pub const fn code(self) -> &'static str {
        self.views.code()
    }

    /// The one of `all` that has a code, such as `en`.
    pub fn find(all: &[Self], code: &str) -> Option<Self> {
        all.iter().copied().find(|speech| speech.code() == code)
    }

    /// The languages with their codes, as `--help` lists them.
    pub fn list(all: &[Self]) -> String {
        let names = all.iter().map(|speech| format!("{} ({})", speech.code(), speech.views.name()));
        names.collect::<Vec<_>>().join(", ")
    }
}

impl<W> Clone for Speech<W> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<W> Copy for Speech<W> {}

impl<W> Deref for Speech<W> {
    type Target = W;

    fn deref(&self) -> &W {
        self.words
    }
}

/// Equal if their codes are.
impl<W> PartialEq for Speech<W> {
    fn eq(&self, other: &Self) -> bool {
        self.views == other.views
    }
}

impl<W> Eq for Speech<W> {}

impl<W> fmt::Debug for Speech<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The codes that follow `--language` on a command line: found before the rest is read, so that what
/// is wrong with the rest is said in the language that is asked for.
///
/// ```
/// use tape::words::codes_asked_for;
///
/// let line = ["--html", "a.html", "--language", "de"].map(Into::into);
/// assert_eq!(codes_asked_for(&line).collect::<Vec<_>>(), ["de"]);
/// assert_eq!(codes_asked_for(&["--language=en".into()]).collect::<Vec<_>>(), ["en"]);
/// ```
pub fn codes_asked_for(arguments: &[OsString]) -> impl Iterator<Item = &str> {
    let mut words = arguments.iter().filter_map(|word| word.to_str());
    std::iter::from_fn(move || {
        loop {
            match words.next()?.strip_prefix("--language") {
                Some("") => return words.next(),
                Some(rest) if rest.starts_with('=') => return Some(&rest[1..]),
                _ => {}
            }
        }
    })
}
