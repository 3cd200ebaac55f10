// ---------------------------------------------------------------------------------------------
// judge.js: whether an answer is right, and what is wrong with it.
// ---------------------------------------------------------------------------------------------

const LONGEST = 400;

/** Whether a number that was reckoned by hand is the key: within 1 % and half a thousandth. */
function agrees(number, key) {
  return Math.abs(number - key) <= 0.01 * Math.abs(key) + 0.0005;
}

/** Whether two numbers of formulas are the same but for rounding. */
function same(a, b) {
  return Math.abs(a - b) <= 1e-7 * Math.max(Math.abs(a), Math.abs(b)) + 1e-10;
}

/** Four significant digits. */
const short = (x) => String(Number(x.toPrecision(4)));

/** Judges an answer: `{ state: 'right' | 'wrong' | 'unreadable', words }`. */
function judge(problem, number, text) {
  const question = problem.questions[number];
  const known = problem.points.map((point) => new Map([
    ...Object.entries(point.values), ...point.adjoints.slice(0, question.known)]));
  const evaluate = (source) => {
    const expression = readExpression(source);
    const unknown = expression.names.find(({ name }) => !known[0].has(name));
    if (unknown) {
      throw new Error(sentence('not_known', { name: unknown.shown }));
    }
    const values = known.map((at) => expression.value(at));
    if (!Number.isFinite(values[0])) throw new Error(sentence('not_comparable', { number: values[0] }));
    return { values, isNumber: expression.names.length === 0 };
  };
  const trimmed = text.trim();
  if (trimmed === '') {
    return { state: 'unreadable', words: sentence('write_something') };
  }
  if ([...trimmed].length > LONGEST) return { state: 'unreadable', words: sentence('too_long', { count: LONGEST }) };
  const plain = /^[-−]?\d+,\d+$/u.test(trimmed) ? trimmed.replace(',', '.') : trimmed;
  let answer;
  try {
    answer = evaluate(plain);
  } catch (error) {
    return { state: 'unreadable', words: error.message };
  }
  const keys = problem.points.map((point) => point.keys[number]);
  const [here] = answer.values;
  if (answer.isNumber ? agrees(here, keys[0]) : answer.values.every((x, i) => same(x, keys[i]))) return { state: 'right' };
  if (!answer.isNumber && agrees(here, keys[0])) {
    return { state: 'wrong', words: sentence('right_here_only', { answer: trimmed }) };
  }
  const count = answer.isNumber ? 1 : problem.points.length;
  const parts = (source) => {
    try {
      return evaluate(source).values.slice(0, count);
    } catch {
      return undefined;
    }
  };
  const words = firstWrong(plain, expectedFactors(problem, number, count), answer.isNumber, parts)
    ?? question.slips.find(([value]) => agrees(here, value))?.[1]
    ?? (short(here) === trimmed ? sentence('not_it', { answer: trimmed }) : sentence('is_not_it', { answer: trimmed, number: short(here) }));
  return { state: 'wrong', words };
}

/** The products that the answer is the sum of, with their numbers at each point. */
function expectedFactors(problem, number, count) {
  const points = problem.points.slice(0, count).map((point) => point.ways[number]);
  const { ways } = problem.questions[number];
  const alike = (way) => points.every((at) => at[way].length === ways[way].length
    && at[way].every((product, i) => product.length === ways[way][i].length));
  return ways.map((products, way) => (!alike(way) ? [] : products.map((product, i) => product.map((name, j) => (
    { name, values: points.map((at) => at[way][i][j]) })))));
}
