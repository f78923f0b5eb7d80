import { describe, expect, test } from 'vitest';
import { FIRST_HOLD_MS, KEPT_UP_MEMORY_MS, RESERVE_AFTER_MS } from '../../schema/limits.ts';
import type { JobId, NodeId } from '../../schema/ids.ts';
import { cancelled, completed, CoreHarness, failed, running } from '../../test/harness/core.ts';
import { Timers } from './timers.ts';
import { WaitQueue } from './wait-queue.ts';
import type { Session } from './world.ts';

const resources = (cpu: number) => ({ resources: { cpu, memory: 1, disk: 0, gpu: 0 } });

/** Heard whatever happens. */
function join(core: CoreHarness, name: string, cpu = 2, instance = 'a'): Session {
  const session = core.join(name, { capacity: { cpu }, instance });
  core.heard.set(session.nodeId, core.now + 1e12);
  return session;
}

function decline(core: CoreHarness, session: Session, jobId: JobId): void {
  const executions = core.executionsOf(jobId).filter(({ computeState }) => computeState === 'New');
  for (const { id } of executions) core.frame(session, { type: 'reject', executionId: id, reason: 'not here' });
  core.heard.set(session.nodeId, core.now + 1e12);
}

/** Turns that follow at once. */
function settleDown(core: CoreHarness, turns: number): void {
  for (let i = 0; i < turns; i++) {
    const next = core.world.timers.next();
    if (next === null || next > core.now + 10) return;
    core.now = Math.max(core.now, next);
    core.turn({ type: 'wake' });
  }
}

describe('whoever waits is served', () => {
  test('behind one whom the node has declined since it changed', () => {
    const core = new CoreHarness();
    const node = join(core, 'n-a');
    const asked = core.submit({ needs: resources(2) }).jobId;
    decline(core, node, asked);
    const other = core.execution(core.submit({ needs: resources(1) }).jobId);
    core.changeNode('n-a', 'drain');
    core.changeNode('n-a', 'resume');
    const first = core.submit({ priority: 1, needs: resources(2) }).jobId;
    core.report(node, other.id, 1, completed());
    decline(core, node, first);
    expect(core.executionsOf(asked)).toHaveLength(2);
  });

  test('behind a service whose decline was so long ago that it is forgotten', () => {
    const core = new CoreHarness();
    const node = join(core, 'n-a');
    const jobId = core.submit({ type: 'service', count: 2, needs: resources(1) }).jobId;
    const [one, two] = core.executionsOf(jobId);
    if (one === undefined || two === undefined) throw new Error('two copies were to start');
    core.report(node, one.id, 1, running);
    decline(core, node, jobId);
    core.advance(KEPT_UP_MEMORY_MS + 1);
    core.report(node, one.id, 2, { state: 'Publishing' });
    core.heard.set(node.nodeId, core.now + 1e12);
    settleDown(core, 5);
    expect(core.executionsOf(jobId).filter(({ computeState }) => computeState === 'New')).toHaveLength(1);
  });

  test('when what never ends was told to end, beside what is kept free', () => {
    const core = new CoreHarness();
    const node = join(core, 'n-a', 10);
    const service = core.submit({ type: 'service', needs: resources(4) }).jobId;
    core.report(node, core.execution(service).id, 1, running);
    const passing = core.execution(core.submit({ needs: resources(2) }).jobId);
    core.report(node, passing.id, 1, running);
    core.heard.set(node.nodeId, core.now + 1e12);
    core.submit({ needs: resources(6) });
    core.advance(RESERVE_AFTER_MS);
    const small = core.submit({ needs: resources(1) }).jobId;
    expect(core.job(small).stateMessage).toContain('kept free');
    core.stop(service);
    expect(core.executionsOf(small)).toHaveLength(1);
  });
});

test('room that comes free goes to who waits for it, not to who comes in the same turn', () => {
  const core = new CoreHarness();
  const node = join(core, 'n-a');
  const before = core.execution(core.submit({ needs: resources(2) }).jobId);
  const waits = core.submit({ priority: 1, needs: resources(1.5) }).jobId;
  const end = { type: 'report', executionId: before.id, seq: 1, ...completed() } as const;
  const comes = core.submitCommand({ needs: resources(1) });
  core.turn({ type: 'frame', session: node, frame: end }, { type: 'submitJob', command: comes });
  expect([waits, comes.jobId].map((jobId) => core.executionsOf(jobId).length)).toEqual([1, 0]);
  expect(core.job(comes.jobId).state).toBe('Queued');
});

