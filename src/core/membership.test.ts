import { describe, expect, test } from 'vitest';
import type { ExecutionId } from '../../schema/ids.ts';
import { cancelled, CoreHarness, running } from '../../test/harness/core.ts';

describe('approval', () => {
  test('by hand: a node waits, and approving it starts waiting and daemon jobs at once', () => {
    const core = new CoreHarness();
    core.newMembership = 'PENDING';
    core.join('n-a', { capacity: { cpu: 4 } });
    const [batch, daemon] = [core.submit(), core.submit({ type: 'daemon', count: 0 })];
    expect(core.job(batch.jobId).stateMessage).toContain('Node n-a: is waiting for approval');
    core.said();
    expect(core.changeNode('n-a', 'approve')).toMatchObject({ ok: true });
    expect(core.said()).toEqual(['welcome n-a', 'run n-a', 'run n-a']);
    expect(core.executionsOf(daemon.jobId)).toHaveLength(1);
    expect(core.changeNode('n-a', 'approve')).toMatchObject({
      ok: false,
      error: { status: 409, message: 'node n-a already approved' },
    });
  });
});

describe('rejection', () => {
  test('stops what runs there, places it elsewhere, and shuts the node out once it is empty', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit();
    const { id } = core.execution(jobId);
    core.ack(a, id);
    core.report(a, id, 1, running);
    core.join('n-b');
    core.said();
    core.changeNode('n-a', 'reject', 'not ours');
    expect(core.said()).toEqual(['welcome n-a', 'stop n-a', 'run n-b']);
    expect(core.closings).toEqual([]);
    core.report(a, id, 2, cancelled);
    expect(core.closings).toEqual([{ session: a.id, code: 4003, reason: expect.any(String) }]);
    expect(core.world.nodes.get(a.nodeId)).toMatchObject({
      membership: 'REJECTED',
      connection: 'DISCONNECTED',
      lastError: 'node rejected: not ours',
    });
  });

  test('holds when the node comes back: it is told to stop what it has, and shut out', () => {
    const core = new CoreHarness();
    core.join('n-a');
    core.changeNode('n-a', 'reject');
    core.closings = [];
    core.said();
    const id = `e-${core.newId()}` as ExecutionId;
    core.join('n-a', { holds: [{ executionId: id, state: 'Running', lastSeq: 1 }] });
    expect(core.said()).toEqual(['welcome n-a', 'stop n-a']);
    expect(core.closings).toMatchObject([{ code: 4003 }]);
    expect(core.changeNode('n-a', 'reject')).toMatchObject({
      ok: false,
      error: { message: 'node n-a already rejected' },
    });
    core.changeNode('n-a', 'approve');
    core.join('n-a');
    expect(core.execution(core.submit().jobId).nodeId).toBe('n-a');
  });
});

describe('deletion', () => {
  test('gives up what runs there, and the identity does not come back', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit();
    core.ack(a, core.execution(jobId).id);
    core.changeNode('n-a', 'delete');
    expect(core.execution(jobId)).toMatchObject({ desiredState: 'Stopped', fenced: true });
    expect(core.closings).toMatchObject([{ session: a.id, code: 4007 }]);
    const again = core.join('n-a');
    expect(core.closings.at(-1)).toMatchObject({ session: again.id, code: 4007 });
    expect(core.world.sessions.size).toBe(0);
    expect(core.changeNode('n-a', 'approve')).toMatchObject({ ok: false, error: { status: 404 } });
  });
});

test('a draining node keeps what it has and gets nothing new', () => {
  const core = new CoreHarness();
  const a = core.join('n-a');
  const first = core.submit();
  core.ack(a, core.execution(first.jobId).id);
  core.changeNode('n-a', 'drain');
  expect(core.execution(first.jobId).desiredState).toBe('Running');
  const second = core.submit();
  expect(core.job(second.jobId).stateMessage).toContain('is draining');
  core.changeNode('n-a', 'resume');
  expect(core.executionsOf(second.jobId)).toHaveLength(1);
});

test('one identity used by two processes: both are shut out at the fourth change within a minute', () => {
  const core = new CoreHarness();
  for (const instance of ['1', '2', '1', '2']) core.join('n-a', { instance });
  expect(core.closings.filter(({ code }) => code === 4002)).toHaveLength(0);
  const last = core.join('n-a', { instance: '1' });
  const shutOut = core.closings.filter(({ code }) => code === 4002);
  expect(shutOut).toHaveLength(2);
  expect(shutOut[0]?.session).toBe(last.id);
  expect(core.world.sessions.size).toBe(0);
});

test('an agent that restarts now and then is not taken for two', () => {
  const core = new CoreHarness();
  for (let i = 0; i < 20; i++) {
    core.join('n-a', { instance: `${i}` });
    core.now += 21_000;
  }
  expect(core.closings.every(({ code }) => code === 4001)).toBe(true);
});

test('goodbye ends the session at once', () => {
  const core = new CoreHarness();
  const a = core.join('n-a');
  core.frame(a, { type: 'bye', reason: 'stopping' });
  expect(core.world.nodes.get(a.nodeId)).toMatchObject({ connection: 'DISCONNECTED', lastError: 'graceful shutdown' });
  expect(core.world.timers.next()).toBeNull();
});
