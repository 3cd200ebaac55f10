//! What the programs say of a command line that is wrong: from the catalogue, whatever it is, and what
//! was typed cannot command the terminal.

use std::ffi::OsString;

use lexopt::{Arg, Error, Parser, ValueExt};
use tape::words::Language;

use super::words::marks::{marked_views, unmarked};

#[path = "../../../examples/command_line.rs"]
#[allow(dead_code)] // The programs use the rest.
mod command_line;
use command_line::problem;

/// What a program meets that has `--count N`, `--rate X`, `--file F` and `--quiet`.
fn wrong(arguments: &[OsString]) -> Error {
    let mut parser = Parser::from_args(arguments);
    let mut read = || -> Result<(), Error> {
        while let Some(word) = parser.next()? {
            match word {
                Arg::Long("count") => drop(parser.value()?.parse::<usize>()?),
                Arg::Long("rate") => drop(parser.value()?.parse::<f64>()?),
                Arg::Long("file") => drop(parser.value()?.string()?),
                Arg::Long("letter") => drop(parser.value()?.parse::<char>()?),
                Arg::Long("quiet") => {}
                _ => return Err(word.unexpected()),
            }
        }
        Ok(())
    };
    read().expect_err("something is wrong")
}

/// A text that is no Unicode, if there is one on this system.
#[allow(clippy::unnecessary_wraps)] // Other systems have none.
fn not_unicode() -> Option<OsString> {
    #[cfg(unix)]
    return Some(std::os::unix::ffi::OsStringExt::from_vec(b"a\xff\x1b[2J".to_vec()));
    #[cfg(not(unix))]
    None
}

/// Each thing that can be wrong, with what is said of it in English.
fn problems() -> Vec<(Error, &'static str)> {
    let typed = [
        (&["--count"][..], "--count stands without a value"),
        (&["--shape"], "there is no option --shape"),
        (&["--\u{1b}[2J"], "there is no option --\\u{1b}[2J"),
        (&["-x"], "there is no option -x"),
        (&["x\u{202e}y\n"], "`x\\u{202e}y\\n` is neither an option nor the value of one"),
        (&["--quiet=\u{1b}c"], "--quiet takes no value, but `\\u{1b}c` is given"),
        (&["--count", "ten\u{7}"], "`ten\\u{7}` is not a whole number from 0 on"),
        (&["--count", "-1"], "`-1` is not a whole number from 0 on"),
        (&["--count", ""], "`` is not a whole number from 0 on"),
        (&["--count", "99999999999999999999"], "`99999999999999999999` is too large a number"),
        (&["--rate", "high\u{1b}"], "`high\\u{1b}` is not a number, such as 0.1"),
        (&["--letter", "ab"], "`ab` cannot be read: too many characters in string"),
    ];
    let mut all: Vec<(Error, &str)> = typed
        .into_iter()
        .map(|(words, said)| (wrong(&words.iter().map(OsString::from).collect::<Vec<_>>()), said))
        .collect();
    all.push((Error::MissingValue { option: None }, "a value is missing"));
    all.extend(not_unicode().map(|text| {
        (wrong(&["--file".into(), text]), "`a\u{fffd}\\u{1b}[2J` is not text in Unicode")
    }));
    all
}

#[test]
fn each_error_of_a_command_line_is_a_sentence_of_the_catalogue() {
    for (error, said) in problems() {
        assert_eq!(problem(Language::ENGLISH, &error), said);
        let marked = problem(marked_views(), &error);
        assert_eq!(marked, format!("⟦{said}⟧"));
        assert!(unmarked(&marked, &[]).is_empty(), "{marked}");
    }
    // A program says of its own what it says.
    assert_eq!(problem(marked_views(), &Error::from("⟦it rains⟧")), "⟦it rains⟧");
}

#[test]
fn no_error_of_a_command_line_is_left_out() {
    let kinds = problems().into_iter().map(|(error, _)| match error {
        Error::MissingValue { .. } => 0,
        Error::UnexpectedOption(_) => 1,
        Error::UnexpectedArgument(_) => 2,
        Error::UnexpectedValue { .. } => 3,
        Error::ParsingFailed { .. } => 4,
        Error::NonUnicodeValue(_) => 5,
        Error::Custom(_) => 6,
    });
    let kinds: std::collections::BTreeSet<u8> = kinds.collect();
    assert!((0..5).all(|kind| kinds.contains(&kind)), "{kinds:?}");
}
