// ---------------------------------------------------------------------------------------------
// main.js: the problems, their fields, and the score.
// ---------------------------------------------------------------------------------------------

const { problems } = JSON.parse(document.getElementById('data').textContent);
/** How each question stands: `{ tries, hints, state }`. It leaves with the page. */
const records = [];

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function showScore() {
  const count = (test) => records.filter(test).length;
  const right = count((r) => r.state === 'right');
  const first = count((r) => r.state === 'right' && r.tries === 0 && r.hints === 0);
  const shown = count((r) => r.state === 'shown');
  document.getElementById('score').textContent = sentence('score_so_far', { right, all: records.length, first, shown });
}

function programTable(problem, label) {
  const rows = problem.lines.map(({ name, formula, value, constant }) => {
    const cell = (text, kind) => make('td', kind ? { class: kind } : {}, text);
    const kind = constant ? 'constant' : '';
    return make('tr', {}, cell(name, kind), cell(formula ? `= ${formula}` : `= ${value}`, kind),
      cell(formula ? `= ${value}` : constant ? sentence('constant') : '', kind));
  });
  return make('div', { class: 'program', tabindex: '0', role: 'region', 'aria-label': label }, make('table', {}, make('tbody', {}, ...rows)));
}

/** The next question that is open, in which the cursor is put. */
function focusNext(after) {
  const fields = [...document.querySelectorAll('input')];
  const next = fields.slice(fields.indexOf(after) + 1).find((field) => !field.readOnly);
  next?.focus();
}

function questionItem(problem, number, label) {
  const question = problem.questions[number];
  const record = { tries: 0, hints: 0, state: 'open' };
  records.push(record);
  const field = make('input', { 'aria-label': `${label}: ${question.symbol}`, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', maxlength: '500' });
  const [check, hint, show] = [make('button', { type: 'submit' }, sentence('button_check')), make('button', { type: 'button' }, sentence('button_hint')), make('button', { type: 'button' }, sentence('button_show'))];
  const said = make('p', { role: 'status' });
  const hints = make('div', { class: 'hints' });
  const say = (text, kind) => {
    said.textContent = text;
    said.className = kind;
  };
  const close = (state) => {
    record.state = state;
    field.readOnly = true;
    for (const button of [check, hint, show]) button.disabled = true;
    showScore();
    focusNext(field);
  };
  const form = make('form', {}, make('span', { class: 'symbol' }, `${question.symbol} =`), field, check, hint, show);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (record.state !== 'open') return;
    const { state, words } = judge(problem, number, field.value);
    if (state === 'right') {
      say(sentence('right', { answer: question.answer }), 'right');
      close('right');
      return;
    }
    if (state === 'wrong') record.tries += 1;
    const unreadable = sentence('unreadable', { why: words });
    say(state === 'wrong' ? sentence('wrong', { why: words }) : `${unreadable[0].toUpperCase()}${unreadable.slice(1)}`, 'wrong');
  });
  hint.addEventListener('click', () => {
    const text = question.hints[record.hints];
    if (text !== undefined) hints.append(make('p', {}, text));
    record.hints += 1;
    hint.disabled = record.hints >= question.hints.length;
  });
  show.addEventListener('click', () => {
    say(sentence('the_answer', { answer: question.answer }), '');
    close('shown');
  });
  return make('li', {}, make('p', {}, `${question.symbol}, ${question.words}`), form, said, hints);
}

document.getElementById('problems').append(...problems.map((problem, i) => {
  const title = sentence('problem', { number: i + 1 });
  const items = problem.questions.map((_, number) => questionItem(problem, number, title));
  return make('section', { class: 'problem' }, make('h2', {}, title), programTable(problem, sentence('program_of', { number: i + 1 })), make('ol', {}, ...items));
}));
showScore();
