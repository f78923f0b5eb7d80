import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import type { OutputChunk, Stream } from '../engines/engine.ts';
import { HeadReader } from './heads.ts';

const chunk = (stream: Stream, bytes: Uint8Array): OutputChunk => ({ stream, bytes });

function read(...chunks: readonly OutputChunk[]): HeadReader {
  const reader = new HeadReader();
  for (const one of chunks) reader.push(one);
  return reader;
}

describe('the heads of a container’s streams', () => {
  test('do not depend on how the output is cut into chunks', ({ expect }) => {
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    const parts = fc.array(fc.tuple(fc.constantFrom<Stream>('stdout', 'stderr'), text), { maxLength: 12 });
    fc.assert(
      fc.property(parts, fc.integer({ min: 1, max: 20 }), (printed, size) => {
        const pieces = printed.flatMap(([stream, one]) => {
          const bytes = Buffer.from(one);
          return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            chunk(stream, bytes.subarray(i * size, (i + 1) * size)),
          );
        });
        const joined = (wanted: Stream): string =>
          printed
            .filter(([stream]) => stream === wanted)
            .map(([, one]) => one)
            .join('')
            .replaceAll('\0', '\u{fffd}');
        expect(read(...pieces).heads()).toEqual({
          stdout: joined('stdout'),
          stdoutTruncated: false,
          stderr: joined('stderr'),
          stderrTruncated: false,
        });
      }),
    );
  });

  test('are at most 2 KiB of well-formed text, whatever the bytes', ({ expect }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
        const { stdout, stdoutTruncated } = read(chunk('stdout', Buffer.from(bytes))).heads();
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
      const reader = read(chunk('stdout', Buffer.from(text)));
      expect(reader.heads()).toMatchObject({ stdout: kept, stdoutTruncated: truncated });
    });
  }

  test('bytes that are no text become the sign for that', ({ expect }) => {
    expect(read(chunk('stderr', Buffer.from([0xff, 0x41, 0xc3]))).heads().stderr).toBe('\u{fffd}A\u{fffd}');
  });
});
