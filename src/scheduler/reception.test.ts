import { describe, expect, test } from 'vitest';
import { NodeId } from '../../schema/ids.ts';
import {
  ALL_FRAME_CHARS_AT_ONCE,
  CAPACITY_FRAMES_AT_ONCE,
  FRAME_CHARS_AT_ONCE,
  FRAMES_AT_ONCE,
  HELLO_AT_ONCE_MS,
  HELLO_MS,
  LARGE_CHARS_AT_ONCE,
  MAX_HOLDS,
  MAX_HOLDS_PENDING,
  MAX_HOLDS_PER_FRAME,
  MAX_STRANGERS,
  STRANGER_FRAMES,
} from '../../schema/limits.ts';
import type { FromAgent, Hello } from '../../schema/protocol/from-agent.ts';
import { closeCodes } from '../../schema/protocol/version.ts';
import type { CoreEvent } from '../core/decide.ts';
import { tooBusy } from './inbox.ts';
import { Reception } from './reception.ts';
import type { ObjectContext, ObjectSocket } from './runtime.ts';
import { Sockets } from './sockets.ts';
import { bounded } from './tally.ts';

/** The object's end of a connection, which is as strict about a close frame as the runtime is. */
class FakeSocket implements ObjectSocket {
  readyState = 1;
  closed: { code: number; reason: string } | null = null;
  #attachment: unknown = null;

  send(): void {}

  close(code: number, reason: string): void {
    if (new TextEncoder().encode(reason).length > 123) throw new Error('the close reason is longer than 123 bytes');
    this.readyState = 2;
    this.closed = { code, reason };
  }

  serializeAttachment(attachment: unknown): void {
    this.#attachment = attachment;
  }

  deserializeAttachment(): unknown {
    return this.#attachment;
  }
}

class Harness {
  now = 1_800_000_000_000;
  readonly taken: CoreEvent[] = [];
  readonly lines: string[] = [];
  isBusy = false;
  readonly #timers: { at: number; ring: () => void }[] = [];
  readonly reception: Reception;

