//! Lays a graph out: nodes in layers by the Sugiyama method, scopes as boxes.
//!
//! Every scope is laid out by itself, as a graph of its nodes and of the scopes inside it, and is
//! then one box in the graph around it. So no box contains or crosses what does not belong to it. An
//! edge that leaves a scope passes a *port* on the lower side of its box, one that enters it a port
//! on the upper side.

use std::collections::BTreeMap;

use petgraph::graph::NodeIndex;
use petgraph::stable_graph::StableDiGraph;
use petgraph::visit::EdgeRef;
use rust_sugiyama::configure::Config;
use textwrap::core::display_width;

use super::{Drawing, DrawnNode};

const FONT: f64 = 12.0;
/// The height of a line.
pub(super) const LINE: f64 = 15.0;
/// The width of a letter in a monospaced font.
const LETTER: f64 = 0.602 * FONT;
pub(super) const PADDING: f64 = 8.0;
/// The space between neighbours in a layer, at least, and between layers.
const GAP: (f64, f64) = (22.0, 34.0);
/// The space around the contents of a scope, and for its name.
const FRAME: f64 = 12.0;
const NAME: f64 = 18.0;

pub(super) fn text_width(text: &str) -> f64 {
    display_width(text) as f64 * LETTER
}

fn node_size(node: &DrawnNode) -> (f64, f64) {
    let widest = node.lines.iter().map(|line| text_width(line)).fold(0.0, f64::max);
    (widest + 2.0 * PADDING, node.lines.len() as f64 * LINE + PADDING)
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    fn moved(self, (x, y): (f64, f64)) -> Self {
        Self { left: self.left + x, top: self.top + y, ..self }
    }
}

/// An item that an area, which is a scope or the whole, lays out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    /// The port where edges of a node outside come in.
    Entry(NodeIndex),
    Node(NodeIndex),
    Scope(usize),
    /// The port where edges of a node inside go out.
    Exit(NodeIndex),
}

/// A part of an edge inside one area: from item to item, of the value of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wire {
    value: NodeIndex,
    from: Item,
    to: Item,
}

/// An area that is laid out, in coordinates of its own.
#[derive(Debug, Default)]
struct Area {
    size: (f64, f64),
    items: BTreeMap<Item, Frame>,
    /// The points that a wire passes between its ends.
    bends: BTreeMap<Wire, Vec<(f64, f64)>>,
}

/// Everything with its coordinates.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    drawing: &'a Drawing,
    pub size: (f64, f64),
    /// The frames of nodes.
    pub nodes: Vec<Frame>,
    /// The frames of scopes.
    pub frames: Vec<Frame>,
    /// The areas by their scope, the whole last.
    areas: Vec<Area>,
    /// The origin of each area.
    origins: Vec<(f64, f64)>,
}

impl<'a> Placed<'a> {
    pub fn new(drawing: &'a Drawing) -> Self {
        let count = drawing.clusters.len();
        let mut wires: Vec<Vec<Wire>> = vec![Vec::new(); count + 1];
        for edge in drawing.graph.edge_references() {
            for (area, wire) in wires_of(drawing, edge.source(), edge.target()) {
                wires[area].push(wire);
            }
        }
        let mut areas: Vec<Area> = (0..=count).map(|_| Area::default()).collect();
        for area in (0..count).rev().chain([count]) {
            // A scope comes after the one around it, so those inside it are done.
            let mut wires = std::mem::take(&mut wires[area]);
            wires.sort_unstable();
            wires.dedup();
            areas[area] = lay_out(drawing, area, wires, &areas);
        }
        let mut placed = Self {
            drawing,
            size: areas[count].size,
            nodes: vec![Frame::default(); drawing.graph.node_count()],
            frames: vec![Frame::default(); count],
            areas,
            origins: vec![(0.0, 0.0); count + 1],
        };
        placed.place();
        placed
    }

    /// Finds the origins, from the outermost area inwards.
    fn place(&mut self) {
        let count = self.frames.len();
        for area in [count].into_iter().chain(0..count) {
            for (&item, &frame) in &self.areas[area].items {
                let frame = frame.moved(self.origins[area]);
                match item {
                    Item::Node(node) => self.nodes[node.index()] = frame,
                    Item::Scope(scope) => {
                        self.frames[scope] = frame;
                        self.origins[scope] = (frame.left, frame.top);
                    }
                    Item::Entry(_) | Item::Exit(_) => {}
                }
            }
        }
    }

