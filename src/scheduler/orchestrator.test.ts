import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { JobId } from '../../schema/ids.ts';
import { ACK_MS, RESERVE_AFTER_MS } from '../../schema/limits.ts';
import { completed, needs } from '../../test/harness/core.ts';
import { OrchestratorHarness } from '../../test/harness/orchestrator.ts';
import { D1Store } from '../store/d1-store.ts';
import { overdueWake } from './overdue.ts';

const lost = (after: boolean) => ({ error: new Error('D1_ERROR: network connection lost'), after });

describe('a turn', () => {
  test('answers and speaks only after the commit', async () => {
    const harness = new OrchestratorHarness();
    await harness.join('n-a');
    const before = harness.sent.length;
    harness.db.faults.push({ error: new Error('D1_ERROR: database is locked: SQLITE_BUSY') }, lost(false));
    const answer = harness.submit();
    await Promise.resolve();
    expect(harness.sent.length).toBe(before);
    expect(await answer).toMatchObject({ ok: true });
    expect(harness.frames('run')).toHaveLength(1);
    expect(harness.count('jobs')).toBe(1);
  });

  test('whose answer was lost after the commit is not written twice', async () => {
    const harness = new OrchestratorHarness();
    await harness.join('n-a');
    harness.db.faults.push(lost(true));
    expect(await harness.submit()).toMatchObject({ ok: true });
    expect(harness.count('jobs') + harness.count('executions')).toBe(2);
    expect(harness.count('events')).toBe(2);
  });

  test('arms the alarm before it commits', async () => {
    const harness = new OrchestratorHarness();
    await harness.join('n-a');
    harness.db.faults.push({ error: new Error('D1_ERROR: constraint: SQLITE_CONSTRAINT') });
    await expect(harness.submit()).rejects.toThrow();
    expect(harness.alarmAt).toBeGreaterThan(harness.now);
  });

  test('that another Scheduler overtook leaves nothing and says that the outcome is unknown', async () => {
    const harness = new OrchestratorHarness();
    await harness.join('n-a');
    await new OrchestratorHarness({}, harness.db).join('n-b');
    await expect(harness.submit()).rejects.toMatchObject({ name: 'UnknownOutcome', retryable: true });
    expect(harness.count('jobs')).toBe(0);
    expect(await harness.submit()).toMatchObject({ ok: true });
  });
});

describe('a command sent again', () => {
  test('gets its first answer, also when the job has ended meanwhile', async () => {
    const harness = new OrchestratorHarness();
    const session = await harness.join('n-a');
    const command = { commandId: randomUUID(), jobId: `j-${randomUUID()}` as JobId };
    const first = await harness.submit(command);
    const executionId = harness.frames('run')[0]?.executionId;
    if (executionId === undefined) throw new Error('no run');
    await harness.report(session, { type: 'report', executionId, seq: 1, ...completed() } as never);
    expect(harness.count('jobs', "state = 'Completed'")).toBe(1);
    expect(await harness.submit({ ...command, retry: true })).toMatchObject({
      ok: true,
      value: {
        jobId: command.jobId,
        version: 1,
        evaluationId: (first as { value: { evaluationId: string } }).value.evaluationId,
      },
    });
    expect(harness.count('executions')).toBe(1);
  });

  test('in the same turn is one command', async () => {
    const harness = new OrchestratorHarness();
    const command = {
      commandId: randomUUID(),
      jobId: `j-${randomUUID()}` as JobId,
      name: 'x',
      evaluationId: randomUUID() as never,
    };
    const answers = await Promise.all([harness.submit(command), harness.submit({ ...command, retry: true })]);
    expect(answers[0]).toEqual(answers[1]);
    expect(harness.count('job_versions')).toBe(1);
  });

  test('that overtakes itself is one command, and the rest of its turn is served', async () => {
    const harness = new OrchestratorHarness();
    const command = { commandId: randomUUID(), name: 'x', evaluationId: randomUUID() as never };
    const first = await harness.submit({ ...command, jobId: 'j-1' as JobId, retry: true });
    const both = [harness.submit({ ...command, jobId: 'j-1' as JobId, force: true }), harness.submit()];
    const [late, other] = await Promise.all(both);
    expect(late).toEqual(first);
    expect(other).toMatchObject({ ok: true });
    expect(harness.count('job_versions', "job_id = 'j-1'")).toBe(1);
  });
});

