// ---------------------------------------------------------------------------------------------
// numbers.js: numbers and tensors as text.
// ---------------------------------------------------------------------------------------------

const NOT_FINITE = { NaN: NaN, inf: Infinity, '-inf': -Infinity };
const toNumber = (x) => (typeof x === 'string' ? NOT_FINITE[x] : x);

/** All digits: read back, it is the same number bit for bit. */
function exact(x) {
  if (typeof x === 'string') return x;
  return Object.is(x, -0) ? '-0' : String(x);
}

/** A number to so many significant digits, without zeros at the end, as in the formulas. */
function short(x, digits = 4) {
  if (typeof x === 'string') return x;
  if (x === 0) return exact(x);
  const rounded = Number(x.toPrecision(digits));
  const most = Math.abs(x);
  if (most < 1e-4 || most >= 1e6) return rounded.toExponential().replace('e+', 'e');
  return most >= 10 ** digits ? String(Math.round(x)) : String(rounded);
}

const isScalar = (value) => typeof value !== 'object';
const shapeText = (shape) => `[${shape.join('×')}]`;
const sizeOf = (value) => (isScalar(value) ? 1 : value.shape.reduce((a, b) => a * b, 1));
/** The elements that the page has of a value: all, or those of the corner. */
const elementsOf = (value) => (isScalar(value) ? [value] : (value.data ?? value.corner.data));

/** All elements exactly, or nothing if the page does not have them all. */
function exactText(value) {
  if (isScalar(value)) return exact(value);
  return value.data ? value.data.map(exact).join(' ') : '';
}

/** The smallest, mean and largest of the finite elements. */
function statistics(value) {
  if (!value.data) return value;
  const finite = value.data.filter((x) => typeof x === 'number');
  if (finite.length === 0) return {};
  const mean = finite.reduce((sum, x) => sum + x / finite.length, 0);
  return { min: Math.min(...finite), mean, max: Math.max(...finite) };
}

/** A value in few characters. */
function brief(value) {
  if (isScalar(value)) return short(value);
  const { shape } = value;
  if (value.data && shape.length === 1 && shape[0] <= 3) {
    return `[${value.data.map((x) => short(x)).join(', ')}]`;
  }
  const { min, max } = statistics(value);
  const range = min === undefined ? '' : `  ${short(min, 2)} … ${short(max, 2)}`;
  return `${shapeText(shape)}${range}`;
}

/** The index of an element along each axis; of a summary, the index of an element of its corner. */
function indexOf(value, element) {
  const corner = value.corner ?? value;
  const index = [];
  let rest = element;
  for (const length of [...corner.shape].reverse()) {
    index.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return [...value.shape.slice(corner.shape.length).fill(0), ...index];
}
