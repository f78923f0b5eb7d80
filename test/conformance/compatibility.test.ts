import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { operations } from '../../src/http/openapi/operations.ts';
import { closedCases } from './cases/closed.ts';
import { render, sections } from './compatibility.ts';
import { routes } from './reference.ts';
import { table } from './table.ts';

const ROOT = new URL('../../', import.meta.url);
const FILE = new URL('docs/compatibility.md', ROOT);
const cases = [...table, ...closedCases];
const rows = sections(cases).flatMap((section) => section.rows);

describe('docs/compatibility.md', () => {
  test('is checked in: SHOAL_WRITE=1 writes it anew', ({ expect }) => {
    const text = render(cases);
    if (process.env['SHOAL_WRITE'] === '1') writeFileSync(FILE, text);
    expect(readFileSync(FILE, 'utf8')).toBe(text);
  });

  test('names tests that exist', ({ expect }) => {
    const names = new Set(cases.map(({ name }) => name));
    const missing = rows.filter(({ verdict, test: named }) => {
      if (named === '') return verdict !== 'no';
      const [file = '', title = ''] = named.split(' › ');
      if (title === '') return !names.has(named);
      return !existsSync(new URL(file, ROOT)) || !readFileSync(new URL(file, ROOT), 'utf8').includes(title);
    });
    expect(missing).toEqual([]);
  });

  test('gives a reason for each difference', ({ expect }) => {
    expect(rows.filter(({ verdict, reason }) => verdict !== 'yes' && reason.length < 10)).toEqual([]);
  });

  test('knows every parameter that openapi.json describes', ({ expect }) => {
    // What a log answers is no JSON, and has no case in the table.
    const unknown = operations.flatMap(({ method, path, query = [], isText = false }) => {
      if (isText) return [];
      const route = `${method.toUpperCase()} ${path.replace('/api/v1', '')}`;
      const items = routes.find((item) => item.route === route);
      if (items === undefined) return path.includes('/shoal/') ? [] : [route];
      return query.filter(({ name }) => !items.query?.includes(name)).map(({ name }) => `${route} ?${name}`);
    });
    expect(unknown).toEqual(['GET /orchestrator/nodes ?filter_status']);
  });
});
