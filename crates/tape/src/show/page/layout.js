// ---------------------------------------------------------------------------------------------
// layout.js: where boxes and arrows go. Layers, so that every arrow points the same way; few
// crossings; short, straight arrows (Sugiyama, Tagawa and Toda 1981; Gansner, Koutsofios, North
// and Vo 1993). An open group is laid out by itself and is then one box in the group around it.
//
// `a` runs along the arrows, `c` across them: which is x and which y is decided at the end.
// ---------------------------------------------------------------------------------------------

const GAP = { right: { layer: 84, thin: 26, across: 18 }, down: { layer: 46, thin: 20, across: 26 } };
const PADDING = { top: 34, side: 14 };

/**
 * Lays out items with links between them.
 *
 * @param items  `{ id, parent, width, height, open }`, children after parents; an open item is
 *               sized here
 * @param links  `{ from, to }`, items that are not open
 * @param direction  `'right'` or `'down'`
 * @returns the width and height; each item gets `x`, `y`, `width`, `height` and each link
 *          `points`: pairs of points between which it runs as a curve
 */
function layOut(items, links, direction) {
  const flat = direction === 'right';
  const root = { id: null, open: true, depth: 0, children: [] };
  for (const item of items) {
    const parent = item.parent ?? root;
    item.depth = parent.depth + 1;
    item.children = [];
    parent.children.push(item);
  }
  for (const link of links) link.pieces = [];
  const arrangeInside = (box) => {
    for (const child of box.children) if (child.open) arrangeInside(child);
    const { length, breadth } = arrange(box, links, flat ? GAP.right : GAP.down, flat);
    const pad = box === root ? 0 : PADDING.side;
    const top = box === root ? 0 : PADDING.top;
    box.shift = { x: pad, y: top };
    box.width = (flat ? length : breadth) + 2 * pad;
    box.height = (flat ? breadth : length) + top + pad;
    if (box !== root) box.width = Math.max(box.width, box.titleWidth ?? 0);
  };
  arrangeInside(root);
  place(root, { x: 0, y: 0 }, flat);
  for (const link of links) joinPieces(link, flat);
  return { width: root.width, height: root.height };
}

/** The child of a box that an item is in, or nothing if it is outside. */
function childIn(box, item) {
  let child = item;
  while (child && child.depth > box.depth + 1) child = child.parent;
  return child && (child.parent ?? null) === (box.id === null ? null : box) ? child : null;
}

/** Lays out the children of one box. */
function arrange(box, links, gap, flat) {
  const vertices = box.children.map((item) => vertex(item, flat));
  const ofItem = new Map(vertices.map((v) => [v.item, v]));
  const ports = { entry: new Map(), exit: new Map() };
  const port = (kind, source) => {
    if (!ports[kind].has(source)) {
      const made = { kind, source, length: 0, breadth: 4, above: [], below: [] };
      ports[kind].set(source, made);
      vertices.push(made);
    }
    return ports[kind].get(source);
  };
  const inner = [];
  for (const link of links) {
    const [from, to] = [childIn(box, link.from), childIn(box, link.to)];
    if (from === to) continue;
    const v = from ? ofItem.get(from) : port('entry', link.from);
    const w = to ? ofItem.get(to) : port('exit', link.from);
    inner.push({ link, from: v, to: w, source: link.from });
  }
  const layers = intoLayers(vertices, inner);
  const chains = withBends(layers, inner);
  order(layers);
  const length = positionAlong(layers, gap);
  const breadth = positionAcross(layers, gap);
  for (const { link, from, to, source, bends } of chains) {
    const chain = [from, ...bends, to];
    const points = [];
    for (let i = 0; i + 1 < chain.length; i += 1) {
      points.push(...stretch(end(chain[i], source), chain[i].to, chain[i + 1].from, start(chain[i + 1], link)));
    }
    link.pieces.push({ box, kind: to.kind ?? from.kind ?? 'inner', points });
  }
  box.entries = new Map([...ports.entry].map(([source, v]) => [source, v.c]));
  box.exits = new Map([...ports.exit].map(([source, v]) => [source, v.c]));
  for (const v of vertices) if (v.item) v.item.at = { a: v.a, c: v.c, flat };
  return { length, breadth };
}

