import { describe, expect, test } from 'vitest';
import type { JobId } from '../../schema/ids.ts';
import { cancelled, completed, CoreHarness, failed, running } from '../../test/harness/core.ts';

/** The whole way of a job through the core, as a client and an agent see it. */
describe('a batch job', () => {
  test('is placed in the turn that stores it, and ends as its execution ends', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId, evaluationId, version } = core.submit();
    expect(version).toBe(1);
    expect(core.job(jobId).state).toBe('Pending');
    expect(core.said()).toEqual(['welcome n-a', 'run n-a']);
    const { id, evalId, computeState, desiredState } = core.execution(jobId);
    expect({ evalId, computeState, desiredState }).toEqual({
      evalId: evaluationId,
      computeState: 'New',
      desiredState: 'Running',
    });
    core.ack(node, id);
    expect(core.job(jobId).state).toBe('Running');
    core.report(node, id, 1, running);
    core.report(node, id, 2, completed());
    expect(core.job(jobId).state).toBe('Completed');
    expect(core.execution(jobId)).toMatchObject({ computeState: 'Completed', desiredState: 'Stopped' });
    expect(core.said()).toEqual(['ackReport n-a', 'ackReport n-a']);
    expect(core.world.jobs.size + core.world.executions.size).toBe(0);
    expect(core.world.timers.next()).toBeNull();
    expect(core.events.map((e) => [e.seq, e.topic, e.message])).toEqual([
      [1, 'Submission', 'Job submitted'],
      [2, 'Scheduling', 'Requested execution on n-a'],
      [3, 'State Update', 'Running'],
      [4, 'Execution', 'Running'],
      [5, 'Execution', 'Completed successfully'],
      [6, 'State Update', 'Completed'],
    ]);
  });

  test('with a non-zero exit code is Completed', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    core.report(node, core.execution(jobId).id, 1, completed(7));
    expect(core.job(jobId).state).toBe('Completed');
    expect(core.execution(jobId).computeMessage).toBe('Completed with exit code 7');
  });

  test('waits with the reason when no node offers its engine, and starts when one does', () => {
    const core = new CoreHarness();
    core.join('n-a', { engines: ['wasm'] });
    const { jobId } = core.submit();
    expect(core.job(jobId)).toMatchObject({
      state: 'Queued',
      stateMessage:
        'Job queued. not enough nodes to run job. requested: 1, available: 1, suitable: 0.\n• Node n-a: does not support engine docker, only wasm',
    });
    core.join('n-b', { engines: ['docker'] });
    expect(core.execution(jobId).nodeId).toBe('n-b');
    expect(core.job(jobId)).toMatchObject({ state: 'Pending', waitingSince: null });
  });

  test('is told anew why it waits when nodes change', () => {
    const core = new CoreHarness();
    const { jobId } = core.submit({ needs: { engine: 'wasm' } });
    expect(core.job(jobId).stateMessage).toContain('no node has joined yet');
    const node = core.join('n-a');
    expect(core.job(jobId).stateMessage).toContain('does not support engine wasm, only docker');
    core.leave(node);
    expect(core.job(jobId).stateMessage).toContain('is not connected');
  });

  test('of many partitions runs in waves over the room there is', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { capacity: { cpu: 2 } });
    const { jobId } = core.submit({ count: 5 });
    const waves: number[] = [];
    for (let done = 0; done < 5;) {
      const open = core.executionsOf(jobId).filter((e) => e.computeState === 'New');
      waves.push(open.length);
      for (const { id } of open) core.report(node, id, 1, completed());
      done += open.length;
    }
    expect(waves).toEqual([2, 2, 1]);
    expect(core.job(jobId).state).toBe('Completed');
    expect(
      core
        .executionsOf(jobId)
        .map((e) => e.partition)
        .sort((a, b) => a - b),
    ).toEqual([0, 1, 2, 3, 4]);
  });

  test('of no partitions is Completed at once', () => {
    const core = new CoreHarness();
    expect(core.job(core.submit({ count: 0 }).jobId).state).toBe('Completed');
  });

  test('waits in line: priority first, then who came first', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { capacity: { cpu: 1 } });
    const running1 = core.submit();
    const [first, second, urgent] = [core.submit(), core.submit(), core.submit({ priority: 5 })];
    const order: JobId[] = [];
    let current = running1.jobId;
    for (let i = 0; i < 3; i++) {
      core.report(node, core.execution(current).id, 1, completed());
      current = [...core.executions.values()].at(-1)?.jobId as JobId;
      order.push(current);
    }
    expect(order).toEqual([urgent.jobId, first.jobId, second.jobId]);
  });

  test('fails when it waits longer than its QueueTimeout, with the reason', () => {
    const core = new CoreHarness();
    const { jobId } = core.submit({ needs: { queueTimeoutMs: 10_000 } });
    core.advance(9_999);
    expect(core.job(jobId).state).toBe('Queued');
    core.advance(1);
    expect(core.job(jobId)).toMatchObject({
      state: 'Failed',
      stateMessage: expect.stringContaining('not enough nodes'),
    });
    expect(core.events.at(-1)?.details).toEqual({
      IsError: 'true',
      Retryable: 'true',
      NodesRequested: '1',
      NodesAvailable: '0',
      NodesSuitable: '0',
    });
  });

  test('with QueueTimeout 0 fails at once when it cannot start', () => {
    const core = new CoreHarness();
    expect(core.job(core.submit({ needs: { queueTimeoutMs: 0 } }).jobId).state).toBe('Failed');
  });

  test('fails when it takes longer than its TotalTimeout, and what runs is stopped', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ needs: { totalTimeoutMs: 60_000 } });
    core.ack(node, core.execution(jobId).id);
    core.said();
    core.heard.set(node.nodeId, core.now + 60_000);
    core.advance(60_000);
    expect(core.job(jobId)).toMatchObject({
      state: 'Failed',
      stateMessage: 'Job timed out. Job took longer than 1m0s',
    });
    expect(core.said()).toEqual(['stop n-a']);
  });
});

