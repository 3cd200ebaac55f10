//! Traces as text: the numbers, the layout, the names.

use ops::Tensor;
use tape::prelude::*;
use tape::trace::{Layout, Role, Rounding, Step, Trace, tensor_text};
use tape::words::Language;
use unicode_width::UnicodeWidthStr;

/// All digits, no tensor summarised, lines as long as they come: what a program can read back.
const EXACT: Layout = Layout {
    rounding: Rounding::EXACT,
    elements: usize::MAX,
    width: usize::MAX,
    language: Language::ENGLISH,
};

fn neuron(tape: &Tape<f64>) -> Var<'_, f64> {
    let (w, x) = (tape.var(0.5).named("w"), tape.constant(2.0).named("x"));
    let b = tape.var(0.1).named("b");
    ((w * x).named("p") + b).named("z").tanh().named("y")
}

/// One layer, with broadcasting, a shared weight and a value used twice.
fn layer(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.constant([[0.5, -1.0, 0.25], [2.0, 0.125, -0.75]]).named("x");
    let w = tape.var([[0.1, 0.3], [-0.2, 0.7], [0.9, -0.4]]).named("w");
    let b = tape.var([0.05, -0.15]).named("b");
    let h = tape.scope("layer", || (x.matmul(w) + b).tanh()).named("h");
    ((h * h).sum() + w.sum().exp()).named("loss")
}

/// The same text without the places, which change when this file does.
fn without_places(text: &tape::trace::Text) -> String {
    let mut all = String::new();
    for line in text.lines() {
        let spans = line.iter().filter(|span| span.role != Role::Place);
        let line: String = spans.map(|span| span.text.as_str()).collect();
        all += line.trim_end();
        all.push('\n');
    }
    all
}

