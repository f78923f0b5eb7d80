import { describe, expect, test } from 'vitest';
import type { ExecutionId, NodeId } from '../../schema/ids.ts';
import { ACK_MS, GRACE_MS, LEASE_MS } from '../../schema/limits.ts';
import type { ComputeState } from '../../schema/states.ts';
import { cancelled, completed, CoreHarness, failed, running } from '../../test/harness/core.ts';

const holds = (executionId: ExecutionId, state: ComputeState, lastSeq = 1) => [{ executionId, state, lastSeq }];

describe('what a node says of itself', () => {
  test('is kept in numbers that every client can read', () => {
    const core = new CoreHarness();
    core.join('n-a', { capacity: { cpu: 1e300, memory: 1e9 + 0.5, disk: 1e21 } });
    const capacity = { cpu: 1_000_000, memory: 1e9, disk: Number.MAX_SAFE_INTEGER, gpu: 0 };
    expect(core.world.nodes.get('n-a' as NodeId)?.info.capacity).toEqual(capacity);
  });

  test('is refused when it is too large, and nothing is kept of it', () => {
    const core = new CoreHarness();
    const labels = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`k${i}`, 'é'.repeat(500)]));
    core.join('n-a', { labels });
    expect(core.closings).toMatchObject([{ code: 4005 }]);
    expect(core.world.nodes.size).toBe(0);
    const node = core.join('n-b');
    const offers = {
      engines: ['docker'],
      publishers: [],
      sources: [],
      capacity: { cpu: 2, memory: 1, disk: 1, gpu: 0 },
    };
    core.frame(node, { type: 'capacity', labels, ...offers });
    expect(core.closings).toHaveLength(2);
    expect(core.world.nodes.get(node.nodeId)).toMatchObject({ connection: 'DISCONNECTED', info: { labels: {} } });
  });
});

describe('what a hello decides', () => {
  test('New and not listed: run again, under the same id', () => {
    const core = new CoreHarness();
    core.join('n-a');
    const { jobId } = core.submit();
    core.said();
    core.join('n-a');
    expect(core.said()).toEqual(['welcome n-a', 'run n-a']);
    expect(core.executionsOf(jobId)).toHaveLength(1);
  });

  test('New and listed: taken as the acknowledgement', () => {
    const core = new CoreHarness();
    core.join('n-a');
    const { jobId } = core.submit();
    core.said();
    core.join('n-a', { holds: holds(core.execution(jobId).id, 'Running') });
    expect(core.said()).toEqual(['welcome n-a', 'keep n-a']);
    expect(core.execution(jobId).computeState).toBe('BidAccepted');
    expect(core.job(jobId).state).toBe('Running');
  });

  test('taken and not listed: the node lost its record, and the partition runs again', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    core.ack(node, core.execution(jobId).id);
    core.join('n-a');
    const [first, second] = core.executionsOf(jobId);
    expect(first).toMatchObject({
      computeState: 'Failed',
      failureClass: 'infrastructure',
      computeMessage: 'node lost its record of the execution',
    });
    expect(second).toMatchObject({ computeState: 'New', partition: 0 });
  });

  test('stopped and running: stop; it stays charged until it is gone', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    const { id } = core.execution(jobId);
    core.ack(node, id);
    core.leave(node);
    core.stop(jobId);
    core.said();
    core.join('n-a', { holds: holds(id, 'Running') });
    expect(core.said()).toEqual(['welcome n-a', 'stop n-a']);
    expect(core.world.openCount(node.nodeId)).toBe(1);
  });

  test('stopped and not listed: it is over', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    core.ack(node, core.execution(jobId).id);
    core.leave(node);
    core.stop(jobId);
    core.join('n-a');
    expect(core.execution(jobId).computeState).toBe('Cancelled');
    expect(core.world.openCount(node.nodeId)).toBe(0);
  });

  test('unknown and running: stop; unknown and finished: acknowledged', () => {
    const core = new CoreHarness();
    const [a, b] = [`e-${core.newId()}` as ExecutionId, `e-${core.newId()}` as ExecutionId];
    core.join('n-a', { holds: [...holds(a, 'Running'), ...holds(b, 'Completed', 4)] });
    expect(core.said()).toEqual(['welcome n-a', 'stop n-a', 'ackReport n-a']);
  });

  test('a newer session closes the older one, whose frames count no more', () => {
    const core = new CoreHarness();
    const old = core.join('n-a');
    const { jobId } = core.submit();
    core.join('n-a', { instance: 'b' });
    expect(core.closings).toEqual([{ session: old.id, code: 4001, reason: expect.any(String) }]);
    core.ack(old, core.execution(jobId).id);
    expect(core.execution(jobId).computeState).toBe('New');
    core.leave(old);
    expect(core.world.nodes.get(old.nodeId)?.connection).toBe('CONNECTED');
    core.report(old, core.execution(jobId).id, 1, completed());
    expect(core.job(jobId).state).toBe('Completed');
  });
});

