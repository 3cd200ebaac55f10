// ---------------------------------------------------------------------------------------------
// trace.js: the trace, and what follows from it. The fields are described in docs/src/schema.md.
// ---------------------------------------------------------------------------------------------

/** Control characters, and those that turn the direction of writing, become visible. */
const visible = (text) => text.replace(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (character) => (
  character === '\n' ? '\\n' : `\\u{${character.codePointAt(0).toString(16)}}`));

const readJson = (id) => JSON.parse(document.getElementById(id).textContent, (_, value) => (
  typeof value === 'string' ? visible(value) : value));

/** A run of training: its losses, and the steps of it that can be opened; of both passes alone, nothing. */
const run = document.getElementById('run') ? readJson('run') : null;
/** The step of training that the address names, if it can be opened. */
const addressed = () => {
  const asked = Number.parseInt(new URLSearchParams(location.hash.slice(1)).get('train') ?? '', 10) - 1;
  return run?.opened.includes(asked) ? asked : run?.first;
};
const training = addressed();
const trace = readJson(run ? `trace-${training}` : 'trace');
const { nodes, steps, values, scopes, files } = trace;
const output = nodes[trace.output];
nodes.forEach((node, index) => {
  node.index = index;
  node.operands ??= [];
  node.uses ??= [];
  node.bar ??= `adj(${node.label})`;
  node.users = []; // Those of the forward pass, also where no gradient comes back.
});
nodes.forEach((node) => node.operands.forEach((operand) => nodes[operand].users.push(node.index)));

/** The first steps are forward, one for each node; the rest are backward. */
const forwardSteps = nodes.length;
/** The first step after the sweep: in a run of training, of the update of the parameters. */
const updateSteps = steps.length;
for (const update of trace.updates ?? []) {
  nodes[update.node].updated = { step: steps.length, value: update.after };
  steps.push({ pass: 'update', node: update.node, update });
}
if (trace.loss_after !== undefined) steps.push({ pass: 'update', node: trace.output });
const lastStep = steps.length - 1;
const isBackward = (step) => step >= forwardSteps;
const isUpdate = (step) => step >= updateSteps;

/** What each node has received of its adjoint: the step, the sum so far, and which contribution. */
const received = nodes.map(() => []);
function receive() {
  for (const entries of received) entries.length = 0;
  received[trace.output].push({ step: forwardSteps, sum: steps[forwardSteps].adjoint });
  for (let step = forwardSteps; step < updateSteps; step += 1) {
    steps[step].contributions ??= [];
    steps[step].contributions.forEach((contribution, operand) => {
      if (contribution.nothing) return;
      received[contribution.operand].push({ step, sum: contribution.after, operand });
    });
  }
}
receive();

/** The sum of two values of which all elements are known, in the precision of the trace; or nothing. */
function added(a, b) {
  const plus = (x, y) => {
    const sum = toNumber(x) + toNumber(y);
    const kept = trace.element === 'f32' ? Math.fround(sum) : sum;
    if (Number.isFinite(kept)) return kept;
    return Number.isNaN(kept) ? 'NaN' : kept > 0 ? 'inf' : '-inf';
  };
  if (isScalar(a) && isScalar(b)) return plus(a, b);
  return a.data && b.data ? { shape: a.shape, data: a.data.map((x, i) => plus(x, b.data[i])) } : null;
}

/**
 * Lets a node that is ready have its turn at a step of the sweep, before those that were to come
 * before it. What is added to an adjoint comes in another order then, and its last digit may differ.
 * True if it could be done: not with tensors of which the page has a part only.
 */
