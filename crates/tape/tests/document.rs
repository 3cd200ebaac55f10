//! A trace as JSON: the same numbers bit for bit, and back again.
#![cfg(feature = "json")]

use ops::{Float, Tensor};
use proptest::prelude::*;
use tape::prelude::*;
use tape::trace::document::{Document, DocumentError, Kind, Number, Settings, Step, Value};
use tape::trace::{NothingFlows, Trace};

fn document<A: Float>(output: Var<'_, A>, settings: &Settings) -> Document<A> {
    Document::new(&Trace::of(output).unwrap(), settings)
}

/// Written and read.
fn round_trip<A: Float>(document: &Document<A>) -> Document<A> {
    let read = Document::from_json(&document.to_json()).unwrap();
    assert_eq!(read, *document);
    read
}

fn layer<A: Float>(tape: &Tape<A>) -> Var<'_, A> {
    let number = |x: f64| A::from_f64(x);
    let x = tape.constant([0.5, -1.0, 0.3].map(number)).named("x");
    let w = tape.var([[0.1, 0.3], [-0.2, 0.7], [0.9, -0.4]].map(|row| row.map(number))).named("w");
    let b = tape.var([0.05, -0.15].map(number)).named("b");
    let h = tape.scope("model", || tape.scope("0 Dense", || (x.matmul(w) + b).tanh()));
    ((h * h).sum() + w.sum()).named("loss")
}

fn agrees_with_backward<A: Float>() {
    let tape = Tape::<A>::new();
    let loss = layer(&tape);
    let gradients = loss.backward();
    let read = round_trip(&document(loss, &Settings::default()));
    let bits = |x: Tensor<A>| x.view().iter().map(|x| x.to_f64().to_bits()).collect::<Vec<_>>();
    let same = |index: usize, x: Tensor<A>| {
        assert_eq!(read.value(index).shape(), x.shape());
        assert_eq!(bits(read.value(index).tensor().unwrap()), bits(x));
    };
    for node in &read.nodes {
        let x = tape.vars().nth(node.position).unwrap();
        same(node.value, x.value());
        match (node.gradient, gradients.try_wrt(x)) {
            (Some(gradient), Ok(expected)) => same(gradient, expected),
            (None, Err(_)) => assert!(node.nothing.is_some()),
            other => panic!("{other:?}"),
        }
    }
    let mut steps = Vec::new();
    loss.backward_observed(|step| steps.push(step));
    let written = read.steps.iter().filter_map(|step| match step {
        Step::Backward { node, adjoint, contributions } => Some((node, adjoint, contributions)),
        Step::Forward { .. } => None,
    });
    assert_eq!(written.clone().count(), steps.len());
    for ((node, adjoint, contributions), step) in written.zip(&steps) {
        assert_eq!(read.nodes[*node].position, step.node.position());
        same(*adjoint, step.adjoint.clone());
        assert_eq!(contributions.len(), step.contributions.len());
        for (i, (written, observed)) in contributions.iter().zip(&step.contributions).enumerate() {
            match &observed.received {
                Ok(received) => {
                    same(written.value.unwrap(), received.value.clone());
                    same(written.after.unwrap(), received.after.clone());
                    assert_eq!(written.before.is_some(), received.before.is_some());
                    assert_eq!(written.local_value.is_some(), step.local(i).is_some());
                }
                Err(reason) => assert_eq!(written.nothing, Some(*reason)),
            }
        }
    }
}

#[test]
fn the_numbers_are_those_of_backward() {
    agrees_with_backward::<f64>();
    agrees_with_backward::<f32>();
}

#[test]
fn the_document_says_all_there_is_to_a_node() {
    let tape = Tape::<f64>::new();
    let read = round_trip(&document(layer(&tape), &Settings::default()));
    let find = |label: &str| read.nodes.iter().position(|n| n.label == label).unwrap();
    let [x, w, loss] = ["x", "w", "loss"].map(find);
    assert_eq!(
        (read.nodes[x].kind, read.nodes[x].nothing),
        (Kind::Constant, Some(NothingFlows::Constant))
    );
    assert_eq!((read.output, read.steps.len()), (loss, read.nodes.len() + read.nodes.len() - 1));
    let product = read.nodes.iter().find(|n| n.op.as_deref() == Some("matmul")).unwrap();
    assert_eq!((&product.operands[..], &product.shape[..]), (&[x, w][..], &[2][..]));
    assert_eq!(product.formula.names.as_deref(), Some("x @ w"));
    assert_eq!(
        product.formula.numbers.as_deref(),
        Some("[0.5, -1, 0.3] @ [[0.1, 0.3], [-0.2, 0.7], [0.9, -0.4]]")
    );
    let scope = &read.scopes[product.scope.unwrap()];
    assert_eq!(
        (&scope.name[..], &read.scopes[scope.parent.unwrap()].name[..]),
        ("0 Dense", "model")
    );
    let [file, line, _] = product.at;
    assert_eq!(read.files[file as usize].path, file!());
    assert!(line > 0);
    // w is used by the sum, which reports first, and by the product.
    let uses: Vec<&str> =
        read.nodes[w].uses.iter().map(|u| read.nodes[u[0]].op.as_deref().unwrap()).collect();
    assert_eq!(uses, ["sum", "matmul"]);
    assert!(
        matches!(read.steps[read.nodes[w].backward.unwrap()], Step::Backward { node, .. } if node == w)
    );
    assert!(read.nodes[loss].uses.is_empty());
}

