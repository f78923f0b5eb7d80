import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Output } from '../engine.ts';
import { demultiplex } from './output.ts';

/** As Docker frames it: the stream, three zeros, the length as 32 bits, and so many bytes. */
function frame(stream: 1 | 2, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** Fills one buffer again and again, as a socket does. */
async function* cut(stream: Buffer, size: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < stream.length; at += size) {
    yield buffer.subarray(0, stream.copy(buffer, 0, at, at + size));
  }
}

async function read(output: Output): Promise<[string, string][]> {
  const all: [string, string][] = [];
  for await (const chunks of output) {
    for (const { stream, bytes } of chunks) all.push([stream, Buffer.from(bytes).toString('latin1')]);
  }
  return all;
}

test('wherever the connection cuts the stream, its chunks come as Docker wrote them', async () => {
  const chunk = fc.tuple(fc.constantFrom(1 as const, 2 as const), fc.uint8Array({ maxLength: 50 }));
  await fc.assert(
    fc.asyncProperty(fc.array(chunk), fc.integer({ min: 1, max: 70 }), async (chunks, size) => {
      const stream = Buffer.concat(chunks.map(([of, bytes]) => frame(of, bytes)));
      expect(await read(demultiplex(cut(stream, size)))).toEqual(
        chunks.map(([of, bytes]) => [of === 1 ? 'stdout' : 'stderr', Buffer.from(bytes).toString('latin1')]),
      );
    }),
  );
});

test('a reader that leaves ends the connection, also while it waits for more', async () => {
  const never = Promise.withResolvers<IteratorResult<Uint8Array>>();
  let left = false;
  const source: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => never.promise,
      return: async () => {
        left = true;
        never.resolve({ done: true, value: undefined });
        return { done: true, value: undefined };
      },
    }),
  };
  const output = demultiplex(source)[Symbol.asyncIterator]();
  const next = output.next();
  await output.return?.();
  expect(left).toBe(true);
  expect(await next).toMatchObject({ done: true });
});
