import { describe, expect, test } from 'vitest';
import { NO_RESERVATIONS } from '../../schema/records.ts';
import type { Batch, CommitOutcome, FenceRow, Store } from '../store/store.ts';
import { commitForSure, StoreSilent, type Clock } from './commit.ts';

const batch: Batch = {
  cell: 'c',
  epoch: 7,
  commitSeq: 3,
  commitId: 'mine',
  nextWake: 0,
  clock: 0,
  reservations: NO_RESERVATIONS,
  now: 0,
  prune: null,
  changes: {
    jobs: new Map(),
    versions: [],
    superseded: [],
    executions: new Map(),
    events: [],
    nodes: new Map(),
    forgottenNodes: [],
    commands: [],
    inactive: new Set(),
  },
};

const before: FenceRow = {
  epoch: 7,
  commitSeq: 3,
  commitId: 'earlier',
  nextWake: 0,
  clock: 0,
  reservations: NO_RESERVATIONS,
};
const after: FenceRow = { ...before, commitSeq: 4, commitId: 'mine' };
const committed: CommitOutcome = { type: 'committed', databaseBytes: 0, pruned: 0 };
const unknown: CommitOutcome = { type: 'unknown', reason: 'connection lost' };

/** Time passes only while something waits. */
function makeClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    sleep: async (ms) => void (now += ms),
    within: async (promise, ms) => {
      const late = Symbol('late');
      const first = await Promise.race([
        promise,
        new Promise<typeof late>((resolve) => setTimeout(() => resolve(late), 5)),
      ]);
      if (first !== late) return first;
      now += ms;
      return undefined;
    },
  };
}

/** A store that answers as scripted; the last answer is repeated. */
function scripted(commits: (CommitOutcome | 'hangs')[], fences: (FenceRow | 'fails')[]) {
  const sent: Batch[] = [];
  const next = <T>(list: T[]): T => (list.length > 1 ? list.shift() : list[0]) as T;
  const store = {
    commit: async (b: Batch) => {
      sent.push(b);
      const outcome = next(commits);
      return outcome === 'hangs' ? new Promise<CommitOutcome>(() => {}) : outcome;
    },
    readFence: async () => {
      const fence = next(fences);
      if (fence === 'fails') throw new Error('D1 is away');
      return fence;
    },
  } as unknown as Store;
  return { store, sent };
}

const cases: {
  name: string;
  commits: (CommitOutcome | 'hangs')[];
  fences: (FenceRow | 'fails')[];
  want: string;
  sends: number;
}[] = [
  { name: 'a clear success', commits: [committed], fences: ['fails'], want: 'committed', sends: 1 },
  {
    name: 'a clear refusal',
    commits: [{ type: 'refused', reason: 'x' }],
    fences: ['fails'],
    want: 'refused',
    sends: 1,
  },
  {
    name: 'a database that says that it is full',
    commits: [{ type: 'unwritable', failure: 'full', reason: 'SQLITE_FULL' }],
    fences: ['fails'],
    want: 'unwritable',
    sends: 1,
  },
  { name: 'unknown, and our id is there', commits: [unknown], fences: [after], want: 'committed', sends: 1 },
  {
    name: 'unknown, and the old id is there: the same batch again',
    commits: [unknown, committed],
    fences: [before],
    want: 'committed',
    sends: 2,
  },
  {
    name: 'a resend that meets its own late write',
    commits: [unknown, { type: 'guarded' }],
    fences: [before, after],
    want: 'committed',
    sends: 2,
  },
  { name: 'another epoch', commits: [unknown], fences: [{ ...after, epoch: 8 }], want: 'fenced', sends: 1 },
  {
    name: 'the guard speaks at once',
    commits: [{ type: 'guarded' }],
    fences: [{ ...before, epoch: 8 }],
    want: 'fenced',
    sends: 1,
  },
  {
    name: 'the sequence moved without us',
    commits: [{ type: 'guarded' }],
    fences: [{ ...before, commitSeq: 9, commitId: 'other' }],
    want: 'fenced',
    sends: 1,
  },
  {
    name: 'the fence answers at the third time',
    commits: [unknown],
    fences: ['fails', 'fails', after],
    want: 'committed',
    sends: 1,
  },
];

describe('the outcome of a commit', () => {
  for (const { name, commits, fences, want, sends } of cases) {
    test(name, async () => {
      const { store, sent } = scripted(commits, fences);
      expect((await commitForSure(store, batch, makeClock())).type).toBe(want);
      expect(sent).toHaveLength(sends);
      for (const again of sent) expect(again).toBe(batch);
    });
  }

  test('a refusal after an unknown outcome settles nothing: the batch sent before may still arrive', async () => {
    const refusals: CommitOutcome[] = [
      { type: 'refused', reason: 'x' },
      { type: 'unwritable', failure: 'full', reason: 'x' },
    ];
    for (const refused of refusals) {
      const late = scripted([unknown, refused], [before, before]);
      await expect(commitForSure(late.store, batch, makeClock())).rejects.toThrow(StoreSilent);
      const there = scripted([unknown, refused], [before, after]);
      expect((await commitForSure(there.store, batch, makeClock())).type).toBe('committed');
    }
  });

  test('a database that hangs or fails for 30 s ends in StoreSilent', async () => {
    await expect(commitForSure(scripted(['hangs'], ['fails']).store, batch, makeClock())).rejects.toThrow(StoreSilent);
    await expect(commitForSure(scripted([unknown], ['fails']).store, batch, makeClock())).rejects.toThrow(StoreSilent);
  });
});
