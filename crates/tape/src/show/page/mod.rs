//! A trace as a page for a browser: one file that needs nothing else, neither a server nor the
//! network.
//!
//! The page draws the graph and walks through both passes, forwards and backwards: the formula of
//! each step, the same with numbers, the line of the program, and who waits for whom. It holds the
//! [`Document`] of the trace and a script that shows it; all names are set as text, and a content
//! security policy allows this script only.
//!
//! ```
//! use tape::{Tape, Trace, page, prelude::*};
//!
//! let tape = Tape::new();
//! let (w, x) = (tape.var(0.5).named("w"), tape.constant(2.0).named("x"));
//! let trace = Trace::of((w * x).tanh().named("y"))?;
//! let page = trace.to_html(&page::Settings::default());
//! assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<title>y, step by step</title>"));
//! # Ok::<(), tape::error::TapeError>(())
//! ```

mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use base64ct::{Base64, Encoding};
use ops::{Float, visible_whole};
use sha2::{Digest, Sha256};

use crate::show::trace::Trace;
use crate::show::trace::document::{self, Document};
use crate::words::{self, Form, Forms, Language};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// One module, in files by subject.
const SCRIPTS: [&str; 12] = [
    words::SCRIPT,
    include_str!("trace.js"),
    include_str!("numbers.js"),
    include_str!("layout.js"),
    include_str!("exercise.js"),
    include_str!("graph.js"),
    include_str!("miniature.js"),
    include_str!("panel.js"),
    include_str!("paths.js"),
    include_str!("why.js"),
    include_str!("run.js"),
    include_str!("main.js"),
];

/// The contents of a page.
///
/// ```
/// use tape::page::Settings;
/// use tape::words::Language;
///
/// let mut settings = Settings { title: Some("My network".into()), ..Settings::default() };
/// settings.document.nodes = 200; // Of a larger graph, the 200 that the sweep reaches first.
/// settings.document.sources = false; // Without lines of the program.
/// settings.document.language = Language::ENGLISH; // Of all that the page says.
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The title; the name of the output unless told.
    pub title: Option<String>,
    /// The part of the trace that the page takes in, and the language of the page.
    pub document: document::Settings,
}

impl Default for Settings {
    /// At most the 500 nodes that the sweep reaches first, with the lines of the program where they
    /// can be read.
    fn default() -> Self {
        let document = document::Settings { nodes: 500, sources: true, ..Default::default() };
        Self { title: None, document }
    }
}

impl<A: Float> Trace<'_, A> {
    /// A page that shows the trace step by step, as the text of an HTML file.
    ///
    /// The numbers on it are those of [`backward`](crate::Var::backward), bit for bit. Apart from
    /// the numbers of the trace it has about 165 KB.
    ///
    /// ```
    /// # use tape::{Tape, Trace, page, prelude::*};
    /// # let tape = Tape::new();
    /// let x = tape.var(0.5).named("x");
    /// let page = Trace::of(x.tanh())?.to_html(&page::Settings::default());
    /// assert!(page.contains(r#""label":"x""#));
    /// # Ok::<(), tape::error::TapeError>(())
    /// ```
    pub fn to_html(&self, settings: &Settings) -> String {
        let document = Document::new(self, &settings.document);
        let language = settings.document.language;
        let title = settings.title.clone();
        let title =
            title.unwrap_or_else(|| language.catalogue().page().page_title(self.output().label()));
        html_in(language, &document, &title)
    }

    /// Writes the page of [`to_html`](Self::to_html) to a file.
    ///
    /// ```no_run
    /// # use tape::{Tape, Trace, page, prelude::*};
    /// # let tape = Tape::new();
    /// # let y = tape.var(0.5).tanh();
    /// Trace::of(y)?.write_html("steps.html", &page::Settings::default())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be written; the message names it.
    pub fn write_html(&self, path: impl AsRef<Path>, settings: &Settings) -> io::Result<()> {
        write(path.as_ref(), &self.to_html(settings))
    }
}

fn write(path: &Path, page: &str) -> io::Result<()> {
    fs::write(path, page).map_err(|error| {
        let path = path.display().to_string();
        io::Error::new(error.kind(), format!("cannot write {}: {error}", visible_whole(&path)))
    })
}

