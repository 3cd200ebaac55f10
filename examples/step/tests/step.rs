//! The step program: every view of every program shows the numbers of `backward()`, and misuse is
//! answered with a sentence.

#[path = "../cli/mod.rs"]
mod cli;
#[allow(dead_code)] // The program has a marked language of its own.
#[path = "../../../crates/tape/tests/common/marks.rs"]
mod marks;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use cli::Failure;
use marks::unmarked;
use ops::Tensor;
use tape::trace::Rounding;
use tape::trace::document::Document;
use tape::{Tape, Var};

const EXPRESSION: [&str; 8] =
    ["--expr", "tanh(w*x + b)", "--let", "w=0.5", "--let", "x=2", "--let", "b=0.1"];

/// Runs the program without a terminal.
fn run(arguments: &[&str]) -> Result<String, Failure> {
    let mut out = Vec::new();
    cli::run(arguments.iter().map(OsString::from), &mut out, false)?;
    Ok(String::from_utf8(out).unwrap())
}

fn shown(arguments: &[&str], view: &[&str]) -> String {
    run(&[arguments, view].concat()).unwrap_or_else(|failure| panic!("{failure}"))
}

fn failure(arguments: &[&str]) -> (u8, String) {
    let failure = run(arguments).expect_err("misuse");
    (failure.exit_code(), failure.to_string())
}

/// The programs by what is typed for them.
fn programs() -> Vec<Vec<&'static str>> {
    let named = cli::programs().iter().map(|program| vec![program.name]);
    let three_lines = "z = w @ x + b\na = sigmoid(z)\nL = sum((a - [1, 0])²)/2";
    let vectors = ["--let", "w=[[0.1, -0.3], [1/3, 2]]", "--let", "x=[1, -1]", "--let", "b=0.7"];
    let expressions = [EXPRESSION.to_vec(), [&["--expr", three_lines], &vectors[..]].concat()];
    named.chain(expressions).collect()
}

/// The gradients by `backward()`, by the position of the node on the tape.
fn gradients(tape: &Tape<f64>, arguments: &[&str]) -> BTreeMap<usize, (String, Tensor<f64>)> {
    let output = cli::recorded(tape, arguments.iter().map(OsString::from)).unwrap();
    let gradients = output.backward();
    let known = tape.vars().take(output.position() + 1);
    let known = known.filter_map(|x| Some((x, gradients.try_wrt(x).ok()?)));
    known.map(|(x, gradient)| (x.position(), (x.label(), gradient))).collect()
}

fn bits(x: &Tensor<f64>) -> Vec<u64> {
    x.to_vec().into_iter().map(f64::to_bits).collect()
}

/// The trace in a page: a script of data.
fn document_of(page: &str) -> Document<f64> {
    let start = page.find("{\"format\"").expect("the page holds the trace");
    let json = &page[start..];
    let json = &json[..json.find("</script>").unwrap()];
    Document::from_json(json.trim()).unwrap()
}

#[test]
fn json_and_page_hold_the_numbers_of_backward() {
    for program in programs() {
        let tape = Tape::new();
        let wanted = gradients(&tape, &program);
        let json = shown(&program, &["--json", "-"]);
        let page = shown(&program, &["--html", "-"]);
        for document in [Document::from_json(&json).unwrap(), document_of(&page)] {
            assert_eq!(document.left_out, 0);
            let mut compared = 0;
            for node in &document.nodes {
                let Some(gradient) = node.gradient else {
                    assert!(node.nothing.is_some());
                    continue;
                };
                let (label, wanted) = &wanted[&node.position];
                assert_eq!(&node.label, label);
                let value = document.value(gradient);
                assert_eq!(value.shape(), wanted.shape());
                // A large tensor is summarised, from numbers that are tested in the crate tape.
                if let Some(tensor) = value.tensor() {
                    assert_eq!(bits(&tensor), bits(wanted), "{program:?}: {label}");
                    compared += 1;
                }
            }
            assert!(compared >= 3, "{program:?}");
        }
    }
}