describe('an execution that a limit of its job ended', () => {
  test.for([
    ['cancelled', cancelled],
    ['completed meanwhile', completed(0)],
    ['failed by itself', failed('environment', 'killed')],
  ] as const)('is Failed, whatever its agent says: %s', ([, outcome]) => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ needs: { totalTimeoutMs: 10_000 } });
    const { id } = core.execution(jobId);
    core.ack(node, id);
    core.advance(10_000);
    const reason = 'Job timed out. Job took longer than 10s';
    expect(core.execution(jobId)).toMatchObject({ desiredState: 'Stopped', desiredMessage: reason });
    core.report(node, id, 1, outcome);
    expect(core.execution(jobId).computeState).toBe('Failed');
    if (outcome === cancelled) expect(core.execution(jobId).computeMessage).toBe(reason);
  });

  test('is Failed also when its agent does not know it any more', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ needs: { totalTimeoutMs: 10_000 } });
    core.ack(node, core.execution(jobId).id);
    core.leave(node);
    core.advance(10_000);
    core.join('n-a');
    expect(core.execution(jobId)).toMatchObject({
      computeState: 'Failed',
      computeMessage: 'Job timed out. Job took longer than 10s',
    });
  });

  test('one that its user stopped is Cancelled', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    core.stop(jobId);
    core.report(node, core.execution(jobId).id, 1, cancelled);
    expect(core.execution(jobId).computeState).toBe('Cancelled');
  });
});

