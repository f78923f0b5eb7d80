import { describe, test } from 'vitest';
import { makeFakeApi } from '../fakes/api.ts';
import { problemsOf, withoutNodes, type Send } from './case.ts';
import { table } from './table.ts';
import { ORCHESTRATOR, seedWorld } from './world.ts';

/** The table against the API, the Scheduler and the SQL, without the platform: quick. */
describe('conformance, under Node', () => {
  const { db, send } = makeFakeApi();
  db.sqlite.prepare('UPDATE installation SET node_id = ?').run(ORCHESTRATOR);
  seedWorld((name, row) => db.insert(name, row));
  const sendWithout: Send = async (method, path, body, headers) => {
    const got = await send(method, path, body, { ...headers });
    return { ...got, text: withoutNodes(got.text) };
  };
  for (const item of table) {
    test(item.name, async ({ expect }) => expect(await problemsOf(item, sendWithout)).toEqual([]));
  }
  test('names are unique', ({ expect }) => {
    const names = table.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});
