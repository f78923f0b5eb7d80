import { beforeEach, describe, expect, test } from 'vitest';
import { specKey, type Batch, type FenceRow, type Store } from '../../src/store/store.ts';
import { NO_RESERVATIONS } from '../../schema/records.ts';
import { batch, CELL, command, event, execution, job, jobId, node, NOW, version } from './rows.ts';

/**
 * What every store promises. The simulation runs on the one in memory, so this is what lets it speak for the one on D1.
 * @param makeStore an empty store
 */
export function storeContract(name: string, makeStore: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store;
    let fence: FenceRow;

    beforeEach(async () => {
      store = await makeStore();
      fence = (await store.open(CELL, NOW)).fence;
    });

    /** Writes what must be written, and goes on from there. */
    async function write(rows: Parameters<typeof batch>[1], more: Partial<Batch> = {}): Promise<void> {
      const next = batch(fence, rows, more);
      expect((await store.commit(next)).type).toBe('committed');
      const { epoch, commitId, nextWake, clock, reservations } = next;
      fence = { epoch, commitSeq: fence.commitSeq + 1, commitId, nextWake, clock, reservations };
    }
    const load = async () => (await store.open(CELL, NOW)).loaded;

    describe('the fence', () => {
      test('moves its epoch with every opening, and never below the time', async () => {
        const empty = { commitSeq: 0, commitId: '', nextWake: 0, clock: 0, reservations: NO_RESERVATIONS };
        expect(fence).toEqual({ epoch: NOW, ...empty });
        expect((await store.open(CELL, NOW - 1_000)).fence.epoch).toBe(NOW + 1);
        expect((await store.open(CELL, NOW + 9_000)).fence.epoch).toBe(NOW + 9_000);
      });

      test('says what was committed last, and is null for an unknown cell', async () => {
        await write({});
        expect(await store.readFence(CELL)).toEqual(fence);
        expect(fence.commitSeq).toBe(1);
        expect(await store.readFence('cell-9')).toBeNull();
      });

      test('keeps for whom room is kept, and gives it to the next Scheduler', async () => {
        const hold = { jobId: jobId(1), jobVersion: 2, nodeId: node('n-1').id, since: NOW, until: NOW + 30_000 };
        const lapse = { jobId: jobId(1), jobVersion: 2, times: 3, at: NOW, nodeId: null };
        const reservations = { hold, restUntil: NOW + 1, lapses: [lapse] };
        await write({}, { reservations });
        expect((await store.readFence(CELL))?.reservations).toEqual(reservations);
        expect((await load()).reservations).toEqual(reservations);
      });

      test.for<[string, Partial<Batch>]>([
        ['an older epoch', { epoch: NOW - 1 }],
        ['a newer epoch', { epoch: NOW + 1 }],
        ['another number', { commitSeq: 7 }],
        ['an unknown cell', { cell: 'cell-9' }],
      ])('refuses a batch of %s whole', async ([, believed]) => {
        const stale = batch(fence, { jobs: [job(1)], nodes: [node('n-1')], commands: [command('c-1')] }, believed);
        expect(await store.commit(stale)).toEqual({ type: 'guarded' });
        expect(await store.readFence(CELL)).toEqual(fence);
        expect(await store.findCommands(['c-1'])).toEqual(new Map());
        expect(await load()).toMatchObject({ jobs: [], nodes: [] });
      });

      test('lets no batch in twice', async () => {
        const once = batch(fence, { jobs: [job(1)] });
        expect((await store.commit(once)).type).toBe('committed');
        expect(await store.commit(once)).toEqual({ type: 'guarded' });
      });
    });

    describe('rows', () => {
      test('come back as they were written', async () => {
        const rows = {
          jobs: [job(1), job(2, { waitingSince: NOW, state: 'Queued' })],
          executions: [
            execution(1, 1),
            execution(2, 1, { partition: 1, fenced: true, failureClass: 'infrastructure' }),
          ],
          nodes: [node('n-2'), node('n-1', { membership: 'PENDING', deletedAt: NOW })],
          events: [event(1, 1)],
        };
        await write(rows);
        const loaded = await load();
        expect(loaded).toEqual({
          cell: CELL,
          epoch: NOW + 1,
          clock: fence.clock,
          reservations: NO_RESERVATIONS,
          jobs: rows.jobs,
          executions: rows.executions,
          nodes: [rows.nodes[1], rows.nodes[0]],
        });
      });

      test('are replaced by their id', async () => {
        await write({ jobs: [job(1)], executions: [execution(1, 1)], nodes: [node('n-1')] });
        const [after, ended, gone] = [
          job(1, { state: 'Queued', waitingSince: NOW, revision: 3 }),
          execution(1, 1, { computeState: 'Failed', desiredState: 'Stopped', runningSince: null }),
          node('n-1', { connection: 'DISCONNECTED', draining: false }),
        ];
        await write({ jobs: [after], executions: [ended], nodes: [gone] });
        expect(await load()).toMatchObject({ jobs: [after], executions: [ended], nodes: [gone] });
      });

      test('of another cell are not loaded', async () => {
        await write({ jobs: [job(1, { cell: 'cell-9' })], nodes: [node('n-1', { cell: 'cell-9' })] });
        expect(await load()).toMatchObject({ jobs: [], nodes: [] });
      });

      test('are loaded in order: jobs and nodes by id, executions by their time', async () => {
        await write({ jobs: [job(3), job(1)], executions: [execution(9, 1), execution(2, 3)] });
        const { jobs, executions } = await load();
        expect(jobs.map((j) => j.id)).toEqual([jobId(1), jobId(3)]);
        expect(executions.map((e) => e.createdAt)).toEqual([NOW * 1000 + 2, NOW * 1000 + 9]);
      });

      test('of older versions are loaded only while they are open', async () => {
        const [current, open, over] = [
          execution(1, 1, { jobVersion: 2, computeState: 'Completed' }),
          execution(2, 1, { desiredState: 'Stopped' }),
          execution(3, 1, { computeState: 'Cancelled', desiredState: 'Stopped' }),
        ];
        await write({ jobs: [job(1, { version: 2 })], executions: [current, open, over] });
        expect((await load()).executions).toEqual([current, open]);
      });

      test('of jobs that are not active stay, and are found by id and by name', async () => {
        await write({ jobs: [job(1), job(2)], executions: [execution(1, 1)], inactive: [jobId(1)] });
        expect(await load()).toMatchObject({ jobs: [job(2)], executions: [] });
        expect(await store.findJobs([jobId(1), jobId(8)], [])).toEqual([job(1)]);
        const names = [
          { namespace: 'default', name: 'job-1' },
          { namespace: 'other', name: 'job-1' },
        ];
        expect(await store.findJobs([], names)).toEqual([job(1)]);
      });

      test('that clash are refused whole', async () => {
        await write({ jobs: [job(1)] });
        const clash = batch(fence, { jobs: [job(2, { name: 'job-1' })], nodes: [node('n-1')] });
        expect(await store.commit(clash)).toMatchObject({ type: 'refused' });
        expect(await store.readFence(CELL)).toEqual(fence);
        const elsewhere = job(2, { name: 'job-1', namespace: 'other' });
        await write({ jobs: [elsewhere] });
        expect(await load()).toMatchObject({ jobs: [job(1), elsewhere], nodes: [] });
      });
    });

    describe('what is written once', () => {
      test('are the specifications of versions', async () => {
        await write({ jobs: [job(1)], versions: [version(1, 1, 'first')] });
        const stood = {
          jobId: jobId(1),
          version: 1,
          state: 'Running' as const,
          stateMessage: '',
          revision: 2,
          modifiedAt: 1,
        };
        await write({ versions: [version(1, 1, 'again'), version(1, 2, 'second')], superseded: [stood] });
        const keys = [1, 2, 3].map((v) => ({ jobId: jobId(1), version: v }));
        const specs = await store.findSpecs(keys);
        expect([...specs].map(([key, spec]) => [key, spec.Name])).toEqual([
          [specKey({ jobId: jobId(1), version: 1 }), 'first'],
          [specKey({ jobId: jobId(1), version: 2 }), 'second'],
        ]);
      });

      test('are the answers to commands', async () => {
        await write({ commands: [command('c-1')] });
        const again = [command('c-1', { answer: '{"other":1}' }), command('c-2')];
        const refused = await store.commit(batch(fence, { jobs: [job(1)], commands: again }));
        expect(refused).toMatchObject({ type: 'refused' });
        await write({ commands: [command('c-2')] });
        expect(await load()).toMatchObject({ jobs: [] });
        expect(await store.findCommands(['c-1', 'c-2', 'c-3'])).toEqual(
          new Map([
            ['c-1', '{"of":"c-1"}'],
            ['c-2', '{"of":"c-2"}'],
          ]),
        );
      });
    });

    test('nodes that are forgotten are gone', async () => {
      await write({ nodes: [node('n-1'), node('n-2')] });
      await write({ forgottenNodes: [node('n-1').id] });
      expect((await load()).nodes.map(({ id }) => id)).toEqual(['n-2']);
    });

    test('commands that have expired go with the next ones', async () => {
      await write({ commands: [command('old', { expiresAt: NOW - 1 }), command('due', { expiresAt: NOW })] });
      await write({});
      await write({ commands: [command('new')] });
      expect([...(await store.findCommands(['old', 'due', 'new'])).keys()].sort()).toEqual(['due', 'new']);
    });

    test('the oldest jobs that have ended are pruned, with all that is theirs', async () => {
      const at = (n: number) => ({ modifiedAt: n });
      await write({
        jobs: [job(1, at(10)), job(2, at(20)), job(3, at(30)), job(4, at(5)), job(5, at(99))],
        versions: [version(1, 1, 'x')],
        inactive: [jobId(1), jobId(2), jobId(3), jobId(5)],
      });
      const outcome = await store.commit(batch(fence, {}, { prune: { before: 50, limit: 2 } }));
      expect(outcome).toMatchObject({ type: 'committed', pruned: 2 });
      const left = await store.findJobs([1, 2, 3, 4, 5].map(jobId), []);
      expect(left.map((j) => j.id).sort()).toEqual([jobId(3), jobId(4), jobId(5)]);
      expect(await store.findSpecs([{ jobId: jobId(1), version: 1 }])).toEqual(new Map());
    });
  });
}
