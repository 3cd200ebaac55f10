//! The catalogue of sentences: in a language that marks every sentence, what a person reads is marked,
//! a formula, a number or a name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::Path;

use practice::answer::{Judge, Verdict};
use practice::words::{ENGLISH, Speech};
use practice::{Sheet, moodle, page, session, worksheet};

#[path = "../../../crates/tape/tests/common/marks.rs"]
pub mod marks;

/// A language that sets every sentence in brackets.
fn marked() -> Speech {
    Speech::new(Box::leak(Box::new(ENGLISH.changed(&marks::mark))), marks::marked_views())
}

/// Names of ops and functions, which are the same in all languages.
const KNOWN: [&str; 16] = [
    "tanh", "sigmoid", "sin", "cos", "exp", "square", "sum", "softmax", "ln", "matmul", "conv",
    "reshape", "axes", "axis", "entropy", "cross",
];

fn unmarked(text: &str) -> BTreeSet<String> {
    let mut words = marks::unmarked(text, &KNOWN);
    // The weights and values of an LSTM's gates: `zf` is z of the gate f.
    for name in ["w", "u", "b", "p", "z"] {
        for gate in ["i", "f", "g", "o"] {
            words.remove(&format!("{name}{gate}"));
        }
    }
    words
}

/// What is read of HTML: text between tags, without scripts and styles.
fn read(html: &str) -> String {
    let (mut text, mut rest) = (String::new(), html);
    while let Some((before, tag)) = rest.split_once('<') {
        text.extend([before, " "]);
        let (tag, after) = tag.split_once('>').unwrap();
        rest = ["script", "style"]
            .iter()
            .filter(|name| tag.starts_with(**name))
            .fold(after, |after, name| after.split_once(&format!("</{name}>")).unwrap().1);
    }
    text + rest
}

#[test]
fn every_form_speaks_from_the_catalogue() {
    for level in 1..=9 {
        let sheet = Sheet::new_in(marked(), level, 7, 3);
        let input = "hint\nhint\nhint\nhint\n1000\n(\n\nhelp\nshow\n".repeat(40);
        let mut out = Vec::new();
        session::run(&sheet, &mut Cursor::new(input.into_bytes()), &mut out).unwrap();
        let said = String::from_utf8(out).unwrap();
        assert!(unmarked(&said).is_empty(), "{:?}: {said}", unmarked(&said));
        for html in [worksheet::html(&sheet), page::html(&sheet)] {
            assert!(html.contains("<html lang=\"en-x-marked\">"));
            let said = read(&html);
            assert!(unmarked(&said).is_empty(), "{:?}: {said}", unmarked(&said));
        }
        let xml = moodle::xml(&sheet);
        let quiz = roxmltree::Document::parse(&xml).unwrap();
        for text in quiz.descendants().filter(|node| node.has_tag_name("text")) {
            let said = read(text.text().unwrap_or_default());
            let said = said.replace("$course$/top/", "");
            assert!(unmarked(&said).is_empty(), "{:?}: {said}", unmarked(&said));
        }
        assert_eq!(sheet.problems.len(), 3);
        for problem in &sheet.problems {
            let judge = Judge::new(problem);
            for (number, question) in problem.questions.iter().enumerate() {
                let wrong = ["1000".to_owned(), format!("{}*2*3", question.answer()), "q+1".into()];
                for text in wrong {
                    match judge.judge(number, question, &text) {
                        Verdict::Right => {}
                        Verdict::Wrong(said) | Verdict::Unreadable(said) => {
                            assert!(said.starts_with('⟦') && said.ends_with('⟧'), "{said}");
                        }
                    }
                }
            }
        }
    }
}

/// The sentences that the page's script asks for, and the gaps that it fills.
fn asked_for() -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
    let scripts = ["expression.js", "factor.js", "judge.js", "main.js"];
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for script in scripts.map(|name| std::fs::read_to_string(folder.join(name)).unwrap()) {
        for call in script.split("sentence('").skip(1) {
            let (name, rest) = call.split_once('\'').unwrap();
            let gaps =
                rest.strip_prefix(", {").map_or("", |rest| rest.split(" })").next().unwrap());
            let gap = |part: &str| part.split(':').next().unwrap().trim().to_owned();
            asked.entry(name.to_owned()).or_default().extend(
                gaps.split(", ").map(gap).filter(|gap| gap.chars().all(char::is_alphabetic)),
            );
        }
    }
    asked
}

#[test]
fn the_page_has_the_sentences_that_its_script_asks_for() {
    let known: BTreeMap<&str, _> = ENGLISH.entries().into_iter().collect();
    let asked = asked_for();
    assert!(asked.len() > 20, "{asked:?}");
    let html = page::html(&Sheet::new(1, 1, 1));
    let words = html.split("<script id=\"words\" type=\"application/json\">").nth(1).unwrap();
    let words = words.split("</script>").next().unwrap();
    let words: serde_json::Value = serde_json::from_str(words).unwrap();
    for (name, gaps) in asked {
        let forms = known.get(&name[..]).unwrap_or_else(|| panic!("there is no sentence {name}"));
        for piece in tape::words::pieces(forms[0].1) {
            if let tape::words::Piece::Gap(gap) = piece {
                assert!(gaps.contains(gap), "{name} is said without {gap}");
            }
        }
        assert!(words.get(&name).is_some(), "{name} is not on the page");
    }
}

#[test]
fn every_sentence_is_said_somewhere() {
    let mut code = String::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["", "page", "programs"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                code += &std::fs::read_to_string(entry.path()).unwrap();
            }
        }
    }
    code += &std::fs::read_to_string(folder.join("words/mod.rs")).unwrap();
    for (name, _) in ENGLISH.entries() {
        let said = [format!(".{name}("), format!("'{name}'"), format!("Words::{name},")];
        let said = said.iter().any(|said| code.contains(said));
        assert!(said || code.contains(&format!("Words::{name} ")), "{name} is never said");
    }
}
