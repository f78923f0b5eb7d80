import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { makeFakeApi } from '../../../test/fakes/api.ts';
import { makeFakeLogs } from '../../../test/fakes/logs.ts';
import { executionLogPath } from '../../../schema/protocol/log-link.ts';
import { makeDocument } from './document.ts';
import { operations } from './operations.ts';

const FILE = new URL('../../../docs/openapi.json', import.meta.url);

describe('openapi.json', () => {
  const { app, send } = makeFakeApi({}, undefined, { logs: makeFakeLogs().logs });

  test('is checked in: SHOAL_WRITE=1 writes it anew', ({ expect }) => {
    const text = `${JSON.stringify(makeDocument(), null, 2)}\n`;
    if (process.env['SHOAL_WRITE'] === '1') writeFileSync(FILE, text);
    expect(readFileSync(FILE, 'utf8')).toBe(text);
  });

  test('is what is served', async ({ expect }) => {
    const got = await send('GET', '/api/v1/openapi.json');
    expect([got.status, got.json()]).toEqual([200, JSON.parse(readFileSync(FILE, 'utf8'))]);
  });

  test('names every route that is not an agent’s, and no other', ({ expect }) => {
    const besides = ['/api/v1/openapi.json', '/api/v1/docs', '/api/v1/compute/connect', executionLogPath(':id')];
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