describe('an event that spoils its turn', () => {
  test('is refused alone, and the rest of the turn is served', async () => {
    const harness = new OrchestratorHarness();
    await harness.join('n-a');
    const results = await Promise.allSettled([
      harness.submit(),
      harness.submit({ name: { toString: () => 'x' } as never, specHash: 1n as never }),
      harness.submit(),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(harness.count('jobs')).toBe(2);
    expect(harness.logged.map(({ event }) => event)).toContain('event.quarantined');
  });

  test('as a report is acknowledged and recorded as a failure with the reason', async () => {
    const harness = new OrchestratorHarness();
    const session = await harness.join('n-a');
    await harness.submit();
    const executionId = harness.frames('run')[0]?.executionId;
    if (executionId === undefined) throw new Error('no run');
    const spoiled = {
      stdout: 5 as never,
      stdoutTruncated: false,
      stderr: '',
      stderrTruncated: false,
      exitCode: 0,
      errorMessage: '',
    };
    await harness.report(session, { type: 'report', executionId, seq: 1, state: 'Completed', output: spoiled });
    expect(harness.frames('ackReport')).toMatchObject([{ executionId, seq: 1 }]);
    expect(
      harness.count('executions', "compute_state = 'Failed' AND compute_message LIKE '%could not be taken%'"),
    ).toBe(1);
  });
});

describe('a database that is away', () => {
  test('answers commands with an unknown outcome, loses nothing, and everything goes on when it is back', async () => {
    const harness = new OrchestratorHarness();
    await harness.join('n-a');
    const jobs = await Promise.all([harness.submit(), harness.submit()]);
    for (let i = 0; i < 400; i++) harness.db.faults.push(lost(false));
    await expect(harness.submit()).rejects.toMatchObject({ retryable: true });
    harness.db.faults.length = 0;
    await harness.wake();
    expect(await harness.submit()).toMatchObject({ ok: true });
    expect(harness.count('jobs')).toBe(jobs.length + 1);
    expect(harness.count('executions', 'fenced = 1')).toBe(0);
  });
});

describe('a database that says that it can take nothing', () => {
  /** Real refusals of SQLite, and how to undo them. */
  const kinds = [
    {
      name: 'its disk is full',
      sql: 'PRAGMA max_page_count = 1',
      undo: 'PRAGMA max_page_count = 1000000',
      shape: { status: 507, code: 'InsufficientStorage', message: expect.stringContaining('full') },
    },
    {
      name: 'it is read-only',
      sql: 'PRAGMA query_only = 1',
      undo: 'PRAGMA query_only = 0',
      shape: { status: 503, message: 'the database refuses to be written' },
    },
  ] as const;
  const big = { spec: JSON.stringify({ filler: 'x'.repeat(200_000) }) };

  test.each(kinds)('because $name: a submit hears that at once', async ({ sql, undo, shape }) => {
    const harness = new OrchestratorHarness();
    await harness.join('n-a');
    harness.db.sqlite.exec(sql);
    await expect(harness.submit(big)).rejects.toMatchObject({ shape });
    // Nothing was thrown away for it, and nobody is blamed.
    expect(harness.logged.map(({ event }) => event)).not.toContain('event.quarantined');
    harness.db.sqlite.exec(undo);
    expect(await harness.submit(big)).toMatchObject({ ok: true });
    expect(harness.count('jobs')).toBe(1);
  });

  test('a report waits for better times, and is not recorded as something else', async () => {
    const harness = new OrchestratorHarness();
    const session = await harness.join('n-a');
    await harness.submit();
    const executionId = harness.frames('run')[0]?.executionId;
    if (executionId === undefined) throw new Error('no run');
    const report = { type: 'report', executionId, seq: 1, ...completed() } as never;
    harness.db.sqlite.exec('PRAGMA query_only = 1');
    await expect(harness.report(session, report)).rejects.toThrow();
    expect(harness.frames('ackReport')).toHaveLength(0);
    harness.db.sqlite.exec('PRAGMA query_only = 0');
    await harness.report(session, report);
    expect(harness.count('executions', "compute_state = 'Completed'")).toBe(1);
  });

  test.each([
    ['D1_ERROR: Exceeded maximum DB size', 507],
    ["Your account has exceeded D1's maximum account storage limit", 507],
    ["Your account has exceeded D1's free tier daily row write limit. Upgrade to a paid plan or wait", 503],
    ['D1_ERROR: no such table: jobs: SQLITE_ERROR', 503],
    ['D1_ERROR: unable to open database file: SQLITE_CANTOPEN', 503],
  ])('%s: %i', async (text, status) => {
    const harness = new OrchestratorHarness();
    await harness.join('n-a');
    harness.db.faults.push({ error: new Error(text) });
    const error = await harness.submit().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ shape: { status } });
    expect(error).not.toMatchObject({ shape: { message: 'the database does not answer' } });
    expect(await harness.submit()).toMatchObject({ ok: true });
  });

  test("a row that it does not take is the request's own matter, and is told without SQL", async () => {
    const harness = new OrchestratorHarness();
    await harness.join('n-a');
    const refused = harness.submit({ specHash: null as never });
    await expect(refused).rejects.toMatchObject({
      shape: { status: 500, message: 'the database does not take what this request would write' },
    });
    expect(JSON.stringify(harness.logged)).toContain('NOT NULL constraint failed');
    expect(await harness.submit()).toMatchObject({ ok: true });
  });
});

