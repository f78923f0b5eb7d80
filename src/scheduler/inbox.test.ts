import { describe, expect, test } from 'vitest';
import type { NodeId } from '../../schema/ids.ts';
import {
  MAX_INBOX_COMMANDS,
  MAX_INBOX_FRAMES,
  MAX_INBOX_NODE_FRAMES,
  MAX_TURN_BYTES,
  MAX_TURN_EVENTS,
} from '../../schema/limits.ts';
import type { CoreEvent } from '../core/decide.ts';
import { Inbox } from './inbox.ts';

const submit = { type: 'submitJob', command: {} } as CoreEvent;
const stop = { type: 'stopJob', command: {} } as CoreEvent;
const wake: CoreEvent = { type: 'wake' };

function frame(node = 'n-a', n = 0): CoreEvent {
  const session = { id: node, nodeId: node as NodeId, agentInstance: '', connectedAt: 0 };
  return { type: 'frame', session, frame: { type: 'bye', reason: String(n) } };
}

function fill(inbox: Inbox, event: CoreEvent, count: number, bytes = 1): void {
  for (let i = 0; i < count; i++) void inbox.add(event, bytes).catch(() => {});
}

function typesOf(inbox: Inbox): string[] {
  return inbox.take().map(({ event }) => event.type);
}

function countOf(types: readonly string[], type: CoreEvent['type']): number {
  return types.filter((one) => one === type).length;
}

describe('a turn', () => {
  test('takes frames, then stops, then deadlines, then submits', () => {
    const inbox = new Inbox();
    for (const event of [submit, stop, frame(), wake, submit]) void inbox.add(event, 1);
    expect(typesOf(inbox)).toEqual(['frame', 'stopJob', 'wake', 'submitJob', 'submitJob']);
    expect(inbox.isEmpty).toBe(true);
  });

  test('is bounded in events and bytes, but takes one event however large', () => {
    const inbox = new Inbox();
    fill(inbox, submit, MAX_TURN_EVENTS + 1);
    expect(inbox.take()).toHaveLength(MAX_TURN_EVENTS);
    expect(inbox.take()).toHaveLength(1);
    void inbox.add(submit, MAX_TURN_BYTES + 1);
    void inbox.add(submit, 1);
    expect(inbox.take()).toHaveLength(1);
    expect(inbox.take()).toHaveLength(1);
  });

  test.each([
    ['frames', frame(), MAX_TURN_EVENTS * 2, 1],
    ['large frames', frame(), 8, MAX_TURN_BYTES / 2],
    ['submits', submit, MAX_INBOX_COMMANDS, 1],
    ['large submits', submit, 8, 1_000_000],
    ['stops', stop, MAX_INBOX_COMMANDS, 1],
  ])('is not filled by %s alone: a quarter of it is left for each other kind', (_, flood, count, bytes) => {
    const inbox = new Inbox();
    fill(inbox, flood, count, bytes);
    for (const event of [frame('n-b'), stop, submit]) fill(inbox, event, 100);
    const types = typesOf(inbox);
    for (const event of [frame(), stop, submit]) {
      if (event.type !== flood.type) expect(countOf(types, event.type)).toBe(100);
    }
    expect(countOf(types, flood.type)).toBeGreaterThan(0);
  });

  test('takes a frame of each node before a second one of any, in the order in which they came', () => {
    const inbox = new Inbox();
    for (let i = 0; i < MAX_TURN_EVENTS * 2; i++) void inbox.add(frame('n-loud', i), 1);
    const quiet = [frame('n-b', 1), frame('n-c', 1), frame('n-b', 2)];
    for (const event of quiet) void inbox.add(event, 1);
    const taken = inbox.take().map(({ event }) => event);
    expect(taken.filter((event) => quiet.includes(event))).toEqual(quiet);
    const loud = taken.flatMap((event) => (quiet.includes(event) ? [] : [event]));
    expect(loud).toEqual(Array.from({ length: MAX_TURN_EVENTS - quiet.length }, (_, i) => frame('n-loud', i)));
  });
});

describe('deadlines', () => {
  test('wait for all frames that were there before them, and for none that came later', () => {
    const inbox = new Inbox();
    fill(inbox, frame(), MAX_TURN_EVENTS + 1);
    void inbox.add(wake, 0);
    expect(countOf(typesOf(inbox), 'wake')).toBe(0);
    fill(inbox, frame(), MAX_TURN_EVENTS * 2);
    expect(countOf(typesOf(inbox), 'wake')).toBe(1);
  });

  test('are looked at once for all who ask before that', async () => {
    const inbox = new Inbox();
    const both = [inbox.add(wake, 0), inbox.add(wake, 0)];
    const [taken, ...more] = inbox.take();
    expect(more).toEqual([]);
    taken?.resolve(null);
    expect(await Promise.all(both)).toEqual([null, null]);
    expect(inbox.isEmpty).toBe(true);
  });

  test('are not judged while frames go on arriving from behind a long stretch of work', async () => {
    const inbox = new Inbox();
    void inbox.add(wake, 0);
    const behind = [frame('n-a'), frame('n-b'), frame('n-c')];
    await inbox.letIn(async () => {
      const next = behind.shift();
      if (next !== undefined) void inbox.add(next, 1);
    });
    expect(typesOf(inbox)).toEqual(['frame', 'frame', 'frame', 'wake']);
  });

  test('are judged although frames never cease', async () => {
    const inbox = new Inbox();
    void inbox.add(wake, 0);
    await inbox.letIn(async () => fill(inbox, frame(), 1));
    for (let turns = 0; turns < 3; turns++) if (typesOf(inbox).includes('wake')) return;
    throw new Error('no turn took it');
  });

  test('cost no wait when none is asked for', async () => {
    const inbox = new Inbox();
    void inbox.add(submit, 1);
    await inbox.letIn(() => Promise.reject(new Error('waited')));
  });
});

describe('beyond its bound', () => {
  test('commands get 503 with Retry-After, each kind for itself', async () => {
    const inbox = new Inbox();
    fill(inbox, submit, MAX_INBOX_COMMANDS);
    await expect(inbox.add(submit, 1)).rejects.toMatchObject({ shape: { status: 503, retryAfterSeconds: 2 } });
    fill(inbox, stop, MAX_INBOX_COMMANDS);
    await expect(inbox.add(stop, 1)).rejects.toMatchObject({ shape: { status: 503 } });
    expect(inbox.dropped).toBe(0);
  });

  test('frames are dropped, and none of commands or of other nodes', async () => {
    const inbox = new Inbox();
    fill(inbox, frame(), MAX_INBOX_NODE_FRAMES);
    expect(await inbox.add(frame(), 1)).toBeNull();
    expect(inbox.dropped).toBe(1);
    fill(inbox, submit, 1);
    fill(inbox, frame('n-b'), 1);
    expect(inbox.dropped).toBe(1);
    expect(typesOf(inbox)).toContain('submitJob');
  });

  test('a greeting is refused, since its agent waits for an answer; a goodbye is always taken', async () => {
    const inbox = new Inbox();
    for (let n = 0; n < MAX_INBOX_FRAMES / 1000; n++) fill(inbox, frame(`n-${n}`), 1000);
    const hello = { nodeId: 'n-new' };
    await expect(inbox.add({ type: 'greeting', greeting: { hello } } as CoreEvent, 1)).rejects.toThrow();
    const before = inbox.dropped;
    void inbox.add({ type: 'disconnect', session: 's', nodeId: 'n-z' as NodeId, why: '' }, 0);
    expect(inbox.dropped).toBe(before);
    expect(typesOf(inbox)).toContain('disconnect');
  });
});
