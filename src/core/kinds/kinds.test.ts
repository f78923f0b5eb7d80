import { describe, expect, test } from 'vitest';
import type { ExecutionId, JobId } from '../../../schema/ids.ts';
import { cancelled, completed, CoreHarness, failed, running } from '../../../test/harness/core.ts';
import type { Session } from '../world.ts';

/** Acknowledges and starts everything that is New on the session's node. */
function startAll(core: CoreHarness, session: Session): void {
  for (const { id, nodeId, computeState } of Array.from(core.executions.values())) {
    if (nodeId !== session.nodeId || computeState !== 'New') continue;
    core.ack(session, id);
    core.report(session, id, 1, running);
  }
}

const live = (core: CoreHarness, jobId: JobId) =>
  core.executionsOf(jobId).filter((e) => e.desiredState === 'Running' && core.world.executions.has(e.id));

describe('an update under another type', () => {
  const types = ['batch', 'service', 'ops', 'daemon'] as const;
  const pairs = types.flatMap((from) => types.filter((to) => to !== from).map((to) => [from, to] as const));
  test.for(pairs)('from %s to %s is refused, and changes nothing', ([from, to]) => {
    const core = new CoreHarness();
    core.join('n-a');
    const { jobId } = core.submit({ name: 'd', type: from, count: from === 'batch' ? 1 : 0 });
    const before = core.job(jobId);
    expect(core.trySubmit({ name: 'd', type: to, count: 0, force: true })).toMatchObject({
      ok: false,
      error: { status: 400, message: `Type: the job 'd' is of type ${from} and cannot become ${to}` },
    });
    expect(core.job(jobId)).toEqual(before);
  });
});

describe('a service', () => {
  test('is kept up: what ends is started again, each time later, and never counts as done', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ type: 'service' });
    for (let i = 1; i <= 5; i++) {
      const { id } = core.executionAt(jobId, i - 1);
      core.report(node, id, 1, completed(0));
      expect(core.executionAt(jobId, i - 1)).toMatchObject({
        computeState: 'Failed',
        desiredMessage: 'execution completed unexpectedly',
      });
      core.heard.set(node.nodeId, core.now + 600_000);
      core.advanceUntil(() => core.executionsOf(jobId).length === i + 1);
    }
    expect(core.job(jobId).state).not.toBe('Failed');
  });

  test('a copy that ran well is started again soon', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ type: 'service' });
    for (let i = 0; i < 4; i++) {
      core.report(node, core.executionAt(jobId, i).id, 1, failed('environment'));
      core.advanceUntil(() => core.executionsOf(jobId).length === i + 2);
    }
    core.report(node, core.executionAt(jobId, 4).id, 1, running);
    core.now += 3_600_000;
    core.heard.set(node.nodeId, core.now);
    core.report(node, core.executionAt(jobId, 4).id, 2, failed('environment'));
    const failedAt = core.now;
    core.advanceUntil(() => core.executionsOf(jobId).length === 6);
    expect(core.now - failedAt).toBeLessThanOrEqual(1_000);
  });

  test('is updated one partition at a time, each when the one before runs', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { capacity: { cpu: 10 } });
    const { jobId } = core.submit({ type: 'service', name: 's', count: 3 });
    startAll(core, node);
    core.submit({ type: 'service', name: 's', count: 3 });
    const versions = () =>
      live(core, jobId)
        .map((e) => `${e.partition}v${e.jobVersion}`)
        .sort();
    expect(versions()).toEqual(['0v2', '1v1', '2v1']);
    expect(core.job(jobId).state).toBe('Running');
    startAll(core, node);
    expect(versions()).toEqual(['0v2', '1v2', '2v1']);
    startAll(core, node);
    startAll(core, node);
    expect(versions()).toEqual(['0v2', '1v2', '2v2']);
  });

  test('an update that does not start leaves the other copies at work', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { capacity: { cpu: 10 } });
    const { jobId } = core.submit({ type: 'service', name: 's', count: 3 });
    startAll(core, node);
    core.submit({ type: 'service', name: 's', count: 3, needs: { engine: 'wasm' } });
    core.advance(10_000);
    expect(live(core, jobId).map((e) => `${e.partition}v${e.jobVersion}`)).toEqual(['1v1', '2v1']);
  });

  test('with fewer copies stops the surplus', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { capacity: { cpu: 10 } });
    const { jobId } = core.submit({ type: 'service', name: 's', count: 3 });
    startAll(core, node);
    core.submit({ type: 'service', name: 's', count: 1 });
    startAll(core, node);
    expect(live(core, jobId).map((e) => e.partition)).toEqual([0]);
  });

  test('that fails for good is Failed', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ type: 'service' });
    core.report(node, core.execution(jobId).id, 1, failed('permanent', 'image not available: "x"'));
    expect(core.job(jobId)).toMatchObject({ state: 'Failed', stateMessage: 'image not available: "x"' });
  });
});

