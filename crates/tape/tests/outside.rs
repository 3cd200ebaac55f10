//! Text from outside, such as a name that a user typed, comes out of every message and view with
//! nothing in it that a reader would not see or that could pass for the program's own words.

use ops::Tensor;
use ops::rules::Matmul;
use tape::error::{NoGradient, Origin, TapeError};
use tape::prelude::*;
use tape::trace::Layout;
use tape::{Picture, Place, Trace};

/// A line end, an escape sequence, a reversal of the order of writing, tags, and blanks of no width.
const HOSTILE: &str =
    "w\u{1b}[31m\nFORGED\r\t\u{9b}2J\u{202e}\u{2066}\u{200f}\u{e0041}\u{200b}\u{feff}\u{0}";
/// What an SVG picture, a JSON document or a screen may have of its own.
const LINES: &str = "\n";

#[track_caller]
fn assert_visible(of: &str, text: &str) {
    let hidden = |c: char| {
        (c.is_control() && !LINES.contains(c))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    };
    assert!(!text.contains(hidden), "{of}: {text:?}");
    assert!(!text.contains("\nFORGED"), "{of}: {text:?}");
}

/// A small graph in which every name is hostile.
fn graph(tape: &Tape<f64>) -> [Var<'_, f64>; 3] {
    let x = tape.var([[1.0, 2.0]]).named(HOSTILE);
    let w = tape.var([[0.5], [-0.5]]).named(format!("2{HOSTILE}"));
    let line = Place { file: HOSTILE.into(), line: 1, column: 2, text: Some(HOSTILE.into()) };
    let y = tape.scope(HOSTILE, || x.matmul(w).written_at(line).named(HOSTILE).tanh().sum());
    [x, w, y.named(HOSTILE)]
}

#[test]
fn errors_show_what_is_hidden_in_names() {
    let (tape, other) = (Tape::new(), Tape::new());
    let [x, w, y] = graph(&tape);
    let foreign = other.var([[1.0], [2.0]]).named(HOSTILE);
    let narrow = tape.var([1.0, 2.0, 3.0]).named(HOSTILE);
    let number = tape.constant(2.0).named(HOSTILE);
    let doubled = number * 2.0;
    let cut = x.detach().named(HOSTILE);
    let stopped = cut.sum() + narrow.sum();
    let stops = Tape::new().stop_at_non_finite();
    let huge = stops.var(1000.0).named(HOSTILE);
    let errors: Vec<TapeError> = vec![
        Var::try_apply(Matmul, &[&x, &narrow]).unwrap_err(),
        Var::try_apply(Matmul, &[&x, &foreign]).unwrap_err(),
        Var::<f64>::try_apply(Matmul, &[]).unwrap_err(),
        x.try_backward().unwrap_err(),
        x.backward_with([1.0]).unwrap_err(),
        number.try_backward().unwrap_err(),
        Var::try_apply(ops::Lift::unary(ops::rules::Exp), &[&huge]).unwrap_err(),
    ];
    for error in errors {
        assert_visible("error", &error.to_string());
        assert_visible("its Debug", &format!("{error:?}"));
    }
    let gradients = y.backward();
    let of = |x| gradients.try_wrt(x).unwrap_err();
    let partial = y.backward_wrt(&[x]).unwrap();
    let later = stopped.backward();
    let reasons: Vec<NoGradient> = vec![
        of(foreign),
        of(number),
        of(cut),
        of(doubled),
        of(narrow),
        partial.try_wrt(w).unwrap_err(),
        later.try_wrt(x).unwrap_err(),
    ];
    for reason in reasons {
        assert_visible("reason", &reason.to_string());
        assert_visible("its Debug", &format!("{reason:?}"));
    }
    for x in [x, w, narrow, number, cut] {
        assert_visible("why", &gradients.why(x));
        assert_visible("variable", &format!("{x:?} {} {}", x.label(), Origin::from(x)));
    }
    let dead = (x * 0.0).relu().sum();
    assert_visible("why", &dead.backward().why(x));
    assert_visible("why_at", &dead.backward().why_at(x, &[0, 0]));
    assert_visible("tape", &format!("{tape:?}"));
    let message =
        std::panic::catch_unwind(|| Tensor::einsum("i\u{1b}[2J", &[&Tensor::from([1.0])]));
    assert_visible("einsum", message.unwrap_err().downcast_ref::<String>().unwrap());
}

