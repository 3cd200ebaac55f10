//! Practice as a page for a browser: one file that needs nothing else.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tape::words::Form;

use crate::Sheet;
use crate::answer::Judge;
use crate::facts::Product;
use crate::problem::{Problem, Sample};
use crate::words::Speech;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// One module, in files by subject.
const SCRIPTS: [&str; 5] = [
    tape::words::SCRIPT,
    include_str!("expression.js"),
    include_str!("factor.js"),
    include_str!("judge.js"),
    include_str!("main.js"),
];

/// A sheet as the script of the page reads it.
#[derive(Serialize)]
struct Data<'s> {
    problems: Vec<ProblemData<'s>>,
}

#[derive(Serialize)]
struct ProblemData<'s> {
    lines: Vec<LineData<'s>>,
    questions: Vec<QuestionData<'s>>,
    points: Vec<PointData>,
}

#[derive(Serialize)]
struct LineData<'s> {
    name: &'s str,
    formula: Option<&'s str>,
    value: &'s str,
    constant: bool,
}

#[derive(Serialize)]
struct QuestionData<'s> {
    symbol: &'s str,
    words: &'s str,
    answer: String,
    hints: &'s [String],
    slips: Vec<(f64, &'s str)>,
    /// How many adjoints may be used.
    known: usize,
    /// The names of the factors, of the paths and of the uses.
    ways: [Vec<Vec<&'s str>>; 2],
}

/// The numbers at one point; those of the problem are the first.
#[derive(Serialize)]
struct PointData {
    values: BTreeMap<String, f64>,
    adjoints: Vec<(String, f64)>,
    /// For each question the key, and the numbers of the factors.
    keys: Vec<f64>,
    ways: Vec<[Vec<Vec<f64>>; 2]>,
}

/// The page of a sheet, as the text of an HTML file.
pub fn html(sheet: &Sheet) -> String {
    let data = Data { problems: sheet.problems.iter().map(ProblemData::new).collect() };
    let json = serde_json::to_string(&data).expect("numbers and text");
    let (script, speech) = (SCRIPTS.join("\n"), sheet.speech);
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        hash(&script),
        hash(STYLE),
    );
    let about = speech.problems_and_seed(sheet.problems.len(), sheet.seed);
    TEMPLATE
        .replace("{{language}}", speech.code())
        .replace("{{policy}}", &policy)
        .replace("{{title}}", &escape(&sheet.title()))
        .replace("{{about}}", &escape(&about))
        .replace("{{how}}", speech.how_in_html())
        .replace("{{no_script}}", &escape(speech.no_script()))
        .replace("{{style}}", STYLE)
        // No `</script>` can occur in it: `<` occurs in its strings only.
        .replace("{{words}}", &said_by(&script, speech).replace('<', "\\u003c"))
        .replace("{{data}}", &json.replace('<', "\\u003c"))
        .replace("{{script}}", &script)
}

/// The templates of the sentences that a script says.
fn said_by(script: &str, speech: Speech) -> String {
    let said =
        speech.entries().into_iter().filter(|(name, _)| script.contains(&format!("'{name}'")));
    let templates: BTreeMap<&str, serde_json::Value> = said
        .map(|(name, forms)| match forms[..] {
            [(Form::Other, text)] => (name, text.into()),
            _ => (name, forms.iter().map(|(form, text)| (form.name(), *text)).collect()),
        })
        .collect();
    serde_json::to_string(&templates).expect("text")
}

/// The name of a script or style in a content security policy.
pub(crate) fn hash(text: &str) -> String {
    format!("sha256-{}", Base64::encode_string(&Sha256::digest(text)))
}

/// Text as it stands in HTML and XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl<'s> ProblemData<'s> {
    fn new(problem: &'s Problem) -> Self {
        let line = |line: &'s crate::problem::Line| LineData {
            name: &line.name,
            formula: line.formula.as_deref(),
            value: &line.value,
            constant: line.constant,
        };
        let question = |question: &'s crate::problem::Question| QuestionData {
            symbol: &question.symbol,
            words: &question.words,
            answer: question.answer(),
            hints: &question.hints,
            slips: question.slips.iter().map(|slip| (slip.value, &slip.words[..])).collect(),
            known: question.facts.known,
            ways: [&question.facts.paths, &question.facts.uses]
                .map(|way| factors(way, |factor| &factor.name[..])),
        };
        let judge = Judge::new(problem);
        Self {
            lines: problem.lines.iter().map(line).collect(),
            questions: problem.questions.iter().map(question).collect(),
            points: judge.samples().iter().map(PointData::new).collect(),
        }
    }
}

impl PointData {
    fn new(sample: &Sample) -> Self {
        let ways = |facts: &crate::facts::Facts| {
            [&facts.paths, &facts.uses].map(|way| factors(way, |factor| factor.value))
        };
        Self {
            values: sample.values.iter().cloned().collect(),
            adjoints: sample.adjoints.clone(),
            keys: sample.facts.iter().map(|facts| facts.key).collect(),
            ways: sample.facts.iter().map(ways).collect(),
        }
    }
}

/// One thing of each factor of each product.
fn factors<'f, T>(
    products: &'f [Product],
    of: impl Fn(&'f crate::facts::Factor) -> T,
) -> Vec<Vec<T>> {
    products.iter().map(|product| product.iter().map(&of).collect()).collect()
}