describe('growth', () => {
  test('old jobs go in slices with all that belongs to them; young and active ones stay', async () => {
    const harness = new OrchestratorHarness({ retentionMs: 86_400_000 });
    const session = await harness.join('n-a');
    for (let i = 0; i < 60; i++)
      await harness.stop(((await harness.submit()) as { value: { jobId: JobId } }).value.jobId);
    for (const { executionId } of harness.frames('run')) {
      await harness.report(session, { type: 'report', executionId, seq: 1, state: 'Cancelled', message: '' });
    }
    await harness.submit({ needs: { engine: 'wasm' } as never }).catch(() => {});
    harness.now += 2 * 86_400_000;
    await harness.submit({ name: 'young' });
    expect(harness.count('jobs', "state = 'Stopped'")).toBe(10);
    harness.now += 2_000;
    await harness.wake();
    expect(harness.count('jobs', "state = 'Stopped'")).toBe(0);
    expect(harness.count('jobs', "name = 'young'")).toBe(1);
    for (const table of ['events', 'executions', 'job_versions']) {
      expect(harness.count(table, 'job_id NOT IN (SELECT id FROM jobs)')).toBe(0);
    }
  });

  test('a nearly full database refuses submits with 507 and goes on with the rest', async () => {
    const harness = new OrchestratorHarness({ maxDatabaseBytes: 1_000 });
    harness.db.sizeAfter = 850;
    await harness.join('n-a');
    expect(harness.logged.map(({ event }) => event)).toContain('database.tight');
    const { value } = (await harness.submit()) as { value: { jobId: JobId } };
    harness.db.sizeAfter = 950;
    await harness.join('n-b');
    expect(await harness.submit()).toMatchObject({
      ok: false,
      error: { status: 507, message: expect.stringContaining('D1_MAX_BYTES') },
    });
    expect(await harness.stop(value.jobId)).toMatchObject({ ok: true });
  });
});

describe('a job that finds no node and names no QueueTimeout', () => {
  test('waits as long as the installation says', async () => {
    const harness = new OrchestratorHarness({ defaultQueueTimeoutMs: 60_000 });
    await harness.submit();
    harness.now += 59_999;
    await harness.wake();
    expect(harness.count('jobs', "state = 'Queued'")).toBe(1);
    harness.now += 1;
    await harness.wake();
    expect(harness.count('jobs', "state = 'Failed'")).toBe(1);
  });

  test('fails at once where it may not wait', async () => {
    const harness = new OrchestratorHarness({ defaultQueueTimeoutMs: 0 });
    await harness.submit();
    expect(harness.count('jobs', "state = 'Failed'")).toBe(1);
  });
});

