import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_LOG_CHUNK_BYTES } from '@shoal/schema/limits';
import { encodeChunk, readChunks } from '@shoal/schema/protocol/log-link';
import { Chunker } from './chunker.ts';

const chunk = fc.record({ stream: fc.constantFrom(1, 2), bytes: fc.uint8Array({ maxLength: 50 }) });
const textOf = (data: Uint8Array, stream: number): string =>
  [...readChunks(data)]
    .filter((one) => one.stream === stream)
    .map(({ bytes }) => Buffer.from(bytes).toString('latin1'))
    .join('');

test('wherever the stream is cut and however much is known, each byte that is not known comes once, in order', () => {
  const known = fc.record({ stdout: fc.nat(60), stderr: fc.nat(60) });
  fc.assert(
    fc.property(fc.array(chunk), fc.array(fc.integer({ min: 1, max: 30 })), known, (chunks, cuts, skip) => {
      const stream = Buffer.concat(chunks.map(encodeChunk));
      const chunker = new Chunker(skip);
      const got: Buffer[] = [];
      let at = 0;
      for (const cut of [...cuts, stream.length]) {
        got.push(Buffer.from(chunker.push(stream.subarray(at, Math.min(at + cut, stream.length)))));
        at = Math.min(at + cut, stream.length);
      }
      const all = Buffer.concat(got);
      expect(textOf(all, 1)).toBe(textOf(stream, 1).slice(skip.stdout));
      expect(textOf(all, 2)).toBe(textOf(stream, 2).slice(skip.stderr));
    }),
  );
});

test('a chunk that is too long is split', () => {
  const long = encodeChunk({ stream: 1, bytes: Buffer.alloc(2 * MAX_LOG_CHUNK_BYTES + 1, 'x') });
  const chunks = [...readChunks(new Chunker().push(Buffer.from(long)))];
  expect(chunks.map(({ bytes }) => bytes.length)).toEqual([MAX_LOG_CHUNK_BYTES, MAX_LOG_CHUNK_BYTES, 1]);
});
