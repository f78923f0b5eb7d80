import { expect, test } from 'vitest';
import type { Output, OutputChunk } from '../engines/engine.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { HeldBack } from './held-back.ts';

/** Fills one buffer again and again, as a socket does. */
function source(pieces: number, bytes: number): { taken: number; output: Output } {
  const buffer = Buffer.alloc(bytes);
  const iterator: AsyncIterator<readonly OutputChunk[]> = {
    next: async () => {
      if (state.taken === pieces) return { done: true, value: undefined };
      buffer.fill(state.taken);
      state.taken += 1;
      return { done: false, value: [{ stream: 'stdout', bytes: buffer }] };
    },
  };
  const state = { taken: 0, output: { [Symbol.asyncIterator]: () => iterator } };
  return state;
}

test('is read slowly until it is wanted, and then whole, in order', async () => {
  const clock = new FakeClock();
  const from = source(250, 64 * 1024);
  const held = new HeldBack(from.output, clock);
  await clock.advance(2_000);
  // Ten pieces of a pipe in the time that Docker gives a reader.
  expect(from.taken).toBe(11);
  const got: number[] = [];
  for (let next = await held.next(); next.done !== true; next = await held.next())
    got.push(next.value[0]?.bytes[0] ?? -1);
  expect(got).toEqual(Array.from({ length: 250 }, (_, i) => i));
});

test('takes no more than may wait in memory', async () => {
  const clock = new FakeClock();
  const from = source(1_000, 1024 * 1024);
  const held = new HeldBack(from.output, clock);
  await clock.advance(600_000);
  expect(from.taken).toBe(16);
  await held.return();
});

test('an error comes to whoever reads', async () => {
  const iterator = { next: () => Promise.reject(new Error('broken')) };
  const held = new HeldBack({ [Symbol.asyncIterator]: () => iterator }, new FakeClock());
  await expect(held.next()).rejects.toThrow('broken');
});
