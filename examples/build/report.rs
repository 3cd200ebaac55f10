//! What is printed about a stage.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What holds of a stage, a line each; or what does not.
pub type Verdict = Result<Vec<String>, String>;

/// What each stage is about.
pub const TITLES: [&str; 8] = [
    "A value, and what it passes back",
    "The graph",
    "The order",
    "The sweep",
    "Matrices that broadcast",
    "A layer",
    "Training",
    "Against tape",
];

/// The stages whose code a stage runs.
const NEEDS: [&[usize]; 8] = [&[], &[], &[2], &[1, 2, 3], &[], &[5], &[5, 6], &[1, 2, 3, 4, 5]];

/// Checks a stage and those that it stands on: what to print, and whether all holds.
pub fn report(stage: usize, folder: &str, check: fn(usize) -> Verdict) -> (String, bool) {
    let file = format!("{folder}/stage_{stage}.rs");
    let mut text = format!("STAGE {stage}. {} ({file})\n\n", TITLES[stage - 1]);
    for &earlier in NEEDS[stage - 1] {
        if let Err(sentence) = caught(earlier, check) {
            line(&mut text, &format!("stage {earlier} comes first"), &sentence);
            return (text, false);
        }
    }
    match caught(stage, check) {
        Ok(holds) => {
            for what in &holds {
                line(&mut text, "holds", what);
            }
            let next = if stage == 8 {
                String::new()
            } else {
                format!(" Next: cargo run --example build -- {}", stage + 1)
            };
            let _ = writeln!(text, "\nSTAGE {stage} HOLDS.{next}");
            (text, true)
        }
        Err(sentence) => {
            line(&mut text, "not yet", &sentence);
            (text, false)
        }
    }
}

/// The verdict, also where the code under check panics.
fn caught(stage: usize, check: fn(usize) -> Verdict) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| check(stage))).unwrap_or_else(|_| {
        Err(format!("stage_{stage}.rs or what it calls has panicked; the message names the line."))
    })
}

/// Writes a sentence behind a word, in lines of at most 80 characters.
fn line(text: &mut String, word: &str, sentence: &str) {
    let _ = write!(text, "  {word}:");
    let mut column = word.chars().count() + 3;
    for part in sentence.split(' ') {
        let length = part.chars().count() + 1;
        if column + length > 80 {
            text.push_str("\n   ");
            column = 3;
        }
        text.push(' ');
        text.push_str(part);
        column += length;
    }
    text.push('\n');
}
