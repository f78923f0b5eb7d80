import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { encodeChunk, readChunks, STDERR, STDOUT } from '@shoal/schema/protocol/log-link';
import type { ExecutionId } from '@shoal/schema/ids';
import type { Container, KeptRange, Output, OutputChunk, Stream } from '../engines/engine.ts';
import { FakeEngine } from '../engines/fake.ts';
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

/** What Docker has kept of a task, and what it prints afterwards: `attached` is handed out as it is cut here. */
class KeepingEngine extends FakeEngine {
  readonly lines: readonly Line[];
  isOver = false;
  readonly attached: readonly { readonly stream: number; readonly text: string }[] | null;

  constructor(lines: readonly Line[], attached: readonly { stream: number; text: string }[] | null) {
    super(systemClock, () => ({ runMs: 1 }));
    this.lines = lines;
    this.attached = attached;
  }

  override async find(executionId: ExecutionId): Promise<Container> {
    return {
      executionId,
      state: this.attached === null || this.isOver ? 'ended' : 'running',
      startedAt: this.lines[0]?.at ?? 0,
    };
  }

  async keptSince(): Promise<number | null> {
    return this.lines[0]?.at ?? null;
  }

  override async kept(_: ExecutionId, { since = 0, until = null, stream }: KeptRange = {}): Promise<Output> {
    const wanted = this.lines.filter((one) => stream === undefined || nameOf(one.stream) === stream);
    return piecesOf(wanted.filter(({ at }) => at >= since && at < (until ?? Infinity)));
  }

  async output(): Promise<Output> {
    const pieces = piecesOf(this.attached ?? []);
    const end = (): void => void (this.isOver = true);
    return (async function* () {
      yield* pieces;
      end();
    })();
  }
}

async function* piecesOf(all: readonly { stream: number; text: string }[]): AsyncGenerator<OutputChunk[]> {
  for (const { stream, text } of all) yield [{ stream: nameOf(stream), bytes: Buffer.from(text) }];
}

const nameOf = (stream: number): Stream => (stream === STDERR ? 'stderr' : 'stdout');

const line = (at: number, i: number, stream = STDOUT): Line => ({ at, stream, text: `line ${i}\n` });
const lines = (at: number, from: number, to: number): Line[] =>
  Array.from({ length: to - from }, (_, i) => line(at, from + i));
const write = (all: readonly Line[]): Promise<void> =>
  spool.append(Buffer.concat(all.map(({ stream, text }) => encodeChunk({ stream, bytes: Buffer.from(text) }))));

/** What comes after the break, and the notes of it. */
async function goOn(
  kept: readonly Line[],
  attached: readonly { stream: number; text: string }[] | null = null,
): Promise<{ out: string; err: string; notes: string }> {
  const engine = new KeepingEngine(kept, attached);
  const { signal } = new AbortController();
  const all = { out: '', err: '', notes: '' };
  for await (const output of resume({ engine, clock: systemClock, executionId: newExecutionId(), spool, signal })) {
    for (const { stream, bytes } of output) {
      all[stream === 'stderr' ? 'err' : 'out'] += Buffer.from(bytes).toString('utf8');
    }
  }
  for (let from = 0; ;) {
    const { chunks, next } = await spool.read(from, 1_000_000);
    for (const { bytes, isNote } of readChunks(chunks))
      if (isNote === true) all.notes += Buffer.from(bytes).toString('utf8');
    if (next === from) return all;
    from = next;
  }
}

const NOTE = '[shoal: output may be missing here or be here twice, the agent was away]\n';

test('a log that the engine still has from its beginning is gone on with by its length', async () => {
  const now = Date.now() - 100;
  await write(lines(now, 0, 100));
  expect(await goOn([...lines(now, 0, 100), ...lines(now + 60_000, 100, 110)])).toMatchObject({
    out: lines(0, 100, 110)
      .map(({ text }) => text)
      .join(''),
    notes: '',
  });
});

/** Written down for a while, so that the engine may have dropped the beginning. @returns when the last of it came */
async function writeLong(all: readonly Line[]): Promise<number> {
  await write(all.slice(0, 1));
  await new Promise((resolve) => setTimeout(resolve, 300));
  await write(all.slice(1));
  return Date.now();
}

