//! The book and the README quote what the programs print.

use std::path::Path;

#[path = "common/quoted.rs"]
mod quoted;
use quoted::{blocks, quoted, quotes, root, run};

/// What an example of this crate prints; `None` if it is none of this crate.
fn printed(example: &str) -> Option<String> {
    if !root().join("crates/tape/examples").join(format!("{example}.rs")).exists() {
        return None;
    }
    let output = run(example, &[]);
    // This one shows what a panic says.
    let text = if example == "mismatch" { output.stderr } else { output.stdout };
    assert_eq!(output.status.success(), example != "mismatch", "{example} failed");
    Some(String::from_utf8(text).unwrap())
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
    let compared = quoted(printed);
    for example in [
        "neuron", "diamond", "product", "replay", "check", "wrong", "readings", "nograd", "bias",
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
