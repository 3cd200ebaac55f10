// ---------------------------------------------------------------------------------------------
// miniature.js: tensors as pictures: heat maps, and images as images. What the page does not hold in
// full it has in few cells; `docs/src/schema.md` says how.
// ---------------------------------------------------------------------------------------------

const SIGNS_OF_LEVELS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-';
const SHADES = 8; // Of each colour, below 0 and above.
const MOST_PLANES = 4;
const LEAST_SQUARE = 36; // The columns of data above which a row may be laid out as a square.

/**
 * A value in cells: `{ plane: [rows, columns], of, planes, all, square, cells }`, each cell from -1
 * to 1, NaN if it is not finite, or nothing if it is not known. Nothing of a number, or if the page
 * has not enough of the value.
 */
function miniatureOf(value, isData) {
  if (isScalar(value) || value.shape.length === 0) return null;
  if (!value.data) {
    const { miniature } = value;
    if (!miniature) return null;
    const cells = [...miniature.cells].map((sign) => (sign === '!' ? NaN : SIGNS_OF_LEVELS.indexOf(sign) / 31 - 1));
    return { all: miniature.planes, square: false, ...miniature, cells };
  }
  const { shape, data } = value;
  if (data.length === 0) return null;
  const side = Math.sqrt(shape.at(-1));
  const square = isData && shape.length === 2 && shape[1] >= LEAST_SQUARE && Number.isInteger(side);
  const plane = square ? [side, side] : shape.length === 1 ? [1, shape[0]] : shape.slice(-2);
  const all = data.length / (plane[0] * plane[1]);
  const planes = Math.min(all, MOST_PLANES);
  const numbers = data.map((x) => (x === null ? undefined : toNumber(x)));
  const most = Math.max(0, ...numbers.filter(Number.isFinite).map(Math.abs));
  const cells = numbers.slice(0, planes * plane[0] * plane[1])
    .map((x) => (x === undefined ? undefined : !Number.isFinite(x) ? NaN : most > 0 ? x / most : 0));
  return { plane, of: plane, planes, all, square, cells };
}

/** Whether data is shown as images: planes of rows and columns, none of them below 0. */
const isImage = (small, isData) => isData && (small.square || small.planes < small.all || small.rank > 2)
  && Math.min(...small.plane) > 3 && small.cells.every((x) => !(x < 0));

/** The rows and columns in which planes stand, so that all are as large as can be. */
function arrangement({ plane: [rows, columns], planes }, width, height) {
  let best = { size: 0 };
  for (let across = 1; across <= planes; across += 1) {
    const down = Math.ceil(planes / across);
    const size = Math.min((width - 2 * (across - 1)) / (across * columns), (height - 2 * (down - 1)) / (down * rows));
    if (size > best.size) best = { size, across, down };
  }
  return best;
}

/**
 * Draws cells into a group, in the middle of an area. A cell is as wide as it is high in an image;
 * else up to four times.
 */
function drawCells(place, small, { x, y, width, height }, image) {
  const { across, down } = arrangement(small, width, height);
  const [rows, columns] = small.plane;
  let wide = (width - 2 * (across - 1)) / (across * columns);
  let high = (height - 2 * (down - 1)) / (down * rows);
  [wide, high] = image ? [Math.min(wide, high), Math.min(wide, high)] : [Math.min(wide, 4 * high), Math.min(high, 4 * wide)];
  const [left, top] = [
    x + (width - across * columns * wide - 2 * (across - 1)) / 2,
    y + (height - down * rows * high - 2 * (down - 1)) / 2,
  ];
  const shades = new Map();
  const frames = [];
  const near = (n) => Math.round(n * 100) / 100;
  small.cells.forEach((cell, i) => {
    const [number, at] = [Math.floor(i / (rows * columns)), i % (rows * columns)];
    const corner = {
      x: left + (number % across) * (columns * wide + 2), y: top + Math.floor(number / across) * (rows * high + 2),
    };
    if (at === 0) frames.push(`M${near(corner.x)} ${near(corner.y)}h${near(columns * wide)}v${near(rows * high)}h${near(-columns * wide)}z`);
    if (cell === undefined) return;
    const shade = Number.isNaN(cell) ? 'none' : Math.round(cell * SHADES);
    // A hair wider, so that no ground shines through between two cells.
    const d = `M${near(corner.x + (at % columns) * wide)} ${near(corner.y + Math.floor(at / columns) * high)}h${near(wide + 0.15)}v${near(high + 0.15)}h${near(-wide - 0.15)}z`;
    shades.set(shade, (shades.get(shade) ?? '') + d);
  });
  place.replaceChildren(...[...shades].map(([shade, d]) => svg('path', { d, 'data-shade': shade })), svg('path', { d: frames.join(''), class: 'frame' }));
  place.setAttribute('class', image ? 'cells image' : 'cells');
}

