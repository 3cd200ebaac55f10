//! What people read, in their language: the sentences of the views in one place.
//!
//! The sentences of a language are one folder, `en` for English, with a file for the page and one for
//! all other views: a template for each, in which `{name}` is a gap. Views ask a [`Language`] for a
//! sentence by its name and fill the gaps; the page takes its sentences along, and its script does the
//! same. A language that lacks a sentence does not compile, and neither does one whose sentence has
//! other gaps than the English one.
//!
//! ```
//! use tape::words::Language;
//!
//! let language = Language::find("en").unwrap();
//! assert_eq!(language.nothing_to("x", language.reason_constant()), "nothing to x: a constant");
//! assert_eq!(language.paths_of(1, "∂y/∂w", "w", "y"), "∂y/∂w: the sum over 1 path from w to y");
//! ```
//!
//! A language need not be in this crate. A program makes a [`Catalogue`] of its own and shows its
//! views in it:
//!
//! ```
//! use tape::words::{Catalogue, Language, Sentences};
//!
//! let english = Language::ENGLISH.catalogue();
//! let sentences = Sentences { forward_pass: "FORWARDS", ..*english.sentences() };
//! let mine = Catalogue::new("en-x-brief", "Brief English", sentences, *english.page());
//! let language = Language::of(Box::leak(Box::new(mine)));
//! assert_eq!(language.forward_pass(), "FORWARDS");
//! ```

mod catalogue;
mod en;
mod page;
mod sentences;
mod speech;

use std::fmt;
use std::ops::Deref;

pub use catalogue::{Counted, Form, Forms, Piece, pieces};
#[doc(hidden)] // For the macro `catalogue`.
pub use catalogue::{check, fill, form};
pub use page::PageSentences;
pub use sentences::Sentences;
pub use speech::{Speech, codes_asked_for};

/// A script for pages that say sentences of a catalogue: `sentence(name, gaps)` and, for gaps that are
/// filled by elements, `sentenceParts(name, gaps)`. It reads the templates from the page's element
/// `words`, as an object of [entries](Sentences::entries) in JSON; the forms of a number are an object
/// by their [names](Form::name).
pub const SCRIPT: &str = include_str!("sentences.js");

/// The sentences of a language.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    code: &'static str,
    name: &'static str,
    sentences: Sentences,
    page: PageSentences,
}

impl Catalogue {
    /// The sentences of the language whose code is that of HTML, such as `en`, under the name that
    /// it has itself.
    ///
    /// # Panics
    /// If the code is not one of BCP 47, which browsers refuse, or if a sentence lacks a gap or has
    /// one too many. In a `static` that is an error of the compiler.
    pub const fn new(
        code: &'static str,
        name: &'static str,
        sentences: Sentences,
        page: PageSentences,
    ) -> Self {
        assert!(is_tag(code), "the code of a language is a tag of BCP 47, such as `en` or `pt-BR`");
        Self { code, name, sentences: sentences.checked(), page: page.checked() }
    }

    /// What is said by text, screens, slides and derivations.
    pub const fn sentences(&self) -> &Sentences {
        &self.sentences
    }

    /// What is said by the page for a browser.
    pub const fn page(&self) -> &PageSentences {
        &self.page
    }

    /// Another language, each sentence of which is made of this one's: for tests, such as one with
    /// a mark around every sentence.
    #[must_use]
    pub fn changed(
        &self,
        code: &'static str,
        name: &'static str,
        change: &dyn Fn(&'static str) -> &'static str,
    ) -> Self {
        Self::new(code, name, self.sentences.changed(change), self.page.changed(change))
    }
}

/// Whether a code is formed as BCP 47 asks: parts of one to eight letters and digits, the first a
/// language of two, three, or five to eight letters, the last of two or more.
const fn is_tag(code: &str) -> bool {
    let code = code.as_bytes();
    let (mut start, mut at) = (0, 0);
    loop {
        let length = at - start;
        if at == code.len() || code[at] == b'-' {
            let is_language = length > 1 && length != 4;
            if length == 0 || length > 8 || start == 0 && !is_language {
                return false;
            }
            if at == code.len() {
                return length > 1;
            }
            start = at + 1;
        } else if !code[at].is_ascii_alphabetic() && (start == 0 || !code[at].is_ascii_digit()) {
            return false;
        }
        at += 1;
    }
}

/// The language of a view.
///
/// It is a handle on a [`Catalogue`], and has the sentences of it as methods.
#[derive(Clone, Copy)]
pub struct Language(&'static Catalogue);

impl Language {
    /// English.
    pub const ENGLISH: Self = Self(&en::ENGLISH);

    /// The languages that there are.
    pub const ALL: [Self; 1] = [Self::ENGLISH];

    /// The language of a catalogue.
    pub const fn of(catalogue: &'static Catalogue) -> Self {
        Self(catalogue)
    }

    /// The language of a code, such as `en`.
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// Its code, as in HTML.
    pub const fn code(self) -> &'static str {
        self.0.code
    }

    /// What it is called in itself.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// Its sentences.
    pub const fn catalogue(self) -> &'static Catalogue {
        self.0
    }
}

impl Deref for Language {
    type Target = Sentences;

    fn deref(&self) -> &Sentences {
        &self.0.sentences
    }
}

impl Default for Language {
    fn default() -> Self {
        Self::ENGLISH
    }
}

/// Equal if their codes are.
impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.code() == other.code()
    }
}

impl Eq for Language {}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
