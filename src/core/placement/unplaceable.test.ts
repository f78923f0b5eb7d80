import { describe, expect, test } from 'vitest';
import type { NodeId } from '../../../schema/ids.ts';
import type { Needs } from '../../../schema/records.ts';
import { CoreHarness, failed, type JoinOptions } from '../../../test/harness/core.ts';

const offers = {
  networks: ['None', 'Default', 'Bridge'],
  capabilities: ['NET_RAW'],
  env: ['A_*'],
  ports: { from: 9_000, to: 9_100 },
  resultPaths: false,
};
const node: JoinOptions = { offers, capacity: { cpu: 2, memory: 1_000 } };

/** What the answer to a submission says; null when it says nothing. */
function warned(needs: Partial<Needs>, joined: JoinOptions[] = [node]): readonly string[] | null {
  const core = new CoreHarness();
  joined.forEach((options, i) => core.join(`n-${i + 1}`, options));
  return core.submit({ needs }).warnings ?? null;
}

const WAITS = 'no connected node can take this job: it waits until one can';
const resources = (more: object) => ({ resources: { cpu: 1, memory: 1, disk: 0, gpu: 0, ...more } });

describe('a submission that no connected node could take is answered with the reason', () => {
  test.for<[string, Partial<Needs>, string]>([
    ['a card', resources({ gpu: 1 }), 'job requires more GPUs (1) than the maximum available (0)'],
    [
      'more cores than any node has',
      resources({ cpu: 3 }),
      'job requires more CPU (3.00) than the maximum available (2.00)',
    ],
    ['an engine', { engine: 'wasm' }, 'does not support engine wasm, only docker'],
    ['a publisher', { publisher: 's3' }, 'does not support publisher s3, only noop'],
    ['an input source', { sources: ['s3'] }, 'does not support input source s3'],
    [
      'a constraint',
      { constraints: [{ Key: 'zone', Operator: '=', Values: ['x'] }] },
      "labels don't match required selectors [zone = x]",
    ],
    [
      'the network of the machine',
      { asks: { network: 'Host' } },
      'does not offer network type Host (its owner may allow it with --allow-host-network)',
    ],
    ['a network that is not offered', { asks: { network: 'HTTP' } }, 'does not offer network type HTTP'],
    [
      'a capability',
      { asks: { capabilities: ['NET_RAW', 'SYS_ADMIN'] } },
      'does not give capability SYS_ADMIN (its owner may allow it with --allow-capability SYS_ADMIN)',
    ],
    [
      'a variable of the machine',
      { asks: { env: ['A_1', 'B'] } },
      'does not give its variable B to tasks (its owner may allow it with --allow-env B)',
    ],
    ['a port out of range', { asks: { ports: [9_000, 80] } }, 'publishes ports 9000 to 9100 only, not 80'],
    ['result paths', { asks: { resultPaths: true } }, 'does not support result paths'],
  ])('%s', ([, needs, reason]) => {
    expect(warned(needs)).toEqual([WAITS, `Node n-1: ${reason}`]);
  });

  test('all that is wrong on a node, so that nobody comes back for the next reason', () => {
    const many = { ...resources({ gpu: 1 }), engine: 'wasm', publisher: 's3' };
    expect(warned(many)?.[1]).toBe(
      'Node n-1: does not support engine wasm, only docker; does not support publisher s3, only noop; ' +
        'job requires more GPUs (1) than the maximum available (0)',
    );
    const drained = new CoreHarness();
    drained.join('n-1', node);
    drained.changeNode('n-1', 'drain');
    expect(drained.submit({ needs: many }).warnings?.[1]).toBe('Node n-1: is draining');
  });

  test('by group of nodes, ten lines at most', () => {
    const nodes = Array.from({ length: 14 }, (_, i): JoinOptions => ({ ...node, engines: [`e-${Math.max(2, i)}`] }));
    const lines = warned({}, nodes);
    expect(lines).toHaveLength(10);
    expect(lines?.slice(0, 2)).toEqual([WAITS, '3 of 14 nodes: does not support engine docker, only e-2']);
    expect(lines?.at(-1)).toBe('and 4 more reasons');
  });

  test('nobody is there', () => {
    expect(warned({}, [])).toEqual([WAITS, 'no node has joined yet']);
  });

  test('those that are there are away, waiting for approval, draining or silent', () => {
    const core = new CoreHarness();
    core.newMembership = 'PENDING';
    for (const name of ['n-1', 'n-2', 'n-3', 'n-4']) core.join(name);
    for (const name of ['n-2', 'n-3', 'n-4']) core.changeNode(name, 'approve');
    core.changeNode('n-3', 'drain');
    core.now += 31_000;
    for (const id of core.world.nodes.keys()) if (id !== 'n-4') core.heard.set(id, core.now);
    core.leave({
      id: core.world.sessions.get([...core.world.nodes.keys()][1] ?? ('' as NodeId))?.id ?? '',
      nodeId: 'n-2' as NodeId,
      agentInstance: 'a',
      connectedAt: 0,
    });
    expect(core.submit().warnings).toEqual([
      WAITS,
      '2 of 4 nodes: is not connected',
      'Node n-3: is draining',
      'Node n-1: is waiting for approval',
    ]);
  });

  test('not when a node could take it that is merely busy, nor when one offers what it asks for', () => {
    const core = new CoreHarness();
    core.join('n-1', { ...node, engines: [] });
    core.join('n-2', node);
    expect(core.submit({ needs: resources({ cpu: 2 }) }).warnings).toBeUndefined();
    expect(core.submit({ needs: resources({ cpu: 2 }) }).warnings).toBeUndefined();
    const asks = { network: 'Bridge', capabilities: ['NET_RAW'], env: ['A_B'], ports: [9_100] };
    expect(core.submit({ needs: { asks } }).warnings).toBeUndefined();
  });

  test('an agent that does not say what its owner allows is asked, and its decline tells', () => {
    const core = new CoreHarness();
    const session = core.join('n-1');
    const { jobId, warnings } = core.submit({ needs: { asks: { network: 'Host' } } });
    expect(warnings).toBeUndefined();
    core.frame(session, { type: 'reject', executionId: core.execution(jobId).id, reason: 'no network of mine' });
    const told = core.events.filter((e) => e.jobId === jobId && e.topic === 'Queueing');
    expect(told).toMatchObject([
      { message: expect.stringContaining('no network of mine'), details: { IsError: 'true' } },
    ]);
  });

  test.for([
    ['ops', { type: 'ops', count: 0 }],
    ['a job that may not wait', { needs: { queueTimeoutMs: 0 } }],
  ] as const)('%s: it fails, and the answer does not say that it waits', ([, options]) => {
    const core = new CoreHarness();
    core.join('n-1', { engines: [] });
    const { jobId, warnings } = core.submit(options);
    expect(core.job(jobId).state).toBe('Failed');
    expect(warnings?.[0]).toBe('no connected node can take this job');
  });
});

