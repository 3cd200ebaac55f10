//! The screen in the terminal, driven by keys on ratatui's test backend.
//!
//! What it should look like is in `tests/snapshots`; with `UPDATE_SNAPSHOTS=1` they are written
//! anew, to be looked at before they are committed.

use std::collections::HashMap;
use std::path::Path;

use ops::Tensor;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tape::expression::Expression;
use tape::terminal::{Flow, Screen, ratatui};
use tape::trace::Rounding;
use tape::{Tape, Trace, prelude::*};

/// The number of columns and rows of most tests: the smallest that is drawn.
const SMALL: (u16, u16) = (80, 24);

fn record<'t>(tape: &'t Tape<f64>, source: &str, given: &[(&str, f64)]) -> Var<'t, f64> {
    let given: Vec<_> = given.iter().map(|&(name, x)| (name, Tensor::scalar(x))).collect();
    Expression::parse(source).unwrap().record(tape, &given).unwrap()
}

fn neuron(tape: &Tape<f64>) -> Var<'_, f64> {
    record(tape, "z = w*x + b\ny = tanh(z)", &[("w", 0.5), ("x", 2.0), ("b", 0.1)])
}

fn drawn(screen: &mut Screen<'_, '_, f64>, (columns, rows): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| screen.draw(frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The rows as text.
fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width);
    let row = |cells: &[ratatui::buffer::Cell]| {
        let row: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        row.trim_end().to_owned()
    };
    rows.map(row).collect::<Vec<_>>().join("\n") + "\n"
}

fn press(screen: &mut Screen<'_, '_, f64>, keys: &str) {
    for key in keys.chars() {
        let code = match key {
            '→' => KeyCode::Right,
            '←' => KeyCode::Left,
            '⏎' => KeyCode::Enter,
            '⇥' => KeyCode::Tab,
            '⌫' => KeyCode::Backspace,
            '⎋' => KeyCode::Esc,
            '↓' => KeyCode::Down,
            '↑' => KeyCode::Up,
            c => KeyCode::Char(c),
        };
        assert_eq!(screen.press(code.into()), Flow::Stay, "{keys}: {key}");
    }
}

fn snapshot(name: &str, shown: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, shown).unwrap();
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(shown == wanted, "{} differs from what is shown:\n{shown}", file.display());
}

/// One walk through the neuron, with a look at the screen after each group of keys.
#[test]
fn a_walk_through_the_neuron() {
    let tape = Tape::new();
    let trace = Trace::of(neuron(&tape)).unwrap();
    let mut screen = Screen::new(&trace);
    for (name, keys) in [
        ("neuron-1-first", ""),
        ("neuron-2-on-to-the-product", "→→→"),
        ("neuron-3-backward", "b"),
        ("neuron-4-the-sum", "→"),
        ("neuron-5-prompt", "/w"),
        ("neuron-6-jumped-to-w", "⏎"),
        ("neuron-7-the-same-forward", "⇥"),
        ("neuron-8-no-such-name", "/weight⏎"),
        ("neuron-9-help", "?"),
        ("neuron-10-last-with-all-digits", " Gd"),
    ] {
        press(&mut screen, keys);
        snapshot(name, &text(&drawn(&mut screen, SMALL)));
    }
}

#[test]
fn other_sizes_and_graphs() {
    let tape = Tape::new();
    let trace = Trace::of(neuron(&tape)).unwrap();
    let mut screen = Screen::new(&trace);
    press(&mut screen, "b→");
    snapshot("neuron-wide", &text(&drawn(&mut screen, (120, 30))));
    snapshot("too-small", &text(&drawn(&mut screen, (60, 20))));
    drawn(&mut screen, (1, 1));
    drawn(&mut screen, (500, 200));

    let tape = Tape::new();
    let order = record(&tape, "b = a + a; c = b + b; d = a*c + b", &[("a", 3.0)]);
    let trace = Trace::of(order).unwrap();
    let mut screen = Screen::new(&trace);
    press(&mut screen, "b→→");
    snapshot("order", &text(&drawn(&mut screen, SMALL)));

    // Too long for the screen, and with more waiting than fits.
    let tape = Tape::new();
    let sum: Vec<String> = (0..12).map(|i| format!("sin(w{i})*w{}", (i + 5) % 12)).collect();
    let given: Vec<(String, f64)> = (0..12).map(|i| (format!("w{i}"), f64::from(i))).collect();
    let given: Vec<(&str, f64)> = given.iter().map(|(name, x)| (&name[..], *x)).collect();
    let trace = Trace::of(record(&tape, &sum.join(" + "), &given)).unwrap();
    let mut screen = Screen::new(&trace);
    press(&mut screen, "b→→→");
    snapshot("large", &text(&drawn(&mut screen, SMALL)));
    press(&mut screen, "↓↓↓↓↓↓↓↓↓↓↓↓↓↓HJJ");
    snapshot("large-scrolled", &text(&drawn(&mut screen, SMALL)));
}

