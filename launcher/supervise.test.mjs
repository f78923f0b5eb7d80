import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deathCounter, keepRunning } from './supervise.mjs';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Processes that end when the test says so. */
function fakeStarts() {
  /** @type {EventEmitter[]} */
  const children = [];
  const start = async () => {
    const child = Object.assign(new EventEmitter(), { exitCode: null, signalCode: null });
    children.push(child);
    return /** @type {any} */ (child);
  };
  return { children, start };
}

test('the fifth death within a minute is one too many', () => {
  let now = 0;
  const isOneTooMany = deathCounter(() => now);
  const at = (/** @type {number} */ seconds) => {
    now = seconds * 1000;
    return isOneTooMany();
  };
  expect([0, 10, 20, 30, 40].map(at)).toEqual([false, false, false, false, true]);
  const slow = deathCounter(() => now);
  expect([0, 20, 40, 60, 80, 100].map((seconds) => ((now = seconds * 1000), slow()))).not.toContain(true);
});

test('what dies is back within 2 s, until it dies too often', async () => {
  const { children, start } = fakeStarts();
  /** @type {string[]} */
  const deaths = [];
  /** @type {string[]} */
  const ends = [];
  const watch = keepRunning({
    start,
    isOneTooMany: deathCounter(),
    onDeath: (how) => deaths.push(how),
    onGiveUp: (how) => ends.push(how),
  });
  await watch.ready;
  for (let n = 1; n <= 5; n += 1) {
    children.at(-1)?.emit('exit', null, 'SIGKILL');
    await vi.advanceTimersByTimeAsync(2_000);
  }
  expect(children).toHaveLength(5);
  expect(deaths).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGKILL']);
  expect(ends).toEqual(['SIGKILL']);
});

test('what is told to stop is not brought back', async () => {
  const { children, start } = fakeStarts();
  const none = () => expect.unreachable();
  const watch = keepRunning({ start, isOneTooMany: deathCounter(), onDeath: none, onGiveUp: none });
  await watch.ready;
  watch.stop();
  children[0]?.emit('exit', 0, null);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(children).toHaveLength(1);
});
