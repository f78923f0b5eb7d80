import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { AliveResponse } from '../../schema/api/node.ts';
import { makeDocument } from '../../src/http/openapi/document.ts';
import { route } from '../../src/http/routes/route.ts';
import { reach, table } from '../../src/http/routes/table.ts';
import { shownRoutes } from '../examples/run-examples.ts';
import { closedCases } from './cases/closed.ts';
import { nameOf, render, sections } from './compatibility.ts';
import { routes } from './reference.ts';
import { table as openCases } from './table.ts';

/** What serves a path as the reference writes it. */
function reached(method: string, path: string) {
  const [filled = ''] = path.replaceAll(/\{\w+\}/g, 'x').split('?');
  return reach(method, filled).route ?? reach(method, `/api/v1${filled}`).route;
}

const ROOT = new URL('../../', import.meta.url);
const FILE = new URL('docs/compatibility.md', ROOT);
const cases = [...openCases, ...closedCases];
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
    const unknown = shownRoutes.flatMap(({ answer, query = {}, ...route }) => {
      if (answer !== null && 'mediaType' in answer) return [];
      const items = routes.find((item) => item.route === nameOf(route));
      if (items === undefined) return [];
      const names = Object.keys(query).filter((name) => !items.query?.includes(name));
      return names.map((name) => `${items.route} ?${name}`);
    });
    expect(unknown).toEqual(['GET /orchestrator/nodes ?filter_status']);
  });

  test('calls no route served that is not in the table of routes', ({ expect }) => {
    const left = new Set(rows.filter(({ verdict }) => verdict === 'no').map(({ item }) => item));
    const missing = routes.filter(({ route }) => {
      const [method = '', path = ''] = route.replace('* ', 'GET ').split(' ');
      return !['OPTIONS', 'HEAD'].includes(method) && !left.has(route) && reached(method, path) === null;
    });
    expect(missing).toEqual([]);
  });

  test('has no case that is refused in a way that openapi.json does not describe', ({ expect }) => {
    const { paths } = makeDocument(table) as { paths: Record<string, Record<string, { responses: object }>> };
    const undescribed = cases.flatMap(({ name, route, path, status = 200 }) => {
      const [method = '', ofRoute = ''] = route.split(' ');
      const row = reached(method, path ?? ofRoute);
      if (status < 400 || row === null || row.shown === null) return [];
      const { responses = {} } = paths[row.path]?.[row.method] ?? {};
      return Object.hasOwn(responses, status) ? [] : [`${route}: ${status} (${name})`];
    });
    expect(undescribed).toEqual([]);
  });
});

test('a route that does not say what it needs, or needs what there is not, does not compile', ({ expect }) => {
  const row = {
    id: 'x',
    method: 'get',
    path: '/api/v1/x',
    tag: 'Shoal',
    summary: 'x',
    answer: AliveResponse,
    example: {},
    handle: () => ({ Status: 'OK' as const }),
  } as const;
  // @ts-expect-error: who may call it is not said
  expect(route(row).needs).toBeUndefined();
  // @ts-expect-error: there is no such need
  expect(route({ ...row, needs: 'anybody' }).id).toBe('x');
  // @ts-expect-error: this is not what it answers
  expect(route({ ...row, needs: 'nobody', handle: () => ({ Status: 'no' }) }).id).toBe('x');
  expect(route({ ...row, needs: 'nobody' }).needs).toBe('nobody');
});
