// ---------------------------------------------------------------------------------------------
// expression.js: answers as they are typed, read and computed. The grammar is that of the crate
// `tape`: ^ binds tightest and to the right, a sign less, then products, then sums.
// ---------------------------------------------------------------------------------------------

const DEEPEST = 64;

const FUNCTIONS = {
  abs: Math.abs, cos: Math.cos, cosh: Math.cosh, exp: Math.exp, ln: Math.log, log: Math.log,
  recip: (x) => 1 / x, relu: (x) => Math.max(x, 0), sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  'σ': (x) => 1 / (1 + Math.exp(-x)), sin: Math.sin, sinh: Math.sinh, softplus: (x) => Math.log1p(Math.exp(x)),
  sqrt: Math.sqrt, square: (x) => x * x, tan: Math.tan, tanh: Math.tanh,
};

const NAME = /[\p{Alphabetic}_](?:(?![²³¹⁰-⁹])[\p{Alphabetic}\p{N}_\u0300-\u036f])*/uy;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const INDICES = /\[\s*(\d{1,3}(?:\s*,\s*\d{1,3})*)\s*\]/y;

/** A name as the page knows it: with a bar over its first letter where it ends with `bar`. */
function plainName(name) {
  const base = /^(.+?)_*bar$/u.exec(name)?.[1];
  return base === undefined ? name : `${[...base][0]}\u0304${[...base].slice(1).join('')}`;
}

/** Reads an answer: `{ names, value(known) }`. Throws an error with a sentence. */
function readExpression(source) {
  const text = source.normalize('NFD').trim();
  const names = [];
  let [at, depth] = [0, 0];
  const fail = (words) => { throw new Error(words); };
  const blank = () => { while (/\s/u.test(text[at] ?? '')) at += 1; };
  const taken = (...signs) => {
    blank();
    const sign = signs.find((s) => text.startsWith(s, at));
    if (sign !== undefined) at += sign.length;
    return sign;
  };
  const match = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found;
  };
  const deeper = (read) => {
    depth += 1;
    if (depth > DEEPEST) fail(sentence('too_deep', { count: DEEPEST }));
    const value = read();
    depth -= 1;
    return value;
  };
  const unexpected = () => fail(at < text.length
    ? sentence('unexpected', { character: [...text.slice(at)][0] }) : sentence('ends_early'));

  function operand() {
    blank();
    if (taken('(')) {
      const inside = deeper(sum);
      if (!taken(')')) unexpected();
      return inside;
    }
    const number = match(NUMBER);
    if (number) {
      const value = Number(number[0]);
      if (!Number.isFinite(value)) fail(sentence('too_large'));
      return () => value;
    }
    const found = match(NAME);
    if (!found) return unexpected();
    if (text[at] === '(') {
      at += 1;
      const f = Object.hasOwn(FUNCTIONS, found[0]) ? FUNCTIONS[found[0]] : fail(sentence('no_function', { name: found[0] }));
      const inside = deeper(sum);
      if (!taken(')')) unexpected();
      return (known) => f(inside(known));
    }
    const indices = match(INDICES);
    const name = plainName(found[0]) + (indices ? `__${indices[1].split(',').map((i) => i.trim()).join('_')}` : '');
    const shown = found[0] + (indices ? indices[0] : '');
    names.push({ name, shown });
    return (known) => known.get(name);
  }
  function power() {
    let base = operand();
    for (;;) {
      const raised = taken('²', '³');
      if (raised) {
        const [inner, exponent] = [base, raised === '²' ? 2 : 3];
        base = (known) => inner(known) ** exponent;
      } else if (taken('^', '**')) {
        const [inner, exponent] = [base, deeper(sign)];
        return (known) => inner(known) ** exponent(known);
      } else {
        return base;
      }
    }
  }
  function sign() {
    if (taken('-', '−')) {
      const inner = deeper(sign);
      return (known) => -inner(known);
    }
    return power();
  }
  function product() {
    let left = sign();
    for (;;) {
      const times = taken('*', '·', '×');
      if (!times && !taken('/', '÷')) return left;
      const [a, b] = [left, sign()];
      left = times ? (known) => a(known) * b(known) : (known) => a(known) / b(known);
    }
  }
  function sum() {
    let left = product();
    for (;;) {
      const plus = taken('+');
      if (!plus && !taken('-', '−')) return left;
      const [a, b] = [left, product()];
      left = plus ? (known) => a(known) + b(known) : (known) => a(known) - b(known);
    }
  }
  const value = sum();
  blank();
  if (at < text.length) unexpected();
  return { names, value };
}
