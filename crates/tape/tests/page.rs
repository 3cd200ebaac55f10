//! The page as a file. What it does in a browser is tested by `scripts/browser_test`.
#![cfg(feature = "page")]

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};
use tape::page::{self, Settings};
use tape::prelude::*;
use tape::trace::document::Document;
use tape::{Tape, Trace};

fn page<A: ops::Float>(output: Var<'_, A>) -> String {
    Trace::of(output).unwrap().to_html(&Settings::default())
}

/// What stands between the first `open` and the next `close`.
fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let (_, rest) = text.split_once(open).unwrap_or_else(|| panic!("no {open}"));
    rest.split_once(close).unwrap_or_else(|| panic!("no {close}")).0
}

fn json(page: &str) -> &str {
    between(page, r#"<script id="trace" type="application/json">"#, "</script>")
}

#[test]
fn the_page_holds_the_numbers_of_backward() {
    let tape = Tape::new();
    let (w, x) = (tape.var(-0.138).named("w"), tape.var(0.1 + 0.2).named("x"));
    let y = (w * x).tanh().named("y");
    let read = Document::<f64>::from_json(json(&page(y))).unwrap();
    let gradients = y.backward();
    for (node, var) in read.nodes.iter().zip(Trace::of(y).unwrap().nodes()) {
        let bits = |x: f64| x.to_bits();
        assert_eq!(bits(read.value(node.value).numbers()[0]), bits(var.value().item()));
        let gradient = read.value(node.gradient.unwrap()).numbers()[0];
        assert_eq!(bits(gradient), bits(gradients.wrt(*var).item()), "{}", node.label);
    }
}

#[test]
fn the_policy_allows_the_script_and_the_style_of_the_page_and_nothing_else() {
    let page = page(Tape::new().var(0.5).tanh());
    let policy = between(&page, r#"<meta http-equiv="Content-Security-Policy" content=""#, "\">");
    let hash = |text: &str| format!("'sha256-{}'", Base64::encode_string(&Sha256::digest(text)));
    let script = hash(between(&page, r#"<script type="module">"#, "</script>"));
    let style = hash(between(&page, "<style>", "</style>"));
    let expected = format!(
        "default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; \
         form-action 'none'"
    );
    assert_eq!(policy, expected);
    // The policy comes before all that it is about.
    assert!(page.find(policy) < page.find("<style>"));
}

#[test]
fn the_page_names_nothing_outside_of_it() {
    let page = page(Tape::new().var(0.5).tanh());
    let names = page.replace("http://www.w3.org/2000/svg", ""); // A name space, not an address.
    for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "import("] {
        assert!(!names.contains(outside), "{outside}");
    }
    // Nor does the script make markup of text.
    for unsafe_ in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!page.contains(unsafe_), "{unsafe_}");
    }
}

#[test]
fn names_are_not_markup() {
    let names = [
        "</script><script>hacked()</script>",
        "<!--<script>",
        "]]></script >",
        "a\"b'c&amp;",
        "first\nsecond\r\u{2028}\u{2029}",
        "\u{202e}right to left\u{0}",
        "{{script}}{{trace}}",
        "gewicht λ₁ 重み 🙂",
    ];
    let tape = Tape::new();
    for name in names {
        let x = tape.var(0.5).named("plain");
        let y = tape.scope(name, || (x * x).named(name));
        let page = page(y);
        for (tag, count) in [("<script", 3), ("</script", 3), ("<!--", 0), ("</title", 1)] {
            assert_eq!(page.to_lowercase().matches(tag).count(), count, "{tag} of {name:?}");
        }
        let read = Document::<f64>::from_json(json(&page)).unwrap();
        assert_eq!(read.nodes.last().unwrap().label, ops::visible(name));
        assert_eq!(read.scopes[0].name, ops::visible(name));
    }
}

#[test]
fn the_title_is_text() {
    let tape = Tape::new();
    let trace = Trace::of(tape.var(0.5).tanh()).unwrap();
    let title = Some("</title><b> & co".to_owned());
    let page = trace.to_html(&Settings { title, ..Settings::default() });
    assert_eq!(between(&page, "<title>", "</title>"), "&lt;/title>&lt;b> &amp; co");
}

#[test]
fn the_same_trace_gives_the_same_page() {
    let once = || {
        let tape = Tape::new();
        let x = tape.var([0.1, 0.2, -0.3]).named("x");
        page((x * x).sum().sqrt())
    };
    // The two are recorded by the same line.
    assert!(once() == once());
}

#[test]
fn the_lines_of_the_program_are_on_the_page() {
    let tape = Tape::new();
    let x = tape.var(0.5).named("x");
    let y = x.tanh().named("a line of this file");
    let read = Document::<f64>::from_json(json(&page(y))).unwrap();
    let file = &read.files[0];
    // Tests run in the crate's directory, and the path is from the root of the workspace.
    assert_eq!(file.lines.len(), 2, "{}", file.path);
    assert_eq!(file.lines[&read.nodes[0].at[1]], "let x = tape.var(0.5).named(\"x\");");
    let line = &file.lines[&read.nodes[1].at[1]];
    assert_eq!(line, "let y = x.tanh().named(\"a line of this file\");");
}

/// A chain of so many ops on scalars.
fn chain(tape: &Tape<f64>, ops: usize) -> Var<'_, f64> {
    let x = tape.var(0.3).named("x");
    (0..ops).fold(x, |y, i| if i % 2 == 0 { y * x } else { y.sin() })
}

#[test]
fn a_page_of_200_nodes_has_less_than_400_kilobytes() {
    let tape = Tape::new();
    let y = chain(&tape, 199);
    let trace = Trace::of(y).unwrap();
    assert_eq!(trace.nodes().len(), 200);
    let size = trace.to_html(&Settings::default()).len();
    assert!(size < 400_000, "{size}");
}

#[test]
fn of_a_large_graph_the_page_takes_in_as_many_nodes_as_it_is_told() {
    let tape = Tape::new();
    let y = chain(&tape, 5000);
    let trace = Trace::of(y).unwrap();
    let read = |settings: &Settings| Document::<f64>::from_json(json(&trace.to_html(settings)));
    let unless_told = read(&Settings::default()).unwrap();
    // And x, their operand.
    assert_eq!((unless_told.nodes.len(), unless_told.left_out), (502, 5001 - 502));
    let mut settings = Settings::default();
    settings.document.nodes = 10;
    assert!(read(&settings).unwrap().nodes.len() <= 12);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let tape = Tape::new();
    let trace = Trace::of(tape.var(0.5).tanh()).unwrap();
    let path = directory.path().join("missing").join("steps.html");
    let error = trace.write_html(&path, &Settings::default()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    let start = format!("cannot write {}: ", path.display());
    assert!(error.to_string().starts_with(&start), "{error}");
}

#[test]
fn a_page_is_written_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let tape = Tape::new();
    let trace = Trace::of(tape.var(0.5).tanh()).unwrap();
    let path = directory.path().join("steps.html");
    trace.write_html(&path, &Settings::default()).unwrap();
    let text = trace.to_html(&Settings::default());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // A trace that was written down before gives the same page.
    let document = Document::new(&trace, &Settings::default().document);
    let read = Document::<f64>::from_json(&document.to_json()).unwrap();
    assert_eq!(page::html(&read, between(&text, "<title>", "</title>")), text);
}
