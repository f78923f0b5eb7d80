import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deathCounter, keepRunning } from './supervise.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Processes that end when the test says so. */
function fakeStarts() {
  const children: EventEmitter[] = [];
  const start = async () => {
    const child = Object.assign(new EventEmitter(), { exitCode: null, signalCode: null });
    children.push(child);
    return child as unknown as ChildProcess;
  };
  return { children, start };
}

/** A watch, and what it was told. */
function watched(options: Pick<Parameters<typeof keepRunning>[0], 'start' | 'hasComeUp'>) {
  const deaths: (readonly [how: string, pauseMs: number])[] = [];
  const ends: string[] = [];
  const watch = keepRunning({
    ...options,
    onDeath: (how, pauseMs) => deaths.push([how, pauseMs]),
    onGiveUp: (how) => ends.push(how),
  });
  return { watch, deaths, ends };
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

test('the fifth death within a minute is one too many', () => {
  let now = 0;
  const isOneTooMany = deathCounter(() => now);
  const at = (seconds: number) => {
    now = seconds * 1000;
    return isOneTooMany();
  };
  expect([0, 10, 20, 30, 40].map(at)).toEqual([false, false, false, false, true]);
  const slow = deathCounter(() => now);
  expect([0, 20, 40, 60, 80, 100].map((seconds) => ((now = seconds * 1000), slow()))).not.toContain(true);
});

test('what dies again and again is brought back for ever, after pauses that grow to 30 s', async () => {
  const { children, start } = fakeStarts();
  const { watch, deaths, ends } = watched({ start });
  await watch.ready;
  for (let n = 1; n <= 100; n += 1) {
    children.at(-1)?.emit('exit', n === 1 ? 7 : null, 'SIGKILL');
    const [, pauseMs = 0] = deaths.at(-1) ?? [];
    await vi.advanceTimersByTimeAsync(pauseMs - 1);
    expect(children).toHaveLength(n);
    await vi.advanceTimersByTimeAsync(1);
    expect(children).toHaveLength(n + 1);
  }
  expect(deaths.slice(0, 9).map(([, pauseMs]) => pauseMs)).toEqual([
    300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 30_000, 30_000,
  ]);
  expect(deaths.at(-1)).toEqual(['SIGKILL', 30_000]);
  expect(ends).toEqual([]);
});

test('what was well for a minute is brought back at once again', async () => {
  const { children, start } = fakeStarts();
  const { watch, deaths } = watched({ start });
  await watch.ready;
  for (const livedS of [0, 0, 59, 60, 0]) {
    await seconds(livedS);
    children.at(-1)?.emit('exit', 1, null);
    await vi.advanceTimersByTimeAsync(deaths.at(-1)?.[1] ?? 0);
  }
  expect(deaths.map(([, pauseMs]) => pauseMs)).toEqual([300, 600, 1_200, 300, 600]);
});

test('what cannot be started again is tried again, with the reason', async () => {
  const { children, start } = fakeStarts();
  let fails = false;
  const { watch, deaths, ends } = watched({
    start: () => (fails ? Promise.reject(new Error('port 1 is taken')) : start()),
  });
  await watch.ready;
  fails = true;
  children[0]?.emit('exit', null, 'SIGKILL');
  await seconds(3_600);
  fails = false;
  await seconds(30);
  expect(children).toHaveLength(2);
  expect(deaths[0]).toEqual(['SIGKILL', 300]);
  expect(deaths.slice(1).every(([how]) => how === 'port 1 is taken')).toBe(true);
  expect(deaths.length).toBeGreaterThan(100);
  expect(ends).toEqual([]);
});

test('what never came up is given up at its fifth death, however far apart; what came up once is not', async () => {
  for (const comesUpAt of [Infinity, 4]) {
    const { children, start } = fakeStarts();
    const { watch, ends } = watched({ start, hasComeUp: () => children.length > comesUpAt });
    await watch.ready;
    for (let n = 1; n <= 9; n += 1) {
      await seconds(20);
      children.at(-1)?.emit('exit', 1, null);
      await seconds(30);
    }
    expect([children.length, ends]).toEqual(comesUpAt === 4 ? [10, []] : [5, ['exit code 1']]);
  }
});

test('a first start that fails is told at once', async () => {
  const { watch, deaths } = watched({ start: () => Promise.reject(new Error('no')) });
  await expect(watch.ready).rejects.toThrow('no');
  await seconds(60);
  expect(deaths).toEqual([]);
});

test('what is told to stop is not brought back, and what was being started is waited for', async () => {
  const { children, start } = fakeStarts();
  const { watch, deaths } = watched({ start });
  await watch.ready;
  await watch.stop();
  children[0]?.emit('exit', 0, null);
  await seconds(60);
  expect([children.length, deaths]).toEqual([1, []]);

  let started = () => {};
  const slow = watched({
    start: async () => {
      await new Promise((resolve) => (started = () => resolve(undefined)));
      return start();
    },
  });
  let isStopped = false;
  const stopping = slow.watch.stop().then(() => (isStopped = true));
  await seconds(60);
  expect(isStopped).toBe(false);
  started();
  await stopping;
  children.at(-1)?.emit('exit', 0, null);
  await seconds(60);
  expect([children.length, slow.deaths]).toEqual([2, []]);
});
