//! The catalogue of sentences: each view is shown in a language that marks every sentence, and what a
//! person reads is either marked, a formula, a number, or a name that the program gave.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ops::Tensor;
use tape::trace::{Change, Layout, Run, RunStep, Trace, Update};
use tape::words::{Catalogue, Form, Forms, Language, Piece, pieces};
use tape::{Tape, Var, prelude::*};

#[path = "common/marks.rs"]
pub(crate) mod marks;
use marks::{marked_views, unmarked};

#[track_caller]
fn assert_marked(view: &str, text: &str, known: &[&str]) {
    assert!(text.contains('⟦'), "{view} says nothing:\n{text}");
    let unmarked = unmarked(text, known);
    assert!(unmarked.is_empty(), "{view} says {unmarked:?} outside the catalogue:\n{text}");
}

fn wide() -> Layout {
    Layout { width: usize::MAX, ..Layout::default() }.language(marked_views())
}

/// Words that rules write in their formulas.
const FORMULAS: [&str; 14] = [
    "tanh",
    "exp",
    "max",
    "xᵀ",
    "sum",
    "axes",
    "kept",
    "matmul",
    "reshape",
    "relu",
    "softmax",
    "broadcast",
    "to",
    "adj",
];

/// All that a trace can say: variables, constants, what is detached or untracked, nodes that are used
/// once, twice and often, others that are ready too, a slope of 0, and a large tensor.
fn everything(tape: &Tape<f64>) -> Var<'_, f64> {
    let w = tape.var([[0.1, 0.3], [-0.2, 0.7]]).named("w");
    let x = tape.constant([1.0, 2.0]).named("x");
    let z = w.matmul(x).named("z");
    let outer = (z.reshape([2, 1]) * tape.var([0.5, -0.5]).named("v")).named("o").sum();
    let s = tape.var(0.3).named("s");
    let thrice = (s * s * s).named("t") + s * s * s * s;
    let known = (x * 2.0).sum();
    let large = tape.var(Tensor::full(&[20], 0.25)).named("g");
    let softmax = z.softmax(-1).named("p").sum();
    let steps = s.step().named("u") + s.detach().named("d");
    (z.tanh().sum() + outer + thrice + known + large.sum() + softmax + steps).named("L")
}

#[test]
fn a_trace_speaks_from_the_catalogue() {
    let tape = Tape::new();
    let trace = Trace::of(everything(&tape)).unwrap();
    let known: Vec<&str> = [&FORMULAS[..], &["step", "detach"]].concat();
    assert_marked("text", &trace.text(wide()).to_string(), &known);
    for n in 0..trace.len() {
        let text = trace.step_text(n, wide()).unwrap().to_string();
        assert_marked("a step", &text, &known);
        let alone = trace.step(n).unwrap().text(wide()).to_string();
        assert!(unmarked(&alone, &known).is_empty(), "{alone}");
    }
    let mut said = String::new();
    for &node in trace.nodes() {
        let index = vec![0; node.shape().len()];
        for adjoint in [false, true] {
            let opened = if adjoint {
                trace.adjoint_terms(node, &index, wide())
            } else {
                trace.terms(node, &index, wide())
            };
            said += &opened.unwrap().text(wide()).to_string();
        }
        if let Ok(paths) = trace.paths(node, 1) {
            said += &paths.text(wide()).to_string();
        }
    }
    assert_marked("elements and paths", &said, &known);
}

#[test]
fn a_run_of_training_speaks_from_the_catalogue() {
    let tape = Tape::new();
    let mut run = Run::default();
    for _ in 0..120 {
        let w = tape.var([[0.5, 1.0]]).named("w");
        let trace = Trace::of(w.square().sum().named("L")).unwrap();
        let gradient = trace.gradient(w).unwrap();
        let (before, after) = (w.value(), w.value());
        let change = Change { before, gradient, after, kept: Vec::new(), rule: None };
        run.push(RunStep::new(trace, vec![Update::new(w, change)], 1.0));
    }
    let text = run.text(wide()).to_string() + &run.steps()[0].text(wide()).to_string();
    assert_marked("run", &text, &FORMULAS);
}