#[test]
fn programs_and_their_plans_show_what_is_hidden_in_names() {
    let tape = Tape::new();
    let [x, _, y] = graph(&tape);
    let mut program = tape.compile(&[y, (x * y).named(HOSTILE)]);
    assert_visible("plan", &program.plan().to_string());
    let error = program.set(x.position(), &Tensor::from([1.0])).unwrap_err();
    assert_visible("program", &format!("{error} {error:?}"));
}

#[test]
fn traces_and_pictures_show_what_is_hidden_in_names() {
    let tape = Tape::new();
    let [x, _, y] = graph(&tape);
    let trace = Trace::of(y).unwrap();
    assert_visible("trace", &trace.to_string());
    for step in trace.steps() {
        assert_visible("step", &format!("{step} {}", step.text(Layout::default())));
    }
    for formula in trace.nodes().iter().filter_map(|x| x.formula()) {
        assert_visible("formula", &formula);
    }
    for x in trace.nodes() {
        for formula in x.gradient_formulas().into_iter().flatten() {
            assert_visible("gradient formula", &formula);
        }
        assert_visible("place", &x.place().to_string());
    }
    let picture = Picture::of(y).values().gradients(trace.gradients());
    assert_visible("DOT", &picture.to_dot());
    assert_visible("Mermaid", &picture.to_mermaid());
    #[cfg(feature = "svg")]
    assert_visible("SVG", &picture.to_svg());
    #[cfg(feature = "json")]
    {
        use tape::trace::document::{Document, Settings};
        let json = Document::new(&trace, &Settings::default()).to_json();
        assert_visible("JSON", &json);
        let wrong = [
            "{\"a\\u001b[31m\\n\u{202e}\":1}".to_owned(),
            json.replace("\"f64\"", "\"f\\u001b[2J\u{202e}\""),
            json.replacen("\"format\":\"", "\"format\":\"\\u001b[2J\u{202e}", 1),
        ];
        for json in wrong {
            let error = Document::<f64>::from_json(&json).unwrap_err();
            assert_visible("document", &format!("{error} {error:?}"));
        }
    }
    #[cfg(feature = "page")]
    assert_visible("page", &trace.to_html(&tape::page::Settings::default()));
    assert_visible("label", &x.label());
}

#[cfg(feature = "expression")]
#[test]
fn expressions_show_what_is_hidden_in_them() {
    use tape::expression::{Expression, value};

    for c in HOSTILE.chars().filter(|c| !c.is_ascii_alphabetic()) {
        for source in [
            format!("x{c} + 1 )"),
            format!("{c}"),
            format!("f(x{c})"),
            format!("tanh(1 +{c}\n 2 3)"),
            format!("x = 1 {c}; x = 2"),
        ] {
            if let Err(error) = Expression::parse(&source) {
                assert_visible("expression", &error.to_string());
                assert_visible("title", error.title());
            }
            if let Err(error) = value(&source) {
                assert_visible("value", &error.to_string());
            }
        }
    }
    // A letter that is not seen, and a value that the text does not name.
    let expression = Expression::parse("\u{3164}(x)").unwrap();
    let given = [("x", Tensor::scalar(1.0)), (HOSTILE, Tensor::scalar(1.0))];
    for given in [&given[..1], &given] {
        let error = expression.record(&Tape::new(), given).unwrap_err().to_string();
        assert!(!error.contains('\u{3164}'), "{error:?}");
        assert_visible("record", &error);
    }
    let error = Expression::parse("x").unwrap().record(&Tape::new(), &given).unwrap_err();
    assert_visible("unused", &format!("{error} {error:?}"));
    // The mark stands under the place, behind what was written out.
    let error = Expression::parse("x\u{202e} )").unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines[2].find("\\u{202e}"), lines[3].find('^'), "{error}");
}
