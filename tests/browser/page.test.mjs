// The page of a trace in a real browser, from file://, driven by keyboard. Run by
// scripts/browser_test.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { documentOf, NAMES, newPage, open, press, stepOf, timesOfSteps, urlOf, written } from './browser.mjs';

/** The bits of numbers as the page writes them; of an f32 as the f64 it is. */
function bits(text, element) {
  const named = { NaN, inf: Infinity, '-inf': -Infinity };
  return text.split(' ').map((word) => {
    const number = named[word] ?? Number(word);
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, element === 'f32' ? Math.fround(number) : number);
    return view.getBigUint64(0).toString(16).padStart(16, '0');
  });
}
const isNan = (word) => /^[7f]ff[89a-f]/u.test(word);

test('the pictures in the book and the README are of the page as it is', () => {
  const hash = createHash('sha256').update(readFileSync(written('neuron.html'))).digest('hex');
  const noted = readFileSync(new URL('../../docs/src/page.sha256', import.meta.url), 'utf8').trim();
  assert.equal(noted, hash, 'stale; scripts/page_picture');
});

for (const name of NAMES) {
  test(`${name}: the gradients on the page are those of backward, bit for bit`, () => open(name, '', async (page) => {
    const { element, nodes, left_out: leftOut } = await documentOf(page);
    await press(page, 'O', 'End');
    await page.click('#all > summary');
    await page.waitForSelector('#all [data-row]');
    const rows = await page.$$eval('#all [data-row]', (all) => all.map((row) => ({
      position: Number(row.dataset.position),
      adjoint: row.querySelector('.adjoint').dataset.exact,
    })));
    assert.equal(rows.length, nodes.length);
    const expected = new Map(JSON.parse(readFileSync(written(`${name}.json`)))
      .map(({ position, bits: words }) => [position, words]));
    let compared = 0;
    rows.forEach(({ position, adjoint }, i) => {
      const node = nodes[i];
      if (leftOut && node.backward === undefined) return; // Not complete on this page.
      if (node.nothing === 'zero-slope') return;
      assert.equal(adjoint !== undefined, expected.has(position), `whether ${node.label} has a gradient`);
      if (!adjoint) return; // None, or a tensor that is summarised.
      const words = expected.get(position);
      bits(adjoint, element).forEach((word, j) => {
        assert.ok(word === words[j] || (isNan(word) && isNan(words[j])), `${node.label}: ${adjoint}`);
      });
      compared += 1;
    });
    assert.ok(compared > 0);
  }));

  test(`${name}: steps on and back by keyboard, to the end and the beginning`, () => open(name, '', async (page) => {
    const { steps, nodes } = await documentOf(page);
    const walked = steps.length < 60 ? steps.length : 60;
    for (let step = 1; step < walked; step += 1) await press(page, 'ArrowRight');
    assert.equal(await stepOf(page), walked - 1);
    await press(page, 'ArrowLeft');
    assert.equal(await stepOf(page), walked - 2);
    await press(page, 'End');
    assert.equal(await stepOf(page), steps.length - 1);
    await press(page, 'ArrowRight'); // There is no more.
    assert.equal(await stepOf(page), steps.length - 1);
    await press(page, 'b');
    assert.equal(await stepOf(page), nodes.length);
    await press(page, 'f');
    assert.equal(await stepOf(page), 0);
    assert.match(page.url(), /#step=0$/u);
  }));

}

test('a page is one file of less than 400 KB, with 200 nodes and more', () => open('scalars', '', async (page) => {
  const { nodes } = await documentOf(page);
  const { size } = statSync(written('scalars.html'));
  console.log(`${nodes.length} nodes: ${(size / 1000).toFixed(0)} KB`);
  assert.ok(nodes.length >= 200);
  assert.ok(size < 400_000);
}));

test('a step on a page of 200 nodes takes less than 50 ms', () => open('scalars', '', async (page) => {
  const { steps } = await documentOf(page);
  const times = await timesOfSteps(page, steps.length - 1);
  const at = (part) => times[Math.floor((times.length - 1) * part)];
  console.log(`${times.length} steps: median ${at(0.5).toFixed(1)} ms, 95 % ${at(0.95).toFixed(1)} ms, most ${at(1).toFixed(1)} ms`);
  assert.ok(at(0.5) < 50);
}));

test('a deep link opens at its step, and is followed', () => open('neuron', '#step=12', async (page) => {
  assert.equal(await stepOf(page), 12);
  assert.equal(await page.inputValue('#scrubber'), '12');
  await page.evaluate(() => { location.hash = '#step=3'; });
  await page.waitForFunction(() => document.body.dataset.step === '3');
  await press(page, 'ArrowRight');
  assert.match(page.url(), /#step=4$/u);
  for (const [hash, step] of [['#step=99999', 14], ['#step=-4', 0], ['#step=x', 0], ['#nothing', 0]]) {
    await page.evaluate((to) => { location.hash = to; }, hash);
    await page.waitForFunction((to) => Number(document.body.dataset.step) === to, step);
  }
}));

test('after a leap, Back goes back and Forward on', () => open('neuron', '#step=2', async (page) => {
  await press(page, 'ArrowRight', 'End', 'ArrowLeft', 'b');
  assert.equal(await stepOf(page), 8);
  for (const [way, step] of [['goBack', 13], ['goBack', 3], ['goForward', 13], ['goForward', 8]]) {
    await page[way]();
    await page.waitForFunction((to) => Number(document.body.dataset.step) === to, step);
  }
}));

test('the scrubber steps', () => open('neuron', '', async (page) => {
  await page.focus('#scrubber');
  await press(page, 'ArrowRight', 'ArrowRight');
  assert.equal(await stepOf(page), 2);
  await page.fill('#scrubber', '9');
  assert.equal(await stepOf(page), 9);
  assert.match(await page.getAttribute('#scrubber', 'aria-valuetext'), /step 9 of 14, backward pass/u);
}));

test('play goes on by itself and pauses', () => open('neuron', '', async (page) => {
  await page.selectOption('#speed', '150');
  await press(page, 'p');
  await page.waitForFunction(() => Number(document.body.dataset.step) >= 2);
  await press(page, 'p');
  const step = await stepOf(page);
  await page.waitForTimeout(400);
  assert.equal(await stepOf(page), step);
}));

test('a step says its formula, its numbers and its line', () => open('neuron', '', async (page) => {
  const { nodes, steps, values } = await documentOf(page);
  const mul = nodes.findIndex(({ op }) => op === 'mul');
  await page.evaluate((step) => { location.hash = `#step=${step}`; }, nodes[mul].backward);
  await page.waitForSelector('#step .contribution');
  const text = await page.innerText('#step');
  const [toW] = steps[nodes[mul].backward].contributions;
  assert.ok(text.includes('∂loss/∂(w·x)') && text.includes('w\u0304') && text.includes('+=') && text.includes('adj(w·x) · x'), text);
  assert.ok(text.includes(toW.numbers), text);
  assert.ok(text.includes('let y = (w * x + b).tanh().named("y");'), text);
  assert.ok(text.includes('Nothing flows: a constant.'), text);
  assert.equal(await page.getAttribute('[data-result="contribution 0"] data', 'data-exact'), String(values[toW.value]));
  const spoken = await page.innerText('#spoken');
  assert.match(spoken, /Step \d+ of 14, backward\. The adjoint of w·x is .* to w, nothing to x\./u);
}));

test('a node waits for all its uses, and the page says so', () => open('sum', '#step=4', async (page) => {
  // Steps 0-3: a, b, b·b, c; then c, b·b, b, a.
  const status = (label) => page.$$eval('.node', (all, wanted) => (
    all.find((node) => node.querySelector('.label').textContent === wanted).dataset.status), label);
  assert.equal(await status('c'), 'current');
  assert.equal(await status('a'), 'partial');
  assert.equal(await status('b'), 'waiting');
  assert.match(await page.innerText('.waiting'), /a\s+waits for 2 of 3:\s+b/u);
  await press(page, 'ArrowRight');
  assert.equal(await status('b'), 'next');
  assert.equal(await status('c'), 'done');
  // Both operands of b · b: the second adds to the first.
  assert.match(await page.innerText('[data-operand="1"]'), /sum so far[\s\S]*6 \+ 6\s+=\s+12/u);
}));

test('exercise: a wrong number is refused with hints, the right one is accepted', () => open('neuron', '', async (page) => {
  const { nodes, steps, values } = await documentOf(page);
  const mul = nodes.find(({ op }) => op === 'mul');
  const [toW] = steps[mul.backward].contributions;
  await page.evaluate((step) => { location.hash = `#step=${step}`; }, mul.backward);
  await page.waitForSelector('#step .contribution');
  await press(page, 'e');
  assert.equal(await page.evaluate(() => document.activeElement.closest('form').dataset.question), 'local 0');
  // Neither the panel, the drawing, the speech nor the table gives it away.
  const secret = [values[toW.value], Number(values[toW.value].toPrecision(4))].map(String);
  await page.click('#all > summary');
  for (const place of [await page.content().then((html) => html.split('<script')[0]), await page.innerText('#spoken')]) {
    for (const digits of secret) assert.ok(!place.includes(digits), `${digits} is given away`);
  }
  assert.ok(!(await page.innerText('#step')).includes('adj(w·x) · x'));
  const answer = async (text) => { await page.keyboard.type(text); await press(page, 'Enter'); };
  await page.focus('[data-question="local 0"] input');
  await answer(String(values[toW.local_value]));
  assert.ok(await page.isVisible('[data-result="local 0"]'));
  // The focus has gone on to the next question.
  assert.equal(await page.evaluate(() => document.activeElement.closest('form').dataset.question), 'contribution 0');
  const wrong = String(-values[toW.value]);
  await answer(wrong);
  assert.ok((await page.innerText('.verdict')).includes('is not it'));
  assert.ok((await page.innerText('#step')).includes('adj(w·x) · x'));
  assert.ok(!(await page.innerText('#step')).includes(toW.numbers));
  await answer('0.07 or so');
  assert.ok((await page.innerText('.verdict')).includes('not a number'));
  await page.fill('[data-question="contribution 0"] input', '');
  await answer(String(values[toW.value] * 1.02));
  assert.ok((await page.innerText('#step')).includes(toW.numbers));
  assert.ok(!(await page.isVisible('[data-result="contribution 0"]')));
  await answer(String(values[toW.value] * 1.005).replace('-', '−').replace('.', ','));
  assert.equal(await page.getAttribute('[data-result="contribution 0"] data', 'data-exact'), String(values[toW.value]));
  assert.equal(await page.getAttribute('#score', 'data-right'), '2');
  assert.match(await page.innerText('#score'), /within 1\s%.*2 right, 1 of them at once/u);
  assert.match(page.url(), /&exercise$/u);
  // Steps back and on, the answers are still there; on the way the arrow keys work again.
  await press(page, 'ArrowLeft', 'ArrowRight');
  assert.ok(await page.isVisible('[data-result="contribution 0"]'));
}));

test('exercise: a calculation is a number, and the focus goes to the first field', () => open('neuron', '', async (page) => {
  const { nodes, steps, values } = await documentOf(page);
  const mul = nodes.find(({ op }) => op === 'mul');
  await page.evaluate((step) => { location.hash = `#step=${step}&exercise`; }, mul.backward - 1);
  await page.waitForSelector('#step .question');
  await press(page, 'ArrowRight');
  assert.equal(await stepOf(page), mul.backward);
  assert.equal(await page.evaluate(() => document.activeElement.closest('form')?.dataset.question), 'local 0');
  const [toW] = steps[mul.backward].contributions;
  await page.keyboard.type(`${values[toW.local_value] * 3}/3`);
  await press(page, 'Enter');
  const adjoint = values[steps[mul.backward].adjoint];
  await page.keyboard.type(`(${adjoint} + 1 - 1) * ${values[toW.local_value]}`);
  await press(page, 'Enter');
  assert.equal(await page.getAttribute('#score', 'data-right'), '2');
}));

test('exercise: another node that is ready may be next, and the gradients are the same', () => open('neuron', '', async (page) => {
  const { nodes, values } = await documentOf(page);
  const [sum, w] = [nodes.find(({ op }) => op === 'add'), nodes.findIndex(({ label }) => label === 'b')];
  await page.evaluate((step) => { location.hash = `#step=${step}&exercise`; }, sum.backward);
  await page.waitForSelector('[data-take]');
  await page.click(`[data-take="${w}"]`);
  assert.equal(await stepOf(page), sum.backward + 1);
  assert.match(await page.innerText('#step h2'), /backward b/u);
  await press(page, 'e', 'ArrowRight');
  assert.match(await page.innerText('#step h2'), /backward w·x/u);
  await press(page, 'End');
  await page.click('#all > summary');
  for (const [index, { gradient }] of nodes.entries()) {
    if (gradient === undefined) continue;
    assert.equal(await page.getAttribute(`[data-row="${index}"] .adjoint`, 'data-exact'), String(values[gradient]));
  }
}));

test('an element opens into its terms, by keyboard too', () => open('cross-entropy', '', async (page) => {
  const { nodes, steps, values } = await documentOf(page);
  const matmul = nodes.findIndex(({ op }) => op === 'matmul');
  await page.evaluate((step) => { location.hash = `#step=${step}`; }, matmul);
  await page.waitForSelector('#step details.tensor');
  await page.click('#step [data-result="value"] summary');
  await page.focus('#step [data-open="4"]');
  await press(page, 'Enter');
  const terms = await page.innerText('#step .terms');
  assert.ok(terms.includes('(x @ w)[1,1]') && terms.includes('x[1,0]·w[0,1] + x[1,1]·w[1,1]'), terms);
  const short = (x) => String(Number(x.toPrecision(4)));
  assert.equal(await page.innerText('#step [data-terms="4"]'), short(values[nodes[matmul].value].data[4]));
  assert.equal(await page.getAttribute('#step [data-open="4"]', 'aria-expanded'), 'true');
  await press(page, 'Enter');
  assert.ok(!(await page.isVisible('#step .terms')));
  // A contribution: where the transpose comes from.
  await page.evaluate((step) => { location.hash = `#step=${step}`; }, nodes[matmul].backward);
  await page.waitForSelector('#step .contribution');
  await page.click('[data-result="contribution 1"] summary');
  await page.click('[data-result="contribution 1"] [data-open="3"]');
  const product = await page.innerText('[data-result="contribution 1"] .terms');
  assert.ok(product.includes('w\u0304[1,0]') && product.includes('+=') && product.includes('xᵀ @ adj(x @ w)'), product);
  assert.ok(steps[nodes[matmul].backward].contributions[1].opened.length === 6);
}));

test('a gradient is the sum over its paths', () => open('sum', '#step=7', async (page) => {
  // b = a + a, c = b · b + a: one path from a, and two times two.
  assert.match(await page.innerText('#paths summary'), /sum over 5 paths/u);
  await page.click('#paths summary');
  assert.equal((await page.$$('#paths li')).length, 5);
  const text = await page.innerText('#paths');
  assert.ok(text.includes('= 1 + 6 + 6 + 6 + 6') || text.includes('= 6 + 6 + 6 + 6 + 1'), text);
  assert.ok(text.includes('Path by path that is 13 factors. The paths share 6 edges'), text);
}));

test('a graph that nobody has moved fits the window that it gets', () => open('neuron', '#step=9', async (page) => {
  const inside = () => page.evaluate(() => {
    const stage = document.getElementById('stage').getBoundingClientRect();
    return [...document.querySelectorAll('.node .box')].every((box) => {
      const { left, right, top, bottom } = box.getBoundingClientRect();
      return left >= stage.left && right <= stage.right && top >= stage.top + 36 && bottom <= stage.bottom;
    });
  });
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.waitForFunction(() => innerHeight === 800);
  await page.waitForTimeout(100);
  assert.ok(await inside());
}, { viewport: { width: 1280, height: 600 } }));

test('the line of the step is lit', () => open('neuron', '#step=9', async (page) => {
  const lit = await page.innerText('#lines [aria-current]');
  assert.ok((await page.innerText('#step .source code')).includes(lit), lit);
}));
test('exercise: sums, tensors, and giving up', () => open('sum', '#step=5&exercise', async (page) => {
  // The slope and the contribution, twice, and the sum of both.
  assert.equal((await page.$$('form[data-question]')).length, 5);
  const known = await page.$$eval('.node', (all) => all.map((node) => node.querySelector('.adjoint')?.textContent));
  assert.ok(known.includes('b\u0304 = ?'), known.join(' '));
  await page.click('[data-show="sum 1"]');
  assert.equal(await page.getAttribute('[data-result="sum 1"] data', 'data-exact'), '12');
  assert.equal(await page.getAttribute('#score', 'data-shown'), '1');
  for (let i = 0; i < 2; i += 1) await page.click('[data-hint="contribution 0"]').catch(() => {});
  assert.equal(await page.getAttribute('#score', 'data-right'), '0');
}));

test('exercise: of a tensor one element is asked for', () => open('cross-entropy', '', async (page) => {
  const { nodes, steps, values } = await documentOf(page);
  const matmul = nodes.find(({ op }) => op === 'matmul');
  await page.evaluate((step) => { location.hash = `#step=${step}&exercise`; }, matmul.backward);
  await page.waitForSelector('[data-question="contribution 1"] input');
  const { value } = steps[matmul.backward].contributions[1];
  assert.match(await page.getAttribute('[data-question="contribution 1"] input', 'aria-label'), /element \[0, 0\]/u);
  await page.focus('[data-question="contribution 1"] input');
  await page.keyboard.type(String(values[value].data[0]));
  await press(page, 'Enter');
  assert.equal(await page.getAttribute('#score', 'data-right'), '1');
}));

test('groups open and close by keyboard', () => open('network', '', async (page) => {
  const count = () => page.$$eval('[data-node]', (all) => all.length);
  const boxes = () => page.$$eval('[data-node], [data-group]', (all) => all.length);
  const { nodes } = await documentOf(page);
  const closed = await count();
  assert.ok(closed < nodes.length);
  assert.ok(await page.isVisible('.node.group'));
  await press(page, 'b', 'o');
  assert.ok(await count() > closed);
  await press(page, 'O');
  assert.equal(await count(), nodes.length);
  assert.ok(await page.isVisible('.opened[aria-expanded="true"]'));
  await press(page, 'O');
  assert.equal(await count(), closed);
  const closedBoxes = await boxes();
  // From node to node with the arrows, and Enter opens the group in the focus.
  await page.focus('#drawing [tabindex="0"]');
  for (let i = 0; i < 10; i += 1) await press(page, 'ArrowUp');
  for (let i = 0; i < 10 && !await page.evaluate(() => document.activeElement.dataset.group); i += 1) await press(page, 'ArrowDown');
  const group = await page.evaluate(() => document.activeElement.dataset.group);
  await press(page, 'Enter');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.group), group);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-expanded')), 'true');
  assert.ok(await boxes() > closedBoxes);
  await press(page, 'Enter');
  assert.equal(await count(), closed);
  // One stop for Tab in the drawing.
  assert.equal(await page.$$eval('#drawing [tabindex="0"]', (all) => all.length), 1);
}));