#[test]
fn why_speaks_from_the_catalogue() {
    let tape = Tape::new();
    let x = tape.var([[-1.0, -2.0], [-0.5, 1.0]]).named("x");
    let c = tape.constant([1.0, 0.0]).named("c");
    let dead = tape.var([-1.0]).named("d");
    let known =
        ["relu", "mul", "softmax", "step", "min", "clamp", "select", "add", "sub", "detach"];
    let outputs = [
        x.square().sum(),
        (x.relu() * 2.0).sum(),
        (dead.relu() + x.sum()).sum(),
        (x * c).sum(),
        (x * 0.0).sum(),
        (x - x).sum(),
        x.step().sum(),
        (x * 1e3).softmax(-1).sum(),
        x.clamp(5.0, 6.0).sum(),
        (x * 1e-200 * 1e-200).sum(),
    ];
    let asked = [(x, &[][..]), (x, &[0]), (x, &[0, 1]), (x, &[1, 1]), (dead, &[])];
    let mut said = BTreeSet::new();
    for gradients in outputs.map(Var::backward) {
        for (x, index) in asked.into_iter().filter(|(x, _)| gradients.try_wrt(*x).is_ok()) {
            let why = gradients.why_in(marked_views(), x, index);
            assert_marked("why", &why, &known);
            said.insert(why);
        }
    }
    assert!(said.len() > 10, "{said:?}");
}

#[test]
fn what_is_not_there_is_said_from_the_catalogue() {
    let (tape, other) = (Tape::new(), Tape::new());
    let x = tape.var([1.0, 2.0]).named("x");
    let c = tape.constant(2.0).named("c");
    let (cut, aside) = (tape.var(3.0).named("k"), tape.var(4.0).named("a"));
    let constant = (c * 2.0).named("m");
    let detached = cut.detach().named("d");
    let output = (x.sum() * constant + detached).named("y");
    let (gradients, trace) = (output.backward(), Trace::of(output).unwrap());
    let of_x_alone = output.backward_wrt(&[x]).unwrap();
    let mut said = BTreeSet::new();
    let asked =
        [c, constant, cut, detached, aside, other.var(1.0)].map(|asked| (&gradients, asked));
    for (gradients, asked) in asked.into_iter().chain([(&of_x_alone, cut)]) {
        let reason = gradients.try_wrt(asked).unwrap_err();
        assert_marked("no gradient", &reason.text(marked_views()), &["mul", "add"]);
        let plain = reason.text(Language::ENGLISH);
        assert!(plain == reason.to_string() && plain.starts_with("no gradient: "), "{plain}");
        said.insert(plain);
    }
    assert_eq!(said.len(), 7, "{said:?}");
    for asked in ["nobody", "x[7]", "c[0]", "a"] {
        let error = trace.element(asked, wide()).unwrap_err();
        assert_marked("no element", &error.text(marked_views()), &["nobody", "detach", "sum"]);
        assert_eq!(error.text(Language::ENGLISH), error.to_string());
    }
    for start in [x, constant] {
        let error = start.try_backward().unwrap_err();
        assert_marked("no start", &error.text(marked_views()), &["mul"]);
        assert_eq!(error.text(Language::ENGLISH), error.to_string());
    }
    for node in [x, c] {
        let error = trace.paths(node, 1).unwrap_err();
        assert_marked("no paths", &error.text(marked_views()), &[]);
        assert_eq!(error.text(Language::ENGLISH), error.to_string());
    }
}

#[test]
fn a_plan_speaks_from_the_catalogue() {
    let tape = Tape::new();
    let output = everything(&tape);
    // Products with a matrix that both would copy, where the machine copies.
    let [x, y, z] = [("x", 5), ("y", 20), ("z", 20)]
        .map(|(name, rows)| tape.var(Tensor::full(&[rows, 10], 0.1)).named(name));
    let program = tape.compile(&[output, y.matmul(x.t()), z.matmul(x.t())]);
    let plan = program.plan();
    let known = [&FORMULAS[..], &["step", "detach", "add", "mul"]].concat();
    assert_marked("the plan", &plan.text(marked_views()), &known);
    assert_eq!(plan.text(Language::ENGLISH), plan.to_string());
}

