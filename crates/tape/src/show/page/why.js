// ---------------------------------------------------------------------------------------------
// why.js: why a gradient is zero or missing, and the place that stops it.
// ---------------------------------------------------------------------------------------------

/** What is lit: the node whose reason is open, and the places that stop its gradient. */
const lit = { node: null, stops: [] };

/** Whether a node stops the gradient whose reason is open. */
const isStop = (node) => lit.stops.some((stop) => stop.node === node.index);
/** Whether a use of a node is where it is stopped. */
const isStopped = ([user, position]) => lit.stops.some((stop) => stop.node === user && stop.operand === position);

/** Whether the reason may be told at a step: when the gradient is complete, or is known to be none. */
const tellsWhy = (node, step) => node.why?.length > 0
  && (node.backward === undefined || node.backward <= step);

/** Whether all of a gradient is zero. */
const isZero = (node) => node.why?.some(({ elements }) => !elements) && node.gradient !== undefined;

/** Lights the places that stop a node's gradient, or none. */
function light(node) {
  lit.node = node;
  lit.stops = node?.why.flatMap(({ stops }) => stops ?? []) ?? [];
  graph.show(state.step);
  if (lit.stops.length > 0) graph.reveal(graph.itemOf(nodes[lit.stops[0].node]));
}

/** Some elements by their indices. */
function elementsText(node, elements) {
  const most = 4;
  const value = { shape: node.shape ?? [] };
  const shown = elements.slice(0, most).map((element) => `[${indexOf(value, element).join(',')}]`).join(', ');
  return elements.length > most ? sentence('elements_and_more', { count: elements.length - most, elements: shown }) : shown;
}

/** The reason, which opens on demand and lights the place. */
function whyPart(node, step) {
  if (!tellsWhy(node, step)) return null;
  const missing = node.gradient === undefined;
  const all = isZero(node);
  const title = missing ? sentence('why_no_gradient') : all ? sentence('why_gradient_zero') : sentence('why_elements_zero');
  // Paths without the turns that cargo's may have.
  const said = (reason) => reason.replace(/[^\s(]*\/\.\.\/[^\s)]*/gu, direct);
  const line = ({ elements, reason, stops = [] }) => h('li', {},
    ...(elements ? sentenceParts('why_reason_of', { elements: math(elementsText(node, elements)), reason: said(reason) })
      : [sentence('why_reason', { reason: said(reason) })]), ' ',
    ...listed([...new Set(stops.map((stop) => stop.node))].map((stop) => chip(nodes[stop]))));
  const toggled = ({ target }) => {
    if (target.open === (lit.node === node)) return;
    light(target.open ? node : null);
    if (target.open) speak(sentence('spoken_why', { title, reasons: node.why.map(({ reason }) => said(reason)).join('; ') }));
  };
  return h('details', {
    class: 'reason', 'data-why': node.index, open: lit.node === node, ontoggle: toggled,
  }, h('summary', {}, title), h('ul', {}, ...node.why.map(line)),
  h('p', { class: 'fact' }, node.why.some(({ stops }) => stops) ? sentence('stop_is_marked') : sentence('no_single_stop')));
}

/** Opens or closes the reason of what is selected, or of the step. */
function toggleWhy() {
  const details = document.querySelector('#selected .reason, #step .reason');
  if (!details) return speak(sentence('nothing_missing'));
  details.open = !details.open;
  // The browser tells of it later than the next key may come.
  details.dispatchEvent(new Event('toggle'));
  return details.querySelector('summary').focus();
}
