//! The lessons keep what they promise, and say what they list, all of it from their language; each
//! language has a text for each lesson.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use unicode_width::UnicodeWidthStr;

#[path = "../../../crates/tape/tests/common/marks.rs"]
#[allow(dead_code)]
mod marks;
#[path = "../../../crates/tape/tests/common/quoted.rs"]
mod quoted;
use marks::unmarked;
use quoted::{quoted, root, run};

/// An empty folder for the files of a test.
fn folder(of: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(of);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn lessons() -> Vec<(String, String)> {
    let programs = std::fs::read_dir(root().join("examples")).unwrap();
    let paths = programs.map(|entry| entry.unwrap().path());
    let mut lessons: Vec<_> = paths
        .filter_map(|path| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let is_lesson = name.starts_with("lesson_") && path.is_file();
            is_lesson.then(|| (name, std::fs::read_to_string(&path).unwrap()))
        })
        .collect();
    lessons.sort();
    assert_eq!(lessons.len(), 9);
    lessons
}

/// Names that formulas and programs have, which are the same in all languages.
const KNOWN: [&str; 28] = [
    "tanh",
    "sigmoid",
    "relu",
    "elu",
    "selu",
    "leaky",
    "softplus",
    "softsign",
    "gelu",
    "silu",
    "mish",
    "hard",
    "exp",
    "ln",
    "erf",
    "maximum",
    "where",
    "step",
    "sum",
    "mean",
    "axes",
    "reshape",
    "matmul",
    "broadcast",
    "to",
    "adj",
    "slope",
    "curvature",
];

/// Names of values of the lessons: letters with marks and numbers.
fn is_name(word: &str) -> bool {
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    letters <= 1 || ["Wx", "Wa", "W₂x", "W₃a"].contains(&word)
}

#[test]
fn every_lesson_speaks_from_its_catalogue() {
    let folder = folder("languages");
    for (lesson, _) in lessons() {
        let page = folder.join(format!("{lesson}.html"));
        let asked: [&OsStr; 4] =
            ["--language".as_ref(), "en-x-marked".as_ref(), "--html".as_ref(), page.as_ref()];
        let output = run(&lesson, &asked);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{lesson}\n{text}");
        assert!(text.starts_with("⟦LESSON ") && text.contains("⟦CHECKED: ⟦"), "{text}");
        let unmarked: BTreeSet<String> =
            unmarked(&text, &KNOWN).into_iter().filter(|word| !is_name(word)).collect();
        assert!(unmarked.is_empty(), "{lesson} says {unmarked:?} outside its catalogue:\n{text}");
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains("<html lang=\"en-x-marked\">"), "{lesson}");
    }
}

#[test]
fn every_sentence_of_a_lesson_is_said_by_it_in_its_order() {
    for (lesson, source) in lessons() {
        let (list, rest) = source.split_once("pub struct Words {").expect("a list");
        let (listed, code) = rest.split_once("    }\n}\n").expect("the end of the list");
        assert!(list.contains("tape::catalogue!"), "{lesson}");
        let names: Vec<&str> = listed
            .lines()
            .filter_map(|line| line.trim().split_once(['(', '[']))
            .map(|(n, _)| n)
            .collect();
        assert!(names.len() > 3, "{lesson}: {names:?}");
        let (before, main) = code.split_once("fn lesson(asked").expect("the lesson");
        let said = |text: &str, name: &str| text.find(&format!("words.{name}("));
        let places: Vec<usize> = names
            .iter()
            .filter_map(|name| {
                let place = said(main, name);
                assert!(place.is_some() || said(before, name).is_some(), "{lesson} says {name}");
                place
            })
            .collect();
        assert!(places.is_sorted(), "{lesson} says {names:?} in another order");
        // A sentence of its own would be read in English only.
        for said in ["say(\"", "say(&format!", "check(\""] {
            assert!(!code.contains(said), "{lesson}: {said}");
        }
        let printed = code.split("println!(\"").skip(1).filter_map(|rest| rest.split('"').next());
        for printed in printed {
            // What stands in braces is a number or a name of the program.
            let words = printed.split(['{', '}']).step_by(2);
            let mut words = words.flat_map(|text| text.split(|c: char| !c.is_alphabetic()));
            assert!(words.all(|word| word.chars().count() < 2), "{lesson} prints {printed:?}");
        }
    }
}

#[test]
fn every_language_of_the_lessons_has_a_text_for_each() {
    let languages: Vec<PathBuf> = std::fs::read_dir(root().join("examples/lessons"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && !path.ends_with("tests"))
        .collect();
    assert!(!languages.is_empty());
    for language in languages {
        let code = language.file_name().unwrap().to_str().unwrap();
        assert!(language.join("mod.rs").exists(), "{code}");
        for (lesson, source) in lessons() {
            let file = format!("lessons/{code}/{}.rs", &lesson[.."lesson_00".len()]);
            assert!(root().join("examples").join(&file).exists(), "{file}");
            assert!(source.contains(&format!("#[path = \"{file}\"]\nmod {code};")), "{lesson}");
            assert!(source.contains(&format!("\"{code}\": {code}::WORDS")), "{lesson} in {code}");
        }
    }
}

#[test]
fn a_lesson_refuses_a_language_that_there_is_not() {
    let output = run("lesson_01_neuron", &["--language".as_ref(), "tlh".as_ref()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "there is no language tlh. There is en (English)\n");
    // What is wrong with the rest is said in the language, wherever that stands.
    for (lesson, wrong) in [
        ("lesson_01_neuron", &["--svg"][..]),
        ("lesson_01_neuron", &["\u{1b}[2J"]),
        ("lesson_01_neuron", &["--html"]),
        ("lesson_01_neuron", &["--html", "/no/such/folder/page.html"]),
        ("lesson_04_activations", &["--svg", "/dev/null"]),
    ] {
        let wrong = [&["--language=en-x-marked"], wrong].concat();
        let output = run(lesson, &wrong.iter().map(OsStr::new).collect::<Vec<_>>());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with('⟦') && said.ends_with("⟧\n"), "{said}");
        assert!(unmarked(&said, &[]).is_empty() && !said.contains('\u{1b}'), "{said}");
    }
}

#[test]
fn quoted_output_is_what_the_lessons_print() {
    let compared = quoted(|example| {
        let output = example.starts_with("lesson_").then(|| run(example, &[]))?;
        assert!(output.status.success(), "{example} failed");
        Some(String::from_utf8(output.stdout).unwrap())
    });
    for lesson in ["lesson_03_textbook", "lesson_07_modes"] {
        assert!(compared.iter().any(|name| name == lesson), "{lesson} in {compared:?}");
    }
}

#[test]
fn every_lesson_explains_itself_in_80_columns_and_ends_in_its_check() {
    let folder = folder("pages");
    for (lesson, _) in lessons() {
        let page = folder.join(&lesson);
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
    let folder = folder("plots");
    let output = run("lesson_04_activations", &["--svg".as_ref(), folder.as_ref()]);
    assert!(output.status.success());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
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