test('a network opens as its layers, one box each, with pictures of what is known', () => open('pictures', '', async (page) => {
  const { nodes, values } = await documentOf(page);
  const layers = () => page.$$eval('.node.group', (all) => all.map((group) => ({
    name: group.querySelector('.label').textContent,
    captions: [...group.querySelectorAll('.caption')].map((caption) => caption.textContent),
    drawn: [...group.querySelectorAll('.cells')].map((cells) => cells.querySelectorAll('[data-shade]').length > 0),
  })));
  const both = ['output', 'gradient'];
  const first = await layers();
  assert.deepEqual(first.map(({ name }) => name), ['▸ 0 Conv2d', '▸ 1 relu', '▸ 2 Dense']);
  assert.deepEqual(first.map(({ captions }) => captions), [['weights', ...both], both, ['weights', ...both]]);
  assert.ok(first.every(({ drawn }) => drawn.every((is) => !is)), 'nothing is known yet');
  await press(page, 'b');
  assert.deepEqual((await layers()).map(({ drawn }) => drawn), [[true, true, false], [true, false], [true, true, false]]);
  await press(page, 'End');
  assert.ok((await layers()).every(({ drawn }) => drawn.every(Boolean)));
  // The shades are those of the numbers: of the kernel, of which the page has every element.
  const kernel = values[nodes.find(({ label }) => label === '0.weight').value].data;
  const most = Math.max(...kernel.map(Math.abs));
  const wanted = {};
  for (const x of kernel) wanted[Math.round((x / most) * 8)] = (wanted[Math.round((x / most) * 8)] ?? 0) + 1;
  const shades = await page.$eval('.node.group .cells', (cells) => Object.fromEntries(
    [...cells.querySelectorAll('[data-shade]')].map((path) => [path.dataset.shade, path.getAttribute('d').split('M').length - 1])));
  assert.deepEqual(shades, wanted);
  // Opened, a layer is its values.
  await page.click('[data-group] >> nth=1');
  assert.ok(await page.isVisible('.opened [role="button"], .opened'));
}));

