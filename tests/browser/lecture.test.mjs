// Formulas for KaTeX, and slides in a real browser, from file://. Run by scripts/browser_test.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import katex from 'katex';
import { openFile, press, screenshot, written } from './browser.mjs';

const PROGRAMS = ['three-layers', 'neuron', 'order', 'shared-weight', 'cross-entropy', 'digits'];

test('KaTeX reads every formula', () => {
  let read = 0;
  for (const name of PROGRAMS) {
    const latex = readFileSync(written(`${name}.tex`), 'utf8');
    const blocks = latex.match(/\\begin\{align\*\}[\s\S]*?\\end\{align\*\}/gu);
    const inline = (latex.match(/\$[^$]*\$/gu) ?? []).map((formula) => formula.slice(1, -1));
    for (const formula of [...blocks, ...inline]) {
      katex.renderToString(formula, { displayMode: formula.startsWith('\\begin'), throwOnError: true, strict: 'error' });
      read += 1;
    }
  }
  assert.ok(read > 100, `${read}`);
  assert.throws(() => katex.renderToString('\\frac{1}{', { throwOnError: true }));
});

for (const name of ['neuron', 'three-layers']) {
  test(`slides of ${name}: arrow keys turn them, print gives a page a step, and no request leaves them`, () => openFile(`slides-${name}.html`, '', async (page) => {
    const count = await page.locator('section').count();
    const shown = () => page.evaluate(() => [...document.querySelectorAll('section')].findIndex(
      (slide) => slide.getBoundingClientRect().bottom > innerHeight / 2));
    assert.equal(await shown(), 0);
    for (const [key, wanted] of [['ArrowRight', 1], [' ', 2], ['ArrowLeft', 1], ['End', count - 1], ['ArrowRight', count - 1], ['Home', 0]]) {
      await press(page, key);
      assert.equal(await shown(), wanted, key);
    }
    // A formula that a browser cannot set has no size.
    const empty = await page.evaluate(() => [...document.querySelectorAll('math')].filter((m) => m.getBoundingClientRect().width === 0).length);
    assert.equal(empty, 0);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.equal(wide, false, 'nothing is wider than the window');
    const pdf = await page.pdf({ preferCSSPageSize: true });
    const pages = pdf.toString('latin1').match(/\/Type\s*\/Page[^s]/gu).length;
    assert.equal(pages, count);
    await press(page, 'End');
    await screenshot(page, `slides-${name}`);
  }, { viewport: { width: 1280, height: 720 } }));
}