/// The numbers after `∂L/∂name = ` in the list at the end of the text.
fn gradients_in_text(text: &str) -> BTreeMap<String, Vec<u64>> {
    let (_, list) = text.split_once("GRADIENTS").unwrap();
    // Long lists go on in the next line.
    let list = list.replace("\n    ", " ");
    let rows = list.lines().filter_map(|row| row.trim().split_once(" = "));
    rows.filter(|(_, value)| !value.contains("min"))
        .map(|(name, value)| {
            let numbers = value.split(|c: char| "[], ".contains(c)).filter(|word| !word.is_empty());
            let name = name.split_once("/∂").unwrap().1.to_owned();
            (name, numbers.map(|word| word.parse::<f64>().unwrap().to_bits()).collect())
        })
        .collect()
}

#[test]
fn the_text_shows_the_numbers_of_backward() {
    for program in programs() {
        let tape = Tape::new();
        let wanted = gradients(&tape, &program);
        let read = gradients_in_text(&shown(&program, &["--text", "--digits", "17"]));
        let variables: BTreeMap<String, Vec<u64>> = wanted
            .iter()
            .filter(|(position, _)| tape.vars().nth(**position).is_some_and(|x| x.op().is_none()))
            .filter(|(_, (_, gradient))| gradient.len() <= 12)
            .map(|(_, (label, gradient))| (label.clone(), bits(gradient)))
            .collect();
        assert_eq!(read, variables, "{program:?}");
    }
}

#[test]
fn pictures_show_the_numbers_of_backward() {
    for program in programs() {
        let tape = Tape::new();
        let wanted = gradients(&tape, &program);
        let rounded: BTreeSet<String> = wanted
            .iter()
            .filter(|(_, (_, gradient))| gradient.ndim() == 0)
            .map(|(position, (_, x))| {
                let number = Rounding { digits: 17, elements: 6 }.number(x.item());
                let adjoint = tape.vars().nth(*position).unwrap().adjoint_label();
                format!("{adjoint} = {number}")
            })
            .collect();
        for format in ["--dot", "--mermaid", "--svg"] {
            let picture = shown(&program, &["--digits", "17", format, "-"]);
            for gradient in &rounded {
                let entities = [("#45;", "-"), ("#64;", "@"), ("#91;", "["), ("#93;", "]")];
                let plain = entities
                    .iter()
                    .fold(picture.clone(), |text, (code, sign)| text.replace(code, sign));
                assert!(plain.contains(gradient), "{program:?} {format}: {gradient}\n{picture}");
            }
        }
    }
}

