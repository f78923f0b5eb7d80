import { describe, test } from 'vitest';
import { makeFakeApi } from '../fakes/api.ts';
import { problemsOf } from './case.ts';
import { table } from './table.ts';
import { ORCHESTRATOR, seedWorld } from './world.ts';

/** The table against a Scheduler in memory: quick, and for states that are hard to bring about. */
describe('conformance, without a Scheduler', () => {
  const { db, send } = makeFakeApi();
  db.sqlite.prepare('UPDATE installation SET node_id = ?').run(ORCHESTRATOR);
  seedWorld((name, row) => db.insert(name, row));
  for (const item of table) {
    if (item.where === 'real') continue;
    test(item.name, async ({ expect }) => {
      expect(await problemsOf(item, (method, path, body, headers) => send(method, path, body, { ...headers }))).toEqual(
        [],
      );
    });
  }
  test('names are unique', ({ expect }) => {
    const names = table.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});