/// What is read of a picture in SVG: its title and its texts.
#[cfg(feature = "svg")]
#[test]
fn a_picture_speaks_from_the_catalogue() {
    use tape::Picture;
    let tape = Tape::new();
    let output = everything(&tape) * tape.var(Tensor::full(&[9], 0.1)).named("n").sum() / 0.0;
    let picture = Picture::of(output).values().shapes().gradients(&output.backward()).limit(12);
    let picture = picture.language(marked_views());
    let svg = picture.to_svg();
    let read = roxmltree::Document::parse(&svg).unwrap();
    let is_said =
        |node: &roxmltree::Node<'_, '_>| ["title", "text"].contains(&node.tag_name().name());
    let texts: Vec<&str> =
        read.descendants().filter(is_said).filter_map(|node| node.text()).collect();
    let known = [&FORMULAS[..], &["step", "detach", "inf", "add", "mul"]].concat();
    assert_marked("the picture", &texts.join("\n"), &known);
    for said in ["⟦The graph of", "⟦shape", "left out", "⟦min"] {
        assert!(svg.contains(said), "{said}: {texts:?}");
    }
}

/// LaTeX without its commands and the names of its environments.
fn without_commands(latex: &str) -> String {
    let mut plain = String::new();
    let mut pieces = latex.split('\\');
    plain += pieces.next().unwrap_or_default();
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(piece.len());
        let (command, rest) = piece.split_at(end);
        let rest = if ["begin", "end", "documentclass", "usepackage"].contains(&command) {
            rest.split_once('}').map_or("", |(_, rest)| rest)
        } else {
            rest
        };
        plain.extend([" ", rest]);
    }
    plain
}

#[test]
fn a_derivation_speaks_from_the_catalogue() {
    let tape = Tape::new();
    let trace = Trace::of(everything(&tape)).unwrap();
    let document = trace.latex_with(wide()).document();
    let known = [&FORMULAS[..], &["step", "detach", "cot", "operand"]].concat();
    assert_marked("LaTeX", &without_commands(&document), &known);
}

/// What is read of a page without its script: text between tags, and labels.
#[cfg(feature = "page")]
fn read_of_page(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.extend([before, " "]);
        let (tag, after) = tag.split_once('>').expect("a tag that ends");
        rest = ["script", "style"]
            .iter()
            .filter(|name| tag.starts_with(**name))
            .fold(after, |after, name| {
                after.split_once(&format!("</{name}>")).expect("an element that ends").1
            });
        for label in [" aria-label=\"", " title=\"", " placeholder=\""] {
            if let Some((_, label)) = tag.split_once(label) {
                text.extend([label.split('"').next().unwrap_or_default(), " "]);
            }
        }
    }
    text + rest
}

#[cfg(feature = "page")]
#[test]
fn slides_speak_from_the_catalogue() {
    let tape = Tape::new();
    let trace = Trace::of(everything(&tape)).unwrap();
    let slides = trace.slides_with(wide());
    assert!(slides.contains("<html lang=\"en-x-marked\">"));
    let known = [&FORMULAS[..], &["step", "detach", "lt", "gt", "amp"]].concat();
    assert_marked("slides", &read_of_page(&slides), &known);
}

#[cfg(feature = "page")]
#[test]
fn the_page_speaks_from_the_catalogue_and_takes_its_sentences_along() {
    use tape::page::Settings;
    let mut settings = Settings::default();
    settings.document.language = marked_views();
    let tape = Tape::new();
    let trace = Trace::of(everything(&tape)).unwrap();
    let page = trace.to_html(&settings);
    assert!(page.contains("<html lang=\"en-x-marked\">"));
    assert_marked("the page", &read_of_page(&page), &[]);
    let run = Run::<f64>::default().to_html(0, &settings);
    assert!(run.contains("⟦This run has no steps.⟧") && run.contains("⟦Training, step by step⟧"));

    let words = page.split("<script id=\"words\" type=\"application/json\">").nth(1).unwrap();
    let words: serde_json::Value =
        serde_json::from_str(words.split("</script>").next().unwrap()).unwrap();
    let words = words.as_object().unwrap();
    let said: BTreeSet<String> = said_by_scripts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(words.keys().cloned().collect::<BTreeSet<_>>(), said);
    assert_eq!(words["is_ready"], "⟦ready⟧");
    assert_eq!(words["count_steps"]["one"], "⟦{count} step⟧");
}