function takeNext(node, step) {
  const order = [...steps.slice(0, step), steps[node.backward],
    ...steps.slice(step).filter((other) => other !== steps[node.backward])];
  const sums = new Map([[trace.output, order[forwardSteps].adjoint]]);
  const found = [];
  for (const { node: passing, contributions } of order.slice(forwardSteps, updateSteps)) {
    found.push({ adjoint: sums.get(passing), contributions: contributions.map((c) => {
      if (c.nothing) return c;
      const before = sums.get(c.operand);
      let after = c.value;
      if (before !== undefined) {
        const sum = added(values[before], values[c.value]);
        if (sum === null) return null;
        after = values.push(sum) - 1;
      }
      sums.set(c.operand, after);
      const { before: _, ...rest } = c;
      return before === undefined ? { ...rest, after } : { ...rest, before, after };
    }) });
    if (found.at(-1).contributions.includes(null)) return false;
  }
  order.forEach((entry, at) => {
    steps[at] = entry;
    if (at < forwardSteps || at >= updateSteps) return;
    Object.assign(entry, found[at - forwardSteps]);
    nodes[entry.node].backward = at;
  });
  for (const { uses } of nodes) uses.sort((a, b) => nodes[a[0]].backward - nodes[b[0]].backward || a[1] - b[1]);
  receive();
  return true;
}

/** The last of what a node has received by a step, if anything. */
function receivedBy(node, step) {
  return received[node.index].findLast((entry) => entry.step <= step);
}

/** Of the uses of a node, those that have reported by a step. */
const reportedBy = (node, step) => node.uses.filter(([user]) => nodes[user].backward <= step);
const missingAt = (node, step) => node.uses.filter(([user]) => nodes[user].backward > step);

/** The nodes that are ready at a step of the sweep beside the one that it is about. */
const readyBeside = (step) => steps.slice(step + 1, updateSteps).map(({ node }) => nodes[node])
  .filter((node) => missingAt(node, step - 1).length === 0);

/**
 * Where a node stands at a step: `ahead` (not yet computed), `current`, `computed`; and of the
 * sweep, `waiting` for uses of which none has reported, `partial` if some have, `ready` if all
 * have, `next`, `done`, and `none` where no gradient flows.
 */
function statusOf(node, step) {
  if (steps[step].node === node.index) return 'current';
  if (!isBackward(step)) return node.index < step ? 'computed' : 'ahead';
  if (node.backward === undefined) return 'none';
  if (isUpdate(step) || node.backward < step) return 'done';
  if (node.backward === step + 1) return 'next';
  const missing = missingAt(node, step).length;
  if (missing === 0) return 'ready';
  return missing < node.uses.length ? 'partial' : 'waiting';
}

const PASSES = {
  forward: sentence('pass_forward'), backward: sentence('pass_backward'), update: sentence('pass_update'),
};
const passOf = (step) => PASSES[steps[step].pass];

/** What computed a node; of one that was given, what it is. */
const opOf = ({ op, kind }) => op ?? (kind === 'variable' ? sentence('kind_variable') : sentence('kind_constant'));

const NOTHING_FLOWS = {
  constant: sentence('reason_constant'),
  detached: sentence('reason_detached'),
  untracked: sentence('reason_untracked'),
  cut: sentence('reason_cut'),
  'zero-slope': sentence('reason_zero_slope'),
};

/**
 * The groups of nodes that scopes make. A group is a run of nodes, one after the other in the order
 * of recording, so that no path leaves a group and comes back. A scope that is entered again, as
 * when the gradient of a layer is recorded, makes another group.
 */
const groups = (() => {
  const found = [];
  const parts = new Map();
  const pathOf = (scope) => (scope === undefined ? [] : [...pathOf(scopes[scope].parent), scope]);
  let open = [];
  for (const node of nodes) {
    const path = pathOf(node.scope);
    let shared = 0;
    while (shared < open.length && open[shared].scope === path[shared]) shared += 1;
    open = open.slice(0, shared);
    for (const scope of path.slice(shared)) {
      const part = (parts.get(scope) ?? 0) + 1;
      parts.set(scope, part);
      const group = { index: found.length, scope, part, parent: open.at(-1), nodes: [] };
      found.push(group);
      open.push(group);
    }
    node.group = open.at(-1);
    for (const group of open) group.nodes.push(node);
  }
  for (const group of found) {
    const { name } = scopes[group.scope];
    group.name = parts.get(group.scope) > 1 ? sentence('group_part', { name, part: group.part }) : name;
  }
  return found;
})();

/** A group and those around it, the outermost first. */
const around = (group) => (group ? [...around(group.parent), group] : []);
