// How the page looks in a real browser: nothing covers anything else, text can be read, it fits windows
// of all widths, and axe finds nothing. Run by scripts/browser_test.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe, NAMES, open, press, screenshot } from './browser.mjs';

for (const name of NAMES) {
  test(`${name}: no boxes overlap, no text leaves its box`, () => open(name, '', async (page) => {
    for (const keys of [['End'], ['O'], ['r']]) {
      await press(page, ...keys);
      const found = await page.evaluate(() => {
        const boxes = [...document.querySelectorAll('.node')].map((node) => ({
          node, area: node.querySelector('.box').getBoundingClientRect(),
        }));
        const wrong = [];
        boxes.forEach(({ node, area }, i) => {
          for (const { area: other } of boxes.slice(i + 1)) {
            if (area.left < other.right - 1 && other.left < area.right - 1
              && area.top < other.bottom - 1 && other.top < area.bottom - 1) wrong.push('boxes overlap');
          }
          for (const text of node.querySelectorAll(':scope > text')) {
            const { left, right } = text.getBoundingClientRect();
            if (text.textContent && text.textContent !== '✂' && (left < area.left - 1 || right > area.right + 1)) {
              wrong.push(`${text.textContent} leaves its box`);
            }
          }
          const [label, op] = ['.label', '.op'].map((part) => node.querySelector(`:scope > ${part}`)?.getBoundingClientRect());
          const seen = getComputedStyle(node.querySelector('.op')).visibility === 'visible';
          if (node.dataset.node && seen && label.right > op.left) wrong.push(`${node.textContent}: label and op overlap`);
        });
        return wrong;
      });
      assert.deepEqual(found, []);
    }
  }));

  test(`${name}: no arrow runs through a box, no label covers another`, () => open(name, '', async (page) => {
    await press(page, 'End', 'O');
    for (const keys of [[], ['r']]) {
      await press(page, ...keys);
      const { pierced, covered, labels, off } = await page.evaluate(() => {
        const boxes = [...document.querySelectorAll('.node > .box')].map((box) => {
          const { e: x, f: y } = box.parentNode.transform.baseVal.getItem(0).matrix;
          return { x, y, width: box.width.baseVal.value, height: box.height.baseVal.value };
        });
        const inside = ({ x, y }, box) => x > box.x + 1 && x < box.x + box.width - 1 && y > box.y + 1 && y < box.y + box.height - 1;
        const arrows = [...document.querySelectorAll('.edge > path:first-child')];
        // Points on a path of lines and cubic curves, no further apart than 4 pixels or so: to ask the
        // browser for each by its distance from the start takes a hundred times as long.
        const pointsOf = (path) => {
          const points = [];
          let from = null;
          for (const [, letter, numbers] of path.getAttribute('d').matchAll(/([MLC])([^MLC]*)/gu)) {
            const all = numbers.trim().split(' ').map(Number);
            const [u, v, to] = letter === 'C' ? [0, 2, 4].map((i) => ({ x: all[i], y: all[i + 1] }))
              : [from, { x: all[0], y: all[1] }, { x: all[0], y: all[1] }];
            if (from) {
              const apart = (p, q) => Math.hypot(p.x - q.x, p.y - q.y);
              const count = Math.ceil((apart(from, u) + apart(u, v) + apart(v, to)) / 4);
              for (let i = 0; i <= count; i += 1) {
                const [s, t] = [1 - i / count, i / count];
                const mix = (k) => s ** 3 * from[k] + 3 * s * s * t * u[k] + 3 * s * t * t * v[k] + t ** 3 * to[k];
                points.push({ x: mix('x'), y: mix('y') });
              }
            }
            from = to;
          }
          return points;
        };
        const through = arrows.filter((path) => pointsOf(path).some((point) => boxes.some((box) => inside(point, box))));
        const grounds = [...document.querySelectorAll('.local > rect')].map((rect) => rect.getBBox())
          .filter(({ width }) => width > 0);
        const meet = (r, s) => r.x < s.x + s.width - 1 && s.x < r.x + r.width - 1 && r.y < s.y + s.height - 2 && s.y < r.y + r.height - 2;
        const on = grounds.filter((r, i) => grounds.slice(i + 1).some((s) => meet(r, s)));
        const ends = arrows.map((path) => [pointsOf(path).at(-1), path.getPointAtLength(path.getTotalLength())]);
        const off = Math.max(...ends.map(([p, q]) => Math.hypot(p.x - q.x, p.y - q.y)));
        return { pierced: through.length, covered: on.length, labels: grounds.length, off };
      });
      assert.ok(off < 0.1, `a path was misread: its end is ${off} pixels off`);
      assert.equal(pierced, 0, 'arrows through boxes');
      // Among hundreds of crossing arrows there is not room for all.
      assert.ok(covered <= labels * 0.1, `${covered} of ${labels} labels are covered`);
    }
  }));
}

test('text of the graph is never below 11 pixels when a page opens', async () => {
  for (const name of ['neuron', 'scalars', 'network', 'pictures', 'dead', 'second-order']) {
    for (const [width, height] of [[390, 800], [900, 1000], [1280, 800], [1600, 900]]) {
      await open(name, '#step=3', async (page) => {
        const small = await page.$$eval('#drawing text', (all) => all.filter((text) => text.textContent).map((text) => (
          parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)).sort((a, b) => a - b)[0]);
        assert.ok(small >= 11, `${name} at ${width}: ${small} px`);
      }, { viewport: { width, height } });
    }
  }
});

test('the theme follows the system and the switch', () => open('neuron', '', async (page) => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await ground();
  assert.notEqual(light, dark);
  await press(page, 't');
  assert.equal(await ground(), light);
  await page.emulateMedia({ colorScheme: 'light' });
  await press(page, 't');
  assert.equal(await ground(), dark);
}));

const WIDTHS = [[400, 800], [900, 1000], [1600, 900]];
for (const [width, height] of WIDTHS) {
  for (const colorScheme of ['light', 'dark']) {
    test(`accessible and within ${width} pixels, ${colorScheme}`, async () => {
      for (const [name, hash] of [['neuron', '#step=9'], ['cross-entropy', '#step=13&exercise'], ['network', '#step=30'], ['scalars', '#step=300'], ['hostile', '#step=12'], ['pictures', '#step=22'], ['dead', '#step=20']]) {
        await open(name, hash, async (page) => {
          if (name === 'network' || name === 'hostile') await press(page, 'O');
          if (name === 'dead') await press(page, 'w');
          await page.waitForTimeout(300);
          await screenshot(page, `${name}-${width}-${colorScheme}`);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
          await page.evaluate(axe);
          // A box shows signs and numbers; its accessible name begins with the same name, and says
          // the signs in words.
          const rules = { 'label-content-name-mismatch': { enabled: false } };
          const named = await page.$$eval('.node', (all) => all.every((node) => {
            const [shown, said] = [node.querySelector('.label').textContent, node.getAttribute('aria-label')];
            return node.dataset.group ? said.includes(shown.slice(2).replace('…', '')) : said.startsWith(shown.replace('…', ''));
          }));
          assert.ok(named);
          const { violations } = await page.evaluate((options) => globalThis.axe.run(options), { rules });
          assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html, any }) => [html.slice(0, 160), any[0]?.message])]), []);
        }, { viewport: { width, height }, colorScheme, reducedMotion: 'reduce' });
      }
    });
  }
}
