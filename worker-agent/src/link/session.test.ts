import { PROTOCOL_VERSION } from '@shoal/schema/protocol/version';
import { describe, test } from 'vitest';
import { NodeId } from '@shoal/schema/ids';
import type { Held } from '@shoal/schema/protocol/common';
import { Session, type Greeting, type Order } from './session.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeNetwork } from '../testing/fake-socket.ts';
import { newExecutionId, runSpec, silentLog } from '../testing/run-spec.ts';

const greeting: Greeting = {
  nodeId: NodeId.parse('n-test'),
  agentInstance: 'i-1',
  agentVersion: '0',
  os: 'linux',
  arch: 'amd64',
  labels: {},
  engines: ['docker'],
  publishers: ['noop'],
  sources: [],
  capacity: { cpu: 1, memory: 1, disk: 1, gpu: 0 },
};

function start(holds: readonly Held[] = [], random = 0.5) {
  const clock = new FakeClock();
  const network = new FakeNetwork();
  network.answersPings = false;
  const told: string[] = [];
  const orders: Order[] = [];
  const session = new Session(
    { dial: network.dial, clock, random: () => random, log: silentLog },
    {
      greeting: () => greeting,
      holds: () => holds,
      welcomed: (mode) => void told.push(`welcomed ${mode}`),
      order: (frame) => void orders.push(frame),
      disconnected: () => void told.push('disconnected'),
      banished: () => void told.push('banished'),
    },
  );
  session.start();
  return { clock, network, told, orders, session };
}

function orderFrame(more: object = {}): object {
  return { type: 'keep', epoch: 1, session: 's-1', executionId: newExecutionId(), ...more };
}

describe('saying hello', () => {
  test('hello is the first frame, and nothing follows it before the welcome', ({ expect }) => {
    const { network, session } = start();
    network.last.events.open();
    expect(session.send({ type: 'ack', executionId: newExecutionId() })).toBe(false);
    expect(network.last.frames).toEqual([
      { type: 'hello', protocol: PROTOCOL_VERSION, ...greeting, holds: [], more: false },
    ]);
    network.last.welcome();
    expect(session.send({ type: 'ack', executionId: newExecutionId() })).toBe(true);
    expect(network.last.frames.map((one) => one.type)).toEqual(['hello', 'ack']);
  });

  test('a long list of what it holds is split, and only the last part says that it is the last', ({ expect }) => {
    const holds = Array.from({ length: 10_001 }, () => ({
      executionId: newExecutionId(),
      state: 'Running' as const,
      lastSeq: 1,
    }));
    const { network } = start(holds);
    network.last.events.open();
    const frames = network.last.frames;
    expect(frames.map((one) => [one.type, (one['holds'] as unknown[]).length, one['more']])).toEqual([
      ['hello', 5_000, true],
      ['holds', 5_000, true],
      ['holds', 1, false],
    ]);
    expect(frames.flatMap((one) => one['holds'])).toEqual(holds);
  });

  test('orders before the welcome are not obeyed', ({ expect }) => {
    const { network, orders, told } = start();
    network.last.events.open();
    network.last.receive(orderFrame());
    expect([orders, told]).toEqual([[], []]);
  });

  test('without a welcome in 20 s the connection is given up for a new one', async ({ expect }) => {
    const { network, clock } = start();
    network.last.events.open();
    await clock.advance(20_000);
    expect(network.sockets[0]?.state).toBe('terminated');
    await clock.advance(1_000);
    expect(network.sockets).toHaveLength(2);
  });
});

