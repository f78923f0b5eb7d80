import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { ExecutionId } from '@shoal/schema/ids';
import type { Output } from '../engines/engine.ts';
import { FakeEngine } from '../engines/fake.ts';
import { systemClock } from '../machine/clock.ts';
import { newExecutionId, runSpec, silentLog } from '../testing/run-spec.ts';
import { LogShelf } from './shelf.ts';
import type { LogPart } from './storer.ts';

let folder: string;
let parts: LogPart[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shelf-'));
  parts = [];
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

/** An engine whose containers print one line of `bytes` characters. */
class PrintingEngine extends FakeEngine {
  readonly bytes: number;

  constructor(bytes: number) {
    super(systemClock, () => ({ runMs: 1 }));
    this.bytes = bytes;
  }

  async output(): Promise<Output> {
    const bytes = Buffer.alloc(this.bytes, 'x');
    return (async function* () {
      yield [{ stream: 'stdout', bytes }] as const;
    })();
  }
}

function shelf(more: { budget?: number; reported?: (id: ExecutionId) => boolean } = {}): LogShelf {
  const ports = {
    clock: systemClock,
    log: silentLog,
    putPart: async (part: LogPart) => {
      parts.push({ ...part, chunks: part.chunks.slice() });
      return 'stored' as const;
    },
    isReported: more.reported ?? (() => true),
  };
  return new LogShelf(folder, ports, { ...(more.budget !== undefined && { budget: more.budget }) });
}

async function write(logs: LogShelf, executionId: ExecutionId, token?: string, bytes = 100): Promise<void> {
  const run = runSpec({ executionId, ...(token !== undefined && { token }) });
  const recording = await logs.record(new PrintingEngine(bytes), run, 'created');
  await recording.finish();
}

async function eventually(check: () => Promise<void> | void): Promise<void> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a log that is stored away leaves nothing here, but not while somebody reads it', async () => {
  const logs = shelf();
  const executionId = newExecutionId();
  await write(logs, executionId, 'token');
  const reading = await logs.read(executionId);
  logs.setConnected(true);
  await eventually(() => expect(parts.at(-1)?.end).toBe(true));
  expect(parts.map(({ from, next, token }) => [from, next, token])).toEqual([[0, 108, 'token']]);
  expect(await readdir(folder)).toEqual([executionId]);
  reading?.done();
  await eventually(async () => expect(await readdir(folder)).toEqual([]));
  expect(await logs.read(executionId)).toBeNull();
});

test('what could not be stored by one agent is stored by the next', async () => {
  const first = shelf();
  const executionId = newExecutionId();
  await write(first, executionId, 'token');
  await first.close();
  const second = shelf();
  await second.recover(() => false);
  second.setConnected(true);
  await eventually(() => expect(parts).toMatchObject([{ executionId, from: 0, next: 108, end: true, token: 'token' }]));
});

test('[limit:log budget] over the budget the oldest that are over go, never one whose end is not reported', async () => {
  const [unreported, old, young] = [newExecutionId(), newExecutionId(), newExecutionId()];
  const logs = shelf({ budget: 250, reported: (id) => id !== unreported });
  for (const id of [unreported, old, young]) await write(logs, id);
  expect((await readdir(folder)).toSorted()).toEqual([unreported, young].toSorted());
  await logs.close();
});

test('the end of a log without output is stored as well, for its readers to know it', async () => {
  const executionId = newExecutionId();
  const first = shelf();
  await write(first, executionId, 'token', 0);
  await first.close();
  const second = shelf();
  await second.recover(() => false);
  second.setConnected(true);
  await eventually(() => expect(parts).toMatchObject([{ executionId, end: true, token: 'token' }]));
});

test('[limit:log budget] a log is not dropped while somebody reads it', async () => {
  const [read, other] = [newExecutionId(), newExecutionId()];
  const logs = shelf({ budget: 150 });
  await write(logs, read);
  const reading = await logs.read(read);
  await write(logs, other);
  expect((await readdir(folder)).toSorted()).toEqual([read]);
  expect((await reading?.spool.read(0, 1_000))?.chunks.length).toBe(108);
  await logs.close();
});