#[test]
fn numbers_that_are_not_finite_come_back() {
    let tape = Tape::<f64>::new();
    let x = tape.var([0.0, -1.0, f64::INFINITY, -0.0]);
    let y = x.ln();
    let read = round_trip(&document(y.sum(), &Settings::default()));
    let node = &read.nodes[1];
    let numbers = read.value(node.value).numbers();
    assert_eq!((numbers[0], numbers[2]), (f64::NEG_INFINITY, f64::INFINITY));
    assert!(numbers[1].is_nan());
    assert!(read.value(read.nodes[0].value).numbers()[3].is_sign_negative());
}

#[test]
fn large_tensors_are_summarised() {
    let tape = Tape::<f64>::new();
    let mut elements: Vec<f64> = (0..60).map(f64::from).collect();
    elements[59] = f64::NAN;
    let x = tape.var(Tensor::from_shape_vec(&[3, 4, 5], elements).unwrap());
    let settings = Settings { elements: 10, ..Settings::default() };
    let read = round_trip(&document(x.sum(), &settings));
    let Value::Summary { shape, corner, min, mean, max, not_finite, miniature } = read.value(0)
    else {
        panic!("{:?}", read.value(0))
    };
    assert_eq!((&shape[..], *not_finite), (&[3, 4, 5][..], 1));
    let small = miniature.as_ref().unwrap();
    assert_eq!((small.plane, small.of, small.planes, small.all), ([4, 5], [4, 5], 3, 0));
    assert!(small.cells.starts_with("vw") && small.cells.ends_with('!'), "{}", small.cells);
    assert_eq!([*min, *mean, *max], [0.0, 29.0, 58.0].map(|x| Some(Number(x))));
    assert_eq!(corner.shape(), [3, 3]);
    assert_eq!(corner.numbers(), [0.0, 1.0, 2.0, 5.0, 6.0, 7.0, 10.0, 11.0, 12.0]);
    assert!(read.value(0).tensor().is_none());
    let settings = Settings { miniatures: 59, ..settings };
    let without = round_trip(&document(x.sum(), &settings));
    assert!(matches!(without.value(0), Value::Summary { miniature: None, .. }));
    let whole = Value::new(&Tensor::full(&[0, 3], 1.0), 10);
    assert_eq!(whole.tensor().unwrap(), Tensor::<f64>::zeros(&[0, 3]));
    let nothing = Value::new(&Tensor::full(&[3], f64::NAN), 1);
    assert!(matches!(nothing, Value::Summary { min: None, mean: None, max: None, .. }));
}

#[test]
fn each_value_is_there_once() {
    let tape = Tape::<f64>::new();
    let x = tape.var(Tensor::from([0.1, 0.2, 0.3]));
    let y = (x + 0.0 + 1.0).sum();
    let read = document(y, &Settings::default());
    let json = read.to_json();
    assert_eq!(json.matches("0.1,0.2,0.3").count(), 1, "{json}");
    assert_eq!(json.matches("[1.0,1.0,1.0]").count(), 1, "{json}");
    // -0 is not 0.
    let (zero, minus) = (tape.var(0.0), tape.var(-0.0));
    assert_eq!(document(zero + minus, &Settings::default()).values.len(), 3);
}

