import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { pack } from 'tar-stream';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { inline } from './inline.ts';
import type { Fetched } from './input.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inline-'));
  onTestFinished(() => rm(folder, { recursive: true }));
});

const { signal } = new AbortController();
const fetched = (url: string, maxBytes = 1_000): Promise<Fetched> =>
  inline.fetch({ params: { URL: url }, folder, maxBytes, signal });

const good: readonly (readonly [url: string, text: string])[] = [
  ['data:,hello', 'hello'],
  ['data:text/plain,hello%2C%20world', 'hello, world'],
  ['data:text/plain;charset=utf-8;base64,aGVsbG8=', 'hello'],
  ['data:;base64,aGVsbG8', 'hello'],
  ['DATA:text/plain;BASE64,aGVsbG8%3D', 'hello'],
  ['data:,100%', '100%'],
  ['data:,', ''],
  ['data:,é#?&', 'é#?&'],
];

describe('the file that a task sees', () => {
  for (const [url, text] of good) {
    test(`of ${url} holds ${JSON.stringify(text)}`, async () => {
      const { path, bytes } = await fetched(url);
      expect(await readFile(path, 'utf8')).toBe(text);
      expect(bytes).toBe(Buffer.byteLength(text));
    });
  }

  test('holds whatever bytes were packed, to the byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (data, base64) => {
        const hex = [...data].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
        const url = base64 ? `data:a/b;base64,${Buffer.from(data).toString('base64')}` : `data:a/b,${hex}`;
        expect([...(await readFile((await fetched(url)).path))]).toEqual([...data]);
      }),
    );
  });
});

test('a packed folder is unpacked', async () => {
  const tar = pack();
  tar.entry({ name: 'in/a.txt' }, 'of a folder');
  tar.finalize();
  const { path, bytes } = await fetched(
    `data:application/gzip;base64,${gzipSync(await buffer(tar)).toString('base64')}`,
  );
  expect(await readFile(join(path, 'in/a.txt'), 'utf8')).toBe('of a folder');
  expect(bytes).toBe(11);
});

test('more than it may take is refused', async () => {
  await expect(fetched('data:,12345', 4)).rejects.toMatchObject({
    failure: { class: 'permanent', message: expect.stringContaining('inputs are too large') as string },
  });
});

test('the key is read whatever its case', async () => {
  const { path } = await inline.fetch({ params: { url: 'data:,x' }, folder, maxBytes: 1, signal });
  expect(await readFile(path, 'utf8')).toBe('x');
});

describe('what is wrong is known before anything is made', () => {
  const bad: readonly (readonly [params: Record<string, unknown>, message: string])[] = [
    [{}, 'invalid inline input: URL: expected a string, got nothing'],
    [{ URL: 7 }, 'invalid inline input: URL: expected a string, got number'],
    [{ URL: 'SECRET' }, 'invalid inline input: URL is not a data URL'],
    [{ URL: 'https://example.com/SECRET,x' }, 'invalid inline input: URL is not a data URL'],
    [{ URL: 'data:SECRET' }, 'invalid inline input: URL is not a data URL'],
    [{ URL: 'data:;base64,SECRET!' }, 'invalid inline input: URL is not a data URL'],
  ];
  for (const [params, message] of bad) {
    test(JSON.stringify(params), () => {
      expect(inline.examine(params)).toMatchObject({ class: 'permanent', topic: 'Downloading Inputs', message });
    });
  }

  test('and nothing is of what is right', () => {
    for (const [url] of good) expect(inline.examine({ URL: url })).toBeNull();
  });
});