#[test]
fn files_are_written_and_named() {
    let directory = std::env::temp_dir().join(format!("step-test-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (page, svg) = (file("a page.html"), file("graph.svg"));
    let out = shown(&EXPRESSION, &["--html", &page, "--svg", &svg]);
    assert_eq!(out, format!("wrote {page}\nwrote {svg}\n"));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), shown(&EXPRESSION, &["--html", "-"]));
    assert!(std::fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    // Where the data are the output, nothing else is.
    let json = shown(&EXPRESSION, &["--svg", &svg, "--json", "-"]);
    assert!(Document::<f64>::from_json(&json).is_ok());

    let missing = file("no/such/directory.html");
    let (code, text) = failure(&[&EXPRESSION[..], &["--html", &missing]].concat());
    assert_eq!(code, 1);
    assert!(text.starts_with(&format!("{missing} cannot be written: ")), "{text}");
    assert!(!Path::new(&missing).exists());
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn without_a_terminal_or_view_it_prints_the_text() {
    assert_eq!(shown(&EXPRESSION, &[]), shown(&EXPRESSION, &["--text"]));
    assert_eq!(shown(&[], &[]), shown(&["three-layers"], &["--text"]));
    // A bar above a letter takes no column.
    let columns = |line: &str| line.chars().filter(|c| *c != '\u{304}').count();
    assert!(shown(&[], &[]).lines().all(|line| columns(line) <= 80));
}

#[test]
fn a_chosen_variable_is_differentiated() {
    let chosen =
        ["--expr", "z = w*x; y = exp(z) + b", "--let", "w=3", "--let", "x=2", "--let", "b=1"];
    let text = shown(&chosen, &["--of", "z"]);
    assert!(text.contains("∂z/∂w = 2") && !text.contains("∂y"), "{text}");
    let (code, text) = failure(&[&chosen[..], &["--of", "zz"]].concat());
    assert_eq!((code, &text[..]), (2, "--of zz: there is no such value. Known: z"));
    let (_, text) = failure(&["three-layers", "--of", "z₂"]);
    assert!(text.contains("backward() starts from a scalar"), "{text}");
}

/// Of a graph that is too large the views say how large it is, and what they leave out.
#[test]
fn of_a_large_graph_the_nearest_nodes_are_drawn() {
    let sum: Vec<String> = (0..400).map(|i| format!("sin({i}*w)")).collect();
    let sum = format!("z = w^2; y = z*({})", sum.join(" + "));
    let large = ["--expr", &sum, "--let", "w=0.5"];
    let nodes = 1 + 1 + 800 + 399 + 1; // w, z, the sines and their products, the sum, y
    for format in ["--dot", "--mermaid", "--svg"] {
        let picture = shown(&large, &[format, "-"]);
        let note = format!("250 of {nodes} nodes: the nearest to y. {} are left out.", nodes - 250);
        assert!(picture.contains(&note), "{format}");
        // Of the ancestors of one value there are few.
        assert!(!shown(&large, &["--of", "z", format, "-"]).contains("left out"));
    }
    let page = document_of(&shown(&large, &["--html", "-"]));
    assert!(page.left_out > 0 && page.left_out + page.nodes.len() == nodes);
    let json = Document::<f64>::from_json(&shown(&large, &["--json", "-"])).unwrap();
    assert_eq!((json.left_out, json.nodes.len()), (0, nodes));
}

#[test]
fn misuse_is_answered_with_a_sentence_and_code_2() {
    let with = |more: &[&'static str]| [&EXPRESSION[..], more].concat();
    for (arguments, wanted) in [
        (
            vec!["three-layer"],
            "there is no program three-layer. Did you mean three-layers? The programs are:",
        ),
        (vec!["xyz"], "there is no program xyz. The programs are:\n  three-layers"),
        (vec!["order", "neuron"], "one program is shown, not order and neuron"),
        (vec!["order", "--expr", "w"], "--expr or the program order: one of them is shown"),
        (vec!["order", "--let", "w=1"], "--let w=… is for an expression; --expr gives that"),
        (with(&["--expr", "w"]), "--expr is given twice"),
        (with(&["--let", "w=1"]), "--let w=… is given twice"),
        (with(&["--let", "c=1"]), "c is given a value, but is not used"),
        (with(&["--let", "c"]), "--let c: it should read NAME=VALUE, such as w=0.5"),
        (with(&["--let", "=1"]), "--let =1: it should read NAME=VALUE"),
        (
            with(&["--let", "c=one"]),
            "--let c=one\nerror: `one` is not a number\n  |\n1 | one\n  | ^^^ expected a number",
        ),
        (
            vec!["--expr", "tanh(w*x)", "--let", "w=1"],
            "x has no value\n  |\n1 | tanh(w*x)\n  |        ^ given no value\n  |\n  = help: add --let x=NUMBER",
        ),
        (vec!["--expr", "tanh(w*"], "error: the expression ends too early"),
        (vec!["--expr"], "--expr stands without a value\n`--help` tells what there is."),
        (with(&["--html"]), "--html stands without a value"),
        (with(&["--text=4"]), "--text takes no value, but `4` is given"),
        (with(&["--htm", "x"]), "there is no option --htm. Did you mean --html?"),
        (with(&["--htm\u{1b}[2J"]), "there is no option --htm\\u{1b}[2J\n"),
        (with(&["-x"]), "there is no option -x"),
        (with(&["--digits", "many"]), "`many` is not a whole number from 0 on"),
        (vec!["--train", "-2"], "`-2` is not a whole number from 0 on"),
        (vec!["--train", "99999999999999999999"], "`99999999999999999999` is too large a number"),
        (vec!["--train", "2", "--rate", "high"], "`high` is not a number, such as 0.1"),
        (vec!["--train", "2", "--rate", "-1"], "--rate -1: a learning rate is more than 0"),
    ] {
        let (code, text) = failure(&arguments);
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(wanted), "{arguments:?}:\n{text}\n\nwanted: {wanted}");
    }
}

#[test]
fn help_names_every_program_and_option() {
    let help = shown(&["--help"], &[]);
    for program in cli::programs() {
        assert!(help.contains(&format!("\n  {} ", program.name)));
    }
    for option in cli::OPTIONS {
        assert!(help.contains(&format!("--{option}")), "{option}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    assert_eq!(help, shown(&["order", "-h", "--nonsense"], &[]));
    assert!(shown(&["--functions"], &[]).contains("softplus"));
}

/// A function of vectors, which has something to fuse.
const VECTOR: [&str; 8] =
    ["--expr", "sum(tanh(w*x + b))", "--let", "w=[0.5, 1]", "--let", "x=[2, -1]", "--let", "b=0.1"];

/// A layer of two units.
const LAYER: [&str; 8] = [
    "--expr",
    "z = W @ x; y = z + b; L = sum(y²)",
    "--let",
    "W=[[0.1, -0.3], [1/4, 2]]",
    "--let",
    "x=[1, -1]",
    "--let",
    "b=[0.5, 0.7]",
];

/// What the book shows of the program, in `tests/printed`; with `UPDATE_SNAPSHOTS=1` written anew.
#[test]
fn the_book_shows_what_the_program_prints() {
    let pages = [
        ("help", shown(&["--help"], &[])),
        ("text", shown(&EXPRESSION, &[])),
        ("functions", shown(&["--functions"], &[])),
        ("mermaid", shown(&EXPRESSION, &["--mermaid", "-"])),
        ("element", shown(&LAYER, &["--element", "z[1]", "--element", "grad W[1,0]"])),
        ("train-losses", training("")),
        ("train-update", training("UPDATE")),
        ("paths", shown(&["neuron"], &["--paths", "w"]) + &shown(&["order"], &["--paths", "a"])),
        ("plan", shown(&VECTOR, &["--plan", "-"])),
        ("error-place", failure(&["--expr", "tanh(w*x + )"]).1 + "\n"),
        ("error-function", failure(&["--expr", "tahn(w*x)"]).1 + "\n"),
        ("error-value", failure(&["--expr", "tanh(w*x)", "--let", "w=0.5"]).1 + "\n"),
    ];
    for (name, text) in pages {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/printed/{name}.txt"));
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &text).unwrap();
        }
        let wanted = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(text == wanted, "{} differs from what is printed:\n{text}", file.display());
    }
}

/// Of a run of training the losses, or what the text has from a heading on.
fn training(heading: &str) -> String {
    let options = ["--train", "12", "--open", "2", "--optimizer", "adam", "--rate", "0.05"];
    let text = shown(&["neuron"], &options);
    match heading {
        "" => text.split("\n\nStep 2 of training").next().unwrap().to_owned() + "\n",
        heading => text[text.find(heading).unwrap()..].to_owned(),
    }
}

#[test]
fn the_language_of_all_that_is_said_can_be_set() {
    let marked = ["--language", cli::MARKED];
    let of = |arguments: &[&str]| shown(arguments, &marked);
    let listed = of(&["--help"]);
    assert!(
        listed.starts_with("⟦Shows both passes") && listed.contains("en (English)"),
        "{listed}"
    );
    let functions = of(&["--functions"]);
    assert!(functions.starts_with("⟦of one operand⟧:"), "{functions}");
    for name in cli::programs().iter().map(|program| program.name) {
        assert_eq!(of(&[name, "--slides", "-"]).matches("<html lang=\"en-x-marked\">").count(), 1);
    }
    for page in [of(&["neuron", "--html", "-"]), of(&["neuron", "--train", "2", "--html", "-"])] {
        assert!(page.contains("<html lang=\"en-x-marked\">") && page.contains(">⟦Help⟧ <kbd>"));
    }
    let known = ["expression", "tanh", "adj", "TRAINING", "txt"];
    let texts = [
        of(&EXPRESSION),
        of(&[&EXPRESSION[..], &["--element", "y", "--paths", "w"]].concat()),
        of(&["neuron", "--train", "2"]).replace("examples/step/cli/programs.rs", ""),
        of(&["order", "--plan", "-"]).replace("add", ""),
    ];
    for text in texts {
        assert!(text.contains('⟦') && unmarked(&text, &known).is_empty(), "{text}");
    }
    let picture = of(&["order", "--svg", "-"]);
    assert!(picture.contains("<title>⟦The graph of ") && picture.contains("⟧</title>"));
    // What is wrong with the command line is said in it too, wherever the language stands.
    for wrong in [
        &["--expr", "x", "--expr", "y"][..],
        &["order", "neuron"],
        &["order", "--expr", "x"],
        &["--let", "x=1"],
        &["--expr", "x", "--let", "x"],
        &["--train", "2", "--open", "0"],
        &["--train", "2", "--open", "3"],
        &["--open", "1"],
        &["--train", "2", "--paths", "w"],
        &["--train", "2", "--dot", "-"],
        &["--htm", "-"],
        &["neuro"],
        &["--train", "1", "--optimizer", "adan"],
        &["--paths", "weight"],
        &["order", "--of", "a", "--element", "a[1]"],
        &["neuron", "--of", "t"],
        &["neuron", "--of", "t", "--svg", "-"],
        &["neuron", "--of", "t", "--plan", "-"],
        &["cross-entropy", "--of", "z"],
        &["neuron", "--element", "nobody"],
        &["neuron", "--paths", "t"],
        &["--let", "x=half", "--expr", "x"],
        &["-x"],
        &["--text=4"],
        &["--digits", "many"],
        &["--train", "99999999999999999999"],
        &["--train", "2", "--rate", "high"],
        &["--train", "2", "--rate", "-1"],
    ] {
        let said = failure(&[&marked[..], wrong].concat()).1;
        assert!(said.starts_with('⟦') && said.ends_with('⟧'), "{said}");
        assert_eq!(said, failure(&[wrong, &["--language=en-x-marked"]].concat()).1);
    }
    let said = failure(&[&marked[..], &["--expr"]].concat()).1;
    assert!(said.starts_with("⟦⟦--expr stands") && said.ends_with('⟧'), "{said}");
    let said = failure(&[&marked[..], &["--expr", "w*x + ", "--let", "w=2"]].concat()).1;
    assert!(said.starts_with("⟦error⟧: ⟦the expression ends too early⟧"), "{said}");
    assert!(unmarked(&said.replace("w*x", ""), &[]).is_empty(), "{said}");
    let (code, said) = failure(&["--language", "tlh"]);
    assert_eq!(
        (code, said.lines().next()),
        (2, Some("there is no language tlh. There is en (English)"))
    );
}

#[test]
fn every_program_can_be_trained_with_every_optimiser() {
    for program in cli::programs() {
        for (optimizer, _) in cli::OPTIMIZERS {
            let options = ["--train", "2", "--open", "2", "--optimizer", optimizer, "--text"];
            let text = shown(&[program.name], &options);
            let learned = if program.name == "digits" { 4 } else { 1 };
            assert!(text.matches(" is updated\n").count() >= learned, "{text}");
            assert!(text.contains("UPDATE") && text.contains(" with the new parameters"), "{text}");
        }
    }
}

/// The numbers of a run are tested in the crate nn; here, that the views have them.
#[test]
fn the_views_of_a_run_show_its_losses_and_updates() {
    let run = ["three-layers", "--train", "5", "--rate", "0.5"];
    let page = shown(&run, &["--html", "-"]);
    assert_eq!(page.matches("<script id=\"trace-").count(), 5);
    let losses = page.split("\"losses\":[").nth(1).unwrap().split(']').next().unwrap();
    let losses: Vec<f64> = losses.split(',').map(|word| word.parse().unwrap()).collect();
    assert!(losses.len() == 5 && losses.windows(2).all(|pair| pair[1] < pair[0]), "{losses:?}");
    for open in 1..=5 {
        let json = shown(&run, &["--json", "-", "--open", &open.to_string()]);
        let document = Document::<f64>::from_json(&json).unwrap();
        assert_eq!(document.updates.len(), 4);
        let loss = document.value(document.nodes[document.output].value).numbers()[0];
        assert_eq!(loss.to_bits(), losses[open - 1].to_bits());
        // Of the same data in every step, the loss after is the next.
        let after = document.value(document.loss_after.unwrap()).numbers()[0];
        assert!(losses.get(open).is_none_or(|next| next.to_bits() == after.to_bits()));
    }
    // Without training, the program starts from the same numbers.
    let first = Document::<f64>::from_json(&shown(&["three-layers"], &["--json", "-"])).unwrap();
    let loss = first.value(first.nodes[first.output].value).numbers()[0];
    assert_eq!(loss.to_bits(), losses[0].to_bits());
}

/// A walk from the first step to the update, to the loss after it, and to another step of training.
#[test]
fn a_run_is_walked_through_on_the_screen() {
    use tape::terminal::ratatui::crossterm::event::KeyCode;
    use tape::terminal::{Flow, Screen, ratatui};

    let tape = Tape::new();
    let arguments = ["neuron", "--train", "12", "--optimizer", "adam", "--rate", "0.05"];
    let run = cli::run_of(&tape, arguments.iter().map(OsString::from)).unwrap();
    let mut screen = Screen::of_run(&run, 0).unwrap();
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(100, 30)).unwrap();
    let mut look = |screen: &mut Screen<'_, '_, f64>, keys: &[KeyCode]| {
        for &key in keys {
            assert_eq!(screen.press(key.into()), Flow::Stay);
        }
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let cells = buffer.content.chunks(100);
        let row =
            |row: &[ratatui::buffer::Cell]| row.iter().map(ratatui::buffer::Cell::symbol).collect();
        cells.map(row).collect::<Vec<String>>().join("\n")
    };
    let shows = |text: &str, all: &[&str]| {
        for wanted in all {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
    };
    let last = run.steps()[0].trace().len() - 1;
    shows(&look(&mut screen, &[]), &["TRAINING 1 of 12 · FORWARD 1 of", "u", "pass, update"]);
    shows(
        &look(&mut screen, &[KeyCode::Char('u')]),
        &["UPDATE 1 of 3", "b takes the optimiser's step", "t = 1, η = 0.05, β₁ = 0.9, β₂ = 0.999"],
    );
    assert_eq!(screen.step(), last + 1);
    let new = Rounding::default().number(run.steps()[0].updates()[1].change().after.item());
    shows(
        &look(&mut screen, &[KeyCode::Right]),
        &[
            "w takes the optimiser's step",
            "w ← w - ηₜ · m / (sqrt(v) · cₜ + ε)",
            &format!("= {new}"),
        ],
    );
    let after = Rounding::default().number(run.steps()[0].loss_after());
    shows(
        &look(&mut screen, &[KeyCode::End]),
        &["L after the update", &format!("and is {after} with the new parameters")],
    );
    look(&mut screen, &[KeyCode::Right, KeyCode::Left, KeyCode::Enter, KeyCode::Esc]);
    // The next step of training, and any on the curve.
    look(&mut screen, &[KeyCode::Char(']')]);
    assert_eq!((screen.training_step(), screen.step()), (Some(1), 0));
    let curve = look(&mut screen, &[KeyCode::Char('c'), KeyCode::End]);
    shows(&curve, &["the loss in each step of training", "step 12 of 12: loss ", "█", "▲"]);
    look(&mut screen, &[KeyCode::Left, KeyCode::Enter]);
    assert_eq!(screen.training_step(), Some(10));
    look(&mut screen, &[KeyCode::Char(']')]);
    shows(&look(&mut screen, &[KeyCode::Char(']')]), &["there is no such step of training"]);
    assert_eq!(screen.training_step(), Some(11));
    look(&mut screen, &[KeyCode::Char('c'), KeyCode::Home, KeyCode::Esc]);
    assert_eq!(screen.training_step(), Some(11));
    shows(&look(&mut screen, &[KeyCode::Char('?')]), &["the losses: choose a step of training"]);
    assert!(Screen::of_run(&run, 12).is_none());
}

#[test]
fn misuse_of_training_is_answered_with_a_sentence() {
    for (arguments, wanted) in [
        (vec!["neuron", "--train", "few"], "`few` is not a whole number from 0 on"),
        (vec!["neuron", "--train", "0"], "--open 1: the run has the steps 1 to 0"),
        (vec!["neuron", "--train", "3", "--open", "4"], "--open 4: the run has the steps 1 to 3"),
        (vec!["neuron", "--train", "3", "--open", "0"], "the steps of a run are counted from 1"),
        (vec!["neuron", "--rate", "1"], "--open, --optimizer and --rate are for a run"),
        (
            vec!["neuron", "--train", "3", "--rate", "-1"],
            "--rate -1: a learning rate is more than 0",
        ),
        (vec!["neuron", "--train", "3", "--svg", "-"], "the views --text, --html and --json"),
        (vec!["neuron", "--train", "3", "--of", "z"], "--of, --element and --paths are for"),
        (
            vec!["neuron", "--train", "3", "--optimizer", "adm"],
            "there is no optimiser adm. Did you mean adam? There are sgd, momentum",
        ),
        ([&EXPRESSION[..], &["--train", "3"]].concat(), "--train is for a program"),
    ] {
        let (code, text) = failure(&arguments);
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(wanted), "{arguments:?}:\n{text}\n\nwanted: {wanted}");
    }
}

#[test]
fn an_element_opens_into_its_terms() {
    let text =
        shown(&LAYER, &["--element", "z[0]", "--element", "W\u{304}[1, 0]", "--digits", "17"]);
    let sum = "z[0] = W[0,0]·x[0] + W[0,1]·x[1] = 0.1·1 + (-0.3·(-1)) = 0.4\n";
    assert!(text.starts_with(sum), "{text}");
    assert!(text.contains("W\u{304} = z\u{304} xᵀ"), "{text}");
    assert_eq!(
        shown(&LAYER, &["--element", "adj(y²)[1]"]),
        shown(&LAYER, &["--element", "grad y²[1]"])
    );
    for (element, wanted) in [
        ("q[0]", "--element q[0]: there is no value called q; there are W, x, b, z, y, y², L"),
        ("z", "--element z: z has the shape [2], so it has no element []; z[0] is the first"),
        ("grad z[2]", "z has the shape [2], so it has no element [2]; z[0] is the first"),
        (
            "L[0]",
            "L has the shape [], so it has no element [0]; it is a number: leave the index out",
        ),
    ] {
        let (code, text) = failure(&[&LAYER[..], &["--element", element]].concat());
        assert_eq!(code, 2);
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn the_forms_for_a_lecture_show_the_numbers() {
    for (view, start, number) in [
        ("--latex", "\\documentclass", "= 0.800499"),
        ("--slides", "<!DOCTYPE html>", "<mn>0.800499</mn>"),
        ("--tikz", "\\begin{tikzpicture}", "0.800499"),
    ] {
        let text = shown(&EXPRESSION, &[view, "-", "--digits", "6"]);
        assert!(text.starts_with(start) && text.contains(number), "{view}: {text}");
    }
}

/// A name cannot bring a script into a page or a picture.
#[test]
fn text_of_the_command_line_stays_text() {
    let wild = ["--expr", "y = w * 2 # <script>alert(1)</script>", "--let", "w=1"];
    assert_eq!(failure(&wild).0, 2);
    let given = ["--expr", "w * 2\n\n", "--let", "w=1"];
    assert!(!shown(&given, &["--html", "-"]).contains("<script>alert"));
}

/// What the terminal shows is tested with the crate tape; here, that each program can be shown.
#[test]
fn every_program_can_be_shown_on_a_screen() {
    use tape::terminal::{Screen, ratatui};

    for program in programs() {
        let tape = Tape::new();
        let output: Var<'_, f64> =
            cli::recorded(&tape, program.iter().map(OsString::from)).unwrap();
        let trace = tape::Trace::of(output).unwrap();
        let mut screen = Screen::new(&trace);
        let backend = ratatui::backend::TestBackend::new(80, 24);
        let mut terminal = ratatui::Terminal::new(backend).unwrap();
        for _ in 0..trace.len() {
            terminal.draw(|frame| screen.draw(frame)).unwrap();
            screen.press(ratatui::crossterm::event::KeyCode::Right.into());
        }
        assert_eq!(screen.step(), trace.len() - 1);
    }
}
