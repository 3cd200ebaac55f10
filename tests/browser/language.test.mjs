// The page in a language that sets every sentence in brackets: no word is outside of them. Run by
// scripts/browser_test.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentOf, json, open, press } from './browser.mjs';

/**
 * What the page says outside of the brackets that its language sets around every sentence: words that
 * are no name of the program, no op and no formula. Lines of the program are left out.
 */
const outside = (page) => page.evaluate(() => {
  const wordsOf = (text) => text.split(/[^\p{L}]+/u).filter((word) => [...word].length > 1);
  const read = () => {
    const found = new Set(['html', 'adj', 'rs', 'NaN', 'inf']);
    JSON.parse(document.querySelector('script[id^="trace"]').textContent, (key, value) => {
      if (['files', 'reason', 'remark', 'why'].includes(key)) return null;
      if (typeof value === 'string') wordsOf(value).forEach((word) => found.add(word));
      return value;
    });
    return found;
  };
  globalThis.wordsOfTheProgram ??= read(); // They are the same at every step.
  const known = globalThis.wordsOfTheProgram;
  const said = [document.title];
  const walk = (element) => {
    if (element.matches('script, noscript, .source, #lines')) return;
    for (const name of ['aria-label', 'aria-valuetext', 'title', 'placeholder']) said.push(element.getAttribute(name) ?? '');
    for (const child of element.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) said.push(child.data);
      else if (child.nodeType === Node.ELEMENT_NODE) walk(child);
    }
  };
  walk(document.body);
  let depth = 0;
  let rest = '';
  for (const sign of said.join(' ')) {
    if (sign === '⟦') depth += 1;
    rest += depth === 0 ? sign : ' ';
    if (sign === '⟧') depth -= 1;
    if (depth < 0) throw new Error(`brackets: ${said.join(' ')}`);
  }
  if (depth !== 0) throw new Error(`brackets: ${said.join(' ')}`);
  const whole = rest.replace(/\p{L}+…/gu, ''); // But for names that were shortened.
  return [...new Set(wordsOf(whole).filter((word) => !known.has(word)))];
});

/** Opens all that is folded, an element of each tensor too. */
const unfold = (page) => page.evaluate(() => {
  for (const details of document.querySelectorAll('details:not([open])')) details.open = true;
  for (const terms of document.querySelectorAll('.elements, .right')) terms.querySelector('[data-open][aria-expanded=false]')?.click();
});

for (const name of ['sum', 'cross-entropy', 'network', 'pictures', 'dead', 'large', 'run']) {
  test(`${name}: in another language no word of English is left`, () => open(`marked-${name}`, '', async (page) => {
    const words = await json(page, 'words');
    for (const text of Object.values(words).flatMap((one) => (typeof one === 'string' ? [one] : Object.values(one)))) {
      assert.ok(text.startsWith('⟦') && text.endsWith('⟧'), text);
    }
    const seen = new Set();
    const look = async (where) => {
      assert.deepEqual(await outside(page), [], where);
      seen.add(await page.textContent('#step'));
    };
    assert.equal(await page.getAttribute('html', 'lang'), 'en-x-marked');
    const last = Number(await page.getAttribute('#scrubber', 'max'));
    const walk = async (where) => {
      await press(page, 'Home');
      for (let step = 0; step <= last; step += 1) {
        await unfold(page);
        await look(`${where}, step ${step}`);
        await press(page, 'ArrowRight');
      }
    };
    await walk('reading');
    assert.ok(seen.size > last / 2, 'the steps differ');
    // Groups, what is selected, the tip, the reason of a gradient, themes, a pause.
    await press(page, 'b');
    for (const key of ['O', 'O', 'o', 'o', 'w', 't', 't', 't', 'p', 'p', '[', 'r']) {
      await press(page, key);
      await look(`after ${key}`);
    }
    for (const node of (await page.$$('[data-node], [data-group]')).slice(0, 12)) {
      await node.dispatchEvent('click');
      await look('selected');
      if (!await node.isVisible()) break; // A group was opened, and all drawn anew.
      const { x, y } = await node.boundingBox();
      await node.dispatchEvent('pointermove', { clientX: x + 4, clientY: y + 4, pointerType: 'mouse', bubbles: true });
      await look('hovered');
    }
    const close = async () => {
      await press(page, 'Escape');
      // The focus leaves the dialog after it.
      await page.waitForFunction(() => !document.querySelector('dialog[open]') && !document.activeElement.closest('dialog'));
    };
    await press(page, 'Escape', '?');
    await look('the keys');
    await close();
    await press(page, 'g');
    await look('the finder');
    await close();
    await press(page, '/');
    await page.keyboard.type('0000');
    assert.ok(await page.isVisible('#none-found'));
    await look('nothing found');
    await close();
    // Exercise: what is asked, an answer that is none, one that is wrong, and giving up.
    await press(page, 'e', 'Home');
    for (let step = 0; step <= last; step += 1) {
      await look(`exercise, step ${step}`);
      for (const answer of ['?', '1e99']) {
        const field = await page.$('#step form input');
        if (!field) break;
        await field.fill(answer);
        await press(page, 'Enter');
        await look(`exercise, step ${step}, ${answer}`);
      }
      if (step % 2 === 0) await page.$eval('#step', (place) => place.querySelector('[data-show]')?.click());
      const take = step % 3 === 0 ? await page.$('#step [data-take]') : null;
      if (take) await take.evaluate((button) => button.click());
      await look(`exercise, step ${step}, given up`);
      await page.evaluate(() => document.activeElement.blur());
      await press(page, 'ArrowRight');
    }
  }));
}

test('what is right is said in the language of the page', () => open('marked-sum', '#step=1&exercise', async (page) => {
  const { nodes, values } = await documentOf(page);
  await page.fill('#step form input', String(values[nodes[1].value]));
  await press(page, 'Enter');
  assert.match(await page.textContent('#step .mark'), /⟦✓ right⟧/u);
  assert.match(await page.textContent('#spoken'), /^⟦Right: 6\.⟧$/u);
  assert.deepEqual(await outside(page), []);
}));