/** From a box straight to the end of its layer, across to the next layer, and straight to a box. */
function stretch(begin, leaves, arrives, end_) {
  const points = [begin, { a: leaves, c: begin.c }, { a: arrives, c: end_.c }, end_];
  const pairs = points.slice(1).map((point, i) => [points[i], point]);
  return pairs.filter(([p, q], i) => i === 1 || q.a > p.a + 0.5);
}

function vertex(item, flat) {
  const [length, breadth] = flat ? [item.width, item.height] : [item.height, item.width];
  // Where the content of an open group begins, from the middle of its breadth.
  const shift = item.open ? (flat ? item.shift.y : item.shift.x) - breadth / 2 : 0;
  return { item, length, breadth, shift, above: [], below: [] };
}

/** How far from its middle an arrow from `source` leaves a vertex. */
const exitOf = (v, source) => (v.item?.open ? v.shift + v.item.exits.get(source) : 0);
/** How far from its middle a link arrives at a vertex. */
function entryOf(v, link) {
  if (v.item?.open) return v.shift + v.item.entries.get(link.from);
  return v.arrivals?.get(link) ?? 0;
}
const end = (v, source) => ({ a: v.a + v.length, c: v.c + exitOf(v, source) });
const start = (v, link) => ({ a: v.a, c: v.c + entryOf(v, link) });

/** The longest path to each vertex; what is given goes right before its first use. */
function intoLayers(vertices, inner) {
  const outgoing = new Map(vertices.map((v) => [v, []]));
  const missing = new Map(vertices.map((v) => [v, 0]));
  for (const edge of inner) {
    outgoing.get(edge.from).push(edge.to);
    missing.set(edge.to, missing.get(edge.to) + 1);
  }
  for (const v of vertices) v.layer = 0;
  const given = vertices.filter((v) => missing.get(v) === 0);
  const queue = [...given];
  for (const v of queue) {
    for (const w of outgoing.get(v)) {
      w.layer = Math.max(w.layer, v.layer + 1);
      missing.set(w, missing.get(w) - 1);
      if (missing.get(w) === 0) queue.push(w);
    }
  }
  for (const v of given) {
    const uses = outgoing.get(v).map((w) => w.layer);
    if (uses.length > 0) v.layer = Math.min(...uses) - 1;
  }
  const inside = vertices.filter((v) => !v.kind);
  const last = Math.max(0, ...inside.map((v) => v.layer));
  for (const v of vertices) {
    if (v.kind === 'entry') v.layer = -1;
    if (v.kind === 'exit') v.layer = last + 1;
  }
  const layers = Array.from({ length: last + 3 }, () => []);
  for (const v of vertices) layers[v.layer + 1].push(v);
  return layers;
}

/** Gives long links a bend in every layer they pass; links of one source share theirs. */
function withBends(layers, inner) {
  const known = new Map();
  const connected = new Set();
  const connect = (v, w, source, link) => {
    const weight = (v.bend ? 1 : 0) + (w.bend ? 1 : 0);
    v.below.push({ v: w, source, link, weight: [1, 2, 6][weight] });
    w.above.push({ v, source, link, weight: [1, 2, 6][weight] });
  };
  return inner.map((edge) => {
    const bends = [];
    let previous = edge.from;
    for (let layer = edge.from.layer + 1; layer < edge.to.layer; layer += 1) {
      const key = edge.source;
      if (!known.has(key)) known.set(key, new Map());
      const trunk = known.get(key);
      if (!trunk.has(layer)) {
        const bend = { bend: true, layer, length: 0, breadth: 6, above: [], below: [] };
        trunk.set(layer, bend);
        layers[layer + 1].push(bend);
      }
      const bend = trunk.get(layer);
      if (!connected.has(bend)) connect(previous, bend, edge.source, edge.link);
      connected.add(bend);
      bends.push(bend);
      previous = bend;
    }
    connect(previous, edge.to, edge.source, edge.link);
    return { ...edge, bends };
  });
}

