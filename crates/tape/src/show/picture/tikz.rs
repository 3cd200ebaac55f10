//! TikZ: what is laid out, as a picture to set in a LaTeX document.

use std::fmt::Write;

use petgraph::visit::EdgeRef;

use super::layout::{Frame, LINE, PADDING, Placed};
use super::{Drawing, DrawnNode, Style};
use crate::show::latex::line;

/// Points of TeX for a unit of the drawing, so that a line of text is as high as in the SVG.
const SCALE: f64 = 0.75;

const STYLES: &str = "\
  font=\\footnotesize,
  variable/.style={draw=blue!60!black, fill=blue!10, rounded corners=7pt},
  constant/.style={draw=black!50, fill=black!7, rounded corners=7pt},
  op/.style={draw=black!70, fill=white, rounded corners=2pt},
  output/.style={line width=1.2pt},
  cut/.style={dashed},
  scope/.style={draw=black!40, fill=black!4, rounded corners=4pt},
  edge/.style={->, >=stealth, draw=black!60}";

pub(super) fn write(drawing: &Drawing) -> String {
    let picture = Placed::new(drawing);
    let mut tikz = format!("\\begin{{tikzpicture}}[x={SCALE}pt, y=-{SCALE}pt,\n{STYLES}]\n");
    for (cluster, Frame { left, top, width, height }) in picture.frames.iter().enumerate() {
        let _ = writeln!(
            tikz,
            "\\path[scope] ({left:.1}, {top:.1}) rectangle +({width:.1}, {height:.1});\n\
             \\node[anchor=west, text=black!60] at ({:.1}, {:.1}) {{{}}};",
            left + PADDING / 2.0,
            top + LINE * 0.7,
            line(&drawing.clusters[cluster].name)
        );
    }
    for edge in drawing.graph.edge_references() {
        write_edge(&mut tikz, &picture.way(edge.source(), edge.target(), *edge.weight()));
    }
    for node in drawing.graph.node_indices() {
        write_node(&mut tikz, &drawing.graph[node], picture.nodes[node.index()]);
    }
    if let Some(note) = &drawing.note {
        let y = picture.size.1 + LINE;
        let _ = writeln!(tikz, "\\node[anchor=west] at (0, {y:.1}) {{{}}};", line(note));
    }
    tikz + "\\end{tikzpicture}\n"
}

fn write_node(tikz: &mut String, node: &DrawnNode, Frame { left, top, width, height }: Frame) {
    let style = match node.style {
        Style::Variable => "variable",
        Style::Constant => "constant",
        Style::Op => "op",
    };
    let output = if node.output { ", output" } else { "" };
    let cut = if node.cut { ", cut" } else { "" };
    let lines: Vec<String> = node.lines.iter().map(|text| line(text)).collect();
    let _ = writeln!(
        tikz,
        "\\node[{style}{output}{cut}, align=center, inner sep=0pt, minimum width={:.1}pt, \
         minimum height={:.1}pt] at ({:.1}, {:.1}) {{{}}};",
        width * SCALE,
        height * SCALE,
        left + width / 2.0,
        top + height / 2.0,
        lines.join(" \\\\ ")
    );
}

/// A curve that is vertical at every point of the way.
fn write_edge(tikz: &mut String, way: &[(f64, f64)]) {
    let _ = write!(tikz, "\\draw[edge] ({:.1}, {:.1})", way[0].0, way[0].1);
    for pair in way.windows(2) {
        let [(x0, y0), (x, y)] = [pair[0], pair[1]];
        let middle = f64::midpoint(y0, y);
        let _ = write!(
            tikz,
            " .. controls ({x0:.1}, {middle:.1}) and ({x:.1}, {middle:.1}) .. ({x:.1}, {y:.1})"
        );
    }
    tikz.push_str(";\n");
}