describe('the deadline of a run', () => {
  test('counts from when the frame was sent, however long the turn took before that', async () => {
    const harness = new OrchestratorHarness();
    const session = await harness.join('n-a');
    harness.db.onCall = () => void (harness.now += ACK_MS - 1);
    await harness.submit();
    harness.db.onCall = () => {};
    harness.now += ACK_MS - 1;
    await harness.wake();
    expect(harness.count('executions', 'fenced = 1')).toBe(0);
    const executionId = harness.frames('run')[0]?.executionId;
    if (executionId === undefined) throw new Error('no run');
    await harness.orchestrator.take({ type: 'frame', session, frame: { type: 'ack', executionId } }, 0);
    harness.now += ACK_MS;
    await harness.wake();
    expect(harness.count('executions', 'fenced = 1')).toBe(0);
  });

  test('is met all the same: an agent that says nothing loses the execution', async () => {
    const harness = new OrchestratorHarness();
    await harness.join('n-a');
    await harness.submit();
    harness.now += ACK_MS + 1;
    await harness.wake();
    expect(harness.count('executions', 'fenced = 1')).toBe(1);
  });

  test('counts from the decision when the frame could not be sent', async () => {
    const first = new OrchestratorHarness();
    await first.join('n-a');
    await first.submit();
    const harness = new OrchestratorHarness({}, first.db);
    harness.db.unreachable = /job_versions v/;
    harness.db.onCall = () => void (harness.now += 500);
    await harness.join('n-a');
    expect([harness.frames('welcome').length, harness.frames('run').length]).toEqual([1, 0]);
    harness.db.onCall = () => {};
    // The alarm was set for it before the commit.
    harness.now = harness.alarmAt ?? 0;
    await harness.wake();
    expect(harness.count('executions', 'fenced = 1')).toBe(1);
  });

  test('is not judged before frames that wait behind a long stretch of work', async () => {
    const harness = new OrchestratorHarness();
    const session = await harness.join('n-a');
    await harness.submit();
    const executionId = harness.frames('run')[0]?.executionId;
    if (executionId === undefined) throw new Error('no run');
    harness.now += ACK_MS + 1;
    // The acknowledgement has arrived, and is read only when this thread is free again.
    harness.behind.push(
      () => void harness.orchestrator.take({ type: 'frame', session, frame: { type: 'ack', executionId } }, 0),
    );
    await harness.wake();
    expect(harness.count('executions', 'fenced = 1')).toBe(0);
    expect(harness.count('executions', "compute_state = 'BidAccepted'")).toBe(1);
  });
});

describe('the fence row', () => {
  const nextWake = (harness: OrchestratorHarness) =>
    Number(harness.db.sqlite.prepare('SELECT next_wake AS at FROM fence').get()?.['at']);
  const writes = (harness: OrchestratorHarness) =>
    Number(harness.db.sqlite.prepare('SELECT commit_seq AS n FROM fence').get()?.['n']);

  /** A new object on the same database, in which all has ended and the node has left. */
  async function idle(): Promise<OrchestratorHarness> {
    const harness = new OrchestratorHarness();
    const session = await harness.join('n-a');
    await harness.orchestrator.take({ type: 'frame', session, frame: { type: 'bye', reason: 'stopping' } }, 0);
    return new OrchestratorHarness({}, harness.db);
  }

  test('does not go on promising a wake-up when nothing is owed any more', async () => {
    const harness = await idle();
    harness.db.sqlite.prepare('UPDATE fence SET next_wake = ?').run(harness.now - 1);
    await harness.wake();
    expect(nextWake(harness)).toBe(0);
    const quiet = writes(harness);
    for (let i = 0; i < 5; i++) await harness.wake();
    expect(writes(harness)).toBe(quiet);
    expect(await overdueWake(new D1Store(harness.db), harness.now + 86_400_000)).toBeNull();
  });

  test('says when the next deadline is, when the one that it promised meant nothing and that is far', async () => {
    const harness = await idle();
    await harness.submit({ needs: { ...needs, queueTimeoutMs: 86_400_000 } });
    const next = new OrchestratorHarness({}, harness.db);
    // Until here it was looked whether a node is to be kept free for it.
    next.now += RESERVE_AFTER_MS;
    expect(nextWake(next)).toBeLessThanOrEqual(next.now);
    await next.wake();
    expect(nextWake(next)).toBeGreaterThan(next.now + 80_000_000);
    const quiet = writes(next);
    await next.wake();
    expect(writes(next)).toBe(quiet);
  });

  test('of an idle installation is not written', async () => {
    const harness = await idle();
    const before = writes(harness);
    for (let i = 0; i < 5; i++) await harness.wake();
    expect(writes(harness)).toBe(before);
  });
});