describe('orders', () => {
  const cases: { name: string; frame: object; taken: boolean }[] = [
    { name: 'of this session and epoch are obeyed', frame: {}, taken: true },
    { name: 'of a later epoch are obeyed: the Scheduler restarted', frame: { epoch: 9 }, taken: true },
    { name: 'of an older epoch are dropped', frame: { epoch: 3 }, taken: false },
    { name: 'of another session are dropped', frame: { session: 's-0' }, taken: false },
    { name: 'that cannot be read are dropped', frame: { executionId: 'nonsense' }, taken: false },
    { name: 'of a type that is not known are dropped', frame: { type: 'dance' }, taken: false },
  ];
  for (const { name, frame, taken } of cases) {
    test(name, ({ expect }) => {
      const { network, orders } = start();
      network.last.events.open();
      network.last.welcome({ epoch: 5 });
      network.last.receive(orderFrame({ epoch: 5, ...frame }));
      expect(orders).toHaveLength(taken ? 1 : 0);
      expect(network.last.state).toBe('open');
    });
  }

  test('once a later epoch was seen, an older one is stale', ({ expect }) => {
    const { network, orders } = start();
    network.last.events.open();
    network.last.welcome();
    network.last.receive(orderFrame({ epoch: 2 }));
    network.last.receive(orderFrame({ epoch: 1 }));
    expect(orders).toHaveLength(1);
  });

  test('a run arrives with everything in it', ({ expect }) => {
    const { network, orders } = start();
    const run = { type: 'run', epoch: 1, session: 's-1', ...runSpec() };
    network.last.events.open();
    network.last.welcome();
    network.last.receive(run);
    expect(orders).toEqual([run]);
  });

  test('frames of a connection that was given up are not heard', async ({ expect }) => {
    const { network, clock, orders } = start();
    network.last.events.open();
    network.last.welcome();
    const old = network.last;
    old.end({ kind: 'closed', code: 1006, reason: '' });
    await clock.advance(1_000);
    network.last.events.open();
    network.last.welcome({ session: 's-2' });
    old.receive(orderFrame());
    old.end({ kind: 'closed', code: 4001, reason: '' });
    expect(orders).toHaveLength(0);
    expect(network.sockets).toHaveLength(2);
  });
});

describe('the heartbeat', () => {
  test('pings at every interval as long as it is answered', async ({ expect }) => {
    const { network, clock } = start();
    network.last.events.open();
    network.last.welcome();
    for (let beat = 0; beat < 20; beat += 1) {
      await clock.advance(15_000);
      network.last.events.frame('pong');
    }
    expect(network.last.sent.filter((text) => text === 'ping')).toHaveLength(20);
    expect(network.sockets).toHaveLength(1);
  });

  test('three intervals of silence drop the socket and dial again', async ({ expect }) => {
    const { network, clock, told } = start();
    network.last.events.open();
    network.last.welcome();
    await clock.advance(44_999);
    expect(network.last.state).toBe('open');
    await clock.advance(1);
    expect(network.last.state).toBe('terminated');
    expect(told).toEqual(['welcomed active', 'disconnected']);
    await clock.advance(1_000);
    expect(network.sockets).toHaveLength(2);
  });

  test('any frame counts as an answer', async ({ expect }) => {
    const { network, clock } = start();
    network.last.events.open();
    network.last.welcome();
    await clock.advance(40_000);
    network.last.receive(orderFrame());
    await clock.advance(40_000);
    expect(network.last.state).toBe('open');
  });
});

describe('redialling', () => {
  test('goes on for ever, never more than 30 s apart', async ({ expect }) => {
    const { network, clock } = start([], 0.999);
    for (let dial = 1; dial <= 200; dial += 1) {
      network.last.end({ kind: 'unreachable', error: 'refused' });
      const from = clock.now();
      while (network.sockets.length === dial) await clock.advance(500);
      expect(network.sockets).toHaveLength(dial + 1);
      expect(clock.now() - from).toBeLessThanOrEqual(30_000);
    }
  });

  test('begins within a second after a good connection broke', async ({ expect }) => {
    const { network, clock } = start([], 0.999);
    for (let round = 1; round < 5; round += 1) {
      network.last.events.open();
      network.last.welcome();
      network.last.end({ kind: 'closed', code: 1006, reason: '' });
      await clock.advance(1_000);
      expect(network.sockets).toHaveLength(round + 1);
    }
  });

  test('a node that was shut out or deleted is emptied and still asks, slowly', async ({ expect }) => {
    const { network, clock, told } = start();
    network.last.events.open();
    network.last.welcome({ mode: 'stopOnly' });
    network.last.end({ kind: 'closed', code: 4003, reason: 'rejected' });
    expect(told).toEqual(['welcomed stopOnly', 'disconnected', 'banished']);
    await clock.advance(59_000);
    expect(network.sockets).toHaveLength(1);
    await clock.advance(31_000);
    expect(network.sockets).toHaveLength(2);
    network.last.end({ kind: 'refused', status: 410, body: '' });
    expect(told.at(-1)).toBe('banished');
  });

  test('a stopped session says goodbye and dials no more', async ({ expect }) => {
    const { network, clock, session } = start();
    network.last.events.open();
    network.last.welcome();
    session.stop('SIGTERM');
    expect(network.last.frames.at(-1)).toEqual({ type: 'bye', reason: 'SIGTERM' });
    expect(network.last.state).toBe('closing');
    network.last.end({ kind: 'closed', code: 1000, reason: '' });
    await clock.advance(600_000);
    expect(network.sockets).toHaveLength(1);
  });
});
