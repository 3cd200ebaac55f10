//! Pictures of the graph: what is in them, in each of the formats, and names that try to break out.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::str::FromStr;

use ops::{Float, Tensor};
use tape::prelude::*;
use tape::{Picture, Trace};

const WILD: &str = "a\"]<b>&amp;\n\\🦀`$#35;\u{202e}|{end}";
/// The same with its control characters written out.
const SHOWN: &str = "a\"]<b>&amp;\\n\\🦀`$#35;\\u{202e}|{end}";

/// A network of two scopes, with a variable used twice and names that no format likes.
fn network(tape: &Tape<f64>) -> Var<'_, f64> {
    let x = tape.constant([[0.5, -1.0, 0.25], [2.0, 0.125, -0.75]]).named("x");
    let w = tape.var([[0.1, 0.3], [-0.2, 0.7], [0.9, -0.4]]).named(WILD);
    let b = tape.var([0.05, -0.15]).named("<script>alert(1)</script>");
    let layer = || tape.scope("Linear", || x.matmul(w) + b).tanh();
    let h = tape.scope("layer \"1\" <&>", layer).named("h");
    ((h * h).sum() + w.sum().exp()).named("loss")
}

/// What the tests ask of a format: the lines of each node, and the edges between their first lines.
#[derive(Debug, PartialEq)]
struct Read {
    nodes: BTreeSet<Vec<String>>,
    edges: usize,
    scopes: BTreeSet<String>,
}

fn expected(output: Var<'_, f64>) -> Read {
    let trace = Trace::of(output).unwrap();
    let title = |x: &Var<'_, f64>| match &x.label()[..] {
        WILD => SHOWN.to_owned(),
        label => match x.formula().filter(|formula| !formula.contains("amp")) {
            Some(_) if x.name().is_none() && !label.starts_with('#') => label.to_owned(),
            Some(formula) => format!("{label} = {formula}"),
            None => x.op().map_or(label.to_owned(), |op| format!("{label} = {op}")),
        },
    };
    Read {
        nodes: trace.nodes().iter().map(|x| vec![title(x), shape(x)]).collect(),
        edges: trace.nodes().iter().map(|x| x.operands().len()).sum(),
        scopes: ["Linear", "layer \"1\" <&>"].map(str::to_owned).into(),
    }
}

fn shape(x: &Var<'_, f64>) -> String {
    let lengths: Vec<String> = x.shape().iter().map(usize::to_string).collect();
    format!("shape [{}]", lengths.join("×"))
}

/// The quoted strings of a line of DOT, read as Graphviz reads them.
fn strings(dot: &str) -> Vec<String> {
    let (mut all, mut chars) = (Vec::new(), dot.chars());
    while chars.by_ref().any(|c| c == '"') {
        let mut text = String::new();
        loop {
            match chars.next().expect("the end of a quoted string") {
                '"' => break,
                '\\' => match chars.next().expect("what is escaped") {
                    'n' => text.push('\n'),
                    c @ ('"' | '\\') => text.push(c),
                    c => panic!("\\{c} in {dot}"),
                },
                c => text.push(c),
            }
        }
        all.push(text.replace("&amp;", "&"));
    }
    all
}

fn read_dot(dot: &str) -> Read {
    let (mut nodes, mut edges, mut scopes) = (BTreeSet::new(), 0, BTreeSet::new());
    for line in dot.lines().map(str::trim) {
        let first = line.split(' ').next().unwrap();
        if line.contains(" -> ") && !line.contains('"') {
            edges += 1;
        } else if first.parse::<usize>().is_ok() && line.contains("label=") {
            nodes.insert(strings(line)[0].split('\n').map(str::to_owned).collect());
        } else if line.starts_with("label=") {
            scopes.insert(strings(line)[0].clone());
        }
    }
    assert_eq!(dot.matches('{').count(), dot.matches('}').count());
    Read { nodes, edges, scopes }
}

/// A label of Mermaid: its lines, with the entity codes resolved.
fn label(quoted: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut parts = line.split('#');
        let mut text = parts.next().unwrap().to_owned();
        for part in parts {
            let (code, rest) = part.split_once(';').expect("the end of an entity code");
            let c = char::from_u32(code.parse().unwrap()).unwrap();
            text.extend((c != '\u{2060}').then_some(c)); // Between a backslash and an n.
            text += rest;
        }
        text
    };
    quoted.split("<br/>").map(line).collect()
}

