// ---------------------------------------------------------------------------------------------
// main.js: steps, keys, pointers.
// ---------------------------------------------------------------------------------------------

const $ = (id) => document.getElementById(id);
const state = { step: 0, playing: null, waitingOpen: true, aim: 'value' };
let selection = null;

// ---- steps ------------------------------------------------------------------------------------

/** Shows a step everywhere. */
function show(step) {
  // A reason stays lit as long as the step, or what is selected, has it.
  if (lit.node && ![nodes[steps[step].node], selection].includes(lit.node)) [lit.node, lit.stops] = [null, []];
  state.step = step;
  graph.show(step);
  renderStep(step);
  renderSelected(step);
  renderProgram(step);
  renderAll(step);
  $('scrubber').value = step;
  $('scrubber').setAttribute('aria-valuetext', sentence('step_of_pass', { number: step, all: lastStep, pass: passOf(step) }));
  $('count').textContent = sentence('step_count', { number: step, all: lastStep });
  for (const [id, off] of [['first', step === 0], ['back', step === 0], ['forth', step === lastStep], ['last', step === lastStep]]) {
    $(id).setAttribute('aria-disabled', String(off));
  }
  document.body.dataset.step = step;
  document.body.dataset.pass = steps[step].pass;
}

/** Goes to a step, as far as there are steps. After a leap the browser's Back comes back. */
function go(step, { reveal = true, leap = false } = {}) {
  const to = Math.min(lastStep, Math.max(0, step));
  show(to);
  if (reveal) graph.reveal(graph.itemOf(nodes[steps[to].node]));
  if (exercise.on && document.activeElement !== $('scrubber')) document.querySelector('#step form input')?.focus({ preventScroll: true });
  speak(spokenStep(to));
  const address = `#${run ? trainingAddress(training, to) : `step=${to}`}${exercise.on ? '&exercise' : ''}`;
  if (leap && address !== location.hash) history.pushState(null, '', address);
  else history.replaceState(null, '', address);
  hideTip();
}

/** The step that the address names. */
function fromAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const step = Number.parseInt(parts.get('step') ?? '0', 10);
  if (parts.has('exercise') !== exercise.on) setExercise(parts.has('exercise'));
  return Number.isFinite(step) ? Math.min(lastStep, Math.max(0, step)) : 0;
}

function speak(text) {
  $('spoken').textContent = text;
}

function play(on) {
  clearTimeout(state.playing);
  state.playing = null;
  $('play').textContent = on ? sentence('button_pause') : sentence('button_play');
  if (!on) return;
  if (state.step === lastStep) go(0);
  const next = () => {
    go(state.step + 1);
    if (state.step === lastStep) play(false);
    else state.playing = setTimeout(next, Number($('speed').value));
  };
  state.playing = setTimeout(next, Number($('speed').value));
}

// ---- what is selected, open, on -----------------------------------------------------------------

function select(node) {
  selection = node;
  show(state.step);
  hideTip();
  if (!node) return;
  const item = graph.itemOf(node);
  graph.focused = item;
  graph.rove(item);
  graph.reveal(item);
  speak(item.element.getAttribute('aria-label'));
}

/** Opens or closes a group, keeping it where it is on the screen. */
function toggle(group, focus = false) {
  const before = graph.items.find((item) => item.group === group) ?? graph.itemOf(group.nodes[0]);
  const { scale } = graph.view;
  const at = { x: before.x * scale + graph.view.x, y: before.y * scale + graph.view.y };
  if (graph.open.has(group)) graph.open.delete(group);
  else for (const outer of around(group)) graph.open.add(outer);
  redraw();
  const item = graph.items.find((other) => other.group === group);
  graph.moveTo({ scale, x: at.x - item.x * scale, y: at.y - item.y * scale });
  const whole = graph.whole();
  if (whole.scale >= READABLE) graph.moveTo(whole);
  else graph.reveal(graph.itemOf(nodes[steps[state.step].node]));
  if (focus) focusItem(item);
  const { name } = group;
  speak(graph.open.has(group) ? sentence('group_is_open', { name }) : sentence('group_is_closed', { name }));
}

/** Opens the outermost closed group around the current step, or closes the innermost open one. */
function toggleHere() {
  const { group } = nodes[steps[state.step].node];
  const path = around(group);
  const closed = path.find((outer) => !graph.open.has(outer));
  if (closed ?? group) toggle(closed ?? group);
}

function toggleAll() {
  const opening = groups.some((group) => !graph.open.has(group));
  graph.open = new Set(opening ? groups : []);
  if (!state.turned) graph.choose();
  redraw();
  graph.begin(graph.itemOf(nodes[steps[state.step].node]));
  speak(opening ? sentence('all_are_open') : sentence('all_are_closed'));
}

