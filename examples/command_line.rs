//! What `step`, `practice` and the lessons say of a command line that is wrong, in the language that it
//! asks for.

use std::ffi::OsStr;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

use lexopt::Error;
use tape::ops::visible_whole;
use tape::words::{Catalogue, Language};

/// The code of English with every sentence in brackets: what stands outside of them is a name, a number,
/// or a sentence that a translator would not find.
pub const MARKED: &str = "en-x-marked";

/// A sentence in brackets.
pub fn mark(text: &'static str) -> &'static str {
    format!("⟦{text}⟧").leak()
}

/// The language of the views in which every sentence is in brackets.
pub fn marked_views() -> Language {
    let marked: Catalogue = Language::ENGLISH.catalogue().changed(MARKED, "Marked", &mark);
    Language::of(Box::leak(Box::new(marked)))
}

/// What a person typed, for a sentence: a terminal shows it and does not obey it.
pub fn typed(text: impl AsRef<OsStr>) -> String {
    visible_whole(&text.as_ref().to_string_lossy()).into_owned()
}

/// What is wrong, as a sentence.
pub fn problem(language: Language, error: &Error) -> String {
    match error {
        Error::MissingValue { option: None } => language.value_missing().to_owned(),
        Error::MissingValue { option: Some(option) } => {
            language.option_without_value(typed(option))
        }
        Error::UnexpectedOption(option) => language.no_option(typed(option)),
        Error::UnexpectedArgument(text) => language.neither_option_nor_value(typed(text)),
        Error::UnexpectedValue { option, value } => {
            language.option_takes_no_value(typed(option), typed(value))
        }
        Error::ParsingFailed { value, error } => {
            let value = typed(value);
            if let Some(error) = error.downcast_ref::<ParseIntError>() {
                match error.kind() {
                    IntErrorKind::PosOverflow => language.too_large_a_number(value),
                    _ => language.not_a_whole_number(value),
                }
            } else if error.is::<ParseFloatError>() {
                language.not_a_decimal(value)
            } else {
                language.unreadable(value, typed(error.to_string()))
            }
        }
        Error::NonUnicodeValue(text) => language.not_unicode(typed(text)),
        // What a program made of a text of its own.
        Error::Custom(error) => error.to_string(),
    }
}