describe('history tells why a job waits that no connected node could take', () => {
  const queueing = (core: CoreHarness) => core.events.filter(({ topic }) => topic === 'Queueing');

  test('as an error, with what can be done', () => {
    const core = new CoreHarness();
    core.join('n-1', node);
    core.submit({ needs: { engine: 'wasm' } });
    expect(queueing(core)).toMatchObject([
      { details: { IsError: 'true', Hint: 'Use an engine that a node offers, or join a node that offers this one.' } },
    ]);
  });

  test('not as an error while it only waits for room', () => {
    const core = new CoreHarness();
    core.join('n-1', node);
    core.submit({ needs: resources({ cpu: 2 }) });
    core.submit({ needs: resources({ cpu: 2 }) });
    expect(queueing(core)).toMatchObject([{ details: {} }]);
  });

  test('again only when the kinds of reasons changed, at most once a minute and ten times', () => {
    const core = new CoreHarness();
    const { jobId } = core.submit({ needs: { engine: 'wasm' } });
    const listen = () => [...core.world.nodes.keys()].forEach((id) => core.heard.set(id, core.now + 1e9));
    expect(queueing(core)).toHaveLength(1);
    core.join('n-1', node);
    listen();
    expect(queueing(core)).toHaveLength(1);
    expect(core.job(jobId).stateMessage).toContain('does not support engine wasm');
    core.advance(59_999);
    expect(queueing(core)).toHaveLength(1);
    core.advance(1);
    expect(queueing(core)).toHaveLength(2);
    // More of the same kind is told in the state alone.
    core.join('n-2', { ...node, engines: ['podman'] });
    listen();
    core.advance(120_000);
    expect(core.job(jobId).stateMessage).toContain('only podman');
    expect(queueing(core)).toHaveLength(2);
    for (let i = 0; i < 30; i++) {
      core.changeNode('n-1', i % 2 === 0 ? 'drain' : 'resume');
      core.advance(61_000);
    }
    expect(queueing(core)).toHaveLength(10);
  });

  test('as often as before after a new object has loaded it', () => {
    const core = new CoreHarness();
    const session = core.join('n-1', node);
    core.submit({ needs: { engine: 'wasm' } });
    for (let i = 0; i < 3; i++) core.restart([session], false);
    expect(queueing(core)).toHaveLength(1);
  });
});

describe('a dry run', () => {
  test('says where a job would run, the best node first, and stores nothing', () => {
    const core = new CoreHarness();
    core.join('n-1', { ...node, capacity: { cpu: 1 } });
    core.join('n-2', { ...node, capacity: { cpu: 4 } });
    core.join('n-3', { ...node, engines: [] });
    const before = [core.jobs.size, core.events.length];
    expect(core.dryRun()).toEqual({
      starts: true,
      nodes: [
        { nodeId: 'n-2', reason: '' },
        { nodeId: 'n-1', reason: '' },
        { nodeId: 'n-3', reason: 'does not support engine docker' },
      ],
      warnings: [],
    });
    expect([core.jobs.size, core.events.length]).toEqual(before);
    expect(core.world.jobs.size).toBe(0);
  });

  test('says why not, as the submission would', () => {
    const core = new CoreHarness();
    const a = core.join('n-1', node);
    core.report(a, core.execution(core.submit().jobId).id, 1, failed('permanent'));
    const needs = { asks: { network: 'Host' } };
    const said = core.dryRun({ needs });
    expect(said).toMatchObject({
      starts: false,
      nodes: [{ nodeId: 'n-1', reason: expect.stringContaining('--allow-host-network') }],
    });
    expect(said.warnings).toEqual(core.submit({ needs }).warnings);
  });
});
