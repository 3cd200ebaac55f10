//! Mermaid flowcharts, as GitHub renders them.

use std::fmt::Write;

use petgraph::visit::EdgeRef;

use super::{Drawing, Style};

/// Tensors are not broken between their numbers.
const SETTINGS: &str = "%%{init: {'flowchart': {'wrappingWidth': 400}}}%%\n";

const STYLES: &str = "\
    classDef variable fill:#cfe8ff,stroke:#2a6fb0,color:#000
    classDef constant fill:#eeeeee,stroke:#777777,color:#000
    classDef op fill:#ffffff,stroke:#444444,color:#000
    classDef output stroke-width:3px
    classDef cut stroke-dasharray:5
";

pub(super) fn write(drawing: &Drawing) -> String {
    let mut text = format!("{SETTINGS}flowchart TB\n");
    nodes(&mut text, drawing, None, 1);
    for edge in drawing.graph.edge_references() {
        let _ = writeln!(text, "    n{} --> n{}", edge.source().index(), edge.target().index());
    }
    if let Some(note) = &drawing.note {
        let _ = writeln!(text, "    note[{}]:::cut", quoted([note]));
    }
    text + STYLES
}

/// The nodes and scopes inside `cluster`.
fn nodes(text: &mut String, drawing: &Drawing, cluster: Option<usize>, depth: usize) {
    let indent = "    ".repeat(depth);
    for node in drawing.nodes_in(cluster) {
        let drawn = &drawing.graph[node];
        let label = quoted(&drawn.lines);
        let (open, close) = if drawn.style == Style::Op { ("[", "]") } else { ("(", ")") };
        let style = drawn.style.name();
        let _ = writeln!(text, "{indent}n{}{open}{label}{close}:::{style}", node.index());
        let more = [("output", drawn.output), ("cut", drawn.cut)].into_iter();
        for (class, _) in more.filter(|(_, wanted)| *wanted) {
            let _ = writeln!(text, "{indent}class n{} {class}", node.index());
        }
    }
    for inner in drawing.clusters_in(cluster) {
        let label = quoted([&drawing.clusters[inner].name]);
        let _ = writeln!(text, "{indent}subgraph s{inner}[{label}]");
        nodes(text, drawing, Some(inner), depth + 1);
        let _ = writeln!(text, "{indent}end");
    }
}

/// Lines in quotes. What Mermaid, Markdown or HTML would read as a sign becomes an entity code.
fn quoted<'a>(lines: impl IntoIterator<Item = &'a String>) -> String {
    let lines: Vec<String> = lines.into_iter().map(|line| escaped(line)).collect();
    format!("\"{}\"", lines.join("<br/>"))
}

fn escaped(line: &str) -> String {
    let mut escaped = String::new();
    for (i, c) in line.char_indices() {
        // `- a` and `1. a` would be lists.
        let before = &line[..i];
        let list = [Some(' '), None].contains(&line[i + c.len_utf8()..].chars().next())
            && match c {
                '-' | '+' => before.is_empty(),
                '.' | ')' => before.chars().all(|c| c.is_ascii_digit()),
                _ => false,
            };
        if line[i..].starts_with("\\n") {
            // Mermaid would break the line here, however it is escaped: a joiner stands between.
            escaped += "#92;#8288;";
        } else if list || c.is_ascii_punctuation() && !"=,.:()+-/".contains(c) {
            let _ = write!(escaped, "#{};", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}
