//! The graph in characters: layers from left to right, lines between them.
//!
//! The order within the layers comes from rust-sugiyama, on a graph in which every edge spans one
//! layer: a line that passes a layer has a bend in it. All lines of one value run together as far
//! as they can. Between two layers each value that changes its row has a column of its own.

use std::collections::{BTreeMap, HashMap, VecDeque};

use ops::Float;
use petgraph::graph::NodeIndex;
use petgraph::stable_graph::StableDiGraph;
use rust_sugiyama::configure::Config;
use textwrap::core::display_width;

use crate::graph::var::Var;
use crate::show::trace::{Trace, visible};

/// The longest that a name is in the graph.
const LONGEST: usize = 14;
/// The number of nodes that are drawn: the nearest to the current one.
const MOST: usize = 120;

/// A direction in which a line leaves a cell.
pub(super) const UP: u8 = 1;
pub(super) const DOWN: u8 = 2;
pub(super) const LEFT: u8 = 4;
pub(super) const RIGHT: u8 = 8;

/// The spots of a spot's operands, and how often each is one.
type Operands = Vec<(usize, usize)>;

/// A node, and the cell that it is drawn in.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// Its number among the nodes of the trace.
    pub node: usize,
    pub column: usize,
    pub row: usize,
    pub name: String,
    pub op: String,
}

/// A line from an operand to a result: both as numbers of spots.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub from: usize,
    pub to: usize,
    /// The number of operands that it stands for.
    pub count: usize,
    /// Column, row and directions.
    pub cells: Vec<(usize, usize, u8)>,
}

/// A graph as it is drawn, in cells.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub spots: Vec<Spot>,
    pub lines: Vec<Line>,
    pub width: usize,
    pub height: usize,
    /// The number of nodes that are not drawn.
    pub left_out: usize,
}

impl Chart {
    /// The whole graph, or of a large one the part around node number `center`.
    pub fn new<A: Float>(trace: &Trace<'_, A>, center: usize) -> Self {
        let nodes = trace.nodes();
        let taken = around(trace, center);
        let number: HashMap<usize, usize> =
            taken.iter().enumerate().map(|(spot, &node)| (nodes[node].position(), spot)).collect();
        let operands: Vec<Operands> = taken
            .iter()
            .map(|&node| {
                let operands = nodes[node].operands();
                let mut spots: Operands = Vec::new();
                for spot in operands.iter().filter_map(|x| number.get(&x.position()).copied()) {
                    match spots.iter_mut().find(|(known, _)| *known == spot) {
                        Some((_, count)) => *count += 1,
                        None => spots.push((spot, 1)),
                    }
                }
                spots
            })
            .collect();
        let spots = taken.iter().map(|&node| spot(node, nodes[node])).collect();
        Plan::new(&operands).chart(spots, &operands, nodes.len() - taken.len())
    }

    /// Tells whether it draws all nodes.
    pub fn is_whole(&self) -> bool {
        self.left_out == 0
    }

    pub fn spot_of(&self, node: usize) -> Option<&Spot> {
        self.spots.iter().find(|spot| spot.node == node)
    }
}

fn spot<A: Float>(node: usize, x: Var<'_, A>) -> Spot {
    let op = x.op().unwrap_or_default().to_owned();
    Spot {
        node,
        column: 0,
        row: 0,
        name: short(&visible(&x.label()), LONGEST),
        op: short(&op, LONGEST),
    }
}

/// A text, cut to the given number of columns.
pub(super) fn short(text: &str, longest: usize) -> String {
    if display_width(text) <= longest {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if display_width(&short) + display_width(c.encode_utf8(&mut [0; 4])) >= longest {
            break;
        }
        short.push(c);
    }
    short + "…"
}

impl Spot {
    /// The columns it takes.
    pub fn width(&self) -> usize {
        let op = if self.op.is_empty() { 0 } else { 1 + display_width(&self.op) };
        (display_width(&self.name) + op).max(NUMBER)
    }
}

/// The columns that a number below a name may take.
pub(super) const NUMBER: usize = 8;