describe('an ops job', () => {
  test('runs once on every matching node and is Completed when all have', () => {
    const core = new CoreHarness();
    const [a, b] = [core.join('n-a'), core.join('n-b')];
    core.join('n-c', { engines: ['wasm'] });
    const { jobId } = core.submit({ type: 'ops', count: 0 });
    expect(core.executionsOf(jobId).map((e) => e.nodeId)).toEqual(['n-a', 'n-b']);
    core.report(a, core.executionAt(jobId, 0).id, 1, completed());
    expect(core.job(jobId).state).not.toBe('Completed');
    core.report(b, core.executionAt(jobId, 1).id, 1, completed());
    expect(core.job(jobId).state).toBe('Completed');
  });

  test('fails at once when no node matches, with the reasons', () => {
    const core = new CoreHarness();
    core.join('n-a', { engines: ['wasm'] });
    const { jobId } = core.submit({ type: 'ops', count: 0 });
    expect(core.job(jobId)).toMatchObject({
      state: 'Failed',
      stateMessage:
        'not matching nodes to run job out of 1 available nodes.\n• Node n-a: does not support engine docker, only wasm',
    });
    expect(core.events.at(-1)?.details).toMatchObject({ IsError: 'true', Hint: expect.stringContaining('engine') });
  });

  test('waits for matching nodes that are busy', () => {
    const core = new CoreHarness();
    const a = core.join('n-a', { capacity: { cpu: 1 } });
    const first = core.submit();
    const { jobId } = core.submit({ type: 'ops', count: 0 });
    expect(core.executionsOf(jobId)).toHaveLength(0);
    core.report(a, core.execution(first.jobId).id, 1, completed());
    core.report(a, core.execution(jobId).id, 1, completed());
    expect(core.job(jobId).state).toBe('Completed');
  });

  test('fails when some node did not complete it, after all are done', () => {
    const core = new CoreHarness();
    const [a, b] = [core.join('n-a'), core.join('n-b')];
    const { jobId } = core.submit({ type: 'ops', count: 0 });
    core.report(a, core.executionAt(jobId, 0).id, 1, failed('permanent', 'no such image'));
    expect(core.job(jobId).state).not.toBe('Failed');
    core.report(b, core.executionAt(jobId, 1).id, 1, completed());
    expect(core.job(jobId)).toMatchObject({
      state: 'Failed',
      stateMessage: 'Job failed because one or more executions failed\n• Node n-a: no such image',
    });
    expect(core.events.at(-1)?.details).toMatchObject({ Hint: expect.stringContaining("executions' own events") });
  });

  test('that every node declines is Failed, and a rerun of it starts clean', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit({ type: 'ops', count: 0 });
    core.frame(a, { type: 'reject', executionId: core.execution(jobId).id, reason: 'no' });
    expect(core.job(jobId).state).toBe('Failed');
    core.world.putJob(core.job(jobId));
    expect(core.rerun(jobId)).toMatchObject({ ok: true, value: { version: 2 } });
    core.report(a, core.executionAt(jobId, 1).id, 1, completed());
    expect(core.job(jobId).state).toBe('Completed');
  });
});

describe('a daemon job', () => {
  test('runs on every matching node, also on those that join later', () => {
    const core = new CoreHarness();
    const { jobId } = core.submit({ type: 'daemon', count: 0 });
    expect(core.job(jobId).state).toBe('Queued');
    const a = core.join('n-a');
    core.join('n-b', { engines: ['wasm'] });
    startAll(core, a);
    expect(core.job(jobId).state).toBe('Running');
    core.join('n-c');
    expect(live(core, jobId).map((e) => e.nodeId)).toEqual(['n-a', 'n-c']);
  });

  test('follows the labels of its nodes', () => {
    const core = new CoreHarness();
    const a = core.join('n-a', { labels: { gpu: 'yes' } });
    const constraints = [{ Key: 'gpu', Operator: '=', Values: ['yes'] }];
    const { jobId } = core.submit({ type: 'daemon', count: 0, needs: { constraints } });
    startAll(core, a);
    const offers = {
      engines: ['docker'],
      publishers: [],
      sources: [],
      capacity: { cpu: 2, memory: 1000, disk: 1000, gpu: 0 },
    };
    core.frame(a, { type: 'capacity', labels: {}, ...offers });
    expect(live(core, jobId)).toHaveLength(0);
    core.report(a, core.executionAt(jobId, 0).id, 2, cancelled);
    core.frame(a, { type: 'capacity', labels: { gpu: 'yes' }, ...offers });
    expect(live(core, jobId)).toHaveLength(1);
  });

  test('starts again where it ended, but not where it can never run until the node changes', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit({ type: 'daemon', count: 0 });
    core.report(a, core.executionAt(jobId, 0).id, 1, completed());
    core.advanceUntil(() => core.executionsOf(jobId).length === 2);
    core.report(a, core.executionAt(jobId, 1).id, 1, failed('permanent'));
    core.heard.set(a.nodeId, core.now + 600_000);
    core.advance(600_000);
    expect(core.executionsOf(jobId)).toHaveLength(2);
    core.join('n-a');
    expect(core.executionsOf(jobId)).toHaveLength(3);
  });
});