#[test]
fn a_neuron_reads_like_the_worked_example() {
    let tape = Tape::new();
    let text = without_places(&Trace::of(neuron(&tape)).unwrap().text(Layout::default()));
    let expected = "\
FORWARD: each value from those before it

w = 0.5
x = 2
b = 0.1
p = w · x = 0.5 · 2 = 1
z = p + b = 1 + 0.1 = 1.1
y = tanh(z) = tanh(1.1) = 0.8005

BACKWARD: each node, once all its uses have reported, passes its adjoint on

y = tanh(z)
  the output: the sweep starts here
  ȳ = ∂y/∂y = 1
  ∂y/∂z = 1 - y² = 1 - 0.8005² = 0.3592
  z̄ += ȳ · (1 - y²) = 1 · (1 - 0.8005²) = 0.3592
  z is complete

z = p + b
  ready: its only use has reported, y
  z̄ = ∂y/∂z = 0.3592
  p̄ += z̄ = 0.3592
  b̄ += z̄ = 0.3592
  p is complete
  b is complete

p = w · x
  ready: its only use has reported, z; b is ready too, and the last recorded
    goes first
  p̄ = ∂y/∂p = 0.3592
  w̄ += p̄ · x = 0.3592 · 2 = 0.7184
  nothing to x: a constant
  w is complete

b, a variable
  ready: its only use has reported, z; w is ready too, and the last recorded
    goes first
  b̄ = ∂y/∂b = 0.3592

w, a variable
  ready: its only use has reported, p
  w̄ = ∂y/∂w = 0.7184

GRADIENTS

  ∂y/∂w = 0.7184
  ∂y/∂b = 0.3592
";
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn a_value_used_twice_tells_who_waits_and_what_the_sum_is() {
    let tape = Tape::new();
    let a = tape.var(3.0).named("a");
    let b = (a + a).named("b");
    let c = (b * a).named("c");
    let trace = Trace::of(c).unwrap();
    let text = without_places(&trace.step_text(3, Layout::default()).unwrap());
    let expected = "\
step 4 of 6, backward
c = b · a
  the output: the sweep starts here
  c̄ = ∂c/∂c = 1
  b̄ += c̄ · a = 1 · 3 = 3
  ā += c̄ · b = 1 · 6 = 6
  b is complete
  a waits for 2 of its 3 uses, b (twice)
";
    assert_eq!(text, expected, "\n{text}");
    let text = without_places(&trace.step_text(4, Layout::default()).unwrap());
    assert!(text.contains("  ā += b̄ = 3\n  ā  = 6 + 3 = 9\n"), "{text}");
    assert!(text.contains("  ā  = 9 + 3 = 12\n  a is complete\n"), "{text}");
    assert!(trace.step_text(6, Layout::default()).is_none());
}

#[test]
fn of_many_uses_the_first_are_named_and_the_others_counted() {
    let tape = Tape::new();
    let x = tape.var(0.5).named("x");
    let y = (0..30).fold(x, |y, _| y * x).named("y");
    let text = Trace::of(y).unwrap().text(Layout { width: usize::MAX, ..Layout::default() });
    let waits = "  x waits for 30 of its 31 uses, #29, #28, #27, #26, #25, #24, and 24 more\n";
    assert!(text.to_string().contains(waits), "{text}");
    // The last two uses are the operands of the first product.
    assert!(text.to_string().contains("  x waits for 2 of its 31 uses, x·x (twice)\n"), "{text}");
}

/// All numbers of a line after its last `=`.
fn numbers(line: &str) -> Vec<f64> {
    let (_, value) = line.rsplit_once("= ").expect("an equation");
    let words = value.split(|c: char| "[], ".contains(c)).filter(|word| !word.is_empty());
    words.map(|word| word.parse().unwrap_or_else(|_| panic!("{word} in {line}"))).collect()
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn numbers_with_all_digits_are_those_of_backward_bit_for_bit() {
    let tape = Tape::new();
    let loss = layer(&tape);
    let plain = loss.backward();
    let trace = Trace::of(loss).unwrap();
    let mut read = 0;
    for step in trace.steps() {
        let text = step.text(EXACT).to_string();
        let mut lines = text.lines();
        let Step::Backward(step) = step else {
            let line = lines.next().unwrap();
            let line = line.split("  ").next().unwrap(); // Before the place.
            assert_eq!(bits(&numbers(line)), bits(&step.node().value().to_vec()), "{text}");
            read += 1;
            continue;
        };
        let start = format!("{} = ∂loss/∂", step.node.adjoint_label());
        let adjoint = lines.find(|line| line.contains(&start)).unwrap();
        assert_eq!(bits(&numbers(adjoint)), bits(&plain.wrt(step.node).to_vec()), "{text}");
        for received in step.contributions.iter().filter_map(|c| c.received.as_ref().ok()) {
            let value = lines.find(|line| line.contains(" += ")).unwrap();
            assert_eq!(bits(&numbers(value)), bits(&received.value.to_vec()), "{text}");
            if received.before.is_some() {
                let after = lines.next().unwrap();
                assert_eq!(bits(&numbers(after)), bits(&received.after.to_vec()), "{text}");
            }
            read += 1;
        }
    }
    assert!(read >= 18, "{read} steps and contributions");
    let all = trace.text(EXACT).to_string();
    for x in tape.vars().filter(|x| ["w", "b"].contains(&&x.label()[..])) {
        let start = format!("  ∂loss/∂{} = ", x.label());
        let line = all.lines().rfind(|line| line.starts_with(&start)).unwrap();
        assert_eq!(bits(&numbers(line)), bits(&plain.wrt(x).to_vec()));
    }
}

#[test]
fn numbers_of_any_size_and_type_come_back() {
    let all = [0.1, -0.0, 1e-300, 5e-324, 123456.789, 1e22, f64::MAX, -2.0 / 3.0, f64::INFINITY];
    for x in all {
        let text = Rounding::EXACT.number(x);
        assert_eq!(text.parse::<f64>().unwrap().to_bits(), x.to_bits(), "{text}");
        let single = x as f32;
        let text = Rounding::EXACT.number(single);
        assert_eq!(text.parse::<f32>().unwrap().to_bits(), single.to_bits(), "{text}");
    }
    assert_eq!(Rounding::EXACT.number(f64::NAN), "NaN");
}

#[test]
fn a_precision_in_the_format_sets_the_digits() {
    let tape = Tape::new();
    let trace = Trace::of(neuron(&tape)).unwrap();
    assert!(format!("{trace:.2}").contains("w̄ += p̄ · x = 0.36 · 2 = 0.72\n"));
    let w = &trace.backward()[2];
    assert!(format!("{w:.9}").contains("= 0.359201316 · 2 = 0.718402632\n"), "{w:.9}");
}

/// A network of names that are wide, long, or without a space to break at.
fn long_names(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.constant([[0.5, -1.0], [2.0, 0.125]]).named("入力".repeat(11));
    let w = tape.var([[0.1, 0.3], [-0.2, 0.7]]).named("weight_of_the_first_layer_".repeat(8));
    let b = tape.var([0.05, -0.15]).named("b\u{304}ı\u{307}".repeat(50));
    let z = (x.matmul(w) + b).named("🦀".repeat(90));
    (z * z.detach()).sum().named("a loss with a name of many words, ".repeat(6))
}

/// Tensors that are summarised, one value with many uses, and numbers of every size.
fn large(tape: &Tape<f64>) -> Var<'_, f64> {
    let data = (0..20 * 30).map(|i| 1e-7 * f64::from(i).exp2().min(1e300)).collect();
    let x = tape.constant(Tensor::from_shape_vec(&[20, 30], data).unwrap());
    let w = tape.var(Tensor::full(&[30, 3], -1.0 / 3.0)).named("w");
    let shared = w.sum();
    let uses = (0..30).fold(shared, |y, _| y * shared);
    x.matmul(w).tanh().mean() + uses
}

#[test]
fn lines_keep_to_the_width() {
    type Program = for<'t> fn(&'t Tape<f64>) -> Var<'t, f64>;
    let programs: [(&str, Program); 4] =
        [("neuron", neuron), ("layer", layer), ("long names", long_names), ("large", large)];
    for (name, program) in programs {
        let tape = Tape::new();
        let trace = Trace::of(program(&tape)).unwrap();
        for width in [80, 60, 40, 120] {
            let layout = Layout { width, ..Layout::default() };
            let steps = (0..trace.len()).map(|n| trace.step_text(n, layout).unwrap());
            for text in steps.chain([trace.text(layout)]).map(|text| text.to_string()) {
                for line in text.lines() {
                    assert!(line.width() <= width, "{name}: {} of {width}: {line}", line.width());
                }
            }
        }
        assert!(trace.to_string().lines().all(|line| line.width() <= 80));
    }
}