#[cfg(feature = "page")]
#[test]
fn a_sentence_with_markup_is_text_on_the_page() {
    let english = Language::ENGLISH.catalogue();
    let hostile =
        |text: &'static str| -> &'static str { format!("</script><b title=\"{text}\">&").leak() };
    let language =
        Language::of(Box::leak(Box::new(english.changed("en-x-hostile", "Hostile", &hostile))));
    let mut settings = tape::page::Settings::default();
    settings.document.language = language;
    let tape = Tape::new();
    let page = Trace::of(tape.var(0.5).tanh()).unwrap().to_html(&settings);
    assert_eq!(page.matches("</script").count(), 3);
    assert!(!page.contains("<b title"), "markup");
    assert!(page.contains("aria-label=\"&lt;/script>&lt;b title=&quot;Tools&quot;>&amp;\""));
}

/// Every function and operator with operands of all kinds of shapes: what does not fit is said in the
/// language.
#[cfg(feature = "expression")]
#[test]
fn operands_that_do_not_fit_are_said_from_the_catalogue() {
    use tape::expression::{Expression, functions};
    let kinds =
        [&[][..], &[0], &[1], &[2], &[3], &[2, 3], &[3, 2], &[4, 3], &[2, 2, 3], &[3, 4, 2]];
    let calls = functions().into_iter().map(|f| {
        let names = ["a", "b", "c"][..f.operands()].to_vec();
        let settings = f.settings().iter().map(|_| "0.5");
        let arguments: Vec<&str> = names.iter().copied().chain(settings).collect();
        (f.name().to_owned(), names, format!("{}({})", f.name(), arguments.join(", ")))
    });
    let infix = ["+", "-", "*", "/", "^", "@"]
        .map(|sign| (sign.to_owned(), vec!["a", "b"], format!("a {sign} b")));
    let (mut refused, mut said) = (BTreeSet::new(), String::new());
    for (name, names, source) in calls.chain(infix) {
        let expression = Expression::parse_in(marked_views(), &format!("sum({source})")).unwrap();
        for chosen in 0..kinds.len().pow(names.len() as u32) {
            let shape = |at: usize| kinds[chosen / kinds.len().pow(at as u32) % kinds.len()];
            let given = names.iter().enumerate();
            let given: Vec<_> =
                given.map(|(at, &name)| (name, Tensor::full(shape(at), 0.5))).collect();
            let Err(error) = expression.record(&Tape::new(), &given) else { continue };
            let title = error.title();
            assert!(title.starts_with('⟦') && title.ends_with('⟧'), "{source}: {title}");
            // An op's own words would stand in brackets too, in the gap of a sentence.
            let inner = title.trim_start_matches('⟦');
            let inner = inner.split_once(": ").expect(title).1;
            assert!(inner.starts_with('⟦') && inner.ends_with("⟧.⟧"), "{source}: {title}");
            refused.insert(name.clone());
            said += title;
        }
    }
    assert!(refused.len() > 15, "{refused:?}");
    for part in [
        "do not broadcast",
        "the only axis",
        "to last axis",
        "one number",
        "the shape [",
        "of no elements",
    ] {
        assert!(said.contains(part), "{part}");
    }
}

#[cfg(feature = "expression")]
#[test]
fn what_is_wrong_with_an_expression_is_said_from_the_catalogue() {
    use tape::expression::{Expression, ExpressionError, value, value_in};
    let deep = format!("{}x{}", "(".repeat(70), ")".repeat(70));
    let written = [
        "",
        "(x",
        "x +",
        "x +\nx",
        "2 x",
        "x)",
        "x = y = 2",
        "x ]",
        "[x, 2",
        "tanh(x, ",
        "$",
        "1e999",
        &deep,
        "[1, [2, 3]] * x",
        "[x, 1]",
        "2 * 3",
        "[1, 2] * x",
        "tanh(x, 2, 3)",
        "leaky_relu(x, x)",
        "leaky_relu(x)",
        "maximum(x)",
        "tahn(x)",
        "qqqqqqqq(x)",
        "x(2)",
        "x = 1",
        "z = x; z = x; z",
        "x; x",
        "z = 2*x; x",
        "tanh*x",
        "z*x; z = x",
        "v*x",
        "w*x",
    ];
    let given = [("x", Tensor::scalar(0.5))];
    let of = |language: Language, source: &str| -> Option<ExpressionError> {
        let tape = Tape::new();
        let read = Expression::parse_in(language, source);
        read.and_then(|read| read.record(&tape, &given).map(drop)).err()
    };
    let known = ["tanh", "tan"];
    let mut said = BTreeSet::new();
    for source in written {
        let error = of(marked_views(), source).unwrap_or_else(|| panic!("{source} is wrong"));
        // The text itself stands there, under a bar.
        let rendered = error.to_string();
        let lines =
            rendered.lines().filter(|line| !line.trim_start().starts_with(char::is_numeric));
        assert_marked(source, &lines.collect::<Vec<_>>().join("\n"), &known);
        said.insert(of(Language::ENGLISH, source).unwrap().title().to_owned());
    }
    assert!(said.len() > 24, "{said:?}");
    let twice = [("x", Tensor::scalar(0.5)), ("x", Tensor::scalar(0.5))];
    let unused = [("x", Tensor::scalar(0.5)), ("u", Tensor::scalar(0.5))];
    for given in [&twice[..], &unused] {
        let read = Expression::parse_in(marked_views(), "x*x").unwrap();
        assert_marked("a value", read.record(&Tape::new(), given).unwrap_err().title(), &[]);
    }
    for source in ["half", "1; 2", "x = 2"] {
        assert_marked(source, value_in(marked_views(), source).unwrap_err().title(), &[]);
        assert_eq!(value_in(Language::ENGLISH, source), value(source));
    }
}