fn read_mermaid(text: &str) -> Read {
    assert!(!text.contains("\\n") && !text.contains("#92;n"), "a line break: {text}");
    let (mut nodes, mut edges, mut scopes) = (BTreeSet::new(), 0, BTreeSet::new());
    assert_eq!(text.lines().nth(1), Some("flowchart TB"));
    for line in text.lines().map(str::trim) {
        if line.contains('"') {
            // Nothing in a label can end it, and nothing else is quoted.
            let parts: Vec<&str> = line.split('"').collect();
            assert_eq!(parts.len(), 3, "{line}");
            assert!(!parts[1].replace("<br/>", "").contains(['<', '>', '&', '`', '$']), "{line}");
            if line.starts_with("subgraph") {
                scopes.insert(label(parts[1])[0].clone());
            } else {
                nodes.insert(label(parts[1]));
            }
        } else if line.contains("-->") {
            edges += 1;
        }
    }
    Read { nodes, edges, scopes }
}

#[test]
fn dot_and_mermaid_hold_what_the_trace_has() {
    let tape = Tape::new();
    let loss = network(&tape);
    let aside = loss.exp();
    let picture = Picture::of(loss).shapes();
    let expected = expected(loss);
    assert!(expected.edges > expected.nodes.len(), "{expected:?}");
    assert_eq!(read_dot(&picture.to_dot()), expected);
    assert_eq!(read_mermaid(&picture.to_mermaid()), expected);
    assert_eq!((picture.size(), picture.left_out()), (expected.nodes.len(), 0));
    assert_eq!(Picture::of(aside).size(), expected.nodes.len() + 1);
}

/// A program of scalars and small tensors, with a sum over a broadcast operand and a shared value.
fn small<A: Float>(tape: &Tape<A>) -> Var<'_, A> {
    let number = |x: f64| A::from_f64(x);
    let numbers = |x: &[f64]| Tensor::from(x.iter().map(|&x| number(x)).collect::<Vec<_>>());
    let w = tape.var(numbers(&[0.1, -1.0 / 3.0])).named("w");
    let x = tape.constant(numbers(&[3.0, 1e-9])).named("x");
    let b = tape.var(Tensor::scalar(number(0.7))).named("b");
    let h = ((w * x).named("p") + b).tanh().named("h");
    ((h * h).sum() / b.exp().named("e")).named("y")
}

/// Compares the numbers of every node in a picture with those of `backward`.
fn numbers_agree<A: Float + FromStr<Err: Debug>>() {
    let tape = Tape::<A>::new();
    let output = small(&tape);
    let gradients = output.backward();
    let picture = Picture::of(output).values().gradients(&gradients).digits(usize::MAX);
    let pictures = [
        read_dot(&picture.to_dot()).nodes,
        read_mermaid(&picture.to_mermaid()).nodes,
        #[cfg(feature = "svg")]
        svg::read(&picture.to_svg()).nodes,
    ];
    let bits = |x: A| x.to_f64().to_bits(); // Of f32 too: no two become one.
    let read = |line: &str| -> Vec<u64> {
        let words = line.split(|c: char| "[], ".contains(c)).filter(|word| !word.is_empty());
        words.map(|word| bits(word.parse().unwrap())).collect()
    };
    let written = |x: Tensor<A>| -> Vec<u64> { x.to_vec().into_iter().map(bits).collect() };
    for nodes in pictures {
        for node in Trace::of(output).unwrap().nodes() {
            let label = node.label();
            let own = |lines: &&Vec<String>| {
                lines[0] == label || lines[0].starts_with(&format!("{label} = "))
            };
            let lines = nodes.iter().find(own).unwrap();
            assert_eq!(read(&lines[1]), written(node.value()), "{lines:?}");
            match gradients.try_wrt(*node) {
                Ok(gradient) => {
                    let start = format!("{} = ", node.adjoint_label());
                    let line = lines[2].strip_prefix(&start).unwrap();
                    assert_eq!(read(line), written(gradient), "{lines:?}");
                }
                Err(_) => assert_eq!(lines.len(), 2),
            }
        }
    }
}

#[test]
fn values_and_gradients_are_those_of_backward_bit_for_bit() {
    numbers_agree::<f64>();
    numbers_agree::<f32>();
}

#[test]
fn of_a_large_tensor_the_range_is_shown() {
    let tape = Tape::<f64>::new();
    let large = tape.var(Tensor::full(&[10, 20], 0.5)).named("large").sum();
    let text = Picture::of(large).values().to_mermaid();
    assert!(text.contains("large<br/>min 0.5, mean 0.5, max 0.5"), "{text}");
}