#[test]
fn of_a_large_graph_the_nearest_nodes_are_taken() {
    let tape = Tape::<f64>::new();
    let w = tape.var(1.0).named("w");
    let mut y = w;
    for _ in 0..1000 {
        y = tape.scope("layer", || (y * w).sin());
    }
    let trace = Trace::of(y).unwrap();
    let settings = Settings { nodes: 20, ..Settings::default() };
    let read = round_trip(&Document::new(&trace, &settings));
    assert_eq!((read.nodes.len(), read.left_out), (22, 2001 - 22));
    assert_eq!(read.scopes.len(), 11);
    let cut: Vec<&str> =
        read.nodes.iter().filter(|n| n.cut).map(|n| n.op.as_deref().unwrap()).collect();
    assert_eq!(cut, ["sin"]);
    assert_eq!(read.steps.len(), 22 + 20);
    let gradient = read.value(read.nodes[0].gradient.unwrap()).numbers()[0];
    assert_eq!((read.nodes[0].label.as_str(), gradient), ("w", trace.gradient(w).unwrap().item()));
    assert!(read.nodes[0].backward.is_none());
}

#[test]
fn the_lines_of_the_program_are_taken_in_on_request() {
    let tape = Tape::<f64>::new();
    let y = tape.var(0.5).named("unmistakable");
    let none = document(y, &Settings::default());
    assert!(none.files[0].lines.is_empty());
    // Tests run in the directory of the crate; the compiler saw the file from the workspace.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::set_current_dir(root).unwrap();
    let read = round_trip(&document(y, &Settings { sources: true, ..Settings::default() }));
    let line = read.files[0].lines.get(&read.nodes[0].at[1]).unwrap();
    assert!(line.contains("unmistakable"), "{line}");
}

#[test]
fn a_page_of_two_hundred_nodes_has_room_for_its_program() {
    let tape = Tape::<f64>::new();
    let w: Vec<_> =
        (0..20).map(|i| tape.var(0.1 + 0.037 * f64::from(i)).named(format!("w{i}"))).collect();
    let mut y = tape.constant(0.7).named("x");
    for i in 0..60 {
        y = (y * w[i % 20] + w[(7 * i) % 20]).tanh();
    }
    let trace = Trace::of(y).unwrap();
    assert!(trace.nodes().len() >= 200);
    let json = Document::new(&trace, &Settings::default()).to_json();
    assert!(json.len() < 200_000, "{} bytes", json.len());
}

#[test]
fn what_is_no_trace_is_refused_in_a_sentence() {
    let tape = Tape::<f64>::new();
    let x = tape.var(2.0);
    let json = document(x.square(), &Settings::default()).to_json();
    let refusal = |json: &str| Document::<f64>::from_json(json).unwrap_err();
    assert!(matches!(refusal("{"), DocumentError::Json(_)));
    assert!(matches!(refusal("{}"), DocumentError::Json(_)));
    let other = json.replace("chainrule trace", "a song");
    assert!(matches!(refusal(&other), DocumentError::Format { found } if found == "a song"));
    let newer = json.replace("\"version\":1", "\"version\":2");
    assert_eq!(
        refusal(&newer).to_string(),
        "the trace has version 2 of the schema, but version 1 is read"
    );
    assert!(matches!(
        Document::<f32>::from_json(&json),
        Err(DocumentError::Element { wanted: "f32", .. })
    ));
    for (good, bad) in [
        ("\"output\":1", "\"output\":2"),
        ("\"operands\":[0]", "\"operands\":[1]"), // itself
        ("\"uses\":[[1,0]]", "\"uses\":[[9,0]]"),
        ("\"adjoint\":", "\"adjoint\":9"),
        ("\"backward\":2", "\"backward\":9"),
        ("\"at\":[0,", "\"at\":[1,"),
    ] {
        assert!(json.contains(good), "{json}");
        let bad = json.replacen(good, bad, 1);
        assert!(matches!(refusal(&bad), DocumentError::Index { .. }), "{bad}");
    }
    let nonsense = json.replacen("2.0", "\"two\"", 1);
    assert!(matches!(refusal(&nonsense), DocumentError::Json(_)));
}

#[test]
fn names_of_any_characters_come_back() {
    let tape = Tape::<f64>::new();
    let name = "</script><b>\"q\"&\\\n\t'ω₁\u{2028}\0";
    let x = tape.var(1.0).named(name);
    let y = tape.scope(name, || x.sin());
    let read = round_trip(&document(y, &Settings::default()));
    let shown = ops::visible(name);
    assert_eq!((&read.nodes[0].label[..], &read.scopes[0].name[..]), (&*shown, &*shown));
}

proptest! {
    #[test]
    fn every_f64_comes_back(bits: u64) {
        let value = f64::from_bits(bits);
        let json = serde_json::to_string(&Number(value)).unwrap();
        prop_assert_eq!(serde_json::from_str::<Number<f64>>(&json).unwrap(), Number(value));
    }

    #[test]
    fn every_f32_comes_back(bits: u32) {
        let value = f32::from_bits(bits);
        let json = serde_json::to_string(&Number(value)).unwrap();
        prop_assert_eq!(serde_json::from_str::<Number<f32>>(&json).unwrap(), Number(value));
        prop_assert!(json.len() <= 20, "{json}");
    }
}