test('data in planes is an image, and other data is not', () => open('pictures', '#step=1', async (page) => {
  const image = (label) => page.$$eval('[data-node]', (all, wanted) => {
    const node = all.find((one) => one.querySelector('.label').textContent === wanted);
    return node.querySelectorAll('.image [data-shade]').length;
  }, label);
  assert.ok(await image('images') > 3);
  assert.equal(await image('features'), 0);
  const { nodes } = await documentOf(page);
  await page.evaluate((step) => { location.hash = `#step=${step}`; }, nodes.findIndex(({ label }) => label === 'images'));
  await page.click('#step details.tensor > summary');
  assert.match(await page.getAttribute('#step .picture', 'aria-label'), /^as an image: the first 4 of its 6 planes of 12×12; from 0 to 2$/u);
  await page.evaluate((step) => { location.hash = `#step=${step}`; }, nodes.findIndex(({ label }) => label === '2.weight'));
  await page.waitForFunction(() => document.querySelector('#step h2').textContent.includes('2.weight'));
  await page.click('#step details.tensor > summary');
  assert.match(await page.getAttribute('#step .picture', 'aria-label'), /^as a heat map: all of it; a cell is the mean of a block; from -0.05, purple, over 0 to 0.05, green$/u);
}));

test('exercise: no picture gives an answer away', () => open('pictures', '', async (page) => {
  const { nodes } = await documentOf(page);
  const scores = nodes.findIndex(({ op, scope }) => op === 'add' && scope !== undefined);
  await page.evaluate((step) => { location.hash = `#step=${step}&exercise`; }, scores);
  await page.waitForSelector('#step .question');
  const drawn = await page.$$eval('.node.group', (all) => [...all.at(-1).querySelectorAll('.cells')].map((cells) => cells.children.length > 0));
  assert.deepEqual(drawn, [true, false, false]);
}));

