// ---------------------------------------------------------------------------------------------
// run.js: a run of training: the loss of its steps, and the optimiser's step after the sweep.
// ---------------------------------------------------------------------------------------------

/** The address of a step of training, and of a step within it. */
const trainingAddress = (number, step) => `train=${number + 1}&step=${step}`;

/** Opens a step of training. The page begins anew with it, and the browser's Back comes back. */
function openTraining(number, step = 0) {
  if (!run || !run.opened.includes(number) || number === training) return;
  const theme = document.documentElement.dataset.theme;
  location.hash = `#${trainingAddress(number, step)}${theme === 'auto' ? '' : `&theme=${theme}`}`;
}

/** The opened step of training before this one, or after it. */
const besideTraining = (by) => run?.opened[run.opened.indexOf(training) + by];

/** The curve of the losses, drawn as wide as it is on the screen. */
const curve = {
  edge: 7,
  all: run ? run.losses.map(toNumber) : [],

  x(number) {
    const { all, edge, width } = this;
    return edge + (all.length > 1 ? number / (all.length - 1) : 0.5) * (width - 2 * edge);
  },

  /** What is not finite stands at the top. */
  y(number) {
    const { all, edge, height, least, most } = this;
    const loss = all[number];
    return Number.isFinite(loss) ? height - edge - ((loss - least) / (most - least || 1)) * (height - 2 * edge) : edge;
  },

  draw() {
    const root = $('curve');
    const finite = this.all.filter(Number.isFinite);
    [this.least, this.most] = [Math.min(...finite), Math.max(...finite)];
    [this.width, this.height] = [root.clientWidth, root.clientHeight];
    const svg = (name, attributes) => {
      const element = document.createElementNS('http://www.w3.org/2000/svg', name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      return element;
    };
    const at = (number) => ({ cx: round(this.x(number)), cy: round(this.y(number)) });
    const points = this.all.map((_, number) => Object.values(at(number)).join(','));
    const r = run.opened.length > 60 ? 1.8 : 2.6;
    const dots = run.opened.map((number) => svg('circle', { ...at(number), r, 'data-training': number }));
    this.mark = svg('circle', { r: 5.5, class: 'here' });
    root.replaceChildren(svg('polyline', { points: points.join(' ') }), ...dots, this.mark);
    this.look();
  },

  /** The step of training that is chosen, which is not yet open. */
  chosen: () => run.opened[Number($('trained').value)],

  /** Shows which step is chosen. */
  look() {
    const number = this.chosen();
    this.mark.setAttribute('cx', round(this.x(number)));
    this.mark.setAttribute('cy', round(this.y(number)));
    const said = sentence('training_chosen', { number: number + 1, all: this.all.length, loss: short(run.losses[number]) });
    $('trained').setAttribute('aria-valuetext', said);
    $('trained-text').textContent = said;
    $('open-training').disabled = number === training;
  },

  /** The step that can be opened and is nearest to a place. */
  nearest(at) {
    const off = (number) => Math.abs(this.x(number) - at);
    return run.opened.reduce((best, number) => (off(number) < off(best) ? number : best));
  },
};

/** Shows the losses, with a mark at the step that is open, and lets another be chosen. */
function beginRun() {
  if (!run) return;
  const { losses, opened } = run;
  $('training').hidden = false;
  $('curve').setAttribute('aria-label', sentence('losses_spoken', { count: losses.length, first: short(losses[0]), last: short(losses.at(-1)) }));
  $('trained').max = opened.length - 1;
  $('trained').value = opened.indexOf(training);
  curve.draw();
  new ResizeObserver(() => curve.draw()).observe($('curve'));
  $('trained').addEventListener('input', () => curve.look());
  $('trained').addEventListener('keydown', (event) => { if (event.key === 'Enter') openTraining(curve.chosen()); });
  $('open-training').addEventListener('click', () => openTraining(curve.chosen()));
  $('curve').addEventListener('click', (event) => {
    openTraining(curve.nearest(event.clientX - $('curve').getBoundingClientRect().left));
  });
  for (const [id, by] of [['before-training', -1], ['after-training', 1]]) {
    $(id).disabled = besideTraining(by) === undefined;
    $(id).addEventListener('click', () => openTraining(besideTraining(by)));
  }
}

// ---- the update ---------------------------------------------------------------------------------

function updateTitle(step) {
  const { node, update } = steps[step];
  if (!update) return heading('update', sentence('loss_with_new'));
  return heading('update', ...sentenceParts('takes_step', { name: math(nodes[node].label) }));
}

/** `m ← …` for what is kept or replaced, `=` for all others. */
const becomes = (element, kind) => { if (kind === 'kept' || kind === 'parameter') element.dataset.becomes = 'true'; return element; };

/** The optimiser's step of one parameter: its formulas, and of a tensor each element on demand. */
function updateParts(node, step) {
  const { update } = steps[step];
  if (!update) return lossParts(node);
  const settings = update.lines.filter(({ kind }) => kind === 'setting');
  const parts = [];
  if (settings.length > 0) {
    const said = settings.map(({ symbol, value }) => math(`${symbol} = ${short(values[value])}`));
    parts.push(h('p', { class: 'fact', id: 'settings' }, ...sentenceParts('with_settings', { settings: listed(said) })));
  }
  const rows = update.lines.filter(({ kind }) => kind !== 'setting');
  for (const { kind, symbol, formula, numbers, value } of rows) {
    const left = becomes(math(clip(symbol, 26), { class: 'math name' }), kind);
    const opening = kind === 'parameter' ? openingOf(update.opened, node.label, { becomes: true }) : null;
    parts.push(h('div', { class: `line ${kind}`, 'data-line-of': symbol }, equation(left,
      math(formula, { class: 'math formula' }),
      numbers && math(numbers, { class: 'math numbers' }),
      value === undefined ? null : h('span', { 'data-result': symbol }, number(values[value], {}, opening)))));
  }
  if (rows.length === 0) {
    parts.push(equation(becomes(math(node.label, { class: 'math name' }), 'parameter'), number(values[update.after])));
  }
  if (update.largest) parts.push(largestPart(node, update.largest));
  if (update.remark) parts.push(h('p', { class: 'note' }, sentence('remark', { text: update.remark })));
  const change = isScalar(values[update.before])
    ? `${short(values[update.before])} → ${short(values[update.after])}` : null;
  parts.push(h('p', { class: 'why' }, ...(change ? [...sentenceParts('was_and_becomes', { change: math(change) }), ' '] : []),
    ...sentenceParts('gradient_of_sweep', { gradient: number(values[node.gradient]) })));
  return parts;
}

/** Of a large tensor, one element all the way: that with the largest gradient. */
function largestPart(node, { index, opened, value }) {
  const name = `${node.label}[${index.join(',')}]`;
  return h('section', { class: 'contribution', id: 'largest' },
    h('h4', {}, sentence('heading_largest')),
    ...(opened.parts ?? []).map((part) => h('div', { class: 'part' }, math(part))),
    equation(becomes(math(name, { class: 'math name' }), 'parameter'),
      math(opened.names, { class: 'math formula' }), math(opened.numbers, { class: 'math numbers' }), number(values[value])));
}

function lossParts(node) {
  const [before, after] = [values[node.value], values[trace.loss_after]];
  const lower = toNumber(after) < toNumber(before);
  const next = besideTraining(1);
  return [
    equation(math(sentence('loss_before', { name: clip(node.label, 20) }), { class: 'math name' }), number(before, { id: 'loss-before' })),
    equation(math(sentence('loss_after', { name: clip(node.label, 20) }), { class: 'math name' }), number(after, { id: 'loss-after' })),
    h('p', { class: 'why' }, lower ? sentence('loss_lower') : sentence('loss_not_lower')),
    next === undefined ? null : h('p', { class: 'actions' },
      h('button', { type: 'button', id: 'next-training', onclick: () => openTraining(next) }, sentence('open_step_of_training', { number: next + 1 }))),
  ].filter(Boolean);
}

/** The step of the update in a sentence, for those who hear the page. */
function spokenUpdate(step) {
  const { node, update } = steps[step];
  const { label } = nodes[node];
  if (!update) return sentence('spoken_loss', { name: label, before: brief(values[nodes[node].value]), after: brief(values[trace.loss_after]) });
  return sentence('spoken_takes_step', { name: label, before: brief(values[update.before]), after: brief(values[update.after]) });
}
