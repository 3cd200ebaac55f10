// ---------------------------------------------------------------------------------------------
// panel.js: the step in words, formulas and numbers. Every name is set as text.
// ---------------------------------------------------------------------------------------------

/** An element of the page. Keys that begin with `on` are listeners. */
function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const math = (text, attributes = {}) => h('span', { class: 'math', ...attributes }, text);
const derivative = (node, of = output) => math(
  `∂${clip(of.enclosed ?? of.label, 20)}/∂${clip(node.enclosed ?? node.label, 20)}`, { class: 'math name' });
/** The adjoint of a node: `z̄`. */
const adjointOf = (node) => math(clip(node.bar, 26), { class: 'math name' });

/**
 * A value: a number with all its digits at hand, or a tensor that opens. Where the page knows what
 * each element is the sum of, `opening` opens an element too.
 */
function number(value, attributes = {}, opening = null, isData = false) {
  if (isScalar(value)) {
    const all = exact(value);
    const shown = h('data', { class: 'number', value: all, 'data-exact': all, title: all, ...attributes }, short(value));
    if (!opening) return shown;
    const terms = h('div', { class: 'terms', hidden: true });
    const button = h('button', { type: 'button', class: 'plain', 'data-open': 0, 'aria-expanded': 'false', onclick: () => open(opening, value, 0, terms, button) }, sentence('button_terms'));
    return h('span', {}, shown, ' ', button, terms);
  }
  return h('details', { class: 'tensor', 'data-exact': exactText(value), ...attributes },
    h('summary', {}, math(brief(value))), tensor(value, opening, isData));
}

/** Shows what an element is the sum of, or hides it if that is shown. */
function open(opening, value, element, place, button) {
  const again = !place.hidden && Number(place.dataset.element) === element;
  for (const other of place.parentNode.querySelectorAll('[aria-expanded=true]')) other.setAttribute('aria-expanded', 'false');
  place.hidden = again;
  if (again) return;
  button.setAttribute('aria-expanded', 'true');
  place.dataset.element = element;
  const { names, numbers, parts = [] } = opening.all[element];
  const index = isScalar(value) ? '' : `[${indexOf(value, element).join(',')}]`;
  const name = math(`${opening.name}${index}`);
  const result = short(isScalar(value) ? value : value.data[element]);
  const sum = [names && math(names, { class: 'math formula' }), numbers && math(numbers, { class: 'math numbers' })];
  place.replaceChildren(...[
    ...parts.map((part) => h('div', {}, math(part, { class: 'math part' }))),
    equation(opening.adds ? adds(name) : opening.becomes ? becomes(name, 'kept') : name, ...sum, h('span', { 'data-terms': element }, result)),
    opening.product && h('p', { class: 'note' }, ...sentenceParts('note_product', {
      element: math(opening.product.element), why: opening.product.why, product: math(opening.product.product),
    })),
  ].filter(Boolean));
}

/** The opening of the elements of a value, if the page has it. */
const openingOf = (all, name, more = {}) => (all?.length ? { all, name, ...more } : null);