function redraw() {
  graph.focused = null;
  graph.roving = null;
  graph.draw();
  $('open-all').textContent = groups.some((group) => !graph.open.has(group)) ? sentence('button_open_all') : sentence('button_close_all');
  show(state.step);
}

function turn() {
  state.turned = true;
  graph.direction = graph.direction === 'right' ? 'down' : 'right';
  redraw();
  graph.begin(graph.itemOf(nodes[steps[state.step].node]));
}

function setExercise(on) {
  exercise.on = on;
  play(false);
  $('exercise').setAttribute('aria-pressed', String(on));
}

function switchExercise() {
  setExercise(!exercise.on);
  go(state.step, { reveal: false });
  if (exercise.on) document.querySelector('#step form input')?.focus();
}

const THEMES = { auto: 'light', light: 'dark', dark: 'auto' };
const THEME_TEXTS = { auto: sentence('theme_auto'), light: sentence('theme_light'), dark: sentence('theme_dark') };
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $('theme').replaceChildren(THEME_TEXTS[theme] ?? theme, ' ', h('kbd', {}, 't'));
}

// ---- the graph under the pointer and the keyboard -----------------------------------------------

function targetOf(event) {
  const element = event.target.closest?.('[data-node], [data-group]');
  if (!element) return null;
  if (element.dataset.node !== undefined) return { node: nodes[element.dataset.node] };
  return { group: groups[element.dataset.group] };
}

function act({ node, group }, focus) {
  if (node) select(selection === node ? null : node);
  else toggle(group, focus);
}

function focusItem(item) {
  graph.focused = item;
  graph.rove(item);
  item.element.focus({ preventScroll: true });
  graph.reveal(item);
}

/** The next item of the drawing, in the order of recording. */
function moveFocus(by) {
  const from = graph.items.indexOf(graph.roving);
  const item = graph.items[Math.min(graph.items.length - 1, Math.max(0, from + by))];
  focusItem(item);
}

function showTip(node, x, y) {
  const tip = $('tip');
  tip.replaceChildren(...inspect(node, state.step));
  tip.hidden = false;
  const [frame, box] = [$('graph').getBoundingClientRect(), tip.getBoundingClientRect()];
  const fit = (at, size, room) => Math.max(6, Math.min(at + 14, room - size - 6));
  tip.style.left = `${fit(x - frame.left, box.width, frame.width)}px`;
  const below = y - frame.top + 18;
  const above = y - frame.top - box.height - 14;
  tip.style.top = `${below + box.height < frame.height ? below : Math.max(6, above)}px`;
}

function hideTip() {
  $('tip').hidden = true;
}

function watchDrawing() {
  const { stage } = graph;
  const pointers = new Map();
  let moved = 0;
  const local = (event) => {
    const { left, top } = stage.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  stage.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, local(event));
    moved = 0;
  });
  stage.addEventListener('pointermove', (event) => {
    if (!pointers.has(event.pointerId)) {
      const target = targetOf(event);
      if (target?.node && event.pointerType === 'mouse') showTip(target.node, event.clientX, event.clientY);
      else hideTip();
      return;
    }
    const [before, now] = [pointers.get(event.pointerId), local(event)];
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    moved += Math.hypot(now.x - before.x, now.y - before.y);
    if (moved > 4) {
      stage.setPointerCapture(event.pointerId);
      hideTip();
    }
    if (other) { // Two fingers: as far apart as they are.
      const apart = (p) => Math.hypot(p.x - other.x, p.y - other.y);
      graph.zoom(apart(now) / Math.max(apart(before), 1), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    } else if (moved > 4) {
      cancelAnimationFrame(graph.gliding);
      const { x, y, scale } = graph.view;
      graph.moveTo({ x: x + now.x - before.x, y: y + now.y - before.y, scale });
    }
  });
  const up = (event) => pointers.delete(event.pointerId);
  stage.addEventListener('pointerup', up);
  stage.addEventListener('pointercancel', up);
  stage.addEventListener('pointerleave', hideTip);
  stage.addEventListener('click', (event) => {
    const target = targetOf(event);
    if (target && moved <= 4) act(target, false);
  });
  stage.addEventListener('wheel', (event) => {
    event.preventDefault();
    hideTip();
    graph.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), local(event));
  }, { passive: false });
  stage.addEventListener('focusin', (event) => {
    const target = targetOf(event);
    if (!target?.node || !event.target.matches(':focus-visible')) return;
    const { left, bottom } = event.target.getBoundingClientRect();
    showTip(target.node, left, bottom);
  });
  stage.addEventListener('focusout', hideTip);
  stage.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = targetOf(event);
    const keys = { ArrowDown: () => moveFocus(1), ArrowUp: () => moveFocus(-1) };
    if (target) keys.Enter = keys[' '] = () => act(target, true);
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });
}