/// The nodes that are drawn, by their numbers in the trace: all, or those fewest edges away.
fn around<A: Float>(trace: &Trace<'_, A>, center: usize) -> Vec<usize> {
    let nodes = trace.nodes();
    if nodes.len() <= MOST {
        return (0..nodes.len()).collect();
    }
    let number = |x: Var<'_, A>| trace.forward_step_of(x);
    let mut users: HashMap<usize, Vec<usize>> = HashMap::new();
    for (user, x) in nodes.iter().enumerate() {
        for operand in x.operands().into_iter().filter_map(number) {
            users.entry(operand).or_default().push(user);
        }
    }
    let mut taken = vec![center];
    let mut queue = VecDeque::from([center]);
    while let Some(node) = queue.pop_front().filter(|_| taken.len() < MOST) {
        let operands = nodes[node].operands().into_iter().filter_map(number);
        for next in operands.chain(users.get(&node).into_iter().flatten().copied()) {
            if taken.len() < MOST && !taken.contains(&next) {
                taken.push(next);
                queue.push_back(next);
            }
        }
    }
    taken.sort_unstable();
    taken
}

/// The layers and rows that everything lies in.
struct Plan {
    /// The layer and row of each spot.
    layer: Vec<usize>,
    /// The vertices in each layer: spots, and the bends of the lines that pass it.
    rows: BTreeMap<Vertex, usize>,
    layers: usize,
}

/// A spot, or the bend in a layer of the lines from a spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Vertex {
    Spot(usize),
    Bend { from: usize, layer: usize },
}

impl Plan {
    fn new(operands: &[Operands]) -> Self {
        let layer = layers(operands);
        let mut graph: StableDiGraph<Vertex, ()> = StableDiGraph::new();
        let mut index: BTreeMap<Vertex, NodeIndex> = BTreeMap::new();
        for spot in 0..operands.len() {
            index.insert(Vertex::Spot(spot), graph.add_node(Vertex::Spot(spot)));
        }
        for (to, operands) in operands.iter().enumerate() {
            for &(from, _) in operands {
                let way = way(from, to, &layer);
                for &vertex in &way {
                    index.entry(vertex).or_insert_with(|| graph.add_node(vertex));
                }
                for pair in way.windows(2) {
                    graph.update_edge(index[&pair[0]], index[&pair[1]], ());
                }
            }
        }
        let layers = layer.iter().max().map_or(0, |last| last + 1);
        let mut plan = Self { layer, rows: BTreeMap::new(), layers };
        plan.set_rows(&graph);
        plan
    }

    fn layer_of(&self, vertex: Vertex) -> usize {
        match vertex {
            Vertex::Spot(spot) => self.layer[spot],
            Vertex::Bend { layer, .. } => layer,
        }
    }

    /// Rows from the coordinates that the library finds: a spot takes two, for its name and its number.
    fn set_rows(&mut self, graph: &StableDiGraph<Vertex, ()>) {
        let config = Config {
            vertex_spacing: 2.0,
            transpose: graph.node_count() < 400,
            ..Config::default()
        };
        let mut parts = rust_sugiyama::from_graph(graph, &|_, _| (0.0, 0.0), &config);
        // Parts that no line joins come in any order.
        parts.sort_by_key(|(vertices, ..)| vertices.iter().map(|(v, _)| *v).min());
        let mut layers: Vec<Vec<(f64, Vertex)>> = vec![Vec::new(); self.layers];
        let mut start = 0.0;
        for (vertices, ..) in parts {
            let at = |v: NodeIndex, x: f64| x * (v.index() as f64);
            let count = vertices.len() as f64;
            let mean = vertices.iter().map(|(v, _)| v.index() as f64).sum::<f64>() / count;
            let turn: f64 = vertices.iter().map(|&(v, (x, _))| at(v, x) - mean * x).sum();
            // Of a picture and its mirror image, the one in the order of recording.
            let sign = if turn < 0.0 { -1.0 } else { 1.0 };
            let first = vertices.iter().map(|(_, (x, _))| sign * x).fold(f64::INFINITY, f64::min);
            let mut last = start;
            for &(v, (x, _)) in &vertices {
                let row = start + sign * x - first;
                last = last.max(row);
                layers[self.layer_of(graph[v])].push((row, graph[v]));
            }
            start = last + 2.0;
        }
        for mut layer in layers {
            layer.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut free = 0;
            for (row, vertex) in layer {
                let row = (row.round().max(0.0) as usize).max(free);
                free = row + if let Vertex::Spot(_) = vertex { 2 } else { 1 };
                self.rows.insert(vertex, row);
            }
        }
    }