/** Orders each layer for few crossings: medians, and exchanges of neighbours, while it helps. */
function order(layers) {
  const count = layers.reduce((sum, layer) => sum + layer.length, 0);
  const number = () => layers.forEach((layer) => layer.forEach((v, i) => { v.order = i; }));
  number();
  const place = (v, offset) => v.order + 0.5 + offset / Math.max(v.breadth, 1);
  const fromAbove = (e) => place(e.v, exitOf(e.v, e.source));
  const fromBelow = (e) => place(e.v, entryOf(e.v, e.link));
  const sortBy = (layer, side, at) => {
    for (const v of layer) {
      const places = v[side].map(at).sort((x, y) => x - y);
      const middle = places.length / 2;
      v.rank = places.length === 0 ? v.order
        : (places[Math.ceil(middle) - 1] + places[Math.floor(middle)]) / 2;
    }
    layer.sort((v, w) => v.rank - w.rank || v.order - w.order);
    layer.forEach((v, i) => { v.order = i; });
  };
  const exchange = (layer) => {
    for (let i = 0; i + 1 < layer.length; i += 1) {
      const [v, w] = [layer[i], layer[i + 1]];
      const gain = crossings(v.above, w.above, fromAbove) - crossings(w.above, v.above, fromAbove)
        + crossings(v.below, w.below, fromBelow) - crossings(w.below, v.below, fromBelow);
      if (gain <= 0) continue;
      [layer[i], layer[i + 1]] = [w, v];
      [v.order, w.order] = [w.order, v.order];
    }
  };
  const rounds = count < 1500 ? 12 : 4;
  let best = { crossings: Infinity };
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) layers.slice(1).forEach((layer) => sortBy(layer, 'above', fromAbove));
    else [...layers].reverse().slice(1).forEach((layer) => sortBy(layer, 'below', fromBelow));
    if (count < 1500) layers.forEach(exchange);
    const total = layers.reduce((sum, layer) => sum + allCrossings(layer, fromBelow, exitOf), 0);
    if (total < best.crossings) {
      best = { crossings: total, layers: layers.map((layer) => [...layer]) };
    }
    if (total === 0) break;
  }
  if (best.layers) best.layers.forEach((layer, i) => { layers[i].splice(0, layer.length, ...layer); });
  number();
}

/** How many pairs of arrows cross if those of `first` come before those of `second`. */
function crossings(first, second, at) {
  let count = 0;
  for (const e of first) for (const f of second) if (at(e) > at(f)) count += 1;
  return count;
}

/** How many pairs of arrows to the next layer cross. */
function allCrossings(layer, fromBelow, exit) {
  const ends = layer.flatMap((v) => v.below
    .map((e) => ({ from: v.order + exit(v, e.source) / Math.max(v.breadth, 1), to: fromBelow(e) })));
  ends.sort((e, f) => e.from - f.from || e.to - f.to);
  let count = 0;
  const seen = []; // The ends so far, sorted.
  for (const { to } of ends) {
    let [low, high] = [0, seen.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seen[middle] <= to) low = middle + 1; else high = middle;
    }
    count += seen.length - low;
    seen.splice(low, 0, to);
  }
  return count;
}

/** Places the layers one after the other. Returns the length of all. */
function positionAlong(layers, gap) {
  let a = 0;
  let before = null;
  // Where many arrows cross, they need room to be told apart.
  const room = (layer) => {
    const arriving = layer.flatMap((v) => v.above.filter((e) => !(v.bend && e.v.bend)));
    return Math.min(150, 30 + 1.1 * arriving.length);
  };
  for (const layer of layers) {
    if (layer.length === 0) continue;
    const kind = layer.some((v) => v.item) ? 'layer' : 'thin';
    const least = before === 'layer' && kind === 'layer' ? gap.layer : gap.thin;
    if (before) a += layer.length > 12 ? Math.max(least, room(layer)) : least;
    const length = Math.max(...layer.map((v) => v.length));
    for (const v of layer) {
      [v.from, v.to] = [a, a + length];
      v.a = a + (v.bend ? 0 : (length - v.length) / 2);
      if (v.bend) v.length = length;
    }
    a += length;
    before = kind;
  }
  return a;
}

