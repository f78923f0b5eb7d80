import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { MAX_LOG_PART_BYTES } from '@shoal/schema/limits';
import { encodeChunk, STDOUT } from '@shoal/schema/protocol/log-link';
import { systemClock } from '../machine/clock.ts';
import { newExecutionId, silentLog } from '../testing/run-spec.ts';
import { Spool } from './spool.ts';
import { Storer, type LogPart } from './storer.ts';

const PART_MS = 20;
const PARTS = 12;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storer-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

/** How long it takes to store a finished log of some parts beside a running task. */
async function timeToStore(prints: boolean): Promise<number> {
  const open = (name: string): Promise<Spool> => Spool.open(join(folder, `${name}-${prints}`));
  const [finished, running] = await Promise.all([open('finished'), open('running')]);
  for (const spool of [finished, running]) await spool.setToken('token');
  const piece = Buffer.from(encodeChunk({ stream: STDOUT, bytes: Buffer.alloc(MAX_LOG_PART_BYTES - 8) }));
  for (let i = 0; i < PARTS; i += 1) await finished.append(piece);
  await finished.finish();
  const line = Buffer.from(encodeChunk({ stream: STDOUT, bytes: Buffer.from('line\n') }));
  const printing = setInterval(() => void (prints && running.append(line)), 10);
  const putPart = async (): Promise<'stored'> => {
    await new Promise((resolve) => setTimeout(resolve, PART_MS));
    return 'stored';
  };
  const startedAt = performance.now();
  try {
    await new Promise<void>((resolve) => {
      const storer = new Storer({ clock: systemClock, log: silentLog, putPart }, () => {
        storer.stop();
        resolve();
      });
      if (prints) storer.add(newExecutionId(), running);
      storer.add(newExecutionId(), finished);
      storer.setConnected(true);
    });
    return performance.now() - startedAt;
  } finally {
    clearInterval(printing);
    await Promise.all([finished.close(), running.close()]);
  }
}

test('a finished log is stored at once, and out of the way of a task that prints', async () => {
  const alone = await timeToStore(false);
  const beside = await timeToStore(true);
  expect(beside).toBeGreaterThan(3 * PARTS * PART_MS);
  expect(beside).toBeGreaterThan(2 * alone);
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
  const putPart = async ({ token, end }: LogPart): Promise<'stored'> => {
    if (token === 'bad') throw new Error('not now');
    stored.push(`${token} ${end}`);
    if (token === 'good') {
      storer.stop();
      for (const spool of spools.values()) await spool.close();
    }
    return 'stored';
  };
  const storer = new Storer({ clock: systemClock, log: silentLog, putPart }, () => {});
  for (const name of names) storer.add(newExecutionId(), spools.get(name) as Spool);
  storer.setConnected(true);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(stored).toEqual(['good true']);
});
