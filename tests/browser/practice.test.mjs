// The page of practice in a real browser, from file://, as a learner would use it. Run by
// scripts/browser_test.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe, json, openFile, screenshot } from './browser.mjs';

const open = (level, body, options) => openFile(
  `practice-${level}.html`, '', async (page) => body(page, (await json(page, 'data')).problems),
  { viewport: { width: 1280, height: 900 }, ...options });

const field = (page, number) => page.locator('input').nth(number);
const said = (page, number) => page.locator('li').nth(number).locator('p[role=status]').textContent();

async function answer(page, number, text) {
  await field(page, number).fill(text);
  await page.keyboard.press('Enter');
  return said(page, number);
}

for (let level = 1; level <= 9; level += 1) {
  test(`level ${level}: every key is right, and every listed mistake gets its sentence`, async () => {
    await open(level, async (page, problems) => {
      let number = 0;
      for (const { questions } of problems) {
        for (const { answer: key, slips } of questions) {
          for (const [value, words] of slips) assert.equal(await answer(page, number, String(value)), `No: ${words}.`);
          assert.equal(await answer(page, number, key), `Right: ${key}.`);
          number += 1;
        }
      }
      assert.match(await page.locator('#score').textContent(), new RegExp(`^${number} of ${number} right, `, 'u'));
    });
  });
}

test('formulas, hints and the first wrong factor', async () => {
  await open(2, async (page, problems) => {
    const { questions } = problems[0];
    const at = (symbol) => questions.findIndex((question) => question.symbol === symbol);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BODY');
    assert.match(await answer(page, at('∂L/∂e'), '2*e'), /^Right/u);
    // The cursor goes to the next field.
    assert.equal(await page.evaluate(() => [...document.querySelectorAll('input')].indexOf(document.activeElement)), at('∂L/∂e') + 1);
    assert.match(await answer(page, at('w\u0304'), 'z̄*w'), /^No: the first wrong factor is ∂/u);
    assert.match(await answer(page, at('w\u0304'), 'zbar*x*w'), /a factor too many: `w`/u);
    assert.match(await answer(page, at('w\u0304'), '-z̄*x'), /the sign is the wrong way round/u);
    assert.match(await answer(page, at('w\u0304'), 'zbar * x'), /^Right/u);
    const item = page.locator('li').nth(at('b\u0304'));
    const { hints } = questions[at('b\u0304')];
    for (const _ of hints) await item.getByRole('button', { name: 'Hint' }).click();
    assert.deepEqual(await item.locator('.hints p').allTextContents(), hints);
    await item.getByRole('button', { name: 'Show' }).click();
    assert.match(await page.locator('#score').textContent(), /^2 of \d+ right, 1 at the first try without a hint, 1 shown$/u);
    for (const text of ['', '(', '1/', '1/0', 'foo(1)', 'q', '1e999', '2x', '('.repeat(300)]) {
      const words = await answer(page, at('z\u0304'), text);
      assert.ok(words.length > 10 && !words.startsWith('No:') && !words.startsWith('Right'), `${text}: ${words}`);
    }
  });
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [390, 1280]) {
    test(`axe finds nothing at ${width} px, ${colorScheme}`, async () => {
      await open(7, async (page) => {
        // From outside of the page, whose policy allows its own script only.
        const results = await page.evaluate(`${axe}; axe.run()`);
        assert.deepEqual(results.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
        await screenshot(page, `practice-${width}-${colorScheme}`);
      }, { viewport: { width, height: 900 }, colorScheme });
    });
  }
}