#[test]
fn keys_lead_where_they_say() {
    let tape = Tape::new();
    let trace = Trace::of(neuron(&tape)).unwrap();
    let mut screen = Screen::new(&trace);
    // Six nodes: w, x, b, w·x, z, y; twelve steps.
    for (keys, step, node) in [
        ("", 0, "w"),
        ("←", 0, "w"),
        ("→n ", 3, "w·x"),
        ("p", 2, "b"),
        ("G", 11, "w"),
        ("→", 11, "w"),
        ("g", 0, "w"),
        ("b", 6, "y"),
        ("⇥", 5, "y"),
        ("⇥", 6, "y"),
        ("f", 0, "w"),
        ("/z⏎", 4, "z"),
        ("b/z⏎", 7, "z"),
        ("/w*⇥⏎", 8, "w·x"),
        ("/z⎋", 8, "w·x"),
        ("/z⌫⌫", 8, "w·x"),
        ("/⏎", 8, "w·x"),
        ("/nothing⏎", 8, "w·x"),
        ("?x", 8, "w·x"), // Any key leaves the help.
        ("xyzJK", 8, "w·x"),
    ] {
        press(&mut screen, keys);
        assert_eq!((screen.step(), &screen.node().label()[..]), (step, node), "{keys}");
    }
    assert_eq!(screen.press(KeyCode::Char('q').into()), Flow::Quit);
    assert_eq!(screen.press(KeyCode::Esc.into()), Flow::Quit);
    let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    press(&mut screen, "/");
    assert_eq!(screen.press(control('c')), Flow::Quit);
    assert_eq!(screen.press(control('x')), Flow::Stay);
}

#[test]
fn the_current_node_and_its_lines_are_highlighted() {
    use ratatui::style::{Color, Modifier};

    let tape = Tape::new();
    let trace = Trace::of(neuron(&tape)).unwrap();
    let mut screen = Screen::new(&trace);
    press(&mut screen, "b→");
    let buffer = drawn(&mut screen, SMALL);
    let graph: Vec<_> = buffer.content[80..80 * 8].iter().collect();
    let reversed: String = graph
        .iter()
        .filter(|cell| cell.modifier.contains(Modifier::REVERSED))
        .map(|cell| cell.symbol())
        .collect();
    assert_eq!(reversed, "z");
    let thick = |cell: &&&ratatui::buffer::Cell| ["━", "┓", "┛", "┣"].contains(&cell.symbol());
    let lines: Vec<_> = graph.iter().filter(thick).collect();
    assert!(lines.len() > 8 && lines.iter().all(|cell| cell.fg == Color::Cyan));
}

/// Names and numbers of the table at the right.
fn table(text: &str) -> Vec<(String, String, String)> {
    let rows = text.lines().filter_map(|row| {
        // At the left stands a border, or the sign that the graph goes on.
        ["││", "╯│", "╮│", "▶│"].iter().find_map(|border| row.rsplit_once(border))
    });
    rows.filter_map(|(_, row)| {
        // A name may have spaces in it.
        let words: Vec<&str> = row.trim_end_matches('│').split_whitespace().collect();
        let [name @ .., value, adjoint] = &words[..] else { return None };
        Some((name.join(" "), (*value).to_owned(), (*adjoint).to_owned()))
    })
    .filter(|row| row.0 != "node")
    .collect()
}

