import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, test } from 'vitest';
import { makeFakeApi } from '../../../test/fakes/api.ts';
import { makeDocument } from './document.ts';
import { operations } from './operations.ts';

const FILE = new URL('../../../docs/openapi.json', import.meta.url);
/** Where the system's packages put a browser. */
const browser = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) =>
  existsSync(file),
);

describe('openapi.json', () => {
  const { app, send } = makeFakeApi();

  test('is checked in: SHOAL_WRITE=1 writes it anew', ({ expect }) => {
    const text = `${JSON.stringify(makeDocument(), null, 2)}\n`;
    if (process.env['SHOAL_WRITE'] === '1') writeFileSync(FILE, text);
    expect(readFileSync(FILE, 'utf8')).toBe(text);
  });

  test('is what is served', async ({ expect }) => {
    const got = await send('GET', '/api/v1/openapi.json');
    expect([got.status, got.json()]).toEqual([200, JSON.parse(readFileSync(FILE, 'utf8'))]);
  });

  test('names every route that answers JSON, and no other', ({ expect }) => {
    const besides = ['/api/v1/openapi.json', '/api/v1/docs', '/api/v1/compute/connect'];
    const served = app.routes
      .filter(({ method, path }) => method !== 'ALL' && !besides.includes(path))
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    const described = operations.map(({ method, path }) => `${method} ${path}`);
    expect(described.toSorted()).toEqual([...new Set(served)].toSorted());
  });

  test('points at nothing that is not there', ({ expect }) => {
    const text = JSON.stringify(makeDocument());
    const { components } = JSON.parse(text) as { components: { schemas: object } };
    const missing = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].filter(
      ([, name = '']) => !(name in components.schemas),
    );
    expect(missing).toEqual([]);
  });
});

describe('the page', () => {
  const { app } = makeFakeApi();

  test.skipIf(browser === undefined)(
    'shows every operation in a real browser',
    { timeout: 60_000 },
    async ({ expect }) => {
      const server = createServer((request, response) => {
        const url = `http://127.0.0.1:1234${request.url ?? '/'}`;
        void Promise.resolve(app.request(url, { method: request.method ?? 'GET' })).then(async (answer) => {
          response.writeHead(answer.status, Object.fromEntries(answer.headers));
          response.end(await answer.text());
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const profile = mkdtempSync(join(tmpdir(), 'shoal-browser-'));
      try {
        const args = [
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          `--user-data-dir=${profile}`,
          '--virtual-time-budget=10000',
        ];
        const url = `http://127.0.0.1:${port}/api/v1/docs`;
        const { stdout } = await promisify(execFile)(browser ?? '', [...args, '--dump-dom', url], {
          maxBuffer: 2 ** 24,
        });
        expect(stdout).toContain('data-shown="yes"');
        for (const { id, summary } of operations) {
          expect(stdout).toContain(`id="${id}"`);
          expect(stdout).toContain(summary);
        }
      } finally {
        server.close();
        rmSync(profile, { recursive: true, force: true });
      }
    },
  );
});