test('a zero or missing gradient opens its reason, and the place is lit', () => open('dead', '', async (page) => {
  const { nodes, steps } = await documentOf(page);
  const at = (label) => nodes.find((node) => node.label === label);
  const lit = () => page.$$eval('[data-stop]', (all) => all.map((one) => one.querySelector('.label')?.textContent ?? 'an arrow').sort());
  const to = async (step) => {
    await page.evaluate((wanted) => { location.hash = `#step=${wanted}`; }, step);
    await page.waitForFunction((wanted) => Number(document.body.dataset.step) === wanted, step);
  };
  // A unit that is off.
  await to(at('a').backward);
  assert.deepEqual(await lit(), []);
  await press(page, 'w');
  assert.match(await page.innerText('#step .reason'), /Why the gradient is zero\s+the one unit of relu .* is off: its operand \(a, .*\) is not above 0/u);
  assert.deepEqual(await lit(), ['an arrow', 'r']);
  assert.match(await page.$eval('.node[data-stop] .badge', (badge) => badge.textContent), /✕/u);
  assert.match(await page.innerText('#spoken'), /Why the gradient is zero: the one unit/u);
  // Another step, and the light is out.
  await press(page, 'ArrowLeft');
  assert.deepEqual(await lit(), []);
  // Some elements of a tensor; the place is inside a closed layer, until it is opened.
  await to(at('w').backward);
  await page.click('#step .reason > summary');
  await page.waitForSelector('[data-stop]');
  const some = await page.innerText('#step .reason');
  assert.match(some, /Why elements of it are zero\s+\[0\], \[2\]: /u);
  assert.deepEqual(await lit(), ['▸ layer']);
  await page.click('.node.group');
  assert.deepEqual(await lit(), ['an arrow', 'h']);
  // A derivative that is 0 everywhere, and a value that is detached: known before the sweep.
  await to(nodes.indexOf(at('s')));
  await press(page, 'w');
  assert.match(await page.innerText('#step .reason'), /slope 0 everywhere/u);
  assert.deepEqual(await lit(), ['an arrow', 't']);
  await to(nodes.indexOf(at('u')));
  await press(page, 'w');
  assert.match(await page.innerText('#step .reason'), /Why there is no gradient[\s\S]*passes a detached value/u);
  assert.deepEqual(await lit(), ['held']);
  // Of a gradient that is there, nothing is said.
  await to(steps.findIndex(({ pass, node }) => pass === 'backward' && nodes[node].label === 'q'));
  await press(page, 'w');
  assert.equal(await page.$('#step .reason'), null);
  assert.match(await page.innerText('#spoken'), /no gradient here that is zero or missing/u);
}));