describe('a node that does not answer', () => {
  test('in time for a run: another takes over, and it is the last choice until it speaks', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    core.join('n-b');
    const { jobId } = core.submit();
    core.advance(ACK_MS);
    expect(core.executionsOf(jobId).map((e) => [e.nodeId, e.desiredState, e.fenced])).toEqual([
      ['n-a', 'Stopped', true],
      ['n-b', 'Running', false],
    ]);
    expect(core.execution(core.submit().jobId).nodeId).toBe('n-b');
    core.report(a, core.executionAt(jobId, 0).id, 1, cancelled);
    expect(core.execution(core.submit().jobId).nodeId).toBe('n-a');
  });

  test('for lease and grace: its executions are fenced and placed elsewhere in the same turn', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit();
    core.ack(a, core.execution(jobId).id);
    const b = core.join('n-b');
    core.heard.set(b.nodeId, core.now + LEASE_MS + GRACE_MS);
    core.advance(LEASE_MS - 1);
    expect(core.world.nodes.get(a.nodeId)?.connection).toBe('CONNECTED');
    core.advance(1);
    expect(core.world.nodes.get(a.nodeId)).toMatchObject({
      connection: 'DISCONNECTED',
      lastError: 'heartbeat timeout',
    });
    expect(core.closings).toHaveLength(1);
    core.advance(GRACE_MS - 1);
    expect(core.executionsOf(jobId)).toHaveLength(1);
    core.advance(1);
    expect(core.executionsOf(jobId).map((e) => [e.nodeId, e.desiredMessage])).toEqual([
      ['n-a', 'Execution stop requested because node has disappeared'],
      [b.nodeId, ''],
    ]);
  });

  test('while idle is not listened to; its silence is found out when work would be placed on it', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    expect(core.world.timers.next()).toBeNull();
    core.advance(LEASE_MS);
    const { jobId } = core.submit();
    expect(core.closings).toEqual([{ session: a.id, code: 4006, reason: expect.any(String) }]);
    expect(core.job(jobId)).toMatchObject({
      state: 'Queued',
      stateMessage: expect.stringContaining('is not connected'),
    });
    core.join('n-a');
    expect(core.execution(jobId).nodeId).toBe('n-a');
  });

  test('a heartbeat in time keeps the lease', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    core.ack(a, core.execution(core.submit().jobId).id);
    for (let i = 0; i < 10; i++) {
      core.advance(15_000);
      core.heard.set(a.nodeId, core.now);
    }
    expect(core.world.sessions.has(a.nodeId)).toBe(true);
  });

  test('returns with Completed while the partition is open: that counts, and the replacement is cancelled', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit();
    const { id } = core.execution(jobId);
    core.ack(a, id);
    core.leave(a);
    const b = core.join('n-b');
    core.heard.set(b.nodeId, core.now + LEASE_MS + GRACE_MS);
    core.advance(LEASE_MS + GRACE_MS);
    const replacement = core.executionsOf(jobId)[1];
    expect(replacement?.nodeId).toBe('n-b');
    core.said();
    const again = core.join('n-a', { holds: holds(id, 'Completed', 2) });
    core.report(again, id, 2, completed());
    expect(core.job(jobId).state).toBe('Completed');
    expect(core.said()).toEqual(['welcome n-a', 'ackReport n-a', 'stop n-b']);
    core.report(b, core.executionAt(jobId, 1).id, 1, completed());
    expect(core.executionsOf(jobId).map((e) => e.computeState)).toEqual(['Completed', 'Cancelled']);
  });

  test('together with most others gets one more grace: the fault is ours', () => {
    const core = new CoreHarness();
    const sessions = ['n-a', 'n-b', 'n-c', 'n-d'].map((name) => core.join(name));
    const jobs = sessions.map((session) => {
      const { jobId } = core.submit();
      core.ack(session, core.execution(jobId).id);
      return jobId;
    });
    for (const session of sessions.slice(0, 3)) core.leave(session);
    for (const { nodeId } of sessions.slice(3)) core.heard.set(nodeId, core.now + 600_000);
    core.advance(LEASE_MS + 2 * GRACE_MS - 1);
    expect(jobs.map((jobId) => core.execution(jobId).fenced)).toEqual([false, false, false, false]);
    core.advance(1);
    expect(jobs.slice(0, 3).map((jobId) => core.executionAt(jobId, 0).fenced)).toEqual([true, true, true]);
  });

  test('three nodes lost while starting one partition fail the job', () => {
    const core = new CoreHarness();
    for (const name of ['n-a', 'n-b', 'n-c', 'n-d']) core.join(name);
    const { jobId } = core.submit();
    core.advance(120_000);
    expect(core.executionsOf(jobId)).toHaveLength(3);
    expect(core.job(jobId)).toMatchObject({
      state: 'Failed',
      stateMessage: expect.stringContaining('3 nodes were lost'),
    });
  });

  test('a lost execution that never answers is Failed after a day', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit();
    core.ack(a, core.execution(jobId).id);
    core.stop(jobId);
    core.leave(a);
    core.advance(24 * 3_600_000);
    expect(core.execution(jobId)).toMatchObject({ computeState: 'Failed' });
    expect(core.world.jobs.size).toBe(0);
  });
});