describe('stopping', () => {
  test('ends the job at once and its execution when the agent says so', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    const { id } = core.execution(jobId);
    core.ack(node, id);
    core.said();
    expect(core.stop(jobId, 'changed my mind')).toMatchObject({ ok: true });
    expect(core.job(jobId)).toMatchObject({ state: 'Stopped', stateMessage: 'changed my mind' });
    expect(core.execution(jobId)).toMatchObject({ computeState: 'BidAccepted', desiredState: 'Stopped' });
    expect(core.said()).toEqual(['stop n-a']);
    expect(core.world.openCount(node.nodeId)).toBe(1);
    core.report(node, id, 1, cancelled);
    expect(core.execution(jobId).computeState).toBe('Cancelled');
    expect(core.world.openCount(node.nodeId)).toBe(0);
  });

  test('a stop without an answer is sent again', () => {
    const core = new CoreHarness();
    core.join('n-a');
    const { jobId } = core.submit();
    core.stop(jobId);
    core.said();
    core.advance(5_000);
    expect(core.said()).toEqual(['stop n-a']);
  });

  test('an ended job is left as it is; a completed one is a conflict', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ needs: { engine: 'wasm' } });
    core.stop(jobId);
    core.world.putJob(core.job(jobId));
    expect(core.stop(jobId)).toEqual({ ok: true, value: { evaluationId: '' } });
    const done = core.submit();
    core.report(node, core.execution(done.jobId).id, 1, completed());
    core.world.putJob(core.job(done.jobId));
    expect(core.stop(done.jobId)).toMatchObject({ ok: false, error: { status: 409 } });
    expect(core.stop('j-none' as JobId)).toMatchObject({ ok: false, error: { status: 404, code: 'NotFound' } });
  });
});

describe('a job of the same name', () => {
  test('is a new version: the old execution is stopped and the new one starts in the same turn', () => {
    const core = new CoreHarness();
    core.join('n-a');
    const first = core.submit({ name: 'hello' });
    core.said();
    const second = core.submit({ name: 'hello' });
    expect(second).toMatchObject({ jobId: first.jobId, version: 2 });
    expect(core.said()).toEqual(['stop n-a', 'run n-a']);
    expect(core.executionsOf(first.jobId).map((e) => [e.jobVersion, e.desiredState])).toEqual([
      [1, 'Stopped'],
      [2, 'Running'],
    ]);
  });

  test('that asks for the same is refused, unless forced', () => {
    const core = new CoreHarness();
    core.submit({ name: 'hello', specHash: 'x' });
    expect(core.trySubmit({ name: 'hello', specHash: 'x' })).toMatchObject({
      ok: false,
      error: { status: 409, message: expect.stringContaining('no changes detected for new job spec') },
    });
    expect(core.submit({ name: 'hello', specHash: 'x', force: true }).version).toBe(2);
    expect(core.submit({ name: 'hello', specHash: 'x', namespace: 'other' }).version).toBe(1);
  });

  test.for(['Completed', 'Failed', 'Stopped'] as const)('that asks for the same and is %s runs again', (state) => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const again = { name: 'again', specHash: 'same' };
    const { jobId } = core.submit(again);
    const { id } = core.execution(jobId);
    if (state === 'Completed') core.report(node, id, 1, completed());
    else if (state === 'Failed') core.report(node, id, 1, failed('permanent'));
    else core.stop(jobId);
    // As the shell brings an ended job back into memory.
    core.world.putJob(core.job(jobId));
    expect(core.submit(again)).toMatchObject({
      jobId,
      version: 2,
      warnings: [`the same job has ended as ${state} before; it runs again as version 2`],
    });
    expect(core.executionAt(jobId, 1).jobVersion).toBe(2);
    expect(core.trySubmit(again)).toMatchObject({ ok: false, error: { status: 409 } });
  });

  test('an update stops the old executions in the history of the new version', () => {
    for (const type of ['batch', 'service', 'ops', 'daemon'] as const) {
      const core = new CoreHarness();
      core.join('n-a');
      const { jobId } = core.submit({ name: 'j', type, count: type === 'batch' || type === 'service' ? 2 : 0 });
      core.submit({ name: 'j', type, count: 0 });
      const stops = core.events.filter((e) => e.jobId === jobId && e.message === 'Execution stopped for job update');
      expect(stops.length).toBeGreaterThan(0);
      expect(stops.map((e) => [e.type, e.jobVersion])).toEqual(stops.map(() => ['ExecutionLevel', 2]));
    }
  });

  test('an id that is taken under another name is a conflict', () => {
    const core = new CoreHarness();
    const { jobId } = core.submit({ type: 'service', name: 'a' });
    expect(core.trySubmit({ type: 'service', name: 'b', jobId })).toMatchObject({
      ok: false,
      error: { status: 409, message: `job already exists: ${jobId}` },
    });
  });

  test('revives a job that ended', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ name: 'hello' });
    core.report(node, core.execution(jobId).id, 1, completed());
    expect(core.world.job(jobId)).toBeNull();
    core.world.putJob(core.job(jobId)); // as the shell does before the turn
    expect(core.submit({ name: 'hello' })).toMatchObject({ jobId, version: 2 });
    expect(core.job(jobId)).toMatchObject({ state: 'Pending', stateMessage: 'Job update requested by user' });
  });
});

