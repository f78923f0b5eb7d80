import { describe, test } from 'vitest';
import { NO_RESERVATIONS } from '../../schema/records.ts';
import { FakeD1 } from '../../test/fakes/d1.ts';
import type { Changes } from '../core/turn.ts';
import { D1Store } from './d1-store.ts';
import type { Batch } from './store.ts';

/** Notes what is prepared. */
class RecordingD1 extends FakeD1 {
  readonly sql = new Set<string>();

  override prepare(sql: string): ReturnType<FakeD1['prepare']> {
    this.sql.add(sql);
    return super.prepare(sql);
  }
}

/** A row of every kind. Their values do not matter: only the statements that they lead to are looked at. */
const row = {
  id: 'x',
  jobId: 'x',
  version: 1,
  spec: '{}',
  labels: { a: 'b' },
  createdAt: 1,
  needs: {},
  info: {},
  details: {},
};
const changes = {
  jobs: new Map([['x', row]]),
  versions: [row],
  superseded: [{ ...row, state: 'Failed', stateMessage: '', revision: 1, modifiedAt: 1 }],
  executions: new Map([['x', { execution: { ...row, computeState: 'New', resources: {} }, output: null }]]),
  events: [row],
  nodes: new Map([['x', row]]),
  forgottenNodes: ['y'],
  commands: [{ id: 'c', subject: 'x', answer: '', expiresAt: 1, namespace: 'n', token: 't', requestHash: 'h' }],
  inactive: new Set(),
} as unknown as Changes;

async function statements(db: RecordingD1): Promise<readonly string[]> {
  const store = new D1Store(db);
  await store.open('c', 1);
  await store.findJobs([], []);
  await store.findCommands([]);
  await store.findTokens([], 1);
  await store.findSpecs([]);
  await store.orchestratorId();
  await store.readFence('c');
  const prune = { before: 1, limit: 1 };
  const batch: Batch = {
    cell: 'c',
    epoch: 1,
    commitSeq: 0,
    commitId: '',
    nextWake: 0,
    clock: 0,
    reservations: NO_RESERVATIONS,
    now: 1,
    prune,
    changes,
  };
  await store.commit(batch);
  return [...db.sql];
}

/** Small for ever, or what a statement brings itself; nodes are read whole when a Scheduler starts. */
const HARMLESS = /^SCAN (CONSTANT ROW|json_each|k\b|r\b|installation|n\b|guard|\()/;

describe('plans', async () => {
  const db = new RecordingD1();
  const all = await statements(db);
  for (const sql of all) {
    test(sql.replaceAll(/\s+/g, ' ').slice(0, 90), ({ expect }) => {
      const steps = db.sqlite
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((step) => String(step['detail']));
      const own = steps.flatMap((step) => /^(?:CO-ROUTINE|MATERIALIZE) (\w+)/.exec(step)?.[1] ?? []);
      const scans = steps.filter((step) => step.startsWith('SCAN') && !HARMLESS.test(step));
      // A page that the statement reads itself may be walked.
      expect(scans.filter((step) => !own.includes(step.replace('SCAN ', '')))).toEqual([]);
    });
  }
  test('are of every statement', ({ expect }) => {
    const tables = ['job_labels', 'commands', 'events', 'executions', 'job_versions', 'jobs'];
    for (const table of tables) expect(all.some((sql) => sql.includes(table))).toBe(true);
    expect(all.length).toBeGreaterThan(20);
  });
});