/** What a picture shows, in a sentence. */
function miniatureText(value, small, image) {
  const { plane, of, planes, all, square } = small;
  const size = `${of[0]}×${of[1]}`;
  const cells = square ? sentence('picture_rows', { count: planes, size })
    : all > 1 ? sentence('picture_planes', { count: planes, all, size }) : sentence('picture_whole');
  const what = plane[0] < of[0] || plane[1] < of[1] ? sentence('picture_of_blocks', { what: cells }) : cells;
  const { min, max } = statistics(value);
  const most = short(Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0)), 2);
  return image ? sentence('picture_image', { what, most }) : sentence('picture_heat', { what, most });
}

/** A value as a picture in the panel, with what it shows. */
function picture(value, isData) {
  const small = miniatureOf(value, isData);
  if (!small || small.cells.length < 6) return [];
  small.rank = value.shape.length;
  const image = isImage(small, isData);
  const width = 340;
  const { down, size } = arrangement(small, width - 2, 148);
  const tall = image ? size : Math.max(size, 12);
  const height = Math.min(150, Math.ceil(down * (small.plane[0] * tall + 2)) + 2);
  const cells = svg('g');
  drawCells(cells, small, { x: 1, y: 1, width: width - 2, height: height - 2 }, image);
  const text = miniatureText(value, small, image);
  return [h('div', { class: 'fact' }, text),
    svg('svg', { class: 'picture', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': text }, cells)];
}

// ---- what a closed layer shows ------------------------------------------------------------------

/** Values of one element each, as a row; what is not known yet is left open. */
function row(all) {
  return all.every((value) => value === null) ? null
    : { shape: [all.length], data: all.map((value) => (value !== null && isScalar(value) ? value : null)) };
}

/**
 * What a closed group shows: its weights, what it gives on, and the gradient with respect to the one
 * or the other. Each has nodes: a tensor, the largest, or all numbers of that kind.
 */
function miniaturesOf(group) {
  const within = new Set(group.nodes);
  const size = (node) => (node.shape ?? []).reduce((a, b) => a * b, 1);
  const choose = (all) => {
    const tensors = all.filter((node) => size(node) > 1);
    if (tensors.length > 0) return [tensors.reduce((best, node) => (size(node) > size(best) ? node : best))];
    return all.length > 1 ? all : [];
  };
  const weights = choose(group.nodes.filter(({ kind }) => kind === 'variable'));
  const given = group.nodes.filter((node) => node.kind !== 'variable' && node.kind !== 'constant'
    && (node === output || node.users.some((user) => !within.has(nodes[user]))));
  const outputs = choose(given);
  return [
    { caption: sentence('caption_weights'), nodes: weights, of: 'value' },
    { caption: sentence('caption_output'), nodes: outputs, of: 'value' },
    { caption: sentence('caption_gradient'), nodes: weights.length > 0 ? weights : outputs, of: 'adjoint' },
  ].filter((shown) => shown.nodes.length > 0);
}

/** The value that a miniature of a closed group shows at a step. */
function shownAt({ nodes: all, of }, step) {
  const known = all.map((node) => knowledge(node, step)[of]);
  return known.length === 1 ? known[0] : row(known);
}