#[cfg(all(feature = "terminal", feature = "expression"))]
mod screen {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::KeyCode;
    use tape::expression::Expression;
    use tape::terminal::{Screen, ratatui};

    use super::*;

    // `zq` is what the reader typed.
    const KNOWN: [&str; 9] =
        ["zq", "tanh", "add", "mul", "adj", "expression", "sum", "Home", "End"];

    fn drawn(screen: &mut Screen<'_, '_, f64>, columns: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, 70)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        let cells = &terminal.backend().buffer().content;
        let rows = cells.chunks(usize::from(columns));
        let rows =
            rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
        // Sentences may go on behind a border.
        let rows: Vec<String> = rows.map(|row| row.replace(['│', '╭', '╰'], " ")).collect();
        rows.join("\n")
    }

    fn neuron(tape: &Tape<f64>) -> Var<'_, f64> {
        let given = [("w", 0.5), ("x", 2.0), ("b", 0.1)].map(|(name, x)| (name, Tensor::scalar(x)));
        let expression = Expression::parse("z = w*x + b\ny = tanh(z)").unwrap();
        expression.record(tape, &given).unwrap()
    }

    #[test]
    fn speaks_from_the_catalogue() {
        let tape = Tape::new();
        let trace = Trace::of(neuron(&tape)).unwrap();
        for columns in [119, 220] {
            let mut screen = Screen::new(&trace).language(marked_views());
            for _ in 0..trace.len() {
                assert_marked("a step", &drawn(&mut screen, columns), &KNOWN);
                screen.press(KeyCode::Enter.into());
                assert_marked("an element", &drawn(&mut screen, columns), &KNOWN);
                screen.press(KeyCode::Enter.into());
                screen.press(KeyCode::Char('w').into());
                assert_marked("why", &drawn(&mut screen, columns), &KNOWN);
                screen.press(KeyCode::Char('w').into());
                screen.press(KeyCode::Right.into());
            }
            let keys = |screen: &mut Screen<'_, '_, f64>, keys: &str| {
                keys.chars().for_each(|key| {
                    screen.press(KeyCode::Char(key).into());
                });
            };
            keys(&mut screen, "/z");
            assert_marked("the prompt", &drawn(&mut screen, columns), &KNOWN);
            keys(&mut screen, "q?");
            assert_marked("no name", &drawn(&mut screen, columns), &KNOWN);
            screen.press(KeyCode::Enter.into());
            assert_marked("no such name", &drawn(&mut screen, columns), &KNOWN);
            keys(&mut screen, "?");
            let help = drawn(&mut screen, columns);
            assert!(help.contains("⟦→ space n"), "{help}");
        }
        let mut small = Terminal::new(TestBackend::new(70, 10)).unwrap();
        small.draw(|frame| Screen::new(&trace).language(marked_views()).draw(frame)).unwrap();
        let cells = &small.backend().buffer().content;
        let said: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_marked("a small screen", &said, &[]);
    }

    #[test]
    fn a_run_speaks_from_the_catalogue() {
        let tape = Tape::new();
        let mut run = Run::default();
        for _ in 0..3 {
            let trace = Trace::of(neuron(&tape)).unwrap();
            let w = trace.nodes()[0];
            let gradient = trace.gradient(w).unwrap();
            let (before, after) = (w.value(), w.value());
            let change = Change { before, gradient, after, kept: Vec::new(), rule: None };
            run.push(RunStep::new(trace, vec![Update::new(w, change)], 0.5));
        }
        let mut screen = Screen::of_run(&run, 1).unwrap().language(marked_views());
        for key in ['b', 'u', 'n', ']', ']', 'c'] {
            screen.press(KeyCode::Char(key).into());
            assert_marked("a run", &drawn(&mut screen, 119), &KNOWN);
        }
    }
}