test('a scope that is entered twice makes two groups, and arrows run one way', () => open('second-order', '', async (page) => {
  const names = await page.$$eval('.group .label', (all) => all.map((label) => label.textContent));
  assert.ok(names.some((name) => name.includes('part 1')) && names.some((name) => name.includes('part 2')), names.join());
  await press(page, 'O');
  const backwards = await page.evaluate(() => {
    const places = [...document.querySelectorAll('.edge')].map((edge) => ['.tail', '.head'].map((end) => {
      const { x, y } = edge.querySelector(end).transform.baseVal.getItem(0).matrix;
      const { e, f } = edge.querySelector(end).transform.baseVal.getItem(0).matrix;
      return { x: x ?? e, y: y ?? f };
    }));
    const right = places.filter(([from, to]) => to.x < from.x).length;
    const down = places.filter(([from, to]) => to.y < from.y).length;
    return Math.min(right, down);
  });
  assert.equal(backwards, 0);
}));

test('a value is found by name, and its gradient gone to', () => open('scalars', '', async (page) => {
  const { nodes } = await documentOf(page);
  const index = nodes.findIndex(({ label }) => label === 'second.w03');
  await press(page, '/');
  await page.keyboard.type('second.w03');
  await press(page, 'Enter');
  assert.equal(await stepOf(page), index);
  await press(page, 'g');
  await page.keyboard.type('second.w03');
  await press(page, 'Enter');
  assert.equal(await stepOf(page), nodes[index].backward);
  assert.ok((await page.innerText('#selected')).includes('second.w03'));
  await press(page, 'j', 'z', 'z', 'z', 'z');
  assert.ok(await page.isVisible('#none-found'));
  await press(page, 'Escape');
  assert.equal(await page.evaluate(() => document.querySelector('dialog[open]')), null);
}));

