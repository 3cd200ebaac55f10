// ---------------------------------------------------------------------------------------------
// sentences.js: what the page says, in its language. The page holds the templates as data.
// ---------------------------------------------------------------------------------------------

const TEMPLATES = JSON.parse(document.getElementById('words').textContent);
const LANGUAGE = document.documentElement.lang;
const PLURALS = new Intl.PluralRules(LANGUAGE);
/** Templates that were said before, in parts: every other is the name of a gap. */
const PARTS = new Map();

/**
 * A sentence as a list of texts and of what fills its gaps, which may be elements or lists of them. Of
 * a sentence that has several forms `count` tells which.
 */
function sentenceParts(name, gaps = {}) {
  const found = TEMPLATES[name];
  const template = typeof found === 'string' ? found : found[PLURALS.select(gaps.count)] ?? found.other;
  if (!PARTS.has(template)) PARTS.set(template, template.split(/\{(\w+)\}/u));
  return PARTS.get(template).flatMap((part, i) => (i % 2 === 1 ? gaps[part] : part)).filter((part) => part !== '');
}

/** A sentence with its gaps filled by text. */
const sentence = (name, gaps = {}) => sentenceParts(name, gaps).join('');
