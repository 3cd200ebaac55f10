// Formulas for KaTeX, and slides in a real browser, from file://. Run by scripts/browser_test.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import katex from 'katex';
import { chromium } from 'playwright-core';

const { CHROMIUM, PAGES, SCREENSHOTS } = process.env;
const PROGRAMS = ['three-layers', 'neuron', 'order', 'shared-weight', 'cross-entropy', 'digits'];

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
});
after(() => browser?.close());

test('KaTeX reads every formula', () => {
  let read = 0;
  for (const name of PROGRAMS) {
    const latex = readFileSync(join(PAGES, `${name}.tex`), 'utf8');
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
  test(`slides of ${name}: arrow keys turn them, print gives a page a step, and no request leaves them`, async () => {
    const url = pathToFileURL(join(PAGES, `slides-${name}.html`)).href;
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    const problems = [];
    page.on('console', (message) => problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.stack));
    page.on('request', (request) => { if (request.url().split('#')[0] !== url) problems.push(request.url()); });
    await page.goto(url);
    const count = await page.locator('section').count();
    const shown = () => page.evaluate(() => [...document.querySelectorAll('section')].findIndex(
      (slide) => slide.getBoundingClientRect().bottom > innerHeight / 2));
    assert.equal(await shown(), 0);
    for (const [key, wanted] of [['ArrowRight', 1], [' ', 2], ['ArrowLeft', 1], ['End', count - 1], ['ArrowRight', count - 1], ['Home', 0]]) {
      await page.keyboard.press(key);
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
    if (SCREENSHOTS) {
      await page.keyboard.press('End');
      await page.screenshot({ path: join(SCREENSHOTS, `slides-${name}.png`) });
    }
    assert.deepEqual(problems, []);
    await page.close();
  });
}