#[test]
fn a_broken_line_loses_nothing() {
    let tape = Tape::new();
    let trace = Trace::of(long_names(&tape)).unwrap();
    let letters = |width| {
        let text = trace.text(Layout { width, ..Layout::default() }).to_string();
        let mut lines = text.lines().filter(|line| !line.contains(".rs:")).collect::<String>();
        lines.retain(|c| c != ' ');
        lines
    };
    let name = trace.nodes()[1].label().replace(' ', "");
    assert!(letters(60).contains(&name) && letters(60).contains(&"🦀".repeat(90)));
    // A word that is too long for its column goes on below itself.
    let product = trace.steps().nth(3).unwrap().text(Layout::default()).to_string();
    let lines: Vec<&str> = product.lines().collect();
    let start = lines[0].find("入力").unwrap();
    assert!(lines[2].starts_with(&(" ".repeat(start) + "er_weight")), "{product}");
}

#[test]
fn the_signs_of_an_equation_of_several_lines_are_below_each_other() {
    let tape = Tape::new();
    let text = Trace::of(layer(&tape)).unwrap().text(Layout::default()).to_string();
    let lines: Vec<&str> = text.lines().collect();
    let column = |line: &str| line.find("= ").map(|at| line[..at].width());
    let wrapped: Vec<usize> =
        (1..lines.len()).filter(|&i| lines[i].trim_start().starts_with("= ")).collect();
    assert!(wrapped.len() >= 3, "{text}");
    for i in wrapped {
        let first = lines[..i].iter().rfind(|line| line.contains(" += ") || line.contains(" = "));
        assert_eq!(column(lines[i]), column(first.unwrap()), "{text}");
    }
}

#[test]
fn a_zero_has_no_sign_unless_all_digits_are_asked_for() {
    let tape = Tape::new();
    let y = (tape.var(-2.0).named("x") * 0.0).named("y");
    let trace = Trace::of(y).unwrap();
    assert!(trace.to_string().contains("y = x · 0 = -2 · 0 = 0  "), "{trace}");
    assert!(trace.text(EXACT).to_string().contains("y = x · 0 = -2 · 0 = -0  "));
}

#[test]
fn a_sign_before_a_negative_number_is_not_doubled() {
    let tape = Tape::new();
    let y = (-tape.var(-1.741).named("x")).named("y");
    let text = Trace::of(y).unwrap().to_string();
    assert!(text.contains("y = -x = -(-1.741) = 1.741"), "{text}");
}

#[test]
fn large_tensors_are_summarised() {
    let x = Tensor::from_shape_vec(&[2, 3, 4], (0..24).map(f64::from).collect()).unwrap();
    let text = tensor_text(&x, Layout::default());
    assert_eq!(
        text,
        "[2×3×4] numbers [[[0, 1, 2, …], [4, 5, 6, …], [8, 9, 10, …]], …], min 0, mean 11.5, max 23"
    );
    let line = Tensor::from_shape_vec(&[13], vec![f64::NAN; 13]).unwrap();
    let text = tensor_text(&line, Layout::default());
    assert_eq!(text, "[13] numbers [NaN, NaN, NaN, …], 13 not finite");
    assert_eq!(tensor_text(&Tensor::<f64>::zeros(&[0]), Layout::default()), "[]");
    assert_eq!(tensor_text(&Tensor::<f64>::zeros(&[2, 0]), Layout::default()), "[[], []]");
    let column = Tensor::from([[1.0], [2.0]]);
    assert_eq!(tensor_text(&column, Layout::default()), "[[1], [2]]");
}

