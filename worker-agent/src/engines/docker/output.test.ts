import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { HeadReader } from './output.ts';

function frame(stream: 1 | 2, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

function read(...chunks: readonly Buffer[]): HeadReader {
  const reader = new HeadReader();
  for (const chunk of chunks) reader.push(chunk);
  return reader;
}

describe('the heads of a container’s streams', () => {
  test('do not depend on where the log is cut into pieces', ({ expect }) => {
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    const parts = fc.array(fc.tuple(fc.constantFrom(1, 2), text), { maxLength: 12 });
    fc.assert(
      fc.property(parts, fc.integer({ min: 1, max: 20 }), (frames, size) => {
        const log = Buffer.concat(frames.map(([stream, one]) => frame(stream, Buffer.from(one))));
        const pieces = Array.from({ length: Math.ceil(log.length / size) }, (_, i) =>
          log.subarray(i * size, (i + 1) * size),
        );
        const joined = (wanted: number): string =>
          frames
            .filter(([stream]) => stream === wanted)
            .map(([, one]) => one)
            .join('')
            .replaceAll('\0', '\u{fffd}');
        expect(read(...pieces).heads()).toEqual({
          stdout: joined(1),
          stdoutTruncated: false,
          stderr: joined(2),
          stderrTruncated: false,
        });
      }),
    );
  });

  test('are at most 2 KiB of well-formed text, whatever the bytes', ({ expect }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
        const { stdout, stdoutTruncated } = read(frame(1, Buffer.from(bytes))).heads();
        expect(Buffer.byteLength(stdout)).toBeLessThanOrEqual(2048);
        expect([stdout.isWellFormed(), stdout.includes('\0')]).toEqual([true, false]);
        if (bytes.length > 2048) expect(stdoutTruncated).toBe(true);
      }),
    );
  });

  const cases: { name: string; text: string; kept: string; truncated: boolean }[] = [
    { name: 'exactly 2 KiB are whole', text: 'x'.repeat(2048), kept: 'x'.repeat(2048), truncated: false },
    { name: 'one byte more is cut', text: 'x'.repeat(2049), kept: 'x'.repeat(2048), truncated: true },
    {
      name: 'a character across the limit is left out',
      text: `${'x'.repeat(2047)}é!`,
      kept: 'x'.repeat(2047),
      truncated: true,
    },
    { name: 'a byte order mark stays', text: '\u{feff}x', kept: '\u{feff}x', truncated: false },
  ];
  for (const { name, text, kept, truncated } of cases) {
    test(name, ({ expect }) => {
      const reader = read(frame(1, Buffer.from(text)));
      expect(reader.heads()).toMatchObject({ stdout: kept, stdoutTruncated: truncated });
      expect(reader.isFull('stdout')).toBe(truncated);
    });
  }

  test('bytes that are no text become the sign for that', ({ expect }) => {
    expect(read(frame(2, Buffer.from([0xff, 0x41, 0xc3]))).heads().stderr).toBe('\u{fffd}A\u{fffd}');
  });
});