/** Places the vertices of each layer near what they are linked to. Returns the breadth of all. */
function positionAcross(layers, gap) {
  const separation = (v, w) => (v.breadth + w.breadth) / 2 + (v.bend && w.bend ? 6 : gap.across);
  for (const layer of layers) {
    let c = 0;
    layer.forEach((v, i) => { c += i > 0 ? separation(layer[i - 1], v) : 0; v.c = c; });
    for (const v of layer) v.c -= c / 2;
  }
  const pull = (v, sides) => {
    let [sum, weight] = [0, 0];
    for (const side of sides) {
      for (const e of v[side]) {
        const [there, here] = side === 'above'
          ? [exitOf(e.v, e.source), entryOf(v, e.link)]
          : [entryOf(e.v, e.link), exitOf(v, e.source)];
        sum += e.weight * (e.v.c + there - here);
        weight += e.weight;
      }
    }
    return weight > 0 ? { c: sum / weight, weight } : { c: v.c, weight: 0.01 };
  };
  const settle = (layer, sides) => {
    const wishes = layer.map((v) => pull(v, sides));
    const gaps = layer.map((v, i) => (i > 0 ? separation(layer[i - 1], v) : 0));
    nearest(wishes, gaps).forEach((c, i) => { layer[i].c = c; });
  };
  for (let round = 0; round < 8; round += 1) {
    for (const layer of layers) settle(layer, ['above']);
    for (const layer of [...layers].reverse()) settle(layer, ['below']);
    if (round === 3) arrivals(layers);
  }
  for (let round = 0; round < 4; round += 1) {
    for (const layer of layers) settle(layer, ['above', 'below']);
    for (const layer of [...layers].reverse()) settle(layer, ['above', 'below']);
  }
  arrivals(layers);
  const all = layers.flat();
  const top = Math.min(...all.map((v) => v.c - v.breadth / 2));
  for (const v of all) v.c -= top;
  return Math.max(...all.map((v) => v.c + v.breadth / 2));
}

/** The positions nearest to the wishes, by least squares, that keep the order and the gaps. */
function nearest(wishes, gaps) {
  const blocks = [];
  let offset = 0;
  wishes.forEach(({ c, weight }, i) => {
    offset += gaps[i];
    blocks.push({ sum: (c - offset) * weight, weight, offsets: [offset] });
    // Neighbours that would come too near move as one.
    while (blocks.length > 1) {
      const [before, last] = blocks.slice(-2);
      if (before.sum / before.weight <= last.sum / last.weight) break;
      before.sum += last.sum;
      before.weight += last.weight;
      before.offsets.push(...last.offsets);
      blocks.pop();
    }
  });
  return blocks.flatMap((b) => b.offsets.map((o) => b.sum / b.weight + o));
}

/** Spreads the arrows that arrive at a box over its side, in the order of where they come from. */
function arrivals(layers) {
  for (const v of layers.flat()) {
    if (!v.item || v.item.open) continue;
    const from = (e) => e.v.c + exitOf(e.v, e.source);
    const arriving = [...v.above].sort((e, f) => from(e) - from(f));
    const room = Math.min(v.breadth * 0.7, 22 * (arriving.length - 1));
    v.arrivals = new Map(arriving.map((e, i) => [
      e.link,
      arriving.length > 1 ? (i / (arriving.length - 1) - 0.5) * room : 0,
    ]));
  }
}

/** From places in a box to places on the page. */
function place(box, origin, flat) {
  box.origin = origin;
  for (const child of box.children) {
    const [x, y] = flat
      ? [child.at.a, child.at.c - child.height / 2]
      : [child.at.c - child.width / 2, child.at.a];
    child.x = origin.x + x;
    child.y = origin.y + y;
    if (child.open) place(child, { x: child.x + child.shift.x, y: child.y + child.shift.y }, flat);
  }
}

/** Out of the groups that the source is in, across, and into those of the target. */
function joinPieces(link, flat) {
  const rank = ({ kind, box }) => ({ exit: -box.depth, inner: 0, entry: box.depth }[kind]);
  link.pieces.sort((p, q) => {
    const sides = ['exit', 'inner', 'entry'];
    return sides.indexOf(p.kind) - sides.indexOf(q.kind) || rank(p) - rank(q);
  });
  const onPage = ({ a, c }, { origin }) => (flat
    ? { x: origin.x + a, y: origin.y + c }
    : { x: origin.x + c, y: origin.y + a });
  link.points = [];
  for (const { points, box } of link.pieces) {
    for (const [from, to] of points) {
      const pair = [onPage(from, box), onPage(to, box)];
      const before = link.points.at(-1)?.[1];
      if (before && (before.x !== pair[0].x || before.y !== pair[0].y)) {
        link.points.push([before, pair[0]]);
      }
      link.points.push(pair);
    }
  }
}