// ---- finding --------------------------------------------------------------------------------------

const AIMS = {
  value: sentence('find_for_value'),
  gradient: sentence('find_for_gradient'),
};

function find(aim) {
  state.aim = aim;
  $('finder-aim').textContent = AIMS[aim];
  $('wanted').value = '';
  $('finder').showModal();
  listFound();
}

function listFound() {
  const wanted = $('wanted').value.trim().toLowerCase();
  const matches = (node) => {
    const { label, backward, named } = node;
    if (state.aim === 'gradient' && backward === undefined) return -1;
    if (!wanted) return named ? 1 : 0;
    const name = label.toLowerCase();
    if (name === wanted) return 3;
    return name.startsWith(wanted) ? 2 : `${name} ${opOf(node)}`.includes(wanted) ? 1 : -1;
  };
  const found = nodes.map((node) => ({ node, rank: matches(node) })).filter(({ rank }) => rank >= 0)
    .sort((a, b) => b.rank - a.rank || a.node.index - b.node.index).slice(0, 50);
  $('found').replaceChildren(...found.map(({ node }, i) => h('li', {
    id: `found-${i}`, role: 'option', 'aria-selected': String(i === 0), 'data-found': node.index,
    onclick: () => choose(node),
  }, math(node.label), h('small', {}, [opOf(node), ...around(node.group).map((group) => group.name)].join(' · ')))));
  $('none-found').hidden = found.length > 0;
  markFound(0);
}

function markFound(by) {
  const options = [...$('found').children];
  const at = options.findIndex((option) => option.getAttribute('aria-selected') === 'true');
  const to = Math.min(options.length - 1, Math.max(0, at + by));
  options.forEach((option, i) => option.setAttribute('aria-selected', String(i === to)));
  options[to]?.scrollIntoView({ block: 'nearest' });
  $('wanted').setAttribute('aria-activedescendant', options[to]?.id ?? '');
}

function choose(node) {
  $('finder').close();
  play(false);
  selection = node;
  go(state.aim === 'gradient' ? node.backward : node.index, { leap: true });
}

// ---- keys -----------------------------------------------------------------------------------------

const KEYS = [
  ['→', sentence('press_on'), ['ArrowRight', 'l'], () => step_(1)],
  ['←', sentence('press_back'), ['ArrowLeft', 'h'], () => step_(-1)],
  [sentence('name_home'), sentence('press_first'), ['Home'], () => jump(0)],
  [sentence('name_end'), sentence('press_last'), ['End'], () => jump(lastStep)],
  ['f', sentence('press_forward'), ['f'], () => jump(0)],
  ['b', sentence('press_backward'), ['b'], () => jump(forwardSteps)],
  ...(trace.updates ? [['u', sentence('press_update'), ['u'], () => jump(updateSteps)]] : []),
  ...(run ? [['[ ]', sentence('press_training'), ['['], () => openTraining(besideTraining(-1))],
    [null, null, [']'], () => openTraining(besideTraining(1))]] : []),
  ['p', sentence('press_play'), ['p', ' '], () => play(!state.playing)],
  [sentence('names_find'), sentence('press_find'), ['/', 'j'], () => find('value')],
  ['g', sentence('press_gradient'), ['g'], () => find('gradient')],
  ['o', sentence('press_group'), ['o'], toggleHere],
  ['O', sentence('press_groups'), ['O'], toggleAll],
  ['w', sentence('press_why'), ['w'], toggleWhy],
  ['e', sentence('press_exercise'), ['e'], switchExercise],
  ['+ −', sentence('press_zoom'), ['+', '='], () => graph.zoom(1.25)],
  [null, null, ['-', '−'], () => graph.zoom(0.8)],
  ['0', sentence('press_fit'), ['0'], () => graph.glideTo(graph.whole())],
  ['r', sentence('press_turn'), ['r'], turn],
  ['t', sentence('press_theme'), ['t'], () => setTheme(THEMES[document.documentElement.dataset.theme])],
  [sentence('names_graph'), sentence('press_graph'), [], null],
  [sentence('name_escape'), sentence('press_escape'), ['Escape'], () => select(null)],
  ['?', sentence('press_help'), ['?'], () => $('keys').showModal()],
];

const step_ = (by) => { play(false); go(state.step + by); };
const jump = (to) => { play(false); go(to, { leap: true }); };