    fn chart(&self, mut spots: Vec<Spot>, operands: &[Operands], left_out: usize) -> Chart {
        let gaps: Vec<Gap> = (0..self.layers).map(|layer| self.gap(layer, operands)).collect();
        let mut widths = vec![0; self.layers];
        for (spot, &layer) in spots.iter().zip(&self.layer) {
            widths[layer] = widths[layer].max(spot.width());
        }
        // Room for the mark of the current node.
        let mut starts = vec![1; self.layers];
        for layer in 1..self.layers {
            starts[layer] = starts[layer - 1] + widths[layer - 1] + gaps[layer - 1].columns + 3;
        }
        for (i, spot) in spots.iter_mut().enumerate() {
            (spot.column, spot.row) = (starts[self.layer[i]], self.rows[&Vertex::Spot(i)]);
        }
        let mut lines = Vec::new();
        for (to, operands) in operands.iter().enumerate() {
            for &(from, count) in operands {
                let mut pen = Pen::default();
                let way = way(from, to, &self.layer);
                for pair in way.windows(2) {
                    let layer = self.layer_of(pair[0]);
                    let end = starts[layer] + widths[layer];
                    let begin = match pair[0] {
                        Vertex::Spot(spot) => {
                            let name = display_width(&spots[spot].name);
                            let op = display_width(&spots[spot].op);
                            starts[layer] + name + if op > 0 { op + 2 } else { 1 }
                        }
                        Vertex::Bend { .. } => starts[layer],
                    };
                    let next = starts[layer + 1] - usize::from(matches!(pair[1], Vertex::Spot(_)));
                    let column = gaps[layer].column.get(&from).map(|column| end + 1 + column);
                    pen.join(begin, next, column, (self.rows[&pair[0]], self.rows[&pair[1]]));
                }
                lines.push(Line { from, to, count, cells: pen.0 });
            }
        }
        let width = starts.iter().zip(&widths).map(|(start, width)| start + width).max();
        let height = self.rows.values().max().map_or(0, |row| row + 2);
        Chart { spots, lines, width: width.unwrap_or(0), height, left_out }
    }