describe('a failed execution', () => {
  test('of the environment is tried three times in all, each time later', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    for (let attempt = 1; attempt <= 3; attempt++) {
      const live = core.executionsOf(jobId).at(-1);
      if (live === undefined) throw new Error('no execution');
      core.report(node, live.id, 1, failed('environment', 'memory limit exceeded'));
      if (attempt === 3) break;
      expect(core.job(jobId).state).toBe('Queued');
      expect(core.executionsOf(jobId)).toHaveLength(attempt);
      const failedAt = core.now;
      core.advanceUntil(() => core.executionsOf(jobId).length > attempt);
      const pauseMs = core.now - failedAt;
      expect(pauseMs).toBeGreaterThanOrEqual(500 * 2 ** (attempt - 1));
      expect(pauseMs).toBeLessThanOrEqual(1_000 * 2 ** (attempt - 1));
    }
    expect(core.job(jobId)).toMatchObject({
      state: 'Failed',
      stateMessage: 'Job failed because it has been retried too many times. last failure: memory limit exceeded',
    });
  });

  test('that is permanent fails the job with its reason', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    core.report(node, core.execution(jobId).id, 1, failed('permanent', 'image not available: "x"'));
    expect(core.job(jobId)).toMatchObject({ state: 'Failed', stateMessage: 'image not available: "x"' });
  });

  test('of the infrastructure spends no attempt', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    for (let i = 0; i < 6; i++) {
      const live = core.executionsOf(jobId).at(-1);
      if (live === undefined) throw new Error('no execution');
      core.report(node, live.id, 1, running);
      core.report(node, live.id, 2, failed('infrastructure', 'agent stopped'));
      core.heard.set(node.nodeId, core.now + 120_000);
      core.advanceUntil(() => core.executionsOf(jobId).length === i + 2);
    }
    expect(core.executionsOf(jobId)).toHaveLength(7);
    expect(core.job(jobId).state).toBe('Pending');
  });

  test('goes to another node first', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    core.join('n-b');
    const { jobId } = core.submit();
    core.report(a, core.execution(jobId).id, 1, failed('environment'));
    core.advance(2_000);
    expect(core.executionsOf(jobId).map((e) => e.nodeId)).toEqual(['n-a', 'n-b']);
  });

  test('that the node declined goes elsewhere, and comes back only when the node changes', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit();
    core.frame(a, { type: 'reject', executionId: core.execution(jobId).id, reason: 'not here' });
    expect(core.job(jobId)).toMatchObject({
      state: 'Queued',
      stateMessage: expect.stringContaining('Node n-a: not here'),
    });
    core.advance(60_000);
    expect(core.executionsOf(jobId)).toHaveLength(1);
    core.join('n-a');
    expect(core.executionsOf(jobId)).toHaveLength(2);
  });
});
