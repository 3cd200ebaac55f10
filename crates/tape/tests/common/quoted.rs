//! Running the programs that the book quotes, and what a quotation is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs an example, which Cargo has built beside this test.
pub fn run(example: &str, arguments: &[&OsStr]) -> Output {
    let here = std::env::current_exe().unwrap();
    let program = here.ancestors().nth(2).unwrap().join("examples").join(example);
    Command::new(&program).args(arguments).output().unwrap_or_else(|error| {
        panic!("{}: {error}; cargo build --workspace --examples", program.display())
    })
}

/// The blocks of a language, without their fences.
pub fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    let starts = text.split(&open as &str).skip(1);
    starts.map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// Whether each part of a quotation, between lines of `…`, stands in the text, in this order: from
/// its first line unless the quotation begins with `…`, and to its last unless it ends with it.
pub fn quotes(quotation: &str, text: &str) -> bool {
    let (quotation, text) = (format!("\n{quotation}\n"), format!("\n{}\n", text.trim_end()));
    let mut parts = quotation.split("\n…\n").map(|part| part.trim_end_matches('\n'));
    let first = parts.next().unwrap();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = first;
    for part in parts {
        last = part;
        // A part begins at the start of a line and ends at the end of one.
        let part = if part.is_empty() { String::new() } else { format!("\n{part}\n") };
        let Some(at) = rest.find(&part) else { return false };
        rest = &rest[(at + part.len()).saturating_sub(1)..];
    }
    last.is_empty() || rest == "\n"
}

/// Which programs the README and the chapters quote, each quotation held to what `printed` gives for
/// its program: `None` for one that is another's.
pub fn quoted(printed: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut files = vec![root().join("README.md")];
    let chapters = std::fs::read_dir(root().join("docs/src")).unwrap();
    files.extend(chapters.map(|entry| entry.unwrap().path()));
    let mut compared = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(file).unwrap();
        for block in blocks(&text, "console") {
            let (command, quotation) = block.split_once('\n').unwrap_or((block, ""));
            let Some(example) = command.strip_prefix("$ cargo run --example ") else { continue };
            let Some(output) = printed(example) else { continue };
            assert!(quotes(quotation, &output), "{}: {example}\n{output}", file.display());
            compared.push(example.to_owned());
        }
    }
    compared
}