    /// Gives each value that changes its row behind a layer a column, so that no two lie on each
    /// other.
    fn gap(&self, layer: usize, operands: &[Operands]) -> Gap {
        // Of each value: the row it leaves and the rows it goes to.
        let mut moves: BTreeMap<usize, (usize, Vec<usize>)> = BTreeMap::new();
        for (to, operands) in operands.iter().enumerate() {
            for &(from, _) in operands {
                for pair in way(from, to, &self.layer).windows(2) {
                    if self.layer_of(pair[0]) == layer {
                        let leaves = self.rows[&pair[0]];
                        let to = self.rows[&pair[1]];
                        moves.entry(from).or_insert((leaves, Vec::new())).1.push(to);
                    }
                }
            }
        }
        let span = |(leaves, to): &(usize, Vec<usize>)| {
            let rows = || to.iter().chain([leaves]).copied();
            (rows().min().unwrap_or(0), rows().max().unwrap_or(0))
        };
        let mut gap = Gap { columns: 0, column: HashMap::new() };
        let mut open: Vec<usize> =
            moves.iter().filter(|(_, m)| span(m).0 < span(m).1).map(|(&from, _)| from).collect();
        let mut taken: Vec<Vec<usize>> = Vec::new();
        while !open.is_empty() {
            // A value that leaves a row comes before those that another brings there: its line
            // would else lie on theirs. In a ring of such the first goes first.
            let waits = |&from: &usize| {
                open.iter().any(|other| *other != from && moves[&from].1.contains(&moves[other].0))
            };
            let at = open.iter().position(|from| !waits(from)).unwrap_or(0);
            let from = open.remove(at);
            let after = moves
                .iter()
                .filter(|(other, m)| **other != from && moves[&from].1.contains(&m.0))
                .filter_map(|(other, _)| gap.column.get(other).map(|column| column + 1))
                .max()
                .unwrap_or(0);
            // Two may share a column if they meet in no row, or only in one where both go in.
            let apart = |other: &usize| {
                let (own, other) = (&moves[&from], &moves[other]);
                let (low, high) = (span(own).0.max(span(other).0), span(own).1.min(span(other).1));
                low > high || low == high && own.1.contains(&low) && other.1.contains(&low)
            };
            let free = |column: &usize| {
                taken.get(*column).is_none_or(|others: &Vec<usize>| others.iter().all(apart))
            };
            // One behind all that are taken is free.
            let column = (after..=after + taken.len()).find(free).unwrap_or(after);
            taken.resize_with(taken.len().max(column + 1), Vec::new);
            taken[column].push(from);
            gap.column.insert(from, column);
        }
        // A line of more than one operand says so before it goes in.
        let several = |(to, operands): (usize, &Operands)| {
            self.layer[to] == layer + 1 && operands.iter().any(|operand| operand.1 > 1)
        };
        gap.columns = taken.len() + 2 * usize::from(operands.iter().enumerate().any(several));
        gap
    }
}

/// The columns between two layers.
struct Gap {
    columns: usize,
    /// By the spot whose value goes up or down there.
    column: HashMap<usize, usize>,
}

/// The stations of a line: its ends, and a bend in each layer between.
fn way(from: usize, to: usize, layer: &[usize]) -> Vec<Vertex> {
    let bends = (layer[from] + 1..layer[to]).map(|layer| Vertex::Bend { from, layer });
    std::iter::once(Vertex::Spot(from)).chain(bends).chain([Vertex::Spot(to)]).collect()
}

/// Each node behind its operands, and what is given just before its first use.
fn layers(operands: &[Operands]) -> Vec<usize> {
    let mut layer = vec![0; operands.len()];
    for (spot, operands) in operands.iter().enumerate() {
        layer[spot] = operands.iter().map(|&(x, _)| layer[x] + 1).max().unwrap_or(0);
    }
    let mut first_use = vec![usize::MAX; operands.len()];
    for (spot, of) in operands.iter().enumerate() {
        for &(x, _) in of {
            first_use[x] = first_use[x].min(layer[spot]);
        }
    }
    for spot in 0..operands.len() {
        if operands[spot].is_empty() && first_use[spot] != usize::MAX {
            layer[spot] = first_use[spot] - 1;
        }
    }
    layer
}

/// Draws lines cell by cell.
#[derive(Default)]
struct Pen(Vec<(usize, usize, u8)>);

impl Pen {
    /// Draws from `begin` in one row to before `end` in another, changing the row in `column`.
    fn join(&mut self, begin: usize, end: usize, column: Option<usize>, rows: (usize, usize)) {
        let (from, to) = rows;
        let Some(column) = column.filter(|_| from != to) else {
            return self.across(begin, end, from);
        };
        self.across(begin, column, from);
        let (near, far) = if to > from { (DOWN, UP) } else { (UP, DOWN) };
        self.0.push((column, from, LEFT | near));
        for row in from.min(to) + 1..from.max(to) {
            self.0.push((column, row, UP | DOWN));
        }
        self.0.push((column, to, far | RIGHT));
        self.across(column + 1, end, to);
    }

    fn across(&mut self, begin: usize, end: usize, row: usize) {
        self.0.extend((begin..end).map(|column| (column, row, LEFT | RIGHT)));
    }
}