    /// The points of an edge. Operands come in beside each other, in their order.
    pub fn way(&self, from: NodeIndex, to: NodeIndex, position: usize) -> Vec<(f64, f64)> {
        let (start, end) = (self.nodes[from.index()], self.nodes[to.index()]);
        let operands = self.drawing.graph.edges_directed(to, petgraph::Direction::Incoming).count();
        let step = (end.width / (operands as f64 + 1.0)).min(14.0);
        let aside = (position as f64 - (operands as f64 - 1.0) / 2.0) * step;
        let mut way = vec![(start.left + start.width / 2.0, start.top + start.height)];
        for (area, wire) in wires_of(self.drawing, from, to) {
            let (x, y) = self.origins[area];
            let placed = &self.areas[area];
            way.extend(placed.bends[&wire].iter().map(|bend| (bend.0 + x, bend.1 + y)));
            for port in [wire.from, wire.to] {
                if let Item::Entry(_) | Item::Exit(_) = port {
                    let frame = placed.items[&port].moved((x, y));
                    way.push((frame.left + frame.width / 2.0, frame.top));
                }
            }
        }
        way.push((end.left + end.width / 2.0 + aside, end.top));
        // The ports of a way inwards are met before the bends behind them.
        way.sort_by(|a, b| a.1.total_cmp(&b.1));
        way
    }
}

/// The scopes around a node, the innermost first, and then the whole.
fn around(drawing: &Drawing, node: NodeIndex) -> Vec<usize> {
    let outwards = |&scope: &usize| drawing.clusters[scope].parent;
    let mut scopes: Vec<usize> =
        std::iter::successors(drawing.graph[node].cluster, outwards).collect();
    scopes.push(drawing.clusters.len());
    scopes
}

/// The parts of an edge, each with the area that it is in: out of the scopes of its start, across,
/// and into the scopes of its end.
fn wires_of(drawing: &Drawing, from: NodeIndex, to: NodeIndex) -> Vec<(usize, Wire)> {
    let (mut out, mut into) = (around(drawing, from), around(drawing, to));
    let mut shared = None;
    while out.last().is_some() && out.last() == into.last() {
        shared = out.pop();
        into.pop();
    }
    let shared = shared.expect("the whole is around every node");
    let mut wires = Vec::new();
    let mut here = Item::Node(from);
    for scope in out {
        wires.push((scope, Wire { value: from, from: here, to: Item::Exit(from) }));
        here = Item::Scope(scope);
    }
    for (area, next) in std::iter::once(shared)
        .chain(into.iter().rev().copied())
        .zip(into.iter().rev().map(|&scope| Item::Scope(scope)).chain([Item::Node(to)]))
    {
        wires.push((area, Wire { value: from, from: here, to: next }));
        here = Item::Entry(from);
    }
    wires
}

/// The layer of each item: below those that it is computed from, and what is given just above its
/// first use.
fn layers(items: &[Item], wires: &[Wire], order: impl Fn(Item) -> usize) -> BTreeMap<Item, usize> {
    let mut sorted = items.to_vec();
    sorted.sort_by_key(|&item| (order(item), item));
    let rank: BTreeMap<Item, usize> = sorted.iter().enumerate().map(|(i, &x)| (x, i)).collect();
    let mut layer: BTreeMap<Item, usize> = items.iter().map(|&item| (item, 0)).collect();
    let mut above: BTreeMap<Item, Vec<Item>> = BTreeMap::new();
    let mut below = above.clone();
    // A wire against the order, which two scopes entered by turns could give, counts for nothing.
    for wire in wires.iter().filter(|wire| rank[&wire.from] < rank[&wire.to]) {
        above.entry(wire.to).or_default().push(wire.from);
        below.entry(wire.from).or_default().push(wire.to);
    }
    for item in &sorted {
        let operands = above.get(item).into_iter().flatten();
        layer.insert(*item, operands.map(|x| layer[x] + 1).max().unwrap_or(0));
    }
    let first = usize::from(items.iter().any(|item| matches!(item, Item::Entry(_))));
    for item in sorted.iter().rev().filter(|item| !above.contains_key(item)) {
        if let Some(use_) = below.get(item).into_iter().flatten().map(|x| layer[x]).min() {
            layer.insert(*item, use_ - 1);
        }
    }
    let last = 1 + layer.values().copied().max().unwrap_or(0);
    for (item, layer) in &mut layer {
        *layer = match item {
            Item::Entry(_) => 0,
            Item::Exit(_) => last + first,
            _ => *layer + first,
        };
    }
    layer
}

