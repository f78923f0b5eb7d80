import { describe, expect, test } from 'vitest';
import type { ExecutionId, NodeId } from '../../schema/ids.ts';
import {
  MAX_ALL_NODE_INFO_BYTES,
  MAX_GREETINGS_PER_MINUTE,
  MAX_NEW_NODES_PER_MINUTE,
  MAX_NODES,
} from '../../schema/limits.ts';
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
  test('stops what runs there, places it elsewhere, and leaves the node connected and empty', () => {
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
    core.report(a, id, 2, cancelled);
    expect(core.closings).toEqual([]);
    expect(core.world.openCount(a.nodeId)).toBe(0);
    expect(core.world.nodes.get(a.nodeId)).toMatchObject({
      membership: 'REJECTED',
      connection: 'CONNECTED',
      lastError: 'node rejected: not ours',
    });
    expect(core.executionsOf(core.submit({ type: 'daemon', count: 0 }).jobId).map((e) => e.nodeId)).toEqual(['n-b']);
  });

  test('ends when the node is approved: what waits for it starts on the same connection in the same turn', () => {
    const core = new CoreHarness();
    core.join('n-a');
    core.changeNode('n-a', 'reject', 'not ours');
    const { jobId } = core.submit();
    expect(core.job(jobId).stateMessage).toContain('Node n-a: is rejected');
    core.said();
    expect(core.changeNode('n-a', 'approve')).toMatchObject({ ok: true });
    expect(core.messages[0]?.body).toEqual({ type: 'welcome', mode: 'active' });
    expect(core.said()).toEqual(['welcome n-a', 'run n-a']);
    expect(core.closings).toEqual([]);
    expect(core.world.nodes.get(core.execution(jobId).nodeId)).toMatchObject({ membership: 'APPROVED', lastError: '' });
  });

  test('holds when the node comes back: it is told to stop what it has, and stays without work until it is approved', () => {
    const core = new CoreHarness();
    core.leave(core.join('n-a'));
    core.changeNode('n-a', 'reject', 'not ours');
    core.closings = [];
    core.said();
    const id = `e-${core.newId()}` as ExecutionId;
    core.join('n-a', { holds: [{ executionId: id, state: 'Running', lastSeq: 1 }] });
    expect(core.messages[0]?.body).toEqual({ type: 'welcome', mode: 'stopOnly' });
    expect(core.said()).toEqual(['welcome n-a', 'stop n-a']);
    expect(core.closings).toEqual([]);
    expect(core.changeNode('n-a', 'reject')).toMatchObject({
      ok: false,
      error: { message: 'node n-a already rejected' },
    });
    const { jobId } = core.submit();
    expect(core.executionsOf(jobId)).toEqual([]);
    core.changeNode('n-a', 'approve');
    expect(core.said()).toEqual(['welcome n-a', 'run n-a']);
  });

  test('and its reason outlive the object', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    core.changeNode('n-a', 'reject', 'not ours');
    core.leave(a);
    core.said();
    core.restart([a]);
    expect(core.messages[0]?.body).toEqual({ type: 'welcome', mode: 'stopOnly' });
    expect(core.closings).toEqual([]);
    const rejected = { membership: 'REJECTED', lastError: 'node rejected: not ours' };
    expect(core.world.nodes.get(a.nodeId)).toMatchObject({ ...rejected, connection: 'CONNECTED' });
    core.restart([]);
    expect(core.world.nodes.get(a.nodeId)).toMatchObject({ ...rejected, connection: 'DISCONNECTED' });
  });

  test('an empty node that was rejected has no deadline: it does not wake anybody', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit();
    core.ack(a, core.execution(jobId).id);
    core.changeNode('n-a', 'reject');
    core.report(a, core.execution(jobId).id, 1, cancelled);
    core.stop(jobId);
    expect(core.world.timers.next()).toBeNull();
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

describe('who has the node token can make only so many rows', () => {
  test('of one node: after thirty connections within a minute the next is refused, and nothing is written', () => {
    const core = new CoreHarness();
    for (let i = 0; i < MAX_GREETINGS_PER_MINUTE; i++) core.join('n-a');
    const before = core.world.nodes.get('n-a' as NodeId);
    const last = core.world.sessions.get('n-a' as NodeId);
    core.closings = [];
    const refused = core.join('n-a');
    expect(core.closings).toEqual([
      { session: refused.id, code: 1008, reason: expect.stringContaining('more than 30') },
    ]);
    expect(core.world.nodes.get('n-a' as NodeId)).toBe(before);
    expect(core.world.sessions.get('n-a' as NodeId)).toBe(last);
    core.join('n-b');
    core.now += 60_000;
    core.join('n-a');
    expect(core.closings).toHaveLength(2);
    expect(core.closings.at(-1)).toMatchObject({ session: last?.id, code: 4001 });
  });

  test('of new nodes: so many within a minute, and known ones come and go all the same', () => {
    const core = new CoreHarness();
    for (let i = 0; i < MAX_NEW_NODES_PER_MINUTE; i++) core.join(`n-${i}`);
    expect(core.closings).toEqual([]);
    const refused = core.join('n-more');
    expect(core.closings).toEqual([
      { session: refused.id, code: 1013, reason: `more than ${MAX_NEW_NODES_PER_MINUTE} nodes joined within a minute` },
    ]);
    expect(core.world.nodes.has('n-more' as NodeId)).toBe(false);
    expect(core.world.instances.has('n-more' as NodeId)).toBe(false);
    core.join('n-1');
    expect(core.world.sessions.get('n-1' as NodeId)).toBeDefined();
    core.now += 60_000;
    core.join('n-more');
    expect(core.world.nodes.has('n-more' as NodeId)).toBe(true);
  });

  test('in all: no more than the most nodes, and deleted ones make room', () => {
    const core = new CoreHarness();
    for (let i = 0; i < MAX_NODES; i++) {
      if (i % 1_000 === 0) core.now += 60_000;
      core.join(`n-${i}`);
    }
    core.now += 60_000;
    expect(core.closings).toEqual([]);
    core.join('n-more');
    expect(core.closings).toMatchObject([{ code: 1013, reason: expect.stringContaining('no more may join') }]);
    core.changeNode('n-1', 'delete');
    core.join('n-more');
    expect(core.world.sessions.has('n-more' as NodeId)).toBe(true);
  });

  test('of what nodes say about themselves: together only so much, be it said in a hello or later', () => {
    const core = new CoreHarness();
    const labels = (n: number) => ({
      labels: Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`l${i}`, 'x'.repeat(n)])),
    });
    const large = labels(1_000);
    for (let i = 0; i < 300; i++) core.join(`n-${i}`, large);
    const refused = core.closings.filter(({ code }) => code === 1013);
    expect(refused.length).toBeGreaterThan(0);
    const bytes = [...core.world.nodes.values()].reduce((sum, { info }) => sum + JSON.stringify(info).length, 0);
    expect(bytes).toBeLessThanOrEqual(MAX_ALL_NODE_INFO_BYTES);
    core.closings = [];
    const small = core.join('n-small');
    expect(core.closings).toEqual([]);
    const more = { engines: [], publishers: [], sources: [], capacity: { cpu: 1, memory: 1, disk: 1, gpu: 0 } };
    core.frame(small, { type: 'capacity', ...large, ...more });
    expect(core.closings).toMatchObject([{ session: small.id, code: 1013 }]);
  });

  test('of what has not changed: none', () => {
    const core = new CoreHarness();
    const a = core.join('n-a', { labels: { a: '1', b: '2' } });
    const before = core.world.nodes.get(a.nodeId);
    const { info } = before ?? core.world.nodes.values().next().value ?? { info: null };
    if (info === null) throw new Error('no node');
    const { engines, publishers, sources, capacity } = info;
    const same = {
      labels: { b: '2', a: '1' },
      engines: [...engines],
      publishers: [...publishers],
      sources: [...sources],
    };
    core.frame(a, { type: 'capacity', ...same, capacity });
    expect(core.world.nodes.get(a.nodeId)).toBe(before);
    core.frame(a, { type: 'capacity', ...same, engines: [], capacity });
    expect(core.world.nodes.get(a.nodeId)?.info.engines).toEqual([]);
  });

  test('of progress that is known: none, under however many numbers it is reported', () => {
    const core = new CoreHarness();
    const a = core.join('n-a');
    const { jobId } = core.submit();
    const { id } = core.execution(jobId);
    core.report(a, id, 1, running);
    const before = core.execution(jobId);
    const events = core.events.length;
    core.said();
    for (let seq = 2; seq < 100; seq++) core.report(a, id, seq, running);
    expect(core.execution(jobId)).toBe(before);
    expect(core.events).toHaveLength(events);
    expect(core.said()).toHaveLength(98);
    core.report(a, id, 100, cancelled);
    expect(core.executions.get(id)?.computeState).toBe('Cancelled');
  });
});
