import { expect, test } from 'vitest';
import { MAX_INBOX_COMMANDS, MAX_TURN_BYTES, MAX_TURN_EVENTS } from '../../schema/limits.ts';
import type { CoreEvent } from '../core/decide.ts';
import { Inbox } from './inbox.ts';

const submit = { type: 'submitJob', command: {} } as CoreEvent;
const stop = { type: 'stopJob', command: {} } as CoreEvent;
const frame = { type: 'frame' } as CoreEvent;
const wake: CoreEvent = { type: 'wake' };

test('a turn takes frames, then stops, then deadlines, then submits', () => {
  const inbox = new Inbox();
  for (const event of [submit, wake, stop, frame, submit]) void inbox.add(event, 1);
  expect(inbox.take().map(({ event }) => event.type)).toEqual(['frame', 'stopJob', 'wake', 'submitJob', 'submitJob']);
  expect(inbox.isEmpty).toBe(true);
});

test('a turn is bounded in events and bytes, but takes one event however large', () => {
  const inbox = new Inbox();
  for (let i = 0; i < MAX_TURN_EVENTS + 1; i++) void inbox.add(submit, 1);
  expect(inbox.take()).toHaveLength(MAX_TURN_EVENTS);
  expect(inbox.take()).toHaveLength(1);
  void inbox.add(submit, MAX_TURN_BYTES + 1);
  void inbox.add(submit, 1);
  expect(inbox.take()).toHaveLength(1);
  expect(inbox.take()).toHaveLength(1);
});

test('beyond its bound commands get 503 with Retry-After, and frames are dropped', async () => {
  const inbox = new Inbox();
  for (let i = 0; i < MAX_INBOX_COMMANDS; i++) void inbox.add(submit, 1);
  await expect(inbox.add(stop, 1)).rejects.toMatchObject({ shape: { status: 503, retryAfterSeconds: 2 } });
  expect(await inbox.add(frame, 1)).toBeNull();
  expect(inbox.dropped).toBe(1);
});
