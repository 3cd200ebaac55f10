//! The derivation in LaTeX, the slides and the TikZ picture: what is in them, and names that try to
//! break out. That every formula is read by KaTeX is tested by `scripts/browser_test`.

use tape::prelude::*;
use tape::trace::{Rounding, Step};
use tape::{Tape, Trace, Var};

/// The neuron of the book and its error.
fn neuron(tape: &Tape<f64>) -> Var<'_, f64> {
    let (w, b) = (tape.var(0.5).named("w"), tape.var(0.1).named("b"));
    let (x, t) = (tape.constant(2.0).named("x"), tape.constant(1.0).named("t"));
    let z = ((w * x).named("p") + b).named("z");
    let y = z.tanh().named("y");
    (y - t).named("e").square().named("L")
}

const HOSTILE: [&str; 6] = [
    "\\input{/etc/passwd}",
    "$x$ \\end{align*}",
    "a_b^c & 100% #1 ~ {",
    "</math><script>alert(1)</script>",
    "重み 🙂 \u{202e}",
    "\u{f0001}",
];

fn hostile(tape: &Tape<f64>) -> Var<'_, f64> {
    let names = HOSTILE.iter().map(|name| tape.var([[0.5, -1.5]]).named(*name));
    let sum = names.reduce(|sum, x| (sum * x).named(format!("{}·", x.label()))).unwrap();
    sum.sum().named("loss")
}

/// Each command of a text, without its backslash.
fn commands(text: &str) -> Vec<&str> {
    let end = |rest: &str| rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    text.split('\\').skip(1).map(|rest| &rest[..end(rest).max(1).min(rest.len())]).collect()
}

/// Requires that brackets and environments are closed in order.
fn assert_balanced(text: &str) {
    let (mut open, mut depth) = (Vec::new(), 0_i32);
    let plain = text.replace("\\\\", " ").replace("\\{", " ").replace("\\}", " ");
    let mut rest = &plain[..];
    while let Some(at) = rest.find(['{', '}', '\\']) {
        rest = &rest[at..];
        for (command, begins) in [("\\begin{", true), ("\\end{", false)] {
            let Some(after) = rest.strip_prefix(command) else { continue };
            let name = after.split('}').next().unwrap();
            if begins {
                open.push((name, depth));
            } else {
                assert_eq!(open.pop(), Some((name, depth)), "{text}");
            }
        }
        depth += match rest.as_bytes()[0] {
            b'{' => 1,
            b'}' => -1,
            _ => 0,
        };
        assert!(depth >= 0, "{text}");
        rest = &rest[1..];
    }
    assert!(depth == 0 && open.is_empty(), "{text}");
}

#[test]
fn a_neuron_is_derived_as_on_paper() {
    let tape = Tape::new();
    let trace = Trace::of(neuron(&tape)).unwrap();
    let blocks = trace.latex().blocks();
    for line in [
        r"w &= 0.5 \\",
        r"z &= p + b = 1 + 0.1 = 1.1 \\",
        r"y &= \tanh(z) = \tanh(1.1) = 0.8005 \\",
        r"L &= e^{2} = (-0.1995)^{2} = 0.0398",
        r"\bar{L} &= \frac{\partial L}{\partial L} = 1 \\",
        r"\frac{\partial y}{\partial z} &= 1 - y^{2} = 1 - 0.8005^{2} = 0.3592 \\",
        r"\bar{w} &= \bar{p} \cdot x = -0.1433 \cdot 2 = -0.2866",
        "\\noindent $p$ is used once, and that use has reported.",
        "Nothing flows to $x$: a constant.",
    ] {
        assert!(blocks.contains(line), "{line} in\n{blocks}");
    }
    assert_balanced(&trace.latex().document());
    // The book quotes it.
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/neuron.tex");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(file, &blocks).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), blocks, "UPDATE_SNAPSHOTS=1");
}

#[test]
fn every_number_is_that_of_the_sweep() {
    let tape = Tape::new();
    let trace = Trace::of(neuron(&tape)).unwrap();
    // With the sides of an equation on one line.
    let exact = trace.latex_with(Rounding::EXACT).blocks().replace(" \\\\\n&= ", " = ");
    for step in trace.steps() {
        let node = step.node();
        let (line, number) = match step {
            Step::Forward(_) => (format!("{} &= ", node.label()), node.item()),
            Step::Backward(step) => {
                let bar = format!("\\bar{{{}}} &= \\frac", node.label());
                (bar, step.adjoint.item())
            }
        };
        let line = exact.lines().find(|found| found.starts_with(&line));
        let line = line.unwrap_or_else(|| panic!("{} in\n{exact}", node.label()));
        let last = line.trim_end_matches(" \\\\").rsplit("= ").next().unwrap();
        let last = last.split(" \\cdot 10^").next().unwrap();
        assert_eq!(last.parse::<f64>().unwrap().to_bits(), number.to_bits(), "{line}");
    }
}

