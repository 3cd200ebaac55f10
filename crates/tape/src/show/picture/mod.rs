//! Pictures of the graph, as DOT for Graphviz, as Mermaid, as SVG and as TikZ.
//!
//! Drawn is what a value was computed from, with its values, shapes or gradients as asked; scopes
//! are boxes around what they hold. Of a graph larger than the [`limit`](Picture::limit) the nodes
//! nearest to the value are drawn, and the picture says what it leaves out.
//!
//! ```
//! use tape::{Picture, Tape, prelude::*};
//!
//! let tape = Tape::new();
//! let (w, x) = (tape.var(0.5).named("w"), tape.constant(2.0).named("x"));
//! let y = (w * x).tanh().named("y");
//! let picture = Picture::of(y).values().gradients(&y.backward());
//! let mermaid = picture.to_mermaid();
//! assert!(mermaid.contains("w<br/>0.5<br/>w̄ = 0.8399"), "{mermaid}");
//! assert!(picture.to_dot().starts_with("digraph {"));
//! ```

mod dot;
#[cfg(feature = "svg")]
mod layout;
mod mermaid;
#[cfg(feature = "svg")]
mod svg;
#[cfg(feature = "svg")]
mod tikz;

use std::collections::BTreeMap;

use ops::{Float, Tensor};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Bfs, Reversed, Walker};
use textwrap::core::display_width;

use crate::graph::node::{Source, operands};
use crate::graph::scope::Scope;
use crate::graph::var::Var;
use crate::show::trace::{Layout, Summary, tensor_text, visible};
use crate::sweep::gradients::Gradients;
use crate::words::Language;

/// A picture of what a value was computed from, to be written in one of its formats.
#[derive(Clone, Debug)]
pub struct Picture<'t, A: Float> {
    output: Var<'t, A>,
    values: bool,
    shapes: bool,
    gradients: Option<Gradients<'t, A, Tensor<A>>>,
    limit: usize,
    digits: usize,
    language: Language,
}

impl<'t, A: Float> Picture<'t, A> {
    /// A picture of the ops and names that led to `output`, of up to 250 nodes.
    pub fn of(output: Var<'t, A>) -> Self {
        Self {
            output,
            values: false,
            shapes: false,
            gradients: None,
            limit: 250,
            digits: 4,
            language: Language::ENGLISH,
        }
    }

    /// Adds values; of more than four elements, the smallest, mean and largest.
    pub fn values(mut self) -> Self {
        self.values = true;
        self
    }

    /// Adds shapes.
    pub fn shapes(mut self) -> Self {
        self.shapes = true;
        self
    }

    /// Adds gradients, where there are any.
    pub fn gradients(mut self, gradients: &Gradients<'t, A, Tensor<A>>) -> Self {
        self.gradients = Some(gradients.clone());
        self
    }

    /// Sets the largest number of nodes; the value itself is always drawn.
    pub fn limit(mut self, nodes: usize) -> Self {
        self.limit = nodes.max(1);
        self
    }

    /// Sets the number of significant digits, which is four otherwise.
    pub fn digits(mut self, digits: usize) -> Self {
        self.digits = digits;
        self
    }

    /// Sets the language of what the picture says beside names, numbers and formulas.
    pub fn language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    /// The number of nodes that the value was computed from, itself included.
    pub fn size(&self) -> usize {
        self.nearest().len()
    }

    /// The number of nodes that the picture leaves out.
    pub fn left_out(&self) -> usize {
        self.size().saturating_sub(self.limit)
    }

    /// DOT, the language of Graphviz, written by petgraph: `dot -Tsvg graph.dot -o graph.svg`.
    pub fn to_dot(&self) -> String {
        dot::write(&self.drawing())
    }

    /// Mermaid, which GitHub renders in a fenced block of the language `mermaid`.
    pub fn to_mermaid(&self) -> String {
        mermaid::write(&self.drawing())
    }

    /// A self-contained SVG image, light or dark as the viewer prefers.
    #[cfg(feature = "svg")]
    pub fn to_svg(&self) -> String {
        svg::write(&self.drawing())
    }

    /// TikZ, to set in a LaTeX document with `\input` between `\begin{center}` and its end.
    #[cfg(feature = "svg")]
    pub fn to_tikz(&self) -> String {
        tikz::write(&self.drawing())
    }

    /// The nodes that the value was computed from, by the number of ops between, itself first.
    fn nearest(&self) -> Vec<NodeIndex> {
        let graph = self.output.tape().graph();
        Bfs::new(Reversed(graph.edges()), self.output.index())
            .iter(Reversed(graph.edges()))
            .collect()
    }

    fn drawing(&self) -> Drawing {
        let all = self.nearest();
        let mut taken = all[..all.len().min(self.limit)].to_vec();
        taken.sort_unstable(); // The order of recording.
        let tape = self.output.tape();
        let name = short_name(&self.output.label());
        let language = self.language;
        let title = language.picture_title(&name);
        let mut drawing = Drawing { title, ..Drawing::default() };
        let mut index = BTreeMap::new();
        let scopes = tape.scopes();
        for &node in &taken {
            let cluster = Var::new(tape, node).scope().map(|scope| drawing.cluster(&scopes, scope));
            let drawn = self.node(Var::new(tape, node), cluster, &taken);
            index.insert(node, drawing.graph.add_node(drawn));
        }
        for (&node, &end) in &index {
            for (position, operand) in operands(&tape.graph(), node).into_iter().enumerate() {
                if let Some(&start) = index.get(&operand) {
                    drawing.graph.add_edge(start, end, position);
                }
            }
        }
        if all.len() > taken.len() {
            let left_out = all.len() - taken.len();
            drawing.note = Some(language.picture_left_out(left_out, taken.len(), all.len(), name));
        }
        drawing
    }

