// What the tests in the browser share: one Chromium for each file of tests, and pages in it that log
// no error and ask for nothing but themselves.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const { CHROMIUM, PAGES, SCREENSHOTS } = process.env;

/** The source of axe, to be evaluated in a page. */
export const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
});
after(() => browser?.close());

/** The pages that tape's example `browser_pages` writes. */
export const NAMES = [
  'neuron', 'sum', 'cross-entropy', 'scalars', 'network', 'layers', 'hostile', 'second-order',
  'not-finite', 'pictures', 'dead', 'single', 'large',
];

/** A file that the programs wrote for the tests. */
export const written = (name) => join(PAGES, name);

export const urlOf = (file) => pathToFileURL(written(file)).href;

/** A page that may ask and log what it likes. */
export const newPage = (options) => browser.newPage(options);

/**
 * Opens a page of the directory, runs `body`, and requires that no error was logged, no dialog was
 * opened and nothing but the file itself was asked for.
 */
export async function openFile(file, hash, body, options = {}) {
  const url = urlOf(file);
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on('console', (message) => problems.push(`console ${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`error: ${error.stack}`));
  page.on('dialog', (dialog) => { problems.push('a dialog'); dialog.dismiss(); });
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== url) problems.push(`request: ${request.url()}`);
  });
  try {
    await page.goto(`${url}${hash}`);
    await body(page);
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

/** Waits until the script of the stepper's page has drawn it. */
export const ready = (page) => page.waitForSelector('body[data-ready]', { timeout: 20_000 });

/** Opens a page of the stepper. */
export const open = (name, hash, body, options) => openFile(`${name}.html`, hash, async (page) => {
  await ready(page);
  await body(page);
}, options);

export const press = async (page, ...keys) => { for (const key of keys) await page.keyboard.press(key); };

/** The step that a page of the stepper stands at. */
export const stepOf = (page) => page.evaluate(() => Number(document.body.dataset.step));

/**
 * The milliseconds of each of the first steps of a page, the shortest first, with style and layout.
 * Others may use the machine too: of three walks, the shortest time of each step counts.
 */
export const timesOfSteps = (page, count) => page.evaluate((all) => {
  const press = (key) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  const once = () => {
    const begin = performance.now();
    press('ArrowRight');
    document.body.getBoundingClientRect();
    document.querySelector('#drawing').getBoundingClientRect();
    return performance.now() - begin;
  };
  const walks = [1, 2, 3].map(() => {
    press('Home');
    return Array.from({ length: all }, once);
  });
  return walks[0].map((_, step) => Math.min(...walks.map((walk) => walk[step]))).sort((a, b) => a - b);
}, count);

/** The JSON that a page holds under an id. */
export const json = (page, id) => page.evaluate((of) => JSON.parse(document.getElementById(of).textContent), id);

/** The trace of a page of the stepper. */
export const documentOf = (page) => json(page, 'trace');

/** Takes a picture, if the test was asked for some. */
export async function screenshot(page, name) {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}