test('a key counts in the moment in which the finder closes', () => open('scalars', '', async (page) => {
  const opened = await page.evaluate(() => {
    const key = (name) => document.activeElement.dispatchEvent(
      new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }),
    );
    const isOpen = () => document.getElementById('finder').open;
    return ['/', 'Enter', 'g'].map((name) => { key(name); return isOpen(); });
  });
  assert.deepEqual(opened, [true, false, true]);
}));

test('hovering and focusing show all digits', () => open('cross-entropy', '#step=19', async (page) => {
  const { nodes, values } = await documentOf(page);
  const w = nodes.findIndex(({ label }) => label === 'w');
  await page.hover(`[data-node="${w}"]`);
  const tip = await page.innerText('#tip');
  assert.ok(tip.includes('shape [2×3]') && tip.includes('min') && tip.includes('mean') && tip.includes('max'), tip);
  await page.focus('#drawing [tabindex="0"]');
  await press(page, 'Enter');
  const loss = nodes.findIndex(({ label }) => label === 'loss');
  await page.click(`[data-node="${loss}"]`);
  assert.equal(await page.getAttribute('#selected data', 'data-exact'), String(values[nodes[loss].value]));
  assert.ok((await page.innerText('#selected')).includes(String(values[nodes[loss].value])));
}));