#[test]
fn the_f32_that_does_not_survive_its_shortest_decimal_comes_back() {
    let value = 7.038531e-26_f32;
    assert_ne!("7.038531e-26".parse::<f64>().unwrap() as f32, value);
    let json = serde_json::to_string(&Number(value)).unwrap();
    assert_eq!(serde_json::from_str::<Number<f32>>(&json).unwrap().0, value);
    assert_eq!(serde_json::to_string(&Number(0.1_f32)).unwrap(), "0.1");
}

/// The names of all fields in a piece of JSON.
fn fields(json: &serde_json::Value, into: &mut std::collections::BTreeSet<String>) {
    match json {
        serde_json::Value::Array(items) => items.iter().for_each(|item| fields(item, into)),
        serde_json::Value::Object(object) => {
            for (name, item) in object {
                into.insert(name.clone());
                if name != "lines" {
                    fields(item, into);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_field_is_described() {
    let schema = include_str!("../../../docs/src/schema.md");
    let tape = Tape::<f64>::new();
    let step = tape.var(0.5).named("a").step();
    let large = tape.var(Tensor::full(&[9, 9], f64::NAN));
    let detached = large.sum().detach();
    let y = layer(&tape) * step * detached * step;
    let settings = Settings { nodes: 12, ..Settings::default() };
    let mut names = std::collections::BTreeSet::new();
    for settings in [settings, Settings::default()] {
        let json = document(y, &settings).to_json();
        fields(&serde_json::from_str(&json).unwrap(), &mut names);
    }
    for rare in ["cut", "left_out", "corner", "not_finite", "before", "parent", "nothing"] {
        assert!(names.contains(rare), "the test wants a document with a field {rare}: {names:?}");
    }
    let described = |name: &str| {
        schema.contains(&format!("`{name}`")) || schema.contains(&format!("\"{name}\""))
    };
    let forgotten: Vec<_> = names.iter().filter(|name| !described(name)).collect();
    assert!(forgotten.is_empty(), "not in docs/src/schema.md: {forgotten:?}");
}

#[test]
fn a_zero_or_missing_gradient_has_its_reason_and_the_place() {
    let tape = Tape::<f64>::new();
    let w = tape.var([-1.0, 0.5, -0.25]).named("w");
    let (a, u) = (tape.var(-2.0).named("a"), tape.var(3.0).named("u"));
    let (h, r, held) = (w.relu().named("h"), a.relu().named("r"), u.detach().named("held"));
    let loss = (h.sum() + r * held).named("loss");
    let read = round_trip(&document(loss, &Settings::default()));
    let at = |x: Var<'_, f64>| read.nodes.iter().position(|n| n.position == x.position()).unwrap();
    let gradients = loss.backward();

    // All of it: the reason is that of `why`.
    let [why] = &read.nodes[at(a)].why[..] else { panic!("{:?}", read.nodes[at(a)].why) };
    assert!(gradients.why(a).ends_with(&format!("is zero: {}", why.reason)), "{}", why.reason);
    assert!(why.elements.is_empty() && why.reason.contains("the one unit of relu"));
    assert_eq!((why.stops[0].node, why.stops[0].operand), (at(r), Some(0)));

    // Some elements, of one reason.
    let [why] = &read.nodes[at(w)].why[..] else { panic!("{:?}", read.nodes[at(w)].why) };
    assert_eq!(why.elements, [0, 2]);
    assert!(gradients.why_at(w, &[2]).ends_with(&why.reason));
    assert_eq!((why.stops[0].node, why.stops[0].operand), (at(h), Some(0)));

    // None: the detached value is the place.
    let [why] = &read.nodes[at(u)].why[..] else { panic!("{:?}", read.nodes[at(u)].why) };
    assert_eq!(why.reason, gradients.why(u));
    assert_eq!((why.stops[0].node, why.stops[0].operand), (at(held), None));
    assert!(read.nodes[at(loss)].why.is_empty() && read.nodes[at(h)].why.is_empty());
}

#[test]
fn reasons_are_left_out_of_a_graph_that_is_too_large_to_look_for_them() {
    let tape = Tape::<f32>::new();
    let x = tape.var(Tensor::full(&[600_000], -1.0)).named("x");
    let read = document(x.relu().sum(), &Settings::default());
    assert!(read.nodes.iter().all(|node| node.why.is_empty()));
}
