// ---------------------------------------------------------------------------------------------
// factor.js: the first wrong factor of an answer that is a product, or a sum of products.
// ---------------------------------------------------------------------------------------------

const MOST_FACTORS = 8;

/** The characters outside of brackets, and whole pairs of brackets: `{ text, sign, star }`. */
function pieces(text) {
  const found = [];
  let [depth, start, before, at] = [0, 0, '', 0];
  const isSign = () => before === '' || /(?:^|[^\p{L}\p{N}_])[\d.]+[eE]$/u.test(before) || /[*·×/÷^+\-−]$/u.test(before);
  for (const c of text) {
    const end = at + c.length;
    if (c === '(' || c === '[') {
      if (depth === 0) start = at;
      depth += 1;
    } else if (c === ')' || c === ']') {
      depth = Math.max(0, depth - 1);
      if (depth === 0) {
        found.push({ text: text.slice(start, end) });
        before += c;
      }
    } else if (depth === 0) {
      const star = c === '*' && (text[end] === '*' || before.endsWith('*'));
      found.push({ text: c, sign: isSign(), star });
      if (!/\s/u.test(c)) before += c;
    }
    at = end;
  }
  return found;
}

/** The terms of a sum, with their signs. */
function terms(text) {
  const found = [''];
  for (const piece of pieces(text)) {
    if (/^[+\-−]$/u.test(piece.text) && !piece.sign) found.push(piece.text === '+' ? '' : '-');
    else found[found.length - 1] += piece.text;
  }
  return found;
}

/** The factors of a product: `{ text, source }`. */
function factors(term) {
  const found = [{ text: '', divides: false }];
  for (const piece of pieces(term)) {
    if (/^[*·×]$/u.test(piece.text) && !piece.star) found.push({ text: '', divides: false });
    else if (/^[/÷]$/u.test(piece.text)) found.push({ text: '', divides: true });
    else found.at(-1).text += piece.text;
  }
  return found.map(({ text, divides }) => {
    const plain = text.trim();
    return divides ? { text: `/ ${plain}`, source: `1/(${plain})` } : { text: plain, source: plain };
  });
}

const times = (rows) => rows.reduce((product, row) => product.map((x, i) => x * row[i]));
const isOne = (row) => row.every((x) => same(Math.abs(x), 1));

/** Names the first wrong factor, or gives nothing. `ways` are sums of products of `{ name, values }`. */
function firstWrong(text, ways, rounded, evaluate) {
  const written = terms(text).map(factors);
  if (written.some((term) => term.length > MOST_FACTORS) || written.flat().length < 2) return undefined;
  for (const factor of written.flat()) {
    factor.values = evaluate(factor.source);
    if (!factor.values) return undefined;
  }
  const told = ways.map((way) => compareSum(way, written, rounded)).filter(Boolean);
  return told.reduce((best, next) => (best && best.matched > next.matched ? best : next), undefined)?.words;
}

function equalMagnitudes(a, b, rounded) {
  return a.every((x, i) => (rounded ? agrees : same)(Math.abs(x), Math.abs(b[i])));
}

function compareSum(expected, written, rounded) {
  if (expected.length === 1 && written.length === 1) return compareProduct(expected[0], written[0], rounded);
  if (expected.length > 1 && written.length > 1) return compareTerms(expected, written, rounded);
  return undefined;
}

function compareTerms(expected, written, rounded) {
  const left = [...written];
  const missing = expected.filter((product) => {
    const value = times(product.map((f) => f.values));
    const at = left.findIndex((term) => {
      const given = times(term.map((f) => f.values));
      return equalMagnitudes(given, value, rounded) && Math.sign(given[0]) === Math.sign(value[0]);
    });
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  if (missing.length === 0) return undefined;
  const matched = Math.trunc(100 * (expected.length - missing.length) / expected.length);
  const names = missing[0].map((f) => f.name).join(' · ');
  if (left.length === 0) return { words: sentence('contribution_missing', { name: names }), matched };
  const inside = left.map((term) => compareProduct(missing[0], term, rounded)).filter(Boolean);
  if (inside.length === 0) return undefined;
  const best = inside.reduce((a, b) => (a.matched > b.matched ? a : b));
  return { words: sentence('in_contribution', { name: names, why: best.words }), matched: matched + Math.trunc(best.matched / (1 + expected.length)) };
}

function compareProduct(expected, written, rounded) {
  let left = [...written];
  let wrong;
  for (let at = 0; at < expected.length;) {
    const taken = take(expected.slice(at), left, rounded);
    if (taken) left = taken.left;
    else wrong ??= at;
    at += taken?.count ?? 1;
  }
  if (left.length === written.length) return undefined;
  left = left.filter((factor) => !isOne(factor.values));
  const others = left.map((f) => `\`${f.text}\``).join(' · ');
  const matched = Math.trunc((wrong ?? expected.length) * 100 / expected.length);
  if (wrong !== undefined) {
    const { name } = expected[wrong];
    const words = left.length === 0 ? sentence('factor_missing', { name })
      : sentence('factor_wrong', { name, others });
    return { words, matched };
  }
  if (left.length > 0) return { words: sentence('factor_too_many', { others }), matched };
  const [value, given] = [times(expected.map((f) => f.values)), times(written.map((f) => f.values))];
  if (Math.sign(value[0]) === Math.sign(given[0])) return undefined;
  return { words: sentence('sign_of_product'), matched };
}

/** Takes the fewest factors whose product is the next that is expected, or the next few. */
function take(expected, left, rounded) {
  const count = (subset) => subset.toString(2).replaceAll('0', '').length;
  const subsets = Array.from({ length: 2 ** left.length - 1 }, (_, i) => i + 1).sort((a, b) => count(a) - count(b) || a - b);
  for (let number = 1; number <= Math.min(3, expected.length); number += 1) {
    const value = times(expected.slice(0, number).map((f) => f.values));
    const within = (subset, inside) => left.filter((_, i) => ((subset >> i) & 1) === (inside ? 1 : 0));
    const subset = subsets.find((s) => equalMagnitudes(times(within(s, true).map((f) => f.values)), value, rounded));
    if (subset !== undefined) return { count: number, left: within(subset, false) };
    if (number === 1 && isOne(expected[0].values)) return { count: 1, left };
  }
  return undefined;
}
