// ---------------------------------------------------------------------------------------------
// graph.js: the drawing. What it shows of a step comes from `knowledge`, above.
// ---------------------------------------------------------------------------------------------

const SVG = 'http://www.w3.org/2000/svg';
const NODE_HEIGHT = 58;
const MINIATURE = { width: 58, height: 46, gap: 8, top: 57, bottom: 10 }; // In the box of a closed group.
const PICTURE = { top: 44, height: 72 }; // Of an image in the box of a value.
const READABLE = 0.96; // The scale below which text would be smaller than 11 pixels.
const LARGEST = 1.6; // The scale to which a small graph is enlarged.
const FIRST_BOXES = 40; // The most that are drawn because groups are opened at the beginning.
const CHARACTER = 7.5; // The width of one, as the style has it.
const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** An element of the drawing. */
function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Sets what differs only: a step changes little of a drawing. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
function setAttribute(element, name, value) {
  if (value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** The name of a box; from far away it has the box to itself, and is as large as fits. */
function labelText(item, x, text) {
  const label = svg('text', { class: 'label', x, y: 18 }, text);
  const size = Math.min(34, (item.width - 2 * x) / (0.62 * [...text].length));
  label.style.setProperty('--far', `${Math.max(12.5, round(size))}px`);
  return label;
}

/** A text on a ground of its own, in the middle of a place; its ground is as wide as the text. */
function tag(name, x, y, attributes = {}) {
  const text = svg('text', { x, y: y + 4, 'text-anchor': 'middle' });
  return svg('g', { class: `tag ${name}`, ...attributes }, svg('rect', { x, y: y - 8, height: 16, rx: 8 }), text);
}
function setTag(element, text) {
  const [ground, words] = element.children;
  if (words.textContent === text) return;
  const width = text === '' ? 0 : [...text].length * CHARACTER + 6;
  // A badge begins at its place, to leave the middle of the box to the arrows.
  const from = element.dataset.from === undefined ? words.getAttribute('x') - width / 2 : Number(element.dataset.from);
  ground.setAttribute('width', width);
  ground.setAttribute('x', from);
  words.setAttribute('x', from + width / 2);
  words.textContent = text;
}

/** A text of one line, shortened to so many characters. */
function clip(text, length) {
  const characters = [...text.replace(/\s+/gu, ' ')];
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
}

const graph = {
  stage: document.getElementById('stage'),
  root: document.getElementById('drawing'),
  /** Groups that are open. */
  open: new Set(),
  direction: 'right',
  view: { x: 0, y: 0, scale: 1 },
  items: [],
  links: [],

  /** What stands for a node: itself, or the outermost closed group around it. */
  itemOf(node) {
    return this.nodeItems[node.index];
  },

  /** Lays out and draws everything that is to be seen. */
  draw() {
    this.build();
    this.extent = layOut(this.items, this.links, this.direction);
    const [boxes, edges, labels, leaves] = ['boxes', 'edges', 'labels', 'nodes']
      .map((name) => svg('g', { class: name }));
    for (const item of this.items) {
      if (item.open) boxes.append(this.drawOpen(item));
      else leaves.append(item.node ? this.drawNode(item) : this.drawClosed(item));
    }
    const taken = this.items.filter((item) => !item.open);
    for (const link of this.links) {
      edges.append(this.drawLink(link));
      labels.append(this.drawLabel(link, taken));
    }
    this.root.replaceChildren(boxes, edges, leaves, labels);
    this.root.setAttribute('width', this.extent.width);
    this.root.setAttribute('height', this.extent.height);
    this.moveTo(this.view);
  },

  build() {
    const groupItems = new Map();
    this.items = [];
    this.nodeItems = [];
    const groupItem = (group) => {
      if (!groupItems.has(group)) {
        const open = this.open.has(group);
        const title = clip(group.name, 26);
        const shown = group.shown ??= miniaturesOf(group);
        const pictures = shown.length * (MINIATURE.width + MINIATURE.gap) - MINIATURE.gap;
        const item = {
          id: `group-${group.index}`, group, open, title, titleWidth: 44 + title.length * CHARACTER,
          parent: group.parent && groupItem(group.parent),
          height: shown.length > 0 ? MINIATURE.top + MINIATURE.height + MINIATURE.bottom : NODE_HEIGHT,
          width: Math.max(132, 36 + title.length * CHARACTER, pictures + 24),
        };
        groupItems.set(group, item);
        this.items.push(item);
      }
      return groupItems.get(group);
    };
    for (const node of nodes) {
      const path = around(node.group);
      const closed = path.find((group) => !this.open.has(group));
      if (closed) {
        this.nodeItems.push(groupItem(closed));
        continue;
      }
      const title = clip(node.label, 18);
      const width = Math.min(280, Math.max(104, 22 + CHARACTER * widest(node, title)));
      const parent = node.group && groupItem(node.group);
      const height = imageOf(node) ? PICTURE.top + PICTURE.height + 8 : NODE_HEIGHT;
      const item = { id: `node-${node.index}`, node, title, parent, width, height };
      this.items.push(item);
      this.nodeItems.push(item);
    }
    const links = new Map();
    for (const node of nodes) {
      node.operands.forEach((operand, position) => {
        const [from, to] = [this.nodeItems[operand], this.nodeItems[node.index]];
        if (from === to) return;
        // Both arrows of x · x are drawn; between groups one stands for all.
        const key = to.node ? `${from.id} ${to.id} ${position}` : `${from.id} ${to.id}`;
        if (!links.has(key)) links.set(key, { from, to, uses: [] });
        links.get(key).uses.push([node.index, position]);
      });
    }
    this.links = [...links.values()];
  },

  drawNode(item) {
    const { node } = item;
    const line = (name, y) => svg('text', { class: name, x: 10, y });
    item.parts = {
      value: line('value', 35), adjoint: line('adjoint', 50),
      // On the border, where it covers nothing.
      badge: tag('badge', 0, -3, { 'data-from': item.width - 32 }),
    };
    const op = svg('text', { class: 'op', x: item.width - 8, y: 18, 'text-anchor': 'end' }, opText(node));
    const label = labelText(item, 10, item.title);
    const box = svg('rect', { class: 'box', width: item.width, height: item.height, rx: 7 });
    item.element = svg('g', {
      class: `node ${node.kind}`, transform: `translate(${item.x} ${item.y})`, role: 'button',
      tabindex: -1, 'data-node': node.index,
    }, box, label, op, ...Object.values(item.parts));
    const image = imageOf(node);
    if (image) {
      const cells = svg('g');
      drawCells(cells, image, { x: 10, y: PICTURE.top, width: item.width - 20, height: PICTURE.height }, true);
      item.element.append(cells);
    }
    if (node.cut) item.element.append(svg('text', { class: 'op', x: -4, y: 33, 'text-anchor': 'end' }, '✂'));
    return item.element;
  },

  drawClosed(item) {
    const { group } = item;
    const small = group.shown.length > 0;
    item.parts = {
      inside: svg('text', small ? { class: 'inside', x: item.width - 10, y: 35, 'text-anchor': 'end' } : { class: 'inside', x: 12, y: 35 }),
      badge: tag('badge', 0, -3, { 'data-from': item.width - 40 }),
    };
    const count = sentence('count_values', { count: group.nodes.length });
    item.small = group.shown.map((shown, i) => {
      const x = 12 + i * (MINIATURE.width + MINIATURE.gap);
      const cells = svg('g', { class: 'cells' });
      const caption = svg('text', { class: 'op caption', x: x + MINIATURE.width / 2, y: MINIATURE.top - 5, 'text-anchor': 'middle' }, shown.caption);
      const frame = svg('rect', { class: 'pane', x, y: MINIATURE.top, width: MINIATURE.width, height: MINIATURE.height });
      return { shown, cells, area: { x, y: MINIATURE.top, width: MINIATURE.width, height: MINIATURE.height }, parts: [caption, frame, cells] };
    });
    item.element = svg('g', {
      class: 'node group', transform: `translate(${item.x} ${item.y})`, role: 'button', tabindex: -1,
      'aria-expanded': 'false', 'data-group': group.index,
    },
    svg('rect', { class: 'behind', x: 4, y: 4, width: item.width, height: item.height, rx: 9 }),
    svg('rect', { class: 'box', width: item.width, height: item.height, rx: 9 }),
    labelText(item, 12, `▸ ${item.title}`),
    svg('text', { class: 'op', x: 12, y: small ? 35 : 50 }, count),
    ...item.small.flatMap(({ parts }) => parts), ...Object.values(item.parts));
    return item.element;
  },

  drawOpen(item) {
    item.element = svg('g', {
      class: 'opened', transform: `translate(${item.x} ${item.y})`, role: 'button', tabindex: -1,
      'aria-expanded': 'true', 'aria-label': sentence('group_open', { name: item.group.name }),
      'data-group': item.group.index, 'data-depth': item.depth % 2,
    },
    svg('rect', { class: 'inside', width: item.width, height: item.height, rx: 11 }),
    svg('rect', { class: 'title', width: Math.min(item.width, item.titleWidth), height: 24, rx: 11 }),
    svg('text', { class: 'label', x: 12, y: 17 }, `▾ ${item.title}`));
    return item.element;
  },

  drawLink(link) {
    const path = svg('path', { d: this.curve(link.points) });
    const point = link.points.at(-1)[1];
    const first = link.points[0][0];
    const turned = this.direction === 'right' ? 0 : 90;
    const head = svg('path', { class: 'head', d: 'M0 0L-8 -3.6L-8 3.6Z', transform: `translate(${point.x} ${point.y}) rotate(${turned})` });
    // In the sweep numbers flow against the arrow: it gets a head at its other end.
    const tail = svg('path', { class: 'tail', d: 'M0 0L8 -3.6L8 3.6Z', transform: `translate(${first.x} ${first.y}) rotate(${turned})` });
    link.element = svg('g', { class: 'edge' }, path, head, tail);
    return link.element;
  },

  curve(pairs) {
    let d = '';
    let at = null;
    for (const [p, q] of pairs) {
      if (!at || at.x !== p.x || at.y !== p.y) d += `${at ? 'L' : 'M'}${round(p.x)} ${round(p.y)}`;
      const [u, v] = this.handles(p, q);
      d += `C${round(u.x)} ${round(u.y)} ${round(v.x)} ${round(v.y)} ${round(q.x)} ${round(q.y)}`;
      at = q;
    }
    return d;
  },

  handles(p, q) {
    return this.direction === 'right'
      ? [{ x: (p.x + q.x) / 2, y: p.y }, { x: (p.x + q.x) / 2, y: q.y }]
      : [{ x: p.x, y: (p.y + q.y) / 2 }, { x: q.x, y: (p.y + q.y) / 2 }];
  },

  /** The local derivative goes where it covers neither a box nor another; or as little as can be. */
  drawLabel(link, taken) {
    const [width, height] = [labelWidth(link), 15];
    const curves = [...link.points].reverse().filter(([p, q]) => Math.hypot(p.x - q.x, p.y - q.y) > 30);
    const places = [];
    const last = curves[0] && Math.hypot(curves[0][0].x - curves[0][1].x, curves[0][0].y - curves[0][1].y);
    // The last piece is this arrow's alone; others may share those before.
    for (const [p, q] of curves.slice(0, last < width + 10 ? 2 : 1)) {
      const [u, v] = this.handles(p, q);
      for (const t of [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8]) places.push(bezier(p, u, v, q, t));
    }
    if (places.length === 0) places.push(link.points.at(-1)[1]);
    // Beside the arrow, where there is no room on it.
    for (const off of [9, -9, 17, -17]) {
      for (const { x, y } of places.slice(0, 7)) {
        places.push(this.direction === 'right' ? { x, y: y + off } : { x: x + 2 * off, y });
      }
    }
    const area = ({ x, y }) => ({ x: x - width / 2, y: y - height / 2, width, height });
    const covered = (place) => taken.reduce((sum, other) => sum + overlap(area(place), other), 0);
    let [{ x, y }, least] = [places[0], Infinity];
    for (const place of places) {
      const cover = covered(place);
      if (cover < least) [{ x, y }, least] = [place, cover];
      if (cover === 0) break;
    }
    if (width > 0) taken.push(area({ x, y }));
    const depth = (link.to.depth - 1) % 2;
    link.label = tag('local', round(x), round(y), { 'data-depth': depth });
    return link.label;
  },

  /** Brings the drawing to a step. */
  show(step) {
    const known = nodes.map((node) => knowledge(node, step));
    const current = steps[step];
    for (const item of this.items) {
      if (item.node) this.showNode(item, known[item.node.index], step);
      else this.showGroup(item, step);
    }
    for (const link of this.links) this.showLink(link, step);
    setAttribute(this.root, 'data-pass', current.pass);
    this.rove(this.focused && this.items.includes(this.focused) ? this.focused : this.itemOf(nodes[current.node]));
  },

  showNode(item, known, step) {
    const { node, element, parts } = item;
    const status = statusOf(node, step);
    setAttribute(element, 'data-status', status);
    setAttribute(element, 'data-selected', node === selection ? 'true' : null);
    setAttribute(element, 'data-value', known.value === null ? null : exactText(known.value));
    setAttribute(element, 'data-adjoint', known.adjoint === null ? null : exactText(known.adjoint));
    setText(parts.value, known.hidden.value ? '= ?' : known.value === null ? '=' : `= ${brief(known.value)}`);
    setText(parts.adjoint, known.hidden.adjoint ? `${barText(node)} = ?` : known.adjoint === null ? '' : `${barText(node)} = ${brief(known.adjoint)}`);
    setAttribute(element, 'data-stop', isStop(node) ? 'true' : null);
    setTag(parts.badge, isStop(node) ? sentence('badge_stops') : badge(node, status, step));
    setAttribute(element, 'aria-label', spokenNode(node, status, known, step));
  },

  showGroup(item, step) {
    const { group, element, parts } = item;
    const current = nodes[steps[step].node];
    const inside = group.nodes.includes(current);
    setAttribute(element, 'data-current', inside ? 'true' : null);
    if (item.open) return;
    const done = group.nodes.filter((node) => ['done', 'computed'].includes(statusOf(node, step)));
    const all = isBackward(step) ? group.nodes.filter((node) => node.backward !== undefined) : group.nodes;
    const status = inside ? 'current' : done.length === 0 ? (isBackward(step) ? 'waiting' : 'ahead')
      : done.length < all.length ? 'partial' : (isBackward(step) ? 'done' : 'computed');
    setAttribute(element, 'data-status', status);
    setText(parts.inside, inside ? `▶ ${clip(current.label, 12)}` : '');
    for (const small of item.small) {
      const value = shownAt(small.shown, step);
      const key = value && (isScalar(value) ? value : value.data?.join() ?? values.indexOf(value));
      if (small.key === key) continue;
      small.key = key;
      const cells = value === null ? null : miniatureOf(value, false);
      if (cells) drawCells(small.cells, cells, small.area, false);
      else small.cells.replaceChildren();
    }
    const stops = group.nodes.some(isStop);
    setAttribute(element, 'data-stop', stops ? 'true' : null);
    setTag(parts.badge, stops ? sentence('badge_stops') : `${done.length}/${all.length}`);
    const count = group.nodes.length;
    const { name } = group;
    setAttribute(element, 'aria-label', inside ? sentence('group_closed_here', { count, name, done: done.length, all: all.length })
      : sentence('group_closed', { count, name, done: done.length, all: all.length }));
  },

  showLink(link, step) {
    const now = isUpdate(step) ? [] : link.uses.filter(([user]) => user === steps[step].node);
    const past = isBackward(step) && link.uses.every(([user]) => nodes[user].backward <= step);
    const flows = ([user, position]) => contributionOf(user, position)?.nothing === undefined;
    const state = now.length > 0 ? (isBackward(step) && !now.some(flows) ? 'blocked' : 'current') : past ? 'past' : null;
    setAttribute(link.element, 'data-state', state);
    setAttribute(link.label, 'data-state', state);
    setAttribute(link.element, 'data-stop', link.uses.some(isStopped) ? 'true' : null);
    setTag(link.label, isBackward(step) ? localLabel(link, now, step) : '');
  },

  /** One item of the drawing can be reached with Tab; the arrows up and down choose which. */
  rove(item) {
    this.roving?.element.setAttribute('tabindex', '-1');
    this.roving = item;
    item.element.setAttribute('tabindex', '0');
  },

  // ---- the view --------------------------------------------------------------------------------

  moveTo(view) {
    cancelAnimationFrame(this.gliding);
    this.heading = view;
    this.look(view);
  },

  look(view) {
    this.view = view;
    // Of the whole drawing by style: a transform within it would lay out all of its text again
    // with every change.
    this.root.style.transform = `translate(${round(view.x)}px, ${round(view.y)}px) scale(${view.scale})`;
    const far = view.scale < 0.5;
    setAttribute(this.root, 'data-far', far ? 'true' : null);
    // A line of one pixel on the screen.
    if (far) this.root.style.setProperty('--hair', `${round(1 / view.scale)}px`);
  },

  glideTo(view) {
    if (calm.matches) return this.moveTo(view);
    cancelAnimationFrame(this.gliding);
    this.heading = view;
    const [from, begin] = [this.view, performance.now()];
    const frame = (now) => {
      const t = Math.min(1, (now - begin) / 220);
      const ease = 1 - (1 - t) ** 3;
      const between = (key) => from[key] + (view[key] - from[key]) * ease;
      this.look(t < 1 ? { x: between('x'), y: between('y'), scale: between('scale') } : view);
      if (t < 1) this.gliding = requestAnimationFrame(frame);
    };
    this.gliding = requestAnimationFrame(frame);
    return undefined;
  },

  size() {
    const { width, height } = this.stage.getBoundingClientRect();
    return { width: width || 800, height: height || 500 };
  },

  /** The view that has all of the drawing in it. */
  whole() {
    const { width, height } = this.size();
    const margin = 28;
    const scale = Math.min(LARGEST, (width - 2 * margin) / this.extent.width, (height - 2 * margin - 36) / this.extent.height);
    this.wholeView = {
      scale,
      x: (width - this.extent.width * scale) / 2,
      y: (height - 36 - this.extent.height * scale) / 2 + 36,
    };
    return this.wholeView;
  },

  /** In another room: all of it if that was shown, or else what is at the step. */
  refit(item) {
    if (this.view === this.begun) this.begin(item); // Nobody has moved it yet.
    else if (this.view === this.wholeView) this.moveTo(this.whole());
    else this.reveal(item);
  },

  /** Opens what consists of groups and of nothing else: the layers of a network come first. */
  openFirst() {
    const inner = new Map(groups.map((group) => [group, groups.filter(({ parent }) => parent === group).length]));
    let boxes = groups.filter(({ parent }) => !parent).length + nodes.filter(({ group }) => !group).length;
    for (const group of groups) { // A group comes after those around it.
      const count = inner.get(group);
      if (count < 2 || boxes + count > FIRST_BOXES || group.nodes.some((node) => node.group === group)) continue;
      if (!around(group.parent).every((outer) => this.open.has(outer))) continue;
      this.open.add(group);
      boxes += count;
    }
  },

  /** Lets the arrows run the way in which more of the drawing can be read. */
  choose() {
    const { width, height } = this.size();
    const fit = (direction) => {
      this.direction = direction;
      this.build();
      const extent = layOut(this.items, this.links, direction);
      return Math.min(LARGEST, width / extent.width, height / extent.height);
    };
    this.direction = fit('down') > fit('right') ? 'down' : 'right';
  },

  /** All of it, or what can still be read of it. */
  begin(item) {
    const whole = this.whole();
    this.begun = whole.scale >= READABLE ? whole : this.centred(item, 1);
    this.moveTo(this.begun);
  },

  /** An item in the middle, but no empty room beside the drawing while there is more of it. */
  centred(item, scale) {
    const { width, height } = this.size();
    const [margin, top] = [28, 56];
    const along = (centre, room, extent, least) => (extent * scale < room - least - margin
      ? (room + least - margin - extent * scale) / 2
      : Math.min(least, Math.max(room - margin - extent * scale, room / 2 - centre * scale)));
    return {
      scale,
      x: along(item.x + item.width / 2, width, this.extent.width, margin),
      y: along(item.y + item.height / 2, height, this.extent.height, top),
    };
  },

  /** Moves no further than needed to have an item, and what is linked to it, in view. */
  reveal(item) {
    const { width, height } = this.size();
    const { x, y, scale } = this.heading; // Where it glides to, if it does.
    const linked = this.links.filter((link) => link.to === item).map((link) => link.from);
    const shift = (all) => {
      const low = { x: Math.min(...all.map((i) => i.x)) * scale + x, y: Math.min(...all.map((i) => i.y)) * scale + y };
      const high = {
        x: Math.max(...all.map((i) => i.x + i.width)) * scale + x,
        y: Math.max(...all.map((i) => i.y + i.height)) * scale + y,
      };
      if (high.x - low.x > width - 60 || high.y - low.y > height - 90) return null;
      const move = (from, to, least, most) => (from < least ? least - from : to > most ? most - to : 0);
      return { x: move(low.x, high.x, 30, width - 30), y: move(low.y, high.y, 60, height - 30) };
    };
    const by = shift([item, ...linked]) ?? shift([item]);
    if (!by) return this.glideTo(this.centred(item, scale));
    if (by.x !== 0 || by.y !== 0) this.glideTo({ x: x + by.x, y: y + by.y, scale });
    return undefined;
  },

  zoom(factor, at) {
    const { width, height } = this.size();
    const { x, y } = at ?? { x: width / 2, y: height / 2 };
    const scale = Math.min(4, Math.max(0.05, this.view.scale * factor));
    const by = scale / this.view.scale;
    this.moveTo({ x: x - (x - this.view.x) * by, y: y - (y - this.view.y) * by, scale });
  },
};

/** The image that a box shows: of data that the program was given. */
function imageOf(node) {
  if (node.image !== undefined) return node.image;
  const value = values[node.value];
  const small = node.kind === 'constant' ? miniatureOf(value, true) : null;
  node.image = small && isImage({ ...small, rank: value.shape.length }, true) ? small : null;
  return node.image;
}

/** The adjoint of a box, whose name stands above. */
const barText = (node) => ([...node.bar].length <= 6 ? node.bar : 'adj');

const opText = (node) => clip(opOf(node), 14);

/** The characters of the longest line in a box. */
function widest(node, title) {
  const sums = received[node.index].map(({ sum }) => values[sum]);
  const bar = [...barText(node)].length + 3;
  return Math.max([...title].length + 2 + opText(node).length, brief(values[node.value]).length + 2,
    ...sums.map((sum) => brief(sum).length + bar));
}

const round = (x) => Math.round(x * 10) / 10;

/** The area that two rectangles share. */
function overlap(r, s) {
  const width = Math.min(r.x + r.width, s.x + s.width) - Math.max(r.x, s.x);
  const height = Math.min(r.y + r.height, s.y + s.height) - Math.max(r.y, s.y);
  return width > 0 && height > 0 ? width * height : 0;
}

function bezier(p, u, v, q, t) {
  const s = 1 - t;
  const mix = (k) => s ** 3 * p[k] + 3 * s * s * t * u[k] + 3 * s * t * t * v[k] + t ** 3 * q[k];
  return { x: mix('x'), y: mix('y') };
}

/** A sign and a word for where a node stands: not colour alone. */
function badge(node, status, step) {
  const reported = node.uses.length === 1 ? '' : ` ${reportedBy(node, step).length}/${node.uses.length}`;
  return {
    current: '▶', done: isZero(node) ? '✓ 0' : '✓', next: sentence('badge_next'), ready: `●${reported}`, partial: `◐${reported}`, waiting: `○${reported}`,
    none: node.nothing === 'detached' ? '⊘' : '',
  }[status] ?? '';
}

const STATUS_SPOKEN = {
  ahead: sentence('status_ahead'), computed: sentence('status_computed'), current: sentence('status_current'),
  done: sentence('status_done'), next: sentence('status_next'), ready: sentence('status_ready'),
  partial: sentence('status_waiting'), waiting: sentence('status_waiting'), none: sentence('status_none'),
};

/** How many of a node's uses have reported by a step. */
const reportedText = (node, step) => sentence('uses_reported', { count: reportedBy(node, step).length, all: node.uses.length });

function spokenNode(node, status, known, step) {
  const parts = [node.label, opOf(node)];
  if (known.value !== null) parts.push(sentence('spoken_value', { number: brief(known.value) }));
  if (known.adjoint !== null) parts.push(sentence('spoken_adjoint', { number: brief(known.adjoint) }));
  parts.push(STATUS_SPOKEN[status]);
  if (isStop(node)) parts.push(sentence('spoken_stop'));
  if (isBackward(step) && ['partial', 'waiting'].includes(status)) {
    parts.push(reportedText(node, step));
  }
  return parts.join(', ');
}

const contributionOf = (user, position) => steps[nodes[user].backward]?.contributions[position];

/** What stands on an arrow: the local derivative, once its step has come. */
function localLabel(link, now, step) {
  const uses = now.length > 0 ? now : link.uses.filter(([user]) => nodes[user].backward <= step);
  if (uses.length === 0) return '';
  if (uses.length > 1) return now.length > 0 ? sentence('ways', { count: uses.length }) : '';
  const [[user, position]] = uses;
  if (contributionOf(user, position)?.nothing && now.length === 0) return '';
  const hidden = steps[step].node === user
    && (exercise.hides(step, `local ${position}`) || exercise.hides(step, `contribution ${position}`));
  return hidden ? '× ?' : localText(user, position);
}

/** The most room that the label of an arrow takes, at any step. */
function labelWidth(link) {
  const texts = link.uses.map(([user, position]) => localText(user, position));
  if (texts.every((text) => text === '')) return 0;
  if (link.uses.length > 1) texts.push(sentence('ways', { count: link.uses.length }));
  return Math.max(3, ...texts.map((text) => [...text].length)) * CHARACTER + 6;
}

function localText(user, position) {
  const contribution = contributionOf(user, position);
  if (!contribution) return '';
  if (contribution.nothing) return '0';
  const local = contribution.local_value === undefined ? null : values[contribution.local_value];
  if (local !== null && isScalar(local)) return `× ${bracketed(short(local))}`;
  // Of tensors the formula if it is short; the panel has it whole.
  const formula = contribution.local.replace(/^.* ↦ /u, '');
  if ([...formula].length <= 10) return local === null ? `↦ ${formula}` : `× ${/[ ]/u.test(formula) ? `(${formula})` : bracketed(formula)}`;
  return local === null ? '↦' : `× ${shapeText(local.shape)}`;
}