#[test]
fn all_digits_are_those_of_backward() {
    let tape = Tape::new();
    let source = "z₁ = w₁*x + b; z₂ = tanh(z₁)*w₂ + exp(-b)/3; L = (z₂ - 0.7)² * w₁";
    let given = [("w₁", 0.3), ("x", 1.0 / 3.0), ("b", -0.7), ("w₂", 1e-3)];
    let loss = record(&tape, source, &given);
    let (trace, gradients) = (Trace::of(loss).unwrap(), loss.backward());
    let mut screen = Screen::new(&trace);
    press(&mut screen, "d");
    // What has come so far, added up here.
    let mut so_far = HashMap::from([(loss.label(), 1.0)]);
    for (number, step) in trace.backward().iter().enumerate() {
        press(&mut screen, if number == 0 { "b" } else { "→" });
        let shown = text(&drawn(&mut screen, (200, 60)));
        let exact = Rounding::EXACT.number(step.adjoint.item());
        assert!(shown.contains(&format!("{} = ∂L/∂", step.node.adjoint_label())), "{shown}");
        assert!(shown.contains(&format!(" = {exact} ")), "{shown}");
        let complete = gradients.wrt(step.node).item();
        assert_eq!(exact.parse::<f64>().unwrap().to_bits(), complete.to_bits());
        for contribution in &step.contributions {
            let received = contribution.received.as_ref().unwrap().value.item();
            *so_far.entry(contribution.operand.label()).or_insert(-0.0) += received;
        }
        for (name, _, adjoint) in table(&shown) {
            let adjoint = adjoint.parse::<f64>().ok().map(f64::to_bits);
            assert_eq!(adjoint, so_far.get(&name).map(|x: &f64| x.to_bits()), "{name}: {shown}");
        }
    }
    let rows = table(&text(&drawn(&mut screen, (200, 60))));
    assert_eq!(rows.len(), trace.nodes().len(), "{rows:?}");
    for ((name, value, adjoint), node) in rows.into_iter().zip(trace.nodes()) {
        assert_eq!(name, node.label());
        assert_eq!(value.parse::<f64>().unwrap().to_bits(), node.item().to_bits());
        assert_eq!(
            adjoint.parse::<f64>().unwrap().to_bits(),
            gradients.wrt(*node).item().to_bits()
        );
    }
}

#[test]
fn what_has_no_gradient_says_why() {
    let tape = Tape::new();
    let (x, w) = (tape.constant(2.0).named("x"), tape.var(3.0).named("w"));
    let trace = Trace::of((w * x).named("y")).unwrap();
    let mut screen = Screen::new(&trace);
    press(&mut screen, "/x⏎⇥");
    let shown = text(&drawn(&mut screen, SMALL));
    assert!(shown.contains("x has no turn in the backward pass: a constant"), "{shown}");
}

#[test]
fn of_a_large_graph_the_part_around_the_node_is_drawn() {
    let tape = Tape::new();
    let mut x = tape.var(1.0).named("x");
    for _ in 0..5_000 {
        x = x.sin();
    }
    let y = x.named("y");
    let trace = Trace::of(y).unwrap();
    let mut screen = Screen::new(&trace);
    for keys in ["", "b", "→→→", "/#2500⏎", "G"] {
        press(&mut screen, keys);
        let shown = text(&drawn(&mut screen, SMALL));
        let name = screen.node().label();
        let title = format!("graph: the 120 nodes nearest to {name} of 5001, 4881 left out");
        assert!(shown.contains(&title) && shown.contains(&format!("{name} ")), "{shown}");
    }
}

/// The output of the example is a pipe, which is no terminal.
#[test]
fn without_a_terminal_the_screen_is_refused_in_a_sentence() {
    let here = std::env::current_exe().unwrap();
    let example = here.ancestors().nth(2).unwrap().join("examples/show");
    let output = std::process::Command::new(&example).output().unwrap_or_else(|error| {
        panic!("{}: {error}; cargo build -p tape --examples --all-features", example.display())
    });
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(error.contains("the steps are shown on a terminal, and there is none here"), "{error}");
}

/// Any keys at any size: it draws, and the node in the title is that of the step.
#[test]
fn any_keys_at_any_size_can_be_drawn() {
    use rand::RngExt;

    let tape = Tape::new();
    let wild = tape.var([[0.5, 2.0]]).named("a\n\"<\u{202e}🦀大きい名前のテンソル");
    let y = (wild.square().sum() * tape.constant(2.0).named("")).named("y");
    let trace = Trace::of(y).unwrap();
    let mut screen = Screen::new(&trace);
    let mut rng: chacha20::ChaCha8Rng = rand::SeedableRng::seed_from_u64(1);
    let keys: Vec<char> = "→←⏎⇥⌫↓↑/?dfbgGnphjklHJKL y".chars().collect();
    for _ in 0..400 {
        press(&mut screen, &keys[rng.random_range(0..keys.len())].to_string());
        let size = (rng.random_range(1..170), rng.random_range(1..60));
        let shown = text(&drawn(&mut screen, size));
        assert!(!shown.contains('\u{202e}'));
    }
}