test('names are text, whatever they are', () => open('hostile', '', async (page) => {
  await press(page, 'O', 'End', '/');
  await press(page, 'Escape');
  await page.click('#all > summary');
  for (const node of await page.$$('[data-node]')) await node.hover({ force: true });
  const { hacked, images, scripts } = await page.evaluate(() => ({
    hacked: window.hacked, images: document.images.length, scripts: document.scripts.length,
  }));
  assert.deepEqual({ hacked, images, scripts }, { hacked: undefined, images: 0, scripts: 3 });
  const text = await page.innerText('#all');
  assert.ok(text.includes('</script>') && text.includes('<img src=x') && text.includes('\\n'), text);
  assert.ok(!text.includes('\u202e'));
}));

test('the policy stops what the page does not contain', async () => {
  const page = await newPage();
  const refused = [];
  page.on('console', (message) => refused.push(message.text()));
  await page.goto(urlOf('neuron.html'));
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.hacked = 1';
    document.body.append(script);
    const image = document.createElement('img');
    image.src = 'https://example.org/x.png';
    image.setAttribute('onerror', 'window.hacked = 2');
    document.body.append(image);
  });
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.ok(refused.some((text) => text.includes('Content Security Policy')), refused.join('\n'));
  await page.close();
});

test('a graph too large to draw says what is left out', () => open('large', '', async (page) => {
  const { nodes, left_out: leftOut } = await documentOf(page);
  const text = await page.innerText('#left-out');
  for (const count of [nodes.length + leftOut, nodes.length, leftOut]) {
    assert.ok(text.includes(count.toLocaleString('en')), text);
  }
}));
