//! SVG: what is laid out, written with a style sheet.

use std::fmt::Write;

use petgraph::visit::EdgeRef;

use super::layout::{Frame, LINE, PADDING, Placed, text_width};
use super::{Drawing, DrawnNode, Style};

const MARGIN: f64 = 16.0;

const STYLE: &str = "
text { font: 12px 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #111; text-anchor: middle }
.scope text, text.note { text-anchor: start; fill: #555 }
.scope text { paint-order: stroke; stroke: #fff; stroke-width: 4px }
.scope rect { fill: #88888814; stroke: #999 }
.variable rect { fill: #cfe8ff; stroke: #2a6fb0 }
.constant rect { fill: #eee; stroke: #777 }
.op rect { fill: #fff; stroke: #444 }
.output rect { stroke-width: 2.5 }
.cut rect { stroke-dasharray: 4 3 }
.below { fill: #555 }
.edge { fill: none; stroke: #666; stroke-width: 1.2 }
.arrow { fill: #666 }
.page { fill: #fff }
@media (prefers-color-scheme: dark) {
  text { fill: #eee } .scope text, text.note, .below { fill: #bbb }
  .variable rect { fill: #17395c } .constant rect { fill: #333 } .op rect { fill: #1d1d1d; stroke: #aaa }
  .scope text { stroke: #111 } .edge { stroke: #aaa } .arrow { fill: #aaa } .page { fill: #111 }
}
";

pub(super) fn write(drawing: &Drawing) -> String {
    let picture = Placed::new(drawing);
    let (width, height) = picture.size;
    let note = if drawing.note.is_some() { LINE + MARGIN } else { 0.0 };
    let wide = drawing.note.as_ref().map_or(0.0, |note| text_width(note));
    let (w, h) = (width.max(wide) + 2.0 * MARGIN, height + 2.0 * MARGIN + note);
    let title = escaped(&drawing.title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.0}\" height=\"{h:.0}\" \
         viewBox=\"0 0 {w:.0} {h:.0}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path class=\"arrow\" d=\"M0 0 8 4 0 8z\"/></marker></defs>\n\
         <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n\
         <g transform=\"translate({MARGIN} {MARGIN})\">\n"
    );
    for edge in drawing.graph.edge_references() {
        write_edge(&mut svg, &picture.way(edge.source(), edge.target(), *edge.weight()));
    }
    // Over the edges, so that these do not strike through the names.
    for (cluster, frame) in picture.frames.iter().enumerate() {
        write_scope(&mut svg, &drawing.clusters[cluster].name, *frame);
    }
    for node in drawing.graph.node_indices() {
        write_node(&mut svg, &drawing.graph[node], picture.nodes[node.index()]);
    }
    if let Some(note) = &drawing.note {
        let (y, note) = (height + MARGIN + LINE, escaped(note));
        let _ = writeln!(svg, "<text class=\"note\" x=\"0\" y=\"{y:.1}\">{note}</text>");
    }
    svg + "</g>\n</svg>\n"
}

fn write_scope(svg: &mut String, name: &str, Frame { left, top, width, height }: Frame) {
    let _ = writeln!(
        svg,
        "<g class=\"scope\"><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
         height=\"{height:.1}\" rx=\"6\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        left + PADDING,
        top + LINE,
        escaped(name)
    );
}

fn write_node(svg: &mut String, node: &DrawnNode, Frame { left, top, width, height }: Frame) {
    let output = if node.output { " output" } else { "" };
    let cut = if node.cut { " cut" } else { "" };
    let radius = if node.style == Style::Op { 3.0 } else { height / 2.0 };
    let _ = write!(
        svg,
        "<g class=\"{}{output}{cut}\"><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
         height=\"{height:.1}\" rx=\"{:.1}\"/>",
        node.style.name(),
        radius.min(16.0)
    );
    for (i, line) in node.lines.iter().enumerate() {
        let below = if i == 0 { "" } else { " class=\"below\"" };
        let (x, y) = (left + width / 2.0, top + PADDING / 2.0 + LINE * (i as f64 + 0.8));
        let _ = write!(svg, "<text{below} x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(line));
    }
    svg.push_str("</g>\n");
}

/// A curve that is vertical at every point of the way.
fn write_edge(svg: &mut String, way: &[(f64, f64)]) {
    let _ = write!(
        svg,
        "<path class=\"edge\" marker-end=\"url(#arrow)\" d=\"M{:.1} {:.1}",
        way[0].0, way[0].1
    );
    for pair in way.windows(2) {
        let [(x0, y0), (x, y)] = [pair[0], pair[1]];
        let middle = f64::midpoint(y0, y);
        let _ = write!(svg, " C{x0:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}");
    }
    svg.push_str("\"/>\n");
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '"' => escaped += "&quot;",
            // No document of XML may hold these two.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}