#[test]
fn a_value_used_twice_gets_a_sum() {
    let tape = Tape::new();
    let a = tape.var(3.0).named("a");
    let c = ((a * a).named("b") + a).named("c");
    let blocks = Trace::of(c).unwrap().latex().blocks();
    assert!(blocks.contains(r"\bar{a} &\mathrel{+}= \bar{b} \cdot a = 1 \cdot 3 = 3"), "{blocks}");
    assert!(blocks.contains(r"\bar{a} &= 4 + 3 = 7"), "{blocks}");
    assert!(blocks.contains("$a$ is used 3 times, and all uses have reported."), "{blocks}");
}

#[test]
fn tensors_are_matrices_or_named_spaces() {
    let tape = Tape::new();
    let w = tape.var([[0.5, -1.0], [2.0, 0.25]]).named("W");
    let x = tape.var(ops::Tensor::ones(&[2, 10])).named("x");
    let loss = w.matmul(x).named("z").sum().named("L");
    let blocks = Trace::of(loss).unwrap().latex().blocks();
    for line in [
        r"W &= \begin{bmatrix} 0.5 & -1 \\ 2 & 0.25 \end{bmatrix} \\",
        r"x &\in \mathbb{R}^{2 \times 10} \\",
        r"z &= W\, x = \begin{bmatrix} 0.5 & -1 \\ 2 & 0.25 \end{bmatrix}\, x",
        r"\bar{W} &= \bar{z}\, x^{\top} = \begin{bmatrix} 10 & 10 \\ 10 & 10 \end{bmatrix}",
    ] {
        assert!(blocks.contains(line), "{line} in\n{blocks}");
    }
}

#[test]
fn names_cannot_break_out() {
    let tape = Tape::new();
    let trace = Trace::of(hostile(&tape)).unwrap();
    let latex = trace.latex().document();
    assert_balanced(&latex);
    for command in commands(&latex) {
        assert!(command != "input", "a name became a command in\n{latex}");
    }
    assert_eq!(latex.matches("\\end{document}").count(), 1);
    assert!(!latex.contains('\u{202e}'));
    let slides = trace.to_slides();
    assert!(!slides.contains("<script>alert") && !slides.contains('\u{202e}'));
    assert_eq!(slides.matches("<script").count(), 1);
}

#[test]
fn slides_have_a_step_each_and_need_nothing_else() {
    let tape = Tape::new();
    let trace = Trace::of(neuron(&tape)).unwrap();
    let slides = trace.to_slides();
    assert_eq!(slides.matches("<section").count(), 1 + trace.len());
    // Apart from script, style and the doctype it is a document of XML.
    let body = &slides[slides.find("<main>").unwrap()..slides.find("<script").unwrap()];
    let document = roxmltree::Document::parse(body).unwrap();
    let sections: Vec<_> =
        document.root_element().children().filter(roxmltree::Node::is_element).collect();
    for (number, section) in sections.iter().enumerate().skip(1) {
        let table = section.children().find(|child| child.tag_name().name() == "table").unwrap();
        let rows: Vec<Vec<String>> = table
            .children()
            .filter(roxmltree::Node::is_element)
            .map(|row| {
                let cells = row.children().filter(roxmltree::Node::is_element);
                cells.map(|cell| cell.text().unwrap_or_default().to_owned()).collect()
            })
            .collect();
        let [values, adjoints] =
            [2, 3].map(|column| rows.iter().skip(1).filter(|row| !row[column].is_empty()).count());
        let step = number - 1;
        let nodes = trace.nodes().len();
        assert_eq!(values, nodes.min(step + 1), "of what comes later nothing is shown");
        assert_eq!(adjoints, (step + 1).saturating_sub(nodes));
        assert!(section.descendants().any(|node| node.tag_name().name() == "math"));
    }
    for address in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!slides.contains(address), "{address}");
    }
    assert!(slides.contains("break-after: page") && slides.contains("default-src 'none'"));
}

#[cfg(feature = "svg")]
#[test]
fn tikz_draws_every_node_and_edge() {
    use tape::Picture;

    let tape = Tape::new();
    let output = neuron(&tape);
    let picture = Picture::of(output).values().gradients(&output.backward());
    let tikz = picture.to_tikz();
    assert_balanced(&tikz);
    assert_eq!(tikz.matches("\\node[").count(), picture.size());
    assert_eq!(tikz.matches("\\draw[edge]").count(), 8);
    assert_eq!(tikz.matches("\\node[variable").count(), 2);
    assert!(tikz.contains("w \\\\ 0.5 \\\\ $\\bar{w}$ = -0.2866"), "{tikz}");
    let wild = Picture::of(hostile(&tape)).to_tikz();
    assert_balanced(&wild);
    assert!(!commands(&wild).contains(&"input"), "{wild}");
}