#[test]
fn enter_opens_an_element_and_arrows_go_to_another() {
    let tape = Tape::new();
    let w = tape.var([[0.5, 1.0], [2.0, -1.0]]).named("W");
    let x = tape.constant([3.0, 4.0]).named("x");
    let z = w.matmul(x).named("z");
    let trace = Trace::of(z.square().sum().named("L")).unwrap();
    let mut screen = Screen::new(&trace);
    press(&mut screen, "/z⏎⏎→");
    let shown = text(&drawn(&mut screen, SMALL));
    assert!(shown.contains("z[1] = W[1,0]·x[0] + W[1,1]·x[1] = 2·3 + (-1·4) = 2"), "{shown}");
    press(&mut screen, "←←");
    let shown = text(&drawn(&mut screen, SMALL));
    assert!(shown.contains("z[0] = W[0,0]·x[0] + W[0,1]·x[1]"), "{shown}");
    // The step is where it was.
    press(&mut screen, "⏎");
    assert!(text(&drawn(&mut screen, SMALL)).contains("z = W @ x"));
    press(&mut screen, "b/W⏎⏎↓");
    snapshot("opened-adjoint", &text(&drawn(&mut screen, SMALL)));
    press(&mut screen, "⎋");
    assert_eq!(screen.node(), w);
}

#[test]
fn w_says_why_a_gradient_is_zero_and_marks_where_it_stops() {
    let tape = Tape::new();
    let w = tape.var([0.5, -1.0]).named("w");
    let z = (w * 2.0).named("z");
    let a = z.relu().named("a");
    let trace = Trace::of(a.sum().named("L")).unwrap();
    let mut screen = Screen::new(&trace);
    press(&mut screen, "b/w⏎");
    let marks = |shown: &str| {
        let marked = shown.match_indices('✕').map(|(at, _)| shown[at..].chars().nth(1).unwrap());
        marked.collect::<String>()
    };
    assert_eq!(marks(&text(&drawn(&mut screen, SMALL))), "");
    // Of the whole, some elements of which are zero.
    press(&mut screen, "w");
    let shown = text(&drawn(&mut screen, SMALL));
    assert!(shown.contains("1 of its 2 elements are 0"), "{shown}");
    // It says what to press, and not what a program would call.
    assert!(shown.contains("w tells why one is 0") && !shown.contains("why_at"), "{shown}");
    assert_eq!(marks(&shown), "", "nothing stops all of it");
    // Of an element: 2 · w[1] = -2 is not above 0, so a passes nothing to z.
    press(&mut screen, "w⏎→w");
    let shown = text(&drawn(&mut screen, SMALL));
    assert!(shown.contains("the gradient at [1]") && shown.contains("is off"), "{shown}");
    assert_eq!(marks(&shown), "a", "{shown}");
    assert!(shown.contains("why: the gradient with respect to w"), "{shown}");
    // Closed, the element is still open; the next key moves.
    press(&mut screen, "⎋");
    let shown = text(&drawn(&mut screen, SMALL));
    assert!(marks(&shown).is_empty() && shown.contains("w̄[1]"), "{shown}");
    // A value that gradients do not pass.
    let tape = Tape::new();
    let x = tape.var(3.0).named("x");
    let cut = x.detach().named("cut");
    let trace = Trace::of((cut * tape.var(2.0).named("v")).named("y")).unwrap();
    let mut screen = Screen::new(&trace);
    press(&mut screen, "/cut⏎w");
    let shown = text(&drawn(&mut screen, SMALL));
    assert!(shown.contains("no gradient: the value is detached"), "{shown}");
    assert_eq!(marks(&shown), "c", "{shown}");
    // What stands before it is cut off there.
    press(&mut screen, "w←w");
    let shown = text(&drawn(&mut screen, SMALL));
    assert!(shown.contains("why: the gradient with respect to x"), "{shown}");
    assert_eq!(marks(&shown), "c", "{shown}");
}
