import { describe, test } from 'vitest';
import { NO_RESERVATIONS } from '../../schema/records.ts';
import { FakeD1 } from '../../test/fakes/d1.ts';
import type { Changes, CommandRow } from '../core/turn.ts';
import { D1Store } from './d1-store.ts';
import { MemoryStore } from './memory-store.ts';
import type { Batch, Store } from './store.ts';

const DAY = 24 * 3_600_000;
const NOW = 1_800_000_000_000;

const use = (id: string, fields: Partial<CommandRow>): CommandRow => ({
  id,
  subject: 'j-1',
  answer: `"${id}"`,
  expiresAt: NOW + DAY,
  namespace: 'default',
  token: 'mine',
  requestHash: 'hash',
  ...fields,
});

/** Commits the commands in a turn of their own. */
async function commit(store: Store, commands: readonly CommandRow[], now = NOW) {
  const { fence } = await store.open('c', now);
  const changes: Changes = {
    jobs: new Map(),
    versions: [],
    superseded: [],
    executions: new Map(),
    events: [],
    nodes: new Map(),
    forgottenNodes: [],
    commands,
    inactive: new Set(),
  };
  const { epoch, commitSeq } = fence;
  const next = { commitId: 'x', nextWake: 0, clock: 0, reservations: NO_RESERVATIONS };
  const batch: Batch = { cell: 'c', epoch, commitSeq, ...next, now, prune: null, changes };
  return (await store.commit(batch)).type;
}

const stores: Record<string, () => Store> = {
  D1: () => new D1Store(new FakeD1()),
  memory: () => new MemoryStore(),
};

for (const [name, make] of Object.entries(stores)) {
  describe(`a client’s token in ${name}`, () => {
    const mine = { namespace: 'default', token: 'mine' };

    test('is found in its namespace, with what it was used for', async ({ expect }) => {
      const store = make();
      await commit(store, [use('a', {}), use('b', { namespace: null, token: null, requestHash: null })]);
      const other = { namespace: 'other', token: 'mine' };
      expect(await store.findTokens([mine, other], NOW)).toEqual([{ ...mine, requestHash: 'hash', answer: '"a"' }]);
    });

    test('is free again once it has expired, though its row is still there', async ({ expect }) => {
      const store = make();
      await commit(store, [use('a', {})]);
      expect(await store.findTokens([mine], NOW + DAY + 1)).toEqual([]);
      const later = use('b', { requestHash: 'other', expiresAt: NOW + 3 * DAY });
      expect(await commit(store, [later], NOW + 2 * DAY)).toBe('committed');
      expect(await store.findTokens([mine], NOW + 2 * DAY)).toEqual([{ ...mine, requestHash: 'other', answer: '"b"' }]);
    });
  });
}
