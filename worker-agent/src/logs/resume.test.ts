import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { encodeChunk, readChunks, STDERR, STDOUT } from '@shoal/schema/protocol/log-link';
import { FakeEngine } from '../engine/fake.ts';
import { systemClock } from '../machine/clock.ts';
import { newExecutionId } from '../testing/run-spec.ts';
import { resume } from './resume.ts';
import { Spool } from './spool.ts';

let spool: Spool;

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'resume-'));
  spool = await Spool.open(join(folder, 'log'));
  onTestFinished(async () => {
    await spool.close();
    await rm(folder, { recursive: true });
  });
});

interface Line {
  readonly at: number;
  readonly stream: number;
  readonly text: string;
}

/** What Docker has kept, of a task that prints no more. */
class KeepingEngine extends FakeEngine {
  readonly lines: readonly Line[];

  constructor(lines: readonly Line[]) {
    super(systemClock, () => ({ runMs: 1 }));
    this.lines = lines;
  }

  async keptSince(): Promise<number | null> {
    return this.lines[0]?.at ?? null;
  }

  async kept(_: unknown, since: number): Promise<AsyncIterable<Uint8Array>> {
    const lines = this.lines.filter(({ at }) => at >= since);
    return (async function* () {
      for (const { stream, text } of lines) yield encodeChunk({ stream, bytes: Buffer.from(text) });
    })();
  }

  async capture(_: unknown, from: 'start' | 'beginning' | number): Promise<AsyncIterable<Uint8Array>> {
    return this.kept(_, typeof from === 'number' ? from : 0);
  }
}

const line = (at: number, i: number, stream = STDOUT): Line => ({ at, stream, text: `line ${i}\n` });
const lines = (at: number, from: number, to: number): Line[] =>
  Array.from({ length: to - from }, (_, i) => line(at, from + i));
const write = (all: readonly Line[]): Promise<void> =>
  spool.append(Buffer.concat(all.map(({ stream, text }) => encodeChunk({ stream, bytes: Buffer.from(text) }))));

/** What comes after the break, without what is known, and the notes of it. */
async function goOn(kept: readonly Line[]): Promise<{ out: string; err: string; notes: string }> {
  const resumption = await resume(new KeepingEngine(kept), newExecutionId(), spool);
  const all = { out: '', err: '', notes: '' };
  for await (const data of resumption?.source ?? []) {
    for (const { stream, bytes } of readChunks(data))
      all[stream === STDERR ? 'err' : 'out'] += Buffer.from(bytes).toString('utf8');
  }
  const { chunks } = await spool.read(0, 1_000_000);
  for (const { bytes, isNote } of readChunks(chunks)) {
    if (isNote === true) all.notes += Buffer.from(bytes).toString('utf8');
  }
  const { stdout = 0, stderr = 0 } = resumption?.known ?? {};
  return { out: all.out.slice(stdout), err: all.err.slice(stderr), notes: all.notes };
}

const NOTE = '[shoal: output may be missing here or be here twice, the agent was away]\n';

test('a log that the engine still has from its beginning is gone on with by its length', async () => {
  const now = Date.now();
  await write(lines(now, 0, 100));
  expect(await goOn([...lines(now, 0, 100), ...lines(now + 60_000, 100, 110)])).toMatchObject({
    out: lines(0, 100, 110)
      .map(({ text }) => text)
      .join(''),
    notes: '',
  });
});

test('a log whose beginning the engine has dropped is gone on with where it was left', async () => {
  const now = Date.now();
  await write([...lines(now, 0, 2_000), line(now, 1, STDERR)]);
  const kept = [...lines(now + 1_000, 500, 2_100), line(now + 2_000, 2, STDERR)];
  const { out, err, notes } = await goOn(kept);
  expect(out.startsWith('line 2000\n')).toBe(true);
  expect(out.endsWith('line 2099\n')).toBe(true);
  expect(err).toBe('line 2\n');
  expect(notes).toBe('');
});

test('where nothing of it is found again all is taken that there is, and it is said', async () => {
  const now = Date.now();
  await write(lines(now, 0, 2_000));
  const { out, notes } = await goOn(lines(now + 60_000, 5_000, 5_100));
  expect(out.startsWith('line 5000\n')).toBe(true);
  expect(notes).toBe(NOTE);
});

test('where it may be found at several places nothing is left out, and it is said', async () => {
  const now = Date.now();
  await write(Array.from({ length: 2_000 }, () => line(now, 7)));
  const { out, notes } = await goOn(Array.from({ length: 2_500 }, () => line(now + 1_000, 7)));
  expect(out.length / 'line 7\n'.length).toBeGreaterThanOrEqual(500);
  expect(notes).toBe(NOTE);
});
