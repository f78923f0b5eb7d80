import { describe, test } from 'vitest';
import { EngineError } from '../engines/engine.ts';
import { makeFailure } from '@shoal/schema/protocol/common';
import { settle } from '../testing/fake-clock.ts';
import { Harness } from '../testing/harness.ts';
import { newExecutionId, runSpec, task } from '../testing/run-spec.ts';

async function settled(): Promise<string> {
  await settle();
  return 'still there';
}

describe('run', () => {
  test('is acknowledged once it is journalled, runs, and is reported', async ({ expect }) => {
    const harness = await Harness.start();
    const run = runSpec();
    await harness.run(run);
    expect(harness.journal.log[0]).toEqual({ type: 'taken', executionId: run.executionId, run, network: 'none' });
    await harness.clock.advance(1_000);
    expect(harness.said).toEqual(['ack', 'report Running', 'report Completed']);
    expect(harness.reports.map((one) => one.seq)).toEqual([1, 2]);
    expect(await harness.engine.list()).toEqual([]);
  });

  test('of a running execution is acknowledged again and starts nothing', async ({ expect }) => {
    const harness = await Harness.start();
    const run = runSpec();
    await harness.run(run);
    await harness.run(run);
    await harness.clock.advance(1_000);
    expect(harness.said).toEqual(['ack', 'report Running', 'ack', 'report Completed']);
    expect(harness.engine.starts.get(run.executionId)).toBe(1);
  });

  test('of a finished execution is answered with its report, also in the next process', async ({ expect }) => {
    const first = await Harness.start();
    const run = runSpec();
    await first.run(run);
    await first.clock.advance(1_000);
    await first.order({ type: 'ackReport', executionId: run.executionId, seq: 2 });
    await first.run(run);
    expect(first.said.slice(-2)).toEqual(['report Completed', 'report Completed']);
    await first.order({ type: 'ackReport', executionId: run.executionId, seq: 2 });
    const second = await first.killAndRestart();
    expect(second.said).toEqual([]);
    await second.run(run);
    expect(second.said).toEqual(['report Completed']);
    expect(second.engine.starts.get(run.executionId)).toBe(1);
  });

  test('that cannot be journalled is declined for good and leaves nothing behind', async ({ expect }) => {
    const harness = await Harness.start();
    const run = runSpec();
    harness.journal.failure = new Error('disk full');
    await harness.run(run);
    expect(harness.said).toEqual(['reject']);
    expect(harness.socket.frames.at(-1)).toMatchObject({ reason: 'the node cannot write its journal: disk full' });
    harness.journal.failure = null;
    await harness.run(run);
    expect(harness.said).toEqual(['reject', 'reject']);
    await harness.run(runSpec());
    expect(harness.said).toEqual(['reject', 'reject', 'ack', 'report Running']);
  });

  test('that was declined stays declined, also in the next process', async ({ expect }) => {
    const first = await Harness.start();
    const run = runSpec({ task: task({}, { Network: { Type: 'HTTP' } }) });
    await first.run(run);
    expect(first.said).toEqual(['reject']);
    const second = await first.killAndRestart();
    await second.run({ ...run, task: task() });
    expect(second.said).toEqual(['reject']);
  });

  test('that is declined while the disk is full is answered once that can be written', async ({ expect }) => {
    const harness = await Harness.start();
    const run = runSpec({ task: task({}, { Network: { Type: 'HTTP' } }) });
    harness.journal.failure = new Error('disk full');
    await harness.run(run);
    expect(harness.said).toEqual([]);
    harness.journal.failure = null;
    await harness.run(run);
    await harness.run(run);
    expect(harness.said).toEqual(['reject', 'reject']);
    const second = await harness.killAndRestart();
    await second.run({ ...run, task: task() });
    expect(second.said).toEqual(['reject']);
  });

  test('is declined by a node that may not run anything', async ({ expect }) => {
    const harness = await Harness.start();
    harness.socket.welcome({ mode: 'stopOnly' });
    await harness.run(runSpec());
    expect(harness.said).toEqual(['reject']);
  });

  test('beyond the room that is left is declined, and room comes back', async ({ expect }) => {
    const harness = await Harness.start();
    const resources = { cpu: 1.5, memory: 1, disk: 0, gpu: 0 };
    await harness.run(runSpec({ resources }));
    await harness.run(runSpec({ resources }));
    expect(harness.said).toEqual(['ack', 'report Running', 'reject']);
    expect(harness.socket.frames.at(-1)).toMatchObject({
      reason: expect.stringMatching(/^insufficient resources - requested: \{CPU: 1\.50, .*available: \{CPU: 0\.50, /),
    });
    await harness.clock.advance(1_000);
    await harness.run(runSpec({ resources }));
    expect(harness.said.slice(-2)).toEqual(['ack', 'report Running']);
  });
});

describe('stop', () => {
  test('of a running execution is journalled before the kill and reported as Cancelled', async ({ expect }) => {
    const harness = await Harness.start(() => ({ stopMs: 500 }));
    const run = runSpec();
    await harness.run(run);
    await harness.stop(run.executionId);
    expect(harness.journal.log.at(-1)).toMatchObject({
      type: 'stopping',
      request: { kind: 'stop', message: 'not wanted' },
    });
    expect(harness.said.at(-1)).toBe('report Running');
    await harness.clock.advance(500);
    expect(harness.reports.at(-1)).toMatchObject({ state: 'Cancelled', message: 'not wanted' });
  });

  test('during the pull never starts the container', async ({ expect }) => {
    const harness = await Harness.start(() => ({ pullMs: 60_000, runMs: 1 }));
    const run = runSpec();
    await harness.run(run);
    await harness.stop(run.executionId);
    await harness.clock.advance(120_000);
    expect(harness.reports.at(-1)).toMatchObject({ state: 'Cancelled' });
    expect(harness.engine.starts.size).toBe(0);
  });

  test('of an unknown execution is Cancelled, and its late run is refused for ever', async ({ expect }) => {
    const first = await Harness.start();
    const run = runSpec();
    await first.stop(run.executionId);
    expect(first.reports).toMatchObject([{ state: 'Cancelled', message: 'not known here' }]);
    await first.order({ type: 'ackReport', executionId: run.executionId, seq: 2 });
    const second = await first.killAndRestart();
    await second.run(run);
    expect(second.said).toEqual(['report Cancelled']);
    expect(second.engine.starts.size).toBe(0);
  });

  test('of a declined execution ends it too', async ({ expect }) => {
    const harness = await Harness.start();
    const run = runSpec({ task: task({}, { Network: { Type: 'HTTP' } }) });
    await harness.run(run);
    await harness.stop(run.executionId);
    expect(harness.said).toEqual(['reject', 'report Cancelled']);
  });

  test('of a finished execution is answered with its report', async ({ expect }) => {
    const harness = await Harness.start();
    const run = runSpec();
    await harness.run(run);
    await harness.clock.advance(1_000);
    await harness.order({ type: 'ackReport', executionId: run.executionId, seq: 2 });
    await harness.stop(run.executionId);
    expect(harness.said.slice(-1)).toEqual(['report Completed']);
  });

  test('a crash between the kill and the report still says Cancelled', async ({ expect }) => {
    const first = await Harness.start(() => ({ stopMs: 1_000 }));
    const run = runSpec();
    await first.run(run);
    await first.stop(run.executionId);
    await first.clock.advance(999);
    const second = await first.killAndRestart();
    await second.clock.advance(1_000);
    expect(second.reports.at(-1)).toMatchObject({ state: 'Cancelled', message: 'not wanted' });
  });
});

describe('a restart', () => {
  test('takes up what runs, with the report still to come', async ({ expect }) => {
    const first = await Harness.start(() => ({ runMs: 5_000, stdout: 'word' }));
    const run = runSpec();
    await first.run(run);
    await first.clock.advance(1_000);
    const second = await first.killAndRestart();
    expect(second.socket.frames[0]).toMatchObject({
      type: 'hello',
      holds: [{ executionId: run.executionId, state: 'Running', lastSeq: 1 }],
    });
    await second.clock.advance(4_000);
    expect(second.reports.at(-1)).toMatchObject({ state: 'Completed', output: { stdout: 'word' } });
    expect(second.engine.starts.get(run.executionId)).toBe(1);
  });

  test('reports what ended while nobody looked', async ({ expect }) => {
    const first = await Harness.start(() => ({ runMs: 1_000, exitCode: 3 }));
    const run = runSpec({ executionTimeoutMs: 2_000 });
    await first.run(run);
    const journal = first.journal.reopen();
    first.journal.failure = new Error('dead');
    await first.clock.advance(60_000);
    first.journal = journal;
    const second = await first.killAndRestart();
    expect(second.reports.at(-1)).toMatchObject({ state: 'Completed', output: { exitCode: 3 } });
  });

  test('starts what was taken and never began', async ({ expect }) => {
    const first = await Harness.start(() => ({ pullMs: 60_000, runMs: 1_000 }));
    const run = runSpec();
    await first.run(run);
    const second = await first.killAndRestart();
    expect(second.socket.frames[0]).toMatchObject({ holds: [{ state: 'BidAccepted', lastSeq: 0 }] });
    await second.clock.advance(61_000);
    expect(second.reports.at(-1)).toMatchObject({ state: 'Completed' });
  });

  test('never runs again what began and is gone', async ({ expect }) => {
    const first = await Harness.start(() => ({ runMs: 5_000 }));
    const run = runSpec();
    await first.run(run);
    const journal = first.journal.reopen();
    first.journal.failure = new Error('dead');
    await first.engine.remove(run.executionId);
    first.journal = journal;
    const second = await first.killAndRestart();
    expect(second.reports.at(-1)).toMatchObject({ state: 'Failed', failure: { class: 'infrastructure' } });
    expect(second.engine.starts.get(run.executionId)).toBe(1);
  });

  for (const [exitCode, state] of [
    [3, 'Completed'],
    [137, 'Failed'],
    [143, 'Failed'],
    [255, 'Failed'],
  ] as const) {
    test(`a task that ended with ${exitCode} meanwhile is ${state}`, async ({ expect }) => {
      const first = await Harness.start(() => ({ runMs: 5_000, exitCode }));
      await first.run(runSpec());
      first.engine.setReachable(false);
      const second = await first.killAndRestart();
      await second.clock.advance(10_000);
      second.engine.setReachable(true);
      await second.clock.advance(15_000);
      const failed = { failure: { class: 'infrastructure' }, output: { exitCode } };
      expect(second.reports.at(-1)).toMatchObject({
        state,
        ...(state === 'Failed' ? failed : { output: { exitCode } }),
      });
    });
  }

  test('a task that was stopped and ended meanwhile is still stopped', async ({ expect }) => {
    const first = await Harness.start(() => ({ stopMs: 1_000 }));
    const run = runSpec();
    await first.run(run);
    await first.stop(run.executionId);
    first.engine.setReachable(false);
    const second = await first.killAndRestart();
    await second.clock.advance(2_000);
    expect(second.engine.running).toEqual([]);
    second.engine.setReachable(true);
    await second.clock.advance(15_000);
    expect(second.reports.at(-1)).toMatchObject({ state: 'Cancelled' });
  });

  test('counts the time before it against the execution timeout', async ({ expect }) => {
    const first = await Harness.start(() => ({}));
    const run = runSpec({ executionTimeoutMs: 10_000 });
    await first.run(run);
    await first.clock.advance(6_000);
    const second = await first.killAndRestart();
    await second.clock.advance(3_999);
    expect(second.reports.map((one) => one.state)).toEqual(['Running']);
    await second.clock.advance(1);
    expect(second.reports.at(-1)).toMatchObject({
      state: 'Failed',
      failure: { class: 'environment', message: 'Execution timed out after 10s', topic: 'Running Execution' },
    });
  });

  test('waits for an engine that is not there yet', async ({ expect }) => {
    const first = await Harness.start(() => ({ runMs: 5_000 }));
    const run = runSpec();
    await first.run(run);
    first.engine.setReachable(false);
    const second = await first.killAndRestart();
    expect(second.socket.frames[0]).toMatchObject({ engines: [], holds: [{ state: 'Running' }] });
    second.engine.setReachable(true);
    await second.clock.advance(15_000);
    expect(second.socket.frames.find((one) => one.type === 'capacity')).toMatchObject({ engines: ['docker'] });
    expect(second.reports.at(-1)).toMatchObject({ state: 'Completed' });
  });
});

describe('the engine', () => {
  test('that goes away is no longer offered, and what runs is found again', async ({ expect }) => {
    const harness = await Harness.start(() => ({ runMs: 20_000 }));
    const run = runSpec();
    await harness.run(run);
    harness.engine.setReachable(false);
    await harness.clock.advance(15_000);
    expect(harness.socket.frames.findLast((one) => one.type === 'capacity')).toMatchObject({ engines: [] });
    harness.engine.setReachable(true);
    await harness.clock.advance(15_000);
    expect(harness.reports.at(-1)).toMatchObject({ state: 'Completed' });
    expect(harness.engine.starts.get(run.executionId)).toBe(1);
  });

  test('that stays away for minutes fails the task, at no cost to its job', async ({ expect }) => {
    const harness = await Harness.start(() => ({ runMs: 3_600_000 }));
    await harness.run(runSpec());
    harness.engine.setReachable(false);
    await harness.clock.advance(6 * 60_000);
    expect(harness.reports.at(-1)).toMatchObject({ state: 'Failed', failure: { class: 'infrastructure' } });
    harness.engine.setReachable(true);
    await harness.clock.advance(15_000);
    expect(await harness.engine.list()).toEqual([]);
  });

  test('that is away when a container is to be removed gets rid of it once it is back', async ({ expect }) => {
    const harness = await Harness.start(() => ({ runMs: 1_000 }));
    await harness.run(runSpec());
    harness.engine.failNextRemove = true;
    await harness.clock.advance(1_000);
    expect(await harness.engine.list()).toHaveLength(1);
    await harness.clock.advance(15_000);
    expect(await harness.engine.list()).toEqual([]);
  });

  test('its errors are reported as they are', async ({ expect }) => {
    const failure = makeFailure('permanent', 'Preparing Environment', 'image not available: "x"', 'hint');
    const harness = await Harness.start(() => ({ createError: new EngineError(failure) }));
    await harness.run(runSpec());
    expect(harness.reports.at(-1)).toMatchObject({ state: 'Failed', failure, output: null });
  });
});

describe('going down', () => {
  test('fails its tasks without cost, removes them, and says goodbye last', async ({ expect }) => {
    const harness = await Harness.start(() => ({ stopMs: 1_000 }));
    await harness.run(runSpec());
    const stopped = harness.agent.stop('SIGTERM');
    await harness.run(runSpec());
    await harness.clock.advance(5_000);
    await stopped;
    expect(harness.said).toEqual(['ack', 'report Running', 'capacity', 'reject', 'report Failed', 'bye']);
    expect(harness.reports.at(-1)).toMatchObject({ failure: { class: 'infrastructure', message: 'agent stopped' } });
    expect(await harness.engine.list()).toEqual([]);
  });

  test('takes about ten seconds, also when the engine hangs', async ({ expect }) => {
    const harness = await Harness.start(() => ({}));
    await harness.run(runSpec());
    harness.engine.hangs = true;
    const stopped = harness.agent.stop('SIGTERM');
    await harness.clock.advance(11_000);
    expect(await Promise.race([stopped.then(() => 'stopped'), settled()])).toBe('stopped');
    expect(harness.said.at(-1)).toBe('bye');
  });

  test('reports at the next start what nobody acknowledged', async ({ expect }) => {
    const first = await Harness.start(() => ({}));
    const run = runSpec();
    await first.run(run);
    first.socket.end({ kind: 'closed', code: 1006, reason: '' });
    const stopped = first.agent.stop('SIGTERM');
    await first.clock.advance(10_000);
    await stopped;
    const second = await first.killAndRestart();
    expect(second.socket.frames[0]).toMatchObject({
      holds: [{ executionId: run.executionId, state: 'Failed', lastSeq: 2 }],
    });
    expect(second.said).toEqual(['report Failed']);
  });

  test('a node that was rejected stops everything', async ({ expect }) => {
    const harness = await Harness.start(() => ({}));
    const run = runSpec();
    await harness.run(run);
    harness.socket.end({ kind: 'closed', code: 4003, reason: '' });
    await harness.clock.advance(1_000);
    expect(harness.journal.entries.get(run.executionId)).toMatchObject({ report: { state: 'Cancelled' } });
  });
});

test('nothing is reported before it is durable', async ({ expect }) => {
  const harness = await Harness.start();
  const id = newExecutionId();
  await harness.run(runSpec({ executionId: id }));
  harness.journal.failure = new Error('disk full');
  await harness.clock.advance(4_000);
  expect(harness.said).toEqual(['ack', 'report Running']);
  harness.journal.failure = null;
  await harness.clock.advance(5_000);
  expect(harness.said.at(-1)).toBe('report Completed');
});