function onKey(event) {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector('dialog[open]')) return;
  // Until the page is painted again the focus may stay in what was just closed.
  if (target.checkVisibility() && target.matches('input:not([type=range]), select, textarea')) {
    if (key === 'Escape') target.blur();
    // In an empty field of the exercise the arrows step.
    if (!target.closest('.question') || target.value !== '' || !['ArrowLeft', 'ArrowRight'].includes(key)) return;
  }
  if (key === ' ' && target.matches('button, summary')) return;
  // These choose a step of training.
  if (target.id === 'trained' && /^(Arrow|Home|End|Page)/u.test(key)) return;
  const found = KEYS.find(([, , keys]) => keys.includes(key));
  if (!found) return;
  event.preventDefault();
  found[3]();
}

// ---- the beginning ----------------------------------------------------------------------------------

const SIGNS = [
  ['▭', sentence('sign_box')],
  ['→', sentence('sign_arrow')],
  ['▶', sentence('sign_current')],
  ['┄', sentence('sign_no_flow')],
  ['○ ◐ 1/2', sentence('sign_waits')],
  ['●', sentence('sign_ready')],
  ['✓', sentence('sign_done')],
  ...(nodes.some(isZero) ? [['✓ 0', sentence('sign_zero')]] : []),
  ...(nodes.some(({ why }) => why) ? [['✕', sentence('sign_stop')]] : []),
  ['⊘ ✂', sentence('sign_detached')],
  ['▸ 3/5', sentence('sign_group')],
  ...(groups.some((group) => miniaturesOf(group).length > 0) ? [['▦', sentence('sign_heat')]] : []),
  ...(trace.updates ? [['←', sentence('sign_update')]] : []),
  ['z̄', sentence('sign_adjoint')],
];

function begin() {
  $('title').textContent = visible(document.title);
  $('size').textContent = sentence('size', {
    values: sentence('count_values', { count: nodes.length }), steps: sentence('count_steps', { count: lastStep + 1 }), element: trace.element,
  });
  if (trace.left_out) {
    const all = nodes.length + trace.left_out;
    $('left-out').hidden = false;
    const said = (count) => count.toLocaleString(LANGUAGE);
    $('left-out').textContent = sentence('left_out', { all: said(all), shown: said(nodes.length), left_out: said(trace.left_out) });
  }
  $('signs').append(...SIGNS.flatMap(([sign, text]) => [h('dt', {}, sign), h('dd', {}, text)]));
  $('key-list').append(...KEYS.filter(([key]) => key).flatMap(([key, text]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, text)]));
  $('scrubber').max = lastStep;
  $('to-forward').style.flexGrow = forwardSteps;
  $('to-backward').style.flexGrow = updateSteps - forwardSteps;
  $('to-update').style.flexGrow = lastStep + 1 - updateSteps;
  $('to-update').hidden = lastStep < updateSteps;
  $('open-all').hidden = groups.length === 0;
  setTheme(new URLSearchParams(location.hash.slice(1)).get('theme') ?? 'auto');
  beginRun();

  listProgram();

  graph.openFirst();
  graph.choose();
  state.step = fromAddress();
  redraw();
  graph.begin(graph.itemOf(nodes[steps[state.step].node]));
  watchDrawing();

  const onClick = {
    first: () => jump(0), back: () => step_(-1), forth: () => step_(1), last: () => jump(lastStep),
    play: () => play(!state.playing), 'to-forward': () => jump(0), 'to-backward': () => jump(forwardSteps), 'to-update': () => jump(updateSteps),
    find: () => find('value'), exercise: switchExercise, help: () => $('keys').showModal(),
    theme: () => setTheme(THEMES[document.documentElement.dataset.theme]),
    'zoom-in': () => graph.zoom(1.25), 'zoom-out': () => graph.zoom(0.8),
    fit: () => graph.glideTo(graph.whole()), turn, 'open-all': toggleAll,
  };
  for (const [id, action] of Object.entries(onClick)) $(id).addEventListener('click', action);
  $('scrubber').addEventListener('input', (event) => { play(false); go(Number(event.target.value)); });
  $('all').addEventListener('toggle', () => renderAll(state.step));
  $('wanted').addEventListener('input', listFound);
  $('wanted').addEventListener('keydown', (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) markFound(by);
    if (by || event.key === 'Enter') event.preventDefault();
    const found = $('found').querySelector('[aria-selected=true]');
    if (event.key === 'Enter' && found) choose(nodes[found.dataset.found]);
  });
  addEventListener('keydown', onKey);
  addEventListener('hashchange', () => {
    if (addressed() !== training) return location.reload();
    play(false);
    return go(fromAddress());
  });
  addEventListener('resize', () => graph.refit(graph.itemOf(nodes[steps[state.step].node])));
  document.body.dataset.ready = 'true';
}

begin();
