import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_LOG_CHUNK_BYTES } from '@shoal/schema/limits';
import { isChunks, readChunks, STDERR } from '@shoal/schema/protocol/log-link';
import type { OutputChunk, Stream } from '../engines/engine.ts';
import { Chunker, Skipper } from './chunker.ts';

const chunk = fc.record({
  stream: fc.constantFrom<Stream>('stdout', 'stderr'),
  bytes: fc.uint8Array({ maxLength: 50 }),
});
const textOf = (output: readonly OutputChunk[], stream: Stream): string =>
  output
    .filter((one) => one.stream === stream)
    .map(({ bytes }) => Buffer.from(bytes).toString('latin1'))
    .join('');

test('what is printed is in the log as it came, however long and however often', () => {
  const chunker = new Chunker();
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 3_000 }), (output) => {
      const log = chunker.push(output);
      const read = [...readChunks(log)].map(({ stream, bytes, isNote }) => {
        expect(isNote).toBe(false);
        return { stream: stream === STDERR ? ('stderr' as const) : ('stdout' as const), bytes };
      });
      expect(isChunks(log)).toBe(true);
      expect(read.map(({ stream, bytes }) => [stream, [...bytes]])).toEqual(
        output.filter(({ bytes }) => bytes.length > 0).map(({ stream, bytes }) => [stream, [...bytes]]),
      );
    }),
  );
});

test('a chunk that is too long is split', () => {
  const long = Buffer.alloc(2 * MAX_LOG_CHUNK_BYTES + 1, 'x');
  const chunks = [...readChunks(new Chunker().push([{ stream: 'stdout', bytes: long }]))];
  expect(chunks.map(({ bytes }) => bytes.length)).toEqual([MAX_LOG_CHUNK_BYTES, MAX_LOG_CHUNK_BYTES, 1]);
});

test('however much is known, each byte that is not known comes once, in order', () => {
  const known = fc.record({ stdout: fc.nat(60), stderr: fc.nat(60) });
  fc.assert(
    fc.property(fc.array(fc.array(chunk, { maxLength: 4 })), known, (output, skip) => {
      const skipper = new Skipper(skip);
      const got = output.flatMap((chunks) => skipper.push(chunks));
      expect(textOf(got, 'stdout')).toBe(textOf(output.flat(), 'stdout').slice(skip.stdout));
      expect(textOf(got, 'stderr')).toBe(textOf(output.flat(), 'stderr').slice(skip.stderr));
    }),
  );
});
