import { appendFile, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, onTestFinished, test, vi } from 'vitest';
import type { ExecutionId } from '@shoal/schema/ids';
import { newExecutionId, runSpec } from '../testing/run-spec.ts';
import { FileJournal } from './file-journal.ts';
import { Ledger } from './ledger.ts';
import type { JournalRecord } from './records.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-journal-'));
  path = join(folder, 'journal.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const NOW = 1_000_000_000_000;
const DAY = 24 * 3_600_000;
const ids = Array.from({ length: 4 }, newExecutionId);

async function reopen(now = NOW): Promise<{ journal: FileJournal; skipped: number }> {
  let skipped = 0;
  const journal = await FileJournal.open(
    path,
    () => now,
    (lines) => (skipped = lines),
  );
  return { journal, skipped };
}

function ended(executionId: ExecutionId, at = NOW): JournalRecord {
  const report = { type: 'report', executionId, seq: 2, state: 'Cancelled', message: 'over' } as const;
  return { type: 'ended', executionId, report, at };
}

/** Counts what reaches the disk from here on, by whatever file. */
async function countSyncs(): Promise<() => number> {
  const file = await open(path, 'r');
  const spy = vi.spyOn(Object.getPrototypeOf(file) as typeof file, 'datasync');
  onTestFinished(() => spy.mockRestore());
  await file.close();
  return () => spy.mock.calls.length;
}

const record: fc.Arbitrary<JournalRecord> = fc
  .constantFrom(...ids)
  .chain((executionId) =>
    fc.constantFrom<JournalRecord>(
      { type: 'taken', executionId, run: runSpec({ executionId }), network: 'none' },
      { type: 'starting', executionId },
      { type: 'stopping', executionId, request: { kind: 'stop', message: 'é\n"' } },
      ended(executionId),
      { type: 'rejected', executionId, reason: 'no', at: NOW },
      { type: 'acknowledged', executionId, seq: 2 },
      { type: 'forgotten', executionId },
    ),
  );

describe('the journal', () => {
  test('gives back after a restart what was appended, also cut at any byte', async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 20 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (records, cut) => {
          await rm(path, { force: true });
          const { journal } = await reopen();
          for (const one of records) await journal.append(one);
          const before = new Map(journal.entries);
          await journal.close();
          const whole = await reopen();
          expect(new Map(whole.journal.entries)).toEqual(before);
          await whole.journal.close();
          // A power cut leaves a prefix of the file: what the whole lines of it say is known, and nothing else.
          const text = records.map((one) => `${JSON.stringify(one)}\n`).join('');
          const bytes = Buffer.from(text).subarray(0, Math.floor(cut * Buffer.byteLength(text)));
          await writeFile(path, bytes);
          const ledger = new Ledger();
          for (const one of records.slice(0, bytes.toString('utf8').split('\n').length - 1)) ledger.apply(one);
          const torn = await reopen();
          expect([new Map(torn.journal.entries), torn.skipped]).toEqual([new Map(ledger.entries), 0]);
          await torn.journal.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('goes on after a torn line without losing what comes next', async ({ expect }) => {
    const first = await reopen();
    await first.journal.append(ended(newExecutionId()));
    await first.journal.close();
    await appendFile(path, '{"type":"ended","exec');
    const second = await reopen();
    await second.journal.append(ended(newExecutionId()));
    await second.journal.close();
    const third = await reopen();
    expect([third.journal.entries.size, third.skipped]).toEqual([2, 0]);
    await third.journal.close();
  });

  test('skips a damaged line in the middle, and says so', async ({ expect }) => {
    await writeFile(
      path,
      `${JSON.stringify(ended(newExecutionId()))}\n\0\0\0garbage\n${JSON.stringify(ended(newExecutionId()))}\n`,
    );
    const { journal, skipped } = await reopen();
    expect([journal.entries.size, skipped]).toEqual([2, 1]);
    await journal.close();
  });

  test('is durable when the append resolves', async ({ expect }) => {
    const { journal } = await reopen();
    const one = ended(newExecutionId());
    await journal.append(one);
    expect(await readFile(path, 'utf8')).toBe(`${JSON.stringify(one)}\n`);
    await journal.close();
  });

  test('writes a thousand records of one moment in few writes', async ({ expect }) => {
    const { journal } = await reopen();
    const syncs = await countSyncs();
    await Promise.all(Array.from({ length: 1_000 }, () => journal.append(ended(newExecutionId()))));
    expect(syncs()).toBe(1);
    await journal.close();
    const again = await reopen();
    expect(again.journal.entries.size).toBe(1_000);
    await again.journal.close();
  });

  test('keeps finished ids seven days after they were acknowledged, and unacknowledged ones for ever', async ({
    expect,
  }) => {
    const [old, recent, waiting] = [newExecutionId(), newExecutionId(), newExecutionId()];
    const { journal } = await reopen();
    await journal.append(ended(old, NOW - 8 * DAY));
    await journal.append({ type: 'acknowledged', executionId: old, seq: 2 });
    await journal.append(ended(recent, NOW - 6 * DAY));
    await journal.append({ type: 'acknowledged', executionId: recent, seq: 2 });
    await journal.append(ended(waiting, NOW - 30 * DAY));
    await journal.close();
    const again = await reopen();
    expect([...again.journal.entries.keys()].sort()).toEqual([recent, waiting].sort());
    await again.journal.close();
  });

  test('is rewritten when it has grown, and loses nothing by it', async ({ expect }) => {
    const { journal } = await reopen();
    const kept = newExecutionId();
    await journal.append(ended(kept));
    const executionId = newExecutionId();
    const request = { kind: 'stop', message: 'x'.repeat(100_000) } as const;
    for (let i = 0; i < 100; i += 1) await journal.append({ type: 'stopping', executionId, request });
    expect((await stat(path)).size).toBeLessThan(8 * 1024 * 1024);
    await journal.append({ type: 'acknowledged', executionId: kept, seq: 2 });
    await journal.close();
    const again = await reopen();
    expect(again.journal.entries.get(kept)).toMatchObject({ acknowledged: true });
    await again.journal.close();
  });

  test('says so when it cannot be written, and takes records again afterwards', async ({ expect }) => {
    // /dev/full takes nothing: every write answers "no space left".
    const { journal } = await reopen();
    const full = await open('/dev/full', 'a');
    const one = ended(newExecutionId());
    const real = Object.getPrototypeOf(full) as { appendFile: typeof full.appendFile };
    const { appendFile: whole } = real;
    real.appendFile = () => whole.call(full, 'x');
    try {
      await expect(journal.append(one)).rejects.toThrow('ENOSPC');
    } finally {
      real.appendFile = whole;
    }
    await journal.append(one);
    await journal.close();
    await full.close();
    expect(await readFile(path, 'utf8')).toBe(`${JSON.stringify(one)}\n`);
  });
});

test('finished entries take bounded room: the oldest acknowledged ones go first', ({ expect }) => {
  const ledger = new Ledger(2_000);
  const waiting = newExecutionId();
  ledger.apply(ended(waiting));
  const all = Array.from({ length: 100 }, newExecutionId);
  for (const executionId of all) {
    ledger.apply(ended(executionId));
    ledger.apply({ type: 'acknowledged', executionId, seq: 2 });
  }
  expect(ledger.entries.size).toBeLessThan(12);
  expect(ledger.entries.has(waiting)).toBe(true);
  expect(ledger.entries.has(all.at(-1) ?? waiting)).toBe(true);
});

test('what the version before wrote is taken up: tasks that run, stops, and ends', async ({ expect }) => {
  const [waiting, running, stopped, over] = ids.map((executionId) => ({ executionId, run: runSpec({ executionId }) }));
  if (waiting === undefined || running === undefined || stopped === undefined || over === undefined) throw new Error();
  const request = { kind: 'stop', message: 'enough' };
  const lines = [
    // Of its first days, before networks were written down.
    { type: 'taken', ...waiting },
    { type: 'taken', ...running, network: 'http' },
    { type: 'starting', executionId: running.executionId },
    { type: 'taken', ...stopped, network: 'none' },
    { type: 'stopping', executionId: stopped.executionId, request },
    ended(over.executionId),
  ];
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const { journal, skipped } = await reopen();
  const known = { state: 'live', ran: null, phases: {}, stop: null, started: false };
  expect([...journal.entries]).toEqual([
    [waiting.executionId, { ...known, run: waiting.run, network: 'none' }],
    [running.executionId, { ...known, run: running.run, network: 'http', started: true }],
    [stopped.executionId, { ...known, run: stopped.run, network: 'none', stop: request }],
    [over.executionId, expect.objectContaining({ state: 'ended', acknowledged: false })],
  ]);
  expect(skipped).toBe(0);
  await journal.close();
});