/** The elements of a tensor as tables of its last two axes, and what there is to say of all. */
function tensor(value, opening = null, isData = false) {
  const terms = h('div', { class: 'terms', hidden: true });
  const cell = (x, element) => {
    if (!opening?.all[element]) return short(x);
    const button = h('button', { type: 'button', class: 'cell', 'data-open': element, 'aria-expanded': 'false', onclick: () => open(opening, value, element, terms, button) }, short(x));
    return button;
  };
  const { min, mean, max } = statistics(value);
  const facts = [sentence('shape_and_size', { count: sizeOf(value), shape: shapeText(value.shape) })];
  if (min !== undefined) facts.push(sentence('range', { min: short(min), mean: short(mean), max: short(max) }));
  if (value.not_finite) facts.push(sentence('infinite_or_nan', { count: value.not_finite }));
  const shown = value.corner ?? value;
  const [rows, columns] = shown.shape.length > 1 ? shown.shape.slice(-2) : [1, ...shown.shape];
  const tables = [];
  for (let begin = 0; begin < shown.data.length; begin += rows * columns) {
    const row = (i) => h('tr', {}, ...Array.from({ length: columns }, (_, j) => {
      const x = shown.data[begin + i * columns + j];
      return h('td', { title: exact(x) }, cell(x, begin + i * columns + j));
    }));
    if (shown.data.length > rows * columns) {
      tables.push(h('div', { class: 'fact' }, sentence('at_index', { index: `[${indexOf(value, begin).slice(0, -2).join(', ')}]` })));
    }
    tables.push(h('table', {}, h('tbody', {}, ...Array.from({ length: rows }, (_, i) => row(i)))));
  }
  if (value.corner) facts.push(sentence('first_elements'));
  if (opening) facts.push(sentence('elements_open'));
  return h('div', { class: 'elements' }, ...picture(value, isData), h('div', { class: 'fact' }, facts.join('; ')), ...tables, opening ? terms : null);
}

/** A node that can be clicked, to see all of it. */
function chip(node, text = node.label) {
  return h('button', { type: 'button', class: 'chip', onclick: () => select(node) }, clip(text, 40));
}

/** A list with commas. */
const listed = (children) => children.flatMap((child, i) => (i > 0 ? [', ', child] : [child]));

