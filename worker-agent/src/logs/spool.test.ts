import { appendFile, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, onTestFinished, test } from 'vitest';
import { encodeChunk, readChunks, STDERR, STDOUT } from '@shoal/schema/protocol/log-link';
import { Spool } from './spool.ts';

let folder: string;
const never = new AbortController().signal;

beforeEach(async () => {
  const parent = await mkdtemp(join(tmpdir(), 'spool-'));
  folder = join(parent, 'log');
  onTestFinished(() => rm(parent, { recursive: true }));
});

const out = (text: string): Buffer => Buffer.from(encodeChunk({ stream: STDOUT, bytes: Buffer.from(text) }));
const err = (text: string): Buffer => Buffer.from(encodeChunk({ stream: STDERR, bytes: Buffer.from(text) }));

/** All of a log, as `1:text` and `2:text`, read `maxBytes` at a time. */
async function readAll(spool: Spool, maxBytes = 1_000): Promise<string[]> {
  const texts: string[] = [];
  for (let from = 0; ;) {
    const { chunks, next, end } = await spool.read(from, maxBytes);
    for (const { stream, bytes } of readChunks(chunks)) texts.push(`${stream}:${Buffer.from(bytes).toString('utf8')}`);
    if (end || next === from) return texts;
    from = next;
  }
}

/** Adds chunks while the disk is full. */
async function refused(spool: Spool, chunks: Buffer): Promise<void> {
  const handle = await open(join(folder, '..', 'any'), 'w');
  const files = Object.getPrototypeOf(handle) as { write: () => Promise<never> };
  await handle.close();
  const { write } = files;
  files.write = () => Promise.reject(new Error('ENOSPC'));
  try {
    await spool.append(chunks);
  } finally {
    files.write = write;
  }
}

describe('a log', () => {
  test('is read in whole chunks, in order, from any of their offsets', async ({ expect }) => {
    const spool = await Spool.open(folder);
    for (const chunk of [out('a'), err('bb'), out('ccc')]) await spool.append(chunk);
    expect(await readAll(spool, 20)).toEqual(['1:a', '2:bb', '1:ccc']);
    const second = await spool.read(9, 10);
    expect([second.next, second.end]).toEqual([19, false]);
    await spool.finish();
    expect((await spool.read(19, 100)).end).toBe(true);
    expect(spool.heads()).toMatchObject({ stdout: 'accc', stderr: 'bb' });
    await spool.close();
  });

  test('wakes who waits for more, and who waits for its end', async ({ expect }) => {
    const spool = await Spool.open(folder);
    const more = spool.longerThan(0, never);
    await spool.append(out('x'));
    await more;
    const end = spool.longerThan(spool.size, never);
    await spool.finish();
    await end;
    expect(spool.finished).toBe(true);
    await spool.close();
  });

  test('goes on after a kill: a torn chunk is cut off, and what is there is counted', async ({ expect }) => {
    const spool = await Spool.open(folder);
    await spool.append(Buffer.concat([out('whole\n'), err('e')]));
    await spool.close();
    const [name = ''] = await readdir(folder);
    await appendFile(join(folder, name), out('torn').subarray(0, 10));
    const again = await Spool.open(folder);
    expect(again.counts).toEqual({ stdout: 6, stderr: 1 });
    expect(again.heads().stdout).toBe('whole\n');
    await again.append(out('next\n'));
    expect(await readAll(again)).toEqual(['1:whole\n', '2:e', '1:next\n']);
    await again.close();
  });

  test('[limit:log] that is too long keeps its first and last half, and says what is missing', async ({ expect }) => {
    const maxBytes = 32 * 100;
    const spool = await Spool.open(folder, maxBytes);
    const chunk = (i: number): Buffer => out(String(i).padStart(42, '0'));
    for (let i = 0; i < 500; i += 1) await spool.append(chunk(i));
    await spool.finish();
    expect(spool.bytes).toBeLessThanOrEqual(maxBytes);
    const texts = await readAll(spool, 120);
    const missing = texts.findIndex((text) => text.startsWith('2:'));
    expect(texts[missing]).toMatch(/^2:\[shoal: \d+ bytes of output are missing here, the log is too long\]\n$/);
    const first = texts.slice(0, missing).map((text) => Number(text.slice(2)));
    const last = texts.slice(missing + 1).map((text) => Number(text.slice(2)));
    expect(first).toEqual(Array.from({ length: 32 }, (_, i) => i));
    expect(last.at(-1)).toBe(499);
    expect(last).toEqual(Array.from({ length: last.length }, (_, i) => 500 - last.length + i));
    expect(last.length).toBeGreaterThan(28);
    const told = Number(/\d+/.exec(texts[missing]?.slice(2) ?? '')?.[0]);
    expect(told).toBe((500 - first.length - last.length) * 42);
    // The next agent finds the same.
    await spool.close();
    const again = await Spool.open(folder, maxBytes);
    expect(await readAll(again, 120)).toEqual(texts);
    expect(again.counts.stdout).toBe(500 * 42);
    await again.close();
  });

  test('[fault:disk full] that cannot be written goes on when it can, and says what is lost', async ({ expect }) => {
    await writeFile(folder, 'a file where the folder should be');
    const spool = await Spool.open(folder);
    await spool.append(out('lost'));
    await rm(folder);
    await spool.append(out('kept'));
    await spool.finish();
    expect(await readAll(spool)).toEqual(['2:[shoal: 4 bytes of output could not be written here]\n', '1:kept']);
    await spool.close();
    // The next agent knows how much there was, and takes Shoal's own words for none of it.
    const again = await Spool.open(folder);
    expect(again.counts).toEqual({ stdout: 8, stderr: 0 });
    await again.close();
  });

  test('[fault:disk full] that cannot be written now and then keeps what it could be, and tells each loss once', async ({
    expect,
  }) => {
    const spool = await Spool.open(folder, 4_000);
    const told: number[] = [];
    for (let i = 0; i < 30; i += 1) {
      await spool.append(out(`kept ${i}\n`));
      const text = `lost ${i}\n`;
      told.push(text.length);
      await refused(spool, out(text));
    }
    await spool.append(out('the end\n'));
    await spool.finish();
    const texts = await readAll(spool);
    expect(texts.filter((one) => one.startsWith('1:kept')).length).toBe(30);
    expect(texts.filter((one) => one.startsWith('2:')).map((one) => Number(/\d+/.exec(one.slice(2))?.[0]))).toEqual(
      told,
    );
    expect(spool.settled).toBe(spool.size);
    await spool.close();
  });

  test('tells a reader that it is closed, not that it has ended', async ({ expect }) => {
    const spool = await Spool.open(folder);
    await spool.append(out('x'));
    await spool.finish();
    await spool.close();
    await expect(spool.read(0, 100)).rejects.toThrow('closed');
  });

  test('has its heads again after a kill, wherever they lie', async ({ expect }) => {
    const spool = await Spool.open(folder);
    for (let i = 0; i < 40; i += 1) await spool.append(out('x'.repeat(5_000)));
    await spool.append(err('it broke\n'));
    await spool.close();
    const again = await Spool.open(folder);
    await again.append(err('giving up\n'));
    expect(again.heads()).toMatchObject({
      stderr: 'it broke\ngiving up\n',
      stderrTruncated: false,
      stdoutTruncated: true,
    });
    await again.close();
  });

  test('leaves nothing when it is removed', async ({ expect }) => {
    const spool = await Spool.open(folder);
    await spool.append(out('x'));
    await spool.remove();
    expect(await readdir(join(folder, '..'))).toEqual([]);
  });
});
