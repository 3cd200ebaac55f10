// ---------------------------------------------------------------------------------------------
// paths.js: a gradient as the sum over the paths from a node to the output.
// ---------------------------------------------------------------------------------------------

/** The number of paths that are listed. */
const MOST_PATHS = 8;

/** The uses of a node through which something flows back, each with its local derivative. */
function flowing(node) {
  return node.uses.map(([user, position]) => ({ user: nodes[user], position, c: contributionOf(user, position) }))
    .filter(({ c }) => !c.nothing);
}

/**
 * The paths from a node to the output: how many, how many factors and edges they have, and the first
 * of them. Nothing if a tensor is on the way, or the page leaves out a part of it.
 */
function pathsOf(node) {
  const ways = new Map();
  const order = [node];
  const seen = new Set(order);
  for (const at of order) { // It grows as it is walked.
    for (const { user, c } of flowing(at)) {
      if (c.local_value === undefined || !isScalar(values[c.local_value])) return null;
      if (!seen.has(user)) order.push(user);
      seen.add(user);
    }
    if (at.cut && at !== node) return null;
  }
  let edges = 0;
  for (const at of [...seen].sort((a, b) => b.index - a.index)) {
    const uses = flowing(at);
    edges += uses.length;
    const sum = { count: at === output ? 1 : 0, length: 0 };
    for (const { user } of uses) {
      sum.count += ways.get(user).count;
      sum.length += ways.get(user).length + ways.get(user).count;
    }
    ways.set(at, sum);
  }
  const listed = [];
  const walk = (at, names, factors) => {
    if (listed.length === MOST_PATHS) return;
    if (at === output) {
      listed.push({ names, factors, product: factors.reduce((product, x) => product * toNumber(x), 1) });
      return;
    }
    for (const { user, c } of flowing(at)) walk(user, [...names, user], [...factors, values[c.local_value]]);
  };
  if (nodes.length <= 200) walk(node, [node], []);
  return { ...ways.get(node), edges, listed };
}

/** The gradient of a variable as the sum over its paths. */
function pathsPart(node) {
  if (node === output || exercise.on) return null;
  const paths = pathsOf(node);
  if (!paths || paths.count === 0 || paths.listed.length === 0) return null;
  const { count, length, edges, listed } = paths;
  const more = count - listed.length;
  const line = ({ names, factors, product }) => h('li', {},
    ...names.flatMap((other, i) => [i > 0 ? ' → ' : null, chip(other)]),
    h('div', { class: 'math' }, `${factors.map((x, i) => (i > 0 ? bracketed(short(x)) : short(x))).join(' · ')} = ${short(product)}`));
  const written = (count) => count.toLocaleString(LANGUAGE);
  const all = listed.length === count && count > 1
    ? h('p', {}, derivative(node), ' = ', math(listed.map(({ product }, i) => (i > 0 ? bracketed(short(product)) : short(product))).join(' + '))) : null;
  return h('details', { class: 'paths', id: 'paths' },
    h('summary', {}, sentence('as_sum_over_paths', { count, number: written(count) })),
    h('ol', {}, ...listed.map(line)),
    more > 0 ? h('p', { class: 'fact' }, sentence('more_paths', { count: more, number: written(more) })) : null, all,
    h('p', { class: 'fact' }, sentence('paths_share', {
      factors: sentence('count_factors', { count: length, number: written(length) }),
      edges: sentence('count_edges', { count: edges, number: written(edges) }),
    })));
}
