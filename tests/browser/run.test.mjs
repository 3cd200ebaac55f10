// Pages of runs of training in a real browser, from file://, driven by keyboard. Run by
// scripts/browser_test.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { axe, json, open, press, screenshot, timesOfSteps, written } from './browser.mjs';

const title = (page) => page.textContent('#step h2');

/** Runs something that opens another step of training, and waits until it is there. */
async function training(page, number, act) {
  // The page that is left has the hash, and may have the text, before the new one is loaded.
  await page.evaluate(() => { globalThis.left = true; });
  await act();
  await page.waitForFunction((wanted) => !globalThis.left && location.hash.startsWith(`#train=${wanted}&`)
    && document.body.dataset.ready && document.getElementById('trained-text').textContent.startsWith(`step ${wanted} `), number);
}

test('from the first step to the update, to the loss after it, and to the next step of training', () => open('run-neuron', '', async (page) => {
  const { losses, opened } = await json(page, 'run');
  assert.equal(opened.length, losses.length);
  const { nodes, steps, updates, values, loss_after: lossAfter } = await json(page, 'trace-0');
  assert.deepEqual(updates.map(({ node }) => nodes[node].label), ['b', 'w']);
  await press(page, 'u');
  assert.equal(await page.evaluate(() => Number(document.body.dataset.step)), steps.length);
  assert.equal(await page.evaluate(() => document.body.dataset.pass), 'update');
  assert.match(await title(page), /^update b takes the optimiser’s step$/u);
  await press(page, 'ArrowRight');
  assert.match(await title(page), /^update w takes the optimiser’s step$/u);
  // Adam's formulas, read from the one that runs, with the numbers of the run.
  const line = (symbol) => page.textContent(`[data-line-of="${symbol}"]`);
  assert.match(await line('ηₜ'), /η \/ \(1 - β₁\^t\)=0\.05 \/ \(1 - 0\.9\^1\)/u);
  assert.match(await line('m'), /^m←β₁ · m \+ \(1 - β₁\) · w̄=0\.9 · 0 \+ \(1 - 0\.9\) · /u);
  for (const symbol of ['v', 'm̂', 'v̂', 'cₜ']) assert.ok((await line(symbol)).length > 5, symbol);
  assert.match(await line('w'), /^w←w - ηₜ · m \/ \(sqrt\(v\) · cₜ \+ ε\)=0\.5 - 0\.5 · /u);
  const exact = await page.getAttribute('[data-line-of="w"] [data-exact]', 'data-exact');
  assert.equal(Number(exact), values[updates[1].after]);
  // The box has the new number.
  const box = await page.getAttribute(`.node[data-node="${updates[1].node}"]`, 'data-value');
  assert.equal(Number(box), values[updates[1].after]);
  await press(page, 'End');
  assert.match(await title(page), /the loss with the new parameters/u);
  assert.equal(Number(await page.getAttribute('#loss-before', 'data-exact')), losses[0]);
  assert.equal(Number(await page.getAttribute('#loss-after', 'data-exact')), values[lossAfter]);
  // All of its data are in every step: the loss after the update is the next step's.
  assert.equal(values[lossAfter], losses[1]);
  await training(page, 2, () => page.click('#next-training'));
  assert.equal(await page.evaluate(() => Number(document.body.dataset.step)), 0);
  await training(page, 1, () => page.goBack());
}));

test('a step is chosen on the curve, by keyboard and by pointer', () => open('run-neuron', '', async (page) => {
  const { losses } = await json(page, 'run');
  await page.focus('#trained');
  await press(page, 'End');
  assert.match(await page.textContent('#trained-text'), new RegExp(`^step ${losses.length} of ${losses.length} of training`, 'u'));
  await training(page, losses.length, () => press(page, 'Enter'));
  await training(page, losses.length - 1, () => press(page, '['));
  await training(page, losses.length, () => press(page, ']'));
  await press(page, ']'); // There is no more.
  const { left, top, width, height } = await page.$eval('#curve', (curve) => {
    const { left: x, top: y, width: w, height: h } = curve.getBoundingClientRect();
    return { left: x, top: y, width: w, height: h };
  });
  await training(page, 1, () => page.mouse.click(left + 4, top + height / 2));
  await training(page, losses.length, () => page.mouse.click(left + width - 4, top + height / 2));
  assert.match(await page.textContent('#step'), /is given/u);
}));

test('the theme stays when another step is opened', () => open('run-neuron', '', async (page) => {
  await press(page, 't', 't');
  await training(page, 2, () => press(page, ']'));
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
}));

test('an element of a tensor opens into all that the optimiser did with it', () => open('run-layers', '#train=2&step=0', async (page) => {
  const { updates, nodes } = await json(page, 'trace-1');
  const at = updates.findIndex(({ node }) => nodes[node].label === 'W₂');
  await press(page, 'u', ...Array(at).fill('ArrowRight'));
  await page.click('[data-line-of="W₂"] .tensor > summary');
  await page.click('[data-line-of="W₂"] [data-open="2"]');
  const terms = await page.textContent('[data-line-of="W₂"] .terms');
  assert.match(terms, /v\[1,0\] ← μ · v\[1,0\] \+ W̄₂\[1,0\] = /u);
  assert.match(terms, /W₂\[1,0\]←W₂\[1,0\] - η · v\[1,0\]=/u);
}));

test('exercise mode goes on to the update', () => open('run-neuron', '', async (page) => {
  await press(page, 'e');
  await page.click('#to-update');
  assert.match(await title(page), /takes the optimiser’s step/u);
  assert.equal(await page.$('#step form'), null);
}));

test('a run of 50 steps of the digits is one file of less than 3 MB, and steps quickly', () => open('run-digits', '#train=50&step=0', async (page) => {
  const { size } = statSync(written('run-digits.html'));
  assert.ok(size < 3_000_000, `${size}`);
  const { losses } = await json(page, 'run');
  assert.ok(losses.length === 50 && losses[49] < losses[0]);
  await press(page, 'u');
  assert.match(await page.textContent('#step'), /0\.weight/u);
  // One of its 3,072 numbers, all the way.
  const { updates, values } = await json(page, 'trace-49');
  const { index, value } = updates[0].largest;
  const one = await page.textContent('#largest');
  assert.ok(one.includes(`0.weight[${index.join(',')}]←0.weight[${index.join(',')}] - η · adj(0.weight)[${index.join(',')}]`), one);
  assert.equal(Number(await page.getAttribute('#largest [data-exact]', 'data-exact')), values[value]);
  const times = await timesOfSteps(page, (await json(page, 'trace-0')).steps.length - 1);
  const median = times[Math.floor(times.length / 2)];
  assert.ok(median < 50, `${median} ms a step`);
}));

for (const [width, height] of [[390, 844], [900, 700], [1280, 800], [1600, 1000]]) {
  for (const colorScheme of ['light', 'dark']) {
    for (const name of ['run-neuron', 'run-digits']) {
      test(`${name}: ${width} pixels, ${colorScheme}: nothing overflows, and axe finds nothing`, () => open(name, '#train=2&step=0', async (page) => {
        await press(page, 'u', 'ArrowRight');
        await screenshot(page, `${name}-${width}-${colorScheme}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${wide} pixels too wide`);
        await page.evaluate(axe);
        const rules = { 'label-content-name-mismatch': { enabled: false } };
        const { violations } = await page.evaluate((options) => globalThis.axe.run(options), { rules });
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html, any }) => [html.slice(0, 160), any[0]?.message])]), []);
      }, { viewport: { width, height }, colorScheme, reducedMotion: 'reduce' }));
    }
  }
}
