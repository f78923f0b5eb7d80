import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EvaluationId, ExecutionId, JobId, NodeId } from '../../schema/ids.ts';
import { failureClasses, type ExecutionRecord } from '../../schema/records.ts';
import { computeStates, desiredStates } from '../../schema/states.ts';
import { Book } from './book.ts';
import { isLive, isStarted } from './execution.ts';

const row = fc
  .record({
    n: fc.nat(7),
    partition: fc.nat(4),
    computeState: fc.constantFrom(...computeStates),
    desiredState: fc.constantFrom(...desiredStates),
    failureClass: fc.option(fc.constantFrom(...failureClasses)),
    nodeId: fc.constantFrom('n-a' as NodeId, 'n-b' as NodeId),
    modifiedAt: fc.nat(1_000_000),
  })
  .map(({ n, partition, ...rest }): ExecutionRecord => ({
    id: `e-0000000${n}-0000-4000-8000-00000000000${partition}` as ExecutionId,
    cell: 'c',
    namespace: 'default',
    jobId: 'j' as JobId,
    jobVersion: 1,
    partition,
    evalId: 'v' as EvaluationId,
    computeMessage: '',
    desiredMessage: '',
    fenced: false,
    resources: { cpu: 1, memory: 1, disk: 0, gpu: 0 },
    lastSeq: 0,
    runningSince: null,
    revision: 1,
    createdAt: 1,
    ...rest,
  }));

test('whatever the order of its rows, it says what the last row of each execution says', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 40 }), fc.integer({ min: 0, max: 6 }), (rows, count) => {
      const book = new Book('batch', count);
      const last = new Map<string, ExecutionRecord>();
      for (const execution of rows) {
        book.record(execution);
        last.set(execution.id, execution);
      }
      const all = [...last.values()];
      expect(book.completed).toBe(all.filter((e) => e.computeState === 'Completed').length);
      expect(book.live).toBe(all.filter(isLive).length);
      expect(book.started).toBe(all.filter(isStarted).length);
      const held = new Set(all.filter((e) => isLive(e) || e.computeState === 'Completed').map((e) => e.partition));
      const free = Array.from({ length: count }, (_, p) => p).filter((p) => !held.has(p));
      expect([...book.unplaced()]).toEqual(free);
      expect(book.unplacedCount).toBe(free.length);
      for (let p = 0; p < count; p++) expect(book.isUnplaced(p)).toBe(!held.has(p));
    }),
  );
});

test('a hundred thousand untried partitions cost no list', () => {
  const book = new Book('batch', 100_000);
  expect(book.unplacedCount).toBe(100_000);
  expect(book.unplaced().next().value).toBe(0);
});
