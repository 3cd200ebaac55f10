//! The book and the README quote what the programs print; the lessons keep what they promise.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use unicode_width::UnicodeWidthStr;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs an example, which Cargo has built beside this test.
pub(crate) fn run(example: &str, arguments: &[&OsStr]) -> Output {
    let here = std::env::current_exe().unwrap();
    let program = here.ancestors().nth(2).unwrap().join("examples").join(example);
    Command::new(&program).args(arguments).output().unwrap_or_else(|error| {
        panic!("{}: {error}; cargo build -p tape --examples --all-features", program.display())
    })
}

/// What an example of this crate prints; `None` if it is none of this crate.
fn printed(example: &str) -> Option<String> {
    let lesson = example.starts_with("lesson_");
    let folder = if lesson { "examples" } else { "crates/tape/examples" };
    if !root().join(folder).join(format!("{example}.rs")).exists() {
        return None;
    }
    let output = run(example, &[]);
    // This one shows what a panic says.
    let text = if example == "mismatch" { output.stderr } else { output.stdout };
    assert_eq!(output.status.success(), example != "mismatch", "{example} failed");
    Some(String::from_utf8(text).unwrap())
}

/// The blocks of a language, without their fences.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    let starts = text.split(&open as &str).skip(1);
    starts.map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// Whether each part of a quotation, between lines of `…`, stands in the text, in this order: from
/// its first line unless the quotation begins with `…`, and to its last unless it ends with it.
fn quotes(quotation: &str, text: &str) -> bool {
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

#[test]
fn a_quotation_is_told_from_a_misquotation() {
    let text = "a = 1\nb = 2\nc = 3\nd = 4\n";
    for right in ["a = 1\nb = 2\nc = 3\nd = 4", "…\nb = 2\n…", "a = 1\n…\nd = 4", "…\nd = 4"]
    {
        assert!(quotes(right, text), "{right}");
    }
    let wrong =
        ["a = 1", "b = 2\n…", "…\nb = 3\n…", "…\nc = 3\n…\nb = 2\n…", "…\n= 2\n…", "…\nc = 3"];
    for wrong in wrong {
        assert!(!quotes(wrong, text), "{wrong}");
    }
}

#[test]
fn quoted_output_is_what_the_programs_print() {
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
    for example in [
        "neuron",
        "diamond",
        "product",
        "lesson_03_textbook",
        "lesson_07_modes",
        "replay",
        "check",
        "wrong",
        "readings",
        "nograd",
        "bias",
        "mismatch",
    ] {
        assert!(compared.iter().any(|name| name == example), "{example} in {compared:?}");
    }
}

#[test]
fn the_picture_in_the_book_is_the_one_that_its_program_draws() {
    let shown = std::fs::read_to_string(root().join("docs/src/picture.svg")).unwrap();
    let drawn = printed("picture").expect("an example");
    assert!(
        shown == drawn,
        "stale; cargo run --features svg --example picture > docs/src/picture.svg"
    );
}

#[cfg(feature = "page")]
#[test]
fn the_gallery_is_what_its_program_writes() {
    let (written, gallery) = (tempfile::tempdir().unwrap(), root().join("docs/gallery"));
    let output = run("gallery", &[written.path().as_os_str()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&gallery), names(written.path()));
    for name in names(&gallery) {
        let [kept, new] = [&*gallery, written.path()]
            .map(|folder| std::fs::read_to_string(folder.join(&name)).unwrap());
        assert!(
            kept == new,
            "{}: stale; cargo run -p tape --features page --example gallery -- docs/gallery",
            name.display()
        );
        // A page under 500 KB that asks for nothing from elsewhere.
        assert!(new.len() < 500_000, "{}: {} bytes", name.display(), new.len());
    }
}

#[test]
fn every_page_of_the_gallery_stands_in_a_chapter() {
    let chapters: Vec<String> = std::fs::read_dir(root().join("docs/src"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for entry in std::fs::read_dir(root().join("docs/gallery")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let frame = format!("<iframe class=\"step-through\" src=\"gallery/{name}\" title=\"");
        let times = chapters.iter().filter(|text| text.contains(&frame)).count();
        assert_eq!(times, usize::from(name != "index.html"), "{name}");
    }
}

#[test]
fn the_program_of_the_readme_is_the_example_that_it_names() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let example = std::fs::read_to_string(root().join("crates/tape/examples/neuron.rs")).unwrap();
    let (_, program) = example.split_once("\n\n").unwrap();
    assert_eq!(blocks(&readme, "rust")[0].trim(), program.trim());
}

#[test]
fn every_lesson_explains_itself_in_80_columns_and_ends_in_its_check() {
    let folder = tempfile::tempdir().unwrap();
    let programs = std::fs::read_dir(root().join("examples")).unwrap();
    let names = programs.map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned());
    let mut lessons: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    lessons.retain(|name| name.starts_with("lesson_"));
    assert_eq!(lessons.len(), 9, "{lessons:?}");
    for lesson in lessons {
        let page = folder.path().join(&lesson);
        let output = run(&lesson, &["--html".as_ref(), page.as_ref()]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{lesson}\n{text}");
        let number = lesson["lesson_0".len()..].split('_').next().unwrap();
        assert!(text.starts_with(&format!("LESSON {number}. ")), "{text}");
        assert!(text.contains("\n\nCHECKED: "), "{text}");
        // A path is as long as it is.
        for line in text.lines().filter(|line| !line.contains('/') || line.contains(".rs:")) {
            assert!(line.width() <= 80, "{lesson}: {line}");
        }
        let page = std::fs::read_to_string(page).unwrap().to_lowercase();
        assert!(page.starts_with("<!doctype html>"));
    }
}

#[test]
fn a_lesson_refuses_in_a_sentence_what_it_cannot_do() {
    let refusals: [(&[&str], &str); 4] = [
        (
            &["--svg", "plots"],
            "there is no option --svg; there are --html FILE and --language CODE",
        ),
        (&["extra"], "`extra` is neither an option nor the value of one; there are --html FILE"),
        (&["--html"], "--html stands without a value; there are --html FILE"),
        (&["--html", "/no/such/folder/page.html"], "/no/such/folder/page.html cannot be written: "),
    ];
    for (arguments, sentence) in refusals {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let output = run("lesson_01_neuron", &arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.starts_with(sentence), "{error}");
    }
}

#[test]
fn the_plots_of_the_activations_are_images() {
    let folder = tempfile::tempdir().unwrap();
    let output = run("lesson_04_activations", &["--svg".as_ref(), folder.path().as_ref()]);
    assert!(output.status.success());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let svg = roxmltree::Document::parse(&text).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let texts = svg.descendants().filter_map(|node| node.text().map(str::trim));
        let texts: Vec<&str> = texts.collect();
        for word in [&name as &str, "value", "slope"] {
            assert!(texts.contains(&word), "{word} in {texts:?}");
        }
        names.push(name);
    }
    for name in ["sigmoid", "tanh", "relu", "leaky_relu", "softplus", "step", "gelu"] {
        assert!(names.iter().any(|other| other == name), "{name} in {names:?}");
    }
}