#[test]
fn names_cannot_break_a_line_nor_reach_the_terminal() {
    let tape = Tape::new();
    let x = tape.var(2.0).named("a\nb \u{1b}[31m \u{202e}evil");
    let y = (x * x).named("\"<&>'");
    let text = Trace::of(y).unwrap().text(Layout::default());
    for span in text.lines().iter().flatten() {
        assert!(!span.text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{span:?}");
    }
    let derivative = r#"∂"<&>'/∂a\nb \u{1b}[31m \u{202e}evil = 4"#;
    assert!(text.to_string().lines().any(|line| line.trim() == derivative), "{text}");
    let hidden = ["w\u{200b}", "w\u{feff}", "w\u{ad}", "w\u{61c}", "w\u{7}", "w\u{85}"];
    for name in hidden {
        let tape = Tape::new();
        let text = Trace::of(tape.var(2.0).named(name)).unwrap().to_string();
        assert!(!text.contains(name) && text.contains(r"w\u{"), "{text}");
    }
}

#[test]
fn a_constant_never_gets_a_line_in_the_gradients() {
    let tape = Tape::new();
    let x = tape.var(2.0).named("x");
    let y = (x + x.detach() * tape.var(1.0).named("u").detach()).named("y");
    let text = Trace::of(y).unwrap().to_string();
    let end = &text[text.find("GRADIENTS").unwrap()..];
    assert!(end.contains("∂y/∂x = 1\n"), "{end}");
    assert!(end.contains("none for u: every path to the output passes a detached value"), "{end}");
}

#[cfg(feature = "color")]
mod color {
    use std::process::Command;

    use super::*;

    #[test]
    fn colour_is_only_colour() {
        let tape = Tape::new();
        let text = Trace::of(neuron(&tape)).unwrap().text(Layout::default());
        let colored = text.colored().to_string();
        assert!(colored.contains("\u{1b}[1m"));
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), text.to_string());
    }

    #[test]
    #[ignore = "prints, for the test below"]
    fn prints() {
        let tape = Tape::new();
        Trace::of(neuron(&tape)).unwrap().text(Layout::default()).print().unwrap();
    }

    #[test]
    fn colour_follows_the_environment() {
        let printed = |settings: &[&str]| {
            let mut program = Command::new(std::env::current_exe().unwrap());
            program.args(["--exact", "text::color::prints", "--ignored", "--nocapture"]);
            for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
                program.env_remove(name);
            }
            program.envs(settings.iter().map(|name| (name, "1")));
            let output = String::from_utf8(program.output().unwrap().stdout).unwrap();
            assert!(output.contains("∂y/∂w"), "{output}");
            output.contains('\u{1b}')
        };
        assert!(!printed(&[]), "what is not a terminal gets no colour");
        assert!(printed(&["CLICOLOR_FORCE"]));
        assert!(!printed(&["CLICOLOR_FORCE", "NO_COLOR"]));
    }
}

#[test]
fn up_to_twelve_elements_are_shown_in_full() {
    let x = |n: usize| Tensor::from_shape_vec(&[n], (0..n).map(|i| i as f64).collect()).unwrap();
    assert_eq!(tape::one_line(&x(12), 0), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]");
    assert_eq!(tape::one_line(&x(13), 0), "tensor of shape [13], 0 to 12");
}

#[test]
fn a_tape_that_is_reset_is_as_new() {
    let mut tape = Tape::<f64>::new();
    assert!(!tape.values_were_read());
    let x = tape.var(0.5).named("x");
    // A function as one node sees the numbers.
    tape::checkpoint(|v| v[0].exp(), &[x]);
    assert!(tape.values_were_read());
    tape.reset();
    assert!(!tape.values_were_read() && tape.is_empty());
    assert_eq!(tape.var(1.0).name(), None);
}

#[test]
fn a_default_name_is_shown_until_another_is_given() {
    let mut tape = Tape::<f64>::new();
    let (x, y, z) = (tape.var(1.0), tape.var(2.0), tape.var(3.0));
    // In another order than they were recorded in, and one of them twice.
    let _ = (z.named_by_default("third"), x.named_by_default("old").named_by_default("first"));
    assert_eq!([x, y, z].map(Var::name), [Some("first".into()), None, Some("third".into())]);
    assert_eq!(z.named("own").named_by_default("other").label(), "own");
    let _ = y.named("second");
    tape.reset();
    let (x, y) = (tape.var(1.0), tape.var(2.0));
    assert_eq!([x, y].map(Var::name), [None, None]);
}
