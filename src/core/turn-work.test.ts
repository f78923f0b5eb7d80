import { describe, expect, test } from 'vitest';
import { MAX_TURN_WORK, REASONS_EVERY_MS, START_WORK } from '../../schema/limits.ts';
import type { NodeId } from '../../schema/ids.ts';
import { completed, CoreHarness, needs } from '../../test/harness/core.ts';

/** What one job may start in a turn at most, were looking free. */
const SHARE = MAX_TURN_WORK / START_WORK / 2 + 1;

/** Lets the turns that follow at once take place. @returns how many executions each of them started */
function startsByTurn(core: CoreHarness): number[] {
  const starts: number[] = [];
  for (let next = core.world.timers.next(); next !== null && next <= core.now + 10; next = core.world.timers.next()) {
    const before = core.executions.size;
    core.now = Math.max(core.now, next);
    core.turn({ type: 'wake' });
    starts.push(core.executions.size - before);
  }
  return starts;
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `n-${String(i).padStart(4, '0')}`);

describe('a turn does only so much', () => {
  test.for([
    ['an ops job on 450 nodes', 450, { type: 'ops', count: 0 }],
    ['a job of 450 partitions on one node', 1, { count: 450 }],
    ['a job of 450 partitions on 450 nodes', 450, { count: 450 }],
  ] as const)('%s starts over several turns, all of it', ([, nodes, job]) => {
    const core = new CoreHarness();
    for (const name of names(nodes)) core.join(name, { capacity: { cpu: 1_000, memory: 1e9 } });
    const { jobId } = core.submit(job);
    const first = core.executionsOf(jobId).length;
    const later = startsByTurn(core);
    expect(Math.max(first, ...later)).toBeLessThanOrEqual(SHARE);
    expect(core.executionsOf(jobId)).toHaveLength(450);
    expect(core.job(jobId).state).toBe('Pending');
  });

  test('a job of very many partitions leaves half of each turn to others', () => {
    const core = new CoreHarness();
    core.join('n-a', { capacity: { cpu: 10_000, memory: 1e9 } });
    core.submit({ count: 5_000 });
    const small = core.submit({ count: 50 });
    startsByTurn(core).slice(0, 2);
    expect(core.executionsOf(small.jobId)).toHaveLength(50);
  });

  test('many small jobs at once are started over several turns, none told that it waits', () => {
    const core = new CoreHarness();
    core.join('n-a', { capacity: { cpu: 10_000, memory: 1e9 } });
    const jobs = 3 * SHARE * 2;
    const events = Array.from({ length: jobs }, () => core.submitEvent());
    core.turn(...events);
    const first = core.executions.size;
    expect(first).toBeLessThanOrEqual(2 * SHARE);
    startsByTurn(core);
    expect(core.executions.size).toBe(jobs);
    expect(core.events.filter(({ topic }) => topic === 'Queueing')).toEqual([]);
  });

  test('why jobs of one class wait is told anew over several turns, all of them', () => {
    const core = new CoreHarness();
    for (const name of names(300)) core.join(name);
    const jobs = Array.from({ length: 90 }, () => core.submit({ needs: { ...needs, engine: 'other' } }).jobId);
    const last = core.join('n-last', { engines: ['another'] });
    const works: number[] = [];
    const isTold = (id: (typeof jobs)[number]) => core.job(id).stateMessage.includes('only another');
    for (let turns = 0; turns < 60 && !jobs.every(isTold); turns += 1) {
      core.now += REASONS_EVERY_MS;
      core.heard.set(last.nodeId, core.now);
      for (const name of names(300)) core.heard.set(name as NodeId, core.now);
      core.turn({ type: 'wake' });
      works.push(core.work);
    }
    expect(jobs.every(isTold)).toBe(true);
    // The one job that the last of the work went to may go beyond it.
    expect(Math.max(...works)).toBeLessThan(MAX_TURN_WORK * 1.1);
  });

  test('a job that may not wait is not failed because a turn was full', () => {
    const core = new CoreHarness();
    core.join('n-a', { capacity: { cpu: 10_000, memory: 1e9 } });
    const queueTimeoutMs = 0;
    core.turn(
      ...Array.from({ length: 3 * SHARE * 2 }, () => core.submitEvent({ needs: { ...needs, queueTimeoutMs } })),
    );
    startsByTurn(core);
    expect([...core.jobs.values()].filter(({ state }) => state !== 'Pending')).toEqual([]);
  });

  test('what waits is served over several turns when many nodes come at once, in its order', () => {
    const core = new CoreHarness();
    const jobs = Array.from({ length: 600 }, () => core.submit().jobId);
    core.joinAll(names(300), { capacity: { cpu: 2 } });
    startsByTurn(core);
    expect(jobs.filter((jobId) => core.executionsOf(jobId).length === 0)).toEqual([]);
  });
});

describe('only what got room is looked at', () => {
  test('an end on one of 100 nodes costs no look at the others, however many classes wait', () => {
    const core = new CoreHarness();
    const sessions = names(100).map((name) => core.join(name, { capacity: { cpu: 1 } }));
    const running = sessions.map(() => core.execution(core.submit().jobId));
    for (let i = 0; i < 1_000; i++)
      core.submit({ needs: { resources: { cpu: 1, memory: 100 + (i % 500), disk: i, gpu: 0 } } });
    const [first] = running;
    const session = sessions.find(({ nodeId }) => nodeId === first?.nodeId);
    if (first === undefined || session === undefined) throw new Error('nothing runs');
    core.report(session, first.id, 1, completed());
    expect(core.executions.size).toBe(101);
    // A look or two for each class, and the start.
    expect(core.work).toBeLessThan(3 * 1_000 + 2 * START_WORK);
  });

  test('what several classes wait for goes to the first in line that it suits', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { capacity: { cpu: 2, gpu: 1 } });
    const whole = core.execution(core.submit({ needs: { resources: { cpu: 2, memory: 1, disk: 0, gpu: 1 } } }).jobId);
    const big = core.submit({ needs: { resources: { cpu: 4, memory: 1, disk: 0, gpu: 0 } } });
    const second = core.submit({ needs: { resources: { cpu: 1, memory: 1, disk: 0, gpu: 1 } } });
    const third = core.submit({ needs: { resources: { cpu: 0.5, memory: 1, disk: 0, gpu: 1 } } });
    const fourth = core.submit({ needs: { resources: { cpu: 1, memory: 1, disk: 0, gpu: 0 } } });
    core.report(node, whole.id, 1, completed());
    const started = [big, second, third, fourth].map(({ jobId }) => core.executionsOf(jobId).length);
    expect(started).toEqual([0, 1, 0, 1]);
  });

  test('a node whose label, engine, approval or drain changes is offered to what waits', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { engines: [] });
    const { info } = core.world.nodes.get('n-a' as NodeId) ?? {};
    if (info === undefined) throw new Error('no node');
    const labelled = core.submit({ needs: { constraints: [{ Key: 'zone', Operator: '=', Values: ['b'] }] } });
    const { capacity } = info;
    const offers = { engines: ['docker'], publishers: [], sources: [], capacity };
    core.frame(node, { type: 'capacity', ...offers, labels: { zone: 'b' } });
    expect(core.executionsOf(labelled.jobId)).toHaveLength(1);
    core.changeNode('n-a', 'drain');
    const drained = core.submit();
    expect(core.executionsOf(drained.jobId)).toHaveLength(0);
    core.changeNode('n-a', 'resume');
    expect(core.executionsOf(drained.jobId)).toHaveLength(1);
  });
});