  constructor() {
    const ctx: ObjectContext = {
      storage: {
        get: async () => undefined,
        put: async () => {},
        setAlarm: async () => {},
        deleteAlarm: async () => {},
      },
      getWebSockets: () => [],
      getWebSocketAutoResponseTimestamp: () => null,
    };
    const now = () => this.now;
    const log = bounded((event) => void this.lines.push(event), now);
    let ids = 0;
    const within = <T>(promise: Promise<T>, ms: number) =>
      Promise.race([
        promise,
        new Promise<undefined>((resolve) => this.#timers.push({ at: this.now + ms, ring: () => resolve(undefined) })),
      ]);
    this.reception = new Reception(
      new Sockets(ctx),
      { now, newId: () => `s-${++ids}`, within, log },
      async (event) => {
        if (this.isBusy) throw tooBusy();
        this.taken.push(event);
        return null;
      },
      async () => 'n-orchestrator',
    );
  }

  accept(): FakeSocket {
    const socket = new FakeSocket();
    this.reception.accepted(socket);
    return socket;
  }

  async say(socket: FakeSocket, ...frames: (FromAgent | string)[]): Promise<void> {
    for (const frame of frames) {
      await this.reception.takeFrame(socket, typeof frame === 'string' ? frame : JSON.stringify(frame)).catch(() => {});
    }
  }

  /** A connection whose greeting was taken. */
  async greeted(name = 'n-a'): Promise<FakeSocket> {
    const socket = this.accept();
    await this.say(socket, hello(name));
    return socket;
  }

  async advance(ms: number): Promise<void> {
    this.now += ms;
    for (const { at, ring } of this.#timers) if (at <= this.now) ring();
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }

  countOf(type: CoreEvent['type']): number {
    return this.taken.filter((event) => event.type === type).length;
  }
}

function hello(name = 'n-a', more: Partial<Hello> = {}): Hello {
  return {
    type: 'hello',
    protocol: 3,
    nodeId: NodeId.parse(name),
    agentInstance: 'i',
    agentVersion: '0',
    os: 'linux',
    arch: 'amd64',
    labels: {},
    engines: [],
    publishers: [],
    sources: [],
    capacity: { cpu: 1, memory: 1, disk: 1, gpu: 0 },
    holds: [],
    more: false,
    ...more,
  };
}

function held(count: number): Hello['holds'] {
  const uuid = (i: number) => `e-00000000-0000-4000-8000-${String(i).padStart(12, '0')}` as never;
  return Array.from({ length: count }, (_, i) => ({ executionId: uuid(i), state: 'Running', lastSeq: 1 }));
}

const page = held(MAX_HOLDS_PER_FRAME);
const bye: FromAgent = { type: 'bye', reason: '' };
const capacity = (cpu: number): FromAgent => ({
  type: 'capacity',
  labels: {},
  engines: [],
  publishers: [],
  sources: [],
  capacity: { cpu, memory: 0, disk: 0, gpu: 0 },
});

describe('a refusal', () => {
  test.each([
    ['é', 330],
    ['😀', 90],
    ['\u0000', 200],
    ['\ud800', 200],
    ['e', 330],
  ])('reaches the agent whatever its reason is made of: %j', async (character, count) => {
    const harness = new Harness();
    const socket = harness.accept();
    await harness.say(socket, hello('n-a', { labels: { [character.repeat(count)]: 'x'.repeat(2_000) } }));
    expect(socket.closed).toMatchObject({ code: 1007, reason: expect.stringContaining('hello: labels') });
  });
});

describe('a session', () => {
  test('may report a thousand ends at once, with all that their tasks printed', async () => {
    const harness = new Harness();
    const socket = await harness.greeted();
    const stdout = 'x'.repeat(2_048);
    const output = {
      stdout,
      stdoutTruncated: true,
      stderr: stdout,
      stderrTruncated: true,
      exitCode: 0,
      errorMessage: '',
    };
    for (const { executionId } of held(1_000)) {
      await harness.say(socket, { type: 'ack', executionId });
      await harness.say(socket, { type: 'report', executionId, seq: 1, state: 'Running' });
      await harness.say(socket, { type: 'report', executionId, seq: 2, state: 'Completed', output });
    }
    expect(socket.closed).toBeNull();
    expect(harness.countOf('frame')).toBe(3_000);
  });

  test.each([
    ['small frames', '{"type":"later"}', FRAMES_AT_ONCE],
    ['large frames', `{"type":"later","x":"${'x'.repeat(1_000_000)}"}`, Math.floor(FRAME_CHARS_AT_ONCE / 1_000_022)],
    ['frames that make work', JSON.stringify(capacity(1)), CAPACITY_FRAMES_AT_ONCE],
  ])('that floods with %s is closed with 1008, and is over at once', async (_, frame, most) => {
    const harness = new Harness();
    const socket = await harness.greeted();
    for (let i = 0; i < most - 1; i++) await harness.say(socket, frame);
    expect(socket.closed).toBeNull();
    for (let i = 0; i < 3; i++) await harness.say(socket, frame);
    expect(socket.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('more than') });
    expect(harness.taken.at(-1)).toMatchObject({ type: 'disconnect', nodeId: 'n-a' });
    const before = harness.taken.length;
    await harness.say(socket, bye);
    expect(harness.taken).toHaveLength(before);
  });

  test('does not get more by dialling again', async () => {
    const harness = new Harness();
    const socket = await harness.greeted();
    for (let i = 0; i < FRAMES_AT_ONCE + 1; i++) await harness.say(socket, '{"type":"later"}');
    expect(socket.closed?.code).toBe(1008);
    const again = await harness.greeted();
    await harness.say(again, '{"type":"later"}');
    expect(again.closed?.code).toBe(1008);
    const other = await harness.greeted('n-b');
    await harness.say(other, '{"type":"later"}');
    expect(other.closed).toBeNull();
  });

  test('is closed when all say too much and it more than others, and the modest are served', async () => {
    const harness = new Harness();
    const modest = await harness.greeted('n-modest');
    const loud: FakeSocket[] = [];
    const frame = `{"type":"later","x":"${'x'.repeat(1_000_000)}"}`;
    for (let n = 0; n * 15 < 2 * (ALL_FRAME_CHARS_AT_ONCE / 1_000_000); n++) {
      const socket = await harness.greeted(`n-${n}`);
      loud.push(socket);
      for (let i = 0; i < 15; i++) await harness.say(socket, frame);
    }
    expect(loud.some((socket) => socket.closed === null)).toBe(true);
    expect(loud.at(-1)?.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('its share') });
    for (const { executionId } of held(1_000)) {
      await harness.say(modest, { type: 'report', executionId, seq: 1, state: 'Cancelled', message: '' });
    }
    expect(modest.closed).toBeNull();
    expect(harness.countOf('frame')).toBe(1_000);
  });

  test('may go on for ever at an honest pace', async () => {
    const harness = new Harness();
    const socket = await harness.greeted();
    for (let second = 0; second < 100; second++) {
      for (let i = 0; i < 1_000; i++) await harness.say(socket, '{"type":"later"}');
      harness.now += 1_000;
    }
    expect(socket.closed).toBeNull();
  });

  test('is no line in the log for each of its frames, whatever they are', async () => {
    const harness = new Harness();
    const socket = await harness.greeted();
    const quiet = harness.lines.length;
    for (let i = 0; i < 3_000; i++) await harness.say(socket, hello(), '{"type":"later"}');
    expect(harness.lines.length - quiet).toBe(0);
  });

  test('connections that are refused one after the other fill no log', async () => {
    const harness = new Harness();
    for (let i = 0; i < 1_000; i++) await harness.say(harness.accept(), '{');
    expect(harness.lines.filter((event) => event === 'socket.refused')).toHaveLength(20);
  });
});