/// A page that shows a trace that was written down, as the text of an HTML file.
///
/// ```
/// use tape::trace::document::{Document, Settings};
/// # use tape::{Tape, Trace, page, prelude::*};
/// # let tape = Tape::new();
/// # let y = tape.var(0.5).tanh();
/// let json = Document::new(&Trace::of(y)?, &Settings::default()).to_json();
/// // Later, or elsewhere.
/// let page = page::html(&Document::<f64>::from_json(&json)?, "A neuron");
/// assert!(page.contains("<title>A neuron</title>"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn html<A: Float>(document: &Document<A>, title: &str) -> String {
    html_in(Language::ENGLISH, document, title)
}

/// The page of [`html`] in a language.
///
/// What the document says of its own, such as the reason that a gradient is zero, it says in the
/// language in which it was [written down](document::Settings::language).
///
/// ```
/// use tape::trace::document::{Document, Settings};
/// use tape::words::Language;
/// # use tape::{Tape, Trace, page, prelude::*};
/// # let tape = Tape::new();
/// # let y = tape.var(0.5).tanh();
/// let language = Language::ENGLISH;
/// let document = Document::new(&Trace::of(y)?, &Settings { language, ..Settings::default() });
/// let page = page::html_in(language, &document, "A neuron");
/// assert!(page.contains("<html lang=\"en\">"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn html_in<A: Float>(language: Language, document: &Document<A>, title: &str) -> String {
    page(language, &data("trace", &document.to_json()), title)
}

/// The page of traces that stand in scripts of data.
fn page(language: Language, traces: &str, title: &str) -> String {
    let script = SCRIPTS.join("\n");
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        hash(&script),
        hash(STYLE),
    );
    let mut parts: BTreeMap<&str, String> =
        sentences(language).into_iter().map(|(name, forms)| (name, escape(forms[0].1))).collect();
    parts.extend([
        ("language", escape(language.code())),
        ("policy", policy),
        ("title", escape(title)),
        ("style", STYLE.to_owned()),
        ("words", inert(&said_by(&script, language))),
        ("traces", traces.to_owned()),
        ("script", script),
    ]);
    fill(TEMPLATE, &parts)
}

/// The sentences of the page, and those of the other views, which it says too.
fn sentences(language: Language) -> Vec<(&'static str, Forms)> {
    let catalogue = language.catalogue();
    [catalogue.sentences().entries(), catalogue.page().entries()].concat()
}

/// The templates of the sentences that a script says, as an object.
fn said_by(script: &str, language: Language) -> String {
    let said = names_said_by(script);
    let said = sentences(language).into_iter().filter(|(name, _)| said.contains(name));
    let templates: BTreeMap<&str, serde_json::Value> = said
        .map(|(name, forms)| match forms[..] {
            [(Form::Other, text)] => (name, text.into()),
            _ => (name, forms.iter().map(|(form, text)| (form.name(), *text)).collect()),
        })
        .collect();
    serde_json::to_string(&templates).expect("text can be written")
}

/// The names in `sentence('name'` and `sentenceParts('name'`, wherever a script has them.
fn names_said_by(script: &str) -> BTreeSet<&str> {
    let mut before = "";
    let names = script.split('(').filter_map(|piece| {
        let called = std::mem::replace(&mut before, piece);
        let says = called.ends_with("sentence") || called.ends_with("sentenceParts");
        piece.strip_prefix('\'').filter(|_| says)?.split_once('\'').map(|(name, _)| name)
    });
    names.collect()
}

/// Replaces the names of the parts, `{{name}}`, by the parts. What is put in is not looked at again.
fn fill(template: &str, parts: &BTreeMap<&str, String>) -> String {
    let mut page = String::new();
    let mut pieces = template.split("{{");
    page.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, text) = piece.split_once("}}").expect("the template closes what it opens");
        page.push_str(parts.get(name).expect("the template names parts that there are"));
        page.push_str(text);
    }
    page
}

/// The name of a script or style in a content security policy.
pub(crate) fn hash(text: &str) -> String {
    format!("sha256-{}", Base64::encode_string(&Sha256::digest(text)))
}

/// A script of data.
fn data(id: &str, json: &str) -> String {
    format!("<script id=\"{id}\" type=\"application/json\">{}</script>", inert(json))
}

/// JSON in which no `</script>` or `<!--` can occur: `<` occurs in its strings only.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// The programs of the chapter on the page compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../../../docs/src/page.md")]
struct Chapter;
