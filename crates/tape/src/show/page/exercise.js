// ---------------------------------------------------------------------------------------------
// exercise.js: what the learner is to find, and what the page may show of it meanwhile.
// ---------------------------------------------------------------------------------------------

/** An answer counts within 1 %, or within this of a number that is nearly 0. */
const TOLERANCE = { relative: 0.01, absolute: 1e-9 };

const exercise = {
  on: false,
  /** By step and question: `{ tries, hints, state }`. The score is theirs, and leaves with the page. */
  answers: new Map(),

  /** What a step asks: `{ name, value, element }`, with the number to be found. */
  questions(step) {
    const { node, contributions = [] } = steps[step];
    const ask = (name, index, formula, numbers) => {
      const elements = elementsOf(values[index]);
      // Of a tensor one element: the first that is not 0.
      const element = Math.max(0, elements.findIndex((x) => x !== 0));
      return elements.length === 0 ? []
        : [{ name, step, value: values[index], element, answer: elements[element], formula, numbers }];
    };
    if (!isBackward(step)) {
      const { formula, numbers, value } = nodes[node];
      return formula ? ask('value', value, formula, numbers) : [];
    }
    return contributions.flatMap((c, operand) => {
      if (c.nothing) return [];
      const asked = [];
      if (c.local_value !== undefined) asked.push(...ask(`local ${operand}`, c.local_value, c.local, c.local_numbers));
      asked.push(...ask(`contribution ${operand}`, c.value, c.formula, c.numbers));
      if (c.before !== undefined) {
        const numbers = [c.before, c.value].map((index) => brief(values[index])).join(' + ');
        asked.push(...ask(`sum ${operand}`, c.after, sentence('sum_and_contribution'), numbers));
      }
      return asked;
    });
  },

  record(step, name) {
    // By the node: the order of the steps may change.
    const key = `${steps[step].pass} ${steps[step].node} ${name}`;
    if (!this.answers.has(key)) this.answers.set(key, { tries: 0, hints: 0, state: 'open' });
    return this.answers.get(key);
  },

  /** Whether the page must not show the answer to a question yet. */
  hides(step, name) {
    if (!this.on || this.record(step, name).state !== 'open') return false;
    return this.questions(step).some((question) => question.name === name);
  },

  /** Checks an answer; a wrong one brings the next hint. */
  check(question, text) {
    const given = readNumber(text);
    if (given === null) return { right: false, message: sentence('not_a_number') };
    const record = this.record(question.step, question.name);
    record.tries += 1;
    if (agrees(given, toNumber(question.answer))) {
      record.state = 'right';
      return { right: true };
    }
    record.hints = Math.min(2, record.hints + 1);
    return { right: false, message: sentence('is_not_it', { answer: text.trim() }) };
  },

  giveUp(question) {
    this.record(question.step, question.name).state = 'shown';
  },

  score() {
    const all = [...this.answers.values()];
    const count = (test) => all.filter(test).length;
    return {
      right: count((a) => a.state === 'right'),
      first: count((a) => a.state === 'right' && a.tries === 1 && a.hints === 0),
      shown: count((a) => a.state === 'shown'),
    };
  },
};

/**
 * The number that a text says, also with a decimal comma or a real minus sign, and calculations such
 * as `1/3` and `0.224*0.07`; or nothing.
 */
function readNumber(text) {
  const plain = text.trim().replaceAll('−', '-').replace(/^([^.]*),([^.,]*)$/u, '$1.$2').replace(/[·×]/gu, '*');
  if (/^nan$/iu.test(plain)) return NaN;
  const words = plain.match(/(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|∞|\*\*|[-+*/^()²³]|\S/giu) ?? [];
  let at = 0;
  const next = (word) => words[at] === word && (at += 1) > 0;
  const fail = () => { throw new SyntaxError(plain); };
  const atom = () => {
    if (next('(')) {
      const inner = sum();
      return next(')') ? inner : fail();
    }
    const word = words[at] ?? fail();
    at += 1;
    if (/^(inf(inity)?|∞)$/iu.test(word)) return Infinity;
    return /^[\d.]/u.test(word) ? Number(word) : fail();
  };
  const power = () => {
    const base = atom();
    if (next('²')) return base ** 2;
    if (next('³')) return base ** 3;
    return next('^') || next('**') ? base ** sign() : base;
  };
  const sign = () => (next('-') ? -sign() : next('+') ? sign() : power());
  const product = () => {
    let value = sign();
    for (;;) {
      if (next('*')) value *= sign();
      else if (next('/')) value /= sign();
      else return value;
    }
  };
  const sum = () => {
    let value = product();
    for (;;) {
      if (next('+')) value += product();
      else if (next('-')) value -= product();
      else return value;
    }
  };
  try {
    const value = sum();
    return at === words.length ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function agrees(given, answer) {
  if (!Number.isFinite(answer)) return Object.is(given, answer);
  return Math.abs(given - answer) <= Math.max(TOLERANCE.relative * Math.abs(answer), TOLERANCE.absolute);
}

/** What may be shown of a node at a step: its value and its adjoint so far, unless they are asked. */
function knowledge(node, step) {
  const hidden = { value: false, adjoint: false };
  let [value, adjoint] = [null, null];
  if (isBackward(step) || node.index <= step) {
    hidden.value = step === node.index && exercise.hides(step, 'value');
    if (!hidden.value) value = values[node.updated?.step <= step ? node.updated.value : node.value];
  }
  let sum = receivedBy(node, step);
  if (sum?.step === step && sum.operand !== undefined) {
    const asked = received[node.index].filter((entry) => entry.step === step).find(({ operand }) => (
      exercise.hides(step, `contribution ${operand}`) || exercise.hides(step, `sum ${operand}`)));
    hidden.adjoint = asked !== undefined;
    if (hidden.adjoint) sum = undefined;
  }
  if (sum) adjoint = values[sum.sum];
  return { value, adjoint, hidden };
}
