import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { MAX_LOG_PART_BYTES, MAX_LOG_PARTS } from '@shoal/schema/limits';
import { encodeChunk, STDOUT } from '@shoal/schema/protocol/log-link';
import { systemClock } from '../machine/clock.ts';
import type { Cancel, Clock } from '../ports.ts';
import { settle } from '../testing/fake-clock.ts';
import { newExecutionId, silentLog } from '../testing/run-spec.ts';
import { Spool } from './spool.ts';
import { livePatienceMs, Storer, type LogPart } from './storer.ts';

const PART_MS = 20;
const PARTS = 12;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storer-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

/** Time passes only where it is waited for, and where something is said to take it. */
class JumpingClock implements Clock {
  #now = 0;

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  pass(ms: number): void {
    this.#now += ms;
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer = setImmediate(() => {
      this.pass(delayMs);
      run();
    });
    return () => clearImmediate(timer);
  }
}

/** How long it takes to store a finished log of some parts beside a running task, of which a part takes PART_MS. */
async function timeToStore(prints: boolean): Promise<number> {
  const clock = new JumpingClock();
  const open = (name: string): Promise<Spool> => Spool.open(join(folder, `${name}-${prints}`));
  const [finished, running] = await Promise.all([open('finished'), open('running')]);
  for (const spool of [finished, running]) await spool.setToken('token');
  const piece = Buffer.from(encodeChunk({ stream: STDOUT, bytes: Buffer.alloc(MAX_LOG_PART_BYTES - 8) }));
  for (let i = 0; i < PARTS; i += 1) await finished.append(piece);
  await finished.finish();
  const line = Buffer.from(encodeChunk({ stream: STDOUT, bytes: Buffer.from('line\n') }));
  const putPart = async (): Promise<'stored'> => {
    if (prints) await running.append(line);
    clock.pass(PART_MS);
    return 'stored';
  };
  try {
    await new Promise<void>((resolve) => {
      const storer = new Storer({ clock, log: silentLog, putPart }, () => {
        storer.stop();
        resolve();
      });
      if (prints) storer.add(newExecutionId(), running);
      storer.add(newExecutionId(), finished);
      storer.setConnected(true);
    });
    return clock.now();
  } finally {
    await Promise.all([finished.close(), running.close()]);
  }
}

test('a finished log is stored at once, and for a fifth of the time while a task prints', async () => {
  expect(await timeToStore(false)).toBe(PARTS * PART_MS);
  expect(await timeToStore(true)).toBe(PARTS * PART_MS + (PARTS - 1) * 4 * PART_MS);
});

test('a log that cannot be stored does not hold back the others, and none is stored after the end', async () => {
  const names = ['bad', 'good', 'late'] as const;
  const spools = new Map<string, Spool>();
  for (const name of names) {
    const spool = await Spool.open(join(folder, name));
    await spool.setToken(name);
    await spool.append(Buffer.from(encodeChunk({ stream: STDOUT, bytes: Buffer.from(name) })));
    await spool.finish();
    spools.set(name, spool);
  }
  const stored: string[] = [];
  let over = (): void => {};
  const isOver = new Promise<void>((resolve) => (over = resolve));
  const putPart = async ({ token, end }: LogPart): Promise<'stored'> => {
    if (token === 'bad') throw new Error('not now');
    stored.push(`${token} ${end}`);
    if (token === 'good') {
      storer.stop();
      for (const spool of spools.values()) await spool.close();
      over();
    }
    return 'stored';
  };
  const storer = new Storer({ clock: systemClock, log: silentLog, putPart }, () => {});
  for (const name of names) storer.add(newExecutionId(), spools.get(name) as Spool);
  storer.setConnected(true);
  await isOver;
  await settle();
  expect(stored).toEqual(['good true']);
});

test('a log that grows slowly for a year makes no more parts than are taken of it', () => {
  const year = 365 * 86_400_000;
  let parts = 0;
  for (let age = 0; age < year; age += livePatienceMs(age)) parts += 1;
  expect(parts).toBeLessThan(MAX_LOG_PARTS);
  expect(livePatienceMs(0)).toBe(15_000);
  expect(livePatienceMs(60 * 60_000)).toBe(36_000);
});