test('no room is kept for a job whose last partition came back by itself', () => {
  const core = new CoreHarness();
  const [a, b] = [join(core, 'n-a'), join(core, 'n-b')];
  const jobId = core.submit({ count: 2, needs: resources(2) }).jobId;
  for (const { id, nodeId } of core.executionsOf(jobId)) core.report(nodeId === 'n-a' ? a : b, id, 1, running);
  const onB = core.executionsOf(jobId).find(({ nodeId }) => nodeId === 'n-b');
  if (onB === undefined) throw new Error('nothing runs on n-b');
  core.heard.set(a.nodeId, core.now + 1e12);
  core.leave(b);
  core.advance(100_000);
  expect(core.world.queue.has(jobId)).toBe(true);
  const again = core.join('n-b', {
    capacity: { cpu: 1 },
    holds: [{ executionId: onB.id, state: 'Completed', lastSeq: 2 }],
  });
  core.report(again, onB.id, 2, completed());
  expect(core.world.queue.has(jobId)).toBe(false);
  expect(core.world.reservations.hold).toBeNull();
});

test('an attempt that is due soon is not put off until history may be told again', () => {
  const core = new CoreHarness();
  const node = join(core, 'n-a');
  const jobId = core.submit().jobId;
  decline(core, node, jobId);
  join(core, 'n-a');
  core.report(node, core.executionAt(jobId, 1).id, 1, running);
  core.report(join(core, 'n-b'), 'e-none' as never, 1, running);
  core.report(
    core.world.sessions.get('n-a' as NodeId) ?? node,
    core.executionAt(jobId, 1).id,
    2,
    failed('environment'),
  );
  const due = core.world.timers.get('retry', jobId);
  core.turn(
    ...(['n-a', 'n-b'] as const).map((nodeId) => ({
      type: 'changeNode' as const,
      command: {
        commandId: core.newId(),
        retry: false,
        nodeId: nodeId as NodeId,
        action: 'drain' as const,
        message: '',
      },
    })),
  );
  core.restart([...core.world.sessions.values()], false);
  expect(due).not.toBeNull();
  expect(core.world.timers.get('retry', jobId)).toBeLessThanOrEqual(due ?? 0);
});

test('history is told no more often when the job is tried in between', () => {
  const core = new CoreHarness();
  const jobId = core.submit().jobId;
  for (let i = 0; i < 40; i++) {
    const session = join(core, 'n-a');
    decline(core, session, jobId);
    core.advance(10_000);
  }
  expect(core.executionsOf(jobId).length).toBeGreaterThan(20);
  const told = core.events.filter(({ topic }) => topic === 'Queueing');
  expect(told.length).toBeLessThanOrEqual(7);
});

describe('nothing is left behind', () => {
  test('no deadline when nobody waits any more, also not that of a rest', () => {
    const core = new CoreHarness();
    const node = join(core, 'n-a');
    const runs = core.execution(core.submit({ needs: resources(1) }).jobId);
    core.report(node, runs.id, 1, running);
    core.heard.set(node.nodeId, core.now + 1e12);
    const waits = core.submit({ needs: resources(2) }).jobId;
    core.advance(RESERVE_AFTER_MS + FIRST_HOLD_MS);
    expect(core.world.reservations.restUntil).toBeGreaterThan(core.now);
    core.stop(waits);
    core.stop(runs.jobId);
    core.report(node, runs.id, 2, cancelled);
    expect(core.world.timers.next()).toBeNull();
  });

  test('no deadline of reasons that nobody waits for any more', () => {
    const core = new CoreHarness();
    const jobs = Array.from({ length: 30 }, () => core.submit({ needs: { engine: 'wasm' } }).jobId);
    join(core, 'n-a');
    join(core, 'n-b');
    for (const jobId of jobs) core.stop(jobId);
    expect(core.world.timers.next()).toBeNull();
  });

  test('deadlines that were cleared, and those who left a line, are let go of', () => {
    const timers = new Timers();
    const queue = new WaitQueue();
    const { needs } = new CoreHarness().submitCommand();
    queue.add({ jobId: 'j-first' as JobId, priority: 0, since: 0 }, needs, []);
    for (let i = 0; i < 50_000; i++) {
      timers.set('queue', `j-${i}`, 1e12 + i);
      timers.clear('queue', `j-${i}`);
      queue.add({ jobId: `j-${i}` as JobId, priority: 0, since: 1 }, needs, []);
      queue.remove(`j-${i}` as JobId);
    }
    for (const its of queue.classes()) expect(its.line.places).toBeLessThan(1_000);
    expect(timers.entries).toBeLessThan(5_000);
  });
});