describe('what a hello lists', () => {
  test('is taken up to the most that a node holds', async () => {
    const harness = new Harness();
    const socket = harness.accept();
    await harness.say(socket, hello('n-a', { more: true }));
    const pages = MAX_HOLDS / MAX_HOLDS_PER_FRAME;
    for (let i = 1; i <= pages; i++) await harness.say(socket, { type: 'holds', holds: page, more: i < pages });
    expect(harness.taken).toMatchObject([{ type: 'greeting' }]);
    const [greeting] = harness.taken;
    expect(greeting?.type === 'greeting' && greeting.greeting.holds.length).toBe(MAX_HOLDS);
  });

  test('and no further: the connection is closed with 1008', async () => {
    const harness = new Harness();
    const socket = harness.accept();
    await harness.say(socket, hello('n-a', { more: true }));
    for (let i = 0; i <= MAX_HOLDS / MAX_HOLDS_PER_FRAME; i++) {
      await harness.say(socket, { type: 'holds', holds: page, more: true });
    }
    expect(socket.closed).toMatchObject({ code: 1008, reason: `a node holds at most ${MAX_HOLDS} executions` });
    expect(harness.taken).toEqual([]);
  });

  test('is bounded over all that say hello at the same time, and given back when they are gone', async () => {
    const harness = new Harness();
    const begun: FakeSocket[] = [];
    for (let n = 0; n * MAX_HOLDS <= MAX_HOLDS_PENDING; n++) {
      const socket = harness.accept();
      begun.push(socket);
      await harness.say(socket, hello(`n-${n}`, { more: true }));
      for (let i = 0; i < MAX_HOLDS / MAX_HOLDS_PER_FRAME; i++) {
        await harness.say(socket, { type: 'holds', holds: page, more: true });
      }
    }
    expect(begun.map((socket) => socket.closed?.code)).toEqual([undefined, undefined, undefined, undefined, 1013]);
    for (const socket of begun) await harness.reception.takeClose(socket, 'gone');
    harness.now += 1_000;
    const next = harness.accept();
    await harness.say(next, hello('n-next', { holds: page }));
    expect(next.closed).toBeNull();
    expect(harness.countOf('greeting')).toBe(1);
  });

  test('again counts anew: a hello that is begun often is one', async () => {
    const harness = new Harness();
    const socket = harness.accept();
    for (let i = 0; i < STRANGER_FRAMES; i++) {
      await harness.say(socket, hello('n-a', { holds: page.slice(0, 1_000), more: true }));
    }
    expect(socket.closed).toBeNull();
  });
});