#[test]
fn of_a_graph_too_large_the_nearest_nodes_are_drawn_and_the_rest_is_counted() {
    let tape = Tape::new();
    let x = tape.var(0.5).named("x");
    let y = (0..20_000).fold(x, |y, _| y * x).named("y");
    let picture = Picture::of(y).limit(4);
    assert_eq!((picture.size(), picture.left_out()), (20_001, 19_997));
    let note = "4 of 20001 nodes: the nearest to y. 19997 are left out.";
    let (dot, mermaid) = (picture.to_dot(), picture.to_mermaid());
    assert!(dot.contains(note) && mermaid.contains(note), "{dot}\n{mermaid}");
    let nodes = read_dot(&dot).nodes;
    assert_eq!(nodes.len(), 4);
    assert!(nodes.iter().any(|lines| lines[0] == "x"), "{nodes:?}"); // One step from y.
    let cut: Vec<_> = nodes.iter().filter(|lines| lines.len() == 2).collect();
    assert_eq!(cut.len(), 1, "{nodes:?}");
    assert_eq!(cut[0][1], "… 1 operand left out");
    assert_eq!(read_dot(&Picture::of(y).limit(0).to_dot()).nodes.len(), 1);
}

#[test]
fn a_name_is_no_list_to_mermaid_and_a_number_is_a_number() {
    for (name, escaped) in [("- a", "#45; a"), ("+ a", "#43; a"), ("12. a", "12#46; a")] {
        let tape = Tape::new();
        let text = Picture::of(tape.var(-0.5).named(name)).values().to_mermaid();
        assert!(text.contains(&format!("(\"{escaped}<br/>-0.5\")")), "{text}");
    }
}

#[test]
fn a_long_name_is_cut_between_letters() {
    let tape = Tape::new();
    let y = tape.var(1.0).named("𝜽é漢".repeat(1000));
    let nodes = read_dot(&Picture::of(y).to_dot()).nodes;
    let name = &nodes.first().unwrap()[0];
    assert!(name.starts_with("𝜽é漢𝜽é漢") && name.ends_with('…'), "{name}");
    assert!(unicode_width::UnicodeWidthStr::width(&name[..]) <= 36, "{name}");
}

#[test]
#[ignore = "needs Graphviz"]
fn graphviz_reads_the_dot_as_it_is_meant() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let tape = Tape::new();
    let loss = network(&tape);
    let mut dot = Command::new("dot")
        .arg("-Tsvg")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Graphviz");
    dot.stdin.take().unwrap().write_all(Picture::of(loss).shapes().to_dot().as_bytes()).unwrap();
    let output = dot.wait_with_output().unwrap();
    assert!(output.status.success());
    let svg = String::from_utf8(output.stdout).unwrap();
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let svg = roxmltree::Document::parse_with_options(&svg, options).unwrap();
    let of_class = |class: &'static str| {
        svg.descendants().filter(move |g| g.attribute("class") == Some(class))
    };
    let texts = |g: roxmltree::Node<'_, '_>| -> Vec<String> {
        let texts = g.descendants().filter(|t| t.has_tag_name("text"));
        texts.map(|t| t.text().unwrap().replace('\u{a0}', " ")).collect()
    };
    let read = Read {
        nodes: of_class("node").map(texts).collect(),
        edges: of_class("edge").count(),
        scopes: of_class("cluster").flat_map(texts).collect(),
    };
    assert_eq!(read, expected(loss));
}

#[cfg(feature = "svg")]
mod svg {
    use roxmltree::{Document, Node};

    use super::*;

    #[derive(Clone, Copy, Debug)]
    struct Frame {
        left: f64,
        top: f64,
        right: f64,
        bottom: f64,
    }

    impl Frame {
        fn of(g: Node<'_, '_>) -> Self {
            let rect = g.children().find(|c| c.has_tag_name("rect")).unwrap();
            let number = |name: &str| rect.attribute(name).unwrap().parse::<f64>().unwrap();
            let (left, top) = (number("x"), number("y"));
            Self { left, top, right: left + number("width"), bottom: top + number("height") }
        }

        fn meets(self, other: Self) -> bool {
            self.left < other.right
                && other.left < self.right
                && self.top < other.bottom
                && other.top < self.bottom
        }

        fn holds(self, other: Self) -> bool {
            self.left <= other.left
                && other.right <= self.right
                && self.top <= other.top
                && other.bottom <= self.bottom
        }
    }

    fn texts(g: Node<'_, '_>) -> Vec<String> {
        let texts = g.children().filter(|t| t.has_tag_name("text"));
        texts.map(|t| t.text().unwrap().to_owned()).collect()
    }