    fn node(&self, x: Var<'t, A>, cluster: Option<usize>, taken: &[NodeIndex]) -> DrawnNode {
        let graph = x.tape().graph();
        let style = match graph[x.index()].source {
            Source::Variable => Style::Variable,
            Source::Constant => Style::Constant,
            Source::Detached | Source::Op(_) => Style::Op,
        };
        let mut lines = vec![title(x)];
        let shape = x.shape();
        if self.shapes {
            let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
            lines.push(self.language.picture_shape(format!("[{}]", lengths.join("×"))));
        }
        if self.values {
            lines.push(self.numbers(&x.value()));
        }
        if let Some(Ok(gradient)) = self.gradients.as_ref().map(|g| g.try_wrt(x)) {
            let adjoint = short_name(&x.adjoint_label());
            lines.push(format!("{adjoint} = {}", self.numbers(&gradient)));
        }
        let operands = operands(&graph, x.index());
        let missing = operands.iter().filter(|x| taken.binary_search(x).is_err()).count();
        if missing > 0 {
            lines.push(self.language.picture_operands_left_out(missing));
        }
        let output = x == self.output;
        DrawnNode { lines, style, cluster, cut: missing > 0, output }
    }

    fn numbers(&self, x: &Tensor<A>) -> String {
        let layout = Layout { elements: 4, ..Layout::default() }.digits(self.digits);
        if x.len() <= layout.elements {
            return tensor_text(x, layout);
        }
        let Summary { min, mean, max, not_finite, .. } = Summary::new(x);
        let (language, number) = (self.language, |x: A| layout.rounding.number(x));
        let known = [
            min.map(|x| language.least(number(x))),
            mean.map(|x| language.mean(number(x))),
            max.map(|x| language.most(number(x))),
            (not_finite > 0).then(|| language.not_finite(not_finite)),
        ];
        known.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// The drawing, the same in all formats.
#[derive(Debug, Default)]
struct Drawing {
    /// What the picture is called, where its format has room for that.
    #[cfg_attr(not(feature = "svg"), allow(dead_code, reason = "only an SVG has it"))]
    title: String,
    /// Edges carry the operand's position.
    graph: DiGraph<DrawnNode, usize>,
    clusters: Vec<Cluster>,
    /// The numbers of the tape's scopes among the clusters.
    known: BTreeMap<usize, usize>,
    /// The sentence that says what is left out.
    note: Option<String>,
}

/// A node as it is drawn.
#[derive(Debug)]
struct DrawnNode {
    lines: Vec<String>,
    style: Style,
    cluster: Option<usize>,
    /// True if operands of it are left out.
    cut: bool,
    output: bool,
}

/// The style that a node is drawn in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Variable,
    Constant,
    Op,
}

impl Style {
    /// The name of the style.
    fn name(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Constant => "constant",
            Self::Op => "op",
        }
    }
}

/// A scope as it is drawn: a box around nodes.
#[derive(Debug)]
struct Cluster {
    name: String,
    parent: Option<usize>,
}

impl Drawing {
    /// The cluster of a scope, which comes after those around it.
    fn cluster(&mut self, all: &[Scope], scope: usize) -> usize {
        let outwards = std::iter::successors(Some(scope), |&scope| all[scope].parent);
        let new: Vec<usize> =
            outwards.take_while(|scope| !self.known.contains_key(scope)).collect();
        for &scope in new.iter().rev() {
            let parent = all[scope].parent.map(|parent| self.known[&parent]);
            self.known.insert(scope, self.clusters.len());
            self.clusters.push(Cluster { name: short_name(&all[scope].name), parent });
        }
        self.known[&scope]
    }

    fn clusters_in(&self, parent: Option<usize>) -> impl Iterator<Item = usize> {
        (0..self.clusters.len()).filter(move |&c| self.clusters[c].parent == parent)
    }

    fn nodes_in(&self, cluster: Option<usize>) -> impl Iterator<Item = NodeIndex> {
        self.graph.node_indices().filter(move |&n| self.graph[n].cluster == cluster)
    }
}

/// The longest that a name or formula is in a picture.
const LONGEST: usize = 36;

/// A name without control characters, cut where it is long.
fn short_name(name: &str) -> String {
    let name = visible(name);
    if display_width(&name) <= LONGEST {
        return name;
    }
    let mut short = String::new();
    for c in name.chars() {
        if display_width(&short) + display_width(c.encode_utf8(&mut [0; 4])) + 1 > LONGEST {
            break;
        }
        short.push(c);
    }
    short + "…"
}

/// `y = tanh(z)`, or `y = tanh` where the formula is long.
fn title<A: Float>(x: Var<'_, A>) -> String {
    let (label, Some(op)) = (short_name(&x.label()), x.op()) else { return short_name(&x.label()) };
    if x.is_spelled_out() {
        return label;
    }
    match x.formula().map(|formula| format!("{label} = {}", visible(&formula))) {
        Some(title) if display_width(&title) <= LONGEST => title,
        _ => format!("{label} = {op}"),
    }
}