describe('a job of every node says what its executions said', () => {
  test('an ops job: by cause, the most common first', () => {
    const core = new CoreHarness();
    const nodes = ['n-a', 'n-b', 'n-c'].map((name) => core.join(name));
    const { jobId } = core.submit({ type: 'ops', count: 0 });
    nodes.forEach((node, i) => {
      core.report(
        node,
        core.executionAt(jobId, i).id,
        1,
        failed('permanent', i === 0 ? 'no such image' : 'no such user'),
      );
    });
    expect(core.job(jobId).stateMessage).toBe(
      'Job failed because one or more executions failed\n• 2 of 3 nodes: no such user\n• Node n-a: no such image',
    );
  });

  test('a daemon job that fails where it matches: not that no node has joined', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ type: 'daemon', count: 0 });
    core.report(node, core.execution(jobId).id, 1, failed('permanent', 'no such executable'));
    expect(core.job(jobId)).toMatchObject({
      state: 'Queued',
      stateMessage: 'Job queued. no execution runs. last failures:\n• Node n-a: no such executable',
    });
  });

  test('a daemon job that ends: the code with which it ended, while it waits for its next attempt', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ type: 'daemon', count: 0 });
    core.report(node, core.execution(jobId).id, 1, completed(3));
    expect(core.job(jobId).stateMessage).toContain('execution completed unexpectedly with exit code 3');
    core.advanceUntil(() => core.executionsOf(jobId).length === 2);
    core.ack(node, core.executionAt(jobId, 1).id);
    expect(core.job(jobId)).toMatchObject({ state: 'Running', stateMessage: '' });
  });

  test('a daemon job that no node matches still says why', () => {
    const core = new CoreHarness();
    core.join('n-a');
    const { jobId } = core.submit({ type: 'daemon', count: 0, needs: { engine: 'wasm' } });
    expect(core.job(jobId).stateMessage).toContain('Node n-a: does not support engine wasm, only docker');
  });
});

describe('rerun', () => {
  test('begins a new version of an ended or running job', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    expect(core.rerun(jobId)).toMatchObject({ ok: false, error: { message: 'cannot rerun job in state Pending' } });
    core.report(node, core.execution(jobId).id, 1, completed());
    core.world.putJob(core.job(jobId));
    expect(core.rerun(jobId)).toMatchObject({ ok: true, value: { jobId, version: 2 } });
    expect(core.job(jobId)).toMatchObject({ state: 'Pending', stateMessage: 'job rerun' });
    expect(core.executionsOf(jobId).map((e) => e.jobVersion)).toEqual([1, 2]);
  });
});

describe('a big job at the head of the queue', () => {
  test('gets a node kept free, and small ones behind it do not starve it', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { capacity: { cpu: 2 } });
    const smalls = [core.submit(), core.submit()].map(({ jobId }) => core.execution(jobId).id);
    const big = core.submit({ needs: { resources: { cpu: 2, memory: 1, disk: 0, gpu: 0 } } });
    for (const id of smalls) core.ack(node, id);
    core.heard.set(node.nodeId, core.now + 600_000);
    core.advance(30_000);
    const end = (id: ExecutionId | undefined) => id !== undefined && core.report(node, id, 1, completed());
    end(smalls[0]);
    const behind = core.submit();
    expect(core.executionsOf(behind.jobId)).toHaveLength(0);
    expect(core.job(behind.jobId).stateMessage).toContain('is kept free for a job that has waited longer');
    end(smalls[1]);
    expect(core.executionsOf(big.jobId)).toHaveLength(1);
    end(core.execution(big.jobId).id);
    expect(core.executionsOf(behind.jobId)).toHaveLength(1);
  });

  test('that is stopped frees the node that was kept for it', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { capacity: { cpu: 2 } });
    const small = core.submit();
    const big = core.submit({ needs: { resources: { cpu: 2, memory: 1, disk: 0, gpu: 0 } } });
    core.ack(node, core.execution(small.jobId).id);
    core.heard.set(node.nodeId, core.now + 600_000);
    core.advance(30_000);
    const behind = core.submit();
    expect(core.executionsOf(behind.jobId)).toHaveLength(0);
    core.stop(big.jobId);
    expect(core.executionsOf(behind.jobId)).toHaveLength(1);
  });
});