    fn groups<'a>(svg: &'a Document<'a>, scopes: bool) -> impl Iterator<Item = Node<'a, 'a>> {
        svg.descendants().filter(move |g| {
            g.attribute("class").is_some_and(|class| (class == "scope") == scopes)
                && g.has_tag_name("g")
        })
    }

    pub fn read(text: &str) -> Read {
        let svg = Document::parse(text).unwrap();
        Read {
            nodes: groups(&svg, false).map(texts).collect(),
            edges: svg.descendants().filter(|p| p.attribute("class") == Some("edge")).count(),
            scopes: groups(&svg, true).flat_map(texts).collect(),
        }
    }

    #[test]
    fn it_holds_what_the_trace_has_and_nothing_that_runs() {
        let tape = Tape::new();
        let loss = network(&tape);
        let text = Picture::of(loss).shapes().to_svg();
        assert_eq!(read(&text), expected(loss));
        let svg = Document::parse(&text).unwrap();
        let title = svg.descendants().find(|node| node.has_tag_name("title")).unwrap();
        assert_eq!(title.text(), Some("The graph of loss"));
        let allowed = ["svg", "title", "style", "defs", "marker", "path", "rect", "g", "text"];
        for element in svg.descendants().filter(Node::is_element) {
            assert!(allowed.contains(&element.tag_name().name()), "{element:?}");
            assert!(element.attributes().all(|a| !a.name().starts_with("on")), "{element:?}");
        }
        assert_eq!(text, Picture::of(loss).shapes().to_svg(), "the same picture every time");
    }

    /// Two layers of units, each a scope in the scope of its layer.
    fn units(tape: &Tape<f64>) -> Var<'_, f64> {
        let mut layer: Vec<_> = (0..3).map(|i| tape.var(0.3 * f64::from(i))).collect();
        for name in ["first", "second"] {
            let unit = |j: i32| {
                let weighted = layer.iter().map(|&x| x * tape.var(0.1 * f64::from(j)).named("w"));
                weighted.reduce(|a, b| a + b).unwrap().tanh()
            };
            layer = tape.scope(name, || {
                (0..4).map(|j| tape.scope(format!("unit {j}"), || unit(j))).collect()
            });
        }
        layer.into_iter().reduce(|a, b| a + b).unwrap().named("sum")
    }

    #[test]
    fn boxes_overlap_only_if_one_holds_the_other() {
        let tape = Tape::new();
        let text = Picture::of(units(&tape)).values().to_svg();
        let svg = Document::parse(&text).unwrap();
        let nodes: Vec<Frame> = groups(&svg, false).map(Frame::of).collect();
        let scopes: Vec<Frame> = groups(&svg, true).map(Frame::of).collect();
        assert_eq!((nodes.len(), scopes.len()), (3 + 4 * 9 + 4 * 12 + 3, 10));
        let all: Vec<Frame> = nodes.iter().chain(&scopes).copied().collect();
        for (i, &a) in all.iter().enumerate() {
            for &b in &all[..i] {
                assert!(!a.meets(b) || a.holds(b) || b.holds(a), "{a:?} {b:?}");
            }
        }
        // No node lies on another, and each of a unit lies in its unit and layer.
        for (i, &a) in nodes.iter().enumerate() {
            assert!(nodes[..i].iter().all(|&b| !a.meets(b)));
            assert!([0, 2].contains(&scopes.iter().filter(|scope| scope.holds(a)).count()));
        }
    }

    #[test]
    fn operands_are_above_their_results() {
        let tape = Tape::new();
        let output = units(&tape);
        let text = Picture::of(output).to_svg();
        let svg = Document::parse(&text).unwrap();
        let top = |x: &Var<'_, f64>| {
            let start = format!("{} =", x.label());
            let group = groups(&svg, false).find(|&g| texts(g)[0].starts_with(&start));
            group.map(|group| Frame::of(group).top)
        };
        let mut checked = 0;
        for x in Trace::of(output).unwrap().nodes().iter().filter(|x| x.op().is_some()) {
            for operand in x.operands().iter().filter_map(top) {
                assert!(operand < top(x).unwrap());
                checked += 1;
            }
        }
        assert!(checked > 40, "{checked} edges between ops");
    }

    #[test]
    fn every_shape_of_graph_is_drawn() {
        let tape = Tape::new();
        let x = tape.var(1.0);
        let alone = Picture::of(x).to_svg();
        assert!(alone.contains("#0"));
        // Scopes that are entered by turns, each of the other's value.
        let mut y = x;
        for round in 0..3 {
            y = tape.scope(format!("round {round}"), || (y * x).sin() + x.detach());
        }
        Document::parse(&Picture::of(y).to_svg()).unwrap();
        // A gradient belongs to the scopes of what it is the gradient of: edges go in and out again.
        let slope = y.backward_recorded().wrt(x);
        Document::parse(&Picture::of(slope).gradients(&slope.backward()).to_svg()).unwrap();
        // Ten thousand nodes, of which 250 are drawn.
        let long = (0..10_000).fold(x, |y, i| if i % 3 == 0 { y * x } else { y.sin() + x });
        Document::parse(&Picture::of(long).to_svg()).unwrap();
    }
}