/// A vertex of the graph that is laid out, an item or a bend of a wire: its layer and its size.
type Vertex = (usize, (f64, f64));

/// Lays out the inside of a scope, or of the whole, given the areas of the scopes inside it.
fn lay_out(drawing: &Drawing, area: usize, wires: Vec<Wire>, done: &[Area]) -> Area {
    let own = (area < drawing.clusters.len()).then_some(area);
    let mut items: Vec<Item> = drawing.nodes_in(own).map(Item::Node).collect();
    items.extend(drawing.clusters_in(own).map(Item::Scope));
    items.extend(wires.iter().flat_map(|w| [w.from, w.to]));
    items.sort_unstable();
    items.dedup();
    let size = |item: Item| match item {
        Item::Node(node) => node_size(&drawing.graph[node]),
        Item::Scope(scope) => done[scope].size,
        Item::Entry(_) | Item::Exit(_) => (0.0, 0.0),
    };
    let layer = layers(&items, &wires, |item| match item {
        Item::Entry(_) => 0,
        Item::Node(node) => node.index() + 1,
        Item::Scope(scope) => first_node(drawing, scope) + 1,
        Item::Exit(_) => usize::MAX,
    });
    let vertices = items.iter().map(|&item| (item, (layer[&item], size(item))));
    let layered = Layered::new(vertices.collect(), wires);
    layered.area(own.map(|scope| &drawing.clusters[scope].name[..]))
}

/// The items of an area in their layers, joined by wires whose edges span one layer each.
struct Layered {
    graph: StableDiGraph<Vertex, ()>,
    vertex: BTreeMap<Item, NodeIndex>,
    /// The bends of each wire, from layer to layer.
    bends: BTreeMap<Wire, Vec<NodeIndex>>,
}

impl Layered {
    fn new(items: Vec<(Item, Vertex)>, wires: Vec<Wire>) -> Self {
        let mut graph: StableDiGraph<Vertex, ()> = StableDiGraph::new();
        let vertex: BTreeMap<Item, NodeIndex> =
            items.into_iter().map(|(item, vertex)| (item, graph.add_node(vertex))).collect();
        let layer = |graph: &StableDiGraph<Vertex, ()>, item| graph[vertex[&item]].0;
        let mut all_bends = BTreeMap::new();
        // The wires of one value run together as far as the last of them goes.
        let mut trunks: BTreeMap<(NodeIndex, Item, usize), NodeIndex> = BTreeMap::new();
        for wire in wires {
            let (start, end) = (layer(&graph, wire.from), layer(&graph, wire.to));
            let mut bend = |at| {
                let new = || graph.add_node((at, (0.0, 0.0)));
                *trunks.entry((wire.value, wire.from, at)).or_insert_with(new)
            };
            let bends: Vec<NodeIndex> = (start + 1..end).map(&mut bend).collect();
            if start < end {
                let below = bends.iter().copied().chain([vertex[&wire.to]]);
                below.fold(vertex[&wire.from], |above, below| {
                    graph.update_edge(above, below, ());
                    below
                });
            }
            all_bends.insert(wire, bends);
        }
        Self { graph, vertex, bends: all_bends }
    }