describe('a connection that does not say hello', () => {
  test('may say no more than a hello takes, also when others send as much', async () => {
    const harness = new Harness();
    const small = harness.accept();
    for (let i = 0; i <= STRANGER_FRAMES; i++) await harness.say(small, '{"type":"later"}');
    expect(small.closed).toEqual({ code: 1008, reason: 'more frames than a hello takes' });
    const large = harness.accept();
    const frame = `{"type":"later","x":"${'x'.repeat(1_000_000)}"}`;
    for (let i = 0; i < 9; i++) await harness.say(large, frame);
    expect(large.closed).toEqual({ code: 1008, reason: 'more characters than a hello takes' });
    const codes: (number | undefined)[] = [];
    for (let n = 0; n < 2 * (LARGE_CHARS_AT_ONCE / 1_000_000); n++) {
      const socket = harness.accept();
      await harness.say(socket, frame);
      codes.push(socket.closed?.code);
    }
    expect([codes[0], codes.at(-1)]).toEqual([undefined, 1008]);
    // Whoever holds little is greeted all the same.
    await harness.greeted();
    expect(harness.countOf('greeting')).toBe(1);
  });

  test.each([
    ['nothing', []],
    ['half of a hello', [hello('n-a', { more: true })]],
    ['what is not known', ['{"type":"later"}']],
  ])('but %s is closed in time', async (_, frames) => {
    const harness = new Harness();
    const socket = harness.accept();
    await harness.say(socket, ...frames);
    await harness.advance(HELLO_MS - 1);
    expect(socket.closed).toBeNull();
    await harness.advance(1);
    expect(socket.closed).toMatchObject({ code: closeCodes.protocolError, reason: 'no hello within 30 s' });
  });

  test('counts: beyond two thousand no other is accepted, until they have said it or gone', async () => {
    const harness = new Harness();
    const sockets = Array.from({ length: MAX_STRANGERS }, () => harness.accept());
    expect(harness.reception.mayAccept()).toBe(false);
    const [first, second] = sockets;
    if (first === undefined || second === undefined) throw new Error('no sockets');
    await harness.say(first, hello());
    expect(harness.reception.mayAccept()).toBe(true);
    harness.accept();
    expect(harness.reception.mayAccept()).toBe(false);
    await harness.reception.takeClose(second, 'gone');
    expect(harness.reception.mayAccept()).toBe(true);
    await harness.advance(HELLO_MS);
    for (let i = 0; i < MAX_STRANGERS - 1; i++) harness.accept();
    expect(harness.reception.mayAccept()).toBe(true);
  });

  test('makes room, when there is none, as soon as an honest one would long have said it', async () => {
    const harness = new Harness();
    const [first, second] = Array.from({ length: MAX_STRANGERS }, () => harness.accept());
    await harness.advance(HELLO_AT_ONCE_MS - 1);
    expect(harness.reception.mayAccept()).toBe(false);
    await harness.advance(1);
    expect(harness.reception.mayAccept()).toBe(true);
    expect([first?.closed?.code, second?.closed]).toEqual([1013, null]);
    harness.accept();
    await harness.greeted();
    expect(harness.countOf('greeting')).toBe(1);
  });

  test('is left alone once it has', async () => {
    const harness = new Harness();
    const socket = await harness.greeted();
    await harness.advance(10 * HELLO_MS);
    expect(socket.closed).toBeNull();
  });
});

test('a greeting that finds no room is told to try again later', async () => {
  const harness = new Harness();
  harness.isBusy = true;
  expect((await harness.greeted()).closed).toEqual({ code: 1013, reason: 'say hello again' });
});
