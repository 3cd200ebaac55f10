//! DOT, by petgraph's own writer.

use std::fmt::Write;

use petgraph::dot::{Config, Dot};
use petgraph::visit::NodeRef;

use super::{Drawing, DrawnNode, Style};

pub(super) fn write(drawing: &Drawing) -> String {
    let content = Dot::with_attr_getters(
        &drawing.graph,
        &[Config::NodeNoLabel, Config::EdgeNoLabel, Config::GraphContentOnly],
        &|_, _| String::new(),
        &|_, node| attributes(node.weight()),
    );
    let mut dot = String::from("digraph {\n    node [ fontname=\"monospace\" fontsize=11 ]\n");
    dot += "    graph [ fontname=\"sans-serif\" fontsize=11 ]\n";
    if let Some(note) = &drawing.note {
        let _ = writeln!(dot, "    label={} labelloc=b", quoted(note));
    }
    let _ = write!(dot, "{content:?}");
    clusters(&mut dot, drawing, None, 1);
    dot + "}\n"
}

fn attributes(node: &DrawnNode) -> String {
    let (shape, fill) = match node.style {
        Style::Variable => ("ellipse", "#cfe8ff"),
        Style::Constant => ("ellipse", "#eeeeee"),
        Style::Op => ("box", "#ffffff"),
    };
    let style = if node.cut { "filled,dashed" } else { "filled" };
    let width = if node.output { " penwidth=2" } else { "" };
    let label = quoted(&node.lines.join("\n"));
    format!("label={label} shape={shape} style=\"{style}\" fillcolor=\"{fill}\"{width} ")
}

/// The scopes inside `parent`, as subgraphs of the nodes that are written already.
fn clusters(dot: &mut String, drawing: &Drawing, parent: Option<usize>, depth: usize) {
    let indent = "    ".repeat(depth);
    for cluster in drawing.clusters_in(parent) {
        let label = quoted(&drawing.clusters[cluster].name);
        let _ = writeln!(dot, "{indent}subgraph cluster_{cluster} {{");
        let _ = writeln!(dot, "{indent}    label={label} labelloc=t style=rounded color=gray");
        for node in drawing.nodes_in(Some(cluster)) {
            let _ = writeln!(dot, "{indent}    {}", node.index());
        }
        clusters(dot, drawing, Some(cluster), depth + 1);
        let _ = writeln!(dot, "{indent}}}");
    }
}

/// A quoted string. Graphviz reads entities of HTML in it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '\n' => quoted += "\\n",
            '&' => quoted += "&amp;",
            _ => quoted.push(c),
        }
    }
    quoted + "\""
}