/** A path without the turns that cargo's may have: `a/b/../c` is `a/c`. */
function direct(path) {
  const parts = [];
  for (const part of path.split('/')) {
    if (part === '..' && parts.length > 0 && !['', '..'].includes(parts.at(-1))) parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

function sourceOf(node) {
  const [file, line, column] = node.at;
  const text = files[file].lines?.[line];
  return h('div', { class: 'source' },
    h('span', { class: 'place' }, `${direct(files[file].path)}:${line}:${column}`),
    text === undefined ? null : h('code', {}, text));
}

/** An equation over as many lines as it has sides. */
function equation(left, ...sides) {
  return h('div', { class: 'equation' }, ...sides.filter(Boolean).map((side, i) => h('div', {},
    h('span', { class: 'left' }, i === 0 ? left : ''),
    h('span', { class: 'sign' }, i > 0 ? '=' : left.dataset?.adds ? '+=' : left.dataset?.becomes ? '←' : '='),
    h('span', { class: 'right' }, side))));
}

const adds = (element) => { element.dataset.adds = 'true'; return element; };

/**
 * The sides of an equation: the formula, the same with numbers, the result. In exercise mode the
 * learner gives the result, and the formulas are the hints.
 */
function sides(step, name, formula, numbers, value, opening = null) {
  const question = exercise.on && exercise.questions(step).find((asked) => asked.name === name);
  const record = question && exercise.record(step, name);
  if (!question || record.state !== 'open') {
    const same = isScalar(value) && [formula, numbers].includes(short(value));
    const shown = [formula && !(same && formula === short(value)) && math(formula, { class: 'math formula' })];
    if (numbers && !(same && numbers === short(value))) shown.push(math(numbers, { class: 'math numbers' }));
    const mark = record && h('span', { class: `mark ${record.state}` }, ' ', record.state === 'right' ? sentence('mark_right') : sentence('mark_shown'));
    return [...shown, h('span', { 'data-result': name }, number(value, {}, opening), mark || null)];
  }
  const hints = [];
  if (record.hints > 0) hints.push(math(formula, { class: 'math formula' }));
  if (record.hints > 1 && numbers) hints.push(math(numbers, { class: 'math numbers' }));
  return [...hints, questionForm(question, record)];
}

function questionForm(question, record) {
  const { name, step, value, element } = question;
  const id = `answer-${name.replace(' ', '-')}`;
  const index = isScalar(value) ? null : `[${indexOf(value, element).join(', ')}]`;
  const [kind] = name.split(' ');
  const asked = {
    value: sentence('asked_value'), local: sentence('asked_local'),
    contribution: sentence('asked_contribution'), sum: sentence('asked_sum'),
  }[kind];
  const said = h('div', { class: 'verdict', role: 'status' }, record.message ?? '');
  const input = h('input', {
    id, name: 'answer', inputmode: 'text', autocomplete: 'off', size: 12, 'aria-label': index ? sentence('asked_of_element', { asked, index }) : asked, placeholder: '?', 'aria-invalid': record.message ? 'true' : null,
  });
  const enough = record.hints >= (question.numbers ? 2 : 1);
  return h('form', {
    class: 'question', 'data-question': name,
    onsubmit: (event) => {
      event.preventDefault();
      const { right, message } = exercise.check(question, input.value);
      record.message = message;
      refresh(right ? null : id);
      if (right) speak(sentence('answer_right', { answer: exact(question.answer) }));
    },
  }, index ? h('label', { for: id }, sentence('its_element', { index })) : null, input, h('button', {}, sentence('button_check')),
  enough ? null : h('button', {
    type: 'button', class: 'plain', 'data-hint': name, onclick: () => { record.hints += 1; refresh(id); },
  }, sentence('button_hint')),
  h('button', {
    type: 'button', class: 'plain', 'data-show': name,
    onclick: () => { exercise.giveUp(question); refresh(null); },
  }, sentence('button_show')), said);
}

function refresh(focus) {
  show(state.step);
  const target = focus ? document.getElementById(focus) : document.querySelector('#step form input');
  (target ?? document.getElementById('forth')).focus();
}

// ---- the step ---------------------------------------------------------------------------------

function renderStep(step) {
  const { node: index } = steps[step];
  const node = nodes[index];
  const place = document.getElementById('step');
  place.replaceChildren(...[
    isUpdate(step) ? updateTitle(step) : isBackward(step) ? backwardTitle(node) : forwardTitle(node),
    groupNote(node),
    exercise.on ? exerciseNote(step) : null,
    ...(isUpdate(step) ? updateParts(node, step) : isBackward(step) ? backwardParts(node, step) : forwardParts(node, step)),
    sourceOf(node),
    waitingPart(step),
  ].filter(Boolean));
  place.dataset.step = step;
}

const heading = (pass, ...text) => h('h2', {}, h('span', { class: `pass ${pass}` }, PASSES[pass]), ' ', ...text);

function forwardTitle(node) {
  const name = math(node.label);
  return heading('forward', ...(node.kind === 'variable' ? sentenceParts('given_variable', { name })
    : node.kind === 'constant' ? sentenceParts('given_constant', { name }) : sentenceParts('computed_by', { name, op: node.op })));
}

function backwardTitle(node) {
  const contributions = steps[node.backward].contributions.length;
  const name = math(node.label);
  return heading('backward', ...(contributions > 0 ? sentenceParts('passes_on', { name, op: node.op }) : sentenceParts('has_gradient', { name })));
}

/** If the step is inside a closed group, how to open it. */
function groupNote(node) {
  const item = graph.itemOf(node);
  if (!item.group) return null;
  return h('p', { class: 'note' }, ...sentenceParts('inside_group', { name: math(item.group.name) }), ' ',
    h('button', { type: 'button', class: 'plain', id: 'open-here', onclick: () => toggle(item.group) }, `${sentence('button_open_it')} (o)`));
}

function exerciseNote(step) {
  const { right, first, shown } = exercise.score();
  const open = exercise.questions(step).filter((question) => exercise.hides(step, question.name)).length;
  return h('p', { class: 'note exercise', id: 'score', 'data-right': right, 'data-shown': shown },
    open > 0 ? sentence('exercise_open', { count: open }) : sentence('exercise_none_open'), ' ',
    sentence('exercise_score', { right, first, shown }));
}

function forwardParts(node, step) {
  const value = values[node.value];
  // The formula of a node without a name is its label.
  const formula = node.spelled && !exercise.hides(step, 'value') ? null : node.formula;
  const parts = [equation(math(node.label), ...(node.formula || node.op
    ? sides(step, 'value', formula, node.numbers, value, openingOf(node.opened, node.enclosed ?? node.label))
    : [number(value, {}, null, node.kind === 'constant')]))];
  if (node.cut) parts.push(h('p', { class: 'note' }, sentence('computed_from_left_out')));
  if (node.nothing) parts.push(h('p', { class: 'note' }, sentence('no_gradient_will', { reason: NOTHING_FLOWS[node.nothing] })));
  parts.push(whyPart(node, step));
  return parts.filter(Boolean);
}

function backwardParts(node, step) {
  const { adjoint, contributions } = steps[step];
  const uses = node.uses.map(([user, position]) => {
    const count = nodes[user].operands.length;
    const name = chip(nodes[user]);
    return h('span', {}, ...(count > 1 ? sentenceParts('use_as_operand', { name, number: position + 1 }) : [name]));
  });
  const why = h('p', { class: 'why' }, ...(uses.length === 0 ? [sentence('why_now_output')]
    : uses.length === 1 ? sentenceParts('why_now_only', { uses })
      : sentenceParts('why_now_all', { count: uses.length, uses: listed(uses) })));
  const beside = readyBeside(step);
  if (beside.length > 0) {
    const names = listed(beside.slice(0, 3).map((other) => chip(other)));
    why.append(' ', ...(beside.length > 3 ? sentenceParts('ready_too_more', { count: beside.length - 3, names }) : sentenceParts('ready_too', { names })));
  }
  const incoming = h('div', { class: 'equation' }, h('div', {},
    h('span', { class: 'left' }, adjointOf(node)), h('span', { class: 'sign' }, '='),
    h('span', { class: 'right' }, derivative(node), ' = ', number(values[adjoint], { id: 'adjoint' }))));
  const received_ = contributions.map((c, operand) => contributionPart(node, step, c, operand));
  return [why, incoming, whyPart(node, step), ...received_, contributions.length === 0 ? pathsPart(node) : null];
}

function contributionPart(node, step, c, operand) {
  const to = nodes[c.operand];
  const count = node.operands.length;
  const title = h('h3', {}, '→ ', chip(to), h('small', {}, count > 1 ? sentence('operand_number', { number: operand + 1, all: count }) : ''));
  if (c.nothing) {
    return h('section', { class: 'contribution nothing' }, title, h('p', {}, sentence('nothing_flows', { reason: NOTHING_FLOWS[c.nothing] })));
  }
  const local = c.local_value === undefined
    ? [h('div', {}, math(c.local)), c.local_numbers && h('div', {}, math(c.local_numbers, { class: 'math numbers' }))]
    : [equation(derivative(to, node), ...sides(step, `local ${operand}`, c.local, c.local_numbers, values[c.local_value]))];
  const part = [title, h('h4', {}, c.local_value === undefined ? sentence('heading_local_map') : sentence('heading_local')), ...(c.local_value === undefined && exercise.hides(step, `contribution ${operand}`)
    ? [h('p', { class: 'fact' }, sentence('shown_with_answer'))] : local),
  h('h4', {}, sentence('heading_contribution')),
  equation(adds(adjointOf(to)), ...sides(step, `contribution ${operand}`, c.formula, c.numbers, values[c.value],
    openingOf(c.opened, to.bar, { adds: true, product: c.product })))];
  const reported = to.uses.findIndex(([user, position]) => user === node.index && position === operand) + 1;
  const waits = to.cut ? sentence('rest_left_out') : reported < to.uses.length
    ? sentence('have_reported', { count: reported, all: to.uses.length }) : sentence('all_reported');
  if (c.before === undefined) {
    part.push(h('p', { class: 'fact' }, sentence('first_contribution'), ' ', waits));
  } else {
    const [before, value] = [values[c.before], values[c.value]];
    const written = isScalar(value) && !exercise.hides(step, `contribution ${operand}`) && !exercise.hides(step, `sum ${operand}`)
      ? `${short(before)} + ${bracketed(short(value))}` : null;
    part.push(h('h4', {}, sentence('heading_sum')),
      equation(adjointOf(to), ...sides(step, `sum ${operand}`, isScalar(value) ? null : sentence('before_and_contribution'), written, values[c.after])),
      h('p', { class: 'fact' }, ...sentenceParts('sum_before', { value: number(before) }), ' ', waits));
  }
  return h('section', { class: 'contribution', 'data-operand': operand }, ...part.filter(Boolean));
}

const bracketed = (text) => (text.startsWith('-') ? `(${text})` : text);

/** Takes a node that is ready as the next step. */
function take(node) {
  const next = Math.max(state.step, forwardSteps - 1) + 1;
  if (!takeNext(node, next)) return speak(sentence('cannot_take'));
  return go(next);
}

/** Who is next, and who waits for whom. */
function waitingPart(step) {
  const from = Math.max(step, forwardSteps - 1);
  const rest = steps.slice(from + 1, updateSteps).map(({ node }) => nodes[node]);
  if (isUpdate(step)) return null;
  if (!isBackward(step) && step < forwardSteps - 1) return null;
  if (rest.length === 0) return h('p', { class: 'why' }, sentence('sweep_done'));
  const limit = 8;
  const line = (node, i) => {
    const missing = missingAt(node, from);
    const users = [...new Set(missing.map(([user]) => nodes[user]))];
    const waiting = [...listed(users.slice(0, 3).map((user) => chip(user))), users.length > 3 ? ', …' : ''];
    const why = missing.length === 0 ? (i === 0 ? sentence('is_next') : sentence('is_ready'))
      : sentenceParts('waits_for', { count: missing.length, all: node.uses.length, users: waiting });
    return h('li', {}, h('span', { class: 'badge', 'aria-hidden': 'true' }, missing.length === 0 ? '● ' : missing.length < node.uses.length ? '◐ ' : '○ '), chip(node), ' ', why,
      exercise.on && missing.length === 0 && i > 0 ? [' ', h('button', { type: 'button', class: 'plain', 'data-take': node.index, onclick: () => take(node) }, sentence('button_take'))] : null);
  };
  return h('details', { class: 'waiting', open: state.waitingOpen, ontoggle: (event) => { state.waitingOpen = event.target.open; } },
    h('summary', {}, sentence('still_to_come', { count: rest.length })),
    h('ol', {}, ...rest.slice(0, limit).map(line)),
    rest.length > limit ? h('p', { class: 'fact' }, sentence('and_more', { count: rest.length - limit })) : null);
}

// ---- one node ---------------------------------------------------------------------------------

/** All there is to say about a node at a step. */
function inspect(node, step) {
  const known = knowledge(node, step);
  const row = (name, ...what) => h('div', {}, h('dt', {}, name), h('dd', {}, ...what));
  const all = (value) => (isScalar(value) ? h('data', { class: 'number', value: exact(value), 'data-exact': exact(value) }, exact(value)) : tensor(value, null, node.kind === 'constant' && value === known.value));
  const kind = node.shape ? sentence('kind_and_shape', { kind: opOf(node), shape: shapeText(node.shape) }) : opOf(node);
  const scope = around(node.group).map((group) => group.name).join(' / ');
  const complete = isBackward(step) && (node.backward ?? Infinity) <= step;
  const adjoint = known.hidden.adjoint ? [sentence('to_be_found')] : known.adjoint !== null
    ? [all(known.adjoint), complete || node.uses.length === 0 ? null : h('span', { class: 'fact' }, ' ', sentence('so_far', { reported: reportedText(node, step) }))]
    : node.nothing ? [sentence('none_because', { reason: NOTHING_FLOWS[node.nothing] })] : [sentence('not_yet')];
  const exerciseHides = exercise.on && !isBackward(step);
  return [
    h('h3', {}, math(node.label), h('small', {}, kind)),
    h('dl', {},
      node.formula && !known.hidden.value && !(exerciseHides && node.index > step) ? row(sentence('row_formula'), math(node.formula)) : null,
      row(sentence('row_value'), known.hidden.value ? sentence('to_be_found') : known.value === null ? sentence('status_ahead') : all(known.value)),
      row(complete ? sentence('row_gradient') : sentence('row_adjoint'), ...adjoint.filter(Boolean)),
      scope ? row(sentence('row_group'), scope) : null),
    sourceOf(node),
  ];
}

function renderSelected(step) {
  const place = document.getElementById('selected');
  if (!selection) return place.replaceChildren();
  const node = selection;
  const go_ = (to, text) => h('button', { type: 'button', class: 'plain', onclick: () => go(to) }, text);
  return place.replaceChildren(h('section', { class: 'card', 'aria-label': sentence('selected', { name: node.label }) },
    ...inspect(node, step),
    nodes[steps[step].node] === node ? null : whyPart(node, step),
    h('p', { class: 'actions' }, go_(node.index, sentence('button_forward_step')),
      node.backward === undefined ? null : go_(node.backward, sentence('button_backward_step')),
      h('button', { type: 'button', class: 'plain', onclick: () => select(null) }, sentence('button_close')))));
}

/** The lines of the program that recorded nodes, by file and line. */
function listProgram() {
  const lines = files.flatMap(({ path, lines: own = {} }, file) => Object.entries(own)
    .map(([line, text]) => ({ file, path, line: Number(line), text })));
  lines.sort((a, b) => a.file - b.file || a.line - b.line);
  document.getElementById('program').hidden = lines.length < 2;
  document.getElementById('lines').append(...lines.map(({ file, line, text }) => h('li', {
    value: line, 'data-line': `${file}:${line}`,
  }, h('code', {}, text))));
}

/** Lights the line of the step. */
function renderProgram(step) {
  const [file, line] = nodes[steps[step].node].at;
  for (const item of document.getElementById('lines').children) {
    const lit = item.dataset.line === `${file}:${line}`;
    if (lit) item.setAttribute('aria-current', 'true');
    else item.removeAttribute('aria-current');
  }
}

/** All values and gradients known at a step, for reading and for screen readers. */
function renderAll(step) {
  const details = document.getElementById('all');
  if (!details.open) return;
  const cell = (value, hidden, name) => h('td', { 'data-exact': value === null ? null : exactText(value), class: name },
    hidden ? '?' : value !== null ? h('span', { title: exactText(value) || null }, brief(value)) : '');
  const row = (node) => {
    const known = knowledge(node, step);
    return h('tr', { 'data-row': node.index, 'data-position': node.position },
      h('th', { scope: 'row' }, chip(node)), h('td', {}, opOf(node)),
      cell(known.value, known.hidden.value, 'value'), cell(known.adjoint, known.hidden.adjoint, 'adjoint'));
  };
  const head = [sentence('column_name'), sentence('column_op'), sentence('row_value'), sentence('row_adjoint')].map((text) => h('th', { scope: 'col' }, text));
  details.querySelector('.wide').replaceChildren(
    h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...nodes.map(row))));
}

/** The step in one sentence, for those who hear the page. */
function spokenStep(step) {
  const node = nodes[steps[step].node];
  const known = knowledge(node, step);
  const where = sentence('spoken_where', { number: step, all: lastStep, pass: passOf(step) });
  if (isUpdate(step)) return `${where} ${spokenUpdate(step)}`;
  if (!isBackward(step)) return `${where} ${sentence('spoken_forward', { name: node.label, value: known.value === null ? sentence('to_be_found') : brief(known.value) })}`;
  const passes = steps[step].contributions.map((c, operand) => {
    const to = nodes[c.operand].label;
    if (c.nothing) return sentence('passes_nothing', { name: to });
    return exercise.hides(step, `contribution ${operand}`) ? sentence('passes_to_be_found', { name: to })
      : sentence('passes', { value: brief(values[c.value]), name: to });
  });
  const gives = passes.length > 0 ? sentence('spoken_passes', { what: passes.join(', ') }) : sentence('spoken_complete');
  return `${where} ${sentence('spoken_backward', { name: node.label, value: brief(values[steps[step].adjoint]) })} ${gives}`;
}