/// The gaps of a template.
fn gaps(template: &'static str) -> BTreeSet<&'static str> {
    let gaps = pieces(template).filter_map(|piece| match piece {
        Piece::Gap(name) => Some(name),
        Piece::Text(_) => None,
    });
    gaps.collect()
}

#[test]
fn every_language_has_a_code_of_its_own_and_every_sentence() {
    let codes: BTreeSet<&str> = Language::ALL.iter().map(|language| language.code()).collect();
    assert_eq!(codes.len(), Language::ALL.len());
    let of = |language: Language| {
        let catalogue = language.catalogue();
        let (views, page) = (catalogue.sentences().entries(), catalogue.page().entries());
        let count = views.len() + page.len();
        let all: BTreeMap<_, _> = views.into_iter().chain(page).collect();
        assert_eq!(all.len(), count, "two sentences of one name");
        all
    };
    let english = of(Language::ENGLISH);
    for language in Language::ALL {
        assert_eq!(Language::find(language.code()), Some(language));
        for (name, forms) in of(language) {
            assert!(forms.iter().any(|(form, _)| *form == Form::Other), "{name}");
            for (_, text) in &forms {
                assert!(!text.trim().is_empty(), "{}: {name} is empty", language.code());
                // The largest form names all gaps.
                let wanted = gaps(english[name].last().unwrap().1);
                assert!(gaps(text).is_subset(&wanted), "{}: {name}: {text}", language.code());
            }
        }
    }
    assert_eq!(Language::find("tlh"), None);
}

#[test]
fn every_sentence_is_said_somewhere() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut code = String::new();
    read(&source, &mut code);
    // What is said of a command line, by the programs.
    code += include_str!("../../../examples/command_line.rs");
    for program in ["step/cli/arguments.rs", "practice/cli.rs"] {
        let programs = source.join("../../../examples");
        code += &std::fs::read_to_string(programs.join(program)).unwrap();
    }
    let unsaid: Vec<&str> = Language::ENGLISH
        .catalogue()
        .sentences()
        .entries()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| {
            let said = ["(", ",", ";", ")", ".", "\n"].map(|end| format!(".{name}{end}"));
            !said.iter().any(|said| code.contains(said))
        })
        .collect();
    assert!(unsaid.is_empty(), "{unsaid:?}");
}

