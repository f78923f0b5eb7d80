import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { JobId } from '../../schema/ids.ts';
import { completed } from '../../test/harness/core.ts';
import { OrchestratorHarness } from '../../test/harness/orchestrator.ts';

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
    expect(await harness.submit()).toMatchObject({ ok: false, error: { status: 507 } });
    expect(await harness.stop(value.jobId)).toMatchObject({ ok: true });
  });
});
