import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { makeFakeApi } from '../../../test/fakes/api.ts';
import { shownRoutes } from '../../../test/examples/run-examples.ts';

/** Found or installed by `npm test`, which says so when there is none. */
const browser = process.env['SHOAL_TEST_BROWSER'];
/** The browser is root's in a container, and shall speak to nobody but the page's server. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe.skipIf(browser === undefined)('the page in a real browser', () => {
  let server: Server;
  let profile = '';
  let context: BrowserContext;
  let page: Page;
  let origin = '';
  const asked: string[] = [];
  const wrong: string[] = [];

  beforeAll(async () => {
    const { app } = makeFakeApi();
    server = createServer((request, response) => {
      const url = `http://127.0.0.1:1234${request.url ?? '/'}`;
      void Promise.resolve(app.request(url, { method: request.method ?? 'GET' })).then(async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(await answer.text());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    profile = mkdtempSync(join(tmpdir(), 'shoal-browser-'));
    context = await chromium.launchPersistentContext(profile, {
      ...(browser !== undefined && { executablePath: browser }),
      headless: true,
      args: flags,
    });
    context.on('request', (request) => asked.push(request.url()));
    context.on('weberror', (error) => wrong.push(String(error.error())));
    context.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) wrong.push(message.text());
    });
    page = await context.newPage();
    await page.goto(`${origin}/api/v1/docs`);
    await page.waitForSelector('body[data-shown=yes]');
  }, 180_000);

  afterAll(async () => {
    await context?.close();
    server?.close();
    rmSync(profile, { recursive: true, force: true });
  });

  test('shows every operation', async ({ expect }) => {
    for (const { id, path, shown } of shownRoutes) {
      const head = page.locator(`details[id="${id}"] > summary`);
      expect(await head.isVisible(), id).toBe(true);
      expect(await head.innerText()).toContain(`${path} ${shown.summary}`);
    }
    expect(await page.locator('details').count()).toBe(shownRoutes.length);
  });

  test('opens each to what it takes and answers, and closes it again', async ({ expect }) => {
    for (const { id } of shownRoutes) {
      const box = page.locator(`details[id="${id}"]`);
      const answer = box.locator('pre').last();
      await box.locator('summary').click();
      await answer.waitFor({ state: 'visible' });
      expect(JSON.parse(await answer.innerText())).toBeTypeOf('object');
      await box.locator('summary').click();
      await answer.waitFor({ state: 'hidden' });
    }
  });

  test('asks nobody but its own server, and nothing goes wrong', async ({ expect }) => {
    expect(asked).toContain(`${origin}/api/v1/openapi.json`);
    expect(asked.filter((url) => new URL(url).origin !== origin)).toEqual([]);
    expect(wrong).toEqual([]);
  });
});