describe('reports', () => {
  test('late, doubled and reordered ones change nothing and are acknowledged', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    const { id } = core.execution(jobId);
    core.report(node, id, 2, completed());
    const before = core.execution(jobId);
    core.said();
    core.report(node, id, 2, completed());
    core.report(node, id, 1, running);
    core.report(node, id, 3, failed('permanent'));
    core.ack(node, id);
    expect(core.execution(jobId)).toEqual(before);
    expect(core.said()).toEqual(['ackReport n-a', 'ackReport n-a', 'ackReport n-a', 'stop n-a']);
  });

  test("of another node's execution are refused", () => {
    const core = new CoreHarness();
    core.join('n-a');
    const { jobId } = core.submit();
    const b = core.join('n-b');
    core.report(b, core.execution(jobId).id, 1, completed());
    core.ack(b, core.execution(jobId).id);
    expect(core.execution(jobId).computeState).toBe('New');
  });
});

describe('a start after an eviction', () => {
  test('takes back sockets, sends again what had no answer, and goes on', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { capacity: { cpu: 3 } });
    const [unacked, stopped, waiting] = [core.submit(), core.submit(), core.submit({ needs: { engine: 'wasm' } })];
    core.ack(node, core.execution(stopped.jobId).id);
    core.stop(stopped.jobId);
    core.said();
    core.restart([node]);
    expect(core.said().sort()).toEqual(['run n-a', 'stop n-a', 'welcome n-a']);
    expect(core.job(waiting.jobId).state).toBe('Queued');
    core.report(node, core.execution(unacked.jobId).id, 1, completed());
    expect(core.job(unacked.jobId).state).toBe('Completed');
  });

  test('marks nodes without a socket, and declares none lost before lease and grace', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit();
    core.ack(a, core.execution(jobId).id);
    core.now += 3_600_000;
    core.restart([]);
    expect(core.world.nodes.get(a.nodeId)).toMatchObject({ connection: 'DISCONNECTED', disconnectedAt: core.now });
    core.advance(LEASE_MS + GRACE_MS - 1);
    expect(core.execution(jobId).fenced).toBe(false);
    core.advance(1);
    expect(core.execution(jobId).fenced).toBe(true);
  });

  test('an execution whose node is still on its way back is not given up at once', () => {
    const core = new CoreHarness();
    core.join('n-a');
    const { jobId } = core.submit();
    core.restart([]);
    core.advance(ACK_MS + 1_000);
    expect(core.execution(jobId).fenced).toBe(false);
    core.join('n-a', { holds: holds(core.execution(jobId).id, 'Running') });
    expect(core.execution(jobId).computeState).toBe('BidAccepted');
  });

  test('an object that slept finds its deadlines where they were, however often it was woken', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const lost = core.submit();
    core.ack(a, core.execution(lost.jobId).id);
    core.leave(a);
    const total = core.submit({ needs: { totalTimeoutMs: 70_000 } });
    const queued = core.submit({ needs: { queueTimeoutMs: 80_000 } });
    const begin = core.now;
    for (const at of [20_000, 40_000, 69_000, 71_000, 79_000, 81_000, 89_000, 91_000]) {
      core.now = begin + at;
      core.restart([], false);
      core.turn({ type: 'wake' });
      expect([at, core.job(total.jobId).state]).toEqual([at, at < 70_000 ? 'Queued' : 'Failed']);
      expect([at, core.job(queued.jobId).state]).toEqual([at, at < 80_000 ? 'Queued' : 'Failed']);
      expect([at, core.execution(lost.jobId).fenced]).toEqual([at, at >= 90_000]);
    }
  });

  test('after a hibernation a deadline is met when it is due', () => {
    const core = new CoreHarness();
    const [a, b] = [core.join('n-a'), core.join('n-b', { engines: [] })];
    const queued = core.submit({ needs: { queueTimeoutMs: 60_000, engine: 'wasm' } });
    const { jobId } = core.submit();
    core.ack(a, core.execution(jobId).id);
    core.leave(a);
    for (let slept = 0; slept < 10; slept++) {
      core.now += 10_000;
      core.restart([b], false);
    }
    core.turn({ type: 'wake' });
    expect(core.job(queued.jobId).state).toBe('Failed');
    expect(core.execution(jobId).fenced).toBe(true);
  });

  test('deadlines that passed meanwhile wait a minute more', () => {
    const core = new CoreHarness();
    const { jobId } = core.submit({ needs: { queueTimeoutMs: 10_000 } });
    core.now += 3_600_000;
    core.restart([]);
    expect(core.job(jobId).state).toBe('Queued');
    core.advance(60_000);
    expect(core.job(jobId).state).toBe('Failed');
  });
});