/// What stands at the beginning of a text, up to the bracket that closes the one before it, in parts
/// between the commas outside of other brackets.
fn parts_of_braces(text: &str) -> Vec<&str> {
    let (mut parts, mut open, mut from, mut quote) = (Vec::new(), Vec::new(), 0, None);
    for (at, c) in text.char_indices() {
        match (c, quote, open.len()) {
            _ if quote == Some(c) => quote = None,
            ('\'', None, _) => quote = Some(c),
            (_, Some(_), _) => {}
            ('(' | '[' | '{', ..) => open.push(c),
            (')' | ']' | '}', _, 0) => {
                parts.push(text[from..at].trim());
                return parts;
            }
            (')' | ']' | '}', ..) => {
                open.pop();
            }
            (',', _, 0) => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    panic!("no end of the gaps: {text}")
}

/// The sentences that the scripts of the page say, each with the gaps that are filled, at every place.
fn said_by_scripts() -> Vec<(String, BTreeSet<String>)> {
    let mut said = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/show/page");
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_none_or(|extension| extension != "js") {
            continue;
        }
        let script = std::fs::read_to_string(entry.path()).unwrap();
        for say in ["sentence(", "sentenceParts("] {
            for (at, _) in script.match_indices(say) {
                let call = &script[at + say.len()..];
                let call = call.strip_prefix('\'').expect("a sentence is named where it is said");
                let (name, rest) = call.split_once('\'').unwrap();
                let gaps = if rest.starts_with(')') {
                    BTreeSet::new()
                } else {
                    let gaps =
                        rest.strip_prefix(", {").expect("gaps are named where they are filled");
                    let parts = parts_of_braces(gaps).into_iter().filter(|part| !part.is_empty());
                    parts.map(|part| part.split(':').next().unwrap().to_owned()).collect()
                };
                said.push((name.to_owned(), gaps));
            }
        }
    }
    said
}

#[test]
fn the_page_fills_the_gaps_of_its_sentences() {
    let catalogue = Language::ENGLISH.catalogue();
    let all = [catalogue.sentences().entries(), catalogue.page().entries()].concat();
    let known: BTreeMap<&str, Forms> = all.into_iter().collect();
    let said = said_by_scripts();
    assert!(said.len() > 150, "{said:?}");
    for (name, filled) in said {
        let forms = known.get(&name[..]).unwrap_or_else(|| panic!("there is no sentence {name}"));
        let wanted: BTreeSet<&str> = forms.iter().flat_map(|(_, text)| gaps(text)).collect();
        let filled: BTreeSet<&str> = filled.iter().map(String::as_str).collect();
        // The number chooses the form, whether or not it is named in one.
        let number = BTreeSet::from(["count"]);
        assert_eq!(&filled - &number, &wanted - &number, "{name}");
        assert!(
            filled.contains("count") || (forms.len() == 1 && !wanted.contains("count")),
            "{name}"
        );
    }
    // And so the number of a sentence has this name.
    let declared = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/words/page.rs");
    let declared = std::fs::read_to_string(declared).unwrap();
    let (_, declared) = declared.split_once("pub struct").unwrap();
    let counted: Vec<&str> = declared.split('[').skip(1).collect();
    assert!(counted.len() > 10);
    for rest in counted {
        assert!(rest.starts_with("count]") || rest.starts_with("count,"), "{rest}");
    }
}

#[test]
fn every_sentence_of_the_page_is_said_somewhere() {
    let show = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/show");
    let mut code = String::new();
    read(&show, &mut code);
    let template = std::fs::read_to_string(show.join("page/page.html")).unwrap();
    let said: BTreeSet<String> = said_by_scripts().into_iter().map(|(name, _)| name).collect();
    let entries = Language::ENGLISH.catalogue().page().entries();
    let unsaid: Vec<&str> = entries
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !said.contains(*name) && !template.contains(&format!("{{{{{name}}}}}")))
        .filter(|name| !code.contains(&format!(".{name}(")))
        .collect();
    assert!(unsaid.is_empty(), "{unsaid:?}");
}

/// The Rust files of a folder, but for the catalogue itself.
fn read(folder: &Path, code: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().unwrap() != "words" {
                read(&path, code);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *code += &std::fs::read_to_string(path).unwrap();
        }
    }
}

/// A language of another plural: three forms, as in Polish.
#[test]
fn a_language_has_the_forms_that_it_needs() {
    use tape::words::Counted;
    fn rule(count: u128) -> Form {
        match (count, count % 10, count % 100) {
            (1, ..) => Form::One,
            (_, 2..=4, tens) if !(12..=14).contains(&tens) => Form::Few,
            _ => Form::Many,
        }
    }
    let files = Counted::new(rule, "{count} pliku")
        .with(Form::One, "{count} plik")
        .with(Form::Few, "{count} pliki")
        .with(Form::Many, "{count} plików");
    let said = [1, 2, 5, 12, 22, 112].map(|count| files.of(count));
    let [one, few, many] = ["{count} plik", "{count} pliki", "{count} plików"];
    assert_eq!(said, [one, few, many, many, few, many]);
}

#[test]
fn the_code_of_a_language_is_one_that_a_browser_takes() {
    let english = Language::ENGLISH.catalogue();
    let made = |code: &'static str| {
        std::panic::catch_unwind(|| {
            Catalogue::new(code, "Mine", *english.sentences(), *english.page())
        })
    };
    for code in ["de", "pt-BR", "sr-Latn-RS", "de-1996", "en-x-marked", "gsw"] {
        assert!(made(code).is_ok(), "{code}");
    }
    for code in ["", "e", "english!", "en_US", "en-", "-en", "Engl", "e1", "en-x", "de-abcdefghi"] {
        assert!(made(code).is_err(), "{code}");
    }
}