    /// Finds the coordinates of everything, inside a frame if the area has a name.
    fn area(&self, name: Option<&str>) -> Area {
        let Self { graph, vertex, bends } = self;
        let x = across(graph);
        let (tops, heights) = down(graph);
        let (border, title) = if name.is_some() { (FRAME, NAME) } else { (0.0, 0.0) };
        let left = graph.node_indices().map(|v| x[v.index()] - graph[v].1.0 / 2.0);
        let left = left.fold(f64::INFINITY, f64::min);
        let right = graph.node_indices().map(|v| x[v.index()] + graph[v].1.0 / 2.0);
        let right = right.fold(f64::NEG_INFINITY, f64::max);
        let name = name.map_or(0.0, |name| text_width(name) + 2.0 * PADDING);
        let width = (right - left + 2.0 * border).max(name);
        let height = tops.last().map_or(0.0, |top| top + heights[tops.len() - 1]) + title;
        // Ports lie on the border itself.
        let has = |is: fn(&Item) -> bool| vertex.keys().any(is);
        let above = if has(|item| matches!(item, Item::Entry(_))) { 0.0 } else { border };
        let below = if has(|item| matches!(item, Item::Exit(_))) { 0.0 } else { border };
        let middle = (width - (right - left)) / 2.0;
        let at = |v: NodeIndex| (x[v.index()] - left + middle, tops[graph[v].0] + above + title);
        let frame = |(&item, &v): (&Item, &NodeIndex)| {
            let ((x, y), (width, height)) = (at(v), graph[v].1);
            // In the middle of its layer; ports of entry above the name.
            let y = match item {
                Item::Entry(_) => 0.0,
                _ => y + (heights[graph[v].0] - height) / 2.0,
            };
            (item, Frame { left: x - width / 2.0, top: y, width, height })
        };
        let through = |v: &NodeIndex| {
            let (x, y) = at(*v);
            [(x, y), (x, y + heights[graph[*v].0])]
        };
        let points = |(&wire, bends): (&Wire, &Vec<NodeIndex>)| {
            (wire, bends.iter().flat_map(through).collect())
        };
        Area {
            size: (width, height + above + below),
            items: vertex.iter().map(frame).collect(),
            bends: bends.iter().map(points).collect(),
        }
    }
}

/// The first node in a scope or in those inside it, which is when it was entered.
fn first_node(drawing: &Drawing, scope: usize) -> usize {
    let inside = |node: &NodeIndex| around(drawing, *node).contains(&scope);
    drawing.graph.node_indices().find(inside).map_or(0, NodeIndex::index)
}

/// The x-coordinates of the vertices: by rust-sugiyama, which finds an order of few
/// crossings. All edges span one layer, so its layers are ours.
fn across(graph: &StableDiGraph<Vertex, ()>) -> Vec<f64> {
    let config =
        Config { vertex_spacing: GAP.0, transpose: graph.node_count() < 400, ..Config::default() };
    let mut parts = rust_sugiyama::from_graph(graph, &|_, vertex| vertex.1, &config);
    // Parts that no edge joins come in any order.
    parts.sort_by_key(|(vertices, ..)| vertices.iter().map(|(v, _)| *v).min());
    let mut x = vec![0.0; graph.node_count()];
    let mut start = 0.0;
    for (vertices, ..) in parts {
        let mean =
            vertices.iter().map(|(v, _)| v.index() as f64).sum::<f64>() / vertices.len() as f64;
        let edge =
            |side: f64| vertices.iter().map(move |(v, (x, _))| x + side * graph[*v].1.0 / 2.0);
        let (left, right) =
            (edge(-1.0).fold(f64::INFINITY, f64::min), edge(1.0).fold(f64::NEG_INFINITY, f64::max));
        // Of a picture and its mirror image, the one in the order of recording.
        let turned =
            vertices.iter().map(|(v, (x, _))| x * (mean - v.index() as f64)).sum::<f64>() > 0.0;
        for (v, (at, _)) in &vertices {
            x[v.index()] = start + if turned { right - at } else { at - left };
        }
        start += right - left + GAP.0;
    }
    x
}

/// The top and the height of each layer.
fn down(graph: &StableDiGraph<Vertex, ()>) -> (Vec<f64>, Vec<f64>) {
    let count = graph.node_weights().map(|v| v.0 + 1).max().unwrap_or(0);
    let mut heights = vec![0.0_f64; count];
    for &(layer, (_, height)) in graph.node_weights() {
        heights[layer] = heights[layer].max(height);
    }
    let mut tops = vec![0.0; count];
    for layer in 1..count {
        tops[layer] = tops[layer - 1] + heights[layer - 1] + GAP.1;
    }
    (tops, heights)
}
