import { expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { BatchWriter } from './batch-writer.ts';

const piece = (name: number): Buffer => Buffer.alloc(64 * 1024, name);

test('what comes during a write is written together, in order', async () => {
  const written: string[] = [];
  const writer = new BatchWriter(new FakeClock(), async (chunks) => void written.push(chunks.toString()));
  await Promise.all(['a', 'b', 'c'].map((text) => writer.add(Buffer.from(text))));
  await writer.done();
  expect(written).toEqual(['a', 'bc']);
});

test('a buffer may be filled again as soon as it was handed over', async () => {
  let goOn = (): void => {};
  const hanging = new Promise<void>((resolve) => (goOn = resolve));
  const written: string[] = [];
  const writer = new BatchWriter(new FakeClock(), async (chunks) => {
    await hanging;
    written.push(chunks.toString());
  });
  const buffer = Buffer.alloc(1);
  for (const text of ['a', 'b', 'c']) {
    buffer.write(text);
    await writer.add(buffer);
  }
  buffer.write('x');
  goOn();
  await writer.done();
  expect(written.join('')).toBe('abc');
});

test('a disk that hangs slows its source down, does not stop it, and does not fill the memory', async () => {
  const clock = new FakeClock();
  let goOn = (): void => {};
  const hanging = new Promise<void>((resolve) => (goOn = resolve));
  const written: number[] = [];
  const writer = new BatchWriter(clock, async (chunks) => {
    await hanging;
    written.push(...chunks.filter((_, at) => at % (64 * 1024) === 0));
  });
  let taken = 0;
  const source = (async () => {
    for (; taken < 500; taken += 1) await writer.add(piece(taken % 256));
  })();
  await clock.advance(0);
  const atOnce = taken;
  expect(atOnce).toBeLessThan(8);
  // Docker waits two seconds for a reader: by then it has to have got rid of a pipe and of what was on its way.
  await clock.advance(2_000);
  expect((taken - atOnce) * 64).toBeGreaterThan(256);
  expect(taken).toBeLessThan(30);
  await clock.advance(600_000);
  expect(taken * 64).toBeLessThan(17 * 1024);
  goOn();
  await source;
  await writer.done();
  expect(written).toEqual(Array.from({ length: 500 }, (_, i) => i % 256));
});