test('a log whose beginning the engine has dropped is gone on with where it was left', async () => {
  const now = await writeLong([...lines(0, 0, 2_000), line(0, 1, STDERR)]);
  const kept = [...lines(now - 20, 500, 2_000), ...lines(now + 60_000, 2_000, 2_100), line(now + 60_000, 2, STDERR)];
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
  const now = await writeLong(Array.from({ length: 2_000 }, () => line(0, 7)));
  const { out, notes } = await goOn(
    Array.from({ length: 2_500 }, (_, i) => line(i < 2_000 ? now - 20 : now + 60_000, 7)),
  );
  expect(out.length / 'line 7\n'.length).toBeGreaterThanOrEqual(500);
  expect(notes).toBe(NOTE);
});

test('what the engine dropped before the first look at it is said to be missing', async () => {
  const now = Date.now();
  await write(lines(now, 0, 2_000));
  // The same lines again, a minute later: between the two there was something.
  const { out, notes } = await goOn(lines(now + 60_000, 0, 2_500));
  expect(out.startsWith('line 0\n')).toBe(true);
  expect(notes).toBe(NOTE);
});

test('the same words before and after a break are both taken', async () => {
  const trace = (at: number): Line[] =>
    ['Traceback\n', `  ${'x'.repeat(80)}\n`].map((text) => ({ at, stream: STDERR, text }));
  const now = await writeLong([...lines(0, 0, 2_000), ...trace(0)]);
  const { err, notes } = await goOn([...lines(now - 20, 500, 2_000), ...trace(now - 20), ...trace(now + 60_000)]);
  expect(err).toBe(
    trace(0)
      .map(({ text }) => text)
      .join(''),
  );
  expect(notes).toBe('');
});

describe('a task that still runs', () => {
  const text = (from: number, to: number): string =>
    lines(0, from, to)
      .map((one) => one.text)
      .join('');
  const out = (...pieces: string[]): { stream: number; text: string }[] =>
    pieces.map((one) => ({ stream: STDOUT, text: one }));

  test('is gone on with from the middle of a line, without a gap and without anything twice', async () => {
    const now = Date.now() - 100;
    await write(lines(now, 0, 100));
    // Attached in the middle of line 150, which the engine had not kept yet; it has kept up to line 199 since.
    const later = lines(now + 3_600_000, 150, 200);
    const attached = text(150, 300).slice(4);
    const kept = [...lines(now, 0, 150), ...later];
    expect(await goOn(kept, out(attached.slice(0, 3), attached.slice(3, 100), attached.slice(100)))).toEqual({
      out: text(100, 300),
      err: '',
      notes: '',
    });
  });

  test('and is quiet is gone on with from its next line', async () => {
    const now = Date.now() - 100;
    await write(lines(now, 0, 100));
    const kept = [...lines(now, 0, 100), line(now + 3_600_000, 100)];
    expect(await goOn(kept, out('line 100\n', 'line 101\n'))).toEqual({ out: text(100, 102), err: '', notes: '' });
  });

  test('and prints to its other stream later has each of them once', async () => {
    const now = Date.now() - 100;
    await write(lines(now, 0, 100));
    const later = now + 3_600_000;
    const kept = [...lines(now, 0, 100), line(later, 100), line(later, 1, STDERR), line(later, 101)];
    const err = { stream: STDERR, text: 'line 1\n' };
    const attached = [...out('line 100\n'), err, ...out('line 101\n')];
    expect(await goOn(kept, attached)).toEqual({ out: text(100, 102), err: 'line 1\n', notes: '' });
  });

  test('and ends in the middle of a line has all of it', async () => {
    const now = Date.now() - 100;
    await write(lines(now, 0, 100));
    const kept = [...lines(now, 0, 100), { at: now + 3_600_000, stream: STDOUT, text: 'the end' }];
    expect(await goOn(kept, out(' end'))).toEqual({ out: 'the end', err: '', notes: '' });
  });

  test('and prints the same line for ever is gone on with, and it is said', async () => {
    const now = Date.now() - 100;
    await write(Array.from({ length: 10 }, () => line(now, 7)));
    const kept = Array.from({ length: 30 }, (_, i) => line(i < 10 ? now : now + 3_600_000, 7));
    const { out: got, notes } = await goOn(kept, out('line 7\n'.repeat(3), 'line 7\n'.repeat(22)));
    expect(got.length / 7).toBeGreaterThanOrEqual(25);
    expect(notes).toBe(NOTE);
  });
});
